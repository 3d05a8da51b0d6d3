/** Undo and redo without limit. */
import type { Blockers, Edit, EditJson } from "./edit.ts";
import { applyEdit, blockers, editFromJson, editToJson, inverse, recoded, remaining } from "./edit.ts";
import type { Plan } from "./plan.ts";

export interface HistoryJson {
  edits: EditJson[];
  position: number;
}

/** What undo or redo did: the edits as they were done (to be saved) and the grids they touched; or the locks against it. */
export type Step =
  | { readonly done: readonly Edit[]; readonly touched: ReadonlySet<number>; readonly blocked: null }
  | { readonly done: null; readonly touched: null; readonly blocked: Blockers };

export class History {
  private list: Edit[] = [];
  private at = 0;

  /** All edits, the oldest first: those before `position` are done, the others undone. */
  get edits(): readonly Edit[] {
    return this.list;
  }

  get position(): number {
    return this.at;
  }

  /** Note an edit that was done; what was undone before it is gone. */
  push(edit: Edit): void {
    this.list.length = this.at;
    this.list.push(edit);
    this.at++;
  }

  undo(plan: Plan, at: string): Step {
    return this.goTo(plan, this.at - 1, at);
  }

  redo(plan: Plan, at: string): Step {
    return this.goTo(plan, this.at + 1, at);
  }

  /**
   * Undo or redo until `position` edits are done: all of them, or none where a lock stands against one. Beyond the
   * ends nothing happens.
   */
  goTo(plan: Plan, position: number, at: string): Step {
    const goal = Math.min(Math.max(position, 0), this.list.length);
    const way: Edit[] = [];
    for (let i = this.at; i > goal; i--) way.push(inverse(this.list[i - 1] as Edit, "undo", at));
    for (let i = this.at; i < goal; i++) way.push({ ...(this.list[i] as Edit), action: "redo", at });
    const done: Edit[] = [];
    const touched = new Set<number>();
    for (const whole of way) {
      const edit = remaining(plan, whole);
      const blocked = blockers(plan, edit);
      if (blocked) {
        for (const one of done.reverse()) applyEdit(plan, inverse(one, "undo", at));
        return { done: null, touched: null, blocked };
      }
      for (const grid of applyEdit(plan, edit)) touched.add(grid);
      if (edit.units.length || edit.grids.length) done.push(edit);
    }
    this.at = goal;
    for (const grid of touched) if (grid >= plan.gridCount) touched.delete(grid);
    return { done, touched, blocked: null };
  }

  /** Put the code that the server gave in place of another. */
  recode(from: string, to: string): void {
    this.list = this.list.map((edit) => recoded(edit, from, to));
  }

  /** Give grids other numbers (see `rebase`); what concerned a grid that has none any more is forgotten. */
  renumber(numberOf: ReadonlyMap<number, number>): void {
    const mapped = (grid: number) => (grid < 0 ? grid : (numberOf.get(grid) ?? null));
    this.list = this.list.map((edit) => {
      const kept = Array.from(edit.units.keys()).filter((i) => mapped(edit.before[i] as number) !== null && mapped(edit.after[i] as number) !== null);
      return {
        ...edit,
        units: Int32Array.from(kept, (i) => edit.units[i] as number),
        before: Int32Array.from(kept, (i) => mapped(edit.before[i] as number) as number),
        after: Int32Array.from(kept, (i) => mapped(edit.after[i] as number) as number),
        grids: edit.grids.filter(({ grid }) => numberOf.has(grid)).map((step) => ({ ...step, grid: numberOf.get(step.grid) as number })),
      };
    });
  }

  toJson(): HistoryJson {
    return { edits: this.list.map(editToJson), position: this.at };
  }

  static fromJson({ edits, position }: HistoryJson): History {
    const history = new History();
    history.list = edits.map(editFromJson);
    history.at = position;
    return history;
  }
}
