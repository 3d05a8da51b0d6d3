/** Telephone and identity numbers in what people type: as `geo/typed_numbers.py`, mistyped ones included. */
const MOBILE =
  "(?:(?<!\\d)|(?<=\\+86)|(?<=0086)|(?<!\\d86)(?<=86))1[3-9]\\d(?:[ -]?\\d{4}[ -]?|\\.\\d{4}\\.)\\d{4}(?!\\d)";
const LANDLINE = "(?<!\\d)\\(?0[1-9]\\d{1,2}\\)?[ .-]?\\d{7,8}(?!\\d)";
const PHONE = new RegExp(`${MOBILE}|${LANDLINE}`, "g");
const IDENTITY = /(?<!\d)(\d{6})[ .-]?(\d{8})[ .-]?(\d{3}[0-9Xx])(?!\d)/g;
const BIRTH = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

const SIGN = "(?: {1,3}| ?-{1,2} ?)";
const GROUPED = new RegExp(
  "(?<![0-9A-Za-z])(?<![0-9A-Za-z*][-./_])" +
    `(?:1[3-9]\\d(?<a>${SIGN}|[._/])\\d{4}\\k<a>\\d{4}` +
    `|1[3-9]\\d(?<b>${SIGN}|\\.)(?:\\d\\d\\k<b>\\d\\d\\k<b>\\d\\d\\k<b>\\d\\d|\\d{4}\\k<b>\\d\\d\\k<b>\\d\\d|\\d\\d\\k<b>\\d\\d\\k<b>\\d{4})` +
    "|1[3-9]\\d {1,3}(?:\\d{3} {1,3}\\d{5}|\\d{5} {1,3}\\d{3})" +
    `|1(?<c>${SIGN}|[._/])[3-9](?:\\k<c>\\d){9}` +
    `|\\(?0(?:10|2\\d|[3-9]\\d\\d)\\)?${SIGN}?(?!2[0-3][0-5]\\d${SIGN}[0-2]\\d[0-5]\\d)[2-9]\\d{2,3}${SIGN}\\d{4})(?!\\d)`,
  "g",
);
const GROUPED_IDENTITY = /(?<!\d)(?=((?:\d[ .-]{0,3}){17}[0-9Xx])(?!\d))/g;

const WORDS = ["零〇○", "一幺壹", "二贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"];
const WORD = new RegExp(`[${WORDS.join("")}]`, "g");
const SPELLED = new RegExp(`[一幺壹][三四五六七八九叁肆伍陆柒捌玖][${WORDS.join("")}]{9}`, "g");
const INVISIBLE =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff]/;

export interface NumberFound {
  kind: "identity" | "phone";
  start: number;
  end: number;
}

/** By kind and place in a text of plain signs that are all seen; they may overlap. */
export function numbersShown(plain: string): NumberFound[] {
  const found = inDigits(plain);
  const spelled = plain.replace(WORD, (word) => String(WORDS.findIndex((words) => words.includes(word))));
  if (spelled !== plain) {
    found.push(...inDigits(spelled));
    for (const match of plain.matchAll(SPELLED)) found.push(phone(match));
  }
  return found;
}

/** A text of the same length with full-width signs, odd blanks, dashes and dots as plain ones. */
export function plainSigns(text: string): string {
  return text
    .replace(/[\uff10-\uff19\uff38\uff58\uff0b\uff08\uff09]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0))
    .replace(/[\uff0d\u2010-\u2015\u2212\ufe58\ufe63]/g, "-")
    .replace(/[\t\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ")
    .replace(/[\uff0e\u00b7\u2022\u30fb]/g, ".");
}

/** What of a text is seen, and where in it each sign of that stands. */
export function withoutInvisible(text: string): { visible: string; places: number[] } {
  const places = [...Array(text.length).keys()].filter((at) => !INVISIBLE.test(text[at]!));
  return { visible: places.map((at) => text[at]).join(""), places };
}

function inDigits(plain: string): NumberFound[] {
  const found: NumberFound[] = [];
  for (const match of plain.matchAll(IDENTITY)) {
    const is = isIdentity(match[1]! + match[2]! + match[3]!) || BIRTH.test(match[2]!);
    if (is) found.push({ kind: "identity", start: match.index!, end: match.index! + match[0].length });
  }
  for (const match of plain.matchAll(PHONE)) found.push(phone(match));
  for (const match of plain.matchAll(GROUPED)) found.push(phone(match));
  for (const match of plain.matchAll(GROUPED_IDENTITY)) {
    const digits = match[1]!.replace(/[ .-]/g, "");
    const is = BIRTH.test(digits.slice(6, 14)) && isIdentity(digits);
    if (is) found.push({ kind: "identity", start: match.index!, end: match.index! + match[1]!.length });
  }
  return found;
}

function phone(match: RegExpMatchArray): NumberFound {
  return { kind: "phone", start: match.index!, end: match.index! + match[0].length };
}

/** By its check character (GB 11643-1999). */
function isIdentity(number: string): boolean {
  const total = WEIGHTS.reduce((sum, weight, i) => sum + weight * Number(number[i]), 0);
  return "10X98765432"[total % 11] === number[17]!.toUpperCase();
}
