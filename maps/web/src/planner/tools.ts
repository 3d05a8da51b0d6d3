/** The hand on the map: which tool hears of the pointer, and when fingers move the map instead. */
import type { Borders } from "../plan/borders.ts";
import type { SnapLines } from "../plan/snapping.ts";
import { worldOf } from "../places.ts";
import { BorderGrip } from "./border_grip.ts";
import { BrushGrip } from "./brush.ts";
import type { At, Bench, Grip, Tool } from "./hand.ts";
import { LineGrip } from "./line.ts";
import { SelectGrip } from "./select_grip.ts";
import { gridAt } from "./under.ts";

export class Tools {
  private readonly grips: Readonly<Record<Tool, Grip>>;
  /** Pointers that touch the map; two of them move it, whatever the tool. */
  private readonly fingers = new Set<number>();
  private holder: number | null = null;
  private isMapHeld = false;

  constructor(
    private readonly bench: Bench,
    ground: { borders: () => Borders; snaps: () => SnapLines },
  ) {
    const choose: Grip = {
      movesMap: true,
      click: (at) => bench.told.chose(gridAt(bench, worldOf(at))),
      cancel: () => undefined,
    };
    this.grips = {
      choose,
      brush: new BrushGrip(bench),
      drag: new BorderGrip(bench, ground.borders, ground.snaps),
      lasso: new SelectGrip(bench, "lasso"),
      rectangle: new SelectGrip(bench, "rectangle"),
      split: new LineGrip(bench),
    };
    const container = bench.map.getContainer();
    container.addEventListener("pointerdown", (event) => this.down(event));
    container.addEventListener("pointermove", (event) => this.move(event));
    container.addEventListener("pointerup", (event) => this.up(event));
    container.addEventListener("pointercancel", (event) => this.gone(event));
    container.addEventListener("pointerleave", () => this.grip.leave?.());
    container.addEventListener("wheel", (event) => this.wheel(event), { capture: true, passive: false });
    bench.map.on("click", (event) => this.grip.click?.(event.latlng));
    bench.map.on("dblclick", () => this.grip.enter?.());
  }

  /** Take another tool: the map is dragged with one hand only. */
  change(): void {
    const { tool } = this.bench.hand;
    for (const grip of new Set(Object.values(this.grips))) grip.cancel();
    this.holder = null;
    this.steady(!this.grip.movesMap && !this.isMapHeld);
    if (tool === "split") this.bench.map.doubleClickZoom.disable();
    else this.bench.map.doubleClickZoom.enable();
    this.bench.map.getContainer().dataset.tool = tool;
    this.grip.leave?.();
  }

  /** Let the map be moved with any tool, as long as the space bar is held. */
  holdMap(isHeld: boolean): void {
    if (isHeld === this.isMapHeld || this.holder !== null) return;
    this.isMapHeld = isHeld;
    this.bench.map.getContainer().classList.toggle("moves", isHeld);
    this.steady(!isHeld && !this.grip.movesMap);
  }

  /** Leave what was begun. */
  cancel(): void {
    this.release();
    this.grip.cancel();
  }

  enter(): void {
    this.grip.enter?.();
  }

  private get grip(): Grip {
    return this.grips[this.bench.hand.tool];
  }

  private steady(isSteady: boolean): void {
    const { dragging } = this.bench.map;
    if (isSteady) dragging.disable();
    else dragging.enable();
  }

  private release(): void {
    const container = this.bench.map.getContainer();
    if (this.holder !== null && container.hasPointerCapture(this.holder)) container.releasePointerCapture(this.holder);
    this.holder = null;
    this.steady(!this.grip.movesMap && !this.isMapHeld);
  }

  private at(event: PointerEvent): At {
    const box = this.bench.map.getContainer().getBoundingClientRect();
    return { world: worldOf(this.bench.map.mouseEventToLatLng(event)), pixel: [event.clientX - box.left, event.clientY - box.top], event };
  }

  private down(event: PointerEvent): void {
    if (event.pointerType === "touch") this.fingers.add(event.pointerId);
    if (this.fingers.size > 1) {
      // A second finger: what the first had begun was the beginning of moving the map.
      if (this.holder !== null) this.cancel();
      return;
    }
    if (event.button !== 0 || this.isMapHeld || isControl(event) || !this.grip.down?.(this.at(event))) return;
    event.preventDefault();
    this.steady(true);
    this.holder = event.pointerId;
    this.bench.map.getContainer().setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    if (this.fingers.size > 1 || this.isMapHeld) return;
    const isHeld = this.holder === event.pointerId;
    if (!isHeld && isControl(event)) {
      this.grip.leave?.();
      return;
    }
    if (!this.grip.move) return;
    if (!isHeld) this.grip.move(this.at(event), false);
    else for (const each of (this.grip.followsWay && event.getCoalescedEvents?.()) || [event]) this.grip.move(this.at(each), true);
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (this.holder !== event.pointerId) return;
    this.release();
    this.grip.up?.(this.at(event));
  }

  private gone(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (this.holder === event.pointerId) this.cancel();
  }

  private wheel(event: WheelEvent): void {
    // Without a border in hand the wheel is the map's.
    if (this.holder === null || !this.grip.wheel) return;
    event.preventDefault();
    event.stopPropagation();
    this.grip.wheel(Math.sign(event.deltaY));
  }
}

function isControl(event: PointerEvent): boolean {
  return event.target instanceof Element && event.target.closest(".leaflet-control") !== null;
}
