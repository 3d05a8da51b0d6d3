/** What was done, the newest first; any step of it can be gone back to. */
import { button, element } from "../dom.ts";
import type { Edit } from "../plan/edit.ts";
import { formatCount, t } from "../words.ts";
import type { Desk } from "./desk.ts";

interface Line {
  edit: Edit;
  isDone: boolean;
  root: HTMLElement;
}

export class Past {
  readonly root = element("section", { class: "past" });
  private readonly count = element("span", { class: "count" });
  private readonly list = element("ol");
  private readonly none = element("p", { class: "soft" }, t("edit.no_past"));
  private readonly before = element("p", { hidden: true });
  /** Lines are kept: a long day has hundreds, and one edit changes one of them. */
  private lines: Line[] = [];

  constructor(
    private readonly desk: Desk,
    private readonly goTo: (position: number) => void,
    /** Undo what was done before the history begins. */
    private readonly undoOutset: () => void,
  ) {
    this.root.append(element("h2", {}, t("edit.past"), " ", this.count), this.none, this.list, this.before);
  }

  render(): void {
    const { history, outset } = this.desk;
    const { edits, position } = history;
    edits.forEach((edit, i) => {
      const [line, isDone] = [this.lines[i], i < position];
      if (line?.edit === edit && line.isDone === isDone) return;
      const made = { edit, isDone, root: this.line(edit, i, isDone) };
      if (line) line.root.replaceWith(made.root);
      else this.list.prepend(made.root);
      this.lines[i] = made;
    });
    for (const { root } of this.lines.splice(edits.length)) root.remove();
    this.count.textContent = formatCount(edits.length);
    this.none.hidden = edits.length > 0 || outset !== null;
    if (this.before.hidden === (outset !== null)) {
      this.before.hidden = outset === null;
      this.before.replaceChildren(...(outset ? [button(outset.text, () => this.undoOutset(), { class: "link", title: t("edit.back_to") })] : []));
    }
  }

  private line(edit: Edit, i: number, isDone: boolean): HTMLElement {
    const text = `${i + 1}. ${t(`edit.action.${edit.action}`, { units: edit.units.length })}`;
    const to = isDone ? i : i + 1;
    return element("li", { class: isDone ? "" : "undone" }, button(text, () => this.goTo(to), { class: "link", title: t(isDone ? "edit.back_to" : "edit.forth_to") }));
  }
}
