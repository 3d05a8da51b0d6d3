/** The file for a meeting about the area of a wall: asked for in a dialog, made by the service, saved by the browser. */
import { askFile } from "../asking.ts";
import { element } from "../dom.ts";
import { language, t } from "../words.ts";
import type { Area } from "./schema.ts";

/** Join the button and the dialog of the page; `chosen` is the code of the area that the wall is held to. */
export function offerMeetingFile(areas: readonly Area[], chosen: () => string): void {
  const [opener, dialog] = [document.getElementById("meeting"), document.getElementById("meeting-dialog") as HTMLDialogElement | null];
  const form = dialog?.querySelector("form");
  if (!opener || !dialog || !form) return;
  const said = form.querySelector("output") as HTMLOutputElement;
  const area = form.elements.namedItem("area") as HTMLSelectElement;
  area.append(...areas.map(({ id, name, path }) => element("option", { value: id }, `${"\u3000".repeat(Math.max(0, path.split(".").length - 2))}${name}`)));
  opener.hidden = areas.length === 0;
  opener.addEventListener("click", () => {
    const held = areas.find(({ code }) => code === chosen());
    if (held) area.value = String(held.id);
    said.textContent = "";
    dialog.showModal();
  });
  form.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void take(form, said);
  });
}

async function take(form: HTMLFormElement, said: HTMLOutputElement): Promise<void> {
  const value = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value;
  const asked = new URLSearchParams({ lang: language() });
  for (const name of ["period", "watermark"]) if (value(name)) asked.set(name, value(name));
  const button = form.querySelector<HTMLButtonElement>("[type=submit]") as HTMLButtonElement;
  button.disabled = true;
  said.textContent = t("wall.meeting.making");
  const told = await askFile(`/api/v1/divisions/${value("area")}/map?${asked}`);
  button.disabled = false;
  if (!told.ok) {
    said.textContent = t("wall.meeting.refused", { detail: told.detail });
    return;
  }
  const link = element("a", { download: told.body.name, href: URL.createObjectURL(told.body.content) });
  link.click();
  // A browser may still be reading when the click returns.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  said.textContent = t("wall.meeting.made", { file: link.download });
}
