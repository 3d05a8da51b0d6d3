/** Where cases are dense, as a glow on one canvas over the map. */
import * as L from "leaflet";

const RADIUS_PX = 34;

export class Heat extends L.Layer {
  private readonly canvas = document.createElement("canvas");
  private host: L.Map | null = null;
  private points: readonly [number, number, number][] = [];

  show(points: readonly [number, number, number][]): void {
    this.points = points;
    this.draw();
  }

  override onAdd(map: L.Map): this {
    this.host = map;
    this.canvas.className = "heat leaflet-zoom-hide";
    map.getPanes().overlayPane?.append(this.canvas);
    this.draw();
    return this;
  }

  override onRemove(): this {
    this.canvas.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return { moveend: () => this.draw() };
  }

  private draw(): void {
    const map = this.host;
    const pen = this.canvas.getContext("2d");
    if (!map || !pen) return;
    const { x, y } = map.getSize();
    this.canvas.width = x;
    this.canvas.height = y;
    L.DomUtil.setPosition(this.canvas, map.containerPointToLayerPoint([0, 0]));
    const most = Math.max(1, ...this.points.map(([, , n]) => n));
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--late").trim();
    for (const [lon, lat, n] of this.points) {
      const at = map.latLngToContainerPoint([lat, lon]);
      const glow = pen.createRadialGradient(at.x, at.y, 0, at.x, at.y, RADIUS_PX);
      glow.addColorStop(0, colour);
      glow.addColorStop(1, "transparent");
      pen.globalAlpha = 0.12 + 0.6 * Math.sqrt(n / most);
      pen.fillStyle = glow;
      pen.fillRect(at.x - RADIUS_PX, at.y - RADIUS_PX, 2 * RADIUS_PX, 2 * RADIUS_PX);
    }
  }
}
