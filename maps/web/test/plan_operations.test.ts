import assert from "node:assert/strict";
import { test } from "node:test";
import { BorderDrag } from "../src/plan/drag.ts";
import { isInRing, sideOfLine, type Point } from "../src/plan/geometry.ts";
import { assign, gapsIn, merge, newGrid, rename, renumber, setKind, splitByLine } from "../src/plan/operations.ts";
import { readingOrder } from "../src/plan/order.ts";
import { UnitPoints } from "../src/plan/points.ts";
import { Chance, draw, drawing, SAID } from "./plan_builders.ts";

test("a line has a left and a right, also beyond its ends and outside a corner", () => {
  const corner: Point[] = [[0, 0], [10, 0], [10, 10]];
  assert.equal(sideOfLine(corner, 5, 1), 1);
  assert.equal(sideOfLine(corner, 5, -1), -1);
  assert.equal(sideOfLine(corner, 12, -3), -1);
  assert.equal(sideOfLine(corner, -50, 2), 1);
  assert.equal(sideOfLine(corner, 11, 90), -1);
  assert.equal(sideOfLine(corner, 5, 0), 0);
  assert.equal(sideOfLine([[0, 0], [0, 0], [1, 0]], 0.5, 2), 1, "a point drawn twice is one");
});

test("outside a sharp corner all ground is on one side", () => {
  const spike: Point[] = [[0, 0], [10, 1], [0, 2]];
  for (const [x, y] of [[12, 1], [10.5, 0.2], [10.5, 1.8], [11, -5], [11, 7]] as const) assert.equal(sideOfLine(spike, x, y), -1, `${x} ${y}`);
  assert.equal(sideOfLine(spike, 5, 1), 1);
});

test("a ring that crosses itself holds both its lobes", () => {
  const eight: Point[] = [[0, 0], [4, 4], [4, 0], [0, 4]];
  assert.deepEqual([[0.5, 2], [3.5, 2], [2, 0.5], [2, 3.5]].map(([x, y]) => isInRing(eight, x as number, y as number)), [true, true, false, false]);
});

test("brush, rectangle and lasso meet what a look at every unit finds", () => {
  const chance = new Chance(5);
  const n = 500;
  const x = Float64Array.from({ length: n }, (_, unit) => (unit % 50 ? 100 * chance.next() : NaN));
  const y = Float64Array.from({ length: n }, () => 100 * chance.next());
  const points = new UnitPoints(x, y);
  const every = (test: (px: number, py: number) => boolean) =>
    Array.from({ length: n }, (_, unit) => unit).filter((unit) => test(x[unit] as number, y[unit] as number));
  assert.deepEqual(points.inRectangle(20, 30, 60, 50), every((px, py) => px >= 20 && px <= 60 && py >= 30 && py <= 50));
  const lasso: Point[] = [[10, 10], [90, 20], [60, 50], [80, 90], [20, 70]];
  const inside = points.inRing(lasso);
  assert.deepEqual(inside, every((px, py) => isInRing(lasso, px, py)));
  assert.ok(inside.length > 50);
  const round = points.alongWay([40, 40], [40, 40], 12);
  assert.deepEqual(round, every((px, py) => Math.hypot(px - 40, py - 40) <= 12));
  const way = points.alongWay([10, 50], [90, 50], 5);
  assert.deepEqual(way, every((px, py) => Math.hypot(px - Math.min(Math.max(px, 10), 90), py - 50) <= 5));
  assert.equal(points.nearest(x[7] as number, y[7] as number), 7);
  assert.equal(points.nearest(-500, 0, 10), -1);
  assert.equal(new UnitPoints(Float64Array.of(NaN), Float64Array.of(0)).nearest(0, 0), -1);
});

test("a drawn line splits a grid: the side of more households keeps it", () => {
  const { plan, points } = draw("A A A B\nA A A B");
  const edit = splitByLine(plan, points, 0, [[12, 2], [12, -18]], SAID);
  assert.equal(drawing(plan, 4), "C A A B\nC A A B");
  assert.deepEqual(edit?.grids, [{ grid: 2, before: null, after: { code: "+1", name: null, kind: "basic" } }]);
  assert.equal(splitByLine(plan, points, 0, [[0, 50], [9, 50]], SAID), null, "the line passes the grid by");
});

test("the side with locked units keeps the grid, and with some on both sides nothing is split", () => {
  const { plan, points } = draw("A A A");
  plan.lockUnit(0, true);
  splitByLine(plan, points, 0, [[12, 2], [12, -18]], SAID);
  assert.equal(drawing(plan, 3), "A B B");
  const { plan: both, points: same } = draw("A A A");
  for (const unit of [0, 2]) both.lockUnit(unit, true);
  assert.equal(splitByLine(both, same, 0, [[12, 2], [12, -18]], SAID), null);
});

test("a merge takes all units or none", () => {
  const { plan } = draw("A A B\nC C B");
  merge(plan, 1, 2, SAID);
  assert.equal(drawing(plan, 3), "A A C\nC C C");
  plan.lockUnit(1, true);
  assert.equal(merge(plan, 0, 2, SAID), null);
  assert.equal(drawing(plan, 3), "A A C\nC C C");
});

test("a new grid of a selection leaves what is locked", () => {
  const { plan } = draw("A A . B");
  plan.lockGrid(1, true);
  assert.equal(newGrid(plan, [1, 2, 3], SAID)?.action, "new");
  assert.equal(drawing(plan, 4), "A C C B");
  assert.equal(newGrid(plan, [3], SAID), null);
});

test("a proposal is taken whole, with its new grids, or not at all", () => {
  const { plan } = draw("A A B B");
  const before = plan.state();
  plan.lockUnit(3, true);
  assert.equal(assign(plan, [0, 3], [2, 3], "proposal", SAID), null);
  assert.deepEqual(plan.state(), before);
  plan.lockUnit(3, false);
  const edit = assign(plan, [0, 3, 1], [2, 3, -1], "proposal", SAID);
  assert.equal(drawing(plan, 4), "C . B D");
  assert.deepEqual([[...edit!.units], [...edit!.before], [...edit!.after]], [[0, 1, 3], [0, 0, 1], [2, -1, 3]]);
});

test("a name of blanks is none; a locked grid keeps name and kind", () => {
  const { plan } = draw("A B");
  rename(plan, 0, " 东风里 ", SAID);
  assert.equal(plan.facts(0).name, "东风里");
  rename(plan, 0, "  ", SAID);
  assert.equal(plan.facts(0).name, null);
  assert.equal(rename(plan, 0, null, SAID), null, "nothing changed");
  assert.deepEqual(setKind(plan, 1, "special", SAID)?.grids[0]?.after?.kind, "special");
  plan.lockGrid(1, true);
  assert.equal(rename(plan, 1, "x", SAID), null);
  assert.equal(setKind(plan, 1, "basic", SAID), null);
});

test("grids are read in rows from the north, west to east, as geo numbers them", () => {
  // Rows of 10 m. The second is 4 m lower than the first, still in its row; the last two are at one point.
  const at: [x: number, y: number, area: number][] = [[30, 0, 90], [0, 0, 90], [10, -4, 90], [0, -12, 90], [0, -12, 140]];
  const middles = at.map(([x, y, area], grid) => ({ grid, x, y, area }));
  assert.deepEqual(readingOrder(middles), [1, 2, 0, 4, 3]);
});

test("renumbering hands the codes out in reading order, locked grids keep theirs", () => {
  const { plan } = draw("C A D B");
  plan.lockGrid(3, true);
  newGrid(plan, [0], SAID); // ends grid 2, stands in the west with the code +1
  const middle = (grid: number, x: number) => ({ grid, x, y: 0, area: 100 });
  const edit = renumber(plan, [middle(4, 5), middle(0, 15), middle(3, 25), middle(1, 35)], SAID);
  assert.deepEqual([4, 0, 3, 1].map((grid) => plan.facts(grid).code), ["g-A", "g-B", "g-D", "+1"]);
  assert.equal(edit?.units.length, 0);
});

test("units jump sides as the border passes their middles, and back", () => {
  const { plan, points } = draw("A A B B\nA A B B");
  const line: Point[] = [[20, 0], [20, -20]];
  const drag = new BorderDrag(plan, points, [0, 1], line);
  assert.deepEqual(drag.moveTo([[20, 0], [26, -5], [20, -20]]), [2], "the bow passes the middle of one unit");
  assert.equal(drawing(plan, 4), "A A A B\nA A B B");
  assert.deepEqual(drag.moveTo([[20, 0], [24, -5], [24, -15], [20, -20]]), [2], "short of the middle again");
  drag.moveTo([[20, 0], [36, -4], [36, -16], [20, -20]]);
  assert.equal(drawing(plan, 4), "A A A A\nA A A A");
  assert.deepEqual([plan.households(0), plan.households(1)], [80, 0]);
  drag.moveTo([[20, 0], [30, -5], [10, -12], [4, -19], [20, -20]]);
  assert.equal(drawing(plan, 4), "A A A B\nA B B B", "both sides of the border at once");
  assert.deepEqual([...drag.end(SAID)!.units], [2, 5]);
});

test("a drag moves only units of its two grids, never locked ones, and can be dropped", () => {
  const { plan, points } = draw("A B C\nA B C");
  plan.lockUnit(4, true);
  const drag = new BorderDrag(plan, points, [0, 1], [[10, 0], [10, -20]]);
  drag.moveTo([[10, 0], [29, 0], [29, -20], [10, -20]]);
  assert.equal(drawing(plan, 3), "A A C\nA B C");
  drag.drop();
  assert.equal(drawing(plan, 3), "A B C\nA B C");
  assert.ok(plan.recount());
});

test("numbers left out between the codes of a community are told, each community by itself", () => {
  assert.deepEqual(gapsIn(["3209001002", "3209001005", "3210001001", "+2"]), ["3209001001", "3209001003", "3209001004"]);
  assert.deepEqual(gapsIn(["g001", "g002"]), []);
  assert.deepEqual(gapsIn([]), []);
});
