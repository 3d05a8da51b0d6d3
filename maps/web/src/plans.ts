/** Start a page of the service about a plan: a version looked at or redrawn, versions compared, grids imported. */
import "leaflet/dist/leaflet.css";
import "./style.css";
import { comparedPage, CompareView, type Compared } from "./compare/compare.ts";
import { importPage, startImport } from "./import/import.ts";
import { inflatePack } from "./pack.ts";
import { Page } from "./page.ts";
import { offerLeftOver } from "./planner/left_over.ts";
import { hearOthers } from "./planner/others.ts";
import { openOnMap } from "./planner/open_problems.ts";
import { openDraft } from "./planner/opening.ts";
import { Planner } from "./planner/planner.ts";
import { askerOf } from "./planner/proposal.ts";
import { forkDraft, loggedEdits, noteLast, serverOf } from "./planner/service.ts";
import { adoptOfTabs, localShelf, shelfKeyOf, tabKeyOf } from "./planner/shelf.ts";
import { Tabs } from "./planner/tabs.ts";
import { oracleOf } from "./planner/tomorrow.ts";
import { sendDivision } from "./planner/towers_panel.ts";
import { Scene } from "./scene.ts";
import { startSeen } from "./seen.ts";
import { emptyMap, fetchMap, listen, servedPage, type Judge, type Served } from "./served.ts";
import { t, useLanguage } from "./words.ts";

let page: Page | null = null;
startSeen(start, () => page?.labels() ?? []);

async function start(): Promise<void> {
  const served = servedPage();
  const imported = importPage();
  const compared = comparedPage();
  if (served) await showVersion(served);
  else if (imported) await startImport(imported);
  else if (compared) await compare(compared);
}

async function showVersion(served: Served): Promise<void> {
  let judged: (judge: Judge) => void = () => undefined;
  listen(served, new Promise((resolve) => (judged = resolve)));
  const draft = shelfKeyOf(served, served.version);
  const tabs = served.may_edit ? new Tabs(draft) : null;
  const { settings, pack } = await fetchMap(served);
  useLanguage(settings, settings.language);
  const layers = await inflatePack(pack);
  const known = Array.from(document.querySelectorAll<HTMLOptionElement>("#version option"), ({ value }) => value);
  offerLeftOver(served, served, new Set(known));
  if (!served.may_edit) {
    const shown = (page = new Page(emptyMap(), new Scene(layers), settings, ""));
    const [lower, upper] = settings.plan.band;
    judged(() => openOnMap(layers, { lower, upper }, (layer, features) => shown.goTo(layer, features)));
    return;
  }
  // What another tab that is open has not saved yet is its own.
  const isAlone = tabs?.isAlone ?? true;
  const key = isAlone ? draft : tabKeyOf(draft);
  if (isAlone) adoptOfTabs(draft);
  const opened = await openDraft(layers, {
    shelf: localShelf,
    shelfKey: key,
    fork: async () => {
      const made = await forkDraft(served.version);
      if ("refused" in made) return t("edit.clash.not_forked", { detail: made.refused });
      return { shelfKey: shelfKeyOf(served, made.id), page: `${served.page}?version=${made.id}` };
    },
    go: (address) => location.assign(address),
    log: () => loggedEdits(served.version),
  });
  // What is not saved lies on the shelf: the page that opens next puts it onto what others saved.
  const planner = new Planner(
    emptyMap(), layers, settings, serverOf(served), opened, key, askerOf(served),
    (text) => noteLast(served, text), () => location.reload(),
    (body) => sendDivision(served, body), oracleOf(served.version),
  );
  window.weige.planner = planner;
  judged(() => planner.openProblems());
  hearOthers(served.version, () => served.revision, () => planner.othersSaved());
  if (!isAlone) planner.say(t("edit.two_tabs"));
}

async function compare(compared: Compared): Promise<void> {
  const { settings, pack } = await fetchMap(compared);
  useLanguage(settings, settings.language);
  window.weige.compare = new CompareView(new Scene(await inflatePack(pack)), settings, compared.names);
}
