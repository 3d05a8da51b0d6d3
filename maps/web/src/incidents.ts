/** Incidents: which are chosen by kind and state, and how they gather into clusters. */
import { once } from "./once.ts";
import type { Box, IndexedLayer } from "./scene.ts";

/** Side in pixels of the cells of a lattice in which incidents gather, and the zoom from which on each stands alone. */
const CELL_PX = 64;
export const ALONE_FROM_ZOOM = 19;

export interface Gathering {
  /** The middle of its incidents, in coordinates of the layers. */
  x: number;
  y: number;
  incidents: number[];
}

/** Incidents that are chosen: how many are on the map, and how many have no place and so are on none. */
export interface Counted {
  placed: number;
  placeless: number;
}

/** Incidents that are chosen and have a place. */
interface Places {
  incident: Int32Array;
  x: Float64Array;
  y: Float64Array;
}

/** Values of a column with their counts, the most frequent first; "" for none. */
export function tally(layer: IndexedLayer, column: string): [value: string, count: number][] {
  const counts = new Map<string, number>();
  for (const value of layer.texts(column)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

export class Incidents {
  private readonly tallies = { kind: once(() => tally(this.layer, "kind")), state: once(() => tally(this.layer, "state")) };
  readonly hiddenKinds = new Set<string>();
  readonly hiddenStates = new Set<string>();
  /** Minutes of report that are shown while time slides, the end not included; null for all. */
  window: [from: number, to: number] | null = null;
  private places = once(() => this.placed());
  private readonly areAllPlaced = once(() => Array.from({ length: this.layer.count }, (_, i) => i).every((i) => this.isPlaced(i)));

  constructor(readonly layer: IndexedLayer) {}

  get kinds(): [string, number][] {
    return this.tallies.kind();
  }

  get states(): [string, number][] {
    return this.tallies.state();
  }

  get chosen(): number {
    return this.places().incident.length;
  }

  get isFiltered(): boolean {
    return this.hiddenKinds.size + this.hiddenStates.size > 0;
  }

  /** How many of the kinds and states that are shown have no place, and so are on no map. */
  get placeless(): number {
    let found = 0;
    for (let i = 0; i < this.layer.count; i++) if (!this.isPlaced(i) && this.isChosenKind(i)) found += 1;
    return found;
  }

  /** Count those of some incidents that are of the kinds and states that are shown. */
  counted(incidents: Int32Array): Counted {
    // While time slides this is asked for every picture.
    if (!this.isFiltered && this.areAllPlaced()) return { placed: incidents.length, placeless: 0 };
    const counted = { placed: 0, placeless: 0 };
    for (const incident of incidents) if (this.isChosenKind(incident)) counted[this.isPlaced(incident) ? "placed" : "placeless"] += 1;
    return counted;
  }

  private isPlaced(incident: number): boolean {
    return !Number.isNaN(this.layer.boxes[4 * incident]);
  }

  /** How many have a place, where none of these is in a grid of the plan; else 0. */
  elsewhere(): number {
    const { layer } = this;
    let placed = 0;
    for (let i = 0; i < layer.count; i++) {
      if (!this.isPlaced(i)) continue;
      if (layer.number("grid", i) !== null) return 0;
      placed += 1;
    }
    return placed;
  }

  /** Is an incident of a kind and a state, and of a time, that are shown? */
  isChosen(incident: number): boolean {
    return this.isChosenKind(incident) && this.isInWindow(incident);
  }

  private isInWindow(incident: number): boolean {
    if (!this.window) return true;
    const at = this.layer.number("reported_min", incident);
    return at !== null && at >= this.window[0] && at < this.window[1];
  }

  isChosenKind(incident: number): boolean {
    return !this.isFiltered || !this.hiddenKinds.has(this.layer.text("kind", incident)) &&
      !this.hiddenStates.has(this.layer.text("state", incident));
  }

  show(column: "kind" | "state", value: string, isShown: boolean): void {
    const hidden = column === "kind" ? this.hiddenKinds : this.hiddenStates;
    if (isShown) hidden.delete(value);
    else hidden.add(value);
    this.places = once(() => this.placed());
  }

  /** Incidents by the cells that a box meets: whole cells, so that a circle keeps its count however the map is moved. */
  within([minX, minY, maxX, maxY]: Box, zoom: number): Gathering[] {
    if (zoom >= ALONE_FROM_ZOOM) {
      return this.layer.within([minX, minY, maxX, maxY]).filter((incident) => this.isChosenKind(incident)).map((incident) => {
        const [x, y] = this.layer.middle(incident) as [number, number];
        return { x, y, incidents: [incident] };
      });
    }
    const side = CELL_PX / (256 * 2 ** Math.floor(zoom));
    const [first, top, last, bottom] = [minX, minY, maxX, maxY].map((each) => Math.floor(each / side)) as Box;
    const cells = new Map<number, Gathering>();
    const { incident, x, y } = this.places();
    for (let i = 0; i < incident.length; i++) {
      const atX = x[i] as number;
      const atY = y[i] as number;
      const column = Math.floor(atX / side);
      const row = Math.floor(atY / side);
      if (column < first || column > last || row < top || row > bottom) continue;
      const key = (row - top) * (last - first + 1) + column - first;
      const cell = cells.get(key);
      if (!cell) {
        cells.set(key, { x: atX, y: atY, incidents: [incident[i] as number] });
        continue;
      }
      const count = cell.incidents.push(incident[i] as number);
      cell.x += (atX - cell.x) / count;
      cell.y += (atY - cell.y) / count;
    }
    return [...cells.values()];
  }

  private placed(): Places {
    const { boxes, count } = this.layer;
    const incident: number[] = [];
    for (let i = 0; i < count; i++) if (this.isPlaced(i) && this.isChosenKind(i)) incident.push(i);
    const [x, y] = [new Float64Array(incident.length), new Float64Array(incident.length)];
    for (let k = 0; k < incident.length; k++) {
      const at = 4 * (incident[k] as number);
      x[k] = ((boxes[at] as number) + (boxes[at + 2] as number)) / 2;
      y[k] = ((boxes[at + 1] as number) + (boxes[at + 3] as number)) / 2;
    }
    return { incident: Int32Array.from(incident), x, y };
  }
}
