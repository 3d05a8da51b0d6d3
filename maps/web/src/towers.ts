/** Towers divided by floors: which units are bands of one, and the badge that says so on the map. */
import * as L from "leaflet";
import { element } from "./dom.ts";
import { place } from "./places.ts";
import type { IndexedLayer } from "./scene.ts";
import { t } from "./words.ts";

/** Nearer than this the badges are told apart. */
const BADGE_ZOOM = 16;

export interface Band {
  unit: number;
  lowest: number;
  highest: number;
}

/** The bands of each tower by its id, the lowest floors first. */
export function towersOf(units: IndexedLayer): Map<string, Band[]> {
  const towers = new Map<string, Band[]>();
  if (!units.has("divided_from")) return towers;
  for (let unit = 0; unit < units.count; unit++) {
    const tower = units.text("divided_from", unit);
    const [lowest, highest] = [units.number("floor_from", unit), units.number("floor_to", unit)];
    if (!tower || lowest === null || highest === null) continue;
    towers.set(tower, [...(towers.get(tower) ?? []), { unit, lowest, highest }]);
  }
  for (const bands of towers.values()) bands.sort((a, b) => a.lowest - b.lowest);
  return towers;
}

/** A badge over each tower: in how many bands it is divided, and their floors. */
export class TowerBadges extends L.Layer {
  /** Made when the map first comes near enough. */
  private badges: L.LayerGroup | null = null;
  private host: L.Map | null = null;

  constructor(private readonly units: IndexedLayer) {
    super();
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    this.follow();
    return this;
  }

  override onRemove(): this {
    this.badges?.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return { zoomend: () => this.follow() };
  }

  private follow(): void {
    if (!this.host) return;
    if (this.host.getZoom() >= BADGE_ZOOM) (this.badges ??= L.layerGroup(badgesOf(this.units))).addTo(this.host);
    else this.badges?.remove();
  }
}

function badgesOf(units: IndexedLayer): L.Marker[] {
  return [...towersOf(units)].flatMap(([tower, bands]) => {
    const middle = units.middle((bands[0] as Band).unit);
    if (!middle) return [];
    const floors = bands.map(({ lowest, highest }) => t("tower.floors", { lowest, highest })).join(t("list.comma"));
    const said = t("tower.badge", { tower, bands: bands.length, floors });
    const html = element("span", { class: "tower-badge" }, `⇅${bands.length}`);
    html.title = said;
    const icon = L.divIcon({ html, className: "tower-mark", iconSize: [30, 18] });
    return [L.marker(place(middle), { icon, interactive: false, keyboard: false, alt: said })];
  });
}
