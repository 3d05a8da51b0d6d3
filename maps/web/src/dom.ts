/** Elements from data. Text is always set as text, never parsed. */
import { plain } from "./plain.ts";

type Child = Node | string | null;

type Attributes = Record<string, string | number | boolean | undefined>;

/** Attributes that are read, not asked for. */
const READ = new Set(["title", "aria-label", "alt", "placeholder"]);

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? "" : READ.has(key) ? plain(String(value)) : String(value));
  }
  for (const child of children) if (child !== null) made.append(typeof child === "string" && name !== "textarea" ? plain(child) : child);
  return made;
}

/** Text typed in by people: kept apart, so that its direction of writing turns nothing around it. */
export function typed(text: string): HTMLElement {
  const made = document.createElement("bdi");
  made.textContent = plain(text);
  return made;
}

export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", onClick);
  return made;
}

/** Let a place hold some elements in their order, touching only those that come, go or change places: laying many out takes time. */
export function arrange(place: Element, wanted: readonly Element[]): void {
  const kept = new Set(wanted);
  for (const each of Array.from(place.children)) if (!kept.has(each)) each.remove();
  wanted.forEach((each, i) => {
    const there = place.children[i] ?? null;
    if (there !== each) place.insertBefore(each, there);
  });
}

/** The element of the page that bears an id; a page without it is not the one that the script was written for. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks ${id}`);
  return found as T;
}
