/** All units of the community as a table in place of the map: found, sorted, selected, moved and locked without it. */
import { button, element, typed } from "../dom.ts";
import type { Edit } from "../plan/edit.ts";
import { t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { gridName } from "./names.ts";
import type { Selection } from "./selection.ts";
import { UnitActions } from "./unit_actions.ts";
import { UnitRow } from "./unit_row.ts";
import { between, COLUMNS, PAGE_ROWS, pageOf, SHOWS, UnitRows, type Asked, type Column, type Show } from "./unit_rows.ts";

type Filter = "grid" | "building" | "compound";

export class UnitTable {
  readonly root = element("section", { class: "unit-table", "aria-labelledby": "table-title", hidden: true });
  private readonly asked: Asked = { text: "", grid: null, building: null, compound: null, show: "all", sort: "unit", isDescending: false };
  private pointed: ReadonlySet<number> = new Set();
  /** Units listed, in their order, on all pages. */
  private listed: readonly number[] = [];
  private page = 0;
  /** The unit ticked last: Shift goes on from it. */
  private from = -1;
  /** The row that the Tab key goes to. */
  private at = 0;
  private isShift = false;
  /** Made when the table opens first: most planners work on the map. */
  private found: UnitRows | null = null;
  private before: Element | null = null;

  private readonly search = element("input", { type: "search", "aria-label": t("edit.table.search"), placeholder: t("edit.table.search") });
  private readonly filters: Readonly<Record<Filter, HTMLSelectElement>>;
  private readonly show = element("select", { "aria-label": t("edit.table.show") });
  private readonly all = button("", () => {
    this.selection.take(this.listed, "add");
    this.say(t("edit.table.ticked", { units: this.listed.length }));
  });
  private readonly said = element("p", { role: "status", class: "table-said" });
  private readonly caption = element("caption");
  private readonly heads = new Map<Column, HTMLElement>();
  private readonly rows = Array.from({ length: PAGE_ROWS }, (_, place) => new UnitRow(place));
  private readonly table = element("table");
  private readonly scroll = element("div", { class: "rows" });
  private readonly pager = element("nav", { class: "pager", "aria-label": t("edit.table.pages") });
  private readonly place = element("span");
  private readonly turns: readonly HTMLButtonElement[];
  private readonly actions: UnitActions;

  constructor(
    private readonly desk: Desk,
    private readonly selection: Selection,
    /** A grid that units were put into. */
    placed: (grid: number) => void,
    private readonly onClose: () => void,
  ) {
    this.actions = new UnitActions(desk, selection, { say: (text) => this.say(text), add: (text) => this.said.append(text), placed });
    const filter = (name: Filter) => {
      const made = element("select", { "aria-label": t(`edit.table.by_${name}`) });
      made.addEventListener("change", () => this.ask({ [name]: made.value === "" ? null : Number(made.value) }));
      return made;
    };
    this.filters = { grid: filter("grid"), building: filter("building"), compound: filter("compound") };
    this.search.addEventListener("input", () => this.ask({ text: this.search.value }));
    this.show.addEventListener("change", () => this.ask({ show: this.show.value as Show }));
    const turn = (name: "first" | "back" | "forth" | "last", to: () => number) => button(t(`edit.table.page_${name}`), () => this.turn(to()));
    this.turns = [turn("first", () => 0), turn("back", () => this.page - 1), turn("forth", () => this.page + 1), turn("last", () => Infinity)];
    this.pager.append(...this.turns.slice(0, 2), this.place, ...this.turns.slice(2));
    const body = element("tbody", {}, ...this.rows.map(({ root }) => root));
    this.table.append(this.caption, this.head(), body);
    this.scroll.append(this.table);
    this.root.append(
      element("div", { class: "title" }, element("h2", { id: "table-title" }, t("edit.table.title")), button(t("edit.table.close"), () => this.close(), { "aria-keyshortcuts": "T", title: "T" })),
      element("div", { class: "filters", role: "search" }, this.search, this.filters.grid, this.filters.building, this.filters.compound, this.show, this.all),
      this.actions.root, this.said, this.scroll, this.pager,
    );
    body.addEventListener("click", (event) => this.click(event));
    body.addEventListener("mousedown", (event) => {
      // Shift selects rows, not their text.
      if (event.shiftKey) event.preventDefault();
    });
    body.addEventListener("focusin", (event) => this.stop(this.rows.findIndex(({ box }) => box === event.target)));
    body.addEventListener("keydown", (event) => this.key(event));
  }

  get isOpen(): boolean {
    return !this.root.hidden;
  }

  toggle(): void {
    if (this.isOpen) this.close();
    else this.open();
  }

  open(): void {
    if (this.isOpen) return;
    this.before = document.activeElement;
    if (!this.found) {
      const { desk } = this;
      this.found = new UnitRows(desk.plan, { compound: desk.compoundName, grid: (grid) => gridName(desk.plan, grid) });
      const { buildings, compounds } = desk.ground;
      fill(this.filters.building, "edit.table.any_building", buildings.names.map((name, group) => [group, name]), "edit.table.no_building");
      fill(this.filters.compound, "edit.table.any_compound", compounds.names.map((id, group) => [group, desk.compoundName(id)]), "edit.table.no_compound");
    }
    this.root.hidden = false;
    this.root.parentElement?.classList.add("has-table");
    this.render();
    this.search.focus({ preventScroll: true });
    this.say(t("edit.table.opened", { units: this.desk.ground.count }));
  }

  close(): void {
    if (!this.isOpen) return;
    this.root.hidden = true;
    this.root.parentElement?.classList.remove("has-table");
    if (this.before instanceof HTMLElement && this.before.isConnected) this.before.focus({ preventScroll: true });
    this.onClose();
  }

  /** List only some units, such as those that a problem is about. */
  point(units: readonly number[]): void {
    this.pointed = new Set(units);
    this.search.value = "";
    this.want({ text: "", grid: null, building: null, compound: null, show: "pointed" });
    this.render();
    this.sayFound();
  }

  /** Show everything as it is now. */
  render(): void {
    if (!this.isOpen || !this.found) return;
    const { desk, asked } = this;
    fill(this.filters.grid, "edit.table.any_grid", desk.grids().map((grid) => [grid, gridName(desk.plan, grid)]), "unit.no_grid");
    if (asked.grid !== null && asked.grid >= 0 && !desk.plan.units(asked.grid)) asked.grid = null;
    for (const name of ["grid", "building", "compound"] as const) this.filters[name].value = asked[name] === null ? "" : String(asked[name]);
    const shows = SHOWS.filter((show) => show !== "pointed" || this.pointed.size > 0);
    this.show.replaceChildren(...shows.map((show) => element("option", { value: show }, t(`edit.table.shows.${show}`))));
    this.show.value = asked.show;
    this.list();
    this.actions.renderGrids();
  }

  /** List what is asked for. */
  private list(): void {
    const { desk, asked, found } = this;
    if (!found) return;
    this.listed = found.find(asked, { selected: this.selection.units, pointed: this.pointed });
    for (const [column, head] of this.heads) {
      if (column === asked.sort) head.setAttribute("aria-sort", asked.isDescending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.caption.textContent = t("edit.table.caption", { listed: this.listed.length, units: desk.ground.count });
    this.table.setAttribute("aria-rowcount", String(this.listed.length + 1));
    this.all.textContent = t("edit.table.select_all", { units: this.listed.length });
    this.all.disabled = this.listed.length === 0;
    this.renderPage();
  }

  /** Show what is selected. */
  renderSelection(): void {
    if (!this.isOpen) return;
    this.mark();
    this.actions.render();
  }

  private mark(): void {
    for (const row of this.rows) if (row.unit >= 0) row.mark(this.selection.units.has(row.unit));
  }

  /** Say an edit, however it was made. */
  edited(edit: Edit): void {
    if (!this.isOpen) return;
    this.render();
    this.say(`${t(`edit.action.${edit.action}`, { units: edit.units.length })}${t("edit.table.stop")}`);
    const after = new Set(edit.after);
    const [grid = -1] = after;
    if (after.size !== 1 || grid < 0) return;
    const { plan } = this.desk;
    this.said.append(typed(gridName(plan, grid)), t("edit.table.holds_now", { households: plan.households(grid), units: plan.units(grid) }));
  }

  /** Say that units or grids were locked or unlocked. */
  locked(): void {
    if (!this.isOpen) return;
    this.render();
    const { plan, ground } = this.desk;
    let units = 0;
    for (let unit = 0; unit < ground.count; unit++) if (plan.holds(unit)) units++;
    this.say(t("edit.table.locked_now", { units }));
  }

  say(text: string): void {
    if (this.isOpen) this.said.replaceChildren(text);
  }

  private head(): HTMLElement {
    const heads = COLUMNS.map((column) => {
      const made = element("th", { scope: "col" }, button(t(`edit.table.column.${column}`), () => this.sort(column)));
      this.heads.set(column, made);
      return made;
    });
    return element("thead", {}, element("tr", { "aria-rowindex": 1 }, element("th", { scope: "col" }, element("span", { class: "away" }, t("edit.table.column.selected"))), ...heads));
  }

  private renderPage(): void {
    const { page, pages, rows } = pageOf(this.listed, this.page);
    const focused = this.rows.findIndex(({ box }) => box === document.activeElement);
    this.page = page;
    this.rows.forEach((row, i) => {
      const unit = rows[i];
      if (unit === undefined) row.hide();
      else row.show(this.desk, unit, page * PAGE_ROWS + i + 1);
    });
    this.mark();
    this.stop(Math.min(Math.max(this.at, 0), Math.max(rows.length - 1, 0)));
    // What had the focus may be listed no more.
    if (focused >= rows.length) (rows.length ? (this.rows[rows.length - 1] as UnitRow).box : this.search).focus();
    this.place.textContent = t("edit.table.page", { page: page + 1, pages });
    this.pager.hidden = pages === 1;
    this.turns.forEach((turn, i) => turn.setAttribute("aria-disabled", String(i < 2 ? page === 0 : page === pages - 1)));
  }

  private ask(asked: Partial<Asked>): void {
    this.want(asked);
    this.list();
    this.sayFound();
  }

  /** Take what is asked for; it is listed from its first row. */
  private want(asked: Partial<Asked>): void {
    Object.assign(this.asked, asked);
    this.goTo(0);
  }

  private goTo(page: number): void {
    this.page = page;
    this.stop(0);
    this.scroll.scrollTop = 0;
  }

  private sayFound(): void {
    this.say(t("edit.table.found", { units: this.listed.length }));
  }

  private sort(column: Column): void {
    const { asked } = this;
    this.ask({ sort: column, isDescending: column === asked.sort && !asked.isDescending });
    const order = t(asked.isDescending ? "edit.table.descending" : "edit.table.ascending");
    this.say(t("edit.table.sorted", { column: t(`edit.table.column.${column}`), order }));
  }

  private turn(page: number): void {
    const { page: to, pages } = pageOf(this.listed, page);
    if (to === this.page) return;
    this.goTo(to);
    this.renderPage();
    this.say(t("edit.table.page", { page: to + 1, pages }));
  }

  /** Let the Tab key stop at one row alone. */
  private stop(at: number): void {
    if (at < 0) return;
    (this.rows[this.at] as UnitRow).box.tabIndex = -1;
    this.at = at;
    (this.rows[at] as UnitRow).box.tabIndex = 0;
  }

  private click(event: MouseEvent): void {
    const row = this.rows.find(({ root }) => root.contains(event.target as Node));
    if (!row) return;
    // A click beside the box ticks it too.
    if (event.target !== row.box) {
      row.box.checked = !row.box.checked;
      row.box.focus({ preventScroll: true });
    }
    const isRange = (event.shiftKey || this.isShift) && this.from >= 0;
    this.isShift = false;
    const { checked } = row.box;
    const units = isRange ? between(this.listed, this.from, row.unit) : [row.unit];
    this.from = row.unit;
    this.selection.take(units, checked ? "add" : "remove");
    if (units.length > 1) this.say(t(checked ? "edit.table.ticked" : "edit.table.unticked", { units: units.length }));
  }

  private key(event: KeyboardEvent): void {
    // A click that Space makes does not say in every browser whether Shift is held.
    this.isShift = event.key === " " && event.shiftKey;
    const last = this.rows.filter(({ unit }) => unit >= 0).length - 1;
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: last }[event.key];
    if (to === undefined && event.key !== "PageDown" && event.key !== "PageUp") return;
    event.preventDefault();
    if (to === undefined) this.turn(this.page + (event.key === "PageDown" ? 1 : -1));
    const row = this.rows[Math.min(Math.max(to ?? 0, 0), last)];
    row?.box.focus();
  }
}

/** Fill the list of a filter: any, each, none. */
function fill(list: HTMLSelectElement, any: string, groups: readonly (readonly [number, string])[], none: string): void {
  list.replaceChildren(element("option", { value: "" }, t(any)), ...groups.map(([group, name]) => element("option", { value: group }, name)), element("option", { value: -1 }, t(none)));
}
