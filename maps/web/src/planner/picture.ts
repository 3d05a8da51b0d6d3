/** The micro-grids being redrawn, over the map: fills by size, borders between cells, numbers. */
import type Flatbush from "flatbush";
import * as L from "leaflet";
import { fillHatched } from "../hatch.ts";
import type { Box } from "../labels.ts";
import type { Arcs } from "../pack.ts";
import { union, type Box as WorldBox, type IndexedLayer } from "../scene.ts";
import type { Fit, StatusStyle, Styles } from "../schema.ts";
import { arcIndex } from "../plan/borders.ts";
import type { Plan } from "../plan/plan.ts";
import { RestingLayer, restingOn } from "../resting.ts";
import { arcsOf } from "./layers.ts";
import { Numbers, type DrawnNumber, type Middles } from "./numbers.ts";
import { Sheet, type Part } from "./sheet.ts";
import type { Point } from "../plan/geometry.ts";
import type { Circle, HandPicture } from "./hand.ts";
import { clamp, trace, type Window } from "../tracing.ts";

export type { DrawnNumber } from "./numbers.ts";

/** How far the thickest border reaches over the edge of what it belongs to, in pixels. */
const REACH = 6;

/** The border in the hand, and under it. */
const HELD = { ink: "#c2185b", width: 4.5, halo: "rgba(255,255,255,0.85)", haloWidth: 9 };

/** What the hand holds: the brush in pixels of the map's container, a border in the world's unit square. */
interface Held {
  brush: Circle | null;
  border: readonly Point[];
}

const NOTHING: Held = { brush: null, border: [] };

export interface Look {
  fitOf(grid: number): Fit;
  /** How the ground of a grid is filled. */
  styleOf(grid: number): StatusStyle;
  /** The grid that is painted into, -1 for none. */
  active: number;
  /** Units that are marked, such as the pieces a finding speaks of. */
  marked: ReadonlySet<number>;
}

/**
 * Only the parts that changed are drawn anew, once a frame: without a graphics card every pixel costs. What is drawn
 * in a part is cut at its edge, so that it meets what stands beside it.
 */
export class Picture extends RestingLayer implements HandPicture {
  private readonly fills: Sheet;
  private readonly lines: Sheet;
  private readonly arcs: Arcs;
  private readonly arcIndex: Flatbush | null;
  private readonly figures: Numbers;
  private pad = L.point(0, 0);
  private ratio = 1;
  private view: Window | null = null;
  /** What the picture shows now. */
  private drawn: DrawnNumber[] = [];
  private active = -1;
  private marked: ReadonlySet<number> = new Set();
  private readonly filledAs = new Map<number, StatusStyle>();
  /** What the hand holds as it is drawn, and as it is. */
  private drawnHand: Held = NOTHING;
  private hand: Held = NOTHING;
  /** What the next frame shows differently. */
  private waiting: { grids: Set<number>; units: Set<number> } | null = null;

  constructor(
    private readonly plan: Plan,
    private readonly cells: IndexedLayer,
    middles: Middles,
    private readonly styles: Styles,
    private readonly look: Look,
  ) {
    const [fills, lines] = [new Sheet(), new Sheet()];
    super([["weige-fills", fills.root], ["weige-lines", lines.root]]);
    [this.fills, this.lines] = [fills, lines];
    this.arcs = arcsOf(cells);
    this.arcIndex = arcIndex(this.arcs, Array.from({ length: this.arcs.start.length - 1 }, (_, arc) => arc));
    this.figures = new Numbers(plan, middles, styles);
  }

  /** The numbers drawn now. */
  numbers(): readonly DrawnNumber[] {
    return this.drawn;
  }

  /** What the numbers cover, in pixels of the map's container: other labels keep clear of it. */
  get covers(): Box[] {
    const { x, y } = this.pad;
    return this.drawn.map(({ box: [x0, y0, x1, y1] }) => ({ x0: x0 - x, y0: y0 - y, x1: x1 - x, y1: y1 - y }));
  }

  redraw(): void {
    if (!this.host) return;
    const { view, pad, at, ratio } = restingOn(this.host);
    [this.view, this.pad, this.ratio] = [view, pad, ratio];
    for (const sheet of [this.fills, this.lines]) {
      sheet.fit(view, ratio);
      L.DomUtil.setPosition(sheet.root, at);
    }
    this.drawn = [];
    this.refresh(new Set(this.plan.standing()), [[0, 0, view.width, view.height]]);
  }

  /**
   * Show the brush with the next frame. What the hand holds is drawn and no element of its own: where an element
   * moves, a browser without a graphics card copies every canvas of the page.
   */
  brush(at: Circle | null): void {
    if (!at && !this.hand.brush) return;
    this.hand = { ...this.hand, brush: at };
    this.touch([], []);
  }

  border(line: readonly Point[]): void {
    if (!line.length && !this.hand.border.length) return;
    this.hand = { ...this.hand, border: line };
    this.touch([], []);
  }

  /** Show with the next frame what changed: grids whose units or facts did, units that changed grids, the look. */
  touch(grids: Iterable<number>, units: Iterable<number>): void {
    if (!this.waiting) {
      this.waiting = { grids: new Set(), units: new Set() };
      requestAnimationFrame(() => this.waiting && this.refresh(this.waiting.grids, this.partsOf([this.boxOf(this.waiting.units)])));
    }
    for (const grid of grids) this.waiting.grids.add(grid);
    for (const unit of units) this.waiting.units.add(unit);
  }

  /** Draw parts anew, and what else follows from the change of some grids and of the look. */
  private refresh(grids: Set<number>, parts: readonly Part[]): void {
    // What was to be shown with the next frame is shown with this one.
    if (this.waiting) for (const grid of this.waiting.grids) grids.add(grid);
    this.waiting = null;
    // Their making was undone meanwhile.
    for (const grid of grids) if (grid >= this.plan.gridCount) grids.delete(grid);
    const { look, view } = this;
    if (!view) return;
    this.figures.seek(grids);
    const turned = [...grids].filter((grid) => this.filledAs.get(grid) !== look.styleOf(grid));
    for (const grid of turned) this.filledAs.set(grid, look.styleOf(grid));
    const filled = joined([...parts, ...this.partsOf(turned.map((grid) => this.boxOf(this.plan.members(grid))))]);
    for (const part of filled) this.fills.draw(part, view, (pen, tile, within) => this.paintFills(pen, tile, within));

    const changed: (WorldBox | null)[] = [];
    if (look.active !== this.active) changed.push(...[this.active, look.active].map((grid) => (grid < 0 ? null : this.boxOf(this.plan.members(grid)))));
    if (look.marked !== this.marked) changed.push(this.boxOf(this.marked), this.boxOf(look.marked));
    const before = new Map(this.drawn.map((number) => [number.grid, number]));
    const wasActive = this.active;
    this.active = look.active;
    this.marked = look.marked;
    this.drawn = this.figures.placed(view, look.active, (grid) => look.fitOf(grid));
    const figures: DrawnNumber[] = [];
    for (const number of this.drawn) {
      const old = before.get(number.grid);
      before.delete(number.grid);
      const isTurned = (number.grid === wasActive) !== (number.grid === this.active);
      if (old && !isTurned && old.text === number.text && old.box.every((at, i) => at === number.box[i])) continue;
      figures.push(number, ...(old ? [old] : []));
    }
    figures.push(...before.values());
    const brushes = [this.drawnHand.brush, this.hand.brush].flatMap((brush) => (brush ? [within(view, ...this.boxOfBrush(brush))] : []));
    changed.push(boxOfBend(this.drawnHand.border, this.hand.border));
    this.drawnHand = this.hand;
    const lined = [...parts, ...brushes, ...this.partsOf(changed), ...figures.map(({ box: [x0, y0, x1, y1] }) => within(view, x0 - 1, y0 - 1, x1 + 1, y1 + 1))];
    for (const part of joined(lined)) this.lines.draw(part, view, (pen, tile, within, x, y) => this.paintLines(pen, tile, within, x, y));
  }

  private boxOfBrush({ x, y, radius }: Circle): [number, number, number, number] {
    const [atX, atY, reach] = [x + this.pad.x, y + this.pad.y, radius + 3];
    return [atX - reach, atY - reach, atX + reach, atY + reach];
  }

  private boxOf(units: Iterable<number>): WorldBox | null {
    return union(Array.from(units, (unit) => this.cells.box(unit)));
  }

  /** The parts of the canvas that boxes of the world lie in, with what reaches over their edges. */
  private partsOf(boxes: readonly (WorldBox | null)[]): Part[] {
    const { view } = this;
    if (!view) return [];
    const x = (at: number) => (at - view.originX) * view.scale;
    const y = (at: number) => (at - view.originY) * view.scale;
    return boxes.flatMap((box) => (box ? [within(view, x(box[0]) - REACH, y(box[1]) - REACH, x(box[2]) + REACH, y(box[3]) + REACH)] : []));
  }

  private paintFills(pen: CanvasRenderingContext2D, view: Window, part: Part): void {
    const { polygons } = this.cells.layer;
    const byStyle = new Map<StatusStyle, number[]>();
    for (const unit of this.cells.within(reaching(view, part))) {
      const grid = this.plan.grid[unit] as number;
      if (grid < 0) continue;
      const style = this.look.styleOf(grid);
      const list = byStyle.get(style);
      if (list) list.push(unit);
      else byStyle.set(style, [unit]);
    }
    for (const [style, list] of byStyle) {
      pen.beginPath();
      for (const unit of list) trace(pen, polygons, unit, view, true);
      fillHatched(pen, style, this.ratio);
    }
  }

  private paintLines(pen: CanvasRenderingContext2D, view: Window, part: Part, x: number, y: number): void {
    const { active, marked } = this;
    const box = reaching(view, part);
    pen.lineJoin = "round";
    pen.lineCap = "round";
    const { ink } = this.styles;
    const width = clamp(1.6 / Math.sqrt(view.metresPerPixel), 0.9, 2.6);
    const arcs = this.arcIndex?.search(...box) ?? [];
    pen.beginPath();
    this.traceBorders(pen, view, arcs, (left, right) => this.gridOf(left) !== this.gridOf(right));
    pen.strokeStyle = "rgba(255,255,255,0.75)";
    pen.lineWidth = width + 1.8;
    pen.stroke();
    pen.strokeStyle = ink.border;
    pen.lineWidth = width;
    pen.stroke();
    if (active >= 0 && this.plan.units(active) > 0) {
      pen.beginPath();
      this.traceBorders(pen, view, arcs, (left, right) => (this.gridOf(left) === active) !== (this.gridOf(right) === active));
      pen.strokeStyle = "rgba(255,255,255,0.95)";
      pen.lineWidth = 7;
      pen.stroke();
      pen.strokeStyle = ink.select;
      pen.lineWidth = 3.6;
      pen.stroke();
    }
    if (marked.size) {
      // Round all of them: an edge between two would be dashed from both sides, and look whole.
      pen.beginPath();
      this.traceBorders(pen, view, arcs, (left, right) => marked.has(left) !== marked.has(right));
      pen.strokeStyle = ink.fault;
      pen.lineWidth = 2.4;
      pen.setLineDash([6, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
    const [left, top, right, bottom] = part;
    const seen = this.drawn.filter(({ box: [x0, y0, x1, y1] }) => x0 < x + right && x + left < x1 && y0 < y + bottom && y + top < y1);
    pen.translate(-x, -y);
    this.figures.paint(pen, view, seen, active);
    this.paintHand(pen);
  }

  /** Draw what the hand holds, in pixels of the whole picture. */
  private paintHand(pen: CanvasRenderingContext2D): void {
    const { brush, border } = this.drawnHand;
    const { view } = this;
    if (view && border.length) {
      pen.beginPath();
      for (const [x, y] of border) pen.lineTo((x - view.originX) * view.scale, (y - view.originY) * view.scale);
      pen.strokeStyle = HELD.halo;
      pen.lineWidth = HELD.haloWidth;
      pen.stroke();
      pen.strokeStyle = HELD.ink;
      pen.lineWidth = HELD.width;
      pen.stroke();
    }
    if (brush) this.paintBrush(pen, brush);
  }

  private paintBrush(pen: CanvasRenderingContext2D, { x, y, radius }: Circle): void {
    pen.beginPath();
    pen.arc(x + this.pad.x, y + this.pad.y, radius, 0, 2 * Math.PI);
    pen.strokeStyle = "rgba(255,255,255,0.85)";
    pen.lineWidth = 5;
    pen.stroke();
    pen.strokeStyle = this.styles.ink.select;
    pen.lineWidth = 2;
    pen.stroke();
  }

  /** Grid of a unit; -2 for the ground beyond all units. */
  private gridOf(unit: number): number {
    return unit < 0 ? -2 : (this.plan.grid[unit] as number);
  }

  /** Trace those arcs that are to be drawn between the units on their two sides. */
  private traceBorders(pen: CanvasRenderingContext2D, view: Window, arcs: readonly number[], isDrawn: (left: number, right: number) => boolean): void {
    const { start, owner, x, y } = this.arcs;
    for (const arc of arcs) {
      if (!isDrawn(owner[2 * arc] as number, owner[2 * arc + 1] as number)) continue;
      const from = start[arc] as number;
      const to = start[arc + 1] as number;
      for (let i = from; i < to; i++) {
        const px = ((x[i] as number) - view.originX) * view.scale;
        const py = ((y[i] as number) - view.originY) * view.scale;
        if (i === from) pen.moveTo(px, py);
        else pen.lineTo(px, py);
      }
    }
  }
}

/** The ground on which two lines differ: a border that is dragged bends near the hand, and stays as it was beyond. */
function boxOfBend(before: readonly Point[], after: readonly Point[]): WorldBox | null {
  if (before === after) return null;
  const isSame = (a: Point | undefined, b: Point | undefined) => a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];
  let head = 0;
  while (isSame(before[head], after[head])) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && isSame(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail++;
  // From the last point that both have to the next one that both have.
  return boxOfPoints([before, after].flatMap((line) => line.slice(Math.max(head - 1, 0), line.length - Math.max(tail - 1, 0))));
}

function boxOfPoints(points: readonly Point[]): WorldBox | null {
  if (!points.length) return null;
  const [x, y] = [points.map((point) => point[0]), points.map((point) => point[1])];
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}

/** The part of a view that a box in pixels lies in. */
function within(view: Window, x0: number, y0: number, x1: number, y1: number): Part {
  return [Math.max(Math.floor(x0), 0), Math.max(Math.floor(y0), 0), Math.min(Math.ceil(x1), view.width), Math.min(Math.ceil(y1), view.height)];
}

/** The world that reaches into a part of a view. */
function reaching({ originX, originY, scale }: Window, [left, top, right, bottom]: Part): WorldBox {
  return [originX + (left - REACH) / scale, originY + (top - REACH) / scale, originX + (right + REACH) / scale, originY + (bottom + REACH) / scale];
}

/** Parts put together where they meet: what lies in two is drawn once. */
function joined(parts: readonly Part[]): Part[] {
  const apart: Part[] = [];
  for (const part of parts) {
    let grown = part;
    for (let i = apart.length - 1; i >= 0; i--) {
      const other = apart[i] as Part;
      if (grown[0] > other[2] || other[0] > grown[2] || grown[1] > other[3] || other[1] > grown[3]) continue;
      grown = [Math.min(grown[0], other[0]), Math.min(grown[1], other[1]), Math.max(grown[2], other[2]), Math.max(grown[3], other[3])];
      apart.splice(i, 1);
      i = apart.length; // the larger part may meet others
    }
    apart.push(grown);
  }
  return apart;
}
