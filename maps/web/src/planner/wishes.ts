/** What the panel beside the map asks for, and what it shows of the selection. */
import type { Remedy } from "../plan/remedies.ts";
import type { Tool } from "./hand.ts";
import type { Wanted } from "./proposal.ts";

export interface Wishes {
  tool(tool: Tool): void;
  choose(grid: number | "new"): void;
  fly(units: readonly number[]): void;
  undo(): void;
  redo(): void;
  goTo(position: number): void;
  /** Undo all, and what was done before the history begins. */
  undoOutset(): void;
  /** Ask the engine about the chosen grid, or about all, within its bound (see `EnginePanel`). */
  ask(wanted: Wanted): void;
  /** Do what a problem asks for. */
  mend(remedy: Remedy): void;
  /** Show what numbering anew would change. */
  renumber(): void;
  keys(): void;
  /** The table of units in place of the map, or the map again. */
  table(): void;
  retry(): void;
  reload(): void;
  /** Go to where edits of a draft that is gone can be put into another. */
  rescue(): void;
}

/** What is done with units that are selected, on the map or in the table. */
export interface SelectionWishes {
  /** Into the chosen grid. */
  move(): void;
  makeGrid(): void;
  lock(isLocked: boolean): void;
  clear(): void;
  fly(units: readonly number[]): void;
}
