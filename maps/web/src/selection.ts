/** What is selected on the map: features outlined, units filled, a place ringed. It takes no clicks of its own. */
import * as L from "leaflet";
import type { Paths, Points } from "./pack.ts";
import { place } from "./places.ts";
import type { LayerName, Scene } from "./scene.ts";

export class Selection {
  private readonly shapes = L.layerGroup();

  constructor(private readonly scene: Scene, private readonly colour: string) {}

  addTo(map: L.Map): this {
    this.shapes.addTo(map);
    return this;
  }

  clear(): void {
    this.shapes.clearLayers();
  }

  /** Outline features in place of what was selected, or beside it, then thinner. */
  outline(name: LayerName, features: readonly number[], isFirst = true, weight = isFirst ? 4 : 2.5): void {
    if (isFirst) this.clear();
    const { layer } = this.scene.get(name);
    const style = { color: this.colour, weight, fill: false, interactive: false, className: "selected" };
    for (const feature of features) {
      if (layer.polygons) for (const ring of latLngs(layer.polygons, feature)) L.polygon(ring, style).addTo(this.shapes);
      if (layer.lines) for (const line of latLngs(layer.lines, feature)) L.polyline(line, style).addTo(this.shapes);
    }
  }

  /** Fill units, as one shape however many they are; those that are points get a wide dot. */
  fill(units: readonly number[]): void {
    const { polygons, points } = this.scene.get("units").layer;
    const style = { color: this.colour, interactive: false, className: "marked" };
    const rings = polygons ? units.flatMap((unit) => latLngs(polygons, unit)).map((ring) => [ring]) : [];
    if (rings.length) L.polygon(rings, { ...style, weight: 2.5, fillOpacity: 0.3 }).addTo(this.shapes);
    const dots = points ? units.flatMap((unit) => places(points, unit)).map((at) => [at, at]) : [];
    if (dots.length) L.polyline(dots, { ...style, weight: 20, opacity: 0.5, lineCap: "round" }).addTo(this.shapes);
  }

  ring(at: [number, number]): void {
    L.circleMarker(place(at), { radius: 17, color: this.colour, weight: 3, fill: false, interactive: false }).addTo(this.shapes);
  }
}

function latLngs(paths: Paths, feature: number): L.LatLng[][] {
  const lines: L.LatLng[][] = [];
  for (let path = paths.featureStart[feature] as number; path < (paths.featureStart[feature + 1] as number); path++) {
    const line: L.LatLng[] = [];
    for (let i = paths.pathStart[path] as number; i < (paths.pathStart[path + 1] as number); i++) {
      line.push(place([paths.x[i] as number, paths.y[i] as number]));
    }
    lines.push(line);
  }
  return lines;
}

function places(points: Points, feature: number): L.LatLng[] {
  const found: L.LatLng[] = [];
  for (let i = points.featureStart[feature] as number; i < (points.featureStart[feature + 1] as number); i++) {
    found.push(place([points.x[i] as number, points.y[i] as number]));
  }
  return found;
}
