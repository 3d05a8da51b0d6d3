/** The panel beside the map: figures, search, and under tabs the legend and the lists of grids, changes, findings, incidents and stations. */
import { changedGrids, type GridChange } from "./changes.ts";
import { button, element, typed } from "./dom.ts";
import { byMending, concern, type Mending } from "./findings.ts";
import { drawIncident, drawStation, iconCanvas, stationSign } from "./icons.ts";
import { hatchOver } from "./hatch.ts";
import type { Incidents } from "./incidents.ts";
import { legend, statusCounts, swatch } from "./legend.ts";
import { STATUSES, type Shown } from "./paint.ts";
import type { Reasons } from "./popups.ts";
import type { LayerName, Scene } from "./scene.ts";
import type { Language, Settings, Status } from "./schema.ts";
import { conflictRow, memberRow } from "./results.ts";
import { findEntries, searchEntries, type Entry } from "./search.ts";
import { formatHours, formatMoment } from "./times.ts";
import { formatCount, formatShare, language, t } from "./words.ts";

type Tab = "legend" | "grids" | "changes" | "findings" | "incidents" | "stations" | "members" | "conflicts";

/** Rows of a long list made at a time. */
const CHUNK = 100;
/** Answers that a list shows; how many there are is said. */
const MOST_ANSWERS = 30;

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
    this.counts = statusCounts(options.scene.get("grids"));
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
      hatchOver(part, settings.styles.status[status]);
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
      const found = findEntries(this.entries, input.value);
      answers = found.slice(0, MOST_ANSWERS);
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
      const isCut = found.length > answers.length;
      const told = t(isCut ? "search.count_cut" : "search.count", { count: found.length, shown: answers.length });
      if (isCut) list.append(element("li", { class: "none", "aria-hidden": "true" }, told));
      status.textContent = input.value.trim() ? told : "";
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
    const onLayer = (layer: Shown, isShown: boolean) => {
      this.options.onLayer(layer, isShown);
      this.tellGround();
    };
    return [...legend({ ...this.options, counts: this.counts, onLayer }, isPaper), this.about()];
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
    const { styles } = this.options.settings;
    const chips = element("div", { class: "chips", role: "group", "aria-label": t("grids.filter") });
    for (const status of ["", ...STATUSES] as const) {
      const count = status ? this.counts[status] : grids.count;
      if (status && !count) continue;
      const chip = button(status ? t(`status.${status}`) : t("grids.all"), () => {
        this.gridStatus = status;
        this.fill();
        this.root.querySelector<HTMLElement>(".chips [aria-pressed=true]")?.focus();
      }, { "aria-pressed": String(this.gridStatus === status) });
      if (status) chip.prepend(swatch(styles.status[status], { class: "swatch of-size", "aria-hidden": "true" }));
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
      const sign = swatch(styles.status[(grids.text("status", grid) || "ok") as Status], {
        class: "swatch of-size", title: t(`status.${grids.text("status", grid)}`),
      });
      const code = button("", () => this.options.onFeature("grids", grid), { class: "code" });
      code.append(sign, typed(grids.text("grid_id", grid)), element("span", { class: "visually-hidden" }, t(`status.${grids.text("status", grid)}`)));
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
          list.append(element("li", {}, element("label", {}, box,
            column === "kind" ? iconCanvas(20, (pen, middle) => drawIncident(pen, middle, middle, 8, position, settings.styles.kinds)) : null,
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
