/** Draw a window of the map on a canvas: ground, grids, buildings, roads, borders. No text. */
import { changedRows, gridsOf } from "./changes.ts";
import type { Side } from "./divider.ts";
import { fillHatched } from "./hatch.ts";
import { once } from "./once.ts";
import { areaOf, type IndexedLayer, type Scene } from "./scene.ts";
import type { Status, StatusStyle, Styles } from "./schema.ts";
import { clamp, dots, trace, windowBox, type Window } from "./tracing.ts";

export const STATUSES: readonly Status[] = ["too_small", "ok", "too_large", "exempt"];

export type Shown = "status" | "units" | "cells" | "communities" | "roads" | "water" | "barriers" | "compounds" |
  "gates" | "labels" | "incidents" | "stations" | "context" | "faults" | "walk" | "links" | "members" |
  "department_grids" | "conflicts" | "totals";

/** Buildings appear when a pixel is at most so many metres. */
export const UNITS_FROM_M = 2.6;
const COMPOUNDS_FROM_M = 5;
const GATES_FROM_M = 1.3;
const MINOR_ROADS_FROM_M = 7;

/** Grids filled as one path: of many more a browser sorts the edges longer than it draws. */
const FILLED_AT_ONCE = 16;

/** From here on grids are few pixels wide: casings and dashes would be all one sees. */
const PLAIN_LINES_FROM_M = 8;

/** Footprints cover less of a community than this, however dense; parcels cover more. */
const MOST_BUILT = 0.5;

/** On more of the ground than this, hatched conflicts would hide the base grids. */
const MOST_CROSSED = 0.3;

/** How ground of a class of walking time is filled; the last class lies beyond the last limit. */
export function walkStyle(styles: Styles, row: number, count: number): StatusStyle {
  // A single limit is no reason for the darkest ground.
  const shade = Math.min(count === 2 ? 1 : row, styles.walks.length - 1);
  return row === count - 1 ? styles.beyond : (styles.walks[shade] as StatusStyle);
}

export class Painter {
  /** Conflicts are outlined where they are widespread, else hatched. */
  outlinesConflicts = false;
  private changed: ReadonlySet<number> | null = null;
  private strength: number | null = null;
  private readonly statusOf = once(() => this.scene.get(gridsOf(this.side)).texts("status"));

  constructor(
    private readonly scene: Scene,
    private readonly styles: Styles,
    private readonly shown: ReadonlySet<Shown>,
    private readonly side: Side = "after",
    /** Are grids that changed outlined? */
    private readonly marks: () => boolean = () => false,
    /** Is what lies under everything left open, for another drawing beneath? */
    private readonly isOpen = false,
  ) {}

  /** Is every pixel drawn on? */
  get isOpaque(): boolean {
    return !this.isOpen;
  }

  paint(pen: CanvasRenderingContext2D, view: Window, ratio: number): void {
    const { ink } = this.styles;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.lineJoin = "round";
    pen.lineCap = "round";
    if (!this.isOpen) {
      pen.fillStyle = ink.land;
      pen.fillRect(0, 0, view.width, view.height);
    }
    if (this.shown.has("walk")) this.walks(pen, view, ratio);
    else if (this.shown.has("status")) this.statuses(pen, view, ratio);
    if (this.shown.has("conflicts")) this.conflicts(pen, view, ratio);
    if (this.shown.has("water")) this.water(pen, view);
    if (this.shown.has("compounds") && view.metresPerPixel <= COMPOUNDS_FROM_M) this.compounds(pen, view);
    if (this.shown.has("cells") && view.metresPerPixel <= UNITS_FROM_M) this.cells(pen, view);
    if (this.shown.has("roads")) this.roads(pen, view);
    if (this.shown.has("units") && view.metresPerPixel <= UNITS_FROM_M) this.units(pen, view);
    if (this.shown.has("barriers")) this.barriers(pen, view);
    if (this.shown.has("context")) this.context(pen, view);
    if (this.shown.has("department_grids")) this.departments(pen, view);
    if (this.shown.has("status")) this.borders(pen, view);
    if (this.shown.has("communities")) this.communities(pen, view);
    // Findings speak of the plan as it is now.
    if (this.shown.has("faults") && this.side === "after") this.faults(pen, view, ratio);
    if (this.shown.has("status") && this.marks()) this.changes(pen, view);
    if (this.shown.has("links")) this.links(pen, view);
    if (this.shown.has("gates") && view.metresPerPixel <= GATES_FROM_M) this.gates(pen, view);
  }

  private statuses(pen: CanvasRenderingContext2D, view: Window, ratio: number): void {
    const grids = this.scene.get(gridsOf(this.side));
    const members = new Map<string, number[]>(STATUSES.map((status) => [status, []]));
    const statusOf = this.statusOf();
    for (const grid of grids.within(windowBox(view, 2))) members.get(statusOf[grid] as string)?.push(grid);
    for (const status of STATUSES) {
      const rows = members.get(status) as number[];
      for (let from = 0; from < rows.length; from += FILLED_AT_ONCE) {
        pen.beginPath();
        for (const grid of rows.slice(from, from + FILLED_AT_ONCE)) trace(pen, grids.layer.polygons, grid, view, true);
        fillHatched(pen, this.styles.status[status], ratio);
      }
    }
  }

  /** Ground by walking time takes the place of the states. */
  private walks(pen: CanvasRenderingContext2D, view: Window, ratio: number): void {
    const { layer, seen } = this.window("walk", view, 2);
    for (const row of seen) {
      pen.beginPath();
      trace(pen, layer.layer.polygons, row, view, true);
      fillHatched(pen, walkStyle(this.styles, row, layer.count), ratio);
    }
  }

  /** Ground in two grids is hatched, ground in none has a broken edge, grids that nobody links have both; all are seen however small. */
  private faults(pen: CanvasRenderingContext2D, view: Window, ratio: number): void {
    const { layer, seen } = this.window("faults", view, 6);
    for (const kind of ["gap", "overlap", "unlinked"] as const) {
      pen.beginPath();
      for (const each of seen) if (layer.text("kind", each) === kind) trace(pen, layer.layer.polygons, each, view, true);
      if (kind !== "gap") fillHatched(pen, this.styles.overlap, ratio);
      pen.strokeStyle = "rgba(255,255,255,0.85)";
      pen.lineWidth = 4;
      pen.stroke();
      pen.setLineDash(kind === "overlap" ? [] : [6, 4]);
      pen.strokeStyle = this.styles.ink.fault;
      pen.lineWidth = 2;
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  private borders(pen: CanvasRenderingContext2D, view: Window): void {
    const grids = this.scene.get(gridsOf(this.side));
    pen.beginPath();
    for (const grid of grids.within(windowBox(view, 4))) trace(pen, grids.layer.edges, grid, view, false);
    const width = clamp(1.6 / Math.sqrt(view.metresPerPixel), 0.7, 2.4);
    // Casings take longer to draw than all the rest, and tell borders from the outlines of units alone.
    if (view.metresPerPixel <= UNITS_FROM_M) {
      pen.strokeStyle = "rgba(255,255,255,0.75)";
      pen.lineWidth = width + 1.6;
      pen.stroke();
    }
    pen.strokeStyle = this.styles.ink.border;
    pen.lineWidth = width;
    pen.stroke();
  }

  private changes(pen: CanvasRenderingContext2D, view: Window): void {
    const grids = this.scene.get(gridsOf(this.side));
    this.changed ??= new Set(changedRows(this.scene, this.side));
    pen.beginPath();
    for (const grid of grids.within(windowBox(view, 6))) {
      if (this.changed.has(grid)) trace(pen, grids.layer.polygons, grid, view, true);
    }
    pen.strokeStyle = "rgba(255,255,255,0.9)";
    pen.lineWidth = 6;
    pen.stroke();
    pen.strokeStyle = this.styles.ink.change;
    pen.lineWidth = 3.2;
    pen.stroke();
  }

  private communities(pen: CanvasRenderingContext2D, view: Window): void {
    const layer = this.scene.get("communities");
    pen.beginPath();
    for (const each of layer.within(windowBox(view, 8))) trace(pen, layer.layer.edges, each, view, false);
    const isPlain = view.metresPerPixel > PLAIN_LINES_FROM_M;
    if (!isPlain) {
      pen.strokeStyle = "rgba(255,255,255,0.9)";
      pen.lineWidth = 5;
      pen.stroke();
    }
    pen.strokeStyle = this.styles.ink.community;
    pen.lineWidth = isPlain ? 1.6 : 2.4;
    pen.setLineDash(isPlain ? [] : [12, 4, 2, 4]);
    pen.lineCap = "butt";
    pen.stroke();
    pen.setLineDash([]);
    pen.lineCap = "round";
  }

  private water(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("water", view, 12);
    pen.beginPath();
    for (const each of seen) trace(pen, layer.layer.polygons, each, view, true);
    pen.fillStyle = this.styles.ink.water;
    pen.fill("nonzero");
    pen.strokeStyle = this.styles.ink.water_line;
    pen.lineWidth = 0.8;
    pen.stroke();
    pen.beginPath();
    for (const each of seen) trace(pen, layer.layer.lines, each, view, false);
    pen.strokeStyle = this.styles.ink.water_line;
    pen.lineWidth = clamp(6 / view.metresPerPixel, 1.4, 10);
    pen.stroke();
  }

  private roads(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("roads", view, 30);
    const byRank = new Map<number, { widthM: number; roads: number[] }>();
    for (const road of seen) {
      const style = this.styles.roads[layer.text("road_class", road)] ?? this.styles.roads[""];
      if (!style || (view.metresPerPixel > MINOR_ROADS_FROM_M && style.rank < 3)) continue;
      const rank = byRank.get(style.rank) ?? { widthM: style.width_m, roads: [] };
      rank.roads.push(road);
      byRank.set(style.rank, rank);
    }
    // Casings of all classes first, so that a small road opens into a large one.
    for (const isCasing of [true, false]) {
      for (const [rank, { widthM, roads }] of [...byRank].sort((a, b) => a[0] - b[0])) {
        pen.beginPath();
        for (const road of roads) {
          trace(pen, layer.layer.lines, road, view, false);
          trace(pen, layer.layer.polygons, road, view, true);
        }
        const width = clamp(widthM / view.metresPerPixel, 0.6 + rank * 0.35, 26);
        pen.strokeStyle = isCasing ? this.styles.ink.road_edge : this.styles.ink.road;
        pen.lineWidth = isCasing ? width + 1.4 : width;
        pen.stroke();
      }
    }
  }

  private compounds(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("compounds", view, 4);
    for (const walled of [true, false]) {
      pen.beginPath();
      for (const each of seen) {
        if (layer.flag("walled", each) === walled) trace(pen, layer.layer.polygons, each, view, true);
      }
      pen.strokeStyle = this.styles.ink.compound;
      pen.lineWidth = walled ? 1.5 : 1;
      pen.setLineDash(walled ? [] : [3, 3]);
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  private cells(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("cells", view, 2);
    pen.beginPath();
    for (const each of seen) trace(pen, layer.layer.edges, each, view, false);
    pen.strokeStyle = "rgba(60,70,85,0.28)";
    pen.lineWidth = 0.7;
    pen.stroke();
  }

  private units(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("units", view, 6);
    const classes = this.styles.units;
    const radius = clamp(3.2 / view.metresPerPixel, 2, 7);
    const members: number[][] = classes.map(() => []);
    for (const unit of seen) members[classOf(layer.number("households", unit) ?? 0, classes)]?.push(unit);
    for (const [position, { fill }] of classes.entries()) {
      pen.beginPath();
      for (const unit of members[position] as number[]) {
        trace(pen, layer.layer.polygons, unit, view, true);
        dots(pen, layer.layer.points, unit, view, radius);
      }
      pen.fillStyle = fill;
      pen.globalAlpha = this.unitStrength();
      pen.fill("nonzero");
      pen.globalAlpha = 1;
      pen.strokeStyle = this.styles.ink.unit_edge;
      pen.lineWidth = view.metresPerPixel < 1.2 ? 0.8 : 0.4;
      pen.stroke();
    }
    pen.beginPath();
    for (const unit of seen) {
      if (!isLeftOut(layer, unit)) continue;
      trace(pen, layer.layer.polygons, unit, view, true);
      dots(pen, layer.layer.points, unit, view, radius);
    }
    pen.strokeStyle = this.styles.ink.fault;
    pen.lineWidth = 2.2;
    pen.stroke();
  }

  /** Units that are parcels cover the ground: the colours of the grids show through them. */
  private unitStrength(): number {
    if (this.strength === null) {
      const [units, communities, grids] = ["units", "communities", "grids"].map((name) => areaOf(this.scene.get(name).layer.polygons)) as [number, number, number];
      const ground = communities || grids;
      this.strength = ground > 0 && units > MOST_BUILT * ground ? 0.3 : 1;
    }
    return this.strength;
  }

  private barriers(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("barriers", view, 6);
    pen.beginPath();
    for (const each of seen) {
      trace(pen, layer.layer.lines, each, view, false);
      trace(pen, layer.layer.polygons, each, view, true);
    }
    pen.strokeStyle = this.styles.ink.barrier;
    pen.lineWidth = 1.6;
    pen.stroke();
    pen.lineWidth = 4.5; // cross ties
    pen.lineCap = "butt";
    pen.setLineDash([1.4, 7]);
    pen.stroke();
    pen.setLineDash([]);
    pen.lineCap = "round";
  }

  private context(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("context", view, 6);
    pen.beginPath();
    for (const each of seen) {
      trace(pen, layer.layer.lines, each, view, false);
      trace(pen, layer.layer.polygons, each, view, true);
    }
    pen.strokeStyle = "rgba(92,62,122,0.8)";
    pen.lineWidth = 1.3;
    pen.stroke();
    pen.beginPath();
    for (const each of seen) dots(pen, layer.layer.points, each, view, 3);
    pen.fillStyle = "rgb(92,62,122)";
    pen.fill();
  }

  /** Ground on which grids of two departments cross. */
  private conflicts(pen: CanvasRenderingContext2D, view: Window, ratio: number): void {
    const { layer, seen } = this.window("conflicts", view, 2);
    pen.beginPath();
    for (const each of seen) trace(pen, layer.layer.polygons, each, view, true);
    if (!this.outlinesConflicts) return fillHatched(pen, this.styles.overlap, ratio);
    pen.strokeStyle = this.styles.ink.fault;
    pen.lineWidth = 1;
    pen.setLineDash([2, 3]);
    pen.stroke();
    pen.setLineDash([]);
  }

  /** Outlines of departments, the first one widest and lowest: where several draw one border all are seen. */
  private departments(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("department_grids", view, 8);
    const count = 1 + seen.reduce((most, each) => Math.max(most, layer.number("department", each) ?? 0), 0);
    for (let department = 0; department < count; department++) {
      pen.beginPath();
      for (const each of seen) if (layer.number("department", each) === department) trace(pen, layer.layer.polygons, each, view, true);
      pen.strokeStyle = this.styles.kinds[department % this.styles.kinds.length] as string;
      pen.lineWidth = departmentWidth(department, count) * clamp(2 / view.metresPerPixel, 0.5, 1);
      pen.stroke();
    }
  }

  /** A line from each place of member households to the units that it links: quiet, but for places that do not fit the bounds. */
  private links(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("links", view, 4);
    const width = clamp(2 / view.metresPerPixel, 0.7, 1.6);
    const members = this.scene.get("members");
    for (const isFault of [false, true]) {
      const own = seen.filter((each) => isOutOfBounds(members.text("status", layer.number("member", each) ?? 0)) === isFault);
      if (!own.length) continue;
      const colour = isFault ? this.styles.ink.fault : this.styles.ink.link;
      for (const [ink, extra] of [["rgba(255,255,255,0.8)", 1.2], [colour, 0]] as const) {
        pen.beginPath();
        for (const each of own) trace(pen, layer.layer.lines, each, view, false);
        pen.strokeStyle = ink;
        pen.lineWidth = width + extra;
        pen.stroke();
      }
    }
  }

  private gates(pen: CanvasRenderingContext2D, view: Window): void {
    const { layer, seen } = this.window("gates", view, 8);
    const { points } = layer.layer;
    if (!points) return;
    pen.beginPath();
    for (const gate of seen) {
      for (let i = points.featureStart[gate] as number; i < (points.featureStart[gate + 1] as number); i++) {
        const x = ((points.x[i] as number) - view.originX) * view.scale;
        const y = ((points.y[i] as number) - view.originY) * view.scale;
        pen.moveTo(x + 5, y);
        pen.arc(x, y, 5, 0, 2 * Math.PI);
        pen.moveTo(x - 2.5, y);
        pen.lineTo(x + 2.5, y);
      }
    }
    pen.fillStyle = "#fff";
    pen.fill();
    pen.strokeStyle = this.styles.ink.gate;
    pen.lineWidth = 1.6;
    pen.stroke();
  }

  private window(name: Shown, view: Window, margin: number): { layer: IndexedLayer; seen: readonly number[] } {
    const layer = this.scene.get(name);
    return { layer, seen: layer.within(windowBox(view, margin)) };
  }
}

/** Does a place of member households link more or fewer households than the bounds allow? */
export function isOutOfBounds(status: string): boolean {
  return status === "too_small" || status === "too_large";
}

/** Are conflicts on so much of the ground that filled they would hide the base grids? */
export function areWidespread(merge: { crossed_share: number } | undefined): boolean {
  return (merge?.crossed_share ?? 0) > MOST_CROSSED;
}

/** How wide the outlines of a department are drawn: each narrower than the one before, under it. */
export function departmentWidth(department: number, count: number): number {
  return 1.8 + 1.4 * (count - 1 - department);
}

/** Has a unit households, but no grid? */
export function isLeftOut(units: IndexedLayer, unit: number): boolean {
  return units.number("grid", unit) === null && (units.number("households", unit) ?? 0) > 0;
}

/** The position of the class a number of households falls in. */
export function classOf(households: number, classes: Styles["units"]): number {
  const found = classes.findIndex(({ up_to }) => up_to === null || households <= up_to);
  return found < 0 ? classes.length - 1 : found;
}
