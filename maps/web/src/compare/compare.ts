/** Two versions on the map: one left of a divider and one right of it, or side by side with one view. */
import * as L from "leaflet";
import { gridsOf } from "../changes.ts";
import { homeControl, northArrow } from "../controls.ts";
import type { Side } from "../divider.ts";
import { button, element } from "../dom.ts";
import { Incidents } from "../incidents.ts";
import { Overlay, type DrawnLabel } from "../overlay.ts";
import { Painter, type Shown } from "../paint.ts";
import { boundsOf, worldOf } from "../places.ts";
import { gridSection, popupElement, Reasons } from "../popups.ts";
import { union, type Box, type LayerName, type Scene } from "../scene.ts";
import type { Settings } from "../schema.ts";
import { emptyMap } from "../served.ts";
import { Swipe } from "../swipe.ts";
import { PlanTiles } from "../tiles.ts";
import { t } from "../words.ts";

const MAX_ZOOM = 21;
const PLACE_ZOOM = 18.5;
/** Farther right than any screen: all of the map is before. */
const ALL_BEFORE = 1e9;
const SHOWN: readonly Shown[] = ["status", "units", "communities", "roads", "water", "barriers", "compounds", "gates", "labels"];

export type Mode = "swipe" | "side";

/** What the service writes into the page (`maps/pages/compare.html`). */
export interface Compared {
  settings: string;
  pack: string;
  /** How the two versions are called on the page. */
  names: Record<Side, string>;
  words: Record<"failed" | "again" | "refused" | "changed", string>;
}

/** The two versions that the page compares on its map; null on other pages. */
export function comparedPage(): Compared | null {
  const text = document.getElementById("weige-compared")?.textContent;
  return text ? (JSON.parse(text) as Compared) : null;
}

export class CompareView {
  private readonly maps: Record<Side, L.Map>;
  private readonly overlays: Record<Side, Overlay>;
  private readonly swipe: Swipe;
  private readonly reasons: Reasons;
  private readonly modes = element("div", { class: "modes leaflet-bar", role: "group", "aria-label": t("compare.modes") });
  private readonly selection: Record<Side, L.LayerGroup>;
  private mode: Mode = "swipe";
  private isFollowing = false;

  constructor(private readonly scene: Scene, settings: Settings, names: Record<Side, string>) {
    const stage = document.getElementById("stage");
    if (!stage) throw new Error("the page lacks its stage");
    this.reasons = new Reasons(scene);
    const shown = new Set<Shown>(SHOWN.filter((name) => name === "status" || name === "labels" || scene.has(name as LayerName)));
    const incidents = new Incidents(scene.get("incidents"));
    const made = (side: Side) => {
      // Two maps follow each other step by step: neither runs ahead in an animation of its own.
      const map = emptyMap({ zoomAnimation: false, inertia: false });
      map.setMaxZoom(MAX_ZOOM);
      const pane = map.createPane("weige-labels");
      pane.style.zIndex = "450";
      pane.style.pointerEvents = "none";
      const half = element("div", { class: `half ${side}` }, element("p", { class: "name" }, names[side]));
      half.append(map.getContainer());
      stage.append(half);
      map.getContainer().setAttribute("aria-label", t("compare.map", { name: names[side] }));
      map.getContainer().style.background = settings.styles.ink.land;
      return map;
    };
    this.maps = { before: made("before"), after: made("after") };
    const painter = (side: Side) => new Painter(scene, settings.styles, shown, side, () => true);
    this.swipe = new Swipe(this.maps.after, new PlanTiles(painter("before")), {
      onSwitch: () => this.overlays.after.redraw(),
      onMove: () => this.overlays.after.redraw(),
      names,
    });
    this.overlays = {
      before: new Overlay(scene, settings.styles, shown, incidents, { x: ALL_BEFORE, covers: [] }),
      after: new Overlay(scene, settings.styles, shown, incidents, this.swipe),
    };
    this.selection = { before: L.layerGroup(), after: L.layerGroup() };
    stage.append(this.modes);
    for (const side of ["before", "after"] as const) {
      const map = this.maps[side];
      map.invalidateSize({ animate: false });
      map.setView([32, 119.6], 10, { animate: false });
      new PlanTiles(painter(side)).addTo(map);
      this.overlays[side].addTo(map);
      this.selection[side].addTo(map);
      map.on("move", () => this.follow(side));
      map.on("click", (event) => this.identify(side, event));
    }
    const { after } = this.maps;
    L.control.zoom({ position: "topright", zoomInTitle: t("page.zoom_in"), zoomOutTitle: t("page.zoom_out") }).addTo(after);
    homeControl(t("page.whole"), () => this.home()).addTo(after);
    northArrow(t("page.north")).addTo(after);
    L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }).addTo(after);
    this.swipe.speak();
    this.show("swipe");
    this.home();
    for (const link of Array.from(document.querySelectorAll<HTMLButtonElement>("[data-grid]"))) {
      link.addEventListener("click", () => this.fly(link.dataset.grid ?? ""));
    }
    window.addEventListener("resize", () => this.fit());
  }

  labels(side: Side = "after"): DrawnLabel[] {
    return this.overlays[side].labels();
  }

  /** Middle and zoom of each map, for tests. */
  views(): Record<Side, [lat: number, lon: number, zoom: number]> {
    const view = (map: L.Map): [number, number, number] => [map.getCenter().lat, map.getCenter().lng, map.getZoom()];
    return { before: view(this.maps.before), after: view(this.maps.after) };
  }

  private show(mode: Mode): void {
    this.mode = mode;
    const stage = document.getElementById("stage");
    if (stage) stage.dataset.mode = mode;
    this.modes.replaceChildren(
      ...(["swipe", "side"] as const).map((each) =>
        button(t(`compare.mode.${each}`), () => this.show(each), { "aria-pressed": String(each === mode) }),
      ),
    );
    this.swipe.switch(mode === "swipe");
    this.fit();
    for (const map of Object.values(this.maps)) map.closePopup();
  }

  /** Both maps have new sizes: what was in the middle stays there. */
  private fit(): void {
    this.isFollowing = true; // the map that was hidden has nothing to say yet
    for (const map of Object.values(this.maps)) map.invalidateSize({ animate: false });
    this.isFollowing = false;
    this.follow("after");
  }

  /** Let the other map show what this one does. */
  private follow(side: Side): void {
    if (this.isFollowing || this.mode !== "side") return;
    this.isFollowing = true;
    const { before, after } = this.maps;
    const [from, to] = side === "before" ? [before, after] : [after, before];
    to.setView(from.getCenter(), from.getZoom(), { animate: false });
    this.isFollowing = false;
  }

  private home(): void {
    const box = this.scene.bounds();
    if (box) this.maps.after.fitBounds(boundsOf(box), { padding: [14, 14], animate: false, maxZoom: PLACE_ZOOM });
  }

  /** Bring a grid into view, as it is in either version. */
  private fly(code: string): void {
    const boxes: (Box | null)[] = [];
    for (const side of ["before", "after"] as const) {
      const grids = this.scene.get(gridsOf(side));
      this.selection[side].clearLayers();
      for (let grid = 0; grid < grids.count; grid++) {
        if (grids.text("grid_id", grid) !== code) continue;
        boxes.push(grids.box(grid));
      }
    }
    const whole = union(boxes);
    if (!whole) return;
    for (const side of ["before", "after"] as const) {
      L.rectangle(boundsOf(whole), { color: "#1d5fa8", weight: 2.5, dashArray: "7 5", fill: false, interactive: false }).addTo(this.selection[side]);
    }
    this.maps.after.fitBounds(boundsOf(whole), { padding: [60, 60], animate: false, maxZoom: PLACE_ZOOM });
  }

  private identify(of: Side, event: L.LeafletMouseEvent): void {
    const side = of === "after" ? this.swipe.sideOf(event.containerPoint) : of;
    const grid = this.scene.get(gridsOf(side)).polygonsAt(...worldOf(event.latlng))[0];
    if (grid === undefined) return;
    L.popup({ minWidth: 220, maxWidth: 300, autoPanPadding: [20, 20] })
      .setLatLng(event.latlng)
      .setContent(popupElement([gridSection(this.scene, grid, this.reasons, side)]))
      .openOn(this.maps[of]);
  }
}
