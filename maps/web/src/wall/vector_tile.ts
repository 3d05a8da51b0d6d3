/** Just enough of Mapbox Vector Tiles 2.1 to draw their shapes: no attributes, no library. */

export interface TileShape {
  /** 1 point, 2 line, 3 polygon. */
  kind: number;
  /** Parts of x, y, x, y, …, in steps of the tile's side from its corner. */
  parts: number[][];
}

export interface TileLayer {
  extent: number;
  shapes: TileShape[];
}

class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The fields of a message: number, and a number or the bytes of its value. */
  *fields(): Generator<[field: number, value: number | Uint8Array]> {
    while (this.at < this.bytes.length) {
      const key = this.varint();
      const wire = key & 7;
      if (wire === 0) yield [key >> 3, this.varint()];
      else if (wire === 2) {
        const length = this.varint();
        yield [key >> 3, this.bytes.subarray(this.at, (this.at += length))];
      } else this.at += wire === 1 ? 8 : 4;
    }
  }

  *numbers(): Generator<number> {
    while (this.at < this.bytes.length) yield this.varint();
  }

  private varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}

export function readTile(bytes: Uint8Array): TileLayer[] {
  return [...new Reader(bytes).fields()].filter(([field]) => field === 3).map(([, value]) => readLayer(value as Uint8Array));
}

function readLayer(bytes: Uint8Array): TileLayer {
  const layer: TileLayer = { extent: 4096, shapes: [] };
  for (const [field, value] of new Reader(bytes).fields()) {
    if (field === 5) layer.extent = value as number;
    else if (field === 2) layer.shapes.push(readShape(value as Uint8Array));
  }
  return layer;
}

function readShape(bytes: Uint8Array): TileShape {
  const shape: TileShape = { kind: 0, parts: [] };
  for (const [field, value] of new Reader(bytes).fields()) {
    if (field === 3) shape.kind = value as number;
    else if (field === 4) shape.parts = readParts(value as Uint8Array);
  }
  return shape;
}

function readParts(bytes: Uint8Array): number[][] {
  const parts: number[][] = [];
  const numbers = new Reader(bytes).numbers();
  const next = () => numbers.next().value as number;
  let [x, y] = [0, 0];
  for (let said = numbers.next(); !said.done; said = numbers.next()) {
    const [command, count] = [said.value & 7, said.value >> 3];
    for (let i = 0; i < count; i++) {
      if (command === 7) {
        const part = parts[parts.length - 1];
        if (part) part.push(part[0] as number, part[1] as number);
        continue;
      }
      x += unzigzag(next());
      y += unzigzag(next());
      if (command === 1) parts.push([x, y]);
      else parts[parts.length - 1]?.push(x, y);
    }
  }
  return parts;
}

function unzigzag(value: number): number {
  return value % 2 ? -(value + 1) / 2 : value / 2;
}
