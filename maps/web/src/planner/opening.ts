/** Opening a draft: what the service holds, and the edits of an earlier page that it does not hold yet. */
import type { Layer } from "../pack.ts";
import type { Ground } from "../plan/ground.ts";
import { SaveQueue, type QueueJson } from "../plan/queue.ts";
import { rebase } from "../plan/rebase.ts";
import type { SavedState } from "../plan/saving.ts";
import { IndexedLayer } from "../scene.ts";
import type { LoggedEdit } from "../plan/clash_rows.ts";
import { askWhose } from "./clash.ts";
import { Keeper, type Shelf } from "./keeper.ts";
import { groundOf, need, stateOf } from "./layers.ts";
import { carryOver, UNFOUNDED } from "./shelf.ts";

/** A draft as it was opened. */
export interface Opened {
  ground: Ground;
  saved: SavedState;
  left: SaveQueue | null;
}

/** What opening a draft needs beside its pack. */
export interface Opening {
  shelf: Shelf;
  shelfKey: string;
  /** Start a draft from this one as the service holds it; the key of its shelf and its page, or why that was refused. */
  fork(): Promise<{ shelfKey: string; page: string } | string>;
  go(page: string): void;
  /** What was saved, as the service keeps it; empty where it does not say. */
  log(): Promise<readonly LoggedEdit[]>;
}

/**
 * Read the draft of a pack, and put what an earlier page left unsaved onto it. Where it clashes with what others
 * saved, the reader decides; edits that get a draft of their own hold there without another question. Never resolves
 * where the page is left for that draft.
 */
export async function openDraft(layers: ReadonlyMap<string, Layer>, opening: Opening): Promise<Opened> {
  const units = new IndexedLayer(need(layers, "units"));
  const ground = groundOf(units, new IndexedLayer(need(layers, "pairs")));
  const version = new IndexedLayer(need(layers, "version"));
  const state = stateOf(new IndexedLayer(need(layers, "grids")), units);
  const saved: SavedState = { revision: version.number("revision", 0) ?? 0, grid: state.grid, facts: state.facts };
  const left = Keeper.left(ground, opening.shelf, opening.shelfKey, (unit) => units.text("divided_from", unit) || null);
  return { ground, saved, left: left && (await settled(ground, new IndexedLayer(need(layers, "cells")), saved, left, opening)) };
}

/** Edits left unsaved, put onto what the service holds. */
async function settled(ground: Ground, cells: IndexedLayer, saved: SavedState, left: SaveQueue, opening: Opening): Promise<SaveQueue> {
  if (left.saved.revision === saved.revision) return left;
  const isOwn = left.saved.revision === UNFOUNDED;
  const edits = JSON.parse(JSON.stringify(left.toJson())) as QueueJson;
  const onto = rebase(ground, left, saved, "mine");
  if (isOwn || !(onto.units.length || onto.facts.length)) return onto.queue;
  const { edits: mine } = SaveQueue.fromJson(ground, edits);
  const theirs = { grid: saved.grid, facts: saved.facts.map((facts) => facts ?? { code: "", name: null, kind: "basic" as const }) };
  const log = await opening.log();
  for (let refused = ""; ; ) {
    const whose = await askWhose({ ground, cells, onto, theirs, edits: mine, log }, refused);
    if (whose === "mine") return onto.queue;
    // To rebase settles the queue: it is read anew for another answer.
    if (whose === "theirs") return rebase(ground, SaveQueue.fromJson(ground, edits), saved, "theirs").queue;
    const forked = await opening.fork();
    if (typeof forked !== "string") {
      carryOver(opening.shelf, edits, ground.unitIds, opening.shelfKey, forked.shelfKey);
      opening.go(forked.page);
      return new Promise(() => undefined);
    }
    refused = forked;
  }
}
