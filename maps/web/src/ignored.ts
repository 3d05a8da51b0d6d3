/** What the address of a page says and the page does not know: it is left out, and told in one line. */
import { plain } from "./plain.ts";
import { t } from "./words.ts";

/** Of it so much is told: parts, and letters of each. */
const [MOST, LONGEST] = [4, 40];

export function tellIgnored(place: HTMLElement, ignored: readonly string[]): void {
  place.hidden = ignored.length === 0;
  const shown = ignored.slice(0, MOST).map((each) => (each.length > LONGEST ? `${each.slice(0, LONGEST)}…` : each));
  const said = plain(shown.join(", ")) + (ignored.length > MOST ? " …" : "");
  place.textContent = ignored.length ? t("case.ignored", { count: ignored.length, said }) : "";
}
