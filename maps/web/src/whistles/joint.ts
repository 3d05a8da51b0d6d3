/** Joint actions of an area: departments that went out together, the cases they dealt with, and each one's share. */
import { askService } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import { formatCount, t } from "../words.ts";

export interface ActionArea {
  id: number;
  name: string;
  /** The reader may note an action there. */
  notes: boolean;
}

interface JointAction {
  id: number;
  title: string;
  day: string;
  departments: string[];
  cases: string[];
}

interface JointShare {
  department: string;
  cases: number;
  share: number;
}

const MOST_SHOWN = 50;
/** So many cases of an action are led to; the others are counted. */
const MOST_CASES = 12;

export class JointActions {
  private asked = 0;
  private readonly area: HTMLSelectElement;
  private readonly list = element("div", { "aria-live": "polite" });
  private readonly adding = element("div", {});

  constructor(place: HTMLElement, private readonly areas: readonly ActionArea[], private readonly zone: string, private readonly say: (done: string, fault: string) => void) {
    this.area = element("select", { id: "joint-area" }, ...areas.map(({ id, name }) => element("option", { value: id }, name)));
    this.area.addEventListener("change", () => void this.look());
    if (!areas.length) {
      place.replaceChildren(element("p", { class: "soft" }, t("whistles.joint.no_area")));
      return;
    }
    place.replaceChildren(element("div", { class: "asks" }, element("div", {}, element("label", { for: "joint-area" }, t("whistles.joint.area")), this.area)), this.adding, this.list);
  }

  async look(): Promise<void> {
    const here = this.areas.find(({ id }) => String(id) === this.area.value);
    if (!here) return;
    const turn = ++this.asked;
    const [actions, shares] = await Promise.all([
      askService<JointAction[]>(`/api/v1/joint-actions?division=${here.id}`, { method: "GET" }),
      askService<JointShare[]>(`/api/v1/joint-actions/figures?division=${here.id}`, { method: "GET" }),
    ]);
    if (turn !== this.asked) return;
    if (!actions.ok || !shares.ok) {
      this.list.replaceChildren(element("p", { class: "refused" }, t("whistles.not_read", { detail: actions.ok ? (shares as { detail: string }).detail : actions.detail })));
      return;
    }
    if (!this.adding.querySelector("form") || this.adding.dataset.area !== String(here.id)) this.offer(here);
    this.show(actions.body, shares.body);
  }

  private show(actions: readonly JointAction[], shares: readonly JointShare[]): void {
    if (!actions.length) {
      this.list.replaceChildren(element("p", { class: "empty" }, t("whistles.joint.none")));
      return;
    }
    const total = shares.reduce((sum, { share }) => sum + share, 0);
    this.list.replaceChildren(
      element("ul", { class: "actions" }, ...actions.slice(0, MOST_SHOWN).map((one) => element("li", {},
        element("p", {}, element("b", {}, typed(one.title)), " ", element("time", { datetime: one.day, class: "soft" }, one.day)),
        element("p", {}, ...one.departments.flatMap((each, i): (Node | string)[] => [i ? " · " : "", typed(each)])),
        element("p", { class: "of" }, element("span", { class: "soft" }, t("whistles.joint.n_cases", { n: one.cases.length })), ...one.cases.slice(0, MOST_CASES).map((each) => element("a", { href: `/cases/${each}` }, each)),
          one.cases.length > MOST_CASES ? element("span", { class: "soft" }, t("whistles.joint.further", { n: one.cases.length - MOST_CASES })) : null)))),
      ...(actions.length > MOST_SHOWN ? [element("p", { class: "soft" }, t("whistles.joint.further", { n: actions.length - MOST_SHOWN }))] : []),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("whistles.joint.shares", { n: Math.round(total) }) }, element("table", { class: "figures" },
        element("caption", {}, t("whistles.joint.shares", { n: Math.round(total) })),
        element("thead", {}, element("tr", {}, ...["department", "cases", "share"].map((key) => element("th", { scope: "col" }, t(`whistles.joint.${key}`))))),
        element("tbody", {}, ...shares.map((one) => element("tr", {}, element("th", { scope: "row" }, typed(one.department)), element("td", {}, formatCount(one.cases)), element("td", {}, formatCount(one.share, 2))))))));
  }

  /** The form of whoever may note one. */
  private offer(here: ActionArea): void {
    this.adding.dataset.area = String(here.id);
    if (!here.notes) {
      this.adding.replaceChildren();
      return;
    }
    const open = button(t("whistles.joint.add"), () => {
      if (this.adding.querySelector("form")) this.offer(here);
      else {
        this.adding.append(this.form(here));
        open.setAttribute("aria-expanded", "true");
        this.adding.querySelector<HTMLElement>("input")?.focus();
      }
    }, { class: "quiet", "aria-expanded": "false" });
    this.adding.replaceChildren(open);
  }

  private form(here: ActionArea): HTMLFormElement {
    const today = new Intl.DateTimeFormat("en-CA", { timeZone: this.zone }).format(new Date());
    const title = element("input", { id: "joint-title", maxlength: 200, required: true, autocomplete: "off" });
    const day = element("input", { id: "joint-day", type: "date", required: true, value: today });
    const departments = element("textarea", { id: "joint-departments", rows: 3, required: true });
    const cases = element("textarea", { id: "joint-cases", rows: 3, required: true, inputmode: "numeric" });
    const row = (key: string, field: HTMLElement) => element("div", {}, element("label", { for: field.id }, t(`whistles.joint.${key}`)), field);
    const form = element("form", { class: "adding" }, row("name", title), row("day", day), row("departments", departments), row("numbers", cases),
      element("p", { class: "ends" }, element("button", { type: "submit" }, t("whistles.joint.note"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const body = {
        division_id: here.id, title: title.value.trim(), day: day.value,
        departments: departments.value.split("\n").map((each) => each.trim()).filter(Boolean), cases: cases.value.split(/[\s,，、;；]+/).filter(Boolean),
      };
      void askService("/api/v1/joint-actions", { body }).then((answer) => {
        if (!answer.ok) {
          this.say("", t("whistles.not_done", { detail: answer.detail }));
          return;
        }
        this.say(t("whistles.joint.noted"), "");
        this.offer(here);
        void this.look();
      });
    });
    return form;
  }
}
