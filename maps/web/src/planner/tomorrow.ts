/** The tomorrow test: what is expected of the draft, which grids leave the band by when, what mending would cost. */
import { askService, type Told } from "../asking.ts";
import { button, element, typed } from "../dom.ts";
import type { Status } from "../schema.ts";
import { formatCount, t } from "../words.ts";

export interface Change {
  day: string;
  /** That come or go; null: the unit is demolished. */
  households: number | null;
  unit_id: string | null;
  lon: number | null;
  lat: number | null;
  note: string;
}

export interface Step {
  day: string;
  code: string;
  before: number;
  after: number;
  status_before: Status;
  status: Status;
  changes: number[];
}

export interface Scenario {
  changes: Change[];
  steps: Step[];
  fault: string | null;
}

export interface Mending {
  changes: { code: string | null; before: number; after: number }[];
  moved_households: number;
  new_households: number;
  left: Record<string, string>;
  unit_ids: string[];
  /** Where new houses go; null: a new grid. */
  houses: { lon: number; lat: number; households: number; to: string | null }[];
}

export interface Oracle {
  read(): Promise<Told<Scenario>>;
  keep(changes: readonly Change[]): Promise<Told<Scenario>>;
  mend(day: string): Promise<Told<Mending>>;
}

export interface Ground {
  /** Look at a grid, or at units. */
  flyToGrid(code: string): void;
  mark(unitIds: readonly string[]): void;
  /** The next click on the map: where it was, and the unit under it. */
  pick(): Promise<{ lon: number; lat: number; unitId: string | null } | null>;
  /** Draw places of new houses. */
  draw(places: readonly { lon: number; lat: number; text: string }[]): void;
}

type Kind = "handover" | "demolition";

export class TomorrowPanel {
  readonly root = element("section", { class: "tomorrow" });
  private scenario: Scenario = { changes: [], steps: [], fault: null };
  private readonly said = element("p", { class: "hint", role: "status" });
  private readonly listed = element("div");
  private readonly form: HTMLElement;
  private isRead = false;
  private kind: Kind = "handover";
  private place: { lon: number; lat: number } | null = null;
  private readonly unit = element("input", { type: "text", maxlength: 200, "aria-label": t("tomorrow.unit"), placeholder: t("tomorrow.unit") });
  private readonly day = element("input", { type: "date", "aria-label": t("tomorrow.day") });
  private readonly count = element("input", { type: "number", min: 1, max: 100_000, step: 1, "aria-label": t("grid.households"), placeholder: t("grid.households") });
  private readonly note = element("input", { type: "text", maxlength: 200, "aria-label": t("tomorrow.note"), placeholder: t("tomorrow.note") });
  private readonly where = element("p", { class: "soft where" });

  constructor(
    private readonly oracle: Oracle,
    private readonly map: Ground,
  ) {
    const kinds = element("select", { "aria-label": t("tomorrow.kind") });
    for (const kind of ["handover", "demolition"] as const) kinds.append(element("option", { value: kind }, t(`tomorrow.kinds.${kind}`)));
    kinds.addEventListener("change", () => {
      this.kind = kinds.value as Kind;
      this.count.hidden = this.kind === "demolition";
      if (this.kind === "demolition") this.stand(null);
    });
    this.unit.addEventListener("input", () => this.stand(null));
    this.form = element(
      "div", { class: "form" },
      element("div", { class: "row" }, kinds, this.day),
      element("div", { class: "row" }, this.unit, button(t("tomorrow.pick"), () => void this.pick(), { class: "pick" })),
      this.where,
      element("div", { class: "row" }, this.count, this.note),
      button(t("tomorrow.add"), () => void this.add(), { class: "add" }),
    );
    const more = element("details", {}, element("summary", {}, t("tomorrow.new")), this.form);
    this.root.append(element("h2", {}, t("tomorrow.heading")), element("p", { class: "soft" }, t("tomorrow.text")), this.said, this.listed, more);
  }

  /** Ask again which grids leave the band: the plan has changed. */
  async refresh(): Promise<void> {
    if (this.isRead && !this.scenario.changes.length) return;
    this.isRead = true;
    this.take(await this.oracle.read());
  }

  private async pick(): Promise<void> {
    this.said.textContent = t("tomorrow.click");
    const at = await this.map.pick();
    this.said.textContent = "";
    if (!at) return;
    if (this.kind === "handover") {
      this.unit.value = "";
      this.stand({ lon: at.lon, lat: at.lat });
    } else {
      this.stand(null);
      this.unit.value = at.unitId ?? "";
    }
  }

  private stand(place: { lon: number; lat: number } | null): void {
    this.place = place;
    this.where.textContent = place ? t("tomorrow.at", { lon: place.lon.toFixed(6), lat: place.lat.toFixed(6) }) : "";
    this.drawPlaces();
  }

  private async add(): Promise<void> {
    const unit = this.unit.value.trim();
    const households = this.kind === "demolition" ? null : Math.round(Number(this.count.value));
    if (!this.day.value || (!unit && !this.place) || (households !== null && !(households > 0))) {
      this.said.textContent = t("tomorrow.incomplete");
      return;
    }
    const place = unit ? null : this.place;
    const change: Change = { day: this.day.value, households, unit_id: unit || null, lon: place?.lon ?? null, lat: place?.lat ?? null, note: this.note.value.trim() };
    if (await this.keep([...this.scenario.changes, change])) {
      this.unit.value = this.count.value = this.note.value = "";
      this.stand(null);
    }
  }

  private async keep(changes: readonly Change[]): Promise<boolean> {
    return this.take(await this.oracle.keep(changes));
  }

  private take(told: Told<Scenario>): boolean {
    this.said.textContent = told.ok ? (told.body.fault ? t("tomorrow.refused", { detail: told.body.fault }) : "") : t("tomorrow.refused", { detail: told.detail });
    if (told.ok) {
      this.scenario = told.body;
      this.render();
    }
    return told.ok;
  }

  private drawPlaces(): void {
    const places = this.scenario.changes.flatMap(({ lon, lat, households, day }) => (lon === null || lat === null ? [] : [{ lon, lat, text: `+${formatCount(households ?? 0)} ${day}` }]));
    if (this.place) places.push({ ...this.place, text: t("tomorrow.here") });
    this.map.draw(places);
  }

  private render(): void {
    const { changes, steps } = this.scenario;
    const expected = changes.map((change, at) =>
      element(
        "li", {},
        element("span", {}, change.day, " ", this.whatOf(change), change.note ? " · " : "", change.note ? typed(change.note) : null),
        button("×", () => void this.keep(changes.filter((_, other) => other !== at)), { class: "link", "aria-label": t("tomorrow.remove", { number: at + 1 }) }),
      ),
    );
    const days = [...new Set(steps.map(({ day }) => day))];
    const line = days.map((day) => this.dayOf(day, steps.filter((step) => step.day === day)));
    this.listed.replaceChildren(
      ...(expected.length ? [element("ul", { class: "expected" }, ...expected)] : []),
      ...(line.length ? [element("ol", { class: "timeline" }, ...line)] : []),
    );
    this.drawPlaces();
  }

  private whatOf({ households, unit_id: unit }: Change): HTMLElement {
    const what = element("span");
    if (unit !== null) what.append(typed(unit), " ");
    else what.append(t("tomorrow.new_house"), " ");
    what.append(households === null ? t("tomorrow.kinds.demolition") : t("tomorrow.come", { households: `${households > 0 ? "+" : ""}${formatCount(households)}` }));
    return what;
  }

  /** What a day does: grids that leave the band first; what mending would cost by then. */
  private dayOf(day: string, steps: readonly Step[]): HTMLElement {
    const isOut = ({ status }: Step) => status === "too_small" || status === "too_large";
    const answer = element("div", { class: "mending" });
    const rows = [...steps].sort((a, b) => Number(isOut(b)) - Number(isOut(a))).map((step) =>
      element(
        "li", {},
        button(step.code, () => this.map.flyToGrid(step.code), { class: "link" }),
        ` ${formatCount(step.before)} → ${formatCount(step.after)} `,
        element("span", { class: `badge ${step.status}` }, t(`status.${step.status}`)),
      ),
    );
    const mend = button(t("tomorrow.mend"), () => void this.mend(day, answer), { class: "mend" });
    return element("li", {}, element("time", { datetime: day }, day), element("ul", {}, ...rows), ...(steps.some(isOut) ? [mend, answer] : []));
  }

  private async mend(day: string, answer: HTMLElement): Promise<void> {
    answer.replaceChildren(t("edit.asking"));
    const told = await this.oracle.mend(day);
    if (!told.ok) {
      answer.replaceChildren(t("tomorrow.refused", { detail: told.detail }));
      return;
    }
    const { changes, moved_households: moved, new_households: arriving, left, unit_ids: units, houses } = told.body;
    this.map.mark(units);
    const rows = changes.map(({ code, before, after }) =>
      element("tr", {}, element("th", { scope: "row" }, code === null ? t("edit.new_grid") : typed(code)), element("td", { class: "number" }, formatCount(before)), element("td", { class: "number" }, formatCount(after))),
    );
    const heads = ["grid.code", "tomorrow.then", "edit.after"].map((key) => element("th", { scope: "col" }, t(key)));
    answer.replaceChildren(
      element("p", {}, changes.length ? t(moved ? "tomorrow.cost" : "tomorrow.cost_none", { households: moved, arriving }) : t("edit.nothing_proposed")),
      ...(houses.length ? [element("ul", { class: "houses" }, ...houses.map((house) => this.placed(house)))] : []),
      ...(rows.length ? [element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))] : []),
      ...(Object.keys(left).length ? [element("p", { class: "soft" }, t("edit.left", { grids: Object.keys(left).length }))] : []),
    );
  }

  /** A new house and the grid it goes to. */
  private placed({ households, to }: Mending["houses"][number]): HTMLElement {
    if (to === null) return element("li", {}, t("tomorrow.house_new", { households }));
    const [before, after = ""] = t("tomorrow.house", { households }).split("{grid}");
    return element("li", {}, before as string, button(to, () => this.map.flyToGrid(to), { class: "link" }), after);
  }
}

/** The service, as the panel asks it. */
export function oracleOf(version: string): Oracle {
  const address = `/api/v1/versions/${version}/scenario`;
  return {
    read: () => askService(address, { method: "GET" }),
    keep: (changes) => askService(address, { method: "PUT", body: { changes } }),
    mend: (day) => askService(`${address}/mending`, { body: { day } }),
  };
}
