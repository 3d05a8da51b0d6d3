/** Edits that wait to be saved, put onto other units: a tower was divided by floors meanwhile, or made whole. Pure. */
import type { EditJson } from "./edit.ts";
import type { QueueJson } from "./queue.ts";

/**
 * The queue as it is over the units of now. What was done with a tower is done with all its bands; with bands of one
 * that is whole again, what was done with the lowest. A request under way is sent anew.
 */
export function regrounded(
  json: QueueJson, then: readonly string[], now: readonly string[], towerOf: (unit: number) => string | null,
): QueueJson {
  const before = new Map(then.map((id, unit) => [id, unit]));
  const lowestBand = new Map<string, number>();
  then.forEach((id, unit) => {
    const at = id.lastIndexOf("/F");
    if (at > 0 && !lowestBand.has(id.slice(0, at))) lowestBand.set(id.slice(0, at), unit);
  });
  const from = now.map((id, unit) => before.get(id) ?? before.get(towerOf(unit) ?? "") ?? lowestBand.get(id) ?? -1);
  const images = new Map<number, number[]>();
  from.forEach((old, unit) => images.set(old, [...(images.get(old) ?? []), unit]));
  const gridsOf = (grid: readonly number[]) => from.map((old) => (old < 0 ? -1 : (grid[old] as number)));
  const edits = json.edits.map((edit): EditJson => {
    const pairs = edit.units.flatMap((old, at) => (images.get(old) ?? []).map((unit) => ({ unit, at })));
    return {
      ...edit, units: pairs.map(({ unit }) => unit), before: pairs.map(({ at }) => edit.before[at] as number),
      after: pairs.map(({ at }) => edit.after[at] as number),
    };
  });
  return {
    ...json, units: now.length, saved: { ...json.saved, grid: gridsOf(json.saved.grid) }, base: { ...json.base, grid: gridsOf(json.base.grid) },
    edits, under_way: null, begun: false,
  };
}
