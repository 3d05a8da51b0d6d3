/** Units above the maximum and towers divided by floors: divide them, or make them whole again. */
import { askService } from "../asking.ts";
import { button, element } from "../dom.ts";
import type { IndexedLayer } from "../scene.ts";
import { towersOf, type Band } from "../towers.ts";
import { formatCount, t } from "../words.ts";
import { askFloors } from "./floors_dialog.ts";
import type { Desk } from "./desk.ts";

/** What the service is asked: a division, or with no floors that the bands be one unit again. */
export interface DivisionBody {
  unit_id: string;
  floors: { lowest: number; highest: number; households: number }[];
  note: string;
}

/** Save what is waiting and ask the service; the page opens anew with the units as they are then. */
export type Divide = (body: DivisionBody) => void;

/** So many are listed. */
const MOST = 30;

export class TowersPanel {
  readonly root = element("section", { class: "towers" });
  private readonly towers: ReadonlyMap<string, readonly Band[]>;
  /** Units of too many households; what is locked or divided may be listed too. */
  private readonly tooLarge: readonly number[];

  constructor(
    private readonly desk: Desk,
    units: IndexedLayer,
    private readonly divide: Divide,
    private readonly fly: (units: readonly number[]) => void,
  ) {
    this.towers = towersOf(units);
    const bands = new Set([...this.towers.values()].flat().map(({ unit }) => unit));
    const { households } = desk.ground;
    this.tooLarge = Array.from(households.keys()).filter((unit) => (households[unit] as number) > desk.band.upper && !bands.has(unit));
    this.render();
  }

  private render(): void {
    const { desk } = this;
    const large = this.tooLarge.slice(0, MOST).map((unit) => {
      const id = desk.ground.unitIds[unit] as string;
      const households = desk.ground.households[unit] as number;
      return element(
        "li", {},
        button(t("tower.too_large", { unit: id, households: formatCount(households) }), () => this.fly([unit]), { class: "problem too_large" }),
        button(t("tower.divide"), () => void this.ask(id, households), { class: "divide" }),
      );
    });
    const divided = [...this.towers].slice(0, MOST).map(([tower, bands]) =>
      element(
        "li", {},
        button(t("tower.divided", { tower, bands: bands.length }), () => this.fly(bands.map(({ unit }) => unit)), { class: "link" }),
        button(t("tower.join"), () => this.divide({ unit_id: tower, floors: [], note: "" }), { class: "join" }),
        element("ul", { class: "bands" }, ...bands.map(({ unit, lowest, highest }) =>
          element("li", {}, t("tower.band_holds", { lowest, highest, households: desk.ground.households[unit] as number })))),
      ),
    );
    this.root.replaceChildren();
    if (!large.length && !divided.length) return;
    this.root.append(element("h2", {}, t("tower.heading")), element("ul", {}, ...large, ...divided));
  }

  /** Come to a unit above the maximum and ask how it is to be divided; what is a band of floors already, is shown. */
  lead(unit: number): void {
    this.root.scrollIntoView({ block: "nearest" });
    this.fly([unit]);
    if (this.tooLarge.includes(unit)) void this.ask(this.desk.ground.unitIds[unit] as string, this.desk.ground.households[unit] as number);
  }

  private async ask(unit: string, households: number): Promise<void> {
    const wanted = await askFloors(unit, households, this.desk.band.upper);
    if (wanted) this.divide({ unit_id: unit, ...wanted });
  }
}

/** Ask the service for a division; what it refused, in its words, or null. */
export async function sendDivision({ version, revision }: { version: string; revision: number }, body: DivisionBody): Promise<string | null> {
  const told = await askService(`/api/v1/versions/${version}/divisions`, { body, revision });
  return told.ok ? null : told.detail;
}
