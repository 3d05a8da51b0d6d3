/** The page: panel and map tied to each other. */
import * as L from "leaflet";
import { gridsOf } from "./changes.ts";
import { northArrow, homeControl } from "./controls.ts";
import type { Side } from "./divider.ts";
import { element } from "./dom.ts";
import { concern, middleOf, nearest } from "./findings.ts";
import { FirstSheet } from "./first_sheet.ts";
import { Incidents } from "./incidents.ts";
import { Overlay, type DrawnLabel } from "./overlay.ts";
import { areWidespread, Painter, UNITS_FROM_M, type Shown } from "./paint.ts";
import { Panel } from "./panel.ts";
import { boundsOf, place, worldOf } from "./places.ts";
import { penOver, restingOn } from "./resting.ts";
import {
  buildingSection, communitySection, compoundSection, findingSection, gridSection, incidentSection, popupElement, Reasons,
  conflictSection, memberSection, stationSection, unitSection, type Section,
} from "./popups.ts";
import { union, type Box, type LayerName, type Scene } from "./scene.ts";
import type { Language, Settings } from "./schema.ts";
import type { Entry } from "./search.ts";
import { linksOf } from "./results.ts";
import { Selection } from "./selection.ts";
import { whileIdle } from "./spread.ts";
import { Swipe } from "./swipe.ts";
import { metresPerPixel, PlanTiles } from "./tiles.ts";
import { TowerBadges } from "./towers.ts";
import { htmlLanguage, t, useLanguage } from "./words.ts";

const MAX_ZOOM = 21;
/** Flying to a single place comes no nearer than this, so that its surroundings can be seen. */
const PLACE_ZOOM = 18.5;
/** Pixels of a CSS pixel on paper: about 200 to the inch. */
const PAPER_RATIO = 2;
/** Of a pile of incidents at one spot a popup tells so many. */
const PILE = 20;

/** Layers drawn only when asked for. */
const INITIALLY_HIDDEN: ReadonlySet<Shown> = new Set(["cells"]);

export class Page {
  /** Everything but the panel: the map, and what a meeting puts round it. */
  readonly stage = element("main", { class: "stage" });
  readonly incidents: Incidents;
  /** Cases that another layer draws at a point of the map's container. */
  hitCases: (at: L.Point) => number[] = () => [];
  /** How much larger than usual maps are written. */
  magnified = 1;
  private readonly shown = new Set<Shown>();
  private readonly reasons: Reasons;
  private readonly tiles: PlanTiles;
  private readonly firstSheet: FirstSheet;
  private readonly overlay: Overlay;
  private readonly panel: Panel;
  private readonly selection: Selection;
  /** Only where the plan carries the grids before. */
  private readonly swipe: Swipe | null = null;
  private readonly painterOf: (side: Side) => Painter;
  private controls: L.Control[] = [];
  private onScreen: L.LatLngBounds | null = null;
  private onArrival: (() => void) | null = null;
  /** The ground on paper: there from the start, since a browser prints no canvas that it has not yet shown. */
  private readonly sheet = element("canvas", { class: "sheet", width: 0, height: 0 });
  /** What paper shows, of what the screen shows; null for all of it. */
  onPaper: ReadonlySet<Shown> | null = null;
  /** Taken away for paper, to be put back: layers, and the swipe. */
  private readonly putAway: { layers: Shown[]; isSwiped: boolean } = { layers: [], isSwiped: false };
  private picking: ((at: L.LatLng) => void) | null = null;
  private isPrepared = false;
  private readonly listeners: { speak: () => void; filter: () => void; paper: (isPaper: boolean) => void } = {
    speak: () => undefined, filter: () => undefined, paper: () => undefined,
  };

  constructor(
    readonly map: L.Map,
    readonly scene: Scene,
    readonly settings: Settings,
    licences: string,
    /** Puts more round the map before it is drawn for the first time. */
    surround: (page: Page) => void = () => undefined,
  ) {
    this.incidents = new Incidents(scene.get("incidents"));
    this.reasons = new Reasons(scene);
    const drawn: Shown[] = ["units", "cells", "communities", "roads", "water", "barriers", "compounds", "gates",
      "incidents", "stations", "context", "faults", "walk",
      "links", "members", "department_grids", "conflicts"];
    for (const name of drawn) if (scene.has(name as LayerName) && !INITIALLY_HIDDEN.has(name)) this.shown.add(name);
    this.shown.add("status").add("labels");

    this.panel = new Panel({
      scene, settings, licences, shown: this.shown, incidents: this.incidents, reasons: this.reasons,
      onLayer: (layer, isShown) => this.show(layer, isShown),
      onFilter: () => {
        this.overlay.redraw();
        this.listeners.filter();
      },
      onEntry: (entry) => this.goToEntry(entry),
      onFeature: (layer, feature) => this.goTo(layer, [feature]),
      onLanguage: (language) => this.speak(language),
      onResize: () => this.map.invalidateSize({ animate: false }),
    });
    const { stage } = this;
    const root = element("div", { id: "weige" });
    root.append(this.panel.root, stage);
    document.body.append(root);
    stage.append(map.getContainer());
    map.setMaxZoom(MAX_ZOOM);
    const pane = map.createPane("weige-labels");
    pane.style.zIndex = "450";
    pane.style.pointerEvents = "none";
    const painter = (this.painterOf = (side: Side) => {
      const made = new Painter(scene, settings.styles, this.shown, side, () => this.swipe?.isOn ?? false);
      made.outlinesConflicts = areWidespread(settings.merge);
      return made;
    });
    const paper = map.createPane("weige-sheet");
    paper.style.zIndex = "220"; // over the grids before, under the labels
    paper.append(this.sheet);
    this.tiles = new PlanTiles(painter("after"), () => this.magnified);
    if (settings.changes) {
      this.swipe = new Swipe(map, new PlanTiles(painter("before"), () => this.magnified), {
        onSwitch: () => this.redraw(),
        onMove: () => this.overlay.redraw(),
      });
    }
    this.overlay = new Overlay(scene, settings.styles, this.shown, this.incidents, this.swipe ?? { x: null, covers: [] }, () => this.magnified);
    this.selection = new Selection(scene, settings.styles.ink.select).addTo(map);
    surround(this);
    // The panel takes its place before the map is fitted to the rest.
    this.speak(settings.language);
    map.invalidateSize({ animate: false });
    this.home(false);
    this.firstSheet = new FirstSheet(painter("after"), this.tiles, () => this.magnified).addTo(map);
    this.overlay.addTo(map);
    new TowerBadges(scene.get("units")).addTo(map);
    map.on("click", (event) => this.identify(event));
    map.on("mousemove", (event) => {
      // A pointer that goes on moving after a drag must not make one long frame of what is drawn over some.
      if (this.overlay.isUnderWay) return;
      const isOver = this.overlay.hit(event.containerPoint) !== null || this.hitCases(event.containerPoint).length > 0;
      map.getContainer().classList.toggle("over", isOver);
    });
    window.matchMedia("print").addEventListener("change", ({ matches }) => this.turnToPaper(matches));
    // A browser counts the sheets, and shrinks what is too wide for them, before it says that the page is on paper.
    window.addEventListener("beforeprint", () => this.prepare(true));
    window.addEventListener("afterprint", () => this.prepare(false));
  }

  /** Paper has its own size: show there what the screen shows, with the legend; then go back. */
  private turnToPaper(isPaper: boolean): void {
    if (isPaper) this.onScreen = this.map.getBounds();
    this.prepare(isPaper);
    this.map.invalidateSize({ animate: false });
    if (this.onScreen) this.map.fitBounds(this.onScreen, { animate: false });
    this.overlay.redraw(isPaper ? PAPER_RATIO : undefined);
    if (isPaper) this.paintSheet();
    else [this.sheet.width, this.sheet.height] = [0, 0];
  }

  /** Put on the page what paper shows, or take it away again. */
  private prepare(isPaper: boolean): void {
    if (this.isPrepared === isPaper) return;
    this.isPrepared = isPaper;
    if (isPaper) this.leaveOut();
    else this.putBack();
    this.panel.turnToPaper(isPaper);
    this.listeners.paper(isPaper);
  }

  private leaveOut(): void {
    const { onPaper, shown, swipe } = this;
    if (!onPaper) return;
    this.putAway.layers = [...shown].filter((layer) => !onPaper.has(layer));
    for (const layer of this.putAway.layers) shown.delete(layer);
    this.putAway.isSwiped = swipe?.isOn ?? false;
    if (this.putAway.isSwiped) swipe?.switch(false);
  }

  private putBack(): void {
    const { layers, isSwiped } = this.putAway;
    for (const layer of layers.splice(0)) this.shown.add(layer);
    this.putAway.isSwiped = false;
    if (isSwiped) this.swipe?.switch(true);
  }

  private paintSheet(): void {
    const resting = { ...restingOn(this.map), ratio: PAPER_RATIO };
    const pen = penOver(this.sheet, resting);
    if (!pen) return;
    const { view, pad } = resting;
    this.painterOf("after").paint(pen, view, PAPER_RATIO);
    const x = this.swipe?.x ?? null;
    if (x === null) return;
    pen.setTransform(PAPER_RATIO, 0, 0, PAPER_RATIO, 0, 0);
    pen.beginPath();
    pen.rect(0, 0, x + pad.x, view.height);
    pen.clip();
    this.painterOf("before").paint(pen, view, PAPER_RATIO);
  }

  /** What nobody sees as a page opens, and whoever moves the map needs at once. */
  makeReady(): void {
    this.firstSheet.giveWay();
    this.overlay.drawBeyond();
    whileIdle(this.scene.indexing());
  }

  labels(): DrawnLabel[] {
    return this.overlay.labels();
  }

  /** The community, or how many there are. */
  place(): string {
    return this.panel.title();
  }

  shows(layer: Shown): boolean {
    return this.shown.has(layer);
  }

  /** Say in the panel which cases are shown, where more than its ticks chooses among them. */
  tellCases(said: string | null): void {
    this.panel.tellCases(said);
  }

  onSpeak(listener: () => void): void {
    this.listeners.speak = listener;
  }

  onFilter(listener: () => void): void {
    this.listeners.filter = listener;
  }

  onPaperTurn(listener: (isPaper: boolean) => void): void {
    this.listeners.paper = listener;
  }

  /** Take the next click of the map for a place; null for none any more. */
  pick(onPicked: ((at: L.LatLng) => void) | null): void {
    this.picking = onPicked;
    this.map.getContainer().classList.toggle("picking", onPicked !== null);
  }

  /** Write the map larger, for those at the back of a room. */
  magnify(factor: number): void {
    this.magnified = factor;
    this.swipe?.redraw();
    this.redraw();
  }

  private speak(language: Language): void {
    useLanguage(this.settings, language);
    document.documentElement.lang = htmlLanguage();
    this.map.closePopup();
    this.panel.render();
    document.title = `${this.panel.title()} \u00b7 ${t("page.title")}`;
    this.map.getContainer().setAttribute("role", "region");
    this.map.getContainer().setAttribute("aria-label", t("page.map"));
    for (const control of this.controls) control.remove();
    this.controls = [
      L.control.zoom({ position: "topright", zoomInTitle: t("page.zoom_in"), zoomOutTitle: t("page.zoom_out") }),
      homeControl(t("page.whole"), () => this.home(true)),
      northArrow(t("page.north")),
      L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }),
      ...(this.swipe ? [this.swipe.control()] : []),
    ];
    for (const control of this.controls) control.addTo(this.map);
    this.overlay.redraw();
    this.listeners.speak();
  }

  private show(layer: Shown, isShown: boolean): void {
    if (isShown) this.shown.add(layer);
    else this.shown.delete(layer);
    this.swipe?.redraw();
    this.redraw();
    if (layer === "incidents") this.listeners.filter();
  }

  redraw(): void {
    this.firstSheet.redraw();
    this.tiles.redraw();
    this.overlay.redraw();
  }

  private home(animate: boolean): void {
    const box = this.scene.bounds();
    if (box) this.map.fitBounds(boundsOf(box), { padding: [14, 14], animate, maxZoom: PLACE_ZOOM });
    else this.map.setView([32, 119.6], 10, { animate });
  }

  private goToEntry(entry: Entry): void {
    if (entry.kind === "building") this.goToUnits(entry.features, [buildingSection(this.scene, entry.features)]);
    else this.goTo(entry.layer, entry.features);
  }

  /** Bring a box into view; what is told about it opens on arrival, so that it finds its place beside the edge. */
  private bring(box: Box, arrive: () => void): void {
    this.panel.fold();
    this.map.stop().closePopup();
    if (this.onArrival) this.map.off("moveend", this.onArrival);
    this.onArrival = () => {
      this.onArrival = null;
      arrive();
    };
    this.map.once("moveend", this.onArrival);
    this.map.fitBounds(boundsOf(box), { padding: [60, 60], maxZoom: PLACE_ZOOM });
  }

  /** Units on the ground of their grids: the grids outlined, the units filled. */
  private goToUnits(units: readonly number[], sections: Section[]): void {
    const layer = this.scene.get("units");
    const own = union(units.map((unit) => layer.box(unit)));
    if (!own) return;
    const grids = [...new Set(units.map((unit) => layer.number("grid", unit)))].filter((grid): grid is number => grid !== null);
    const told = grids.map((grid) => gridSection(this.scene, grid, this.reasons));
    const at = nearest(this.scene, units, middleOf(own));
    this.bring(union([own, ...grids.map((grid) => this.scene.get("grids").box(grid))]) ?? own, () => {
      this.popup(at, [...sections, ...(told.length === 1 ? told : [])]);
    });
    this.selection.outline("grids", grids);
    this.selection.fill(units);
  }

  /** What a finding speaks of: the ground, its grids outlined, its units filled; a ring where there is only a place. */
  private goToFinding(finding: number): void {
    const about = concern(this.scene, finding);
    const { box, at } = about;
    if (!box || !at) return;
    const [only, ...others] = about.grids;
    const grid = only === undefined || others.length ? [] : [{ ...gridSection(this.scene, only, this.reasons), notes: [] }];
    this.bring(box, () => this.popup(at, [findingSection(this.scene, finding, this.reasons, others.length ? about.grids : []), ...grid]));
    this.selection.clear();
    this.selection.outline("communities", about.communities, false);
    for (const grid of about.grids) this.selection.outline("grids", [grid], false, 4);
    this.selection.fill(about.units);
    if (about.faults.length || !(about.grids.length || about.units.length || about.communities.length)) this.selection.ring(at);
  }

  /** Bring features into view, outline them, and tell what they are. */
  goTo(name: LayerName, features: readonly number[]): void {
    const first = features[0] as number;
    if (name === "findings") return this.goToFinding(first);
    if (name === "units") return this.goToUnits(features, [unitSection(this.scene, first)]);
    const layer = this.scene.get(name);
    const own = union(features.map((feature) => layer.box(feature)));
    if (!own) return;
    const middle = middleOf(own);
    const box = name === "members" ? union([own, ...linksOf(this.scene, first).map((link) => this.scene.get("links").box(link))]) ?? own : own;
    const isGrid = name === "grids" || name === "grids_before";
    const at = (isGrid ? this.scene.get(`${name}_labels`).middle(features[0] as number) : null) ?? middle;
    this.selection.outline(name, features);
    const sections: Partial<Record<LayerName, () => Section[]>> = {
      grids: () => [gridSection(this.scene, first, this.reasons)],
      grids_before: () => [gridSection(this.scene, first, this.reasons, "before")],
      compounds: () => [compoundSection(this.scene, first)],
      communities: () => [communitySection(this.scene, first)],
      incidents: () => [incidentSection(this.scene, first)],
      stations: () => [stationSection(this.scene, first)],
      members: () => [memberSection(this.scene, first)],
      conflicts: () => [conflictSection(this.scene, first)],
    };
    this.bring(box, () => {
      const made = sections[name]?.();
      if (made) this.popup(at, made);
    });
    if (name === "incidents" || name === "stations" || name === "members") this.selection.ring(at);
    if (name === "members") this.selection.outline("links", linksOf(this.scene, first), false);
  }

  /** Bring a place into view and ring it. */
  goToPlace(at: [number, number]): void {
    this.bring([...at, ...at], () => undefined);
    this.selection.clear();
    this.selection.ring(at);
  }

  private identify(event: L.LeafletMouseEvent): void {
    if (this.picking) {
      const picked = this.picking;
      this.pick(null);
      return picked(event.latlng);
    }
    const cases = this.hitCases(event.containerPoint);
    if (cases.length) return this.openIncidents(cases, event.latlng);
    const hit = this.overlay.hit(event.containerPoint);
    this.selection.clear();
    if (hit?.kind === "station") return this.goNear("stations", hit.station, stationSection(this.scene, hit.station));
    if (hit?.kind === "member") {
      this.goNear("members", hit.member, memberSection(this.scene, hit.member));
      return this.selection.outline("links", linksOf(this.scene, hit.member), false);
    }
    if (hit) return this.openIncidents(hit.incidents, event.latlng);
    const at = worldOf(event.latlng);
    const { scene } = this;
    const sees = this.shown.has("units") && metresPerPixel(this.map.getZoom(), at[1]) <= UNITS_FROM_M;
    const unit = sees ? this.unitAt(at) : undefined;
    const side = this.swipe?.sideOf(event.containerPoint) ?? "after";
    const grid = scene.get(gridsOf(side)).polygonsAt(...at)[0];
    const compound = sees ? scene.get("compounds").polygonsAt(...at)[0] : undefined;
    const community = scene.get("communities").polygonsAt(...at)[0];
    const sections: Section[] = [];
    if (unit !== undefined) sections.push(unitSection(scene, unit));
    if (compound !== undefined && unit === undefined) sections.push(compoundSection(scene, compound));
    const conflict = this.shown.has("conflicts") ? scene.get("conflicts").polygonsAt(...at)[0] : undefined;
    if (conflict !== undefined) sections.push(conflictSection(scene, conflict));
    if (grid !== undefined) sections.push(gridSection(scene, grid, this.reasons, side));
    else if (community !== undefined) sections.push(communitySection(scene, community));
    if (!sections.length) return;
    if (grid !== undefined) this.selection.outline(gridsOf(side), [grid]);
    if (unit !== undefined) this.selection.fill([unit]);
    this.popup(at, sections);
  }

  private unitAt([x, y]: [number, number]): number | undefined {
    const units = this.scene.get("units");
    const inside = units.polygonsAt(x, y);
    // Floor bands of one tower share its outline: the one of the grid that was clicked.
    const grid = this.scene.get("grids").polygonsAt(x, y)[0];
    const unit = inside.find((each) => units.number("grid", each) === grid) ?? inside[0];
    if (unit !== undefined) return unit;
    const reach = 8 / (256 * 2 ** this.map.getZoom());
    const near = units.within([x - reach, y - reach, x + reach, y + reach]).filter((unit) => {
      const box = units.box(unit);
      return box !== null && box[0] === box[2];
    });
    return near[0];
  }

  private openIncidents(incidents: number[], at: L.LatLng): void {
    const layer = this.scene.get("incidents");
    if (incidents.length === 1) {
      const only = incidents[0] as number;
      return this.goNear("incidents", only, incidentSection(this.scene, only));
    }
    const box = union(incidents.map((incident) => layer.box(incident)));
    const target = box && boundsOf(box);
    const zoom = target ? Math.min(this.map.getBoundsZoom(target, false, L.point(50, 50)), MAX_ZOOM) : MAX_ZOOM;
    if (target && zoom > this.map.getZoom() && this.map.getZoom() < 19.5) {
      this.map.fitBounds(target, { padding: [50, 50], maxZoom: Math.max(this.map.getZoom() + 1, Math.min(zoom, 20)) });
      return;
    }
    const sections = incidents.slice(0, PILE).map((incident) => incidentSection(this.scene, incident));
    if (incidents.length > PILE) {
      sections.push({ title: t("incident.more", { count: incidents.length - PILE }), rows: [] });
    }
    this.popup(worldOf(at), sections);
  }

  private goNear(name: LayerName, feature: number, section: Section): void {
    const middle = this.scene.get(name).middle(feature);
    if (!middle) return;
    this.selection.ring(middle);
    this.popup(middle, [section]);
  }

  private popup(at: [number, number], sections: Section[]): void {
    const narrow = this.map.getSize().x < 480;
    L.popup({
      minWidth: 230,
      maxWidth: narrow ? 260 : 320,
      maxHeight: Math.max(160, Math.min(380, this.map.getSize().y - 120)),
      autoPanPadding: [20, 20],
      offset: [0, -4],
    })
      .setLatLng(place(at))
      .setContent(popupElement(sections))
      .openOn(this.map);
  }
}
