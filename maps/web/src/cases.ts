/** Pages about cases. Each has a folder with one `startX`, which is handed the data of its page. */
import "leaflet/dist/leaflet.css";
import "./cases.css";
import { casePage, type CasePage } from "./case_page.ts";
import { startCaseFile } from "./casefile/casefile.ts";
import { startCaseList } from "./caselist/caselist.ts";
import { startDuty } from "./duty/duty.ts";
import { masked } from "./masking.ts";
import { startMeetings } from "./meetings/meetings.ts";
import { startNearest } from "./nearest/nearest.ts";
import { startOffers } from "./offers/offers.ts";
import { startPoints } from "./points/points.ts";
import { isPhone } from "./report/phones.ts";
import { startReport } from "./report/report.ts";
import { startSolved } from "./solved/solved.ts";
import { startStations } from "./stations/stations.ts";
import { startVisits } from "./visits/visits.ts";
import { startWall, type WallView } from "./wall/wall.ts";
import { startWhistles } from "./whistles/whistles.ts";

declare global {
  interface Window {
    weigeCases: {
      /** Resolves when the page shows what it is for; tests wait for it. */
      ready: Promise<void>;
      /** For tests, which compare both with the service's own. */
      masked: (text: string) => string;
      isPhone: (written: string) => boolean;
      /** Only on a wall. */
      wall: WallView | null;
    };
  }
}

const STARTS: Record<string, (page: CasePage) => Promise<void>> = {
  // Pages of tables: they have nothing to start.
  burden: async () => undefined,
  indicators: async () => undefined,
  caselist: startCaseList,
  casefile: startCaseFile,
  duty: startDuty,
  points: startPoints,
  report: startReport,
  meetings: startMeetings,
  nearest: startNearest,
  offers: startOffers,
  solved: startSolved,
  stations: startStations,
  visits: startVisits,
  whistles: startWhistles,
  wall: async (page) => {
    window.weigeCases.wall = await startWall(page);
  },
};

async function start(): Promise<void> {
  const page = casePage();
  // On a phone the line of pages is wider than the screen: the one that is shown is in sight.
  document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const begin = STARTS[page.kind];
  if (!begin) throw new Error(`there is no page ${page.kind}`);
  await begin(page);
}

window.weigeCases = {
  masked,
  isPhone,
  wall: null,
  ready: new Promise((resolve, reject) => {
    document.addEventListener("DOMContentLoaded", () => start().then(resolve, reject));
  }),
};
