/** The drawn map as canvas tiles, one level for every quarter zoom so that lines stay crisp. */
import * as L from "leaflet";
import type { Painter } from "./paint.ts";
import { spread } from "./spread.ts";
import { drawStill } from "./still.ts";
import type { Window } from "./tracing.ts";

/** A tile is drawn whole within a frame; where buildings stand close, one of twice the side would take longer than the frame. */
export const TILE_SIDE = 256;

/** What of Leaflet 1.9's GridLayer is private and needed to have levels at quarter zooms. */
interface GridLayerInternals {
  _setView(center: L.LatLng, zoom: number, noPrune?: boolean, noUpdate?: boolean): void;
}

export class PlanTiles extends L.GridLayer {
  private level = 0;
  /** Are tiles drawn as they are made? So it is when the layer is shown or drawn anew; moved, it keeps the frames short. */
  private isAtOnce = false;
  private addsBySteps = false;
  /** What breaks off the drawing of tiles that are not drawn yet, the nearest to the middle of the view first. */
  private readonly undrawn = new Map<HTMLElement, () => void>();

  constructor(private readonly painter: Painter, private readonly magnified: () => number = () => 1) {
    super({ tileSize: TILE_SIDE, noWrap: true, keepBuffer: 1, updateWhenZooming: false });
    this.on("tileunload", ({ tile }) => {
      this.undrawn.get(tile)?.();
      this.undrawn.delete(tile);
    });
  }

  override onAdd(map: L.Map): this {
    return this.addsBySteps ? super.onAdd(map) : this.atOnce(() => super.onAdd(map));
  }

  /** Show the layer over something that already looks like it: no frame is to be long for that. */
  addBySteps(map: L.Map): void {
    this.addsBySteps = true;
    this.addTo(map);
    this.addsBySteps = false;
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
    const factor = this.magnified();
    const view = windowAt(coords.z, coords.multiplyBy(TILE_SIDE), L.point(TILE_SIDE, TILE_SIDE), factor);
    const draw = () => drawStill(tile, false, (pen) => this.painter.paint(pen, view, ratio * factor), this.painter.isOpaque);
    if (this.isAtOnce) {
      draw();
      requestAnimationFrame(() => done(undefined, tile));
    } else {
      this.undrawn.set(tile, spread(this.drawLater(tile, draw, done)));
    }
    return tile;
  }

  private *drawLater(tile: HTMLElement, draw: () => void, done: L.DoneCallback): Generator<void> {
    this.undrawn.delete(tile);
    draw();
    done(undefined, tile);
  }

  _setView(center: L.LatLng, zoom: number, noPrune?: boolean, noUpdate?: boolean): void {
    this.level = Math.round(zoom * 4) / 4;
    (L.GridLayer.prototype as unknown as GridLayerInternals)._setView.call(this, center, zoom, noPrune, noUpdate);
  }

  _clampZoom(): number {
    return this.level;
  }
}

/** A part of the world of a zoom, in its pixels. Written larger, it is drawn as on a smaller screen with larger pixels. */
export function windowAt(zoom: number, at: L.Point, size: L.Point, factor: number): Window {
  const world = 256 * 2 ** zoom;
  return {
    originX: at.x / world, originY: at.y / world, scale: world / factor, width: size.x / factor, height: size.y / factor,
    metresPerPixel: factor * metresPerPixel(zoom, at.y / world),
  };
}

/** Ground size of a pixel at a zoom, at a world y. */
export function metresPerPixel(zoom: number, y: number): number {
  return (40075016.686 / (256 * 2 ** zoom)) / Math.cosh((0.5 - y) * 2 * Math.PI);
}
