/** The ground as a page opens: all that is seen in one drawing, where tiles would draw again what reaches into several. */
import * as L from "leaflet";
import { SIDE } from "./hatch.ts";
import type { Painter } from "./paint.ts";
import { drawStill } from "./still.ts";
import { windowAt, type PlanTiles } from "./tiles.ts";

/** Lies under the tiles until they are drawn: when the map is moved, or a while after it was seen. */
export class FirstSheet extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private topLeft = L.latLng(0, 0);
  private drawnZoom = 0;
  private host: L.Map | null = null;

  constructor(private readonly painter: Painter, private readonly tiles: PlanTiles, private readonly magnified: () => number) {
    super();
    this.canvas.className = "leaflet-zoom-animated";
    tiles.once("load", () => this.remove());
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    map.getPane("tilePane")?.prepend(this.canvas);
    this.draw();
    return this;
  }

  override onRemove(): this {
    this.canvas.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    const follow = () => this.host && this.follow(this.host.getCenter(), this.host.getZoom());
    return {
      dragstart: () => this.giveWay(),
      resize: () => this.giveWay(),
      moveend: () => this.giveWay(),
      zoomanim: (event) => this.follow((event as L.ZoomAnimEvent).center, (event as L.ZoomAnimEvent).zoom),
      zoom: follow,
      viewreset: follow,
    };
  }

  /** Have the tiles drawn over it, some in each frame; gone when they are. */
  giveWay(): void {
    if (this.host) this.tiles.addBySteps(this.host);
  }

  /** Draw anew what is seen, unless tiles are there for it. */
  redraw(): void {
    if (this.host && !this.host.hasLayer(this.tiles)) this.draw();
  }

  private draw(): void {
    const map = this.host;
    if (!map) return;
    const zoom = map.getZoom();
    const origin = map.getPixelOrigin();
    const at = origin.add(map.containerPointToLayerPoint([0, 0]));
    // Hatching as on the tiles: whole squares from the edge of the world.
    const low = at.divideBy(SIDE).floor().multiplyBy(SIDE);
    const size = at.add(map.getSize()).divideBy(SIDE).ceil().multiplyBy(SIDE).subtract(low);
    const ratio = window.devicePixelRatio || 1;
    const factor = this.magnified();
    const { canvas } = this;
    [canvas.width, canvas.height] = [Math.round(size.x * ratio), Math.round(size.y * ratio)];
    [canvas.style.width, canvas.style.height] = [`${size.x}px`, `${size.y}px`];
    L.DomUtil.setPosition(canvas, low.subtract(origin));
    [this.topLeft, this.drawnZoom] = [map.layerPointToLatLng(low.subtract(origin)), zoom];
    const view = windowAt(zoom, low, size, factor);
    drawStill(canvas, false, (pen) => this.painter.paint(pen, view, ratio * factor), this.painter.isOpaque);
  }

  private follow(center: L.LatLng, zoom: number): void {
    const map = this.host as (L.Map & { _latLngToNewLayerPoint(at: L.LatLng, zoom: number, center: L.LatLng): L.Point }) | null;
    if (!map) return;
    L.DomUtil.setTransform(this.canvas, map._latLngToNewLayerPoint(this.topLeft, zoom, center), map.getZoomScale(zoom, this.drawnZoom));
  }
}
