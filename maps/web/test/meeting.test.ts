import assert from "node:assert/strict";
import { test } from "node:test";
import { BIN_PX, Bins, Timeline } from "../src/meeting/bins.ts";
import { byClass, byDay, closedInTime, DAY_MIN, minuteOf, type CaseTimes } from "../src/meeting/figures.ts";
import { contentOf, emptyNotes, listed, mergedEntries, newEntry, parseNotes, type Entry } from "../src/meeting/notes.ts";
import { openCases } from "../src/meeting/places.ts";
import type { Layer } from "../src/pack.ts";
import { Scene } from "../src/scene.ts";
import { arranged, type Column } from "../src/meeting/rows.ts";
import merging from "./notes.json" with { type: "json" };

const EVERY = () => true;

function cases(rows: readonly [reported: number | null, closed: number | null, kind?: string][]): CaseTimes {
  return {
    count: rows.length, tellsClosing: true,
    reported: (i) => rows[i]?.[0] ?? null, closed: (i) => rows[i]?.[1] ?? null, kind: (i) => rows[i]?.[2] ?? "",
  };
}

test("cases are counted on each day of the period, those outside it on none", () => {
  const told = cases([[0, null], [DAY_MIN - 1, null], [3 * DAY_MIN, null], [9 * DAY_MIN, null], [null, null]]);

  assert.deepEqual(byDay(told, EVERY, [0, 3]), { first: 0, counts: [2, 0, 0, 1] });
  assert.deepEqual(byDay(told, EVERY, null)?.counts.length, 10);
});

test("a slip of the key in a year makes no million bars", () => {
  assert.equal(byDay(cases([[0, null], [5000 * DAY_MIN, null]]), EVERY, null), null);
});

test("classes are counted, the most frequent first", () => {
  const told = cases([[0, null, "b"], [0, null, "a"], [0, null, "b"]]);

  assert.deepEqual(byClass(told, EVERY), [{ kind: "b", count: 2 }, { kind: "a", count: 1 }]);
  assert.deepEqual(byClass(told, (i) => i === 1), [{ kind: "a", count: 1 }]);
});

test("the share in time leaves out what is not due, and counts what was closed late as due", () => {
  const day = DAY_MIN;
  const told = cases([[0, 3 * day], [0, 3 * day + 1], [0, null], [9 * day, null], [9 * day, 9.5 * day], [null, 1]]);

  assert.deepEqual(closedInTime(told, EVERY, 3, 10 * day), { due: 4, closed: 2, waiting: 1 });
});

test("what was closed before it was reported is neither in time nor due", () => {
  const told = cases([[DAY_MIN, DAY_MIN - 1], [DAY_MIN, DAY_MIN], [9 * DAY_MIN, 8 * DAY_MIN]]);

  assert.deepEqual(closedInTime(told, EVERY, 3, 10 * DAY_MIN), { due: 1, closed: 1, waiting: 0 });
});

test("a stamp is read by the clock it was written by", () => {
  assert.equal(minuteOf("1970-01-02T01:30:00+08:00"), DAY_MIN + 90);
  assert.equal(minuteOf("nothing"), null);
});

test("however time slides, bins count what a fresh count finds", () => {
  const at = Array.from({ length: 60 }, (_, i) => [(i * 37) % 200, (i * 53) % 120] as const);
  const line = new Timeline(60, (i) => (i % 7 ? (i * 13) % 40 : null));
  const bins = new Bins(line);
  bins.lay(200, 120, (i) => (i === 5 ? null : (at[i] as readonly [number, number])));
  for (const [from, to] of [[0, 40], [10, 12], [30, 40], [0, 5], [3, 9], [0, 0], [0, 40]] as const) {
    bins.slide(line.before(from), line.before(to));
    const expected = [...line.order].filter((i) => i !== 5 && (i * 13) % 40 >= from && (i * 13) % 40 < to);
    const found = bins.filled(() => 8);
    assert.equal(found.reduce((sum, { count }) => sum + count, 0), expected.length);
    for (const bin of found) {
      const held = bins.at(bin.x, bin.y);
      assert.equal(held.length, bin.count);
      if (bin.count === 1) assert.deepEqual(held, [bin.incident]);
      for (const i of held) assert.equal(Math.floor((at[i]?.[0] ?? 0) / BIN_PX), Math.floor(bin.x / BIN_PX));
    }
  }
});

test("the part of the view with cases holds those of any time, whatever time is shown", () => {
  const at = [[50, 60], [95, 60], [300, 61], [20, 20], [400, 20]] as const;
  const bins = new Bins(new Timeline(5, (i) => (i < 4 ? i : null)));
  bins.slide(0, 1);
  // Outside the view, not chosen, without a time.
  bins.lay(200, 120, (i) => (i === 3 ? null : (at[i] as readonly [number, number])));

  assert.deepEqual(bins.extent, [BIN_PX, BIN_PX, 3 * BIN_PX, 2 * BIN_PX]);
  bins.lay(200, 120, () => null);
  assert.equal(bins.extent, null);
});

function item(id: string, more: Partial<Entry> = {}): Entry {
  return newEntry(id, "item", "2026-11-10T01:00:00Z", more);
}

test("an agenda begins with the cases that the file does not call closed", () => {
  const points = { featureStart: Uint32Array.of(0, 1, 2, 3), x: Float64Array.of(1, 1, 1), y: Float64Array.of(1, 1, 1) };
  const square = {
    featureStart: Uint32Array.of(0, 1), pathStart: Uint32Array.of(0, 5), x: Float64Array.of(0, 2, 2, 0, 0), y: Float64Array.of(0, 0, 2, 2, 0),
  };
  const nothing = { polygons: null, edges: null, lines: null, points: null };
  const scene = new Scene(new Map<string, Layer>([
    ["incidents", { ...nothing, name: "incidents", count: 3, points, columns: new Map<string, (string | boolean)[]>([
      ["closed", [false, true, false]], ["state", ["未办结", "处置中", "已办结"]],
    ]) }],
    ["compounds", { ...nothing, name: "compounds", count: 1, polygons: square, columns: new Map() }],
  ]));

  assert.deepEqual(openCases(scene, { layer: "compounds", name: "", features: [0] }), [0, 2]);
});

test("notes of two copies merge without loss, whichever is read first", () => {
  const common = item("a", { text: "same" });
  const mine = [common, item("b", { text: "old", votes: { yes: 3, no: 0, abstain: 0 } }), item("c", { text: "mine" })];
  const theirs = [common, { ...item("b", { text: "new" }), changed_at: "2026-11-10T02:00:00Z" }, item("d", { text: "theirs" })];

  const one = mergedEntries(mine, theirs);
  const other = mergedEntries(theirs, mine);

  const said = (entries: readonly Entry[]) => entries.map((entry) => `${entry.id} ${contentOf(entry)}`).sort();
  assert.deepEqual(said(one), said(other));
  assert.equal(one.length, 5);
  assert.equal(one.find(({ id }) => id === "b")?.text, "new");
  assert.equal(one.find(({ form_of }) => form_of === "b")?.votes.yes, 3);
  assert.deepEqual(said(mergedEntries(one, other)), said(one));
});

test("what two copies decided differently stands right below the first of it, under its number", () => {
  const mine = [item("a"), item("b", { decision: "old" }), item("c", { removed: true }), item("d")];
  const theirs = [{ ...item("b", { decision: "new" }), changed_at: "2026-11-10T02:00:00Z" }, item("e"), newEntry("n", "comment", "")];
  const shown = (entries: readonly Entry[]) => listed(entries, "item").map(({ entry, number, isOtherRecord }) => [entry.decision || entry.id, number, isOtherRecord]);

  const merged = mergedEntries(mine, theirs);

  assert.deepEqual(shown(merged), [["a", 1, false], ["new", 2, false], ["old", 2, true], ["d", 3, false], ["e", 4, false]]);
  // Where the entry is removed, what is left of it takes its place.
  const settled = merged.map((entry) => (entry.id === "b" ? { ...entry, removed: true } : entry));
  assert.deepEqual(shown(settled), [["a", 1, false], ["old", 2, false], ["d", 3, false], ["e", 4, false]]);
});

// `tests/maps/test_notes.py` asks the same of the command.
for (const { name, copies, shown } of merging) {
  test(`on the page ${name}`, () => {
    const read = copies.map((copy) => copy.map((entry) => ({ ...item(entry.id), ...entry })));
    for (const order of [read, [...read].reverse()]) {
      const found = order.reduce<Entry[]>((own, others) => mergedEntries(own, others), []);
      assert.deepEqual(found.filter(({ removed }) => !removed).map(({ id, decision }) => `${id} ${decision}`).sort(), shown);
    }
  });
}

test("a damaged file of notes, or one made on another map, is refused", () => {
  const notes = { ...emptyNotes("f1", { kind: "estate_day", date: "2026-11-10", place: "" }), entries: [item("a")] };
  const text = JSON.stringify(notes);

  assert.equal(parseNotes(text, "f1").entries.length, 1);
  assert.throws(() => parseNotes(text, "f2"), /other_file/);
  const broken = [text.slice(0, -9), "[]", "null", text.replace('"yes":0', '"yes":-1'), text.replace('"text":""', '"text":7'), text.replace('"item"', '"x"')];
  for (const each of broken) assert.throws(() => parseNotes(each, "f1"), /damaged/);
});

test("rows are found by any words in any column and sorted as readers do, nothing last", () => {
  const names = ["10号楼", "2号楼", "", "Ａ1"];
  const columns: Column[] = [
    { key: "name", isNumber: false, text: (row) => names[row] as string },
    { key: "n", isNumber: true, text: (row) => String(row), value: (row) => (row === 1 ? null : -row) },
  ];
  const all = [0, 1, 2, 3];

  assert.deepEqual(arranged(all, columns, "号楼 10", null), [0]);
  assert.deepEqual(arranged(all, columns, "a1", null), [3]);
  assert.deepEqual(arranged([0, 1, 2], columns, "", { column: 0, isDescending: false }), [1, 0, 2]);
  assert.deepEqual(arranged([0, 1, 2], columns, "", { column: 0, isDescending: true }), [0, 1, 2]);
  assert.deepEqual(arranged(all, columns, "", { column: 1, isDescending: false }), [3, 2, 0, 1]);
});
