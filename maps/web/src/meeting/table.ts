/** Tables beside the map: grids, cases, stations; found, sorted, and gone to by keyboard alone. */
import { button, element, typed } from "../dom.ts";
import type { Incidents } from "../incidents.ts";
import type { LayerName, Scene } from "../scene.ts";
import type { WalkNote } from "../schema.ts";
import { formatCount, t } from "../words.ts";
import { arranged, type Column, type Order } from "./rows.ts";

type Kind = "grids" | "communities" | "incidents" | "stations";
const KINDS: readonly Kind[] = ["grids", "communities", "incidents", "stations"];

/** Rows of a page. */
const PAGE_ROWS = 100;

/** A moment short enough for a column: day and minute as they were written. */
function shortMoment(text: string): string {
  return text.replace("T", " ").slice(0, 16);
}

function labelOf({ key, label }: Column): string {
  return label ?? t(`meeting.table.column.${key}`);
}

export class Table {
  readonly root = element("div", { class: "meeting-table" });
  private kind: Kind = "grids";
  private order: Order | null = null;
  private query = "";
  private page = 0;
  private listed: readonly number[] = [];
  private body = element("tbody");
  private caption = element("caption");
  private readonly said = element("p", { class: "visually-hidden", role: "status" });
  private pager = element("nav", { class: "pager" });

  constructor(private readonly scene: Scene, private readonly incidents: Incidents, private readonly walk: WalkNote | undefined, private readonly onFeature: (layer: LayerName, feature: number) => void) {}

  render(): void {
    const { scene } = this;
    const choice = element("div", { class: "chips", role: "group", "aria-label": t("meeting.table.which") });
    for (const kind of KINDS) {
      if (kind === "communities" ? !this.walk?.within : kind !== "grids" && !scene.has(kind)) continue;
      const chip = button(t(`tab.${kind}`), () => {
        this.kind = kind;
        this.order = null;
        this.query = "";
        this.page = 0;
        this.render();
        this.root.querySelector<HTMLElement>(".chips [aria-pressed=true]")?.focus();
      }, { "aria-pressed": String(kind === this.kind) });
      chip.append(element("span", { class: "count" }, formatCount(scene.get(kind).count)));
      choice.append(chip);
    }
    const find = element("input", { type: "search", class: "find", "aria-label": t("meeting.table.find"), placeholder: t("meeting.table.find"), autocomplete: "off" });
    find.value = this.query;
    find.addEventListener("input", () => {
      this.query = find.value;
      this.page = 0;
      this.fill();
      this.said.textContent = t("meeting.table.found", { count: this.listed.length });
    });
    const columns = this.columns();
    const heads = columns.map((column, place) => element("th", { scope: "col", class: column.isNumber ? "number" : undefined, "aria-sort": this.sorted(place) },
      button(labelOf(column), () => this.sort(place))));
    this.body = element("tbody");
    this.caption = element("caption");
    this.pager = element("nav", { class: "pager", "aria-label": t("meeting.table.pages") });
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.root.replaceChildren(choice, find, this.said,
      element("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("meeting.table.title") },
        element("table", {}, this.caption, element("thead", {}, element("tr", {}, ...heads)), this.body, this.sums())),
      this.pager);
    this.fill();
  }

  /** List what is chosen now, such as other days. */
  refresh(): void {
    if (this.kind === "incidents" && this.root.isConnected) this.fill();
  }

  private sorted(place: number): string {
    return this.order?.column !== place ? "none" : this.order.isDescending ? "descending" : "ascending";
  }

  private sort(place: number): void {
    this.order = { column: place, isDescending: this.order?.column === place && !this.order.isDescending };
    this.page = 0;
    this.root.querySelectorAll("th").forEach((head, i) => head.setAttribute("aria-sort", this.sorted(i)));
    this.fill();
    const column = this.columns()[place];
    this.said.textContent = t(this.order.isDescending ? "meeting.table.descending" : "meeting.table.ascending", { column: column ? labelOf(column) : "" });
  }

  private fill(): void {
    const { scene, kind } = this;
    const layer = scene.get(kind);
    const all: number[] = [];
    for (let i = 0; i < layer.count; i++) if (kind !== "incidents" || this.incidents.isChosen(i)) all.push(i);
    const columns = this.columns();
    this.listed = arranged(all, columns, this.query, this.order);
    const pages = Math.max(1, Math.ceil(this.listed.length / PAGE_ROWS));
    this.page = Math.min(Math.max(0, this.page), pages - 1);
    const first = this.page * PAGE_ROWS;
    this.caption.textContent = t("meeting.table.caption", { listed: this.listed.length, count: layer.count });
    this.body.replaceChildren(...this.listed.slice(first, first + PAGE_ROWS).map((row, place) => {
      const [head, ...rest] = columns as [Column, ...Column[]];
      const go = button("", () => this.onFeature(kind, row), { class: "code", tabindex: place ? -1 : 0 });
      go.append(typed(head.text(row) || t("meeting.table.nameless")));
      return element("tr", {}, element("th", { scope: "row" }, go),
        ...rest.map((column) => element("td", { class: column.isNumber ? "number" : undefined }, typed(column.text(row)))));
    }));
    this.pager.hidden = pages === 1;
    const turn = (label: string, to: number, isOff: boolean) => button(t(label), () => {
      this.page = to;
      this.fill();
      this.focus(0);
    }, { disabled: isOff });
    this.pager.replaceChildren(turn("meeting.table.back", this.page - 1, this.page === 0),
      element("span", {}, t("meeting.table.page", { page: this.page + 1, pages })),
      turn("meeting.table.forth", this.page + 1, this.page === pages - 1));
  }

  private key(event: KeyboardEvent): void {
    const rows = [...this.body.querySelectorAll<HTMLElement>(".code")];
    const at = rows.indexOf(event.target as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    const next = to[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    this.focus(next);
  }

  private focus(place: number): void {
    const rows = [...this.body.querySelectorAll<HTMLElement>(".code")];
    const row = rows[Math.min(Math.max(0, place), rows.length - 1)];
    for (const each of rows) each.tabIndex = each === row ? 0 : -1;
    row?.focus();
  }

  /** The last line of communities: all households, and how many of them are within each limit. */
  private sums(): HTMLElement | null {
    const { walk } = this;
    if (this.kind !== "communities" || !walk?.within) return null;
    const all = [walk.households.reduce((sum, count) => sum + count, 0), ...walk.within.all];
    return element("tfoot", {}, element("tr", {}, element("th", { scope: "row" }, t("meeting.table.all")),
      ...all.map((count) => element("td", { class: "number" }, formatCount(count))), element("td", {})));
  }

  private lived(): Column {
    const value = (row: number) => this.walk?.within?.households[this.scene.get("communities").text("community_id", row)] ?? 0;
    return { key: "households", isNumber: true, value, text: (row) => formatCount(value(row)) };
  }

  /** Households within each limit of a map of walks, by grid or community. */
  private within(kind: "grids" | "communities"): Column[] {
    const { scene, walk } = this;
    if (!walk?.within) return [];
    const counts = walk.within[kind];
    const layer = scene.get(kind);
    return walk.minutes.map((minutes, at) => {
      const value = (row: number) => counts[layer.text(kind === "grids" ? "grid_id" : "community_id", row)]?.[at] ?? 0;
      return { key: `within_${minutes}`, label: t("walk.limit", { minutes }), isNumber: true, value, text: (row) => formatCount(value(row)) };
    });
  }

  private columns(): Column[] {
    const { scene, kind } = this;
    const layer = scene.get(kind);
    const grids = scene.get("grids");
    const text = (key: string): Column => ({ key, isNumber: false, text: (row) => layer.text(key, row) });
    const number = (key: string): Column => ({
      key, isNumber: true, value: (row) => layer.number(key, row), text: (row) => {
        const value = layer.number(key, row);
        return value === null ? "" : formatCount(value);
      },
    });
    const moment = (key: string, minute: string): Column => ({
      key, isNumber: false, value: (row) => layer.number(minute, row), text: (row) => shortMoment(layer.text(key, row)),
    });
    if (kind === "grids") {
      // A map of walks shows no sizes, and has a table of communities.
      if (this.walk?.within) return [text("grid_id"), number("households"), ...this.within("grids"), number("units")];
      return [text("grid_id"), number("households"), number("units"), { key: "status", isNumber: false, text: (row) => t(`status.${layer.text("status", row)}`) }, text("community_id")];
    }
    if (kind === "communities") return [text("name"), this.lived(), ...this.within("communities"), text("community_id")];
    if (kind === "stations") return [text("name"), text("type"), text("station_id")];
    return [
      layer.has("case_id") ? text("case_id") : { key: "case_id", isNumber: false, text: (row) => `#${row + 1}` }, text("kind"), text("state"),
      { key: "grid", isNumber: false, text: (row) => {
        const grid = layer.number("grid", row);
        return grid === null ? "" : grids.text("grid_id", grid);
      } },
      moment("reported_at", "reported_min"),
      ...(layer.has("closed_min") ? [moment("closed_at", "closed_min")] : []),
    ];
  }
}
