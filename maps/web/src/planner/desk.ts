/** What a planner works on: the plan, its history, and what follows from each change. */
import { communityCounts, gridStatus, type Band, type CommunityCounts } from "../plan/band.ts";
import type { Edit } from "../plan/edit.ts";
import { applyEdit } from "../plan/edit.ts";
import { wholeGroups, type Ground } from "../plan/ground.ts";
import { History } from "../plan/history.ts";
import { assign, merge, rename, setKind, splitByLine } from "../plan/operations.ts";
import { gridPieces, unassignedPockets, type Piece } from "../plan/pieces.ts";
import type { Point } from "../plan/geometry.ts";
import type { GridKind, Plan } from "../plan/plan.ts";
import type { UnitPoints } from "../plan/points.ts";
import { Stroke } from "../plan/stroke.ts";
import type { Status } from "../schema.ts";

export type Whole = "unit" | "building" | "compound";

/** Something that is not as it should be. */
export type Problem =
  | { kind: "too_small" | "too_large"; grid: number; households: number }
  | { kind: "pieces"; grid: number; pieces: readonly Piece[] }
  | { kind: "unassigned"; pocket: Piece };

export interface Listener {
  /** Grids whose units or facts changed, and units that changed grids; in a stroke as it goes on. */
  changed(grids: ReadonlySet<number>, units: readonly number[]): void;
  /** An edit was made, taken back or made again; it is to be saved. */
  edited(edit: Edit): void;
}

export class Desk {
  readonly history = new History();
  private stroke: Stroke | null = null;
  private readonly pieces = new Map<number, readonly Piece[]>();
  private pockets: readonly Piece[] = [];

  constructor(
    readonly plan: Plan,
    readonly points: UnitPoints,
    readonly band: Band,
    private readonly listener: Listener,
  ) {
    this.look(plan.standing());
  }

  get ground(): Ground {
    return this.plan.ground;
  }

  get counts(): CommunityCounts {
    return communityCounts(this.plan, this.band);
  }

  get isPainting(): boolean {
    return this.stroke !== null;
  }

  statusOf(grid: number): Status {
    return gridStatus(this.plan, this.band, grid);
  }

  /** The grids that stand, by code. */
  grids(): number[] {
    return this.plan.standing().sort((a, b) => (this.plan.facts(a).code < this.plan.facts(b).code ? -1 : 1));
  }

  problems(): Problem[] {
    const found: Problem[] = this.pockets.map((pocket) => ({ kind: "unassigned", pocket }));
    for (const grid of this.grids()) {
      const status = this.statusOf(grid);
      if (status === "too_small" || status === "too_large") found.push({ kind: status, grid, households: this.plan.households(grid) });
      const pieces = this.pieces.get(grid) ?? [];
      if (pieces.length > 1) found.push({ kind: "pieces", grid, pieces });
    }
    return found;
  }

  begin(to: number | "new", from?: number): void {
    this.stroke = new Stroke(this.plan, from === undefined ? { to } : { to, from });
  }

  /** Paint units, or the whole buildings or compounds they are in. */
  paint(units: readonly number[], whole: Whole): void {
    if (!this.stroke || !units.length) return;
    const chosen = whole === "unit" ? units : wholeGroups(whole === "building" ? this.ground.buildings : this.ground.compounds, units);
    const painted = this.stroke.paint(chosen);
    if (painted.length) this.listener.changed(this.stroke.touched, painted);
  }

  /** The grid that the stroke paints into. */
  get target(): number | null {
    return this.stroke?.target ?? null;
  }

  end(note = ""): void {
    const { stroke } = this;
    this.stroke = null;
    const edit = stroke?.end({ at: now(), note });
    if (edit) this.done(edit);
  }

  /** Give the stroke up. */
  drop(): void {
    const { stroke } = this;
    if (!stroke) return;
    this.stroke = null;
    const touched = new Set(stroke.touched);
    stroke.drop();
    this.listener.changed(touched, Array.from(this.plan.grid.keys()));
  }

  split(grid: number, line: readonly Point[]): boolean {
    return this.make(splitByLine(this.plan, this.points, grid, line, { at: now() }));
  }

  merge(grid: number, into: number): boolean {
    return this.make(merge(this.plan, grid, into, { at: now() }));
  }

  /** Take a proposal: all of it, or nothing where a lock holds a unit. */
  take(units: readonly number[], to: readonly number[]): boolean {
    return this.make(assign(this.plan, units, to, "proposal", { at: now() }));
  }

  rename(grid: number, name: string): boolean {
    return this.make(rename(this.plan, grid, name.trim() || null, { at: now() }));
  }

  setKind(grid: number, kind: GridKind): boolean {
    return this.make(setKind(this.plan, grid, kind, { at: now() }));
  }

  undo(): boolean {
    return this.goTo(this.history.position - 1);
  }

  redo(): boolean {
    return this.goTo(this.history.position + 1);
  }

  /** Undo or redo until so many edits are done; false where a lock stands against it. */
  goTo(position: number): boolean {
    const step = this.history.goTo(this.plan, position, now());
    if (!step.done) return false;
    this.settle(step.touched, step.done.flatMap((edit) => Array.from(edit.units)));
    for (const edit of step.done) this.listener.edited(edit);
    return true;
  }

  /** Do edits of an earlier page again, which are not saved yet. */
  resume(edits: readonly Edit[]): void {
    for (const edit of edits) {
      const touched = applyEdit(this.plan, edit);
      this.history.push(edit);
      this.settle(touched, Array.from(edit.units));
    }
  }

  private make(edit: Edit | null): boolean {
    if (edit) this.done(edit);
    return edit !== null;
  }

  private done(edit: Edit): void {
    this.history.push(edit);
    const touched = new Set([...edit.before, ...edit.after, ...edit.grids.map(({ grid }) => grid)]);
    touched.delete(-1);
    this.settle(touched, Array.from(edit.units));
    this.listener.edited(edit);
  }

  private settle(grids: ReadonlySet<number>, units: readonly number[]): void {
    this.plan.recount();
    this.look(grids);
    this.listener.changed(grids, units);
  }

  private look(grids: Iterable<number>): void {
    for (const [grid, pieces] of gridPieces(this.plan, grids)) {
      if (this.plan.units(grid)) this.pieces.set(grid, pieces);
      else this.pieces.delete(grid);
    }
    this.pockets = unassignedPockets(this.plan).filter((pocket) => pocket.households > 0);
  }
}

function now(): string {
  return new Date().toISOString();
}
