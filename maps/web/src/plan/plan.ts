/** What an editing session changes: which unit is in which grid, and what the grids are called. */
import type { Ground } from "./ground.ts";

export type GridKind = "basic" | "special";

export interface GridFacts {
  /** The grid's code; one that starts with `+` stands in until the server gives the code. */
  readonly code: string;
  readonly name: string | null;
  readonly kind: GridKind;
}

/** Grid of each unit (-1 for none) and the facts of each grid, by its number. */
export interface PlanState {
  readonly grid: Int32Array;
  readonly facts: readonly GridFacts[];
}

export class PlanError extends Error {}

/**
 * Every change goes through `put`, `addGrid`, `dropLastGrid` and `setFacts`: they keep the totals and refuse what a
 * lock holds, so that no tool can pass a lock by. A grid without units has ended; its number stays taken, so that
 * history can bring it back.
 */
export class Plan {
  /** Grid of each unit, -1 for none. */
  readonly grid: Int32Array;
  private readonly factsOf: GridFacts[];
  private totals: Int32Array;
  private counts: Int32Array;
  private readonly lockedGridSet = new Set<number>();
  private readonly lockedUnitFlags: Uint8Array;
  private standIns = 0;

  /**
   * `taken` are codes that `standInCode` does not give: those in edits that wait to be saved (`SaveQueue.standIns`).
   * Throws `PlanError` where a unit is in a grid that is not there or a code comes twice.
   */
  constructor(readonly ground: Ground, state: PlanState, taken: Iterable<string> = []) {
    if (state.grid.length !== ground.count) throw new PlanError(`${state.grid.length} units for a ground of ${ground.count}`);
    this.grid = state.grid.slice();
    this.factsOf = [];
    this.totals = new Int32Array(state.facts.length);
    this.counts = new Int32Array(state.facts.length);
    this.lockedUnitFlags = new Uint8Array(ground.count);
    for (const code of taken) this.take(code);
    for (const facts of state.facts) this.addGrid(facts);
    if (new Set(this.factsOf.map(({ code }) => code)).size < this.factsOf.length) throw new PlanError("a grid code comes twice");
    for (const grid of this.grid) if (grid < -1 || grid >= this.gridCount) throw new PlanError(`a unit is in grid ${grid} of ${this.gridCount}`);
    this.recount();
  }

  /** Number of grids, ended ones included. */
  get gridCount(): number {
    return this.factsOf.length;
  }

  facts(grid: number): GridFacts {
    return this.factsOf[grid] as GridFacts;
  }

  /** Households of a grid. */
  households(grid: number): number {
    return this.totals[grid] as number;
  }

  /** Units of a grid; none in one that ended. */
  units(grid: number): number {
    return this.counts[grid] as number;
  }

  /** Numbers of the grids that have units, ascending. */
  standing(): number[] {
    return Array.from(this.factsOf.keys()).filter((grid) => this.units(grid) > 0);
  }

  members(grid: number): number[] {
    const found: number[] = [];
    for (let unit = 0; unit < this.grid.length; unit++) if (this.grid[unit] === grid) found.push(unit);
    return found;
  }

  /** The grid of a code, -1 for none. */
  numberOf(code: string): number {
    return this.factsOf.findIndex((facts) => facts.code === code);
  }

  /** Move a unit to a grid (-1: to none); false where it is there already or a lock holds it. */
  put(unit: number, to: number): boolean {
    const from = this.grid[unit] as number;
    if (from === to || this.holds(unit) || this.lockedGridSet.has(to)) return false;
    const households = this.ground.households[unit] as number;
    if (from >= 0) {
      this.totals[from] = (this.totals[from] as number) - households;
      this.counts[from] = (this.counts[from] as number) - 1;
    }
    if (to >= 0) {
      this.totals[to] = (this.totals[to] as number) + households;
      this.counts[to] = (this.counts[to] as number) + 1;
    }
    this.grid[unit] = to;
    return true;
  }

  /** Add a grid without units and return its number. */
  addGrid(facts: GridFacts): number {
    const grid = this.gridCount;
    if (grid >= this.totals.length) {
      this.totals = grown(this.totals);
      this.counts = grown(this.counts);
    }
    this.take(facts.code);
    this.factsOf.push(facts);
    return grid;
  }

  /** Take back the grid added last; false where it has units or is locked. */
  dropLastGrid(): boolean {
    const last = this.gridCount - 1;
    if (last < 0 || this.units(last) > 0 || this.lockedGridSet.has(last)) return false;
    this.factsOf.pop();
    return true;
  }

  /** Give a grid another code, name or kind; false where it is locked. */
  setFacts(grid: number, facts: GridFacts): boolean {
    if (this.lockedGridSet.has(grid)) return false;
    this.factsOf[grid] = facts;
    return true;
  }

  /** A code for a new grid until the server gives one; none comes twice. */
  standInCode(): string {
    return `+${this.standIns + 1}`;
  }

  /** Put the code that the server gave in place of another, in locked grids too: nothing but the label changes. */
  recode(from: string, to: string): void {
    const grid = this.numberOf(from);
    if (grid >= 0) this.factsOf[grid] = { ...this.facts(grid), code: to };
  }

  lockGrid(grid: number, locked: boolean): void {
    if (locked) this.lockedGridSet.add(grid);
    else this.lockedGridSet.delete(grid);
  }

  lockUnit(unit: number, locked: boolean): void {
    this.lockedUnitFlags[unit] = locked ? 1 : 0;
  }

  isGridLocked(grid: number): boolean {
    return this.lockedGridSet.has(grid);
  }

  isUnitLocked(unit: number): boolean {
    return this.lockedUnitFlags[unit] === 1;
  }

  /** Whether a lock keeps a unit where it is: its own or that of its grid. */
  holds(unit: number): boolean {
    return this.lockedUnitFlags[unit] === 1 || this.lockedGridSet.has(this.grid[unit] as number);
  }

  /** Count all totals anew; false where those kept so far were wrong. */
  recount(): boolean {
    const totals = new Int32Array(this.totals.length);
    const counts = new Int32Array(this.counts.length);
    for (let unit = 0; unit < this.grid.length; unit++) {
      const grid = this.grid[unit] as number;
      if (grid < 0) continue;
      totals[grid] = (totals[grid] as number) + (this.ground.households[unit] as number);
      counts[grid] = (counts[grid] as number) + 1;
    }
    const right = totals.every((total, grid) => total === this.totals[grid]) && counts.every((count, grid) => count === this.counts[grid]);
    this.totals = totals;
    this.counts = counts;
    return right;
  }

  /** A copy of what is edited. */
  state(): PlanState {
    return { grid: this.grid.slice(), facts: [...this.factsOf] };
  }

  private take(code: string): void {
    const standIn = /^\+(\d+)$/.exec(code);
    if (standIn) this.standIns = Math.max(this.standIns, Number(standIn[1]));
  }
}

function grown(values: Int32Array): Int32Array {
  const larger = new Int32Array(Math.max(16, 2 * values.length));
  larger.set(values);
  return larger;
}
