/** Places that an address may mean, among the project's own: a building is a point, a street is its line. */
import * as L from "leaflet";
import type { GeoJsonObject } from "geojson";
import { askService } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { formatCount, t } from "../words.ts";

export interface FoundPlace {
  kind: "building" | "stairwell" | "compound" | "street" | "crossing";
  name: string;
  score: number;
  rests_on: string[];
  /** Codes, and names beside them. */
  communities: string[];
  community_names: string[];
  /** Null for what is no point. */
  lon: number | null;
  lat: number | null;
  accuracy_m: number;
  geometry: GeoJsonObject;
}

interface Found {
  decided: boolean;
  candidates: FoundPlace[];
}

/** What was chosen: a point, or the code and the name of a community in which the street lies. */
export type Chosen = { at: { lon: number; lat: number } } | { area: string; name: string };

const LEAST_LETTERS = 2;
const MOST = 5;

/** The list of candidates below the field of an address. Nothing is taken before it is chosen. */
export class Addresses {
  private turn = 0;
  private shape: L.GeoJSON | null = null;

  constructor(private readonly root: HTMLElement, private readonly map: () => L.Map | null, private readonly choose: (chosen: Chosen) => void) {}

  async look(said: string): Promise<void> {
    const turn = ++this.turn;
    this.clear();
    if (said.trim().length < LEAST_LETTERS) return;
    const asked = new URLSearchParams({ q: said.trim(), limit: String(MOST) });
    const told = await askService<Found>(`/api/v1/places?${asked}`, { method: "GET" });
    if (turn !== this.turn || !told.ok) return;
    const { candidates } = told.body;
    if (!candidates.length) {
      this.root.replaceChildren(element("p", { class: "soft" }, t("report.address.none")));
      return;
    }
    this.root.replaceChildren(
      element("p", { class: "soft" }, t("report.address.which")),
      element("ul", {}, ...candidates.flatMap((place) => this.rows(place)).map((row) => element("li", {}, row))),
    );
  }

  /** Take the list and the drawn line away. */
  clear(): void {
    this.shape?.remove();
    this.shape = null;
    this.root.replaceChildren();
  }

  /** A street that runs through several communities is asked about in each. */
  private rows(place: FoundPlace): HTMLElement[] {
    const { lon, lat } = place;
    const share = t("report.address.score", { score: formatCount(Math.round(100 * place.score)) });
    const row = (chosen: Chosen, ...said: (HTMLElement | string)[]) => {
      const made = button("", () => {
        this.clear();
        if (!("at" in chosen)) this.draw(place);
        this.choose(chosen);
      }, { class: "quiet" });
      const lacks = place.rests_on.includes("number_unknown") ? [element("span", { class: "soft" }, t("report.address.number_unknown"))] : [];
      made.append(typed(place.name), " ", ...said, ...lacks, element("span", { class: "soft" }, share));
      return made;
    };
    const kind = t(`report.address.kind.${place.kind}`);
    if (lon !== null && lat !== null) return [row({ at: { lon, lat } }, element("span", { class: "soft" }, kind))];
    return place.communities.map((area, i) => {
      const name = place.community_names[i] ?? area;
      return row({ area, name }, element("span", { class: "soft" }, t("report.address.line", { kind, area: name, m: Math.round(2 * place.accuracy_m) })));
    });
  }

  private draw(place: FoundPlace): void {
    const map = this.map();
    if (!map) return;
    this.shape = L.geoJSON(place.geometry, { style: { color: "#b3261e", weight: 5, opacity: 0.7 }, interactive: false }).addTo(map);
    map.fitBounds(this.shape.getBounds(), { padding: [30, 30], maxZoom: 18 });
  }
}
