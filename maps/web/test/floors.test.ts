import assert from "node:assert/strict";
import test from "node:test";
import { bandsFault, bandsNeeded, evenBands, withHouseholds } from "../src/plan/floors.ts";

test("even bands hold every floor and every household once", () => {
  for (let floors = 2; floors < 60; floors += 3) {
    for (let count = 2; count <= floors; count += 5) {
      for (const households of [0, 1, 101, 170, 999]) {
        const bands = evenBands(floors, households, count);
        assert.equal(bands.length, count);
        assert.equal(bands[0]?.lowest, 1);
        assert.equal(bands.at(-1)?.highest, floors);
        bands.slice(1).forEach((band, at) => assert.equal(band.lowest, (bands[at]?.highest ?? 0) + 1));
        assert.equal(bandsFault(bands, households), null);
      }
    }
  }
});

test("bands that do not add up, are upside down or one alone are not saved", () => {
  const bands = withHouseholds([16, 33], 33, 132);
  assert.deepEqual(bandsFault(bands, 131), { code: "sum", told: 132 });
  assert.deepEqual(bandsFault(bands.slice(0, 1), 64), { code: "single" });
  assert.equal(bandsFault([{ ...bands[0]!, lowest: 20 }, bands[1]!], 132)?.code, "reversed");
  assert.equal(bandsFault([{ ...bands[0]!, households: NaN }, bands[1]!], 132)?.code, "reversed");
  assert.equal(bandsFault([{ ...bands[0]!, households: 1.5 }, bands[1]!], 132)?.code, "reversed");
});

test("so many bands are needed that none is above the maximum", () => {
  assert.deepEqual([101, 170, 200, 201].map((households) => bandsNeeded(households, 100)), [2, 2, 2, 3]);
});
