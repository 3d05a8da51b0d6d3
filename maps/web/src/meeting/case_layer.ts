/** The cases of a span of time on the map, drawn anew for every step of the slider. */
import * as L from "leaflet";
import type { Incidents } from "../incidents.ts";
import type { Box } from "../scene.ts";
import type { Styles } from "../schema.ts";
import { penOver, RestingLayer, restingOn, type Resting } from "../resting.ts";
import { Bins, type Timeline } from "./bins.ts";
import { OVERHANG, radiusOf, Stamps, type Pixels } from "./stamps.ts";
import { clamp } from "../tracing.ts";

export class CaseLayer extends RestingLayer {
  private readonly bins: Bins;
  private resting: Resting | null = null;
  private stamps: Stamps | null = null;
  /** What the canvas shows, written pixel by pixel, and the pen that puts it there; null where the page has no room. */
  private picture: { image: ImageData; pixels: Pixels; pen: CanvasRenderingContext2D } | null = null;
  private readonly kindOf: Int16Array;
  private drawn: { x: number; y: number; radius: number }[] = [];

  constructor(
    private readonly incidents: Incidents,
    readonly line: Timeline,
    private readonly styles: Styles,
    /** How much larger everything is written. */
    private readonly magnified: () => number,
    /** Are cases among the layers that are shown? */
    private readonly isShown: () => boolean,
    private readonly canvas = document.createElement("canvas"),
  ) {
    super([["weige-labels", canvas]]);
    canvas.classList.add("cases-of-days");
    this.bins = new Bins(line);
    const places = new Map(incidents.kinds.map(([kind], place) => [kind, place]));
    this.kindOf = Int16Array.from({ length: incidents.layer.count }, (_, i) => places.get(incidents.layer.text("kind", i)) ?? 0);
  }

  /** Under the numbers of the grids, which are drawn in the same pane. */
  override onAdd(map: L.Map): this {
    super.onAdd(map);
    map.getPane("weige-labels")?.prepend(this.canvas);
    return this;
  }

  /** Draw everything where the map is now. */
  redraw(): void {
    if (!this.host) return;
    // Not a pixel more than is seen: it is drawn anew for every step.
    const resting = restingOn(this.host, 0);
    const { originX, originY, scale, width, height } = resting.view;
    const factor = this.magnified();
    this.resting = resting;
    this.bins.lay(width / factor, height / factor, (incident) => {
      if (!this.incidents.isChosenKind(incident)) return null;
      const box: Box | null = this.incidents.layer.box(incident);
      return box && [(box[0] - originX) * scale / factor, (box[1] - originY) * scale / factor];
    });
    this.picture = this.layPicture(resting, factor * resting.ratio);
    this.draw();
  }

  /** Lay the canvas over the part of the view that holds cases of any time: every step writes and shows all of it. */
  private layPicture(resting: Resting, ratio: number): CaseLayer["picture"] {
    const { view } = resting;
    const [x0, y0, x1, y1] = this.bins.extent ?? [0, 0, 0, 0];
    const onScreen = (value: number, most: number) => clamp(Math.round(value * ratio), 0, Math.round(most * resting.ratio));
    const [left, top] = [onScreen(x0 - OVERHANG, view.width), onScreen(y0 - OVERHANG, view.height)];
    const [width, height] = [onScreen(x1 + OVERHANG, view.width) - left, onScreen(y1 + OVERHANG, view.height) - top];
    const part = { ...view, width: width / resting.ratio, height: height / resting.ratio };
    const at = resting.at.add([left / resting.ratio, top / resting.ratio]);
    // Not a bitmap that rests: to hand one over for every step takes longer than to draw it.
    const pen = penOver(this.canvas, { ...resting, view: part, at }, { willReadFrequently: true });
    if (!pen || !width || !height) return null;
    const image = new ImageData(width, height);
    return { image, pen, pixels: { left, top, width, height, rgba: new Int32Array(image.data.buffer) } };
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
    if (!this.resting) return;
    const factor = this.magnified();
    const ratio = factor * this.resting.ratio;
    if (this.stamps?.ratio !== ratio) this.stamps = new Stamps(this.styles.ink.cluster, this.styles.kinds, this.incidents.kinds.length, ratio);
    if (!this.picture) return;
    const { image, pixels, pen } = this.picture;
    pixels.rgba.fill(0);
    this.drawBins(pixels, this.stamps);
    pen.putImageData(image, 0, 0);
  }

  private drawBins(onto: Pixels, stamps: Stamps): void {
    const bins = this.isShown() ? this.bins.filled(radiusOf) : [];
    this.drawn = bins.map(({ x, y, count }) => ({ x, y, radius: radiusOf(count) }));
    for (const { x, y, count, incident } of bins) {
      if (count > 1) stamps.count(onto, x, y, count);
      else stamps.alone(onto, x, y, this.kindOf[incident] ?? 0);
    }
  }
}
