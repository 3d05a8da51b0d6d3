/** Start the page: read the data tags, take the map folium made, put everything on it. */
import * as L from "leaflet";
import "leaflet/dist/leaflet.css";
import "./style.css";
import { comparedPage, CompareView } from "./compare/compare.ts";
import { importPage, startImport } from "./import/import.ts";
import type { DrawnLabel } from "./overlay.ts";
import { inflatePack, readPack, type Layer } from "./pack.ts";
import { Page } from "./page.ts";
import { openDraft } from "./planner/opening.ts";
import { Planner, type PlannerView } from "./planner/planner.ts";
import { askerOf } from "./planner/proposal.ts";
import { forkDraft, noteLast, serverOf } from "./planner/service.ts";
import { localShelf, shelfKeyOf } from "./planner/shelf.ts";
import { oracleOf } from "./planner/tomorrow.ts";
import { sendDivision } from "./planner/towers_panel.ts";
import { Scene } from "./scene.ts";
import type { Settings } from "./schema.ts";
import { emptyMap, fetchMap, listen, servedPage } from "./served.ts";
import { t, useLanguage } from "./words.ts";

declare global {
  interface Window {
    L: typeof L;
    /** Read-only view of the page for tests. */
    weige: {
      /** Resolves when the map is drawn. */
      ready: Promise<void>;
      labels(): DrawnLabel[];
      /** Only where a draft is redrawn. */
      planner: PlannerView | null;
      /** Only where two versions are compared. */
      compare: CompareView | null;
    };
  }
}

window.L = L;

let theMap: L.Map | null = null;
L.Map.addInitHook(function (this: L.Map) {
  theMap ??= this;
});

let page: Page | null = null;
const ready = new Promise<void>((resolve, reject) => {
  document.addEventListener("DOMContentLoaded", () => start().then(resolve, reject));
});
window.weige = { ready, labels: () => page?.labels() ?? [], planner: null, compare: null };

async function start(): Promise<void> {
  const served = servedPage();
  const compared = comparedPage();
  const imported = importPage();
  if (served) {
    listen(served);
    const { settings, pack } = await fetchMap(served);
    useLanguage(settings, settings.language);
    const layers = await inflatePack(pack);
    if (served.may_edit) {
      const key = shelfKeyOf(served.version);
      const opened = await openDraft(layers, {
        shelf: localShelf,
        shelfKey: key,
        fork: async () => {
          const made = await forkDraft(served.version);
          if ("refused" in made) return t("edit.clash.not_forked", { detail: made.refused });
          return { shelfKey: shelfKeyOf(made.id), page: `${served.page}?version=${made.id}` };
        },
        go: (page) => location.assign(page),
      });
      // What is not saved lies on the shelf: the page that opens next puts it onto what others saved.
      window.weige.planner = new Planner(
        emptyMap(), layers, settings, serverOf(served), opened, key, askerOf(served),
        (text) => noteLast(served, text), () => location.reload(),
        (body) => sendDivision(served, body), oracleOf(served.version),
      );
    } else show(settings, layers, emptyMap(), "");
  } else if (imported) {
    await startImport(imported);
  } else if (compared) {
    const { settings, pack } = await fetchMap(compared);
    useLanguage(settings, settings.language);
    window.weige.compare = new CompareView(new Scene(await inflatePack(pack)), settings, compared.names);
  } else if (document.getElementById("weige-settings")) {
    const settings = JSON.parse(tag("weige-settings")) as Settings;
    useLanguage(settings, settings.language);
    if (typeof DecompressionStream === "undefined" || !("replaceChildren" in document.body)) {
      document.body.prepend(t("page.old_browser"));
      return;
    }
    if (!theMap) throw new Error("the page holds no map");
    show(settings, await readPack(tag("weige-pack")), theMap, tag("weige-licences"));
  }
  await new Promise((resolve) => requestAnimationFrame(resolve));
}

function show(settings: Settings, layers: ReadonlyMap<string, Layer>, map: L.Map, licences: string): void {
  useLanguage(settings, settings.language);
  page = new Page(map, new Scene(layers), settings, licences);
}

function tag(id: string): string {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`the page lacks ${id}`);
  return text;
}
