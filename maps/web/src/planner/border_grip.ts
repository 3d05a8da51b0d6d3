/** Dragging a shared border: it lights up under the hand, follows it in a bend, and sticks to what is on the ground. */
import { element } from "../dom.ts";
import { bent, nearestOnLine, openedOpposite, type Borders, type OnLine } from "../plan/borders.ts";
import type { Point } from "../plan/geometry.ts";
import type { SnapKind, SnapLines } from "../plan/snapping.ts";
import { t } from "../words.ts";
import { worldOfPixel, type At, type Bench, type Grip } from "./hand.ts";

/** How near to a border the hand takes it, in pixels: of a mouse, and of a finger, which hides what it points at. */
const TAKES = { fine: 9, coarse: 22 };
/** How near to a wall, a road or water the border sticks to it, and to the edge of a cell, in pixels. */
const STICKS = 12;
const STICKS_TO_CELL = 7;
const REACH_STEP = 12;
export const REACH = { least: 24, most: 264 };

interface Held {
  line: readonly Point[];
  on: OnLine;
  to: Point;
}

export class BorderGrip implements Grip {
  readonly movesMap = true;
  private readonly word = element("div", { class: "snap-word", role: "status", hidden: true });
  private held: Held | null = null;
  private lit = "";

  constructor(
    private readonly bench: Bench,
    private readonly borders: () => Borders,
    private readonly snaps: () => SnapLines,
  ) {
    bench.map.getContainer().append(this.word);
  }

  down(at: At): boolean {
    const { desk, told, map } = this.bench;
    const arc = this.arcUnder(at);
    const border = arc === null ? null : this.borders().border(arc);
    if (!border) return false;
    const locked = border.grids.filter((grid) => grid >= 0 && desk.plan.isGridLocked(grid));
    if (locked.length) {
      told.locked(locked);
      return false;
    }
    const line = openedOpposite(border.line, ...at.world);
    const on = nearestOnLine(line, ...at.world);
    this.held = { line, on, to: on.at };
    map.getContainer().dataset.holds = "border";
    desk.beginDrag(border.grids, line);
    return true;
  }

  move(at: At, isHeld: boolean): void {
    if (!isHeld || !this.held) {
      this.light(at);
      return;
    }
    const near = worldOfPixel(this.bench.map);
    const snap = at.event.altKey ? null : (this.snaps().nearest(...at.world, STICKS * near) ?? this.cellEdge(at.world, STICKS_TO_CELL * near));
    this.held.to = snap?.at ?? at.world;
    this.tell(at, snap?.kind ?? null);
    this.follow(snap && snap.kind !== "cell" ? snap.kind : null);
  }

  up(): void {
    const { desk, told } = this.bench;
    this.release();
    desk.end();
    told.stroked(null);
  }

  wheel(steps: number): void {
    const { hand, told } = this.bench;
    hand.reach = Math.min(Math.max(hand.reach - steps * REACH_STEP, REACH.least), REACH.most);
    told.changed();
    if (this.held) this.follow(null);
  }

  cancel(): void {
    this.release();
    this.bench.desk.drop();
  }

  leave(): void {
    if (!this.held) this.bench.picture.border([]);
  }

  private release(): void {
    this.held = null;
    this.lit = "";
    this.word.hidden = true;
    delete this.bench.map.getContainer().dataset.holds;
    this.bench.picture.border([]);
  }

  /** The arc of a border that a place is near enough to. */
  private arcUnder({ world, event }: At): number | null {
    const within = (event.pointerType === "touch" ? TAKES.coarse : TAKES.fine) * worldOfPixel(this.bench.map);
    return this.borders().nearest(...world, within)?.arc ?? null;
  }

  private light(at: At): void {
    const arc = this.arcUnder(at);
    const key = arc === null ? "" : `${arc} ${this.bench.desk.history.position}`;
    if (key === this.lit) return;
    this.lit = key;
    const container = this.bench.map.getContainer();
    if (arc === null) delete container.dataset.holds;
    else container.dataset.holds = "border";
    this.bench.picture.border(arc === null ? [] : (this.borders().border(arc)?.line ?? []));
  }

  /** Bend the border to where the hand is; the bend lies down along a line of the kind it sticks to. */
  private follow(kind: SnapKind | null): void {
    const { held, bench } = this;
    if (!held) return;
    const near = worldOfPixel(bench.map);
    const settle = (at: Point): Point => (kind && this.snaps().nearest(...at, STICKS * near, kind)?.at) || at;
    const line = bent(held.line, held.on, held.to, bench.hand.reach * near, settle);
    bench.picture.border(line);
    bench.desk.dragTo(line);
  }

  private cellEdge(at: Point, within: number): { kind: SnapKind; at: Point } | null {
    const edge = this.borders().nearestEdge(...at, within);
    return edge && { kind: "cell", at: edge.at };
  }

  private tell({ pixel: [x, y] }: At, kind: SnapKind | null): void {
    this.word.hidden = kind === null;
    const text = kind ? t(`edit.snap.${kind}`) : "";
    if (this.word.textContent !== text) this.word.textContent = text;
    this.word.style.transform = `translate(${x + 16}px, ${y + 14}px)`; // nothing is laid out anew
  }
}
