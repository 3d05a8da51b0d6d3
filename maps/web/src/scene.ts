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

/** The features that have a place, with the tree of their boxes; null where none has. */
interface Located {
  index: Flatbush;
  features: Uint32Array;
}

/** A layer whose boxes and index are made when it is first asked what lies where. */
export class IndexedLayer {
  private readonly madeBoxes = once(() => featureBoxes(this.layer));
  private readonly located = once(() => this.indexed());

  constructor(readonly layer: Layer) {}

  /** Boxes of the features, four numbers each; NaN where a feature has no geometry. */
  get boxes(): Float64Array {
    return this.madeBoxes();
  }

  private indexed(): Located | null {
    const { boxes } = this;
    const features: number[] = [];
    for (let i = 0; i < this.layer.count; i++) if (!Number.isNaN(boxes[4 * i])) features.push(i);
    if (!features.length) return null;
    const index = new Flatbush(features.length);
    for (const i of features) index.add(boxes[4 * i] as number, boxes[4 * i + 1] as number, boxes[4 * i + 2] as number, boxes[4 * i + 3] as number);
    index.finish();
    return { index, features: Uint32Array.from(features) };
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
  within([minX, minY, maxX, maxY]: Box): number[] {
    const located = this.located();
    if (!located) return [];
    const found = located.index.search(minX, minY, maxX, maxY).map((i) => located.features[i] as number);
    return found.sort((a, b) => a - b);
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

  has(name: LayerName): boolean {
    return (this.pack.get(name)?.count ?? 0) > 0;
  }

  /** The box of everything that is drawn, or null where nothing has a place. */
  bounds(): Box | null {
    for (const names of [["grids", "communities"], ["units", "incidents", "stations", "context"]]) {
      const boxes = names.flatMap((name) => {
        const layer = this.get(name);
        return Array.from({ length: layer.count }, (_, i) => layer.box(i));
      });
      const box = union(boxes);
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

function featureBoxes(layer: Layer): Float64Array {
  const boxes = new Float64Array(4 * layer.count).fill(NaN);
  const grow = (feature: number, x: Float64Array, y: Float64Array, start: number, end: number) => {
    for (let i = start; i < end; i++) {
      const at = 4 * feature;
      const px = x[i] as number;
      const py = y[i] as number;
      // Written so that NaN, the box of nothing, gives way.
      if (!(px >= (boxes[at] as number))) boxes[at] = px;
      if (!(py >= (boxes[at + 1] as number))) boxes[at + 1] = py;
      if (!(px <= (boxes[at + 2] as number))) boxes[at + 2] = px;
      if (!(py <= (boxes[at + 3] as number))) boxes[at + 3] = py;
    }
  };
  const { polygons, lines, points, count } = layer;
  const drawn = [polygons, lines].filter((paths): paths is Paths => paths !== null);
  for (let feature = 0; feature < count; feature++) {
    for (const paths of drawn) {
      const first = paths.pathStart[paths.featureStart[feature] as number] as number;
      const last = paths.pathStart[paths.featureStart[feature + 1] as number] as number;
      grow(feature, paths.x, paths.y, first, last);
    }
    if (points) {
      const start = points.featureStart[feature] as number;
      grow(feature, points.x, points.y, start, points.featureStart[feature + 1] as number);
    }
  }
  return boxes;
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
