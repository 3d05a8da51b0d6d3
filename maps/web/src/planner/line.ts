/** The line that splits a grid: its corners are clicked. */
import * as L from "leaflet";
import { worldOf } from "../places.ts";
import { HAND_PANE, type Bench, type Grip } from "./hand.ts";
import { gridAt } from "./under.ts";

export class LineGrip implements Grip {
  readonly movesMap = true;
  private readonly line: L.Polyline;
  private corners: L.LatLng[] = [];

  constructor(private readonly bench: Bench) {
    const { map } = bench;
    this.line = L.polyline([], { color: "#b3261e", weight: 3, dashArray: "7 5", pane: HAND_PANE, interactive: false }).addTo(map);
    map.on("mousemove", (event) => {
      if (this.corners.length) this.line.setLatLngs([...this.corners, event.latlng]);
    });
  }

  click(at: L.LatLng): void {
    const { hand, told } = this.bench;
    if (!this.corners.length) {
      const grid = gridAt(this.bench, worldOf(at));
      if (grid >= 0 && hand.target === -1) told.chose(grid);
      if (typeof hand.target !== "number" || hand.target < 0) {
        told.refused("no_target");
        return;
      }
    }
    this.corners.push(at);
    this.line.setLatLngs(this.corners);
  }

  enter(): void {
    const line = this.corners.map(worldOf);
    const { hand, desk, told } = this.bench;
    this.cancel();
    if (line.length < 2 || typeof hand.target !== "number") return;
    if (!desk.split(hand.target, line)) told.refused("not_split");
  }

  cancel(): void {
    this.corners = [];
    this.line.setLatLngs([]);
  }
}
