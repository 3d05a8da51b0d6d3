/** Circles with counts and signs of classes, each drawn once and stamped as often as it is needed. */
import { drawIncident } from "../icons.ts";

const CIRCLES = [10, 13, 16, 19] as const;
/** Radius of a case that stands alone. */
const ALONE = 8;
const SIDE = 44;
const DIGITS = "0123456789k";
const FONT = "600 12px sans-serif";

export function radiusOf(count: number): number {
  return count === 1 ? ALONE : CIRCLES[count < 10 ? 0 : count < 100 ? 1 : count < 1000 ? 2 : 3];
}

export class Stamps {
  private readonly sheet = document.createElement("canvas");
  private readonly widths: readonly number[];

  constructor(
    cluster: string,
    private readonly kinds: readonly string[],
    /** Pixels of the screen of a pixel of the drawing. */
    readonly ratio: number,
  ) {
    const cells = CIRCLES.length + DIGITS.length + kinds.length;
    this.sheet.width = Math.ceil(cells * SIDE * ratio);
    this.sheet.height = Math.ceil(SIDE * ratio);
    const pen = this.sheet.getContext("2d");
    this.widths = pen ? this.draw(pen, cluster) : [];
  }

  private draw(pen: CanvasRenderingContext2D, cluster: string): number[] {
    pen.scale(this.ratio, this.ratio);
    const middle = (cell: number) => (cell + 0.5) * SIDE;
    CIRCLES.forEach((radius, cell) => {
      pen.beginPath();
      pen.arc(middle(cell), SIDE / 2, radius, 0, 2 * Math.PI);
      pen.fillStyle = cluster;
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
    return [...DIGITS].map((digit, at) => {
      pen.fillText(digit, middle(CIRCLES.length + at), SIDE / 2 + 0.5);
      return pen.measureText(digit).width;
    });
  }

  /** A circle with its count. */
  count(pen: CanvasRenderingContext2D, x: number, y: number, count: number): void {
    const circle = CIRCLES.indexOf(radiusOf(count) as (typeof CIRCLES)[number]);
    this.put(pen, circle, x, y, SIDE);
    const digits = [...(count < 10_000 ? String(count) : `${Math.floor(count / 1000)}k`)].map((digit) => DIGITS.indexOf(digit));
    let left = x - digits.reduce((sum, digit) => sum + (this.widths[digit] ?? 0), 0) / 2;
    for (const digit of digits) {
      const width = this.widths[digit] ?? 0;
      this.put(pen, CIRCLES.length + digit, left + width / 2, y, 14);
      left += width;
    }
  }

  /** The sign of a class. */
  alone(pen: CanvasRenderingContext2D, x: number, y: number, kind: number): void {
    this.put(pen, CIRCLES.length + DIGITS.length + (kind % this.kinds.length), x, y, 2 * ALONE + 8);
  }

  private put(pen: CanvasRenderingContext2D, cell: number, x: number, y: number, side: number): void {
    const { ratio } = this;
    const pixels = Math.round(side * ratio);
    const from = [Math.round((cell + 0.5) * SIDE * ratio - pixels / 2), Math.round((SIDE * ratio - pixels) / 2)] as const;
    // On whole pixels, or every stamp would be blurred, and slow.
    const at = (value: number) => Math.round(value * ratio - pixels / 2) / ratio;
    pen.drawImage(this.sheet, ...from, pixels, pixels, at(x), at(y), pixels / ratio, pixels / ratio);
  }
}
