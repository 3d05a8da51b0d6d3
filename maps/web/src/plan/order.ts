/** The order in which grids are numbered, as one reads a page (`geo/codes.py`). */

export interface Middle {
  readonly grid: number;
  /** The middle of the grid, y to the north, and its area in the square of the same unit. */
  readonly x: number;
  readonly y: number;
  readonly area: number;
}

/**
 * Numbers of grids in reading order: in rows counted from the northernmost middle, each as high as the square root of
 * the mean area; within a row from west to east, at equal x from north to south, at one point the larger first.
 */
export function readingOrder(middles: readonly Middle[]): number[] {
  const rowHeight = Math.sqrt(middles.reduce((sum, { area }) => sum + area, 0) / middles.length);
  const north = middles.reduce((most, { y }) => Math.max(most, y), -Infinity);
  // Grids without area have no rows: each latitude is its own.
  const row = ({ y }: Middle) => (rowHeight > 0 ? Math.floor((north - y) / rowHeight) : north - y);
  return [...middles]
    .sort((a, b) => row(a) - row(b) || a.x - b.x || b.y - a.y || b.area - a.area || a.grid - b.grid)
    .map(({ grid }) => grid);
}
