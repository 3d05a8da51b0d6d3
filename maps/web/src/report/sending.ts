/** Hand a report in: the report, then its contact, then its photos; each may be sent again and is there once. */
import { askService, type Told } from "../asking.ts";
import { SIGNED_OUT } from "../signing_in.ts";
import type { Draft, Unkept } from "./shelf.ts";

/** What became of it: done but for parts that were refused, to be tried again (after signing in), or refused for good. */
export type Outcome =
  | { kind: "sent"; number: string; unkept: Unkept[] }
  | { kind: "signed_out"; detail: string }
  | { kind: "refused"; detail: string }
  /** No network (0), too many reports (429), or a service that failed: each is told as what it is. */
  | { kind: "later"; status: number; waitS: number | null };

export interface Door {
  isSignedIn: boolean;
}

const AGAIN = new Set([0, 408, 425, 429]);

/** Send what of a draft the service does not have yet; `keep` is told of each part that arrived. */
export async function sendDraft(draft: Draft, door: Door, keep: (draft: Draft) => Promise<void>): Promise<Outcome> {
  const headers = { "Idempotency-Key": draft.id };
  draft.unkept ??= [];
  if (!draft.number) {
    const facts = {
      category: draft.category, text: draft.text,
      ...(draft.lon === null || draft.lat === null ? { area: draft.area } : { lon: draft.lon, lat: draft.lat }),
      ...(draft.accuracy_m === null ? {} : { accuracy_m: Math.round(draft.accuracy_m) }),
      ...(draft.address ? { address: draft.address } : {}),
      reported_at: draft.reported_at,
    };
    const own = { ...facts, channel: draft.channel || "report", ...(draft.external_number ? { external_number: draft.external_number } : {}) };
    const told = await current(() =>
      askService<{ number: string }>(door.isSignedIn ? "/api/v1/cases" : "/api/v1/reports", { body: door.isSignedIn ? own : facts, headers }));
    if (!told.ok) return refusal(told);
    draft.number = told.body.number;
    await keep(draft);
  }
  if (draft.phone) {
    const told = await current(() => door.isSignedIn
      ? askService(`/api/v1/cases/${draft.number}/contact`, { method: "PUT", body: { phone: draft.phone } })
      : askService("/api/v1/reports/contact", { body: { phone: draft.phone }, headers }));
    if (!told.ok) {
      if (refusal(told).kind !== "refused") return refusal(told);
      draft.unkept.push({ part: "phone", phone: draft.phone, detail: told.detail });
    }
    draft.phone = "";
    await keep(draft);
  }
  while (draft.sent < draft.photos.length) {
    const photo = draft.photos[draft.sent]!;
    const told = await current(() => askService(door.isSignedIn ? `/api/v1/cases/${draft.number}/photos` : "/api/v1/reports/photos",
      { body: photo, headers: door.isSignedIn ? {} : headers }));
    if (!told.ok) {
      if (refusal(told).kind !== "refused") return refusal(told);
      draft.unkept.push({ part: "photo", photo, detail: told.detail });
    }
    draft.sent += 1;
    await keep(draft);
  }
  return { kind: "sent", number: draft.number, unkept: draft.unkept };
}

function refusal({ status, detail, waitS }: { status: number; detail: string; waitS?: number }): Outcome {
  if (AGAIN.has(status) || status >= 500) return { kind: "later", status, waitS: waitS ?? null };
  return status === SIGNED_OUT ? { kind: "signed_out", detail } : { kind: "refused", detail };
}

/** Ask; where the page is older than the session it is signed in with, ask once more with a fresh token. */
async function current<T>(ask: () => Promise<Told<T>>): Promise<Told<T>> {
  const told = await ask();
  if (told.ok || told.status !== 403) return told;
  try {
    const page = new DOMParser().parseFromString(await (await fetch("/report", { credentials: "same-origin" })).text(), "text/html");
    const token = page.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
    const own = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]');
    if (!token || !own || own.content === token) return told;
    own.content = token;
    return await ask();
  } catch {
    return told;
  }
}
