/** What became of the grids of a rebalanced plan: rows are data, the panel and the painter show them. */
import type { Side } from "./divider.ts";
import type { LayerName, Scene } from "./scene.ts";

export type Change = "kept" | "changed" | "ended" | "new";

export interface GridChange {
  code: string;
  change: Change;
  /** Households of today in the grid before and after. */
  before: number;
  after: number;
  /** Where the grid is shown: after, or before where it ended. */
  layer: LayerName;
  feature: number;
}

/** The layer of the grids on a side of the divider. */
export function gridsOf(side: Side): "grids" | "grids_before" {
  return side === "before" ? "grids_before" : "grids";
}

/** Every grid that did not stay as it was, in the order of codes. */
export function changedGrids(scene: Scene): GridChange[] {
  const table = scene.get("changes");
  const rows: GridChange[] = [];
  for (let i = 0; i < table.count; i++) {
    const change = table.text("change", i) as Change;
    const side: Side = change === "ended" ? "before" : "after";
    const feature = table.number(side, i);
    if (change === "kept" || feature === null) continue;
    rows.push({
      code: table.text("grid_id", i), change, layer: gridsOf(side), feature,
      before: table.number("households_before", i) ?? 0, after: table.number("households_after", i) ?? 0,
    });
  }
  return rows;
}

/** Rows of the grids on a side that did not stay as they were. */
export function changedRows(scene: Scene, side: Side): number[] {
  const table = scene.get("changes");
  const rows: number[] = [];
  for (let i = 0; i < table.count; i++) {
    const row = table.number(side, i);
    if (row !== null && table.text("change", i) !== "kept") rows.push(row);
  }
  return rows;
}
