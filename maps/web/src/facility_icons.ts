/** Icons of what stations offer; lines of 24 by 24. */
const PATHS: Record<string, string> = {
  charging: "M13 3 6 13h5l-1 8 8-11h-5l1-7z",
  water: "M12 3s6 7 6 11a6 6 0 0 1-12 0c0-4 6-11 6-11z",
  toilet: "M7 4h.01M17 4h.01M5 8h4l1 6H8v6H6v-6H4zM15 8h4l2 7h-3v5h-2v-5h-3z",
  rest: "M5 20v-6h14v6M5 14V6a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2v8M3 11v9M21 11v9",
  microwave: "M3 6h18v12H3zM6 9h9v6H6zM18 9h.01M18 12h.01M18 15h.01",
  climate: "M12 3v18M4 7.500l16 9M20 7.500l-16 9M9 4l3 3 3-3M9 20l3-3 3 3",
  medicine: "M4 8h16v12H4zM9 8V5h6v3M12 11v6M9 14h6",
  umbrella: "M3 12a9 9 0 0 1 18 0zM12 12v6a2 2 0 0 0 4 0M12 3v1",
  terminal: "M6 3h12v10H6zM9 17h6M12 13v4M8 21h8M9 7h6",
};
const OTHER = "M5 12h.01M12 12h.01M19 12h.01";

export function facilityIcon(code: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[code] ?? OTHER);
  for (const [key, value] of [["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "1.8"], ["stroke-linecap", "round"], ["stroke-linejoin", "round"]] as const) path.setAttribute(key, value);
  svg.append(path);
  return svg;
}
