/** The open cases of a compound, a community or a lane: what an agenda begins with. Pure. */
import { isInside, type IndexedLayer, type Scene } from "../scene.ts";

/** A case so near to a lane is one of it, in metres. */
const BESIDE_M = 30;

export interface Place {
  layer: "compounds" | "communities" | "roads";
  name: string;
  features: number[];
}

/** Places of an agenda by name: compounds and communities, or lanes with those that are called so first. */
export function placesOf(scene: Scene, isLane: boolean): Place[] {
  const named = (layer: Place["layer"]): Place[] => {
    const features = scene.get(layer);
    const found = new Map<string, number[]>();
    for (let i = 0; i < features.count; i++) {
      const name = features.text("name", i);
      if (name) found.set(name, [...(found.get(name) ?? []), i]);
    }
    return [...found].map(([name, members]) => ({ layer, name, features: members })).sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  if (!isLane) return [...named("communities"), ...named("compounds")];
  const isCalledLane = (name: string) => /[巷弄里]|lane|alley/i.test(name);
  return named("roads").sort((a, b) => Number(isCalledLane(b.name)) - Number(isCalledLane(a.name)));
}

/** Cases not closed in a place, the latest first. */
export function openCases(scene: Scene, { layer, features }: Place): number[] {
  const incidents = scene.get("incidents");
  const shapes = scene.get(layer);
  const found = new Set<number>();
  for (const feature of features) {
    const box = shapes.box(feature);
    if (!box) continue;
    const reach = BESIDE_M / (40075016.686 * Math.cos(latitudeOf(box[1])));
    const grow = layer === "roads" ? reach : 0;
    for (const incident of incidents.within([box[0] - grow, box[1] - grow, box[2] + grow, box[3] + grow])) {
      if (incidents.flag("closed", incident)) continue; // as `geo/case_states.py` judges
      const at = incidents.middle(incident);
      if (!at) continue;
      const isHere = layer === "roads" ? isNear(shapes, feature, at, reach) : shapes.layer.polygons !== null && isInside(shapes.layer.polygons, feature, ...at);
      if (isHere) found.add(incident);
    }
  }
  const when = (incident: number) => incidents.number("reported_min", incident) ?? 0;
  return [...found].sort((a, b) => when(b) - when(a) || a - b);
}

function isNear(lines: IndexedLayer, feature: number, [px, py]: readonly [number, number], reach: number): boolean {
  const paths = lines.layer.lines;
  if (!paths) return false;
  const { featureStart, pathStart, x, y } = paths;
  for (let path = featureStart[feature] as number; path < (featureStart[feature + 1] as number); path++) {
    for (let i = pathStart[path] as number; i + 1 < (pathStart[path + 1] as number); i++) {
      const [ax, ay] = [x[i] as number, y[i] as number];
      const [dx, dy] = [(x[i + 1] as number) - ax, (y[i + 1] as number) - ay];
      const along = Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
      if (Math.hypot(px - ax - along * dx, py - ay - along * dy) <= reach) return true;
    }
  }
  return false;
}

function latitudeOf(y: number): number {
  return Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI));
}
