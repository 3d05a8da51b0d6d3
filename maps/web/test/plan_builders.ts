/** Plans drawn as text, numbers that look random and are the same every time, and a server that keeps to the API. */
import { Ground, type GroundSource } from "../src/plan/ground.ts";
import { Plan, type GridFacts, type PlanState } from "../src/plan/plan.ts";
import { UnitPoints } from "../src/plan/points.ts";
import type { EditIn, SavedState, SaveReply } from "../src/plan/saving.ts";

export const SAID = { at: "2026-01-02T03:04:05Z" };

export interface Drawn {
  ground: Ground;
  plan: Plan;
  points: UnitPoints;
}

export interface DrawnOptions {
  /** Households of all units, or of each; 10 unless told. */
  households?: number | number[];
  /** Pairs of units between which one cannot walk. */
  cut?: [number, number][];
  buildings?: (string | null)[];
  compounds?: (string | null)[];
}

/**
 * Units as squares of 10 m, one for each letter: the letter is its grid, a dot none. Grids are numbered by their
 * letters and have the codes `g-A`, `g-B`. Unit 0 is in the north-west, its middle at (5, -5).
 */
export function draw(map: string, options: DrawnOptions = {}): Drawn {
  const rows = map.trim().split("\n").map((row) => row.trim().split(/\s+/));
  const width = rows[0]?.length ?? 0;
  const letters = rows.flat();
  const names = [...new Set(letters)].filter((letter) => letter !== ".").sort();
  const pairs: [number, number][] = [];
  for (let unit = 0; unit < letters.length; unit++) {
    if ((unit + 1) % width) pairs.push([unit, unit + 1]);
    if (unit + width < letters.length) pairs.push([unit, unit + width]);
  }
  const cut = new Set((options.cut ?? []).map(String));
  const source: GroundSource = {
    unitIds: letters.map((_, unit) => `u${unit}`),
    households: letters.map((_, unit) => (Array.isArray(options.households) ? (options.households[unit] as number) : (options.households ?? 10))),
    buildings: options.buildings ?? letters.map(() => null),
    compounds: options.compounds ?? letters.map(() => null),
    left: pairs.map(([a]) => a),
    right: pairs.map(([, b]) => b),
    borderM: pairs.map(() => 10),
    crosses: pairs.map(() => 0),
    joins: pairs.map((pair) => !cut.has(String(pair))),
  };
  const ground = new Ground(source);
  const plan = new Plan(ground, {
    grid: Int32Array.from(letters, (letter) => names.indexOf(letter)),
    facts: names.map((letter) => ({ code: `g-${letter}`, name: null, kind: "basic" })),
  });
  const x = Float64Array.from(letters, (_, unit) => 10 * (unit % width) + 5);
  const y = Float64Array.from(letters, (_, unit) => -10 * Math.floor(unit / width) - 5);
  return { ground, plan, points: new UnitPoints(x, y) };
}

/** The drawing of a plan of so many columns, its grids as A, B, C ... by number. */
export function drawing(plan: Pick<PlanState, "grid">, width: number): string {
  const letters = Array.from(plan.grid, (grid) => (grid < 0 ? "." : String.fromCharCode(65 + grid)));
  const rows: string[] = [];
  for (let i = 0; i < letters.length; i += width) rows.push(letters.slice(i, i + width).join(" "));
  return rows.join("\n");
}

/** Whole numbers that look random (mulberry32). */
export class Chance {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 .. most - 1. */
  below(most: number): number {
    return Math.floor(this.next() * most);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

/** A random ground with a plan of compact grids: some units in none, some borders without way across. */
export function randomPlan(chance: Chance, width: number, height: number, side: number): Drawn {
  const columns = Math.ceil(width / side);
  const names = Array.from({ length: columns * Math.ceil(height / side) }, (_, grid) => String.fromCodePoint(0x4e00 + grid));
  const rows = Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) =>
      chance.next() < 0.05 ? "." : (names[Math.floor(row / side) * columns + Math.floor(column / side)] as string)).join(" "));
  const n = width * height;
  const cut: [number, number][] = [];
  for (let unit = 0; unit < n; unit++) for (const other of [unit + 1, unit + width]) if (chance.next() < 0.1) cut.push([unit, other]);
  const some = (name: string, size: number) =>
    Array.from({ length: n }, (_, unit) => (chance.next() < 0.2 ? null : `${name}${Math.floor(unit / size)}`));
  return draw(rows.join("\n"), {
    households: Array.from({ length: n }, () => chance.below(40)), cut, buildings: some("b", 3), compounds: some("c", 11),
  });
}

/** A draft behind the API: `apply_edit` of `api/editing.py` by ids and codes, with entity tags. */
export class Server {
  revision = 1;
  readonly codeOf = new Map<string, string | null>();
  readonly facts = new Map<string, GridFacts>();
  /** Bodies that were taken. */
  readonly log: EditIn[] = [];
  private serial = 0;

  constructor(private readonly ground: Ground, state: PlanState) {
    state.grid.forEach((grid, unit) => this.codeOf.set(ground.unitIds[unit] as string, grid < 0 ? null : (state.facts[grid] as GridFacts).code));
    for (const facts of state.facts) this.facts.set(facts.code, facts);
  }

  /** The answer to an edit; null (412) where it was made on another state. Throws where the API answers 422. */
  edit(body: EditIn, revision: number): SaveReply | null {
    if (revision !== this.revision) return null;
    if (body.moves.length > 500 || body.grids.length > 500) throw new Error("too many moves or changes");
    const codeOf = new Map(this.codeOf);
    const facts = new Map(this.facts);
    const touched = new Set<string | null>();
    const begun: string[] = [];
    for (const move of body.moves) {
      if (!move.unit_ids.length || move.unit_ids.length > 20_000) throw new Error("a move of no units or of too many");
      if (new Set(move.unit_ids).size < move.unit_ids.length) throw new Error("unit_twice");
      let to = move.to ?? null;
      if (move.new) {
        to = `s-${String(++this.serial).padStart(4, "0")}`;
        facts.set(to, { code: to, name: null, kind: "basic" });
        begun.push(to);
      }
      if (to !== null && !facts.has(to)) throw new Error(`grid_unknown ${to}`);
      for (const unit of move.unit_ids) {
        if (!codeOf.has(unit)) throw new Error(`unit_unknown ${unit}`);
        touched.add(codeOf.get(unit) as string | null).add(to);
        codeOf.set(unit, to);
      }
    }
    for (const { code, name, kind } of body.grids) {
      const held = facts.get(code);
      if (!held) throw new Error(`grid_unknown ${code}`);
      facts.set(code, { code, name: name === undefined ? held.name : name, kind: kind ?? held.kind });
      touched.add(code);
    }
    const standing = new Set(codeOf.values());
    for (const code of touched) if (code !== null && !standing.has(code)) facts.delete(code);
    this.facts.clear();
    for (const [code, each] of facts) this.facts.set(code, each);
    for (const [unit, code] of codeOf) this.codeOf.set(unit, code);
    this.log.push(body);
    return { revision: ++this.revision, new_grids: begun };
  }

  state(): SavedState {
    const facts = [...this.facts.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
    const number = new Map(facts.map(({ code }, grid) => [code, grid]));
    const grid = Int32Array.from(this.ground.unitIds, (unit) => {
      const code = this.codeOf.get(unit) as string | null;
      return code === null ? -1 : (number.get(code) as number);
    });
    return { revision: this.revision, grid, facts };
  }
}

/** The code of the grid of each unit, null for none. */
export function codes({ grid, facts }: Pick<SavedState, "grid" | "facts">): (string | null)[] {
  return Array.from(grid, (number) => (number < 0 ? null : (facts[number] as GridFacts).code));
}

/** The facts of the grids that have units, by code. */
export function standingFacts({ grid, facts }: Pick<SavedState, "grid" | "facts">): GridFacts[] {
  const standing = [...new Set(grid)].filter((number) => number >= 0).map((number) => facts[number] as GridFacts);
  return standing.sort((a, b) => (a.code < b.code ? -1 : 1));
}
