/** The map as the tomorrow test sees it. */
import * as L from "leaflet";
import { element } from "../dom.ts";
import type { Plan } from "../plan/plan.ts";
import type { IndexedLayer } from "../scene.ts";
import { pickPlace } from "./pick.ts";
import type { Ground } from "./tomorrow.ts";

/** `show` brings a grid into view, `mark` marks units. */
export function groundOn(
  map: L.Map, plan: Plan, cells: IndexedLayer, { show, mark }: { show(grid: number): void; mark(units: readonly number[]): void },
): Ground {
  const places = L.layerGroup().addTo(map);
  const { ground } = plan;
  return {
    flyToGrid: (code) => {
      const grid = plan.numberOf(code);
      if (grid >= 0) show(grid);
    },
    mark: (ids) => mark(ids.map((id) => ground.numberOf(id)).filter((unit) => unit >= 0)),
    pick: async () => {
      const picked = await pickPlace(map, cells);
      return picked && { ...picked, unitId: ground.unitIds[picked.unit] ?? null };
    },
    draw: (found) => {
      places.clearLayers();
      for (const { lon, lat, text } of found) {
        L.circleMarker([lat, lon], { radius: 8, color: "#7a1fa2", weight: 3, fillOpacity: 0.35, interactive: false })
          .bindTooltip(element("span", {}, text), { permanent: true, direction: "top" })
          .addTo(places);
      }
    },
  };
}
