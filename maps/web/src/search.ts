/** Find a place of the plan by any part of its code, name or address. Pure. */
import type { IndexedLayer, LayerName, Scene } from "./scene.ts";

export type EntryKind = "grid" | "unit" | "building" | "compound" | "community" | "road" | "station" | "incident";

export interface Entry {
  kind: EntryKind;
  layer: LayerName;
  /** All features it stands for: a building is the box of its units. */
  features: number[];
  title: string;
  detail: string;
  /** What is searched, folded. */
  folded: string;
}

/** Kinds in the order in which equally good answers are shown. */
const ORDER: readonly EntryKind[] = ["grid", "community", "compound", "building", "unit", "station", "incident", "road"];

/** Fold full-width forms, case and spaces, so that the same thing typed differently is found. */
export function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

export function searchEntries(scene: Scene): Entry[] {
  const entries: Entry[] = [];
  const add = (kind: EntryKind, layer: LayerName, features: number[], texts: readonly string[]) => {
    const told = [...new Set(texts.filter((text) => text !== ""))];
    const [title, ...rest] = told;
    if (title === undefined) return;
    entries.push({ kind, layer, features, title, detail: rest.join(" · "), folded: fold(told.join("\n")) });
  };
  const each = (kind: EntryKind, layer: LayerName, columns: readonly string[]) => {
    const features = scene.get(layer);
    for (let i = 0; i < features.count; i++) add(kind, layer, [i], columns.map((column) => features.text(column, i)));
  };
  each("grid", "grids", ["grid_id", "name"]);
  each("community", "communities", ["name", "community_id"]);
  each("compound", "compounds", ["name", "compound_id"]);
  const units = scene.get("units");
  const compounds = scene.get("compounds");
  const nameOf = new Map(Array.from({ length: compounds.count }, (_, i) => [compounds.text("compound_id", i), compounds.text("name", i)]));
  // Every compound has its own building 2.
  for (const [, members] of groups(units, "building_id", "compound_id")) {
    const first = members[0] as number;
    const compound = units.text("compound_id", first);
    add("building", "units", members, [units.text("building_id", first), nameOf.get(compound) ?? "", units.text("address", first)]);
  }
  each("unit", "units", ["unit_id", "address"]);
  each("station", "stations", ["name", "type", "station_id"]);
  each("incident", "incidents", ["case_id", "kind", "text"]);
  const roads = scene.get("roads");
  for (const [name, members] of groups(roads, "name")) add("road", "roads", members, [name]);
  return entries;
}

/** Features that share a value, and the value of a second column where one is named. */
function groups(layer: IndexedLayer, column: string, within?: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (let i = 0; i < layer.count; i++) {
    const value = layer.text(column, i);
    if (!value) continue;
    const key = within === undefined ? value : `${value}\n${layer.text(within, i)}`;
    const members = found.get(key);
    if (members) members.push(i);
    else found.set(key, [i]);
  }
  return found;
}

/** All answers, the best first: every word must occur; a whole title before a beginning before a middle. */
export function findEntries(entries: readonly Entry[], query: string): Entry[] {
  const words = fold(query).split(" ").filter((word) => word !== "");
  if (!words.length) return [];
  const whole = words.join(" ");
  const rated: { entry: Entry; rate: number }[] = [];
  for (const entry of entries) {
    if (!words.every((word) => entry.folded.includes(word))) continue;
    const title = fold(entry.title);
    const rate = title === whole ? 0 : title.startsWith(whole) || title.endsWith(whole) ? 1 : title.includes(whole) ? 2 : 3;
    rated.push({ entry, rate: rate * 10 + ORDER.indexOf(entry.kind) });
  }
  return rated.sort((a, b) => a.rate - b.rate).map(({ entry }) => entry);
}
