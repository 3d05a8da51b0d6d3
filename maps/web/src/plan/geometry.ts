/** Lines and areas on the plane: which side of a line, inside a ring or not. */

export type Point = readonly [x: number, y: number];

/**
 * The side of a line that a point lies on: 1 left of its direction (y upwards), -1 right, 0 on it. The line goes on
 * straight beyond both ends. Where its nearest point is a corner, the two segments there decide together.
 *
 * Bærentzen, J. A., Aanæs, H. (2005). Signed distance computation using the angle weighted pseudonormal.
 * IEEE Transactions on Visualization and Computer Graphics 11(3).
 */
export function sideOfLine(line: readonly Point[], x: number, y: number): -1 | 0 | 1 {
  const corners = line.filter((point, i) => i === 0 || !samePoint(point, line[i - 1] as Point));
  const last = corners.length - 2;
  let nearest = Infinity;
  let side = 0;
  for (let i = 0; i <= last; i++) {
    const [[ax, ay], [bx, by]] = [corners[i] as Point, corners[i + 1] as Point];
    const [dx, dy] = [bx - ax, by - ay];
    let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
    if (i > 0) along = Math.max(along, 0);
    if (i < last) along = Math.min(along, 1);
    const distance = Math.hypot(x - ax - along * dx, y - ay - along * dy);
    if (distance >= nearest) continue;
    nearest = distance;
    const corner = i < last && along === 1 ? (corners[i + 2] as Point) : null;
    if (corner) {
      // The unit normals of the two segments at the corner, added.
      const [ex, ey] = [corner[0] - bx, corner[1] - by];
      const [d, e] = [Math.hypot(dx, dy), Math.hypot(ex, ey)];
      side = (x - bx) * (-dy / d - ey / e) + (y - by) * (dx / d + ex / e);
    } else {
      side = dx * (y - ay) - dy * (x - ax);
    }
  }
  return Math.sign(side) as -1 | 0 | 1;
}

/** Whether a point lies in a ring (closed by itself; where it crosses itself, even-odd). */
export function isInRing(ring: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [ring[i] as Point, ring[j] as Point];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** The ground between a line before and after it was dragged, as a ring. */
export function sweptRing(before: readonly Point[], after: readonly Point[]): Point[] {
  return [...before, ...[...after].reverse()];
}

function samePoint(a: Point, b: Point): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
