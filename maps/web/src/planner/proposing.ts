/** Asking the engine: what it proposes is looked at on the map and in the panel, and taken where the planner wants to. */
import { button, element } from "../dom.ts";
import type { Moves } from "../plan/parts.ts";
import { formatShare, t } from "../words.ts";
import type { Board } from "./board.ts";
import type { Desk } from "./desk.ts";
import type { Keeper } from "./keeper.ts";
import { preview, targets, type AskEngine, type Wanted } from "./proposal.ts";

/** What of the page takes part. */
export interface Asker {
  readonly desk: Desk;
  readonly board: Board;
  readonly keeper: Keeper;
  readonly ask: AskEngine;
  /** Mark units on the map. */
  mark(units: Iterable<number>): void;
}

/** Ask the engine and show what it proposes; at most `maxMoved` households change grids, with null as many as need be. */
export async function propose({ desk, board, keeper, ask, mark }: Asker, wanted: Wanted, maxMoved: number | null): Promise<void> {
  board.say(t("edit.asking"));
  // The engine looks at what the service holds.
  await keeper.run();
  if (keeper.keeping !== "saved") {
    board.say(t("edit.refused.not_saved"));
    return;
  }
  const at = desk.changes;
  const bar = element("progress", { max: 1, "aria-label": t("edit.asking") });
  const share = element("span", { class: "number" });
  const running = ask(wanted, desk, maxMoved, (done, total) => {
    if (!total) return;
    bar.value = done / total;
    share.textContent = formatShare(done / total);
  });
  const { stop } = running;
  if (stop) {
    // The panel says so now.
    board.say("");
    const stopping = button(t("edit.stop"), () => {
      stopping.disabled = true;
      stop();
    }, { class: "stop" });
    board.running.replaceChildren(
      element("h2", {}, t("edit.balancing")), element("div", { class: "row progress" }, bar, share), element("p", { class: "soft" }, t("edit.balancing_hint")),
      element("div", { class: "row" }, stopping),
    );
    board.engine.setBalancing(true);
    board.running.scrollIntoView({ block: "nearest" });
  }
  const asked = await running.answer;
  if (stop) {
    board.running.replaceChildren();
    board.engine.setBalancing(false);
  }
  board.say(asked.ok ? "" : t("edit.keeping.refused", { detail: asked.detail }));
  if (!asked.ok) return;
  // Another proposal that is looked at by now stays until it is taken or dropped.
  if (stop && board.proposal.hasChildNodes()) await askedFor(board);
  if (desk.changes !== at) {
    board.say(t("edit.refused.outdated"));
    return;
  }
  const moves = targets(desk, asked.body);
  const done = () => {
    board.proposal.replaceChildren();
    mark([]);
  };
  mark(moves.units);
  const take = ({ units, to }: Moves) => {
    done();
    // What was redrawn meanwhile is no longer what the engine looked at.
    const isAsSeen = desk.changes === at;
    if (!isAsSeen || !desk.take(units, to)) board.say(t(isAsSeen ? "edit.refused.locked" : "edit.refused.outdated"));
  };
  board.proposal.replaceChildren(...preview(desk, asked.body, moves, take, done));
  board.proposal.scrollIntoView({ block: "nearest" });
}

/** Say that the long work has an answer, and wait until the planner wants to see it. */
function askedFor({ running }: Board): Promise<void> {
  return new Promise((resolve) => {
    const show = button(t("edit.show_balanced"), () => {
      running.replaceChildren();
      resolve();
    }, { class: "show-balanced" });
    running.replaceChildren(element("h2", {}, t("edit.balanced")), element("div", { class: "row" }, show));
  });
}
