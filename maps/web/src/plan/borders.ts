/** The borders between grids as lines: found under the hand, and bent where the hand takes them. */
import Flatbush from "flatbush";
import type { Arcs } from "../pack.ts";
import type { Point } from "./geometry.ts";
import type { Plan } from "./plan.ts";

/** The line along which two grids meet (-1: ground of no grid); where it closes, its last point is its first. */
export interface SharedBorder {
  readonly grids: readonly [number, number];
  readonly line: readonly Point[];
}

/** The nearest point of a line, and how far along the line it lies. */
export interface OnLine {
  readonly at: Point;
  readonly along: number;
  readonly away: number;
}

export interface OnArc {
  readonly arc: number;
  readonly at: Point;
  readonly away: number;
}

/** Corners put into the bent part of a line, on each side of the hand. */
const BEND_CORNERS = 12;

export class Borders {
  private readonly index: Flatbush | null;
  private readonly inner: Uint32Array;

  /** Arcs between cells by the numbers of their units; those with ground on one side only are no borders. */
  constructor(private readonly plan: Plan, private readonly arcs: Arcs) {
    const { start, owner } = arcs;
    const inner: number[] = [];
    for (let arc = 0; arc < start.length - 1; arc++) if ((owner[2 * arc] as number) >= 0 && (owner[2 * arc + 1] as number) >= 0) inner.push(arc);
    this.inner = Uint32Array.from(inner);
    this.index = arcIndex(arcs, inner);
  }

  /** The grids on both sides of an arc, the lower number first; null where it lies inside one grid. */
  between(arc: number): readonly [number, number] | null {
    const [a, b] = [this.plan.grid[this.arcs.owner[2 * arc] as number] as number, this.plan.grid[this.arcs.owner[2 * arc + 1] as number] as number];
    return a === b ? null : [Math.min(a, b), Math.max(a, b)];
  }

  /** The nearest arc between two grids within a distance. */
  nearest(x: number, y: number, within: number): OnArc | null {
    return this.nearestOf(x, y, within, (arc) => this.between(arc) !== null);
  }

  /** The nearest edge of any cell within a distance. */
  nearestEdge(x: number, y: number, within: number): OnArc | null {
    return this.nearestOf(x, y, within, () => true);
  }

  /** The whole line along which the two grids of an arc meet there; null for an arc inside one grid. */
  border(arc: number): SharedBorder | null {
    const grids = this.between(arc);
    if (!grids) return null;
    const ends = new Map<string, number[]>();
    for (const each of this.inner) {
      const [a, b] = this.between(each) ?? [-2, -2];
      if (a !== grids[0] || b !== grids[1]) continue;
      for (const end of [this.endKey(each, 0), this.endKey(each, 1)]) {
        const there = ends.get(end);
        if (there) there.push(each);
        else ends.set(end, [each]);
      }
    }
    const used = new Set([arc]);
    const forth = this.walk(arc, 1, ends, used);
    const line = this.points(arc, false);
    for (const { arc: each, reversed } of forth) line.push(...this.points(each, reversed).slice(1));
    const back = this.walk(arc, 0, ends, used);
    for (const { arc: each, reversed } of back) line.unshift(...this.points(each, !reversed).slice(0, -1));
    return { grids, line };
  }

  /** Arcs that go on from an end of an arc, in order; `reversed`: walked from their last point to their first. */
  private walk(arc: number, end: 0 | 1, ends: ReadonlyMap<string, readonly number[]>, used: Set<number>): { arc: number; reversed: boolean }[] {
    const way: { arc: number; reversed: boolean }[] = [];
    for (let key = this.endKey(arc, end); ; ) {
      const next = ends.get(key)?.find((each) => !used.has(each));
      if (next === undefined) return way;
      used.add(next);
      const reversed = this.endKey(next, 0) !== key;
      way.push({ arc: next, reversed });
      key = this.endKey(next, reversed ? 0 : 1);
    }
  }

  private endKey(arc: number, end: 0 | 1): string {
    const i = end === 0 ? (this.arcs.start[arc] as number) : (this.arcs.start[arc + 1] as number) - 1;
    return `${this.arcs.x[i]} ${this.arcs.y[i]}`;
  }

  private points(arc: number, reversed: boolean): Point[] {
    const points: Point[] = [];
    for (let i = this.arcs.start[arc] as number; i < (this.arcs.start[arc + 1] as number); i++) points.push([this.arcs.x[i] as number, this.arcs.y[i] as number]);
    return reversed ? points.reverse() : points;
  }

  private nearestOf(px: number, py: number, within: number, isWanted: (arc: number) => boolean): OnArc | null {
    let found: OnArc | null = null;
    const { start, x, y } = this.arcs;
    for (const place of this.index?.search(px - within, py - within, px + within, py + within) ?? []) {
      const arc = this.inner[place] as number;
      if (!isWanted(arc)) continue;
      for (let i = start[arc] as number; i < (start[arc + 1] as number) - 1; i++) {
        const on = nearestOnSegment(px, py, x[i] as number, y[i] as number, x[i + 1] as number, y[i + 1] as number);
        if (on.away <= (found?.away ?? within)) found = { arc, at: on.at, away: on.away };
      }
    }
    return found;
  }
}

/** The boxes of some arcs, found by their places in `wanted`; null where there are none. */
export function arcIndex({ start, x, y }: Arcs, wanted: readonly number[]): Flatbush | null {
  if (!wanted.length) return null;
  const index = new Flatbush(wanted.length);
  for (const arc of wanted) {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = start[arc] as number; i < (start[arc + 1] as number); i++) {
      x0 = Math.min(x0, x[i] as number);
      y0 = Math.min(y0, y[i] as number);
      x1 = Math.max(x1, x[i] as number);
      y1 = Math.max(y1, y[i] as number);
    }
    index.add(x0, y0, x1, y1);
  }
  index.finish();
  return index;
}

/** The nearest point of a line. */
export function nearestOnLine(line: readonly Point[], x: number, y: number): OnLine {
  let best: OnLine = { at: line[0] as Point, along: 0, away: Infinity };
  let along = 0;
  for (let i = 0; i < line.length - 1; i++) {
    const [[ax, ay], [bx, by]] = [line[i] as Point, line[i + 1] as Point];
    const on = nearestOnSegment(x, y, ax, ay, bx, by);
    if (on.away < best.away) best = { at: on.at, away: on.away, along: along + Math.hypot(on.at[0] - ax, on.at[1] - ay) };
    along += Math.hypot(bx - ax, by - ay);
  }
  return best;
}

/** A line that closes, begun at the corner farthest along from a place, so that it can be bent there like an open one. */
export function openedOpposite(line: readonly Point[], x: number, y: number): readonly Point[] {
  const [first, last] = [line[0] as Point, line[line.length - 1] as Point];
  if (line.length < 4 || first[0] !== last[0] || first[1] !== last[1]) return line;
  const marks = lengths(line);
  const half = (marks[marks.length - 1] as number) / 2;
  const { along } = nearestOnLine(line, x, y);
  const goal = (along + half) % (2 * half);
  let cut = 0;
  marks.forEach((mark, i) => {
    if (Math.abs(mark - goal) < Math.abs((marks[cut] as number) - goal)) cut = i;
  });
  const open = line.slice(0, -1);
  const begin = cut % open.length;
  return [...open.slice(begin), ...open.slice(0, begin), open[begin] as Point];
}

/**
 * A line bent by the hand: its point `held` goes to `to`, and on both sides the line follows less and less, by the
 * square of a cosine, until `reach` along it. `settle` may put each bent corner where it sticks to something.
 */
export function bent(line: readonly Point[], held: OnLine, to: Point, reach: number, settle: (at: Point) => Point = (at) => at): Point[] {
  const marks = lengths(line);
  const [dx, dy] = [to[0] - held.at[0], to[1] - held.at[1]];
  const stops = new Set<number>();
  for (const mark of marks) if (Math.abs(mark - held.along) < reach) stops.add(mark);
  const whole = marks[marks.length - 1] as number;
  for (let i = -BEND_CORNERS; i <= BEND_CORNERS; i++) {
    const mark = held.along + (i / BEND_CORNERS) * reach;
    if (mark >= 0 && mark <= whole) stops.add(mark);
  }
  const sorted = [...stops].sort((a, b) => a - b);
  const before = line.filter((_, i) => (marks[i] as number) < (sorted[0] as number));
  const after = line.filter((_, i) => (marks[i] as number) > (sorted[sorted.length - 1] as number));
  let segment = 0;
  const middle = sorted.map((mark): Point => {
    while (segment < line.length - 2 && (marks[segment + 1] as number) < mark) segment++;
    const [[ax, ay], [bx, by]] = [line[segment] as Point, line[segment + 1] as Point];
    const length = (marks[segment + 1] as number) - (marks[segment] as number);
    const share = length > 0 ? (mark - (marks[segment] as number)) / length : 0;
    const weight = Math.cos((Math.PI / 2) * Math.min(Math.abs(mark - held.along) / reach, 1)) ** 2;
    const at: Point = [ax + share * (bx - ax) + weight * dx, ay + share * (by - ay) + weight * dy];
    return weight > 0.02 && mark !== held.along ? settle(at) : at;
  });
  return [...before, ...middle, ...after];
}

export function nearestOnSegment(x: number, y: number, ax: number, ay: number, bx: number, by: number): { at: Point; away: number } {
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  const share = length2 > 0 ? Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length2, 0), 1) : 0;
  const at: Point = [ax + share * dx, ay + share * dy];
  return { at, away: Math.hypot(x - at[0], y - at[1]) };
}

function lengths(line: readonly Point[]): number[] {
  const marks = [0];
  for (let i = 1; i < line.length; i++) {
    const [[ax, ay], [bx, by]] = [line[i - 1] as Point, line[i] as Point];
    marks.push((marks[i - 1] as number) + Math.hypot(bx - ax, by - ay));
  }
  return marks;
}
