/** Asking the engine: what it proposes is looked at on the map and in the panel, and taken where the planner wants to. */
import type { Told } from "../asking.ts";
import type { Moves } from "../plan/parts.ts";
import { t } from "../words.ts";
import type { Board } from "./board.ts";
import type { Desk } from "./desk.ts";
import type { Keeper } from "./keeper.ts";
import { preview, targets, type Proposal, type Wanted } from "./proposal.ts";

/** What of the page takes part. */
export interface Asker {
  readonly desk: Desk;
  readonly board: Board;
  readonly keeper: Keeper;
  ask(wanted: Wanted, desk: Desk, maxMoved: number | null): Promise<Told<Proposal>>;
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
  const at = desk.history.position;
  const asked = await ask(wanted, desk, maxMoved);
  board.say(asked.ok ? "" : t("edit.keeping.refused", { detail: asked.detail }));
  if (!asked.ok) return;
  const moves = targets(desk, asked.body);
  const done = () => {
    board.proposal.replaceChildren();
    mark([]);
  };
  mark(moves.units);
  const take = ({ units, to }: Moves) => {
    done();
    // What was redrawn meanwhile is no longer what the engine looked at.
    const isAsSeen = desk.history.position === at;
    if (!isAsSeen || !desk.take(units, to)) board.say(t(isAsSeen ? "edit.refused.locked" : "edit.refused.outdated"));
  };
  board.proposal.replaceChildren(...preview(desk, asked.body, moves, take, done));
  board.proposal.scrollIntoView({ block: "nearest" });
}
