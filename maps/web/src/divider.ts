/** Where the divider of the swipe stands, and what lies on which side of it. Pure. */
import type { Box } from "./labels.ts";

export type Side = "before" | "after";

/** Steps of the arrow keys and of the page keys, as shares of the width. */
const STEP = 0.02;
const LEAP = 0.1;

/** Pixels kept between the divider and a label. */
const RIM = 3;

/** The share of the width left of the divider, when it is put at x. */
export function shareAt(x: number, width: number): number {
  return width > 0 ? Math.min(1, Math.max(0, x / width)) : 0;
}

/** The share after a key; null for a key that does not move the divider. */
export function shareAfterKey(key: string, share: number): number | null {
  const moves: Record<string, number> = {
    ArrowLeft: share - STEP, ArrowDown: share - STEP, ArrowRight: share + STEP, ArrowUp: share + STEP,
    PageDown: share - LEAP, PageUp: share + LEAP, Home: 0, End: 1,
  };
  const moved = moves[key];
  return moved === undefined ? null : Math.round(Math.min(1, Math.max(0, moved)) * 1000) / 1000;
}

/** Does a label stand wholly on one side? One that the divider would cut belongs to neither. */
export function isOnSide({ x0, x1 }: Pick<Box, "x0" | "x1">, side: Side, dividerX: number): boolean {
  return side === "before" ? x1 <= dividerX - RIM : x0 >= dividerX + RIM;
}
