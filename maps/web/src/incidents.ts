/** Incidents: which are chosen by kind and state, and how they gather into clusters. */
import Supercluster from "supercluster";
import { latitude, longitude } from "./pack.ts";
import type { Box, IndexedLayer } from "./scene.ts";

/** How near, in pixels, incidents gather, and the zoom from which on each stands alone. */
const RADIUS = 64;
export const ALONE_FROM_ZOOM = 19;

export interface Gathering {
  lon: number;
  lat: number;
  count: number;
  /** The incident itself where it stands alone. */
  incident: number | null;
  cluster: number | null;
}

/** Values of a column with their counts, the most frequent first; "" for none. */
export function tally(layer: IndexedLayer, column: string): [value: string, count: number][] {
  const counts = new Map<string, number>();
  for (let i = 0; i < layer.count; i++) {
    const value = layer.text(column, i);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

export class Incidents {
  readonly kinds: [string, number][];
  readonly states: [string, number][];
  readonly hiddenKinds = new Set<string>();
  readonly hiddenStates = new Set<string>();
  /** Minutes of report that are shown while time slides, the end not included; null for all. */
  window: [from: number, to: number] | null = null;
  private clusters: Supercluster<{ incident: number }> | null = null;
  private nChosen = 0;

  constructor(readonly layer: IndexedLayer) {
    this.kinds = tally(layer, "kind");
    this.states = tally(layer, "state");
  }

  get chosen(): number {
    this.gather();
    return this.nChosen;
  }

  get isFiltered(): boolean {
    return this.hiddenKinds.size + this.hiddenStates.size > 0;
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
    return !this.hiddenKinds.has(this.layer.text("kind", incident)) &&
      !this.hiddenStates.has(this.layer.text("state", incident));
  }

  show(column: "kind" | "state", value: string, isShown: boolean): void {
    const hidden = column === "kind" ? this.hiddenKinds : this.hiddenStates;
    if (isShown) hidden.delete(value);
    else hidden.add(value);
    this.clusters = null;
  }

  within([minX, minY, maxX, maxY]: Box, zoom: number): Gathering[] {
    const box: [number, number, number, number] = [longitude(minX), latitude(maxY), longitude(maxX), latitude(minY)];
    return this.gather().getClusters(box, Math.floor(zoom)).map((feature) => {
      const [lon, lat] = feature.geometry.coordinates as [number, number];
      const { properties } = feature;
      if ("cluster" in properties) {
        return { lon, lat, count: properties.point_count, incident: null, cluster: properties.cluster_id };
      }
      return { lon, lat, count: 1, incident: properties.incident, cluster: null };
    });
  }

  /** The incidents of some gatherings. */
  members(gatherings: readonly Gathering[]): number[] {
    const clusters = this.gather();
    return gatherings.flatMap(({ incident, cluster }) => {
      if (incident !== null) return [incident];
      return clusters.getLeaves(cluster as number, Infinity).map((leaf) => leaf.properties.incident);
    });
  }

  private gather(): Supercluster<{ incident: number }> {
    if (!this.clusters) {
      const points: Parameters<Supercluster<{ incident: number }>["load"]>[0] = [];
      for (let incident = 0; incident < this.layer.count; incident++) {
        const middle = this.isChosenKind(incident) ? this.layer.middle(incident) : null;
        if (!middle) continue;
        const coordinates = [longitude(middle[0]), latitude(middle[1])];
        points.push({ type: "Feature", properties: { incident }, geometry: { type: "Point", coordinates } });
      }
      this.nChosen = points.length;
      this.clusters = new Supercluster<{ incident: number }>({ radius: RADIUS, extent: 256, maxZoom: ALONE_FROM_ZOOM - 1 });
      this.clusters.load(points);
    }
    return this.clusters;
  }
}
