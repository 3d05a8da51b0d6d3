/** Locks are kept on the computer: they are the planner's own, not the draft's. */
import type { Plan } from "../plan/plan.ts";
import type { Shelf } from "./keeper.ts";

interface LocksJson {
  grids: string[];
  units: string[];
}

/** Put the locks of an earlier page back; grids and units that are not there any more have none. */
export function restoreLocks(plan: Plan, shelf: Pick<Shelf, "get">, key: string): void {
  try {
    const { grids, units } = JSON.parse(shelf.get(key) ?? '{"grids":[],"units":[]}') as LocksJson;
    for (const code of grids) {
      const grid = plan.numberOf(code);
      if (grid >= 0) plan.lockGrid(grid, true);
    }
    for (const id of units) {
      const unit = plan.ground.numberOf(id);
      if (unit >= 0) plan.lockUnit(unit, true);
    }
  } catch {
    // What is not readable locks nothing.
  }
}

/** Keep the locks of a plan. */
export function keepLocks(plan: Plan, shelf: Pick<Shelf, "set" | "remove">, key: string): void {
  const grids = plan.standing().filter((grid) => plan.isGridLocked(grid)).map((grid) => plan.facts(grid).code);
  const units = plan.ground.unitIds.filter((_, unit) => plan.isUnitLocked(unit));
  if (grids.length || units.length) shelf.set(key, JSON.stringify({ grids, units } satisfies LocksJson));
  else shelf.remove(key);
}
