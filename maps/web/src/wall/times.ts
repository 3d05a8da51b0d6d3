/** Moments of a wall, in the time zone in which its days begin. */
import { htmlLanguage, t } from "../words.ts";

export class Times {
  private readonly second: Intl.DateTimeFormat;
  private readonly minute: Intl.DateTimeFormat;
  private readonly parts: Intl.DateTimeFormat;

  constructor(zone: string) {
    this.second = new Intl.DateTimeFormat(htmlLanguage(), { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
    this.minute = new Intl.DateTimeFormat(htmlLanguage(), {
      timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
    });
    this.parts = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
    });
  }

  clock(moment: number): string {
    return this.second.format(moment);
  }

  day(moment: number): string {
    return this.minute.format(moment);
  }

  /** The local day (YYYY-MM-DD) and the minute of it. */
  local(moment: number): { day: string; minute: number } {
    const said: Record<string, string> = {};
    for (const { type, value } of this.parts.formatToParts(moment)) said[type] = value;
    return { day: `${said.year}-${said.month}-${said.day}`, minute: (Number(said.hour) % 24) * 60 + Number(said.minute) };
  }

  /** The instant of a minute of a local day: guessed in UTC and mended by what the zone makes of it. */
  instant(day: string, minute: number): number {
    const wanted = Date.parse(`${day}T00:00:00Z`) + minute * 60_000;
    let guess = wanted;
    for (let turn = 0; turn < 2; turn++) {
      const is = this.local(guess);
      guess += wanted - (Date.parse(`${is.day}T00:00:00Z`) + is.minute * 60_000);
    }
    return guess;
  }
}

/** How long, in the largest two units. */
export function span(milliseconds: number): string {
  const minutes = Math.floor(Math.abs(milliseconds) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days) return t("wall.span.days", { days, hours });
  if (hours) return t("wall.span.hours", { hours, minutes: minutes % 60 });
  return t("wall.span.minutes", { minutes });
}
