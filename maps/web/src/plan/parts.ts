/** A proposal in parts that can be taken or left one by one: whatever is chosen, no grid ends worse than it was or would be. */
import { bandStatus, gridStatus, type Band } from "./band.ts";
import type { Plan } from "./plan.ts";
import { countPieces } from "./remedies.ts";

/** Units and the grids they would go to, -1 for none, from `plan.gridCount` on for new ones. */
export interface Moves {
  readonly units: readonly number[];
  readonly to: readonly number[];
}

/** What becomes of a grid where some moves are taken: `grid` from `plan.gridCount` on is new. */
export interface GridChange {
  readonly grid: number;
  readonly before: number;
  readonly after: number;
  /** Households that come to it and leave it. */
  readonly coming: number;
  readonly leaving: number;
}

/** Groups at one grid of which every choice is tried; more of them are one part. */
const MOST_TRIED = 8;

/**
 * The parts of a proposal, each as places in `moves.units`. Units that go the same way and hang together stay
 * together; so do groups at a grid where some choice among them would leave it farther from the band, or in more
 * pieces, than both as it stands and as proposed. A grid that begins or ends does so whole.
 */
export function parts(plan: Plan, band: Band, moves: Moves): number[][] {
  const groups = ways(plan, moves);
  const parent = groups.map((_, group) => group);
  const root = (group: number): number => (parent[group] === group ? group : (parent[group] = root(parent[group] as number)));
  const at = new Map<number, Set<number>>();
  groups.forEach((places, group) => {
    for (const place of places) for (const grid of [plan.grid[moves.units[place] as number] as number, moves.to[place] as number]) {
      if (grid >= 0) at.set(grid, (at.get(grid) ?? new Set()).add(group));
    }
  });
  for (const [grid, found] of at) {
    const here = [...found];
    if (here.length > 1 && !areFree(plan, band, moves, grid, here.map((group) => groups[group] as number[]))) {
      for (const group of here) parent[root(group)] = root(here[0] as number);
    }
  }
  const joined = new Map<number, number[]>();
  groups.forEach((places, group) => joined.set(root(group), [...(joined.get(root(group)) ?? []), ...places]));
  return [...joined.values()].map((places) => places.sort((a, b) => a - b)).sort((a, b) => (a[0] as number) - (b[0] as number));
}

/** The moves of some parts; new grids are numbered without gaps. */
export function chosenMoves(plan: Plan, moves: Moves, chosen: readonly (readonly number[])[]): { units: number[]; to: number[] } {
  const places = chosen.flat().sort((a, b) => a - b);
  const fresh = new Map<number, number>();
  const to = places.map((place) => {
    const grid = moves.to[place] as number;
    if (grid < plan.gridCount) return grid;
    if (!fresh.has(grid)) fresh.set(grid, plan.gridCount + fresh.size);
    return fresh.get(grid) as number;
  });
  return { units: places.map((place) => moves.units[place] as number), to };
}

/** What becomes of the grids that some moves touch, standing ones by number, then new ones. */
export function changesOf(plan: Plan, { units, to }: Moves): GridChange[] {
  const found = new Map<number, { coming: number; leaving: number }>();
  const change = (grid: number, side: "coming" | "leaving", households: number) => {
    if (grid < 0) return;
    const each = found.get(grid) ?? { coming: 0, leaving: 0 };
    each[side] += households;
    found.set(grid, each);
  };
  units.forEach((unit, i) => {
    const households = plan.ground.households[unit] as number;
    change(plan.grid[unit] as number, "leaving", households);
    change(to[i] as number, "coming", households);
  });
  return [...found].sort(([a], [b]) => a - b).map(([grid, { coming, leaving }]) => {
    const before = grid < plan.gridCount ? plan.households(grid) : 0;
    return { grid, before, after: before + coming - leaving, coming, leaving };
  });
}

/** How many grids are out of band where some moves are taken: those that stand then, whatever the moves touch. */
export function outOfBand(plan: Plan, band: Band, moves: Moves): number {
  const units = new Map(plan.standing().map((grid) => [grid, plan.units(grid)]));
  moves.units.forEach((unit, i) => {
    for (const [grid, by] of [[plan.grid[unit] as number, -1], [moves.to[i] as number, 1]] as const) units.set(grid, (units.get(grid) ?? 0) + by);
  });
  const households = new Map(changesOf(plan, moves).map(({ grid, after }) => [grid, after]));
  const isOut = (grid: number) => {
    const after = households.get(grid);
    const status = after === undefined ? gridStatus(plan, band, grid) : plan.facts(grid)?.kind === "special" ? "exempt" : bandStatus(band, after);
    return status === "too_small" || status === "too_large";
  };
  return [...units].filter(([grid, count]) => grid >= 0 && count > 0 && isOut(grid)).length;
}

/** Households that change from one grid to another. */
export function movedHouseholds(plan: Plan, { units }: Moves): number {
  return units.reduce((sum, unit) => sum + ((plan.grid[unit] as number) >= 0 ? (plan.ground.households[unit] as number) : 0), 0);
}

/** Units that go from one grid to another and hang together, as places. */
function ways(plan: Plan, { units, to }: Moves): number[][] {
  const { start, unit: neighbour } = plan.ground.neighbours;
  const placeOf = new Map(units.map((unit, place) => [unit, place]));
  const groups: number[][] = [];
  const seen = new Set<number>();
  units.forEach((_, first) => {
    if (seen.has(first)) return;
    seen.add(first);
    const group = [first];
    for (const place of group) {
      const unit = units[place] as number;
      for (let i = start[unit] as number; i < (start[unit + 1] as number); i++) {
        const next = placeOf.get(neighbour[i] as number);
        if (next === undefined || seen.has(next) || to[next] !== to[first] || plan.grid[units[next] as number] !== plan.grid[units[first] as number]) continue;
        seen.add(next);
        group.push(next);
      }
    }
    groups.push(group);
  });
  return groups;
}

/** Whether every choice among the groups at a grid leaves it no worse than the worse of before and after. */
function areFree(plan: Plan, band: Band, { units, to }: Moves, grid: number, groups: readonly number[][]): boolean {
  if (groups.length > MOST_TRIED || grid >= plan.gridCount) return false;
  const stateOf = (choice: number) => {
    const members = new Set(plan.members(grid));
    groups.forEach((places, i) => {
      if (!(choice & (1 << i))) return;
      for (const place of places) {
        if (to[place] === grid) members.add(units[place] as number);
        else members.delete(units[place] as number);
      }
    });
    const households = [...members].reduce((sum, unit) => sum + (plan.ground.households[unit] as number), 0);
    return { count: members.size, away: Math.max(band.lower - households, households - band.upper, 0), pieces: countPieces(plan, [...members]) };
  };
  const all = (1 << groups.length) - 1;
  const [before, after] = [stateOf(0), stateOf(all)];
  if (!after.count) return false;
  const [away, pieces] = [Math.max(before.away, after.away), Math.max(before.pieces, after.pieces)];
  for (let choice = 1; choice < all; choice++) {
    const state = stateOf(choice);
    if (state.away > away || state.pieces > pieces) return false;
  }
  return true;
}
