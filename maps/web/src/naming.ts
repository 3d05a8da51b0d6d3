/** Which labels a view might show and where each could stand; `labels.ts` chooses among them. */
import { straightSpots } from "./along.ts";
import { gridsOf } from "./changes.ts";
import { isOnSide, type Side } from "./divider.ts";
import { stationSign } from "./icons.ts";
import { overlap, shortCode, shorten, type Box, type Candidate } from "./labels.ts";
import { heightOf, type Label, type Line, type Ruler } from "./lettering.ts";
import type { Shown } from "./paint.ts";
import type { Box as LayerBox, IndexedLayer, Scene } from "./scene.ts";
import type { Styles } from "./schema.ts";
import { pixel, windowBox, type Window } from "./tracing.ts";

/** Households of each unit are written when a pixel is at most so many metres. */
const UNIT_LABELS_FROM_M = 0.5;

/** So many grids out of band in view may have their number beside them; more would hide the map. */
const CALLOUTS_UP_TO = 60;

/** Where a number stands that has no room in its grid: directions in the order of trying, in eighths of a turn from the east. */
const CALLOUT_WAYS = [-1, -3, -2, 0, 4, 1, 3, 2];
const CALLOUT_REACHES = [1, 1.7, 2.6];

/** Half the width and the height of a grid's number with its code, in pixels. */
const NUMBER_ROOM = [20, 16] as const;

/** What a plate adds to the width of its text; half of it to the height. */
const PLATE_RIM = 7;

/** So many rings of spots round the middle are tried for a label that wants clear ground. */
const RINGS = 6;

/** From this slope on, Chinese names of streets are written downwards. */
const STEEP = 1.1;

/** Where a station is drawn, in pixels of the view. */
export interface StationSpot {
  x: number;
  y: number;
  side: number;
  station: number;
}

/** What labels are made from: the plan, what is shown of it, and the view. */
export interface Drawing {
  pen: CanvasRenderingContext2D;
  ruler: Ruler;
  scene: Scene;
  styles: Styles;
  shown: ReadonlySet<Shown>;
  view: Window;
  /** The part of the view that is seen; the rest is for short drags. */
  seen: Box;
  /** Where the divider stands in the view; null where all is after. */
  dividerX: number | null;
}

/** The labels that a drawing might show, each with its other forms; found in small steps. */
export function* labelsOf(drawing: Drawing, stations: readonly StationSpot[]): Generator<void, Candidate<Label>[]> {
  return drawing.shown.has("labels") ? yield* new Naming(drawing).labelsWith(stations) : [];
}

class Naming {
  private readonly labels: Candidate<Label>[] = [];
  private readonly scene: Scene;
  private readonly styles: Styles;
  private readonly shown: ReadonlySet<Shown>;
  private readonly view: Window;

  constructor(private readonly drawing: Drawing) {
    this.scene = drawing.scene;
    this.styles = drawing.styles;
    this.shown = drawing.shown;
    this.view = drawing.view;
  }

  *labelsWith(stations: readonly StationSpot[]): Generator<void, Candidate<Label>[]> {
    yield* this.communityLabels();
    // Beside numbered places, the households of grids would be read as numbers of places.
    if (!this.scene.has("members") || this.shown.has("totals")) {
      yield* this.gridLabels("after");
      if (this.drawing.dividerX !== null) yield* this.gridLabels("before");
    }
    yield* this.compoundLabels();
    yield* this.lineLabels("roads", 400, this.styles.ink.road_text);
    yield* this.lineLabels("water", 450, this.styles.ink.water_text);
    this.areaLabels();
    yield* this.unitLabels();
    this.stationLabels(stations);
    return this.labels;
  }

  private *gridLabels(side: Side): Generator<void> {
    const grids = this.scene.get(gridsOf(side));
    const anchors = this.scene.get(`${gridsOf(side)}_labels`);
    const { dividerX } = this.drawing;
    // Among the numbers of units, the grid's own stands on a plate.
    const ground = this.shown.has("units") && this.view.metresPerPixel <= UNIT_LABELS_FROM_M ? "plate" : "halo";
    const isOut = (grid: number) => {
      const status = grids.text("status", grid);
      return status === "too_small" || status === "too_large";
    };
    const seen = anchors.within(windowBox(this.view));
    const hasCallouts = seen.filter(isOut).length <= CALLOUTS_UP_TO;
    const pieces = this.scene.get(`${gridsOf(side)}_pieces`);
    const places = [
      ...seen.map((grid) => ({ grid, at: this.anchor(anchors, grid), isMain: true })),
      ...pieces.within(windowBox(this.view)).map((piece) => (
        { grid: pieces.number("grid", piece) ?? 0, at: this.anchor(pieces, piece), isMain: false })),
    ];
    // Few grids in view: each has its number, if need be beside it, and off the buildings where there is room.
    // Not beside a divider: there labels would jump while it is dragged.
    const isRoomy = dividerX === null && places.length <= CALLOUTS_UP_TO;
    for (const { grid, at, isMain } of places) {
      yield;
      if (!at) continue;
      const count = String(grids.number("households", grid) ?? 0);
      // A number out of band outranks even the community's name.
      const priority = isOut(grid) ? 960 : 800;
      const size = at.radius > 34 ? 15 : at.radius > 17 ? 13 : 11;
      const line = { text: count, size, weight: 700 };
      const form = (lines: Line[], dx = 0, dy = 0) =>
        this.stack("grid", lines, at.x + dx, at.y + dy, this.styles.ink.text, ground);
      // A number larger than its grid would be read as its neighbour's.
      const rim = ground === "plate" ? PLATE_RIM : 0;
      const hasRoom = Math.hypot(this.width(line) + rim + 2, heightOf([line]) + rim / 2 + 2) / 2 <= at.radius * 1.5 + 3;
      const isThere = dividerX === null || isOnSide({ x0: at.x, x1: at.x }, side, dividerX);
      const wantsCallout = isMain && isThere && (isRoomy || (isOut(grid) && hasCallouts));
      if (!hasRoom && !wantsCallout) continue;
      const forms = function* (this: Naming): Iterable<Label> {
        if (hasRoom) {
          const code = { text: shortCode(grids.text("grid_id", grid)), size: 11, weight: 400 };
          const first = form(at.radius < 19 ? [line] : [line, code]);
          if (isRoomy && !this.isOffUnits(first.box)) yield* this.clearForms(grids, grid, form, first.lines, at.radius);
          yield first;
          if (first.lines.length > 1) yield form([line]);
          yield form([{ ...line, size: 11 }]);
        }
        if (wantsCallout) yield* this.callouts({ ...line, size: 12 }, at);
      };
      this.labels.push({ priority, forms: dividerX === null ? forms.call(this) : onSide(forms.call(this), side, dividerX) });
    }
  }

  /** The number of a grid at spots near its middle that lie whole in the grid and on no building. */
  private *clearForms(
    grids: IndexedLayer, grid: number, form: (lines: Line[], dx: number, dy: number) => Label, lines: Line[], radius: number,
  ): Iterable<Label> {
    const { seen } = this.drawing;
    const wasSeen = holds(seen, form(lines, 0, 0).box); // a number does not leave the window for the sake of a building
    for (const [dx, dy] of nearSpots(radius * 2.4)) {
      const label = form(lines, dx, dy);
      const { box } = label;
      if ((!wasSeen || holds(seen, box)) && cornersOf(this.view, box).every(([x, y]) => grids.polygonsAt(x, y).includes(grid)) && this.isOffUnits(box)) yield label;
    }
  }

  private isOffUnits(box: Box): boolean {
    if (!this.shown.has("units")) return true;
    const [[minX, minY], , [maxX, maxY]] = cornersOf(this.view, box);
    return !this.scene.get("units").within([minX, minY, maxX, maxY]).length;
  }

  /** The number of a grid beside it, with a line that leads there: what must be seen is seen at every zoom. */
  private *callouts(line: Line, at: { x: number; y: number; radius: number }): Iterable<Label> {
    const reach = Math.max(26, Math.min(at.radius, 40) + 18);
    for (const times of CALLOUT_REACHES) {
      for (const eighth of CALLOUT_WAYS) {
        const angle = (eighth * Math.PI) / 4;
        const [x, y] = [at.x + reach * times * Math.cos(angle), at.y + reach * times * Math.sin(angle)];
        yield { ...this.stack("grid", [line], x, y, this.styles.ink.text, "plate"), leader: { x: at.x, y: at.y } };
      }
    }
  }

  private *communityLabels(): Generator<void> {
    const communities = this.scene.get("communities");
    const anchors = this.scene.get("communities_labels");
    const size = 15;
    for (const community of anchors.within(windowBox(this.view))) {
      yield;
      const at = this.anchor(anchors, community);
      const name = shorten(communities.text("name", community) || communities.text("community_id", community), 18);
      if (!at || !name || at.radius < 34 || at.radius > 700) continue;
      const lines = [{ text: name, size, weight: 700 }];
      const form = (dx: number, dy: number) => this.stack("community", lines, at.x + dx, at.y + dy, this.styles.ink.community);
      const { box } = form(0, 0);
      // A name that is larger than every grid crosses borders wherever it stands.
      const mayBeClear = this.fitsInGrid((box.x1 - box.x0) / this.view.scale, (box.y1 - box.y0) / this.view.scale, communities.box(community));
      const forms = function* (this: Naming): Iterable<Label> {
        for (const [dx, dy] of mayBeClear ? nearSpots(at.radius * 2) : []) {
          const label = form(dx, dy);
          if (this.isClearOfGrids(label.box) && cornersOf(this.view, label.box).every(([x, y]) => communities.polygonsAt(x, y).includes(community))) yield label;
        }
        yield* [form(0, 0), form(0, -at.radius * 0.35), form(0, at.radius * 0.35)];
      };
      this.labels.push({ priority: 950, forms: forms.call(this) });
    }
  }

  /** Is the box of some grid there at least so large, or is there none? */
  private fitsInGrid(width: number, height: number, ground: LayerBox | null): boolean {
    const grids = this.scene.get("grids");
    const there = ground ? grids.within(ground) : [];
    return !there.length || there.some((grid) => {
      const box = grids.box(grid);
      return box !== null && box[2] - box[0] >= width && box[3] - box[1] >= height;
    });
  }

  /** Does a box cross no border of a grid, and leave the number there its place? */
  private isClearOfGrids(box: Box): boolean {
    const grids = this.scene.get("grids");
    // Corners alone would miss a narrow grid between them.
    const [[left, top], , [right, bottom]] = cornersOf(this.view, box);
    const first = grids.polygonsAt(left, top)[0];
    for (const y of [top, bottom]) {
      for (const across of [0, 0.25, 0.5, 0.75, 1]) if (grids.polygonsAt(left + across * (right - left), y)[0] !== first) return false;
    }
    const at = first === undefined ? null : this.anchor(this.scene.get("grids_labels"), first);
    return !at || !overlap(box, { x0: at.x - NUMBER_ROOM[0], x1: at.x + NUMBER_ROOM[0], y0: at.y - NUMBER_ROOM[1], y1: at.y + NUMBER_ROOM[1] });
  }

  private *compoundLabels(): Generator<void> {
    const compounds = this.scene.get("compounds");
    const anchors = this.scene.get("compounds_labels");
    for (const compound of anchors.within(windowBox(this.view))) {
      yield;
      const at = this.anchor(anchors, compound);
      const name = shorten(compounds.text("name", compound), 14);
      if (!at || !name || at.radius < 26 || at.radius > 500) continue;
      const lines = [{ text: name, size: 12, weight: 500 }];
      const form = (dy: number) => this.stack("compound", lines, at.x, at.y + dy, this.styles.ink.compound_text);
      this.labels.push({ priority: 600, forms: [0, -22, 22, -40, 40].map(form) });
    }
  }

  /** Names of lakes and wide rivers. */
  private areaLabels(): void {
    const water = this.scene.get("water");
    const anchors = this.scene.get("water_labels");
    for (const each of anchors.within(windowBox(this.view))) {
      const at = this.anchor(anchors, each);
      const name = shorten(water.text("name", each), 14);
      if (!at || !name || at.radius < 9) continue;
      this.labels.push({ priority: 450, forms: [this.stack("water", [{ text: name, size: 12, weight: 500 }], at.x, at.y, this.styles.ink.water_text)] });
    }
  }

  private *unitLabels(): Generator<void> {
    if (this.view.metresPerPixel > UNIT_LABELS_FROM_M || !this.shown.has("units")) return;
    const units = this.scene.get("units");
    for (const unit of units.within(windowBox(this.view))) {
      yield;
      const middle = units.middle(unit);
      const households = units.number("households", unit) ?? 0;
      if (!middle || !households) continue;
      const { x, y } = pixel(this.view, middle);
      this.labels.push({ priority: 300, forms: [this.stack("unit", [{ text: String(households), size: 11, weight: 500 }], x, y, this.styles.ink.text)] });
    }
  }

  private *lineLabels(name: "roads" | "water", priority: number, colour: string): Generator<void> {
    const layer = this.scene.get(name);
    const paths = layer.layer.lines;
    if (!paths || !this.shown.has(name) || this.view.metresPerPixel > 9) return;
    const spoken = new Map<string, { x: number; y: number }[]>();
    for (const line of layer.within(windowBox(this.view))) {
      yield;
      const text = shorten(layer.text("name", line), 18);
      if (!text) continue;
      const road = this.styles.roads[layer.text("road_class", line)] ?? this.styles.roads[""];
      const rank = name === "roads" ? (road?.rank ?? 0) : 4;
      const width = this.width({ text, size: 12, weight: 500 });
      for (const spot of straightSpots(paths, line, this.view, width + 8)) {
        const said = spoken.get(text) ?? [];
        if (said.some(({ x, y }) => Math.hypot(x - spot.x, y - spot.y) < 340)) continue;
        spoken.set(text, [...said, spot]);
        const lines = [{ text, size: 12, weight: 500 }];
        const isColumn = Math.abs(spot.angle) > STEEP && /^[\u2e80-\u9fff]+$/.test(text);
        const label = isColumn
          ? { ...this.label(name, lines, spot.x, spot.y, 14, width + text.length, colour), isColumn }
          : this.label(name, lines, spot.x, spot.y, width, 15, colour, spot.angle);
        this.labels.push({ priority: priority + rank, forms: [label] });
      }
    }
  }

  private stationLabels(stations: readonly StationSpot[]): void {
    const layer = this.scene.get("stations");
    for (const { x, y, side, station } of stations) {
      const name = shorten(layer.text("name", station), 16);
      if (!name || side < 15) continue;
      const line = { text: name, size: 12, weight: 600 };
      const width = this.width(line);
      const { fill } = stationSign(this.scene, station, this.styles.ink);
      const colour = layer.number("site", station) === null ? fill : this.styles.ink.station;
      const at = (dx: number, dy: number) => this.label("station", [line], x + dx, y + dy, width, 15, colour);
      const beside = side / 2 + width / 2 + 4;
      this.labels.push({ priority: 700, forms: [at(beside, 0), at(-beside, 0), at(0, side / 2 + 10), at(0, -side / 2 - 10)] });
    }
  }

  private anchor(anchors: IndexedLayer, feature: number): { x: number; y: number; radius: number } | null {
    const middle = anchors.middle(feature);
    const radius = (anchors.number("radius_m", feature) ?? 0) / this.view.metresPerPixel;
    return middle && { ...pixel(this.view, middle), radius };
  }

  private stack(
    kind: string, lines: Line[], x: number, y: number, colour: string, ground: Label["ground"] = "halo",
  ): Label {
    const rim = ground === "plate" ? PLATE_RIM : 0;
    const width = Math.max(...lines.map((line) => this.width(line))) + rim;
    return { ...this.label(kind, lines, x, y, width, heightOf(lines) + rim / 2, colour), ground };
  }

  private label(
    kind: string, lines: Line[], x: number, y: number, width: number, height: number, colour: string, angle = 0,
  ): Label {
    const halfX = (Math.abs(width * Math.cos(angle)) + Math.abs(height * Math.sin(angle))) / 2 + 1;
    const halfY = (Math.abs(width * Math.sin(angle)) + Math.abs(height * Math.cos(angle))) / 2 + 1;
    const box: Box = { x0: x - halfX, y0: y - halfY, x1: x + halfX, y1: y + halfY };
    return { kind, lines, x, y, angle, colour, halo: this.styles.ink.halo, box, ground: "halo", isColumn: false };
  }

  private width(line: Line): number {
    return this.drawing.ruler.width(this.drawing.pen, line);
  }
}

function* onSide(forms: Iterable<Label>, side: Side, dividerX: number): Iterable<Label> {
  for (const form of forms) if (isOnSide(form.box, side, dividerX)) yield form;
}

function holds(outer: Box, { x0, y0, x1, y1 }: Box): boolean {
  return x0 >= outer.x0 && x1 <= outer.x1 && y0 >= outer.y0 && y1 <= outer.y1;
}

/** Is a label not crossed by the edge of what is seen? A line from beyond the edge would lead to nothing. */
export function isWhole({ box, leader }: Label, seen: Box): boolean {
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
