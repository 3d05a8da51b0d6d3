/** What Chromium 78, the oldest browser of a meeting room, lacks of what the page uses. */

export function fillOldBrowsers(): void {
  if (!("replaceChildren" in Element.prototype)) {
    Object.defineProperty(Element.prototype, "replaceChildren", {
      configurable: true, writable: true,
      value(this: Element, ...nodes: (Node | string)[]) {
        while (this.lastChild) this.lastChild.remove();
        this.append(...nodes);
      },
    });
  }
}
