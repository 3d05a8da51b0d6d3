/** The households of each grid as a number on the map: where it stands, and which have room. */
import type { Fit, Styles } from "../schema.ts";
import { clamp, pixel, type Window } from "../tracing.ts";
import { formatCount } from "../words.ts";
import type { Plan } from "../plan/plan.ts";

/** A number on the map, in CSS pixels of the canvas. */
export interface DrawnNumber {
  grid: number;
  text: string;
  box: [x0: number, y0: number, x1: number, y1: number];
}

/** A middle of each unit, in the world's unit square; NaN for a unit without place. */
export interface Middles {
  x: Float64Array;
  y: Float64Array;
}

export class Numbers {
  /** The unit of each grid at which its number stands. */
  private readonly anchors = new Map<number, number>();
  private readonly widths = new Map<string, number>();
  private readonly family = getComputedStyle(document.body).fontFamily;
  private readonly ruler = document.createElement("canvas").getContext("2d");

  constructor(
    private readonly plan: Plan,
    private readonly middles: Middles,
    private readonly styles: Styles,
  ) {
    this.seek(plan.standing());
  }

  /** Seek the places of some grids anew: the unit nearest to the middle of all its units, so that it lies in the grid. */
  seek(grids: Iterable<number>): void {
    const { grid: gridOf } = this.plan;
    const { x, y } = this.middles;
    // A grid that was taken back is no longer told of.
    for (const grid of this.anchors.keys()) if (grid >= this.plan.gridCount) this.anchors.delete(grid);
    const sums = new Map<number, { x: number; y: number; members: number[] }>();
    for (const grid of grids) sums.set(grid, { x: 0, y: 0, members: [] });
    for (let unit = 0; unit < gridOf.length; unit++) {
      const sum = sums.get(gridOf[unit] as number);
      if (!sum || Number.isNaN(x[unit])) continue;
      sum.x += x[unit] as number;
      sum.y += y[unit] as number;
      sum.members.push(unit);
    }
    for (const [grid, { x: sumX, y: sumY, members }] of sums) {
      let nearest = -1;
      let least = Infinity;
      for (const unit of members) {
        const away = Math.hypot((x[unit] as number) - sumX / members.length, (y[unit] as number) - sumY / members.length);
        if (away < least) [least, nearest] = [away, unit];
      }
      if (nearest < 0) this.anchors.delete(grid);
      else this.anchors.set(grid, nearest);
    }
  }

  /** The numbers that have room in a view: the active grid's first, then those of grids out of band. */
  placed(view: Window, active: number, fitOf: (grid: number) => Fit): DrawnNumber[] {
    const size = sizeOf(view);
    const font = this.font(view);
    const placed: DrawnNumber[] = [];
    const wanted: { grid: number; unit: number; rank: number }[] = [];
    for (const [grid, unit] of this.anchors) wanted.push({ grid, unit, rank: grid === active ? 0 : fitOf(grid) === "ok" ? 2 : 1 });
    wanted.sort((a, b) => a.rank - b.rank || a.grid - b.grid);
    for (const { grid, unit } of wanted) {
      const at = pixel(view, [this.middles.x[unit] as number, this.middles.y[unit] as number]);
      const text = formatCount(this.plan.households(grid));
      const half = this.width(font, text) / 2 + 4;
      const box: DrawnNumber["box"] = [at.x - half, at.y - size * 0.62, at.x + half, at.y + size * 0.62];
      if (box[2] < 0 || box[3] < 0 || box[0] > view.width || box[1] > view.height) continue;
      if (!placed.some(({ box: other }) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) placed.push({ grid, text, box });
    }
    return placed;
  }

  paint(pen: CanvasRenderingContext2D, view: Window, numbers: Iterable<DrawnNumber>, active: number): void {
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.font = this.font(view);
    for (const { grid, text, box: [x0, y0, x1, y1] } of numbers) {
      const isActive = grid === active;
      pen.beginPath();
      pen.roundRect?.(x0, y0, x1 - x0, y1 - y0, 4);
      pen.fillStyle = isActive ? this.styles.ink.select : "rgba(255,255,255,0.9)";
      pen.fill();
      pen.fillStyle = isActive ? "#ffffff" : this.styles.ink.text;
      pen.fillText(text, (x0 + x1) / 2, (y0 + y1) / 2 + 0.5);
    }
  }

  private font(view: Window): string {
    return `700 ${sizeOf(view)}px ${this.family}`;
  }

  private width(font: string, text: string): number {
    const key = `${font} ${text}`;
    let width = this.widths.get(key);
    if (width === undefined && this.ruler) {
      this.ruler.font = font;
      this.widths.set(key, (width = this.ruler.measureText(text).width));
    }
    return width ?? 0;
  }
}

function sizeOf(view: Window): number {
  return Math.round(clamp(15 - 1.2 * Math.log2(Math.max(view.metresPerPixel, 0.3) / 0.6), 11, 17));
}
