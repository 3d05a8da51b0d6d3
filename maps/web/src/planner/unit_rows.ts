/** The rows of the table of units: which units it lists, in what order, and what grids would hold of a selection. */
import type { Groups } from "../plan/ground.ts";
import type { Plan } from "../plan/plan.ts";

export const COLUMNS = ["unit", "building", "compound", "households", "grid", "locked"] as const;
export type Column = (typeof COLUMNS)[number];

export const SHOWS = ["all", "locked", "free", "selected", "pointed"] as const;
export type Show = (typeof SHOWS)[number];

export const PAGE_ROWS = 200;

/** What is asked of the table; a group or grid of -1 is none, of null any. */
export interface Asked {
  /** Words that must all be found in a unit's id, building, compound or grid. */
  text: string;
  grid: number | null;
  building: number | null;
  compound: number | null;
  show: Show;
  sort: Column;
  isDescending: boolean;
}

/** Units that `show` asks for. */
export interface Sets {
  selected: ReadonlySet<number>;
  /** Units that another part of the page points at. */
  pointed: ReadonlySet<number>;
}

export interface Names {
  compound(id: string): string;
  grid(grid: number): string;
}

const collator = new Intl.Collator("zh-CN", { numeric: true });

export class UnitRows {
  /** Places in the order of names; the last for none. */
  private readonly unitRank: Int32Array;
  private readonly buildingRank: Int32Array;
  private readonly compoundRank: Int32Array;
  private readonly texts: readonly string[];

  constructor(
    private readonly plan: Plan,
    private readonly names: Names,
  ) {
    const { unitIds, buildings, compounds } = plan.ground;
    this.unitRank = ranks(unitIds);
    this.buildingRank = ofUnits(buildings, ranks(buildings.names));
    const compoundNames = compounds.names.map((id) => names.compound(id));
    this.compoundRank = ofUnits(compounds, ranks(compoundNames));
    const name = (groups: Groups, of: readonly string[], unit: number) => of[groups.of[unit] as number] ?? "";
    this.texts = unitIds.map((id, unit) => `${id}\n${name(buildings, buildings.names, unit)}\n${name(compounds, compoundNames, unit)}`.toLowerCase());
  }

  /** Numbers of the units asked for, in the order asked for; what is equal stands by unit id. */
  find(asked: Asked, sets: Sets): number[] {
    const { plan } = this;
    const { buildings, compounds } = plan.ground;
    const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
    const gridTexts = words.length ? Array.from({ length: plan.gridCount }, (_, grid) => this.names.grid(grid).toLowerCase()) : [];
    const found: number[] = [];
    for (let unit = 0; unit < plan.ground.count; unit++) {
      const grid = plan.grid[unit] as number;
      if (asked.grid !== null && grid !== asked.grid) continue;
      if (asked.building !== null && buildings.of[unit] !== asked.building) continue;
      if (asked.compound !== null && compounds.of[unit] !== asked.compound) continue;
      if (!this.isShown(unit, asked.show, sets)) continue;
      if (words.every((word) => this.texts[unit]?.includes(word) || gridTexts[grid]?.includes(word))) found.push(unit);
    }
    const key = this.keys(asked.sort);
    const { unitRank } = this;
    const sign = asked.isDescending ? -1 : 1;
    return found.sort((a, b) => sign * ((key[a] as number) - (key[b] as number)) || (unitRank[a] as number) - (unitRank[b] as number));
  }

  private isShown(unit: number, show: Show, { selected, pointed }: Sets): boolean {
    if (show === "locked" || show === "free") return this.plan.holds(unit) === (show === "locked");
    if (show === "selected") return selected.has(unit);
    return show === "all" || pointed.has(unit);
  }

  private keys(column: Column): ArrayLike<number> {
    const { plan } = this;
    if (column === "unit") return this.unitRank;
    if (column === "building") return this.buildingRank;
    if (column === "compound") return this.compoundRank;
    if (column === "households") return plan.ground.households;
    if (column === "locked") return Int32Array.from(plan.grid, (_, unit) => (plan.isUnitLocked(unit) ? 0 : plan.holds(unit) ? 1 : 2));
    const rank = ranks(Array.from({ length: plan.gridCount }, (_, grid) => this.names.grid(grid)));
    return Int32Array.from(plan.grid, (grid) => rank[grid] ?? plan.gridCount);
  }
}

/** A page of rows; one that is not there is the nearest. */
export function pageOf(rows: readonly number[], page: number): { page: number; pages: number; rows: readonly number[] } {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  const at = Math.min(Math.max(page, 0), pages - 1);
  return { page: at, pages, rows: rows.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS) };
}

/** Rows from one unit to another, both included, whichever stands first; only the second where the first is not listed. */
export function between(rows: readonly number[], from: number, to: number): readonly number[] {
  const [a, b] = [rows.indexOf(from), rows.indexOf(to)];
  return a < 0 || b < 0 ? [to] : rows.slice(Math.min(a, b), Math.max(a, b) + 1);
}

/** Households that grids would hold with units moved into them, as far as locks let them go; a locked grid gets none. */
export function wouldHold(plan: Plan, units: Iterable<number>): (grid: number) => number {
  let moving = 0;
  const own = new Map<number, number>();
  for (const unit of units) {
    if (plan.holds(unit)) continue;
    const grid = plan.grid[unit] as number;
    const households = plan.ground.households[unit] as number;
    moving += households;
    own.set(grid, (own.get(grid) ?? 0) + households);
  }
  return (grid) => plan.households(grid) + (plan.isGridLocked(grid) ? 0 : moving - (own.get(grid) ?? 0));
}

function ranks(names: readonly string[]): Int32Array {
  const rank = new Int32Array(names.length);
  const order = Array.from(names.keys()).sort((a, b) => collator.compare(names[a] as string, names[b] as string));
  order.forEach((name, place) => (rank[name] = place));
  return rank;
}

function ofUnits(groups: Groups, rank: Int32Array): Int32Array {
  return Int32Array.from(groups.of, (group) => rank[group] ?? rank.length);
}
