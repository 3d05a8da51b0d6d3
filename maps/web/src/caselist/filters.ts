/** What of the cases is listed, as the address of the page says it and as the service is asked for it. */

/** In the order of their keys: 1, 2, 3, … */
export const VIEWS = ["mine", "open", "overdue", "closed", "all"] as const;

export type View = (typeof VIEWS)[number];

export interface Filters {
  view: View;
  state: string;
  category: string;
  community: string;
  channel: string;
  order: string;
  number: string;
}

const PLAIN: Filters = { view: "open", state: "", category: "", community: "", channel: "", order: "due", number: "" };
const A_PAGE = 50;

export function filtersOf(search: string): Filters {
  const said = new URLSearchParams(search);
  const filters = { ...PLAIN };
  for (const name of Object.keys(PLAIN) as (keyof Filters)[]) {
    const value = said.get(name);
    if (value !== null && name !== "view") filters[name] = value;
  }
  const view = VIEWS.find((each) => each === said.get("view"));
  return view ? { ...filters, view } : filters;
}

/** Only what differs from a plain list: an address that can be sent to somebody. */
export function queryOf(filters: Filters): string {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== PLAIN[name as keyof Filters]) said.set(name, value);
  const query = said.toString();
  return query ? `?${query}` : "";
}

/** Where the service lists them. A number is looked for among all cases, whatever else is chosen. */
export function addressOf(filters: Filters): string {
  const asked = new URLSearchParams({ limit: String(A_PAGE) });
  if (filters.number) {
    asked.set("number", filters.number);
    asked.set("order", "newest");
    return `/api/v1/cases?${asked}`;
  }
  asked.set("order", filters.order);
  for (const name of ["state", "category", "community", "channel"] as const) if (filters[name]) asked.set(name, filters[name]);
  if (filters.view === "mine") asked.set("mine", "true");
  else if (filters.view === "overdue") asked.set("overdue", "true");
  else if (filters.view !== "all") asked.set("open", String(filters.view === "open"));
  return `/api/v1/cases?${asked}`;
}
