/** Numbers of people and flats in what is typed: as `api/cases/masking.py`, which refuses what slips through here. */
import { numbersShown, plainSigns, withoutInvisible } from "./personal_numbers.ts";

const NUMERAL = "[0-9〇零一二两三四五六七八九十百]";
const FLAT = new RegExp(
  `(?<![0-9A-Za-z])(?:[A-Za-z]?${NUMERAL}{1,5})(?=[ ]?(?:室(?![内外])|号房(?![屋产东])|房间))` +
    `|(?<=[栋幢座楼])[ ]?${NUMERAL}{3,4}(?=[ ]?户)` +
    `|(?<=单元)[ ]?(?:${NUMERAL}{3,4})(?!${NUMERAL}|[ ]?(?:室|号))` +
    "|(?<=\\d-\\d-)\\d{3,4}(?![\\d-])|(?<=\\d-\\d\\d-)\\d{3,4}(?![\\d-])",
  "g",
);
const MASK = "***";

export type Kind = "identity" | "phone" | "flat";

export interface Hit {
  kind: Kind;
  start: number;
  end: number;
}

/** What is personal in a text, in order and without overlap. */
export function findPersonal(text: string): Hit[] {
  const { visible, places } = withoutInvisible(text);
  const plain = plainSigns(visible);
  const hits: Hit[] = numbersShown(plain);
  for (const found of plain.matchAll(FLAT)) hits.push({ kind: "flat", start: found.index!, end: found.index! + found[0].length });
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  const apart = hits.reduce<Hit[]>((kept, each) => {
    const last = kept[kept.length - 1];
    if (!last || each.start >= last.end) kept.push(each);
    else last.end = Math.max(last.end, each.end);
    return kept;
  }, []);
  return apart.map(({ kind, start, end }) => ({ kind, start: places[start]!, end: places[end - 1]! + 1 }));
}

export function masked(text: string): string {
  let clean = "";
  let at = 0;
  for (const { start, end } of findPersonal(text)) {
    clean += text.slice(at, start) + MASK;
    at = end;
  }
  return clean + text.slice(at);
}

/** Mask a field while it is typed in. What ends at the caret waits: a number may not be complete yet. */
export function maskAsTyped(field: HTMLInputElement | HTMLTextAreaElement, onMasked: (kinds: Kind[]) => void): void {
  const mask = (isAll: boolean) => {
    const caret = field.selectionStart ?? field.value.length;
    const hits = findPersonal(field.value).filter(({ end }) => isAll || end !== caret);
    if (!hits.length) return;
    let clean = "";
    let at = 0;
    let moved = caret;
    for (const { start, end } of hits) {
      clean += field.value.slice(at, start) + MASK;
      if (end <= caret) moved += MASK.length - (end - start);
      at = end;
    }
    field.value = clean + field.value.slice(at);
    if (document.activeElement === field) field.setSelectionRange(moved, moved);
    onMasked(hits.map(({ kind }) => kind));
  };
  field.addEventListener("input", (event) => {
    if (!(event as InputEvent).isComposing) mask(false);
  });
  field.addEventListener("blur", () => mask(true));
}
