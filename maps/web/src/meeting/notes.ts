/** Comments and agenda items of a meeting as data: made, saved to a small file, read back and merged. Pure.
 *
 * `maps/notes.py` reads the same files and merges them alike. Nothing is ever lost in merging: of two forms of one entry
 * the later stands, and the other stays beside it under an id of its own until somebody removes it. */

export const FORMAT = "weige-notes";
export const NOTES_VERSION = 1;
/** Characters of a text, and entries of a file; more is no note of a meeting. */
export const LONGEST_TEXT = 2000;
export const MOST_ENTRIES = 5000;

export type MeetingKind = "estate_day" | "lane_list" | "other";
export const MEETING_KINDS: readonly MeetingKind[] = ["estate_day", "lane_list", "other"];

export interface Votes {
  yes: number;
  no: number;
  abstain: number;
}

export interface Entry {
  id: string;
  type: "comment" | "item";
  text: string;
  decision: string;
  department: string;
  /** YYYY-MM-DD or "". */
  due: string;
  votes: Votes;
  grid: string;
  case_id: string;
  kind: string;
  /** Class of its case in the edition; "" where the cases of the map have none. */
  category: string;
  lon: number | null;
  lat: number | null;
  /** UTC, to the millisecond; "" for a case that was listed and of which nothing was said since. */
  changed_at: string;
  removed: boolean;
  /** The entry that this one is another form of; "" for none. */
  form_of: string;
}

export interface Meeting {
  kind: MeetingKind;
  date: string;
  place: string;
}

export interface Notes {
  format: typeof FORMAT;
  version: typeof NOTES_VERSION;
  /** The file they were made on (`MeetingNote.id`). */
  file: string;
  meeting: Meeting;
  entries: Entry[];
}

export class NotesError extends Error {}

export function emptyNotes(file: string, meeting: Meeting): Notes {
  return { format: FORMAT, version: NOTES_VERSION, file, meeting, entries: [] };
}

export function newEntry(id: string, type: Entry["type"], at: string, given: Partial<Entry> = {}): Entry {
  return {
    id, type, text: "", decision: "", department: "", due: "", votes: { yes: 0, no: 0, abstain: 0 }, grid: "", case_id: "", kind: "",
    category: "", lon: null, lat: null, changed_at: at, removed: false, form_of: "", ...given,
  };
}

/** Read a file of notes.
 *
 * Throws NotesError: `damaged` where it is none, `other_file` where it was made on another file. */
export function parseNotes(text: string, file: string): Notes {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw new NotesError("damaged");
  }
  if (!isRecord(read) || read.format !== FORMAT || read.version !== NOTES_VERSION || !Array.isArray(read.entries)) throw new NotesError("damaged");
  const { meeting } = read;
  if (!isRecord(meeting) || !MEETING_KINDS.includes(meeting.kind as MeetingKind) || !isText(meeting.date) || !isText(meeting.place)) {
    throw new NotesError("damaged");
  }
  if (read.entries.length > MOST_ENTRIES || !read.entries.every(isEntry)) throw new NotesError("damaged");
  if (read.file !== file) throw new NotesError("other_file");
  const notes = read as unknown as Notes;
  // Files of before classes were noted have none.
  return { ...notes, entries: notes.entries.map((entry) => ({ ...entry, category: (entry as Partial<Entry>).category ?? "" })) };
}

/** Id of the item of a case, the same in all copies of one meeting that list it. */
export function listedId(meeting: Meeting, caseId: string): string {
  const text = JSON.stringify([meeting.kind, meeting.date, meeting.place, caseId]);
  return digest(text) + digest([...text].reverse().join(""));
}

/** The entries of both, by id, items of a case by its number: each once where they agree, the later and the other form of it where they do not.
 *
 * A form that was set aside never stands in place of its entry, whatever is done to it afterwards; one that was removed
 * stays so, also where a copy that knows nothing of it still says the same. */
export function mergedEntries(own: readonly Entry[], others: readonly Entry[]): Entry[] {
  const found = new Map<string, Entry>();
  for (const entry of underOneId([...own, ...others])) put(found, entry);
  const said = new Set<string>();
  for (const entry of found.values()) if (!entry.form_of) said.add(`${entry.id} ${contentOf(entry)}`);
  return [...found.values()].filter((entry) => {
    const form = `${entry.form_of} ${contentOf(entry)}`;
    return !entry.form_of || (!said.has(form) && said.add(form));
  });
}

/** Items of one case under the least of their ids: files of before ids were those of cases have one for each copy.
 *
 * Where nobody changed a text or removed an item, one that says nothing of its case counts as just listed. */
function underOneId(entries: readonly Entry[]): Entry[] {
  const cases = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.type !== "item" || !entry.case_id) continue;
    const known = cases.get(entry.case_id);
    if (known) known.push(entry);
    else cases.set(entry.case_id, [entry]);
  }
  const named = new Map<Entry, Entry>();
  for (const items of cases.values()) {
    const ids = [...new Set(items.map((each) => each.form_of || each.id))].sort();
    const [least] = ids;
    if (least === undefined || ids.length < 2) continue;
    const areAsListed = items.every(({ text, removed }) => text === items[0]?.text && !removed);
    const saying = new Set(items.filter((each) => saysSomething(each)).map((each) => each.form_of || each.id));
    for (const item of items) {
      const of = item.form_of || item.id;
      const changed_at = areAsListed && !saying.has(of) ? "" : item.changed_at;
      named.set(item, item.form_of ? { ...item, id: least + item.id.slice(of.length), form_of: least } : { ...item, id: least, changed_at });
    }
  }
  return entries.map((entry) => named.get(entry) ?? entry);
}

function saysSomething({ decision, department, due, votes, form_of }: Entry): boolean {
  return form_of !== "" || [decision, department, due].some((each) => each !== "") || votes.yes + votes.no + votes.abstain > 0;
}

/** An entry as lists and paper show it. */
export interface Listed {
  entry: Entry;
  /** By which it is called: another record has the number of the entry that it stands under. */
  number: number;
  isOtherRecord: boolean;
}

/** What stands of a type in the order of the agenda; other records of an entry right below it, the last written first. */
export function listed(entries: readonly Entry[], type: Entry["type"]): Listed[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.type !== type) continue;
    const of = entry.form_of || entry.id;
    // A removed entry keeps the place for what is left of it.
    const group = groups.get(of) ?? [];
    groups.set(of, group);
    if (!entry.removed) group.push(entry);
  }
  const standing = [...groups.values()].filter((group) => group.length);
  return standing.flatMap((group, i) => {
    const rank = (one: Entry, other: Entry) => Number(one.form_of !== "") - Number(other.form_of !== "") || Number(isLater(other, one)) - Number(isLater(one, other));
    return group.sort(rank).map((entry, place) => ({ entry, number: i + 1, isOtherRecord: place > 0 }));
  });
}

function put(found: Map<string, Entry>, entry: Entry): void {
  const known = found.get(entry.id);
  if (!known || contentOf(known) === contentOf(entry)) {
    if (!known || momentOf(entry) > momentOf(known)) found.set(entry.id, entry);
    return;
  }
  const [later, earlier] = isLater(entry, known) ? [entry, known] : [known, entry];
  found.set(entry.id, later);
  // What was only listed contradicts nobody who decided something.
  if (earlier.case_id && !earlier.changed_at) return;
  if (earlier.form_of && (earlier.removed || isAsSetAside(earlier))) return;
  const of = earlier.form_of || earlier.id;
  put(found, { ...earlier, id: formId(of, earlier), form_of: of });
}

function formId(of: string, entry: Entry): string {
  return `${of}~${digest(contentOf(entry))}`;
}

/** Whether a form still says what it did when it was set aside: it gives way to whatever was made of it. */
function isAsSetAside(form: Entry): boolean {
  return form.id === formId(form.form_of, form);
}

/** What an entry says, without when it was said, and without the class of its case, which older files do not tell. */
export function contentOf(entry: Entry): string {
  const { votes } = entry;
  return JSON.stringify([
    entry.type, entry.text, entry.decision, entry.department, entry.due, votes.yes, votes.no, votes.abstain, entry.grid,
    entry.case_id, entry.kind, entry.lon, entry.lat, entry.removed,
  ]);
}

function isLater(one: Entry, other: Entry): boolean {
  if (one.form_of && isAsSetAside(one) !== isAsSetAside(other)) return isAsSetAside(other);
  const [mine, theirs] = [momentOf(one), momentOf(other)];
  if (mine !== theirs) return mine > theirs;
  // Older files tell whole seconds: a case that was removed and listed again within one of them is listed.
  if (one.removed !== other.removed) return other.removed;
  // Of two at the same moment always the same one, whichever file is read first.
  return contentOf(one) > contentOf(other);
}

/** When an entry was changed, in an order that holds for stamps with a part of a second and without. */
function momentOf(entry: Entry): string {
  return entry.changed_at.replace(/Z$/, "");
}

/** FNV-1a, so that the same form has the same id in every copy. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_TEXT;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 1_000_000;
}

function isDegree(value: unknown): boolean {
  return value === null || (typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= 180);
}

function isEntry(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value.votes)) return false;
  const { votes } = value;
  const texts = ["id", "text", "decision", "department", "due", "grid", "case_id", "kind", "changed_at", "form_of"];
  return (value.type === "comment" || value.type === "item") && texts.every((name) => isText(value[name])) && value.id !== "" &&
    (value.category === undefined || isText(value.category)) &&
    [votes.yes, votes.no, votes.abstain].every(isCount) && isDegree(value.lon) && isDegree(value.lat) && typeof value.removed === "boolean";
}
