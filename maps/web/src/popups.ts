/** Popups. Rows are data; only `popupElement` touches the DOM. */
import { gridsOf } from "./changes.ts";
import type { Side } from "./divider.ts";
import { element, typed } from "./dom.ts";
import type { IndexedLayer, Scene } from "./scene.ts";
import { formatHours, formatMoment } from "./times.ts";
import { formatCount, language, t } from "./words.ts";

export interface Section {
  title: string;
  /** Class of the coloured mark before the title. */
  mark?: string;
  rows: [label: string, value: string][];
  /** Sentences under the rows: findings. */
  notes?: string[];
}

/** Of the findings of one grid a popup tells so many. */
const NOTES = 3;

function rows(pairs: readonly [string, string][]): [string, string][] {
  return pairs.filter(([, value]) => value !== "");
}

/** Findings of each grid and community, by id. */
export class Reasons {
  private readonly byGrid = new Map<string, number[]>();

  constructor(private readonly scene: Scene) {
    const findings = scene.get("findings");
    for (let i = 0; i < findings.count; i++) {
      const grid = findings.text("grid_id", i);
      if (grid) this.byGrid.set(grid, [...(this.byGrid.get(grid) ?? []), i]);
    }
  }

  ofGrid(gridId: string): number[] {
    return this.byGrid.get(gridId) ?? [];
  }

  sentence(finding: number): string {
    return this.scene.get("findings").text(language() === "zh_CN" ? "text_zh" : "text_en", finding);
  }
}

export function gridSection(scene: Scene, grid: number, reasons: Reasons, side: Side = "after"): Section {
  const grids = scene.get(gridsOf(side));
  const id = grids.text("grid_id", grid);
  const status = grids.text("status", grid);
  const area = grids.number("area_m2", grid);
  // Findings are about the plan as it is now.
  const found = side === "after" ? reasons.ofGrid(id) : [];
  return {
    title: t(side === "before" ? "changes.title" : "grid.title"),
    mark: `status-${status}`,
    rows: rows([
      [t("grid.code"), id],
      [t("grid.name"), grids.text("name", grid)],
      [t("grid.status"), t(`status.${status}`)],
      // A finding says the same at length.
      [t("grid.reason"), found.length ? "" : grids.text(language() === "zh_CN" ? "reason_zh" : "reason_en", grid)],
      [t("grid.households"), formatCount(grids.number("households", grid) ?? 0)],
      [t("grid.units"), formatCount(grids.number("units", grid) ?? 0)],
      [t("grid.kind"), grids.text("kind", grid) === "special" ? t("grid.special") : ""],
      [t("grid.area"), area === null ? "" : `${formatCount(Math.round(area))} m²`],
      [t("grid.community"), communityName(scene, grids.text("community_id", grid))],
    ]),
    notes: [
      ...found.slice(0, NOTES).map((finding) => reasons.sentence(finding)),
      ...(found.length > NOTES ? [t("findings.more", { count: found.length - NOTES })] : []),
    ],
  };
}

/** What a finding says, and in a line each of the grids it speaks of. */
export function findingSection(scene: Scene, finding: number, reasons: Reasons, about: readonly number[]): Section {
  const grids = scene.get("grids");
  return {
    title: t(`findings.${scene.get("findings").text("mending", finding) || "note"}`),
    rows: about.map((grid) => [grids.text("grid_id", grid), t("findings.grid", {
      households: grids.number("households", grid) ?? 0, status: t(`status.${grids.text("status", grid)}`),
    })]),
    notes: [reasons.sentence(finding)],
  };
}

function communityName(scene: Scene, id: string): string {
  const communities = scene.get("communities");
  for (let i = 0; i < communities.count; i++) {
    if (communities.text("community_id", i) === id) return communities.text("name", i) || id;
  }
  return id;
}

export function unitSection(scene: Scene, unit: number): Section {
  const units = scene.get("units");
  return {
    title: t("unit.title"),
    rows: rows([
      [t("unit.id"), units.text("unit_id", unit)],
      [t("unit.households"), formatCount(units.number("households", unit) ?? 0)],
      [t("unit.building"), units.text("building_id", unit)],
      [t("unit.floors"), floorsOf(units, unit)],
      [t("unit.address"), units.text("address", unit)],
      [t("unit.compound"), compoundName(scene, units.text("compound_id", unit))],
      [t("unit.grid"), units.number("grid", unit) === null ? t("unit.no_grid") : ""],
    ]),
  };
}

/** The floors of a band of a tower; empty for other units. */
function floorsOf(units: IndexedLayer, unit: number): string {
  const [lowest, highest] = [units.number("floor_from", unit), units.number("floor_to", unit)];
  return lowest === null || highest === null ? "" : t("tower.floors", { lowest, highest });
}

/** A building: its units with their households, by the grids they belong to. */
export function buildingSection(scene: Scene, members: readonly number[]): Section {
  const units = scene.get("units");
  const first = members[0] as number;
  const shares = new Map<number | null, { units: number; households: number }>();
  let households = 0;
  for (const unit of members) {
    const count = units.number("households", unit) ?? 0;
    const grid = units.number("grid", unit);
    const share = shares.get(grid) ?? { units: 0, households: 0 };
    shares.set(grid, { units: share.units + 1, households: share.households + count });
    households += count;
  }
  return {
    title: t("building.title"),
    rows: rows([
      [t("unit.building"), units.text("building_id", first)],
      [t("unit.address"), units.text("address", first)],
      [t("unit.compound"), compoundName(scene, units.text("compound_id", first))],
      [t("building.households"), formatCount(households)],
      [t("building.units"), formatCount(members.length)],
      // Of a single grid all is told beside.
      ...(shares.size > 1 || shares.has(null) ? [...shares] : []).map(([grid, share], i): [string, string] => [
        i ? "\u00a0" : t("building.grids"),
        grid === null ? t("building.no_grid", share) : t("building.grid_share", { code: scene.get("grids").text("grid_id", grid), ...share }),
      ]),
      ...members.filter((unit) => floorsOf(units, unit) !== "").map((unit): [string, string] => [
        floorsOf(units, unit), t("building.band", { households: units.number("households", unit) ?? 0, code: gridCode(scene, units.number("grid", unit)) }),
      ]),
    ]),
  };
}

function gridCode(scene: Scene, grid: number | null): string {
  return grid === null ? t("unit.no_grid") : scene.get("grids").text("grid_id", grid);
}

/** The name of a compound, else its id. */
export function compoundName(scene: Scene, id: string): string {
  const compounds = scene.get("compounds");
  for (let i = 0; id && i < compounds.count; i++) {
    if (compounds.text("compound_id", i) === id) return compounds.text("name", i) || id;
  }
  return id;
}

export function compoundSection(scene: Scene, compound: number): Section {
  const compounds = scene.get("compounds");
  return {
    title: t("compound.title"),
    rows: rows([
      [t("compound.name"), compounds.text("name", compound)],
      [t("compound.id"), compounds.text("compound_id", compound)],
      [t("compound.edge"), t(compounds.flag("walled", compound) ? "compound.walled" : "compound.open")],
    ]),
  };
}

/** What a community counts: all its households, those apart, and how many grids they allow (`geo.grid_counts`). */
export function communitySection(scene: Scene, community: number): Section {
  const communities = scene.get("communities");
  const told = (column: string) => communities.number(column, community);
  const [least, most] = [told("least"), told("most")];
  const counted = told("households") !== null;
  const apart = (column: string) => ((told(column) ?? 0) > 0 ? formatCount(told(column) ?? 0) : "");
  return {
    title: t("community.title"),
    rows: rows([
      [t("community.name"), communities.text("name", community)],
      [t("community.id"), communities.text("community_id", community)],
      [t("community.households"), counted ? formatCount(told("households") ?? 0) : ""],
      [t("community.special"), apart("special_households")],
      [t("community.tooLarge"), apart("households_too_large")],
      [t("community.leftOut"), apart("left_out")],
      [t("community.grids"), counted ? formatCount(told("micro_grids") ?? 0) : ""],
      [t("community.legal"), legalRange(counted, least, most)],
    ]),
  };
}

function legalRange(counted: boolean, least: number | null, most: number | null): string {
  if (!counted) return "";
  return least === null || most === null ? t("community.none") : t("community.range", { least, most });
}

export function incidentSection(scene: Scene, incident: number): Section {
  const incidents = scene.get("incidents");
  const grid = incidents.number("grid", incident);
  return {
    title: t("incident.title"),
    rows: rows([
      [t("incident.id"), incidents.text("case_id", incident)],
      [t("incident.kind"), incidents.text("kind", incident)],
      [t("incident.state"), incidents.text("state", incident)],
      [t("incident.reported_at"), formatMoment(incidents.text("reported_at", incident))],
      [t("incident.text"), incidents.text("text", incident)],
      [t("incident.grid"), grid === null ? "" : scene.get("grids").text("grid_id", grid)],
    ]),
  };
}

export function stationSection(scene: Scene, station: number): Section {
  const stations = scene.get("stations");
  return {
    title: stations.number("site", station) === null ? t("station.title") : t("walk.site", { n: stations.number("site", station) ?? 0 }),
    rows: rows([
      [t("station.name"), stations.text("name", station)],
      [t("walk.gained"), stations.number("site", station) === null ? "" : formatCount(stations.number("gained", station) ?? 0)],
      [t("station.type"), stations.text("type", station)],
      [t("station.facilities"), facilities(stations.text("facilities", station)).join(t("list.comma"))],
      [t("station.then"), stations.text("standing", station) && t(`walk.standing.${stations.text("standing", station)}`)],
      [t("station.hours"), formatHours(stations.text("opening_hours", station))],
      [t("station.id"), stations.text("station_id", station)],
    ]),
  };
}

/** A place of Party-member households: how many there are, how many of them link, and whom. */
export function memberSection(scene: Scene, member: number): Section {
  const members = scene.get("members");
  const count = (column: string) => formatCount(members.number(column, member) ?? 0);
  return {
    title: t("link.place"),
    rows: rows([
      [t("link.member_id"), members.text("member_id", member)],
      [t("link.households"), count("households")],
      [t("link.linking"), count("links")],
      [t("link.linked_households"), count("linked")],
      [t("link.status"), t(`link.${members.text("status", member)}`)],
      [t("incident.grid"), members.text("grid_id", member)],
    ]),
  };
}

/** Two grids of two departments that cross. */
export function conflictSection(scene: Scene, conflict: number): Section {
  const conflicts = scene.get("conflicts");
  const text = (column: string) => conflicts.text(column, conflict);
  return {
    title: t("merge.crossing"),
    rows: rows([
      [text("department_a"), text("grid_a")],
      [text("department_b"), text("grid_b")],
      [t("merge.in_both"), formatCount(conflicts.number("households", conflict) ?? 0)],
      [t("merge.moved"), formatCount(conflicts.number("moved", conflict) ?? 0)],
    ]),
  };
}

export function facilities(text: string): string[] {
  return text.split(/[;\uFF1B]/).map((each) => each.trim()).filter((each) => each !== "");
}

export function popupElement(sections: readonly Section[]): HTMLElement {
  const popup = element("div", { class: "popup", role: "status" });
  for (const { title, mark, rows: pairs, notes } of sections) {
    const heading = element("h3", {}, mark ? element("span", { class: `mark ${mark}`, "aria-hidden": "true" }) : null, title);
    const list = element("dl");
    for (const [label, value] of pairs) list.append(element("dt", {}, typed(label)), element("dd", {}, typed(value)));
    popup.append(element("section", {}, heading, list, ...(notes ?? []).map((note) => element("p", { class: "note" }, typed(note)))));
  }
  return popup;
}
