import assert from "node:assert/strict";
import { test } from "node:test";
import { assign, codesInOrder, merge } from "../src/plan/operations.ts";
import { gridPieces, splitCompounds, unassignedPockets } from "../src/plan/pieces.ts";
import { countPieces, legalParts, needlesslySplit, remedy, type Problem } from "../src/plan/remedies.ts";
import { boundAt, stepOf } from "../src/planner/engine_panel.ts";
import { gridMiddles } from "../src/planner/renumber.ts";
import { Chance, draw, drawing, randomPlan, SAID, type Drawn } from "./plan_builders.ts";

const BAND = { lower: 50, upper: 100 };

function done({ plan }: Drawn, problem: Problem): string {
  const found = remedy(plan, BAND, problem);
  if (found?.kind === "merge") merge(plan, found.grid, found.into, SAID);
  else if (found?.kind === "move") assign(plan, found.units, found.to, "paint", SAID);
  return found?.kind ?? "none";
}

test("a grid is split only into numbers of parts that its households allow", () => {
  assert.deepEqual(legalParts(BAND, 130), [2]);
  assert.deepEqual(legalParts(BAND, 100), [2]);
  assert.deepEqual(legalParts(BAND, 99), []);
  assert.deepEqual(legalParts(BAND, 210), [3, 4]);
  assert.deepEqual(legalParts({ lower: 60, upper: 70 }, 80), [], "neither one nor two parts lie in band");
});

test("a small grid joins the neighbour with the longest border with which it fits the band", () => {
  const drawn = draw("A B B\nA B B\nA C C", { households: [10, 20, 20, 10, 20, 20, 10, 35, 35] });
  assert.deepEqual(remedy(drawn.plan, BAND, { kind: "too_small", grid: 0, households: 30 }), { kind: "merge", grid: 0, into: 2, after: 100 }, "with B there would be 110");
  const roomy = draw("A B B\nA B B\nA C C", { households: [10, 15, 15, 10, 15, 15, 10, 30, 30] });
  assert.deepEqual(remedy(roomy.plan, BAND, { kind: "too_small", grid: 0, households: 30 }), { kind: "merge", grid: 0, into: 1, after: 90 });
  roomy.plan.lockGrid(1, true);
  assert.deepEqual(remedy(roomy.plan, BAND, { kind: "too_small", grid: 0, households: 30 }), { kind: "merge", grid: 0, into: 2, after: 90 });
  roomy.plan.lockUnit(0, true);
  assert.deepEqual(remedy(roomy.plan, BAND, { kind: "too_small", grid: 0, households: 30 }), { kind: "mend", grids: [0] });
});

test("a large grid is split, or mended where no split is legal", () => {
  const { plan } = draw("A A A B", { households: [50, 50, 50, 60] });
  assert.deepEqual(remedy(plan, BAND, { kind: "too_large", grid: 0, households: 150 }), { kind: "split", grid: 0, parts: 2 });
  assert.deepEqual(remedy(plan, { lower: 80, upper: 100 }, { kind: "too_large", grid: 0, households: 150 }), { kind: "mend", grids: [0] });
  plan.lockGrid(0, true);
  assert.equal(remedy(plan, BAND, { kind: "too_large", grid: 0, households: 150 }), null);
});

test("a cut-off piece and a pocket go to the grid with the longest border that takes them", () => {
  const drawn = draw("A A B A\nA A B B\nC C C B", { households: 9 });
  const pieces = gridPieces(drawn.plan, [0]).get(0) ?? [];
  assert.equal(done(drawn, { kind: "pieces", grid: 0, pieces }), "move");
  assert.equal(drawing(drawn.plan, 4), "A A B B\nA A B B\nC C C B");
  const pocket = draw("A A . B\nA A . B\nA A B B", { households: 9 });
  const [found] = unassignedPockets(pocket.plan);
  assert.ok(found);
  assert.equal(done(pocket, { kind: "unassigned", pocket: found }), "move");
  assert.equal(drawing(pocket.plan, 4), "A A B B\nA A B B\nA A B B");
});

test("a grid with a unit above the band is not split or mended: the unit is to be divided", () => {
  const { plan } = draw("A A B", { households: [150, 20, 60] });
  assert.deepEqual(remedy(plan, BAND, { kind: "too_large", grid: 0, households: 170 }), { kind: "floors", unit: 0 });
});

test("a cut-off piece leaves no grid out of band, and a pocket goes beside where nothing else takes it", () => {
  const piecesOf = ({ plan }: Drawn): Problem => ({ kind: "pieces", grid: 0, pieces: gridPieces(plan, [0]).get(0) ?? [] });
  const full = draw("A A B B A", { households: [40, 40, 45, 45, 15] });
  assert.deepEqual(remedy(full.plan, BAND, piecesOf(full)), { kind: "mend", grids: [0] }, "B would have 105");
  const poor = draw("A A B B A", { households: [20, 20, 30, 30, 15] });
  assert.deepEqual(remedy(poor.plan, BAND, piecesOf(poor)), { kind: "mend", grids: [0] }, "A would have 40");
  const fits = draw("A A B B A", { households: [40, 40, 30, 30, 15] });
  assert.deepEqual(remedy(fits.plan, BAND, piecesOf(fits)), { kind: "move", units: [4], to: [1], into: 1, after: 75 });
  const pocket = draw("A A .", { households: [50, 50, 21] });
  const [found] = unassignedPockets(pocket.plan);
  assert.deepEqual(remedy(pocket.plan, BAND, { kind: "unassigned", pocket: found! }), { kind: "move", units: [2], to: [0], into: 0, after: 121 });
});

test("a compound in several grids that fits one is made whole where that breaks nothing", () => {
  const compounds = ["c", "c", "c", "c", null, null, null, null];
  const drawn = draw("A A A B B B B B", { households: [20, 20, 20, 20, 20, 20, 20, 10], compounds });
  const [problem] = needlesslySplit(drawn.plan, BAND, splitCompounds(drawn.plan));
  assert.deepEqual(problem, { kind: "compound", compound: 0, grids: [0, 1], households: 80 });
  assert.equal(done(drawn, problem as Problem), "move");
  assert.equal(drawing(drawn.plan, 8), "A A A A B B B B");
  const large = draw("A A A B B B B B", { households: [40, 40, 20, 20, 20, 20, 20, 10], compounds });
  assert.deepEqual(needlesslySplit(large.plan, BAND, splitCompounds(large.plan)), [], "120 fit no grid");
  const tight = draw("A A A B B B B B", { households: [30, 30, 30, 10, 20, 20, 0, 0], compounds });
  const [stuck] = needlesslySplit(tight.plan, BAND, splitCompounds(tight.plan));
  assert.equal(remedy(tight.plan, BAND, stuck as Problem), null, "it would leave B too small");
});

test("no remedy touches what is locked or takes a unit away from the community", () => {
  const chance = new Chance(7);
  for (let round = 0; round < 40; round++) {
    const drawn = randomPlan(chance, 8, 8, 3);
    const { plan } = drawn;
    for (let unit = 0; unit < plan.grid.length; unit++) if (chance.next() < 0.1) plan.lockUnit(unit, true);
    const standing = plan.standing();
    plan.lockGrid(chance.pick(standing), true);
    const before = plan.grid.slice();
    const problems: Problem[] = [
      ...unassignedPockets(plan).map((pocket): Problem => ({ kind: "unassigned", pocket })),
      ...[...gridPieces(plan, standing)].filter(([, pieces]) => pieces.length > 1).map(([grid, pieces]): Problem => ({ kind: "pieces", grid, pieces })),
      ...needlesslySplit(plan, BAND, splitCompounds(plan)),
    ];
    const locked = Array.from(before.keys()).filter((unit) => plan.holds(unit));
    if (problems.length) done(drawn, chance.pick(problems));
    for (const unit of locked) assert.equal(plan.grid[unit], before[unit]);
    before.forEach((grid, unit) => assert.ok(grid < 0 || (plan.grid[unit] as number) >= 0));
    assert.ok(plan.recount());
  }
});

test("pieces are counted over borders one can walk across", () => {
  const { plan } = draw("A A A\nA A A", { cut: [[1, 2], [4, 5]] });
  assert.equal(countPieces(plan, [0, 1, 2, 3, 4, 5]), 2);
  assert.equal(countPieces(plan, [0, 4]), 2);
  assert.equal(countPieces(plan, []), 0);
});

test("codes in reading order are seen before they are taken", () => {
  const { plan } = draw("B A\nC D");
  // Squares as paths, y to the south.
  const squares = Array.from({ length: 4 }, (_, unit) => [unit % 2, Math.floor(unit / 2)] as const);
  const polygons = {
    featureStart: Uint32Array.of(0, 1, 2, 3, 4), pathStart: Uint32Array.of(0, 4, 8, 12, 16),
    x: Float64Array.from(squares.flatMap(([x]) => [x, x + 1, x + 1, x])), y: Float64Array.from(squares.flatMap(([, y]) => [y, y, y + 1, y + 1])),
  };
  const middles = gridMiddles(plan, polygons);
  assert.deepEqual(middles.find(({ grid }) => grid === 3), { grid: 3, x: 1.5, y: -1.5, area: 1 });
  assert.deepEqual([...codesInOrder(plan, middles)].sort(), [[0, "g-B"], [1, "g-A"]]);
  plan.lockGrid(1, true);
  assert.deepEqual([...codesInOrder(plan, middles)], [], "A, C, D are in order without B");
});

test("the slider is finer where the bound is small, and its end is no bound", () => {
  assert.equal(boundAt(0, 5000), 0);
  assert.equal(boundAt(4, 5000), 50);
  assert.equal(boundAt(20, 5000), 1250);
  assert.equal(boundAt(40, 5000), null);
  for (let step = 0; step <= 40; step++) assert.equal(stepOf(boundAt(step, 5000), 5000), step);
});
