import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../src/plan/plan.ts";
import { between, COLUMNS, PAGE_ROWS, pageOf, UnitRows, wouldHold, type Asked, type Sets } from "../src/planner/unit_rows.ts";
import { Chance, draw, randomPlan } from "./plan_builders.ts";

const ALL: Asked = { text: "", grid: null, building: null, compound: null, show: "all", sort: "unit", isDescending: false };
const NONE: Sets = { selected: new Set(), pointed: new Set() };

function rowsOf(plan: Plan): UnitRows {
  return new UnitRows(plan, { compound: (id) => (id === "c1" ? "Lotus Court" : id), grid: (grid) => plan.facts(grid).code });
}

function drawn() {
  return draw("A A B B . C C C C C C C", {
    households: [5, 3, 8, 8, 0, 1, 2, 9, 4, 6, 7, 5],
    buildings: ["b2", "b2", "b10", "b10", null, "b1", "b1", "b1", null, null, null, null],
    compounds: ["c1", "c1", "c1", null, null, "c2", "c2", null, null, null, null, null],
  });
}

test("units stand in the order of numbers in their names, and what is equal by unit id both ways", () => {
  const rows = rowsOf(drawn().plan);
  assert.deepEqual(rows.find(ALL, NONE), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(rows.find({ ...ALL, isDescending: true }, NONE)[0], 11);
  // u10 after u9, b10 after b2, units without a building last.
  assert.deepEqual(rows.find({ ...ALL, sort: "building" }, NONE), [5, 6, 7, 0, 1, 2, 3, 4, 8, 9, 10, 11]);
  assert.deepEqual(rows.find({ ...ALL, sort: "households" }, NONE), [4, 5, 6, 1, 8, 0, 11, 9, 10, 2, 3, 7]);
  assert.deepEqual(rows.find({ ...ALL, sort: "households", isDescending: true }, NONE).slice(0, 3), [7, 2, 3]);
  assert.deepEqual(rows.find({ ...ALL, sort: "grid", isDescending: true }, NONE).slice(0, 2), [4, 5]);
});

test("every word of a search must be found, in a compound's name or a grid's code too", () => {
  const { plan } = drawn();
  const rows = rowsOf(plan);
  assert.deepEqual(rows.find({ ...ALL, text: "  LOTUS g-a " }, NONE), [0, 1]);
  assert.deepEqual(rows.find({ ...ALL, text: "lotus g-c" }, NONE), []);
  assert.deepEqual(rows.find({ ...ALL, grid: -1 }, NONE), [4]);
  assert.deepEqual(rows.find({ ...ALL, building: plan.ground.buildings.names.indexOf("b10") }, NONE), [2, 3]);
  assert.deepEqual(rows.find({ ...ALL, compound: -1, grid: 1 }, NONE), [3]);
  plan.put(3, 0);
  assert.deepEqual(rows.find({ ...ALL, text: "g-b" }, NONE), [2]);
});

test("locked are units with a lock of their own, then those of a locked grid", () => {
  const { plan } = drawn();
  plan.lockUnit(7, true);
  plan.lockGrid(0, true);
  const rows = rowsOf(plan);
  assert.deepEqual(rows.find({ ...ALL, show: "locked", sort: "locked" }, NONE), [7, 0, 1]);
  assert.equal(rows.find({ ...ALL, show: "free" }, NONE).length, 9);
  const sets = { selected: new Set([2, 9]), pointed: new Set([4]) };
  assert.deepEqual(rows.find({ ...ALL, show: "selected", isDescending: true }, sets), [9, 2]);
  assert.deepEqual(rows.find({ ...ALL, show: "pointed" }, sets), [4]);
});

test("whatever is asked, the table lists each unit that fits once and in order", () => {
  const chance = new Chance(12);
  for (let round = 0; round < 40; round++) {
    const { plan } = randomPlan(chance, 9, 7, 3);
    for (let unit = 0; unit < 63; unit++) plan.lockUnit(unit, chance.next() < 0.2);
    const asked: Asked = {
      ...ALL, text: chance.pick(["", "b1", "u2"]), grid: chance.pick([null, -1, 0, 1]), compound: chance.pick([null, null, -1, 0]),
      show: chance.pick(["all", "locked", "free"] as const), sort: chance.pick(COLUMNS), isDescending: chance.next() < 0.5,
    };
    const found = rowsOf(plan).find(asked, NONE);
    const fits = (unit: number) => {
      const { buildings, compounds, unitIds } = plan.ground;
      const text = [unitIds[unit], buildings.names[buildings.of[unit] as number], compounds.names[compounds.of[unit] as number], plan.grid[unit] as number >= 0 ? plan.facts(plan.grid[unit] as number).code : ""].join("\n");
      return (asked.grid === null || plan.grid[unit] === asked.grid) && (asked.compound === null || compounds.of[unit] === asked.compound) &&
        (asked.show === "all" || plan.holds(unit) === (asked.show === "locked")) && text.includes(asked.text);
    };
    assert.deepEqual([...found].sort((a, b) => a - b), Array.from({ length: 63 }, (_, unit) => unit).filter(fits));
    if (asked.sort !== "households") continue;
    const households = found.map((unit) => plan.ground.households[unit] as number);
    assert.deepEqual(households, [...households].sort((a, b) => (asked.isDescending ? b - a : a - b)));
  }
});

test("pages hold all rows once, and a page that is gone is the nearest", () => {
  const rows = Array.from({ length: 2 * PAGE_ROWS + 1 }, (_, row) => row);
  assert.deepEqual([0, 1, 2].flatMap((page) => pageOf(rows, page).rows), rows);
  assert.deepEqual([pageOf(rows, 9).page, pageOf(rows, Infinity).page, pageOf(rows, -1).page], [2, 2, 0]);
  assert.deepEqual(pageOf([], 3), { page: 0, pages: 1, rows: [] });
});

test("a range goes both ways, and is one row where it begins outside the list", () => {
  const rows = [4, 2, 9, 7];
  assert.deepEqual(between(rows, 2, 7), [2, 9, 7]);
  assert.deepEqual(between(rows, 7, 2), [2, 9, 7]);
  assert.deepEqual(between(rows, 5, 9), [9]);
});

test("what a grid would hold is what it holds once the units are moved", () => {
  const chance = new Chance(3);
  for (let round = 0; round < 60; round++) {
    const { plan } = randomPlan(chance, 6, 6, 3);
    for (let unit = 0; unit < 36; unit++) plan.lockUnit(unit, chance.next() < 0.2);
    plan.lockGrid(1, chance.next() < 0.5);
    const units = Array.from({ length: 36 }, (_, unit) => unit).filter(() => chance.next() < 0.4);
    const into = chance.pick([0, 1, 2]);
    const after = wouldHold(plan, units)(into);
    for (const unit of units) plan.put(unit, into);
    assert.equal(plan.households(into), after);
  }
});
