/** What the planner page asks of the service: to take edits, to note why, to fork a draft. */
import { askService, type Told } from "../asking.ts";
import type { LoggedEdit } from "../plan/clash_rows.ts";
import type { SaveRequest } from "../plan/saving.ts";
import type { Answer, Server } from "./keeper.ts";

/** The service, as the keeper sends edits to it. */
export function serverOf(served: { version: string; revision: number; seq?: number }): Server {
  return {
    async send({ body }: SaveRequest, revision: number, key: string): Promise<Answer | null> {
      const told = await askService<{ seq: number; version: { revision: number }; new_grids: string[] }>(
        `/api/v1/versions/${served.version}/edits`, { body, revision, headers: { "Idempotency-Key": key } },
      );
      if (told.ok) {
        const { seq, version: after, new_grids } = told.body;
        served.revision = after.revision;
        served.seq = seq;
        return { ok: true, reply: { revision: after.revision, new_grids } };
      }
      return told.status === 0 || told.status >= 500 || told.status === 429 ? null : told;
    },
  };
}

/** Say why the edit that was saved last was made. */
export async function noteLast(served: { version: string; seq?: number }, note: string): Promise<boolean> {
  if (served.seq === undefined) return false;
  return (await askService(`/api/v1/versions/${served.version}/edits/${served.seq}/note`, { body: { note } })).ok;
}

/** Start a draft from a version as it stands; its id, or why that was refused. */
export async function forkDraft(version: string): Promise<{ id: string } | { refused: string }> {
  const told = await askService<{ id: string }>(`/api/v1/versions/${version}/fork`);
  return told.ok ? { id: told.body.id } : { refused: told.detail };
}

/** Every edit of a version as the log keeps it; what was read so far where the service stops answering. */
export async function loggedEdits(version: string): Promise<LoggedEdit[]> {
  const read: LoggedEdit[] = [];
  for (let address: string | null = `/api/v1/versions/${version}/edits?limit=1000`; address; ) {
    const told: Told<{ items: LoggedEdit[]; next: string | null }> = await askService(address, { method: "GET" });
    if (!told.ok) break;
    read.push(...told.body.items);
    address = told.body.next;
  }
  return read;
}
