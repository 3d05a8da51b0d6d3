/** Pages about cases. Each has a folder with one `startX`, which is handed the data of its page. */
import "leaflet/dist/leaflet.css";
import "./cases.css";
import { casePage, type CasePage } from "./case_page.ts";

declare global {
  interface Window {
    weigeCases: {
      /** Resolves when the page shows what it is for; tests wait for it. */
      ready: Promise<void>;
    };
  }
}

const STARTS: Record<string, (page: CasePage) => Promise<void>> = {};

async function start(): Promise<void> {
  const page = casePage();
  const begin = STARTS[page.kind];
  if (!begin) throw new Error(`there is no page ${page.kind}`);
  await begin(page);
}

window.weigeCases = {
  ready: new Promise((resolve, reject) => {
    document.addEventListener("DOMContentLoaded", () => start().then(resolve, reject));
  }),
};
