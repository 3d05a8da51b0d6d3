/** What the engine proposes: asked of the service, shown before it is taken, taken as one edit. */
import { askService, type Told } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import { changesOf, chosenMoves, movedHouseholds, parts, type GridChange, type Moves } from "../plan/parts.ts";
import type { Desk } from "./desk.ts";
import { shownCode } from "./names.ts";

export type Wanted = { kind: "mend"; grids: string[] } | { kind: "balance" } | { kind: "split"; grids: string[]; parts: number } | { kind: "count"; count: number };

export interface Proposal {
  revision: number;
  moves: { unit_ids: string[]; to: string | null; new: boolean }[];
  changes: { code: string | null; before: number; after: number }[];
  moved_households: number;
  left: Record<string, string>;
}

/** Ask the service; locks and the bound go with it. */
export function ask({ version, revision }: { version: string; revision: number }, wanted: Wanted, desk: Desk, maxMoved: number | null): Promise<Told<Proposal>> {
  const { plan, ground } = desk;
  const locked = plan.standing().filter((grid) => plan.isGridLocked(grid)).map((grid) => plan.facts(grid).code);
  const units = ground.unitIds.filter((_, unit) => plan.isUnitLocked(unit));
  const body = { ...wanted, max_moved: maxMoved, locked_grids: locked, locked_units: units };
  return askService(`/api/v1/versions/${version}/proposals`, { body, revision });
}

/** Units and where a proposal wants them; new grids have numbers from `plan.gridCount` on, as `assign` takes them. */
export function targets(desk: Desk, { moves }: Proposal): Moves {
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

/** The pending changes as a table, to be taken whole or in part, or dropped. */
export function preview(desk: Desk, proposal: Proposal, moves: Moves, onTake: (chosen: Moves) => void, onDrop: () => void): HTMLElement[] {
  const { plan, band } = desk;
  const found = parts(plan, band, moves);
  const taken = new Set(found);
  const told = element("p", { "aria-live": "polite" });
  const body = element("tbody");
  const take = button(t("edit.take"), () => onTake(chosenMoves(plan, moves, [...taken])), { class: "take" });
  const show = () => {
    const chosen = chosenMoves(plan, moves, [...taken]);
    const changes = changesOf(plan, chosen);
    body.replaceChildren(...changes.map((change) => row(desk, change)));
    told.textContent = found.length ? t("edit.proposed", { grids: changes.length, households: movedHouseholds(plan, chosen) }) : t("edit.nothing_proposed");
    take.disabled = !taken.size;
  };
  const boxes = found.map((part) => {
    const box = element("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => {
      if (box.checked) taken.add(part);
      else taken.delete(part);
      show();
    });
    const chosen = chosenMoves(plan, moves, [part]);
    const codes = changesOf(plan, chosen).flatMap(({ grid }, i) => [i ? t("edit.part_join") : "", codeOf(desk, grid)]);
    return element("label", { class: "check part" }, box, element("span", {}, ...codes, t("edit.part", { units: part.length, households: movedHouseholds(plan, chosen) })));
  });
  show();
  const heads = ["grid.code", "edit.before", "edit.after", "edit.hands"].map((key) => element("th", { scope: "col" }, t(key)));
  const left = Object.keys(proposal.left).length;
  return [
    element("h2", {}, t("edit.proposal")),
    told,
    ...(found.length ? [element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body)] : []),
    ...(found.length > 1 ? [element("fieldset", { class: "parts-taken" }, element("legend", {}, t("edit.parts_taken")), ...boxes)] : []),
    ...(left ? [element("p", { class: "soft" }, t("edit.left", { grids: left }))] : []),
    element("div", { class: "row" }, ...(found.length ? [take] : []), button(t("edit.drop"), onDrop)),
  ];
}

function row(desk: Desk, { grid, before, after, coming, leaving }: GridChange): HTMLElement {
  return element(
    "tr", {},
    element("th", { scope: "row" }, codeOf(desk, grid)),
    element("td", { class: "number" }, formatCount(before)),
    element("td", { class: "number" }, formatCount(after)),
    element("td", { class: "number" }, [coming ? `+${formatCount(coming)}` : "", leaving ? `\u2212${formatCount(leaving)}` : ""].filter(Boolean).join(" ")),
  );
}

function codeOf({ plan }: Desk, grid: number): HTMLElement | string {
  return grid < plan.gridCount ? typed(shownCode(plan.facts(grid).code)) : t("edit.new_grid");
}
