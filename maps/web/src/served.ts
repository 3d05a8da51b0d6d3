/** The page of a community on the service: where its data lie, and the steps of a version. */
import * as L from "leaflet";
import { askService } from "./asking.ts";
import { tellOpen, type OpenProblem } from "./planner/open_problems.ts";
import type { Settings } from "./schema.ts";

/** What the service writes into the page (`maps/pages/plan.html`); all words are in the reader's language. */
export interface Served {
  /** Addresses of the settings and of the pack. */
  settings: string;
  pack: string;
  version: string;
  community: number;
  /** Number of the reader's account. */
  account: number;
  /** Whether it is a draft that the reader may redraw. */
  may_edit: boolean;
  revision: number;
  /** Place in the log of the edit saved last from this page. */
  seq?: number;
  /** Address of the page of the community. */
  page: string;
  words: Record<"failed" | "again" | "refused" | "changed", string>;
}

export interface MapData {
  settings: Settings;
  /** The pack, deflated. */
  pack: Uint8Array<ArrayBuffer>;
}

interface Problem {
  detail?: string;
}

/** What the service wrote into this page; null on a page of one file. */
export function servedPage(): Served | null {
  const text = document.getElementById("weige-served")?.textContent;
  return text ? (JSON.parse(text) as Served) : null;
}

/** An empty map, as folium makes it for a page of one file. */
export function emptyMap(options: L.MapOptions = {}): L.Map {
  const place = document.createElement("div");
  place.setAttribute("role", "region");
  document.body.append(place);
  return L.map(place, {
    center: [32, 119.6], zoom: 14, zoomControl: false, zoomSnap: 0.25, wheelPxPerZoomLevel: 90,
    attributionControl: false, fadeAnimation: false, ...options,
  });
}

/** Ask for the map of a version until it comes; the reader says when to ask again. */
export async function fetchMap(served: Pick<Served, "settings" | "pack" | "words">): Promise<MapData> {
  for (;;) {
    try {
      const answers = await Promise.all([served.settings, served.pack].map((each) => fetch(each, { credentials: "same-origin" })));
      const [settings, pack] = answers as [Response, Response];
      const refused = answers.find(({ ok }) => !ok);
      if (!refused) {
        const data = { settings: (await settings.json()) as Settings, pack: new Uint8Array(await pack.arrayBuffer()) };
        document.getElementById("waiting")?.remove();
        return data;
      }
      await askAgain(served, await detail(refused));
    } catch (error) {
      await askAgain(served, error instanceof Error ? error.message : String(error));
    }
  }
}

/** What is open in the version now; asked only once the map is there. */
export type Judge = () => readonly OpenProblem[];

/** A map that does not come by then forbids no step. */
const JUDGED_WITHIN_MS = 10_000;

/** Take the version on to its next state when a button of the bar is pressed. */
export function listen(served: Served, judge: Promise<Judge>): void {
  for (const button of Array.from(document.querySelectorAll<HTMLButtonElement>("[data-step]"))) {
    button.addEventListener("click", () => void take(served, button, judge));
  }
  const chosen = document.querySelector<HTMLSelectElement>("#version");
  chosen?.addEventListener("change", () => chosen.form?.submit());
  document.addEventListener("click", (event) => {
    for (const menu of Array.from(document.querySelectorAll<HTMLDetailsElement>("details.menu[open]"))) {
      if (!menu.contains(event.target as Node)) menu.open = false;
    }
  });
}

async function take(served: Served, button: HTMLButtonElement, judge: Promise<Judge>): Promise<void> {
  const step = button.dataset.step ?? "";
  const open = step === "submit" || step === "publish" ? await openNow(judge) : [];
  const ask = button.dataset.ask ?? (open.length ? button.dataset.askOpen : undefined);
  const asked = ask ? await confirmed(ask, open) : {};
  if (!asked) return;
  const address = `/api/v1/versions/${served.version}`;
  const isDelete = step === "delete";
  button.disabled = true;
  const told = await askService<{ id: string }>(isDelete ? address : `${address}/${step}`, {
    method: isDelete ? "DELETE" : "POST",
    revision: served.revision,
    body: step === "publish" ? asked : undefined,
  });
  if (told.ok) {
    const next = step === "fork" ? told.body.id : isDelete ? null : served.version;
    location.assign(next ? `${served.page}?version=${next}` : served.page);
    return;
  }
  say(told.status === 412 ? served.words.changed : served.words.refused.replace("{detail}", told.detail));
  button.disabled = false;
}

async function openNow(judge: Promise<Judge>): Promise<readonly OpenProblem[]> {
  const late = new Promise<Judge>((resolve) => setTimeout(() => resolve(() => []), JUDGED_WITHIN_MS));
  return (await Promise.race([judge, late]))();
}

/** Ask in a dialog, which says what is open; the fields of its form, or null where the reader does not want to. */
function confirmed(id: string, open: readonly OpenProblem[]): Promise<Record<string, string> | null> {
  const dialog = document.getElementById(id) as HTMLDialogElement;
  dialog.returnValue = "";
  const place = dialog.querySelector<HTMLElement>(".open-problems");
  if (place) tellOpen(place, open, () => dialog.close(""));
  const go = dialog.querySelector<HTMLElement>("[data-anyway]");
  if (go) go.textContent = (open.length ? go.dataset.anyway : go.dataset.plain) ?? "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const fields: Record<string, string> = {};
        for (const input of Array.from(dialog.querySelectorAll("input"))) fields[input.name] = input.value;
        resolve(dialog.returnValue === "go" ? fields : null);
      },
      { once: true },
    );
  });
}

function say(text: string): void {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}

async function detail(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as Problem).detail ?? String(answer.status);
  } catch {
    return String(answer.status);
  }
}

function askAgain(served: Pick<Served, "words">, why: string): Promise<void> {
  const waiting = document.getElementById("waiting");
  if (!waiting) return Promise.reject(new Error(why));
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = served.words.again;
  const before = waiting.textContent;
  waiting.replaceChildren(served.words.failed.replace("{detail}", why), " ", button);
  return new Promise((resolve) => {
    button.addEventListener("click", () => {
      waiting.textContent = before;
      resolve();
    });
  });
}
