/** What is lacking: things of the checklists, and micro-grids without a station of their own. */
import * as L from "leaflet";
import { askService } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import { itemChips, type StationFeature } from "./schema.ts";

interface GridFeature {
  id: string;
  geometry: { coordinates: [number, number] };
  properties: { community: string; grid: string; name: string | null; households: number };
}

interface Gaps {
  day: string;
  stations: StationFeature[];
  without_checklist: number;
  grids: GridFeature[];
}

/** Show them; an answer that is not awaited any more is not shown. */
export async function gapsSheet(
  root: HTMLElement, asked: URLSearchParams, isAwaited: () => boolean, onStation: (id: number) => void, onPlace: (at: L.LatLng) => void,
  areaName: (code: string) => string,
): Promise<void> {
  const told = await askService<Gaps>(`/api/v1/stations/gaps?${asked}`, { method: "GET" });
  if (!isAwaited()) return;
  if (!told.ok) {
    root.replaceChildren(element("p", { class: "refused" }, t("stations.failed", { detail: told.detail })));
    return;
  }
  const { stations, grids, without_checklist: without } = told.body;
  const heads = (...keys: string[]) => element("thead", {}, element("tr", {}, ...keys.map((key) => element("th", { scope: "col" }, t(key)))));
  root.replaceChildren(
    element("h2", {}, t("stations.gaps_stations", { count: stations.length })),
    stations.length
      ? element("table", { class: "register" }, heads("stations.col.name", "stations.gap.lacks"),
          element("tbody", {}, ...stations.map((station) => {
            const name = button("", () => onStation(station.id), { class: "link" });
            name.append(typed(station.properties.name));
            return element("tr", {}, element("th", { scope: "row" }, name, element("span", { class: "soft" }, typed(station.properties.type ?? ""))), element("td", {}, itemChips(station.properties)));
          })))
      : element("p", { class: "empty" }, t("stations.gaps_none")),
    without ? element("p", { class: "soft" }, t("stations.gaps_without", { count: without })) : element("p", {}),
    element("h2", {}, t("stations.gaps_grids", { count: grids.length })),
    grids.length
      ? element("table", { class: "register" }, heads("stations.gap.grid", "stations.col.community", "stations.gap.households"),
          element("tbody", {}, ...grids.map(({ geometry: { coordinates: [lon, lat] }, properties }) => {
            const code = button("", () => onPlace(L.latLng(lat, lon)), { class: "link" });
            code.append(typed(properties.name ?? properties.grid));
            return element("tr", {}, element("th", { scope: "row" }, code, properties.name ? element("span", { class: "soft" }, typed(properties.grid)) : null),
              element("td", {}, typed(areaName(properties.community))), element("td", { class: "number" }, formatCount(properties.households)));
          })))
      : element("p", { class: "empty" }, t("stations.gaps_no_grids")),
  );
}
