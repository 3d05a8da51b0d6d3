/** How a label is written: its lines, what sets it off from the map, the line to the place it speaks of. */
import type { Box, Placed } from "./labels.ts";

const FONT = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC",sans-serif';

export interface Line {
  text: string;
  size: number;
  weight: number;
}

export interface Label extends Placed {
  kind: string;
  lines: Line[];
  x: number;
  y: number;
  angle: number;
  colour: string;
  halo: string;
  /** How the text is set off: an outline round the letters, a plate under them, or nothing. */
  ground: "halo" | "plate" | "none";
  /** Characters one under another, as Chinese is written along a street that runs north. */
  isColumn: boolean;
  /** The place it speaks of, where it stands beside it. */
  leader?: { x: number; y: number };
}

/** Widths of lines in CSS pixels, each measured once; a number is as wide as its digits. */
export class Ruler {
  private readonly widths = new Map<string, Map<string, number>>();

  width(pen: CanvasRenderingContext2D, line: Line): number {
    const font = fontOf(line);
    let known = this.widths.get(font);
    if (!known) this.widths.set(font, (known = new Map()));
    let width = known.get(line.text);
    if (width === undefined) {
      width = DIGITS.test(line.text) && line.text.length > 1
        ? [...line.text].reduce((sum, text) => sum + this.width(pen, { ...line, text }), 0)
        : measured(pen, font, line.text);
      known.set(line.text, width);
    }
    return width;
  }
}

const DIGITS = /^\d+$/;

function measured(pen: CanvasRenderingContext2D, font: string, text: string): number {
  pen.font = font;
  return pen.measureText(text).width;
}

export function heightOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { size }) => sum + size + 1, 0);
}

/** The line from a label to the place it speaks of. */
export function lead(pen: CanvasRenderingContext2D, { x, y, leader, colour, halo }: Label): void {
  if (!leader) return;
  for (const [ink, extra] of [[halo, 2], [colour, 0]] as const) {
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(leader.x, leader.y);
    pen.strokeStyle = ink;
    pen.lineWidth = 1.4 + extra;
    pen.stroke();
    pen.beginPath();
    pen.arc(leader.x, leader.y, 2.6 + extra / 2, 0, 2 * Math.PI);
    pen.fillStyle = ink;
    pen.fill();
  }
}

export function write(pen: CanvasRenderingContext2D, label: Label): void {
  const { x, y, angle, colour, halo, ground, box } = label;
  pen.save();
  if (ground === "plate") {
    pen.beginPath();
    roundedBox(pen, box, 4);
    pen.fillStyle = halo;
    pen.fill();
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2;
    pen.stroke();
  }
  pen.translate(x, y);
  if (angle) pen.rotate(angle);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.direction = "ltr";
  for (const { text, line, dy } of placed(label)) {
    pen.font = fontOf(line);
    if (ground === "halo") {
      pen.strokeStyle = halo;
      pen.lineWidth = 3.4;
      pen.lineJoin = "round";
      pen.strokeText(text, 0, dy);
    }
    pen.fillStyle = colour;
    pen.fillText(text, 0, dy);
  }
  pen.restore();
}

/** The texts of a label with their distance below its middle. */
function placed({ lines, isColumn }: Label): { text: string; line: Line; dy: number }[] {
  const rows = isColumn ? lines.flatMap((line) => [...line.text].map((text) => ({ text, line }))) : lines.map((line) => ({ text: line.text, line }));
  let top = -heightOf(rows.map(({ line }) => line)) / 2;
  return rows.map(({ text, line }) => {
    top += line.size + 1;
    return { text, line, dy: top - (line.size + 1) / 2 + 0.5 };
  });
}

function roundedBox(pen: CanvasRenderingContext2D, { x0, y0, x1, y1 }: Box, radius: number): void {
  pen.moveTo(x0 + radius, y0);
  pen.arcTo(x1, y0, x1, y1, radius);
  pen.arcTo(x1, y1, x0, y1, radius);
  pen.arcTo(x0, y1, x0, y0, radius);
  pen.arcTo(x0, y0, x1, y0, radius);
  pen.closePath();
}

const fonts = new Map<number, string>();

/** The same text for each size and weight: made anew for every label, it would be read anew too. */
function fontOf({ size, weight }: Line): string {
  const key = 1000 * weight + size;
  let font = fonts.get(key);
  if (!font) fonts.set(key, (font = `${weight} ${size}px ${FONT}`));
  return font;
}
