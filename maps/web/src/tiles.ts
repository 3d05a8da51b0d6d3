/** The drawn map as canvas tiles, one level for every quarter zoom so that lines stay crisp. */
import * as L from "leaflet";
import type { Painter } from "./paint.ts";
import { drawStill } from "./still.ts";

export const TILE_SIDE = 512;

/** What drawing may take of a frame while the map is moved; a tile that is begun is finished. */
const DRAW_MS = 6;

/** What of Leaflet 1.9's GridLayer is private and needed to have levels at quarter zooms. */
interface GridLayerInternals {
  _setView(center: L.LatLng, zoom: number, noPrune?: boolean, noUpdate?: boolean): void;
}

export class PlanTiles extends L.GridLayer {
  private level = 0;
  /** Are tiles drawn as they are made? So it is when the layer is shown or drawn anew; moved, it keeps the frames short. */
  private isAtOnce = false;
  /** Tiles to be drawn, the nearest to the middle of the view first. */
  private readonly undrawn = new Map<HTMLElement, () => void>();
  private frame = 0;

  constructor(private readonly painter: Painter, private readonly magnified: () => number = () => 1) {
    super({ tileSize: TILE_SIDE, noWrap: true, keepBuffer: 1, updateWhenZooming: false });
    this.on("tileunload", ({ tile }) => this.undrawn.delete(tile));
  }

  override onAdd(map: L.Map): this {
    return this.atOnce(() => super.onAdd(map));
  }

  override redraw(): this {
    return this.atOnce(() => super.redraw());
  }

  private atOnce(make: () => this): this {
    this.isAtOnce = true;
    try {
      return make();
    } finally {
      this.isAtOnce = false;
    }
  }

  override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const tile = document.createElement("canvas");
    const ratio = window.devicePixelRatio || 1;
    tile.width = Math.round(TILE_SIDE * ratio);
    tile.height = Math.round(TILE_SIDE * ratio);
    const world = 256 * 2 ** coords.z;
    // Written larger, the same ground is drawn as on a smaller screen with larger pixels.
    const factor = this.magnified();
    const scale = world / factor;
    const view = {
      originX: (coords.x * TILE_SIDE) / world,
      originY: (coords.y * TILE_SIDE) / world,
      scale,
      width: TILE_SIDE / factor,
      height: TILE_SIDE / factor,
      metresPerPixel: factor * metresPerPixel(coords.z, (coords.y * TILE_SIDE) / world),
    };
    const draw = () => drawStill(tile, false, (pen) => this.painter.paint(pen, view, ratio * factor), this.painter.isOpaque);
    if (this.isAtOnce) {
      draw();
      requestAnimationFrame(() => done(undefined, tile));
    } else {
      this.undrawn.set(tile, () => {
        draw();
        done(undefined, tile);
      });
      this.frame ||= requestAnimationFrame(() => this.drawSome());
    }
    return tile;
  }

  private drawSome(): void {
    const end = performance.now() + DRAW_MS;
    for (const [tile, draw] of this.undrawn) {
      this.undrawn.delete(tile);
      draw();
      if (performance.now() >= end) break;
    }
    this.frame = this.undrawn.size ? requestAnimationFrame(() => this.drawSome()) : 0;
  }

  _setView(center: L.LatLng, zoom: number, noPrune?: boolean, noUpdate?: boolean): void {
    this.level = Math.round(zoom * 4) / 4;
    (L.GridLayer.prototype as unknown as GridLayerInternals)._setView.call(this, center, zoom, noPrune, noUpdate);
  }

  _clampZoom(): number {
    return this.level;
  }
}

/** Ground size of a pixel at a zoom, at a world y. */
export function metresPerPixel(zoom: number, y: number): number {
  return (40075016.686 / (256 * 2 ** zoom)) / Math.cosh((0.5 - y) * 2 * Math.PI);
}
