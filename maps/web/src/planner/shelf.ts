/** What a planner keeps on the computer of one draft: edits not saved yet (see `Keeper`) and locks. */
import type { QueueJson } from "../plan/queue.ts";
import { unitsKey, type Shelf } from "./keeper.ts";

/** Setting throws where a browser keeps nothing, or is full; whoever asks for what is there finds nothing then. */
export const localShelf: Shelf = {
  get: (key) => orNull(() => localStorage.getItem(key)),
  set: (key, value) => localStorage.setItem(key, value),
  remove: (key) => void orNull(() => localStorage.removeItem(key)),
};

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Whose edits they are: another account at the same computer never saves them as its own. */
export interface Owner {
  community: number;
  account: number;
}

const VERSION = /^[0-9a-f-]{36}$/;

const ownKeys = ({ community, account }: Owner) => `weige-edits-${community}-${account}-`;

export function shelfKeyOf(owner: Owner, version: string): string {
  return `${ownKeys(owner)}${version}`;
}

/** Where a tab keeps its edits while another tab has the same draft open. */
export function tabKeyOf(shelfKey: string): string {
  return `${shelfKey}~${Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join("")}`;
}

/** The shelf of a draft, whichever tab keeps edits there. */
export function draftKeyOf(shelfKey: string): string {
  return shelfKey.split("~")[0] as string;
}

/** Versions of a community with edits of an account that were not saved. */
export function versionsLeft(owner: Owner): string[] {
  const keys = orNull(() => Object.keys(localStorage)) ?? [];
  const start = ownKeys(owner);
  const versions = keys.filter((key) => key.startsWith(start)).map((key) => draftKeyOf(key.slice(start.length)));
  return [...new Set(versions.filter((version) => VERSION.test(version)))];
}

/** Take what a tab that is gone kept to where the draft opens from; where edits lie there already, it waits its turn. */
export function adoptOfTabs(shelfKey: string): void {
  if (localShelf.get(shelfKey) !== null) return;
  const keys = orNull(() => Object.keys(localStorage)) ?? [];
  const from = keys.find((key) => key.startsWith(`${shelfKey}~`) && !key.endsWith(unitsKey("")));
  if (!from) return;
  for (const [old, own] of [[unitsKey(from), unitsKey(shelfKey)], [from, shelfKey]] as const) {
    const kept = localShelf.get(old);
    if (kept !== null) localShelf.set(own, kept);
    localShelf.remove(old);
  }
}

export function locksKeyOf(shelfKey: string): string {
  return `${draftKeyOf(shelfKey)}-locks`;
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
