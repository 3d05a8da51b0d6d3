/** What a planner keeps on the computer of one draft: edits not saved yet (see `Keeper`) and locks. */
import type { QueueJson } from "../plan/queue.ts";
import { unitsKey, type Shelf } from "./keeper.ts";

export const localShelf: Shelf = {
  get: (key) => localStorage.getItem(key),
  set: (key, value) => localStorage.setItem(key, value),
  remove: (key) => localStorage.removeItem(key),
};

export function shelfKeyOf(version: string): string {
  return `weige-edits-${version}`;
}

export function locksKeyOf(shelfKey: string): string {
  return `${shelfKey}-locks`;
}

/** The revision of edits that were taken to a draft of their own and do not stand on its state yet. */
export const UNFOUNDED = -1;

/** Take edits and locks from one draft to another: they lie on its shelf before they leave this one's. */
export function carryOver(shelf: Shelf, edits: QueueJson, unitIds: readonly string[], from: string, to: string): void {
  const carried: QueueJson = { ...edits, saved: { ...edits.saved, revision: UNFOUNDED } };
  shelf.set(unitsKey(to), JSON.stringify(unitIds));
  shelf.set(to, JSON.stringify(carried));
  const locks = shelf.get(locksKeyOf(from));
  if (locks) shelf.set(locksKeyOf(to), locks);
  for (const key of [from, unitsKey(from)]) shelf.remove(key);
}
