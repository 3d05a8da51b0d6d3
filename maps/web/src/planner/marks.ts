/** What is selected and what is locked, over the grids: told by pattern and sign, not by colour alone. */
import { fillHatched } from "../hatch.ts";
import type { Plan } from "../plan/plan.ts";
import { penOver, RestingLayer, restingOn } from "../resting.ts";
import type { IndexedLayer } from "../scene.ts";
import type { StatusStyle } from "../schema.ts";
import type { Middles } from "./numbers.ts";
import { pixel, trace, windowBox } from "../tracing.ts";

/** Padlocks are drawn when a pixel is at most so many metres. */
const LOCKS_FROM_M = 1.6;
const SELECTED = { fill: "rgba(29, 95, 168, 0.22)", edge: "#1d5fa8" };
const LOCKED: StatusStyle = { fill: "transparent", hatch: "crossed", hatch_ink: "rgba(28, 36, 48, 0.5)" };

export class Marks extends RestingLayer {
  private readonly canvas: HTMLCanvasElement;
  private isAsked = false;

  constructor(
    private readonly plan: Plan,
    private readonly cells: IndexedLayer,
    private readonly middles: Middles,
    private readonly selected: ReadonlySet<number>,
  ) {
    const canvas = document.createElement("canvas");
    super([["weige-lines", canvas]]);
    this.canvas = canvas;
  }

  /** Draw with the next frame. */
  ask(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.redraw();
    });
  }

  redraw(): void {
    const { host: map, canvas, plan, selected } = this;
    const { polygons } = this.cells.layer;
    const locked: number[] = [];
    for (let unit = 0; unit < plan.grid.length; unit++) if (plan.holds(unit)) locked.push(unit);
    canvas.hidden = !locked.length && !selected.size;
    if (canvas.hidden || !map) return;
    const resting = restingOn(map);
    const pen = penOver(canvas, resting);
    if (!pen) return;
    const { view, ratio } = resting;
    const seen = new Set(this.cells.within(windowBox(view)));
    const shape = (units: Iterable<number>) => {
      pen.beginPath();
      for (const unit of units) if (seen.has(unit)) trace(pen, polygons, unit, view, true);
    };
    if (locked.length) {
      shape(locked);
      fillHatched(pen, LOCKED, ratio);
    }
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
