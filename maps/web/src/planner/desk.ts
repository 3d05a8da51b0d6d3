/** What a planner works on: the plan, its history, and what follows from each change. */
import { communityCounts, gridFit, type Band, type CommunityCounts } from "../plan/band.ts";
import { BorderDrag } from "../plan/drag.ts";
import type { Blockers, Edit } from "../plan/edit.ts";
import { applyEdit } from "../plan/edit.ts";
import { wholeGroups, type Ground } from "../plan/ground.ts";
import { History } from "../plan/history.ts";
import { assign, merge, newGrid, rename, renumber, setKind, splitByLine } from "../plan/operations.ts";
import type { Middle } from "../plan/order.ts";
import { gridPieces, type Piece } from "../plan/pieces.ts";
import type { Point } from "../plan/geometry.ts";
import type { GridKind, Plan } from "../plan/plan.ts";
import type { UnitPoints } from "../plan/points.ts";
import { gridsByCode, pocketsOf, problemsOf } from "../plan/problems.ts";
import type { Problem } from "../plan/remedies.ts";
import { Stroke } from "../plan/stroke.ts";
import type { Fit } from "../schema.ts";

export type Whole = "unit" | "building" | "compound";

export interface Listener {
  /** Grids whose units or facts changed, and units that changed grids; in a stroke as it goes on. */
  changed(grids: ReadonlySet<number>, units: readonly number[]): void;
  /** An edit was made, taken back or made again; it is to be saved. */
  edited(edit: Edit): void;
  /** A grid or units were locked or unlocked. */
  locked(): void;
}

export class Desk {
  readonly history = new History();
  /** What a compound is called. */
  compoundName: (id: string) => string = (id) => id;
  /** What was done right before the history begins, and how it is undone; null where nothing can be. */
  outset: { text: string; undo(): void } | null = null;
  /** The stroke or the dragged border that the hand is at. */
  private gesture: Stroke | BorderDrag | null = null;
  private readonly pieces = new Map<number, readonly Piece[]>();
  private pockets: readonly Piece[] = [];
  private settled = 0;
  private against: Blockers | null = null;

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

  /** How often the plan was changed, undoing and redoing with it: while it is the same, the plan is the same. */
  get changes(): number {
    return this.settled;
  }

  get isPainting(): boolean {
    return this.gesture !== null;
  }

  /** How a grid fits; of how many pieces it is, is looked at when a stroke ends. */
  fitOf(grid: number): Fit {
    return gridFit(this.plan, this.band, grid, this.piecesOf(grid));
  }

  /** Of how many pieces a grid was when the last stroke ended. */
  piecesOf(grid: number): number {
    return this.pieces.get(grid)?.length ?? 0;
  }

  /** The grids that stand, by code. */
  grids(): number[] {
    return gridsByCode(this.plan);
  }

  problems(): Problem[] {
    return problemsOf(this.plan, this.band, this.pieces, this.pockets);
  }

  begin(to: number | "new", from?: number): void {
    this.gesture = new Stroke(this.plan, from === undefined ? { to } : { to, from });
  }

  /** Take the border between two grids (-1: the ground of no grid) in hand. */
  beginDrag(grids: readonly [number, number], line: readonly Point[]): void {
    this.gesture = new BorderDrag(this.plan, this.points, grids, line);
  }

  /** Drag the border in hand to where a line is. */
  dragTo(line: readonly Point[]): void {
    if (!(this.gesture instanceof BorderDrag)) return;
    const jumped = this.gesture.moveTo(line);
    if (jumped.length) this.listener.changed(this.gesture.touched, jumped);
  }

  /** Paint units, or the whole buildings or compounds they are in. */
  paint(units: readonly number[], whole: Whole): void {
    if (!(this.gesture instanceof Stroke) || !units.length) return;
    const painted = this.gesture.paint(wholeOf(this.ground, units, whole));
    if (painted.length) this.listener.changed(this.gesture.touched, painted);
  }

  /** The grid that the stroke paints into. */
  get target(): number | null {
    return this.gesture instanceof Stroke ? this.gesture.target : null;
  }

  end(note = ""): void {
    const { gesture } = this;
    this.gesture = null;
    const edit = gesture?.end({ at: now(), note });
    if (edit) this.done(edit);
  }

  /** Give the stroke or the dragged border up. */
  drop(): void {
    const { gesture } = this;
    if (!gesture) return;
    this.gesture = null;
    const touched = new Set(gesture.touched);
    gesture.drop();
    this.listener.changed(touched, Array.from(this.plan.grid.keys()));
  }

  split(grid: number, line: readonly Point[]): boolean {
    return this.make(splitByLine(this.plan, this.points, grid, line, { at: now() }));
  }

  merge(grid: number, into: number): boolean {
    return this.make(merge(this.plan, grid, into, { at: now() }));
  }

  /** Put units into a grid (-1: into none); what locks hold stays. */
  move(units: readonly number[], to: number): boolean {
    const stroke = new Stroke(this.plan, { to });
    stroke.paint(units);
    return this.make(stroke.end({ at: now() }));
  }

  /** Make a new grid of units and return its number; what locks hold stays. Null where nothing is left. */
  makeGrid(units: readonly number[]): number | null {
    return this.make(newGrid(this.plan, units, { at: now() })) ? this.plan.gridCount - 1 : null;
  }

  /** Put units where a remedy wants them: all of them, or nothing where a lock holds one. */
  assign(units: readonly number[], to: readonly number[]): boolean {
    return this.make(assign(this.plan, units, to, "paint", { at: now() }));
  }

  /** Lock units, or unlock them; a lock is no edit. */
  lock(units: readonly number[], isLocked: boolean): void {
    for (const unit of units) this.plan.lockUnit(unit, isLocked);
    this.listener.locked();
  }

  lockGrid(grid: number, isLocked: boolean): void {
    this.plan.lockGrid(grid, isLocked);
    this.listener.locked();
  }

  /** Number grids anew in reading order. */
  renumber(middles: readonly Middle[]): boolean {
    return this.make(renumber(this.plan, middles, { at: now() }));
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

  get canUndo(): boolean {
    return this.history.position > 0 || this.outset !== null;
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
    this.against = step.blocked;
    if (!step.done) return false;
    this.settle(step.touched, step.done.flatMap((edit) => Array.from(edit.units)));
    for (const edit of step.done) this.listener.edited(edit);
    return true;
  }

  /** The locks that stood against the last `undo`, `redo` or `goTo`; null where it was done. */
  get blockers(): Blockers | null {
    return this.against;
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
    this.settled++;
    this.plan.recount();
    this.look(grids);
    this.listener.changed(grids, units);
  }

  private look(grids: Iterable<number>): void {
    for (const [grid, pieces] of gridPieces(this.plan, grids)) {
      if (this.plan.units(grid)) this.pieces.set(grid, pieces);
      else this.pieces.delete(grid);
    }
    this.pockets = pocketsOf(this.plan);
  }
}

/** Units, or the whole buildings or compounds they are in. */
export function wholeOf(ground: Ground, units: readonly number[], whole: Whole): readonly number[] {
  if (whole === "unit") return units;
  return wholeGroups(whole === "building" ? ground.buildings : ground.compounds, units);
}

function now(): string {
  return new Date().toISOString();
}
