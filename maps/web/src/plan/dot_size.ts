/** Radius of the dot of one household on the ground, in metres, and bounds of a dot on the screen, in pixels. */
const RADIUS_M = 1.5;
const [LEAST_PX, MOST_PX] = [1.2, 26];

/** Radius of the dot of so many households, in pixels: its area is in proportion; nobody, no dot. */
export function dotRadius(households: number, metresAPixel: number): number {
  return households > 0 ? Math.min(Math.max((RADIUS_M * Math.sqrt(households)) / metresAPixel, LEAST_PX), MOST_PX) : 0;
}
