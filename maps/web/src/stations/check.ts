/** The form in which a look at a station is noted, with what was seen before. */
import { askService } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { t } from "../words.ts";
import { itemName, type StationFeature } from "./schema.ts";

interface Seen {
  item: string;
  day: string;
  state: "working" | "broken" | "missing";
  note: string;
}

const STATES = ["working", "broken", "missing"] as const;
const MOST_SHOWN = 30;

export class CheckForm {
  private turn = 0;

  constructor(private readonly root: HTMLElement, private readonly onSaved: () => void) {}

  /** `checklist`: by which it is judged, with its source. */
  async open(station: StationFeature, today: string, checklist: string): Promise<void> {
    const turn = ++this.turn;
    const { id, properties } = station;
    const day = element("input", { type: "date", id: "check-day", value: today, max: today, required: true });
    const note = element("input", { id: "check-note", maxlength: 500, autocomplete: "off" });
    const said = element("p", { role: "status", id: "check-said" });
    const rows = properties.items.map(({ item, name }) => element("fieldset", { class: "seen" }, element("legend", {}, itemName({ item, name })),
      ...STATES.map((state) => element("label", { class: "radio" }, element("input", { type: "radio", name: `seen-${item}`, value: state }), t(`stations.state.${state}`)))));
    const form = element("form", {}, ...rows,
      element("div", { class: "pair" },
        element("div", {}, element("label", { for: "check-day" }, t("stations.check_day")), day),
        element("div", {}, element("label", { for: "check-note" }, t("stations.check_note")), note)),
      said,
      element("p", { class: "ends" }, element("button", { type: "submit" }, t("stations.check_save")),
        button(t("stations.check_all"), () => {
          for (const each of Array.from(form.querySelectorAll<HTMLInputElement>('input[value="working"]'))) each.checked = true;
          said.textContent = "";
        }, { class: "quiet" }),
        button(t("stations.check_close"), () => this.close(), { class: "quiet" })));
    form.addEventListener("change", () => (said.textContent = ""));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const seen = properties.items.flatMap(({ item }) => {
        const state = form.querySelector<HTMLInputElement>(`input[name="seen-${item}"]:checked`)?.value;
        return state ? [{ item, state, note: note.value }] : [];
      });
      if (!seen.length) {
        said.className = "refused";
        said.textContent = t("stations.check_nothing");
        return;
      }
      void this.save(id, day.value, seen, said);
    });
    const past = element("div", { class: "past" });
    const title = element("h2", { tabindex: -1 }, t("stations.check_of", { name: properties.name }));
    this.root.replaceChildren(title, element("p", { class: "soft" }, checklist), form, past);
    this.root.hidden = false;
    title.focus();
    this.root.scrollIntoView({ block: "nearest" });
    const told = await askService<Seen[]>(`/api/v1/stations/${id}/checks`, { method: "GET" });
    if (turn !== this.turn || !told.ok) return;
    const names = new Map(properties.items.map((one) => [one.item, itemName(one)]));
    past.replaceChildren(element("h3", {}, t("stations.history")), told.body.length
      ? element("ul", {}, ...told.body.slice(0, MOST_SHOWN).map(({ item, day: on, state, note: typedNote }) =>
          element("li", {}, `${on} ${names.get(item) ?? item} `, element("b", { class: `seen-${state}` }, t(`stations.state.${state}`)), " ", typed(typedNote))))
      : element("p", { class: "soft" }, t("stations.history_none")));
  }

  private async save(id: number, day: string, seen: unknown[], said: HTMLElement): Promise<void> {
    const told = await askService(`/api/v1/stations/${id}/checks`, { body: { day, seen } });
    if (!told.ok) {
      said.className = "refused";
      said.textContent = told.detail;
      return;
    }
    this.close();
    this.onSaved();
  }

  private close(): void {
    this.turn += 1;
    this.root.hidden = true;
    this.root.replaceChildren();
  }
}
