/** The tools, and beside them undo, redo and what else is always at hand. Arrow keys go from one to the next. */
import { element } from "../dom.ts";
import { t } from "../words.ts";
import type { Tool } from "./hand.ts";

const SVG = "http://www.w3.org/2000/svg";

export type ToolbarButton = Tool | "undo" | "redo" | "table" | "keys";

/** Drawn in a square of 20. */
const SIGNS: Readonly<Record<ToolbarButton, string>> = {
  choose: "M5 3l10 7-4.5.8L13 16l-2 .9-2.4-5L5 15z",
  brush: "M16.5 3.5l-7 7m-2 .5c-2 0-3 1.500-3 3.200 0 1-.7 1.800-1.500 2 1 .6 5.500 1 6.500-2.200.5-1.700-.5-3-2-3z",
  drag: "M3 14c4 0 3-8 7-8s3 8 7 8M10 1.500v3M10 9v8m-2-2l2 2 2-2",
  lasso: "M10 4c4 0 7 1.900 7 4.500S14 13 10 13s-7-1.900-7-4.500S6 4 10 4zM6 12.500c-1 1-.5 2.200.5 2.200s1.500 1 .5 2.300",
  rectangle: "M3 6V4h2m3 0h4m3 0h2v2m0 3v2m0 3v2h-2m-3 0H8m-3 0H3v-2m0-3V9",
  split: "M10 2v3m0 2.500v3m0 2.500v4M3 5h4v10H3M17 5h-4v10h4",
  undo: "M7 4L3.500 7.500 7 11M4 7.500h7.500a4.500 4.500 0 010 9H8",
  redo: "M13 4l3.500 3.500L13 11m3-3.500H8.500a4.500 4.500 0 000 9H12",
  table: "M3 4h14v12H3zM3 8h14M3 12h14M8 4v12",
  keys: "M7.500 7.500a2.500 2.500 0 113.500 2.300c-.7.300-1 .8-1 1.700M10 14.500v.8",
};

export class Toolbar {
  readonly root = element("div", { class: "toolbar", role: "toolbar", "aria-label": t("edit.tools") });
  private readonly buttons = new Map<ToolbarButton, HTMLButtonElement>();

  constructor(tools: readonly [Tool, string][], others: readonly [ToolbarButton, string][], onPress: (button: ToolbarButton) => void) {
    const group = (entries: readonly [ToolbarButton, string][], name: string) =>
      element("div", { class: name, role: "group" }, ...entries.map(([each, key]) => this.button(each, key, () => onPress(each))));
    this.root.append(group(tools, "main-tools"), group(others, "other-tools"));
    rove(this.root);
  }

  show(tool: Tool, canUndo: boolean, canRedo: boolean): void {
    for (const [name, each] of this.buttons) {
      if (name === "undo" || name === "redo") each.setAttribute("aria-disabled", String(!(name === "undo" ? canUndo : canRedo)));
      else if (each.hasAttribute("aria-pressed")) each.setAttribute("aria-pressed", String(name === tool));
    }
  }

  private button(name: ToolbarButton, key: string, onPress: () => void): HTMLButtonElement {
    const label = t(`edit.tool.${name}`);
    const isTool = !["undo", "redo", "table", "keys"].includes(name);
    const made = element("button", { type: "button", title: `${label}（${key}）`, "aria-keyshortcuts": key === "?" ? "Shift+?" : key, "data-tool": name });
    if (isTool) made.setAttribute("aria-pressed", "false");
    made.append(sign(SIGNS[name]), element("span", {}, label));
    made.addEventListener("click", () => {
      if (made.getAttribute("aria-disabled") !== "true") onPress();
    });
    this.buttons.set(name, made);
    return made;
  }
}

/** One stop of the Tab key for all buttons of a bar; arrow keys, Home and End go from one to the next. */
export function rove(bar: HTMLElement): void {
  const all = () => Array.from(bar.querySelectorAll<HTMLElement>("button"));
  const stop = (at: HTMLElement) => {
    for (const each of all()) each.tabIndex = each === at ? 0 : -1;
  };
  const first = all()[0];
  if (first) stop(first);
  bar.addEventListener("focusin", (event) => {
    if (event.target instanceof HTMLButtonElement) stop(event.target);
  });
  bar.addEventListener("keydown", (event) => {
    const buttons = all();
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[(to + buttons.length) % buttons.length]?.focus();
  });
}

function sign(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
