/** What Python writes into the page beside the pack; mirrors `maps/page.py` and `maps/styles.py`. */
import type { MeetingNote } from "./meeting/schema.ts";

export type Language = "zh_CN" | "en";

export type Status = "too_small" | "ok" | "too_large" | "exempt";

export type Hatch = "none" | "rising" | "falling" | "crossed" | "dots";

export interface StatusStyle {
  fill: string;
  hatch: Hatch;
  hatch_ink: string;
}

export interface RoadStyle {
  rank: number;
  width_m: number;
}

export interface Styles {
  status: Record<Status, StatusStyle>;
  /** Ground that lies in two grids. */
  overlap: StatusStyle;
  /** Shade of a unit by households: the first class whose `up_to` is not exceeded. */
  units: { up_to: number | null; fill: string }[];
  kinds: string[];
  roads: Record<string, RoadStyle>;
  ink: Record<
    "land" | "water" | "water_line" | "water_text" | "road" | "road_edge" | "road_text" | "border" | "community" |
    "compound" | "compound_text" | "barrier" | "gate" | "unit_edge" | "text" | "halo" | "station" | "cluster" | "select" |
    "change" | "fault",
    string
  >;
}

export interface SourceFile {
  name: string;
  sha256: string;
}

export interface PlanNote {
  band: [lower: number, upper: number];
  version: string;
  seed: string;
  finished_at: string;
  sources: SourceFile[];
}

/** Totals of a rebalanced plan. */
export interface ChangesNote {
  grids: Record<"kept" | "changed" | "ended" | "new", number>;
  households: Record<"mended" | "community_edge" | "arrived", number>;
}

export interface Settings {
  language: Language;
  words: Record<Language, Record<string, string>>;
  styles: Styles;
  plan: PlanNote;
  /** Households in grids, in none, and of these outside all communities. */
  households: Record<"in_grids" | "left_out" | "outside", number>;
  /** Only where the plan carries the grids before. */
  changes?: ChangesNote;
  /** Only in the file for a meeting. */
  meeting?: MeetingNote;
}
