/** The dialog in which a tower is divided by floors: how many, where the bands end, households of each, why. */
import { button, element, typed } from "../dom.ts";
import { bandsFault, bandsNeeded, evenBands, withHouseholds, type FloorBand } from "../plan/floors.ts";
import { formatCount, t } from "../words.ts";

/** So many households share a floor of a tower where nothing else is known. */
const HOUSEHOLDS_A_FLOOR = 4;

export interface Wanted {
  floors: FloorBand[];
  note: string;
}

/** Ask how a tower is to be divided; null where the planner gives it up. */
export function askFloors(tower: string, households: number, most: number): Promise<Wanted | null> {
  const dialog = element("dialog", { class: "floors", "aria-labelledby": "floors-title" });
  const floors = number(t("tower.how_many_floors"), Math.max(2, Math.round(households / HOUSEHOLDS_A_FLOOR)), 2, 300);
  const count = number(t("tower.how_many_bands"), Math.max(2, bandsNeeded(households, most)), 2, 60);
  const body = element("tbody");
  const sum = element("p", { class: "sum", role: "status" });
  const note = element("input", { type: "text", maxlength: 200, placeholder: t("tower.why"), "aria-label": t("tower.why") });
  const save = button(t("tower.save"), () => undefined, { class: "save" });
  let bands: FloorBand[] = [];

  const judge = () => {
    const fault = bandsFault(bands, households);
    const told = bands.reduce((total, band) => total + band.households, 0);
    sum.textContent = fault && fault.code !== "sum" ? t(`tower.fault.${fault.code}`) : t("tower.sum", { told, households });
    sum.classList.toggle("wrong", fault !== null);
    save.disabled = fault !== null;
  };
  // A row stays as long as there is a band for it: a field made anew loses the focus that is on it or on its way to it.
  const rows: Row[] = [];
  const rowAt = (at: number): Row => {
    const row = newRow(at);
    row.top.addEventListener("change", () => {
      const [band, above] = [bands[at], bands[at + 1]];
      if (band) band.highest = Number(row.top.value);
      if (band && above) above.lowest = band.highest + 1;
      draw();
    });
    row.held.addEventListener("input", () => {
      const band = bands[at];
      if (band) band.households = row.held.value === "" ? NaN : Number(row.held.value);
      judge();
    });
    return row;
  };
  const draw = () => {
    for (const row of rows.splice(bands.length)) row.root.remove();
    while (rows.length < bands.length) {
      const row = rowAt(rows.length);
      rows.push(row);
      body.append(row.root);
    }
    rows.forEach((row, at) => show(row, bands[at] as FloorBand, at === bands.length - 1));
    judge();
  };
  const even = () => {
    const [high, parts] = [Math.round(Number(floors.value)), Math.round(Number(count.value))];
    if (high >= 2 && parts >= 2) bands = evenBands(high, households, Math.min(parts, high));
    draw();
  };
  floors.addEventListener("change", even);
  count.addEventListener("change", even);

  return new Promise((resolve) => {
    const close = (wanted: Wanted | null) => {
      dialog.close();
      dialog.remove();
      resolve(wanted);
    };
    dialog.append(
      element("h2", { id: "floors-title" }, t("tower.title"), " ", typed(tower)),
      element("p", { class: "soft" }, t("tower.text", { households, most })),
      element("div", { class: "row" }, label("tower.how_many_floors", floors), label("tower.how_many_bands", count)),
      element("table", {}, element("thead", {}, element("tr", {}, ...["tower.band", "tower.from", "tower.to", "grid.households"].map((key) => element("th", { scope: "col" }, t(key))))), body),
      sum,
      note,
      element("p", { class: "ends" },
        button(t("tower.evenly"), () => {
          bands = withHouseholds(bands.map(({ highest }) => highest), bands.at(-1)?.highest ?? 1, households);
          draw();
        }, { class: "quiet" }), " ",
        button(t("tower.cancel"), () => close(null), { class: "quiet" }), " ", save),
    );
    save.addEventListener("click", () => close({ floors: bands, note: note.value.trim() }));
    dialog.addEventListener("cancel", () => close(null));
    document.body.append(dialog);
    even();
    dialog.showModal();
  });
}

/** A band in the table: its lowest floor, and the fields of its highest floor and its households. */
interface Row {
  root: HTMLElement;
  lowest: HTMLElement;
  top: HTMLInputElement;
  held: HTMLInputElement;
}

function newRow(at: number): Row {
  const lowest = element("td", { class: "number" });
  const top = number(t("tower.to"), 1, 1, 300);
  const held = number(t("grid.households"), 0, 0, 100_000);
  const root = element("tr", {}, element("th", { scope: "row" }, formatCount(at + 1)), lowest, element("td", {}, top), element("td", {}, held));
  return { root, lowest, top, held };
}

function show({ lowest, top, held }: Row, band: FloorBand, isLast: boolean): void {
  lowest.textContent = String(band.lowest);
  top.value = String(band.highest);
  top.disabled = isLast;
  held.value = Number.isNaN(band.households) ? "" : String(band.households);
}

function number(name: string, value: number, min: number, max: number): HTMLInputElement {
  return element("input", { type: "number", value, min, max, step: 1, "aria-label": name });
}

function label(key: string, input: HTMLInputElement): HTMLElement {
  return element("label", {}, t(key), input);
}
