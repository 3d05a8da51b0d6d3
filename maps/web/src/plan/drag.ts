/** A shared border that is dragged: units jump sides as it passes their middles, and both neighbours follow. */
import type { Edit, Said } from "./edit.ts";
import { sweptRing, type Point } from "./geometry.ts";
import type { Plan } from "./plan.ts";
import type { UnitPoints } from "./points.ts";
import { Recording } from "./recording.ts";

export class BorderDrag {
  private readonly recording: Recording;
  private readonly jumped = new Set<number>();

  /** The border between two grids (-1: the ground of no grid) as a line, in the coordinates of the points. */
  constructor(
    private readonly plan: Plan,
    private readonly points: UnitPoints,
    private readonly grids: readonly [number, number],
    private readonly line: readonly Point[],
  ) {
    this.recording = new Recording(plan);
  }

  /** Grids whose totals have changed since the drag began. */
  get touched(): ReadonlySet<number> {
    return this.recording.touched;
  }

  /**
   * Drag the border to where a line is now and return the units that changed grids since the last call. The units
   * between the border as it was at first and as it is now are on the other side; those it has left again are back.
   */
  moveTo(line: readonly Point[]): number[] {
    const between = new Set(this.points.inRing(sweptRing(this.line, line)));
    const changed: number[] = [];
    for (const unit of this.jumped) {
      if (between.has(unit) || !this.jump(unit)) continue;
      this.jumped.delete(unit);
      changed.push(unit);
    }
    for (const unit of between) {
      if (this.jumped.has(unit) || !this.jump(unit)) continue;
      this.jumped.add(unit);
      changed.push(unit);
    }
    return changed;
  }

  /** End the drag: everything is recounted. Null where no unit changed sides. */
  end(said: Said): Edit | null {
    const edit = this.recording.finish("drag", said);
    this.plan.recount();
    return edit;
  }

  /** Give the drag up: everything is as before. */
  drop(): void {
    this.recording.drop();
    this.jumped.clear();
  }

  private jump(unit: number): boolean {
    const [a, b] = this.grids;
    const grid = this.plan.grid[unit];
    if (grid !== a && grid !== b) return false;
    return this.recording.put(unit, grid === a ? b : a);
  }
}
