/** Everything that must not be cut at a tile: labels, incidents, stations; redrawn when the view rests. */
import * as L from "leaflet";
import { drawIncident, drawStation, stationSign } from "./icons.ts";
import { drawMember } from "./results.ts";
import { ALONE_FROM_ZOOM, type Gathering, type Incidents } from "./incidents.ts";
import { joinCircles, placing, signsAndDots, Taken, type Box, type Circle } from "./labels.ts";
import { lead, Ruler, write, type Label } from "./lettering.ts";
import { isWhole, labelsOf, type StationSpot } from "./naming.ts";
import { isOutOfBounds, type Shown } from "./paint.ts";
import { drawOver, restingOn, withoutPad, type Resting } from "./resting.ts";
import type { Scene } from "./scene.ts";
import { spread } from "./spread.ts";
import type { Styles } from "./schema.ts";
import { clamp, pixel, windowBox, type Window } from "./tracing.ts";

/** Radius of a place of members that is not written into. */
const DOT_PX = 3.5;

/** A label that is drawn, in CSS pixels of the map's container. Read-only: for tests and for the curious. */
export interface DrawnLabel {
  text: string;
  kind: string;
  box: [x0: number, y0: number, x1: number, y1: number];
  size: number;
  colour: string;
  background: string;
}

/** What a click may have meant: the topmost incident, cluster or station there. */
export type Hit = { kind: "incidents"; incidents: number[]; isCluster: boolean } | { kind: "station"; station: number } | { kind: "member"; member: number };

export class Overlay extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private readonly ruler = new Ruler();
  private topLeft = L.latLng(0, 0);
  private drawnZoom = 0;
  private offset: L.Point = L.point(0, 0);
  /** Pixels of the screen of a pixel of the drawing: more than 1 where everything is written larger. */
  private factor = 1;
  private drawn: Label[] = [];
  private clusters: { x: number; y: number; radius: number; gatherings: Gathering[]; count: number }[] = [];
  private stations: StationSpot[] = [];
  private members: { x: number; y: number; radius: number; member: number }[] = [];
  private host: L.Map | null = null;
  /** What the first drawing left out beyond the edges of the map, and the labels placed for it. */
  private unseen: { resting: Resting; placed: Label[] } | null = null;
  /** A drawing that is under way over some frames, and what takes its next steps away. */
  private begun: Generator<void> | null = null;
  private stopSteps: () => void = () => undefined;
  private readonly measuring = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;

  constructor(
    private readonly scene: Scene,
    private readonly styles: Styles,
    private readonly shown: ReadonlySet<Shown>,
    private readonly incidents: Incidents,
    /** Where the divider stands in the container (null where all is after), and what it covers there. */
    private readonly divider: { x: number | null; covers: Box[] },
    private readonly magnified: () => number = () => 1,
  ) {
    super();
    L.Util.setOptions(this, { pane: "weige-labels" });
    this.canvas.className = "leaflet-zoom-animated";
    this.canvas.setAttribute("aria-hidden", "true");
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    this.getPane()?.append(this.canvas);
    this.begun = this.drawing(window.devicePixelRatio || 1, true);
    this.finish();
    return this;
  }

  override onRemove(): this {
    this.breakOff();
    this.canvas.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return {
      moveend: () => this.redrawSoon(),
      resize: () => this.redraw(),
      // What was begun is of the view before.
      zoomstart: () => this.breakOff(),
      zoomanim: (event) => this.follow((event as L.ZoomAnimEvent).center, (event as L.ZoomAnimEvent).zoom),
      zoom: () => this.host && this.follow(this.host.getCenter(), this.host.getZoom()),
    };
  }

  /** The labels drawn now. */
  labels(): DrawnLabel[] {
    this.finish();
    return this.drawn.map(({ lines, kind, box, colour, halo }) => ({
      text: lines.map(({ text }) => text).join("\n"),
      kind,
      box: [
        box.x0 * this.factor + this.offset.x, box.y0 * this.factor + this.offset.y,
        box.x1 * this.factor + this.offset.x, box.y1 * this.factor + this.offset.y,
      ],
      size: this.factor * Math.min(...lines.map(({ size }) => size)),
      colour,
      background: halo,
    }));
  }

  /** Is it being drawn anew over some frames? To be asked what it hits, it does at once what is left. */
  get isUnderWay(): boolean {
    return this.begun !== null;
  }

  hit(containerPoint: L.Point): Hit | null {
    this.finish();
    const x = (containerPoint.x - this.offset.x) / this.factor;
    const y = (containerPoint.y - this.offset.y) / this.factor;
    const cluster = [...this.clusters].reverse().find((each) => Math.hypot(each.x - x, each.y - y) <= each.radius + 2);
    if (cluster) {
      return { kind: "incidents", incidents: cluster.gatherings.flatMap(({ incidents }) => incidents), isCluster: cluster.count > 1 };
    }
    const station = [...this.stations].reverse().find(
      (each) => Math.max(Math.abs(each.x - x), Math.abs(each.y - y)) <= each.side / 2 + 2,
    );
    if (station) return { kind: "station", station: station.station };
    const member = [...this.members].reverse().find((each) => Math.hypot(each.x - x, each.y - y) <= each.radius + 2);
    return member ? { kind: "member", member: member.member } : null;
  }

  redraw(ratio = window.devicePixelRatio || 1): void {
    this.begun = this.drawing(ratio);
    this.finish();
  }

  /** Draw anew over some frames, so that none of them takes long; the old drawing is seen until then. */
  private redrawSoon(): void {
    this.breakOff();
    this.begun = this.drawing(window.devicePixelRatio || 1);
    this.stopSteps = spread(this.begun);
  }

  /** Do at once what is left of a drawing. */
  private finish(): void {
    const { begun } = this;
    this.breakOff();
    while (begun && !begun.next().done);
  }

  private breakOff(): void {
    this.stopSteps();
    this.begun = null;
  }

  /** During a zoom the old drawing is stretched to where it will be. */
  private follow(center: L.LatLng, zoom: number): void {
    const map = this.host as (L.Map & { _latLngToNewLayerPoint(at: L.LatLng, zoom: number, center: L.LatLng): L.Point }) | null;
    if (!map) return;
    const at = map._latLngToNewLayerPoint(this.topLeft, zoom, center);
    L.DomUtil.setTransform(this.canvas, at, map.getZoomScale(zoom, this.drawnZoom));
  }

  /** Draw also what lies beyond the edges, which a short drag of the map shows: nobody sees it as a page opens. */
  drawBeyond(): void {
    const { unseen, host } = this;
    this.unseen = null;
    if (!unseen || !host || host.getZoom() !== this.drawnZoom) return;
    this.drawn = unseen.placed;
    this.topLeft = host.layerPointToLatLng(unseen.resting.at);
    drawOver(this.canvas, unseen.resting, (pen) => this.draw(pen));
  }

  /** Find what is to be drawn, step by step, and draw it at the end; at first only what is seen of it. */
  private *drawing(ratio: number, isFirst = false): Generator<void> {
    const map = this.host;
    if (!map) return;
    const resting = { ...restingOn(map), ratio };
    const [offset, factor, zoom] = [resting.pad.multiplyBy(-1), this.magnified(), map.getZoom()];
    const view = larger(resting.view, factor);
    const taken = new Taken();
    // While time slides, a layer of its own draws them.
    const clusters = this.shown.has("incidents") && !this.incidents.window ? this.gather(view, zoom) : [];
    const stations = this.shown.has("stations") ? this.place(view) : [];
    const members = this.shown.has("members") ? this.placeMembers(view) : [];
    yield;
    for (const { x, y, radius } of members) taken.take({ x0: x - radius, y0: y - radius, x1: x + radius, y1: y + radius });
    for (const { x, y, radius } of clusters) taken.take({ x0: x - radius, y0: y - radius, x1: x + radius, y1: y + radius });
    for (const { x, y, side } of stations) taken.take({ x0: x - side / 2, y0: y - side / 2, x1: x + side / 2, y1: y + side / 2 });
    const inDrawing = (box: Box): Box => {
      const at = (value: number, from: number) => (value - from) / factor;
      return { x0: at(box.x0, offset.x), y0: at(box.y0, offset.y), x1: at(box.x1, offset.x), y1: at(box.y1, offset.y) };
    };
    for (const box of [...this.divider.covers, ...this.controls()]) taken.take(inDrawing(box));
    yield;
    const { scene, styles, shown, ruler } = this;
    const dividerX = this.divider.x === null ? null : (this.divider.x - offset.x) / factor;
    const seen = seenBox(offset.divideBy(factor), view);
    const candidates = yield* labelsOf({ pen: this.measuring, ruler, scene, styles, shown, view, seen, dividerX }, stations);
    yield;
    const drawn = yield* placing(candidates, taken, (label) => isWhole(label, seen));
    yield;
    const part = isFirst ? withoutPad(resting) : resting;
    const topLeft = map.layerPointToLatLng(part.at);
    const unseen = isFirst ? { resting, placed: [...drawn] } : null;
    Object.assign(this, { offset, topLeft, drawnZoom: zoom, factor, clusters, stations, members, drawn, unseen });
    drawOver(this.canvas, part, (pen) => {
      pen.translate(resting.at.x - part.at.x, resting.at.y - part.at.y);
      this.draw(pen);
    });
    this.begun = null;
  }

  private draw(pen: CanvasRenderingContext2D): void {
    const { scene, styles, factor } = this;
    pen.scale(factor, factor);
    for (const label of this.drawn) lead(pen, label);
    for (const label of [...this.drawn].reverse()) write(pen, label);
    for (const { x, y, side, station } of this.stations) {
      const { fill, sign } = stationSign(scene, station, styles.ink);
      drawStation(pen, x, y, side, fill, sign);
    }
    for (const { x, y, radius, member } of this.members) drawMember(pen, x, y, radius, scene.get("members"), member, styles);
    for (const cluster of this.clusters) this.drawCluster(pen, cluster);
  }

  /** What the buttons of the map cover of its container. */
  private controls(): Box[] {
    const container = this.host?.getContainer();
    if (!container) return [];
    const { left, top } = container.getBoundingClientRect();
    return [...container.querySelectorAll(".leaflet-control")].map((control) => control.getBoundingClientRect())
      .filter(({ width }) => width > 0)
      .map((box) => ({ x0: box.left - left, y0: box.top - top, x1: box.right - left, y1: box.bottom - top }));
  }

  private gather(view: Window, zoom: number): Overlay["clusters"] {
    const gatherings = this.incidents.within(windowBox(view, 40), Math.min(zoom, ALONE_FROM_ZOOM));
    const circles = gatherings.map((gathering) => ({
      ...pixel(view, [gathering.x, gathering.y]),
      count: gathering.incidents.length,
      radius: clusterRadius(gathering.incidents.length),
      gathering,
    }));
    return joinCircles<Circle & { gathering: Gathering }>(circles, clusterRadius).map(({ members, x, y, radius, count }) => ({
      x, y, radius, count, gatherings: members.map(({ gathering }) => gathering),
    }));
  }

  private drawCluster(pen: CanvasRenderingContext2D, cluster: Overlay["clusters"][number]): void {
    const { x, y, radius, count, gatherings } = cluster;
    if (count === 1) {
      const incident = gatherings[0]?.incidents[0] ?? 0;
      const kind = this.incidents.kinds.findIndex(([value]) => value === this.incidents.layer.text("kind", incident));
      drawIncident(pen, x, y, radius, kind, this.styles.kinds);
      return;
    }
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fillStyle = this.styles.ink.cluster;
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.stroke();
    const size = count < 1000 ? 12 : 11;
    const line = { text: count < 10000 ? String(count) : `${Math.floor(count / 1000)}k`, size, weight: 600 };
    const half = this.ruler.width(pen, line) / 2;
    const box = { x0: x - half, y0: y - size / 2, x1: x + half, y1: y + size / 2 };
    const label: Label = {
      kind: "cluster", lines: [line], x, y, angle: 0, colour: "#ffffff", halo: this.styles.ink.cluster, box,
      ground: "none", isColumn: false,
    };
    write(pen, label);
    this.drawn.push(label);
  }

  /** Where places of members are drawn: those whose sign would cover another's as dots below the signs, never those out of bounds. */
  private placeMembers(view: Window): Overlay["members"] {
    const layer = this.scene.get("members");
    const radius = clamp(8.4 / view.metresPerPixel, DOT_PX, 12);
    const spots = layer.within(windowBox(view, 20)).flatMap((member) => {
      const middle = layer.middle(member);
      return middle ? [{ ...pixel(view, middle), radius, member }] : [];
    });
    const [signs, dots] = signsAndDots(spots, ({ member }) => isOutOfBounds(layer.text("status", member)));
    return [...dots.map((spot) => ({ ...spot, radius: DOT_PX })), ...signs];
  }

  private place(view: Window): StationSpot[] {
    const layer = this.scene.get("stations");
    const side = clamp(24 / Math.max(1, view.metresPerPixel / 1.4), 7, 21);
    return layer.within(windowBox(view, 20)).flatMap((station) => {
      const middle = layer.middle(station);
      return middle ? [{ ...pixel(view, middle), side, station }] : [];
    });
  }
}

/** The part of the drawing that is seen; the rest is for short drags. */
function seenBox(offset: L.Point, view: Window): Box {
  return { x0: -offset.x, y0: -offset.y, x1: view.width + offset.x, y1: view.height + offset.y };
}

/** The view in pixels that are so many times larger. */
function larger(view: Window, factor: number): Window {
  const { scale, width, height, metresPerPixel } = view;
  return { ...view, scale: scale / factor, width: width / factor, height: height / factor, metresPerPixel: metresPerPixel * factor };
}

function clusterRadius(count: number): number {
  return count === 1 ? 8 : count < 10 ? 11 : count < 100 ? 14 : count < 1000 ? 17 : 21;
}
