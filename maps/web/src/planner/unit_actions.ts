/** What is done from the table with the units selected in it: into a grid, into a new one, locked, unlocked. */
import { button, element } from "../dom.ts";
import { t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { gridName } from "./names.ts";
import type { Selection } from "./selection.ts";
import { wouldHold } from "./unit_rows.ts";

export interface Told {
  /** Say what was done, or why not. */
  say(text: string): void;
  /** Say more of what was just said. */
  add(text: string): void;
  /** Units were put into a grid. */
  placed(grid: number): void;
}

export class UnitActions {
  readonly root = element("div", { class: "actions", role: "group", "aria-label": t("edit.selection.title") });
  private readonly count = element("strong");
  private readonly into = element("select", { class: "into" });
  private readonly move = button(t("edit.selection.move"), () => this.moveInto(), { class: "take" });
  private readonly others: readonly HTMLButtonElement[];
  private isStale = true;

  constructor(
    private readonly desk: Desk,
    private readonly selection: Selection,
    private readonly told: Told,
  ) {
    const act = (key: string, done: () => void) =>
      button(t(`edit.selection.${key}`), () => {
        if (selection.units.size) done();
      });
    this.others = [act("new", () => this.makeGrid()), act("lock", () => this.lock(true)), act("unlock", () => this.lock(false)), act("clear", () => selection.clear())];
    this.into.addEventListener("change", () => this.renderMove());
    for (const event of ["focus", "mousedown"]) this.into.addEventListener(event, () => this.renderOptions());
    this.root.append(this.count, element("label", {}, t("edit.table.into"), " ", this.into), this.move, ...this.others);
  }

  /** Show how much is selected. */
  render(): void {
    const { desk, selection } = this;
    this.count.textContent = t("edit.selection.holds", { units: selection.units.size, households: selection.households(desk) });
    for (const each of this.others) enable(each, selection.units.size > 0);
    // Hundreds of options take longer than all else: those not looked at wait until they are.
    this.isStale = true;
    if (this.into === document.activeElement || this.into.value !== "" || !this.into.options.length) this.renderOptions();
    this.renderMove();
  }

  /** The grids stand otherwise than before. */
  renderGrids(): void {
    this.isStale = true;
    this.renderOptions();
    this.render();
  }

  private renderOptions(): void {
    if (!this.isStale) return;
    this.isStale = false;
    const { desk, selection, into } = this;
    const { plan } = desk;
    const after = wouldHold(plan, selection.units);
    const text = (grid: number) => {
      const values = { grid: gridName(plan, grid), households: plan.households(grid), after: after(grid) };
      if (plan.isGridLocked(grid)) return t("edit.table.option_locked", values);
      return t(selection.units.size ? "edit.table.option_after" : "edit.table.option", values);
    };
    const { value } = into;
    into.replaceChildren(
      element("option", { value: "" }, t("edit.table.choose")),
      ...desk.grids().map((grid) => element("option", { value: grid, disabled: plan.isGridLocked(grid) }, text(grid))),
      element("option", { value: -1 }, t("edit.table.no_grid")),
    );
    into.value = value;
    if (into.selectedIndex < 0) into.value = "";
  }

  private renderMove(): void {
    enable(this.move, this.selection.units.size > 0 && this.into.value !== "");
  }

  private moveInto(): void {
    if (this.into.value === "" || !this.selection.units.size) return;
    const grid = Number(this.into.value);
    this.place((units) => (this.desk.move(units, grid) ? grid : null));
  }

  private makeGrid(): void {
    this.place((units) => this.desk.makeGrid(units));
  }

  private place(put: (units: readonly number[]) => number | null): void {
    const { list } = this.selection;
    const held = list.filter((unit) => this.desk.plan.holds(unit)).length;
    const grid = put(list);
    if (grid === null) {
      this.told.say(t("edit.refused.not_moved"));
      return;
    }
    if (held) this.told.add(t("edit.table.held", { units: held }));
    this.selection.clear();
    this.told.placed(grid);
  }

  private lock(isLocked: boolean): void {
    const { list } = this.selection;
    this.desk.lock(list, isLocked);
    this.told.say(t(isLocked ? "edit.table.locked" : "edit.table.unlocked", { units: list.length }));
  }
}

/** A button that was pressed keeps the focus, also where it can do nothing more: it is not disabled outright. */
function enable(each: HTMLButtonElement, isEnabled: boolean): void {
  each.setAttribute("aria-disabled", String(!isEnabled));
}
