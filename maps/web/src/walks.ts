/** The legend of a map of walks: who reaches a station in how many minutes, and what each further one adds. */
import { element, typed } from "./dom.ts";
import { hatchOver } from "./hatch.ts";
import { drawStation, iconCanvas } from "./icons.ts";
import { walkStyle } from "./paint.ts";
import type { Settings, SiteGain, WalkNote } from "./schema.ts";
import { formatCount, formatShare, t } from "./words.ts";

/** Of the places that could follow, so many are charted. */
const FURTHER = 20;

/** What stands above the other legends; nothing on other maps. */
export function walkLegend(settings: Settings): HTMLElement[] {
  const { walk } = settings;
  if (!walk) return [];
  const total = walk.households.reduce((sum, count) => sum + count, 0);
  const rows = element("ul", { class: "rows" });
  walk.households.forEach((households, row) => {
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    hatchOver(swatch, walkStyle(settings.styles, row, walk.households.length));
    rows.append(element("li", { "data-walk": row }, swatch, element("span", { class: "name" }, nameOf(walk, row)),
      element("span", { class: "number" }, `${formatCount(households)} (${formatShare(total ? households / total : 0)})`)));
  });
  if (walk.blank) {
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = settings.styles.ink.land;
    rows.append(element("li", { "data-walk": "blank" }, swatch, element("span", { class: "name" }, t("walk.blank"))));
  }
  const further = (walk.further ?? []).slice(0, FURTHER);
  const parts: HTMLElement[] = [element("section", { class: "legend walks", "data-ground": "walk" },
    element("h2", {}, t(walk.straight ? "walk.straight" : "walk.title")), rows)];
  if (walk.moment) parts.push(momentLegend(settings, walk.moment));
  const most = Math.max(1, ...[...(walk.sites ?? []), ...further].map((gain) => added(walk, gain)));
  if (walk.sites?.length) {
    parts.push(element("section", { class: "legend gains" }, element("h2", {}, t("walk.sites")),
      chart(walk, walk.sites, most), element("p", { class: "hint" }, walk.proved ? t("walk.proved") : t("walk.gap", { gap: gapText(walk.gap ?? 0) }))));
  }
  if (further.length) {
    parts.push(element("section", { class: "legend gains" }, element("h2", {}, t("walk.further")), chart(walk, further, most, walk.sites?.length ?? 0)));
  }
  return parts;
}

/** When it is, and which stations are open then; the others are on the map too. */
function momentLegend({ styles }: Settings, moment: NonNullable<WalkNote["moment"]>): HTMLElement {
  const { station, station_shut: shut } = styles.ink;
  const rows = element("ul", { class: "rows" });
  for (const [standing, fill, sign] of [["open", station, null], ["shut", shut, null], ["unknown", shut, "?"]] as const) {
    if (standing === "unknown" && !moment.unknown) continue;
    rows.append(element("li", { "data-standing": standing }, iconCanvas(22, (pen, middle) => drawStation(pen, middle, middle, 17, fill, sign)),
      element("span", { class: "name" }, t(`walk.standing.${standing}`)), element("span", { class: "number" }, formatCount(moment[standing]))));
  }
  return element("section", { class: "legend moment" }, element("h2", {}, t("walk.moment", { at: moment.at })), rows);
}

function nameOf(walk: WalkNote, row: number): string {
  const minutes = walk.minutes[row];
  if (walk.capacity !== undefined) return row ? t("walk.unserved") : t("walk.served", { minutes: minutes ?? 0, capacity: formatCount(walk.capacity) });
  if (minutes === undefined) return t("walk.beyond", { minutes: walk.minutes[row - 1] ?? 0 });
  return row ? t("walk.between", { from: walk.minutes[row - 1] ?? 0, to: minutes }) : t("walk.within", { minutes });
}

/** The households that a place adds, or the household-minutes that it saves. */
function added(walk: WalkNote, gain: SiteGain): number {
  return walk.aim === "nearest" ? Math.round(gain.saved) : gain.gained;
}

/** To the digits of the command line: a gap is never told as none. */
function gapText(gap: number): string {
  return `${(Math.max(gap, 0.0001) * 100).toFixed(2)}%`;
}

/** One bar for each place; the longest of all tables stands for `most`. */
function chart(walk: WalkNote, gains: readonly SiteGain[], most: number, before = 0): HTMLElement {
  const isShorter = walk.aim === "nearest";
  const rows = element("tbody");
  gains.forEach((gain, i) => {
    const { name, share } = gain;
    const more = added(walk, gain);
    const bar = element("span", { class: "gain", "aria-hidden": "true" });
    bar.style.width = `${Math.max((100 * more) / most, more ? 1 : 0)}%`;
    rows.append(element("tr", {}, element("th", { scope: "row", class: "number" }, String(before + i + 1)),
      element("td", { class: "place" }, typed(name), bar), element("td", { class: "number" }, `${isShorter ? "" : "+"}${formatCount(more)}`),
      element("td", { class: "number" }, formatShare(share))));
  });
  const heading = (label: string, name?: string) => element("th", { scope: "col", class: name }, label);
  return element("table", {}, element("thead", {}, element("tr", {}, heading(t("walk.n"), "number"), heading(t("walk.place")),
    heading(t(isShorter ? "walk.saved" : "walk.gained"), "number"), heading(t(walk.capacity === undefined ? "walk.share" : "walk.served_share"), "number"))), rows);
}
