/** The cases of a span of time on the map, drawn anew for every step of the slider. */
import * as L from "leaflet";
import { drawIncident } from "../icons.ts";
import type { Incidents } from "../incidents.ts";
import type { Box } from "../scene.ts";
import type { Styles } from "../schema.ts";
import { penOver, RestingLayer, restingOn, type Resting } from "../resting.ts";
import { BIN_PX, Bins, Timeline } from "./bins.ts";

const RADIUS = [8, 10, 13, 16, 19] as const;

export class CaseLayer extends RestingLayer {
  private readonly bins: Bins;
  private resting: Resting | null = null;
  private pen: CanvasRenderingContext2D | null = null;
  private readonly kindOf: Int16Array;
  private drawn: { x: number; y: number; radius: number }[] = [];

  constructor(
    private readonly incidents: Incidents,
    readonly line: Timeline,
    private readonly styles: Styles,
    /** How much larger everything is written. */
    private readonly magnified: () => number,
    private readonly canvas = document.createElement("canvas"),
  ) {
    super([["weige-labels", canvas]]);
    this.bins = new Bins(line);
    const places = new Map(incidents.kinds.map(([kind], place) => [kind, place]));
    this.kindOf = Int16Array.from({ length: incidents.layer.count }, (_, i) => places.get(incidents.layer.text("kind", i)) ?? 0);
  }

  /** Draw everything where the map is now. */
  redraw(): void {
    if (!this.host) return;
    const resting = restingOn(this.host);
    const { originX, originY, scale, width, height } = resting.view;
    const factor = this.magnified();
    this.resting = resting;
    this.pen = penOver(this.canvas, resting);
    this.pen?.scale(factor, factor);
    this.bins.lay(width / factor, height / factor, (incident) => {
      if (!this.incidents.isChosenKind(incident)) return null;
      const box: Box | null = this.incidents.layer.box(incident);
      return box && [(box[0] - originX) * scale / factor, (box[1] - originY) * scale / factor];
    });
    this.draw();
  }

  /** Show the cases from one place in the order of time to another. */
  slide(low: number, high: number): void {
    this.bins.slide(low, high);
    this.draw();
  }

  /** The cases drawn at a point of the map's container. */
  hit({ x, y }: L.Point): number[] {
    if (!this.resting || !this.host) return [];
    const factor = this.magnified();
    const [atX, atY] = [(x + this.resting.pad.x) / factor, (y + this.resting.pad.y) / factor];
    const hit = this.drawn.some((bin) => Math.hypot(bin.x - atX, bin.y - atY) <= bin.radius + 2);
    return hit ? this.bins.at(atX, atY) : [];
  }

  private draw(): void {
    const { pen, resting } = this;
    if (!pen || !resting) return;
    pen.clearRect(0, 0, resting.view.width, resting.view.height);
    const bins = this.bins.filled(radiusOf);
    this.drawn = bins.map(({ x, y, count }) => ({ x, y, radius: radiusOf(count) }));
    pen.fillStyle = this.styles.ink.cluster;
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.beginPath();
    for (const { x, y, count } of bins) {
      if (count === 1) continue;
      pen.moveTo(x + radiusOf(count), y);
      pen.arc(x, y, radiusOf(count), 0, 2 * Math.PI);
    }
    pen.fill();
    pen.stroke();
    pen.fillStyle = "#fff";
    pen.font = "600 12px sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { x, y, count } of bins) if (count > 1) pen.fillText(count < 10_000 ? String(count) : `${Math.floor(count / 1000)}k`, x, y + 0.5);
    for (const { x, y, count, incident } of bins) {
      if (count > 1) continue;
      const kind = this.kindOf[incident] ?? 0;
      drawIncident(pen, x, y, radiusOf(1), kind, this.styles.kinds[kind % this.styles.kinds.length] as string);
    }
  }
}

function radiusOf(count: number): number {
  return Math.min(BIN_PX / 2 - 2, count === 1 ? RADIUS[0] : count < 10 ? RADIUS[1] : count < 100 ? RADIUS[2] : count < 1000 ? RADIUS[3] : RADIUS[4]);
}
