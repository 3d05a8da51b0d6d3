/** The line and the frame of a page while an area of the reader is in an emergency or a drill. */
import { askService } from "./asking.ts";
import { element } from "./dom.ts";
import { t } from "./words.ts";

export interface StandingModes {
  mode: "routine" | "emergency" | "drill";
  areas: { area: string; name: string; mode: string; set_at: string }[];
}

/** Ask which mode stands, and let the page say so: the switch may lie in an area above those of the event. */
export async function askMode(): Promise<void> {
  const answer = await askService<StandingModes>("/api/v1/modes/standing", { method: "GET" });
  if (answer.ok) showMode(answer.body);
}

export function showMode({ mode, areas }: StandingModes): void {
  document.body.classList.toggle("is-emergency", mode === "emergency");
  document.body.classList.toggle("is-drill", mode === "drill");
  document.querySelector(".mode-banner")?.remove();
  if (mode === "routine") return;
  const names = areas.filter((each) => each.mode === mode).map(({ name }) => name);
  const banner = element("p", { class: "mode-banner", role: "status" },
    element("span", {}, t(`mode.${mode}`, { areas: names.slice(0, MOST_NAMES).join(t("mode.and")), n: names.length })), element("a", { href: "/duty" }, t("mode.more")));
  document.querySelector(".skip")?.after(banner);
}

const MOST_NAMES = 3;
