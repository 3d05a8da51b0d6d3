/** Random sessions of a planner: whatever is done, in whatever order, the counts are right and nothing is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BorderDrag } from "../src/plan/drag.ts";
import type { Edit } from "../src/plan/edit.ts";
import type { Point } from "../src/plan/geometry.ts";
import { wholeGroups } from "../src/plan/ground.ts";
import { History } from "../src/plan/history.ts";
import { merge, newGrid, rename, renumber, setKind, splitByLine } from "../src/plan/operations.ts";
import { borderingGrids, gridPieces, unassignedPockets } from "../src/plan/pieces.ts";
import type { Plan, PlanState } from "../src/plan/plan.ts";
import { SaveQueue } from "../src/plan/queue.ts";
import { Stroke } from "../src/plan/stroke.ts";
import { Chance, randomPlan, SAID, type Drawn } from "./plan_builders.ts";

const SESSIONS = 40;
const EDITS = 250;

/** The bytes of all that is edited. */
function bytes({ grid, facts }: PlanState): string {
  return Buffer.from(grid.buffer).toString("base64") + JSON.stringify(facts);
}

/** Everything that a lock holds: its units and their grids, its grids with their units and facts. */
function heldByLocks(plan: Plan): string {
  const held: unknown[] = [];
  for (let unit = 0; unit < plan.grid.length; unit++) if (plan.isUnitLocked(unit)) held.push([unit, plan.grid[unit]]);
  for (let grid = 0; grid < plan.gridCount; grid++) if (plan.isGridLocked(grid)) held.push([plan.facts(grid), plan.members(grid)]);
  return JSON.stringify(held);
}

function checkTotals(plan: Plan): void {
  const { households } = plan.ground;
  const [totals, counts] = [new Array<number>(plan.gridCount).fill(0), new Array<number>(plan.gridCount).fill(0)];
  let outside = 0;
  plan.grid.forEach((grid, unit) => {
    assert.ok(grid >= -1 && grid < plan.gridCount, `unit ${unit} is lost in grid ${grid}`);
    if (grid < 0) outside++;
    else {
      totals[grid] = (totals[grid] as number) + (households[unit] as number);
      counts[grid] = (counts[grid] as number) + 1;
    }
  });
  assert.deepEqual(totals.map((_, grid) => plan.households(grid)), totals);
  assert.deepEqual(counts.map((_, grid) => plan.units(grid)), counts);
  assert.equal(counts.reduce((a, b) => a + b, outside), households.length);
}

function randomPoint(chance: Chance, { points }: Drawn): Point {
  const unit = chance.below(points.x.length);
  return [(points.x[unit] as number) + 8 * chance.next() - 4, (points.y[unit] as number) + 8 * chance.next() - 4];
}

function someLine(chance: Chance, drawn: Drawn): Point[] {
  return Array.from({ length: 2 + chance.below(4) }, () => randomPoint(chance, drawn));
}

function stroke(chance: Chance, drawn: Drawn): Edit | null {
  const { plan, points, ground } = drawn;
  const grid = () => chance.below(plan.gridCount + 1) - 1;
  const hand = new Stroke(plan, { to: chance.next() < 0.1 ? "new" : grid(), ...(chance.next() < 0.3 && { from: grid() }) });
  let at = randomPoint(chance, drawn);
  for (let i = chance.below(6); i >= 0; i--) {
    const to = randomPoint(chance, drawn);
    const met = chance.next() < 0.2 ? points.inRing(someLine(chance, drawn)) : points.alongWay(at, to, 12 * chance.next());
    hand.paint(chance.next() < 0.1 ? wholeGroups(chance.pick([ground.buildings, ground.compounds]), met) : met);
    checkTotals(plan);
    at = to;
  }
  return ended(chance, plan, hand);
}

function drag(chance: Chance, drawn: Drawn): Edit | null {
  const { plan, points } = drawn;
  const hand = new BorderDrag(plan, points, [chance.below(plan.gridCount), chance.below(plan.gridCount + 1) - 1], someLine(chance, drawn));
  for (let i = chance.below(4); i >= 0; i--) {
    hand.moveTo(someLine(chance, drawn));
    checkTotals(plan);
  }
  return ended(chance, plan, hand);
}

function ended(chance: Chance, plan: Plan, hand: Stroke | BorderDrag): Edit | null {
  if (chance.next() < 0.9) return hand.end(SAID);
  hand.drop();
  checkTotals(plan);
  return null;
}

function middles({ plan, points }: Drawn) {
  return plan.standing().map((grid) => {
    const members = plan.members(grid);
    const mean = (values: Float64Array) => members.reduce((sum, unit) => sum + (values[unit] as number), 0) / members.length;
    return { grid, x: mean(points.x), y: mean(points.y), area: 100 * members.length };
  });
}

function operation(chance: Chance, drawn: Drawn): Edit | null {
  const { plan, points } = drawn;
  const grid = chance.below(plan.gridCount);
  switch (chance.below(9)) {
    case 0: case 1: case 2: return stroke(chance, drawn);
    case 3: return drag(chance, drawn);
    case 4: return splitByLine(plan, points, grid, someLine(chance, drawn), SAID);
    case 5: return merge(plan, grid, borderingGrids(plan, grid)[0]?.grid ?? chance.below(plan.gridCount), SAID);
    case 6: return newGrid(plan, points.inRing(someLine(chance, drawn)), SAID);
    case 7: return renumber(plan, middles(drawn), SAID);
    default: return chance.next() < 0.5
      ? rename(plan, grid, chance.pick(["东里", "<b>", null]), SAID)
      : setKind(plan, grid, chance.pick(["basic", "special"]), SAID);
  }
}

function changeLocks(chance: Chance, plan: Plan): void {
  for (let i = chance.below(4); i > 0; i--) plan.lockUnit(chance.below(plan.grid.length), chance.next() < 0.5);
  for (let i = chance.below(3); i > 0; i--) plan.lockGrid(chance.below(plan.gridCount), chance.next() < 0.4);
}

function unlock(plan: Plan): void {
  for (let unit = 0; unit < plan.grid.length; unit++) plan.lockUnit(unit, false);
  for (let grid = 0; grid < plan.gridCount; grid++) plan.lockGrid(grid, false);
}

/** One session; returns how many edits and steps of undo and redo were done. */
function session(seed: number): number {
  const chance = new Chance(seed);
  const drawn = randomPlan(chance, 3 + chance.below(8), 2 + chance.below(7), 1 + chance.below(3));
  const { plan, ground } = drawn;
  const first = bytes(plan.state());
  const history = new History();
  const queue = new SaveQueue(ground, { revision: 1, ...plan.state() });
  let done = 0;
  while (done < EDITS) {
    if (chance.next() < 0.1) changeLocks(chance, plan);
    const held = heldByLocks(plan);
    if (chance.next() < 0.25) {
      const step = history.goTo(plan, history.position + chance.pick([-3, -2, -1, -1, -1, 1, 1, 2]), SAID.at);
      for (const edit of step.done ?? []) queue.push(edit);
      done += step.done?.length ?? 0;
    } else {
      const before = bytes(plan.state());
      const edit = operation(chance, drawn);
      if (edit) {
        history.push(edit);
        queue.push(edit);
        done++;
      } else assert.equal(bytes(plan.state()), before, "what is no edit changes nothing");
    }
    checkTotals(plan);
    assert.equal(heldByLocks(plan), held, "a lock was passed by");
    if (done % 25 === 0) {
      const restored = SaveQueue.fromJson(ground, JSON.parse(JSON.stringify(queue.toJson())));
      assert.deepEqual(restored.toJson(), queue.toJson());
      assert.equal(bytes(restored.plan()), bytes(plan.state()), "the queue gives another plan");
      assert.deepEqual(History.fromJson(JSON.parse(JSON.stringify(history.toJson()))).edits, history.edits);
    }
  }
  unlock(plan);
  const last = bytes(plan.state());
  const { length } = history.edits;
  history.goTo(plan, length, SAID.at);
  const top = bytes(plan.state());
  history.goTo(plan, 0, SAID.at);
  assert.equal(bytes(plan.state()), first, "undo of everything gives another state than the first");
  checkTotals(plan);
  history.goTo(plan, length, SAID.at);
  assert.equal(bytes(plan.state()), top, "redo of everything gives another state than the last");
  assert.ok(length > 0 && last !== first);
  return done;
}

test("after any edits with any locks totals are right, no lock is passed by, and undo of all gives the first bytes back", () => {
  let done = 0;
  for (let seed = 1; seed <= SESSIONS; seed++) {
    try {
      done += session(seed);
    } catch (error) {
      console.error(`seed ${seed}`);
      throw error;
    }
  }
  assert.ok(done >= SESSIONS * EDITS, `${done} edits`);
});

test("pieces are those that a search over all pairs finds", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { plan } = randomPlan(new Chance(seed), 8, 6, 3);
    const root = Array.from(plan.grid.keys());
    const { start, unit: neighbour, joins } = plan.ground.neighbours;
    for (let changed = true; changed; ) {
      changed = false;
      for (let unit = 0; unit < plan.grid.length; unit++) {
        for (let i = start[unit] as number; i < (start[unit + 1] as number); i++) {
          const other = neighbour[i] as number;
          if (!joins[i] || plan.grid[unit] !== plan.grid[other] || (root[other] as number) >= (root[unit] as number)) continue;
          root[unit] = root[other] as number;
          changed = true;
        }
      }
    }
    const all = [...gridPieces(plan, plan.standing()).values(), unassignedPockets(plan)].flat();
    const expected = new Map<number, number[]>();
    root.forEach((first, unit) => expected.set(first, [...(expected.get(first) ?? []), unit]));
    assert.deepEqual(all.map(({ units }) => units.join()).sort(), [...expected.values()].map((units) => units.join()).sort(), `seed ${seed}`);
  }
});

test("a stroke of 60 events on 20,000 units in 400 grids is timed", (context) => {
  const drawn = randomPlan(new Chance(1), 200, 100, 7);
  const { plan, points } = drawn;
  assert.equal(plan.grid.length, 20_000);
  const grids = plan.gridCount;
  const events: number[] = [];
  const ends: number[] = [];
  for (let run = 0; run < 10; run++) {
    const hand = new Stroke(plan, { to: run });
    let at: Point = [50, -100 - 60 * run];
    for (let i = 0; i < 60; i++) {
      const to: Point = [at[0] + 25, at[1]];
      const start = performance.now();
      hand.paint(points.alongWay(at, to, 30));
      events.push(performance.now() - start);
      at = to;
    }
    const start = performance.now();
    const edit = hand.end(SAID);
    gridPieces(plan, hand.touched);
    ends.push(performance.now() - start);
    assert.ok(edit && edit.units.length > 500);
    checkTotals(plan);
  }
  const at = (times: number[], share: number) => [...times].sort((a, b) => a - b)[Math.floor(share * (times.length - 1))]?.toFixed(3);
  context.diagnostic(`${grids} grids; event: median ${at(events, 0.5)} ms, p99 ${at(events, 0.99)} ms; end with pieces: median ${at(ends, 0.5)} ms`);
});
