/** A small map on the service's own data: outlines, streets and buildings of what is shown, asked for as it is moved. */
import * as L from "leaflet";
import { askService } from "./asking.ts";
import { plain } from "./plain.ts";
import { t } from "./words.ts";

export interface GroundProperties {
  kind: "community" | "water" | "compound" | "road" | "building";
  name: string | null;
  class: string | null;
}

export type GroundFeature = GeoJSON.Feature<GeoJSON.Geometry, GroundProperties>;

/** From this zoom on a screen shows few enough buildings to be asked for. */
const DETAIL_FROM = 15;
const NAMES_FROM = 17;
const MOST_NAMES = 120;
/** As the service allows, in degrees. */
const WIDEST_DEG = 0.05;

const STYLES: Record<GroundProperties["kind"], L.PathOptions> = {
  community: { color: "#4a2a6b", weight: 1.5, fill: false, dashArray: "6 4" },
  water: { color: "#7fb0cf", weight: 1, fillColor: "#b9d9ec", fillOpacity: 1 },
  compound: { color: "#8a7a5e", weight: 1, fillColor: "#efe9dc", fillOpacity: 0.8 },
  road: { color: "#c3c8cf", weight: 5, fill: false },
  building: { color: "#5b6470", weight: 1, fillColor: "#d5d9de", fillOpacity: 1 },
};
/** Drawn in this order, the ground first. */
const ORDER: readonly GroundProperties["kind"][] = ["water", "compound", "road", "building", "community"];

export class GroundMap {
  readonly map: L.Map;
  /** What lies in the box that was read last. */
  features: GroundFeature[] = [];
  private readonly ground = L.layerGroup();
  private readonly names = L.layerGroup();
  private read: L.LatLngBounds | null = null;
  private turn = 0;

  /** `address` answers what lies in a box; that of the desk where none is said. */
  constructor(
    place: HTMLElement, [lon, lat]: [number, number], zoom: number, private readonly onRead: () => void = () => undefined,
    private readonly address = "/api/v1/ground",
  ) {
    this.map = L.map(place, {
      center: [lat, lon], zoom, minZoom: 11, maxZoom: 20, attributionControl: false, zoomControl: false, preferCanvas: true,
      fadeAnimation: false, zoomAnimation: false,
    });
    L.control.zoom({ zoomInTitle: t("casefile.map.zoom_in"), zoomOutTitle: t("casefile.map.zoom_out"), position: "topright" }).addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.ground.addTo(this.map);
    this.names.addTo(this.map);
    this.map.on("moveend", () => void this.look());
  }

  /** Read what the map shows, unless it was read already. */
  async look(): Promise<void> {
    const shown = this.map.getBounds();
    if (this.map.getZoom() < DETAIL_FROM) {
      this.read = null;
      this.features = [];
      this.draw();
      return;
    }
    if (this.read?.contains(shown)) {
      this.name();
      return;
    }
    const wide = shown.pad(0.3);
    const box = wide.getEast() - wide.getWest() < WIDEST_DEG && wide.getNorth() - wide.getSouth() < WIDEST_DEG ? wide : shown;
    const turn = ++this.turn;
    const told = await askService<{ features: GroundFeature[] }>(
      `${this.address}?bbox=${[box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((each) => each.toFixed(6)).join(",")}`,
      { method: "GET" },
    );
    if (!told.ok || turn !== this.turn) return; // a place can be said without a map
    this.read = box;
    this.features = told.body.features;
    this.draw();
    this.onRead();
  }

  private draw(): void {
    this.ground.clearLayers();
    for (const kind of ORDER) {
      const shapes = this.features.filter(({ properties }) => properties.kind === kind);
      if (!shapes.length) continue;
      L.geoJSON(shapes as GeoJSON.Feature[], {
        interactive: false,
        style: STYLES[kind],
        pointToLayer: (_, at) => L.circleMarker(at, { ...STYLES.building, radius: 4, interactive: false }),
      }).addTo(this.ground);
    }
    this.name();
  }

  /** Write names where there is room for them. */
  private name(): void {
    this.names.clearLayers();
    const zoom = this.map.getZoom();
    const shown = this.map.getBounds();
    const written = new Set<string>();
    const taken: L.Bounds[] = [];
    for (const kind of ["road", "compound", "building"] as const) {
      if (kind === "building" && zoom < NAMES_FROM) continue;
      for (const each of this.features) {
        const { name } = each.properties;
        if (each.properties.kind !== kind || !name || written.has(name) || written.size >= MOST_NAMES) continue;
        const at = middleOf(each.geometry);
        if (!at || !shown.contains(at)) continue;
        // About the size of the text, so that no name lies on another.
        const centre = this.map.latLngToContainerPoint(at);
        const half = L.point(7 * name.length, 10);
        const room = L.bounds(centre.subtract(half), centre.add(half));
        if (taken.some((other) => other.overlaps(room))) continue;
        taken.push(room);
        written.add(name);
        const text = document.createElement("span");
        text.textContent = plain(name);
        L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: `ground-name n-${kind}`, html: text, iconSize: [0, 0] }) })
          .addTo(this.names);
      }
    }
  }
}

/** A point in the middle of a shape, where a name or a pin stands for it. */
export function middleOf(geometry: GeoJSON.Geometry): L.LatLng | null {
  if (geometry.type === "Point") return L.latLng(geometry.coordinates[1]!, geometry.coordinates[0]!);
  if (geometry.type === "LineString") {
    const middle = geometry.coordinates[Math.floor(geometry.coordinates.length / 2)]!;
    return L.latLng(middle[1]!, middle[0]!);
  }
  const bounds = L.geoJSON(geometry).getBounds();
  return bounds.isValid() ? bounds.getCenter() : null;
}

/** The pin of a place; drawn, so that no picture has to be fetched. */
export function pin(at: L.LatLng, options: L.MarkerOptions = {}): L.Marker {
  return L.marker(at, {
    keyboard: false,
    icon: L.divIcon({
      className: "pin", iconSize: [30, 40], iconAnchor: [15, 39],
      html: '<svg viewBox="0 0 30 40" width="30" height="40" aria-hidden="true"><path d="M15 39C15 39 28 23 28 14A13 13 0 1 0 2 14C2 23 15 39 15 39Z" fill="#b3261e" stroke="#fff" stroke-width="2"/><circle cx="15" cy="14" r="5" fill="#fff"/></svg>',
    }),
    ...options,
  });
}
