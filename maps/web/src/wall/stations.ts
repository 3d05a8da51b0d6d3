/** Red stations on the map, from the register of the service. */
import * as L from "leaflet";
import { askService } from "../asking.ts";
import { element } from "../dom.ts";

/** Nearer than this stations are told apart. */
const FROM_ZOOM = 11;
const MOST = 1000;
/** The service answers boxes no wider. */
const WIDEST_DEG = 2;

interface StationFeature {
  geometry: { coordinates: [number, number] };
  properties: { name: string; opening_hours: string | null };
}

export class StationLayer extends L.Layer {
  private readonly marks = L.layerGroup();
  private host: L.Map | null = null;

  override onAdd(map: L.Map): this {
    this.host = map;
    this.marks.addTo(map);
    void this.ask();
    return this;
  }

  override onRemove(): this {
    this.marks.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return { moveend: () => void this.ask() };
  }

  private async ask(): Promise<void> {
    const bounds = this.host?.getBounds();
    if (!this.host || !bounds) return;
    const isWide = Math.max(bounds.getEast() - bounds.getWest(), bounds.getNorth() - bounds.getSouth()) > WIDEST_DEG;
    if (this.host.getZoom() < FROM_ZOOM || isWide) {
      this.marks.clearLayers();
      return;
    }
    const told = await askService<{ features: StationFeature[] }>(`/api/v1/stations?limit=${MOST}&bbox=${bounds.toBBoxString()}`, { method: "GET" });
    if (!told.ok) return;
    this.marks.clearLayers();
    for (const { geometry, properties } of told.body.features) {
      const [lon, lat] = geometry.coordinates;
      const html = element("span", { title: [properties.name, properties.opening_hours].filter(Boolean).join(" · ") }, "★");
      L.marker([lat, lon], { icon: L.divIcon({ html, className: "station-mark", iconSize: [22, 22] }), keyboard: false }).addTo(this.marks);
    }
  }
}
