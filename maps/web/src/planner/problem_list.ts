/** What is not as it should be, the way to it, and its best remedy as one click. */
import { arrange, button, element } from "../dom.ts";
import { bandStatus } from "../plan/band.ts";
import { unitsAt } from "../plan/problems.ts";
import { remedy, type Problem, type Remedy } from "../plan/remedies.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { gridName } from "./names.ts";
import type { OpenProblem } from "./open_problems.ts";
import { named, problemText } from "./problem_text.ts";
import type { Wishes } from "./wishes.ts";

/** So many are listed; the next come up as these are mended. */
const MOST_PROBLEMS = 60;

export class ProblemList {
  readonly root = element("section", { class: "problems" });
  private readonly count = element("span", { class: "count" });
  private readonly list = element("ul");
  private readonly none = element("p", { class: "good" }, t("edit.no_problems"));
  private shown: readonly Problem[] = [];
  /** Rows by all that they tell and do: most problems stay as they are while one grid is redrawn. */
  private rows = new Map<string, HTMLElement>();
  private next = 0;

  constructor(
    private readonly desk: Desk,
    private readonly wishes: Wishes,
  ) {
    this.root.append(element("h2", {}, t("edit.problems"), " ", this.count), this.none, this.list);
  }

  render(): void {
    const all = this.desk.problems();
    this.shown = all.slice(0, MOST_PROBLEMS);
    this.count.textContent = formatCount(all.length);
    this.none.hidden = all.length > 0;
    const before = this.rows;
    this.rows = new Map();
    for (const problem of this.shown) {
      const found = remedy(this.desk.plan, this.desk.band, problem);
      const key = this.keyOf(problem, found);
      this.rows.set(key, before.get(key) ?? this.row(problem, found));
    }
    arrange(this.list, [...this.rows.values()]);
  }

  /** All that is open now, each with the way to it. */
  open(): OpenProblem[] {
    const { plan, compoundName } = this.desk;
    return this.desk.problems().map((problem) => ({ problem, text: problemText(plan, compoundName, problem), show: () => this.show(problem) }));
  }

  /** Show the next problem on the map, the first again after the last. */
  showNext(): void {
    const problem = this.shown[this.next % Math.max(this.shown.length, 1)];
    this.next = (this.next + 1) % Math.max(this.shown.length, 1);
    if (problem) this.show(problem);
  }

  /** All that a row shows and does; names and codes of grids change while the numbers stay. */
  private keyOf(problem: Problem, found: Remedy | null): string {
    const { plan } = this.desk;
    const grids = ["grid" in problem ? problem.grid : -1, found && "into" in found ? found.into : -1];
    return JSON.stringify([problem, found, grids.map((grid) => (grid >= 0 && grid < plan.gridCount ? gridName(plan, grid) : ""))]);
  }

  private row(problem: Problem, found: Remedy | null): HTMLElement {
    const told = button("", () => this.show(problem), { class: "problem" });
    told.append(...problemText(this.desk.plan, this.desk.compoundName, problem));
    const mends = found && button("", () => this.wishes.mend(found), { class: "remedy" });
    mends?.append(...this.remedyText(found as Remedy));
    return element("li", { class: problem.kind }, told, mends);
  }

  private remedyText(found: Remedy): (Node | string)[] {
    const { plan } = this.desk;
    if (found.kind === "mend") return [t("edit.mend")];
    if (found.kind === "split") return [t("edit.remedy.split", { parts: found.parts })];
    if (found.kind === "floors") return [t("tower.divide")];
    const status = bandStatus(this.desk.band, found.after);
    const words = { households: found.after, status: t(`status.${status}`) };
    const key = (name: string) => `edit.remedy.${status === "ok" ? name : `${name}_out`}`;
    if (found.into >= plan.gridCount) return [t(key("new_grid"), words)];
    return named(t(key("into"), words), "{grid}", gridName(plan, found.into));
  }

  private show(problem: Problem): void {
    if ("grid" in problem) this.wishes.choose(problem.grid);
    this.wishes.fly(unitsAt(this.desk.plan, problem));
  }
}
