/** Moments, spans and deadlines of cases in words. */
import { element } from "./dom.ts";
import { htmlLanguage, t } from "./words.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Less than this is left: it is shown as due soon. */
const SOON_MS = 4 * HOUR_MS;

let zone = "Asia/Shanghai";

/** Moments are told in the zone of the calendar by which the service reckons. */
export function useZone(name: string): void {
  zone = name;
}

/** The word of a group for a code; the code itself where a city has one of its own. */
export function word(group: string, code: string): string {
  const key = `case.${group}.${code}`;
  const said = t(key);
  return said === key ? code : said;
}

export function moment(at: string): string {
  return new Intl.DateTimeFormat(htmlLanguage(), {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(new Date(at));
}

/** Without its year, where that goes without saying. */
export function shortMoment(at: string): string {
  return new Intl.DateTimeFormat(htmlLanguage(), {
    timeZone: zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(new Date(at));
}

export function timeElement(at: string): HTMLElement {
  return element("time", { datetime: at }, moment(at));
}

/** Two units at most: days and hours, hours and minutes, or minutes. */
export function span(ms: number): string {
  const length = Math.max(0, ms);
  const days = Math.floor(length / DAY_MS);
  const hours = Math.floor((length % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((length % HOUR_MS) / MINUTE_MS);
  const parts: [string, number][] = days ? [["cases.days", days], ["cases.hours", hours]] : hours ? [["cases.hours", hours], ["cases.minutes", minutes]] : [["cases.minutes", minutes]];
  return parts.filter(([, n], i) => n > 0 || i === 0).map(([key, n]) => t(key, { n })).join(" ");
}

export interface DueWords {
  text: string;
  tone: "late" | "soon" | "calm" | "none";
}

/** How a deadline stands: against the moment when it was met, or now. */
export function dueWords(dueAt: string | null, metAt: string | null, isOpen: boolean, now = Date.now()): DueWords {
  if (!dueAt) return { text: t("cases.no_deadline"), tone: "none" };
  const left = new Date(dueAt).getTime() - (metAt ? new Date(metAt).getTime() : now);
  if (metAt) return left < 0 ? { text: t("cases.was_late", { span: span(-left) }), tone: "late" } : { text: t("cases.was_on_time"), tone: "calm" };
  if (!isOpen) return { text: "–", tone: "none" };
  if (left < 0) return { text: t("cases.late_by", { span: span(-left) }), tone: "late" };
  return { text: t("cases.left", { span: span(left) }), tone: left < SOON_MS ? "soon" : "calm" };
}

const DONE = new Set(["closed", "appraised", "cancelled"]);

export function isOpen(state: string): boolean {
  return !DONE.has(state);
}

export function stateTag(state: string): HTMLElement {
  return element("span", { class: `state s-${state}` }, word("state", state));
}
