/** The drawn map as canvas tiles, one level for every quarter zoom so that lines stay crisp. */
import * as L from "leaflet";
import type { Painter } from "./paint.ts";
import { drawStill } from "./still.ts";

export const TILE_SIDE = 512;

/** What of Leaflet 1.9's GridLayer is private and needed to have levels at quarter zooms. */
interface GridLayerInternals {
  _setView(center: L.LatLng, zoom: number, noPrune?: boolean, noUpdate?: boolean): void;
}

export class PlanTiles extends L.GridLayer {
  private level = 0;

  constructor(private readonly painter: Painter, private readonly magnified: () => number = () => 1) {
    super({ tileSize: TILE_SIDE, noWrap: true, keepBuffer: 1, updateWhenZooming: false });
  }

  override createTile(coords: L.Coords): HTMLElement {
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
    drawStill(tile, false, (pen) => this.painter.paint(pen, view, ratio * factor), this.painter.isOpaque);
    return tile;
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
