/** What hangs together: the pieces of grids over borders one can walk across, pockets without a grid, split compounds. */
import type { Plan } from "./plan.ts";

/** Units that one can walk through, ascending, and their households. */
export interface Piece {
  readonly units: readonly number[];
  readonly households: number;
}

/** A grid that borders another. */
export interface Bordering {
  readonly grid: number;
  /** Length of the shared border in metres, and how much of it lies between units that one can walk across. */
  readonly borderM: number;
  readonly walkableM: number;
}

/** The pieces of some grids, the one of most households first; a grid of one piece is contiguous. */
export function gridPieces(plan: Plan, grids: Iterable<number>): Map<number, Piece[]> {
  const wanted = new Set(grids);
  const found = new Map<number, Piece[]>();
  for (const grid of wanted) found.set(grid, []);
  const seen = new Uint8Array(plan.grid.length);
  for (let unit = 0; unit < plan.grid.length; unit++) {
    if (seen[unit] === 0 && wanted.has(plan.grid[unit] as number)) found.get(plan.grid[unit] as number)?.push(pieceAt(plan, unit, seen));
  }
  for (const pieces of found.values()) pieces.sort(byHouseholds);
  return found;
}

/** Units in no grid, grouped by where one can walk, the group of most households first. */
export function unassignedPockets(plan: Plan): Piece[] {
  return gridPieces(plan, [-1]).get(-1) ?? [];
}

/** Compounds in more than one grid, each with its grids ascending; units in no grid count for none. */
export function splitCompounds(plan: Plan): Map<number, number[]> {
  const { names, start, units } = plan.ground.compounds;
  const split = new Map<number, number[]>();
  for (let compound = 0; compound < names.length; compound++) {
    const grids = new Set<number>();
    for (let i = start[compound] as number; i < (start[compound + 1] as number); i++) grids.add(plan.grid[units[i] as number] as number);
    grids.delete(-1);
    if (grids.size > 1) split.set(compound, [...grids].sort((a, b) => a - b));
  }
  return split;
}

/** The grids that border a grid, the longest walkable border first: whom it can merge with. */
export function borderingGrids(plan: Plan, grid: number): Bordering[] {
  const { start, unit: neighbour, borderM, joins } = plan.ground.neighbours;
  const found = new Map<number, { grid: number; borderM: number; walkableM: number }>();
  for (const unit of plan.members(grid)) {
    for (let i = start[unit] as number; i < (start[unit + 1] as number); i++) {
      const other = plan.grid[neighbour[i] as number] as number;
      if (other < 0 || other === grid) continue;
      const border = found.get(other) ?? { grid: other, borderM: 0, walkableM: 0 };
      border.borderM += borderM[i] as number;
      if (joins[i]) border.walkableM += borderM[i] as number;
      found.set(other, border);
    }
  }
  return [...found.values()].sort((a, b) => b.walkableM - a.walkableM || b.borderM - a.borderM || a.grid - b.grid);
}

function pieceAt(plan: Plan, first: number, seen: Uint8Array): Piece {
  const { start, unit: neighbour, joins } = plan.ground.neighbours;
  const grid = plan.grid[first];
  const units = [first];
  let households = 0;
  seen[first] = 1;
  for (const unit of units) {
    households += plan.ground.households[unit] as number;
    for (let i = start[unit] as number; i < (start[unit + 1] as number); i++) {
      const next = neighbour[i] as number;
      if (!joins[i] || seen[next] || plan.grid[next] !== grid) continue;
      seen[next] = 1;
      units.push(next);
    }
  }
  return { units: units.sort((a, b) => a - b), households };
}

function byHouseholds(a: Piece, b: Piece): number {
  return b.households - a.households || (a.units[0] as number) - (b.units[0] as number);
}
