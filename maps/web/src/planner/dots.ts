/** Units as dots whose area grows with their households, over the map. */
import * as L from "leaflet";
import { dotRadius } from "../plan/dot_size.ts";
import type { Plan } from "../plan/plan.ts";
import { metresPerPixel } from "../tiles.ts";

const PADDING = 0.15;
const INK = "rgba(28, 48, 92, 0.78)";

export class Dots extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private host: L.Map | null = null;
  /** Dots drawn, for tests. */
  drawn = 0;

  constructor(
    private readonly plan: Plan,
    /** A middle of each unit, in the world's unit square. */
    private readonly middles: { x: Float64Array; y: Float64Array },
    private readonly isShown: () => boolean,
  ) {
    super();
    this.canvas.className = "grids-picture";
    this.canvas.setAttribute("aria-hidden", "true");
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    map.getPane("weige-lines")?.prepend(this.canvas);
    this.redraw();
    return this;
  }

  override onRemove(): this {
    this.canvas.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return {
      moveend: () => this.redraw(),
      resize: () => this.redraw(),
      zoomstart: () => (this.canvas.style.visibility = "hidden"),
      zoomend: () => (this.canvas.style.visibility = ""),
    };
  }

  redraw(): void {
    const map = this.host;
    const pen = this.canvas.getContext("2d");
    if (!map || !pen) return;
    this.drawn = 0;
    this.canvas.hidden = !this.isShown();
    if (this.canvas.hidden) return;
    const size = map.getSize();
    const pad = size.multiplyBy(PADDING).round();
    const offset = map.containerPointToLayerPoint(L.point(-pad.x, -pad.y)).round();
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [size.x + 2 * pad.x, size.y + 2 * pad.y];
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    L.DomUtil.setPosition(this.canvas, offset);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const origin = map.getPixelOrigin().add(offset);
    const scale = 256 * 2 ** map.getZoom();
    const metres = metresPerPixel(map.getZoom(), origin.y / scale);
    const { households } = this.plan.ground;
    pen.fillStyle = INK;
    pen.strokeStyle = "rgba(255, 255, 255, 0.85)";
    pen.lineWidth = 1;
    for (let unit = 0; unit < households.length; unit++) {
      const radius = dotRadius(households[unit] as number, metres);
      const x = (this.middles.x[unit] as number) * scale - origin.x;
      const y = (this.middles.y[unit] as number) * scale - origin.y;
      if (!radius || !(x > -radius && y > -radius && x < width + radius && y < height + radius)) continue;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
      this.drawn++;
    }
  }
}
