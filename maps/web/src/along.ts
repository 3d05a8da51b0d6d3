/** Where along a line its name can be written. Pure. */
import type { Paths } from "./pack.ts";
import { pixel, type Window } from "./tracing.ts";

/** Places along a line, in pixels, where a text of a width lies nearly straight; upright to read. */
export function straightSpots(
  paths: Paths, feature: number, view: Window, width: number,
): { x: number; y: number; angle: number }[] {
  const spots: { x: number; y: number; angle: number }[] = [];
  for (let path = paths.featureStart[feature] as number; path < (paths.featureStart[feature + 1] as number); path++) {
    const along: { x: number; y: number; s: number }[] = [];
    let s = 0;
    for (let i = paths.pathStart[path] as number; i < (paths.pathStart[path + 1] as number); i++) {
      const at = pixel(view, [paths.x[i] as number, paths.y[i] as number]);
      const before = along[along.length - 1];
      if (before) s += Math.hypot(at.x - before.x, at.y - before.y);
      along.push({ ...at, s });
    }
    const stride = Math.max(width / 2, 40);
    for (let middle = width / 2 + 2; middle + width / 2 < s; middle += stride) {
      const a = pointAt(along, middle - width / 2);
      const b = pointAt(along, middle + width / 2);
      const at = pointAt(along, middle);
      const chord = Math.hypot(b.x - a.x, b.y - a.y);
      const isSeen = Math.min(a.x, b.x) > 0 && Math.min(a.y, b.y) > 0 && Math.max(a.x, b.x) < view.width && Math.max(a.y, b.y) < view.height;
      if (!isSeen || chord < 0.985 * width) continue;
      let angle = Math.atan2(b.y - a.y, b.x - a.x);
      if (angle > Math.PI / 2) angle -= Math.PI;
      if (angle <= -Math.PI / 2) angle += Math.PI;
      spots.push({ x: at.x, y: at.y, angle });
      if (spots.length > 60) return spots;
    }
  }
  return spots;
}

function pointAt(along: readonly { x: number; y: number; s: number }[], s: number): { x: number; y: number } {
  let i = 1;
  while (i < along.length - 1 && (along[i]?.s ?? 0) < s) i++;
  const a = along[i - 1] as { x: number; y: number; s: number };
  const b = along[i] as { x: number; y: number; s: number };
  const share = b.s > a.s ? (s - a.s) / (b.s - a.s) : 0;
  return { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) };
}
