/** Cases counted on a lattice over the view while time slides: only what enters or leaves is counted anew. Pure. */

/** Side of a bin in pixels. */
export const BIN_PX = 44;

export interface Bin {
  x: number;
  y: number;
  count: number;
  /** Any of its cases; the only one where it is one. */
  incident: number;
}

/** Cases in the order of their time, those without one left out. */
export class Timeline {
  readonly order: Int32Array;
  readonly minutes: Float64Array;

  constructor(count: number, minute: (incident: number) => number | null) {
    const timed: [number, number][] = [];
    for (let i = 0; i < count; i++) {
      const at = minute(i);
      if (at !== null) timed.push([at, i]);
    }
    timed.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.order = Int32Array.from(timed, ([, incident]) => incident);
    this.minutes = Float64Array.from(timed, ([at]) => at);
  }

  /** How many cases are before a minute. */
  before(minute: number): number {
    let [low, high] = [0, this.minutes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.minutes[middle] as number) < minute) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Bins {
  /** Pixels of the view's bins with any case of any time, whole bins; null where there is none. */
  extent: readonly [x0: number, y0: number, x1: number, y1: number] | null = null;
  private columns = 0;
  private counts = new Int32Array(0);
  private sumX = new Float64Array(0);
  private sumY = new Float64Array(0);
  private sumId = new Float64Array(0);
  /** Bin of each case in the order of time, -1 outside the view or not chosen. */
  private readonly binOf: Int32Array;
  private readonly atX: Float64Array;
  private readonly atY: Float64Array;
  private low = 0;
  private high = 0;

  constructor(private readonly line: Timeline) {
    this.binOf = new Int32Array(line.order.length).fill(-1);
    this.atX = new Float64Array(line.order.length);
    this.atY = new Float64Array(line.order.length);
  }

  /** Lay the lattice over a view; `pixelOf` says where a case is drawn, null for nowhere. */
  lay(width: number, height: number, pixelOf: (incident: number) => readonly [number, number] | null): void {
    this.columns = Math.max(1, Math.ceil(width / BIN_PX));
    const size = this.columns * Math.max(1, Math.ceil(height / BIN_PX));
    this.counts = new Int32Array(size);
    this.sumX = new Float64Array(size);
    this.sumY = new Float64Array(size);
    this.sumId = new Float64Array(size);
    const { order } = this.line;
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < order.length; i++) {
      const at = pixelOf(order[i] as number);
      const isSeen = at !== null && at[0] >= 0 && at[1] >= 0 && at[0] < width && at[1] < height;
      this.binOf[i] = isSeen ? Math.floor(at[1] / BIN_PX) * this.columns + Math.floor(at[0] / BIN_PX) : -1;
      if (!isSeen) continue;
      this.atX[i] = at[0];
      this.atY[i] = at[1];
      x0 = Math.min(x0, at[0]);
      y0 = Math.min(y0, at[1]);
      x1 = Math.max(x1, at[0]);
      y1 = Math.max(y1, at[1]);
    }
    const start = (value: number) => Math.floor(value / BIN_PX) * BIN_PX;
    this.extent = x0 <= x1 ? [start(x0), start(y0), start(x1) + BIN_PX, start(y1) + BIN_PX] : null;
    const [low, high] = [this.low, this.high];
    this.low = this.high = 0;
    this.slide(low, high);
  }

  /** Count the cases from one place in the order of time to another, the last not included. */
  slide(low: number, high: number): void {
    if (high <= this.low || low >= this.high) {
      for (let i = this.low; i < this.high; i++) this.put(i, -1);
      for (let i = low; i < high; i++) this.put(i, 1);
    } else {
      for (let i = this.low; i < low; i++) this.put(i, -1);
      for (let i = low; i < this.low; i++) this.put(i, 1);
      for (let i = high; i < this.high; i++) this.put(i, -1);
      for (let i = this.high; i < high; i++) this.put(i, 1);
    }
    this.low = low;
    this.high = high;
  }

  /** The bins that hold a case, each drawn at the middle of its cases, kept off its edge by `radius` pixels. */
  filled(radius: (count: number) => number): Bin[] {
    const bins: Bin[] = [];
    for (let bin = 0; bin < this.counts.length; bin++) {
      const count = this.counts[bin] as number;
      if (!count) continue;
      const keep = Math.min(BIN_PX / 2, radius(count));
      const [left, top] = [(bin % this.columns) * BIN_PX, Math.floor(bin / this.columns) * BIN_PX];
      bins.push({
        x: within((this.sumX[bin] as number) / count, left + keep, left + BIN_PX - keep),
        y: within((this.sumY[bin] as number) / count, top + keep, top + BIN_PX - keep),
        count, incident: Math.round((this.sumId[bin] as number) / count),
      });
    }
    return bins;
  }

  /** The cases of the bin over a pixel. */
  at(x: number, y: number): number[] {
    const bin = Math.floor(y / BIN_PX) * this.columns + Math.floor(x / BIN_PX);
    const found: number[] = [];
    for (let i = this.low; i < this.high; i++) if (this.binOf[i] === bin) found.push(this.line.order[i] as number);
    return found;
  }

  private put(i: number, sign: 1 | -1): void {
    const bin = this.binOf[i] as number;
    if (bin < 0) return;
    this.counts[bin] = (this.counts[bin] as number) + sign;
    this.sumX[bin] = (this.sumX[bin] as number) + sign * (this.atX[i] as number);
    this.sumY[bin] = (this.sumY[bin] as number) + sign * (this.atY[i] as number);
    this.sumId[bin] = (this.sumId[bin] as number) + sign * (this.line.order[i] as number);
  }
}

function within(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
