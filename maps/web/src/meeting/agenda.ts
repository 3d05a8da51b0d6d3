/** The agenda: items, decisions, a show of hands, comments on the map; kept in a small file. */
import * as L from "leaflet";
import { button, element, typed } from "../dom.ts";
import { masked } from "../masking.ts";
import { latitude, longitude } from "../pack.ts";
import { worldOf } from "../places.ts";
import type { Scene } from "../scene.ts";
import { formatMoment } from "../times.ts";
import { t } from "../words.ts";
import {
  emptyNotes, listed, listedId, LONGEST_TEXT, MEETING_KINDS, mergedEntries, newEntry, NotesError, parseNotes, type Entry, type Listed, type Meeting,
  type MeetingKind, type Notes, type Votes,
} from "./notes.ts";
import { openCases, placesOf, type Place } from "./places.ts";

/** Cases of a place that are put on the agenda at once. */
const MOST_CASES = 40;
/** The notes under a printed map (`meeting.css`): columns, Chinese letters of a line, heights; more than the most go on further sheets. */
const LEGEND_COLUMNS = 3;
const LEGEND_LETTERS = 26;
const [LEGEND_HEAD_MM, LEGEND_LINE_MM, LEGEND_MOST_MM] = [2, 5.2, 34];
/** A larger file is no file of notes: as `MOST_BYTES` of `maps/notes.py`. */
const MOST_BYTES = 16 * 2 ** 20;
/** The estate meeting day is the 10th of the month. */
const ESTATE_DAY = 10;

export interface AgendaOptions {
  map: L.Map;
  scene: Scene;
  file: string;
  now: () => Date;
  /** Is a case of a class and a state that the panel shows? Its time does not matter: a meeting talks about what is open, whenever it came. */
  isShown(incident: number): boolean;
  /** Ask for a place on the map; the next click is told, or null where the question is given up. */
  pick(onPicked: (at: L.LatLng | null) => void): void;
  /** Open the agenda where it is not. */
  show(): void;
  goTo(entry: Entry): void;
}

export class Agenda {
  readonly root = element("div", { class: "agenda" });
  private notes: Notes;
  private places: Place[] = [];
  private isSaved = true;
  private readonly markers = L.layerGroup();
  private readonly said = element("p", { class: "hint", role: "status" });
  private readonly items = element("ol", { class: "agenda-items" });
  private readonly comments = element("ul", { class: "agenda-comments" });

  constructor(private readonly options: AgendaOptions) {
    this.notes = emptyNotes(options.file, { kind: "estate_day", date: isoDate(nextEstateDay(options.now())), place: "" });
    this.markers.addTo(options.map);
    window.addEventListener("beforeunload", (event) => {
      if (!this.isSaved) event.preventDefault();
      if (!this.isSaved) event.returnValue = "";
    });
  }

  /** All entries, removed ones too. */
  get entries(): readonly Entry[] {
    return this.notes.entries;
  }

  render(): void {
    const { meeting } = this.notes;
    const kinds = element("select", { "aria-label": t("meeting.agenda.kind") });
    kinds.append(...MEETING_KINDS.map((kind) => element("option", { value: kind }, t(`meeting.agenda.kinds.${kind}`))));
    kinds.value = meeting.kind;
    kinds.addEventListener("change", () => {
      this.change(() => this.turnTo(kinds.value as MeetingKind));
      this.render();
      this.root.querySelector<HTMLElement>("select")?.focus();
    });
    const date = element("input", { type: "date", "aria-label": t("meeting.agenda.date"), value: meeting.date });
    date.addEventListener("change", () => this.change(() => (meeting.date = date.value)));
    this.places = placesOf(this.options.scene, meeting.kind === "lane_list");
    const place = element("select", { "aria-label": t(meeting.kind === "lane_list" ? "meeting.agenda.lane" : "meeting.agenda.place") });
    place.append(element("option", { value: "" }, t(meeting.kind === "lane_list" ? "meeting.agenda.lane" : "meeting.agenda.place")),
      ...this.places.map(({ name }, i) => element("option", { value: i }, name)));
    const known = this.places.findIndex(({ name }) => name === meeting.place);
    // A place that this kind of meeting does not choose from is kept, and can be seen.
    const isKept = known < 0 && meeting.place !== "";
    if (isKept) place.append(element("option", { value: "kept" }, meeting.place));
    place.value = isKept ? "kept" : known < 0 ? "" : String(known);
    const kept = meeting.place;
    place.addEventListener("change", () => this.change(() => {
      meeting.place = place.value === "kept" ? kept : this.places[Number(place.value || -1)]?.name ?? "";
    }));
    const open = element("input", { type: "file", accept: ".json,application/json", class: "visually-hidden", tabindex: -1, "aria-hidden": "true", multiple: true });
    open.addEventListener("change", () => void this.open([...(open.files ?? [])]).then(() => (open.value = "")));
    this.root.replaceChildren(
      element("div", { class: "agenda-head" }, kinds, date, place),
      element("div", { class: "agenda-tools" },
        button(t("meeting.agenda.from_cases"), () => this.fromCases()),
        button(t("meeting.agenda.add"), () => this.add("item", {})),
        button(t("meeting.agenda.comment"), () => this.comment()),
        button(t("meeting.agenda.comment_middle"), () => this.addAt(this.options.map.getCenter()))),
      element("div", { class: "agenda-tools" },
        button(t("meeting.agenda.save"), () => this.save(), { class: "main" }),
        button(t("meeting.agenda.open"), () => open.click()), open),
      this.said,
      element("h2", {}, t("meeting.agenda.items")), this.items,
      element("h2", {}, t("meeting.agenda.comments")), this.comments,
      element("p", { class: "hint" }, t("meeting.agenda.privacy")));
    this.list();
  }

  /** The notes as the text of their file. */
  fileText(): string {
    return `${JSON.stringify({ ...this.notes, saved_at: stampOf(this.options.now()) }, null, 1)}\n`;
  }

  /** Take in the text of a file of notes; returns what is said about it. */
  take(text: string, name: string): string {
    try {
      const read = parseNotes(text, this.options.file);
      const { entries: own, meeting } = this.notes;
      if (own.length && !areOne(meeting, read.meeting)) {
        return t("meeting.agenda.other_meeting", { file: name, theirs: spoken(read.meeting), ours: spoken(meeting) });
      }
      // What one leaves open is told by the other.
      this.notes.meeting = own.length ? { ...meeting, date: meeting.date || read.meeting.date, place: meeting.place || read.meeting.place } : read.meeting;
      this.notes.entries = mergedEntries(own, read.entries);
      // The first file opened is as it lies on the disk; what two hold together lies nowhere yet.
      if (own.length && JSON.stringify(this.notes.entries) !== JSON.stringify(own)) this.isSaved = false;
      const told = t("meeting.agenda.taken", { file: name, entries: Math.max(0, countOf(this.notes.entries) - countOf(own)) });
      const known = new Set(own.map(({ id }) => id));
      const differing = this.notes.entries.filter(({ id, form_of, removed }) => form_of && !removed && !known.has(id)).length;
      return differing ? `${told} ${t("meeting.agenda.differing", { differing })}` : told;
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      return t(`meeting.agenda.refused.${error.message}`, { file: name });
    }
  }

  private async open(files: readonly File[]): Promise<void> {
    const said: string[] = [];
    for (const file of files) {
      const text = file.size > MOST_BYTES ? "" : decoded(await readBytes(file));
      said.push(text === null ? t("meeting.agenda.refused.encoding", { file: file.name }) : this.take(text, file.name));
    }
    this.render();
    this.said.textContent = said.join(" ");
  }

  private save(): void {
    const { meeting } = this.notes;
    if (!meeting.date) {
      this.said.textContent = t("meeting.agenda.choose_day");
      this.root.querySelector<HTMLElement>(".agenda-head input")?.focus();
      return;
    }
    const link = element("a", { download: `weige-${meeting.date}-${meeting.place || meeting.kind}.json`.replace(/[\\/:*?"<>|\s]+/g, "-") });
    link.href = URL.createObjectURL(new Blob([this.fileText()], { type: "application/json" }));
    link.click();
    URL.revokeObjectURL(link.href);
    this.isSaved = true;
    this.said.textContent = t("meeting.agenda.saved", { file: link.download });
  }

  private fromCases(): void {
    const place = this.places.find(({ name }) => name === this.notes.meeting.place);
    if (!place) {
      this.said.textContent = t(this.notes.meeting.kind === "lane_list" ? "meeting.agenda.choose_lane" : "meeting.agenda.choose_place");
      return;
    }
    const { scene } = this.options;
    const layer = scene.get("incidents");
    const listed = new Set(this.notes.entries.filter(({ removed }) => !removed).map(({ case_id }) => case_id));
    const open = openCases(scene, place).filter((incident) => !listed.has(layer.text("case_id", incident)));
    const found = open.filter((incident) => this.options.isShown(incident));
    for (const incident of found.slice(0, MOST_CASES)) {
      const grid = layer.number("grid", incident);
      const at = layer.middle(incident);
      const kind = layer.text("kind", incident);
      const caseId = layer.text("case_id", incident);
      const id = listedId(this.notes.meeting, caseId);
      // Listed again after it was removed it is another item, and later.
      const isNew = this.notes.entries.every((entry) => entry.id !== id && (!caseId || entry.case_id !== caseId));
      this.push("item", {
        ...(caseId && isNew ? { id, changed_at: "" } : {}), case_id: caseId, kind, category: layer.text("category", incident), grid: grid === null ? "" : scene.get("grids").text("grid_id", grid),
        text: t("meeting.agenda.case_item", { kind, state: layer.text("state", incident) }),
        lon: at && round(longitude(at[0])), lat: at && round(latitude(at[1])),
      });
    }
    this.list();
    const rest = found.length - Math.min(found.length, MOST_CASES);
    const said = t(rest ? "meeting.agenda.listed_some" : "meeting.agenda.listed", { items: found.length - rest, rest, place: place.name });
    const hidden = open.length - found.length;
    this.said.textContent = hidden ? `${said} ${t("meeting.agenda.listed_hidden", { hidden })}` : said;
  }

  /** Make it another kind of meeting. What was typed stays; only what the page itself proposed is proposed anew. */
  private turnTo(kind: MeetingKind): void {
    const { meeting, entries } = this.notes;
    const proposed = (each: MeetingKind) => isoDate(each === "estate_day" ? nextEstateDay(this.options.now()) : this.options.now());
    const isUntouched = !entries.length && meeting.date === proposed(meeting.kind);
    meeting.kind = kind;
    if (isUntouched) meeting.date = proposed(kind);
    if (!entries.length && !placesOf(this.options.scene, kind === "lane_list").some(({ name }) => name === meeting.place)) meeting.place = "";
  }

  private comment(): void {
    this.options.pick((at) => {
      this.said.textContent = "";
      if (at) this.addAt(at);
    });
    this.said.textContent = t("meeting.agenda.pick");
  }

  private addAt(at: L.LatLng): void {
    const { scene } = this.options;
    const grid = scene.get("grids").polygonsAt(...worldOf(at))[0];
    this.add("comment", { lon: round(at.lng), lat: round(at.lat), grid: grid === undefined ? "" : scene.get("grids").text("grid_id", grid) });
  }

  private add(type: Entry["type"], given: Partial<Entry>): void {
    const entry = this.push(type, given);
    this.list();
    this.goTo(entry);
  }

  private goTo(entry: Entry): void {
    this.root.querySelector<HTMLElement>(`[data-entry="${entry.id}"] textarea`)?.focus();
  }

  private push(type: Entry["type"], given: Partial<Entry>): Entry {
    const entry = newEntry(newId(), type, stampOf(this.options.now()), given);
    this.notes.entries.push(entry);
    this.isSaved = false;
    return entry;
  }

  private change(act: () => void, entry?: Entry): void {
    act();
    if (entry) entry.changed_at = stampOf(this.options.now());
    this.isSaved = false;
  }

  private list(): void {
    const rows = (standing: readonly Listed[], none: string) => {
      if (!standing.length) return [element("li", { class: "hint" }, t(none))];
      return standing.map((each) => element("li", { "data-entry": each.entry.id, class: each.isOtherRecord ? "other-record" : undefined }, this.card(each)));
    };
    this.items.replaceChildren(...rows(this.standing("item"), "meeting.agenda.no_items"));
    this.comments.replaceChildren(...rows(this.standing("comment"), "meeting.agenda.no_comments"));
    this.mark(this.standing("comment"));
  }

  private mark(comments: readonly Listed[]): void {
    this.markers.clearLayers();
    comments.forEach(({ entry, number, isOtherRecord }) => {
      // Other records are of the place of their note.
      if (entry.lon === null || entry.lat === null || isOtherRecord) return;
      const icon = L.divIcon({ className: "sticker", html: element("span", {}, String(number)), iconSize: [26, 26], iconAnchor: [4, 24] });
      const marker = L.marker([entry.lat, entry.lon], { icon, keyboard: false, alt: "" });
      marker.on("click", () => {
        this.options.show();
        this.goTo(entry);
      });
      marker.addTo(this.markers);
    });
  }

  private card({ entry, number, isOtherRecord }: Listed): HTMLElement {
    const isItem = entry.type === "item";
    const called = t(isItem ? "meeting.agenda.item" : "meeting.agenda.sticker", { number });
    const name = isOtherRecord ? t("meeting.agenda.other_form_of", { name: called }) : called;
    const field = (key: "text" | "decision", label: string, rows: number) => {
      const area = element("textarea", { rows, maxlength: LONGEST_TEXT, "aria-label": `${name} ${label}`, placeholder: label });
      area.value = entry[key];
      area.addEventListener("input", () => this.change(() => (entry[key] = masked(area.value)), entry));
      area.addEventListener("change", () => (area.value = entry[key]));
      return area;
    };
    const about = [entry.case_id, entry.grid && t("meeting.agenda.in_grid", { grid: entry.grid }), !isOtherRecord && entry.form_of && t("meeting.agenda.other_form")].filter((each) => each);
    const head = element("div", { class: "entry-head" }, element("b", {}, name), element("span", { class: "hint" }, typed(about.join(" · "))));
    if (entry.lon !== null) head.append(button(t("meeting.agenda.show"), () => this.options.goTo(entry), { "aria-label": `${name} ${t("meeting.agenda.show")}` }));
    head.append(button(t("meeting.agenda.remove"), () => {
      this.change(() => (entry.removed = true), entry);
      this.list();
      this.said.textContent = t("meeting.agenda.removed", { name });
    }, { "aria-label": `${name} ${t("meeting.agenda.remove")}` }));
    if (!isItem) return element("article", { class: "entry" }, head, field("text", t("meeting.agenda.comment_text"), 2));
    const department = element("input", { type: "text", maxlength: 100, "aria-label": `${name} ${t("meeting.agenda.department")}`, placeholder: t("meeting.agenda.department"), value: entry.department });
    department.addEventListener("input", () => this.change(() => (entry.department = masked(department.value)), entry));
    department.addEventListener("change", () => (department.value = entry.department));
    const due = element("input", { type: "date", "aria-label": `${name} ${t("meeting.agenda.due")}`, value: entry.due });
    due.addEventListener("change", () => this.change(() => (entry.due = due.value), entry));
    return element("article", { class: "entry" }, head, field("text", t("meeting.agenda.item_text"), 2), this.tally(entry, name),
      field("decision", t("meeting.agenda.decision"), 2),
      element("div", { class: "entry-line" }, department, element("label", {}, t("meeting.agenda.due"), due)));
  }

  /** A show of hands: one press, one hand. */
  private tally(entry: Entry, name: string): HTMLElement {
    const votes = element("div", { class: "votes", role: "group", "aria-label": `${name} ${t("meeting.agenda.votes")}` });
    for (const way of ["yes", "no", "abstain"] as const satisfies readonly (keyof Votes)[]) {
      const count = element("output", {}, String(entry.votes[way]));
      const step = (by: number) => {
        const next = entry.votes[way] + by;
        if (next < 0) return;
        this.change(() => (entry.votes = { ...entry.votes, [way]: next }), entry);
        count.textContent = String(next);
      };
      const label = t(`meeting.agenda.vote.${way}`);
      votes.append(element("div", { class: `vote ${way}` }, element("span", {}, label),
        button("\u2212", () => step(-1), { "aria-label": `${name} ${t("meeting.agenda.fewer", { way: label })}` }), count,
        button("+", () => step(1), { "aria-label": `${name} ${t("meeting.agenda.more", { way: label })}` })));
    }
    return votes;
  }

  /** The minutes on paper: every item with its tally and decision, and the notes on the map. */
  minutes(): HTMLElement[] {
    const items = this.standing("item");
    const head = element("tr", {}, ...["number", "item_text", "votes", "decision", "department", "due"].map((key) => element("th", { scope: "col" }, t(`meeting.agenda.${key}`))));
    const rows = items.map(({ entry, number, isOtherRecord }) => {
      const { yes, no, abstain } = entry.votes;
      const cells = [String(number), [isOtherRecord && t("meeting.agenda.other_form"), entry.text, entry.case_id].filter((each) => each).join(" \u00b7 "), yes + no + abstain ? t("meeting.agenda.tally", { yes, no, abstain }) : "", entry.decision, entry.department, entry.due && formatMoment(entry.due)];
      return element("tr", {}, ...cells.map((text) => element("td", {}, typed(text))));
    });
    const table = items.length ? element("table", { class: "minutes" }, element("thead", {}, head), element("tbody", {}, ...rows)) : element("p", {}, t("meeting.agenda.no_items"));
    return [element("h2", {}, typed(spoken(this.notes.meeting))), table, ...this.legend(true)];
  }

  /** The notes on the map as paper tells them, by the numbers that they have there. */
  legend(tellsGrids = false): HTMLElement[] {
    const comments = this.standing("comment");
    if (!comments.length) return [];
    const rows = comments.map(({ entry, number, isOtherRecord }) => element("p", {}, element("b", { class: "sticker" }, String(number)),
      typed([isOtherRecord && t("meeting.agenda.other_form"), entry.text, tellsGrids && entry.grid && t("meeting.agenda.in_grid", { grid: entry.grid })].filter((each) => each).join(" \u00b7 "))));
    return [element("h3", {}, t("meeting.agenda.comments")), element("div", { class: "paper-notes" }, ...rows)];
  }

  /** Millimetres that the legend takes of a sheet; 0 where it takes a sheet of its own. */
  get legendMm(): number {
    const lines = this.standing("comment").reduce((sum, { entry, isOtherRecord }) => {
      const letters = entry.text.length + 1 + (isOtherRecord ? t("meeting.agenda.other_form").length + 3 : 0);
      return sum + Math.ceil(letters / LEGEND_LETTERS);
    }, 0);
    const height = lines ? LEGEND_HEAD_MM + Math.ceil(lines / LEGEND_COLUMNS) * LEGEND_LINE_MM : 0;
    return height > LEGEND_MOST_MM ? 0 : height;
  }

  /** What was not removed. */
  private standing(type: Entry["type"]): Listed[] {
    return listed(this.notes.entries, type);
  }
}

/** How many entries stand; other records of them are not counted. */
function countOf(entries: readonly Entry[]): number {
  return [...listed(entries, "item"), ...listed(entries, "comment")].filter(({ isOtherRecord }) => !isOtherRecord).length;
}

/** The 10th of this month, or of the next where it has passed. */
export function nextEstateDay(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth() + (now.getDate() > ESTATE_DAY ? 1 : 0), ESTATE_DAY);
}

export function isoDate(day: Date): string {
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
}

function stampOf(now: Date): string {
  return now.toISOString();
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (octet) => octet.toString(16).padStart(2, "0")).join("");
}

function round(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}

/** Are both one meeting? What one of them leaves open makes no other meeting of it. */
function areOne(one: Meeting, other: Meeting): boolean {
  const agree = (key: "date" | "place") => !one[key] || !other[key] || one[key] === other[key];
  return one.kind === other.kind && agree("date") && agree("place");
}

function spoken({ kind, date, place }: Meeting): string {
  return [t(`meeting.agenda.kinds.${kind}`), date && formatMoment(date), place].filter((each) => each).join(" ");
}

function readBytes(file: File): Promise<ArrayBuffer> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result as ArrayBuffer));
    // What cannot be read is told as what is damaged.
    reader.addEventListener("error", () => resolve(new ArrayBuffer(0)));
    reader.readAsArrayBuffer(file);
  });
}

/** UTF-8, with or without its mark, as `maps/notes.py` takes it; null for anything else: guessed letters would go on into the minutes. */
function decoded(bytes: ArrayBuffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
