/** Asked where somebody else changed the same units, names or kinds before one's own edits were saved. */
import { button, element, typed } from "../dom.ts";
import type { Ground } from "../plan/ground.ts";
import type { Rebased } from "../plan/rebase.ts";
import { t } from "../words.ts";
import { shownCode } from "./names.ts";

/** Whose hold in the draft; `fork` leaves it to the others and takes one's own to a new draft. */
export type Whose = "mine" | "theirs" | "fork";

type Clashes = Pick<Rebased, "units" | "facts">;

const MOST_ROWS = 6;

/** Ask whose hold; `refused` says why the answer before could not be followed. */
export function askWhose(ground: Ground, clashes: Clashes, refused: string): Promise<Whose> {
  const dialog = element("dialog", { class: "clash", "aria-labelledby": "clash-title" });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  return new Promise((resolve) => {
    const choice = (whose: Whose, attributes = {}) =>
      button(t(`edit.clash.${whose}`), () => {
        dialog.close();
        dialog.remove();
        resolve(whose);
      }, { ...attributes, "data-keep": whose });
    dialog.append(
      element("h2", { id: "clash-title" }, t("edit.clash.title")),
      element("p", {}, t("edit.clash.text", { units: clashes.units.length, names: clashes.facts.length })),
      table(ground, clashes),
      element("p", { class: "hint" }, t("edit.clash.fork_text")),
      element("p", { class: "refused", role: "alert" }, refused),
      element("p", { class: "ends" }, choice("fork", { class: "quiet" }), choice("theirs", { class: "quiet" }), choice("mine")),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

function table(ground: Ground, { units, facts }: Clashes): HTMLElement {
  const grid = (code: string | null) => (code === null ? t("edit.clash.none") : shownCode(code));
  const said = (field: "name" | "kind", value: string | null) => (field === "kind" && value ? t(`edit.clash.${value}`) : (value ?? t("edit.clash.nothing")));
  const rows = [
    ...units.map(({ unit, mine, theirs }) => [ground.unitIds[unit] as string, grid(mine), grid(theirs)]),
    ...facts.map(({ code, field, mine, theirs }) => [t(`edit.clash.${field}_of`, { code: shownCode(code) }), said(field, mine), said(field, theirs)]),
  ];
  const body = element("tbody");
  for (const [what, ...whose] of rows.slice(0, MOST_ROWS)) {
    body.append(element("tr", {}, element("th", { scope: "row" }, typed(what as string)), ...whose.map((text) => element("td", {}, typed(text)))));
  }
  const heads = ["what", "mine_head", "theirs_head"].map((key) => element("th", { scope: "col" }, t(`edit.clash.${key}`)));
  const more = rows.length - MOST_ROWS;
  return element("div", {}, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body), more > 0 ? t("edit.clash.more", { count: more }) : null);
}
