/** The register as a file: taken away, and brought back once what it would change was read. */
import { askService } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { runJob } from "../jobs.ts";
import { language, t } from "../words.ts";
import type { StationsPage } from "./stations.ts";

interface Change {
  station_id: string;
  name: string;
  is_new: boolean;
  fields: string[];
}

interface Came {
  added: number;
  changed: number;
  unchanged: number;
  kept: boolean;
  changes: Change[];
  findings: string[];
}

/** How a file is read where it does not say so itself: which of its layers, in which coordinates, and columns by other names. */
interface Reading {
  layer: string | null;
  crs: string | null;
  fields: Record<string, string>;
}

const FORMATS = ["csv", "xlsx", "geojson"] as const;
const COLUMNS = ["station_id", "name", "type", "facilities", "opening_hours", "lon", "lat"] as const;

export function filesSheet(root: HTMLElement, asked: URLSearchParams, page: StationsPage, onKept: () => void): void {
  const division = asked.get("division");
  const links = FORMATS.map((format) => element("a", {
    class: "download", href: `/api/v1/stations/download?${new URLSearchParams({ format, ...(division ? { division } : {}) })}`, download: true,
  }, format.toUpperCase()));
  const takes = element("section", {}, element("h2", {}, t("stations.export")), element("p", { class: "downloads" }, ...links));
  root.replaceChildren(takes, page.keeps === null ? element("p", { class: "soft" }, t("stations.import_no_rights")) : importForm(page.keeps, onKept));
}

function importForm(area: number, onKept: () => void): HTMLElement {
  const file = element("input", { type: "file", id: "register-file", accept: ".csv,.xlsx,.geojson,.json,.gpkg,.zip,.kml", required: true });
  const said = element("p", { role: "status", id: "import-said", class: "soft" });
  const sheet = element("div", { id: "import-sheet" });
  const [reading, asked] = readingForm();
  const form = element("form", { class: "import" }, element("h2", {}, t("stations.import")), element("label", { for: "register-file" }, t("stations.import_file")), file, reading,
    element("p", { class: "hint" }, t("stations.import_hint")), element("button", { type: "submit", class: "quiet" }, t("stations.import_look")), said, sheet);
  const say = (text: string, isRefused = false) => {
    said.textContent = text;
    said.className = isRefused ? "refused" : "soft";
  };
  const run = async (work: () => Promise<void>) => {
    for (const each of Array.from(form.querySelectorAll("button"))) each.disabled = true;
    say(t("stations.import_working"));
    try {
      await work();
    } catch (error) {
      sheet.replaceChildren();
      say(error instanceof Error ? error.message : String(error), true);
    }
    for (const each of Array.from(form.querySelectorAll("button"))) each.disabled = false;
  };
  // While typing, not once the field is left: what moves then would move the button from under the pointer.
  form.addEventListener("input", () => {
    sheet.replaceChildren();
    say("");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = file.files?.[0];
    if (!chosen) return;
    void run(async () => {
      const upload = await askService<{ id: string }>(`/api/v1/uploads?name=${encodeURIComponent(chosen.name)}`, { body: chosen });
      if (!upload.ok) throw new Error(upload.detail);
      const how = asked();
      const came = await bring(area, upload.body.id, how, false);
      say(t("stations.import_counts", { added: came.added, changed: came.changed, unchanged: came.unchanged }));
      sheet.replaceChildren(...changesOf(came), button(t("stations.import_keep"), () => void run(async () => {
        const kept = await bring(area, upload.body.id, how, true);
        sheet.replaceChildren();
        file.value = "";
        say(t("stations.import_done", { added: kept.added, changed: kept.changed }));
        onKept();
      }), { class: "keep" }));
    });
  });
  return form;
}

/** Fields for what a file does not say itself, shut until they are needed; and what is written in them. */
function readingForm(): [HTMLElement, () => Reading] {
  const layer = element("input", { id: "register-layer", maxlength: 200, autocomplete: "off" });
  const crs = element("input", { id: "register-crs", maxlength: 40, placeholder: "EPSG:4549", autocomplete: "off" });
  const columns = new Map(COLUMNS.map((column) => [column, element("input", { id: `column-${column}`, maxlength: 200, placeholder: column, autocomplete: "off" })]));
  const field = (label: string, input: HTMLInputElement) => element("div", {}, element("label", { for: input.id }, label), input);
  const made = element("details", { class: "reading" }, element("summary", {}, t("stations.import_reading")), element("p", { class: "hint" }, t("stations.import_reading_hint")),
    field(t("stations.import_layer"), layer), field(t("stations.import_crs"), crs), ...Array.from(columns, ([column, input]) => field(t("stations.import_column", { column: t(`stations.column.${column}`) }), input)));
  return [made, () => {
    const named = Array.from(columns, ([column, input]): [string, string] => [column, input.value.trim()]).filter(([, name]) => name);
    return { layer: layer.value.trim() || null, crs: crs.value.trim() || null, fields: Object.fromEntries(named) };
  }];
}

async function bring(area: number, upload: string, { layer, crs, fields }: Reading, keep: boolean): Promise<Came> {
  const told = await runJob<Came>({ kind: "stations", division_id: area, params: { stations: { upload, layer }, crs, fields, keep, language: language() } }).over;
  if (!told.ok) throw new Error(told.detail);
  if (told.body.state !== "done" || !told.body.result) throw new Error(told.body.problem?.detail ?? t("stations.import_broken_off"));
  return told.body.result;
}

function changesOf(came: Came): HTMLElement[] {
  const parts: HTMLElement[] = came.findings.map((finding) => element("p", { class: "doubt" }, finding));
  if (came.changes.length)
    parts.push(element("ul", { class: "changes" }, ...came.changes.map((change) => element("li", {}, typed(`${change.station_id} ${change.name}`), " ",
      element("i", {}, change.is_new ? t("stations.import_new") : change.fields.map((field) => t(`stations.field.${field}`)).join(", "))))));
  return parts;
}
