/** Why the last edit was made: one line that may be typed after it, and blocks nothing. */
import { button, element } from "../dom.ts";
import { t } from "../words.ts";

export class Why {
  readonly root = element("form", { class: "why", hidden: true });
  private readonly line = element("input", { type: "text", maxlength: 500, placeholder: t("edit.why.ask"), "aria-label": t("edit.why.ask") });
  private readonly said = element("span", { class: "soft", role: "status" });

  constructor(
    /** Keep the line with the edit made last; whether that was done. */
    private readonly keep: (note: string) => Promise<boolean>,
  ) {
    const send = button(t("edit.why.keep"), () => this.root.requestSubmit());
    this.root.append(this.line, send, this.said);
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
  }

  /** An edit was made: what was typed for the one before and not kept is gone. */
  edited(): void {
    this.root.hidden = false;
    this.line.value = "";
    this.said.textContent = "";
  }

  private async submit(): Promise<void> {
    const note = this.line.value.trim();
    if (!note) return;
    this.said.textContent = t("edit.why.keeping");
    const isKept = await this.keep(note);
    this.said.textContent = t(isKept ? "edit.why.kept" : "edit.why.not_kept");
    if (isKept) this.line.value = "";
  }
}
