/** The record of a meeting beside its agenda: filled in by hand or from the notes of a meeting file, and sent whole. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { FORMAT, NOTES_VERSION, type Entry } from "../meeting/notes.ts";
import { t } from "../words.ts";
import { byId } from "../dom.ts";

interface Talked {
  case: string;
  outcome: string;
  note: string;
}

interface Record {
  id: number;
  division_id: number;
  day: string;
  kind: string;
  present: number;
  note: string;
  items: Talked[];
}

interface MeetingsPage extends CasePage {
  records: Record[];
}

const CASE_NUMBER = /^[0-9]{19}$/;
const LONGEST_NOTE = 500;

export async function startMeetings(told: CasePage): Promise<void> {
  const form = document.querySelector<HTMLFormElement>("#record");
  if (form) new RecordForm(form, (told as MeetingsPage).records);
  if (location.hash === "#meetings") document.getElementById("meetings")?.focus();
}

class RecordForm {
  private readonly items = byId("items");
  private readonly said = byId("record-said");
  private corrects: number | null = null;
  /** Sent again after a cut, the same record is kept once. */
  private key = crypto.getRandomValues(new Uint32Array(4)).join("-");

  constructor(private readonly form: HTMLFormElement, records: readonly Record[]) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    byId("add").addEventListener("click", () => this.addFurther());
    byId<HTMLInputElement>("notes").addEventListener("change", (event) => void this.takeOver(event.target as HTMLInputElement));
    byId("not-correct").addEventListener("click", () => location.reload());
    for (const button of Array.from(document.querySelectorAll<HTMLButtonElement>("button.correct")))
      button.addEventListener("click", () => {
        const found = records.find(({ id }) => id === Number(button.dataset.record));
        if (found) this.correct(found);
      });
  }

  private row(number: string): HTMLElement {
    const there = this.items.querySelector<HTMLElement>(`li[data-case="${number}"]`);
    if (there) return there;
    const made = byId<HTMLTemplateElement>("further-item").content.firstElementChild!.cloneNode(true) as HTMLElement;
    made.dataset.case = number;
    made.querySelector("p span")!.textContent = number;
    for (const part of Array.from(made.querySelectorAll<HTMLElement>("[id]"))) part.id = part.id.replace("talked", `talked-${number}`);
    for (const label of Array.from(made.querySelectorAll("label"))) {
      label.htmlFor = label.htmlFor.replace("talked", `talked-${number}`);
      label.prepend(number);
    }
    this.items.append(made);
    return made;
  }

  private fill(number: string, outcome: string, note: string): HTMLElement {
    const row = this.row(number);
    outcomeOf(row).value = outcome;
    noteOf(row).value = note;
    return row;
  }

  private addFurther(): void {
    const field = byId<HTMLTextAreaElement>("further");
    const numbers = field.value.split(/[\s,\uFF0C\u3001]+/).filter((each) => each !== "");
    const wrong = numbers.find((each) => !CASE_NUMBER.test(each));
    if (wrong !== undefined) {
      this.say(t("meetings.number_wrong", { number: wrong.slice(0, 40) }), true);
      field.focus();
      return;
    }
    const rows = numbers.map((number) => {
      const row = this.row(number);
      if (!outcomeOf(row).value) outcomeOf(row).value = "decided";
      return row;
    });
    field.value = "";
    this.say("", false);
    if (rows[0]) outcomeOf(rows[0]).focus();
  }

  /** Fill in the decisions that a meeting file saved; those without a case are told, as they are none yet. */
  private async takeOver(field: HTMLInputElement): Promise<void> {
    const file = field.files?.[0];
    if (!file) return;
    const entries = await file.text().then(decisions, () => null);
    field.value = "";
    if (!entries) {
      this.say(t("meetings.not_notes"), true);
      return;
    }
    const known = entries.filter(({ case_id }) => CASE_NUMBER.test(case_id));
    for (const { case_id, decision, department } of known)
      this.fill(case_id, "decided", [decision, department].filter((each) => each !== "").join(" · ").slice(0, LONGEST_NOTE));
    const without = entries.length - known.length;
    this.say(`${t("meetings.taken", { n: known.length })}${without ? ` ${t("meetings.without_case", { n: without })}` : ""}`, false);
  }

  private correct(record: Record): void {
    this.corrects = record.id;
    for (const row of Array.from(this.items.querySelectorAll<HTMLElement>("li"))) {
      outcomeOf(row).value = "";
      noteOf(row).value = "";
    }
    for (const item of record.items) this.fill(item.case, item.outcome, item.note);
    for (const name of ["day", "kind", "present", "note"] as const) this.field(name).value = String(record[name]);
    this.field("division").value = String(record.division_id);
    byId("correcting").hidden = false;
    byId("correcting").querySelector("span")!.textContent = t("meetings.correcting", { day: record.day });
    this.field("present").focus();
  }

  private async send(): Promise<void> {
    const items = this.talked();
    if (!this.form.reportValidity()) return;
    const unsaid = items.filter(({ outcome, note }) => outcome !== "put_off" && note === "");
    if (unsaid[0]) {
      this.say(t("meetings.say", { numbers: unsaid.map((each) => each.case).join(" ") }), true);
      noteOf(this.row(unsaid[0].case)).focus();
      return;
    }
    const answer = await askService("/api/v1/meetings", {
      headers: { "Idempotency-Key": this.key },
      body: {
        division_id: Number(this.field("division").value), day: this.field("day").value, kind: this.field("kind").value,
        present: Number(this.field("present").value), note: this.field("note").value, corrects: this.corrects, items,
      },
    });
    if (!answer.ok) {
      // What is put right is another record.
      if (answer.status !== 0) this.key = crypto.getRandomValues(new Uint32Array(4)).join("-");
      this.say(t("meetings.failed", { detail: answer.detail }), true);
      return;
    }
    this.say(t("meetings.sent"), false);
    location.hash = "meetings";
    location.reload();
  }

  private talked(): Talked[] {
    return Array.from(this.items.querySelectorAll<HTMLElement>("li"))
      .map((row) => ({ case: row.dataset.case ?? "", outcome: outcomeOf(row).value, note: noteOf(row).value.trim() }))
      .filter(({ outcome }) => outcome !== "");
  }

  private field(name: string): HTMLInputElement {
    return this.form.elements.namedItem(name) as HTMLInputElement;
  }

  private say(text: string, isFault: boolean): void {
    this.said.textContent = text;
    this.said.classList.toggle("refused", isFault);
  }
}

/** The items with a decision of a file of notes; null where it is none. */
function decisions(written: string): Entry[] | null {
  let content: { format?: unknown; version?: unknown; entries?: unknown };
  try {
    content = JSON.parse(written.replace(/^\uFEFF/, "")) as typeof content;
  } catch {
    return null;
  }
  if (content?.format !== FORMAT || content.version !== NOTES_VERSION || !Array.isArray(content.entries)) return null;
  const entries = content.entries as Entry[];
  const texts = ["case_id", "decision", "department"] as const;
  if (entries.some((each) => texts.some((name) => typeof each?.[name] !== "string"))) return null;
  return entries.filter(({ type, decision, removed }) => type === "item" && decision.trim() !== "" && !removed);
}

function outcomeOf(row: HTMLElement): HTMLSelectElement {
  return row.querySelector<HTMLSelectElement>("select.outcome")!;
}

function noteOf(row: HTMLElement): HTMLInputElement {
  return row.querySelector<HTMLInputElement>("input.what")!;
}
