import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { spread } from "../src/spread.ts";

/** Frames that come when the test says so. */
let waiting: (() => void)[] = [];

function nextFrame(): void {
  const [now, ...later] = waiting;
  waiting = later;
  now?.();
}

beforeEach(() => {
  globalThis.requestAnimationFrame = (callback) => waiting.push(() => callback(performance.now()));
});

afterEach(() => {
  while (waiting.length) nextFrame();
});

/** A step that takes longer than a frame may give. */
function busy(): void {
  const end = performance.now() + 8;
  while (performance.now() < end);
}

function* steps(name: string, count: number, done: string[], step = busy): Generator<void> {
  for (let i = 1; i <= count; i++) {
    step();
    done.push(`${name}${i}`);
    yield;
  }
}

test("of two works with long steps each frame does a single step, what was begun first before the other", () => {
  const done: string[] = [];
  spread(steps("a", 1, done));
  spread(steps("b", 2, done));

  assert.deepEqual(done, []);
  nextFrame();
  assert.deepEqual(done, ["a1"]);
  while (waiting.length) nextFrame();
  assert.deepEqual(done, ["a1", "b1", "b2"]);
});

test("short steps of several works share a frame", () => {
  const done: string[] = [];
  spread(steps("a", 2, done, () => undefined));
  spread(steps("b", 1, done, () => undefined));

  nextFrame();

  assert.deepEqual(done, ["a1", "a2", "b1"]);
});

test("a work that is broken off does no further step, and none is asked for", () => {
  const done: string[] = [];
  const stop = spread(steps("a", 2, done));
  nextFrame();
  stop();

  while (waiting.length) nextFrame();

  assert.deepEqual(done, ["a1"]);
});

test("a work that fails is given up, and the others go on", () => {
  const done: string[] = [];
  spread(steps("a", 1, done, () => {
    throw new Error("lost");
  }));
  spread(steps("b", 1, done));

  assert.throws(nextFrame, /lost/);
  while (waiting.length) nextFrame();

  assert.deepEqual(done, ["b1"]);
});
