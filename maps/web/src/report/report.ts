/** Report in three taps: a photo, a place, a class. What has no network is kept and sent later. */
import * as L from "leaflet";
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import type { Category } from "../case_schema.ts";
import { word } from "../case_words.ts";
import { classOptions } from "../class_options.ts";
import { button, byId, element, typed } from "../dom.ts";
import { GroundMap, middleOf, pin } from "../ground_map.ts";
import { maskAsTyped } from "../masking.ts";
import { plain } from "../plain.ts";
import { signInLink } from "../signing_in.ts";
import { t } from "../words.ts";
import { Addresses, type Chosen } from "./addresses.ts";
import { icon } from "./icons.ts";
import { isPhone } from "./phones.ts";
import { sendDraft } from "./sending.ts";
import { type Draft, newDraft, openShelf, type Shelf, type Unkept } from "./shelf.ts";
import { shrunk } from "./shrink.ts";
import { classFrom, isAt, isReplaceable, type Sign, signOf } from "./sign.ts";
import { unkeptItem } from "./unkept.ts";

interface ReportPage extends CasePage {
  signed_in: boolean;
  /** Whether reports of other channels are taken down here. */
  desk: boolean;
  centre: [number, number];
  quick: { category: string; icon: string }[];
  categories: (Pick<Category, "code" | "large_name" | "small_name"> & { called: string })[];
}

interface Nearby {
  distance_m: number;
  category_name: string;
  state: string;
  days_ago: number;
}

/** What must be mended before it is sent. */
type Missing = "place" | "category" | "phone";

const MOST_PHOTOS = 3;
/** Of a class that nobody knows so much is told. */
const LONGEST_CLASS = 16;
const KEEP_AFTER_MS = 600;
const TRY_EVERY_MS = 30_000;
/** A longer wait is told in minutes. */
const LONGEST_IN_S = 120;

export async function startReport(told: CasePage): Promise<void> {
  const form = new ReportForm(told as ReportPage, await openShelf());
  await form.open();
  if ("serviceWorker" in navigator && window.isSecureContext) void navigator.serviceWorker.register("/report-worker.js", { scope: "/report" });
}

class ReportForm {
  private draft = newDraft();
  private readonly form = byId<HTMLFormElement>("report");
  private readonly text = byId<HTMLTextAreaElement>("text");
  private readonly address = byId<HTMLInputElement>("address");
  private readonly said = byId("said");
  private readonly addresses = new Addresses(byId("places"), () => this.map?.map ?? null, (chosen) => this.chosen(chosen));
  private map: GroundMap | null = null;
  private marker: L.Marker | null = null;
  private circle: L.Circle | null = null;
  private keeping = 0;
  private isSending = false;
  private nearbyTurn = 0;
  /** What the page asks for at the moment. */
  private asked: Missing | null = null;
  private isSignedOut = false;
  /** Why reports wait, as a word of `report.waiting`, and until when nobody asks again by itself. */
  private waitsFor: "state" | "turn" | "service" = "state";
  private notBefore = 0;
  private listed = "";

  constructor(private readonly page: ReportPage, private readonly shelf: Shelf) {}

  async open(): Promise<void> {
    const kept = await this.shelf.all();
    this.draft = kept.find(({ state }) => state === "open") ?? this.draft;
    this.wire();
    this.openMap();
    this.show();
    this.meet(signOf(location.search));
    await this.showWaiting();
    void this.sendWaiting();
  }

  /** A sign in the street says where, and maybe what. Whoever began a report elsewhere says which place it is of. */
  private meet(sign: Sign | "unread" | null): void {
    if (sign === null || sign === "unread") {
      this.leaveSign();
      return this.tellOfSign(sign === "unread" ? t("report.sign.unread") : "");
    }
    const isMet = isAt(sign, this.draft) && JSON.stringify(this.draft.sign) === JSON.stringify(sign);
    if (!isMet && isReplaceable(this.draft)) this.takeSign(sign);
    else if (!isAt(sign, this.draft)) return this.offerSign(sign);
    this.tellOfSign(this.classNotKnown(sign));
  }

  /** Whoever comes by no sign, or by one that cannot be read, is not where an earlier one stands. */
  private leaveSign(): void {
    if (!this.draft.sign || !isReplaceable(this.draft)) return;
    Object.assign(this.draft, { lon: null, lat: null, accuracy_m: null, address: "", category: classFrom(null, this.draft), sign: null });
    this.show();
    this.keep();
  }

  private takeSign(sign: Sign): void {
    const category = classFrom(this.isKnown(sign.category) ? sign : null, this.draft);
    Object.assign(this.draft, { address: sign.address, category, sign });
    this.place(sign.lon, sign.lat, null);
    this.map?.map.setView([sign.lat, sign.lon], 18);
    this.show();
  }

  /** The report that was begun keeps its place; that of the sign is one tap away, and so is the way back. */
  private offerSign(sign: Sign): void {
    const { lon, lat, accuracy_m, area, area_name, address, category, sign: before = null } = this.draft;
    const place = address || area_name;
    this.tellOfSign(place ? t("report.sign.kept_at", { place: plain(place) }) : t("report.sign.kept"), t("report.sign.take"), () => {
      this.takeSign(sign);
      const taken = this.draft.category;
      this.tellOfSign([t("report.sign.taken"), this.classNotKnown(sign)].join(" "), t("report.sign.back"), () => {
        Object.assign(this.draft, { lon, lat, accuracy_m, area, area_name, address, sign: before });
        if (this.draft.category === taken) this.draft.category = category;
        if (lon !== null && lat !== null) this.map?.map.setView([lat, lon], 18);
        this.show();
        this.keep();
        this.offerSign(sign);
        byId("of-sign").querySelector("button")?.focus();
      });
      byId("of-sign").querySelector("button")?.focus();
    });
  }

  private isKnown(category: string): boolean {
    return this.page.categories.some(({ code }) => code === category);
  }

  private classNotKnown({ category }: Sign): string {
    return category && !this.isKnown(category) ? t("report.sign.class", { category: plain(category.slice(0, LONGEST_CLASS)) }) : "";
  }

  private tellOfSign(text: string, answer = "", onAnswer: () => void = () => undefined): void {
    byId("of-sign").replaceChildren(text, ...(answer ? [" ", button(answer, onAnswer, { class: "quiet" })] : []));
  }

  private wire(): void {
    byId<HTMLInputElement>("photo").addEventListener("change", (event) => void this.addPhotos(event.target as HTMLInputElement));
    byId("here").addEventListener("click", () => this.locate());
    this.fillClasses();
    const told = byId("masked");
    const onMasked = () => (told.textContent = t("report.masked"));
    maskAsTyped(this.text, onMasked);
    maskAsTyped(this.address, onMasked);
    for (const name of ["text", "address", "phone", "channel", "external_number"] as const) {
      const field = document.getElementById(name) as HTMLInputElement | null;
      field?.addEventListener("input", () => {
        this.draft[name] = field.value;
        this.noLongerAsked(name === "phone" ? "phone" : null);
        this.keep();
      });
      field?.addEventListener("blur", () => {
        this.draft[name] = field.value;
        this.keep();
      });
    }
    this.address.addEventListener("change", () => this.findAddress());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.handIn();
    });
    window.addEventListener("online", () => void this.sendWaiting());
    window.setInterval(() => {
      if (Date.now() >= this.notBefore) void this.sendWaiting();
    }, TRY_EVERY_MS);
  }

  private fillClasses(): void {
    const names = new Map(this.page.categories.map((each) => [each.code, each.called]));
    const quick = this.page.quick.filter(({ category }) => names.has(category));
    byId("classes").replaceChildren(...quick.map(({ category, icon: name }) => {
      const made = button("", () => this.choose(category), { "data-category": category, "aria-pressed": "false" });
      made.append(icon(name), element("span", {}, names.get(category) ?? category));
      return made;
    }));
    const select = byId<HTMLSelectElement>("category");
    select.append(...classOptions(this.page.categories));
    select.addEventListener("change", () => this.choose(select.value));
  }

  private openMap(): void {
    const { lon, lat } = this.draft;
    const centre: [number, number] = lon !== null && lat !== null ? [lon, lat] : this.page.centre;
    this.map = new GroundMap(byId("map"), centre, lon === null ? 15 : 18, () => this.fillBuildings());
    this.map.map.on("click", ({ latlng }: L.LeafletMouseEvent) => {
      this.place(latlng.lng, latlng.lat, null);
    });
    void this.map.look();
  }

  /** Buildings that the map shows can also be named. */
  private fillBuildings(): void {
    const names = new Set((this.map?.features ?? []).filter(({ properties }) => properties.kind === "building" && properties.name).map(({ properties }) => properties.name as string));
    byId("buildings").replaceChildren(...Array.from(names).slice(0, 400).map((name) => element("option", { value: name })));
  }

  private chosen(chosen: Chosen): void {
    if ("at" in chosen) {
      this.place(chosen.at.lon, chosen.at.lat, null);
      this.map?.map.setView([chosen.at.lat, chosen.at.lon], 18);
      return;
    }
    Object.assign(this.draft, { lon: null, lat: null, accuracy_m: null, area: chosen.area, area_name: chosen.name });
    this.noLongerAsked("place");
    this.tellOfSign("");
    this.showPlace();
    this.keep();
  }

  /** An address that is the name of a building on the map is its place too; whoever is signed in is offered others. */
  private findAddress(): void {
    const named = this.map?.features.find(({ properties }) => properties.kind === "building" && properties.name === this.address.value.trim());
    const at = named && middleOf(named.geometry);
    this.addresses.clear();
    if (at) {
      this.place(at.lng, at.lat, null);
      this.map?.map.setView(at, 18);
    } else if (this.page.signed_in) void this.addresses.look(this.address.value);
  }

  private locate(): void {
    if (!("geolocation" in navigator)) {
      this.ask("place", t("report.place.not_found"));
      return;
    }
    byId("where").textContent = t("report.place.looking");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        this.place(coords.longitude, coords.latitude, coords.accuracy);
        this.map?.map.setView([coords.latitude, coords.longitude], 18);
      },
      () => {
        this.showPlace();
        this.ask("place", t("report.place.not_found"));
      },
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000 },
    );
  }

  private place(lon: number, lat: number, accuracy: number | null): void {
    Object.assign(this.draft, { lon: Number(lon.toFixed(7)), lat: Number(lat.toFixed(7)), accuracy_m: accuracy, area: "" });
    this.noLongerAsked("place");
    this.tellOfSign("");
    this.showPlace();
    this.keep();
    void this.lookNearby();
  }

  private choose(category: string): void {
    this.draft.category = category;
    this.noLongerAsked("category");
    // A question about the place stays.
    if (!byId("of-sign").querySelector("button")) this.tellOfSign("");
    this.showClass();
    this.keep();
    void this.lookNearby();
  }

  private async addPhotos(input: HTMLInputElement): Promise<void> {
    for (const file of Array.from(input.files ?? [])) {
      if (this.draft.photos.length >= MOST_PHOTOS) break;
      try {
        this.draft.photos.push(await shrunk(file));
      } catch {
        this.say(t("report.photo.not_read"));
      }
    }
    input.value = "";
    this.showPhotos();
    this.keep();
  }

  /** What is open nearby and of the same class: it may have been reported already. */
  private async lookNearby(): Promise<void> {
    const { category, lon, lat } = this.draft;
    const box = byId("nearby");
    const turn = ++this.nearbyTurn;
    if (!category || lon === null || lat === null) return box.replaceChildren();
    const asked = new URLSearchParams({ category, lon: String(lon), lat: String(lat) });
    const told = await askService<Nearby[]>(`/api/v1/reports/nearby?${asked}`, { method: "GET" });
    if (turn !== this.nearbyTurn) return;
    if (!told.ok || !told.body.length) return box.replaceChildren();
    box.replaceChildren(
      element("p", {}, element("b", {}, t("report.nearby.title", { count: told.body.length }))),
      element("ul", {}, ...told.body.map((one) => element("li", {},
        t(one.days_ago ? "report.nearby.days" : "report.nearby.today", { name: one.category_name, m: one.distance_m, days: one.days_ago }),
        element("span", { class: `state s-${one.state}` }, word("state", one.state))))),
      element("p", { class: "soft" }, t("report.nearby.hint")));
  }

  private async handIn(): Promise<void> {
    for (const field of [this.text, this.address]) field.dispatchEvent(new Event("blur"));
    const missing = this.missing();
    if (missing) {
      this.ask(missing, t(`report.missing.${missing}`), true);
      const first = missing === "category" ? byId("classes").querySelector("button") : byId(missing === "place" ? "here" : "phone");
      first?.focus();
      return;
    }
    this.draft.phone = this.draft.phone.trim();
    window.clearTimeout(this.keeping);
    const draft: Draft = { ...this.draft, state: "waiting", reported_at: new Date().toISOString() };
    await this.shelf.put(draft);
    this.draft = newDraft();
    this.show();
    this.tellOfSign("");
    byId("masked").textContent = "";
    this.addresses.clear();
    await this.sendWaiting();
  }

  private missing(): Missing | null {
    const { lon, area, category, phone } = this.draft;
    if (lon === null && !area) return "place";
    if (!category) return "category";
    return phone.trim() && document.getElementById("phone") && !isPhone(phone) ? "phone" : null;
  }

  private ask(missing: Missing, text: string, isRefused = false): void {
    this.say(text, isRefused);
    this.asked = missing;
    if (missing === "phone") byId("phone").setAttribute("aria-invalid", "true");
  }

  /** What was asked for is being given: nobody is told any more that it is missing. */
  private noLongerAsked(given: Missing | null): void {
    if (given === "phone") byId("phone").removeAttribute("aria-invalid");
    if (given && given === this.asked) this.say("");
  }

  /** Send what waits, one after another; what has no network waits on. */
  private async sendWaiting(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    try {
      for (const draft of await this.shelf.all()) {
        if (draft.state !== "waiting") continue;
        this.say(t("report.sending"));
        const outcome = await sendDraft(draft, { isSignedIn: this.page.signed_in }, (part) => this.shelf.put(part));
        this.isSignedOut = outcome.kind === "signed_out";
        if (outcome.kind === "sent") {
          if (outcome.unkept.length) await this.shelf.put({ ...draft, state: "partly", photos: [], sent: 0 });
          else await this.shelf.remove(draft.id);
          this.thank(outcome.number, outcome.unkept);
        } else if (outcome.kind === "signed_out") {
          this.say(t(this.page.signed_in ? "report.signed_out" : "report.sign_in_first"), true);
          this.said.append(" ", signInLink());
          break;
        } else if (outcome.kind === "refused") {
          await this.shelf.put({ ...draft, state: "refused", refused: outcome.detail });
          this.say(t("report.refused", { detail: outcome.detail }), true);
        } else {
          this.sayLater(outcome.status, outcome.waitS);
          break;
        }
      }
    } finally {
      this.isSending = false;
      await this.showWaiting();
    }
  }

  /** What waits, and why: a network that is missing is no service that failed, and neither is a limit. */
  private sayLater(status: number, waitS: number | null): void {
    this.waitsFor = status === 0 ? "state" : status === 429 ? "turn" : "service";
    this.notBefore = waitS === null ? 0 : Date.now() + waitS * 1000;
    if (status === 429) this.say(t(waitS !== null && waitS <= LONGEST_IN_S ? "report.busy" : "report.busy_minutes", { s: waitS ?? 0, minutes: Math.ceil((waitS ?? 60) / 60) }), true);
    else if (status === 0) this.say(t("report.kept"));
    else this.say(t("report.failed", { status }), true);
  }

  private thank(number: string, unkept: readonly Unkept[]): void {
    this.asked = null;
    this.said.className = "good";
    const parts = new Map(unkept.map(({ part, detail }) => [part, detail]));
    this.said.replaceChildren(t("report.sent"), " ", this.numbered(number),
      ...Array.from(parts, ([part, detail]) => element("span", { class: "refused" }, t("report.unkept.but"), t(`report.unkept.${part}`, { detail }))));
  }

  private numbered(number: string): HTMLElement {
    return this.page.signed_in ? element("a", { href: `/cases/${number}` }, number) : element("b", {}, number);
  }

  private async showWaiting(): Promise<void> {
    const kept = await this.shelf.all();
    const waiting = kept.filter(({ state }) => state === "waiting" || state === "refused");
    const partly = kept.filter(({ state }) => state === "partly");
    const listed = partly.map(({ id }) => id).join();
    // What is being typed there stays while nothing is added or gone.
    if (listed !== this.listed) byId("unkept").replaceChildren(...(partly.length
      ? [element("h2", {}, t("report.unkept.title", { count: partly.length })), element("ul", {}, ...partly.map((draft) => unkeptItem(draft, this.numbered(draft.number ?? ""), {
        again: (corrected) => void this.shelf.put(corrected).then(() => this.showWaiting()).then(() => this.sendWaiting()),
        leave: () => void this.shelf.remove(draft.id).then(() => this.showWaiting()),
      })))]
      : []));
    this.listed = listed;
    const names = new Map(this.page.categories.map((each) => [each.code, each.called]));
    byId("waiting").replaceChildren(...(waiting.length
      ? [element("h2", {}, t("report.waiting.title", { count: waiting.length })),
        element("ul", {}, ...waiting.map((draft) => element("li", {},
          element("b", {}, names.get(draft.category) ?? draft.category), " ", typed(draft.address || draft.text), " ",
          element("span", { class: draft.state === "refused" ? "refused" : "soft" }, draft.state === "refused" ? draft.refused : t(this.isSignedOut ? "report.waiting.login" : `report.waiting.${this.waitsFor}`)),
          ...(draft.state === "refused" ? [button(t("report.waiting.edit"), () => void this.reopen(draft), { class: "quiet" })] : []),
          button(t("report.waiting.remove"), () => void this.shelf.remove(draft.id).then(() => this.showWaiting()), { class: "quiet" })))),
        button(t("report.waiting.send"), () => void this.sendWaiting(), { class: "quiet" })]
      : []));
  }

  /** Take a refused report into the form again, as a new one. */
  private async reopen(draft: Draft): Promise<void> {
    await this.shelf.remove(draft.id);
    this.draft = { ...draft, id: newDraft().id, state: "open", refused: "", number: null, sent: 0, unkept: [] };
    this.show();
    this.tellOfSign("");
    this.keep();
    await this.showWaiting();
  }

  private keep(): void {
    window.clearTimeout(this.keeping);
    this.keeping = window.setTimeout(() => void this.shelf.put(this.draft), KEEP_AFTER_MS);
  }

  private show(): void {
    for (const name of ["text", "address", "phone", "external_number"] as const) {
      const field = document.getElementById(name) as HTMLInputElement | null;
      if (field) field.value = this.draft[name];
    }
    this.showPhotos();
    this.showPlace();
    this.showClass();
    byId("nearby").replaceChildren();
  }

  private showPhotos(): void {
    byId("photos").replaceChildren(...this.draft.photos.map((photo, i) => {
      const image = element("img", { alt: t("report.photo.n", { n: i + 1 }) });
      image.src = URL.createObjectURL(photo);
      image.addEventListener("load", () => URL.revokeObjectURL(image.src));
      return element("li", {}, image, button("×", () => {
        this.draft.photos.splice(i, 1);
        this.showPhotos();
        this.keep();
      }, { "aria-label": t("report.photo.remove", { n: i + 1 }) }));
    }));
    byId("s-photo").classList.toggle("done", this.draft.photos.length > 0);
    byId<HTMLInputElement>("photo").disabled = this.draft.photos.length >= MOST_PHOTOS;
  }

  private showPlace(): void {
    const { lon, lat, accuracy_m: accuracy } = this.draft;
    const where = byId("where");
    const { area, area_name: name } = this.draft;
    byId("s-place").classList.toggle("done", lon !== null || Boolean(area));
    this.circle?.remove();
    if (lon === null || lat === null) {
      this.marker?.remove();
      this.marker = null;
      where.textContent = area ? t("report.place.along", { area: name }) : t("report.place.none");
      return;
    }
    where.textContent = accuracy === null ? t("report.place.set") : t("report.place.found", { m: Math.max(1, Math.round(accuracy)) });
    const map = this.map?.map;
    if (!map) return;
    const at = L.latLng(lat, lon);
    if (this.marker) this.marker.setLatLng(at);
    else {
      this.marker = pin(at, { draggable: true }).addTo(map);
      this.marker.on("dragend", () => {
        const moved = this.marker!.getLatLng();
        this.place(moved.lng, moved.lat, null);
      });
    }
    if (accuracy !== null) this.circle = L.circle(at, { radius: accuracy, weight: 1, color: "#b3261e", fillOpacity: 0.06, interactive: false }).addTo(map);
  }

  private showClass(): void {
    for (const each of Array.from(document.querySelectorAll<HTMLElement>("#classes button")))
      each.setAttribute("aria-pressed", String(each.dataset.category === this.draft.category));
    byId<HTMLSelectElement>("category").value = this.draft.category;
    byId("s-class").classList.toggle("done", this.draft.category !== "");
  }

  private say(text: string, isRefused = false): void {
    this.asked = null;
    this.said.className = isRefused ? "refused" : "";
    this.said.textContent = text;
  }
}
