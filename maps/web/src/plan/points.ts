/** The units by their middles: what a brush, a rectangle or a lasso meets. */
import Flatbush from "flatbush";
import { isInRing, type Point } from "./geometry.ts";

export class UnitPoints {
  private readonly index: Flatbush | null;
  private readonly indexed: Uint32Array;

  /** A middle of each unit, all in one plane coordinate system; NaN for a unit without place, which is never met. */
  constructor(readonly x: Float64Array, readonly y: Float64Array) {
    const placed: number[] = [];
    for (let unit = 0; unit < x.length; unit++) if (!Number.isNaN(x[unit]) && !Number.isNaN(y[unit])) placed.push(unit);
    this.indexed = Uint32Array.from(placed);
    this.index = placed.length ? new Flatbush(placed.length) : null;
    for (const unit of placed) this.index?.add(x[unit] as number, y[unit] as number);
    this.index?.finish();
  }

  /** Units in a rectangle, its edges included, ascending. */
  inRectangle(minX: number, minY: number, maxX: number, maxY: number): number[] {
    const found = this.index?.search(minX, minY, maxX, maxY) ?? [];
    return found.map((i) => this.indexed[i] as number).sort((a, b) => a - b);
  }

  /** Units in a ring, ascending. */
  inRing(ring: readonly Point[]): number[] {
    if (ring.length < 3) return [];
    const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
    const near = this.inRectangle(least(xs), least(ys), -least(xs.map((x) => -x)), -least(ys.map((y) => -y)));
    return near.filter((unit) => isInRing(ring, this.x[unit] as number, this.y[unit] as number));
  }

  /** Units within a radius of the way from one point to another, so that a quick hand misses none; ascending. */
  alongWay([ax, ay]: Point, [bx, by]: Point, radius: number): number[] {
    const near = this.inRectangle(Math.min(ax, bx) - radius, Math.min(ay, by) - radius, Math.max(ax, bx) + radius, Math.max(ay, by) + radius);
    const [dx, dy] = [bx - ax, by - ay];
    const length2 = dx * dx + dy * dy;
    return near.filter((unit) => {
      const [px, py] = [(this.x[unit] as number) - ax, (this.y[unit] as number) - ay];
      const along = length2 > 0 ? Math.min(Math.max((px * dx + py * dy) / length2, 0), 1) : 0;
      return Math.hypot(px - along * dx, py - along * dy) <= radius;
    });
  }

  /** The unit nearest to a point within a distance, -1 where there is none. */
  nearest(x: number, y: number, within = Infinity): number {
    const found = this.index?.neighbors(x, y, 1, within)[0];
    return found === undefined ? -1 : (this.indexed[found] as number);
  }
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}
