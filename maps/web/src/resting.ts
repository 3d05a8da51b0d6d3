/** What lies over a map at rest: drawn a little beyond its edges, and drawn anew when the map was moved. */
import * as L from "leaflet";
import { drawStill } from "./still.ts";
import { metresPerPixel } from "./tiles.ts";
import type { Window } from "./tracing.ts";

/** Share of the view drawn beyond each edge, so that a short drag of the map shows no bare rim. */
const PADDING = 0.15;

/** The ground that is drawn while a map rests. */
export interface Resting {
  view: Window;
  /** Pixels drawn beyond each edge of the map. */
  pad: L.Point;
  /** Where the drawing begins, in pixels of the map's layers. */
  at: L.Point;
  /** Device pixels of a CSS pixel. */
  ratio: number;
}

export function restingOn(map: L.Map, padding = PADDING): Resting {
  const size = map.getSize();
  const pad = size.multiplyBy(padding).round();
  const at = map.containerPointToLayerPoint(pad.multiplyBy(-1)).round();
  const origin = map.getPixelOrigin().add(at);
  const scale = 256 * 2 ** map.getZoom();
  const view = {
    originX: origin.x / scale, originY: origin.y / scale, scale, width: size.x + 2 * pad.x, height: size.y + 2 * pad.y,
    metresPerPixel: metresPerPixel(map.getZoom(), origin.y / scale),
  };
  return { view, pad, at, ratio: window.devicePixelRatio || 1 };
}

/** Of it, what lies within the edges of the map. */
export function withoutPad(resting: Resting): Resting {
  const { view, pad, at } = resting;
  return { ...resting, view: { ...view, width: view.width - 2 * pad.x, height: view.height - 2 * pad.y }, pad: L.point(0, 0), at: at.add(pad) };
}

/** Lay a canvas over what is drawn, and draw on it in CSS pixels; in between its picture rests. */
export function drawOver(canvas: HTMLCanvasElement, resting: Resting, draw: (pen: CanvasRenderingContext2D) => void): void {
  layOver(canvas, resting);
  // A sheet of paper may have no room for the map.
  if (!canvas.width || !canvas.height) return;
  drawStill(canvas, false, (pen) => {
    pen.setTransform(resting.ratio, 0, 0, resting.ratio, 0, 0);
    draw(pen);
  });
}

function layOver(canvas: HTMLCanvasElement, { view, at, ratio }: Resting): void {
  const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
  // Set anew, a size takes away the picture that is shown until the next one.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.style.width = `${view.width}px`;
  canvas.style.height = `${view.height}px`;
  L.DomUtil.setPosition(canvas, at);
}

/** Lay an empty canvas over what is drawn; its pen draws in CSS pixels, at any time. */
export function penOver(
  canvas: HTMLCanvasElement, resting: Resting, settings: CanvasRenderingContext2DSettings = {},
): CanvasRenderingContext2D | null {
  layOver(canvas, resting);
  canvas.width = canvas.width + 0; // empties it
  const { ratio } = resting;
  const pen = canvas.getContext("2d", settings);
  pen?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

/** Drawings in panes of the map, hidden while it zooms; in one pane, what is added later lies above. */
export abstract class RestingLayer extends L.Layer {
  protected host: L.Map | null = null;

  constructor(private readonly drawings: readonly (readonly [pane: string, root: HTMLElement])[]) {
    super();
    for (const [, root] of drawings) {
      root.className = "grids-picture";
      root.setAttribute("aria-hidden", "true");
    }
  }

  /** Draw everything where the map is now. */
  abstract redraw(): void;

  override onAdd(map: L.Map): this {
    this.host = map;
    for (const [pane, root] of this.drawings) map.getPane(pane)?.append(root);
    this.redraw();
    return this;
  }

  override onRemove(): this {
    for (const [, root] of this.drawings) root.remove();
    this.host = null;
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    const show = (visibility: "hidden" | "") => {
      for (const [, root] of this.drawings) root.style.visibility = visibility;
    };
    return {
      moveend: () => this.redraw(),
      resize: () => this.redraw(),
      zoomstart: () => show("hidden"),
      zoomend: () => show(""),
    };
  }
}
