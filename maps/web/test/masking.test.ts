import assert from "node:assert/strict";
import { test } from "node:test";
import { findPersonal, masked } from "../src/masking.ts";

test("flats and numbers of people are masked, and buildings stay", () => {
  for (const [said, clean] of [
    ["住3号楼2单元501室", "住3号楼2单元***室"], ["2单元301漏水", "2单元***漏水"], ["3-2-501漏水", "3-2-***漏水"],
    ["6栋1201户", "6栋***户"], ["五〇一室", "***室"], ["+86 13812345678", "+86 ***"], ["座机0518-85412345", "座机***"],
    ["身份证32092419900101123X", "身份证***"], ["打１３８１２３４５６７８", "打***"],
    ["138.1234.5678", "***"], ["138\u00a01234\u202f5678", "***"], ["１３８－１２３４－５６７８", "***"], ["138\u20111234\u20115678", "***"],
    ["008613812345678", "0086***"], ["110105 19491231 002X", "***"],
  ] as const)
    assert.equal(masked(said), clean);
});

test("what is nobody's stays", () => {
  for (const said of ["秦东门大街68号楼下水道盖板破损", "共有30户居民", "会议室漏水", "面积150×150厘米", "2026-11-26 08:30", "经度135.12345678", "编号0012345678"])
    assert.deepEqual(findPersonal(said), []);
});
