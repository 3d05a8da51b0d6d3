/** What grids are called on the page. */
import { t } from "../words.ts";
import type { Plan } from "../plan/plan.ts";

/** The code of a grid; one that the service has not given yet is told by its number. */
export function shownCode(code: string): string {
  return code.startsWith("+") ? t("edit.new_code", { number: code.slice(1) }) : code;
}

/** Code and name. */
export function gridName(plan: Plan, grid: number): string {
  const { code, name } = plan.facts(grid);
  return name ? `${shownCode(code)} ${name}` : shownCode(code);
}
