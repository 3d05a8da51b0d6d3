/** The steps that the reader may take now, as forms: what each asks for follows from the table of steps. */
import type { AllowedStep, CaseAccount, CaseProperties, Category } from "../case_schema.ts";
import { word } from "../case_words.ts";
import { classOptions } from "../class_options.ts";
import { button, element, typed } from "../dom.ts";
import { maskAsTyped } from "../masking.ts";
import { t } from "../words.ts";
import type { Begun } from "./begun.ts";

export interface FormGround {
  case: CaseProperties;
  account: CaseAccount;
  categories: Category[];
}

export type Taken = { step: string } & Record<string, string | number>;

/** Takes a step; what refuses it, or null. */
export type Send = (taken: Taken, written: Record<string, string>) => Promise<(Node | string)[] | null>;

/** Most steps lead on; these turn aside and stand behind them. */
const ASIDE = new Set(["refuse", "mark_duplicate", "transfer", "return", "park", "ask", "classify", "note", "request_extension", "request_parking", "refuse_request", "extend", "reopen", "reject", "reject_settled", "disapprove"]);
/** Fields that are typed; the others are chosen. */
const TYPED = ["to", "of", "grid", "note"] as const;
const OUTCOMES = ["satisfied", "unsatisfied", "unreachable"];
/** Beside what the table says that they need. */
const OPTIONAL: Record<string, readonly string[]> = { visit: ["rating"], classify: ["condition"] };

let ids = 0;

/**
 * Buttons of the steps, each of which opens its form, the one that was begun at once; the question of place has a part of its own.
 * Where the step that was begun is no longer allowed, what was typed for it is shown, to be copied.
 */
export function stepForms(allowed: readonly AllowedStep[], ground: FormGround, send: Send, begun: Begun | null = null): HTMLElement {
  const place = element("div", { class: "step-form", "aria-live": "polite" });
  const open = (step: AllowedStep, by: HTMLButtonElement) => {
    for (const each of Array.from(box.querySelectorAll<HTMLButtonElement>("[aria-expanded]"))) each.setAttribute("aria-expanded", String(each === by));
    place.replaceChildren(formOf(step, ground, send));
    place.querySelector<HTMLElement>("input, select, textarea, button")?.focus();
  };
  const choice = (step: AllowedStep, name: string) => {
    const made = button(word("step", step.step), () => open(step, made), { class: name, "aria-expanded": "false", "data-step": step.step });
    return made;
  };
  const shown = allowed.filter(({ step }) => step !== "place" || ground.case.choices.length === 0);
  const onward = shown.filter(({ step, is_exception }) => !ASIDE.has(step) && !is_exception && step !== "place");
  const aside = shown.filter((step) => !onward.includes(step));
  const box = element("div", { class: "steps" },
    onward.length ? element("p", { class: "onward" }, ...onward.map((step, i) => choice(step, i === 0 ? "main" : "quiet"))) : null,
    aside.length ? element("p", { class: "aside" }, ...aside.map((step) => choice(step, "quiet"))) : null,
    place);
  const goesOn = shown.find(({ step }) => step === begun?.step);
  if (begun && goesOn) {
    place.replaceChildren(formOf(goesOn, ground, send));
    fillIn(place.querySelector("form")!, begun.written);
    box.querySelector(`[data-step="${goesOn.step}"]`)?.setAttribute("aria-expanded", "true");
  }
  const ways = shown.length ? box : element("p", { class: "soft" }, t("casefile.no_steps"));
  return begun && !goesOn ? element("div", {}, leftOver(begun), ways) : ways;
}

function leftOver({ step, written }: Begun): HTMLElement | null {
  const kept = TYPED.filter((name) => written[name]);
  if (!kept.length) return null;
  return element("div", { class: "left-over" }, element("p", {}, t("casefile.left_over", { step: word("step", step) })),
    element("dl", { class: "facts" }, ...kept.flatMap((name) => [element("dt", {}, t(`casefile.field.${name}`)), element("dd", {}, typed(written[name]!))])));
}

function fillIn(form: HTMLFormElement, written: Record<string, string>): void {
  for (const [name, value] of Object.entries(written)) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = value;
  }
}

function formOf(step: AllowedStep, ground: FormGround, send: Send): HTMLFormElement {
  const fields = [...step.needs, ...(OPTIONAL[step.step] ?? []), ...(step.needs.includes("note") ? [] : ["note"])];
  const said = element("p", { class: "refused", role: "alert" });
  const go = element("button", { type: "submit", class: "main" }, word("step", step.step));
  const form = element("form", { "data-form": step.step },
    element("h3", {}, word("step", step.step), step.is_exception ? element("span", { class: "exception" }, t("casefile.exception")) : null),
    ...fields.map((name) => field(name, step, ground)),
    said, element("p", { class: "ends" }, go));
  let asked = "";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const each of Array.from(form.querySelectorAll("textarea"))) each.dispatchEvent(new Event("blur"));
    const taken: Taken = { step: step.step };
    const written: Record<string, string> = {};
    for (const [name, value] of Array.from(new FormData(form))) {
      const text = (written[name] = String(value).trim());
      if (text) taken[name] = name === "rating" || name === "condition" ? Number(text) : name === "until" ? new Date(text).toISOString() : text;
    }
    // Asked once of each: a department may be told of the case by other ways.
    if (taken.to && taken.to !== asked && isOfNobody(String(taken.to), ground.account.departments)) {
      asked = String(taken.to);
      said.textContent = t("casefile.of_nobody", { to: asked, step: word("step", step.step) });
      return;
    }
    go.disabled = true;
    said.textContent = "";
    void send(taken, written).then((refused) => {
      go.disabled = false;
      if (refused) said.replaceChildren(...refused);
    });
  });
  return form;
}

/** Whether no handler acts for a department; who does is known to those who send cases on. */
function isOfNobody(department: string, handled: readonly string[]): boolean {
  return handled.length > 0 && !handled.includes(department);
}

function field(name: string, step: AllowedStep, ground: FormGround): HTMLElement | null {
  const isNeeded = step.needs.includes(name);
  const id = `field-${++ids}`;
  const label = (text: string) => element("label", { for: id }, text, isNeeded ? null : element("span", { class: "soft" }, t("casefile.optional")));
  const choices = (field: string, options: readonly [string, string][], isRequired = isNeeded) =>
    element("select", { id, name: field, required: isRequired }, element("option", { value: "" }, t("casefile.choose")),
      ...options.map(([value, said]) => element("option", { value }, said)));
  const row = (text: string, ...inputs: (Node | null)[]) => element("div", { class: "field" }, label(text), ...inputs);
  switch (name) {
    case "note": {
      const area = element("textarea", { id, name, rows: 3, maxlength: 500, required: isNeeded });
      const masked = element("span", { class: "hint", role: "status" });
      maskAsTyped(area, () => (masked.textContent = t("casefile.masked")));
      return row(t("casefile.field.note"), area, masked);
    }
    case "reason":
      return row(t("casefile.field.reason"), choices("reason", step.reasons.map((code) => [code, word("reason", code)] as [string, string])));
    case "visit_or_reason":
      if (ground.case.visit && ground.case.visit !== "unreachable") return null;
      return element("div", { class: "field" }, element("label", { for: id }, t("casefile.field.no_visit")),
        choices("reason", step.reasons.map((code) => [code, word("reason", code)] as [string, string]), true));
    case "outcome":
      return element("fieldset", { class: "field" }, element("legend", {}, t("casefile.field.outcome")),
        ...OUTCOMES.map((code) => element("label", { class: "radio" }, element("input", { type: "radio", name: "outcome", value: code, required: true }), word("outcome", code))));
    case "rating":
      return row(t("casefile.field.rating"), choices("rating", [5, 4, 3, 2, 1].map((n) => [String(n), t("casefile.stars", { n })] as [string, string])));
    case "to": {
      const list = `${id}-known`;
      const known = new Set([...ground.account.departments, ...ground.case.receivers]);
      return row(t("casefile.field.to"), element("input", { id, name, list, required: true, maxlength: 200, autocomplete: "off" }),
        element("datalist", { id: list }, ...Array.from(known).map((each) => element("option", { value: each }))));
    }
    case "of":
      return row(t("casefile.field.of"), element("input", { id, name, required: true, pattern: "[0-9]{19}", inputmode: "numeric", autocomplete: "off" }));
    case "until":
      return row(t("casefile.field.until"), element("input", { id, name, type: "datetime-local", required: true }));
    case "category":
      return row(t("casefile.field.category"), element("select", { id, name, required: true }, ...classOptions(ground.categories, ground.case.category)));
    case "condition":
      return row(t("casefile.field.condition"), element("input", { id, name, type: "number", min: 1, max: 1000 }));
    case "grid":
      return row(t("casefile.field.grid"), element("input", { id, name, required: true, maxlength: 64, autocomplete: "off" }));
    default:
      return null; // what follows from the case itself: due, grace, held, requested, unrated
  }
}
