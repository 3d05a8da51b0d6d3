/** Everything that must not be cut at a tile: labels, incidents, stations; redrawn when the view rests. */
import * as L from "leaflet";
import { straightSpots } from "./along.ts";
import { gridsOf } from "./changes.ts";
import { isOnSide, type Side } from "./divider.ts";
import { drawIncident, drawStation } from "./icons.ts";
import { ALONE_FROM_ZOOM, type Gathering, type Incidents } from "./incidents.ts";
import { joinCircles, overlap, placeLabels, shortCode, shorten, Taken, type Box, type Candidate, type Circle } from "./labels.ts";
import { worldX, worldY } from "./pack.ts";
import { clamp, pixel, windowBox, type Shown, type Window } from "./paint.ts";
import type { IndexedLayer, Scene } from "./scene.ts";
import type { Styles } from "./schema.ts";
import { metresPerPixel } from "./tiles.ts";

export const FONT = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC",sans-serif';

/** Share of the view drawn beyond each edge, so that a short drag shows no bare rim. */
const PADDING = 0.15;

/** Households of each unit are written when a pixel is at most so many metres. */
const UNIT_LABELS_FROM_M = 0.5;

/** So many grids out of band in view may have their number beside them; more would hide the map. */
const CALLOUTS_UP_TO = 60;

/** Where a number stands that has no room in its grid: directions in the order of trying, in eighths of a turn from the east. */
const CALLOUT_WAYS = [-1, -3, -2, 0, 4, 1, 3, 2];
const CALLOUT_REACHES = [1, 1.7, 2.6];

/** Half the width and the height of a grid's number with its code, in pixels. */
const NUMBER_ROOM = [20, 16] as const;

/** So many rings of spots round the middle are tried for a label that wants clear ground. */
const RINGS = 6;

/** From this slope on, Chinese names of streets are written downwards. */
const STEEP = 1.1;

/** A label that is drawn, in CSS pixels of the map's container. Read-only: for tests and for the curious. */
export interface DrawnLabel {
  text: string;
  kind: string;
  box: [x0: number, y0: number, x1: number, y1: number];
  size: number;
  colour: string;
  background: string;
}

interface Line {
  text: string;
  size: number;
  weight: number;
}

interface Label extends Candidate {
  lines: Line[];
  x: number;
  y: number;
  angle: number;
  colour: string;
  halo: string;
  /** How the text is set off: an outline round the letters, a plate under them, or nothing. */
  ground: "halo" | "plate" | "none";
  /** Characters one under another, as Chinese is written along a street that runs north. */
  isColumn: boolean;
  /** The place it speaks of, where it stands beside it. */
  leader?: { x: number; y: number };
  otherwise?: readonly Label[];
}

/** What a click may have meant: the topmost incident, cluster or station there. */
export type Hit = { kind: "incidents"; incidents: number[]; isCluster: boolean } | { kind: "station"; station: number };

export class Overlay extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private readonly widths = new Map<string, number>();
  private topLeft = L.latLng(0, 0);
  private drawnZoom = 0;
  private offset: L.Point = L.point(0, 0);
  private drawn: Label[] = [];
  private clusters: { x: number; y: number; radius: number; gatherings: Gathering[]; count: number }[] = [];
  private stations: { x: number; y: number; side: number; station: number }[] = [];
  private ratio = 1;
  private host: L.Map | null = null;

  constructor(
    private readonly scene: Scene,
    private readonly styles: Styles,
    private readonly shown: ReadonlySet<Shown>,
    private readonly incidents: Incidents,
    /** Where the divider stands in the container (null where all is after), and what it covers there. */
    private readonly divider: { x: number | null; covers: Box[] },
  ) {
    super();
    L.Util.setOptions(this, { pane: "weige-labels" });
    this.canvas.className = "leaflet-zoom-animated";
    this.canvas.setAttribute("aria-hidden", "true");
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    this.getPane()?.append(this.canvas);
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
      zoomanim: (event) => this.follow((event as L.ZoomAnimEvent).center, (event as L.ZoomAnimEvent).zoom),
      zoom: () => this.host && this.follow(this.host.getCenter(), this.host.getZoom()),
    };
  }

  /** The labels drawn now. */
  labels(): DrawnLabel[] {
    return this.drawn.map(({ lines, kind, box, colour, halo }) => ({
      text: lines.map(({ text }) => text).join("\n"),
      kind,
      box: [box.x0 + this.offset.x, box.y0 + this.offset.y, box.x1 + this.offset.x, box.y1 + this.offset.y],
      size: Math.min(...lines.map(({ size }) => size)),
      colour,
      background: halo,
    }));
  }

  hit(containerPoint: L.Point): Hit | null {
    const x = containerPoint.x - this.offset.x;
    const y = containerPoint.y - this.offset.y;
    const cluster = [...this.clusters].reverse().find((each) => Math.hypot(each.x - x, each.y - y) <= each.radius + 2);
    if (cluster) {
      return { kind: "incidents", incidents: this.incidents.members(cluster.gatherings), isCluster: cluster.count > 1 };
    }
    const station = [...this.stations].reverse().find(
      (each) => Math.max(Math.abs(each.x - x), Math.abs(each.y - y)) <= each.side / 2 + 2,
    );
    return station ? { kind: "station", station: station.station } : null;
  }

  redraw(): void {
    const map = this.host;
    if (!map) return;
    const size = map.getSize();
    const margin = size.multiplyBy(PADDING).round();
    this.offset = margin.multiplyBy(-1);
    this.topLeft = map.containerPointToLatLng(this.offset);
    this.drawnZoom = map.getZoom();
    this.ratio = window.devicePixelRatio || 1;
    const width = size.x + 2 * margin.x;
    const height = size.y + 2 * margin.y;
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    L.DomUtil.setPosition(this.canvas, map.containerPointToLayerPoint(this.offset));
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const originX = worldX(this.topLeft.lng);
    const originY = worldY(this.topLeft.lat);
    const view: Window = {
      originX,
      originY,
      scale: 256 * 2 ** this.drawnZoom,
      width,
      height,
      metresPerPixel: metresPerPixel(this.drawnZoom, originY),
    };
    this.draw(pen, view);
  }

  /** During a zoom the old drawing is stretched to where it will be. */
  private follow(center: L.LatLng, zoom: number): void {
    const map = this.host as (L.Map & { _latLngToNewLayerPoint(at: L.LatLng, zoom: number, center: L.LatLng): L.Point }) | null;
    if (!map) return;
    const at = map._latLngToNewLayerPoint(this.topLeft, zoom, center);
    L.DomUtil.setTransform(this.canvas, at, map.getZoomScale(zoom, this.drawnZoom));
  }

  private draw(pen: CanvasRenderingContext2D, view: Window): void {
    const taken = new Taken();
    const labels: Label[] = [];
    this.clusters = this.shown.has("incidents") ? this.gather(view) : [];
    this.stations = this.shown.has("stations") ? this.place(view) : [];
    if (this.shown.has("labels")) {
      this.communityLabels(pen, view, labels);
      this.gridLabels(pen, view, labels, "after");
      if (this.divider.x !== null) this.gridLabels(pen, view, labels, "before");
      this.compoundLabels(pen, view, labels);
      this.lineLabels(pen, view, labels, "roads", 400, this.styles.ink.road_text);
      this.lineLabels(pen, view, labels, "water", 450, this.styles.ink.water_text);
      this.areaLabels(pen, view, labels);
      this.unitLabels(pen, view, labels);
      this.stationLabels(pen, labels);
    }
    for (const { x, y, radius } of this.clusters) taken.take({ x0: x - radius, y0: y - radius, x1: x + radius, y1: y + radius });
    for (const { x, y, side } of this.stations) taken.take({ x0: x - side / 2, y0: y - side / 2, x1: x + side / 2, y1: y + side / 2 });
    for (const box of [...this.divider.covers, ...this.controls()]) taken.take(moved(box, -this.offset.x, -this.offset.y));
    const whole = labels.flatMap((label) => {
      const [first, ...otherwise] = [label, ...(label.otherwise ?? [])].filter((form) => isWhole(form, this.offset, view));
      return first ? [{ ...first, otherwise }] : [];
    });
    this.drawn = placeLabels(whole, taken);
    for (const label of this.drawn) lead(pen, label);
    for (const label of [...this.drawn].reverse()) write(pen, label);
    for (const { x, y, side } of this.stations) drawStation(pen, x, y, side, this.styles.ink.station);
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

  private gather(view: Window): Overlay["clusters"] {
    const gatherings = this.incidents.within(windowBox(view, 40), Math.min(this.drawnZoom, ALONE_FROM_ZOOM));
    const circles = gatherings.map((gathering) => ({
      x: (worldX(gathering.lon) - view.originX) * view.scale,
      y: (worldY(gathering.lat) - view.originY) * view.scale,
      count: gathering.count,
      radius: clusterRadius(gathering.count),
      gathering,
    }));
    return joinCircles<Circle & { gathering: Gathering }>(circles, clusterRadius).map(({ members, x, y, radius, count }) => ({
      x, y, radius, count, gatherings: members.map(({ gathering }) => gathering),
    }));
  }

  private drawCluster(pen: CanvasRenderingContext2D, cluster: Overlay["clusters"][number]): void {
    const { x, y, radius, count, gatherings } = cluster;
    if (count === 1) {
      const incident = gatherings[0]?.incident ?? 0;
      const kind = this.incidents.kinds.findIndex(([value]) => value === this.incidents.layer.text("kind", incident));
      drawIncident(pen, x, y, radius, kind, this.styles.kinds[kind % this.styles.kinds.length] as string);
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
    const half = this.measure(pen, line) / 2;
    const box = { x0: x - half, y0: y - size / 2, x1: x + half, y1: y + size / 2 };
    const label: Label = {
      kind: "cluster", priority: 0, lines: [line], x, y, angle: 0, colour: "#ffffff", halo: this.styles.ink.cluster, box,
      ground: "none", isColumn: false,
    };
    write(pen, label);
    this.drawn.push(label);
  }

  private place(view: Window): Overlay["stations"] {
    const layer = this.scene.get("stations");
    const side = clamp(24 / Math.max(1, view.metresPerPixel / 1.4), 7, 21);
    return layer.within(windowBox(view, 20)).flatMap((station) => {
      const middle = layer.middle(station);
      return middle ? [{ ...pixel(view, middle), side, station }] : [];
    });
  }

  private stationLabels(pen: CanvasRenderingContext2D, labels: Label[]): void {
    const layer = this.scene.get("stations");
    for (const { x, y, side, station } of this.stations) {
      const name = shorten(layer.text("name", station), 16);
      if (!name || side < 15) continue;
      const line = { text: name, size: 12, weight: 600 };
      const width = this.measure(pen, line);
      const at = (dx: number, dy: number) => this.label("station", 700, [line], x + dx, y + dy, width, 15, this.styles.ink.station);
      const beside = side / 2 + width / 2 + 4;
      labels.push({ ...at(beside, 0), otherwise: [at(-beside, 0), at(0, side / 2 + 10), at(0, -side / 2 - 10)] });
    }
  }

  private gridLabels(pen: CanvasRenderingContext2D, view: Window, labels: Label[], side: Side): void {
    const grids = this.scene.get(gridsOf(side));
    const anchors = this.scene.get(`${gridsOf(side)}_labels`);
    const dividerX = this.divider.x === null ? null : this.divider.x - this.offset.x;
    // Among the numbers of units, the grid's own stands on a plate.
    const ground = this.shown.has("units") && view.metresPerPixel <= UNIT_LABELS_FROM_M ? "plate" : "halo";
    const isOut = (grid: number) => ["too_small", "too_large"].includes(grids.text("status", grid));
    const seen = anchors.within(windowBox(view));
    const hasCallouts = seen.filter(isOut).length <= CALLOUTS_UP_TO;
    const pieces = this.scene.get(`${gridsOf(side)}_pieces`);
    const places = [
      ...seen.map((grid) => ({ grid, at: this.anchor(anchors, grid, view), isMain: true })),
      ...pieces.within(windowBox(view)).map((piece) => (
        { grid: pieces.number("grid", piece) ?? 0, at: this.anchor(pieces, piece, view), isMain: false })),
    ];
    // Few grids in view: each has its number, if need be beside it, and off the buildings where there is room.
    // Not beside a divider: there labels would jump while it is dragged.
    const isRoomy = dividerX === null && places.length <= CALLOUTS_UP_TO;
    for (const { grid, at, isMain } of places) {
      if (!at) continue;
      const count = String(grids.number("households", grid) ?? 0);
      // A number out of band outranks even the community's name.
      const priority = isOut(grid) ? 960 : 800;
      const size = at.radius > 34 ? 15 : at.radius > 17 ? 13 : 11;
      const code = { text: shortCode(grids.text("grid_id", grid)), size: 11, weight: 400 };
      const line = { text: count, size, weight: 700 };
      const form = (lines: Line[], dx = 0, dy = 0) =>
        this.stack(pen, "grid", priority, lines, at.x + dx, at.y + dy, this.styles.ink.text, ground);
      const short = form([line]);
      // A number larger than its grid would be read as its neighbour's.
      const hasRoom = Math.hypot(short.box.x1 - short.box.x0, short.box.y1 - short.box.y0) / 2 <= at.radius * 1.5 + 3;
      const small = form([{ ...line, size: 11 }]);
      const inside = !hasRoom ? [] : at.radius < 19 ? [short, small] : [form([line, code]), short, small];
      if (isRoomy && inside[0] && !this.isOffUnits(view, inside[0].box)) inside.unshift(...this.clearForms(view, grids, grid, form, inside[0].lines, at.radius));
      const isThere = dividerX === null || isOnSide({ x0: at.x, x1: at.x }, side, dividerX);
      const forms = [...inside, ...(isMain && isThere && (isRoomy || (isOut(grid) && hasCallouts)) ? this.callouts(pen, priority, { ...line, size: 12 }, at) : [])];
      const [first, ...otherwise] = forms.filter(({ box }) => dividerX === null || isOnSide(box, side, dividerX));
      if (first) labels.push({ ...first, otherwise });
    }
  }

  /** The number of a grid at spots near its middle that lie whole in the grid and on no building. */
  private clearForms(
    view: Window, grids: IndexedLayer, grid: number, form: (lines: Line[], dx: number, dy: number) => Label, lines: Line[], radius: number,
  ): Label[] {
    const seen = seenBox(this.offset, view);
    const wasSeen = holds(seen, form(lines, 0, 0).box); // a number does not leave the window for the sake of a building
    return nearSpots(radius * 2.4).map(([dx, dy]) => form(lines, dx, dy))
      .filter(({ box }) => (!wasSeen || holds(seen, box)) && cornersOf(view, box).every(([x, y]) => grids.polygonsAt(x, y).includes(grid)) && this.isOffUnits(view, box));
  }

  private isOffUnits(view: Window, box: Box): boolean {
    if (!this.shown.has("units")) return true;
    const [[minX, minY], , [maxX, maxY]] = cornersOf(view, box);
    return !this.scene.get("units").within([minX, minY, maxX, maxY]).length;
  }

  /** The number of a grid beside it, with a line that leads there: what must be seen is seen at every zoom. */
  private callouts(pen: CanvasRenderingContext2D, priority: number, line: Line, at: { x: number; y: number; radius: number }): Label[] {
    const reach = Math.max(26, Math.min(at.radius, 40) + 18);
    return CALLOUT_REACHES.flatMap((times) => CALLOUT_WAYS.map((eighth) => {
      const angle = (eighth * Math.PI) / 4;
      const [x, y] = [at.x + reach * times * Math.cos(angle), at.y + reach * times * Math.sin(angle)];
      const plate = this.stack(pen, "grid", priority, [line], x, y, this.styles.ink.text, "plate");
      return { ...plate, leader: { x: at.x, y: at.y } };
    }));
  }

  private communityLabels(pen: CanvasRenderingContext2D, view: Window, labels: Label[]): void {
    const communities = this.scene.get("communities");
    const anchors = this.scene.get("communities_labels");
    const size = 15;
    for (const community of anchors.within(windowBox(view))) {
      const at = this.anchor(anchors, community, view);
      const name = shorten(communities.text("name", community) || communities.text("community_id", community), 18);
      if (!at || !name || at.radius < 34 || at.radius > 700) continue;
      const lines = [{ text: name, size, weight: 700 }];
      const form = (dx: number, dy: number) => this.stack(pen, "community", 950, lines, at.x + dx, at.y + dy, this.styles.ink.community);
      const forms = [form(0, 0), form(0, -at.radius * 0.35), form(0, at.radius * 0.35)];
      const clear = nearSpots(at.radius * 2).map(([dx, dy]) => form(dx, dy)).filter(({ box }) =>
        this.isClearOfGrids(view, box) && cornersOf(view, box).every(([x, y]) => communities.polygonsAt(x, y).includes(community)));
      const [first, ...otherwise] = [...clear, ...forms];
      if (first) labels.push({ ...first, otherwise });
    }
  }

  /** Does a box cross no border of a grid, and leave the number there its place? */
  private isClearOfGrids(view: Window, box: Box): boolean {
    const grids = this.scene.get("grids");
    // Corners alone would miss a narrow grid between them.
    const [[left, top], , [right, bottom]] = cornersOf(view, box);
    const under = [0, 0.25, 0.5, 0.75, 1].flatMap((across) => [top, bottom].map((y) => grids.polygonsAt(left + across * (right - left), y)[0]));
    const [first, ...others] = under;
    if (others.some((grid) => grid !== first)) return false;
    const at = first === undefined ? null : this.anchor(this.scene.get("grids_labels"), first, view);
    return !at || !overlap(box, { x0: at.x - NUMBER_ROOM[0], x1: at.x + NUMBER_ROOM[0], y0: at.y - NUMBER_ROOM[1], y1: at.y + NUMBER_ROOM[1] });
  }

  private compoundLabels(pen: CanvasRenderingContext2D, view: Window, labels: Label[]): void {
    const compounds = this.scene.get("compounds");
    const anchors = this.scene.get("compounds_labels");
    for (const compound of anchors.within(windowBox(view))) {
      const at = this.anchor(anchors, compound, view);
      const name = shorten(compounds.text("name", compound), 14);
      if (!at || !name || at.radius < 26 || at.radius > 500) continue;
      const lines = [{ text: name, size: 12, weight: 500 }];
      const form = (dy: number) => this.stack(pen, "compound", 600, lines, at.x, at.y + dy, this.styles.ink.compound_text);
      labels.push({ ...form(0), otherwise: [form(-22), form(22), form(-40), form(40)] });
    }
  }

  /** Names of lakes and wide rivers. */
  private areaLabels(pen: CanvasRenderingContext2D, view: Window, labels: Label[]): void {
    const water = this.scene.get("water");
    const anchors = this.scene.get("water_labels");
    for (const each of anchors.within(windowBox(view))) {
      const at = this.anchor(anchors, each, view);
      const name = shorten(water.text("name", each), 14);
      if (!at || !name || at.radius < 9) continue;
      labels.push(this.stack(pen, "water", 450, [{ text: name, size: 12, weight: 500 }], at.x, at.y, this.styles.ink.water_text));
    }
  }

  private unitLabels(pen: CanvasRenderingContext2D, view: Window, labels: Label[]): void {
    if (view.metresPerPixel > UNIT_LABELS_FROM_M || !this.shown.has("units")) return;
    const units = this.scene.get("units");
    for (const unit of units.within(windowBox(view))) {
      const middle = units.middle(unit);
      const households = units.number("households", unit) ?? 0;
      if (!middle || !households) continue;
      const { x, y } = pixel(view, middle);
      labels.push(this.stack(pen, "unit", 300, [{ text: String(households), size: 11, weight: 500 }], x, y, this.styles.ink.text));
    }
  }

  private lineLabels(
    pen: CanvasRenderingContext2D, view: Window, labels: Label[], name: "roads" | "water", priority: number, colour: string,
  ): void {
    const layer = this.scene.get(name);
    const paths = layer.layer.lines;
    if (!paths || !this.shown.has(name) || view.metresPerPixel > 9) return;
    const spoken = new Map<string, { x: number; y: number }[]>();
    for (const line of layer.within(windowBox(view))) {
      const text = shorten(layer.text("name", line), 18);
      if (!text) continue;
      const road = this.styles.roads[layer.text("road_class", line)] ?? this.styles.roads[""];
      const rank = name === "roads" ? (road?.rank ?? 0) : 4;
      const width = this.measure(pen, { text, size: 12, weight: 500 });
      for (const spot of straightSpots(paths, line, view, width + 8)) {
        const said = spoken.get(text) ?? [];
        if (said.some(({ x, y }) => Math.hypot(x - spot.x, y - spot.y) < 340)) continue;
        spoken.set(text, [...said, spot]);
        const lines = [{ text, size: 12, weight: 500 }];
        const isColumn = Math.abs(spot.angle) > STEEP && /^[\u2e80-\u9fff]+$/.test(text);
        labels.push(isColumn
          ? { ...this.label(name, priority + rank, lines, spot.x, spot.y, 14, width + text.length, colour), isColumn }
          : this.label(name, priority + rank, lines, spot.x, spot.y, width, 15, colour, spot.angle));
      }
    }
  }

  private anchor(anchors: IndexedLayer, feature: number, view: Window): { x: number; y: number; radius: number } | null {
    const middle = anchors.middle(feature);
    const radius = (anchors.number("radius_m", feature) ?? 0) / view.metresPerPixel;
    return middle && { ...pixel(view, middle), radius };
  }

  private stack(
    pen: CanvasRenderingContext2D, kind: string, priority: number, lines: Line[], x: number, y: number, colour: string,
    ground: Label["ground"] = "halo",
  ): Label {
    const rim = ground === "plate" ? 7 : 0;
    const width = Math.max(...lines.map((line) => this.measure(pen, line))) + rim;
    return { ...this.label(kind, priority, lines, x, y, width, heightOf(lines) + rim / 2, colour), ground };
  }

  private label(
    kind: string, priority: number, lines: Line[], x: number, y: number, width: number, height: number, colour: string, angle = 0,
  ): Label {
    const halfX = (Math.abs(width * Math.cos(angle)) + Math.abs(height * Math.sin(angle))) / 2 + 1;
    const halfY = (Math.abs(width * Math.sin(angle)) + Math.abs(height * Math.cos(angle))) / 2 + 1;
    const box: Box = { x0: x - halfX, y0: y - halfY, x1: x + halfX, y1: y + halfY };
    return { kind, priority, lines, x, y, angle, colour, halo: this.styles.ink.halo, box, ground: "halo", isColumn: false };
  }

  private measure(pen: CanvasRenderingContext2D, line: Line): number {
    const font = fontOf(line);
    const key = font + line.text;
    let width = this.widths.get(key);
    if (width === undefined) {
      pen.font = font;
      width = pen.measureText(line.text).width;
      this.widths.set(key, width);
    }
    return width;
  }
}

function fontOf({ size, weight }: Line): string {
  return `${weight} ${size}px ${FONT}`;
}

function heightOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { size }) => sum + size + 1, 0);
}

/** The line from a label to the place it speaks of. */
function lead(pen: CanvasRenderingContext2D, { x, y, leader, colour, halo }: Label): void {
  if (!leader) return;
  for (const [ink, extra] of [[halo, 2], [colour, 0]] as const) {
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(leader.x, leader.y);
    pen.strokeStyle = ink;
    pen.lineWidth = 1.4 + extra;
    pen.stroke();
    pen.beginPath();
    pen.arc(leader.x, leader.y, 2.6 + extra / 2, 0, 2 * Math.PI);
    pen.fillStyle = ink;
    pen.fill();
  }
}

function write(pen: CanvasRenderingContext2D, label: Label): void {
  const { x, y, angle, colour, halo, ground, box } = label;
  pen.save();
  if (ground === "plate") {
    pen.beginPath();
    roundedBox(pen, box, 4);
    pen.fillStyle = halo;
    pen.fill();
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2;
    pen.stroke();
  }
  pen.translate(x, y);
  pen.rotate(angle);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.direction = "ltr";
  for (const { text, line, dy } of placed(label)) {
    pen.font = fontOf(line);
    if (ground === "halo") {
      pen.strokeStyle = halo;
      pen.lineWidth = 3.4;
      pen.lineJoin = "round";
      pen.strokeText(text, 0, dy);
    }
    pen.fillStyle = colour;
    pen.fillText(text, 0, dy);
  }
  pen.restore();
}

/** The texts of a label with their distance below its middle. */
function placed({ lines, isColumn }: Label): { text: string; line: Line; dy: number }[] {
  const rows = isColumn ? lines.flatMap((line) => [...line.text].map((text) => ({ text, line }))) : lines.map((line) => ({ text: line.text, line }));
  let top = -heightOf(rows.map(({ line }) => line)) / 2;
  return rows.map(({ text, line }) => {
    top += line.size + 1;
    return { text, line, dy: top - (line.size + 1) / 2 + 0.5 };
  });
}

function roundedBox(pen: CanvasRenderingContext2D, { x0, y0, x1, y1 }: Box, radius: number): void {
  pen.moveTo(x0 + radius, y0);
  pen.arcTo(x1, y0, x1, y1, radius);
  pen.arcTo(x1, y1, x0, y1, radius);
  pen.arcTo(x0, y1, x0, y0, radius);
  pen.arcTo(x0, y0, x1, y0, radius);
  pen.closePath();
}

/** The part of the drawing that is seen; the rest is for short drags. */
function seenBox(offset: L.Point, view: Window): Box {
  return { x0: -offset.x, y0: -offset.y, x1: view.width + offset.x, y1: view.height + offset.y };
}

function holds(outer: Box, { x0, y0, x1, y1 }: Box): boolean {
  return x0 >= outer.x0 && x1 <= outer.x1 && y0 >= outer.y0 && y1 <= outer.y1;
}

/** Is a label not crossed by the edge of what is seen? A line from beyond the edge would lead to nothing. */
function isWhole({ box, leader }: Label, offset: L.Point, view: Window): boolean {
  const seen = seenBox(offset, view);
  const isOutside = box.x1 < seen.x0 || box.x0 > seen.x1 || box.y1 < seen.y0 || box.y0 > seen.y1;
  const isWithin = holds(seen, box);
  if (!leader) return isOutside || isWithin;
  return isWithin && leader.x >= seen.x0 && leader.x <= seen.x1 && leader.y >= seen.y0 && leader.y <= seen.y1;
}

type Spot = [x: number, y: number];

/** Shifts up to a distance, the nearest first, in rings of twelve. */
function nearSpots(reach: number): Spot[] {
  return Array.from({ length: RINGS * 12 }, (_, i): Spot => {
    const away = (reach * (Math.floor(i / 12) + 1)) / RINGS;
    const angle = (((i % 12) - 3) * Math.PI) / 6;
    return [away * Math.cos(angle), away * Math.sin(angle)];
  });
}

/** The corners of a box of the view in the coordinates of the layers. */
function cornersOf({ originX, originY, scale }: Window, { x0, y0, x1, y1 }: Box): [Spot, Spot, Spot, Spot] {
  const at = (x: number, y: number): Spot => [originX + x / scale, originY + y / scale];
  return [at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)];
}

function moved({ x0, y0, x1, y1 }: Box, dx: number, dy: number): Box {
  return { x0: x0 + dx, y0: y0 + dy, x1: x1 + dx, y1: y1 + dy };
}

function clusterRadius(count: number): number {
  return count === 1 ? 8 : count < 10 ? 11 : count < 100 ? 14 : count < 1000 ? 17 : 21;
}
