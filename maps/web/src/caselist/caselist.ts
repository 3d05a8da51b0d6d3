/** The list of cases: filters in the address, pages, and one row at a time by keyboard. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import type { CaseCount, CaseFeature, CasePageBody, Category } from "../case_schema.ts";
import { dueWords, isOpen, moment, stateTag, useZone, word } from "../case_words.ts";
import { classOptions } from "../class_options.ts";
import { byId, element, typed } from "../dom.ts";
import { hear } from "../hearing.ts";
import { tellIgnored } from "../ignored.ts";
import { askMode } from "../mode.ts";
import { t } from "../words.ts";
import { addressOf, countOf, type Filters, type Knows, queryOf, understood, VIEWS } from "./filters.ts";

interface ListPage extends CasePage {
  zone: string;
  categories: Pick<Category, "code" | "large_name" | "small_name">[];
  communities: { id: number; name: string }[];
  /** Not, where they are too many to be chosen from. */
  has_all_communities: boolean;
  /** Names of all areas that the reader knows, by code. */
  areas: Record<string, string>;
}

/** Events that come together are one change of the list. */
const GATHER_MS = 1500;

export async function startCaseList(told: CasePage): Promise<void> {
  const page = told as ListPage;
  useZone(page.zone);
  await new CaseList(page).open();
}

class CaseList {
  private readonly form = byId<HTMLFormElement>("filters");
  private readonly body = byId<HTMLTableSectionElement>("rows");
  private readonly said = byId("said");
  private readonly fresh = byId<HTMLButtonElement>("fresh");
  private readonly back = byId<HTMLButtonElement>("back");
  private readonly onward = byId<HTMLButtonElement>("onward");
  private filters: Filters;
  /** Addresses of the pages up to this one. */
  private trail: string[] = [];
  private next: string | null = null;
  private asked = 0;
  /** How many cases the filters leave: as the service words it, once it has counted. */
  private total = "";
  private shown = 0;
  /** The cases of the page as the service told them. */
  private told = "";

  constructor(private readonly page: ListPage) {
    this.fill(page);
    this.filters = this.read();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.choose({});
    });
    this.form.addEventListener("change", () => void this.choose({}));
    for (const view of Array.from(document.querySelectorAll<HTMLButtonElement>("[data-view]")))
      view.addEventListener("click", () => void this.choose({ view: view.dataset.view as Filters["view"] }));
    this.back.addEventListener("click", () => void this.turn(-1));
    this.onward.addEventListener("click", () => void this.turn(1));
    this.fresh.addEventListener("click", () => void this.look());
    document.addEventListener("keydown", (event) => this.press(event));
    window.addEventListener("popstate", () => {
      this.filters = this.read();
      void this.open();
    });
    this.listen();
  }

  async open(): Promise<void> {
    this.show();
    this.trail = [addressOf(this.filters)];
    await this.look();
  }

  /** What of the cases the address of the page asks for; what it says beyond that is told. */
  private read(): Filters {
    const knows: Knows = (name, value) =>
      name === "community" && !this.page.has_all_communities
        ? /^[1-9]\d{0,17}$/.test(value)
        : Array.from(byId<HTMLSelectElement>(name).options).some((option) => option.value === value);
    const { filters, ignored } = understood(location.search, knows);
    tellIgnored(byId("ignored"), ignored);
    return filters;
  }

  private async choose(changed: Partial<Filters>): Promise<void> {
    const fields = Object.fromEntries(Array.from(new FormData(this.form)).map(([name, value]) => [name, String(value).trim()]));
    this.filters = { ...this.filters, ...fields, ...changed };
    const query = queryOf(this.filters);
    // Enter in a field is told twice, as a change and as a submission.
    if (query === location.search) return;
    history.pushState(null, "", `${location.pathname}${query}`);
    tellIgnored(byId("ignored"), []);
    await this.open();
  }

  private async turn(by: 1 | -1): Promise<void> {
    if (by === 1 && this.next) this.trail.push(this.next);
    else if (by === -1 && this.trail.length > 1) this.trail.pop();
    else return;
    await this.look();
    this.body.querySelector<HTMLElement>("a")?.focus();
  }

  /** Read the page that the trail leads to. */
  private async look(): Promise<void> {
    const turn = ++this.asked;
    const answer = await askService<CasePageBody>(this.trail[this.trail.length - 1]!, { method: "GET" });
    if (turn !== this.asked) return; // another was asked for meanwhile
    this.fresh.hidden = true;
    if (!answer.ok) {
      this.said.textContent = t("cases.not_read", { detail: answer.detail });
      return;
    }
    this.next = answer.body.next;
    this.told = JSON.stringify(answer.body.features);
    this.body.replaceChildren(...answer.body.features.map((each, i) => this.row(each, i)));
    this.shown = answer.body.features.length;
    if (this.trail.length === 1 || !this.total) void this.count(this.filters);
    this.sayShown();
    this.back.disabled = this.trail.length === 1;
    this.onward.disabled = this.next === null;
  }

  /** Ask how many cases there are on all pages; where these are all on the first, they are those. */
  private async count(filters: Filters): Promise<void> {
    const isAll = this.next === null && this.trail.length === 1;
    this.total = isAll ? t("cases.total", { count: this.shown }) : "";
    if (isAll) return;
    const answer = await askService<CaseCount>(countOf(filters), { method: "GET" });
    if (filters !== this.filters || !answer.ok) return;
    const { count, most } = answer.body;
    this.total = t(count < most ? "cases.total" : "cases.total_more", { count });
    this.sayShown();
  }

  private sayShown(): void {
    const { shown: count, total } = this;
    this.said.textContent = count ? t("cases.page_of", { page: this.trail.length, count }) + total : t("cases.none");
  }

  /** Say so where the page would not be the same any more. */
  private async compare(): Promise<void> {
    const turn = this.asked;
    const answer = await askService<CasePageBody>(this.trail[this.trail.length - 1]!, { method: "GET" });
    if (turn === this.asked && answer.ok && JSON.stringify(answer.body.features) !== this.told) this.fresh.hidden = false;
  }

  private row({ properties: one }: CaseFeature, place: number): HTMLTableRowElement {
    const due = dueWords(one.due_at, one.handled_at, isOpen(one.state));
    const where = one.address ?? one.grid ?? "";
    const community = this.page.areas[one.area] ?? one.area;
    const cell = (label: string, name: string, ...children: (Node | string)[]) =>
      element("td", { class: name, "data-label": t(`cases.head.${label}`) }, ...children);
    return element("tr", {},
      element("th", { scope: "row", class: "c-number" },
        element("a", { href: `/cases/${one.number}`, tabindex: place === 0 ? 0 : -1 },
          element("span", { class: "lead" }, one.number.slice(0, 12)), element("b", {}, one.number.slice(12)))),
      cell("category", "c-what", element("b", {}, one.category_name), " ", element("span", { class: "soft" }, typed(one.text))),
      cell("place", "c-where", typed(community), where ? element("span", { class: "soft" }, " ", typed(where)) : "",
        one.choices.length ? element("span", { class: "question" }, t("cases.question_short")) : ""),
      cell("state", "c-state", stateTag(one.state)),
      cell("due", `c-due ${due.tone}`, due.text),
      cell("holder", "c-holder", one.holder ? typed(one.holder) : "–"),
      cell("channel", "c-channel", word("channel", one.channel)),
      cell("reported", "c-at", moment(one.reported_at)));
  }

  private fill(page: ListPage): void {
    byId("category").append(...classOptions(page.categories));
    for (const { id, name } of page.communities) byId("community").append(element("option", { value: id }, name));
  }

  /** Bring the form and the views to the filters. */
  private show(): void {
    for (const name of ["state", "category", "community", "channel", "order", "number"] as const) {
      const field = this.form.elements.namedItem(name) as HTMLSelectElement | HTMLInputElement;
      field.value = this.filters[name];
    }
    for (const view of Array.from(document.querySelectorAll<HTMLButtonElement>("[data-view]")))
      view.setAttribute("aria-pressed", String(view.dataset.view === this.filters.view));
    document.title = `${t(`cases.view.${this.filters.view}`)} · ${t("cases.title")}`;
  }

  private press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const view = VIEWS[Number(event.key) - 1];
    if (view) void this.choose({ view });
    else if (event.key === "/") byId("number").focus();
    else if (event.key === "j" || event.key === "ArrowDown") this.walk(1);
    else if (event.key === "k" || event.key === "ArrowUp") this.walk(-1);
    else if (event.key === "]") void this.turn(1);
    else if (event.key === "[") void this.turn(-1);
    else if (event.key === "r") void this.look();
    else return;
    event.preventDefault();
  }

  private walk(by: 1 | -1): void {
    const links = Array.from(this.body.querySelectorAll<HTMLAnchorElement>("th a"));
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    const to = links[at < 0 ? (by === 1 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
    if (!to) return;
    for (const link of links) link.tabIndex = link === to ? 0 : -1;
    to.focus();
  }

  /** Say that the list is not of this moment any more; it changes under nobody's hands. */
  private listen(): void {
    let waiting = 0;
    const changed = () => {
      if (waiting) return;
      waiting = window.setTimeout(() => {
        waiting = 0;
        this.fresh.hidden = false;
      }, GATHER_MS);
    };
    hear(["case", "case.imported", "mode"], (_: unknown, kind) => (kind === "mode" ? void askMode() : changed()), () => {
      void this.compare();
      void askMode();
    });
  }
}
