/** Every word a reader sees, in the language chosen on the page. */
import type { Language, Settings } from "./schema.ts";

const LOCALES: Record<Language, string> = { zh_CN: "zh-CN", en: "en" };

let table: Record<string, string> = {};
let current: Language = "zh_CN";
let counts = new Intl.NumberFormat("zh-CN");

export function useLanguage(settings: Pick<Settings, "words">, language: Language): void {
  current = language;
  table = settings.words[language];
  counts = new Intl.NumberFormat(LOCALES[language]);
}

export function language(): Language {
  return current;
}

export function htmlLanguage(): string {
  return LOCALES[current];
}

/** The text of a key, `{name}` replaced by its value; the key itself where the text is missing. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const text = table[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole: string, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? formatCount(value) : value;
  });
}

export function formatCount(value: number): string {
  return counts.format(value);
}

export function formatShare(value: number): string {
  // 99.96 % is not 100 %: never round up to "all".
  const percent = Math.floor(value * 1000) / 10;
  return `${new Intl.NumberFormat(LOCALES[current], { maximumFractionDigits: 1 }).format(percent)}%`;
}
