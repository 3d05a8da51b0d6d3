import assert from "node:assert/strict";
import { test } from "node:test";
import { bandStatus, communityCounts, gridFit, gridStatus, legalCounts } from "../src/plan/band.ts";
import { Ground, GroundError, wholeGroups } from "../src/plan/ground.ts";
import { borderingGrids, gridPieces, splitCompounds, unassignedPockets } from "../src/plan/pieces.ts";
import { Plan, PlanError } from "../src/plan/plan.ts";
import { Stroke } from "../src/plan/stroke.ts";
import { draw, drawing, SAID } from "./plan_builders.ts";

const BAND = { lower: 50, upper: 100 };

test("neighbours of a unit stand both ways, with border, crossing and way across", () => {
  const ground = new Ground({
    unitIds: ["a", "b", "c"], households: [1, 2, 3], buildings: ["x", null, "x"], compounds: [null, null, null],
    left: [0, 1], right: [1, 2], borderM: [4.5, 7], crosses: [1, 16], joins: [true, false],
  });
  const { start, unit, borderM, crosses, joins } = ground.neighbours;
  assert.deepEqual([...start], [0, 1, 3, 4]);
  assert.deepEqual([...unit], [1, 0, 2, 1]);
  assert.deepEqual([...borderM], [4.5, 4.5, 7, 7]);
  assert.deepEqual([...crosses], [1, 1, 16, 16]);
  assert.deepEqual([...joins], [1, 1, 0, 0]);
  assert.deepEqual([...ground.buildings.of], [0, -1, 0]);
  assert.equal(ground.numberOf("c"), 2);
  assert.equal(ground.numberOf("d"), -1);
});

test("a ground that cannot be is refused", () => {
  const two = { unitIds: ["a", "b"], households: [1, 2], buildings: [null, null], compounds: [null, null], left: [0], right: [1], borderM: [1], crosses: [0], joins: [1] };
  for (const wrong of [
    { unitIds: ["a", "a"] }, { households: [1] }, { households: [1, -2] }, { households: [1, 0.5] }, { right: [2] }, { right: [0] },
    { joins: [] }, { compounds: [] },
  ]) assert.throws(() => new Ground({ ...two, ...wrong }), GroundError, JSON.stringify(wrong));
});

test("a plan with a grid that is not there or a code that comes twice is refused", () => {
  const { ground } = draw("A A");
  const a = { code: "1", name: null, kind: "basic" } as const;
  assert.throws(() => new Plan(ground, { grid: Int32Array.of(0, 1), facts: [a] }), PlanError);
  assert.throws(() => new Plan(ground, { grid: Int32Array.of(0, 0), facts: [a, a] }), PlanError);
  assert.throws(() => new Plan(ground, { grid: Int32Array.of(0), facts: [a] }), PlanError);
});

test("totals follow the stroke, and its end is one edit", () => {
  const { plan } = draw("A A B\nA B B", { households: [1, 2, 4, 8, 16, 32] });
  const stroke = new Stroke(plan, { to: 0 });
  assert.deepEqual(stroke.paint([0, 2]), [2]);
  assert.deepEqual([plan.households(0), plan.households(1)], [15, 48]);
  assert.deepEqual(stroke.paint([2, 4]), [4]);
  assert.deepEqual([plan.households(0), plan.units(0), plan.units(1)], [31, 5, 1]);
  assert.deepEqual([...stroke.touched].sort(), [0, 1]);
  const edit = stroke.end({ ...SAID, note: "market" });
  assert.deepEqual([edit?.action, edit?.at, edit?.note], ["paint", SAID.at, "market"]);
  assert.deepEqual([[...edit!.units], [...edit!.before], [...edit!.after]], [[2, 4], [1, 1], [0, 0]]);
});

test("a stroke that is dropped leaves all as before, the new grid it made too", () => {
  const { plan } = draw("A A B\nA B .");
  const before = plan.state();
  const stroke = new Stroke(plan, { to: "new" });
  assert.equal(stroke.target, null);
  stroke.paint([0, 2, 5]);
  assert.equal(drawing(plan, 3), "C A C\nA B C");
  assert.equal(stroke.target, 2);
  stroke.drop();
  assert.deepEqual(plan.state(), before);
  assert.ok(plan.recount());
});

test("a stroke of one source paints no other, and none paints what is locked", () => {
  const { plan } = draw("A A B\nC C .");
  plan.lockUnit(4, true);
  plan.lockGrid(1, true);
  assert.deepEqual(new Stroke(plan, { to: 0, from: 2 }).paint([0, 1, 2, 3, 4, 5]), [3]);
  assert.deepEqual(new Stroke(plan, { to: 0, from: -1 }).paint([2, 4, 5]), [5]);
  assert.deepEqual(new Stroke(plan, { to: -1 }).paint([2, 4]), []);
  assert.deepEqual(new Stroke(plan, { to: 1 }).paint([0]), [], "nothing comes into a locked grid either");
  assert.equal(drawing(plan, 3), "A A B\nA C A");
});

test("a stroke that changes nothing is no edit", () => {
  const { plan } = draw("A A B");
  const stroke = new Stroke(plan, { to: 0 });
  stroke.paint([0, 1]);
  assert.equal(stroke.end(SAID), null);
});

test("pieces of a grid hang together only where one can walk", () => {
  const { plan } = draw("A A A\nB B A", { cut: [[0, 1]], households: [1, 2, 3, 4, 5, 6] });
  assert.deepEqual(gridPieces(plan, [0]).get(0), [{ units: [1, 2, 5], households: 11 }, { units: [0], households: 1 }]);
  assert.deepEqual([...gridPieces(plan, [1]).keys()], [1]);
});

test("units in no grid are grouped into pockets, the larger first", () => {
  const { plan } = draw(". A .\nB A .");
  assert.deepEqual(unassignedPockets(plan), [{ units: [2, 5], households: 20 }, { units: [0], households: 10 }]);
});

test("the grids that border a grid, the longest way across first", () => {
  const { plan } = draw("B A A C\nB A C C", { cut: [[0, 1], [4, 5]] });
  assert.deepEqual(borderingGrids(plan, 0), [{ grid: 2, borderM: 30, walkableM: 30 }, { grid: 1, borderM: 20, walkableM: 0 }]);
});

test("a compound in two grids is split; whole compounds and buildings are found from one unit", () => {
  const { plan, ground } = draw("A A B .", { compounds: ["p", "q", "q", "p"], buildings: ["x", null, "y", "y"] });
  assert.deepEqual(splitCompounds(plan), new Map([[1, [0, 1]]]));
  assert.deepEqual(wholeGroups(ground.compounds, [3]), [0, 3]);
  assert.deepEqual(wholeGroups(ground.buildings, [1, 2]), [1, 2, 3]);
});

test("the band holds at both its ends", () => {
  assert.deepEqual([49, 50, 100, 101].map((households) => bandStatus(BAND, households)), ["too_small", "ok", "ok", "too_large"]);
});

test("1,340 households make 14 to 26 grids, 49 none, 101 to 149 two", () => {
  assert.deepEqual(legalCounts(BAND, 1340), { least: 14, most: 26 });
  assert.equal(legalCounts(BAND, 49), null);
  assert.deepEqual(legalCounts(BAND, 149), { least: 2, most: 2 });
});

test("units too large and special grids stand outside the count, as geo counts", () => {
  const { plan } = draw("A A B C D .", { households: [60, 40, 132, 70, 30, 50] });
  plan.setFacts(3, { ...plan.facts(3), kind: "special" });
  assert.deepEqual(communityCounts(plan, BAND), {
    households: 382, specialHouseholds: 30, grids: 3, specialGrids: 1, tooLarge: [2], tooLargeHouseholds: 132,
    inBand: { least: 3, most: 4 }, legal: { least: 4, most: 5 },
  });
  assert.deepEqual([0, 1, 2, 3].map((grid) => gridStatus(plan, BAND, grid)), ["ok", "too_large", "ok", "exempt"]);
});

test("where nobody lives no band applies", () => {
  const { plan } = draw("A B", { households: 0 });
  assert.equal(gridStatus(plan, BAND, 0), "exempt");
  const { plan: lived } = draw("A B", { households: [0, 50] });
  assert.equal(gridStatus(lived, BAND, 0), "too_small");
});

test("a grid in pieces does not fit, though its households do; out of band stays out of band", () => {
  const { plan } = draw("A B A C D D", { households: [30, 60, 30, 20, 60, 70] });
  const fits = plan.standing().map((grid) => gridFit(plan, BAND, grid, gridPieces(plan, [grid]).get(grid)?.length ?? 0));
  assert.deepEqual(fits, ["pieces", "ok", "too_small", "too_large"]);
  plan.put(1, 0);
  assert.equal(gridFit(plan, { lower: 50, upper: 200 }, 0, gridPieces(plan, [0]).get(0)?.length ?? 0), "ok");
  plan.put(1, 1);
  plan.setFacts(0, { ...plan.facts(0), kind: "special" });
  assert.equal(gridFit(plan, BAND, 0, 2), "exempt");
});
