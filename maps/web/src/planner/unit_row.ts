/** One row of the table of units. */
import { element, typed } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { gridName } from "./names.ts";

export class UnitRow {
  readonly root = element("tr", { hidden: true });
  readonly box = element("input", { type: "checkbox", tabindex: -1 });
  /** The unit shown, -1 for none. */
  unit = -1;
  private readonly cells = Array.from({ length: 5 }, () => element("td"));
  private readonly head: HTMLElement;
  private shown = "";

  constructor(place: number) {
    this.head = element("th", { scope: "row", id: `table-unit-${place}` });
    this.box.setAttribute("aria-labelledby", this.head.id);
    this.cells[2]?.classList.add("number");
    this.root.append(element("td", {}, this.box), this.head, ...this.cells);
  }

  hide(): void {
    this.unit = -1;
    this.root.hidden = true;
  }

  /** Show a unit as it is now; `index` is its place among all that are listed, from 1. */
  show(desk: Desk, unit: number, index: number): void {
    const { plan, ground } = desk;
    const grid = plan.grid[unit] as number;
    const building = ground.buildings.names[ground.buildings.of[unit] as number] ?? "";
    const compound = ground.compounds.names[ground.compounds.of[unit] as number];
    const lock = plan.isUnitLocked(unit) ? t("edit.table.lock.own") : plan.holds(unit) ? t("edit.table.lock.grid") : "";
    const name = grid < 0 ? t("unit.no_grid") : gridName(plan, grid);
    const texts = [building, compound === undefined ? "" : desk.compoundName(compound), formatCount(ground.households[unit] as number), name, lock];
    this.unit = unit;
    this.root.hidden = false;
    this.root.setAttribute("aria-rowindex", String(index + 1));
    const now = JSON.stringify([ground.unitIds[unit], texts]);
    if (now === this.shown) return;
    this.shown = now;
    this.head.replaceChildren(typed(ground.unitIds[unit] as string));
    texts.forEach((text, i) => this.cells[i]?.replaceChildren(typed(text)));
  }

  mark(isSelected: boolean): void {
    this.box.checked = isSelected;
    this.root.className = isSelected ? "is-chosen" : "";
  }
}
