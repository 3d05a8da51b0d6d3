/** Changes of a plan while they are being made: they end as one edit, or are dropped and everything is as before. */
import type { Action, Edit, GridStep, Said } from "./edit.ts";
import { sameFacts } from "./edit.ts";
import type { GridFacts, Plan } from "./plan.ts";

export class Recording {
  /** Grids whose totals or facts changed since the beginning. */
  readonly touched = new Set<number>();
  private readonly gridBefore = new Map<number, number>();
  private readonly factsBefore = new Map<number, GridFacts | null>();

  constructor(readonly plan: Plan) {}

  /** Move a unit to a grid (-1: to none); false where it is there already or a lock holds it. */
  put(unit: number, to: number): boolean {
    const from = this.plan.grid[unit] as number;
    if (!this.plan.put(unit, to)) return false;
    if (!this.gridBefore.has(unit)) this.gridBefore.set(unit, from);
    if (from >= 0) this.touched.add(from);
    if (to >= 0) this.touched.add(to);
    return true;
  }

  /** Add a basic grid without name and return its number. */
  addGrid(): number {
    const grid = this.plan.addGrid({ code: this.plan.standInCode(), name: null, kind: "basic" });
    this.factsBefore.set(grid, null);
    this.touched.add(grid);
    return grid;
  }

  /** Give a grid another code, name or kind; false where it is locked. */
  setFacts(grid: number, facts: GridFacts): boolean {
    const before = this.plan.facts(grid);
    if (!this.plan.setFacts(grid, facts)) return false;
    if (!this.factsBefore.has(grid)) this.factsBefore.set(grid, before);
    this.touched.add(grid);
    return true;
  }

  /** The edit that was made, null where all is as before. */
  finish(action: Action, { at, note = "" }: Said): Edit | null {
    this.dropEmptyNewGrids();
    const moved = [...this.gridBefore].filter(([unit, before]) => this.plan.grid[unit] !== before).sort(([a], [b]) => a - b);
    const grids: GridStep[] = [...this.factsBefore]
      .map(([grid, before]) => ({ grid, before, after: this.plan.facts(grid) }))
      .filter(({ before, after }) => !sameFacts(before, after))
      .sort((a, b) => a.grid - b.grid);
    if (!moved.length && !grids.length) return null;
    return {
      action, at, note,
      units: Int32Array.from(moved, ([unit]) => unit),
      before: Int32Array.from(moved, ([, before]) => before),
      after: Int32Array.from(moved, ([unit]) => this.plan.grid[unit] as number),
      grids,
    };
  }

  /** Put everything back. */
  drop(): void {
    for (const [unit, before] of this.gridBefore) this.plan.put(unit, before);
    for (const [grid, before] of this.factsBefore) if (before) this.plan.setFacts(grid, before);
    this.dropEmptyNewGrids();
  }

  private dropEmptyNewGrids(): void {
    for (;;) {
      const last = this.plan.gridCount - 1;
      if (this.factsBefore.get(last) !== null || !this.plan.dropLastGrid()) return;
      this.factsBefore.delete(last);
      this.touched.delete(last);
    }
  }
}
