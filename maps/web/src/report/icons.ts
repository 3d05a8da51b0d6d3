/** Icons of the classes that are reported most; lines of 24 by 24. */
const PATHS: Record<string, string> = {
  water: "M12 3s6 7 6 11a6 6 0 0 1-12 0c0-4 6-11 6-11z",
  drain: "M4 12a8 8 0 1 0 16 0 8 8 0 1 0-16 0M8 9h8M7 12h10M8 15h8",
  rubbish: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v6M14 11v6",
  road: "M8 3 4 21M16 3l4 18M12 4v3M12 10v4M12 17v4",
  parking: "M5 4h14v16H5zM10 16V8h3a2.5 2.5 0 0 1 0 5h-3",
  cable: "M4 5c5 0 3 7 8 7s3 7 8 7M7 3v4M17 17v4",
  estate: "M4 20V9l8-5 8 5v11zM9 20v-6h6v6M9 10h.01M15 10h.01",
  wish: "M12 20s-7-4.5-7-10a4 4 0 0 1 7-2.5A4 4 0 0 1 19 10c0 5.500-7 10-7 10z",
  other: "M5 12h.01M12 12h.01M19 12h.01",
};

export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name] ?? PATHS.other!);
  for (const [key, value] of [["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "1.8"], ["stroke-linecap", "round"], ["stroke-linejoin", "round"]] as const) path.setAttribute(key, value);
  svg.append(path);
  return svg;
}
