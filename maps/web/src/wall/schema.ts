/** What the wall reads of the service (`api/routes/wall.py`, `api/routes/wall_page.py`). */
import type { CasePage } from "../case_page.ts";

export interface Area {
  code: string;
  name: string;
  level: string;
  path: string;
  id: number;
}

export interface WallPage extends CasePage {
  /** Number of the newest event when the page was made. */
  after: number;
  zone: string;
  may_note: boolean;
  areas: Area[];
  roles: string[];
  /** `name` stands alone, `small_name` below its large class. */
  categories: { code: string; name: string; large_name: string; small_name: string; kind: string }[];
  states: string[];
  /** Box of what may be seen, in degrees; null where nothing has a place. */
  extent: [number, number, number, number] | null;
}

export interface Cluster {
  x: number;
  y: number;
  lon: number;
  lat: number;
  n: number;
  overdue: number;
  soon: number;
  number?: string | null;
  state?: string | null;
  due_at?: string | null;
}

export interface Clusters {
  as_of: number | null;
  cells_x: [number, number];
  cells_y: [number, number];
  per_world: number;
  total: number;
  unmapped: number;
  in_box: number;
  clusters: Cluster[];
}

export interface Summary {
  as_of: number | null;
  at: string;
  open: number;
  overdue: number;
  soon: number;
  unanswered: number;
  unmapped: number;
  reported_today: number;
  closed_today: number;
  by_state: Record<string, number>;
  extent: [number, number, number, number] | null;
}

export interface LateCase {
  number: string;
  state: string;
  category_name: string;
  area: string;
  grid: string | null;
  holder: string | null;
  lon: number | null;
  lat: number | null;
  due_at: string;
}

export interface Late {
  total: number;
  cases: LateCase[];
}

export interface Note {
  number: string;
  said: "acknowledge" | "mute" | "clear";
  note: string | null;
  until: string | null;
}

/** What the events about cases carry. */
export interface CaseBody {
  number: string;
  step: string;
  state: string;
  revision: number;
  category: string;
  kind: string;
  grid: string | null;
  holder: string | null;
  due_at: string | null;
  lon: number | null;
  lat: number | null;
}
