/** Circles with counts and signs of classes, each drawn once and stamped as often as it is needed. */
import { drawIncident } from "../icons.ts";

const CIRCLES = [10, 13, 16, 19] as const;
/** Radius of a case that stands alone. */
const ALONE = 8;
const SIDE = 44;
const DIGITS = "0123456789k";
const FONT = "600 12px sans-serif";
/** Colours from here on have full alpha. */
const OPAQUE = 0xff000000;

export function radiusOf(count: number): number {
  return count === 1 ? ALONE : CIRCLES[count < 10 ? 0 : count < 100 ? 1 : count < 1000 ? 2 : 3];
}

/** A picture whose pixels are written one by one: without a graphics card far faster than a pen. */
export interface Pixels {
  width: number;
  height: number;
  /** Red, green, blue, alpha of each pixel, rows from the top. */
  rgba: Uint32Array;
}

export class Stamps {
  private readonly sheet: Pixels;
  private readonly widths: number[] = [];

  constructor(
    private readonly cluster: string,
    private readonly kinds: readonly string[],
    /** Pixels of the screen of a pixel of the drawing. */
    readonly ratio: number,
  ) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil((CIRCLES.length + DIGITS.length + kinds.length) * SIDE * ratio);
    canvas.height = Math.ceil(SIDE * ratio);
    const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
    this.draw(pen);
    const { width, height, data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    this.sheet = { width, height, rgba: new Uint32Array(data.buffer) };
  }

  private draw(pen: CanvasRenderingContext2D): void {
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
    this.kinds.forEach((colour, kind) => drawIncident(pen, middle(CIRCLES.length + DIGITS.length + kind), SIDE / 2, ALONE, kind, colour));
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
    const radius = radiusOf(count);
    this.put(onto, CIRCLES.indexOf(radius as (typeof CIRCLES)[number]), x, y, 2 * radius + 4);
    const digits = [...(count < 10_000 ? String(count) : `${Math.floor(count / 1000)}k`)].map((digit) => DIGITS.indexOf(digit));
    let left = x - digits.reduce((sum, digit) => sum + (this.widths[digit] ?? 0), 0) / 2;
    for (const digit of digits) {
      const width = this.widths[digit] ?? 0;
      this.put(onto, CIRCLES.length + digit, left + width / 2, y, 14);
      left += width;
    }
  }

  /** The sign of a class. */
  alone(onto: Pixels, x: number, y: number, kind: number): void {
    this.put(onto, CIRCLES.length + DIGITS.length + (kind % this.kinds.length), x, y, 2 * ALONE + 8);
  }

  private put(onto: Pixels, cell: number, x: number, y: number, side: number): void {
    const { ratio, sheet } = this;
    const pixels = Math.round(side * ratio);
    const fromX = Math.round((cell + 0.5) * SIDE * ratio - pixels / 2);
    const fromY = Math.round((SIDE * ratio - pixels) / 2);
    const [toX, toY] = [Math.round(x * ratio - pixels / 2), Math.round(y * ratio - pixels / 2)];
    const [under, over] = [onto.rgba, sheet.rgba];
    const [first, end] = [Math.max(0, -toX), Math.min(pixels, onto.width - toX)];
    for (let row = Math.max(0, -toY); row < pixels && toY + row < onto.height; row++) {
      let from = (fromY + row) * sheet.width + fromX + first;
      let at = (toY + row) * onto.width + toX + first;
      for (let column = first; column < end; column++, from++, at++) {
        const colour = over[from] as number;
        // Most of a stamp is whole or nothing; only its edge is mixed.
        if (colour >= OPAQUE) under[at] = colour;
        else if (colour !== 0) under[at] = blended(under[at] as number, colour);
      }
    }
  }
}

/** One colour over another, both alpha, blue, green, red from the highest byte. */
function blended(under: number, over: number): number {
  const alpha = over >>> 24;
  if (under >>> 24 === 0) return over;
  const mix = (shift: number) => Math.round((((over >>> shift) & 255) * alpha + ((under >>> shift) & 255) * (255 - alpha)) / 255) << shift;
  return ((Math.max(alpha, under >>> 24) << 24) | mix(16) | mix(8) | mix(0)) >>> 0;
}
