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

/** Whether the list knows a value of a filter. */
export type Knows = (name: Exclude<keyof Filters, "view" | "number">, value: string) => boolean;

const LONGEST_NUMBER = 64;

/** What the address of the list says, without what no list knows; and that, as it stands there. */
export function understood(search: string, knows: Knows): { filters: Filters; ignored: string[] } {
  const filters: Filters = { ...PLAIN };
  const ignored: string[] = [];
  for (const [name, value] of new URLSearchParams(search)) {
    if (value === "") continue;
    const view = VIEWS.find((each) => name === "view" && each === value);
    if (view) filters.view = view;
    else if (name === "number" && isNumber(value)) filters.number = value;
    else if (isChosen(name) && knows(name, value)) filters[name] = value;
    else ignored.push(`${name}=${value}`);
  }
  return { filters, ignored };
}

function isChosen(name: string): name is Parameters<Knows>[0] {
  return name in PLAIN && name !== "view" && name !== "number";
}

function isNumber(value: string): boolean {
  return value.length <= LONGEST_NUMBER && !Array.from(value).some((each) => each < " " || each === "\u007f");
}

/** Only what differs from a plain list: an address that can be sent to somebody. */
export function queryOf(filters: Filters): string {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== PLAIN[name as keyof Filters]) said.set(name, value);
  const query = said.toString();
  return query ? `?${query}` : "";
}

/** Where the service lists them. */
export function addressOf(filters: Filters): string {
  const asked = wanted(filters);
  asked.set("limit", String(A_PAGE));
  asked.set("order", filters.number ? "newest" : filters.order);
  return `/api/v1/cases?${asked}`;
}

/** Where the service counts them. */
export function countOf(filters: Filters): string {
  return `/api/v1/cases/count?${wanted(filters)}`;
}

/** A number is looked for among all cases, whatever else is chosen. */
function wanted(filters: Filters): URLSearchParams {
  if (filters.number) return new URLSearchParams({ number: filters.number });
  const asked = new URLSearchParams();
  for (const name of ["state", "category", "community", "channel"] as const) if (filters[name]) asked.set(name, filters[name]);
  if (filters.view === "mine") asked.set("mine", "true");
  else if (filters.view === "overdue") asked.set("overdue", "true");
  else if (filters.view !== "all") asked.set("open", String(filters.view === "open"));
  return asked;
}
