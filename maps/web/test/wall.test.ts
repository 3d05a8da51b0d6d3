/** What a wall knows between two answers of the service. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parameters, readFilters, shows, understood } from "../src/wall/filters.ts";
import type { CaseBody, Clusters, WallPage } from "../src/wall/schema.ts";
import { WallState, worldOf } from "../src/wall/state.ts";
import { readPieces } from "../src/wall/stream.ts";
import { nameOfFile } from "../src/asking.ts";
import { readTile } from "../src/wall/vector_tile.ts";

const PER_WORLD = 2 ** 12 * 4;

function body(number: number, lon: number | null, lat: number | null): CaseBody {
  return {
    number: String(number), step: "report", state: "reported", revision: 1, category: "E0102", kind: "incident", grid: null, holder: null,
    due_at: null, lon, lat,
  };
}

function answer(as_of: number, cells: { lon: number; lat: number; n: number }[]): Clusters {
  const clusters = cells.map(({ lon, lat, n }) => {
    const [x, y] = worldOf(lon, lat).map((edge) => Math.floor(edge * PER_WORLD)) as [number, number];
    return { x, y, lon, lat, n, overdue: 0, soon: 0 };
  });
  const columns = clusters.map(({ x }) => x);
  const rows = clusters.map(({ y }) => y);
  return {
    as_of, per_world: PER_WORLD, total: cells.reduce((sum, { n }) => sum + n, 0), unmapped: 0, in_box: 0, clusters,
    cells_x: [Math.min(...columns) - 1, Math.max(...columns) + 1], cells_y: [Math.min(...rows) - 1, Math.max(...rows) + 1],
  };
}

function sum(state: WallState): number {
  return [...state.clusters.values()].reduce((total, { n }) => total + n, 0);
}

test("a report that an answer does not hold yet is put onto it, and one that it holds is not counted twice", () => {
  const state = new WallState();
  state.takeClusters(answer(10, [{ lon: 120, lat: 33, n: 4 }]));
  state.takeReport({ event: 11, at: "", body: body(1, 120.0001, 33.0001) });
  state.takeReport({ event: 12, at: "", body: body(2, 120.001, 33.01) });
  state.takeReport({ event: 13, at: "", body: body(3, null, null) });
  assert.deepEqual([sum(state), state.total, state.unmapped], [6, 7, 1]);

  state.takeClusters(answer(11, [{ lon: 120, lat: 33, n: 5 }]));
  assert.deepEqual([sum(state), state.total], [6, 7]);
  state.takeClusters(answer(13, [{ lon: 120, lat: 33, n: 5 }]));
  assert.deepEqual([sum(state), state.total], [5, 5]);
});

test("a report outside the view counts in the total and in no cell", () => {
  const state = new WallState();
  state.takeClusters(answer(1, [{ lon: 120, lat: 33, n: 1 }]));

  assert.equal(state.takeReport({ event: 2, at: "", body: body(1, 121, 34) }), null);
  assert.deepEqual([sum(state), state.total], [1, 2]);
});

test("a month of reports leaves no more than the last ones", () => {
  const state = new WallState();
  state.takeClusters(answer(0, [{ lon: 120, lat: 33, n: 1 }]));
  for (let n = 1; n <= 100_000; n++) state.takeReport({ event: n, at: "", body: body(n, 120, 33) });

  assert.equal(state.total, 100_001);
  assert.ok(state.size() <= 501);
  assert.equal(state.latest(3)[0]?.event, 100_000);
});

test("filters are the same in the address, in questions and on events", () => {
  const query = "area=320924001001&role=viewer&category=E0402&kind=incident&state=reported&state=handling&overdue=true";
  assert.equal(parameters(readFilters(query)).toString(), query);

  const page = { areas: [{ code: "s", id: 1, path: "1", name: "", level: "" }, { code: "c", id: 2, path: "1.2", name: "", level: "" }] } as unknown as WallPage;
  const event = { number: 1, kind: "case", at: "", community_id: 2, body: { ...body(1, 120, 33) } as unknown as Record<string, unknown> };
  const shown = (query: string) => shows(page, readFilters(query), event);
  assert.equal(shown(""), true);
  assert.equal(shown("area=s"), true);
  assert.equal(shown("area=c&kind=wish"), false);
  assert.equal(shown("category=E0402"), false);
  assert.equal(shown("role=viewer"), null);
  assert.equal(shown("area=elsewhere"), null);
});

test("what an address says and no wall knows is left out and told", () => {
  const page = {
    areas: [{ code: "s", id: 1, path: "1", name: "", level: "street" }], roles: ["viewer"], states: ["reported"],
    categories: [{ code: "E0402", name: "", kind: "incident" }],
  } as unknown as WallPage;
  const fine = "area=s&role=viewer&category=E0402&kind=incident&state=reported&overdue=true&theme=dark&scale=2&name=Centre";
  assert.deepEqual(understood(page, fine), { filters: readFilters(fine), ignored: [] });

  const { filters, ignored } = understood(page, "category=nonsense&state=reported&state=gone&kind=incident&bbox=abc&overdue=yes&toString=1&scale=x&area=");
  assert.deepEqual(filters, { area: "", role: "", category: "", kind: "incident", state: ["reported"], overdue: false });
  assert.deepEqual(ignored, ["category=nonsense", "state=gone", "bbox=abc", "overdue=yes", "toString=1", "scale=x"]);
});

test("pieces of a stream are read whole, whatever they are cut into", () => {
  const said = 'retry: 1000\nid: 4\n\n:\n\nid: 5\nevent: case\ndata: {"number": 5}\n\nid: 6\nevent: case\ndata: {"num';
  for (let cut = 0; cut <= said.length; cut++) {
    const first = readPieces(said.slice(0, cut));
    const second = readPieces(first.rest + said.slice(cut));
    assert.deepEqual([...first.data, ...second.data], ['{"number": 5}']);
    assert.deepEqual([...first.ids, ...second.ids], [4, 5]);
    assert.equal(second.rest, 'id: 6\nevent: case\ndata: {"num');
  }
});

test("a vector tile is read to its parts", () => {
  // One layer of extent 512 with one polygon: a square of side 10 at (2, 2).
  const geometry = [9, 4, 4, 26, 20, 0, 0, 20, 19, 0, 15];
  const shape = [24, 3, 34, geometry.length, ...geometry];
  const layer = [120, 2, 10, 1, 97, 18, shape.length, ...shape, 40, 128, 4];
  const [read] = readTile(new Uint8Array([26, layer.length, ...layer]));

  assert.equal(read?.extent, 512);
  assert.deepEqual(read?.shapes, [{ kind: 3, parts: [[2, 2, 12, 2, 12, 12, 2, 12, 2, 2]] }]);
});

test("a file is saved by the whole name that the service gives it", () => {
  assert.equal(nameOfFile("attachment; filename=\"----.html\"; filename*=UTF-8''%E5%90%88%E5%BE%B7%E9%95%87.html"), "合德镇.html");
  assert.equal(nameOfFile('attachment; filename="map-320924001001.html"'), "map-320924001001.html");
  assert.equal(nameOfFile(""), "");
});
