/** The slider that puts the wall to any moment of a past day, and plays the day. */
import { t } from "../words.ts";
import type { Times } from "./times.ts";

const PLAY_EVERY_MS = 900;
const PLAY_STEP_MIN = 15;
const LAST_MIN = 1439;

export class Past {
  /** The moment that is shown; null: now. */
  moment: number | null = null;
  private readonly day = document.getElementById("day") as HTMLInputElement;
  private readonly slider = document.getElementById("moment") as HTMLInputElement;
  private readonly output = document.getElementById("said-moment") as HTMLOutputElement;
  private readonly toNow = document.getElementById("now") as HTMLButtonElement;
  private readonly player = document.getElementById("play") as HTMLButtonElement;
  private playing: number | null = null;
  private moved = 0;

  constructor(private readonly times: Times, private readonly onMoment: () => void) {
    const today = this.today();
    this.day.value = this.day.max = today.day;
    this.slider.value = String(today.minute);
    this.day.addEventListener("change", () => this.go());
    this.slider.addEventListener("input", () => {
      this.say();
      window.clearTimeout(this.moved);
      this.moved = window.setTimeout(() => this.go(), 80);
    });
    this.toNow.addEventListener("click", () => this.backToNow());
    this.player.addEventListener("click", () => this.play(this.playing === null));
    this.say();
  }

  private today(): { day: string; minute: number } {
    return this.times.local(Date.now());
  }

  private go(): void {
    if (!this.day.value) return;
    const wanted = this.times.instant(this.day.value, Number(this.slider.value));
    if (wanted >= Date.now()) {
      this.backToNow();
      return;
    }
    this.moment = wanted;
    this.toNow.hidden = false;
    this.say();
    this.onMoment();
  }

  private backToNow(): void {
    this.play(false);
    const today = this.today();
    this.day.value = this.day.max = today.day;
    this.slider.value = String(today.minute);
    this.moment = null;
    this.toNow.hidden = true;
    this.say();
    this.onMoment();
  }

  private play(isOn: boolean): void {
    if (this.playing !== null) window.clearInterval(this.playing);
    this.playing = null;
    this.player.setAttribute("aria-pressed", String(isOn));
    this.player.textContent = t(isOn ? "wall.pause" : "wall.play");
    if (!isOn) return;
    if (Number(this.slider.value) >= LAST_MIN - PLAY_STEP_MIN || this.moment === null) this.slider.value = "0";
    this.playing = window.setInterval(() => {
      const next = Number(this.slider.value) + PLAY_STEP_MIN;
      if (next > LAST_MIN) return this.play(false);
      this.slider.value = String(next);
      this.go();
    }, PLAY_EVERY_MS);
    this.go();
  }

  private say(): void {
    const minute = Number(this.slider.value);
    const moment = this.day.value ? this.times.instant(this.day.value, minute) : Date.now();
    this.output.textContent = this.moment === null ? t("wall.is_now") : t("wall.is_past", { at: this.times.day(moment) });
    this.slider.setAttribute("aria-valuetext", this.times.day(moment));
  }
}
