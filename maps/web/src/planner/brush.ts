/** The brush: units under the hand go to the chosen grid. */
import type { Point } from "../plan/geometry.ts";
import { worldOfPixel, type At, type Bench, type Grip } from "./hand.ts";
import { gridAt, unitAt } from "./under.ts";

export class BrushGrip implements Grip {
  readonly movesMap = false;
  readonly followsWay = true;
  private last: Point | null = null;

  constructor(private readonly bench: Bench) {}

  down(at: At): boolean {
    const { hand, desk, told } = this.bench;
    if (at.event.altKey) {
      const grid = gridAt(this.bench, at.world);
      if (grid >= 0) told.chose(grid);
      return false;
    }
    if (hand.target === -1) {
      told.refused("no_target");
      return false;
    }
    if (typeof hand.target === "number" && desk.plan.isGridLocked(hand.target)) {
      told.locked([hand.target]);
      return false;
    }
    desk.begin(hand.target, hand.isFromOne ? gridAt(this.bench, at.world) : undefined);
    this.last = at.world;
    this.show(at);
    this.paint(at.world);
    return true;
  }

  move(at: At, isHeld: boolean): void {
    this.show(at);
    if (isHeld) this.paint(at.world);
  }

  up(): void {
    const { desk, told } = this.bench;
    this.last = null;
    const { target } = desk;
    desk.end();
    told.stroked(target);
  }

  cancel(): void {
    this.last = null;
    this.bench.picture.brush(null);
    this.bench.desk.drop();
  }

  leave(): void {
    this.bench.picture.brush(null);
  }

  private show({ pixel: [x, y] }: At): void {
    this.bench.picture.brush({ x, y, radius: Math.max(this.bench.hand.radius, 3) });
  }

  private paint(at: Point): void {
    const { hand, desk, map } = this.bench;
    const from = this.last ?? at;
    this.last = at;
    const under = unitAt(this.bench, at);
    const near = hand.radius > 0 ? desk.points.alongWay(from, at, hand.radius * worldOfPixel(map)) : [];
    desk.paint(under >= 0 ? [under, ...near] : near, hand.whole);
  }
}
