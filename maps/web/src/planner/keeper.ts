/** Edits reach the server in their order, and are kept here until they do: over a closed tab and a dead server. */
import { SaveQueue, type QueueJson } from "../plan/queue.ts";
import type { Edit } from "../plan/edit.ts";
import type { Ground } from "../plan/ground.ts";
import { regrounded } from "../plan/reground.ts";
import type { SaveReply, SaveRequest } from "../plan/saving.ts";
import { draftKeyOf } from "./shelf.ts";

/** `refused` and `changed` need the reader; the others pass by themselves. */
export type Keeping = "saved" | "saving" | "away" | "refused" | "changed";

export interface Server {
  /** Send a request; null where the server cannot be reached or asks to come again later. */
  send(request: SaveRequest, revision: number, key: string): Promise<Answer | null>;
}

export type Answer = { ok: true; reply: SaveReply } | { ok: false; status: number; detail: string };

export interface Shelf {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
}

/** Where the shelf says which units the edits are of. */
export const unitsKey = (shelfKey: string) => `${shelfKey}-units`;

const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15000];

export class Keeper {
  private isBusy = false;
  private pause = 0;
  /** Whether the shelf says which units the edits are of: long, and the same for all of them. */
  private hasUnits = false;
  private state: Keeping = "saved";
  /** Why the server refused, and as what. */
  detail = "";
  status = 0;
  /** Whether what waits lies on the shelf: a browser may be full, or keep nothing. */
  isShelved = true;

  constructor(
    private readonly queue: SaveQueue,
    private readonly server: Server,
    private readonly shelf: Shelf,
    private readonly shelfKey: string,
    private readonly tell: (state: Keeping) => void,
    private readonly recode: (codes: [from: string, to: string][]) => void,
    private readonly unitIds: readonly string[] = [],
  ) {}

  /** The edits of this draft that an earlier page left unsaved; null where there are none or they fit no more. */
  static left(ground: Ground, shelf: Shelf, shelfKey: string, towerOf: (unit: number) => string | null = () => null): SaveQueue | null {
    try {
      const text = shelf.get(shelfKey);
      if (!text) return null;
      const json = JSON.parse(text) as QueueJson;
      // Units have other numbers where a tower was divided meanwhile.
      const ids = shelf.get(unitsKey(shelfKey));
      const isSame = ids === null || ids === JSON.stringify(ground.unitIds);
      return SaveQueue.fromJson(ground, isSame ? json : regrounded(json, JSON.parse(ids) as string[], ground.unitIds, towerOf));
    } catch {
      return null;
    }
  }

  get keeping(): Keeping {
    return this.state;
  }

  /** Keep an edit, and send it as soon as those before it are saved. */
  push(edit: Edit): void {
    this.queue.push(edit);
    this.write();
    void this.run();
  }

  /** Send what is waiting; once more where the server was away or refused. */
  async run(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      if (this.queue.edits.length) this.say("saving");
      // In a task of its own: the hand that made the edit may go on first.
      await new Promise((resolve) => setTimeout(resolve));
      for (let request = this.queue.next(); request; request = this.queue.next()) {
        this.say("saving");
        // Written before it is sent: the same request is sent again until its answer comes.
        this.write();
        const { revision } = this.queue.saved;
        const answer = await this.server.send(request, revision, await keyOf(draftKeyOf(this.shelfKey), request, revision));
        if (!answer) {
          this.say("away");
          await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[Math.min(this.pause++, PAUSES_MS.length - 1)]));
          continue;
        }
        this.pause = 0;
        if (!answer.ok) {
          this.detail = answer.detail;
          this.status = answer.status;
          this.say(answer.status === 412 ? "changed" : "refused");
          return;
        }
        this.recode(this.queue.answered(answer.reply));
        this.write();
      }
      this.say("saved");
      this.write();
    } finally {
      this.isBusy = false;
    }
  }

  /** Forget what is not saved. */
  forget(): void {
    this.shelf.remove(this.shelfKey);
    this.shelf.remove(unitsKey(this.shelfKey));
  }

  private say(state: Keeping): void {
    this.state = state;
    this.tell(state);
  }

  private write(): void {
    if (!this.queue.edits.length) {
      this.forget();
      this.hasUnits = false;
      return;
    }
    // Where the shelf takes nothing, what waits is sent all the same.
    try {
      this.shelf.set(this.shelfKey, JSON.stringify(this.queue.toJson()));
      if (!this.hasUnits && this.unitIds.length) this.shelf.set(unitsKey(this.shelfKey), JSON.stringify(this.unitIds));
      this.hasUnits = this.isShelved = true;
    } catch {
      this.isShelved = false;
    }
  }
}

/**
 * A key that the same request to the same draft always has, so that the server takes it once however often it is sent.
 */
async function keyOf(draft: string, request: SaveRequest, revision: number): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([draft, revision, request.body]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
