/** How many grids the households allow: a slider over the legal numbers, what each means, and a plan with so many. */
import { button, element } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";

export class CountPanel {
  readonly root = element("section", { class: "counts" });
  private readonly slider = element("input", { type: "range", step: 1, "aria-label": t("edit.count.slider") });
  private readonly range = element("p", { class: "range" });
  private readonly meaning = element("p", { class: "meaning", "aria-live": "polite" });
  private readonly ask: HTMLButtonElement;
  private shown = "";
  private isTouched = false;

  constructor(
    private readonly desk: Desk,
    onAsk: (count: number) => void,
  ) {
    this.ask = button(t("edit.count.ask_none"), () => onAsk(Number(this.slider.value)), { class: "ask-count" });
    this.slider.addEventListener("input", () => {
      this.isTouched = true;
      this.tell();
    });
    this.root.append(element("h2", {}, t("edit.count.title")), this.range, this.slider, this.meaning, this.ask);
  }

  /** Follow the plan as it is; the slider stays where the planner put it. */
  render(): void {
    const { households, specialHouseholds, grids, legal, tooLarge } = this.desk.counts;
    const now = JSON.stringify([households, specialHouseholds, grids, legal, tooLarge.length]);
    if (now === this.shown) return;
    this.shown = now;
    const free = households - specialHouseholds;
    this.slider.hidden = this.ask.hidden = this.meaning.hidden = !legal || legal.most <= 0;
    if (!legal || legal.most <= 0) {
      this.range.textContent = t("edit.no_legal");
      return;
    }
    this.range.textContent = t("edit.count.range", { households: free, least: legal.least, most: legal.most });
    this.slider.min = String(legal.least);
    this.slider.max = String(legal.most);
    this.slider.disabled = legal.least === legal.most;
    if (!this.isTouched) this.slider.value = String(Math.min(Math.max(grids, legal.least), legal.most));
    this.tell();
  }

  private tell(): void {
    const { households, specialHouseholds, grids } = this.desk.counts;
    const count = Number(this.slider.value);
    const average = Math.round((households - specialHouseholds) / count);
    const more = count - grids;
    const workers = t(more === 0 ? "edit.count.as_now" : more > 0 ? "edit.count.more" : "edit.count.fewer", { workers: Math.abs(more) });
    this.meaning.textContent = t("edit.count.meaning", { grids: count, households: average, workers });
    this.ask.textContent = t("edit.count.ask", { grids: formatCount(count) });
    this.ask.disabled = more === 0;
  }
}
