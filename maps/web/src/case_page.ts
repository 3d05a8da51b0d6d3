/** What the service writes into a page about cases (`api/pages.py`, `script_data`). */
import type { Language } from "./schema.ts";
import { useLanguage } from "./words.ts";

export interface CasePage {
  /** Which page it is; the other fields are its own. */
  kind: string;
  language: Language;
  words: Record<string, string>;
}

/** The data of this page; its words are in use from now on. */
export function casePage(): CasePage {
  const told = document.getElementById("weige-case-page")?.textContent;
  if (!told) throw new Error("the page lacks weige-case-page");
  const page = JSON.parse(told) as CasePage;
  useLanguage({ words: { zh_CN: page.words, en: page.words } }, page.language);
  return page;
}
