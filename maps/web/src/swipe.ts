/** The swipe: grids before left of a divider, grids after right of it. */
import * as L from "leaflet";
import { shareAfterKey, shareAt, type Side } from "./divider.ts";
import { element } from "./dom.ts";
import type { Box } from "./labels.ts";
import { plain } from "./plain.ts";
import type { PlanTiles } from "./tiles.ts";
import { t } from "./words.ts";

const BEFORE_PANE = "weige-before";
const DIVIDER_PANE = "weige-divider";

/** Sizes of the style sheet, focus ring included. */
const GRIP_PX = 48;
const TAG_GAP_PX = 11;
const TAG_BOTTOM_PX = 42;

export class Swipe {
  private share = 0.5;
  private on = false;
  private readonly before: HTMLElement;
  private readonly pane: HTMLElement;
  private readonly line = element("div", { class: "divider", id: "divider", role: "slider", tabindex: 0,
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" });
  private readonly tags: Record<Side, HTMLElement> = {
    before: element("div", { class: "side before" }), after: element("div", { class: "side after" }),
  };
  private waiting = 0;
  /** How far beside the divider the pointer took hold of it. */
  private held = 0;

  constructor(
    private readonly map: L.Map,
    /** The map of the grids before, drawn only while the swipe is on. */
    private readonly tiles: PlanTiles,
    private readonly options: { onSwitch(): void; onMove(): void; names?: Record<Side, string> },
  ) {
    this.before = map.createPane(BEFORE_PANE);
    this.before.style.zIndex = "210"; // over the tiles, under the labels
    tiles.options.pane = BEFORE_PANE;
    this.pane = map.createPane(DIVIDER_PANE);
    this.pane.style.zIndex = "690"; // under popups
    this.pane.hidden = true;
    this.line.append(element("span", { class: "grip", "aria-hidden": "true" }));
    this.pane.append(this.tags.before, this.tags.after, this.line);
    L.DomEvent.disableClickPropagation(this.line);
    this.line.addEventListener("pointerdown", (event) => this.take(event));
    this.line.addEventListener("pointermove", (event) => this.drag(event));
    this.line.addEventListener("keydown", (event) => this.key(event));
    map.on("move resize viewreset zoomend", () => this.lay());
  }

  get isOn(): boolean {
    return this.on;
  }

  /** Where the divider stands in the map's container; null while the swipe is off. */
  get x(): number | null {
    return this.on ? Math.round(this.share * this.map.getSize().x) : null;
  }

  /** What divider and words cover of the container: no label is to lie there. */
  get covers(): Box[] {
    const { x } = this;
    if (x === null) return [];
    const { y: height } = this.map.getSize();
    const [before, after] = [this.tags.before.offsetWidth, this.tags.after.offsetWidth];
    return [
      { x0: x - 2, y0: 0, x1: x + 2, y1: height },
      { x0: x - GRIP_PX / 2, y0: (height - GRIP_PX) / 2, x1: x + GRIP_PX / 2, y1: (height + GRIP_PX) / 2 },
      { x0: x - TAG_GAP_PX - before, y0: 0, x1: x + TAG_GAP_PX + after, y1: TAG_BOTTOM_PX },
    ];
  }

  /** The side a place of the container lies on: all is after while the swipe is off. */
  sideOf({ x }: { x: number }): Side {
    return this.x !== null && x < this.x ? "before" : "after";
  }

  switch(isOn: boolean): void {
    this.on = isOn;
    this.pane.hidden = !isOn;
    if (isOn) this.tiles.addTo(this.map);
    else this.tiles.remove();
    this.lay();
    this.options.onSwitch();
  }

  redraw(): void {
    if (this.on) this.tiles.redraw();
  }

  /** Label divider and sides in the language now spoken. */
  speak(): void {
    this.tags.before.textContent = plain(this.options.names?.before ?? t("swipe.before"));
    this.tags.after.textContent = plain(this.options.names?.after ?? t("swipe.after"));
    this.line.setAttribute("aria-label", t("swipe.divider"));
    this.lay();
  }

  /** The button that switches the swipe, with words of the language now spoken. */
  control(): L.Control {
    this.speak();
    const control = new L.Control({ position: "bottomleft" });
    control.onAdd = () => {
      const bar = element("div", { class: "leaflet-bar swipe" });
      const made = element("button", { type: "button", "aria-pressed": String(this.on), "aria-controls": "divider" },
        element("span", { class: "halves", "aria-hidden": "true" }), t("swipe.button"));
      made.addEventListener("click", () => {
        this.switch(!this.on);
        made.setAttribute("aria-pressed", String(this.on));
      });
      L.DomEvent.disableClickPropagation(bar);
      bar.append(made);
      return bar;
    };
    return control;
  }

  /** Put divider, labels and the edge of the picture before where the share says; panes move with the map. */
  private lay(): void {
    const { x } = this;
    if (x === null) return;
    const size = this.map.getSize();
    const corner = this.map.containerPointToLayerPoint([0, 0]);
    const [left, top, right, bottom] = [corner.x, corner.y, corner.x + x, corner.y + size.y];
    this.before.style.clip = `rect(${top}px, ${right}px, ${bottom}px, ${left}px)`;
    this.line.style.height = `${size.y}px`;
    L.DomUtil.setPosition(this.line, L.point(right, top));
    for (const tag of Object.values(this.tags)) L.DomUtil.setPosition(tag, L.point(right, top));
    const share = Math.round(this.share * 100);
    this.line.setAttribute("aria-valuenow", String(share));
    this.line.setAttribute("aria-valuetext", t("swipe.value", { share }));
  }

  private move(share: number): void {
    this.share = share;
    this.lay();
    // Labels are placed anew once for each picture on the screen, however fast the pointer.
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.options.onMove();
    });
  }

  private take(event: PointerEvent): void {
    if (event.button) return;
    this.held = this.containerX(event) - (this.x ?? 0);
    this.line.setPointerCapture(event.pointerId);
    this.line.focus({ preventScroll: true });
    event.preventDefault();
  }

  private drag(event: PointerEvent): void {
    if (!this.line.hasPointerCapture(event.pointerId)) return;
    this.move(shareAt(this.containerX(event) - this.held, this.map.getSize().x));
  }

  private containerX(event: PointerEvent): number {
    return event.clientX - this.map.getContainer().getBoundingClientRect().left;
  }

  private key(event: KeyboardEvent): void {
    const share = shareAfterKey(event.key, this.share);
    if (share === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(share);
  }
}
