/** How the grids are seen: by size, each in a colour of its own, or with its units as dots by households. */
import * as L from "leaflet";
import { button, element } from "../dom.ts";
import { gridColours } from "../plan/colouring.ts";
import type { Plan } from "../plan/plan.ts";
import type { Fit, StatusStyle, Styles } from "../schema.ts";
import { t } from "../words.ts";

export type Way = "size" | "identity" | "dots";

const WAYS: readonly Way[] = ["size", "identity", "dots"];

/** Light colours that the common colour blindnesses keep apart, after Paul Tol's "light" scheme; dark text stands on each. */
export const COLOURS = ["#77aadd", "#ffaabb", "#eedd88", "#99ddff", "#bbcc33", "#ee8866", "#dddddd"] as const;

export class Seeing {
  way: Way = "size";
  private colours = new Map<number, number>();
  private readonly own: readonly StatusStyle[];

  constructor(
    private readonly plan: Plan,
    private readonly styles: Styles,
    private readonly fitOf: (grid: number) => Fit,
    /** Everything is to be drawn anew. */
    private readonly onChange: () => void,
  ) {
    this.own = COLOURS.map((fill) => ({ fill, hatch: "none", hatch_ink: "" }));
  }

  /** How the ground of a grid is filled. */
  styleOf(grid: number): StatusStyle {
    if (this.way === "identity") return this.own[this.colourOf(grid)] as StatusStyle;
    const fit = this.fitOf(grid);
    return fit === "pieces" ? this.styles.pieces : this.styles.status[fit];
  }

  colourOf(grid: number): number {
    if (!this.colours.has(grid)) this.colours = gridColours(this.plan, COLOURS.length, this.colours);
    return this.colours.get(grid) ?? 0;
  }

  /** After an edit: neighbours that came to have one colour part again. */
  refresh(): void {
    if (this.way !== "identity") return;
    const before = this.colours;
    this.colours = gridColours(this.plan, COLOURS.length, before);
    if ([...this.colours].some(([grid, colour]) => before.get(grid) !== colour)) this.onChange();
  }

  /** The switch beside the map. */
  control(): L.Control {
    const control = new L.Control({ position: "topleft" });
    const bar = element("div", { class: "ways leaflet-bar", role: "group", "aria-label": t("edit.ways") });
    const show = () =>
      bar.replaceChildren(
        ...WAYS.map((way) =>
          button(t(`edit.way.${way}`), () => {
            this.way = way;
            if (way === "identity") this.colours = gridColours(this.plan, COLOURS.length, this.colours);
            show();
            bar.querySelector<HTMLButtonElement>(`[data-way="${way}"]`)?.focus({ preventScroll: true });
            this.onChange();
          }, { "aria-pressed": String(way === this.way), "data-way": way, title: t(`edit.way_title.${way}`) }),
        ),
      );
    show();
    L.DomEvent.disableClickPropagation(bar);
    control.onAdd = () => bar;
    return control;
  }
}
