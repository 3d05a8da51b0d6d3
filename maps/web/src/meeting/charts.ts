/** Small charts as SVG, drawn by ourselves: bars of days, bars of classes, a share. */
import { element } from "../dom.ts";
import { formatCount, formatShare, t } from "../words.ts";
import type { ByClass, Days, InTime } from "./figures.ts";
import { isoDay } from "./timeline.ts";

const SVG = "http://www.w3.org/2000/svg";

/** Rows of classes shown; the rest are added up. */
const MOST_CLASSES = 12;

function shape(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Bars of cases by day; beside an axis the largest count, under it the first and the last day. */
export function dayBars({ first, counts }: Days, { width, height, hasAxis }: { width: number; height: number; hasAxis: boolean }): SVGElement {
  const most = Math.max(1, ...counts);
  const [left, bottom] = hasAxis ? [34, 18] : [0, 0];
  const [wide, high] = [width - left, height - bottom - (hasAxis ? 8 : 0)];
  const step = wide / counts.length;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart days", ...(hasAxis ? {} : { preserveAspectRatio: "none" }) });
  const top = height - bottom - high;
  const path = counts.map((count, day) => {
    const tall = (high * count) / most;
    const x = left + day * step;
    return count ? `M${x.toFixed(2)} ${(top + high).toFixed(2)}v${(-tall).toFixed(2)}h${(step * (step > 3 ? 0.86 : 1)).toFixed(2)}v${tall.toFixed(2)}z` : "";
  }).join("");
  svg.append(shape("path", { d: path, class: "bars" }));
  if (hasAxis) {
    svg.append(
      shape("path", { d: `M${left} ${top}V${top + high}H${width}`, class: "axis" }),
      shape("text", { x: left - 4, y: top + 4, "text-anchor": "end" }, formatCount(most)),
      shape("text", { x: left - 4, y: top + high, "text-anchor": "end" }, "0"),
      shape("text", { x: left, y: height - 4 }, isoDay(first)),
      shape("text", { x: width, y: height - 4, "text-anchor": "end" }, isoDay(first + counts.length - 1)),
    );
  }
  return svg;
}

/** Classes as rows with a bar and a count: a list, so that it is read aloud as well as seen. */
export function classBars(classes: readonly ByClass[], colourOf: (kind: string) => string): HTMLElement {
  const most = Math.max(1, ...classes.map(({ count }) => count));
  const list = element("ul", { class: "chart classes" });
  const row = (name: string, count: number, colour: string) => {
    const bar = element("span", { class: "class-bar", "aria-hidden": "true" });
    bar.style.width = `${(100 * count) / most}%`;
    bar.style.backgroundColor = colour;
    list.append(element("li", {}, element("bdi", { class: "name" }, name), element("span", { class: "class-track" }, bar), element("span", { class: "number" }, formatCount(count))));
  };
  const shown = classes.length > MOST_CLASSES ? classes.slice(0, MOST_CLASSES - 1) : classes;
  for (const { kind, count } of shown) row(kind || t("incidents.none"), count, colourOf(kind));
  const rest = classes.slice(shown.length).reduce((sum, { count }) => sum + count, 0);
  if (rest) row(t("meeting.charts.rest", { classes: classes.length - shown.length }), rest, "#8a94a3");
  return list;
}

/** The share of cases closed in time. */
export function shareOf({ due, closed, waiting }: InTime, days: number): HTMLElement {
  const share = due ? closed / due : 0;
  const bar = element("div", { class: "share-bar", "aria-hidden": "true" }, element("span", {}));
  (bar.firstChild as HTMLElement).style.width = `${100 * share}%`;
  return element("div", { class: "chart share" },
    element("p", { class: "share-value" }, due ? formatShare(share) : "\u2013"), bar,
    element("p", { class: "hint" }, t("meeting.charts.in_time", { closed, due, days })),
    waiting ? element("p", { class: "hint" }, t("meeting.charts.waiting", { waiting })) : null);
}
