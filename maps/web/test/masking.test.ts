import assert from "node:assert/strict";
import { test } from "node:test";
import { findPersonal, masked } from "../src/masking.ts";
// The same table is asked of `api/cases/masking.py`.
import personal from "./personal.json" with { type: "json" };

test("flats and numbers of people are masked however they are written, and buildings stay", () => {
  for (const [said, clean] of personal.masked) assert.equal(masked(said!), clean);
});

test("what is nobody's stays", () => {
  for (const said of personal.stays) assert.deepEqual(findPersonal(said), [], said);
});
