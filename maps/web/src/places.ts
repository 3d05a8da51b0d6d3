/** Points and boxes of the world's unit square as Leaflet takes them. */
import * as L from "leaflet";
import { latitude, longitude, worldX, worldY } from "./pack.ts";
import type { Box } from "./scene.ts";

export function place([x, y]: readonly [x: number, y: number]): L.LatLng {
  return L.latLng(latitude(y), longitude(x));
}

export function boundsOf([minX, minY, maxX, maxY]: Box): L.LatLngBounds {
  return L.latLngBounds(place([minX, minY]), place([maxX, maxY]));
}

export function worldOf({ lng, lat }: L.LatLng): [x: number, y: number] {
  return [worldX(lng), worldY(lat)];
}
