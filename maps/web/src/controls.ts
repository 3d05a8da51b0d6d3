/** Map controls Leaflet does not have: show everything again, and which way is north. */
import * as L from "leaflet";
import { element } from "./dom.ts";

const SVG = "http://www.w3.org/2000/svg";

function drawing(viewBox: string, ...paths: { d: string; fill?: string; stroke?: string }[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", viewBox);
  svg.setAttribute("aria-hidden", "true");
  for (const { d, fill, stroke } of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("fill", fill ?? "none");
    if (stroke) {
      path.setAttribute("stroke", stroke);
      path.setAttribute("stroke-width", "1.8");
      path.setAttribute("stroke-linecap", "round");
    }
    svg.append(path);
  }
  return svg;
}

export function homeControl(title: string, onClick: () => void): L.Control {
  const control = new L.Control({ position: "topright" });
  control.onAdd = () => {
    const bar = element("div", { class: "leaflet-bar home" });
    const link = element("button", { type: "button", title, "aria-label": title });
    link.append(drawing("0 0 20 20", { d: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4", stroke: "currentColor" }));
    link.addEventListener("click", onClick);
    L.DomEvent.disableClickPropagation(bar);
    bar.append(link);
    return bar;
  };
  return control;
}

export function northArrow(title: string): L.Control {
  const control = new L.Control({ position: "bottomright" });
  control.onAdd = () => {
    const arrow = element("div", { class: "north", role: "img", "aria-label": title, title });
    arrow.append(
      drawing("0 0 24 30", { d: "M12 1 20 28 12 22Z", fill: "currentColor" }, { d: "M12 1 4 28 12 22Z", fill: "#fff", stroke: "currentColor" }),
      element("span", { "aria-hidden": "true" }, "N"),
    );
    return arrow;
  };
  return control;
}
