/** What linking households, or laying grids of departments over each other, found: signs, legend and lists. */
import { button, element, typed } from "./dom.ts";
import { hatchOver } from "./hatch.ts";
import { iconCanvas } from "./icons.ts";
import { areWidespread, departmentWidth, isOutOfBounds } from "./paint.ts";
import type { LayerName, IndexedLayer, Scene } from "./scene.ts";
import type { LinkNote, Settings, Styles } from "./schema.ts";
import { formatCount, formatShare, t } from "./words.ts";

type PlaceStatus = keyof LinkNote["places"];

const PLACE_STATUSES: readonly PlaceStatus[] = ["ok", "too_small", "too_large", "idle", "outside"];

/** From this radius on the number of a place is written into its sign. */
const WRITTEN_FROM_PX = 8;

/** Ids so short are written into signs; where one is longer, all are numbered as the list has them. */
const LONGEST_SIGN = 3;

/** The rows of the links of a place of member households. */
export function linksOf(scene: Scene, member: number): number[] {
  const links = scene.get("links");
  return Array.from({ length: links.count }, (_, i) => i).filter((i) => links.number("member", i) === member);
}

const idsAreShort = new WeakMap<IndexedLayer, boolean>();

/** What the sign of a place says: its id where all are short, else its number in the list. */
export function signOf(members: IndexedLayer, member: number): string {
  let areShort = idsAreShort.get(members);
  if (areShort === undefined) {
    areShort = Array.from({ length: members.count }, (_, i) => members.text("member_id", i)).every((id) => id && [...id].length <= LONGEST_SIGN);
    idsAreShort.set(members, areShort);
  }
  return areShort ? members.text("member_id", member) : String(member + 1);
}

/** A place of member households: its number, and its colour and a ring where what it links does not fit the bounds. */
export function drawMember(
  pen: CanvasRenderingContext2D, x: number, y: number, radius: number, members: IndexedLayer, member: number, styles: Styles,
): void {
  const sign = radius >= WRITTEN_FROM_PX ? signOf(members, member) : "";
  drawPlace(pen, x, y, radius, members.text("status", member) as PlaceStatus, styles, sign);
}

function drawPlace(
  pen: CanvasRenderingContext2D, x: number, y: number, radius: number, status: PlaceStatus, styles: Styles, sign: string,
): void {
  const links = status !== "idle" && status !== "outside";
  const colour = isOutOfBounds(status) ? styles.ink.fault : styles.ink.place;
  pen.setLineDash([]);
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = links ? colour : "#ffffff";
  pen.fill();
  pen.strokeStyle = links ? "#ffffff" : colour;
  pen.lineWidth = 1.6;
  pen.stroke();
  if (status === "too_small" || status === "too_large" || status === "outside") {
    pen.beginPath();
    pen.arc(x, y, radius + 2.2, 0, 2 * Math.PI);
    pen.strokeStyle = styles.ink.fault;
    pen.lineWidth = 2.4;
    pen.setLineDash(status === "too_large" ? [] : [4, 3]);
    pen.stroke();
    pen.setLineDash([]);
  }
  if (!sign) return;
  pen.fillStyle = links ? "#ffffff" : styles.ink.text;
  pen.font = `600 ${radius < 10 || [...sign].length > 2 ? 9 : 11}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(sign, x, y + 0.5);
}

/** What stands above the other legends; nothing on other maps. */
export function resultLegend(scene: Scene, settings: Settings): HTMLElement[] {
  return [...linkLegend(scene, settings), ...mergeLegend(scene, settings)];
}

function row(sign: HTMLElement, name: string | Node, number: string, detail?: string): HTMLElement {
  return element("li", {}, sign, element("span", { class: "name" }, name, detail ? element("small", {}, detail) : null),
    element("span", { class: "number" }, number));
}

function linkLegend(scene: Scene, { link, styles }: Settings): HTMLElement[] {
  if (!link) return [];
  const rows = element("ul", { class: "rows" });
  for (const status of PLACE_STATUSES) {
    const count = link.places[status] ?? 0;
    if (!count) continue;
    const sign = iconCanvas(22, (pen, middle) => drawPlace(pen, middle, middle, 7, status, styles, ""));
    const made = row(sign, t(`link.${status}`), formatCount(count));
    made.dataset["places"] = status;
    rows.append(made);
  }
  const faults = scene.get("faults");
  const without = Array.from({ length: faults.count }, (_, i) => faults.text("kind", i)).filter((kind) => kind === "unlinked").length;
  if (without) {
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    hatchOver(swatch, styles.overlap);
    swatch.style.border = `1px dashed ${styles.ink.fault}`;
    const made = row(swatch, t("link.grid_without"), formatCount(without));
    made.dataset["fault"] = "unlinked";
    rows.append(made);
  }
  const figures = t("link.figures", { linked: formatCount(link.linked), households: formatCount(link.households) });
  const left = link.unlinked ? ` ${t("link.unlinked", { unlinked: formatCount(link.unlinked) })}` : "";
  return [element("section", { class: "legend results" }, element("h2", {}, t("link.title")), element("p", { class: "hint" }, figures + left),
    rows, element("p", { class: "hint" }, t("link.lines")))];
}

function mergeLegend(scene: Scene, { merge, styles }: Settings): HTMLElement[] {
  if (!merge) return [];
  const rows = element("ul", { class: "rows" });
  merge.departments.forEach(({ name, grids, none, followed, base_grids }, department) => {
    const made = row(departmentSign(styles, department, merge.departments.length), typed(name), formatCount(grids),
      t("merge.department", { followed: formatShare(followed), base_grids: formatCount(base_grids), none: formatCount(none) }));
    made.dataset["department"] = String(department);
    rows.append(made);
  });
  const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
  const isWide = areWidespread(merge);
  if (isWide) Object.assign(swatch.style, { border: `1px dashed ${styles.ink.fault}`, background: "none" });
  else hatchOver(swatch, styles.overlap);
  const crossing = row(swatch, t("merge.conflicts"), formatCount(scene.get("conflicts").count), isWide ? t("merge.widespread") : undefined);
  crossing.dataset["conflicts"] = "";
  rows.append(crossing);
  return [element("section", { class: "legend results" }, element("h2", {}, t("merge.title")), rows)];
}

function departmentSign(styles: Styles, department: number, count: number): HTMLElement {
  return iconCanvas(22, (pen, middle) => {
    pen.strokeStyle = styles.kinds[department % styles.kinds.length] as string;
    pen.lineWidth = departmentWidth(department, count);
    pen.beginPath();
    pen.moveTo(1, middle);
    pen.lineTo(21, middle);
    pen.stroke();
  });
}

/** One place of the list of places of member households. */
export function memberRow(scene: Scene, styles: Styles, member: number, onFeature: (layer: LayerName, feature: number) => void): HTMLElement {
  const members = scene.get("members");
  const status = members.text("status", member) as PlaceStatus;
  const go = button("", () => onFeature("members", member));
  go.append(
    iconCanvas(26, (pen, middle) => drawPlace(pen, middle, middle, 9.5, status, styles, signOf(members, member))),
    element("span", { class: "found" }, typed(members.text("member_id", member)),
      element("small", {}, typed(members.text("grid_id", member)), members.text("grid_id", member) ? t("list.comma") : "", memberSentence(members, member))));
  return element("li", {}, go);
}

function memberSentence(members: IndexedLayer, member: number): string {
  const status = members.text("status", member) as PlaceStatus;
  const count = { households: formatCount(members.number("households", member) ?? 0) };
  if (status === "idle" || status === "outside") return `${t("link.members", count)}${t("list.comma")}${t(`link.${status}`)}`;
  const linked = t("link.linked", { links: formatCount(members.number("links", member) ?? 0), linked: formatCount(members.number("linked", member) ?? 0) });
  return status === "ok" ? linked : `${linked}${t("list.comma")}${t(`link.${status}`)}`;
}

/** One conflict of the list: two grids, and the households on the ground of both. */
export function conflictRow(scene: Scene, conflict: number, onFeature: (layer: LayerName, feature: number) => void): HTMLElement {
  const conflicts = scene.get("conflicts");
  const go = button("", () => onFeature("conflicts", conflict));
  go.append(element("span", { class: "found" }, typed(conflictTitle(conflicts, conflict)), element("small", {}, conflictSentence(conflicts, conflict))));
  return element("li", {}, go);
}

export function conflictTitle(conflicts: IndexedLayer, conflict: number): string {
  const side = (which: "a" | "b") => `${conflicts.text(`department_${which}`, conflict)} ${conflicts.text(`grid_${which}`, conflict)}`;
  return `${side("a")} \u00d7 ${side("b")}`;
}

function conflictSentence(conflicts: IndexedLayer, conflict: number): string {
  return t("merge.conflict", {
    households: formatCount(conflicts.number("households", conflict) ?? 0), moved: formatCount(conflicts.number("moved", conflict) ?? 0),
  });
}
