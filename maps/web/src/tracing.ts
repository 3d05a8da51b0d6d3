/** A window of the map on a canvas: where coordinates of the world are drawn in it, and how paths and points are traced. */
import type { Paths, Points } from "./pack.ts";
import type { Box } from "./scene.ts";

/** Points so near to the one before, or to the straight line between their neighbours, move no pixel. */
const [NEAR_PX, STRAIGHT_PX] = [0.6, 0.35];

/** The window: world coordinate w is drawn at (w - origin) * scale CSS pixels. */
export interface Window {
  originX: number;
  originY: number;
  scale: number;
  width: number;
  height: number;
  metresPerPixel: number;
}

/** The ground in a window, with a margin of pixels round it. */
export function windowBox(view: Window, margin = 0): Box {
  return [
    view.originX - margin / view.scale,
    view.originY - margin / view.scale,
    view.originX + (view.width + margin) / view.scale,
    view.originY + (view.height + margin) / view.scale,
  ];
}

/** Where a world coordinate is drawn. */
export function pixel(view: Window, [x, y]: [number, number]): { x: number; y: number } {
  return { x: (x - view.originX) * view.scale, y: (y - view.originY) * view.scale };
}

/** Add the lines or rings of a feature to the path of a pen. */
export function trace(pen: CanvasRenderingContext2D, paths: Paths | null, feature: number, view: Window, isRing: boolean): void {
  if (!paths) return;
  const { featureStart, pathStart, x, y } = paths;
  for (let path = featureStart[feature] as number; path < (featureStart[feature + 1] as number); path++) {
    const start = pathStart[path] as number;
    const end = pathStart[path + 1] as number;
    const firstX = ((x[start] as number) - view.originX) * view.scale;
    const firstY = ((y[start] as number) - view.originY) * view.scale;
    let lastX = firstX;
    let lastY = firstY;
    pen.moveTo(firstX, firstY);
    let nextX = start + 1 < end ? ((x[start + 1] as number) - view.originX) * view.scale : firstX;
    let nextY = start + 1 < end ? ((y[start + 1] as number) - view.originY) * view.scale : firstY;
    for (let i = start + 1; i < end; i++) {
      const px = nextX;
      const py = nextY;
      if (i < end - 1) {
        nextX = ((x[i + 1] as number) - view.originX) * view.scale;
        nextY = ((y[i + 1] as number) - view.originY) * view.scale;
        // What moves no pixel is left out; the last point always counts.
        if (Math.abs(px - lastX) < NEAR_PX && Math.abs(py - lastY) < NEAR_PX) continue;
        // No lists of several values: a page that opens runs this long before the browser has compiled it well.
        const dx = nextX - lastX;
        const dy = nextY - lastY;
        const across = (px - lastX) * dy - (py - lastY) * dx;
        const along = (px - lastX) * dx + (py - lastY) * dy;
        const length = dx * dx + dy * dy;
        if (across * across < STRAIGHT_PX * STRAIGHT_PX * length && along > 0 && along < length) continue;
      }
      pen.lineTo(px, py);
      lastX = px;
      lastY = py;
    }
    // Not closePath: Chromium measures the whole path at each, so that a thousand rings take a thousand times a thousand.
    if (isRing) pen.lineTo(firstX, firstY);
  }
}

/** Add a dot for each point of a feature to the path of a pen. */
export function dots(pen: CanvasRenderingContext2D, points: Points | null, feature: number, view: Window, radius: number): void {
  if (!points) return;
  for (let i = points.featureStart[feature] as number; i < (points.featureStart[feature + 1] as number); i++) {
    const x = ((points.x[i] as number) - view.originX) * view.scale;
    const y = ((points.y[i] as number) - view.originY) * view.scale;
    pen.moveTo(x + radius, y);
    pen.arc(x, y, radius, 0, 2 * Math.PI);
  }
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
