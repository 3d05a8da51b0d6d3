/** A button that opens a menu: nothing is done before something in it is chosen, by pointer or by keyboard. */
import { button, element } from "../dom.ts";

export interface Choice {
  label: string;
  onChoose(): void;
}

/** A button and its menu; `act` names the button. */
export function menuButton(label: string, act: string, choices: readonly Choice[]): HTMLElement {
  const root = element("div", { class: "menu-of" });
  const list = element("div", { class: "menu", id: `menu-${act}`, role: "menu", "aria-label": label, hidden: true });
  const items = choices.map((choice) => button(choice.label, () => {
    close();
    choice.onChoose();
  }, { role: "menuitem", tabindex: -1 }));
  list.append(...items);
  const open = button(label, () => (list.hidden ? show(0) : close()), {
    "data-act": act, "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": list.id,
  });
  const away = (event: Event) => {
    if (!root.contains(event.target as Node)) hide();
  };
  function show(place: number): void {
    list.hidden = false;
    open.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", away, true);
    items[place]?.focus();
  }
  function hide(): void {
    list.hidden = true;
    open.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", away, true);
  }
  function close(): void {
    hide();
    open.focus();
  }
  root.addEventListener("keydown", (event) => {
    const last = items.length - 1;
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const to: Record<string, number> = {
      ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last,
    };
    const next = to[event.key];
    if (next !== undefined && (at >= 0 || event.key.startsWith("Arrow"))) show(next);
    else if (event.key === "Escape" && !list.hidden) close();
    else {
      // On to what follows the button, as if it had been there.
      if (event.key === "Tab" && !list.hidden) close();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  root.append(open, list);
  return root;
}
