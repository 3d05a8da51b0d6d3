/** Bands of floors of a tower: how they are proposed, and what is wrong with them (as `geo/floors.py`). Pure. */

export interface FloorBand {
  lowest: number;
  highest: number;
  households: number;
}

export type BandsFault = { code: "reversed" | "sum"; told: number } | { code: "single" };

/** Floors 1 to `floors` in bands of as equal height as can be, households evenly by floor. */
export function evenBands(floors: number, households: number, count: number): FloorBand[] {
  const tops = Array.from({ length: count }, (_, band) => Math.round((floors * (band + 1)) / count));
  return withHouseholds(tops, floors, households);
}

/** Bands that end at the given floors, households evenly by floor. */
export function withHouseholds(tops: readonly number[], floors: number, households: number): FloorBand[] {
  const counted = tops.map((top) => Math.round((households * top) / floors));
  return tops.map((highest, band) => ({
    lowest: (tops[band - 1] ?? 0) + 1,
    highest,
    households: (counted[band] as number) - (counted[band - 1] ?? 0),
  }));
}

/** The fewest bands of which none has more than `most` households on average. */
export function bandsNeeded(households: number, most: number): number {
  return Math.ceil(households / most);
}

/** What keeps bands from being saved; null where nothing does. Each begins right above the one below. */
export function bandsFault(bands: readonly FloorBand[], households: number): BandsFault | null {
  if (bands.length < 2) return { code: "single" };
  const told = bands.reduce((sum, band) => sum + band.households, 0);
  const isBand = ({ lowest, highest, households: count }: FloorBand) =>
    [lowest, highest, count].every(Number.isInteger) && lowest >= 1 && lowest <= highest && highest <= 300 && count >= 0;
  if (!bands.every(isBand)) return { code: "reversed", told };
  return told === households ? null : { code: "sum", told };
}
