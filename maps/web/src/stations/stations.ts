/** The register of stations: a table and a map of what is known at a moment, what is lacking, checks, and files. */
import * as L from "leaflet";
import { namesOf } from "../areas.ts";
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { clockTime, dayOf } from "../clock_times.ts";
import { button, byId, element, typed } from "../dom.ts";
import { GroundMap } from "../ground_map.ts";
import { plain } from "../plain.ts";
import { Times } from "../wall/times.ts";
import { t } from "../words.ts";
import { CheckForm } from "./check.ts";
import { filesSheet } from "./files.ts";
import { gapsSheet } from "./gaps.ts";
import { hoursOf, itemChips, lackingOf, type Station, type StationFeature } from "./schema.ts";

export interface StationsPage extends CasePage {
  areas: { id: number; code: string; name: string; depth: number }[];
  may_see: boolean;
  may_check: boolean;
  /** The area for which an import is started; null where the reader keeps no register. */
  keeps: number | null;
  centre: [number, number];
  zone: string;
}

const A_PAGE = 1000;
/** No register of a city is longer. */
const MOST = 20_000;
const LOOK_AFTER_MS = 250;

interface Checklist {
  edition: string;
  name: string;
  source: string;
}

type View = "register" | "gaps" | "files";

export async function startStations(told: CasePage): Promise<void> {
  await new StationsView(told as StationsPage).open();
}

class StationsView {
  private view: View = "register";
  private stations: StationFeature[] = [];
  private turn = 0;
  private waiting = 0;
  private readonly marks = L.layerGroup();
  private readonly map: GroundMap;
  private readonly check: CheckForm;
  private readonly areaName: (code: string) => string;

  constructor(private readonly page: StationsPage) {
    this.map = new GroundMap(byId("map"), page.centre, 15);
    this.marks.addTo(this.map.map);
    this.areaName = namesOf(page.areas);
    this.check = new CheckForm(byId("check"), () => void this.look());
  }

  async open(): Promise<void> {
    if (!this.page.may_see) {
      byId("said").textContent = t("stations.no_rights");
      return;
    }
    const area = byId<HTMLSelectElement>("area");
    const top = Math.min(...this.page.areas.map(({ depth }) => depth));
    area.append(...this.page.areas.map(({ id, name, depth }) => element("option", { value: id }, `${"\u3000".repeat(depth - top)}${name}`)));
    for (const each of Array.from(document.querySelectorAll<HTMLButtonElement>("[data-view]"))) each.addEventListener("click", () => this.turnTo(each.dataset.view as View));
    area.addEventListener("change", () => void this.look());
    byId("at").addEventListener("change", () => void this.look());
    byId("find").addEventListener("input", () => {
      window.clearTimeout(this.waiting);
      this.waiting = window.setTimeout(() => this.showRegister(), LOOK_AFTER_MS);
    });
    byId<HTMLFormElement>("asked").addEventListener("submit", (event) => event.preventDefault());
    await this.look();
    this.overview();
    await this.map.look();
  }

  private turnTo(view: View): void {
    this.view = view;
    for (const each of Array.from(document.querySelectorAll<HTMLElement>("[data-view]"))) each.setAttribute("aria-pressed", String(each.dataset.view === view));
    for (const each of Array.from(document.querySelectorAll<HTMLElement>("[data-sheet]"))) each.hidden = each.dataset.sheet !== view;
    void this.look();
  }

  /** What is asked of the service: the area and the moment that are chosen. */
  private asked(): URLSearchParams {
    const asked = new URLSearchParams();
    const area = byId<HTMLSelectElement>("area").value;
    const at = this.chosenMoment();
    if (area) asked.set("division", area);
    if (at) asked.set("at", at);
    return asked;
  }

  /** The moment that is chosen, by the clock on the wall of the stations wherever the browser is; null for now. */
  private chosenMoment(): string | null {
    const [day, clock] = byId<HTMLInputElement>("at").value.split("T");
    if (!day || !clock) return null;
    const [hour, minute] = clock.split(":").map(Number) as [number, number];
    return new Date(new Times(this.page.zone).instant(day, 60 * hour + minute)).toISOString();
  }

  /** Ask anew; `leavesFiles`: what is told of an import stays. */
  private async look(leavesFiles = false): Promise<void> {
    const turn = ++this.turn;
    const said = byId("said");
    said.textContent = t("stations.loading");
    const asked = this.asked();
    const found: StationFeature[] = [];
    let address: string | null = `/api/v1/stations/register?${new URLSearchParams({ ...Object.fromEntries(asked), limit: String(A_PAGE) })}`;
    while (address && found.length < MOST) {
      const told: Awaited<ReturnType<typeof askService<{ features: StationFeature[]; next: string | null }>>> = await askService(address, { method: "GET" });
      if (turn !== this.turn) return;
      if (!told.ok) {
        said.textContent = t("stations.failed", { detail: told.detail });
        return;
      }
      found.push(...told.body.features);
      address = told.body.next;
    }
    this.stations = found;
    said.textContent = found.length ? t("stations.counts", {
      all: found.length, open: found.filter(({ properties }) => properties.is_open).length, lacking: found.filter(({ properties }) => lackingOf(properties).length).length,
    }) : "";
    this.showRegister();
    if (this.view === "gaps") await gapsSheet(byId("gaps"), asked, () => turn === this.turn, (id) => this.choose(id), (at) => this.map.map.setView(at, 17), this.areaName);
    if (this.view === "files" && !leavesFiles) filesSheet(byId("files"), asked, this.page, () => void this.look(true));
  }

  private shown(): StationFeature[] {
    const wanted = byId<HTMLInputElement>("find").value.trim().toLowerCase();
    return wanted ? this.stations.filter(({ properties: { name, station_id: id } }) => name.toLowerCase().includes(wanted) || id.toLowerCase().includes(wanted)) : this.stations;
  }

  private showRegister(): void {
    const shown = this.shown();
    const now = this.chosenMoment() ?? new Date().toISOString();
    const sheet = byId("register");
    if (!shown.length) sheet.replaceChildren(element("p", { class: "empty" }, t(this.stations.length ? "stations.none_found" : "stations.none")));
    else {
      const heads = ["name", "type", "hours", "items"].map((name) => element("th", { scope: "col" }, t(`stations.col.${name}`)));
      sheet.replaceChildren(element("table", { class: "register" },
        element("thead", {}, element("tr", {}, ...heads, this.page.may_check ? element("th", { scope: "col" }, t("stations.col.keep")) : null)),
        element("tbody", {}, ...shown.map((station) => this.row(station, now)))));
    }
    this.marks.clearLayers();
    for (const { id, geometry, properties } of shown) {
      const [lon, lat] = geometry.coordinates;
      const html = element("span", { title: properties.name }, "★");
      L.marker([lat, lon], { icon: L.divIcon({ html, className: `station-spot ${markOf(properties)}`, iconSize: [26, 26] }), keyboard: false })
        .on("click", () => this.choose(id))
        .addTo(this.marks);
    }
  }

  private row(station: StationFeature, now: string): HTMLElement {
    const { id, properties } = station;
    const name = button("", () => this.choose(id), { class: "link" });
    name.append(typed(properties.name));
    name.title = plain(properties.name);
    const cells: HTMLElement[] = [
      element("th", { scope: "row" }, name, element("span", { class: "soft" }, typed(`${properties.station_id} · ${this.areaName(properties.community)}`))),
      element("td", {}, element("span", { class: "kind" }, typed(properties.type ?? "–"))),
      element("td", {}, hoursOf(properties, now, (at, beside) => clockTime(at, beside, this.page.zone)), element("span", { class: "soft" }, typed(properties.opening_hours ?? ""))),
      element("td", {}, itemChips(properties)),
    ];
    const ways = [
      properties.items.length ? button(t("stations.check"), () => void this.openCheck(station), { class: "quiet" }) : null,
      this.page.keeps === null ? null
        : button(t("stations.remove"), () => void this.remove(station), { class: "quiet", "aria-label": `${t("stations.remove")} ${properties.name}` }),
    ].filter((way) => way !== null);
    if (this.page.may_check) cells.push(element("td", { class: "ways" }, ...(ways.length ? ways : ["–"])));
    return element("tr", { "data-station": id }, ...cells);
  }

  /** Take a station out of the register, once that was confirmed. */
  private async remove({ id, properties }: StationFeature): Promise<void> {
    const dialog = byId<HTMLDialogElement>("remove-dialog");
    byId("remove-text").textContent = t("stations.remove_text", { name: properties.name, id: properties.station_id });
    dialog.returnValue = "cancel";
    dialog.showModal();
    const answer = await new Promise<string>((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
    if (answer !== "go") return;
    const told = await askService(`/api/v1/stations/${id}`, { method: "DELETE", revision: properties.revision });
    if (told.ok) await this.look();
    byId("said").textContent = told.ok ? t("stations.remove_done", { name: properties.name }) : t("stations.remove_failed", { detail: told.detail });
  }

  private async openCheck(station: StationFeature): Promise<void> {
    const told = await askService<Checklist[]>("/api/v1/stations/checklists", { method: "GET" });
    const found = told.ok ? told.body.find(({ edition }) => edition === station.properties.checklist) : undefined;
    const source = found?.source === "unverified" ? t("stations.unverified") : found?.source;
    await this.check.open(station, dayOf(new Date(), this.page.zone), found ? t("stations.checklist_of", { name: found.name, source: source ?? "" }) : "");
  }

  /** Show one station on the map, and its row. */
  private choose(id: number): void {
    const station = this.stations.find((each) => each.id === id);
    if (!station) return;
    const [lon, lat] = station.geometry.coordinates;
    this.map.map.setView([lat, lon], Math.max(17, this.map.map.getZoom()));
    for (const each of Array.from(document.querySelectorAll("tr[data-station]"))) each.classList.toggle("chosen", (each as HTMLElement).dataset.station === String(id));
    document.querySelector(`tr[data-station="${id}"]`)?.scrollIntoView({ block: "nearest" });
  }

  /** The map as it begins: all stations. */
  private overview(): void {
    const places = this.stations.map(({ geometry: { coordinates: [lon, lat] } }) => L.latLng(lat, lon));
    if (places.length) this.map.map.fitBounds(L.latLngBounds(places), { padding: [30, 30], maxZoom: 17 });
  }
}

function markOf(station: Station): string {
  const states = station.items.map(({ state }) => state);
  if (states.includes("missing") || states.includes("broken")) return "m-lacks";
  if (!states.length) return "m-none"; // nobody says what it should have
  return states.includes("grey") ? "m-grey" : "m-whole";
}
