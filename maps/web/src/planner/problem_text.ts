/** A problem as a sentence. */
import { typed } from "../dom.ts";
import type { Plan } from "../plan/plan.ts";
import type { Problem } from "../plan/remedies.ts";
import { t } from "../words.ts";
import { gridName } from "./names.ts";

export function problemText(plan: Plan, compoundName: (id: string) => string, problem: Problem): (Node | string)[] {
  if (problem.kind === "unassigned") return [t("edit.problem.unassigned", { units: problem.pocket.units.length, households: problem.pocket.households })];
  if (problem.kind === "compound") {
    return named(t("edit.problem.compound", { grids: problem.grids.length, households: problem.households }), "{compound}", compoundName(plan.ground.compounds.names[problem.compound] as string));
  }
  if (problem.kind === "pieces") return named(t("edit.problem.pieces", { pieces: problem.pieces.length }), "{grid}", gridName(plan, problem.grid));
  return named(t(`edit.problem.${problem.kind}`, { households: problem.households }), "{grid}", gridName(plan, problem.grid));
}

/** A sentence with a name that people typed in at one place. */
export function named(sentence: string, place: string, name: string): (Node | string)[] {
  const [before, after = ""] = sentence.split(place);
  return [before as string, typed(name), after];
}
