/** All that is not as it should be in a plan. */
import { gridStatus, type Band } from "./band.ts";
import { gridPieces, splitCompounds, unassignedPockets, type Piece } from "./pieces.ts";
import type { Plan } from "./plan.ts";
import { needlesslySplit, type Problem } from "./remedies.ts";

/** The grids that stand, by code. */
export function gridsByCode(plan: Plan): number[] {
  return plan.standing().sort((a, b) => (plan.facts(a).code < plan.facts(b).code ? -1 : 1));
}

/** Households in no grid, that one can walk between. */
export function pocketsOf(plan: Plan): Piece[] {
  return unassignedPockets(plan).filter((pocket) => pocket.households > 0);
}

/** The problems of a plan, whose pieces and pockets are known already or looked for. */
export function problemsOf(
  plan: Plan, band: Band, pieces: ReadonlyMap<number, readonly Piece[]> = gridPieces(plan, plan.standing()), pockets: readonly Piece[] = pocketsOf(plan),
): Problem[] {
  const found: Problem[] = pockets.map((pocket) => ({ kind: "unassigned", pocket }));
  for (const grid of gridsByCode(plan)) {
    const status = gridStatus(plan, band, grid);
    if (status === "too_small" || status === "too_large") found.push({ kind: status, grid, households: plan.households(grid) });
    const parts = pieces.get(grid) ?? [];
    if (parts.length > 1) found.push({ kind: "pieces", grid, pieces: parts });
  }
  return [...found, ...needlesslySplit(plan, band, splitCompounds(plan))];
}

/** The units that a problem is about; of a grid in pieces those apart from the largest piece. */
export function unitsAt(plan: Plan, problem: Problem): number[] {
  if (problem.kind === "unassigned") return [...problem.pocket.units];
  if (problem.kind === "pieces") return problem.pieces.slice(1).flatMap(({ units }) => units);
  if (problem.kind !== "compound") return plan.members(problem.grid);
  const { start, units } = plan.ground.compounds;
  return Array.from(units.subarray(start[problem.compound] as number, start[problem.compound + 1] as number));
}

/** How many problems there are of each kind, those in no grid as households. */
export function tallied(problems: readonly Problem[]): Map<Problem["kind"], number> {
  const counts = new Map<Problem["kind"], number>();
  for (const problem of problems) {
    counts.set(problem.kind, (counts.get(problem.kind) ?? 0) + (problem.kind === "unassigned" ? problem.pocket.households : 1));
  }
  return counts;
}
