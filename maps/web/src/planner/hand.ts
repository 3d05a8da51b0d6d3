/** What the hand on the map holds, and what a tool hears of the pointer. */
import type * as L from "leaflet";
import type { Point } from "../plan/geometry.ts";
import type { IndexedLayer } from "../scene.ts";
import type { Desk, Whole } from "./desk.ts";

export type Tool = "choose" | "brush" | "drag" | "lasso" | "rectangle" | "split";

export interface Hand {
  tool: Tool;
  whole: Whole;
  /** Radius of the brush in pixels; 0 paints the unit under the pointer. */
  radius: number;
  /** How far along a border it follows the hand, on each side, in pixels. */
  reach: number;
  /** The grid that is painted into; `new` begins one with the next stroke. */
  target: number | "new";
  /** Whether a stroke takes units only from the grid it began in. */
  isFromOne: boolean;
}

export type Refusal = "no_target" | "not_split";

export interface Told {
  chose(grid: number): void;
  /** A stroke or a drag ended; the grid it painted into, null where it painted nothing or into several. */
  stroked(target: number | null): void;
  /** Units were selected with the lasso or the rectangle. */
  selected(units: readonly number[], how: "replace" | "add" | "remove"): void;
  refused(why: Refusal): void;
  /** Locks of these grids stand against it. */
  locked(grids: readonly number[]): void;
  /** The hand took or left something by itself: its settings are to be shown anew. */
  changed(): void;
}

/** The pane of the map for what the hand draws, over the borders. */
export const HAND_PANE = "weige-hand";

/** The ground under the brush, in pixels of the map's container. */
export interface Circle {
  x: number;
  y: number;
  radius: number;
}

/** What the hand draws with: the brush, and the border that it holds or could take; null and [] for none. */
export interface HandPicture {
  brush(at: Circle | null): void;
  border(line: readonly Point[]): void;
}

/** What every tool works with. */
export interface Bench {
  readonly map: L.Map;
  readonly desk: Desk;
  readonly cells: IndexedLayer;
  readonly hand: Hand;
  readonly told: Told;
  readonly picture: HandPicture;
}

/** A place under the pointer: in the world's unit square and in pixels of the map's container. */
export interface At {
  readonly world: Point;
  readonly pixel: Point;
  readonly event: PointerEvent;
}

/** One tool as the pointer meets it. While it is held, the map does not move. */
export interface Grip {
  /** Whether the map is moved by dragging where this tool takes nothing. */
  readonly movesMap: boolean;
  /** Whether every place on the way of the pointer counts, or only where it is. */
  readonly followsWay?: boolean;
  take?(): void;
  /** Whether the tool takes the pointer. */
  down?(at: At): boolean;
  /** `isHeld`: between a `down` that was taken and `up`. */
  move?(at: At, isHeld: boolean): void;
  up?(at: At): void;
  click?(at: L.LatLng): void;
  wheel?(steps: number): void;
  enter?(): void;
  /** Leave what was begun. */
  cancel(): void;
  leave?(): void;
}

/** World units of a pixel at the zoom of a map. */
export function worldOfPixel(map: L.Map): number {
  return 1 / (256 * 2 ** map.getZoom());
}
