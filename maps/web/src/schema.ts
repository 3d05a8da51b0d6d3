/** What Python writes into the page beside the pack; mirrors `maps/page.py` and `maps/styles.py`. */
import type { MeetingNote } from "./meeting/schema.ts";

export type Language = "zh_CN" | "en";

export type Status = "too_small" | "ok" | "too_large" | "exempt";

/** How a grid is seen while it is redrawn: one whose households fit, but which one cannot walk through, is a fault too. */
export type Fit = Status | "pieces";

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
  /** A grid whose households fit, in several pieces. */
  pieces: StatusStyle;
  /** Ground that lies in two grids. */
  overlap: StatusStyle;
  /** Shade of a unit by households: the first class whose `up_to` is not exceeded. */
  units: { up_to: number | null; fill: string }[];
  /** Ground by walking time, the first limit first; and beyond the last. */
  walks: StatusStyle[];
  beyond: StatusStyle;
  kinds: string[];
  roads: Record<string, RoadStyle>;
  ink: Record<
    "land" | "water" | "water_line" | "water_text" | "road" | "road_edge" | "road_text" | "border" | "community" |
    "compound" | "compound_text" | "barrier" | "gate" | "unit_edge" | "text" | "halo" | "station" | "station_shut" | "cluster" | "select" |
    "change" | "fault" | "link" | "place",
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

/** What one further station adds: households, and the share reached with it. */
export interface SiteGain {
  name: string;
  gained: number;
  share: number;
  /** Household-minutes less. */
  saved: number;
}

/** Ground by walking time (`maps/walk_map.py`). */
export interface WalkNote {
  minutes: number[];
  /** Households within each limit but not the one before, then beyond the last. */
  households: number[];
  straight: boolean;
  aim?: "reach" | "cover" | "nearest";
  proved?: boolean;
  gap?: number;
  /** Most households that a station serves; households are then those served, and those not. */
  capacity?: number;
  /** Units without households, whose ground is left as it is; only with a capacity. */
  blank?: number;
  /** Households within each limit, as sums over units: by code of grids, by id of communities, and of all; households of communities. */
  within?: { grids: Record<string, number[]>; communities: Record<string, number[]>; all: number[]; households: Record<string, number> };
  /** Only where stations count that are open then, as `2026-11-28 23:00`, and how many of each kind there are. */
  moment?: { at: string; open: number; shut: number; unknown: number };
  sites?: SiteGain[];
  further?: SiteGain[];
}

/** Linked households (`maps/result_map.py`). */
export interface LinkNote {
  households: number;
  linked: number;
  unlinked: number;
  places: Partial<Record<"ok" | "too_small" | "too_large" | "idle" | "outside", number>>;
}

/** Grids of several departments over each other (`maps/result_map.py`). */
export interface MergeNote {
  /** Share of the ground on which grids of two departments cross, of the two that differ most. */
  crossed_share: number;
  departments: { name: string; grids: number; none: number; followed: number; base_grids: number }[];
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
  /** Only on a map of walks. */
  walk?: WalkNote;
  /** Only on a map of linked households. */
  link?: LinkNote;
  /** Only on a map of base grids for several departments. */
  merge?: MergeNote;
  /** Only in the file for a meeting. */
  meeting?: MeetingNote;
}
