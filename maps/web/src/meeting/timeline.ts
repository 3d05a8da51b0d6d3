/** The slider over the days of a period: which cases the map shows, and the cases of each day as bars. */
import { button, element } from "../dom.ts";
import type { Counted } from "../incidents.ts";
import { formatMoment } from "../times.ts";
import { formatCount, t } from "../words.ts";
import { DAY_MIN, type Days } from "./figures.ts";
import { dayBars } from "./charts.ts";
import type { ChosenDays } from "./shown.ts";

/** Days that are shown up to the one chosen; 0 for all of them. */
const SPANS = [0, 1, 7, 30] as const;

/** How long a day stays while the slider runs by itself. */
const STEP_MS = 450;

export interface Span {
  /** Minutes since 1970, the end not included. */
  from: number;
  to: number;
}

export class TimeSlider {
  readonly root = element("section", { class: "timeline", id: "timeline" });
  private readonly slider = element("input", { type: "range", min: 0, step: 1 });
  private readonly spans = element("select");
  private readonly said = element("output", { class: "span-said" });
  private readonly mark = element("span", { class: "span-mark", "aria-hidden": "true" });
  private readonly bars = element("div", { class: "day-bars", "aria-hidden": "true" });
  private readonly play = button("", () => this.run(!this.timer));
  private timer = 0;
  private waiting = 0;

  constructor(private readonly days: Days, private readonly onSpan: (span: Span) => Counted, private readonly onRest: () => void,
    private readonly onTold: (days: ChosenDays) => void) {
    this.slider.max = String(days.counts.length - 1);
    this.slider.value = this.slider.max;
    this.slider.addEventListener("input", () => this.later());
    this.slider.addEventListener("change", () => this.rest());
    this.spans.addEventListener("change", () => {
      this.show();
      this.onRest();
    });
    this.root.append(
      element("div", { class: "timeline-head" }, this.play, this.spans, this.said),
      element("div", { class: "timeline-track" }, this.bars, this.slider));
    this.speak();
  }

  get span(): Span {
    const day = this.days.first + Number(this.slider.value);
    const days = Number(this.spans.value);
    return { from: DAY_MIN * (days ? Math.max(this.days.first, day - days + 1) : this.days.first), to: DAY_MIN * (day + 1) };
  }

  /** Words of the language now spoken. */
  speak(): void {
    this.root.setAttribute("aria-label", t("meeting.time.title"));
    this.slider.setAttribute("aria-label", t("meeting.time.day"));
    this.spans.setAttribute("aria-label", t("meeting.time.span"));
    const chosen = this.spans.value || "0";
    this.spans.replaceChildren(...SPANS.map((days) => element("option", { value: days }, t(days ? "meeting.time.days" : "meeting.time.all", { days }))));
    this.spans.value = chosen;
    this.bars.replaceChildren(dayBars(this.days, { width: 1000, height: 34, hasAxis: false }), this.mark);
    this.run(false);
    this.show();
  }

  /** Stop what runs by itself, and show the whole period. */
  stop(): void {
    this.catchUp();
    this.run(false);
  }

  /** Move to a day counted from the first; for the page and for tests. */
  goTo(day: number): void {
    this.slider.value = String(day);
    this.show();
  }

  private run(isOn: boolean): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    if (isOn) {
      if (this.slider.value === this.slider.max) this.slider.value = "0";
      this.timer = window.setInterval(() => {
        const next = Number(this.slider.value) + 1;
        if (next >= this.days.counts.length) return this.run(false);
        this.slider.value = String(next);
        this.show();
      }, STEP_MS);
      this.show();
    } else this.onRest();
    this.play.textContent = t(isOn ? "meeting.time.pause" : "meeting.time.play");
  }

  /** Once for each picture on the screen, however fast the pointer. */
  private later(): void {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.show();
    });
  }

  /** A key moves the slider and lets it rest before the next picture: what lists the cases must not be a step behind. */
  private rest(): void {
    this.catchUp();
    this.onRest();
  }

  private catchUp(): void {
    if (!this.waiting) return;
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    this.show();
  }

  /** Count and draw anew, such as after other classes are ticked. */
  show(): void {
    const { from, to } = this.span;
    const { placed, placeless } = this.onSpan({ from, to });
    const last = formatMoment(isoDay(to / DAY_MIN - 1));
    const told = to - from === DAY_MIN ? last : t("meeting.time.from_to", { first: formatMoment(isoDay(from / DAY_MIN)), last });
    const said = t(placeless ? "meeting.time.said_placeless" : "meeting.time.said", { span: told, count: formatCount(placed), placeless: formatCount(placeless) });
    this.onTold({ told, placed, placeless });
    // From then on, so that on a phone the map does not change its height from day to day.
    if (placeless) this.root.classList.add("tells-placeless");
    this.said.textContent = said;
    this.slider.setAttribute("aria-valuetext", said);
    const all = this.days.counts.length;
    const first = from / DAY_MIN - this.days.first;
    this.mark.style.left = `${(100 * first) / all}%`;
    this.mark.style.width = `${(100 * (to - from)) / DAY_MIN / all}%`;
  }
}

export function isoDay(day: number): string {
  return new Date(day * DAY_MIN * 60_000).toISOString().slice(0, 10);
}
