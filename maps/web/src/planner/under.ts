/** What lies under a place of the map. */
import type { Point } from "../plan/geometry.ts";
import type { Bench } from "./hand.ts";

export function unitAt({ cells }: Pick<Bench, "cells">, [x, y]: Point): number {
  return cells.polygonsAt(x, y)[0] ?? -1;
}

export function gridAt(bench: Pick<Bench, "cells" | "desk">, at: Point): number {
  const unit = unitAt(bench, at);
  return unit < 0 ? -1 : (bench.desk.plan.grid[unit] as number);
}
