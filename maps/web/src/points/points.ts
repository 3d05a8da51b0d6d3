/** The page of points: they are given to an account in a team, and taken back by an entry of their own. */
import { askService } from "../asking.ts";
import type { CasePage } from "../case_page.ts";
import { sayWhatWasDone, settle } from "../settling.ts";
import { t } from "../words.ts";

export async function startPoints(_: CasePage): Promise<void> {
  sayWhatWasDone();
  document.querySelector<HTMLFormElement>("#give")?.addEventListener("submit", (event) => {
    event.preventDefault();
    void give(event.target as HTMLFormElement);
  });
  for (const button of Array.from(document.querySelectorAll<HTMLButtonElement>("button.take-back")))
    button.addEventListener("click", () => void askService(`/api/v1/points/${button.dataset.points}/reversal`).then((answer) => settle(answer, t("points.is_taken_back"), notDone)));
}

async function give(form: HTMLFormElement): Promise<void> {
  if (!form.reportValidity()) return;
  const value = (name: string) => (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value.trim();
  settle(await askService("/api/v1/points", {
    body: {
      division_id: Number(value("division")), team: value("team"), user_id: Number(value("user")), points: Number(value("points")),
      reason: value("reason"), case_number: value("number") || null,
    },
  }), t("points.given"), notDone);
}

function notDone(detail: string): string {
  return t("points.not_done", { detail });
}
