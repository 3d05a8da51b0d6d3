/** What the engine proposes: asked of the service, shown before it is taken, taken as one edit. */
import { askService, type Told } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { runJob, type Job } from "../jobs.ts";
import { formatCount, t } from "../words.ts";
import { changesOf, chosenMoves, movedHouseholds, outOfBand, parts, type GridChange, type Moves } from "../plan/parts.ts";
import type { Desk } from "./desk.ts";
import { shownCode } from "./names.ts";

export type Wanted = { kind: "mend"; grids: string[] } | { kind: "balance" } | { kind: "split"; grids: string[]; parts: number } | { kind: "count"; count: number };

export interface Proposal {
  revision: number;
  moves: { unit_ids: string[]; to: string | null; new: boolean }[];
  changes: { code: string | null; before: number; after: number }[];
  moved_households: number;
  left: Record<string, string>;
  /** Of long work: whether it was stopped, and this is the best that was found by then. */
  stopped?: boolean;
}

/** What is asked of the engine: an answer, and of what takes its time how far it is and how it is stopped. */
export interface Asked {
  answer: Promise<Told<Proposal>>;
  /** Null where the answer comes at once. */
  stop: (() => void) | null;
}

export type AskEngine = (wanted: Wanted, desk: Desk, maxMoved: number | null, onProgress: (done: number, total: number) => void) => Asked;

/** Ask the service; locks and the bound go with it. All grids at once are long work, which can be stopped. */
export function askerOf(served: { version: string; revision: number; community: number }): AskEngine {
  return (wanted, desk, maxMoved, onProgress) => {
    const { plan, ground } = desk;
    const { version, revision } = served;
    const locked = {
      max_moved: maxMoved,
      locked_grids: plan.standing().filter((grid) => plan.isGridLocked(grid)).map((grid) => plan.facts(grid).code),
      locked_units: ground.unitIds.filter((_, unit) => plan.isUnitLocked(unit)),
    };
    if (wanted.kind !== "balance") {
      return { answer: askService(`/api/v1/versions/${version}/proposals`, { body: { ...wanted, ...locked }, revision }), stop: null };
    }
    const job = runJob<Proposal>(
      { kind: "proposal", division_id: served.community, params: { version, revision, ...locked } },
      ({ done, total }) => onProgress(done, total),
    );
    return { answer: job.over.then(proposalOf), stop: job.stop };
  };
}

function proposalOf(told: Told<Job<Proposal>>): Told<Proposal> {
  if (!told.ok) return told;
  const { result, problem } = told.body;
  return result ? { ok: true, body: result } : { ok: false, status: 409, detail: problem?.detail ?? t("edit.broken_off") };
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
  const still = element("p", { class: "soft still-out", "aria-live": "polite" });
  const take = button(t("edit.take"), () => onTake(chosenMoves(plan, moves, [...taken])), { class: "take" });
  const show = () => {
    const chosen = chosenMoves(plan, moves, [...taken]);
    const changes = changesOf(plan, chosen);
    body.replaceChildren(...changes.map((change) => row(desk, change)));
    told.textContent = found.length ? t("edit.proposed", { grids: changes.length, households: movedHouseholds(plan, chosen) }) : t("edit.nothing_proposed");
    const out = outOfBand(plan, band, chosen);
    still.hidden = out === 0;
    still.textContent = out ? t("edit.left", { grids: out }) : "";
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
  return [
    element("h2", {}, t("edit.proposal")),
    told,
    ...(found.length ? [element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body)] : []),
    ...(found.length > 1 ? [element("fieldset", { class: "parts-taken" }, element("legend", {}, t("edit.parts_taken")), ...boxes)] : []),
    ...(proposal.stopped ? [element("p", { class: "soft" }, t("edit.stopped"))] : []),
    still,
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
