/** What is still open when a version goes on to its next state: said before, and forbidding nothing. */
import { button, element } from "../dom.ts";
import type { Layer } from "../pack.ts";
import type { Band } from "../plan/band.ts";
import { Plan } from "../plan/plan.ts";
import { problemsOf, tallied, unitsAt } from "../plan/problems.ts";
import type { Problem } from "../plan/remedies.ts";
import { IndexedLayer, type LayerName } from "../scene.ts";
import { t } from "../words.ts";
import { compoundNames, groundOf, need, stateOf } from "./layers.ts";
import { problemText } from "./problem_text.ts";

export interface OpenProblem {
  readonly problem: Problem;
  readonly text: readonly (Node | string)[];
  /** Show it on the map. */
  show(): void;
}

const KINDS: readonly Problem["kind"][] = ["too_small", "too_large", "pieces", "unassigned", "compound"];

/** The problems of a version that is only looked at. */
export function openOnMap(layers: ReadonlyMap<string, Layer>, band: Band, goTo: (layer: LayerName, features: readonly number[]) => void): OpenProblem[] {
  const units = new IndexedLayer(need(layers, "units"));
  const plan = new Plan(groundOf(units, new IndexedLayer(need(layers, "pairs"))), stateOf(new IndexedLayer(need(layers, "grids")), units));
  const compounds = layers.get("compounds");
  const compoundName = compounds ? compoundNames(new IndexedLayer(compounds)) : (id: string) => id;
  return problemsOf(plan, band).map((problem) => ({
    problem,
    text: problemText(plan, compoundName, problem),
    show: () => (problem.kind === "too_small" || problem.kind === "too_large" ? goTo("grids", [problem.grid]) : goTo("units", unitsAt(plan, problem))),
  }));
}

/** Tell in a dialog what is open: how much of what, and each with the way to it, which leaves the dialog. */
export function tellOpen(place: HTMLElement, open: readonly OpenProblem[], leave: () => void): void {
  place.hidden = !open.length;
  if (!open.length) {
    place.replaceChildren();
    return;
  }
  const counts = tallied(open.map(({ problem }) => problem));
  const kinds = KINDS.filter((kind) => counts.has(kind)).map((kind) => t(`edit.open.${kind}`, { count: counts.get(kind) as number }));
  const rows = open.map(({ problem, text, show }) => {
    const way = button("", () => {
      leave();
      show();
    }, { class: "problem" });
    way.append(...text);
    return element("li", { class: problem.kind }, way);
  });
  place.replaceChildren(
    element("p", { class: "open-count", role: "status" }, t("edit.open.text", { count: open.length, kinds: kinds.join(t("list.comma")) })),
    element("div", { class: "long", tabindex: 0, role: "group", "aria-label": t("edit.problems") }, element("ul", {}, ...rows)),
  );
}
