import assert from "node:assert/strict";
import { test } from "node:test";
import { factRows, unitRows } from "../src/plan/clash_rows.ts";
import type { Edit } from "../src/plan/edit.ts";
import { draw } from "./plan_builders.ts";

const [MORNING, NOON] = ["2026-01-02T08:00:00Z", "2026-01-02T12:00:00Z"];

function edit(at: string, ...units: number[]): Edit {
  return { action: "paint", at, note: "", units: Int32Array.from(units), before: new Int32Array(units.length), after: new Int32Array(units.length), grids: [] };
}

test("units that both sides want in the same grids are one row, with who moved them last and what each grid holds", () => {
  const households = [10, 20, 30, 40, 50];
  const mine = draw("A A B B C", { households }).plan.state();
  const theirs = draw("B B A . C", { households }).plan.state();
  const clash = (unit: number, from: string | null, to: string | null) => ({ unit, reason: "moved" as const, mine: from, theirs: to });
  const units = [clash(0, "g-A", "g-B"), clash(1, "g-A", "g-B"), clash(2, "g-B", "g-A"), clash(3, "g-B", null)];
  const log = [
    { at: MORNING, by: "one", body: { moves: [{ unit_ids: ["u0", "u1"], to: "g-B" }] } },
    { at: NOON, by: null, body: { moves: [{ unit_ids: ["u3"], to: null }, { unit_ids: ["u1"], to: "g-C" }] } },
  ];
  const { ground } = draw("A A B B C", { households });
  const rows = unitRows(ground, { units, plan: mine }, theirs, [edit(MORNING, 0, 1, 2), edit(NOON, 1)], log);
  assert.deepEqual(rows.map((row) => [row.units, row.households, row.mine.code, row.mine.households, row.theirs.code, row.theirs.households, row.mineAt, row.said]), [
    [[3], 40, "g-B", 70, null, 0, null, { by: null, at: NOON }],
    [[0, 1], 30, "g-A", 30, "g-B", 30, NOON, { by: "one", at: MORNING }],
    [[2], 30, "g-B", 70, "g-A", 30, MORNING, null],
  ]);
});

test("a name that both gave is told with who gave it last; a kind is no name", () => {
  const log = [
    { at: MORNING, by: "one", body: { grids: [{ code: "g-A", name: "x" }] } },
    { at: NOON, by: "two", body: { grids: [{ code: "g-A", kind: "special" }] } },
  ];
  const facts = [{ code: "g-A", field: "name" as const, mine: "y", theirs: "x" }];
  assert.deepEqual(factRows({ facts }, log).map(({ said }) => said), [{ by: "one", at: MORNING }]);
});
