/** Hatching of a status, so that it is told apart without colour. */
import type { Hatch, StatusStyle } from "./schema.ts";

/** Side of the repeating square in CSS pixels; it divides a tile, so hatching runs on across tiles. */
export const SIDE = 8;

const made = new Map<string, HTMLCanvasElement>();

/** The repeating square of a hatch on a ground, at `ratio` device pixels for one CSS pixel. */
export function hatchSquare(hatch: Hatch, ink: string, ratio: number, ground = ""): HTMLCanvasElement {
  const key = `${hatch} ${ink} ${ratio} ${ground}`;
  let square = made.get(key);
  if (!square) {
    square = document.createElement("canvas");
    const side = Math.round(SIDE * ratio);
    square.width = side;
    square.height = side;
    const pen = square.getContext("2d") as CanvasRenderingContext2D;
    if (ground) {
      pen.fillStyle = ground;
      pen.fillRect(0, 0, side, side);
    }
    pen.strokeStyle = ink;
    pen.fillStyle = ink;
    pen.lineWidth = 1.1 * ratio;
    if (hatch === "rising" || hatch === "crossed") stripes(pen, side, 1);
    if (hatch === "falling" || hatch === "crossed") stripes(pen, side, -1);
    if (hatch === "dots") {
      for (const [x, y] of [[side / 4, side / 4], [(side * 3) / 4, (side * 3) / 4]] as const) {
        pen.beginPath();
        pen.arc(x, y, 0.9 * ratio, 0, 2 * Math.PI);
        pen.fill();
      }
    }
    made.set(key, square);
  }
  return square;
}

/** Give an element of the page the colour and the hatching of a style. */
export function hatchOver(place: HTMLElement, { fill, hatch, hatch_ink: ink }: StatusStyle): void {
  place.style.backgroundColor = fill;
  if (hatch !== "none") place.style.backgroundImage = `url(${hatchSquare(hatch, ink, 1).toDataURL()})`;
}

/** Fill the path with a colour and its hatching, both at once. */
export function fillHatched(pen: CanvasRenderingContext2D, { fill, hatch, hatch_ink: ink }: StatusStyle, ratio: number): void {
  const pattern = hatch === "none" ? null : pen.createPattern(hatchSquare(hatch, ink, ratio, fill), "repeat");
  pen.fillStyle = pattern ?? fill;
  // The path is kept as it is; a pattern is laid in device pixels, where its square is whole.
  if (pattern) pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fill("nonzero");
  if (pattern) pen.setTransform(ratio, 0, 0, ratio, 0, 0);
}

/** One diagonal, and the pieces of its neighbours that reach into the square. */
function stripes(pen: CanvasRenderingContext2D, side: number, way: 1 | -1): void {
  pen.beginPath();
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, way > 0 ? side + 1 : -1);
    pen.lineTo(shift + side + 1, way > 0 ? -1 : side + 1);
  }
  pen.stroke();
}
