/** The keys: one table says what each does, drives the handler, and is shown on `?`. */
import { button, element } from "../dom.ts";
import { t } from "../words.ts";
import type { Tool } from "./hand.ts";

export const TOOL_KEYS: readonly [Tool, string][] = [["choose", "V"], ["brush", "B"], ["drag", "D"], ["lasso", "L"], ["rectangle", "R"], ["split", "S"]];

/** What a key asks for; what is done is said where the page is put together. */
export type KeyAction =
  | Tool | "new" | "undo" | "redo" | "enter" | "escape" | "keys" | "home" | "previous" | "next" | "move" | "make_grid" | "lock"
  | "lock_grid" | "wider" | "narrower" | "west" | "east" | "north" | "south" | "zoom_in" | "zoom_out" | "hold_map" | "problem" | "table";

interface Key {
  action: KeyAction;
  /** Values of `KeyboardEvent.key`, lower case. */
  keys: readonly string[];
  ctrl?: boolean;
  shift?: boolean;
  /** How the key is written on the page. */
  written: string;
  group: "tools" | "grids" | "units" | "map" | "page";
}

export const KEYS: readonly Key[] = [
  ...TOOL_KEYS.map(([action, written]): Key => ({ action, keys: [written.toLowerCase()], written, group: "tools" })),
  { action: "narrower", keys: ["["], written: "[", group: "tools" },
  { action: "wider", keys: ["]"], written: "]", group: "tools" },
  { action: "enter", keys: ["enter"], written: "Enter", group: "tools" },
  { action: "escape", keys: ["escape"], written: "Esc", group: "tools" },
  { action: "undo", keys: ["z"], ctrl: true, shift: false, written: "Ctrl+Z", group: "page" },
  { action: "redo", keys: ["y"], ctrl: true, written: "Ctrl+Y", group: "page" },
  { action: "redo", keys: ["z"], ctrl: true, shift: true, written: "Ctrl+Shift+Z", group: "page" },
  { action: "new", keys: ["n"], written: "N", group: "grids" },
  { action: "previous", keys: [",", "pageup"], written: ", / PageUp", group: "grids" },
  { action: "next", keys: [".", "pagedown"], written: ". / PageDown", group: "grids" },
  { action: "lock_grid", keys: ["k"], shift: true, written: "Shift+K", group: "grids" },
  { action: "problem", keys: ["p"], written: "P", group: "grids" },
  { action: "move", keys: ["m"], written: "M", group: "units" },
  { action: "make_grid", keys: ["g"], written: "G", group: "units" },
  { action: "lock", keys: ["k"], shift: false, written: "K", group: "units" },
  { action: "west", keys: ["arrowleft"], written: "←", group: "map" },
  { action: "east", keys: ["arrowright"], written: "→", group: "map" },
  { action: "north", keys: ["arrowup"], written: "↑", group: "map" },
  { action: "south", keys: ["arrowdown"], written: "↓", group: "map" },
  { action: "zoom_in", keys: ["+", "="], written: "+", group: "map" },
  { action: "zoom_out", keys: ["-"], written: "−", group: "map" },
  { action: "home", keys: ["home"], written: "Home", group: "map" },
  { action: "hold_map", keys: [" "], written: " ", group: "map" },
  { action: "table", keys: ["t"], written: "T", group: "page" },
  { action: "keys", keys: ["?"], written: "?", group: "page" },
];

const GROUPS: readonly Key["group"][] = ["tools", "grids", "units", "map", "page"];
/** Where these are pressed, the keys belong to what is focused. */
const TYPING = "input:not([type=checkbox]):not([type=range]), select, textarea, dialog, [role=dialog]";
const ARROWS: ReadonlySet<string> = new Set(["arrowleft", "arrowright", "arrowup", "arrowdown", "home", "pageup", "pagedown"]);

/** What a key asks for, null where it is not the page's. */
export function actionOf(event: KeyboardEvent): KeyAction | null {
  const { target } = event;
  const key = event.key.toLowerCase();
  if (target instanceof HTMLElement) {
    if (target.closest(TYPING)) return null;
    // A slider, a bar of buttons and a list that scrolls have their own use of arrows, a button of Enter and Space.
    if (ARROWS.has(key) && target.closest("input, [role=toolbar], .body, .files, .unit-table")) return null;
    if ((key === "enter" || key === " ") && target.closest("button, a, summary, label, input")) return null;
  }
  // Under an open dialog nothing is done that it hides, wherever the focus is.
  if (event.altKey || document.querySelector("dialog[open]")) return null;
  const isCtrl = event.ctrlKey || event.metaKey;
  const found = KEYS.find(({ keys, ctrl = false, shift }) => keys.includes(key) && ctrl === isCtrl && (shift === undefined || shift === event.shiftKey));
  return found?.action ?? null;
}

/** The dialog that lists all keys. */
export function keysDialog(): HTMLDialogElement {
  const dialog = element("dialog", { class: "keys", "aria-labelledby": "keys-title" });
  const groups = GROUPS.map((group) => {
    const rows = new Map<KeyAction, string[]>();
    for (const { action, written } of KEYS.filter((each) => each.group === group)) rows.set(action, [...(rows.get(action) ?? []), written]);
    const list = element("dl");
    for (const [action, written] of rows) {
      list.append(element("dt", {}, ...written.flatMap((each, i) => [...(i ? [" "] : []), element("kbd", {}, each === " " ? t("edit.key.space") : each)])), element("dd", {}, t(`edit.key.${action}`)));
    }
    return element("section", {}, element("h3", {}, t(`edit.keys.${group}`)), list);
  });
  dialog.append(
    element("h2", { id: "keys-title" }, t("edit.keys.title")),
    element("div", { class: "groups" }, ...groups),
    element("p", { class: "soft" }, t("edit.keys.hands")),
    element("p", { class: "ends" }, button(t("edit.close"), () => dialog.close())),
  );
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}
