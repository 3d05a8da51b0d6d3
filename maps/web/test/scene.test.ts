import assert from "node:assert/strict";
import { test } from "node:test";
import { straightSpots } from "../src/along.ts";
import { countLooks, lookOf } from "../src/icons.ts";
import { Incidents, tally } from "../src/incidents.ts";
import type { Layer, Paths } from "../src/pack.ts";
import { classOf } from "../src/paint.ts";
import { facilities } from "../src/popups.ts";
import { areaOf, IndexedLayer, Scene, union } from "../src/scene.ts";
import { findEntries, fold, searchEntries } from "../src/search.ts";
import { formatCount, formatShare, t, useLanguage } from "../src/words.ts";

function paths(...features: [number, number][][][]): Paths {
  const featureStart = [0];
  const pathStart = [0];
  const x: number[] = [];
  const y: number[] = [];
  for (const feature of features) {
    for (const path of feature) {
      for (const [px, py] of path) {
        x.push(px);
        y.push(py);
      }
      pathStart.push(x.length);
    }
    featureStart.push(pathStart.length - 1);
  }
  return {
    featureStart: Uint32Array.from(featureStart), pathStart: Uint32Array.from(pathStart),
    x: Float64Array.from(x), y: Float64Array.from(y),
  };
}

function layer(name: string, columns: Record<string, (string | number | null)[]>, given: Partial<Layer> = {}): Layer {
  const count = Object.values(columns)[0]?.length ?? 0;
  return { name, count, columns: new Map(Object.entries(columns)), polygons: null, edges: null, lines: null, points: null, ...given };
}

const square = (x: number, y: number, side: number): [number, number][] => [
  [x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y],
];

test("a point is found in the smallest polygon round it, not in its hole", () => {
  const polygons = paths([square(0, 0, 10), square(2, 2, 2).reverse()], [square(5, 5, 2)], []);
  const areas = new IndexedLayer(layer("grids", { grid_id: ["1", "2", "3"] }, { polygons }));
  assert.deepEqual(areas.polygonsAt(6, 6), [1, 0]);
  assert.deepEqual(areas.polygonsAt(3, 3), []);
  assert.deepEqual(areas.polygonsAt(20, 20), []);
});

test("a feature without geometry has no box and is never met", () => {
  const areas = new IndexedLayer(layer("grids", { grid_id: ["1", "2"] }, { polygons: paths([], [square(0, 0, 1)]) }));
  assert.equal(areas.box(0), null);
  assert.deepEqual(areas.within([-9, -9, 9, 9]), [1]);
});

test("the box of some features leaves out those without one", () => {
  assert.deepEqual(union([null, [1, 1, 2, 2], [0, 1, 1, 5]]), [0, 1, 2, 5]);
  assert.equal(union([null]), null);
});

function town(): Scene {
  return new Scene(new Map([
    ["grids", layer("grids", { grid_id: ["320706001007001", "320706001007002"], name: [null, "North"] })],
    ["units", layer("units", { unit_id: ["2-1", "2-2"], building_id: ["B2", "B2"], address: ["Xi Men Lu 68", null] })],
    ["roads", layer("roads", { name: ["Xi Men Lu", "Xi Men Lu", null] })],
  ]));
}

test("search finds any part of a code, every word of an address, and a building once", () => {
  const entries = searchEntries(town());
  assert.deepEqual(findEntries(entries, "7002").map(({ title }) => title), ["320706001007002"]);
  assert.deepEqual(findEntries(entries, "68 men").map(({ kind }) => kind), ["building", "unit"]);
  assert.deepEqual(findEntries(entries, "b2").map(({ kind, features }) => [kind, features]), [["building", [0, 1]]]);
  assert.deepEqual(findEntries(entries, "xi men lu").map(({ kind }) => kind), ["road", "building", "unit"]);
  assert.deepEqual(findEntries(entries, "  "), []);
});

test("full-width digits and letters are the same as narrow ones", () => {
  assert.equal(fold("\uFF22\uFF12  A"), "b2 a");
});

test("incidents are counted by kind and leave when their kind or state is hidden", () => {
  const points = { featureStart: Uint32Array.of(0, 1, 2, 3), x: Float64Array.of(0.5, 0.5, 0.6), y: Float64Array.of(0.5, 0.5, 0.5) };
  const incidents = new Incidents(new IndexedLayer(layer("incidents", { kind: ["a", "b", "b"], state: ["open", "open", null] }, { points })));
  assert.deepEqual(tally(incidents.layer, "kind"), [["b", 2], ["a", 1]]);
  assert.equal(incidents.chosen, 3);
  incidents.show("kind", "a", false);
  incidents.show("state", "", false);
  assert.equal(incidents.chosen, 1);
  assert.deepEqual(incidents.within([0, 0, 1, 1], 3).map((each) => each.incidents), [[1]]);
  incidents.show("kind", "a", true);
  assert.equal(incidents.chosen, 2);
});

test("incidents on the map are counted apart from those without a place, of the kinds that are shown", () => {
  const points = { featureStart: Uint32Array.of(0, 1, 2, 3, 4), x: Float64Array.of(0.5, NaN, NaN, 0.6), y: Float64Array.of(0.5, NaN, NaN, 0.5) };
  const incidents = new Incidents(new IndexedLayer(layer("incidents", { kind: ["a", "a", "b", "b"], state: ["s", "s", "s", "s"] }, { points })));
  assert.deepEqual(incidents.counted(Int32Array.of(3, 2, 0, 1)), { placed: 2, placeless: 2 });
  assert.deepEqual(incidents.counted(Int32Array.of(0, 3)), { placed: 2, placeless: 0 });
  incidents.show("kind", "b", false);
  assert.deepEqual(incidents.counted(Int32Array.of(2, 0, 1)), { placed: 1, placeless: 1 });
});

test("incidents near each other gather, and their cluster names all of them and stands in their middle", () => {
  const points = { featureStart: Uint32Array.of(0, 1, 2, 3, 4), x: Float64Array.of(0.5, 0.502, 0.7, NaN), y: Float64Array.of(0.5, 0.5, 0.5, NaN) };
  const columns = { kind: ["a", "a", "a", "a"], state: ["s", "s", "s", "s"] };
  const incidents = new Incidents(new IndexedLayer(layer("incidents", columns, { points })));
  const [pair, single, ...others] = incidents.within([0.4, 0.4, 0.8, 0.6], 4);
  assert.deepEqual([pair?.incidents, single?.incidents, others], [[0, 1], [2], []]);
  assert.ok(Math.abs((pair?.x ?? 0) - 0.501) < 1e-12);
});

test("a cluster at the edge of a view counts all of its incidents, and near enough each stands alone", () => {
  const points = { featureStart: Uint32Array.of(0, 1, 2), x: Float64Array.of(0.5, 0.50001), y: Float64Array.of(0.5, 0.5) };
  const incidents = new Incidents(new IndexedLayer(layer("incidents", { kind: ["a", "a"], state: ["s", "s"] }, { points })));
  assert.deepEqual(incidents.within([0.4, 0.4, 0.500001, 0.6], 10).map((each) => each.incidents), [[0, 1]]);
  assert.deepEqual(incidents.within([0.4, 0.4, 0.6, 0.6], 19).map((each) => each.incidents), [[0], [1]]);
});

test("a name fits where a line is straight for its length, and reads upright", () => {
  const view = { originX: 0, originY: 0, scale: 1, width: 400, height: 400, metresPerPixel: 1 };
  const straight = straightSpots(paths([[[390, 100], [10, 100]]]), 0, view, 60);
  assert.ok(straight.length > 2 && straight.every(({ angle, y }) => angle === 0 && y === 100));
  const short = straightSpots(paths([[[10, 10], [40, 10]]]), 0, view, 60);
  assert.deepEqual(short, []);
});

test("a unit falls in the first class that reaches its households", () => {
  const classes = [{ up_to: 0, fill: "a" }, { up_to: 9, fill: "b" }, { up_to: null, fill: "c" }];
  assert.deepEqual([0, 1, 9, 10].map((households) => classOf(households, classes)), [0, 1, 1, 2]);
});

test("facilities are separated by either semicolon", () => {
  assert.deepEqual(facilities("water;\uFF1B microwave \uFF1Bbox"), ["water", "microwave", "box"]);
});

test("texts are filled, and almost all is not all", () => {
  useLanguage({ words: { zh_CN: {}, en: { "list.more": "{count} left", plain: "x {y}" } } }, "en");
  assert.equal(t("list.more", { count: 1200 }), "1,200 left");
  assert.equal(t("plain"), "x {y}");
  assert.equal(t("missing"), "missing");
  assert.equal(formatShare(0.9999), "99.9%");
  // As the command line says of the same households.
  assert.equal(formatShare(2768 / 2993), "92.5%");
  assert.equal(formatShare(1), "100%");
});

test("numbers are grouped by thousands as the browser would, in both languages", () => {
  const numbers = [0, 7, 999, 1000, 12345, 123456, 1234567, 2 ** 40, -1, -999, -1000, -1234567, 0.5, 1.25, 1234.5678, 99.9996, -0.4];
  for (const locale of ["zh-CN", "en"]) {
    for (const number of numbers) assert.equal(formatCount(number), new Intl.NumberFormat(locale).format(number));
  }
});

test("the area of polygons leaves out their holes", () => {
  const hole = square(1, 1, 1).reverse();

  assert.equal(areaOf(paths([square(0, 0, 4), hole], [square(10, 10, 2)])), 16 - 1 + 4);
  assert.equal(areaOf(null), 0);
});

test("kinds of cases look differently, the first by colour and by sign alone", () => {
  const colours = Array.from({ length: 8 }, (_, i) => `#00000${i}`);
  const looks = Array.from({ length: countLooks(colours) }, (_, kind) => lookOf(kind, colours));
  assert.equal(new Set(looks.map(({ colour, sign }) => colour + sign)).size, 64);
  assert.equal(new Set(looks.slice(0, 8).map(({ sign }) => sign)).size, 8);
  assert.equal(new Set(looks.slice(0, 8).map(({ colour }) => colour)).size, 8);
});
