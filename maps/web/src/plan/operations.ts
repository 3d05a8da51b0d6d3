/** What is done to whole grids at once. Each returns its edit, or null where it changes nothing or a lock forbids it. */
import type { Action, Edit, Said } from "./edit.ts";
import { sideOfLine, type Point } from "./geometry.ts";
import { readingOrder, type Middle } from "./order.ts";
import type { GridKind, Plan } from "./plan.ts";
import type { UnitPoints } from "./points.ts";
import { Recording } from "./recording.ts";

/**
 * Split a grid by a drawn line, which goes on straight beyond its ends. The side that holds locked units keeps the
 * grid, else the one of more households; the units of the other side become a new grid. Units without place stay.
 */
export function splitByLine(plan: Plan, points: UnitPoints, grid: number, line: readonly Point[], said: Said): Edit | null {
  const left: number[] = [];
  const right: number[] = [];
  for (const unit of plan.members(grid)) {
    const side = sideOfLine(line, points.x[unit] as number, points.y[unit] as number);
    if (side >= 0) left.push(unit);
    else if (side < 0) right.push(unit);
  }
  const weight = (side: number[]): [locked: number, households: number] => [
    side.filter((unit) => plan.isUnitLocked(unit)).length,
    side.reduce((sum, unit) => sum + (plan.ground.households[unit] as number), 0),
  ];
  const [[lockedLeft, householdsLeft], [lockedRight, householdsRight]] = [weight(left), weight(right)];
  if (!left.length || !right.length || (lockedLeft && lockedRight)) return null;
  const leftStays = lockedLeft ? true : lockedRight ? false : householdsLeft >= householdsRight;
  return toNewGrid(plan, leftStays ? right : left, "split", said);
}

/** Make a new grid of a selection; what locks hold stays where it is. */
export function newGrid(plan: Plan, units: Iterable<number>, said: Said): Edit | null {
  return toNewGrid(plan, units, "new", said);
}

/** Put all units of a grid into another, which keeps its code, name and kind; not where a unit is locked. */
export function merge(plan: Plan, grid: number, into: number, said: Said): Edit | null {
  const units = plan.members(grid);
  return assign(plan, units, units.map(() => into), "merge", said);
}

/**
 * Put units where a proposal or a remedy wants them: all of them, or nothing where a lock holds one. Targets are
 * numbers of grids, -1 for none; those from `plan.gridCount` on are new grids, which must be named without gaps.
 */
export function assign(plan: Plan, units: ArrayLike<number>, targets: ArrayLike<number>, action: Action, said: Said): Edit | null {
  const recording = new Recording(plan);
  const most = Array.from(targets).reduce((a, b) => Math.max(a, b), -1);
  while (plan.gridCount <= most) recording.addGrid();
  for (let i = 0; i < units.length; i++) {
    const [unit, to] = [units[i] as number, targets[i] as number];
    if (plan.grid[unit] === to || recording.put(unit, to)) continue;
    recording.drop();
    return null;
  }
  return finished(recording, action, said);
}

/** Give a grid another name; nothing but blanks takes its name away. */
export function rename(plan: Plan, grid: number, name: string | null, said: Said): Edit | null {
  const recording = new Recording(plan);
  recording.setFacts(grid, { ...plan.facts(grid), name: name?.trim() || null });
  return recording.finish("rename", said);
}

/** Make a grid basic or special; no band holds for a special one. */
export function setKind(plan: Plan, grid: number, kind: GridKind, said: Said): Edit | null {
  const recording = new Recording(plan);
  recording.setFacts(grid, { ...plan.facts(grid), kind });
  return recording.finish("kind", said);
}

/**
 * The codes that grids would have if those they have were handed out anew in reading order: the lowest code to the
 * first grid. Codes that the server has not given yet come last; locked grids keep theirs. Only those that change.
 */
export function codesInOrder(plan: Plan, middles: readonly Middle[]): Map<number, string> {
  const grids = readingOrder(middles).filter((grid) => !plan.isGridLocked(grid));
  const codes = grids.map((grid) => plan.facts(grid).code).sort(byCode);
  const changed = new Map<number, string>();
  grids.forEach((grid, place) => {
    const code = codes[place] as string;
    if (code !== plan.facts(grid).code) changed.set(grid, code);
  });
  return changed;
}

/** Numbers that codes leave out between the first and the last that are alike but for their last three digits. */
export function gapsIn(codes: readonly string[]): string[] {
  const heads = new Map<string, Set<number>>();
  for (const code of codes) {
    const parts = /^(.*)(\d{3})$/.exec(code);
    if (!parts) continue;
    const [, head = "", number] = parts;
    heads.set(head, (heads.get(head) ?? new Set()).add(Number(number)));
  }
  const gaps: string[] = [];
  for (const [head, numbers] of [...heads].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const most = Math.max(...numbers);
    for (let number = Math.min(1, ...numbers); number < most; number++) if (!numbers.has(number)) gaps.push(head + String(number).padStart(3, "0"));
  }
  return gaps;
}

/** Give grids the codes of `codesInOrder`. */
export function renumber(plan: Plan, middles: readonly Middle[], said: Said): Edit | null {
  const recording = new Recording(plan);
  for (const [grid, code] of codesInOrder(plan, middles)) recording.setFacts(grid, { ...plan.facts(grid), code });
  return recording.finish("renumber", said);
}

function toNewGrid(plan: Plan, units: Iterable<number>, action: Action, said: Said): Edit | null {
  const free = [...units].filter((unit) => !plan.holds(unit));
  if (!free.length) return null;
  const recording = new Recording(plan);
  const grid = recording.addGrid();
  for (const unit of free) recording.put(unit, grid);
  return finished(recording, action, said);
}

function finished(recording: Recording, action: Action, said: Said): Edit | null {
  const edit = recording.finish(action, said);
  recording.plan.recount();
  return edit;
}

function byCode(a: string, b: string): number {
  const [standInA, standInB] = [a.startsWith("+"), b.startsWith("+")];
  if (standInA !== standInB) return standInA ? 1 : -1;
  if (standInA) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}
