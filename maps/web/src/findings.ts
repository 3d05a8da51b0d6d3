/** Findings of the plan: how they are listed, and what each speaks of on the map. Pure. */
import { union, type Box, type IndexedLayer, type Scene } from "./scene.ts";

/** What is to be done about a finding, as its remedy says (`maps/faults.py`); those that ask for most come first. */
export const MENDINGS = ["can", "partly", "replan", "correct", "cannot", "check", "note"] as const;

export type Mending = (typeof MENDINGS)[number];

/** Rows of what a finding speaks of. */
export interface Concern {
  grids: number[];
  units: number[];
  /** Ground where grids overlap or leave a gap. */
  faults: number[];
  /** The community, where nothing smaller is known. */
  communities: number[];
  /** What to bring into view; null for a finding without any place. */
  box: Box | null;
  /** Where its words belong. */
  at: [x: number, y: number] | null;
}

/** The findings of each kind, in the order of the layer; kinds without any are left out. */
export function byMending(findings: IndexedLayer): [Mending, number[]][] {
  const groups = new Map<Mending, number[]>(MENDINGS.map((mending) => [mending, []]));
  for (let i = 0; i < findings.count; i++) groups.get(findings.text("mending", i) as Mending)?.push(i);
  return [...groups].filter(([, members]) => members.length > 0);
}

export function concern(scene: Scene, finding: number): Concern {
  const findings = scene.get("findings");
  const grids = rowsIn(findings.text("grids", finding));
  const units = rowsIn(findings.text("units", finding));
  const all = scene.get("faults");
  const faults: number[] = [];
  for (let i = 0; i < all.count; i++) if (all.number("finding", i) === finding) faults.push(i);
  const point = findings.middle(finding);
  const boxes = (name: string, rows: readonly number[]) => rows.map((row) => scene.get(name).box(row));
  let box = union([...boxes("grids", grids), ...boxes("units", units), ...boxes("faults", faults)]);
  const communities = box ? [] : communitiesOf(scene, findings.text("community_id", finding));
  box ??= union([...boxes("communities", communities), findings.box(finding)]);
  const anchor = grids[0] === undefined ? null : scene.get("grids_labels").middle(grids[0]);
  const at = (units.length || faults.length || !anchor ? point : anchor) ?? anchor ?? (box && nearest(scene, units, middleOf(box)));
  return { grids, units, faults, communities, box, at };
}

function rowsIn(text: string): number[] {
  return text ? text.split(" ").map(Number) : [];
}

function communitiesOf(scene: Scene, id: string): number[] {
  const communities = scene.get("communities");
  const rows: number[] = [];
  for (let i = 0; i < communities.count; i++) if (id && communities.text("community_id", i) === id) rows.push(i);
  return rows;
}

/** The middle of the unit that lies nearest to a place; the place itself where there is none. */
export function nearest(scene: Scene, units: readonly number[], [x, y]: [number, number]): [number, number] {
  const layer = scene.get("units");
  const middles = units.map((unit) => layer.middle(unit)).filter((each) => each !== null) as [number, number][];
  const away = (each: [number, number]) => Math.hypot(each[0] - x, each[1] - y);
  return middles.reduce((best, each) => (away(each) < away(best) ? each : best), middles[0] ?? [x, y]);
}

export function middleOf([minX, minY, maxX, maxY]: Box): [number, number] {
  return [(minX + maxX) / 2, (minY + maxY) / 2];
}
