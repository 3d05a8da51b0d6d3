/** Forms of the page of rosters and modes; what it shows is of the service, and is asked for anew after each change. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { hear } from "../hearing.ts";
import { readAnew, sayWhatWasDone, settle } from "../settling.ts";
import { t } from "../words.ts";
import { byId } from "../dom.ts";

interface DutyPage extends CasePage {
  zone: string;
}

export async function startDuty(told: CasePage): Promise<void> {
  const { zone } = told as DutyPage;
  hear(["mode"], () => reload(), () => undefined);
  sayWhatWasDone();
  document.querySelector<HTMLFormElement>("#add")?.addEventListener("submit", (event) => {
    event.preventDefault();
    void add(event.target as HTMLFormElement, zone);
  });
  for (const button of Array.from(document.querySelectorAll<HTMLButtonElement>("button.withdraw")))
    button.addEventListener("click", () => void withdraw(button));
  const form = document.querySelector<HTMLFormElement>("#switch");
  if (form) listenToSwitch(form);
}

async function add(form: HTMLFormElement, zone: string): Promise<void> {
  if (!form.reportValidity()) return;
  const value = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value;
  const grid = form.querySelector<HTMLSelectElement>("#grid")!;
  const community = grid.selectedOptions[0]?.dataset.community;
  settle(await askService("/api/v1/duties", {
    body: {
      division_id: Number(community ?? form.dataset.division), grid: value("grid") || null, place: value("place"), user_id: Number(value("user")),
      starts_at: inZone(value("starts"), zone), ends_at: inZone(value("ends"), zone),
    },
  }), t("duty.added"), notDone);
}

async function withdraw(button: HTMLButtonElement): Promise<void> {
  settle(await askService(`/api/v1/duties/${button.dataset.duty}`, { method: "DELETE" }), t("duty.withdrawn"), notDone);
}

/** A switch changes what every page and every rule of dispatch of the area does: it is asked for once more. */
function listenToSwitch(form: HTMLFormElement): void {
  const mode = byId<HTMLSelectElement>("mode");
  const note = byId<HTMLInputElement>("note");
  const sure = byId("sure");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.reportValidity()) return;
    const name = mode.selectedOptions[0]?.textContent ?? "";
    sure.querySelector("p")!.textContent = t("duty.about_to", { mode: name, area: byId<HTMLSelectElement>("area").selectedOptions[0]?.textContent ?? "" });
    sure.hidden = false;
    byId("yes").focus();
  });
  byId("no").addEventListener("click", () => {
    sure.hidden = true;
    note.focus();
  });
  byId("yes").addEventListener("click", () => {
    void askService("/api/v1/modes", { body: { division_id: Number(form.dataset.division), mode: mode.value, note: note.value.trim() } })
      .then((answer) => {
        sure.hidden = true;
        settle(answer, t("duty.switched"), notDone);
      });
  });
}

function notDone(detail: string): string {
  return t("duty.not_done", { detail });
}

/** The page as it is now, unless somebody is filling in a form. */
function reload(): void {
  const isFilledIn = Array.from(document.querySelectorAll<HTMLInputElement>("main form input")).some(({ value }) => value !== "");
  if (isFilledIn) return;
  // What was done here just now stays said: the event of it may come after the page was read anew.
  readAnew(byId("said").textContent ?? "");
}

/** A local time of the service's clock as a moment. */
function inZone(local: string, zone: string): string {
  const asUtc = Date.parse(`${local}Z`);
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23",
  }).formatToParts(new Date(asUtc));
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const offset = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) - asUtc;
  return new Date(asUtc - offset).toISOString();
}
