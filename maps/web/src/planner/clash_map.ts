/** A small map of units that two people moved: the grids as one of them wants it, those units with a thick line. */
import { element } from "../dom.ts";
import { shortCode } from "../labels.ts";
import { union, type IndexedLayer } from "../scene.ts";
import { arcsOf } from "./layers.ts";
import { trace, type Window } from "../tracing.ts";

const [WIDTH, HEIGHT] = [300, 190];
/** So much of a side of the map the units take: what lies round them tells where they are. */
const SHARE = 0.42;
const INK = { ground: "#eceeef", edge: "rgba(77,87,100,0.35)", border: "#343b45", unit: "#b00020", halo: "#ffffff", text: "#141a22" };

export interface ClashSides {
  /** Grid of each unit, -1 for none. */
  readonly grid: Int32Array;
  codeOf(grid: number): string;
  fillOf(grid: number): string;
}

export function clashMap(cells: IndexedLayer, units: readonly number[], side: ClashSides, label: string): HTMLElement | null {
  const box = union(units.map((unit) => cells.box(unit)));
  if (!box) return null;
  const ratio = Math.max(window.devicePixelRatio || 1, 1);
  const canvas = element("canvas", { width: Math.round(WIDTH * ratio), height: Math.round(HEIGHT * ratio), role: "img", "aria-label": label });
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  const scale = SHARE * Math.min(WIDTH / (box[2] - box[0]), HEIGHT / (box[3] - box[1]));
  const [middleX, middleY] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const view: Window = { originX: middleX - WIDTH / 2 / scale, originY: middleY - HEIGHT / 2 / scale, scale, width: WIDTH, height: HEIGHT, metresPerPixel: 1 };
  pen.scale(ratio, ratio);
  pen.fillStyle = INK.ground;
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  const seen = cells.within([view.originX, view.originY, view.originX + WIDTH / scale, view.originY + HEIGHT / scale]);
  for (const unit of seen) {
    const grid = side.grid[unit] as number;
    pen.beginPath();
    trace(pen, cells.layer.polygons, unit, view, true);
    pen.fillStyle = grid < 0 ? INK.ground : side.fillOf(grid);
    pen.fill();
    pen.strokeStyle = INK.edge;
    pen.lineWidth = 0.7;
    pen.stroke();
  }
  const marked = new Set(units);
  borders(pen, cells, view, (left, right) => gridAt(side, left) !== gridAt(side, right), INK.border, 2);
  borders(pen, cells, view, (left, right) => marked.has(left) !== marked.has(right), INK.halo, 6);
  borders(pen, cells, view, (left, right) => marked.has(left) !== marked.has(right), INK.unit, 3.2);
  // Those units have the name of their grid too, wherever the rest of it is.
  names(pen, cells, view, seen.filter((unit) => !marked.has(unit)), side);
  names(pen, cells, view, seen.filter((unit) => marked.has(unit)), side);
  return element("figure", {}, canvas, element("figcaption", {}, label));
}

function gridAt(side: ClashSides, unit: number): number {
  return unit < 0 ? -2 : (side.grid[unit] as number);
}

function borders(pen: CanvasRenderingContext2D, cells: IndexedLayer, view: Window, isDrawn: (left: number, right: number) => boolean, ink: string, width: number): void {
  const { start, owner, x, y } = arcsOf(cells);
  pen.beginPath();
  for (let arc = 0; arc + 1 < start.length; arc++) {
    if (!isDrawn(owner[2 * arc] as number, owner[2 * arc + 1] as number)) continue;
    for (let i = start[arc] as number; i < (start[arc + 1] as number); i++) {
      const [px, py] = [((x[i] as number) - view.originX) * view.scale, ((y[i] as number) - view.originY) * view.scale];
      if (i === start[arc]) pen.moveTo(px, py);
      else pen.lineTo(px, py);
    }
  }
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  pen.lineJoin = "round";
  pen.stroke();
}

/** The last digits of each grid's code, in the unit nearest to the middle of what is seen of the grid. */
function names(pen: CanvasRenderingContext2D, cells: IndexedLayer, view: Window, seen: readonly number[], side: ClashSides): void {
  const places = new Map<number, [x: number, y: number][]>();
  for (const unit of seen) {
    const grid = side.grid[unit] as number;
    const middle = cells.middle(unit);
    if (grid < 0 || !middle) continue;
    const at: [number, number] = [(middle[0] - view.originX) * view.scale, (middle[1] - view.originY) * view.scale];
    if (at[0] < 14 || at[1] < 10 || at[0] > WIDTH - 14 || at[1] > HEIGHT - 10) continue;
    places.set(grid, [...(places.get(grid) ?? []), at]);
  }
  pen.font = "700 13px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (const [grid, all] of places) {
    const [sumX, sumY] = all.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    const away = ([x, y]: [number, number]) => Math.hypot(x - sumX / all.length, y - sumY / all.length);
    const [x, y] = all.reduce((best, each) => (away(each) < away(best) ? each : best));
    pen.strokeStyle = INK.halo;
    pen.lineWidth = 3.5;
    pen.strokeText(shortCode(side.codeOf(grid)), x, y);
    pen.fillStyle = INK.text;
    pen.fillText(shortCode(side.codeOf(grid)), x, y);
  }
}
