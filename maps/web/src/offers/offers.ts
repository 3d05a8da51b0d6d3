/** The board of offers: what is open, claimed, done and rated; teams claim and give back, and everybody sees it at once. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { moment, span, useZone, word } from "../case_words.ts";
import { button, byId, element, typed } from "../dom.ts";
import { hear } from "../hearing.ts";
import { maskAsTyped } from "../masking.ts";
import { askMode } from "../mode.ts";
import { formatCount, t } from "../words.ts";

interface OffersPage extends CasePage {
  zone: string;
  /** Teams for which the reader claims. */
  teams: string[];
  areas: Record<string, string>;
  classes: Record<string, string>;
  sees_cases: boolean;
  dispatches: boolean;
  /** Why a team may give back. */
  reasons: string[];
}

interface Offer {
  id: number;
  case: string;
  area: string;
  category: string;
  text: string;
  grid: string | null;
  claim_hours: number;
  offered_at: string;
  column: string;
  team: string | null;
  lapses_at: string | null;
  lapsed: number;
  rating: number | null;
}

interface Board {
  counts: Record<string, number>;
  offers: Offer[];
}

/** Events that come together are one change of the board. */
const GATHER_MS = 300;
/** Of what is over, the last ones are shown. */
const MOST_ENDED = 30;
const ENDED = new Set(["done", "rated", "withdrawn"]);

export async function startOffers(told: CasePage): Promise<void> {
  const page = told as OffersPage;
  useZone(page.zone);
  await new BoardView(page).open();
}

class BoardView {
  private asked = 0;
  private waiting = 0;
  private readonly board = byId("board");
  private readonly fresh = byId<HTMLButtonElement>("fresh");

  constructor(private readonly page: OffersPage) {
    this.fresh.addEventListener("click", () => void this.look());
    document.querySelector<HTMLFormElement>("#offer")?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.offer(event.target as HTMLFormElement);
    });
    hear(["offer", "case", "mode"], (_: unknown, kind) => (kind === "mode" ? void askMode() : this.changed()), () => {
      this.changed();
      void askMode();
    });
  }

  async open(): Promise<void> {
    await this.look();
  }

  private changed(): void {
    if (this.waiting) return;
    this.waiting = window.setTimeout(() => {
      this.waiting = 0;
      // Nobody's words are taken from under his hands.
      if (this.board.querySelector("form")) this.fresh.hidden = false;
      else void this.look();
    }, GATHER_MS);
  }

  private async look(): Promise<void> {
    const turn = ++this.asked;
    const answer = await askService<Board>("/api/v1/offers", { method: "GET" });
    if (turn !== this.asked) return; // another was asked for meanwhile
    if (!answer.ok) {
      this.say("", t("offers.not_read", { detail: answer.detail }));
      return;
    }
    this.fresh.hidden = true;
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-offer]")?.dataset.offer;
    for (const column of Array.from(this.board.querySelectorAll<HTMLElement>("[data-column]"))) this.show(column, answer.body);
    if (focused !== undefined) this.focus(Number(focused));
  }

  private show(column: HTMLElement, told: Board): void {
    const name = column.dataset.column ?? "";
    const all = told.offers.filter((each) => each.column === name);
    // What waits the longest stands first; of what is over, what came last.
    const shown = ENDED.has(name) ? all.slice(-MOST_ENDED).reverse() : all;
    column.querySelector(".count")!.textContent = formatCount(told.counts[name] ?? 0);
    column.querySelector("ul")!.replaceChildren(...shown.map((each) => this.card(each)));
    const none = column.querySelector<HTMLElement>(".none")!;
    none.hidden = shown.length > 0 && shown.length === all.length;
    none.textContent = shown.length ? t("offers.further", { n: all.length - shown.length }) : t(`offers.none.${name}`);
    column.hidden = name === "withdrawn" && !all.length;
  }

  private card(offer: Offer): HTMLElement {
    const isOwn = offer.team !== null && this.page.teams.includes(offer.team);
    const left = offer.lapses_at ? Date.parse(offer.lapses_at) - Date.now() : 0;
    const place = element("div", {});
    return element("li", { class: "card", "data-offer": offer.id, tabindex: -1 },
      element("h3", {}, this.page.classes[offer.category] ?? offer.category),
      offer.text ? element("p", { class: "text" }, typed(offer.text)) : null,
      element("p", { class: "soft" }, typed(this.page.areas[offer.area] ?? offer.area), offer.grid ? ` · ${t("offers.grid", { grid: offer.grid })}` : ""),
      element("p", { class: "soft" }, t("offers.offered", { at: moment(offer.offered_at) })),
      offer.column === "open" ? element("p", { class: "soft" }, t("offers.claim_hours", { n: offer.claim_hours })) : null,
      offer.lapsed ? element("p", { class: "soon" }, t("offers.lapsed", { n: offer.lapsed })) : null,
      offer.team !== null && offer.column !== "open" ? element("p", {}, t("offers.team"), " ", typed(offer.team)) : null,
      offer.column === "claimed" && offer.lapses_at
        ? element("p", { class: left > 0 ? "" : "late" }, left > 0 ? t("offers.left", { span: span(left) }) : t("offers.lapsing")) : null,
      offer.rating === null ? null : element("p", { class: "rated" }, t("offers.rating", { n: offer.rating })),
      this.page.sees_cases || isOwn ? element("a", { href: `/cases/${offer.case}` }, t("offers.to_case", { number: offer.case })) : null,
      this.does(offer, isOwn, place), place);
  }

  /** What the reader may do with an offer. */
  private does(offer: Offer, isOwn: boolean, place: HTMLElement): HTMLElement | null {
    const { teams } = this.page;
    if (offer.column === "open" && teams.length) {
      const team = element("select", { "aria-label": t("offers.for_team", { number: offer.case }) }, ...teams.map((each) => element("option", { value: each }, each)));
      return element("div", { class: "does" }, teams.length > 1 ? team : null,
        button(teams.length > 1 ? t("offers.claim") : t("offers.claim_for", { team: teams[0]! }), () => void this.claim(offer, team.value || teams[0]!)));
    }
    if (offer.column === "claimed" && isOwn)
      return element("div", { class: "does" }, button(t("offers.give_back"), () => this.ask(place, this.giveBack(offer)), { class: "quiet" }));
    if (offer.column === "done" && this.page.dispatches)
      return element("div", { class: "does" }, button(t("offers.rate"), () => this.ask(place, this.rate(offer)), { class: "quiet" }));
    return null;
  }

  private ask(place: HTMLElement, form: HTMLFormElement): void {
    if (place.firstChild) {
      place.replaceChildren();
      return;
    }
    for (const other of Array.from(this.board.querySelectorAll("form"))) other.remove();
    place.replaceChildren(form);
    form.querySelector<HTMLElement>("select, textarea")?.focus();
  }

  private async claim(offer: Offer, team: string): Promise<void> {
    const answer = await askService(`/api/v1/offers/${offer.id}/claims`, { body: { team } });
    await this.look();
    // Whoever was slower is told so, and sees who has it.
    if (answer.ok) this.say(t("offers.claimed", { team }), "");
    else this.say("", t("offers.not_claimed", { detail: answer.detail }));
    this.focus(offer.id);
  }

  private giveBack(offer: Offer): HTMLFormElement {
    const note = element("textarea", { rows: 2, maxlength: 500, required: true });
    maskAsTyped(note, () => undefined);
    const reason = element("select", { required: true }, ...this.page.reasons.map((code) => element("option", { value: code }, word("reason", code))));
    return this.form([[t("offers.reason"), reason], [t("offers.why"), note]], t("offers.give_back_now"), async () => {
      const answer = await askService(`/api/v1/cases/${offer.case}/steps`, { body: { step: "return", reason: reason.value, note: note.value.trim() } });
      return answer.ok ? t("offers.given_back") : answer;
    }, offer);
  }

  private rate(offer: Offer): HTMLFormElement {
    const rating = element("select", { required: true }, ...[5, 4, 3, 2, 1].map((n) => element("option", { value: n }, t("offers.stars", { n }))));
    return this.form([[t("offers.rate"), rating]], t("offers.rate_now"), async () => {
      const answer = await askService(`/api/v1/cases/${offer.case}/steps`, { body: { step: "rate", rating: Number(rating.value) } });
      return answer.ok ? t("offers.rated_now") : answer;
    }, offer);
  }

  private form(fields: readonly [string, HTMLElement][], go: string, send: () => Promise<string | { detail: string }>, offer: Offer): HTMLFormElement {
    const made = element("form", {},
      ...fields.map(([label, field]) => {
        field.id = `f-${offer.id}-${field.tagName.toLowerCase()}`;
        return element("div", {}, element("label", { for: field.id }, label), field);
      }),
      element("button", { type: "submit" }, go));
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      void send().then(async (said) => {
        if (typeof said !== "string") {
          this.say("", t("offers.not_done", { detail: said.detail }));
          return;
        }
        made.remove();
        await this.look();
        this.say(said, "");
        this.focus(offer.id);
      });
    });
    return made;
  }

  private async offer(form: HTMLFormElement): Promise<void> {
    if (!form.reportValidity()) return;
    const number = byId<HTMLInputElement>("offer-number").value.trim();
    const hours = Number(byId<HTMLInputElement>("offer-hours").value);
    const answer = await askService<Offer>(`/api/v1/cases/${encodeURIComponent(number)}/offer`, { body: { claim_hours: hours } });
    if (!answer.ok) {
      this.say("", t("offers.not_offered", { detail: answer.detail }));
      return;
    }
    byId<HTMLInputElement>("offer-number").value = "";
    await this.look();
    this.say(t("offers.is_offered"), "");
    this.focus(answer.body.id);
  }

  private focus(offer: number): void {
    this.board.querySelector<HTMLElement>(`[data-offer="${offer}"]`)?.focus({ preventScroll: true });
  }

  private say(done: string, fault: string): void {
    byId("said").textContent = done;
    byId("fault").textContent = fault;
  }
}
