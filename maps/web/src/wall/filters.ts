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

const NAMES = ["area", "role", "category", "kind"] as const;

export function readFilters(query: string): Filters {
  const said = new URLSearchParams(query);
  return {
    area: said.get("area") ?? "", role: said.get("role") ?? "", category: said.get("category") ?? "", kind: said.get("kind") ?? "",
    state: said.getAll("state"), overdue: said.get("overdue") === "true",
  };
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
