/** Numbers of people and flats in what is typed: as `api/cases/masking.py` and `geo/personal_numbers.py`, which refuses what slips through here. */
const GAP = "[ -]?";
const IDENTITY = /(?<!\d)(\d{6})[ .-]?(\d{8})[ .-]?(\d{3}[0-9Xx])(?!\d)/g;
const BIRTH = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/;
const MOBILE =
  `(?:(?<!\\d)|(?<=\\+86)|(?<=0086)|(?<!\\d86)(?<=86))1[3-9]\\d(?:${GAP}\\d{4}${GAP}|\\.\\d{4}\\.)\\d{4}(?!\\d)`;
const LANDLINE = "(?<!\\d)\\(?0[1-9]\\d{1,2}\\)?[ .-]?\\d{7,8}(?!\\d)";
const PHONE = new RegExp(`${MOBILE}|${LANDLINE}`, "g");
const NUMERAL = "[0-9〇零一二两三四五六七八九十百]";
const FLAT = new RegExp(
  `(?<![0-9A-Za-z])(?:[A-Za-z]?${NUMERAL}{1,5})(?=[ ]?(?:室(?![内外])|号房(?![屋产东])|房间))` +
    `|(?<=[栋幢座楼])[ ]?${NUMERAL}{3,4}(?=[ ]?户)` +
    `|(?<=单元)[ ]?(?:${NUMERAL}{3,4})(?!${NUMERAL}|[ ]?(?:室|号))` +
    "|(?<=\\d-\\d-)\\d{3,4}(?![\\d-])|(?<=\\d-\\d\\d-)\\d{3,4}(?![\\d-])",
  "g",
);
const PLAIN: Record<string, string> = {
  "Ｘ": "X", "ｘ": "x", "－": "-", "\u2010": "-", "\u2011": "-", "\u2013": "-", "＋": "+", "\u3000": " ", "\u00a0": " ", "\u2007": " ",
  "\u202f": " ", "．": ".", "（": "(", "）": ")",
};
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const MASK = "***";

export type Kind = "identity" | "phone" | "flat";

export interface Hit {
  kind: Kind;
  start: number;
  end: number;
}

/** What is personal in a text, in order and without overlap. */
export function findPersonal(text: string): Hit[] {
  const plain = text.replace(/[０-９Ｘｘ－\u2010\u2011\u2013＋\u3000\u00a0\u2007\u202f．（）]/g, (sign) => PLAIN[sign] ?? String.fromCharCode(sign.charCodeAt(0) - 0xfee0));
  const hits: Hit[] = [];
  for (const found of plain.matchAll(IDENTITY)) {
    if (isIdentity(found[1]! + found[2]! + found[3]!) || BIRTH.test(found[2]!)) hits.push(hit("identity", found));
  }
  for (const found of plain.matchAll(PHONE)) hits.push(hit("phone", found));
  for (const found of plain.matchAll(FLAT)) hits.push(hit("flat", found));
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  return hits.reduce<Hit[]>((kept, each) => {
    const last = kept[kept.length - 1];
    if (!last || each.start >= last.end) kept.push(each);
    return kept;
  }, []);
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

function hit(kind: Kind, found: RegExpMatchArray): Hit {
  return { kind, start: found.index!, end: found.index! + found[0].length };
}

/** By its check character (GB 11643-1999). */
function isIdentity(number: string): boolean {
  const total = WEIGHTS.reduce((sum, weight, i) => sum + weight * Number(number[i]), 0);
  return "10X98765432"[total % 11] === number[17]!.toUpperCase();
}
