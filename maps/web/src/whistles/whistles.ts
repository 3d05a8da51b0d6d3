/** The page of whistles: which departments are called to which cases, who is late, who came and what came of it; live. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { useZone } from "../case_words.ts";
import { byId, element, typed } from "../dom.ts";
import { hear } from "../hearing.ts";
import { askMode } from "../mode.ts";
import { formatCount, t } from "../words.ts";
import { length, whistleCard, type Whistle, type WhistleGround } from "./calls.ts";
import { JointActions, type ActionArea } from "./joint.ts";

interface WhistlesPage extends CasePage {
  zone: string;
  names: Record<string, string>;
  areas: Record<string, string>;
  actions: ActionArea[];
}

interface Board {
  counts: Record<string, number>;
  whistles: Whistle[];
}

interface Department {
  department: string;
  calls: number;
  reported_in: number;
  on_time: number;
  escalated: number;
  median_s: number | null;
}

/** Events that come together are one change of the page. */
const GATHER_MS = 300;
/** Clocks go on while nothing happens. */
const TICK_MS = 30_000;
const MOST_ENDED = 30;

export async function startWhistles(told: CasePage): Promise<void> {
  const page = told as WhistlesPage;
  useZone(page.zone);
  const joint = new JointActions(byId("joint-place"), page.actions, page.zone, say);
  await Promise.all([new WhistlesView(page).open(), joint.look()]);
}

class WhistlesView {
  private asked = 0;
  private waiting = 0;
  private readonly ground: WhistleGround;
  private readonly fresh = byId<HTMLButtonElement>("fresh");

  constructor({ names, areas }: WhistlesPage) {
    this.ground = {
      names, areas, isOfCase: false,
      answered: (done, whistle) => void this.look().then(() => {
        say(done, "");
        document.querySelector<HTMLElement>(`[data-whistle="${whistle.id}"]`)?.focus({ preventScroll: true });
      }),
      refused: (detail) => say("", t("whistles.not_done", { detail })),
    };
    this.fresh.addEventListener("click", () => void this.look());
    hear(["call", "mode"], (_: unknown, kind) => (kind === "mode" ? void askMode() : this.changed()), () => {
      this.changed();
      void askMode();
    });
    window.setInterval(() => {
      if (document.visibilityState === "visible" && !isAnswering()) void this.look();
    }, TICK_MS);
  }

  async open(): Promise<void> {
    await this.look();
  }

  private changed(): void {
    if (this.waiting) return;
    this.waiting = window.setTimeout(() => {
      this.waiting = 0;
      // Nobody's words are taken from under his hands.
      if (isAnswering()) this.fresh.hidden = false;
      else void this.look();
    }, GATHER_MS);
  }

  private async look(): Promise<void> {
    const turn = ++this.asked;
    const [unfinished, ended, departments] = await Promise.all([
      askService<Board>("/api/v1/whistles", { method: "GET" }),
      askService<Board>(`/api/v1/whistles?unfinished=false&limit=${MOST_ENDED}`, { method: "GET" }),
      askService<Department[]>("/api/v1/whistles/departments", { method: "GET" }),
    ]);
    if (turn !== this.asked || isAnswering()) return; // another was asked for meanwhile, or a form was opened
    for (const answer of [unfinished, ended, departments]) {
      if (answer.ok) continue;
      say("", t("whistles.not_read", { detail: answer.detail }));
      return;
    }
    if (!unfinished.ok || !ended.ok || !departments.ok) return;
    this.fresh.hidden = true;
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-whistle]")?.dataset.whistle;
    for (const [name, n] of Object.entries(unfinished.body.counts)) document.querySelector(`[data-count="${name}"] dd`)!.textContent = formatCount(n);
    document.querySelector('[data-count="late"]')!.classList.toggle("lacking", (unfinished.body.counts.late ?? 0) > 0);
    this.list("unfinished", unfinished.body.whistles);
    this.list("ended", ended.body.whistles);
    byId("departments").replaceChildren(departmentTable(departments.body));
    if (focused !== undefined) document.querySelector<HTMLElement>(`[data-whistle="${focused}"]`)?.focus({ preventScroll: true });
  }

  private list(id: string, whistles: readonly Whistle[]): void {
    byId(id).replaceChildren(...whistles.map((each) => whistleCard(each, this.ground)));
    byId(`no-${id}`).hidden = whistles.length > 0;
  }
}

function departmentTable(departments: readonly Department[]): HTMLElement {
  if (!departments.length) return element("p", { class: "soft" }, t("whistles.no_departments"));
  return element("table", { class: "figures" },
    element("thead", {}, element("tr", {}, ...["department", "median", "calls", "reported_in", "on_time", "escalated"].map((key) => element("th", { scope: "col" }, t(`whistles.figure.${key}`))))),
    element("tbody", {}, ...departments.map((one) => element("tr", {}, element("th", { scope: "row" }, typed(one.department)),
      element("td", {}, one.median_s === null ? t("whistles.figure.nobody") : t("whistles.figure.of_n", { span: length(one.median_s * 1000), n: one.reported_in })),
      element("td", {}, formatCount(one.calls)), element("td", {}, formatCount(one.reported_in)),
      element("td", {}, formatCount(one.on_time)), element("td", {}, formatCount(one.escalated))))));
}

function isAnswering(): boolean {
  return document.querySelector(".answering form") !== null;
}

function say(done: string, fault: string): void {
  byId("said").textContent = done;
  byId("fault").textContent = fault;
}
