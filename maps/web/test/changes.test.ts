import assert from "node:assert/strict";
import { test } from "node:test";
import { changedGrids, changedRows } from "../src/changes.ts";
import { isOnSide, shareAfterKey, shareAt } from "../src/divider.ts";
import type { Layer } from "../src/pack.ts";
import { Scene } from "../src/scene.ts";

const columns = {
  grid_id: ["A", "B", "C", "D"],
  change: ["changed", "ended", "kept", "new"],
  before: [0, 1, 2, null],
  after: [0, null, 1, 2],
  households_before: [120, 40, 80, 0],
  households_after: [90, 0, 80, 70],
};
const table: Layer = {
  name: "changes", count: 4, columns: new Map(Object.entries(columns)), polygons: null, edges: null, lines: null, points: null,
};
const scene = new Scene(new Map([["changes", table]]));

test("grids that stay are not listed, and one that ended is shown where it was", () => {
  assert.deepEqual(changedGrids(scene).map(({ code, layer, feature, before, after }) => [code, layer, feature, before, after]), [
    ["A", "grids", 0, 120, 90], ["B", "grids_before", 1, 40, 0], ["D", "grids", 2, 0, 70],
  ]);
});

test("each side marks the grids that stand there and did not stay as they were", () => {
  assert.deepEqual(changedRows(scene, "before"), [0, 1]);
  assert.deepEqual(changedRows(scene, "after"), [0, 2]);
  assert.deepEqual(changedRows(new Scene(new Map()), "after"), []);
});

test("the divider stays within the map", () => {
  assert.equal(shareAt(50, 200), 0.25);
  assert.equal(shareAt(-5, 200), 0);
  assert.equal(shareAt(900, 200), 1);
  assert.equal(shareAt(5, 0), 0);
});

test("keys move the divider by steps and to the ends, and others leave it", () => {
  assert.equal(shareAfterKey("ArrowRight", 0.5), 0.52);
  assert.equal(shareAfterKey("ArrowLeft", 0.01), 0);
  assert.equal(shareAfterKey("PageUp", 0.95), 1);
  assert.equal(shareAfterKey("Home", 0.4), 0);
  assert.equal(shareAfterKey("End", 0.4), 1);
  assert.equal(shareAfterKey("Tab", 0.4), null);
});

test("a label the divider would cut is on neither side", () => {
  assert.equal(isOnSide({ x0: 10, x1: 40 }, "before", 50), true);
  assert.equal(isOnSide({ x0: 10, x1: 40 }, "after", 50), false);
  assert.equal(isOnSide({ x0: 60, x1: 90 }, "after", 50), true);
  for (const side of ["before", "after"] as const) assert.equal(isOnSide({ x0: 40, x1: 60 }, side, 50), false);
});
