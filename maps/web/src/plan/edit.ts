/** One edit as a value: what was where before and after. It can be done again, taken back, and written down. */
import type { GridFacts, Plan } from "./plan.ts";

/** `new` is a grid made from a selection; the others are the actions of the API. */
export type Action = "paint" | "drag" | "split" | "merge" | "new" | "renumber" | "proposal" | "rename" | "kind" | "undo" | "redo";

/** When an edit was made (ISO 8601) and, in a line, why. */
export interface Said {
  readonly at: string;
  readonly note?: string;
}

/** A grid that began (before: null), ended before it was saved (after: null), or changed its code, name or kind. */
export interface GridStep {
  readonly grid: number;
  readonly before: GridFacts | null;
  readonly after: GridFacts | null;
}

export interface Edit {
  readonly action: Action;
  readonly at: string;
  readonly note: string;
  /** Units that changed grids, ascending, and the numbers of their grids, -1 for none. */
  readonly units: Int32Array;
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly grids: readonly GridStep[];
}

export interface EditJson {
  action: Action;
  at: string;
  note: string;
  units: number[];
  before: number[];
  after: number[];
  grids: GridStep[];
}

/** The locks that keep an edit from being done: numbers of grids and units. */
export interface Blockers {
  readonly grids: readonly number[];
  readonly units: readonly number[];
}

/** The edit that takes another back, with its own action and time. */
export function inverse(edit: Edit, action: "undo" | "redo", at: string): Edit {
  return {
    action, at, note: edit.note, units: edit.units, before: edit.after, after: edit.before,
    grids: edit.grids.map(({ grid, before, after }) => ({ grid, before: after, after: before })).reverse(),
  };
}

/** Whether two edits move the same units the other way round and change the same grids back. */
export function isInverse(a: Edit, b: Edit): boolean {
  return (
    sameNumbers(a.units, b.units) && sameNumbers(a.before, b.after) && sameNumbers(a.after, b.before) &&
    a.grids.length === b.grids.length &&
    a.grids.every((step, i) => {
      const other = b.grids[b.grids.length - 1 - i] as GridStep;
      return step.grid === other.grid && sameFacts(step.before, other.after) && sameFacts(step.after, other.before);
    })
  );
}

/**
 * What of an edit is still to be done on a plan: only units that are where it found them move, only names, kinds and
 * codes that are as it found them change, only grids that are not there begin, and only the last ones that are left
 * empty end. What somebody else has changed since stays.
 */
export function remaining(plan: Plan, edit: Edit): Edit {
  const kept = Array.from(edit.units.keys()).filter((i) => plan.grid[edit.units[i] as number] === edit.before[i]);
  let count = plan.gridCount;
  const grids = edit.grids.flatMap((step): GridStep[] => {
    const { grid, before, after } = step;
    if (!before) return grid === count ? (count++, [step]) : [];
    if (!after) {
      const leaving = kept.filter((i) => edit.before[i] === grid).length;
      return grid === count - 1 && leaving === plan.units(grid) ? (count--, [step]) : [];
    }
    if (grid >= plan.gridCount) return [];
    const now = plan.facts(grid);
    const wanted = {
      code: now.code === before.code ? after.code : now.code,
      name: now.name === before.name ? after.name : now.name,
      kind: now.kind === before.kind ? after.kind : now.kind,
    };
    return sameFacts(now, wanted) ? [] : [{ grid, before: now, after: wanted }];
  });
  const some = (numbers: Int32Array) => Int32Array.from(kept, (i) => numbers[i] as number);
  return { ...edit, grids, units: some(edit.units), before: some(edit.before), after: some(edit.after) };
}

/** Do what remains of an edit on a plan and return the grids it touched; a lock keeps what it holds (see `blockers`). */
export function applyEdit(plan: Plan, edit: Edit): Set<number> {
  const { units, before, after, grids } = remaining(plan, edit);
  const touched = new Set<number>();
  for (const step of grids) {
    touched.add(step.grid);
    if (step.after && step.before) plan.setFacts(step.grid, step.after);
    else if (step.after) plan.addGrid(step.after);
  }
  units.forEach((unit, i) => {
    const [from, to] = [before[i] as number, after[i] as number];
    if (!plan.put(unit, to)) return;
    if (from >= 0) touched.add(from);
    if (to >= 0) touched.add(to);
  });
  for (const step of grids) if (!step.after && plan.dropLastGrid()) touched.delete(step.grid);
  return touched;
}

/** The locks that stand against an edit, null where none does. */
export function blockers(plan: Plan, edit: Edit): Blockers | null {
  const grids = new Set<number>();
  const units: number[] = [];
  for (const { grid } of edit.grids) if (plan.isGridLocked(grid)) grids.add(grid);
  edit.units.forEach((unit, i) => {
    if (plan.grid[unit] !== edit.before[i]) return;
    if (plan.isUnitLocked(unit)) units.push(unit);
    for (const grid of [edit.before[i] as number, edit.after[i] as number]) if (plan.isGridLocked(grid)) grids.add(grid);
  });
  return grids.size || units.length ? { grids: [...grids].sort((a, b) => a - b), units } : null;
}

/** The edit with the code that the server gave in place of another. */
export function recoded(edit: Edit, from: string, to: string): Edit {
  const renamed = (facts: GridFacts | null) => (facts?.code === from ? { ...facts, code: to } : facts);
  if (!edit.grids.some(({ before, after }) => before?.code === from || after?.code === from)) return edit;
  return { ...edit, grids: edit.grids.map(({ grid, before, after }) => ({ grid, before: renamed(before), after: renamed(after) })) };
}

export function editToJson(edit: Edit): EditJson {
  return {
    action: edit.action, at: edit.at, note: edit.note, units: Array.from(edit.units), before: Array.from(edit.before),
    after: Array.from(edit.after), grids: edit.grids.map((step) => ({ ...step })),
  };
}

export function editFromJson(json: EditJson): Edit {
  return { ...json, units: Int32Array.from(json.units), before: Int32Array.from(json.before), after: Int32Array.from(json.after) };
}

export function sameFacts(a: GridFacts | null, b: GridFacts | null): boolean {
  return a === b || (a !== null && b !== null && a.code === b.code && a.name === b.name && a.kind === b.kind);
}

function sameNumbers(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
