/** The legend of the map: what its colours, hatches and signs mean, how many there are of each, and ticks that hide a layer or show it. */
import { element, typed } from "./dom.ts";
import { hatchOver, hatchSquare } from "./hatch.ts";
import { drawIncident, drawStation, iconCanvas } from "./icons.ts";
import type { Incidents } from "./incidents.ts";
import { areWidespread, STATUSES, walkStyle, type Shown } from "./paint.ts";
import { resultLegend } from "./results.ts";
import type { IndexedLayer, Scene } from "./scene.ts";
import type { Settings, Status, StatusStyle } from "./schema.ts";
import { walkLegend } from "./walks.ts";
import { formatCount, t } from "./words.ts";

/** Of the classes of cases the legend on paper explains so many, the most frequent: more would push the map off the sheet. */
const MOST_CLASSES = 11;

export interface LegendOptions {
  scene: Scene;
  settings: Settings;
  shown: ReadonlySet<Shown>;
  incidents: Incidents;
  /** How many grids are of each status. */
  counts: Readonly<Record<Status, number>>;
  onLayer(layer: Shown, isShown: boolean): void;
}

/** How many grids are of each status. */
export function statusCounts(grids: IndexedLayer): Record<Status, number> {
  const counts: Record<Status, number> = { too_small: 0, ok: 0, too_large: 0, exempt: 0 };
  for (const status of grids.texts("status")) if (status in counts) counts[status as Status]++;
  return counts;
}

/** A small piece of ground in a style, as it is on the map. */
export function swatch(style: StatusStyle, attributes: Record<string, string> = { class: "swatch", "aria-hidden": "true" }): HTMLElement {
  const made = element("span", attributes);
  hatchOver(made, style);
  return made;
}

/** The parts of the legend from top to bottom; on paper only of what is drawn. */
export function legend(options: LegendOptions, isPaper = false): HTMLElement[] {
  const { scene, settings, shown } = options;
  return [
    ...walkLegend(settings),
    ...resultLegend(scene, settings),
    statusLegend(options),
    ...(scene.has("units") && (shown.has("units") || !isPaper) ? [unitLegend(settings)] : []),
    ...(shown.has("faults") || !isPaper ? faultLegend(options) : []),
    ...(isPaper ? caseLegend(options) : []),
    layerLegend(options, isPaper),
  ];
}

function statusLegend({ settings, counts }: LegendOptions): HTMLElement {
  const [lower, upper] = settings.plan.band;
  const rows = element("ul", { class: "rows" });
  for (const status of STATUSES) {
    if (!counts[status] && status === "exempt") continue;
    rows.append(element("li", {}, swatch(settings.styles.status[status]),
      element("span", { class: "name" }, t(`status.${status}`),
        element("small", {}, t(`status.${status}_rule`, { lower, upper }))),
      element("span", { class: "number" }, formatCount(counts[status]))));
  }
  return element("section", { class: "legend", "data-ground": "size" }, element("h2", {}, t("legend.statuses")), rows);
}

/** The classes of units by their households. */
function unitLegend({ styles }: Settings): HTMLElement {
  const shades = element("ul", { class: "shades" });
  let from = 0;
  for (const { up_to, fill } of styles.units) {
    const shade = element("span", { class: "swatch", "aria-hidden": "true" });
    shade.style.backgroundColor = fill;
    const range = up_to === null ? `${from}+` : up_to === from ? String(from) : `${from}\u2013${up_to}`;
    shades.append(element("li", {}, shade, range));
    from = (up_to ?? 0) + 1;
  }
  return element("section", { class: "legend" }, element("h2", {}, t("legend.units")), shades);
}

/** The layers with their signs and counts, each with a tick that hides or shows it. */
function layerLegend({ scene, settings, shown, onLayer }: LegendOptions, isPaper: boolean): HTMLElement {
  const layers = element("ul", { class: "rows layers" });
  for (const [name, sign] of layerSigns(settings)) {
    if (name !== "status" && name !== "labels" && name !== "totals" && !scene.has(name)) continue;
    if (isPaper && name === "incidents") continue; // by their classes
    const box = element("input", { type: "checkbox" });
    box.checked = shown.has(name);
    box.addEventListener("change", () => onLayer(name, box.checked));
    const count = name === "labels" ? "" : formatCount(scene.get(name === "status" || name === "totals" ? "grids" : name).count);
    layers.append(element("li", { class: box.checked ? undefined : "off" }, element("label", {}, box, sign(),
      element("span", { class: "name" }, t(name === "faults" && settings.link ? "layer.unlinked" : `layer.${name}`)), element("span", { class: "number" }, count))));
  }
  return element("section", { class: "legend switches" }, element("h2", {}, t("legend.layers")), layers);
}

/** The sign of each layer, in the order of the list. */
function layerSigns(settings: Settings): [Shown, () => HTMLElement][] {
  const { ink, kinds, overlap, units } = settings.styles;
  const letters = (sign: string) => iconCanvas(22, (pen, middle) => {
    pen.fillStyle = ink.text;
    pen.font = "700 12px sans-serif";
    pen.textAlign = "center";
    pen.fillText(sign, middle, middle + 4);
  });
  return [
    ["status", () => iconCanvas(22, (pen) => { pen.strokeStyle = ink.border; pen.lineWidth = 1.6; pen.strokeRect(3, 5, 16, 12); })],
    ["labels", () => letters(settings.link ? "Aa" : "86")],
    ...(settings.link ? [["totals", () => letters("86")] as [Shown, () => HTMLElement]] : []),
    ["units", () => iconCanvas(22, (pen) => { pen.fillStyle = units[2]?.fill ?? "#888"; pen.fillRect(3, 6, 16, 10); pen.strokeStyle = ink.unit_edge; pen.strokeRect(3, 6, 16, 10); })],
    ["cells", () => line("rgba(60,70,85,0.5)", 1)],
    ["communities", () => line(ink.community, 2.4, [8, 3, 2, 3])],
    ["compounds", () => line(ink.compound, 1.5)],
    ["roads", () => line(ink.road, 4, [], ink.road_edge)],
    ["water", () => iconCanvas(22, (pen) => { pen.fillStyle = ink.water; pen.fillRect(2, 5, 18, 12); pen.strokeStyle = ink.water_line; pen.strokeRect(2, 5, 18, 12); })],
    ["barriers", () => iconCanvas(22, (pen, middle) => {
      pen.strokeStyle = ink.barrier;
      pen.lineWidth = 1.6;
      pen.beginPath();
      for (const x of [5, 11, 17]) { pen.moveTo(x, middle - 3); pen.lineTo(x, middle + 3); }
      pen.moveTo(1, middle);
      pen.lineTo(21, middle);
      pen.stroke();
    })],
    ["gates", () => iconCanvas(22, (pen, middle) => {
      pen.strokeStyle = ink.gate;
      pen.lineWidth = 1.6;
      pen.beginPath();
      pen.arc(middle, middle, 5, 0, 2 * Math.PI);
      pen.moveTo(middle - 2.5, middle);
      pen.lineTo(middle + 2.5, middle);
      pen.stroke();
    })],
    ["incidents", () => iconCanvas(22, (pen, middle) => drawIncident(pen, middle, middle, 8, 0, kinds))],
    ["stations", () => iconCanvas(22, (pen, middle) => drawStation(pen, middle, middle, 17, ink.station))],
    ["walk", () => iconCanvas(22, (pen) => { pen.fillStyle = walkStyle(settings.styles, 0, 2).fill; pen.fillRect(2, 5, 18, 12); })],
    ["links", () => line(ink.link, 2)],
    ["members", () => iconCanvas(22, (pen, middle) => drawIncident(pen, middle, middle, 7, 0, [ink.place]))],
    ["department_grids", () => line(kinds[0] as string, 3)],
    ["conflicts", () => areWidespread(settings.merge) ? line(ink.fault, 1, [2, 3]) : swatch(overlap)],
    ["context", () => line("rgb(92,62,122)", 1.4)],
    ["faults", () => iconCanvas(22, (pen) => { pen.strokeStyle = ink.fault; pen.lineWidth = 2; pen.setLineDash([4, 2]); pen.strokeRect(3, 5, 16, 12); })],
  ];
}

function line(colour: string, width: number, dash: readonly number[] = [], casing?: string): HTMLElement {
  return iconCanvas(22, (pen, middle) => {
    for (const [ink, extra, dashes] of [[casing, 2, []], [colour, 0, dash]] as const) {
      if (!ink) continue;
      pen.strokeStyle = ink;
      pen.lineWidth = width + extra;
      pen.setLineDash([...dashes]);
      pen.beginPath();
      pen.moveTo(1, middle);
      pen.lineTo(21, middle);
      pen.stroke();
    }
  });
}

/** The signs of cases by class, for paper, where no list of them is seen. */
function caseLegend({ scene, shown, incidents, settings }: LegendOptions): HTMLElement[] {
  if (!scene.has("incidents") || !(shown.has("incidents") || incidents.window)) return [];
  const rows = element("ul", { class: "rows" });
  const { kinds, ink } = settings.styles;
  const chosen = incidents.kinds.map(([kind], place) => [kind, place] as const).filter(([kind]) => !incidents.hiddenKinds.has(kind));
  for (const [kind, place] of chosen.slice(0, MOST_CLASSES)) {
    rows.append(element("li", {}, iconCanvas(20, (pen, middle) => drawIncident(pen, middle, middle, 8, place, kinds)),
      element("span", { class: "name" }, kind ? typed(kind) : t("incidents.none"))));
  }
  const rest = chosen.length - MOST_CLASSES;
  if (rest > 0) rows.append(element("li", {}, element("span", { class: "name" }, t("legend.more_classes", { count: rest }))));
  rows.append(element("li", {}, iconCanvas(20, (pen, middle) => drawSeveral(pen, middle, ink.cluster)),
    element("span", { class: "name" }, t("legend.several"))));
  return [element("section", { class: "legend of-cases" }, element("h2", {}, t("legend.cases")), rows)];
}

/** What drawn grids get wrong on the ground; nothing where they do not. */
function faultLegend({ scene, settings }: LegendOptions): HTMLElement[] {
  const { ink, overlap } = settings.styles;
  const rows = element("ul", { class: "rows" });
  const row = (fault: string, style: Partial<CSSStyleDeclaration>, count: number) => {
    if (!count) return;
    const sign = element("span", { class: "swatch fault", "aria-hidden": "true" });
    Object.assign(sign.style, { borderColor: ink.fault }, style);
    rows.append(element("li", { "data-fault": fault }, sign, element("span", { class: "name" }, t(`legend.${fault}`)),
      element("span", { class: "number" }, formatCount(count))));
  };
  const faults = scene.get("faults");
  const kinds = Array.from({ length: faults.count }, (_, i) => faults.text("kind", i));
  row("overlap", {
    backgroundColor: overlap.fill, backgroundImage: `url(${hatchSquare(overlap.hatch, overlap.hatch_ink, 1).toDataURL()})`,
  }, kinds.filter((kind) => kind === "overlap").length);
  row("gap", { borderStyle: "dashed" }, kinds.filter((kind) => kind === "gap").length);
  row("left_out", { backgroundColor: settings.styles.units[1]?.fill ?? "" }, settings.households.left_out);
  return rows.childElementCount ? [element("section", { class: "legend" }, element("h2", {}, t("legend.faults")), rows)] : [];
}

/** A circle of several cases, with a number as on the map. */
function drawSeveral(pen: CanvasRenderingContext2D, middle: number, fill: string): void {
  pen.beginPath();
  pen.arc(middle, middle, 9, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "600 11px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText("5", middle, middle);
}
