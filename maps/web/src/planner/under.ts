/** What lies under a place of the map. */
import * as L from "leaflet";
import { latitude, longitude, worldX, worldY } from "../pack.ts";
import type { Point } from "../plan/geometry.ts";
import type { Bench } from "./hand.ts";

export function unitAt({ cells }: Pick<Bench, "cells">, [x, y]: Point): number {
  return cells.polygonsAt(x, y)[0] ?? -1;
}

export function gridAt(bench: Pick<Bench, "cells" | "desk">, at: Point): number {
  const unit = unitAt(bench, at);
  return unit < 0 ? -1 : (bench.desk.plan.grid[unit] as number);
}

/** Where a point of the world's unit square lies. */
export function place([x, y]: Point): L.LatLng {
  return L.latLng(latitude(y), longitude(x));
}

export function worldOf(at: L.LatLng): Point {
  return [worldX(at.lng), worldY(at.lat)];
}
