/** Circles with counts and signs of classes, each drawn once and stamped as often as it is needed. */
import { countLooks, drawIncident } from "../icons.ts";

const CIRCLES = [10, 13, 16, 19] as const;
/** Radius of a case that stands alone. */
const ALONE = 8;
const SIDE = 44;
const DIGITS = "0123456789k";
const FONT = "600 12px sans-serif";
const FULL = 255;

export function radiusOf(count: number): number {
  return count === 1 ? ALONE : CIRCLES[count < 10 ? 0 : count < 100 ? 1 : count < 1000 ? 2 : 3];
}

/** Pixels by which a stamp may reach beyond the bin that holds its circle or sign. */
export const OVERHANG = 6;

/** A picture whose pixels are written one by one: without a graphics card far faster than a pen. */
export interface Pixels {
  /** Where it begins, in pixels of the screen from the corner of the drawing. */
  left: number;
  top: number;
  width: number;
  height: number;
  /** Red, green, blue, alpha of each pixel from the lowest byte, rows from the top; signed, since those are the quicker numbers. */
  rgba: Int32Array;
}

/** A stamp taken apart. Most of it is whole or nothing; only what its edge and its digits have of half tones is mixed. */
interface Stamp {
  side: number;
  /** Row, first column, column after the last, and colour of each run of one colour with full alpha. */
  runs: Int32Array;
  /** Row, column and colour of each pixel that lets something through. */
  tones: Int32Array;
}

export class Stamps {
  private readonly sheet: Pixels;
  private readonly widths: number[] = [];
  private readonly circles: Stamp[];
  private readonly digits: Stamp[];
  private readonly signs: Stamp[];

  constructor(
    private readonly cluster: string,
    private readonly colours: readonly string[],
    /** How many classes there are. */
    classes: number,
    /** Pixels of the screen of a pixel of the drawing. */
    readonly ratio: number,
  ) {
    const kinds = Array.from({ length: Math.max(1, Math.min(classes, countLooks(colours))) }, (_, kind) => kind);
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil((CIRCLES.length + DIGITS.length + kinds.length) * SIDE * ratio);
    canvas.height = Math.ceil(SIDE * ratio);
    const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
    this.draw(pen, kinds);
    const { width, height, data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    this.sheet = { left: 0, top: 0, width, height, rgba: new Int32Array(data.buffer) };
    this.circles = CIRCLES.map((radius, cell) => this.cut(cell, 2 * radius + 4));
    this.digits = [...DIGITS].map((_, digit) => this.cut(CIRCLES.length + digit, 14));
    this.signs = kinds.map((kind) => this.cut(CIRCLES.length + DIGITS.length + kind, 2 * ALONE + 8));
  }

  private draw(pen: CanvasRenderingContext2D, kinds: readonly number[]): void {
    pen.scale(this.ratio, this.ratio);
    const middle = (cell: number) => (cell + 0.5) * SIDE;
    CIRCLES.forEach((radius, cell) => {
      pen.beginPath();
      pen.arc(middle(cell), SIDE / 2, radius, 0, 2 * Math.PI);
      pen.fillStyle = this.cluster;
      pen.fill();
      pen.strokeStyle = "#fff";
      pen.lineWidth = 2;
      pen.stroke();
    });
    for (const kind of kinds) drawIncident(pen, middle(CIRCLES.length + DIGITS.length + kind), SIDE / 2, ALONE, kind, this.colours);
    pen.font = FONT;
    pen.fillStyle = "#fff";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    [...DIGITS].forEach((digit, at) => {
      pen.fillText(digit, middle(CIRCLES.length + at), SIDE / 2 + 0.5);
      this.widths.push(pen.measureText(digit).width);
    });
  }

  /** A circle with its count. */
  count(onto: Pixels, x: number, y: number, count: number): void {
    const circle = CIRCLES.indexOf(radiusOf(count) as (typeof CIRCLES)[number]);
    this.put(onto, this.circles[circle] as Stamp, x, y);
    const text = count < 10_000 ? String(count) : `${Math.floor(count / 1000)}k`;
    let left = x;
    for (let i = 0; i < text.length; i++) left -= this.widthOf(text, i) / 2;
    for (let i = 0; i < text.length; i++) {
      const width = this.widthOf(text, i);
      this.put(onto, this.digits[DIGITS.indexOf(text.charAt(i))] as Stamp, left + width / 2, y);
      left += width;
    }
  }

  /** The sign of a class. */
  alone(onto: Pixels, x: number, y: number, kind: number): void {
    this.put(onto, this.signs[kind % this.signs.length] as Stamp, x, y);
  }

  private widthOf(text: string, place: number): number {
    return this.widths[DIGITS.indexOf(text.charAt(place))] ?? 0;
  }

  /** Take apart what the sheet shows about the middle of a cell. */
  private cut(cell: number, size: number): Stamp {
    const { ratio, sheet } = this;
    const side = Math.round(size * ratio);
    const fromX = Math.round((cell + 0.5) * SIDE * ratio - side / 2);
    const fromY = Math.round((SIDE * ratio - side) / 2);
    const [runs, tones]: [number[], number[]] = [[], []];
    for (let row = 0; row < side; row++) {
      const from = (fromY + row) * sheet.width + fromX;
      for (let column = 0, first = 0; column < side; column++) {
        const colour = sheet.rgba[from + column] as number;
        const alpha = colour >>> 24;
        if (alpha === FULL && column + 1 < side && sheet.rgba[from + column + 1] === colour) continue;
        if (alpha === FULL) runs.push(row, first, column + 1, colour);
        else if (alpha) tones.push(row, column, colour);
        first = column + 1;
      }
    }
    return { side, runs: Int32Array.from(runs), tones: Int32Array.from(tones) };
  }

  private put(onto: Pixels, { side, runs, tones }: Stamp, middleX: number, middleY: number): void {
    const { width, height, rgba } = onto;
    const left = Math.round(middleX * this.ratio - side / 2) - onto.left;
    const top = Math.round(middleY * this.ratio - side / 2) - onto.top;
    for (let i = 0; i < runs.length; i += 4) {
      const row = top + (runs[i] as number);
      if (row < 0 || row >= height) continue;
      const end = row * width + Math.min(width, left + (runs[i + 2] as number));
      const colour = runs[i + 3] as number;
      for (let at = row * width + Math.max(0, left + (runs[i + 1] as number)); at < end; at++) rgba[at] = colour;
    }
    for (let i = 0; i < tones.length; i += 3) {
      const row = top + (tones[i] as number);
      const column = left + (tones[i + 1] as number);
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const at = row * width + column;
      rgba[at] = blended(rgba[at] as number, tones[i + 2] as number);
    }
  }
}

/** One colour over another, both alpha, blue, green, red from the highest byte. */
function blended(under: number, over: number): number {
  const alpha = over >>> 24;
  const alphaUnder = under >>> 24;
  if (alphaUnder === 0) return over;
  const red = mixed(under & 255, over & 255, alpha);
  const green = mixed((under >>> 8) & 255, (over >>> 8) & 255, alpha);
  const blue = mixed((under >>> 16) & 255, (over >>> 16) & 255, alpha);
  return ((alpha > alphaUnder ? alpha : alphaUnder) << 24) | (blue << 16) | (green << 8) | red;
}

/** Of one of the three colours, rounded: the division by 255 in whole numbers. */
function mixed(under: number, over: number, alpha: number): number {
  const sum = over * alpha + under * (FULL - alpha) + 128;
  return (sum + (sum >> 8)) >> 8;
}
