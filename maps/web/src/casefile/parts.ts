/** The parts of a case as they are read: stages, clocks with their sum, who held it, and its log. */
import type { CaseAccount, CaseDetail, LoggedStep } from "../case_schema.ts";
import { dueWords, isOpen, moment, shortMoment, span, timeElement, word } from "../case_words.ts";
import { element, typed } from "../dom.ts";
import { t } from "../words.ts";

/** The seven stages, the current one marked, with its clock in it. */
export function stageBar(account: CaseAccount, state: string): HTMLElement {
  return element("ol", { class: "stages", "aria-label": t("casefile.stages") },
    ...account.stages.map((stage) => {
      const isNow = stage.standing === "current";
      return element("li", { class: stage.standing, "aria-current": isNow ? "step" : undefined },
        element("b", {}, word("stage", stage.name)),
        element("span", { class: "at" },
          isNow ? word("state", state) : stage.standing === "ahead" || stage.standing === "dropped" ? "" : stage.at ? shortMoment(stage.at) : "",
          stage.standing === "passed_over" ? ` ${word("standing", "passed_over")}` : ""),
        element("span", { class: "away" }, isNow ? "" : word("standing", stage.standing)));
    }));
}

export function clocks(account: CaseAccount, state: string): HTMLElement {
  const open = isOpen(state);
  const clock = (name: string, dueAt: string | null, metAt: string | null, isRunning: boolean, limit: string | null) => {
    const due = dueWords(dueAt, metAt, isRunning);
    return element("div", { class: `clock ${account.stands_still && name === "resolution" ? "still" : due.tone}`, "data-clock": name },
      element("dt", {}, t(`casefile.clock.${name}`)),
      element("dd", {}, element("b", {}, name === "resolution" && account.stands_still ? t("casefile.clock.still", { why: account.stands_still }) : due.text),
        element("span", { class: "soft" }, [limit, dueAt ? t("casefile.clock.until", { at: moment(dueAt) }) : ""].filter(Boolean).join(" · "))));
  };
  return element("dl", { class: "clocks" },
    clock("response", account.response.due_at, account.response.met_at, open && !account.response.met_at, null),
    clock("resolution", account.resolution.due_at, account.resolution.met_at, open, account.resolution.limit));
}

/** Why this deadline: the sum, line by line. */
export function whyThisDeadline(account: CaseAccount): HTMLElement | null {
  if (!account.why.length) return null;
  return element("details", { class: "why" }, element("summary", {}, t("casefile.why")),
    element("ol", {}, ...account.why.map((line) => element("li", {}, line))),
    account.agrees ? null : element("p", { class: "refused" }, t("casefile.why_differs")));
}

export function heldBy(account: CaseAccount): HTMLElement {
  return element("table", { class: "held" },
    element("caption", {}, t("casefile.held.title")),
    element("thead", {}, element("tr", {}, ...["party", "held", "counted"].map((key) =>
      element("th", { scope: "col" }, key === "counted" ? t("casefile.held.counted", { clock: word("clock_name", account.clock) }) : t(`casefile.held.${key}`))))),
    element("tbody", {}, ...account.held.map((one) =>
      element("tr", {}, element("th", { scope: "row" }, word("party", one.party), one.holder ? element("span", { class: "soft" }, " ", typed(one.holder)) : null),
        element("td", {}, span(one.held_s * 1000)), element("td", {}, one.counted_s === null ? "–" : span(one.counted_s * 1000))))));
}

/** The first receiver and every hand-over after it. */
export function handOvers(receivers: readonly string[]): HTMLElement | null {
  if (!receivers.length) return null;
  return element("p", { class: "receivers" }, element("span", { class: "soft" }, t("casefile.first_receiver")), " ",
    ...receivers.flatMap((name, i) => [i ? " → " : "", i ? typed(name) : element("b", {}, typed(name))]));
}

export function logOf(detail: CaseDetail): HTMLElement {
  return element("ol", { class: "log" }, ...detail.log.map((entry) => element("li", {},
    element("p", { class: "when" }, timeElement(entry.at), entry.by ? element("span", { class: "soft" }, " ", typed(entry.by)) : null),
    element("p", {}, element("b", {}, word("step", entry.step)), " ", ...said(entry)))));
}

function said({ body, step }: LoggedStep): (Node | string)[] {
  const told: (Node | string)[] = [];
  const add = (...parts: (Node | string)[]) => told.push(element("span", { class: "said" }, ...parts));
  const text = (key: string) => (typeof body[key] === "string" ? (body[key] as string) : "");
  if (text("to")) add(t("casefile.log.to"), typed(text("to")));
  if (typeof body.rule === "number") add(t("casefile.log.rule", { n: body.rule }));
  if (text("department")) add(t("casefile.log.department"), typed(text("department")));
  if (text("level")) add(t("casefile.log.level"), word("level", text("level")));
  if (text("of")) add(t("casefile.log.of"), element("a", { href: `/cases/${text("of")}` }, text("of")));
  if (text("reason")) add(t("casefile.log.reason"), word("reason", text("reason")));
  if (text("outcome")) add(t("casefile.log.outcome"), word("outcome", text("outcome")));
  if (typeof body.rating === "number") add(t("casefile.stars", { n: body.rating }));
  if (text("until")) add(t(step === "whistle" ? "casefile.log.report_by" : "casefile.log.until"), moment(text("until")));
  if (text("due_at")) add(t("casefile.log.due"), moment(text("due_at")));
  if (step !== "report" && step !== "collect" && text("grid")) add(t("casefile.log.grid"), typed(text("grid")));
  if (text("note")) add(t("casefile.log.note"), typed(text("note")));
  return told;
}
