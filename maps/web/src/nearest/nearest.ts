/** The nearest open station on a phone: what is looked for, where one is, and a list by walking minutes. */
import * as L from "leaflet";
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { clockTime } from "../clock_times.ts";
import { button, byId, element, typed } from "../dom.ts";
import { facilityIcon } from "../facility_icons.ts";
import { GroundMap, pin } from "../ground_map.ts";
import { formatCount, t } from "../words.ts";

interface NearestPage extends CasePage {
  /** Codes of facilities that one may look for. */
  asked_for: string[];
  facility: string;
  centre: [number, number];
  /** Where a sign in the street put whoever asks; null where there was none. */
  at: [number, number] | null;
  zone: string;
}

interface NearStation {
  station_id: string;
  name: string;
  type: string | null;
  facilities: string[];
  lon: number;
  lat: number;
  minutes: number;
  metres: number;
  direction: string;
  is_open: boolean | null;
  until: string | null;
}

interface Nearest {
  at: string;
  is_straight: boolean;
  straight_because: "no_streets" | "no_way" | null;
  holidays_known: boolean;
  is_outside: boolean;
  shut: number;
  stations: NearStation[];
}

const LIMITS = [5, 15, 30];

export async function startNearest(told: CasePage): Promise<void> {
  await new NearestView(told as NearestPage).open();
}

class NearestView {
  private facility: string;
  private at: L.LatLng | null = null;
  private turn = 0;
  private marker: L.Marker | null = null;
  private circle: L.Circle | null = null;
  private readonly marks = L.layerGroup();
  private readonly map: GroundMap;
  private readonly minutes = byId<HTMLSelectElement>("minutes");

  constructor(private readonly page: NearestPage) {
    this.facility = page.facility;
    const centre = page.at ?? page.centre;
    this.map = new GroundMap(byId("map"), centre, page.at ? 17 : 15, () => undefined, "/api/v1/stations/ground");
    this.marks.addTo(this.map.map);
  }

  async open(): Promise<void> {
    byId("what").replaceChildren(...this.page.asked_for.map((code) => {
      const made = button("", () => this.choose(code), { "data-facility": code, "aria-pressed": String(code === this.facility) });
      made.append(facilityIcon(code), element("span", {}, t(`facility.${code}`)));
      return made;
    }));
    byId("here").addEventListener("click", () => this.locate());
    this.minutes.addEventListener("change", () => void this.look());
    this.map.map.on("click", ({ latlng }: L.LeafletMouseEvent) => void this.place(latlng, null));
    await this.map.look();
    if (this.page.at) await this.place(L.latLng(this.page.at[1], this.page.at[0]), null);
  }

  private choose(code: string): void {
    this.facility = code;
    for (const each of Array.from(document.querySelectorAll<HTMLElement>("#what button"))) each.setAttribute("aria-pressed", String(each.dataset.facility === code));
    void this.look();
  }

  private locate(): void {
    const where = byId("where");
    if (!("geolocation" in navigator)) {
      where.textContent = t("nearest.not_found");
      return;
    }
    where.textContent = t("nearest.looking");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const at = L.latLng(coords.latitude, coords.longitude);
        this.map.map.setView(at, 16);
        void this.place(at, coords.accuracy);
      },
      () => (where.textContent = t("nearest.not_found")),
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000 },
    );
  }

  private async place(at: L.LatLng, accuracy: number | null): Promise<void> {
    this.at = at;
    byId("where").textContent = accuracy === null ? t("nearest.set") : t("nearest.found", { m: Math.max(1, Math.round(accuracy)) });
    this.marker?.remove();
    this.circle?.remove();
    this.circle = accuracy === null ? null
      : L.circle(at, { radius: accuracy, weight: 1, color: "#b3261e", fillOpacity: 0.06, interactive: false }).addTo(this.map.map);
    this.marker = pin(at).addTo(this.map.map);
    await this.look();
  }

  /** Ask for what is open now; an answer that was overtaken is not shown. */
  private async look(): Promise<void> {
    if (!this.at) return;
    const turn = ++this.turn;
    const said = byId("said");
    said.textContent = t("nearest.asking");
    const asked = new URLSearchParams({
      lon: this.at.lng.toFixed(6), lat: this.at.lat.toFixed(6), facility: this.facility, minutes: this.minutes.value,
    });
    const told = await askService<Nearest>(`/api/v1/stations/nearest?${asked}`, { method: "GET" });
    if (turn !== this.turn) return;
    if (!told.ok) {
      this.show(null);
      said.textContent = t("nearest.failed", { detail: told.detail });
      return;
    }
    this.show(told.body);
  }

  private show(told: Nearest | null): void {
    const stations = told?.stations ?? [];
    this.marks.clearLayers();
    const straight = byId("straight");
    straight.hidden = !told?.is_straight || !stations.length;
    straight.textContent = told?.straight_because ? t(`nearest.straight.${told.straight_because}`) : "";
    byId("holidays").hidden = !told || told.holidays_known;
    byId("found").replaceChildren(...stations.map((station, i) => this.row(station, i + 1, told!)));
    stations.forEach((station, i) => {
      const icon = L.divIcon({ html: element("span", {}, String(i + 1)), className: "near-mark", iconSize: [26, 26] });
      L.marker([station.lat, station.lon], { icon, keyboard: false })
        .on("click", () => document.getElementById(`station-${i + 1}`)?.scrollIntoView({ block: "center" }))
        .addTo(this.marks);
    });
    const wider = byId("wider");
    wider.replaceChildren();
    if (!told) return;
    const at = clockTime(told.at, told.at, this.page.zone);
    byId("said").textContent = stations.length ? t("nearest.some", { at, count: stations.filter(({ is_open }) => is_open).length })
      : told.is_outside ? t("nearest.outside") : told.shut ? t("nearest.none_but_shut", { at, shut: told.shut }) : t("nearest.none", { at });
    const next = LIMITS.find((limit) => limit > Number(this.minutes.value));
    if (!stations.length && !told.is_outside && next !== undefined)
      wider.append(button(t("nearest.wider", { n: next }), () => {
        this.minutes.value = String(next);
        void this.look();
      }, { class: "quiet" }));
    if (this.at && stations.length)
      this.map.map.fitBounds(L.latLngBounds([this.at, ...stations.slice(0, 5).map(({ lat, lon }) => L.latLng(lat, lon))]), { padding: [36, 36], maxZoom: 17 });
  }

  private row(station: NearStation, number: number, told: Nearest): HTMLElement {
    const isAtHand = station.minutes < 1;
    const said = told.is_straight ? (isAtHand ? "nearest.straight_at_hand" : "nearest.straight_walk") : isAtHand ? "nearest.at_hand" : "nearest.walk";
    const walk = t(said, {
      minutes: formatCount(Math.ceil(station.minutes)), metres: station.metres, direction: t(`nearest.direction.${station.direction}`),
    });
    const hours = station.is_open === null ? element("span", { class: "doubtful" }, t("nearest.unknown"))
      : element("span", { class: "open" }, station.until === null ? t("nearest.always") : t("nearest.until", { at: clockTime(station.until, told.at, this.page.zone) }));
    return element("li", { id: `station-${number}` },
      element("b", { class: "rank", "aria-hidden": "true" }, String(number)),
      element("div", {}, element("h2", {}, typed(station.name)), element("p", {}, walk), element("p", {}, hours),
        element("p", { class: "soft" }, typed(station.facilities.join(" · ")))));
  }
}
