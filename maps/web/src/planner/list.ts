/** The list of grids beside the map. */
import { arrange, button, element } from "../dom.ts";
import { plain } from "../plain.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { fitText, shownCode } from "./names.ts";

export class GridList {
  readonly root = element("section", { class: "grid-list" });
  private readonly count = element("span", { class: "count" });
  private readonly body = element("tbody");
  /** Rows are kept: a city's community has hundreds, and most stay as they are. */
  private rows = new Map<number, Row>();

  constructor(
    private readonly desk: Desk,
    private readonly nameOf: (grid: number) => string,
    private readonly choose: (grid: number) => void,
  ) {
    this.root.append(
      element("h2", {}, t("tab.grids"), " ", this.count),
      element(
        "table", {},
        element("thead", {}, element("tr", {}, ...["grid.code", "grid.households", "grid.units", "grid.status"].map((key) => element("th", { scope: "col" }, t(key))))),
        this.body,
      ),
    );
  }

  /** Show all grids as they are now. */
  render(chosen: number | "new"): void {
    const { desk } = this;
    const grids = desk.grids();
    const before = this.rows;
    this.rows = new Map(grids.map((grid) => [grid, before.get(grid) ?? new Row(() => this.choose(grid))]));
    for (const [grid, row] of this.rows) row.show(desk, grid, grid === chosen, this.nameOf(grid));
    const wanted = grids.map((grid) => (this.rows.get(grid) as Row).root);
    arrange(this.body, wanted);
    this.count.textContent = formatCount(grids.length);
  }

  /** Show some grids as they are now; a grid that has no row yet comes with them. */
  follow(grids: Iterable<number>, chosen: number | "new"): void {
    for (const grid of grids) {
      // It was undone meanwhile.
      if (grid >= this.desk.plan.gridCount) continue;
      const row = this.rows.get(grid);
      if (!row && this.desk.plan.units(grid) > 0) {
        this.render(chosen);
        return;
      }
      row?.show(this.desk, grid, chosen === grid, this.nameOf(grid));
    }
  }
}

class Row {
  readonly root = element("tr");
  private readonly households = element("td", { class: "number" });
  private readonly units = element("td", { class: "number" });
  private readonly badge = element("span");
  private readonly link: HTMLButtonElement;
  private readonly lock = element("span", { class: "lock", hidden: true }, "\u{1f512}");
  private shown = "";

  constructor(onChoose: () => void) {
    this.link = button("", onChoose, { class: "link" });
    this.lock.title = t("edit.lock");
    this.root.append(element("th", { scope: "row" }, this.link, this.lock), this.households, this.units, element("td", {}, this.badge));
  }

  /** Show a grid as it is now; nothing is touched where all is as it was. */
  show(desk: Desk, grid: number, isChosen: boolean, name: string): void {
    const { plan } = desk;
    const [households, units, fit, isLocked] = [plan.households(grid), plan.units(grid), desk.fitOf(grid), plan.isGridLocked(grid)];
    const now = `${name}|${households}|${units}|${fit}|${desk.piecesOf(grid)}|${isChosen}|${isLocked}`;
    if (now === this.shown) return;
    this.shown = now;
    // The code stays whole, for its last digits tell grids apart; a name stands below it.
    const code = shownCode(plan.facts(grid).code);
    const rest = name.slice(code.length).trim();
    this.link.replaceChildren(...(rest ? [`${code} `, element("bdi", {}, rest)] : [name]));
    this.link.title = plain(name);
    this.households.textContent = formatCount(households);
    this.units.textContent = formatCount(units);
    this.badge.className = `badge ${fit}`;
    this.badge.textContent = fitText(desk, grid);
    this.lock.hidden = !isLocked;
    this.root.className = isChosen ? "is-chosen" : "";
  }
}
