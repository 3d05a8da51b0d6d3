/** The chosen grid: its name and kind, its lock, and what can be done with it as a whole. */
import { button, element, typed } from "../dom.ts";
import { borderingGrids } from "../plan/pieces.ts";
import { legalParts } from "../plan/remedies.ts";
import { t } from "../words.ts";
import type { Desk } from "./desk.ts";
import type { Hand } from "./hand.ts";
import { fitText, gridName } from "./names.ts";
import type { Wishes } from "./wishes.ts";

export class GridPanel {
  readonly root = element("section", { class: "chosen" });

  constructor(
    private readonly desk: Desk,
    private readonly hand: Hand,
    private readonly wishes: Wishes,
  ) {}

  render(): void {
    const { desk, hand, wishes } = this;
    const grid = hand.target;
    if (typeof grid !== "number" || grid < 0 || !desk.plan.units(grid)) {
      this.root.replaceChildren();
      return;
    }
    const { name, kind, code } = desk.plan.facts(grid);
    const isLocked = desk.plan.isGridLocked(grid);
    const label = element("input", { type: "text", value: name ?? "", maxlength: 60, placeholder: t("edit.name"), "aria-label": t("edit.name"), disabled: isLocked });
    label.addEventListener("change", () => desk.rename(grid, label.value));
    const fit = desk.fitOf(grid);
    this.root.replaceChildren(
      element("h2", {}, typed(gridName(desk.plan, grid)), " ", element("span", { class: `badge ${fit}` }, fitText(desk, grid))),
      element("p", {}, t("edit.holds", { households: desk.plan.households(grid), units: desk.plan.units(grid) })),
      label,
      element(
        "div", { class: "row" },
        box(t("edit.lock"), isLocked, (on) => desk.lockGrid(grid, on)),
        box(t("edit.special"), kind === "special", (on) => desk.setKind(grid, on ? "special" : "basic"), isLocked),
      ),
      element("div", { class: "row" }, button(t("edit.mend"), () => wishes.ask({ kind: "mend", grids: [code] }), { class: "mend", disabled: isLocked }), this.parts(grid, isLocked)),
      element("div", { class: "row" }, this.neighbours(grid, isLocked), button(t("edit.fly"), () => wishes.fly(desk.plan.members(grid)))),
    );
  }

  /** Split by the engine into so many parts, offered where all of them may lie in band. */
  private parts(grid: number, isLocked: boolean): HTMLElement {
    const { desk, wishes } = this;
    const legal = legalParts(desk.band, desk.plan.households(grid)).filter((parts) => parts <= desk.plan.units(grid));
    const chosen = element("select", { class: "parts", "aria-label": t("edit.split_into"), disabled: isLocked || !legal.length });
    chosen.append(element("option", { value: "" }, t(legal.length ? "edit.split_into" : "edit.no_split")));
    for (const parts of legal) chosen.append(element("option", { value: parts }, t("edit.parts", { parts })));
    chosen.addEventListener("change", () => {
      const parts = Number(chosen.value);
      chosen.value = "";
      if (parts) wishes.ask({ kind: "split", grids: [desk.plan.facts(grid).code], parts });
    });
    return chosen;
  }

  private neighbours(grid: number, isLocked: boolean): HTMLElement {
    const { desk, wishes } = this;
    const chosen = element("select", { class: "merge", "aria-label": t("edit.merge"), disabled: isLocked });
    chosen.append(element("option", { value: "" }, t("edit.merge")));
    for (const { grid: other } of borderingGrids(desk.plan, grid)) {
      if (desk.plan.isGridLocked(other)) continue;
      const sum = desk.plan.households(grid) + desk.plan.households(other);
      chosen.append(element("option", { value: other }, t("edit.merge_into", { grid: gridName(desk.plan, other), households: sum })));
    }
    chosen.addEventListener("change", () => {
      const into = Number(chosen.value);
      if (chosen.value !== "" && desk.merge(grid, into)) wishes.choose(into);
    });
    return chosen;
  }
}

function box(text: string, checked: boolean, onChange: (on: boolean) => void, disabled = false): HTMLElement {
  const input = element("input", { type: "checkbox", disabled });
  input.checked = checked;
  input.addEventListener("change", () => onChange(input.checked));
  return element("label", { class: "check" }, input, text);
}
