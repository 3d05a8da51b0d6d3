/** Grids of others brought onto a community: a file is sent, its reconciliation is read, and kept as a draft or not. */
import { askService, type Asking } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { runJob, type Job } from "../jobs.ts";
import type { Settings, Status } from "../schema.ts";
import { formatCount, t, useLanguage } from "../words.ts";

export interface ImportPage {
  community: number;
  version: string;
  page: string;
  settings: string;
}

interface Reconciliation {
  units: number;
  households: number;
  units_placed: number;
  households_placed: number;
  units_in_none: string[];
  households_in_none: number;
  units_in_two: Record<string, string[]>;
  unknown_units: string[];
  empty_grids: string[];
  grids: { code: string; name: string | null; units: number; households: number; status: Status }[];
  findings: { severity: string; text: string }[];
  version: string | null;
}

/** So many names are listed; the workbook has all. */
const MOST_NAMES = 200;

/** What the service wrote into the page of an import; null on other pages. */
export function importPage(): ImportPage | null {
  const text = document.getElementById("weige-import")?.textContent;
  return text ? (JSON.parse(text) as ImportPage) : null;
}

export async function startImport(page: ImportPage): Promise<void> {
  const settings = await ask<Settings>(page.settings, { method: "GET" });
  useLanguage(settings, settings.language);
  const form = document.getElementById("import-form") as HTMLFormElement;
  const file = document.getElementById("import-file") as HTMLInputElement;
  const sheet = document.getElementById("import-sheet") as HTMLElement;
  const enable = (isEnabled: boolean) => {
    for (const each of Array.from(document.querySelectorAll<HTMLButtonElement>(".importing button"))) each.disabled = !isEnabled;
  };
  const run = (work: () => Promise<void>) => {
    enable(false);
    say(t("import.working"));
    work()
      .then(() => say(""))
      .catch((error: unknown) => {
        say(error instanceof Error ? error.message : String(error), true);
        // Most often the file lacks what can be written in there.
        form.querySelector("details")?.setAttribute("open", "");
      })
      .finally(() => enable(true));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = file.files?.[0];
    if (!chosen) return;
    sheet.replaceChildren();
    run(async () => {
      const upload = await send(chosen);
      const looked = await work(page, settings, upload, false);
      const keep = () =>
        run(async () => {
          const kept = await work(page, settings, upload, true);
          if (kept.result?.version) location.assign(`${page.page}?version=${kept.result.version}`);
        });
      if (looked.result) sheet.replaceChildren(...sheetOf(looked.result, looked.id, keep));
    });
  });
}

/** The reconciliation as it is read before anything is kept. */
function sheetOf(told: Reconciliation, job: string, onKeep: () => void): HTMLElement[] {
  const row = (label: string, units: number, households: number | null) =>
    element("tr", {}, element("th", { scope: "row" }, label),
      element("td", { class: "number" }, formatCount(units)), element("td", { class: "number" }, households === null ? "–" : formatCount(households)));
  const heads = (...keys: string[]) => element("thead", {}, element("tr", {}, ...keys.map((key) => element("th", { scope: "col" }, t(key)))));
  const names = (key: string, list: readonly string[]) =>
    list.length
      ? element("details", {}, element("summary", {}, t(key, { count: list.length })),
          element("p", {}, ...list.slice(0, MOST_NAMES).flatMap((name, i) => [i ? " · " : "", typed(name)])))
      : null;
  const twice = Object.entries(told.units_in_two);
  const parts: (HTMLElement | null)[] = [
    element("h2", {}, t("import.sheet")),
    element("table", { class: "sums" }, heads("import.what", "grid.units", "grid.households"),
      element("tbody", {},
        row(t("import.all"), told.units, told.households), row(t("import.placed"), told.units_placed, told.households_placed),
        row(t("import.in_none"), told.units_in_none.length, told.households_in_none), row(t("import.in_two"), twice.length, null),
        row(t("import.unknown"), told.unknown_units.length, null))),
    names("import.none_list", told.units_in_none),
    names("import.two_list", twice.map(([unit, grids]) => `${unit}: ${grids.join(" / ")}`)),
    names("import.unknown_list", told.unknown_units),
    names("import.empty_list", told.empty_grids),
    element("h2", {}, t("import.grids", { count: told.grids.length })),
    element("table", { class: "grids" }, heads("grid.code", "grid.name", "grid.households", "grid.units", "grid.status"),
      element("tbody", {}, ...told.grids.map(({ code, name, households, units, status }) =>
        element("tr", {}, element("th", { scope: "row" }, typed(code)), element("td", {}, typed(name ?? "")),
          element("td", { class: "number" }, formatCount(households)), element("td", { class: "number" }, formatCount(units)), element("td", {}, t(`status.${status}`)))))),
    told.findings.length
      ? element("details", {}, element("summary", {}, t("import.findings", { count: told.findings.length })),
          element("ul", {}, ...told.findings.slice(0, MOST_NAMES).map(({ text }) => element("li", {}, text))))
      : null,
    element("p", { class: "ends" }, button(t("import.keep"), onKeep, { class: "keep" }),
      element("a", { href: `/api/v1/jobs/${job}/result`, download: true }, t("import.workbook")), element("span", { class: "soft" }, t("import.nothing_kept"))),
  ];
  return parts.filter((part): part is HTMLElement => part !== null);
}

function say(text: string, isRefused = false): void {
  const place = document.getElementById("import-said");
  if (!place) return;
  place.textContent = text;
  place.className = isRefused ? "refused" : "soft";
}

/** What was written into a field of the form beside the file; null where it is empty. */
function said(name: string): string | null {
  return (document.getElementById(`import-${name}`) as HTMLInputElement).value.trim() || null;
}

async function send(file: File): Promise<string> {
  const { id } = await ask<{ id: string }>(`/api/v1/uploads?name=${encodeURIComponent(file.name)}`, { body: file });
  return id;
}

/** Have the service do the work, and wait for its end. */
async function work(page: ImportPage, settings: Settings, upload: string, keep: boolean): Promise<Job<Reconciliation>> {
  const columns = { grid_id: said("grid_column"), unit_id: said("unit_column") };
  const params = {
    grids: { upload, layer: said("layer") },
    version: page.version,
    keep,
    language: settings.language,
    crs: said("crs"),
    fields: Object.fromEntries(Object.entries(columns).filter(([, name]) => name !== null)),
  };
  const told = await runJob<Reconciliation>({ kind: "import", division_id: page.community, params }).over;
  if (!told.ok) throw new Error(told.detail);
  if (told.body.state !== "done") throw new Error(told.body.problem?.detail ?? t("import.broken_off"));
  return told.body;
}

async function ask<T>(address: string, request: Asking): Promise<T> {
  const told = await askService<T>(address, request);
  if (!told.ok) throw new Error(told.detail);
  return told.body;
}
