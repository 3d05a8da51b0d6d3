/** Edits as the server takes them (`EditIn` of `api/schemas.py`), and what it holds after each. */
import type { Action, Edit } from "./edit.ts";
import type { Ground } from "./ground.ts";
import type { GridFacts, GridKind, PlanState } from "./plan.ts";

export interface Move {
  unit_ids: string[];
  to?: string;
  new?: true;
}

/** A name of null takes the grid's name away. */
export interface GridChange {
  code: string;
  name?: string | null;
  kind?: GridKind;
}

export interface EditIn {
  action: Exclude<Action, "new">;
  moves: Move[];
  grids: GridChange[];
  note: string;
}

/** What of the answer (`EditOut`) is needed here. */
export interface SaveReply {
  revision: number;
  new_grids: readonly string[];
}

/** A draft as the server holds it; facts are null where a grid ended. */
export interface SavedState {
  readonly revision: number;
  readonly grid: Int32Array;
  readonly facts: readonly (GridFacts | null)[];
}

export interface SaveRequest {
  readonly body: EditIn;
  /** Codes here of the grids that begin on the server, in the order of its `new_grids`. */
  readonly births: readonly string[];
}

// What `api/schemas.py` takes in one edit.
const MOST_MOVES = 500;
const MOST_CHANGES = 500;
const MOST_UNITS = 20_000;

/**
 * The next request that brings the server nearer to a state, null where it is there. A grid is known by its code;
 * one that the server does not have (new, or ended there) begins as a new grid, for it gives no code twice. Names
 * and kinds of such grids, and what is more than one request takes, follow in further requests.
 */
export function saveRequest(ground: Ground, saved: SavedState, wanted: PlanState, edit: Edit): SaveRequest | null {
  const slotOf = new Map<string, number>();
  saved.facts.forEach((facts, slot) => facts && slotOf.set(facts.code, slot));
  const target = wanted.facts.map(({ code }) => slotOf.get(code) ?? null);
  const byGrid = new Map<number, number[]>();
  const standing = new Set<number>();
  wanted.grid.forEach((grid, unit) => {
    standing.add(grid);
    if ((grid < 0 ? -1 : target[grid]) === saved.grid[unit]) return;
    const units = byGrid.get(grid);
    if (units) units.push(unit);
    else byGrid.set(grid, [unit]);
  });
  const moves: Move[] = [];
  const births: string[] = [];
  for (const [grid, units] of [...byGrid].sort(([a], [b]) => a - b)) {
    if (moves.length >= MOST_MOVES) break;
    const move: Move = { unit_ids: units.slice(0, MOST_UNITS).map((unit) => ground.unitIds[unit] as string) };
    if (grid >= 0) {
      const { code } = wanted.facts[grid] as GridFacts;
      if (target[grid] === null) {
        move.new = true;
        births.push(code);
      } else move.to = code;
    }
    moves.push(move);
  }
  const grids: GridChange[] = [];
  wanted.facts.forEach(({ code, name, kind }, grid) => {
    const slot = target[grid];
    const held = typeof slot === "number" ? saved.facts[slot] : null;
    // A grid without units ends when it is touched; there is nothing to say of it.
    if (!held || !standing.has(grid) || grids.length >= MOST_CHANGES) return;
    if (held.name === name && held.kind === kind) return;
    grids.push({ code, ...(held.name !== name && { name }), ...(held.kind !== kind && { kind }) });
  });
  if (!moves.length && !grids.length) return null;
  return { body: { action: edit.action === "new" ? "split" : edit.action, moves, grids, note: edit.note }, births };
}

/** What the server holds after it took a request: as `apply_edit` of `api/editing.py`. */
export function savedAfter(ground: Ground, saved: SavedState, { body }: SaveRequest, reply: SaveReply): SavedState {
  const grid = saved.grid.slice();
  const facts = [...saved.facts];
  const slotOf = (code: string) => facts.findIndex((each) => each?.code === code);
  const touched = new Set<number>();
  let begun = 0;
  for (const move of body.moves) {
    let to = -1;
    if (move.new) to = facts.push({ code: reply.new_grids[begun++] as string, name: null, kind: "basic" }) - 1;
    else if (move.to !== undefined) to = slotOf(move.to);
    for (const unitId of move.unit_ids) {
      const unit = ground.numberOf(unitId);
      touched.add(grid[unit] as number).add(to);
      grid[unit] = to;
    }
  }
  for (const { code, name, kind } of body.grids) {
    const slot = slotOf(code);
    const held = facts[slot] as GridFacts;
    facts[slot] = { code, name: name === undefined ? held.name : name, kind: kind ?? held.kind };
    touched.add(slot);
  }
  const standing = new Set(grid);
  for (const slot of touched) if (slot >= 0 && !standing.has(slot)) facts[slot] = null;
  return { revision: reply.revision, grid, facts };
}
