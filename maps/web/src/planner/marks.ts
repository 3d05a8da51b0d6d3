/** What is selected and what is locked, over the grids: told by pattern and sign, not by colour alone. */
import * as L from "leaflet";
import { hatchSquare } from "../hatch.ts";
import { pixel, trace, windowBox, type Window } from "../paint.ts";
import type { IndexedLayer } from "../scene.ts";
import { metresPerPixel } from "../tiles.ts";
import type { Plan } from "../plan/plan.ts";

/** Share of the view drawn beyond each edge, so that a short drag of the map shows no bare rim. */
const PADDING = 0.15;
/** Padlocks are drawn when a pixel is at most so many metres. */
const LOCKS_FROM_M = 1.6;
const SELECTED = { fill: "rgba(29, 95, 168, 0.22)", edge: "#1d5fa8" };
const LOCK_INK = "rgba(28, 36, 48, 0.5)";

export class Marks extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private host: L.Map | null = null;
  private isAsked = false;

  constructor(
    private readonly plan: Plan,
    private readonly cells: IndexedLayer,
    /** A middle of each unit, in the world's unit square. */
    private readonly middles: { x: Float64Array; y: Float64Array },
    private readonly selected: ReadonlySet<number>,
  ) {
    super();
    this.canvas.className = "grids-picture";
    this.canvas.setAttribute("aria-hidden", "true");
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    map.getPane("weige-lines")?.append(this.canvas);
    return this;
  }

  override onRemove(): this {
    this.canvas.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return {
      moveend: () => this.draw(),
      resize: () => this.draw(),
      zoomstart: () => (this.canvas.style.visibility = "hidden"),
      zoomend: () => (this.canvas.style.visibility = ""),
    };
  }

  /** Draw with the next frame. */
  ask(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.draw();
    });
  }

  private draw(): void {
    const { host: map, canvas, plan, selected } = this;
    const { polygons } = this.cells.layer;
    const pen = canvas.getContext("2d");
    if (!map || !pen || !polygons) return;
    const locked: number[] = [];
    for (let unit = 0; unit < plan.grid.length; unit++) if (plan.holds(unit)) locked.push(unit);
    canvas.hidden = !locked.length && !selected.size;
    if (canvas.hidden) return;
    const size = map.getSize();
    const pad = size.multiplyBy(PADDING).round();
    const offset = map.containerPointToLayerPoint(L.point(-pad.x, -pad.y)).round();
    const origin = map.getPixelOrigin().add(offset);
    const ratio = window.devicePixelRatio || 1;
    const scale = 256 * 2 ** map.getZoom();
    const view: Window = {
      originX: origin.x / scale, originY: origin.y / scale, scale, width: size.x + 2 * pad.x, height: size.y + 2 * pad.y,
      metresPerPixel: metresPerPixel(map.getZoom(), origin.y / scale),
    };
    canvas.width = Math.round(view.width * ratio);
    canvas.height = Math.round(view.height * ratio);
    canvas.style.width = `${view.width}px`;
    canvas.style.height = `${view.height}px`;
    L.DomUtil.setPosition(canvas, offset);
    const seen = new Set(this.cells.within(windowBox(view)));
    const shape = (units: Iterable<number>) => {
      pen.beginPath();
      for (const unit of units) if (seen.has(unit)) trace(pen, polygons, unit, view, true);
    };
    // The pattern is made in device pixels.
    const pattern = pen.createPattern(hatchSquare("crossed", LOCK_INK, ratio), "repeat");
    if (locked.length && pattern) {
      pattern.setTransform(new DOMMatrix().scale(1 / ratio));
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      shape(locked);
      pen.fillStyle = pattern;
      pen.fill();
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (selected.size) {
      shape(selected);
      pen.fillStyle = SELECTED.fill;
      pen.fill();
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 4;
      pen.stroke();
      pen.strokeStyle = SELECTED.edge;
      pen.lineWidth = 2;
      pen.stroke();
    }
    if (view.metresPerPixel > LOCKS_FROM_M) return;
    for (const unit of locked) {
      if (!seen.has(unit) || !plan.isUnitLocked(unit) || Number.isNaN(this.middles.x[unit])) continue;
      const at = pixel(view, [this.middles.x[unit] as number, this.middles.y[unit] as number]);
      padlock(pen, at.x, at.y - 13);
    }
  }
}

function padlock(pen: CanvasRenderingContext2D, x: number, y: number): void {
  pen.beginPath();
  pen.arc(x, y, 8.5, 0, 2 * Math.PI);
  pen.fillStyle = "#ffffff";
  pen.fill();
  pen.strokeStyle = "#1c2430";
  pen.lineWidth = 1;
  pen.stroke();
  pen.lineWidth = 1.6;
  pen.beginPath();
  pen.arc(x, y - 1.5, 2.6, Math.PI, 0);
  pen.stroke();
  pen.fillStyle = "#1c2430";
  pen.fillRect(x - 4, y - 1.5, 8, 5.5);
}
