/** The layers of the plan with their spatial indexes: what is in a box, what is under a point. */
import Flatbush from "flatbush";
import { once } from "./once.ts";
import type { Layer, Paths } from "./pack.ts";

export type Box = [minX: number, minY: number, maxX: number, maxY: number];

export type LayerName =
  | "grids" | "grids_before" | "changes" | "units" | "cells" | "communities" | "roads" | "water" | "barriers" | "compounds" | "gates"
  | "findings" | "faults" | "incidents" | "stations" | "context" | "walk" | "links" | "members" |
  "department_grids" | "conflicts";

const EMPTY: Layer = { name: "", count: 0, columns: new Map(), polygons: null, edges: null, lines: null, points: null };

/** The features that have a place, and the box of all of them. */
interface Located {
  features: readonly number[];
  box: Box;
}

/** A layer whose boxes and index are made when it is first asked what lies where. */
export class IndexedLayer {
  private readonly madeBoxes = once(() => featureBoxes(this.layer));
  private readonly located = once(() => this.locate());
  private readonly index = once(() => this.indexed(this.located()?.features ?? []));

  constructor(readonly layer: Layer) {}

  /** Boxes of the features, four numbers each; NaN where a feature has no geometry. */
  get boxes(): Float64Array {
    return this.madeBoxes();
  }

  /** The box of all features; null where none has a place. */
  get bounds(): Box | null {
    return this.located()?.box ?? null;
  }

  private locate(): Located | null {
    const { boxes } = this;
    const features: number[] = [];
    let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let at = 0; at < boxes.length; at += 4) {
      const x = boxes[at] as number;
      if (x !== x) continue; // NaN: no place
      features.push(at / 4);
      if (x < minX) minX = x;
      if ((boxes[at + 1] as number) < minY) minY = boxes[at + 1] as number;
      if ((boxes[at + 2] as number) > maxX) maxX = boxes[at + 2] as number;
      if ((boxes[at + 3] as number) > maxY) maxY = boxes[at + 3] as number;
    }
    return features.length ? { features, box: [minX, minY, maxX, maxY] } : null;
  }

  private indexed(features: readonly number[]): Flatbush {
    const { boxes } = this;
    const index = new Flatbush(features.length);
    for (const i of features) index.add(boxes[4 * i] as number, boxes[4 * i + 1] as number, boxes[4 * i + 2] as number, boxes[4 * i + 3] as number);
    index.finish();
    return index;
  }

  /** Make the tree of boxes before it is first needed. */
  makeIndex(): void {
    if (this.located()) this.index();
  }

  get count(): number {
    return this.layer.count;
  }

  box(feature: number): Box | null {
    const { boxes } = this;
    const at = 4 * feature;
    if (Number.isNaN(boxes[at])) return null;
    return [boxes[at] as number, boxes[at + 1] as number, boxes[at + 2] as number, boxes[at + 3] as number];
  }

  /** The features whose boxes meet a box, in the order of the layer. */
  within([minX, minY, maxX, maxY]: Box): readonly number[] {
    const located = this.located();
    if (!located) return [];
    const { features, box } = located;
    // As a page opens all is in view: then no tree is needed.
    if (minX <= box[0] && minY <= box[1] && maxX >= box[2] && maxY >= box[3]) return features;
    return this.index().search(minX, minY, maxX, maxY).map((i) => features[i] as number).sort((a, b) => a - b);
  }

  /** The polygons that hold a point, the smallest first. */
  polygonsAt(x: number, y: number): number[] {
    const { polygons } = this.layer;
    if (!polygons) return [];
    return this.within([x, y, x, y])
      .filter((feature) => isInside(polygons, feature, x, y))
      .sort((a, b) => boxArea(this.box(a)) - boxArea(this.box(b)));
  }

  text(column: string, feature: number): string {
    const value = this.layer.columns.get(column)?.[feature];
    return value === null || value === undefined ? "" : String(value);
  }

  /** A column as texts, "" for none. */
  texts(column: string): string[] {
    const values = this.layer.columns.get(column);
    const texts = new Array<string>(this.count).fill("");
    if (values) for (let i = 0; i < texts.length; i++) texts[i] = String(values[i] ?? "");
    return texts;
  }

  number(column: string, feature: number): number | null {
    const value = this.layer.columns.get(column)?.[feature];
    return typeof value === "number" ? value : null;
  }

  flag(column: string, feature: number): boolean {
    return this.layer.columns.get(column)?.[feature] === true;
  }

  has(column: string): boolean {
    return this.layer.columns.has(column);
  }

  /** A point of a feature to fly to: its first point, or the middle of its box. */
  middle(feature: number): [x: number, y: number] | null {
    const box = this.box(feature);
    return box && [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  }
}

export class Scene {
  private readonly layers = new Map<string, IndexedLayer>();

  constructor(private readonly pack: ReadonlyMap<string, Layer>) {}

  /** A layer of the pack, indexed when first asked for; an empty one where the pack has none. */
  get(name: LayerName | `${LayerName}_labels` | string): IndexedLayer {
    let layer = this.layers.get(name);
    if (!layer) {
      layer = new IndexedLayer(this.pack.get(name) ?? EMPTY);
      this.layers.set(name, layer);
    }
    return layer;
  }

  /** Make the trees of all layers that were asked for, and of the units, which are drawn once the map is near. */
  *indexing(): Generator<void> {
    this.get("units");
    for (const layer of [...this.layers.values()]) {
      layer.makeIndex();
      yield;
    }
  }

  has(name: LayerName): boolean {
    return (this.pack.get(name)?.count ?? 0) > 0;
  }

  /** The box of everything that is drawn, or null where nothing has a place. */
  bounds(): Box | null {
    for (const names of [["grids", "communities"], ["units", "incidents", "stations", "context"]]) {
      const box = union(names.map((name) => this.get(name).bounds));
      if (box) return box;
    }
    return null;
  }
}

export function union(boxes: readonly (Box | null)[]): Box | null {
  let all: Box | null = null;
  for (const box of boxes) {
    if (!box) continue;
    if (!all) all = [...box];
    all[0] = Math.min(all[0], box[0]);
    all[1] = Math.min(all[1], box[1]);
    all[2] = Math.max(all[2], box[2]);
    all[3] = Math.max(all[3], box[3]);
  }
  return all;
}

export function isInside(paths: Paths, feature: number, px: number, py: number): boolean {
  const { featureStart, pathStart, x, y } = paths;
  let inside = false;
  for (let path = featureStart[feature] as number; path < (featureStart[feature + 1] as number); path++) {
    const end = pathStart[path + 1] as number;
    for (let i = pathStart[path] as number, j = end - 1; i < end; j = i++) {
      const yi = y[i] as number;
      const yj = y[j] as number;
      if (yi > py !== yj > py) {
        const crossing = (((x[j] as number) - (x[i] as number)) * (py - yi)) / (yj - yi) + (x[i] as number);
        if (px < crossing) inside = !inside;
      }
    }
  }
  return inside;
}

function boxArea(box: Box | null): number {
  return box ? (box[2] - box[0]) * (box[3] - box[1]) : Infinity;
}

function featureBoxes({ polygons, lines, points, count }: Layer): Float64Array {
  const boxes = new Float64Array(4 * count).fill(NaN);
  for (const paths of [polygons, lines]) if (paths) growBoxes(boxes, paths.featureStart, paths.pathStart, paths.x, paths.y);
  if (points) growBoxes(boxes, points.featureStart, null, points.x, points.y);
  return boxes;
}

/** Let the box of each feature hold its points, which lie one after another. */
function growBoxes(boxes: Float64Array, featureStart: Uint32Array, pathStart: Uint32Array | null, x: Float64Array, y: Float64Array): void {
  for (let feature = 0; feature < featureStart.length - 1; feature++) {
    let [first, last] = [featureStart[feature] as number, featureStart[feature + 1] as number];
    if (pathStart) [first, last] = [pathStart[first] as number, pathStart[last] as number];
    if (first === last) continue;
    const at = 4 * feature;
    const isEmpty = Number.isNaN(boxes[at]);
    let minX = isEmpty ? Infinity : (boxes[at] as number);
    let minY = isEmpty ? Infinity : (boxes[at + 1] as number);
    let maxX = isEmpty ? -Infinity : (boxes[at + 2] as number);
    let maxY = isEmpty ? -Infinity : (boxes[at + 3] as number);
    for (let i = first; i < last; i++) {
      const px = x[i] as number;
      const py = y[i] as number;
      if (px < minX) minX = px;
      if (px > maxX) maxX = px;
      if (py < minY) minY = py;
      if (py > maxY) maxY = py;
    }
    if (minX > maxX) continue; // points that are nowhere
    boxes[at] = minX;
    boxes[at + 1] = minY;
    boxes[at + 2] = maxX;
    boxes[at + 3] = maxY;
  }
}

/** The area of polygons in squares of the world's side; their rings turn one way and their holes the other. */
export function areaOf(polygons: Paths | null): number {
  if (!polygons) return 0;
  const { featureStart, pathStart, x, y } = polygons;
  let sum = 0;
  for (let feature = 0; feature < featureStart.length - 1; feature++) {
    let twice = 0;
    for (let path = featureStart[feature] as number; path < (featureStart[feature + 1] as number); path++) {
      const [start, end] = [pathStart[path] as number, pathStart[path + 1] as number];
      // From the first corner: so close together that the products keep their digits.
      for (let i = start + 1; i < end - 1; i++) {
        const [ax, ay] = [(x[i] as number) - (x[start] as number), (y[i] as number) - (y[start] as number)];
        const [bx, by] = [(x[i + 1] as number) - (x[start] as number), (y[i + 1] as number) - (y[start] as number)];
        twice += ax * by - bx * ay;
      }
    }
    sum += Math.abs(twice) / 2;
  }
  return sum;
}
