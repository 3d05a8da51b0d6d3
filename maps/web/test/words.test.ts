import assert from "node:assert/strict";
import { test } from "node:test";
import { t, useLanguage } from "../src/words.ts";

test("a text has the word for one or for several, also of numbers that are written already", () => {
  const words = { rows: "{count} {count:row|rows}", kept: "{n:grid stays|grids stay}", plain: "{count} rows" };
  useLanguage({ words: { en: words, zh_CN: words } }, "en");

  assert.equal(t("rows", { count: 1 }), "1 row");
  assert.equal(t("rows", { count: "1" }), "1 row");
  assert.equal(t("rows", { count: 0 }), "0 rows");
  assert.equal(t("rows", { count: 1200 }), "1,200 rows");
  assert.equal(t("kept", { n: "1,200" }), "grids stay");
  assert.equal(t("plain", { count: 1 }), "1 rows");
  assert.equal(t("rows"), "{count} {count:row|rows}");
});
