/** Our own small signs on a canvas: no image, no font. */
import type { Scene } from "./scene.ts";
import type { Styles } from "./schema.ts";

/** Signs of incident kinds: eight kinds are told apart without colour. */
const SIGNS = ["dot", "square", "triangle", "diamond", "cross", "ring", "bar", "hollow"] as const;

/** So many kinds look differently. */
export function countLooks(colours: readonly string[]): number {
  return colours.length * SIGNS.length;
}

/** The colour and the sign of a kind: once all colours are used, each comes again with the sign beside its last one. */
export function lookOf(kind: number, colours: readonly string[]): { colour: string; sign: (typeof SIGNS)[number] } {
  const place = Math.max(0, kind);
  const round = Math.floor(place / colours.length);
  return { colour: colours[place % colours.length] as string, sign: SIGNS[((place % colours.length) + round) % SIGNS.length] as (typeof SIGNS)[number] };
}

export function drawIncident(pen: CanvasRenderingContext2D, x: number, y: number, radius: number, kind: number, colours: readonly string[]): void {
  const look = lookOf(kind, colours);
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = look.colour;
  pen.fill();
  pen.strokeStyle = "#fff";
  pen.lineWidth = 1.6;
  pen.stroke();
  sign(pen, look.sign, x, y, radius * 0.42);
}

function sign(pen: CanvasRenderingContext2D, name: string, x: number, y: number, r: number): void {
  pen.fillStyle = "#fff";
  pen.strokeStyle = "#fff";
  pen.lineWidth = Math.max(1.3, r * 0.5);
  pen.beginPath();
  if (name === "dot" || name === "ring") pen.arc(x, y, r, 0, 2 * Math.PI);
  else if (name === "square" || name === "hollow") pen.rect(x - r, y - r, 2 * r, 2 * r);
  else if (name === "triangle") polygon(pen, [[x, y - r * 1.2], [x + r * 1.15, y + r * 0.8], [x - r * 1.15, y + r * 0.8]]);
  else if (name === "diamond") polygon(pen, [[x, y - r * 1.3], [x + r * 1.3, y], [x, y + r * 1.3], [x - r * 1.3, y]]);
  else if (name === "bar") {
    pen.moveTo(x - r * 1.2, y);
    pen.lineTo(x + r * 1.2, y);
  } else {
    pen.moveTo(x - r, y - r);
    pen.lineTo(x + r, y + r);
    pen.moveTo(x + r, y - r);
    pen.lineTo(x - r, y + r);
  }
  if (name === "ring" || name === "hollow" || name === "bar" || name === "cross") pen.stroke();
  else pen.fill();
}

/** A red station: a red badge with a white star; a new one with its number. */
export function drawStation(
  pen: CanvasRenderingContext2D, x: number, y: number, side: number, fill: string, site: number | string | null = null,
): void {
  const half = side / 2;
  const round = Math.min(4, side / 5);
  pen.beginPath();
  pen.moveTo(x - half + round, y - half);
  pen.arcTo(x + half, y - half, x + half, y + half, round);
  pen.arcTo(x + half, y + half, x - half, y + half, round);
  pen.arcTo(x - half, y + half, x - half, y - half, round);
  pen.arcTo(x - half, y - half, x + half, y - half, round);
  pen.closePath();
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = "#fff";
  pen.lineWidth = side < 12 ? 1 : 1.6;
  pen.stroke();
  if (side < 12) return; // too small for a star
  if (site !== null) {
    pen.fillStyle = "#fff";
    pen.font = `700 ${Math.round(side * (Number(site) > 99 ? 0.45 : 0.62))}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(site), x, y + side * 0.04);
    return;
  }
  star(pen, x, y + side * 0.03, side * 0.33);
}

/** How a station is drawn: a new one by its number, one that is shut then grey, one without hours with a query. */
export function stationSign(scene: Scene, station: number, ink: Styles["ink"]): { fill: string; sign: number | string | null } {
  const layer = scene.get("stations");
  const site = layer.number("site", station);
  const standing = layer.text("standing", station);
  if (site !== null) return { fill: ink.select, sign: site };
  if (standing === "shut" || standing === "unknown") return { fill: ink.station_shut, sign: standing === "unknown" ? "?" : null };
  return { fill: ink.station, sign: null };
}

function star(pen: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  const corners: [number, number][] = [];
  for (let i = 0; i < 10; i++) {
    const angle = (i * Math.PI) / 5 - Math.PI / 2;
    const reach = i % 2 ? r * 0.42 : r;
    corners.push([x + reach * Math.cos(angle), y + reach * Math.sin(angle)]);
  }
  pen.beginPath();
  polygon(pen, corners);
  pen.fillStyle = "#fff";
  pen.fill();
}

function polygon(pen: CanvasRenderingContext2D, corners: readonly [number, number][]): void {
  corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

/** A sign as a small canvas, for legends. */
export function iconCanvas(side: number, draw: (pen: CanvasRenderingContext2D, middle: number) => void): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const ratio = Math.max(2, window.devicePixelRatio || 1);
  canvas.width = side * ratio;
  canvas.height = side * ratio;
  canvas.style.width = `${side}px`;
  canvas.style.height = `${side}px`;
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  if (pen) {
    pen.scale(ratio, ratio);
    draw(pen, side / 2);
  }
  return canvas;
}
