/** The map beside what was solved: places to about 100 metres, with the numbers of the list that lie there. */
import * as L from "leaflet";
import type { CasePage } from "../case_page.ts";
import { element } from "../dom.ts";
import { GroundMap } from "../ground_map.ts";

interface SolvedPage extends CasePage {
  centre: [number, number];
  /** Of the communities that are shown. */
  outlines: GeoJSON.Geometry[];
  /** Number in the list, and where about. */
  spots: [number, number, number][];
}

/** Half of the last decimal that is told of a place. */
const BLUR_M = 55;
const MOST_NUMBERS = 4;

export async function startSolved(told: CasePage): Promise<void> {
  const page = told as SolvedPage;
  const place = document.getElementById("map");
  if (!place) return; // nothing was solved
  const { map } = new GroundMap(place, page.centre, 14, () => undefined, "/api/v1/stations/ground");
  const drawn = L.featureGroup().addTo(map);
  for (const outline of page.outlines)
    L.geoJSON(outline, { interactive: false, style: { color: "#4a2a6b", weight: 1.5, fill: true, fillColor: "#fff", fillOpacity: 0.5, dashArray: "6 4" } }).addTo(drawn);
  const bounds = L.latLngBounds([]);
  for (const [at, numbers] of gathered(page.spots)) {
    bounds.extend(at);
    L.circle(at, { radius: BLUR_M, weight: 1, color: "#1f6b3a", fillOpacity: 0.15, interactive: false }).addTo(map);
    const text = numbers.slice(0, MOST_NUMBERS).join(" ") + (numbers.length > MOST_NUMBERS ? " …" : "");
    // The list says all of it: a mark is a shortcut for whoever points.
    L.marker(at, { keyboard: false, icon: L.divIcon({ className: "solved-spot", html: element("span", {}, text), iconSize: [0, 0] }) })
      .on("click", () => show(numbers))
      .addTo(map);
  }
  const whole = bounds.isValid() ? bounds : drawn.getBounds();
  if (whole.isValid()) map.fitBounds(whole, { padding: [36, 36], maxZoom: 16 });
}

/** Places with the numbers that lie at them: what was blurred often falls on the same point. */
function gathered(spots: readonly [number, number, number][]): [L.LatLng, number[]][] {
  const found = new Map<string, [L.LatLng, number[]]>();
  for (const [number, lon, lat] of spots) {
    const key = `${lon},${lat}`;
    const there = found.get(key);
    if (there) there[1].push(number);
    else found.set(key, [L.latLng(lat, lon), [number]]);
  }
  return Array.from(found.values());
}

function show(numbers: readonly number[]): void {
  for (const each of Array.from(document.querySelectorAll(".solved-list .shown"))) each.classList.remove("shown");
  const rows = numbers.map((number) => document.getElementById(`solved-${number}`));
  for (const row of rows) row?.classList.add("shown");
  rows[0]?.scrollIntoView({ block: "nearest" });
  rows[0]?.focus({ preventScroll: true });
}
