/** The wall of a command centre: what is open where, live or at a past moment. */
import * as L from "leaflet";
import { namesOf } from "../areas.ts";
import { askService } from "../asking.ts";
import { byId, element, typed } from "../dom.ts";
import type { CasePage } from "../case_page.ts";
import { classOptions } from "../class_options.ts";
import { tellIgnored } from "../ignored.ts";
import { askMode } from "../mode.ts";
import { plain } from "../plain.ts";
import { formatCount, t } from "../words.ts";
import { Card, noteText } from "./card.ts";
import { KINDS, parameters, shows, understood, type Filters } from "./filters.ts";
import { Ground } from "./ground.ts";
import { Heat } from "./heat.ts";
import { Look } from "./look.ts";
import { legend, Marks } from "./marks.ts";
import { Past } from "./past.ts";
import type { CaseBody, Cluster, Clusters, Late, LateCase, Note, Summary, WallPage } from "./schema.ts";
import { WallState } from "./state.ts";
import { StationLayer } from "./stations.ts";
import { EventStream, type Link, type LiveEvent } from "./stream.ts";
import { offerMeetingFile } from "./take_away.ts";
import { span, Times } from "./times.ts";

/** What was told is put on the map at once; the whole is asked for again so long after, not by all walls at a time. */
const ANEW_MS = [4000, 7000] as const;
/** An answer that is older than what the page heard of is asked for again so long after, twice as long each time. */
const BEHIND_MS = 1500;
/** Of many reports at once the map is drawn once. */
const DRAW_MS = 40;
const MOST_SEEN = 100;
/** Without any event: lateness comes by itself. */
const EVERY_MS = 30_000;
/** An answer is given up after this: those that a cut network never brings would hold all connections of the browser. */
const ANSWER_MS = 20_000;
const [MOST_LATE, MOST_LATEST] = [100, 30];
/** At this zoom a cluster is opened as a list. */
const CLOSEST = 18;
const FIGURES = ["open", "overdue", "soon", "unanswered", "reported_today", "closed_today", "unmapped"] as const;

export interface WallView {
  /** What tests and benchmarks look at. */
  link(): Link;
  total(): number;
  shown(): number;
  size(): number;
  /** When reports came to the page, by their numbers; the last hundred. */
  seen(): Record<string, number>;
  view(): { zoom: number; lat: number; lon: number; locked: boolean };
  rested(): Promise<void>;
}

export async function startWall(given: CasePage): Promise<WallView> {
  const wall = new Wall(given as WallPage);
  await wall.start();
  return wall.view();
}

class Wall {
  private readonly times: Times;
  private readonly look: Look;
  private readonly map: L.Map;
  private readonly ground = new Ground();
  private readonly marks: Marks;
  private readonly heat = new Heat();
  private readonly stations: StationLayer;
  private readonly state = new WallState();
  private readonly areaName: (code: string) => string;
  private readonly card: Card;
  private readonly past: Past;
  private filters: Filters;
  private notes = new Map<string, Note>();
  private late: LateCase[] = [];
  private link: Link = "lost";
  private heardAt = Date.now();
  private isLocked = false;
  private isFitting = false;
  private anew: number | null = null;
  /** The newest event that the page knows of, and how often answers were older. */
  private heard: number;
  private timesBehind = 0;
  private turn = 0;
  private asking: Promise<void> = Promise.resolve();
  private readonly seen = new Map<string, number>();
  private readonly told: { number: string; key: string | null }[] = [];
  private drawing: number | null = null;

  constructor(private readonly page: WallPage) {
    this.times = new Times(page.zone);
    this.heard = page.after;
    const asked = understood(page, location.search);
    this.filters = asked.filters;
    tellIgnored(byId("ignored"), asked.ignored);
    this.look = new Look(new URLSearchParams(location.search), (isRecoloured) => this.relook(isRecoloured));
    this.map = L.map(byId("map"), {
      zoomControl: false, attributionControl: false, zoomSnap: 0.25, minZoom: 3, maxZoom: CLOSEST, fadeAnimation: false, zoomAnimation: false, markerZoomAnimation: false,
    });
    L.control.zoom({ position: "bottomleft", zoomInTitle: t("wall.zoom_in"), zoomOutTitle: t("wall.zoom_out") }).addTo(this.map);
    this.map.getContainer().append(legend());
    this.fit(page.extent);
    this.ground.addTo(this.map);
    this.stations = new StationLayer();
    this.marks = new Marks(this.map, (cluster) => this.pick(cluster));
    this.areaName = namesOf(page.areas);
    this.card = new Card(page, this.areaName, this.times, (number) => this.notes.get(number), () => void this.askNotes());
    this.past = new Past(this.times, () => this.refilter());
  }

  async start(): Promise<void> {
    this.fillFilters();
    this.listen();
    offerMeetingFile(this.page.areas, () => this.filters.area);
    const stream = new EventStream({
      after: this.page.after, onEvent: (event) => this.take(event), onLink: (link, heardAt) => this.linked(link, heardAt),
    });
    stream.start();
    window.setInterval(() => this.tick(), 1000);
    window.setInterval(() => void this.ask(), EVERY_MS);
    await Promise.all([this.ask(), this.askNotes()]);
  }

  view(): WallView {
    return {
      link: () => this.link, total: () => this.state.total, size: () => this.state.size(), seen: () => Object.fromEntries(this.seen),
      shown: () => [...this.state.clusters.values()].reduce((sum, { n }) => sum + n, 0),
      view: () => ({ zoom: this.map.getZoom(), lat: this.map.getCenter().lat, lon: this.map.getCenter().lng, locked: this.isLocked }),
      rested: () => this.asking,
    };
  }

  private listen(): void {
    let moved = 0;
    this.map.on("moveend", () => {
      window.clearTimeout(moved);
      moved = window.setTimeout(() => void this.ask(), 120);
    });
    // Whoever moves the map himself wants to stay there.
    this.map.on("dragstart zoomstart", () => {
      if (!this.isFitting) this.lock(true);
    });
    this.map.on("resize", () => {
      if (!this.isLocked) this.fit(this.state.summary?.extent ?? this.page.extent);
    });
    byId("lock").addEventListener("click", () => this.lock(!this.isLocked));
    byId("fit").addEventListener("click", () => this.refit());
    byId("heat").addEventListener("change", (event) => {
      if ((event.target as HTMLInputElement).checked) this.heat.addTo(this.map);
      else this.heat.remove();
      document.body.classList.toggle("of-heat", this.map.hasLayer(this.heat));
      void this.ask();
    });
    byId("stations").addEventListener("change", (event) => {
      if ((event.target as HTMLInputElement).checked) this.stations.addTo(this.map);
      else this.stations.remove();
    });
    byId("filters").addEventListener("change", () => {
      const form = byId("filters") as HTMLFormElement;
      const value = (name: string) => (form.elements.namedItem(name) as HTMLSelectElement).value;
      this.filters = {
        area: value("area"), role: value("role"), category: value("category"), kind: value("kind"),
        state: value("state") ? [value("state")] : [], overdue: (form.elements.namedItem("overdue") as HTMLInputElement).checked,
      };
      this.refilter();
    });
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLElement && event.target.closest("input, select, dialog")) return;
      if (event.key === "f") this.refit();
      if (event.key === "l") this.lock(!this.isLocked);
    });
  }

  /** Another set of cases is shown: the address of this wall follows, and the view where it is not locked. */
  private refilter(): void {
    const said = parameters(this.filters);
    for (const name of ["theme", "scale", "name"]) {
      const value = new URLSearchParams(location.search).get(name);
      if (value) said.set(name, value);
    }
    tellIgnored(byId("ignored"), []);
    history.replaceState(null, "", said.toString() ? `?${said}` : location.pathname);
    document.body.classList.toggle("of-past", this.past.moment !== null);
    this.tick();
    void this.ask(!this.isLocked && this.past.moment === null);
  }

  private take(event: LiveEvent): void {
    if (event.kind === "case.noted") {
      void this.askNotes();
      return;
    }
    if (event.kind === "mode") {
      void askMode();
      return;
    }
    if (event.kind !== "case" && event.kind !== "case.imported") return;
    this.heard = Math.max(this.heard, event.number);
    const body = event.body as unknown as CaseBody;
    if (event.kind === "case" && this.notes.has(body.number)) void this.askNotes();
    if (this.past.moment !== null) return;
    const isNew = event.kind === "case" && body.revision === 1 && shows(this.page, this.filters, event) === true;
    if (isNew) {
      const key = this.state.takeReport({ event: event.number, at: event.at, body });
      this.told.push({ number: body.number, key });
      this.drawing ??= window.setTimeout(() => this.drawTold(), DRAW_MS);
    }
    this.askSoon(ANEW_MS[0] + Math.random() * (ANEW_MS[1] - ANEW_MS[0]));
  }

  private askSoon(ms: number): void {
    this.anew ??= window.setTimeout(() => {
      this.anew = null;
      void this.ask();
    }, ms);
  }

  /** While the service reads an import its answers are older than the event that told of it. */
  private askBehind(asOf: number | null): void {
    const isBehind = asOf !== null && asOf < this.heard;
    if (isBehind) this.askSoon(Math.min(EVERY_MS, BEHIND_MS * 2 ** this.timesBehind * (1 + Math.random() / 3)));
    this.timesBehind = isBehind ? this.timesBehind + 1 : 0;
  }

  /** Show what was told since the last drawing, however much that is. */
  private drawTold(): void {
    const told = this.told.splice(0);
    this.drawing = null;
    this.draw();
    for (const { number, key } of told.slice(-MOST_SEEN)) {
      if (key) this.marks.flash(key);
      this.seen.set(number, Date.now());
      if (this.seen.size > MOST_SEEN) this.seen.delete(this.seen.keys().next().value as string);
    }
  }

  private linked(link: Link, heardAt: number): void {
    const was = this.link;
    this.link = link;
    this.heardAt = heardAt;
    this.tick();
    if (was === "lost" && link !== "lost") void this.ask();
  }

  /** Ask for all that is shown; of two questions the later one counts. */
  private ask(isToFit = false): Promise<void> {
    this.asking = this.asked(isToFit);
    return this.asking;
  }

  private async asked(isToFit: boolean): Promise<void> {
    const turn = ++this.turn;
    const said = parameters(this.filters);
    if (this.past.moment !== null) said.set("at", new Date(this.past.moment).toISOString());
    const get = <T>(what: string, more: Record<string, string> = {}) =>
      askService<T>(`/api/v1/wall/${what}?${new URLSearchParams([...said, ...Object.entries(more)])}`, { method: "GET", withinMs: ANSWER_MS });
    const summary = await get<Summary>("summary");
    if (turn !== this.turn || !summary.ok) return;
    if (isToFit && summary.body.extent) this.fit(summary.body.extent);
    // Cells are those of whole zooms; of the one before they are larger, so that marks keep apart.
    const [bounds, zoom] = [this.map.getBounds(), String(Math.floor(this.map.getZoom()))];
    const edge = (value: number, most: number) => Math.max(-most, Math.min(most, value));
    const bbox = [edge(bounds.getWest(), 180), edge(bounds.getSouth(), 90), edge(bounds.getEast(), 180), edge(bounds.getNorth(), 90)].join(",");
    const wantsHeat = this.map.hasLayer(this.heat);
    const [clusters, late, heat] = await Promise.all([
      get<Clusters>("clusters", { bbox, zoom, cell: this.look.scale < 1.5 ? "64" : "128" }), get<Late>("overdue", { limit: String(MOST_LATE) }),
      wantsHeat ? get<{ points: [number, number, number][] }>("heat", { bbox, zoom }) : null,
    ]);
    if (turn !== this.turn) return;
    this.state.takeSummary(summary.body);
    this.askBehind(clusters.ok ? Math.min(clusters.body.as_of ?? Infinity, summary.body.as_of ?? Infinity) : summary.body.as_of);
    if (clusters.ok) this.state.takeClusters(clusters.body);
    if (late.ok) this.late = late.body.cases;
    if (heat?.ok) this.heat.show(heat.body.points);
    this.draw();
  }

  private async askNotes(): Promise<void> {
    const told = await askService<Note[]>("/api/v1/wall/notes", { method: "GET", withinMs: ANSWER_MS });
    if (!told.ok) return;
    this.notes = new Map(told.body.map((note) => [note.number, note]));
    this.drawLate();
  }

  private moment(): number {
    return this.past.moment ?? Date.now();
  }

  private draw(): void {
    this.marks.show(this.state.clusters, this.moment(), this.look.scale);
    this.drawStrip();
    this.drawLate();
    this.drawFeed();
  }

  private drawStrip(): void {
    const { summary } = this.state;
    if (!summary) return;
    byId("strip").replaceChildren(...FIGURES.map((name) =>
      element("div", { class: `${name}${summary[name] ? "" : " zero"}` }, element("dt", {}, t(`wall.figure.${name}`)), element("dd", {}, formatCount(summary[name])))));
  }

  private drawLate(): void {
    const now = this.moment();
    const list = byId("late");
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.number : undefined;
    const scrolled = list.scrollTop;
    list.replaceChildren(...this.late.map((each) => this.lateItem(each, now)));
    list.scrollTop = scrolled;
    if (held) list.querySelector<HTMLElement>(`[data-number="${held}"]`)?.focus();
    byId("late-count").textContent = this.state.summary ? formatCount(this.state.summary.overdue) : "";
    byId("late-none").hidden = this.late.length > 0;
  }

  private lateItem(each: LateCase, now: number): HTMLElement {
    const note = this.notes.get(each.number);
    const item = element("button", { type: "button", "data-number": each.number },
      element("strong", {}, typed(each.category_name)), element("span", { class: "span" }, t("wall.late_by", { span: span(now - Date.parse(each.due_at)) })),
      element("span", { class: "where" }, typed(this.areaName(each.area))), element("span", { class: "by" }, each.holder ? typed(each.holder) : t(`case.state.${each.state}`)),
      note ? element("span", { class: "noted" }, noteText(note, this.times)) : null);
    item.addEventListener("click", () => void this.card.open(each.number));
    return element("li", { class: note?.said === "mute" ? "muted" : undefined }, item);
  }

  private drawFeed(): void {
    const names = new Map(this.page.categories.map(({ code, name }) => [code, name]));
    const reports = this.past.moment === null ? this.state.latest(MOST_LATEST) : [];
    byId("feed").replaceChildren(...reports.map(({ at, body }) => {
      const item = element("button", { type: "button" },
        element("strong", {}, typed(names.get(body.category) ?? body.category)), element("span", { class: "by" }, this.times.clock(Date.parse(at))),
        element("span", { class: "where" }, typed(body.grid ?? "")));
      item.addEventListener("click", () => void this.card.open(body.number));
      return element("li", { class: Date.now() - Date.parse(at) < 60_000 ? "fresh" : undefined }, item);
    }));
    byId("feed-none").hidden = reports.length > 0 || this.past.moment !== null;
  }

  private tick(): void {
    byId("clock").textContent = this.times.day(Date.now());
    const place = byId("link");
    // A map of a past day is not live, however well the wall hears; a cut network is told all the same.
    const link = this.past.moment !== null && this.link !== "lost" ? "past" : this.link;
    place.dataset.link = link;
    const said = t(`wall.link.${link}`, { at: this.times.clock(this.heardAt) });
    if (place.textContent !== said) place.textContent = said;
  }

  private pick(cluster: Cluster): void {
    if (cluster.number) {
      void this.card.open(cluster.number);
      return;
    }
    const per = this.state.perWorld;
    if (per === null) return;
    const corners = [[cluster.x, cluster.y + 1], [cluster.x + 1, cluster.y]].map(([x, y]) => [((x as number) / per - 0.5) * 360, latOf((y as number) / per)]);
    if (this.map.getZoom() >= CLOSEST - 1) {
      void this.card.list(corners.flat().join(","));
      return;
    }
    const [[west, south], [east, north]] = corners as [[number, number], [number, number]];
    this.lock(true);
    this.map.fitBounds([[south, west], [north, east]], { maxZoom: CLOSEST });
  }

  private lock(isLocked: boolean): void {
    this.isLocked = isLocked;
    byId("lock").setAttribute("aria-pressed", String(isLocked));
  }

  private refit(): void {
    this.lock(false);
    this.fit(this.state.summary?.extent ?? this.page.extent);
  }

  private fit(extent: readonly [number, number, number, number] | null): void {
    this.isFitting = true;
    if (extent) this.map.fitBounds([[extent[1], extent[0]], [extent[3], extent[2]]], { padding: [30, 30], maxZoom: 17, animate: false });
    else this.map.setView([32.5, 119.5], 7, { animate: false });
    this.isFitting = false;
  }

  private relook(isRecoloured: boolean): void {
    // The constructor looks before there is a map.
    if (!this.map) return;
    if (isRecoloured) this.ground.recolour();
    this.map.invalidateSize();
    this.draw();
    void this.ask();
  }

  private fillFilters(): void {
    const form = byId("filters") as HTMLFormElement;
    const fill = (name: string, options: [value: string, label: string][], value: string) => {
      const select = form.elements.namedItem(name) as HTMLSelectElement;
      for (const [code, label] of options) select.append(element("option", { value: code }, label));
      select.value = value;
      if (select.selectedIndex < 0) select.value = "";
    };
    fill("area", this.page.areas.filter(({ level }) => level !== "all").map(({ code, name, path }) => [code, `${"　".repeat(Math.max(0, path.split(".").length - 2))}${name}`]), this.filters.area);
    fill("role", this.page.roles.map((role) => [role, t(`wall.roles.${role}`)]), this.filters.role);
    fill("state", this.page.states.map((state) => [state, t(`case.state.${state}`)]), this.filters.state[0] ?? "");
    fill("kind", KINDS.map((kind) => [kind, t(`case.kind.${kind}`)]), this.filters.kind);
    const category = form.elements.namedItem("category") as HTMLSelectElement;
    category.append(...classOptions(this.page.categories));
    category.value = this.filters.category;
    (form.elements.namedItem("overdue") as HTMLInputElement).checked = this.filters.overdue;
    const name = new URLSearchParams(location.search).get("name");
    if (name) byId("wall-name").textContent = plain(name);
  }
}

function latOf(y: number): number {
  return (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;
}
