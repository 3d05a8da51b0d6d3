/** The micro-grids being redrawn, over the map: fills by size, borders between cells, numbers. */
import * as L from "leaflet";
import type { Box } from "../labels.ts";
import { clamp, fillHatched, pixel, trace, windowBox, type Window } from "../paint.ts";
import type { Arcs } from "../pack.ts";
import { union, type Box as WorldBox, type IndexedLayer } from "../scene.ts";
import type { Status, StatusStyle, Styles } from "../schema.ts";
import { metresPerPixel } from "../tiles.ts";
import { formatCount } from "../words.ts";
import type { Plan } from "../plan/plan.ts";

/** How far numbers and borders reach over the edge of what they belong to, in pixels. */
const REACH = 28;
/** Share of the view drawn beyond each edge, so that a short drag of the map shows no bare rim. */
const PADDING = 0.15;

export interface Look {
  statusOf(grid: number): Status;
  /** How the ground of a grid is filled. */
  styleOf(grid: number): StatusStyle;
  /** The grid that is painted into, -1 for none. */
  active: number;
  /** Units that are marked, such as the pieces a finding speaks of. */
  marked: ReadonlySet<number>;
}

/** A number on the map, in CSS pixels of the canvas. */
export interface DrawnNumber {
  grid: number;
  text: string;
  box: [x0: number, y0: number, x1: number, y1: number];
}

export class Picture extends L.Layer {
  private readonly fills = canvas();
  private readonly lines = canvas();
  private readonly arcs: Arcs;
  private host: L.Map | null = null;
  private offset = L.point(0, 0);
  private pad = L.point(0, 0);
  private ratio = 1;
  private view: Window | null = null;
  private drawn: DrawnNumber[] = [];
  private waiting: Set<number> | null = null;
  /** Boxes of the arcs, four numbers each, and what of the world is being drawn. */
  private readonly boxes: Float64Array;
  private window: WorldBox = [0, 0, 1, 1];
  private isWhole = false;

  constructor(
    private readonly plan: Plan,
    private readonly cells: IndexedLayer,
    /** A middle of each unit, in the world's unit square. */
    private readonly middles: { x: Float64Array; y: Float64Array },
    private readonly styles: Styles,
    private readonly look: Look,
  ) {
    super();
    if (!cells.layer.arcs) throw new Error("the cells have no borders");
    this.arcs = cells.layer.arcs();
    this.boxes = boxesOf(this.arcs);
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    map.getPane("weige-fills")?.append(this.fills);
    map.getPane("weige-lines")?.append(this.lines);
    this.redraw();
    return this;
  }

  override onRemove(): this {
    this.fills.remove();
    this.lines.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    const hide = (hidden: boolean) => {
      for (const each of [this.fills, this.lines]) each.style.visibility = hidden ? "hidden" : "";
    };
    return {
      moveend: () => this.redraw(),
      resize: () => this.redraw(),
      zoomstart: () => hide(true),
      zoomend: () => hide(false),
    };
  }

  /** The numbers drawn now. */
  numbers(): readonly DrawnNumber[] {
    return this.drawn;
  }

  /** What the numbers cover, in pixels of the map's container: other labels keep clear of it. */
  get covers(): Box[] {
    const { x, y } = this.pad;
    return this.drawn.map(({ box: [x0, y0, x1, y1] }) => ({ x0: x0 - x, y0: y0 - y, x1: x1 - x, y1: y1 - y }));
  }

  /** Draw everything. */
  redraw(): void {
    const map = this.host;
    if (!map) return;
    this.waiting = null;
    const size = map.getSize();
    const pad = (this.pad = size.multiplyBy(PADDING).round());
    this.offset = map.containerPointToLayerPoint(L.point(-pad.x, -pad.y)).round();
    this.ratio = window.devicePixelRatio || 1;
    const origin = map.getPixelOrigin().add(this.offset);
    const scale = 256 * 2 ** map.getZoom();
    this.view = {
      originX: origin.x / scale,
      originY: origin.y / scale,
      scale,
      width: size.x + 2 * pad.x,
      height: size.y + 2 * pad.y,
      metresPerPixel: metresPerPixel(map.getZoom(), origin.y / scale),
    };
    for (const each of [this.fills, this.lines]) {
      each.width = Math.round(this.view.width * this.ratio);
      each.height = Math.round(this.view.height * this.ratio);
      each.style.width = `${this.view.width}px`;
      each.style.height = `${this.view.height}px`;
      L.DomUtil.setPosition(each, this.offset);
    }
    this.paintFills(this.cells.within(windowBox(this.view, 2)));
    this.paintLines();
  }

  /** Draw some grids anew with the next frame: what a stroke touched, however often it moves before. */
  touch(grids: Iterable<number>, units: Iterable<number>): void {
    if (!this.waiting) {
      this.waiting = new Set();
      requestAnimationFrame(() => {
        const units = this.waiting;
        if (!units) return;
        this.waiting = null;
        const list = [...units];
        this.paintFills(list);
        this.paintLines(list.length && !this.isWhole ? union(list.map((unit) => this.cells.box(unit))) : null);
        this.isWhole = false;
      });
    }
    const wanted = new Set(grids);
    // Without grids it is what is chosen or marked that changed, anywhere.
    if (!wanted.size) this.isWhole = true;
    for (let unit = 0; unit < this.plan.grid.length; unit++) {
      if (wanted.has(this.plan.grid[unit] as number)) this.waiting.add(unit);
    }
    for (const unit of units) this.waiting.add(unit);
  }

  /** Draw the fills of some units anew, and nothing beside them. */
  private paintFills(units: readonly number[]): void {
    const pen = this.fills.getContext("2d");
    const { view } = this;
    const { polygons } = this.cells.layer;
    if (!pen || !view || !polygons) return;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.globalCompositeOperation = "destination-out";
    pen.beginPath();
    for (const unit of units) trace(pen, polygons, unit, view, true);
    pen.fill("nonzero");
    pen.globalCompositeOperation = "source-over";
    const byStyle = new Map<StatusStyle, number[]>();
    for (const unit of units) {
      const grid = this.plan.grid[unit] as number;
      if (grid < 0) continue;
      const style = this.look.styleOf(grid);
      const list = byStyle.get(style);
      if (list) list.push(unit);
      else byStyle.set(style, [unit]);
    }
    for (const [style, list] of byStyle) {
      pen.beginPath();
      for (const unit of list) trace(pen, polygons, unit, view, true);
      fillHatched(pen, style, this.ratio);
    }
  }

  /** Draw borders and numbers, all or those in a box of the world: without a graphics card every pixel costs. */
  private paintLines(box: WorldBox | null = null): void {
    const pen = this.lines.getContext("2d");
    const { plan } = this;
    if (!pen || !this.view) return;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const view = this.view;
    const seen = box ? [pixel(view, [box[0], box[1]]), pixel(view, [box[2], box[3]])] : [];
    const [from, to] = seen.length ? seen : [{ x: 0, y: 0 }, { x: view.width, y: view.height }];
    if (!from || !to) return;
    // Numbers and thick borders reach over the edge of what changed.
    const left = Math.max(Math.floor(from.x) - REACH, 0);
    const top = Math.max(Math.floor(from.y) - REACH, 0);
    const right = Math.min(Math.ceil(to.x) + REACH, view.width);
    const bottom = Math.min(Math.ceil(to.y) + REACH, view.height);
    if (right <= left || bottom <= top) return;
    this.window = [
      view.originX + left / view.scale, view.originY + top / view.scale,
      view.originX + right / view.scale, view.originY + bottom / view.scale,
    ];
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left, bottom - top);
    pen.clip();
    pen.clearRect(left, top, right - left, bottom - top);
    pen.lineJoin = "round";
    pen.lineCap = "round";
    const { ink } = this.styles;
    const width = clamp(1.6 / Math.sqrt(view.metresPerPixel), 0.9, 2.6);
    pen.beginPath();
    this.traceBorders(pen, view, (a, b) => a !== b);
    pen.strokeStyle = "rgba(255,255,255,0.75)";
    pen.lineWidth = width + 1.8;
    pen.stroke();
    pen.strokeStyle = ink.border;
    pen.lineWidth = width;
    pen.stroke();
    const { active, marked } = this.look;
    if (active >= 0 && plan.units(active) > 0) {
      pen.beginPath();
      this.traceBorders(pen, view, (a, b) => a !== b && (a === active || b === active));
      pen.strokeStyle = "rgba(255,255,255,0.95)";
      pen.lineWidth = 7;
      pen.stroke();
      pen.strokeStyle = ink.select;
      pen.lineWidth = 3.6;
      pen.stroke();
    }
    const { polygons } = this.cells.layer;
    if (marked.size && polygons) {
      pen.beginPath();
      for (const unit of marked) trace(pen, polygons, unit, view, true);
      pen.strokeStyle = ink.fault;
      pen.lineWidth = 2.4;
      pen.setLineDash([6, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
    this.paintNumbers(pen, view);
    pen.restore();
  }

  private traceBorders(pen: CanvasRenderingContext2D, view: Window, isDrawn: (a: number, b: number) => boolean): void {
    const { start, owner, x, y } = this.arcs;
    const [x0, y0, x1, y1] = this.window;
    const gridOf = (unit: number) => (unit < 0 ? -2 : (this.plan.grid[unit] as number));
    for (let arc = 0; arc < start.length - 1; arc++) {
      if (!isDrawn(gridOf(owner[2 * arc] as number), gridOf(owner[2 * arc + 1] as number))) continue;
      const from = start[arc] as number;
      const to = start[arc + 1] as number;
      const [bx0, by0, bx1, by1] = [this.boxes[4 * arc], this.boxes[4 * arc + 1], this.boxes[4 * arc + 2], this.boxes[4 * arc + 3]] as WorldBox;
      if (bx0 > x1 || by0 > y1 || bx1 < x0 || by1 < y0) continue;
      for (let i = from; i < to; i++) {
        const px = ((x[i] as number) - view.originX) * view.scale;
        const py = ((y[i] as number) - view.originY) * view.scale;
        if (i === from) pen.moveTo(px, py);
        else pen.lineTo(px, py);
      }
    }
  }

  private paintNumbers(pen: CanvasRenderingContext2D, view: Window): void {
    const { plan } = this;
    const anchors = this.anchors();
    this.drawn = [];
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const size = clamp(15 - 1.2 * Math.log2(Math.max(view.metresPerPixel, 0.3) / 0.6), 11, 17);
    pen.font = `700 ${size}px ${getComputedStyle(document.body).fontFamily}`;
    const order = [...anchors].sort(([a], [b]) => this.rank(a) - this.rank(b) || a - b);
    for (const [grid, unit] of order) {
      const at = pixel(view, [this.middles.x[unit] as number, this.middles.y[unit] as number]);
      const text = formatCount(plan.households(grid));
      const half = pen.measureText(text).width / 2 + 4;
      const box: DrawnNumber["box"] = [at.x - half, at.y - size * 0.62, at.x + half, at.y + size * 0.62];
      if (this.drawn.some(({ box: other }) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      this.drawn.push({ grid, text, box });
      const isActive = grid === this.look.active;
      pen.beginPath();
      pen.roundRect?.(box[0], box[1], box[2] - box[0], box[3] - box[1], 4);
      pen.fillStyle = isActive ? this.styles.ink.select : "rgba(255,255,255,0.9)";
      pen.fill();
      pen.fillStyle = isActive ? "#ffffff" : this.styles.ink.text;
      pen.fillText(text, at.x, at.y + 0.5);
    }
  }

  /** The unit of each grid at which its number stands: the one nearest to the middle of all, so that it lies in the grid. */
  private anchors(): Map<number, number> {
    const { grid: gridOf } = this.plan;
    const { x, y } = this.middles;
    const sums = new Map<number, [x: number, y: number, n: number]>();
    for (let unit = 0; unit < gridOf.length; unit++) {
      const grid = gridOf[unit] as number;
      if (grid < 0 || Number.isNaN(x[unit])) continue;
      const sum = sums.get(grid);
      if (!sum) sums.set(grid, [x[unit] as number, y[unit] as number, 1]);
      else {
        sum[0] += x[unit] as number;
        sum[1] += y[unit] as number;
        sum[2]++;
      }
    }
    const nearest = new Map<number, number>();
    const least = new Map<number, number>();
    for (let unit = 0; unit < gridOf.length; unit++) {
      const grid = gridOf[unit] as number;
      const sum = sums.get(grid);
      if (!sum || Number.isNaN(x[unit])) continue;
      const away = Math.hypot((x[unit] as number) - sum[0] / sum[2], (y[unit] as number) - sum[1] / sum[2]);
      if (away >= (least.get(grid) ?? Infinity)) continue;
      least.set(grid, away);
      nearest.set(grid, unit);
    }
    return nearest;
  }

  /** The active grid's number first, then those out of band, so that they are seen where room is short. */
  private rank(grid: number): number {
    if (grid === this.look.active) return 0;
    return this.look.statusOf(grid) === "ok" ? 2 : 1;
  }
}

function boxesOf({ start, x, y }: Arcs): Float64Array {
  const boxes = new Float64Array(4 * (start.length - 1));
  for (let arc = 0; arc < start.length - 1; arc++) {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = start[arc] as number; i < (start[arc + 1] as number); i++) {
      x0 = Math.min(x0, x[i] as number);
      y0 = Math.min(y0, y[i] as number);
      x1 = Math.max(x1, x[i] as number);
      y1 = Math.max(y1, y[i] as number);
    }
    boxes.set([x0, y0, x1, y1], 4 * arc);
  }
  return boxes;
}

function canvas(): HTMLCanvasElement {
  const made = document.createElement("canvas");
  made.className = "grids-picture";
  made.setAttribute("aria-hidden", "true");
  return made;
}
