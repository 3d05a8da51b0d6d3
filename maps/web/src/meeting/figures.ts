/** Figures of cases: by day, by class, and how many were closed in time. Pure. */
import type { IndexedLayer } from "../scene.ts";

export const DAY_MIN = 1440;

export interface CaseTimes {
  count: number;
  /** Minutes since 1970 by the clock of the place; null for none. */
  reported(incident: number): number | null;
  closed(incident: number): number | null;
  kind(incident: number): string;
  /** Is anything known of when cases were closed? */
  tellsClosing: boolean;
}

export function caseTimes(layer: IndexedLayer): CaseTimes {
  return {
    count: layer.count,
    reported: (incident) => layer.number("reported_min", incident),
    closed: (incident) => layer.number("closed_min", incident),
    kind: (incident) => layer.text("kind", incident),
    tellsClosing: layer.has("closed_min"),
  };
}

export interface Days {
  /** Days since 1970. */
  first: number;
  counts: number[];
}

/** Cases by day of report, from the first day to the last; null where no day is known. */
export function byDay(cases: CaseTimes, isChosen: (incident: number) => boolean, period: [first: number, last: number] | null): Days | null {
  let [first, last] = period ?? [Infinity, -Infinity];
  if (!period) {
    for (let i = 0; i < cases.count; i++) {
      const at = cases.reported(i);
      if (at === null) continue;
      first = Math.min(first, Math.floor(at / DAY_MIN));
      last = Math.max(last, Math.floor(at / DAY_MIN));
    }
  }
  if (!(last >= first) || last - first > MOST_DAYS) return null;
  const counts = new Array<number>(last - first + 1).fill(0);
  for (let i = 0; i < cases.count; i++) {
    const at = cases.reported(i);
    if (at === null || !isChosen(i)) continue;
    const day = Math.floor(at / DAY_MIN) - first;
    if (day >= 0 && day < counts.length) counts[day] = (counts[day] as number) + 1;
  }
  return { first, counts };
}

/** A slip of the key, such as the year 1026, must not make a million bars. */
const MOST_DAYS = 3660;

export interface ByClass {
  kind: string;
  count: number;
}

/** Cases by class, the most frequent first. */
export function byClass(cases: CaseTimes, isChosen: (incident: number) => boolean): ByClass[] {
  const counts = new Map<string, number>();
  for (let i = 0; i < cases.count; i++) if (isChosen(i)) counts.set(cases.kind(i), (counts.get(cases.kind(i)) ?? 0) + 1);
  return [...counts].map(([kind, count]) => ({ kind, count })).sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1));
}

export interface InTime {
  /** Closed in time, or reported long enough ago to have been. */
  due: number;
  /** Of these: closed in time. */
  closed: number;
  /** Still in time and not closed. */
  waiting: number;
}

/**
 * How many cases were closed within some days of their report, as seen at a moment (as `api/cases/figures.py`);
 * what was closed before it was reported counts in neither part.
 */
export function closedInTime(cases: CaseTimes, isChosen: (incident: number) => boolean, withinDays: number, nowMin: number): InTime {
  const found = { due: 0, closed: 0, waiting: 0 };
  for (let i = 0; i < cases.count; i++) {
    const at = isChosen(i) ? cases.reported(i) : null;
    if (at === null) continue;
    const end = at + withinDays * DAY_MIN;
    const closed = cases.closed(i);
    if (closed !== null && closed < at) continue; // one of the two times is wrong
    if (closed !== null && closed <= Math.min(end, nowMin)) {
      found.closed++;
      found.due++;
    } else if (end <= nowMin) found.due++;
    else found.waiting++;
  }
  return found;
}

/** Minutes of a stamp such as 2026-11-30T08:00:00+08:00 by the clock it was written by; null where it is none. */
export function minuteOf(stamp: string): number | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?/.exec(stamp);
  if (!found) return null;
  const [year, month, day, hour, minute] = found.slice(1, 6).map((part) => Number(part ?? 0)) as [number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute) / 60_000;
}
