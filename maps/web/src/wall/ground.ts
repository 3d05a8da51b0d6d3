/** What lies under the cases: water, roads, communities and micro-grids of the service's own tiles, on canvas. */
import * as L from "leaflet";
import { readTile, type TileLayer } from "./vector_tile.ts";

/** Twice the service's own side: a quarter of the questions, and a tile of the zoom before. */
const SIDE = 512;
/** Below this communities come as points, above as outlines; micro-grids from their own zoom on. Zooms of tiles. */
const OUTLINES_FROM = 10;
const GRIDS_FROM = 13;
/** A browser has six connections to a service: one is the stream, and cases go before their ground. */
const AT_ONCE = 2;
/** Tiles that are kept to be drawn again. */
const MOST_KEPT = 400;

const LAYERS: { name: string; from: number }[] = [
  { name: "water", from: 8 }, { name: "roads", from: 8 }, { name: "grids", from: GRIDS_FROM }, { name: "communities", from: OUTLINES_FROM },
];

interface Wanted {
  address: string;
  isWanted: () => boolean;
  done: (layers: TileLayer[]) => void;
  failed: (error: unknown) => void;
}

/** Tiles of the service, a few at a time; who does not want one any more does not wait for it. */
class TileSource {
  private readonly kept = new Map<string, TileLayer[]>();
  private readonly waiting: Wanted[] = [];
  private asking = 0;

  get(address: string, isWanted: () => boolean): Promise<TileLayer[]> {
    const known = this.kept.get(address);
    if (known) return Promise.resolve(known);
    return new Promise((done, failed) => {
      this.waiting.push({ address, isWanted, done, failed });
      this.next();
    });
  }

  private next(): void {
    while (this.asking < AT_ONCE) {
      const wanted = this.waiting.shift();
      if (!wanted) return;
      if (!wanted.isWanted()) {
        wanted.done([]);
        continue;
      }
      this.asking++;
      void this.ask(wanted).finally(() => {
        this.asking--;
        this.next();
      });
    }
  }

  private async ask({ address, done, failed }: Wanted): Promise<void> {
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.status > 204) throw new Error(String(answer.status));
      const layers = answer.status === 200 ? readTile(new Uint8Array(await answer.arrayBuffer())) : [];
      this.kept.set(address, layers);
      if (this.kept.size > MOST_KEPT) this.kept.delete(this.kept.keys().next().value as string);
      done(layers);
    } catch (error) {
      failed(error);
    }
  }
}

export class Ground extends L.GridLayer {
  private readonly source = new TileSource();
  private readonly gone = new WeakSet<HTMLElement>();

  constructor() {
    super({ tileSize: SIDE, noWrap: true, keepBuffer: 1, updateWhenZooming: false, className: "ground" });
    this.on("tileunload", ({ tile }: L.TileEvent) => this.gone.add(tile));
  }

  /** Draw all anew, in other colours; what was fetched is not fetched again. */
  recolour(): void {
    this.redraw();
  }

  override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const tile = document.createElement("canvas");
    // Between whole zooms the tiles of the nearest are shown larger or smaller, and are drawn for that.
    const stretch = this._map.getZoomScale(this._map.getZoom(), coords.z);
    const ratio = (window.devicePixelRatio || 1) * stretch;
    tile.width = tile.height = Math.round(SIDE * ratio);
    const pen = tile.getContext("2d");
    const zoom = coords.z - 1;
    if (!pen) return tile;
    const asked = LAYERS.filter(({ from }) => zoom >= from).map(async ({ name }) => ({
      name, layers: await this.source.get(`/tiles/${name}/${zoom}/${coords.x}/${coords.y}.mvt`, () => !this.gone.has(tile)),
    }));
    Promise.all(asked)
      .then((drawn) => {
        const colours = getComputedStyle(document.documentElement);
        pen.scale(ratio, ratio);
        for (const { name, layers } of drawn) for (const layer of layers) draw(pen, name, layer, colours, coords.z, 1 / stretch);
        done(undefined, tile);
      })
      .catch((error: unknown) => done(error as Error, tile));
    return tile;
  }
}

function draw(pen: CanvasRenderingContext2D, name: string, layer: TileLayer, colours: CSSStyleDeclaration, zoom: number, pixel: number): void {
  const scale = SIDE / layer.extent;
  pen.strokeStyle = pen.fillStyle = colours.getPropertyValue(`--map-${name}`).trim();
  pen.lineWidth = pixel * (name === "roads" ? (zoom >= 15 ? 3 : 1.5) : name === "communities" ? 2 : 1);
  pen.setLineDash(name === "grids" ? [4 * pixel, 3 * pixel] : []);
  pen.lineJoin = "round";
  for (const { kind, parts } of layer.shapes) {
    if (kind === 1) continue;
    pen.beginPath();
    for (const part of parts) {
      pen.moveTo((part[0] as number) * scale, (part[1] as number) * scale);
      for (let i = 2; i < part.length; i += 2) pen.lineTo((part[i] as number) * scale, (part[i + 1] as number) * scale);
    }
    if (name === "water" && kind === 3) pen.fill("evenodd");
    else pen.stroke();
  }
}
