/** Read a pack (the format is described in `maps/pack_format.py`) into flat arrays ready for drawing. */
import { once } from "./once.ts";

const VERSION = 2;

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
  values: number;
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
  blocks: [encoding: "plain" | "delta" | "text", start: number, bytes: number, count: number][];
  arcs: { points: number; x: number; y: number }[];
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
  const bytes = bytesOf(base64);
  return typeof DecompressionStream === "undefined" ? decodePack(await inflate(bytes)) : inflatePack(bytes);
}

/** Chromium 140 reads base64 by itself. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  if (fromBase64) return fromBase64.call(Uint8Array, base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
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
  /** Arc i has the points arcStart[i] .. arcStart[i + 1]. */
  private readonly arcStart = once(() => starts(joined(this.header.arcs.map(({ points }) => this.block(points)))));
  private readonly banks = once(() => this.banked());
  /** Points of arcs in the world, placed when an arc is first met: grids and their borders share them, most are of units. */
  private readonly world = once(() => {
    const start = this.arcStart();
    const total = start[start.length - 1] as number;
    return { x: new Float64Array(total), y: new Float64Array(total), isPlaced: new Uint8Array(start.length) };
  });

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
    const [arcStart, world] = [this.arcStart(), this.world()];
    const start = new Uint32Array(ownerOf.size + 1);
    const owner = new Int32Array(2 * ownerOf.size);
    const x: Float64Array[] = [];
    const y: Float64Array[] = [];
    let row = 0;
    for (const [arc, owners] of ownerOf) {
      const [from, to] = [arcStart[arc] as number, arcStart[arc + 1] as number];
      owner.set(owners, 2 * row);
      if (!world.isPlaced[arc]) this.place(arc);
      x.push(world.x.subarray(from, to));
      y.push(world.y.subarray(from, to));
      start[++row] = (start[row - 1] as number) + to - from;
    }
    return { start, owner, x: joined(x), y: joined(y) };
  }

  private block(position: number | undefined): Float64Array {
    const block = this.header.blocks[position ?? -1];
    if (!block) throw new PackError(`no block ${position}`);
    const [encoding, start, bytes, count] = block;
    return decodeVarints(this.body.subarray(start, start + bytes), count, encoding === "delta");
  }

  private texts(position: number): (string | null)[] {
    const block = this.header.blocks[position];
    if (!block) throw new PackError(`no block ${position}`);
    const [, start, bytes] = block;
    return JSON.parse(new TextDecoder().decode(this.body.subarray(start, start + bytes))) as (string | null)[];
  }

  private column(column: ColumnHeader): readonly Value[] {
    if (column.type === "text") return this.texts(column.values);
    if (column.type === "category") {
      const names = this.texts(column.values);
      return this.values(column.codes, (code) => names[code] ?? null);
    }
    const scale = 10 ** (column.decimals ?? 0);
    const values: Value[] = column.type === "bool" ? this.values(column.values, (value) => value === 1)
      : scale === 1 ? Array.from(this.block(column.values)) : this.values(column.values, (value) => value / scale);
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
    const arcStart = this.arcStart();
    const met = onlyNew ? new Uint8Array(arcStart.length) : null;
    const featureStart = new Uint32Array(parts.length + 1);
    // A run begins at most at every arc.
    const pathStart = new Uint32Array((met ? refs.length : partArcs.length) + 1);
    // Of each arc of a path: the arc (with its way), and whether the arc before it has drawn its first point.
    const chosen = new Int32Array(refs.length);
    const goesOn = new Uint8Array(refs.length);
    let [paths, uses, total] = [0, 0, 0];
    let [part, at] = [0, 0];
    for (let feature = 0; feature < parts.length; feature++) {
      for (let end = part + (parts[feature] as number); part < end; part++) {
        let isOpen = false;
        for (let last = at + (partArcs[part] as number); at < last; at++) {
          const ref = refs[at] as number;
          const arc = ref >= 0 ? ref : -ref - 1;
          if (met && met[arc]) {
            if (isOpen) pathStart[++paths] = total;
            isOpen = false;
            continue;
          }
          if (met) met[arc] = 1;
          // The first point of a later arc is the last one of the arc before it.
          total += (arcStart[arc + 1] as number) - (arcStart[arc] as number) - (isOpen ? 1 : 0);
          chosen[uses] = ref;
          goesOn[uses++] = isOpen ? 1 : 0;
          isOpen = true;
        }
        if (isOpen) pathStart[++paths] = total;
      }
      featureStart[feature + 1] = paths;
    }
    const x = new Float64Array(total);
    const y = new Float64Array(total);
    const { x: worldX, y: worldY, isPlaced } = this.world();
    let out = 0;
    for (let i = 0; i < uses; i++) {
      const ref = chosen[i] as number;
      const arc = ref >= 0 ? ref : -ref - 1;
      const first = arcStart[arc] as number;
      const end = arcStart[arc + 1] as number;
      if (!isPlaced[arc]) this.place(arc);
      const skipped = goesOn[i] as number;
      if (ref >= 0) {
        for (let k = first + skipped; k < end; k++) {
          x[out] = worldX[k] as number;
          y[out++] = worldY[k] as number;
        }
      } else {
        for (let k = end - 1 - skipped; k >= first; k--) {
          x[out] = worldX[k] as number;
          y[out++] = worldY[k] as number;
        }
      }
    }
    return { featureStart, pathStart: pathStart.slice(0, paths + 1), x, y };
  }

  /** The banks of arcs, the last one first; each decoded when an arc of it is first met. */
  private banked(): { first: number; x: () => Float64Array; y: () => Float64Array }[] {
    let first = 0;
    return this.header.arcs.map(({ points, x, y }) => {
      const bank = { first, x: once(() => this.block(x)), y: once(() => this.block(y)) };
      first += this.block(points).length;
      return bank;
    }).reverse();
  }

  private place(arc: number): void {
    const { x, y, isPlaced } = this.world();
    const start = this.arcStart();
    const bank = this.banks().find(({ first }) => arc >= first);
    if (!bank) throw new PackError(`no arc ${arc}`);
    const [arcX, arcY] = [bank.x(), bank.y()];
    const { origin, step } = this.header;
    const [from, to, before] = [start[arc] as number, start[arc + 1] as number, start[bank.first] as number];
    for (let k = from; k < to; k++) {
      x[k] = worldX(origin[0] + step * (arcX[k - before] as number));
      y[k] = worldY(origin[1] + step * (arcY[k - before] as number));
    }
    isPlaced[arc] = 1;
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

function joined(pieces: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0));
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
