import assert from "node:assert/strict";
import { test } from "node:test";
import { joinCircles, overlap, placeLabels, shortCode, shorten, signsAndDots, Taken, type Candidate, type Placed } from "../src/labels.ts";

function form(x: number, y: number, side = 20): Placed {
  return { box: { x0: x, y0: y, x1: x + side, y1: y + side } };
}

function candidate(x: number, y: number, priority: number, side = 20): Candidate<Placed> {
  return { priority, forms: [form(x, y, side)] };
}

/** Numbers that look random and are the same every time. */
function* sequence(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    yield state / 2 ** 32;
  }
}

test("of two labels that overlap the more important one is placed", () => {
  const [minor, major] = [candidate(0, 0, 1), candidate(10, 10, 2)];
  assert.deepEqual(placeLabels([minor, major]), [form(10, 10)]);
});

test("labels that only touch keep a gap", () => {
  assert.equal(placeLabels([candidate(0, 0, 2), candidate(21, 0, 1)]).length, 1);
  assert.equal(placeLabels([candidate(0, 0, 2), candidate(23, 0, 1)]).length, 2);
});

test("a label without room, or where it may not stand, takes its next form; forms after that are not made", () => {
  let made = 0;
  function* forms(): Iterable<Placed> {
    for (const [x, side] of [[10, 20], [40, 5], [60, 5], [80, 5]] as const) {
      made++;
      yield form(x, 0, side);
    }
  }
  const placed = placeLabels([candidate(0, 0, 2), { priority: 1, forms: forms() }], new Taken(), ({ box }) => box.x0 !== 40);
  assert.deepEqual(placed, [form(0, 0), form(60, 0, 5)]);
  assert.equal(made, 3);
});

test("what is taken before stays free of labels", () => {
  const taken = new Taken();
  taken.take({ x0: 0, y0: 0, x1: 500, y1: 500 });
  assert.deepEqual(placeLabels([candidate(250, 250, 9)], taken), []);
});

test("no two of a thousand placed labels overlap, also across negative and large coordinates", () => {
  const next = sequence(7);
  const draw = (low: number, high: number) => low + (high - low) * (next.next().value as number);
  const crowd = Array.from({ length: 1000 }, () => candidate(draw(-300, 900), draw(-300, 600), draw(0, 9), draw(4, 160)));
  const placed = placeLabels(crowd);
  assert.ok(placed.length > 20);
  for (const [i, a] of placed.entries()) {
    for (const b of placed.slice(i + 1)) assert.ok(!overlap(a.box, b.box));
  }
});

test("circles that would cover each other become one with the count of both", () => {
  const radius = (count: number) => (count > 1 ? 14 : 8);
  const joined = joinCircles([{ x: 0, y: 0, radius: 8, count: 1 }, { x: 10, y: 0, radius: 8, count: 1 }, { x: 90, y: 0, radius: 8, count: 1 }], radius);
  assert.deepEqual(joined.map(({ count }) => count).sort(), [1, 2]);
});

test("a circle that grows swallows the neighbour it now reaches", () => {
  const radius = (count: number) => 10 * count;
  const joined = joinCircles([{ x: 0, y: 0, radius: 10, count: 1 }, { x: 15, y: 0, radius: 10, count: 1 }, { x: 31, y: 0, radius: 10, count: 1 }], radius);
  assert.deepEqual(joined.map(({ count, members }) => [count, members.length]), [[3, 3]]);
});

test("the short code of a grid is its serial; a short id stays whole", () => {
  assert.equal(shortCode("320706001007021"), "021");
  assert.equal(shortCode("G12"), "G12");
});

test("long names are cut", () => {
  assert.equal(shorten(" gnp.exe ", 20), "gnp.exe");
  assert.equal(shorten("abcdef", 4), "abc\u2026");
});

test("round signs leave each other to be read, and what comes first is always one and on top", () => {
  const spots = [{ id: "a", x: 0 }, { id: "b", x: 10 }, { id: "first", x: 12 }, { id: "c", x: 40 }, { id: "d", x: 59 }]
    .map((each) => ({ ...each, y: 0, radius: 8 }));

  const [signs, dots] = signsAndDots(spots, ({ id }) => id === "first");

  assert.deepEqual(dots.map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(signs.map(({ id }) => id), ["d", "c", "first"]);
});

test("of many round signs none covers another by more than a pixel, and each dot had no room", () => {
  const chance = sequence(11);
  const spots = Array.from({ length: 300 }, () => ({ x: chance.next().value * 400, y: chance.next().value * 400, radius: 9 }));

  const [signs, dots] = signsAndDots(spots, () => false);

  const touch = (a: typeof spots[0], b: typeof spots[0]) => Math.hypot(a.x - b.x, a.y - b.y) < 17;
  assert.equal(signs.length + dots.length, 300);
  assert.ok(signs.every((a, i) => signs.every((b, j) => i === j || !touch(a, b))));
  assert.ok(dots.length > 0 && dots.every((dot) => signs.some((sign) => touch(dot, sign))));
});
