/** The page of visits: rounds are noted as counts, and taken back. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { sayWhatWasDone, settle } from "../settling.ts";
import { t } from "../words.ts";

export async function startVisits(_: CasePage): Promise<void> {
  sayWhatWasDone();
  document.querySelector<HTMLFormElement>("#add")?.addEventListener("submit", (event) => {
    event.preventDefault();
    void add(event.target as HTMLFormElement);
  });
  for (const button of Array.from(document.querySelectorAll<HTMLButtonElement>("button.take-back")))
    button.addEventListener("click", () => void askService(`/api/v1/visits/${button.dataset.visit}/reversal`).then((answer) => settle(answer, t("visits.is_taken_back"), notDone)));
}

async function add(form: HTMLFormElement): Promise<void> {
  if (!form.reportValidity()) return;
  const value = (name: string) => (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value;
  const community = form.querySelector<HTMLSelectElement>("#grid")?.selectedOptions[0]?.dataset.community;
  settle(await askService("/api/v1/visits", {
    body: {
      division_id: Number(community ?? form.dataset.division), grid: value("grid") || null, day: value("day"), topic: value("on"),
      households: Number(value("households")), demands: Number(value("demands")), settled: Number(value("settled")),
    },
  }), t("visits.added"), notDone);
}

function notDone(detail: string): string {
  return t("visits.not_done", { detail });
}
