/** Start the page of one file: read the data tags, take the map folium made, put everything on it. */
import * as L from "leaflet";
import "leaflet/dist/leaflet.css";
import "./style.css";
import { Meeting } from "./meeting/meeting.ts";
import { fillOldBrowsers } from "./old_browsers.ts";
import { readPack } from "./pack.ts";
import { Page } from "./page.ts";
import { Scene } from "./scene.ts";
import type { Settings } from "./schema.ts";
import { startSeen } from "./seen.ts";
import { useLanguage } from "./words.ts";

declare global {
  interface Window {
    L: typeof L;
  }
}

window.L = L;
fillOldBrowsers();
// A browser that cannot read this program never takes away the sentence that says so.
document.documentElement.classList.add("weige-runs");

let theMap: L.Map | null = null;
L.Map.addInitHook(function (this: L.Map) {
  theMap ??= this;
});

/** By then what was drawn as the page opened stands on the screen. */
const SEEN_MS = 400;

let page: Page | null = null;
startSeen(start, () => page?.labels() ?? []);

async function start(): Promise<void> {
  const settings = JSON.parse(tag("weige-settings")) as Settings;
  useLanguage(settings, settings.language);
  if (!theMap) throw new Error("the page holds no map");
  const scene = new Scene(await readPack(tag("weige-pack"), inflate));
  page = new Page(theMap, scene, settings, tag("weige-licences"), (made) => {
    if (settings.meeting) window.weige.meeting = new Meeting(made, settings.meeting);
  });
  // What the first zoom into the map asks for is decoded while nobody waits: not before the page has been seen.
  window.setTimeout(() => window.requestIdleCallback(() => page?.makeReady()), SEEN_MS);
}

/** Where a browser cannot inflate by itself; elsewhere the tables of the library are never made. */
async function inflate(gzip: Uint8Array): Promise<Uint8Array> {
  return (await import("fflate")).gunzipSync(gzip);
}

function tag(id: string): string {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`the page lacks ${id}`);
  return text;
}
