/** The photos of a case, by the state in which each was added: before the work, and after it. */
import { askService } from "../asking.ts";
import { timeElement, word } from "../case_words.ts";
import { element } from "../dom.ts";
import { shrunk } from "../report/shrink.ts";
import { refusalOf } from "../signing_in.ts";
import { t } from "../words.ts";

interface Photo {
  id: string;
  state: string;
  added_at: string;
}

export class Photos {
  constructor(private readonly address: string, private readonly say: (...refused: (Node | string)[]) => void) {}

  async look(mayAdd: boolean): Promise<void> {
    const told = await askService<Photo[]>(`${this.address}/photos`, { method: "GET" });
    if (!told.ok) return this.say(...refusalOf(told));
    const list = element("ul", { class: "shots" }, ...told.body.map((photo, i) => {
      const source = `${this.address}/photos/${photo.id}`;
      return element("li", {},
        element("a", { href: source }, element("img", { src: `${source}?size=small`, alt: t("casefile.photo.n", { n: i + 1 }), loading: "lazy" })),
        element("span", { class: "soft" }, word("state", photo.state), " ", timeElement(photo.added_at)));
    }));
    document.getElementById("photos")?.replaceChildren(list, ...(mayAdd ? this.adding(mayAdd) : []));
  }

  private adding(mayAdd: boolean): HTMLElement[] {
    const input = element("input", { id: "add-photo", type: "file", accept: "image/*", class: "away" });
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (file) void this.add(file).then(() => this.look(mayAdd));
    });
    return [element("label", { class: "add-photo", for: "add-photo" }, t("casefile.photo.add")), input];
  }

  private async add(file: File): Promise<void> {
    try {
      const told = await askService(`${this.address}/photos`, { body: await shrunk(file) });
      if (!told.ok) this.say(...refusalOf(told));
    } catch {
      this.say(t("report.photo.not_read"));
    }
  }
}
