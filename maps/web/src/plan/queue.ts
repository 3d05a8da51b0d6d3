/** Edits that are done here and not yet saved: kept over a closed tab and a dead server, sent in order. */
import type { Edit, EditJson } from "./edit.ts";
import { applyEdit, editFromJson, editToJson, isInverse, recoded } from "./edit.ts";
import type { Ground } from "./ground.ts";
import { Plan, type GridFacts, type PlanState } from "./plan.ts";
import { savedAfter, saveRequest, type SavedState, type SaveReply, type SaveRequest } from "./saving.ts";

export interface QueueJson {
  /** Number of units, to tell another ground. */
  units: number;
  saved: { revision: number; grid: number[]; facts: (GridFacts | null)[] };
  base: { grid: number[]; facts: GridFacts[] };
  edits: EditJson[];
  under_way: SaveRequest | null;
  begun: boolean;
}

export class QueueError extends Error {}

export class SaveQueue {
  private list: Edit[] = [];
  private sent: SaveRequest | null = null;
  /** Whether a request of the first edit has been sent. */
  private begun = false;
  private stateBefore: PlanState;

  /** The draft as the server holds it and, where grids have other numbers here, the same state in these numbers. */
  constructor(private readonly ground: Ground, private state: SavedState, before?: PlanState) {
    this.stateBefore = before ?? { grid: state.grid.slice(), facts: state.facts.filter((facts): facts is GridFacts => facts !== null) };
  }

  get edits(): readonly Edit[] {
    return this.list;
  }

  /** What the server holds as far as it has answered. */
  get saved(): SavedState {
    return this.state;
  }

  /** The plan before the first edit of the queue. */
  get base(): PlanState {
    return this.stateBefore;
  }

  /** The request sent last, while its answer has not come. */
  get underWay(): SaveRequest | null {
    return this.sent;
  }

  /** Note an edit that was done. An undo (or redo) of the last one takes it off, unless it is being sent. */
  push(edit: Edit): void {
    const last = this.list[this.list.length - 1];
    const taken = last && (edit.action === "undo" || edit.action === "redo") && isInverse(last, edit);
    if (taken && !(this.begun && this.list.length === 1)) this.list.pop();
    else this.list.push(edit);
  }

  /** The request to send now, the same one until it is answered; null where everything is saved. */
  next(): SaveRequest | null {
    this.settle();
    const [edit] = this.list;
    if (!this.sent && edit) {
      this.sent = saveRequest(this.ground, this.state, after(this.ground, this.stateBefore, [edit]), edit);
      this.begun = true;
    }
    return this.sent;
  }

  /** Take off the first edits where the server holds all that they change. */
  settle(): void {
    for (let edit = this.list[0]; edit && !this.sent; edit = this.list[0]) {
      const wanted = after(this.ground, this.stateBefore, [edit]);
      if (saveRequest(this.ground, this.state, wanted, edit)) return;
      this.stateBefore = wanted;
      this.list.shift();
      this.begun = false;
    }
  }

  /**
   * Take the answer to the request under way. Returned are codes that stood in for others and the codes that the
   * server gave: the plan and its history must take them too.
   */
  answered(reply: SaveReply): [from: string, to: string][] {
    if (!this.sent) throw new QueueError("no request is under way");
    if (reply.new_grids.length !== this.sent.births.length) throw new QueueError("the answer is to another request");
    this.state = savedAfter(this.ground, this.state, this.sent, reply);
    const codes = this.sent.births.map((code, i): [string, string] => [code, reply.new_grids[i] as string]);
    this.sent = null;
    for (const [from, to] of codes) this.recode(from, to);
    return codes;
  }

  /**
   * The request under way was refused, and changed nothing. Not to be said where it had been sent before without an
   * answer: then `rebase` looks whether the server took it.
   */
  refused(): void {
    this.sent = null;
  }

  /** The plan after all edits. */
  plan(): PlanState {
    return after(this.ground, this.stateBefore, this.list);
  }

  /** The codes that edits here give to new grids until the server gives theirs. */
  standIns(): Set<string> {
    const found = new Set(this.sent?.births);
    for (const { grids } of this.list) for (const { before, after } of grids) for (const facts of [before, after]) if (facts?.code.startsWith("+")) found.add(facts.code);
    return found;
  }

  /** Put the code that the server gave in place of another. */
  recode(from: string, to: string): void {
    this.list = this.list.map((edit) => recoded(edit, from, to));
    const facts = this.stateBefore.facts.map((each) => (each.code === from ? { ...each, code: to } : each));
    this.stateBefore = { grid: this.stateBefore.grid, facts };
  }

  toJson(): QueueJson {
    return {
      units: this.ground.count,
      saved: { ...this.state, grid: Array.from(this.state.grid), facts: [...this.state.facts] },
      base: { grid: Array.from(this.stateBefore.grid), facts: [...this.stateBefore.facts] },
      edits: this.list.map(editToJson),
      under_way: this.sent,
      begun: this.begun,
    };
  }

  /** Throws `QueueError` where the queue is of another ground. */
  static fromJson(ground: Ground, json: QueueJson): SaveQueue {
    if (json.units !== ground.count) throw new QueueError(`edits of ${json.units} units do not fit a ground of ${ground.count}`);
    const saved = { ...json.saved, grid: Int32Array.from(json.saved.grid) };
    const queue = new SaveQueue(ground, saved, { grid: Int32Array.from(json.base.grid), facts: json.base.facts });
    queue.list = json.edits.map(editFromJson);
    queue.sent = json.under_way;
    queue.begun = json.begun;
    return queue;
  }
}

function after(ground: Ground, before: PlanState, edits: readonly Edit[]): PlanState {
  const plan = new Plan(ground, before);
  for (const edit of edits) applyEdit(plan, edit);
  return plan.state();
}
