/** One click on the map that no tool sees: a place, and the unit whose ground it is on. */
import type * as L from "leaflet";
import { worldOf } from "../places.ts";
import type { IndexedLayer } from "../scene.ts";
import { unitAt } from "./under.ts";

export interface Picked {
  lon: number;
  lat: number;
  unit: number;
}

/** Wait for the click; null where the reader presses Escape. */
export function pickPlace(map: L.Map, cells: IndexedLayer): Promise<Picked | null> {
  const container = map.getContainer();
  const before = container.dataset.tool ?? "";
  container.dataset.tool = "split";
  return new Promise((resolve) => {
    const done = (picked: Picked | null) => {
      for (const kind of ["pointerdown", "pointerup", "click"]) container.removeEventListener(kind, take, true);
      document.removeEventListener("keydown", escape, true);
      container.dataset.tool = before;
      resolve(picked);
    };
    const take = (event: Event) => {
      if (event.target instanceof Element && event.target.closest(".leaflet-control")) return;
      event.stopImmediatePropagation();
      if (event.type !== "click") return;
      const at = map.mouseEventToLatLng(event as MouseEvent);
      done({ lon: at.lng, lat: at.lat, unit: unitAt({ cells }, worldOf(at)) });
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      done(null);
    };
    for (const kind of ["pointerdown", "pointerup", "click"]) container.addEventListener(kind, take, true);
    document.addEventListener("keydown", escape, true);
  });
}
