/** What an editing session does not change: units, their households, buildings and compounds, and who borders whom. */

/** `Crossing` of `geo/adjacency.py`: what a shared border runs along, as bits. */
export const CROSSING = { wall: 1, minorRoad: 2, secondaryRoad: 4, majorRoad: 8, water: 16, barrier: 32 } as const;

/** n units and m pairs as plain arrays, units in ascending order of ids. */
export interface GroundSource {
  unitIds: readonly string[];
  households: ArrayLike<number>;
  /** Building and compound of each unit, null where it is in none. */
  buildings: readonly (string | null)[];
  compounds: readonly (string | null)[];
  /** Numbers of the two units of each pair, each pair once. */
  left: ArrayLike<number>;
  right: ArrayLike<number>;
  /** Length of the shared border in metres. */
  borderM: ArrayLike<number>;
  /** Bits of `CROSSING`. */
  crosses: ArrayLike<number>;
  /** Whether one can walk across. */
  joins: ArrayLike<boolean | number>;
}

/** Units in groups: the units of group i are `units[start[i]] .. units[start[i + 1]]`, ascending. */
export interface Groups {
  readonly names: readonly string[];
  /** Group of each unit, -1 for none. */
  readonly of: Int32Array;
  readonly start: Int32Array;
  readonly units: Int32Array;
}

/** Neighbours of unit u stand at `start[u] .. start[u + 1]` of the other arrays. */
export interface Neighbours {
  readonly start: Int32Array;
  readonly unit: Int32Array;
  readonly borderM: Float64Array;
  readonly crosses: Uint8Array;
  readonly joins: Uint8Array;
}

export class GroundError extends Error {}

export class Ground {
  readonly count: number;
  readonly unitIds: readonly string[];
  readonly households: Int32Array;
  readonly buildings: Groups;
  readonly compounds: Groups;
  readonly neighbours: Neighbours;
  private readonly numbers: ReadonlyMap<string, number>;

  /** Throws `GroundError` where arrays differ in length, an id comes twice, a pair or a count is not possible. */
  constructor(source: GroundSource) {
    this.count = source.unitIds.length;
    this.unitIds = [...source.unitIds];
    this.numbers = new Map(this.unitIds.map((id, unit) => [id, unit]));
    if (this.numbers.size < this.count) throw new GroundError("a unit id comes twice");
    for (const name of ["households", "buildings", "compounds"] as const) {
      if (source[name].length !== this.count) throw new GroundError(`${name}: ${source[name].length} values for ${this.count} units`);
    }
    this.households = Int32Array.from(source.households);
    for (let unit = 0; unit < this.count; unit++) {
      const said = source.households[unit] as number;
      if (said !== this.households[unit] || said < 0) throw new GroundError(`unit ${this.unitIds[unit]} has ${said} households`);
    }
    this.buildings = grouped(source.buildings);
    this.compounds = grouped(source.compounds);
    this.neighbours = neighbours(this.count, source);
  }

  /** The number of a unit, -1 where the ground has no such unit. */
  numberOf(unitId: string): number {
    return this.numbers.get(unitId) ?? -1;
  }
}

/** The units of the groups that some units are in, and the units that are in none: whole buildings, whole compounds. */
export function wholeGroups(groups: Groups, units: Iterable<number>): number[] {
  const found = new Set<number>();
  const done = new Set<number>();
  for (const unit of units) {
    const group = groups.of[unit] as number;
    found.add(unit);
    if (group < 0 || done.has(group)) continue;
    done.add(group);
    for (let i = groups.start[group] as number; i < (groups.start[group + 1] as number); i++) found.add(groups.units[i] as number);
  }
  return [...found].sort((a, b) => a - b);
}

function grouped(names: readonly (string | null)[]): Groups {
  const sorted = [...new Set(names)].filter((name): name is string => name !== null).sort();
  const number = new Map(sorted.map((name, group) => [name, group]));
  const of = Int32Array.from(names, (name) => (name === null ? -1 : (number.get(name) as number)));
  const start = new Int32Array(sorted.length + 1);
  for (const group of of) if (group >= 0) start[group + 1] = (start[group + 1] as number) + 1;
  for (let group = 0; group < sorted.length; group++) start[group + 1] = (start[group + 1] as number) + (start[group] as number);
  const next = start.slice();
  const units = new Int32Array(start[sorted.length] as number);
  of.forEach((group, unit) => {
    if (group < 0) return;
    units[next[group] as number] = unit;
    next[group] = (next[group] as number) + 1;
  });
  return { names: sorted, of, start, units };
}

function neighbours(n: number, { left, right, borderM, crosses, joins }: GroundSource): Neighbours {
  const m = left.length;
  for (const [name, values] of Object.entries({ right, borderM, crosses, joins })) {
    if (values.length !== m) throw new GroundError(`${name}: ${values.length} values for ${m} pairs`);
  }
  const start = new Int32Array(n + 1);
  const known = (unit: number) => Number.isInteger(unit) && unit >= 0 && unit < n;
  for (let pair = 0; pair < m; pair++) {
    const [a, b] = [left[pair] as number, right[pair] as number];
    if (!known(a) || !known(b) || a === b) throw new GroundError(`pair ${pair} relates ${a} and ${b} of ${n} units`);
    start[a + 1] = (start[a + 1] as number) + 1;
    start[b + 1] = (start[b + 1] as number) + 1;
  }
  for (let unit = 0; unit < n; unit++) start[unit + 1] = (start[unit + 1] as number) + (start[unit] as number);
  const next = start.slice();
  const made = { start, unit: new Int32Array(2 * m), borderM: new Float64Array(2 * m), crosses: new Uint8Array(2 * m), joins: new Uint8Array(2 * m) };
  for (let pair = 0; pair < m; pair++) {
    for (const [from, to] of [[left[pair], right[pair]], [right[pair], left[pair]]] as [number, number][]) {
      const at = next[from] as number;
      next[from] = at + 1;
      made.unit[at] = to;
      made.borderM[at] = borderM[pair] as number;
      made.crosses[at] = crosses[pair] as number;
      made.joins[at] = joins[pair] ? 1 : 0;
    }
  }
  return made;
}
