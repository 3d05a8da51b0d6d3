/** What grids are called on the page. */
import { t } from "../words.ts";
import type { Blockers } from "../plan/edit.ts";
import type { Plan } from "../plan/plan.ts";
import type { Desk } from "./desk.ts";

/** So many locks are named. */
const MOST_LOCKS = 3;

/** The code of a grid; one that the service has not given yet is told by its number. */
export function shownCode(code: string): string {
  return code.startsWith("+") ? t("edit.new_code", { number: code.slice(1) }) : code;
}

/** Code and name. */
export function gridName(plan: Plan, grid: number): string {
  const { code, name } = plan.facts(grid);
  return name ? `${shownCode(code)} ${name}` : shownCode(code);
}

/** How a grid fits, in a word. */
export function fitText(desk: Desk, grid: number): string {
  return t(`status.${desk.fitOf(grid)}`, { pieces: desk.piecesOf(grid) });
}

/** That locks stand against what was asked for, and whose they are. */
export function lockedText(plan: Plan, { grids, units }: Blockers): string {
  const names = [
    ...grids.map((grid) => t("edit.refused.locked_grid", { grid: gridName(plan, grid) })),
    ...units.map((unit) => t("edit.refused.locked_unit", { unit: plan.ground.unitIds[unit] as string })),
  ];
  if (!names.length) return t("edit.refused.locked");
  const more = names.length > MOST_LOCKS ? t("edit.refused.locked_more", { count: names.length }) : "";
  return t("edit.refused.locked_by", { what: names.slice(0, MOST_LOCKS).join(t("edit.refused.locked_join")) + more });
}
