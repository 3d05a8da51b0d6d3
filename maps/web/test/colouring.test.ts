import assert from "node:assert/strict";
import { test } from "node:test";
import { gridColours, gridNeighbours } from "../src/plan/colouring.ts";
import { dotRadius } from "../src/plan/dot_size.ts";
import { Chance, draw, randomPlan } from "./plan_builders.ts";

test("neighbours of a grid are those across a border, not across a corner", () => {
  const { plan } = draw(`
    A A B
    C D B
  `);
  const beside = gridNeighbours(plan);
  assert.deepEqual([...(beside.get(0) ?? [])].sort(), [1, 2, 3]);
  assert.deepEqual([...(beside.get(2) ?? [])].sort(), [0, 3]);
});

test("no two neighbours have one colour, whatever the plan", () => {
  for (let seed = 0; seed < 30; seed++) {
    const { plan } = randomPlan(new Chance(seed), 16, 12, 3);
    const colours = gridColours(plan, 7);
    for (const [grid, others] of gridNeighbours(plan)) {
      for (const other of others) assert.notEqual(colours.get(grid), colours.get(other));
    }
    assert.ok(new Set(colours.values()).size >= 3);
  }
});

test("after an edit grids keep their colours unless a new neighbour has it", () => {
  const { plan } = draw(`
    A B C
    A B C
  `);
  const before = new Map([[0, 1], [1, 0], [2, 1]]);
  assert.deepEqual(gridColours(plan, 7, before), before);
  plan.put(1, 0);
  plan.put(4, 0);
  const after = gridColours(plan, 7, before);
  assert.notEqual(after.get(0), after.get(2));
  assert.equal([...after].filter(([grid, colour]) => before.get(grid) !== colour).length, 1);
});

test("with too few colours a grid shares one with the fewest neighbours", () => {
  const { plan } = draw("A B C");
  const colours = gridColours(plan, 1);
  assert.deepEqual([...colours.values()], [0, 0, 0]);
});

test("the area of a dot grows with households, and nobody has none", () => {
  assert.equal(dotRadius(0, 0.5), 0);
  assert.ok(Math.abs(dotRadius(40, 0.5) / dotRadius(10, 0.5) - 2) < 1e-9);
});
