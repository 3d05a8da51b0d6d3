/** A drawing in tiles: without a graphics card a browser copies a canvas whole, however little of it was drawn anew. */
import { drawStill } from "../still.ts";
import type { Window } from "../tracing.ts";

/**
 * Side of a tile in CSS pixels. A tile is copied whole where it is drawn on, and each costs the browser time in every
 * frame: of 160 pixels a frame of the border in hand worked 8.2 ms, of 480 it works 7.6. The square of a hatch divides
 * it, so that hatching runs on.
 */
const SIDE = 480;

/** A part of a drawing in whole pixels. */
export type Part = readonly [left: number, top: number, right: number, bottom: number];

interface Tile {
  x: number;
  y: number;
  canvas: HTMLCanvasElement;
}

export class Sheet {
  readonly root = document.createElement("div");
  private tiles: Tile[] = [];
  private ratio = 1;

  /** Take the size of a view; everything is wiped. */
  fit({ width, height }: Window, ratio: number): void {
    this.ratio = ratio;
    const tiles: Tile[] = [];
    for (let y = 0; y < height; y += SIDE) {
      for (let x = 0; x < width; x += SIDE) {
        const canvas = this.tiles[tiles.length]?.canvas ?? document.createElement("canvas");
        canvas.width = canvas.height = Math.round(SIDE * ratio);
        canvas.style.cssText = `position:absolute;left:${x}px;top:${y}px;width:${SIDE}px;height:${SIDE}px`;
        tiles.push({ x, y, canvas });
      }
    }
    this.tiles = tiles;
    this.root.style.width = `${width}px`;
    this.root.style.height = `${height}px`;
    this.root.replaceChildren(...tiles.map(({ canvas }) => canvas));
  }

  /**
   * Wipe a part and draw it anew; what is drawn is cut at its edge. `paint` is called for each tile with the view
   * of the tile and what of the part lies in it, in pixels of the tile, which begins at (x, y) of the sheet.
   */
  draw([left, top, right, bottom]: Part, view: Window, paint: (pen: CanvasRenderingContext2D, view: Window, part: Part, x: number, y: number) => void): void {
    for (const { x, y, canvas } of this.tiles) {
      const part: Part = [Math.max(left - x, 0), Math.max(top - y, 0), Math.min(right - x, SIDE), Math.min(bottom - y, SIDE)];
      if (part[0] >= part[2] || part[1] >= part[3]) continue;
      const { scale } = view;
      const seen = { ...view, originX: view.originX + x / scale, originY: view.originY + y / scale, width: SIDE, height: SIDE };
      const isWhole = part[2] - part[0] === SIDE && part[3] - part[1] === SIDE;
      drawStill(canvas, !isWhole, (pen) => {
        pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
        pen.save();
        pen.beginPath();
        pen.rect(part[0], part[1], part[2] - part[0], part[3] - part[1]);
        pen.clip();
        pen.clearRect(0, 0, SIDE, SIDE);
        paint(pen, seen, part, x, y);
        pen.restore();
      });
    }
  }
}
