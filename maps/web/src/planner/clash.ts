/** Asked where somebody else changed the same units, names or kinds before one's own edits were saved. */
import { button, element, typed } from "../dom.ts";
import { factRows, unitRows, type ClashSide, type FactRow, type LoggedEdit, type Said, type UnitRow } from "../plan/clash_rows.ts";
import { gridColours } from "../plan/colouring.ts";
import type { Edit } from "../plan/edit.ts";
import type { Ground } from "../plan/ground.ts";
import { Plan, type PlanState } from "../plan/plan.ts";
import type { Rebased } from "../plan/rebase.ts";
import type { IndexedLayer } from "../scene.ts";
import { formatMoment } from "../times.ts";
import { t } from "../words.ts";
import { clashMap } from "./clash_map.ts";
import { shownCode } from "./names.ts";
import { COLOURS } from "./seeing.ts";

/** Whose hold in the draft; `fork` leaves it to the others and takes one's own to a new draft. */
export type Whose = "mine" | "theirs" | "fork";

/** What clashes, and what it is told with. */
export interface Clash {
  readonly ground: Ground;
  readonly cells: IndexedLayer;
  /** Both put together where mine hold. */
  readonly onto: Rebased;
  /** The draft as the others saved it. */
  readonly theirs: PlanState;
  /** My edits that are not saved. */
  readonly edits: readonly Edit[];
  /** What was saved, as the service keeps it. */
  readonly log: readonly LoggedEdit[];
}

/** Rows of a table that a dialog still scrolls through smoothly. */
const MOST_ROWS = 200;
/** So many units of a row are named. */
const MOST_UNITS = 5;

/** Ask whose hold; `refused` says why the answer before could not be followed. */
export function askWhose(clash: Clash, refused: string): Promise<Whose> {
  const { units, facts } = clash.onto;
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
      element("h2", { id: "clash-title", tabindex: -1, autofocus: true }, t("edit.clash.title")),
      element("p", {}, t("edit.clash.text", { units: units.length, names: facts.length })),
      ...maps(clash),
      table(clash),
      element("p", { class: "hint" }, t("edit.clash.fork_text")),
      element("p", { class: "refused", role: "alert" }, refused),
      element("p", { class: "ends" }, choice("fork", { class: "quiet" }), choice("theirs", { class: "quiet" }), choice("mine")),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Where the units lie, as each side has the grids. */
function maps({ ground, cells, onto, theirs }: Clash): HTMLElement[] {
  const units = onto.units.map(({ unit }) => unit);
  if (!units.length) return [];
  // A grid has the same colour on both maps: it keeps its number, and new ones come after.
  const colours = gridColours(new Plan(ground, onto.plan), COLOURS.length);
  const byCode = new Map(onto.plan.facts.map(({ code }, grid) => [code, colours.get(grid) ?? 0]));
  const side = ({ grid, facts }: PlanState) => ({
    grid,
    codeOf: (each: number) => shownCode(facts[each]?.code ?? ""),
    fillOf: (each: number) => COLOURS[byCode.get(facts[each]?.code ?? "") ?? 0] as string,
  });
  const drawn = [
    clashMap(cells, units, side(onto.plan), t("edit.clash.mine_head")),
    clashMap(cells, units, side(theirs), t("edit.clash.theirs_head")),
  ];
  return [element("div", { class: "maps" }, ...drawn)];
}

function table({ ground, onto, theirs, edits, log }: Clash): HTMLElement {
  const rows = [...unitRows(ground, onto, theirs, edits, log).map((row) => unitRow(ground, row)), ...factRows(onto, log).map(factRow)];
  const heads = ["what", "mine_head", "theirs_head"].map((key) => element("th", { scope: "col" }, t(`edit.clash.${key}`)));
  const more = rows.length - MOST_ROWS;
  return element(
    "div", { class: "long", tabindex: 0, role: "group", "aria-label": t("edit.clash.what") },
    element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows.slice(0, MOST_ROWS))),
    more > 0 ? t("edit.clash.more", { count: more }) : null,
  );
}

function unitRow(ground: Ground, { units, households, mine, theirs, mineAt, said }: UnitRow): HTMLElement {
  const ids = units.slice(0, MOST_UNITS).flatMap((unit, i) => [i ? t("list.comma") : "", typed(ground.unitIds[unit] as string)]);
  return element(
    "tr", {},
    element(
      "th", { scope: "row" }, ...ids, units.length > MOST_UNITS ? t("edit.clash.further", { units: units.length - MOST_UNITS }) : null,
      element("small", {}, t("edit.clash.holds", { units: units.length, households })),
    ),
    element("td", {}, ...gridOf(mine), mineAt === null ? null : element("small", {}, formatMoment(mineAt))),
    element("td", {}, ...gridOf(theirs), saidBy(said)),
  );
}

function factRow({ code, field, mine, theirs, said }: FactRow): HTMLElement {
  const text = (value: string | null) => (field === "kind" && value ? t(`edit.clash.${value}`) : (value ?? t("edit.clash.nothing")));
  return element(
    "tr", {},
    element("th", { scope: "row" }, typed(t(`edit.clash.${field}_of`, { code: shownCode(code) }))),
    element("td", {}, typed(text(mine))), element("td", {}, typed(text(theirs)), saidBy(said)),
  );
}

function gridOf({ code, name, households }: ClashSide): (Node | null)[] {
  if (code === null) return [document.createTextNode(t("edit.clash.none"))];
  return [typed(shownCode(code)), name ? document.createTextNode(" ") : null, name ? typed(name) : null, element("small", {}, t("edit.clash.in_all", { households }))];
}

function saidBy(said: Said | null): HTMLElement | null {
  if (!said) return null;
  return element("small", {}, said.by ? typed(said.by) : t("edit.nameless"), t("edit.clash.by_join"), formatMoment(said.at));
}
