/** What a dragged border sticks to: walls, roads, canals. */
import Flatbush from "flatbush";
import type { Paths } from "../pack.ts";
import { nearestOnSegment } from "./borders.ts";
import type { Point } from "./geometry.ts";

/** A wall, a road, a canal or other water, the edge of a cell. */
export type SnapKind = "wall" | "road" | "water" | "cell";

export interface Snap {
  readonly kind: SnapKind;
  readonly at: Point;
  readonly away: number;
}

export interface SnapSource {
  readonly kind: SnapKind;
  readonly paths: Paths | null;
  /** Rows of the layer that count; all where not told. */
  readonly rows?: (row: number) => boolean;
}

export class SnapLines {
  private readonly index: Flatbush | null;
  private readonly segments: Float64Array;
  private readonly kinds: readonly SnapKind[];

  constructor(sources: readonly SnapSource[]) {
    const segments: number[] = [];
    const kinds: SnapKind[] = [];
    for (const { kind, paths, rows } of sources) {
      if (!paths) continue;
      const { featureStart, pathStart, x, y } = paths;
      for (let row = 0; row < featureStart.length - 1; row++) {
        if (rows && !rows(row)) continue;
        for (let path = featureStart[row] as number; path < (featureStart[row + 1] as number); path++) {
          for (let i = pathStart[path] as number; i < (pathStart[path + 1] as number) - 1; i++) {
            segments.push(x[i] as number, y[i] as number, x[i + 1] as number, y[i + 1] as number);
            kinds.push(kind);
          }
        }
      }
    }
    this.segments = Float64Array.from(segments);
    this.kinds = kinds;
    this.index = kinds.length ? new Flatbush(kinds.length) : null;
    for (let i = 0; i < kinds.length; i++) {
      const [ax, ay, bx, by] = this.segment(i);
      this.index?.add(Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by));
    }
    this.index?.finish();
  }

  /** The nearest point to stick to within a distance; only on lines of one kind where it is told. */
  nearest(x: number, y: number, within: number, kind?: SnapKind): Snap | null {
    let found: Snap | null = null;
    for (const i of this.index?.search(x - within, y - within, x + within, y + within) ?? []) {
      const each = this.kinds[i] as SnapKind;
      if (kind && each !== kind) continue;
      const on = nearestOnSegment(x, y, ...this.segment(i));
      if (on.away <= (found?.away ?? within)) found = { kind: each, ...on };
    }
    return found;
  }

  private segment(i: number): [number, number, number, number] {
    const { segments } = this;
    return [segments[4 * i], segments[4 * i + 1], segments[4 * i + 2], segments[4 * i + 3]] as [number, number, number, number];
  }
}
