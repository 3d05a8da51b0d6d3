/** Moments as the clock on the wall of a place shows them. */
import { htmlLanguage } from "./words.ts";

/** `HH:mm` on the same day as another moment, else with the day. */
export function clockTime(at: string, beside: string, zone: string): string {
  const [moment, other] = [new Date(at), new Date(beside)];
  const isSameDay = dayOf(moment, zone) === dayOf(other, zone);
  return new Intl.DateTimeFormat(htmlLanguage(), {
    timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(isSameDay ? {} : { month: "numeric", day: "numeric" }),
  }).format(moment);
}

/** `YYYY-MM-DD`. */
export function dayOf(at: Date, zone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(at);
}
