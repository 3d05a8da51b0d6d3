/** What a meeting does with the map: tables, time, figures, agenda, large type, paper; all around the page. */
import "./meeting.css";
import type * as L from "leaflet";
import { lookOf } from "../icons.ts";
import { button, element, typed } from "../dom.ts";
import { once } from "../once.ts";
import type { Page } from "../page.ts";
import { worldX, worldY } from "../pack.ts";
import { formatCount, t } from "../words.ts";
import { Agenda } from "./agenda.ts";
import { CaseLayer } from "./case_layer.ts";
import { classBars, dayBars, shareOf } from "./charts.ts";
import { Timeline } from "./bins.ts";
import { byClass, byDay, caseTimes, closedInTime, DAY_MIN, minuteOf, type CaseTimes, type Days } from "./figures.ts";
import { menuButton } from "./menu.ts";
import { layOut, noticeSheet, ON_NOTICE, printSheet, SHEETS, stampLine, watermark, type Sheet } from "./paper.ts";
import type { MeetingNote } from "./schema.ts";
import { shownInDays, shownOnPaper, type ChosenDays } from "./shown.ts";
import { Table } from "./table.ts";
import { TimeSlider } from "./timeline.ts";

type Side = "table" | "charts" | "agenda";
const SIDES: readonly Side[] = ["table", "charts", "agenda"];

/** How much larger maps are written where they are read from the back of a room. */
const PROJECTED = 1.5;

/** A map narrower than this is none. */
const LEAST_MAP_PX = 420;

export class Meeting {
  readonly agenda: Agenda;
  private readonly bar = element("div", { class: "meeting-bar", role: "toolbar" });
  private readonly dock = element("aside", { class: "dock", id: "dock", hidden: true });
  private readonly ground = element("div", { class: "ground" });
  private readonly paper = element("section", { class: "paper", "aria-hidden": "true" });
  private readonly rest = element("section", { class: "paper rest", "aria-hidden": "true" });
  private readonly stamp = element("footer", { class: "stamp-line" });
  private readonly table: Table;
  private readonly times: CaseTimes;
  private readonly days: Days | null;
  private readonly line = once(() => new Timeline(this.times.count, (incident) => this.times.reported(incident)));
  /** Only drawn while time slides. */
  private readonly cases = once(() => new CaseLayer(this.page.incidents, this.line(), this.page.settings.styles, () => this.page.magnified, () => this.page.shows("incidents")));
  /** What is asked of the map, and the line over it that says so. */
  private asked: ((at: L.LatLng | null) => void) | null = null;
  private readonly asking = element("div", { class: "asking", role: "status" });
  private slider: TimeSlider | null = null;
  private chosenDays: ChosenDays | null = null;
  /** On paper only: there nothing else says which cases are shown. */
  private readonly shownCases = element("p", { class: "shown-cases", hidden: true });
  private side: Side | null = null;
  /** In large type the panel gives its room to what is open beside the map, unless asked back. */
  private keepsPanel = false;

  constructor(private readonly page: Page, private readonly note: MeetingNote) {
    const { scene, incidents, map, stage } = page;
    this.times = caseTimes(scene.get("incidents"));
    this.days = byDay(this.times, () => true, periodDays(note));
    this.table = new Table(scene, incidents, page.settings.walk, (layer, feature) => {
      this.uncover();
      page.goTo(layer, [feature]);
    });
    this.agenda = new Agenda({
      map, scene, file: note.id, now: () => new Date(),
      isShown: (incident) => incidents.isChosenKind(incident),
      pick: (onPicked) => this.ask(onPicked),
      show: () => this.side !== "agenda" && this.open("agenda"),
      goTo: ({ lon, lat }) => {
        if (lon === null || lat === null) return;
        this.uncover();
        page.goToPlace([worldX(lon), worldY(lat)]);
      },
    });
    const { ground } = this;
    const cover = watermark(note.watermark);
    stage.classList.add("with-bar");
    stage.prepend(this.bar, ground);
    ground.append(map.getContainer(), ...(cover ? [cover] : []));
    stage.append(this.stamp);
    stage.parentElement?.append(this.dock, this.paper, this.rest);
    page.onSpeak(() => this.speak());
    page.onFilter(() => this.filtered());
    page.hitCases = (at) => (this.slider ? this.cases().hit(at) : []);
    // Who prints by the menu of the browser gets the notes of now, too.
    window.addEventListener("beforeprint", () => this.fill(document.documentElement.dataset.sheet as Sheet));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.asked) this.giveUp();
      else if (event.key === "Escape" && this.dock.contains(document.activeElement)) this.open(null);
    });
    page.onPaperTurn((isPaper) => isPaper && this.sayShown());
    layOut("A4");
    this.speak();
  }

  /** Is the time slider open? Opening it again closes it. */
  toggleTime(): void {
    const { page } = this;
    if (this.slider) {
      this.slider.stop();
      this.slider.root.remove();
      this.slider = null;
      this.chosenDays = null;
      page.tellCases(null);
      page.incidents.window = null;
      this.cases().remove();
    } else if (this.days) {
      const { incidents } = page;
      incidents.window = [-Infinity, Infinity];
      const [line, cases] = [this.line(), this.cases()];
      cases.addTo(page.map);
      this.slider = new TimeSlider(this.days, ({ from, to }) => {
        incidents.window = [from, to];
        const [low, high] = [line.before(from), line.before(to)];
        cases.slide(low, high);
        return incidents.counted(line.order.subarray(low, high));
      }, () => this.table.refresh(), (days) => {
        this.chosenDays = days;
        page.tellCases(shownInDays(incidents, days));
      });
      page.stage.insertBefore(this.slider.root, this.stamp);
    }
    page.map.invalidateSize({ animate: false });
    page.redraw();
    this.table.refresh();
    this.renderBar();
  }

  /** Move the time slider; for tests. */
  goToDay(day: number): void {
    this.slider?.goTo(day);
  }

  project(isOn: boolean): void {
    document.documentElement.classList.toggle("projector", isOn);
    this.makeRoom();
    this.page.magnify(isOn ? PROJECTED : 1);
    this.page.map.invalidateSize({ animate: false });
    if (this.slider) this.cases().redraw();
    this.renderBar();
  }

  open(side: Side | null): void {
    this.answer(null);
    const wasOpen = this.side;
    this.side = side;
    this.dock.hidden = side === null;
    if (!side) this.keepsPanel = false;
    this.makeRoom();
    this.renderBar();
    if (side) this.renderDock();
    else if (wasOpen) this.bar.querySelector<HTMLElement>(`[data-side="${wasOpen}"]`)?.focus();
    this.page.map.invalidateSize({ animate: false });
  }

  /** Ask for a place on the map. Where the agenda lies over it, the agenda steps aside until there is one. */
  private ask(onPicked: (at: L.LatLng | null) => void): void {
    this.answer(null);
    const isOver = this.uncover();
    if (isOver) {
      this.asking.replaceChildren(element("span", {}, t("meeting.agenda.pick")), button(t("meeting.agenda.pick_none"), () => this.giveUp()));
      this.ground.append(this.asking);
    }
    this.asked = (at) => {
      this.asking.remove();
      if (isOver && at) this.open("agenda");
      onPicked(at);
    };
    this.page.pick((at) => this.answer(at));
  }

  /** Close what is open beside the map where there is no room for both; was it in the way? */
  private uncover(): boolean {
    const isOver = this.side !== null && getComputedStyle(this.dock).position === "absolute";
    if (isOver) this.open(null);
    return isOver;
  }

  private answer(at: L.LatLng | null): void {
    const { asked } = this;
    this.asked = null;
    this.page.pick(null);
    asked?.(at);
  }

  private giveUp(): void {
    this.answer(null);
    if (!this.side) this.open("agenda");
  }

  private get isProjected(): boolean {
    return document.documentElement.classList.contains("projector");
  }

  private makeRoom(): void {
    this.page.stage.parentElement?.classList.toggle("panel-folded", this.isProjected && this.side !== null && !this.keepsPanel);
  }

  /** Fold the panel away, or bring it back: in place of what is open beside the map where there is no room for both. */
  private togglePanel(): void {
    this.keepsPanel = !this.keepsPanel;
    this.makeRoom();
    if (this.keepsPanel && this.page.stage.clientWidth < LEAST_MAP_PX) return this.open(null);
    this.page.map.invalidateSize({ animate: false });
    this.renderBar();
  }

  /** Make the sheets that only paper shows. */
  lay(sheet: Sheet): void {
    this.fill(sheet);
    layOut(sheet);
  }

  private fill(sheet: Sheet): void {
    const { scene, settings } = this.page;
    const notice = sheet === "notice" ? noticeSheet(scene, settings, this.page.place()) : null;
    this.paper.replaceChildren(...(notice?.head ?? (sheet === "minutes" ? this.agenda.minutes() : [])));
    this.rest.replaceChildren(...(notice?.rest ?? (sheet === "minutes" ? [] : this.agenda.legend())));
    this.ground.style.setProperty("--legend", `${this.agenda.legendMm}mm`);
    this.page.onPaper = notice && ON_NOTICE;
  }

  private speak(): void {
    this.bar.setAttribute("aria-label", t("meeting.bar"));
    this.stamp.replaceChildren(this.shownCases, this.wholeStamp(), this.publicStamp());
    this.slider?.speak();
    this.renderBar();
    if (this.side) this.renderDock();
  }

  private filtered(): void {
    if (this.slider) {
      this.cases().redraw();
      this.slider.show();
    }
    this.table.refresh();
    if (this.side === "charts") this.renderDock();
  }

  private wholeStamp(): HTMLElement {
    const line = stampLine(this.note);
    if (this.note.undated) line.append(t("hours.then"), t("meeting.stamp.undated", { count: this.note.undated }));
    return line;
  }

  /** On the public notice in place of the other. */
  private publicStamp(): HTMLElement {
    const line = stampLine(this.note, true);
    line.classList.add("of-notice");
    return line;
  }

  private sayShown(): void {
    const { page } = this;
    const said = page.shows("incidents") ? shownOnPaper(page.incidents, this.chosenDays) : null;
    this.shownCases.hidden = said === null;
    this.shownCases.replaceChildren(typed(said ?? ""));
  }

  private renderBar(): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset.act;
    const made = (act: string, isOn: boolean, onClick: () => void, more: Record<string, string> = {}) =>
      button(t(`meeting.act.${act}`), onClick, { "data-act": act, "aria-pressed": String(isOn), ...more });
    const sheets = SHEETS.map((sheet) => ({
      label: t(`meeting.sheet.${sheet}`), onChoose: () => {
        this.lay(sheet);
        printSheet(sheet);
      },
    }));
    const sides = SIDES.filter((side) => side !== "charts" || this.times.count > 0);
    this.bar.replaceChildren(
      ...sides.map((side) => made(side, this.side === side, () => this.open(this.side === side ? null : side), { "data-side": side, "aria-controls": "dock" })),
      ...(this.days ? [made("time", this.slider !== null, () => this.toggleTime())] : []),
      made("projector", this.isProjected, () => this.project(!this.isProjected)),
      ...(this.isProjected && this.side ? [made("panel", this.keepsPanel, () => this.togglePanel())] : []),
      menuButton(t("meeting.act.print"), "print", sheets));
    if (focused) this.bar.querySelector<HTMLElement>(`[data-act="${focused}"]`)?.focus();
  }

  private renderDock(): void {
    const { side } = this;
    if (!side) return;
    this.dock.setAttribute("aria-label", t(`meeting.act.${side}`));
    const head = element("div", { class: "dock-head" }, element("h2", {}, t(`meeting.act.${side}`)), button(t("meeting.close"), () => this.open(null)));
    if (side === "table") this.table.render();
    if (side === "agenda") this.agenda.render();
    const bodies = { table: () => [this.table.root], agenda: () => [this.agenda.root], charts: () => this.charts() };
    this.dock.replaceChildren(head, ...bodies[side]());
  }

  private charts(): HTMLElement[] {
    const { times, note, page } = this;
    const isChosen = (incident: number) => page.incidents.isChosenKind(incident);
    const days = byDay(times, isChosen, periodDays(note));
    const classes = byClass(times, isChosen);
    const colours = page.settings.styles.kinds;
    const colourOf = (kind: string) => {
      const place = page.incidents.kinds.findIndex(([each]) => each === kind);
      return lookOf(place, colours).colour;
    };
    const section = (key: string, ...parts: (Node | null)[]) => element("section", { class: "chart-part" }, element("h3", {}, t(`meeting.charts.${key}`, { days: note.within_days })), ...parts);
    const now = minuteOf(note.made_at) ?? 0;
    const total = days ? days.counts.reduce((sum, count) => sum + count, 0) : 0;
    const daily = days ? dayBars(days, { width: 380, height: 150, hasAxis: true }) : null;
    daily?.setAttribute("role", "img");
    daily?.setAttribute("aria-label", t("meeting.charts.days_said", { count: formatCount(total), most: formatCount(days ? Math.max(...days.counts) : 0) }));
    return [element("div", { class: "charts" },
      element("p", { class: "hint" }, t("meeting.charts.of", { count: classes.reduce((sum, { count }) => sum + count, 0) })),
      section("days", daily ?? element("p", { class: "hint" }, t("meeting.charts.no_days"))),
      section("classes", classBars(classes, colourOf)),
      section("closed", times.tellsClosing ? shareOf(closedInTime(times, isChosen, note.within_days, now), note.within_days) : element("p", { class: "hint" }, t("meeting.charts.no_closing"))))];
  }
}

function periodDays(note: MeetingNote): [number, number] | null {
  const [first, last] = (note.period ?? []).map((day) => (minuteOf(day) ?? 0) / DAY_MIN);
  return first === undefined || last === undefined ? null : [first, last];
}

