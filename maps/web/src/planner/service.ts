/** What the planner page asks of the service: to take edits, to note why, to fork a draft. */
import type { SaveRequest } from "../plan/saving.ts";
import type { Answer, Server } from "./keeper.ts";

/** The service, as the keeper sends edits to it. */
export function serverOf(served: { version: string; revision: number; seq?: number }, csrfToken: string): Server {
  return {
    async send(request: SaveRequest, revision: number, key: string): Promise<Answer | null> {
      let answer: Response;
      try {
        answer = await fetch(`/api/v1/versions/${served.version}/edits`, {
          method: "POST",
          credentials: "same-origin",
          headers: {
            "Content-Type": "application/json", "If-Match": `"${revision}"`, "Idempotency-Key": key, "X-CSRF-Token": csrfToken,
          },
          body: JSON.stringify(request.body),
        });
        if (answer.ok) {
          const { seq, version: after, new_grids } = (await answer.json()) as { seq: number; version: { revision: number }; new_grids: string[] };
          served.revision = after.revision;
          served.seq = seq;
          return { ok: true, reply: { revision: after.revision, new_grids } };
        }
      } catch {
        return null;
      }
      if (answer.status >= 500 || answer.status === 429) return null;
      const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
      return { ok: false, status: answer.status, detail: problem.detail ?? String(answer.status) };
    },
  };
}

/** Say why the edit that was saved last was made. */
export async function noteLast(served: { version: string; seq?: number }, csrfToken: string, note: string): Promise<boolean> {
  if (served.seq === undefined) return false;
  try {
    const answer = await fetch(`/api/v1/versions/${served.version}/edits/${served.seq}/note`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken },
      body: JSON.stringify({ note }),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

/** Start a draft from a version as it stands; its id, or why that was refused. */
export async function forkDraft(version: string, csrfToken: string): Promise<{ id: string } | { refused: string }> {
  try {
    const answer = await fetch(`/api/v1/versions/${version}/fork`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-CSRF-Token": csrfToken },
    });
    const told = (await answer.json().catch(() => ({}))) as { id?: string; detail?: string };
    return answer.ok && told.id ? { id: told.id } : { refused: told.detail ?? String(answer.status) };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
