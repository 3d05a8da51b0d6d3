/** What a page asks of the service, and how it answers: each request carries what a change from this page needs. */
import { t } from "./words.ts";

/** `waitS`: so many seconds the service asks to wait before it is asked again. */
export type Told<T> = { ok: true; body: T } | { ok: false; status: number; detail: string; waitS?: number };

/** What a request has beside its address; a file is sent as it is, anything else as JSON. */
export interface Asking {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  /** The revision that must still stand. */
  revision?: number;
  headers?: Record<string, string>;
  /** Milliseconds after which it is given up; without, the browser waits for minutes. */
  withinMs?: number;
}

/** A signal that gives up what bears it after some milliseconds; `AbortSignal.timeout` is missing before Chromium 103. */
export function givenUpAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

/** Ask the service; a `status` of 0: it was not reached, or its answer was not understood. */
export async function askService<T>(address: string, { method = "POST", body, revision, headers = {}, withinMs }: Asking = {}): Promise<Told<T>> {
  const isFile = body instanceof Blob;
  try {
    const answer = await fetch(address, {
      method,
      credentials: "same-origin",
      headers: {
        "Content-Type": isFile ? "application/octet-stream" : "application/json",
        "X-CSRF-Token": csrfToken(),
        ...(revision === undefined ? {} : { "If-Match": `"${revision}"` }),
        ...headers,
      },
      body: isFile ? body : body === undefined ? null : JSON.stringify(body),
      signal: withinMs === undefined ? null : givenUpAfter(withinMs),
    });
    if (answer.ok) return { ok: true, body: (answer.status === 204 ? undefined : await answer.json()) as T };
    return await refusal(answer);
  } catch (error) {
    return notReached(error);
  }
}

/** Ask the service for a file, and by what name it is to be saved. */
export async function askFile(address: string): Promise<Told<{ content: Blob; name: string }>> {
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) return await refusal(answer);
    return { ok: true, body: { content: await answer.blob(), name: nameOfFile(answer.headers.get("Content-Disposition") ?? "") } };
  } catch (error) {
    return notReached(error);
  }
}

/** The name in a header by which a file is saved (RFC 6266), "" for none: the whole one before the plain one. */
export function nameOfFile(header: string): string {
  const whole = /filename\*=UTF-8''([^;]+)/.exec(header)?.[1];
  return whole === undefined ? (/filename="([^"]*)"/.exec(header)?.[1] ?? "") : decodeURIComponent(whole);
}

async function refusal(answer: Response): Promise<{ ok: false; status: number; detail: string; waitS?: number }> {
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
  const waitS = Number(answer.headers.get("Retry-After"));
  return { ok: false, status: answer.status, detail: problem.detail ?? String(answer.status), ...(waitS > 0 ? { waitS } : {}) };
}

function notReached(error: unknown): { ok: false; status: number; detail: string } {
  // What the browser says of it is in the browser's language, and for programmers.
  return { ok: false, status: 0, detail: t(error instanceof SyntaxError ? "asking.not_understood" : "asking.not_reached") };
}

/** What a change from this page carries. */
function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}
