/** What is said of the cases that the map shows, where these are not all: how many of how many, days, classes, states. */
import type { Counted, Incidents } from "../incidents.ts";
import { formatCount, t } from "../words.ts";

/** A line on paper: more names, or longer ones, would push the map off the sheet. */
const MOST_NAMED = 6;
const LONGEST_NAME = 16;

/** The days that the slider chose, in words, and the cases of them. */
export interface ChosenDays extends Counted {
  told: string;
}

/** For the panel, where classes and states are ticked beside it. */
export function shownInDays(incidents: Incidents, { told, placed, placeless }: ChosenDays): string {
  return [
    t("meeting.shown.in_days", { shown: formatCount(placed), count: formatCount(incidents.layer.count), days: told }),
    ...(placeless ? [t("meeting.shown.placeless", { placeless })] : []),
  ].join(t("hours.then"));
}

/** For paper, which shows no ticks; null where all are shown. */
export function shownOnPaper(incidents: Incidents, days: ChosenDays | null): string | null {
  const { placeless } = days ?? incidents;
  if (!days && !incidents.isFiltered && !placeless) return null;
  const all = t("meeting.shown.cases", { shown: formatCount(incidents.chosen), count: formatCount(incidents.layer.count) });
  return [
    ...(days ? [shownInDays(incidents, days)] : [all, ...(placeless ? [t("meeting.shown.placeless", { placeless })] : [])]),
    ...chosen("kind", incidents.kinds, incidents.hiddenKinds),
    ...chosen("state", incidents.states, incidents.hiddenStates),
  ].join(t("hours.then"));
}

/** Those shown or those left out, whichever are fewer to read. */
function chosen(column: "kind" | "state", values: readonly [string, number][], hidden: ReadonlySet<string>): string[] {
  if (!hidden.size) return [];
  const isShort = 2 * hidden.size <= values.length;
  const named = values.map(([value]) => value).filter((value) => hidden.has(value) === isShort);
  const names = named.slice(0, MOST_NAMED).map((value) => shortened(value || t("incidents.none"))).join(t("list.comma"));
  const more = named.length - MOST_NAMED;
  return [t(`meeting.shown.${isShort ? "without" : "only"}_${column}`, { names: more > 0 ? t("meeting.shown.more", { names, count: more }) : names })];
}

function shortened(name: string): string {
  const letters = [...name];
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME).join("")}\u2026` : name;
}
