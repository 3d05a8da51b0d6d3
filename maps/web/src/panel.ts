/** The panel beside the map: figures, search, legend with layers, lists of grids, findings and incidents. */
import { changedGrids, type GridChange } from "./changes.ts";
import { button, element, typed } from "./dom.ts";
import { byMending, concern, type Mending } from "./findings.ts";
import { drawIncident, drawStation, iconCanvas, stationSign } from "./icons.ts";
import { hatchSquare } from "./hatch.ts";
import type { Incidents } from "./incidents.ts";
import { areWidespread, STATUSES, walkStyle, type Shown } from "./paint.ts";
import type { Reasons } from "./popups.ts";
import type { LayerName, Scene } from "./scene.ts";
import type { Language, Settings, Status, StatusStyle } from "./schema.ts";
import { conflictRow, memberRow, resultLegend } from "./results.ts";
import { findEntries, searchEntries, type Entry } from "./search.ts";
import { formatHours, formatMoment } from "./times.ts";
import { walkLegend } from "./walks.ts";
import { formatCount, formatShare, language, t } from "./words.ts";

type Tab = "legend" | "grids" | "changes" | "findings" | "incidents" | "stations" | "members" | "conflicts";

/** Rows of a long list made at a time. */
const CHUNK = 100;

/** Of the classes of cases the legend on paper explains so many, the most frequent: more would push the map off the sheet. */
const MOST_CLASSES = 11;

export interface PanelOptions {
  scene: Scene;
  settings: Settings;
  licences: string;
  shown: ReadonlySet<Shown>;
  incidents: Incidents;
  reasons: Reasons;
  onLayer(layer: Shown, isShown: boolean): void;
  onFilter(): void;
  onEntry(entry: Entry): void;
  onFeature(layer: LayerName, feature: number): void;
  onLanguage(language: Language): void;
  onResize(): void;
}

export class Panel {
  readonly root = element("aside", { class: "panel" });
  private tab: Tab = "legend";
  private gridOrder: "code" | "households" = "code";
  private gridStatus: Status | "" = "";
  private mending: Mending | "" = "";
  private entries: Entry[] | null = null;
  private readonly counts: Record<Status, number>;
  private body = element("div");
  private casesSaid: string | null = null;

  constructor(private readonly options: PanelOptions) {
    const grids = options.scene.get("grids");
    this.counts = { too_small: 0, ok: 0, too_large: 0, exempt: 0 };
    for (const status of grids.texts("status")) if (status in this.counts) this.counts[status as Status]++;
  }

  /** The community, or how many there are. */
  title(): string {
    const communities = this.options.scene.get("communities");
    if (communities.count === 1) return communities.text("name", 0) || communities.text("community_id", 0);
    return communities.count ? t("head.communities", { count: communities.count }) : t("page.title");
  }

  /** On a narrow screen, give the map its place back. */
  fold(): void {
    this.open(false);
  }

  /** Paper shows the legend, whichever list is open. */
  turnToPaper(isPaper: boolean): void {
    if (isPaper) {
      this.body.replaceChildren(...this.legend(true));
      this.tellGround();
    } else this.fill();
  }

  /** Say which cases are shown; null where only the ticks here choose among them. */
  tellCases(said: string | null): void {
    this.casesSaid = said;
    const shown = this.body.querySelector<HTMLElement>(".shown");
    if (shown) this.sayCases(shown);
  }

  private sayCases(shown: HTMLElement): void {
    const { incidents } = this.options;
    const { placeless } = incidents;
    shown.textContent = this.casesSaid ?? t(placeless ? "incidents.shown_placeless" : "incidents.shown", {
      shown: incidents.chosen, count: incidents.layer.count, placeless,
    });
    // What chooses them says it itself.
    shown.setAttribute("aria-live", this.casesSaid ? "off" : "polite");
  }

  /** Only what is on the ground is told, walking time or sizes: their hatches are alike. */
  private tellGround(): void {
    const ground = this.options.scene.has("walk") && this.options.shown.has("walk") ? "walk" : "size";
    this.root.dataset["painted"] = ground;
    for (const part of this.root.querySelectorAll<HTMLElement>("[data-ground]")) part.hidden = part.dataset.ground !== ground;
  }

  private open(isOpen: boolean): void {
    if (this.root.classList.contains("open") === isOpen) return;
    this.root.classList.toggle("open", isOpen);
    const handle = this.root.querySelector(".handle");
    handle?.setAttribute("aria-expanded", String(isOpen));
    if (handle) handle.textContent = t(isOpen ? "page.fold" : "page.details");
    this.options.onResize();
  }

  render(): void {
    this.root.setAttribute("aria-label", t("page.panel"));
    this.body = element("div", { class: "body", id: "panel-body", role: "tabpanel", tabindex: 0 });
    const isOpen = this.root.classList.contains("open");
    const handle = button(t(isOpen ? "page.fold" : "page.details"), () => this.open(!this.root.classList.contains("open")), {
      class: "handle", "aria-expanded": String(isOpen), "aria-controls": "panel-body",
    });
    this.root.replaceChildren(this.head(), this.search(), handle, this.tabs(), this.body);
    this.fill();
  }

  private head(): HTMLElement {
    const { scene, settings } = this.options;
    const grids = scene.get("grids");
    const { in_grids, left_out, outside } = settings.households;
    const banded = this.counts.ok + this.counts.too_small + this.counts.too_large;
    const languages = element("div", { class: "languages", role: "group", "aria-label": t("page.language") });
    for (const each of Object.keys(settings.words) as Language[]) {
      const name = settings.words[each]["language.name"] ?? each;
      languages.append(button(name, () => this.options.onLanguage(each), {
        lang: each === "zh_CN" ? "zh-CN" : "en", "aria-pressed": String(each === language()),
      }));
    }
    const figure = (label: string, value: string) => element("div", {}, element("dt", {}, label), element("dd", {}, value));
    const figures = element("dl", { class: "figures" },
      figure(t("head.households"), formatCount(in_grids + left_out)),
      figure(t("head.grids"), formatCount(grids.count)),
      figure(t("head.units"), formatCount(scene.get("units").count)),
      figure(t("head.in_band"), banded ? formatShare(this.counts.ok / banded) : "\u2013"),
    );
    const statuses = element("div", { class: "statuses", "data-ground": "size", role: "img", "aria-label": this.statusSentence() });
    for (const status of STATUSES) {
      const count = this.counts[status];
      if (!count) continue;
      const part = element("span", { class: "part", title: `${t(`status.${status}`)} ${formatCount(count)}` });
      part.style.flexGrow = String(count);
      this.hatch(part, status);
      statuses.append(part);
    }
    const [lower, upper] = settings.plan.band;
    const elsewhere = this.options.incidents.elsewhere();
    return element("header", { class: "head" },
      element("div", { class: "title" },
        element("div", {},
          element("h1", {}, typed(this.title())),
          element("p", { class: "subtitle" }, t("head.subtitle", { lower, upper }))),
        languages),
      figures,
      left_out ? element("p", { class: "left-out" }, t(outside ? "head.left_out_outside" : "head.left_out", { in_grids, left_out, outside })) : null,
      elsewhere ? element("p", { class: "elsewhere" }, t("incidents.elsewhere", { count: elsewhere })) : null,
      grids.count ? statuses : null);
  }

  private statusSentence(): string {
    return STATUSES.filter((status) => this.counts[status])
      .map((status) => `${t(`status.${status}`)} ${formatCount(this.counts[status])}`).join(t("list.comma"));
  }

  private hatch(place: HTMLElement, status: Status): void {
    this.hatched(place, this.options.settings.styles.status[status]);
  }

  private hatched(place: HTMLElement, style: StatusStyle): void {
    place.style.backgroundColor = style.fill;
    if (style.hatch !== "none") {
      place.style.backgroundImage = `url(${hatchSquare(style.hatch, style.hatch_ink, 1).toDataURL()})`;
    }
  }

  private swatch(style: StatusStyle): HTMLElement {
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    this.hatched(swatch, style);
    return swatch;
  }

  private search(): HTMLElement {
    const input = element("input", {
      type: "search", id: "search", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-controls": "answers", "aria-expanded": "false", "aria-autocomplete": "list",
      "aria-label": t("search.label"), placeholder: t("search.placeholder"),
    });
    const list = element("ul", { id: "answers", role: "listbox", "aria-label": t("search.answers"), hidden: true });
    const status = element("p", { class: "visually-hidden", role: "status" });
    let answers: Entry[] = [];
    let active = -1;
    const close = () => {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const choose = (position: number) => {
      const entry = answers[position];
      if (!entry) return;
      input.value = entry.title;
      close();
      this.options.onEntry(entry);
    };
    const mark = (position: number) => {
      active = position;
      for (const [i, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(i === active));
      const item = list.children[active];
      if (item) {
        input.setAttribute("aria-activedescendant", item.id);
        item.scrollIntoView({ block: "nearest" });
      }
    };
    const look = () => {
      this.entries ??= searchEntries(this.options.scene);
      answers = findEntries(this.entries, input.value);
      list.replaceChildren(...answers.map((entry, i) => {
        const item = element("li", { role: "option", id: `answer-${i}`, "aria-selected": "false" },
          element("span", { class: "tag" }, t(`search.${entry.kind}`)),
          element("span", { class: "found" }, typed(entry.title),
            entry.detail ? element("small", {}, typed(entry.detail)) : null));
        item.addEventListener("mousedown", (event) => event.preventDefault());
        item.addEventListener("click", () => choose(i));
        return item;
      }));
      if (input.value.trim() && !answers.length) list.replaceChildren(element("li", { class: "none" }, t("search.none")));
      status.textContent = input.value.trim() ? t("search.count", { count: answers.length }) : "";
      list.hidden = !input.value.trim();
      active = -1;
      input.setAttribute("aria-expanded", String(!list.hidden));
      input.removeAttribute("aria-activedescendant");
    };
    input.addEventListener("input", look);
    input.addEventListener("focus", () => input.value.trim() && look());
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) look();
        const step = event.key === "ArrowDown" ? 1 : -1;
        if (answers.length) mark((Math.max(active, step > 0 ? -1 : 0) + step + answers.length) % answers.length);
      } else if (event.key === "Enter") {
        event.preventDefault();
        choose(Math.max(active, 0));
      } else if (event.key === "Escape") {
        if (list.hidden) input.value = "";
        close();
      }
    });
    return element("div", { class: "search", role: "search" }, input, list, status);
  }

  private tabs(): HTMLElement {
    const { scene } = this.options;
    const tabs: [Tab, number | null][] = [["legend", null], ["grids", scene.get("grids").count]];
    if (this.options.settings.changes) tabs.push(["changes", changedGrids(scene).length]);
    tabs.push(["findings", scene.get("findings").count]);
    for (const layer of ["members", "conflicts", "incidents", "stations"] as const) if (scene.has(layer)) tabs.push([layer, scene.get(layer).count]);
    const crowd = tabs.length > 5 ? "tabs many crowded" : tabs.length > 4 ? "tabs many" : "tabs";
    const list = element("div", { class: crowd, role: "tablist", "aria-label": t("page.panel") });
    for (const [tab, count] of tabs) {
      const made = button(t(`tab.${tab}`), () => this.choose(tab), {
        role: "tab", id: `tab-${tab}`, "aria-controls": "panel-body", "aria-selected": String(tab === this.tab),
        tabindex: tab === this.tab ? 0 : -1,
      });
      if (count !== null) made.append(element("span", { class: "count" }, formatCount(count)));
      made.addEventListener("keydown", (event) => {
        const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (!step) return;
        const position = tabs.findIndex(([each]) => each === tab);
        const next = tabs[(position + step + tabs.length) % tabs.length];
        if (next) this.choose(next[0]);
        this.root.querySelector<HTMLElement>(`#tab-${this.tab}`)?.focus();
      });
      list.append(made);
    }
    return list;
  }

  private choose(tab: Tab): void {
    this.tab = tab;
    for (const each of this.root.querySelectorAll("[role=tab]")) {
      const isChosen = each.id === `tab-${tab}`;
      each.setAttribute("aria-selected", String(isChosen));
      each.setAttribute("tabindex", isChosen ? "0" : "-1");
    }
    this.open(true);
    this.fill();
  }

  private fill(): void {
    this.body.setAttribute("aria-labelledby", `tab-${this.tab}`);
    // Told to an empty body too, it would have the whole page laid out that is still being made.
    if (this.body.firstChild) this.body.scrollTop = 0;
    const parts = {
      legend: () => this.legend(), grids: () => this.gridList(), changes: () => this.changeList(),
      findings: () => this.findingList(), incidents: () => this.incidentList(), stations: () => this.stationList(),
      members: () => this.resultList("members"), conflicts: () => this.resultList("conflicts"),
    };
    this.body.replaceChildren(...parts[this.tab]());
    this.tellGround();
  }

  private legend(isPaper = false): HTMLElement[] {
    const { scene, settings, shown } = this.options;
    const { ink } = settings.styles;
    const [lower, upper] = settings.plan.band;
    const statuses = element("ul", { class: "rows" });
    for (const status of STATUSES) {
      if (!this.counts[status] && status === "exempt") continue;
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
      this.hatch(swatch, status);
      statuses.append(element("li", {}, swatch,
        element("span", { class: "name" }, t(`status.${status}`),
          element("small", {}, t(`status.${status}_rule`, { lower, upper }))),
        element("span", { class: "number" }, formatCount(this.counts[status]))));
    }
    const shades = element("ul", { class: "shades" });
    let from = 0;
    for (const { up_to, fill } of settings.styles.units) {
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.backgroundColor = fill;
      const range = up_to === null ? `${from}+` : up_to === from ? String(from) : `${from}\u2013${up_to}`;
      shades.append(element("li", {}, swatch, range));
      from = (up_to ?? 0) + 1;
    }
    const line = (colour: string, width: number, dash: number[] = [], casing?: string) => iconCanvas(22, (pen, middle) => {
      for (const [ink, extra, dashes] of [[casing, 2, []], [colour, 0, dash]] as const) {
        if (!ink) continue;
        pen.strokeStyle = ink;
        pen.lineWidth = width + extra;
        pen.setLineDash([...dashes]);
        pen.beginPath();
        pen.moveTo(1, middle);
        pen.lineTo(21, middle);
        pen.stroke();
      }
    });
    const letters = (sign: string) => iconCanvas(22, (pen, middle) => {
      pen.fillStyle = ink.text;
      pen.font = "700 12px sans-serif";
      pen.textAlign = "center";
      pen.fillText(sign, middle, middle + 4);
    });
    const signs: [Shown, () => HTMLElement][] = [
      ["status", () => iconCanvas(22, (pen) => { pen.strokeStyle = ink.border; pen.lineWidth = 1.6; pen.strokeRect(3, 5, 16, 12); })],
      ["labels", () => letters(settings.link ? "Aa" : "86")],
      ...(settings.link ? [["totals", () => letters("86")] as [Shown, () => HTMLElement]] : []),
      ["units", () => iconCanvas(22, (pen) => { pen.fillStyle = settings.styles.units[2]?.fill ?? "#888"; pen.fillRect(3, 6, 16, 10); pen.strokeStyle = ink.unit_edge; pen.strokeRect(3, 6, 16, 10); })],
      ["cells", () => line("rgba(60,70,85,0.5)", 1)],
      ["communities", () => line(ink.community, 2.4, [8, 3, 2, 3])],
      ["compounds", () => line(ink.compound, 1.5)],
      ["roads", () => line(ink.road, 4, [], ink.road_edge)],
      ["water", () => iconCanvas(22, (pen) => { pen.fillStyle = ink.water; pen.fillRect(2, 5, 18, 12); pen.strokeStyle = ink.water_line; pen.strokeRect(2, 5, 18, 12); })],
      ["barriers", () => iconCanvas(22, (pen, middle) => {
        pen.strokeStyle = ink.barrier;
        pen.lineWidth = 1.6;
        pen.beginPath();
        for (const x of [5, 11, 17]) { pen.moveTo(x, middle - 3); pen.lineTo(x, middle + 3); }
        pen.moveTo(1, middle);
        pen.lineTo(21, middle);
        pen.stroke();
      })],
      ["gates", () => iconCanvas(22, (pen, middle) => {
        pen.strokeStyle = ink.gate;
        pen.lineWidth = 1.6;
        pen.beginPath();
        pen.arc(middle, middle, 5, 0, 2 * Math.PI);
        pen.moveTo(middle - 2.5, middle);
        pen.lineTo(middle + 2.5, middle);
        pen.stroke();
      })],
      ["incidents", () => iconCanvas(22, (pen, middle) => drawIncident(pen, middle, middle, 8, 0, settings.styles.kinds[0] as string))],
      ["stations", () => iconCanvas(22, (pen, middle) => drawStation(pen, middle, middle, 17, ink.station))],
      ["walk", () => iconCanvas(22, (pen) => { pen.fillStyle = walkStyle(settings.styles, 0, 2).fill; pen.fillRect(2, 5, 18, 12); })],
      ["links", () => line(ink.link, 2)],
      ["members", () => iconCanvas(22, (pen, middle) => drawIncident(pen, middle, middle, 7, 0, ink.place))],
      ["department_grids", () => line(settings.styles.kinds[0] as string, 3)],
      ["conflicts", () => areWidespread(settings.merge) ? line(ink.fault, 1, [2, 3]) : this.swatch(settings.styles.overlap)],
      ["context", () => line("rgb(92,62,122)", 1.4)],
      ["faults", () => iconCanvas(22, (pen) => { pen.strokeStyle = ink.fault; pen.lineWidth = 2; pen.setLineDash([4, 2]); pen.strokeRect(3, 5, 16, 12); })],
    ];
    const layers = element("ul", { class: "rows layers" });
    for (const [name, sign] of signs) {
      if (name !== "status" && name !== "labels" && name !== "totals" && !scene.has(name)) continue;
      if (isPaper && name === "incidents") continue; // by their classes
      const box = element("input", { type: "checkbox" });
      box.checked = shown.has(name);
      box.addEventListener("change", () => {
        this.options.onLayer(name, box.checked);
        this.tellGround();
      });
      const count = name === "labels" ? "" : formatCount(scene.get(name === "status" || name === "totals" ? "grids" : name).count);
      layers.append(element("li", { class: box.checked ? undefined : "off" }, element("label", {}, box, sign(),
        element("span", { class: "name" }, t(name === "faults" && settings.link ? "layer.unlinked" : `layer.${name}`)), element("span", { class: "number" }, count))));
    }
    return [
      ...walkLegend(settings, (place, style) => this.hatched(place, style)),
      ...resultLegend(scene, settings, (place, style) => this.hatched(place, style)),
      element("section", { class: "legend", "data-ground": "size" }, element("h2", {}, t("legend.statuses")), statuses),
      ...(scene.has("units") && (shown.has("units") || !isPaper) ? [element("section", { class: "legend" }, element("h2", {}, t("legend.units")), shades)] : []),
      ...(shown.has("faults") || !isPaper ? this.faultLegend() : []),
      ...(isPaper ? this.caseLegend() : []),
      element("section", { class: "legend switches" }, element("h2", {}, t("legend.layers")), layers),
      this.about(),
    ];
  }

  /** The signs of cases by class, for paper, where no list of them is seen. */
  private caseLegend(): HTMLElement[] {
    const { scene, shown, incidents, settings } = this.options;
    if (!scene.has("incidents") || !(shown.has("incidents") || incidents.window)) return [];
    const rows = element("ul", { class: "rows" });
    const { kinds, ink } = settings.styles;
    const chosen = incidents.kinds.map(([kind], place) => [kind, place] as const).filter(([kind]) => !incidents.hiddenKinds.has(kind));
    for (const [kind, place] of chosen.slice(0, MOST_CLASSES)) {
      rows.append(element("li", {}, iconCanvas(20, (pen, middle) => drawIncident(pen, middle, middle, 8, place, kinds[place % kinds.length] as string)),
        element("span", { class: "name" }, kind ? typed(kind) : t("incidents.none"))));
    }
    const rest = chosen.length - MOST_CLASSES;
    if (rest > 0) rows.append(element("li", {}, element("span", { class: "name" }, t("legend.more_classes", { count: rest }))));
    rows.append(element("li", {}, iconCanvas(20, (pen, middle) => drawSeveral(pen, middle, ink.cluster)),
      element("span", { class: "name" }, t("legend.several"))));
    return [element("section", { class: "legend of-cases" }, element("h2", {}, t("legend.cases")), rows)];
  }

  /** What drawn grids get wrong on the ground; nothing where they do not. */
  private faultLegend(): HTMLElement[] {
    const { scene, settings } = this.options;
    const { ink, overlap } = settings.styles;
    const rows = element("ul", { class: "rows" });
    const row = (fault: string, style: Partial<CSSStyleDeclaration>, count: number) => {
      if (!count) return;
      const swatch = element("span", { class: "swatch fault", "aria-hidden": "true" });
      Object.assign(swatch.style, { borderColor: ink.fault }, style);
      rows.append(element("li", { "data-fault": fault }, swatch, element("span", { class: "name" }, t(`legend.${fault}`)),
        element("span", { class: "number" }, formatCount(count))));
    };
    const faults = scene.get("faults");
    const kinds = Array.from({ length: faults.count }, (_, i) => faults.text("kind", i));
    row("overlap", {
      backgroundColor: overlap.fill, backgroundImage: `url(${hatchSquare(overlap.hatch, overlap.hatch_ink, 1).toDataURL()})`,
    }, kinds.filter((kind) => kind === "overlap").length);
    row("gap", { borderStyle: "dashed" }, kinds.filter((kind) => kind === "gap").length);
    row("left_out", { backgroundColor: settings.styles.units[1]?.fill ?? "" }, settings.households.left_out);
    return rows.childElementCount ? [element("section", { class: "legend" }, element("h2", {}, t("legend.faults")), rows)] : [];
  }

  private about(): HTMLElement {
    const { plan } = this.options.settings;
    const list = element("dl", {});
    const row = (label: string, value: string) => value && list.append(element("dt", {}, label), element("dd", {}, typed(value)));
    row(t("about.finished_at"), formatMoment(plan.finished_at));
    row(t("about.version"), plan.version);
    row(t("about.seed"), plan.seed);
    for (const { name, sha256 } of plan.sources) row(t("about.source"), sha256 ? `${name}  ${sha256.slice(0, 12)}` : name);
    return element("details", { class: "about" },
      element("summary", {}, t("about.title")), list,
      element("details", {}, element("summary", {}, t("about.licences")), element("pre", {}, this.options.licences)));
  }

  private gridList(): HTMLElement[] {
    const grids = this.options.scene.get("grids");
    const chips = element("div", { class: "chips", role: "group", "aria-label": t("grids.filter") });
    for (const status of ["", ...STATUSES] as const) {
      const count = status ? this.counts[status] : grids.count;
      if (status && !count) continue;
      const chip = button(status ? t(`status.${status}`) : t("grids.all"), () => {
        this.gridStatus = status;
        this.fill();
        this.root.querySelector<HTMLElement>(".chips [aria-pressed=true]")?.focus();
      }, { "aria-pressed": String(this.gridStatus === status) });
      if (status) {
        const swatch = element("span", { class: "swatch of-size", "aria-hidden": "true" });
        this.hatch(swatch, status);
        chip.prepend(swatch);
      }
      chip.append(element("span", { class: "count" }, formatCount(count)));
      chips.append(chip);
    }
    const chosen: number[] = [];
    for (let i = 0; i < grids.count; i++) if (!this.gridStatus || grids.text("status", i) === this.gridStatus) chosen.push(i);
    if (this.gridOrder === "households") {
      chosen.sort((a, b) => (grids.number("households", b) ?? 0) - (grids.number("households", a) ?? 0));
    }
    const sortable = (order: "code" | "households", label: string) => element("th", {
      scope: "col", "aria-sort": this.gridOrder === order ? (order === "code" ? "ascending" : "descending") : "none",
      class: order === "code" ? undefined : "number",
    }, button(label, () => {
      this.gridOrder = order;
      this.fill();
    }));
    const rows = element("tbody");
    const table = element("table", {},
      element("thead", {}, element("tr", {}, sortable("code", t("grid.code")), sortable("households", t("grid.households")),
        element("th", { scope: "col", class: "number" }, t("grid.units")))), rows);
    const more = this.chunked(chosen, (grid) => {
      const swatch = element("span", { class: "swatch of-size", title: t(`status.${grids.text("status", grid)}`) });
      this.hatch(swatch, (grids.text("status", grid) || "ok") as Status);
      const code = button("", () => this.options.onFeature("grids", grid), { class: "code" });
      code.append(swatch, typed(grids.text("grid_id", grid)), element("span", { class: "visually-hidden" }, t(`status.${grids.text("status", grid)}`)));
      return element("tr", {}, element("td", {}, code),
        element("td", { class: "number" }, formatCount(grids.number("households", grid) ?? 0)),
        element("td", { class: "number" }, formatCount(grids.number("units", grid) ?? 0)));
    }, rows);
    return [chips, table, more];
  }

  private changeList(): HTMLElement[] {
    const { scene, settings } = this.options;
    const note = settings.changes;
    if (!note) return [];
    const { mended, community_edge: ofEdge, arrived } = note.households;
    const totals = element("ul", { class: "rows totals" });
    const total = (name: string, label: string, count: number) => totals.append(element("li", { "data-total": name },
      element("span", { class: "name" }, label), element("span", { class: "number" }, formatCount(count))));
    total("households", t("changes.households"), mended + ofEdge);
    if (ofEdge) total("of_edge", t("changes.of_edge"), ofEdge);
    if (arrived) total("arrived", t("changes.arrived"), arrived);
    const figures = element("dl", { class: "figures fates" });
    for (const change of ["kept", "changed", "ended", "new"] as const) {
      figures.append(element("div", { "data-total": change },
        element("dt", {}, t(`changes.${change}`)), element("dd", {}, formatCount(note.grids[change]))));
    }
    const grids = changedGrids(scene);
    if (!grids.length) return [totals, figures, element("p", { class: "hint" }, t("changes.none"))];
    const rows = element("tbody");
    const heading = (label: string, name?: string) => element("th", { scope: "col", class: name }, label);
    const table = element("table", { class: "changes" },
      element("thead", {}, element("tr", {}, heading(t("grid.code")), heading(t("changes.before"), "number"),
        heading("", "arrow"), heading(t("changes.after"), "number"))), rows);
    const more = this.chunked(grids.map((_, i) => i), (i) => {
      const { code, change, before, after, layer, feature } = grids[i] as GridChange;
      const go = button("", () => this.options.onFeature(layer, feature), { class: "code" });
      go.append(typed(code));
      if (change !== "changed") go.append(element("span", { class: `fate ${change}` }, t(`changes.${change}`)));
      const count = (value: number, isThere: boolean) => element("td", { class: "number" }, isThere ? formatCount(value) : "\u2013");
      return element("tr", {}, element("td", {}, go), count(before, change !== "new"),
        element("td", { class: "arrow", "aria-hidden": "true" }, "\u2192"), count(after, change !== "ended"));
    }, rows);
    const outline = element("span", { class: "swatch outline", "aria-hidden": "true" });
    outline.style.borderColor = settings.styles.ink.change;
    return [totals, figures, element("h2", {}, outline, t("changes.list"), element("span", { class: "count" }, formatCount(grids.length))),
      table, more, element("p", { class: "hint" }, t("changes.hint"))];
  }

  private findingList(): HTMLElement[] {
    const groups = byMending(this.options.scene.get("findings"));
    if (!groups.length) return [element("p", { class: "hint" }, t("findings.none"))];
    const chips = element("div", { class: "chips", role: "group", "aria-label": t("findings.filter") });
    if (groups.length > 1) {
      const count = groups.reduce((sum, [, members]) => sum + members.length, 0);
      for (const [mending, n] of [["", count], ...groups.map(([each, members]) => [each, members.length])] as [Mending | "", number][]) {
        const chip = button(t(`findings.${mending ? `${mending}_short` : "all"}`), () => {
          this.mending = mending;
          this.fill();
          this.root.querySelector<HTMLElement>(".chips [aria-pressed=true]")?.focus();
        }, { "aria-pressed": String(this.mending === mending) });
        chip.append(element("span", { class: "count" }, formatCount(n)));
        chips.append(chip);
      }
    }
    const shown = groups.filter(([mending]) => !this.mending || this.mending === mending);
    return [...(groups.length > 1 ? [chips] : []), ...shown.map(([mending, members]) => {
      const list = element("ul", { class: "findings" });
      const more = this.chunked(members, (finding) => element("li", {}, this.findingCard(finding, mending)), list);
      return element("section", { class: "mending", "data-mending": mending },
        element("h2", {}, t(`findings.${mending}`), element("span", { class: "count" }, formatCount(members.length))), list, more);
    })];
  }

  private findingCard(finding: number, mending: Mending): HTMLElement {
    const { scene, reasons } = this.options;
    const findings = scene.get("findings");
    const units = findings.text("units", finding);
    const place = findings.text("grid_id", finding) || findings.text("community_id", finding);
    const card = button("", () => this.options.onFeature("findings", finding), { class: `finding ${mending}` });
    card.append(
      element("span", { class: "meta" }, place ? element("b", {}, typed(place)) : element("b"),
        units ? element("span", {}, t("findings.units", { count: units.split(" ").length })) : null),
      element("span", { class: "sentence" }, typed(reasons.sentence(finding))));
    card.disabled = concern(scene, finding).box === null;
    return card;
  }

  private incidentList(): HTMLElement[] {
    const { scene, incidents, settings } = this.options;
    const parts: HTMLElement[] = [];
    if (scene.has("incidents")) {
      const shown = element("p", { class: "shown", role: "status" });
      const tell = () => this.sayCases(shown);
      const group = (column: "kind" | "state", values: readonly [string, number][]) => {
        const hidden = column === "kind" ? incidents.hiddenKinds : incidents.hiddenStates;
        const list = element("ul", { class: "rows layers" });
        values.forEach(([value, count], position) => {
          const box = element("input", { type: "checkbox" });
          box.checked = !hidden.has(value);
          box.addEventListener("change", () => {
            incidents.show(column, value, box.checked);
            tell();
            this.options.onFilter();
          });
          const colour = settings.styles.kinds[position % settings.styles.kinds.length] as string;
          list.append(element("li", {}, element("label", {}, box,
            column === "kind" ? iconCanvas(20, (pen, middle) => drawIncident(pen, middle, middle, 8, position, colour)) : null,
            element("span", { class: "name" }, value ? typed(value) : t("incidents.none")),
            element("span", { class: "number" }, formatCount(count)))));
        });
        return element("fieldset", {}, element("legend", {}, t(`incidents.${column}`)), list);
      };
      tell();
      parts.push(shown, group("kind", incidents.kinds), group("state", incidents.states));
    }
    return parts;
  }

  private resultList(layer: "members" | "conflicts"): HTMLElement[] {
    const { scene, settings, onFeature } = this.options;
    const list = element("ul", { class: "stations" });
    const row = (feature: number) => (layer === "members"
      ? memberRow(scene, settings.styles, feature, onFeature) : conflictRow(scene, feature, onFeature));
    const more = this.chunked(Array.from({ length: scene.get(layer).count }, (_, i) => i), row, list);
    return [list, more];
  }

  private stationList(): HTMLElement[] {
    const { scene, settings } = this.options;
    const stations = scene.get("stations");
    const list = element("ul", { class: "stations" });
    const more = this.chunked(Array.from({ length: stations.count }, (_, i) => i), (station) => {
      const go = button("", () => this.options.onFeature("stations", station));
      const details = [stations.text("type", station), formatHours(stations.text("opening_hours", station))].filter((each) => each !== "");
      const site = stations.number("site", station);
      if (site !== null) details.unshift(t("walk.site", { n: site }));
      const standing = stations.text("standing", station);
      if (standing) details.unshift(t(`walk.standing.${standing}`));
      const { fill, sign } = stationSign(scene, station, settings.styles.ink);
      go.append(iconCanvas(20, (pen, middle) => drawStation(pen, middle, middle, 16, fill, sign)),
        element("span", { class: "found" }, typed(stations.text("name", station) || stations.text("station_id", station)),
          ...details.map((each) => element("small", {}, typed(each)))));
      return element("li", {}, go);
    }, list);
    return [list, more];
  }

  /** Fill a list with its first rows; the returned line makes more on demand. */
  private chunked(features: readonly number[], row: (feature: number) => HTMLElement, list: HTMLElement): HTMLElement {
    let made = 0;
    const more = element("div", { class: "more" });
    const grow = () => {
      const next = features.slice(made, made + CHUNK);
      list.append(...next.map(row));
      made += next.length;
      more.replaceChildren();
      if (made < features.length) more.append(button(t("list.more", { count: features.length - made }), grow));
    };
    grow();
    return more;
  }
}

/** A circle of several cases, with a number as on the map. */
function drawSeveral(pen: CanvasRenderingContext2D, middle: number, fill: string): void {
  pen.beginPath();
  pen.arc(middle, middle, 9, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "600 11px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText("5", middle, middle);
}
