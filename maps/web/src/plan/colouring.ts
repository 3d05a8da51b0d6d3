/** A colour for each grid that none of its neighbours has. */
import type { Plan } from "./plan.ts";

/** Grids that share a border with each standing grid. */
export function gridNeighbours(plan: Plan): Map<number, Set<number>> {
  const { grid, ground } = plan;
  const { start, unit } = ground.neighbours;
  const found = new Map<number, Set<number>>(plan.standing().map((each) => [each, new Set()]));
  for (let one = 0; one < ground.count; one++) {
    const own = grid[one] as number;
    if (own < 0) continue;
    for (let i = start[one] as number; i < (start[one + 1] as number); i++) {
      const other = grid[unit[i] as number] as number;
      if (other >= 0 && other !== own) found.get(own)?.add(other);
    }
  }
  return found;
}

/**
 * The colour of each standing grid, 0 to `colours` - 1: what it had before while no neighbour has it, else the least
 * used that is free. Grids with most neighbours choose first (Welsh and Powell 1967). Where a grid has neighbours in
 * every colour it shares one with the fewest of them.
 */
export function gridColours(plan: Plan, colours: number, before: ReadonlyMap<number, number> = new Map()): Map<number, number> {
  const beside = gridNeighbours(plan);
  const chosen = new Map<number, number>();
  const used = new Array<number>(colours).fill(0);
  const degree = (grid: number) => beside.get(grid)?.size ?? 0;
  const take = (grid: number, colour: number) => {
    chosen.set(grid, colour);
    used[colour] = (used[colour] as number) + 1;
  };
  const order = [...beside.keys()].sort((a, b) => degree(b) - degree(a) || a - b);
  for (const grid of order) {
    const had = before.get(grid);
    const near = beside.get(grid) ?? [];
    if (had !== undefined && ![...near].some((other) => chosen.get(other) === had)) take(grid, had);
  }
  for (const grid of order) {
    if (chosen.has(grid)) continue;
    const clashes = new Array<number>(colours).fill(0);
    for (const other of beside.get(grid) ?? []) {
      const colour = chosen.get(other);
      if (colour !== undefined) clashes[colour] = (clashes[colour] as number) + 1;
    }
    let best = 0;
    for (let colour = 1; colour < colours; colour++) {
      const [a, b] = [clashes[colour] as number, clashes[best] as number];
      if (a < b || (a === b && (used[colour] as number) < (used[best] as number))) best = colour;
    }
    take(grid, best);
  }
  return chosen;
}
