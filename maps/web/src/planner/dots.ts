/** Units as dots whose area grows with their households, over the map. */
import { dotRadius } from "../plan/dot_size.ts";
import type { Plan } from "../plan/plan.ts";
import { penOver, RestingLayer, restingOn } from "../resting.ts";
import type { Middles } from "./numbers.ts";

const INK = "rgba(28, 48, 92, 0.78)";

export class Dots extends RestingLayer {
  private readonly canvas: HTMLCanvasElement;

  constructor(
    private readonly plan: Plan,
    private readonly middles: Middles,
    private readonly isShown: () => boolean,
  ) {
    const canvas = document.createElement("canvas");
    super([["weige-lines", canvas]]);
    this.canvas = canvas;
  }

  redraw(): void {
    this.canvas.hidden = !this.isShown();
    if (this.canvas.hidden || !this.host) return;
    const resting = restingOn(this.host);
    const pen = penOver(this.canvas, resting);
    if (!pen) return;
    const { originX, originY, scale, width, height, metresPerPixel } = resting.view;
    const { households } = this.plan.ground;
    pen.fillStyle = INK;
    pen.strokeStyle = "rgba(255, 255, 255, 0.85)";
    pen.lineWidth = 1;
    for (let unit = 0; unit < households.length; unit++) {
      const radius = dotRadius(households[unit] as number, metresPerPixel);
      const x = ((this.middles.x[unit] as number) - originX) * scale;
      const y = ((this.middles.y[unit] as number) - originY) * scale;
      if (!radius || !(x > -radius && y > -radius && x < width + radius && y < height + radius)) continue;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  }
}
