/** Read a pack (the format is described in `maps/pack.py`) into flat arrays ready for drawing. */
import { once } from "./once.ts";

const VERSION = 1;

/** Layers whose borders are drawn as lines of their own. */
const EDGED: ReadonlySet<string> = new Set(["grids", "grids_before", "communities", "cells"]);

interface GeometryHeader {
  parts: number;
  part_arcs?: number;
  arcs?: number;
  x?: number;
  y?: number;
}

interface ColumnHeader {
  type: "int" | "bool" | "number" | "text" | "category";
  values: number | (string | null)[];
  codes?: number;
  nulls?: number;
  decimals?: number;
}

interface LayerHeader {
  count: number;
  geometry: Partial<Record<"polygon" | "line" | "point", GeometryHeader>>;
  columns: Record<string, ColumnHeader>;
}

interface Header {
  version: number;
  origin: [lon: number, lat: number];
  step: number;
  blocks: [encoding: "plain" | "delta", start: number, bytes: number, count: number][];
  arcs: { points: number; x: number; y: number };
  layers: Record<string, LayerHeader>;
}

/** Feature i has the paths featureStart[i] .. featureStart[i + 1], path j the points pathStart[j] .. pathStart[j + 1].
 * Points are Web Mercator, the world a unit square with its origin in the north-west. */
export interface Paths {
  featureStart: Uint32Array;
  pathStart: Uint32Array;
  x: Float64Array;
  y: Float64Array;
}

/** Feature i has the points featureStart[i] .. featureStart[i + 1]. */
export interface Points {
  featureStart: Uint32Array;
  x: Float64Array;
  y: Float64Array;
}

/** The arcs that polygons are made of: arc i has the points start[i] .. start[i + 1] and lies between the features
 * owner[2 * i] and owner[2 * i + 1] (-1: nothing of this layer). */
export interface Arcs {
  start: Uint32Array;
  owner: Int32Array;
  x: Float64Array;
  y: Float64Array;
}

type Value = string | number | boolean | null;

export interface Columns {
  has(name: string): boolean;
  get(name: string): readonly Value[] | undefined;
}

/** A layer of a pack decodes each of its parts when it is first asked for: most are not seen as a page opens. */
export interface Layer {
  name: string;
  count: number;
  columns: Columns;
  polygons: Paths | null;
  /** The borders of the polygons, each once: what two neighbours share belongs to the first of them. */
  edges: Paths | null;
  lines: Paths | null;
  points: Points | null;
  /** What lies between which polygons; made anew each time it is asked for. */
  arcs?: () => Arcs;
}

export class PackError extends Error {}

/** Decode base64 of a pack; `inflate` serves browsers that cannot do it themselves (Chromium 78 and 79). */
export async function readPack(base64: string, inflate: (gzip: Uint8Array) => Promise<Uint8Array>): Promise<Map<string, Layer>> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return typeof DecompressionStream === "undefined" ? decodePack(await inflate(bytes)) : inflatePack(bytes);
}

/** Decode a pack as the service sends it. */
export async function inflatePack(bytes: Uint8Array<ArrayBuffer>): Promise<Map<string, Layer>> {
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return decodePack(new Uint8Array(await new Response(inflated).arrayBuffer()));
}

/** Decode the bytes of a pack, inflated. */
export function decodePack(bytes: Uint8Array): Map<string, Layer> {
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== "wgpk") throw new PackError("not a pack");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Header;
  if (header.version !== VERSION) throw new PackError(`pack of version ${header.version}`);
  const reader = new Reader(header, bytes.subarray(8 + length));
  return new Map(Object.keys(header.layers).map((name) => [name, reader.layer(name)]));
}

export function decodeVarints(bytes: Uint8Array, count: number, isDelta: boolean): Float64Array {
  const out = new Float64Array(count);
  let at = 0;
  let before = 0;
  for (let i = 0; i < count; i++) {
    let octet = bytes[at++] as number;
    let bits = octet & 127;
    for (let shift = 7; octet >= 128 && shift < 28; shift += 7) {
      octet = bytes[at++] as number;
      bits |= (octet & 127) << shift;
    }
    let value = (bits >>> 1) ^ -(bits & 1);
    if (octet >= 128) {
      let long = bits;
      for (let factor = 2 ** 28; octet >= 128; factor *= 128) {
        octet = bytes[at++] as number;
        long += (octet & 127) * factor; // not a shift: numbers may be longer than 32 bits
      }
      value = long % 2 ? -(long + 1) / 2 : long / 2;
    }
    before = isDelta ? before + value : value;
    out[i] = before;
  }
  return out;
}

export function worldX(lon: number): number {
  return lon / 360 + 0.5;
}

export function worldY(lat: number): number {
  const sin = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
}

export function latitude(y: number): number {
  return (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
}

export function longitude(x: number): number {
  return (x - 0.5) * 360;
}

class Reader {
  private readonly arcStart = once(() => starts(this.block(this.header.arcs.points)));
  private readonly arcX = once(() => this.block(this.header.arcs.x));
  private readonly arcY = once(() => this.block(this.header.arcs.y));

  constructor(
    private readonly header: Header,
    private readonly body: Uint8Array,
  ) {}

  layer(name: string): Layer {
    const { count, geometry, columns } = this.header.layers[name] as LayerHeader;
    const { polygon, line, point } = geometry;
    const made = new Map(Object.entries(columns).map(([key, column]) => [key, once(() => this.column(column))]));
    const polygons = once(() => (polygon ? this.paths(polygon, false) : null));
    const edges = once(() => (polygon && EDGED.has(name) ? this.paths(polygon, true) : null));
    const lines = once(() => (line ? this.paths(line, false) : null));
    const points = once(() => (point ? this.points(point) : null));
    return {
      name,
      count,
      columns: { has: (key) => made.has(key), get: (key) => made.get(key)?.() },
      get polygons() {
        return polygons();
      },
      get edges() {
        return edges();
      },
      get lines() {
        return lines();
      },
      get points() {
        return points();
      },
      arcs: () => this.arcs(polygon),
    };
  }

  private arcs(geometry: GeometryHeader | undefined): Arcs {
    const ownerOf = new Map<number, [number, number]>();
    if (geometry) {
      const parts = this.block(geometry.parts);
      const partArcs = this.block(geometry.part_arcs);
      const refs = this.block(geometry.arcs);
      let part = 0;
      let at = 0;
      for (let feature = 0; feature < parts.length; feature++) {
        for (let i = 0; i < (parts[feature] as number); i++, part++) {
          for (let k = 0; k < (partArcs[part] as number); k++) {
            const ref = refs[at++] as number;
            const arc = ref >= 0 ? ref : -ref - 1;
            const owners = ownerOf.get(arc);
            if (owners) owners[1] = feature;
            else ownerOf.set(arc, [feature, -1]);
          }
        }
      }
    }
    const [arcStart, arcX, arcY] = [this.arcStart(), this.arcX(), this.arcY()];
    const start = new Uint32Array(ownerOf.size + 1);
    const owner = new Int32Array(2 * ownerOf.size);
    const x: Float64Array[] = [];
    const y: Float64Array[] = [];
    let row = 0;
    for (const [arc, owners] of ownerOf) {
      const [from, to] = [arcStart[arc] as number, arcStart[arc + 1] as number];
      owner.set(owners, 2 * row);
      x.push(this.worldX(arcX.subarray(from, to)));
      y.push(this.worldY(arcY.subarray(from, to)));
      start[++row] = (start[row - 1] as number) + to - from;
    }
    return { start, owner, x: joined(x, start[row] as number), y: joined(y, start[row] as number) };
  }

  private block(position: number | undefined): Float64Array {
    const block = this.header.blocks[position ?? -1];
    if (!block) throw new PackError(`no block ${position}`);
    const [encoding, start, bytes, count] = block;
    return decodeVarints(this.body.subarray(start, start + bytes), count, encoding === "delta");
  }

  private column(column: ColumnHeader): readonly Value[] {
    if (Array.isArray(column.values)) {
      if (column.type === "text") return column.values;
      const names = column.values;
      return this.values(column.codes, (code) => names[code] ?? null);
    }
    const scale = 10 ** (column.decimals ?? 0);
    const isBool = column.type === "bool";
    const values = this.values(column.values, (value) => (isBool ? value === 1 : value / scale));
    if (column.nulls !== undefined) for (const gone of this.block(column.nulls)) values[gone] = null;
    return values;
  }

  private values(position: number | undefined, valueOf: (stored: number) => Value): Value[] {
    const stored = this.block(position);
    const values = new Array<Value>(stored.length);
    for (let i = 0; i < stored.length; i++) values[i] = valueOf(stored[i] as number);
    return values;
  }

  /** Put arcs together to paths: one for each part, or, of arcs not met before, one for each unbroken run. */
  private paths(geometry: GeometryHeader, onlyNew: boolean): Paths {
    const parts = this.block(geometry.parts);
    const partArcs = this.block(geometry.part_arcs);
    const refs = this.block(geometry.arcs);
    const [arcStart, arcX, arcY] = [this.arcStart(), this.arcX(), this.arcY()];
    const met = new Uint8Array(arcStart.length);
    const featureStart = new Uint32Array(parts.length + 1);
    const pathStart: number[] = [0];
    const chosen: number[] = []; // pairs: an arc, and how many of its points the arc before has drawn
    let part = 0;
    let at = 0;
    let total = 0;
    for (let feature = 0; feature < parts.length; feature++) {
      for (let i = 0; i < (parts[feature] as number); i++, part++) {
        let isOpen = false;
        const close = () => {
          if (isOpen) pathStart.push(total);
          isOpen = false;
        };
        for (let k = 0; k < (partArcs[part] as number); k++) {
          const ref = refs[at++] as number;
          const arc = ref >= 0 ? ref : -ref - 1;
          if (onlyNew && met[arc]) {
            close();
            continue;
          }
          met[arc] = 1;
          // The first point of a later arc is the last one of the arc before it.
          total += (arcStart[arc + 1] as number) - (arcStart[arc] as number) - (isOpen ? 1 : 0);
          chosen.push(ref, isOpen ? 1 : 0);
          isOpen = true;
        }
        close();
      }
      featureStart[feature + 1] = pathStart.length - 1;
    }
    const x = new Float64Array(total);
    const y = new Float64Array(total);
    let out = 0;
    for (let i = 0; i < chosen.length; i += 2) {
      const ref = chosen[i] as number;
      const arc = ref >= 0 ? ref : -ref - 1;
      const first = arcStart[arc] as number;
      const length = (arcStart[arc + 1] as number) - first;
      for (let k = chosen[i + 1] as number; k < length; k++) {
        const from = ref >= 0 ? first + k : first + length - 1 - k;
        x[out] = arcX[from] as number;
        y[out++] = arcY[from] as number;
      }
    }
    return { featureStart, pathStart: Uint32Array.from(pathStart), x: this.worldX(x), y: this.worldY(y) };
  }

  private points(geometry: GeometryHeader): Points {
    return {
      featureStart: starts(this.block(geometry.parts)),
      x: this.worldX(this.block(geometry.x)),
      y: this.worldY(this.block(geometry.y)),
    };
  }

  private worldX(steps: Float64Array): Float64Array {
    const { origin, step } = this.header;
    const out = new Float64Array(steps.length);
    for (let i = 0; i < steps.length; i++) out[i] = worldX(origin[0] + step * (steps[i] as number));
    return out;
  }

  private worldY(steps: Float64Array): Float64Array {
    const { origin, step } = this.header;
    const out = new Float64Array(steps.length);
    for (let i = 0; i < steps.length; i++) out[i] = worldY(origin[1] + step * (steps[i] as number));
    return out;
  }
}

function joined(pieces: readonly Float64Array[], length: number): Float64Array {
  const all = new Float64Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function starts(counts: Float64Array): Uint32Array {
  const out = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) out[i + 1] = (out[i] as number) + (counts[i] as number);
  return out;
}
