/** Units that are selected, on the map or in the table, and what is done with them. */
import { button, element, typed } from "../dom.ts";
import { t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { gridName } from "./names.ts";
import type { Hand } from "./hand.ts";
import type { SelectionWishes } from "./wishes.ts";

export class Selection {
  readonly units = new Set<number>();

  constructor(private readonly onChange: () => void) {}

  /** Select units; `add` to those there are, or `remove` them from those. */
  take(units: Iterable<number>, how: "replace" | "add" | "remove"): void {
    if (how === "replace") this.units.clear();
    for (const unit of units) {
      if (how === "remove") this.units.delete(unit);
      else this.units.add(unit);
    }
    this.onChange();
  }

  clear(): void {
    if (!this.units.size) return;
    this.units.clear();
    this.onChange();
  }

  get list(): number[] {
    return [...this.units].sort((a, b) => a - b);
  }

  households(desk: Desk): number {
    let sum = 0;
    for (const unit of this.units) sum += desk.ground.households[unit] as number;
    return sum;
  }
}

/** What is selected and what can be done with it. */
export class SelectionPanel {
  readonly root = element("section", { class: "selection", "aria-label": t("edit.selection.title"), hidden: true });
  private readonly count = element("p", { role: "status" });
  private readonly move: HTMLButtonElement;
  private readonly lock: HTMLButtonElement;
  private readonly unlock: HTMLButtonElement;

  constructor(
    private readonly desk: Desk,
    private readonly hand: Hand,
    private readonly selection: Selection,
    wishes: SelectionWishes,
  ) {
    this.move = button("", () => wishes.move(), { class: "take" });
    this.lock = button(t("edit.selection.lock"), () => wishes.lock(true));
    this.unlock = button(t("edit.selection.unlock"), () => wishes.lock(false));
    this.root.append(
      this.count,
      element("div", { class: "row" }, this.move, button(t("edit.selection.new"), () => wishes.makeGrid())),
      element("div", { class: "row" }, this.lock, this.unlock, button(t("edit.fly"), () => wishes.fly(selection.list)), button(t("edit.selection.clear"), () => wishes.clear())),
    );
  }

  render(): void {
    const { desk, hand, selection } = this;
    this.root.hidden = selection.units.size === 0;
    if (this.root.hidden) return;
    const locked = selection.list.filter((unit) => desk.plan.isUnitLocked(unit)).length;
    const text = t("edit.selection.holds", { units: selection.units.size, households: selection.households(desk) });
    this.count.textContent = locked ? `${text}${t("edit.selection.locked", { units: locked })}` : text;
    const isGrid = typeof hand.target === "number" && hand.target >= 0 && desk.plan.units(hand.target) > 0;
    this.move.disabled = !isGrid;
    this.move.replaceChildren(...(isGrid ? [t("edit.selection.move"), " ", typed(gridName(desk.plan, hand.target as number))] : [t("edit.selection.no_grid")]));
    this.lock.disabled = locked === selection.units.size;
    this.unlock.disabled = locked === 0;
  }
}
