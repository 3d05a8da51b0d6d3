/** Start the page of one file: read the data tags, take the map folium made, put everything on it. */
import * as L from "leaflet";
import "leaflet/dist/leaflet.css";
import "./style.css";
import { readPack } from "./pack.ts";
import { Page } from "./page.ts";
import { Scene } from "./scene.ts";
import type { Settings } from "./schema.ts";
import { startSeen } from "./seen.ts";
import { t, useLanguage } from "./words.ts";

declare global {
  interface Window {
    L: typeof L;
  }
}

window.L = L;

let theMap: L.Map | null = null;
L.Map.addInitHook(function (this: L.Map) {
  theMap ??= this;
});

let page: Page | null = null;
startSeen(start, () => page?.labels() ?? []);

async function start(): Promise<void> {
  const settings = JSON.parse(tag("weige-settings")) as Settings;
  useLanguage(settings, settings.language);
  if (typeof DecompressionStream === "undefined" || !("replaceChildren" in document.body)) {
    document.body.prepend(t("page.old_browser"));
    return;
  }
  if (!theMap) throw new Error("the page holds no map");
  page = new Page(theMap, new Scene(await readPack(tag("weige-pack"))), settings, tag("weige-licences"));
}

function tag(id: string): string {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`the page lacks ${id}`);
  return text;
}
