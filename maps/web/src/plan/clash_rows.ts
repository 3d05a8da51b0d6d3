/** What clashes, as a reader weighs it: units that go from the same grid to the same, with households, who and when. */
import type { Edit } from "./edit.ts";
import type { Ground } from "./ground.ts";
import type { GridFacts } from "./plan.ts";
import type { FactClash, Rebased, UnitClash } from "./rebase.ts";

/** An edit as the log of the version keeps it. */
export interface LoggedEdit {
  readonly at: string;
  readonly by: string | null;
  readonly body: {
    readonly moves?: readonly { readonly unit_ids: readonly string[]; readonly to: string | null }[];
    readonly grids?: readonly { readonly code: string; readonly name?: string | null; readonly kind?: string | null }[];
  };
}

/** Grids of a side; slots of grids that ended may be empty. */
interface SideState {
  readonly grid: Int32Array;
  readonly facts: readonly (GridFacts | null | undefined)[];
}

/** A grid on one side: its code (null for none), name, and households in all. */
export interface ClashSide {
  readonly code: string | null;
  readonly name: string | null;
  readonly households: number;
}

/** Who saved it, and when; null where the log does not say. */
export interface Said {
  readonly by: string | null;
  readonly at: string;
}

export interface UnitRow {
  readonly units: readonly number[];
  readonly households: number;
  readonly mine: ClashSide;
  readonly theirs: ClashSide;
  /** When I did it last. */
  readonly mineAt: string | null;
  readonly said: Said | null;
}

export interface FactRow extends FactClash {
  readonly said: Said | null;
}

/** Units that both moved, together where both sides want the same with them; most households first. */
export function unitRows(ground: Ground, clashes: Pick<Rebased, "units" | "plan">, theirs: SideState, edits: readonly Edit[], log: readonly LoggedEdit[]): UnitRow[] {
  const [mineOf, theirsOf] = [sides(ground, clashes.plan), sides(ground, theirs)];
  const saidOf = lastMoves(log);
  const mineAt = new Map<number, string>();
  for (const edit of edits) for (const unit of edit.units) mineAt.set(unit, edit.at);
  const rows = new Map<string, { units: number[]; said: Said | null; clash: UnitClash; at: string | null }>();
  for (const clash of clashes.units) {
    const said = saidOf(ground.unitIds[clash.unit] as string, clash.theirs);
    const key = JSON.stringify([clash.mine, clash.theirs, said]);
    const row = rows.get(key) ?? { units: [], said, clash, at: null };
    rows.set(key, row);
    row.units.push(clash.unit);
    const at = mineAt.get(clash.unit) ?? null;
    if (at !== null && (row.at === null || at > row.at)) row.at = at;
  }
  const found = [...rows.values()].map(({ units, said, clash, at }): UnitRow => ({
    units, said, mineAt: at, mine: mineOf(clash.mine), theirs: theirsOf(clash.theirs),
    households: units.reduce((sum, unit) => sum + (ground.households[unit] as number), 0),
  }));
  return found.sort((a, b) => b.households - a.households || (a.units[0] as number) - (b.units[0] as number));
}

/** Names and kinds that both changed, with who changed them last. */
export function factRows({ facts }: Pick<Rebased, "facts">, log: readonly LoggedEdit[]): FactRow[] {
  return facts.map((clash) => {
    const last = log.filter(({ body }) => body.grids?.some((grid) => grid.code === clash.code && grid[clash.field] !== undefined)).pop();
    return { ...clash, said: last ? { by: last.by, at: last.at } : null };
  });
}

function sides(ground: Ground, { grid, facts }: SideState): (code: string | null) => ClashSide {
  const households = new Map<number, number>();
  grid.forEach((each, unit) => households.set(each, (households.get(each) ?? 0) + (ground.households[unit] as number)));
  const numberOf = new Map(facts.map((each, number) => [each?.code, number]));
  return (code) => {
    const number = code === null ? -1 : (numberOf.get(code) ?? -1);
    return { code, name: facts[number]?.name ?? null, households: number < 0 ? 0 : (households.get(number) ?? 0) };
  };
}

/** Who moved a unit last to where it is. */
function lastMoves(log: readonly LoggedEdit[]): (unitId: string, to: string | null) => Said | null {
  const moved = new Map<string, Said>();
  for (const { at, by, body } of log) {
    for (const { unit_ids: ids, to } of body.moves ?? []) for (const id of ids) moved.set(JSON.stringify([id, to]), { by, at });
  }
  return (unitId, to) => moved.get(JSON.stringify([unitId, to])) ?? null;
}
