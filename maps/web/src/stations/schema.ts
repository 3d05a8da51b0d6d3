/** Stations as `api/routes/station_register.py` tells of them, and how they are shown. */
import { element } from "../dom.ts";
import { language, t } from "../words.ts";

export interface Item {
  item: string;
  name: string;
  state: "working" | "grey" | "broken" | "missing";
  checked_on: string | null;
}

export interface Station {
  station_id: string;
  revision: number;
  name: string;
  type: string | null;
  community: string;
  community_name: string | null;
  facilities: string[];
  opening_hours: string | null;
  is_open: boolean | null;
  until: string | null;
  hours_read: boolean;
  checklist: string | null;
  items: Item[];
}

export interface StationFeature {
  id: number;
  geometry: { coordinates: [number, number] };
  properties: Station;
}

/** A checklist names things in Chinese; other readers see what is known by the code. */
export function itemName({ item, name }: Pick<Item, "item" | "name">): string {
  const key = `facility.${item}`;
  const known = t(key);
  return language() === "zh_CN" || known === key ? name : known;
}

export function lackingOf(station: Station): Item[] {
  return station.items.filter(({ state }) => state !== "working");
}

/** What one sees at a glance: open until, shut, or not told. */
export function hoursOf(station: Station, now: string, clock: (at: string, beside: string) => string): HTMLElement {
  if (station.is_open === null) return element("span", { class: "hours none" }, t(station.hours_read ? "stations.no_hours" : "stations.hours_not_read"));
  const at = station.until === null ? null : clock(station.until, now);
  if (station.is_open) return element("span", { class: "hours open" }, at === null ? t("stations.open") : t("stations.open_until", { at }));
  return element("span", { class: "hours shut" }, t("stations.shut"), at === null ? null : element("span", { class: "soft" }, t("stations.opens", { at })));
}

/** A chip for each thing of the checklist; its state is said in words, not by colour alone. */
export function itemChips(station: Station, items: readonly Item[] = station.items): HTMLElement {
  if (!station.checklist) return element("span", { class: "soft" }, t("stations.no_checklist"));
  if (!items.length) return element("span", { class: "soft" }, t("stations.nothing_listed"));
  return element("ul", { class: "chips" }, ...items.map((one) => {
    const state = t(`stations.state.${one.state}`);
    const title = one.checked_on === null ? t("stations.item_never", { name: itemName(one), state }) : t("stations.item_title", { name: itemName(one), state, on: one.checked_on });
    return element("li", { class: `chip i-${one.state}`, title },
      element("span", {}, itemName(one)), one.state === "working" ? element("span", { class: "away" }, state) : element("i", {}, state));
  }));
}
