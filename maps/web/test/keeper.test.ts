import assert from "node:assert/strict";
import { test } from "node:test";
import { Ground } from "../src/plan/ground.ts";
import { Plan } from "../src/plan/plan.ts";
import { SaveQueue } from "../src/plan/queue.ts";
import type { SaveRequest } from "../src/plan/saving.ts";
import { Stroke } from "../src/plan/stroke.ts";
import { Keeper, type Answer, type Keeping, type Shelf } from "../src/planner/keeper.ts";

const ground = new Ground({
  unitIds: ["a", "b", "c"], households: [60, 20, 70], buildings: [null, null, null], compounds: [null, null, null],
  left: [0, 1], right: [1, 2], borderM: [1, 1], crosses: [0, 0], joins: [1, 1],
});
const state = { grid: Int32Array.from([0, 0, 1]), facts: ["x", "y"].map((code) => ({ code, name: null, kind: "basic" as const })) };

class Drawer implements Shelf {
  readonly kept = new Map<string, string>();
  get(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  set(key: string, value: string): void {
    this.kept.set(key, value);
  }
  remove(key: string): void {
    this.kept.delete(key);
  }
}

function opened(answers: (Answer | null)[], drawer = new Drawer()) {
  const plan = new Plan(ground, state);
  const queue = new SaveQueue(ground, { revision: 1, ...state });
  const sent: { request: SaveRequest; revision: number; key: string }[] = [];
  const told: Keeping[] = [];
  const server = {
    send(request: SaveRequest, revision: number, key: string): Promise<Answer | null> {
      sent.push({ request, revision, key });
      return Promise.resolve(answers.shift() ?? null);
    },
  };
  const codes: [string, string][] = [];
  const keeper = new Keeper(queue, server, drawer, "k", (keeping) => told.push(keeping), (given) => codes.push(...given));
  const paint = (unit: number, to: number | "new") => {
    const stroke = new Stroke(plan, { to });
    stroke.paint([unit]);
    const edit = stroke.end({ at: "2026-01-01T00:00:00Z" });
    assert.ok(edit);
    keeper.push(edit);
  };
  return { plan, keeper, sent, told, codes, drawer, paint };
}

const taken = (revision: number, ...new_grids: string[]): Answer => ({ ok: true, reply: { revision, new_grids } });

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}

test("edits are sent one after the other, each onto the revision the one before gave", async () => {
  const { sent, told, drawer, paint } = opened([taken(2), taken(3)]);
  paint(1, 1);
  paint(1, 0);
  await until(() => told.at(-1) === "saved" && sent.length === 2);
  assert.deepEqual(sent.map(({ revision }) => revision), [1, 2]);
  assert.equal(drawer.kept.size, 0);
});

test("what gets no answer is sent again as the same request with the same key", async () => {
  const { sent, told, drawer, paint } = opened([null, taken(2)]);
  paint(1, 1);
  await until(() => told.includes("away"));
  assert.equal(drawer.kept.size, 1);
  await until(() => told.at(-1) === "saved");
  assert.equal(sent.length, 2);
  assert.deepEqual(sent[0], sent[1]);
});

test("an edit of a closed tab is found on the shelf and makes the same plan", async () => {
  const { drawer, told, paint, plan } = opened([{ ok: false, status: 409, detail: "no" }]);
  paint(1, 1);
  await until(() => told.at(-1) === "refused");
  const left = Keeper.left(ground, drawer, "k");
  assert.deepEqual(Array.from(left?.plan().grid ?? []), Array.from(plan.grid));
  drawer.kept.set("k", "{");
  assert.equal(Keeper.left(ground, drawer, "k"), null);
});

test("somebody else's change stops the saving and keeps the edits", async () => {
  const { drawer, told, sent, paint } = opened([{ ok: false, status: 412, detail: "changed" }]);
  paint(1, 1);
  paint(0, 1);
  await until(() => told.at(-1) === "changed");
  assert.equal(sent.length, 1);
  assert.equal(Keeper.left(ground, drawer, "k")?.edits.length, 2);
});

test("a new grid takes the code that the server gave", async () => {
  const { codes, told, paint } = opened([taken(2, "z")]);
  paint(1, "new");
  await until(() => told.at(-1) === "saved");
  assert.deepEqual(codes, [["+1", "z"]]);
});

test("what a full browser cannot keep is sent all the same, and is said not to be kept", async () => {
  class Full extends Drawer {
    override set(): void {
      throw new DOMException("full", "QuotaExceededError");
    }
  }
  const { keeper, sent, told, paint } = opened([null, taken(2)], new Full());
  paint(1, 1);
  await until(() => told.includes("away"));
  assert.equal(keeper.isShelved, false);
  await until(() => told.at(-1) === "saved");
  assert.equal(sent.length, 2);
  assert.equal(sent[0]?.key, sent[1]?.key);
});
