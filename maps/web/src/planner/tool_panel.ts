/** The tools and the settings of the one in hand. */
import { button, element } from "../dom.ts";
import { t } from "../words.ts";
import { REACH } from "./border_grip.ts";
import type { Desk, Whole } from "./desk.ts";
import type { Hand, Tool } from "./hand.ts";
import { TOOL_KEYS } from "./keys.ts";
import { gridName } from "./names.ts";
import { Toolbar, type ToolbarButton } from "./toolbar.ts";
import type { Wishes } from "./wishes.ts";

const WHOLES: readonly Whole[] = ["unit", "building", "compound"];

export class ToolPanel {
  readonly root = element("div", { class: "tools" });
  private readonly bar: Toolbar;
  private readonly settings = element("div", { class: "settings" });
  private shown: Tool | null = null;
  private readonly target = element("bdi");
  private readonly isNew: HTMLButtonElement;
  private readonly reach: HTMLInputElement;

  constructor(
    private readonly desk: Desk,
    private readonly hand: Hand,
    wishes: Wishes,
  ) {
    const others: readonly [ToolbarButton, string][] = [["undo", "Ctrl+Z"], ["redo", "Ctrl+Y"], ["table", "T"], ["keys", "?"]];
    this.bar = new Toolbar(TOOL_KEYS, others, (pressed) => {
      if (pressed === "undo" || pressed === "redo" || pressed === "table" || pressed === "keys") wishes[pressed]();
      else wishes.tool(pressed);
    });
    this.isNew = button(t("edit.new_grid"), () => wishes.choose("new"), { title: "N" });
    this.reach = element("input", { type: "range", min: REACH.least, max: REACH.most, step: 12 });
    this.reach.addEventListener("input", () => (hand.reach = Number(this.reach.value)));
    this.root.append(this.bar.root, this.settings);
  }

  render(): void {
    const { hand, desk } = this;
    this.bar.show(hand.tool, desk.canUndo, desk.history.position < desk.history.edits.length);
    if (this.shown !== hand.tool) {
      this.shown = hand.tool;
      this.settings.replaceChildren(...this.settingsOf(hand.tool));
    }
    this.isNew.setAttribute("aria-pressed", String(hand.target === "new"));
    this.target.textContent = this.targetName();
    this.reach.value = String(hand.reach);
  }

  private settingsOf(tool: Tool): HTMLElement[] {
    const { hand } = this;
    const how = element("p", { class: "target" }, t(`edit.how.${tool}`));
    if (tool === "drag") return [element("label", { class: "size row" }, t("edit.reach"), this.reach), how];
    if (tool === "lasso" || tool === "rectangle") return [element("div", { class: "row" }, this.wholes()), how];
    if (tool !== "brush") return [how];
    const size = element("input", { type: "range", min: 0, max: 80, step: 4, value: hand.radius });
    size.addEventListener("input", () => (hand.radius = Number(size.value)));
    const one = element("input", { type: "checkbox" });
    one.checked = hand.isFromOne;
    one.addEventListener("change", () => (hand.isFromOne = one.checked));
    return [
      element("div", { class: "row" }, element("label", { class: "size" }, t("edit.size"), size), this.wholes()),
      element("label", { class: "row check" }, one, t("edit.from_one")),
      element("p", { class: "target" }, t("edit.into"), " ", this.target, " ", this.isNew),
    ];
  }

  private wholes(): HTMLSelectElement {
    const { hand } = this;
    const whole = element("select", { "aria-label": t("edit.whole") });
    for (const each of WHOLES) whole.append(element("option", { value: each, selected: hand.whole === each }, t(`edit.whole_of.${each}`)));
    whole.addEventListener("change", () => (hand.whole = whole.value as Whole));
    return whole;
  }

  private targetName(): string {
    const { target } = this.hand;
    if (target === "new") return t("edit.new_grid");
    return target < 0 ? t("edit.none_chosen") : gridName(this.desk.plan, target);
  }
}

