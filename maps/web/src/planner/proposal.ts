/** What the engine proposes: asked of the service, shown before it is taken, taken as one edit. */
import { button, element, typed } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";

export type Wanted = { kind: "mend"; grids: string[] } | { kind: "balance" } | { kind: "split"; grids: string[]; parts: number } | { kind: "count"; count: number };

export interface Proposal {
  revision: number;
  moves: { unit_ids: string[]; to: string | null; new: boolean }[];
  changes: { code: string | null; before: number; after: number }[];
  moved_households: number;
  left: Record<string, string>;
}

export type Asked = { ok: true; proposal: Proposal } | { ok: false; detail: string };

/** Ask the service; locks and the bound go with it. */
export async function ask(served: { version: string; revision: number }, csrfToken: string, wanted: Wanted, desk: Desk, maxMoved: number | null): Promise<Asked> {
  const { plan, ground } = desk;
  const locked = plan.standing().filter((grid) => plan.isGridLocked(grid)).map((grid) => plan.facts(grid).code);
  const units = ground.unitIds.filter((_, unit) => plan.isUnitLocked(unit));
  try {
    const answer = await fetch(`/api/v1/versions/${served.version}/proposals`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "If-Match": `"${served.revision}"`, "X-CSRF-Token": csrfToken },
      body: JSON.stringify({ ...wanted, max_moved: maxMoved, locked_grids: locked, locked_units: units }),
    });
    const told = (await answer.json()) as Proposal & { detail?: string };
    return answer.ok ? { ok: true, proposal: told } : { ok: false, detail: told.detail ?? String(answer.status) };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Units and where a proposal wants them; new grids have numbers from `plan.gridCount` on, as `assign` takes them. */
export function targets(desk: Desk, { moves }: Proposal): { units: number[]; to: number[] } {
  const { plan, ground } = desk;
  const units: number[] = [];
  const to: number[] = [];
  let next = plan.gridCount;
  for (const move of moves) {
    const grid = move.new ? next++ : move.to === null ? -1 : plan.numberOf(move.to);
    for (const id of move.unit_ids) {
      units.push(ground.numberOf(id));
      to.push(grid);
    }
  }
  return { units, to };
}

/** The pending changes as a table, to be taken or dropped. */
export function preview(proposal: Proposal, onTake: () => void, onDrop: () => void): HTMLElement[] {
  const { changes, left } = proposal;
  const rows = changes.map(({ code, before, after }) =>
    element(
      "tr", {},
      element("th", { scope: "row" }, code === null ? t("edit.new_grid") : typed(code)),
      element("td", { class: "number" }, formatCount(before)),
      element("td", { class: "number" }, formatCount(after)),
    ),
  );
  const heads = ["grid.code", "edit.before", "edit.after"].map((key) => element("th", { scope: "col" }, t(key)));
  return [
    element("h2", {}, t("edit.proposal")),
    element("p", {}, changes.length ? t("edit.proposed", { grids: changes.length, households: proposal.moved_households }) : t("edit.nothing_proposed")),
    ...(changes.length ? [element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))] : []),
    ...(Object.keys(left).length ? [element("p", { class: "soft" }, t("edit.left", { grids: Object.keys(left).length }))] : []),
    element("div", { class: "row" }, ...(changes.length ? [button(t("edit.take"), onTake, { class: "take" })] : []), button(t("edit.drop"), onDrop)),
  ];
}
