/** One case: where it stands, what is to be done now, and what was done; every step is sent with the revision it was seen at. */
import * as L from "leaflet";
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import type { CaseAccount, CaseDetail, Category } from "../case_schema.ts";
import { stateTag, timeElement, useZone, word } from "../case_words.ts";
import { button, element, typed } from "../dom.ts";
import { GroundMap, pin } from "../ground_map.ts";
import { hear } from "../hearing.ts";
import { refusalOf, SIGNED_OUT } from "../signing_in.ts";
import { whistleForm, type Level } from "../whistles/blowing.ts";
import { whistleCard, type Whistle } from "../whistles/calls.ts";
import { t } from "../words.ts";
import { type Begun, keepBegun, takeBegun } from "./begun.ts";
import { stepForms, type Taken } from "./forms.ts";
import { Photos } from "./photos.ts";
import { clocks, handOvers, heldBy, logOf, stageBar, whyThisDeadline } from "./parts.ts";

interface FilePage extends CasePage {
  number: string;
  zone: string;
  names: Record<string, string>;
  /** In which states the reader may call departments, and what each level gives them. */
  whistle: { states: string[]; levels: Level[] };
}

export async function startCaseFile(told: CasePage): Promise<void> {
  const page = told as FilePage;
  useZone(page.zone);
  await new CaseFile(page).open();
}

class CaseFile {
  private readonly address: string;
  private categories: Category[] = [];
  private revision = 0;
  private map: GroundMap | null = null;
  private readonly photos: Photos;
  private begun: Begun | null;

  private readonly number: string;

  constructor(private readonly page: FilePage) {
    this.number = page.number;
    this.address = `/api/v1/cases/${page.number}`;
    this.photos = new Photos(this.address, (...refused) => put("said", ...refused));
    this.begun = takeBegun(page.number);
  }

  async open(): Promise<void> {
    await this.look();
    const look = () => {
      if (!document.querySelector(".step-form form, #whistles form")) void this.look();
    };
    hear<{ number: string; revision: number }>(["case"], ({ number, revision }) => {
      if (number === this.number && revision > this.revision) look();
    }, look);
  }

  private async look(): Promise<void> {
    const [detail, account] = await Promise.all([
      askService<CaseDetail>(this.address, { method: "GET" }),
      askService<CaseAccount>(`${this.address}/account`, { method: "GET" }),
    ]);
    if (!detail.ok || !account.ok) {
      const refused = detail.ok ? (account as { status: number; detail: string }) : detail;
      put("said", ...(refused.status === SIGNED_OUT ? refusalOf(refused) : [t("cases.not_read", { detail: refused.detail })]));
      return;
    }
    if (!this.categories.length && detail.body.allowed.some(({ needs }) => needs.includes("category"))) {
      const told = await askService<{ categories: Category[] }>(
        `/api/v1/cases/categories?edition=${encodeURIComponent(detail.body.case.properties.edition)}`, { method: "GET" });
      if (told.ok) this.categories = told.body.categories;
    }
    this.show(detail.body, account.body);
  }

  private show(detail: CaseDetail, account: CaseAccount): void {
    const one = detail.case.properties;
    this.revision = one.revision;
    put("said", "");
    put("head", element("h1", {}, one.category_name, " ", stateTag(one.state)),
      element("p", { class: "soft" }, element("span", { class: "number" }, one.number), " · ", word("kind", one.kind), " · ",
        word("channel", one.channel), one.external_number ? ` ${one.external_number}` : "", " · ", timeElement(one.reported_at),
        one.mode === "routine" ? "" : ` · ${word("mode", one.mode)}`));
    put("bar", stageBar(account, one.state));
    put("text", one.text ? element("p", { class: "text" }, typed(one.text)) : element("p", { class: "soft" }, t("casefile.no_text")));
    put("where", ...this.where(detail));
    put("clocks", clocks(account, one.state), ...present(whyThisDeadline(account)));
    put("question", ...this.question(detail));
    put("next", stepForms(detail.allowed, { case: one, account, categories: this.categories }, (taken, written) => this.take(taken, written), this.begun));
    // What was typed for a step that is no longer allowed stays in sight until another is taken.
    if (detail.allowed.some(({ step }) => step === this.begun?.step)) this.begun = null;
    put("held", ...present(handOvers(one.receivers)), heldBy(account));
    put("log", logOf(detail));
    void this.photos.look(detail.allowed.some(({ step }) => step === "note"));
    void this.offerCall();
    void this.draw(detail);
    void this.showWhistles(one.state, account.departments);
  }

  /** Departments that were called (吹哨报到), and the form to call more. */
  private async showWhistles(state: string, departments: readonly string[]): Promise<void> {
    const told = await askService<Whistle[]>(`${this.address}/whistles`, { method: "GET" });
    if (!told.ok) {
      put("whistles", element("p", { class: "refused" }, t("whistles.not_read", { detail: told.detail })));
      return;
    }
    const say = (done: string, fault: string) => {
      put("whistle-said", done);
      put("whistle-fault", fault);
    };
    const ground = {
      names: this.page.names, areas: {}, isOfCase: true,
      answered: (done: string) => void this.look().then(() => say(done, "")),
      refused: (detail: string) => say("", t("whistles.not_done", { detail })),
    };
    const blow = () => {
      // A form that stays is one that is filled in: what was typed there is not lost with another step.
      document.getElementById("whistle-form")?.remove();
      ground.answered(t("whistles.blown_now"));
    };
    const begun = document.getElementById("whistle-form")?.closest<HTMLElement>(".blowing");
    const mayBlow = this.page.whistle.states.includes(state);
    put("whistles",
      told.body.length ? element("ul", { class: "blown" }, ...told.body.map((each) => whistleCard(each, ground))) : element("p", { class: "soft" }, t("whistles.none_of_case")),
      ...present(begun ?? (mayBlow ? whistleForm(this.number, this.page.whistle.levels, departments, blow, ground.refused) : null)));
  }

  private where({ case: { properties: one }, duplicates }: CaseDetail): HTMLElement[] {
    const link = (number: string) => element("a", { href: `/cases/${number}` }, number);
    const rows: [string, (Node | string)[]][] = [
      ["grid", one.grid ? [typed(one.grid)] : [t(one.choices.length ? "casefile.where.open" : `casefile.where.${one.place}`)]],
      ...(one.address ? [["address", [typed(one.address)]] as [string, Node[]]] : []),
      ...(one.accuracy_m === null ? [] : [["accuracy", [t("casefile.where.metres", { m: Math.round(one.accuracy_m) })]] as [string, string[]]]),
      ...(one.duplicate_of ? [["duplicate_of", [link(one.duplicate_of)]] as [string, Node[]]] : []),
      ...(one.rework_of ? [["rework_of", [link(one.rework_of)]] as [string, Node[]]] : []),
      ...(duplicates.length ? [["duplicates", duplicates.flatMap((each, i) => (i ? ["、", link(each)] : [link(each)]))] as [string, (Node | string)[]]] : []),
    ];
    return [element("dl", { class: "facts" }, ...rows.flatMap(([key, value]) => [element("dt", {}, t(`casefile.where.${key}_label`)), element("dd", {}, ...value)]))];
  }

  /** The question that nobody answered yet: which of the grids it is. */
  private question({ case: { properties: one }, allowed }: CaseDetail): HTMLElement[] {
    if (!one.choices.length) return [];
    const mayAnswer = allowed.some(({ step }) => step === "place");
    return [element("div", { class: "ask" }, element("p", {}, element("b", {}, t("casefile.question"))),
      element("p", {}, ...one.choices.flatMap((grid, i): (Node | string)[] =>
        mayAnswer ? [button(grid, () => void this.answer(grid), { class: "quiet" })] : [i ? "、" : "", typed(grid)])))];
  }

  private async answer(grid: string): Promise<void> {
    const refused = await this.take({ step: "place", grid });
    if (refused) put("said", ...refused);
  }

  /** Take a step; what refuses it, or null. */
  private async take(taken: Taken, written: Record<string, string> | null = null): Promise<(Node | string)[] | null> {
    const told = await askService(`${this.address}/steps`, { body: taken, revision: this.revision });
    if (told.ok) {
      this.begun = null;
      await this.look();
      put("said", t("casefile.taken", { step: word("step", taken.step) }));
      return null;
    }
    if (told.status === 412) {
      // A colleague was faster: what was typed is not lost with the form that is drawn anew.
      if (written) this.begun = { step: taken.step, written };
      await this.look();
      put("said", t("casefile.changed"));
      // Also where the reader looks: the form is open again, further down than the line for the page.
      document.querySelector(".step-form form .refused")?.replaceChildren(t("casefile.changed"));
      return null;
    }
    if (written && told.status === SIGNED_OUT) keepBegun(this.number, { step: taken.step, written });
    return refusalOf(told);
  }

  /** Whoever follows the case may call back; the number goes to the telephone and never onto the page. */
  private async offerCall(): Promise<void> {
    const told = await askService<{ can_call: boolean }>(`${this.address}/contact`, { method: "GET" });
    put("contact", ...(told.ok && told.body.can_call ? [button(t("casefile.call"), () => void this.call(), { class: "quiet" }), element("span", { class: "soft" }, " ", t("casefile.call_hint"))] : []));
  }

  private async call(): Promise<void> {
    const told = await askService<{ dial: string }>(`${this.address}/calls`);
    if (told.ok) location.assign(told.body.dial);
    else put("said", ...refusalOf(told));
  }

  private async draw({ case: { geometry, properties } }: CaseDetail): Promise<void> {
    const place = document.getElementById("map");
    if (!place || this.map) return;
    if (!geometry) {
      place.remove();
      return;
    }
    this.map = new GroundMap(place, geometry.coordinates, 17);
    const at = L.latLng(geometry.coordinates[1], geometry.coordinates[0]);
    if (properties.accuracy_m) L.circle(at, { radius: properties.accuracy_m, weight: 1, color: "#b3261e", fillOpacity: 0.06, interactive: false }).addTo(this.map.map);
    pin(at).addTo(this.map.map);
    await this.map.look();
    if (!properties.version) return;
    // Whoever may not read the plan sees the place without its grids.
    const told = await askService<GeoJSON.FeatureCollection>(`/api/v1/versions/${properties.version}/grids?limit=500`, { method: "GET" });
    if (!told.ok) return;
    const own = new Set([properties.grid, ...properties.choices]);
    L.geoJSON(told.body, {
      interactive: false,
      style: (feature) => (own.has(feature?.properties.code) ? { color: "#1d5fa8", weight: 3, fillOpacity: 0.1 } : { color: "#4a5360", weight: 1, fill: false }),
    }).addTo(this.map.map);
  }
}

function present<T>(part: T | null): T[] {
  return part === null ? [] : [part];
}

function put(id: string, ...children: (Node | string)[]): void {
  document.getElementById(id)?.replaceChildren(...children);
}
