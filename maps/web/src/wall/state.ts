/** What a wall knows between two answers of the service: the clusters of the view, and the reports told since. Bounded. */
import type { CaseBody, Cluster, Clusters, Summary } from "./schema.ts";

/** Reports kept to be put onto an answer that is older than they are, and shown as the latest. */
const MOST_REPORTS = 500;

export interface Report {
  event: number;
  at: string;
  body: CaseBody;
}

export function cellKey(x: number, y: number): string {
  return `${x}/${y}`;
}

/** The web's Mercator square: (0, 0) is its north-west, (1, 1) its south-east. */
export function worldOf(lon: number, lat: number): [x: number, y: number] {
  const bounded = (Math.max(-85.0511287798, Math.min(85.0511287798, lat)) * Math.PI) / 180;
  return [lon / 360 + 0.5, 0.5 - Math.log(Math.tan(Math.PI / 4 + bounded / 2)) / (2 * Math.PI)];
}

export class WallState {
  clusters = new Map<string, Cluster>();
  total = 0;
  unmapped = 0;
  summary: Summary | null = null;
  private reports: Report[] = [];
  private box: Pick<Clusters, "cells_x" | "cells_y" | "per_world"> | null = null;

  /** Cells side by side round the world, of what is shown; null while nothing is. */
  get perWorld(): number | null {
    return this.box?.per_world ?? null;
  }

  /** Reports that came last, the newest first. */
  latest(most: number): readonly Report[] {
    return this.reports.slice(-most).reverse();
  }

  /** Take an answer about the view, and put onto it what was told after it. */
  takeClusters(said: Clusters): void {
    this.clusters = new Map(said.clusters.map((each) => [cellKey(each.x, each.y), each]));
    this.box = said;
    this.total = said.total;
    this.unmapped = said.unmapped;
    if (said.as_of === null) return;
    for (const report of this.reports) if (report.event > said.as_of) this.put(report);
  }

  takeSummary(said: Summary): void {
    this.summary = { ...said };
    if (said.as_of === null) return;
    for (const report of this.reports) if (report.event > said.as_of) this.count(report);
  }

  /** Take a report; returns the cell that it changed, null where that lies outside the view. */
  takeReport(report: Report): string | null {
    this.reports.push(report);
    if (this.reports.length > MOST_REPORTS) this.reports.splice(0, this.reports.length - MOST_REPORTS);
    this.count(report);
    return this.put(report);
  }

  /** Forget what belongs to another view or time. */
  clear(): void {
    this.clusters.clear();
    this.box = null;
    this.summary = null;
  }

  /** Number of things that are kept, for the test that this does not grow. */
  size(): number {
    return this.reports.length + this.clusters.size;
  }

  private count({ body }: Report): void {
    if (!this.summary) return;
    this.summary.open += 1;
    this.summary.reported_today += 1;
    this.summary.by_state[body.state] = (this.summary.by_state[body.state] ?? 0) + 1;
    if (body.lon === null || body.lat === null) this.summary.unmapped += 1;
  }

  private put({ body }: Report): string | null {
    if (!this.box) return null;
    this.total += 1;
    if (body.lon === null || body.lat === null) {
      this.unmapped += 1;
      return null;
    }
    const { cells_x, cells_y, per_world } = this.box;
    const [x, y] = worldOf(body.lon, body.lat).map((edge) => Math.floor(edge * per_world)) as [number, number];
    if (x < cells_x[0] || x > cells_x[1] || y < cells_y[0] || y > cells_y[1]) return null;
    const key = cellKey(x, y);
    const known = this.clusters.get(key);
    if (known) {
      const n = known.n + 1;
      this.clusters.set(key, {
        ...known, n, lon: (known.lon * known.n + body.lon) / n, lat: (known.lat * known.n + body.lat) / n, number: null,
      });
    } else {
      this.clusters.set(key, {
        x, y, lon: body.lon, lat: body.lat, n: 1, overdue: 0, soon: 0, number: body.number, state: body.state, due_at: body.due_at,
      });
    }
    return key;
  }
}
