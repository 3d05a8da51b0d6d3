/** Which cases a wall shows: the same as query string of the page, as parameters of a question, and as a test of an event. */
import type { CaseBody, WallPage } from "./schema.ts";
import type { LiveEvent } from "./stream.ts";

export interface Filters {
  area: string;
  role: string;
  state: string[];
  category: string;
  kind: string;
  overdue: boolean;
}

export const KINDS = ["incident", "component", "wish", "property", "dispute"] as const;

const NAMES = ["area", "role", "category", "kind"] as const;

export function readFilters(query: string): Filters {
  const said = new URLSearchParams(query);
  return {
    area: said.get("area") ?? "", role: said.get("role") ?? "", category: said.get("category") ?? "", kind: said.get("kind") ?? "",
    state: said.getAll("state"), overdue: said.get("overdue") === "true",
  };
}

/** What the address of a wall says, without what no wall knows; and that, as it stands there. */
export function understood(page: WallPage, query: string): { filters: Filters; ignored: string[] } {
  const asked = readFilters(query);
  const areas = page.areas.filter(({ level }) => level !== "all").map(({ code }) => code);
  const known: Record<(typeof NAMES)[number] | "state", readonly string[]> = {
    area: areas, role: page.roles, category: page.categories.map(({ code }) => code), kind: KINDS, state: page.states,
  };
  const among = (name: keyof typeof known, value: string) => (known[name].includes(value) ? value : "");
  const filters: Filters = {
    area: among("area", asked.area), role: among("role", asked.role), category: among("category", asked.category), kind: among("kind", asked.kind),
    state: asked.state.filter((state) => known.state.includes(state)), overdue: asked.overdue,
  };
  const isFine = (name: string, value: string) => {
    if (value === "" || name === "name") return true;
    if (name === "overdue") return value === "true" || value === "false";
    if (name === "theme") return value === "dark" || value === "light";
    if (name === "scale") return Number(value) > 0;
    return Object.keys(known).includes(name) && known[name as keyof typeof known].includes(value);
  };
  const ignored = [...new URLSearchParams(query)].filter(([name, value]) => !isFine(name, value));
  return { filters, ignored: ignored.map(([name, value]) => `${name}=${value}`) };
}

export function parameters(filters: Filters): URLSearchParams {
  const said = new URLSearchParams();
  for (const name of NAMES) if (filters[name]) said.set(name, filters[name]);
  for (const state of filters.state) said.append("state", state);
  if (filters.overdue) said.set("overdue", "true");
  return said;
}

/** Whether a report that was just told is among what the wall shows; null where the page cannot know. */
export function shows(page: WallPage, filters: Filters, event: LiveEvent): boolean | null {
  const body = event.body as unknown as CaseBody;
  if (filters.category && filters.category !== body.category) return false;
  if (filters.kind && filters.kind !== body.kind) return false;
  if (filters.state.length && !filters.state.includes(body.state)) return false;
  if (filters.overdue) return false;
  if (filters.role) return null;
  if (!filters.area) return true;
  const within = page.areas.find(({ code }) => code === filters.area);
  const where = page.areas.find(({ id }) => id === event.community_id);
  if (!within || !where) return null;
  return where.path === within.path || where.path.startsWith(`${within.path}.`);
}
