/** Lasso and rectangle: units whose middles lie inside are selected. */
import * as L from "leaflet";
import type { Point } from "../plan/geometry.ts";
import { place } from "../places.ts";
import { wholeOf } from "./desk.ts";
import { HAND_PANE, worldOfPixel, type At, type Bench, type Grip } from "./hand.ts";
import { unitAt } from "./under.ts";

/** A hand that moved less than so many pixels has clicked. */
const CLICK_PIXELS = 4;

export class SelectGrip implements Grip {
  readonly movesMap = false;
  readonly followsWay = true;
  private readonly shape: L.Polygon;
  private way: Point[] = [];

  constructor(
    private readonly bench: Bench,
    private readonly kind: "lasso" | "rectangle",
  ) {
    this.shape = L.polygon([], { color: "#1d5fa8", weight: 2, dashArray: "6 4", fillOpacity: 0.08, pane: HAND_PANE, interactive: false, smoothFactor: 0 }).addTo(bench.map);
  }

  down(at: At): boolean {
    this.way = [at.world];
    return true;
  }

  move(at: At, isHeld: boolean): void {
    if (!isHeld || !this.way.length) return;
    if (this.kind === "rectangle") this.way.length = 1;
    this.way.push(at.world);
    this.shape.setLatLngs(this.ring().map(place));
  }

  up(at: At): void {
    const { desk, hand, told, map } = this.bench;
    const how = at.event.shiftKey ? "add" : at.event.altKey ? "remove" : "replace";
    const [[x0, y0]] = this.way as [Point];
    const moved = this.way.some(([x, y]) => Math.hypot(x - x0, y - y0) > CLICK_PIXELS * worldOfPixel(map));
    const ring = this.ring();
    this.cancel();
    const clicked = unitAt(this.bench, at.world);
    const units = moved ? desk.points.inRing(ring) : clicked >= 0 ? [clicked] : [];
    told.selected(wholeOf(desk.ground, units, hand.whole), how);
  }

  cancel(): void {
    this.way = [];
    this.shape.setLatLngs([]);
  }

  private ring(): Point[] {
    if (this.kind === "lasso") return this.way;
    const [[ax, ay], [bx, by]] = [this.way[0] as Point, this.way[this.way.length - 1] as Point];
    return [[ax, ay], [bx, ay], [bx, by], [ax, by]];
  }
}
