/** Every word a reader sees, in the language chosen on the page. */
import { plain } from "./plain.ts";
import type { Language, Settings } from "./schema.ts";

const LOCALES: Record<Language, string> = { zh_CN: "zh-CN", en: "en" };

let table: Record<string, string> = {};
let current: Language = "zh_CN";

export function useLanguage(settings: Pick<Settings, "words">, language: Language): void {
  current = language;
  table = settings.words[language];
}

export function language(): Language {
  return current;
}

export function htmlLanguage(): string {
  return LOCALES[current];
}

/**
 * The text of a key, `{name}` replaced by its value; the key itself where the text is missing.
 *
 * `{units:unit|units}` is the word for one or for several, as in `maps/text.py`; a number may come written already.
 */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const text = table[key] ?? key;
  return text.replace(/\{(\w+)(?::([^{}|]*)\|([^{}|]*))?\}/g, (whole: string, name: string, one?: string, several?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one !== undefined && several !== undefined) return value === 1 || value === "1" ? one : several;
    return typeof value === "number" ? formatCount(value) : plain(value);
  });
}

/** A number with at most `digits` after its point. */
export function formatCount(value: number, digits = 3): string {
  // Both languages write numbers alike; a formatter of the browser's would take longer to make than the legend.
  const [whole, part] = String(Number(value.toFixed(digits))).split(".") as [string, string?];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

export function formatShare(value: number): string {
  // 99.96 % is not 100 %: never round up to "all".
  const rounded = Number((value * 100).toFixed(1));
  return `${formatCount(value < 1 ? Math.min(rounded, 99.9) : rounded, 1)}%`;
}
