/** What mends a problem best: found from totals and borders alone, so that it can stand beside each problem. */
import { bandStatus, legalCounts, type Band } from "./band.ts";
import { borderingGrids, gridPieces, type Piece } from "./pieces.ts";
import type { Plan } from "./plan.ts";
import type { Ground } from "./ground.ts";

/** Something that is not as it should be. */
export type Problem =
  | { kind: "too_small" | "too_large"; grid: number; households: number }
  | { kind: "pieces"; grid: number; pieces: readonly Piece[] }
  | { kind: "unassigned"; pocket: Piece }
  | { kind: "compound"; compound: number; grids: readonly number[]; households: number };

/** `to`: the grid each unit goes to, `plan.gridCount` for a new one; `after`: households of that of `into`. */
export type Remedy =
  | { kind: "merge"; grid: number; into: number; after: number }
  | { kind: "move"; units: readonly number[]; to: readonly number[]; into: number; after: number }
  | { kind: "split"; grid: number; parts: number }
  /** A unit above the band is to be divided by floors: no grid that holds it can be in band. */
  | { kind: "floors"; unit: number }
  | { kind: "mend"; grids: readonly number[] };

/** In how many parts a grid can be split so that all of them may lie in band; none where no number does it. */
export function legalParts(band: Band, households: number): number[] {
  const counts = legalCounts(band, households);
  if (!counts) return [];
  const least = Math.max(counts.least, 2);
  return Array.from({ length: Math.max(counts.most - least + 1, 0) }, (_, i) => least + i);
}

/**
 * Compounds in several grids that would fit one: none of their units is in a special grid, and all their households
 * together are not above the band.
 */
export function needlesslySplit(plan: Plan, band: Band, split: ReadonlyMap<number, readonly number[]>): Extract<Problem, { kind: "compound" }>[] {
  const found: Extract<Problem, { kind: "compound" }>[] = [];
  for (const [compound, grids] of split) {
    if (grids.some((grid) => plan.facts(grid).kind === "special")) continue;
    const households = sum(plan, compoundUnits(plan, compound));
    if (households <= band.upper) found.push({ kind: "compound", compound, grids, households });
  }
  return found;
}

/** The best remedy of a problem, null where a lock leaves none. */
export function remedy(plan: Plan, band: Band, problem: Problem): Remedy | null {
  if (problem.kind === "unassigned") return joined(plan, band, [problem.pocket]);
  if (problem.kind === "compound") return whole(plan, band, problem.compound, problem.grids);
  if (plan.isGridLocked(problem.grid)) return null;
  if (problem.kind === "pieces") return joined(plan, band, problem.pieces.slice(1)) ?? { kind: "mend", grids: [problem.grid] };
  if (problem.kind === "too_large") {
    const tower = unitsAbove(plan.ground, band.upper).find((unit) => plan.grid[unit] === problem.grid);
    if (tower !== undefined) return { kind: "floors", unit: tower };
    const [parts] = legalParts(band, problem.households);
    return parts && plan.units(problem.grid) >= parts ? { kind: "split", grid: problem.grid, parts } : { kind: "mend", grids: [problem.grid] };
  }
  return mergedSmall(plan, band, problem.grid) ?? { kind: "mend", grids: [problem.grid] };
}

/** A grid that is too small goes to the neighbour with the longest walkable border with which it fits the band. */
function mergedSmall(plan: Plan, band: Band, grid: number): Remedy | null {
  if (plan.members(grid).some((unit) => plan.isUnitLocked(unit))) return null;
  for (const { grid: into, walkableM } of borderingGrids(plan, grid)) {
    const after = plan.households(grid) + plan.households(into);
    if (walkableM > 0 && isOpen(plan, into) && bandStatus(band, after) === "ok") return { kind: "merge", grid, into, after };
  }
  return null;
}

/**
 * Each piece goes to the grid with the longest border that it can be walked to from, if it can to one that stays in
 * band. Ground of no grid goes to one that is out of band then where there is no other; a piece of a grid only where
 * no grid leaves the band by it.
 */
function joined(plan: Plan, band: Band, pieces: readonly Piece[]): Remedy | null {
  const units: number[] = [];
  const to: number[] = [];
  const gained = new Map<number, number>();
  const given = new Map<number, number>();
  for (const piece of pieces) {
    if (piece.units.some((unit) => plan.holds(unit))) continue;
    const after = (grid: number) => plan.households(grid) + (gained.get(grid) ?? 0) + piece.households;
    const beside = besides(plan, piece.units).filter(({ grid }) => isOpen(plan, grid));
    const own = plan.grid[piece.units[0] as number] as number;
    const fitting = beside.filter(({ grid }) => after(grid) <= band.upper);
    const best = fitting.find(({ walkableM }) => walkableM > 0) ?? (own < 0 ? beside[0] : fitting[0]);
    if (!best || (own >= 0 && leavesBand(band, plan.households(own) - (given.get(own) ?? 0), piece.households))) continue;
    given.set(own, (given.get(own) ?? 0) + piece.households);
    gained.set(best.grid, (gained.get(best.grid) ?? 0) + piece.households);
    for (const unit of piece.units) {
      units.push(unit);
      to.push(best.grid);
    }
  }
  const into = to[0];
  if (into === undefined) return null;
  return { kind: "move", units, to, into, after: plan.households(into) + (gained.get(into) as number) };
}

const above = new WeakMap<Ground, { upper: number; units: readonly number[] }>();

/** Units that are above the band by themselves, looked for once: every problem of every list asks. */
function unitsAbove(ground: Ground, upper: number): readonly number[] {
  const known = above.get(ground);
  if (known?.upper === upper) return known.units;
  const units: number[] = [];
  for (let unit = 0; unit < ground.count; unit++) if ((ground.households[unit] as number) > upper) units.push(unit);
  above.set(ground, { upper, units });
  return units;
}

/** Whether so many households are in band, and no longer without some of them. */
function leavesBand(band: Band, households: number, without: number): boolean {
  return bandStatus(band, households) === "ok" && bandStatus(band, households - without) !== "ok";
}

/** All units of a compound go to the one of its grids where that leaves least out of band or in pieces, or to a grid of their own. */
function whole(plan: Plan, band: Band, compound: number, grids: readonly number[]): Remedy | null {
  const units = compoundUnits(plan, compound);
  let best: { faults: number; moved: number; remedy: Remedy } | null = null;
  for (const into of [...grids.filter((grid) => isOpen(plan, grid)), plan.gridCount]) {
    const leaving = units.filter((unit) => plan.grid[unit] !== into);
    if (leaving.some((unit) => plan.holds(unit))) continue;
    const moved = sum(plan, leaving);
    const after = (into < plan.gridCount ? plan.households(into) : 0) + moved;
    const faults = faultsAfter(plan, band, leaving, into, after, grids);
    if (best && (faults > best.faults || (faults === best.faults && moved >= best.moved))) continue;
    best = { faults, moved, remedy: { kind: "move", units: leaving, to: leaving.map(() => into), into, after } };
  }
  // What only moves the fault elsewhere is no remedy.
  return best && best.faults <= faultsNow(plan, band, grids) ? best.remedy : null;
}

function faultsNow(plan: Plan, band: Band, grids: readonly number[]): number {
  const pieces = gridPieces(plan, grids);
  return grids.filter((grid) => bandStatus(band, plan.households(grid)) !== "ok" || (pieces.get(grid)?.length ?? 0) > 1).length;
}

/** How many of these grids are out of band or in pieces where units have gone to one of them, or to a new one. */
function faultsAfter(plan: Plan, band: Band, leaving: readonly number[], into: number, after: number, grids: readonly number[]): number {
  const left = new Set(leaving);
  let faults = bandStatus(band, after) === "ok" ? 0 : 1;
  for (const grid of grids) {
    const members = plan.members(grid).filter((unit) => !left.has(unit));
    if (grid === into) {
      if (countPieces(plan, [...members, ...leaving]) > 1) faults++;
      continue;
    }
    if (!members.length) continue;
    if (bandStatus(band, sum(plan, members)) !== "ok" || countPieces(plan, members) > 1) faults++;
  }
  return faults;
}

/** In how many pieces some units lie, over borders that one can walk across. */
export function countPieces(plan: Plan, units: readonly number[]): number {
  const { start, unit: neighbour, joins } = plan.ground.neighbours;
  const left = new Set(units);
  let pieces = 0;
  for (const first of units) {
    if (!left.delete(first)) continue;
    pieces++;
    const way = [first];
    for (const unit of way) {
      for (let i = start[unit] as number; i < (start[unit + 1] as number); i++) {
        const next = neighbour[i] as number;
        if (joins[i] && left.delete(next)) way.push(next);
      }
    }
  }
  return pieces;
}

interface Beside {
  grid: number;
  borderM: number;
  walkableM: number;
}

/** The grids beside some units of one grid or none, the longest walkable border first. */
function besides(plan: Plan, units: readonly number[]): Beside[] {
  const { start, unit: neighbour, borderM, joins } = plan.ground.neighbours;
  const own = plan.grid[units[0] as number] as number;
  const found = new Map<number, Beside>();
  for (const unit of units) {
    for (let i = start[unit] as number; i < (start[unit + 1] as number); i++) {
      const grid = plan.grid[neighbour[i] as number] as number;
      if (grid < 0 || grid === own) continue;
      const each = found.get(grid) ?? { grid, borderM: 0, walkableM: 0 };
      each.borderM += borderM[i] as number;
      if (joins[i]) each.walkableM += borderM[i] as number;
      found.set(grid, each);
    }
  }
  return [...found.values()].sort((a, b) => b.walkableM - a.walkableM || b.borderM - a.borderM || a.grid - b.grid);
}

function isOpen(plan: Plan, grid: number): boolean {
  return !plan.isGridLocked(grid) && plan.facts(grid).kind !== "special";
}

function compoundUnits(plan: Plan, compound: number): number[] {
  const { start, units } = plan.ground.compounds;
  return Array.from(units.subarray(start[compound] as number, start[compound + 1] as number));
}

function sum(plan: Plan, units: readonly number[]): number {
  return units.reduce((all, unit) => all + (plan.ground.households[unit] as number), 0);
}
