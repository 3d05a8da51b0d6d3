/** Put edits that are not saved onto a newer state of the draft, where somebody else has saved meanwhile. */
import type { Edit, GridStep } from "./edit.ts";
import { applyEdit, remaining, sameFacts } from "./edit.ts";
import type { Ground } from "./ground.ts";
import { Plan, type GridFacts, type PlanState } from "./plan.ts";
import { SaveQueue } from "./queue.ts";
import type { SavedState } from "./saving.ts";

/** A unit that both changed, or that goes to a grid which has ended meanwhile; codes, null for no grid. */
export interface UnitClash {
  readonly unit: number;
  readonly reason: "moved" | "grid_ended";
  readonly mine: string | null;
  readonly theirs: string | null;
}

/** A name or kind that both changed, or that was given to a grid which has ended meanwhile (theirs: null). */
export interface FactClash {
  readonly code: string;
  readonly field: "name" | "kind";
  readonly mine: string | null;
  readonly theirs: string | null;
}

export interface Rebased {
  readonly queue: SaveQueue;
  /** The plan after all edits that were kept. */
  readonly plan: PlanState;
  /** New number of each grid that still has one. */
  readonly numberOf: ReadonlyMap<number, number>;
  /** Codes that stood in and those that the server gave in an answer that was lost. */
  readonly codes: readonly [from: string, to: string][];
  readonly units: readonly UnitClash[];
  readonly facts: readonly FactClash[];
}

/**
 * Do the edits of a queue again on the draft as it is now. What does not clash is kept on both sides; where both
 * changed a unit, name or kind, `keep` says whose holds. Of the queue given only the request under way is settled: it
 * is answered where the draft shows that the server took it, else it was lost.
 */
export function rebase(ground: Ground, queue: SaveQueue, newer: SavedState, keep: "mine" | "theirs"): Rebased {
  const taken = takenMeanwhile(ground, queue, newer);
  const codes = taken ? queue.answered({ revision: newer.revision, new_grids: taken }) : [];
  if (taken) queue.settle();
  else queue.refused();
  const { saved, base } = queue;
  const mine = queue.plan();
  const present = new Map(newer.facts.flatMap((facts): [string, GridFacts][] => (facts ? [[facts.code, facts]] : [])));
  const before = new Set(saved.facts.map((facts) => facts?.code));
  const hasEnded = (code: string | null) => code !== null && before.has(code) && !present.has(code);

  const units: UnitClash[] = [];
  const left = new Set<number>(); // units that edits leave as they are on the server
  for (const unit of new Set(queue.edits.flatMap((edit) => Array.from(edit.units)))) {
    const [was, theirs, wanted] = [codeAt(saved, unit), codeAt(newer, unit), codeAt(mine, unit)];
    const moved = was !== theirs;
    if (moved && (wanted === theirs || wanted === was)) left.add(unit);
    else if (moved || (hasEnded(wanted) && wanted !== was)) {
      units.push({ unit, reason: moved ? "moved" : "grid_ended", mine: wanted, theirs });
      if (keep === "theirs") left.add(unit);
    }
  }

  const numbers = new Numbers(queue, present);
  const start = { grid: newer.grid.map((slot) => (slot < 0 ? -1 : numbers.of((newer.facts[slot] as GridFacts).code))), facts: numbers.facts };
  const facts = factClashes(queue, mine, saved, present);
  const lost = new Set(keep === "theirs" ? facts.map(({ code, field }) => `${field} ${code}`) : []);
  const plan = new Plan(ground, start);
  const redone = new SaveQueue(ground, newer, plan.state());
  const used = new Set<number>();
  for (const edit of queue.edits) edit.units.forEach((unit, i) => left.has(unit) || used.add(edit.after[i] as number));
  for (const edit of queue.edits) {
    const grids = numbers.steps(edit, plan, used, ({ grid }, field) => {
      const { code } = base.facts[grid] ?? { code: "" };
      return lost.has(`${field} ${code}`) || hasEnded(code);
    });
    const kept = Array.from(edit.units.keys()).filter((i) => {
      const unit = edit.units[i] as number;
      return !left.has(unit) && plan.grid[unit] !== numbers.number(edit.after[i] as number);
    });
    const again = remaining(plan, {
      ...edit, grids,
      units: Int32Array.from(kept, (i) => edit.units[i] as number),
      before: Int32Array.from(kept, (i) => plan.grid[edit.units[i] as number] as number),
      after: Int32Array.from(kept, (i) => numbers.number(edit.after[i] as number)),
    });
    if (!again.units.length && !again.grids.length) continue;
    applyEdit(plan, again);
    redone.push(again);
  }
  return { queue: redone, plan: plan.state(), numberOf: numbers.map, codes, units: units.sort((a, b) => a.unit - b.unit), facts };
}

/** The numbers of grids on the newer state: those of before keep theirs, then come others' new ones, then one's own. */
class Numbers {
  readonly map = new Map<number, number>();
  readonly facts: GridFacts[];
  private readonly ofCode = new Map<string, number>();
  /** The code that a grid of before began with: where a grid is undone, the next new one gets its number. */
  private readonly begunAs = new Map<number, string>();

  constructor(queue: SaveQueue, present: ReadonlyMap<string, GridFacts>) {
    this.facts = queue.base.facts.map((facts) => present.get(facts.code) ?? facts);
    queue.base.facts.forEach(({ code }, grid) => this.begunAs.set(grid, code));
    this.facts.forEach(({ code }, grid) => {
      this.map.set(grid, grid);
      this.ofCode.set(code, grid);
    });
    for (const facts of present.values()) {
      if (!this.ofCode.has(facts.code)) this.ofCode.set(facts.code, this.facts.push(facts) - 1);
    }
  }

  of(code: string): number {
    return this.ofCode.get(code) as number;
  }

  /** The number of a grid of before, -1 for none. */
  number(grid: number): number {
    return grid < 0 ? -1 : (this.map.get(grid) as number);
  }

  /** The steps of an edit that still have something to change on a plan. */
  steps(edit: Edit, plan: Plan, used: ReadonlySet<number>, isLost: (step: GridStep, field: "name" | "kind") => boolean): GridStep[] {
    const steps: GridStep[] = [];
    let begun = plan.gridCount;
    for (const step of edit.grids) {
      const { before, after } = step;
      if (!before && after && this.begunAs.get(step.grid) !== after.code) {
        this.begunAs.set(step.grid, after.code);
        this.map.delete(step.grid);
        const known = this.ofCode.get(after.code);
        if (known !== undefined) this.map.set(step.grid, known); // it began on the server already
        else if (used.has(step.grid)) {
          this.map.set(step.grid, begun);
          steps.push({ grid: begun++, before, after });
        }
        continue;
      }
      const grid = this.map.get(step.grid);
      if (grid === undefined) continue;
      if (!before || !after) {
        steps.push({ ...step, grid });
        if (!before && grid === begun) begun++;
        continue;
      }
      if (grid >= plan.gridCount) continue;
      const now = plan.facts(grid);
      const wanted: GridFacts = {
        code: before.code === after.code ? now.code : after.code,
        name: before.name === after.name || isLost(step, "name") ? now.name : after.name,
        kind: before.kind === after.kind || isLost(step, "kind") ? now.kind : after.kind,
      };
      if (!sameFacts(now, wanted)) steps.push({ grid, before: now, after: wanted });
    }
    return steps;
  }
}

/**
 * The codes of the grids that the request under way began, where the draft shows that the server took it although its
 * answer never came: most of its units are where it wanted them. Null where it did not, or no request is under way.
 */
function takenMeanwhile(ground: Ground, queue: SaveQueue, newer: SavedState): string[] | null {
  const request = queue.underWay;
  if (!request || newer.revision === queue.saved.revision) return null;
  const present = new Map(newer.facts.map((facts) => [facts?.code, facts]));
  const known = new Set(queue.saved.facts.map((facts) => facts?.code));
  const begun: string[] = [];
  let [there, all] = [0, 0];
  for (const move of request.body.moves) {
    const codes = move.unit_ids.map((unitId) => codeAt(newer, ground.numberOf(unitId)));
    const code = move.new ? mostCommon(codes.filter((each) => each !== null && !known.has(each))) : (move.to ?? null);
    if (code === undefined) return null;
    if (move.new) {
      known.add(code as string);
      begun.push(code as string);
    }
    all += codes.length;
    there += codes.filter((each) => each === code).length;
  }
  for (const { code, name, kind } of request.body.grids) {
    const facts = present.get(code);
    all++;
    if (facts && (name === undefined || facts.name === name) && (kind === undefined || facts.kind === kind)) there++;
  }
  return 2 * there > all ? begun : null;
}

function mostCommon<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function factClashes(queue: SaveQueue, mine: PlanState, saved: SavedState, present: ReadonlyMap<string, GridFacts>): FactClash[] {
  const before = new Map(saved.facts.flatMap((facts): [string, GridFacts][] => (facts ? [[facts.code, facts]] : [])));
  const clashes: FactClash[] = [];
  queue.base.facts.forEach((base, grid) => {
    const [was, now, wanted] = [before.get(base.code), present.get(base.code), mine.facts[grid]];
    if (!was || !wanted) return;
    for (const field of ["name", "kind"] as const) {
      if (wanted[field] === base[field] || now?.[field] === was[field] || now?.[field] === wanted[field]) continue;
      clashes.push({ code: base.code, field, mine: wanted[field], theirs: now?.[field] ?? null });
    }
  });
  return clashes;
}

function codeAt({ grid, facts }: Pick<SavedState, "grid" | "facts">, unit: number): string | null {
  const number = grid[unit] as number;
  return number < 0 ? null : (facts[number] as GridFacts).code;
}
