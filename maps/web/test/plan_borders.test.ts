import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arcs, Paths } from "../src/pack.ts";
import { bent, Borders, nearestOnLine, openedOpposite } from "../src/plan/borders.ts";
import { BorderDrag } from "../src/plan/drag.ts";
import type { Point } from "../src/plan/geometry.ts";
import { SnapLines } from "../src/plan/snapping.ts";
import { Chance, draw, drawing, randomPlan, SAID, type Drawn } from "./plan_builders.ts";

/** The edges of the drawn squares as arcs, each by itself, as a pack has them. */
function arcsOf({ plan }: Drawn, width: number): Arcs {
  const lines: [left: number, right: number, points: Point[]][] = [];
  const height = plan.grid.length / width;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const unit = row * width + column;
      const [x, y] = [10 * column, -10 * row];
      // Towards the east and the south; the rim has ground on one side only.
      lines.push([unit, column + 1 < width ? unit + 1 : -1, [[x + 10, y - 10], [x + 10, y]]]);
      lines.push([unit, row + 1 < height ? unit + width : -1, [[x, y - 10], [x + 10, y - 10]]]);
    }
  }
  return {
    start: Uint32Array.from({ length: lines.length + 1 }, (_, i) => 2 * i),
    owner: Int32Array.from(lines.flatMap(([left, right]) => [left, right])),
    x: Float64Array.from(lines.flatMap(([, , points]) => points.map(([x]) => x))),
    y: Float64Array.from(lines.flatMap(([, , points]) => points.map(([, y]) => y))),
  };
}

test("the border under the hand is the whole line between two grids", () => {
  const drawn = draw("A A B B\nA A A B\nC C C C");
  const borders = new Borders(drawn.plan, arcsOf(drawn, 4));
  const near = borders.nearest(21, -4, 3);
  assert.deepEqual(near?.at, [20, -4]);
  const border = borders.border(near?.arc as number);
  assert.deepEqual(border?.grids, [0, 1]);
  const line = border?.line.map(([x, y]) => `${x},${y}`) as string[];
  assert.ok([line.join(" "), [...line].reverse().join(" ")].includes("20,0 20,-10 30,-10 30,-20"), line.join(" "));
  assert.equal(borders.nearest(5, -5, 3), null, "no border is near");
  assert.equal(borders.nearest(1, -5, 3), null, "the rim of the community is no border");
  assert.deepEqual(borders.nearestEdge(9, -5, 3)?.at, [10, -5], "but a cell has an edge inside a grid");
});

test("a border that closes is opened away from the hand", () => {
  const drawn = draw("A A A\nA B A\nA A A");
  const borders = new Borders(drawn.plan, arcsOf(drawn, 3));
  const { line } = borders.border(borders.nearest(15, -10, 1)?.arc as number) as { line: readonly Point[] };
  assert.deepEqual(line[0], line[line.length - 1]);
  const open = openedOpposite(line, 15, -10);
  assert.equal(open.length, line.length);
  assert.equal((open[0] as Point)[1], -20, "it begins on the far side");
  assert.ok(Math.abs(nearestOnLine(open, 15, -10).along - 20) <= 5, "the hand is amid it");
});

test("a bent line goes through the hand and comes to rest within its reach", () => {
  const line: Point[] = [[0, 0], [50, 0], [100, 0]];
  const held = nearestOnLine(line, 40, 1);
  assert.deepEqual(held.at, [40, 0]);
  const moved = bent(line, held, [40, 12], 20);
  assert.ok(moved.some(([x, y]) => x === 40 && y === 12));
  assert.deepEqual(moved.filter(([x]) => x <= 20 || x >= 60).map(([, y]) => Math.round(1e9 * y)), [0, 0, 0, 0]);
  const up = moved.filter(([x]) => x <= 40).map(([, y]) => y);
  assert.deepEqual(up, [...up].sort((a, b) => a - b), "it rises towards the hand");
  const settled = bent(line, held, [40, 12], 20, ([x, y]) => [x, Math.round(y)]);
  assert.ok(settled.filter(([x]) => x > 25 && x < 55).every(([, y]) => y === Math.round(y)));
});

test("units jump as the bent border passes them, and back with it", () => {
  const drawn = draw("A A B B\nA A B B\nA A B B");
  const { plan, points } = drawn;
  const borders = new Borders(plan, arcsOf(drawn, 4));
  const border = borders.border(borders.nearest(20, -15, 1)?.arc as number) as { grids: [number, number]; line: Point[] };
  const drag = new BorderDrag(plan, points, border.grids, border.line);
  const held = nearestOnLine(border.line, 20, -15);
  drag.moveTo(bent(border.line, held, [28, -15], 9));
  assert.equal(drawing(plan, 4), "A A B B\nA A A B\nA A B B");
  drag.moveTo(bent(border.line, held, [28, -15], 60));
  assert.equal(drawing(plan, 4), "A A A B\nA A A B\nA A A B", "more of it follows with a longer reach");
  drag.moveTo(bent(border.line, held, [12, -15], 9));
  assert.equal(drawing(plan, 4), "A A B B\nA B B B\nA A B B");
  drag.drop();
  assert.equal(drawing(plan, 4), "A A B B\nA A B B\nA A B B");
});

test("whatever is dragged, totals equal a recount, only the two grids change, and undoing gives the first state", () => {
  const chance = new Chance(31);
  for (let round = 0; round < 60; round++) {
    const drawn = randomPlan(chance, 9, 7, 3);
    const { plan, points } = drawn;
    const borders = new Borders(plan, arcsOf(drawn, 9));
    const before = plan.grid.slice();
    const near = borders.nearest(90 * chance.next(), -70 * chance.next(), 20);
    if (!near) continue;
    const border = borders.border(near.arc) as { grids: readonly [number, number]; line: readonly Point[] };
    const line = openedOpposite(border.line, ...near.at);
    const drag = new BorderDrag(plan, points, border.grids, line);
    const held = nearestOnLine(line, ...near.at);
    for (let step = 0; step < 5; step++) drag.moveTo(bent(line, held, [90 * chance.next(), -70 * chance.next()], 5 + 40 * chance.next()));
    assert.ok(plan.recount());
    plan.grid.forEach((grid, unit) => {
      if (grid !== before[unit]) assert.ok(border.grids.includes(grid) && border.grids.includes(before[unit] as number));
    });
    drag.drop();
    assert.deepEqual(plan.grid, before);
    assert.ok(plan.recount());
    assert.equal(drag.end(SAID), null);
  }
});

test("a border sticks to the nearest wall, road or water", () => {
  const paths = (...lines: Point[][]): Paths => ({
    featureStart: Uint32Array.from({ length: lines.length + 1 }, (_, i) => i),
    pathStart: Uint32Array.from([0, ...lines.map((_, i) => lines.slice(0, i + 1).flat().length)]),
    x: Float64Array.from(lines.flat(), ([x]) => x),
    y: Float64Array.from(lines.flat(), ([, y]) => y),
  });
  const snaps = new SnapLines([
    { kind: "wall", paths: paths([[0, 0], [0, 10]], [[3, 0], [3, 10]]), rows: (row) => row === 0 },
    { kind: "road", paths: paths([[10, 0], [20, 0], [20, 10]]) },
    { kind: "water", paths: null },
  ]);
  assert.deepEqual(snaps.nearest(2, 5, 4), { kind: "wall", at: [0, 5], away: 2 });
  assert.deepEqual(snaps.nearest(18, 5, 4), { kind: "road", at: [20, 5], away: 2 });
  assert.equal(snaps.nearest(18, 5, 4, "wall"), null);
  assert.equal(snaps.nearest(7, 5, 4), null);
  assert.equal(new SnapLines([]).nearest(0, 0, 100), null);
});
