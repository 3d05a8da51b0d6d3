/** Clusters and cases on the map. A mark is moved or renamed, and made anew only where its kind changes. */
import * as L from "leaflet";
import { element } from "../dom.ts";
import { formatCount, t } from "../words.ts";
import type { Cluster } from "./schema.ts";

const DONE = ["handled", "verified"];
const SOON_MS = 2 * 3600_000;

export type Haste = "late" | "soon" | "fine" | "done" | "none";

/** A glyph beside the colour: not everybody tells red from green. */
const GLYPHS: Record<Haste, string> = { late: "!", soon: "◔", fine: "•", done: "✓", none: "–" };

/** How pressing a case is at a moment. */
export function hasteOf(state: string, dueAt: string | null | undefined, now: number): Haste {
  if (DONE.includes(state)) return "done";
  if (!dueAt) return "none";
  const left = Date.parse(dueAt) - now;
  return left < 0 ? "late" : left < SOON_MS ? "soon" : "fine";
}

/** What the glyphs say, for the corner of the map. */
export function legend(): HTMLElement {
  const rows = (Object.keys(GLYPHS) as Haste[]).map((haste) =>
    element("li", {}, element("span", { class: `case-mark ${haste}`, "aria-hidden": "true" }, element("span", {}, GLYPHS[haste])), t(`wall.haste.${haste}`)));
  return element("ul", { class: "legend", "aria-label": t("wall.legend") }, ...rows);
}

export class Marks {
  private readonly shown = new Map<string, { marker: L.Marker; looks: string }>();
  private readonly layer = L.layerGroup();

  constructor(map: L.Map, private readonly onPick: (cluster: Cluster) => void) {
    this.layer.addTo(map);
  }

  show(clusters: ReadonlyMap<string, Cluster>, now: number, scale: number): void {
    for (const [key, { marker }] of this.shown) {
      if (clusters.has(key)) continue;
      marker.remove();
      this.shown.delete(key);
    }
    for (const [key, cluster] of clusters) {
      const looks = this.looksOf(cluster, now, scale);
      const known = this.shown.get(key);
      if (known && known.looks === looks) {
        known.marker.setLatLng([cluster.lat, cluster.lon]);
        continue;
      }
      known?.marker.remove();
      const marker = L.marker([cluster.lat, cluster.lon], { icon: iconOf(cluster, now, scale), keyboard: false, riseOnHover: true });
      marker.on("click", () => this.onPick(cluster));
      marker.addTo(this.layer);
      this.shown.set(key, { marker, looks });
    }
  }

  /** Let a mark be seen that just changed. */
  flash(key: string): void {
    this.shown.get(key)?.marker.getElement()?.classList.add("just-told");
  }

  private looksOf(cluster: Cluster, now: number, scale: number): string {
    const one = cluster.number ? `${cluster.number} ${hasteOf(cluster.state ?? "", cluster.due_at, now)}` : "";
    return `${cluster.n} ${cluster.overdue} ${cluster.soon} ${one} ${scale}`;
  }
}

function iconOf(cluster: Cluster, now: number, scale: number): L.DivIcon {
  if (cluster.number && cluster.state) {
    const haste = hasteOf(cluster.state, cluster.due_at, now);
    const side = Math.round(26 * scale);
    const html = element("span", { title: `${t(`case.state.${cluster.state}`)} · ${t(`wall.haste.${haste}`)}` }, GLYPHS[haste]);
    return L.divIcon({ html, className: `case-mark ${haste}`, iconSize: [side, side] });
  }
  const side = Math.round((34 + 7 * Math.log10(cluster.n)) * scale);
  const late = (100 * cluster.overdue) / cluster.n;
  const soon = late + (100 * cluster.soon) / cluster.n;
  const html = element("span", { title: t("wall.cluster", { n: cluster.n, overdue: cluster.overdue }) }, short(cluster.n));
  const ring = element("div", { class: "cluster" }, html);
  ring.style.width = ring.style.height = `${side}px`;
  ring.style.background = `conic-gradient(var(--late) 0 ${late}%, var(--soon) ${late}% ${soon}%, var(--fine) ${soon}% 100%)`;
  return L.divIcon({ html: ring, className: "cluster-mark", iconSize: [side, side] });
}

/** So many cases in little room; the whole number is in the title. */
function short(n: number): string {
  return n < 10_000 ? formatCount(n) : `${Math.floor(n / 1000)}k`;
}
