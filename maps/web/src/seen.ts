/** What tests see of a page with a map: when it is drawn, and what is on it. */
import type { CompareView } from "./compare/compare.ts";
import type { Meeting } from "./meeting/meeting.ts";
import type { DrawnLabel } from "./overlay.ts";
import type { PlannerView } from "./planner/planner.ts";

export interface Seen {
  /** Resolves when the map is drawn. */
  ready: Promise<void>;
  labels(): DrawnLabel[];
  /** Only where a draft is redrawn. */
  planner: PlannerView | null;
  /** Only where two versions are compared. */
  compare: CompareView | null;
  /** Only in the file for a meeting. */
  meeting: Meeting | null;
}

declare global {
  interface Window {
    weige: Seen;
  }
}

/** Start the page once its document is there, and let tests wait for it. */
export function startSeen(start: () => Promise<void>, labels: () => DrawnLabel[]): void {
  const ready = new Promise<void>((resolve, reject) => {
    document.addEventListener("DOMContentLoaded", () => {
      start()
        .then(() => new Promise((drawn) => requestAnimationFrame(drawn)))
        .then(() => resolve(), reject);
    });
  });
  window.weige = { ready, labels, planner: null, compare: null, meeting: null };
}
