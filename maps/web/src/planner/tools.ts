/** The hand on the map: what a pointer does with each tool. */
import * as L from "leaflet";
import { latitude, longitude, worldX, worldY } from "../pack.ts";
import type { IndexedLayer } from "../scene.ts";
import type { Point } from "../plan/geometry.ts";
import type { Desk, Whole } from "./desk.ts";

export type Tool = "choose" | "brush" | "split";

export interface Hand {
  tool: Tool;
  whole: Whole;
  /** Radius of the brush in pixels; 0 paints the unit under the pointer. */
  radius: number;
  /** The grid that is painted into; `new` begins one with the next stroke. */
  target: number | "new";
  /** Whether a stroke takes units only from the grid it began in. */
  isFromOne: boolean;
}

export interface Told {
  chose(grid: number): void;
  /** A stroke ended; the grid it painted into, null where it painted nothing. */
  stroked(target: number | null): void;
  refused(why: "no_target" | "locked" | "not_split"): void;
}

/** The ground under the brush, in pixels of the map's container. */
export interface Circle {
  x: number;
  y: number;
  radius: number;
}

/** What shows the brush. */
export interface Ring {
  point(at: Circle | null): void;
}

export class Tools {
  private readonly line: L.Polyline;
  private corners: L.LatLng[] = [];
  private last: Point | null = null;

  constructor(
    private readonly map: L.Map,
    private readonly desk: Desk,
    private readonly cells: IndexedLayer,
    private readonly hand: Hand,
    private readonly told: Told,
    private readonly ring: Ring,
  ) {
    this.line = L.polyline([], { color: "#b3261e", weight: 3, dashArray: "7 5", interactive: false }).addTo(map);
    const container = map.getContainer();
    container.addEventListener("pointerdown", (event) => this.down(event));
    container.addEventListener("pointermove", (event) => this.move(event));
    container.addEventListener("pointerup", (event) => this.up(event));
    container.addEventListener("pointercancel", () => this.desk.drop());
    container.addEventListener("pointerleave", () => this.ring.point(null));
    map.on("click", (event) => this.click(event));
    map.on("dblclick", () => this.finishLine());
    map.on("mousemove", (event) => {
      if (this.corners.length) this.line.setLatLngs([...this.corners, event.latlng]);
    });
  }

  /** Take another tool: the map is dragged with one hand only. */
  change(): void {
    const { tool } = this.hand;
    const container = this.map.getContainer();
    if (tool === "brush") this.map.dragging.disable();
    else this.map.dragging.enable();
    if (tool === "split") this.map.doubleClickZoom.disable();
    else this.map.doubleClickZoom.enable();
    container.dataset.tool = tool;
    this.ring.point(null);
    this.dropLine();
  }

  /** Leave what was begun. */
  cancel(): void {
    this.last = null;
    this.desk.drop();
    this.dropLine();
  }

  finishLine(): void {
    const line = this.corners.map((at): Point => [worldX(at.lng), worldY(at.lat)]);
    const { target } = this.hand;
    this.dropLine();
    if (line.length < 2 || typeof target !== "number") return;
    if (!this.desk.split(target, line)) this.told.refused("not_split");
  }

  private dropLine(): void {
    this.corners = [];
    this.line.setLatLngs([]);
  }

  private world(event: PointerEvent): Point {
    const at = this.map.mouseEventToLatLng(event);
    return [worldX(at.lng), worldY(at.lat)];
  }

  private unitAt([x, y]: Point): number {
    return this.cells.polygonsAt(x, y)[0] ?? -1;
  }

  private gridAt(at: Point): number {
    const unit = this.unitAt(at);
    return unit < 0 ? -1 : (this.desk.plan.grid[unit] as number);
  }

  private down(event: PointerEvent): void {
    const { hand, desk } = this;
    if (hand.tool !== "brush" || event.button !== 0 || this.isControl(event)) return;
    const at = this.world(event);
    if (event.altKey) {
      const grid = this.gridAt(at);
      if (grid >= 0) this.told.chose(grid);
      return;
    }
    if (hand.target === -1) {
      this.told.refused("no_target");
      return;
    }
    if (typeof hand.target === "number" && desk.plan.isGridLocked(hand.target)) {
      this.told.refused("locked");
      return;
    }
    event.preventDefault();
    this.map.getContainer().setPointerCapture(event.pointerId);
    desk.begin(hand.target, hand.isFromOne ? this.gridAt(at) : undefined);
    this.last = at;
    this.paint(at);
  }

  private move(event: PointerEvent): void {
    if (this.hand.tool !== "brush") return;
    const box = this.map.getContainer().getBoundingClientRect();
    this.ring.point(this.isControl(event) ? null : { x: event.clientX - box.left, y: event.clientY - box.top, radius: Math.max(this.hand.radius, 3) });
    if (!this.last) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.paint(this.world(each));
  }

  private paint(at: Point): void {
    const { hand, desk } = this;
    const from = this.last ?? at;
    this.last = at;
    const under = this.unitAt(at);
    const radius = hand.radius / (256 * 2 ** this.map.getZoom());
    const near = hand.radius > 0 ? desk.points.alongWay(from, at, radius) : [];
    desk.paint(under >= 0 ? [under, ...near] : near, hand.whole);
  }

  private up(event: PointerEvent): void {
    if (!this.last) return;
    this.last = null;
    this.map.getContainer().releasePointerCapture(event.pointerId);
    const { target } = this.desk;
    this.desk.end();
    this.told.stroked(target);
  }

  private click(event: L.LeafletMouseEvent): void {
    const at: Point = [worldX(event.latlng.lng), worldY(event.latlng.lat)];
    if (this.hand.tool === "choose") this.told.chose(this.gridAt(at));
    if (this.hand.tool !== "split") return;
    if (!this.corners.length) {
      const grid = this.gridAt(at);
      if (grid >= 0 && this.hand.target === -1) this.told.chose(grid);
      if (typeof this.hand.target !== "number" || this.hand.target < 0) {
        this.told.refused("no_target");
        return;
      }
    }
    this.corners.push(event.latlng);
    this.line.setLatLngs(this.corners);
  }

  private isControl(event: PointerEvent): boolean {
    return event.target instanceof Element && event.target.closest(".leaflet-control") !== null;
  }
}

/** Where a point of the world's unit square lies. */
export function place([x, y]: Point): L.LatLng {
  return L.latLng(latitude(y), longitude(x));
}
