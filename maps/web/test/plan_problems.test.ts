import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf, tallied, unitsAt } from "../src/plan/problems.ts";
import { draw } from "./plan_builders.ts";

const BAND = { lower: 20, upper: 40 };

test("problems come with the units they are about, and are tallied by kind, those in no grid by households", () => {
  const { plan } = draw("A B A . C C C C C D D D", { households: 10, compounds: ["x", null, null, null, null, null, null, null, "x", null, null, null] });
  const found = problemsOf(plan, BAND);
  assert.deepEqual(found.map((problem) => [problem.kind, unitsAt(plan, problem)]), [
    ["unassigned", [3]], ["pieces", [2]], ["too_small", [1]], ["too_large", [4, 5, 6, 7, 8]], ["compound", [0, 8]],
  ]);
  assert.deepEqual(Object.fromEntries(tallied(found)), { unassigned: 10, pieces: 1, too_small: 1, too_large: 1, compound: 1 });
});

test("a plan without problems has none", () => {
  assert.deepEqual(problemsOf(draw("A A B B", { households: 10 }).plan, BAND), []);
});
