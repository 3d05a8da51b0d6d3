/** Bodies of `/api/v1/cases`; mirrors `api/routes/cases.py`, `case_account.py` and `case_lists.py`. */

export interface CaseProperties {
  number: string;
  kind: string;
  edition: string;
  category: string;
  category_name: string;
  condition: number | null;
  state: string;
  area: string;
  community_id: number | null;
  version: string | null;
  grid: string | null;
  /** Grids in question, while it is not known which. */
  choices: string[];
  place: "point" | "area" | "default_point";
  accuracy_m: number | null;
  channel: string;
  external_number: string | null;
  mode: string;
  text: string;
  address: string | null;
  reported_at: string;
  responded_at: string | null;
  handled_at: string | null;
  closed_at: string | null;
  response_due_at: string | null;
  due_at: string | null;
  parked_until: string | null;
  holder: string | null;
  receivers: string[];
  visit: string | null;
  reworks: number;
  reopenings: number;
  extensions: number;
  duplicate_of: string | null;
  rework_of: string | null;
  revision: number;
}

export interface CaseFeature {
  id: string;
  geometry: { type: "Point"; coordinates: [number, number] } | null;
  properties: CaseProperties;
}

/** `most` stands for as many or more. */
export interface CaseCount {
  count: number;
  most: number;
}

export interface CasePageBody {
  features: CaseFeature[];
  next: string | null;
}

export interface LoggedStep {
  seq: number;
  at: string;
  step: string;
  by: string | null;
  body: Record<string, unknown>;
}

export interface AllowedStep {
  step: string;
  to_state: string;
  needs: string[];
  reasons: string[];
  is_exception: boolean;
}

export interface CaseDetail {
  case: CaseFeature;
  log: LoggedStep[];
  allowed: AllowedStep[];
  duplicates: string[];
}

export interface Stage {
  name: string;
  standing: "done" | "passed_over" | "current" | "ahead" | "dropped";
  at: string | null;
}

export interface Clock {
  due_at: string | null;
  met_at: string | null;
  limit: string | null;
}

export interface CaseAccount {
  stages: Stage[];
  response: Clock;
  resolution: Clock;
  stands_still: string | null;
  why: string[];
  agrees: boolean;
  clock: string;
  held: { party: string; holder: string; held_s: number; counted_s: number | null }[];
  first_receiver: string | null;
  departments: string[];
}

export interface Category {
  code: string;
  large_code: string;
  large_name: string;
  small_name: string;
  kind: string;
  conditions: { number: number; filing: string; limit: string | null }[];
}
