/** One case in a dialog: where it stands, and the notes that every wall shows; or the cases that lie on one place. */
import { askService } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { t } from "../words.ts";
import type { Note, WallPage } from "./schema.ts";
import { span, type Times } from "./times.ts";

interface CaseFeature {
  properties: {
    number: string; state: string; category_name: string; area: string; grid: string | null; holder: string | null; text: string;
    address: string | null; reported_at: string; due_at: string | null; channel: string;
  };
}

const MUTES = [15, 30, 60];
const MOST = 50;

export class Card {
  private readonly dialog = document.getElementById("card") as HTMLDialogElement;

  constructor(
    private readonly page: WallPage, private readonly areaName: (code: string) => string, private readonly times: Times,
    private readonly noteOf: (number: string) => Note | undefined, private readonly onNoted: () => void,
  ) {
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  async open(number: string): Promise<void> {
    const told = await askService<{ case: CaseFeature }>(`/api/v1/cases/${number}`, { method: "GET" });
    if (!told.ok) return this.show(element("p", { class: "refused" }, told.detail));
    const said = told.body.case.properties;
    const note = this.noteOf(number);
    const row = (key: string, value: Node | string) => [element("dt", {}, t(key)), element("dd", {}, value)];
    const due = said.due_at ? Date.parse(said.due_at) : null;
    this.show(
      element("h2", { id: "card-title" }, typed(said.category_name)),
      element("dl", {},
        ...row("wall.case.number", said.number), ...row("wall.state", t(`case.state.${said.state}`)),
        ...row("wall.case.place", typed(said.address ?? said.grid ?? this.areaName(said.area))), ...(said.text ? row("wall.case.text", typed(said.text)) : []),
        ...(said.holder ? row("wall.case.holder", typed(said.holder)) : []), ...row("wall.case.reported", this.times.day(Date.parse(said.reported_at))),
        ...(due === null ? [] : row("wall.case.due", t(due < Date.now() ? "wall.case.due_late" : "wall.case.due_left", { at: this.times.day(due), span: span(due - Date.now()) }))),
        ...(note ? row("wall.case.noted", noteText(note, this.times)) : [])),
      element("p", {}, element("a", { href: `/cases/${number}` }, t("wall.case.open"))),
      this.page.may_note ? this.notes(number, note) : null,
    );
  }

  /** The open cases of a box, to choose one from. */
  async list(bbox: string): Promise<void> {
    const told = await askService<{ features: CaseFeature[] }>(`/api/v1/cases?open=true&order=due&limit=${MOST}&bbox=${bbox}`, { method: "GET" });
    if (!told.ok) return this.show(element("p", { class: "refused" }, told.detail));
    this.show(
      element("h2", { id: "card-title" }, t("wall.here", { count: told.body.features.length })),
      element("ol", {}, ...told.body.features.map(({ properties: said }) =>
        element("li", {}, button(`${said.category_name} · ${t(`case.state.${said.state}`)}`, () => void this.open(said.number))))),
    );
  }

  private notes(number: string, note: Note | undefined): HTMLElement {
    const text = element("input", { type: "text", id: "note-text", maxlength: 200, autocomplete: "off" });
    const said = element("p", { class: "refused", role: "status" });
    const put = async (body: Record<string, unknown>) => {
      const told = await askService("/api/v1/wall/notes", { body: { number, note: text.value.trim(), ...body } });
      if (!told.ok) {
        said.textContent = told.detail;
        return;
      }
      this.onNoted();
      this.dialog.close();
    };
    return element("div", { class: "noting" },
      element("label", { for: "note-text" }, t("wall.note.text")), text,
      element("div", { class: "acts" },
        button(t("wall.note.acknowledge"), () => void put({ said: "acknowledge" })),
        ...MUTES.map((minutes) => button(t("wall.note.mute", { minutes }), () => void put({ said: "mute", minutes }))),
        note ? button(t("wall.note.clear"), () => void put({ said: "clear" })) : null), said);
  }

  private show(...content: (HTMLElement | null)[]): void {
    const close = button(t("wall.close"), () => this.dialog.close());
    this.dialog.replaceChildren(...content.filter((each): each is HTMLElement => each !== null), element("div", { class: "acts" }, close));
    if (!this.dialog.open) this.dialog.showModal();
  }
}

export function noteText(note: Note, times: Times): string {
  const said = note.said === "mute" && note.until ? t("wall.note.muted", { until: times.day(Date.parse(note.until)) }) : t("wall.note.seen");
  return note.note ? `${said} · ${note.note}` : said;
}
