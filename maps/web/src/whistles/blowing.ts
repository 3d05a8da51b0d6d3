/** Blow a whistle from the page of a case: which departments are to come, from which level on, and until when. */
import { askService } from "../asking.ts";
import { word } from "../case_words.ts";
import { button, element } from "../dom.ts";
import { maskAsTyped } from "../masking.ts";
import { t } from "../words.ts";

export interface Level {
  level: string;
  /** What a department has to come. */
  minutes: number;
}

const MOST_CALLS = 20;

/** A form behind a button; departments that are known are offered. */
export function whistleForm(number: string, levels: readonly Level[], departments: readonly string[], blown: () => void, refused: (detail: string) => void): HTMLElement {
  const place = element("div", {});
  const open = button(t("whistles.blow"), () => {
    if (place.firstChild) {
      place.replaceChildren();
      open.setAttribute("aria-expanded", "false");
      return;
    }
    place.replaceChildren(formOf(number, levels, departments, blown, refused));
    open.setAttribute("aria-expanded", "true");
    place.querySelector<HTMLElement>("input")?.focus();
  }, { "aria-expanded": "false", id: "blow", class: "quiet" });
  return element("div", { class: "blowing" }, open, place);
}

function formOf(number: string, levels: readonly Level[], departments: readonly string[], blown: () => void, refused: (detail: string) => void): HTMLFormElement {
  const rows = element("div", { class: "rows" });
  const further = button(t("whistles.further_department"), () => {
    addRow();
    rows.querySelector<HTMLElement>("fieldset:last-child input")?.focus();
  }, { class: "quiet" });
  let made = 0;
  const addRow = () => {
    const n = ++made;
    const row = element("fieldset", {}, element("legend", { class: "away" }, t("whistles.nth", { n })),
      element("div", {}, element("label", { for: `called-${n}` }, t("whistles.department")),
        element("input", { id: `called-${n}`, name: "department", list: "departments-known", required: true, maxlength: 200, autocomplete: "off" })),
      element("div", {}, element("label", { for: `within-${n}` }, t("whistles.minutes")),
        element("input", { id: `within-${n}`, name: "minutes", type: "number", min: 1, max: 10080 })));
    if (n > 1) row.append(button(t("whistles.drop"), () => {
      row.remove();
      further.hidden = false;
      rows.querySelector<HTMLElement>("fieldset:last-child input")?.focus();
    }, { class: "quiet", "aria-label": `${t("whistles.drop")} ${t("whistles.nth", { n })}` }));
    rows.append(row);
    further.hidden = rows.childElementCount >= MOST_CALLS;
  };
  addRow();
  const level = element("select", { id: "whistle-level" }, ...levels.map((each) =>
    element("option", { value: each.level, selected: each.level === "community" }, t("whistles.level_minutes", { level: word("level", each.level), n: each.minutes }))));
  const note = element("textarea", { id: "whistle-note", rows: 2, maxlength: 500 });
  maskAsTyped(note, () => undefined);
  const go = element("button", { type: "submit", class: "main" }, t("whistles.blow_now"));
  const form = element("form", { id: "whistle-form" },
    element("datalist", { id: "departments-known" }, ...departments.map((each) => element("option", { value: each }))),
    rows, further,
    element("div", {}, element("label", { for: level.id }, t("whistles.level")), level),
    element("div", {}, element("label", { for: note.id }, t("whistles.why")), note),
    element("p", { class: "ends" }, go));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const calls = Array.from(rows.querySelectorAll("fieldset")).map((row) => {
      const value = (name: string) => row.querySelector<HTMLInputElement>(`[name="${name}"]`)?.value.trim() ?? "";
      return { department: value("department"), minutes: value("minutes") ? Number(value("minutes")) : null };
    });
    go.disabled = true;
    void askService(`/api/v1/cases/${number}/whistles`, { body: { level: level.value, note: note.value.trim(), calls } }).then((answer) => {
      go.disabled = false;
      if (answer.ok) blown();
      else refused(answer.detail);
    });
  });
  return form;
}
