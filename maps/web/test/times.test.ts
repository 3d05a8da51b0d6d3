import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHours, formatMoment } from "../src/times.ts";
import { useLanguage } from "../src/words.ts";

const WORDS = {
  zh_CN: {
    "hours.always": "全天", "hours.closed": "不开放", "hours.holidays": "节假日", "hours.days": "{first}至{last}",
    "hours.span": "{from}—{to}", "hours.then": "；", "list.comma": "、",
    "moment.day": "{year}年{month}月{day}日", "moment.at": "{day} {time}", "moment.months": "1 2 3 4 5 6 7 8 9 10 11 12",
  },
  en: {
    "hours.always": "always", "hours.closed": "closed", "hours.holidays": "holidays", "hours.days": "{first}–{last}",
    "hours.span": "{from}–{to}", "hours.then": "; ", "list.comma": ", ",
    "moment.day": "{day} {month} {year}", "moment.at": "{day}, {time}",
    "moment.months": "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
  },
};

test("a stamp with the offset of its place is told by the clock of that place", () => {
  useLanguage({ words: WORDS }, "zh_CN");
  assert.equal(formatMoment("2025-06-01T09:02:00+08:00"), "2025年6月1日 09:02");
  assert.equal(formatMoment("2025-06-01 00:05"), "2025年6月1日 00:05");
  useLanguage({ words: WORDS }, "en");
  assert.equal(formatMoment("2025-06-01T09:02:00+08:00"), "1 Jun 2025, 09:02");
  assert.equal(formatMoment("2025/6/1"), "1 Jun 2025");
});

test("a stamp in UTC is told by the reader's clock", () => {
  useLanguage({ words: WORDS }, "en");
  const before = process.env.TZ;
  process.env.TZ = "Asia/Shanghai";
  assert.equal(formatMoment("2026-11-26T23:12:05Z"), "27 Nov 2026, 07:12");
  assert.equal(formatMoment("2026-11-26T23:12:05.25+00:00"), "27 Nov 2026, 07:12");
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

test("dates are written as the browser would write them", () => {
  for (const [language, locale] of [["zh_CN", "zh-CN"], ["en", "en-GB"]] as const) {
    useLanguage({ words: WORDS }, language);
    const format = new Intl.DateTimeFormat(locale, { year: "numeric", month: language === "en" ? "short" : "long", day: "numeric", timeZone: "UTC" });
    for (let month = 1; month <= 12; month++) {
      assert.equal(formatMoment(`2025-${month}-07`), format.format(new Date(Date.UTC(2025, month - 1, 7))));
    }
  }
});

test("what is no date stays as it is", () => {
  useLanguage({ words: WORDS }, "en");
  for (const text of ["", "yesterday", "2025-13-01", "2025-02-30 08:00", "2025-06-01T25:00", "20250601", "2025-06-01 about noon"]) {
    assert.equal(formatMoment(text), text);
  }
});

test("opening hours are told in words, the week's days by name", () => {
  useLanguage({ words: WORDS }, "zh_CN");
  assert.equal(formatHours("Mo-Fr 08:30-18:00; Sa 09:00-12:00"), "周一至周五 08:30—18:00；周六 09:00—12:00");
  assert.equal(formatHours("24/7"), "全天");
  useLanguage({ words: WORDS }, "en");
  assert.equal(formatHours("Mo-Fr 08:30-18:00; Sa 09:00-12:00"), "Mon–Fri 08:30–18:00; Sat 09:00–12:00");
  assert.equal(formatHours("Mo,We 09:00-11:30,14:00-17:00; PH off"), "Mon, Wed 09:00–11:30, 14:00–17:00; holidays closed");
  assert.equal(formatHours("08:30-20:00"), "08:30–20:00");
});

test("opening hours in other words stay as they are", () => {
  useLanguage({ words: WORDS }, "en");
  for (const text of ["", "每天 8点到20点", "Mo-Fr", "Mo-Fr 08:30-18:00; by appointment", "sunrise-sunset"]) {
    assert.equal(formatHours(text), text);
  }
});
