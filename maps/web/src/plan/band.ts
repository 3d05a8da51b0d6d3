/** Totals against the band, and how many grids the households of a community allow (`geo/grid_counts.py`). */
import type { Fit, Status } from "../schema.ts";
import type { Plan } from "./plan.ts";

/** Fewest and most households of a grid, both included. */
export interface Band {
  readonly lower: number;
  readonly upper: number;
}

/** From `least` to `most`, both included. */
export interface Counts {
  readonly least: number;
  readonly most: number;
}

export interface CommunityCounts {
  readonly households: number;
  /** Households in special grids, which no band counts. */
  readonly specialHouseholds: number;
  /** Grids held to the band, and special ones. */
  readonly grids: number;
  readonly specialGrids: number;
  /** Units outside special grids that alone exceed the band: each stays a grid of its own, too large. */
  readonly tooLarge: readonly number[];
  readonly tooLargeHouseholds: number;
  /** How many grids in band the other households make; null where no number is legal. */
  readonly inBand: Counts | null;
  /** Those and one for each unit that is too large; null where no number is legal. */
  readonly legal: Counts | null;
}

/** How many grids so many households make if they could be divided at will; null where no number is legal. */
export function legalCounts({ lower, upper }: Band, households: number): Counts | null {
  const [least, most] = [Math.ceil(households / upper), Math.floor(households / lower)];
  return least <= most ? { least, most } : null;
}

/** The place of so many households against the band. */
export function bandStatus({ lower, upper }: Band, households: number): Exclude<Status, "exempt"> {
  if (households < lower) return "too_small";
  return households > upper ? "too_large" : "ok";
}

/** The place of a grid: special grids are exempt, and all grids of a community where nobody lives. */
export function gridStatus(plan: Plan, band: Band, grid: number): Status {
  const households = plan.households(grid);
  if (plan.facts(grid).kind === "special") return "exempt";
  if (households === 0 && plan.ground.households.every((count) => count === 0)) return "exempt";
  return bandStatus(band, households);
}

/** How a grid of so many pieces fits: in pieces, where nothing else is wrong with it. */
export function gridFit(plan: Plan, band: Band, grid: number, pieces: number): Fit {
  const status = gridStatus(plan, band, grid);
  return status === "ok" && pieces > 1 ? "pieces" : status;
}

/** Count the households and standing grids of the community, and how many grids would be legal. */
export function communityCounts(plan: Plan, band: Band): CommunityCounts {
  const { households } = plan.ground;
  const isSpecial = (grid: number) => grid >= 0 && plan.facts(grid).kind === "special";
  let [all, special, large] = [0, 0, 0];
  const tooLarge: number[] = [];
  households.forEach((count, unit) => {
    all += count;
    if (isSpecial(plan.grid[unit] as number)) special += count;
    else if (count > band.upper) {
      tooLarge.push(unit);
      large += count;
    }
  });
  const standing = plan.standing();
  const specialGrids = standing.filter(isSpecial).length;
  const inBand = legalCounts(band, all - special - large);
  return {
    households: all, specialHouseholds: special, grids: standing.length - specialGrids, specialGrids,
    tooLarge, tooLargeHouseholds: large, inBand,
    legal: inBand && { least: inBand.least + tooLarge.length, most: inBand.most + tooLarge.length },
  };
}
