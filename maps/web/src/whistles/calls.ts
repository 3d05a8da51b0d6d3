/** A whistle as it is shown: each department that was called with its clock, when it came and what it did, and forms to answer. */
import { askService } from "../asking.ts";
import { moment, span, stateTag, word } from "../case_words.ts";
import { button, element, typed } from "../dom.ts";
import { maskAsTyped } from "../masking.ts";
import { t } from "../words.ts";

export interface Call {
  id: number;
  department: string;
  level: string;
  called_at: string;
  /** By this it is late, whatever an escalation granted. */
  first_due_at: string;
  due_at: string;
  escalations: number;
  reported_in_at: string | null;
  reported_in_note: string | null;
  done_at: string | null;
  done_note: string | null;
  released_at: string | null;
  released_note: string | null;
  may_answer: boolean;
  may_release: boolean;
}

export interface Whistle {
  id: number;
  case: string;
  category_name: string;
  area: string;
  grid: string | null;
  state: string;
  /** The case is open: its calls can be answered. */
  is_open: boolean;
  rating: number | null;
  note: string;
  blown_by: number | null;
  blown_at: string;
  calls: Call[];
}

/** What a page knows of the people and places that whistles name, and what it does once a call was answered. */
export interface WhistleGround {
  /** Names of accounts, of those that the reader is told. */
  names: Record<string, string>;
  areas: Record<string, string>;
  /** On the page of the case itself nothing leads to it. */
  isOfCase: boolean;
  answered: (said: string, whistle: Whistle) => void;
  refused: (detail: string) => void;
}

type Act = "report_in" | "done" | "release";

const ADDRESSES: Record<Act, string> = { report_in: "report-in", done: "done", release: "release" };
const MINUTE_MS = 60_000;
/** So little is left: it is shown as due soon. */
const SOON_MS = 15 * MINUTE_MS;

export function whistleCard(whistle: Whistle, ground: WhistleGround): HTMLElement {
  const place = element("div", { class: "answering" });
  const who = whistle.blown_by === null ? null : typed(ground.names[whistle.blown_by] ?? t("whistles.account", { id: String(whistle.blown_by) }));
  return element("li", { class: "whistle", "data-whistle": whistle.id, tabindex: -1 },
    ground.isOfCase ? null : element("h3", {}, element("a", { href: `/cases/${whistle.case}` }, whistle.category_name, " ", element("span", { class: "number" }, whistle.case)), " ", stateTag(whistle.state)),
    ground.isOfCase ? null : element("p", { class: "soft" }, typed(ground.areas[whistle.area] ?? whistle.area), whistle.grid ? ` · ${t("whistles.grid", { grid: whistle.grid })}` : ""),
    element("p", {}, t("whistles.blown", { at: moment(whistle.blown_at) }), ...(who ? [" · ", t("whistles.by"), who] : [])),
    whistle.note ? element("p", { class: "text" }, typed(whistle.note)) : null,
    element("table", { class: "calls" },
      element("caption", { class: "away" }, t("whistles.calls", { number: whistle.case })),
      element("thead", {}, element("tr", {}, ...["department", "clock", "came", "result"].map((key) => element("th", { scope: "col" }, t(`whistles.head.${key}`))))),
      element("tbody", {}, ...whistle.calls.map((call) => callRow(call, whistle, place, ground)))),
    whistle.rating === null ? null : element("p", { class: "rated" }, t("whistles.rating", { n: whistle.rating })),
    place);
}

function callRow(call: Call, whistle: Whistle, place: HTMLElement, ground: WhistleGround): HTMLElement {
  const cell = (key: string, ...children: (Node | string | null)[]) => element("td", { "data-head": t(`whistles.head.${key}`) }, ...children);
  const note = (text: string | null) => (text ? element("span", { class: "note" }, typed(text)) : null);
  const clock = clockOf(call, whistle.is_open);
  return element("tr", { "data-call": call.id },
    element("th", { scope: "row" }, typed(call.department)),
    cell("clock", element("b", { class: clock.tone }, clock.text),
      element("span", { class: "soft" }, t("whistles.due", { at: moment(call.first_due_at) })),
      call.escalations ? element("span", { class: "soon" }, t("whistles.escalated", { n: call.escalations, level: word("level", call.level), at: moment(call.due_at) })) : null),
    cell("came", ...(call.reported_in_at === null ? ["–"] : [
      element("time", { datetime: call.reported_in_at }, moment(call.reported_in_at)),
      element("span", { class: "soft" }, t("whistles.took", { span: length(Date.parse(call.reported_in_at) - Date.parse(call.called_at)) })), note(call.reported_in_note)])),
    cell("result", ...resultOf(call, note), element("span", { class: "does" }, ...actsOf(call, whistle).map((act) => button(t(`whistles.act.${act}`), () => ask(act, call, place, ground),
      { class: act === "release" ? "quiet" : "", "aria-label": `${t(`whistles.act.${act}`)} ${call.department}`, "data-act": act })))));
}

function resultOf(call: Call, note: (text: string | null) => HTMLElement | null): (Node | string | null)[] {
  if (call.done_at !== null) return [element("span", {}, t("whistles.done", { at: moment(call.done_at) })), note(call.done_note)];
  if (call.released_at !== null) return [element("span", {}, t("whistles.released", { at: moment(call.released_at) })), note(call.released_note)];
  return [element("span", { class: "soft" }, t(call.reported_in_at === null ? "whistles.not_come" : "whistles.at_work"))];
}

/** How the clock of a call stands: against when the department came, or now. */
function clockOf(call: Call, isOpen: boolean): { text: string; tone: string } {
  const left = Date.parse(call.first_due_at) - (call.reported_in_at === null ? Date.now() : Date.parse(call.reported_in_at));
  if (call.reported_in_at !== null) return left < 0 ? { text: t("whistles.came_late", { span: length(-left) }), tone: "late" } : { text: t("whistles.came_on_time"), tone: "calm" };
  if (call.released_at !== null) return { text: t("whistles.stopped"), tone: "none" };
  if (!isOpen) return { text: t("whistles.case_ended"), tone: "none" };
  if (left < 0) return { text: t("whistles.late_by", { span: length(-left) }), tone: "late" };
  return { text: t("whistles.left", { span: length(left) }), tone: left < SOON_MS ? "soon" : "calm" };
}

function actsOf(call: Call, whistle: Whistle): Act[] {
  if (!whistle.is_open || call.done_at !== null || call.released_at !== null) return [];
  const own: Act[] = call.may_answer ? [call.reported_in_at === null ? "report_in" : "done"] : [];
  return call.may_release ? [...own, "release"] : own;
}

function ask(act: Act, call: Call, place: HTMLElement, ground: WhistleGround): void {
  const note = element("textarea", { id: `answer-${call.id}`, rows: 2, maxlength: 500, required: true });
  maskAsTyped(note, () => undefined);
  const go = element("button", { type: "submit" }, t(`whistles.act.${act}`));
  const form = element("form", { "data-answer": act },
    element("div", {}, element("label", { for: note.id }, t(`whistles.say.${act}`), " ", typed(call.department)), note),
    element("p", { class: "ends" }, go, button(t("whistles.leave"), () => place.replaceChildren(), { class: "quiet" })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.disabled = true;
    void askService<Whistle>(`/api/v1/whistle-calls/${call.id}/${ADDRESSES[act]}`, { body: { note: note.value.trim() } }).then((answer) => {
      go.disabled = false;
      if (!answer.ok) {
        ground.refused(answer.detail);
        return;
      }
      form.remove();
      ground.answered(t(`whistles.answered.${act}`, { department: call.department }), answer.body);
    });
  });
  place.replaceChildren(form);
  note.focus();
}

/** A span of time; what is under a minute is not nothing. */
export function length(ms: number): string {
  return ms < MINUTE_MS ? t("whistles.under_minute") : span(ms);
}
