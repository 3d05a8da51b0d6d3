import assert from "node:assert/strict";
import test from "node:test";
import type { QueueJson } from "../src/plan/queue.ts";
import { regrounded } from "../src/plan/reground.ts";

const queue: QueueJson = {
  units: 3,
  saved: { revision: 4, grid: [0, 0, 1], facts: [] },
  base: { grid: [0, 0, 1], facts: [] },
  edits: [{ action: "paint", at: "", note: "", units: [1, 2], before: [0, 1], after: [1, 0], grids: [] }],
  under_way: null,
  begun: true,
};

test("what was done with a tower is done with its bands, and others keep theirs under new numbers", () => {
  const now = ["a", "b/F1-2", "b/F3-4", "c"];
  const moved = regrounded(queue, ["a", "b", "c"], now, (unit) => (unit === 1 || unit === 2 ? "b" : null));
  assert.deepEqual(moved.saved.grid, [0, 0, 0, 1]);
  assert.deepEqual(moved.base.grid, [0, 0, 0, 1]);
  assert.deepEqual(moved.edits.map(({ units, before, after }) => [units, before, after]), [[[1, 2, 3], [0, 0, 1], [1, 1, 0]]]);
  assert.deepEqual([moved.units, moved.begun], [4, false]);
});

test("a tower that is whole again goes where its lowest band went", () => {
  const then = ["b/F1-2", "b/F3-4", "c"];
  const moved = regrounded({ ...queue, edits: [{ ...queue.edits[0]!, units: [0, 2] }] }, then, ["b", "c"], () => null);
  assert.deepEqual(moved.edits[0]?.units, [0, 1]);
  assert.deepEqual(moved.saved.grid, [0, 1]);
});
