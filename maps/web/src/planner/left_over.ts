/** Edits that no draft takes any more: it was submitted, published or deleted while they were not saved. */
import { button, element } from "../dom.ts";
import type { QueueJson } from "../plan/queue.ts";
import { t } from "../words.ts";
import { unitsKey } from "./keeper.ts";
import { forkDraft } from "./service.ts";
import { adoptOfTabs, carryOver, localShelf, shelfKeyOf, versionsLeft, type Owner } from "./shelf.ts";

export interface Shown {
  version: string;
  may_edit: boolean;
  /** Address of the page of the community. */
  page: string;
}

/** Offer to put them into a draft of their own, made from the version that is shown. */
export function offerLeftOver(owner: Owner, shown: Shown, known: ReadonlySet<string>): void {
  const lost = versionsLeft(owner).filter((version) => (version === shown.version ? !shown.may_edit : !known.has(version)));
  for (const version of lost) {
    const key = shelfKeyOf(owner, version);
    adoptOfTabs(key);
    const text = localShelf.get(key);
    const edits = text === null ? null : read(text);
    // One at a time; what cannot be read stands in nobody's way.
    if (!edits) continue;
    offer(owner, shown, version, key, edits);
    return;
  }
}

function offer(owner: Owner, shown: Shown, version: string, key: string, edits: QueueJson): void {
  const said = element("p", {}, t(version === shown.version ? "edit.left_over.taken_on" : "edit.left_over.deleted", { edits: edits.edits.length }));
  const banner = element("section", { class: "left-over", role: "alert" }, said);
  const fork = button(t("edit.left_over.fork"), () => {
    fork.disabled = true;
    void forkDraft(shown.version).then((made) => {
      if ("refused" in made) {
        said.textContent = t("edit.clash.not_forked", { detail: made.refused });
        fork.disabled = false;
        return;
      }
      const units = JSON.parse(localShelf.get(unitsKey(key)) ?? "[]") as string[];
      carryOver(localShelf, edits, units, key, shelfKeyOf(owner, made.id));
      location.assign(`${shown.page}?version=${made.id}`);
    });
  }, { class: "main" });
  const drop = button(t("edit.left_over.drop"), () => {
    for (const each of [key, unitsKey(key)]) localShelf.remove(each);
    banner.remove();
  });
  banner.append(element("div", { class: "row" }, fork, drop));
  document.body.append(banner);
}

function read(text: string): QueueJson | null {
  try {
    const edits = JSON.parse(text) as QueueJson;
    return edits.edits.length ? edits : null;
  } catch {
    return null;
  }
}
