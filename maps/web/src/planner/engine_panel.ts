/** Asking the engine about all grids, and how many households may get another grid worker. */
import { button, element } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";
import type { Wishes } from "./wishes.ts";

/** The slider is finer where the bound is small: that is where it matters. */
const STEPS = 40;

export class EnginePanel {
  readonly root = element("section", { class: "engine" });
  /** Most households that may change grids; null where there is no bound. */
  maxMoved: number | null = null;
  private readonly balance: HTMLButtonElement;
  private readonly slider = element("input", { type: "range", min: 0, max: STEPS, step: 1, value: STEPS, id: "most-moved" });
  private readonly box = element("input", { type: "number", min: 0, step: 1, placeholder: t("edit.no_bound"), "aria-label": t("edit.max_moved_exactly") });
  private readonly told = element("output", { for: "most-moved" });

  constructor(desk: Desk, wishes: Wishes) {
    const all = desk.counts.households;
    this.balance = button(t("edit.balance"), () => wishes.ask({ kind: "balance" }), { class: "balance" });
    this.slider.addEventListener("input", () => this.bound(boundAt(Number(this.slider.value), all), all));
    this.box.addEventListener("change", () => this.bound(this.box.value === "" ? null : Math.max(0, Math.floor(Number(this.box.value))), all));
    this.root.append(
      element("h2", {}, t("edit.engine")),
      element("label", { for: "most-moved" }, t("edit.max_moved")),
      element("div", { class: "row bound" }, this.slider, this.box),
      this.told,
      element("div", { class: "row" }, this.balance),
      element("div", { class: "row" }, button(t("edit.renumber"), () => wishes.renumber(), { class: "renumber" })),
    );
    this.bound(null, all);
  }

  /** Nobody asks for what is on its way. */
  setBalancing(isBalancing: boolean): void {
    this.balance.disabled = isBalancing;
  }

  private bound(households: number | null, all: number): void {
    this.maxMoved = households;
    this.box.value = households === null ? "" : String(households);
    this.slider.value = String(stepOf(households, all));
    const text = households === null ? t("edit.no_bound") : t("edit.bound", { households, share: formatCount(Math.round((1000 * households) / Math.max(all, 1)) / 10) });
    this.told.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
  }
}

/** The bound at a step of the slider: by the square, whole tens where it is large. */
export function boundAt(step: number, all: number): number | null {
  if (step >= STEPS) return null;
  const exact = all * (step / STEPS) ** 2;
  return exact > 200 ? Math.round(exact / 10) * 10 : Math.round(exact);
}

/** The step of the slider that is nearest to a bound. */
export function stepOf(bound: number | null, all: number): number {
  if (bound === null || !all) return STEPS;
  return Math.min(Math.round(STEPS * Math.sqrt(bound / all)), STEPS - 1);
}
