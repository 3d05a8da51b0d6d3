/** A stroke of the brush: units go to one grid while the hand moves, totals follow, and its end is one edit. */
import type { Edit, Said } from "./edit.ts";
import type { Plan } from "./plan.ts";
import { Recording } from "./recording.ts";

export interface StrokeOptions {
  /** The grid that units go to; -1 takes them out of all grids, `new` makes a grid when the first unit is painted. */
  to: number | "new";
  /** Only units that were in this grid when the stroke began are painted (-1: only those in none). */
  from?: number;
}

export class Stroke {
  private readonly recording: Recording;
  private to: number | "new";
  private readonly from: number | undefined;

  constructor(plan: Plan, { to, from }: StrokeOptions) {
    this.recording = new Recording(plan);
    this.to = to;
    this.from = from;
  }

  /** Grids whose totals have changed since the stroke began. */
  get touched(): ReadonlySet<number> {
    return this.recording.touched;
  }

  /** The grid that units go to; null while a new one has no unit yet. */
  get target(): number | null {
    return this.to === "new" ? null : this.to;
  }

  /** Paint units and return those that changed grids: locked ones and those of other sources did not. */
  paint(units: Iterable<number>): number[] {
    const { plan } = this.recording;
    const painted: number[] = [];
    for (const unit of units) {
      if (plan.holds(unit) || (this.from !== undefined && plan.grid[unit] !== this.from)) continue;
      if (this.to === "new") this.to = this.recording.addGrid();
      if (this.recording.put(unit, this.to)) painted.push(unit);
    }
    return painted;
  }

  /** End the stroke: everything is recounted. Null where nothing was painted. */
  end(said: Said): Edit | null {
    const edit = this.recording.finish("paint", said);
    this.recording.plan.recount();
    return edit;
  }

  /** Give the stroke up: everything is as before. */
  drop(): void {
    this.recording.drop();
  }
}
