/** Times as a reader writes them: stamps of cases and files, opening hours of stations. */
import { language, t } from "./words.ts";

const STAMP = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/i;
const IN_UTC = /^(Z|[+-]00:?00)$/i;

const DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const DAY = `(?:${DAYS.join("|")}|PH)`;
const HOURS = String.raw`\d{1,2}:\d{2}\s*[-\u2013\u2014~\uFF5E]\s*\d{1,2}:\d{2}`;
const RULE = new RegExp(`^(${DAY}(?:-${DAY})?(?:,\\s*${DAY}(?:-${DAY})?)*)?\\s*(${HOURS}(?:,\\s*${HOURS})*|off|closed)$`);

/**
 * A date, with or without a time, in the reader's language; what is no date stays as it is.
 *
 * A time that names the offset of its place, or none, is told by the clock of that place; one in UTC by the reader's.
 */
export function formatMoment(text: string): string {
  const found = STAMP.exec(text.trim());
  if (!found) return text;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number, number, number, number, number, number];
  const moment = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal = moment.getUTCMonth() === month - 1 && moment.getUTCDate() === day && moment.getUTCHours() === hour &&
    moment.getUTCMinutes() === minute;
  if (!isReal) return text;
  // Written here: a formatter of the browser's takes longer to make than all the rest of the page says.
  const isLocal = IN_UTC.test(found[7] ?? "");
  const [y, m, d, h, min] = isLocal
    ? [moment.getFullYear(), moment.getMonth(), moment.getDate(), moment.getHours(), moment.getMinutes()]
    : [year, month - 1, day, hour, minute];
  const told = t("moment.day", { year: String(y), month: t("moment.months").split(" ")[m] as string, day: String(d) });
  if (found[4] === undefined) return told;
  return t("moment.at", { day: told, time: [h, min].map((part) => String(part).padStart(2, "0")).join(":") });
}

/** Opening hours written as OpenStreetMap does (`Mo-Fr 08:30-18:00; Sa 09:00-12:00`), in words; others as they are. */
export function formatHours(text: string): string {
  const told = text.split(/[;\uFF1B]/).map((rule) => rule.trim()).filter((rule) => rule !== "").map(formatRule);
  return told.includes(null) ? text : told.join(t("hours.then"));
}

function formatRule(rule: string): string | null {
  if (rule === "24/7") return t("hours.always");
  const found = RULE.exec(rule);
  if (!found) return null;
  const days = found[1]?.split(/,\s*/).map((span) => {
    const [first, last] = span.split("-").map(dayName);
    return last === undefined ? first : t("hours.days", { first: first as string, last });
  });
  const isOpen = /\d/.test(found[2] as string);
  const hours = isOpen
    ? (found[2] as string).split(/,\s*/).map((span) => {
      const [from, to] = span.split(/\s*[-\u2013\u2014~\uFF5E]\s*/) as [string, string];
      return t("hours.span", { from, to });
    })
    : [t("hours.closed")];
  return [...(days ? [days.join(t("list.comma"))] : []), hours.join(t("list.comma"))].join(" ");
}

function dayName(code: string): string {
  const position = DAYS.indexOf(code);
  if (position < 0) return t("hours.holidays");
  // The first of January 2024 was a Monday.
  const format = new Intl.DateTimeFormat(language() === "zh_CN" ? "zh-CN" : "en-GB", { weekday: "short", timeZone: "UTC" });
  return format.format(new Date(Date.UTC(2024, 0, 1 + position)));
}
