/** What the file for a meeting says of itself; mirrors `maps/meeting.py`. */

export interface StampedSource {
  name: string;
  sha256: string;
  rows: number;
  shown: number;
}

export interface MeetingNote {
  /** Digest of the layers: notes name the file they were made on by it. */
  id: string;
  made_at: string;
  period: [first: string, last: string] | null;
  within_days: number;
  watermark: string;
  redacted: boolean;
  /** Cases that are not in the period since their day cannot be read. */
  undated: number;
  /** The plan first. */
  sources: StampedSource[];
}
