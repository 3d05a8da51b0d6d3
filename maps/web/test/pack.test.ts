import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePack, decodeVarints, latitude, longitude, PackError, worldX, worldY } from "../src/pack.ts";

function bytes(...blocks: number[][]): Uint8Array {
  return Uint8Array.from(blocks.flat());
}

function pack(header: object, body: number[]): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(8);
  start.set(new TextEncoder().encode("wgpk"));
  new DataView(start.buffer).setUint32(4, head.length, true);
  return Uint8Array.from([...start, ...head, ...body]);
}

/** Two squares side by side: arc 0 round the left one, 1 round the right one, 2 between them. */
function twoSquares(): Uint8Array {
  const blocks: [string, number, number, number][] = [];
  const body: number[] = [];
  const add = (values: number[]): number => {
    const octets = values.map((value) => (value < 0 ? -2 * value - 1 : 2 * value));
    blocks.push(["plain", body.length, octets.length, octets.length]);
    body.push(...octets);
    return blocks.length - 1;
  };
  const addTexts = (texts: (string | null)[]): number => {
    const octets = [...new TextEncoder().encode(JSON.stringify(texts))];
    blocks.push(["text", body.length, octets.length, texts.length]);
    body.push(...octets);
    return blocks.length - 1;
  };
  // Two banks of arcs, as of what is drawn far and near.
  const arcs = [
    { points: add([4]), x: add([1, 0, 0, 1]), y: add([1, 1, 0, 0]) },
    { points: add([4, 2]), x: add([1, 2, 2, 1, 1, 1]), y: add([0, 0, 1, 1, 0, 1]) },
  ];
  const geometry = { polygon: { parts: add([1, 1]), part_arcs: add([2, 2]), arcs: add([0, 2, 1, -3]) } };
  const columns = {
    households: { type: "int", values: add([3, 0]), nulls: add([1]) },
    walled: { type: "bool", values: add([1, 0]) },
    name: { type: "category", values: addTexts(["A"]), codes: add([0, -1]) },
    unit_id: { type: "text", values: addTexts(["1", null]) },
    share: { type: "number", values: add([5, 1]), decimals: 1 },
  };
  const header = {
    version: 2, origin: [0, 0], step: 1, blocks, arcs, layers: { grids: { count: 2, geometry, columns } },
  };
  return pack(header, body);
}

test("varints: small, negative, long, and as differences", () => {
  assert.deepEqual([...decodeVarints(bytes([0, 1, 2, 0x80, 0x01]), 4, false)], [0, -1, 1, 64]);
  assert.deepEqual([...decodeVarints(bytes([2, 2, 1]), 3, true)], [1, 2, 1]);
  // 2^40 as Python writes it
  assert.deepEqual([...decodeVarints(bytes([0x80, 0x80, 0x80, 0x80, 0x80, 0x40]), 1, false)], [2 ** 40]);
});

test("rings are put together from arcs, forwards and backwards", () => {
  const grids = decodePack(twoSquares()).get("grids");
  const rings = grids?.polygons;
  assert.ok(rings);
  assert.deepEqual([...rings.pathStart], [0, 5, 10]);
  assert.deepEqual([...rings.x].map((each) => Math.round(longitude(each))), [1, 0, 0, 1, 1, 1, 2, 2, 1, 1]);
  assert.deepEqual([...rings.y].map((each) => Math.round(latitude(each))), [1, 1, 0, 0, 1, 0, 0, 1, 1, 0]);
});

test("a border between two polygons is one edge and belongs to the first", () => {
  const edges = decodePack(twoSquares()).get("grids")?.edges;
  assert.ok(edges);
  assert.deepEqual([...edges.featureStart], [0, 1, 2]);
  assert.deepEqual([...edges.pathStart], [0, 5, 9]);
});

test("columns come back with their types and gaps", () => {
  const columns = decodePack(twoSquares()).get("grids")?.columns;
  assert.deepEqual(columns?.get("households"), [3, null]);
  assert.deepEqual(columns?.get("walled"), [true, false]);
  assert.deepEqual(columns?.get("name"), ["A", null]);
  assert.deepEqual(columns?.get("unit_id"), ["1", null]);
  assert.deepEqual(columns?.get("share"), [0.5, 0.1]);
});

test("bytes that are no pack, and packs of a later version, are refused", () => {
  assert.throws(() => decodePack(bytes([1, 2, 3, 4, 0, 0, 0, 0])), PackError);
  assert.throws(() => decodePack(pack({ version: 3 }, [])), PackError);
});

test("world coordinates turn back into degrees", () => {
  for (const [lon, lat] of [[119.6, 32], [-180, -80], [0, 0]] as const) {
    assert.ok(Math.abs(longitude(worldX(lon)) - lon) < 1e-9);
    assert.ok(Math.abs(latitude(worldY(lat)) - lat) < 1e-9);
  }
});
