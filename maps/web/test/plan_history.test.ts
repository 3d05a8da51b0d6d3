import assert from "node:assert/strict";
import { test } from "node:test";
import type { Edit } from "../src/plan/edit.ts";
import { History } from "../src/plan/history.ts";
import { merge, newGrid, rename } from "../src/plan/operations.ts";
import { Stroke } from "../src/plan/stroke.ts";
import { draw, drawing, SAID, type Drawn } from "./plan_builders.ts";

function paint({ plan }: Drawn, units: number[], to: number): Edit {
  const stroke = new Stroke(plan, { to });
  stroke.paint(units);
  return stroke.end(SAID) as Edit;
}

function threeEdits(): Drawn & { history: History } {
  const drawn = draw("A A B\nA B B");
  const history = new History();
  history.push(paint(drawn, [2], 0));
  history.push(newGrid(drawn.plan, [3, 4], SAID) as Edit);
  history.push(rename(drawn.plan, 2, "夹弄", SAID) as Edit);
  return { ...drawn, history };
}

test("undo and redo go back and forth, new grids with them", () => {
  const { plan, history } = threeEdits();
  const after = plan.state();
  history.undo(plan, SAID.at);
  assert.equal(plan.facts(2).name, null);
  const { done, touched } = history.undo(plan, SAID.at);
  assert.deepEqual([done?.[0]?.action, touched], ["undo", new Set([0, 1])]);
  assert.equal(plan.gridCount, 2);
  history.undo(plan, SAID.at);
  assert.equal(drawing(plan, 3), "A A B\nA B B");
  assert.deepEqual(history.undo(plan, SAID.at).done, [], "beyond the first edit nothing happens");
  for (let i = 0; i < 3; i++) history.redo(plan, SAID.at);
  assert.deepEqual(plan.state(), after);
});

test("undo to a point, and what was undone is gone after another edit", () => {
  const drawn = threeEdits();
  const { plan, history } = drawn;
  assert.equal(history.goTo(plan, 1, SAID.at).done?.length, 2);
  assert.equal(drawing(plan, 3), "A A A\nA B B");
  history.push(paint(drawn, [0], 1));
  assert.deepEqual(history.edits.map(({ action }) => action), ["paint", "paint"]);
  assert.deepEqual(history.redo(plan, SAID.at).done, []);
});

test("undo passes no lock by: it does nothing and says which", () => {
  const { plan, history } = threeEdits();
  plan.lockGrid(1, true);
  const before = plan.state();
  assert.deepEqual(history.goTo(plan, 0, SAID.at).blocked, { grids: [1], units: [] });
  assert.deepEqual(plan.state(), before, "not even the rename, which no lock held, was undone");
  assert.equal(history.position, 3);
  plan.lockGrid(1, false);
  plan.lockUnit(3, true);
  assert.deepEqual(history.goTo(plan, 1, SAID.at).blocked, { grids: [], units: [3] });
  assert.deepEqual(history.undo(plan, SAID.at).blocked, null);
});

test("a merge that is undone gives back name and kind of the grid that ended", () => {
  const { plan } = draw("A A B");
  plan.setFacts(1, { code: "g-B", name: "学校", kind: "special" });
  const before = plan.state();
  const history = new History();
  history.push(merge(plan, 1, 0, SAID) as Edit);
  assert.deepEqual(plan.standing(), [0]);
  history.undo(plan, SAID.at);
  assert.deepEqual(plan.state(), before);
});

test("a history written down and read again does the same", () => {
  const { plan, history } = threeEdits();
  history.undo(plan, SAID.at);
  const again = History.fromJson(JSON.parse(JSON.stringify(history.toJson())));
  assert.deepEqual(again.edits, history.edits);
  again.goTo(plan, 0, SAID.at);
  assert.equal(drawing(plan, 3), "A A B\nA B B");
});

test("undo leaves a unit where somebody else has put it since", () => {
  const drawn = draw("A A B C");
  const history = new History();
  history.push(paint(drawn, [0, 1], 1));
  drawn.plan.put(0, 2);
  history.undo(drawn.plan, SAID.at);
  assert.equal(drawing(drawn.plan, 4), "C A B C");
});
