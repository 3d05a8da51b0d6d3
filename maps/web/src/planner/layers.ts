/** What the page reads out of the layers of a pack: the ground, the grids of the draft, and what borders follow. */
import type { Arcs, Layer } from "../pack.ts";
import { Ground } from "../plan/ground.ts";
import type { GridFacts, PlanState } from "../plan/plan.ts";
import { SnapLines } from "../plan/snapping.ts";
import type { IndexedLayer, Scene } from "../scene.ts";
import type { Middles } from "./numbers.ts";

export function need(layers: ReadonlyMap<string, Layer>, name: string): Layer {
  const layer = layers.get(name);
  if (!layer) throw new Error(`the pack lacks ${name}`);
  return layer;
}

export function groundOf(units: IndexedLayer, pairs: IndexedLayer): Ground {
  const numbers = (layer: IndexedLayer, name: string) => column(layer, name).map((value) => Number(value ?? 0));
  const names = (name: string) => column(units, name).map((value) => (value === null || value === "" ? null : String(value)));
  return new Ground({
    unitIds: column(units, "unit_id").map(String),
    households: numbers(units, "households"),
    buildings: names("building_id"),
    compounds: names("compound_id"),
    left: numbers(pairs, "left"),
    right: numbers(pairs, "right"),
    borderM: numbers(pairs, "border_m"),
    crosses: numbers(pairs, "crosses"),
    joins: numbers(pairs, "joins"),
  });
}

export function stateOf(grids: IndexedLayer, units: IndexedLayer): PlanState & { facts: readonly GridFacts[] } {
  const facts = column(grids, "grid_id").map((code, grid): GridFacts => ({
    code: String(code),
    name: grids.text("name", grid) || null,
    kind: grids.text("kind", grid) === "special" ? "special" : "basic",
  }));
  return { grid: Int32Array.from(column(units, "grid"), (grid) => (typeof grid === "number" ? grid : -1)), facts };
}

/** A middle of each unit: of its house where it has one, else of its cell; NaN without either. */
export function middlesOf(cells: IndexedLayer, units: IndexedLayer): Middles {
  const x = new Float64Array(units.count).fill(NaN);
  const y = new Float64Array(units.count).fill(NaN);
  for (let unit = 0; unit < units.count; unit++) {
    // Bands of one tower have the same house.
    const middle = (units.text("divided_from", unit) ? cells.middle(unit) : units.middle(unit)) ?? cells.middle(unit) ?? units.middle(unit);
    if (middle) [x[unit], y[unit]] = middle;
  }
  return { x, y };
}

export function arcsOf(cells: IndexedLayer): Arcs {
  if (!cells.layer.arcs) throw new Error("the cells have no borders");
  return cells.layer.arcs();
}

/** What is on the ground that a border is drawn along. */
export function snapLines(scene: Scene): SnapLines {
  const [walls, roads, water, compounds] = (["barriers", "roads", "water", "compounds"] as const).map((name) => scene.get(name)) as [IndexedLayer, IndexedLayer, IndexedLayer, IndexedLayer];
  return new SnapLines([
    { kind: "wall", paths: walls.layer.lines },
    { kind: "wall", paths: walls.layer.edges },
    { kind: "wall", paths: compounds.layer.edges, rows: (row) => compounds.flag("walled", row) },
    { kind: "road", paths: roads.layer.lines },
    { kind: "water", paths: water.layer.lines },
    { kind: "water", paths: water.layer.edges },
  ]);
}

export function compoundNames(compounds: IndexedLayer): (id: string) => string {
  const names = new Map(Array.from({ length: compounds.count }, (_, row) => [compounds.text("compound_id", row), compounds.text("name", row)]));
  return (id) => names.get(id) || id;
}

function column(layer: IndexedLayer, name: string): readonly (string | number | boolean | null)[] {
  return layer.layer.columns.get(name) ?? new Array<null>(layer.count).fill(null);
}
