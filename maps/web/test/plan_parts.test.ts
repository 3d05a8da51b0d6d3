import assert from "node:assert/strict";
import { test } from "node:test";
import { assign } from "../src/plan/operations.ts";
import { changesOf, chosenMoves, movedHouseholds, outOfBand, parts } from "../src/plan/parts.ts";
import { countPieces } from "../src/plan/remedies.ts";
import { Chance, draw, drawing, randomPlan, SAID } from "./plan_builders.ts";

const BAND = { lower: 20, upper: 40 };

test("changes that do not need each other are parts of their own", () => {
  const { plan } = draw("A A A A B B . C C C D D", { households: 10 });
  const moves = { units: [3, 9], to: [1, 3] };
  assert.deepEqual(parts(plan, BAND, moves), [[0], [1]]);
  assert.deepEqual(changesOf(plan, moves).map(({ before, after }) => [before, after]), [[40, 30], [20, 30], [30, 20], [20, 30]]);
  assert.equal(movedHouseholds(plan, moves), 20);
});

test("what only together keeps a grid in band is one part", () => {
  const { plan } = draw("A A A B B C", { households: 10 });
  // B would have 10 if it only gave, and gives to C what A gives to it.
  assert.deepEqual(parts(plan, BAND, { units: [2, 4], to: [1, 2] }), [[0, 1]]);
});

test("a new grid begins whole, and is numbered without a gap where another is left out", () => {
  const { plan } = draw("A A A A . B B B B", { households: [20, 20, 20, 20, 0, 20, 20, 20, 20] });
  const moves = { units: [2, 3, 7, 8], to: [2, 2, 3, 3] };
  const found = parts(plan, BAND, moves);
  assert.deepEqual(found, [[0, 1], [2, 3]]);
  const { units, to } = chosenMoves(plan, moves, [found[1] as number[]]);
  assert.deepEqual([units, to], [[7, 8], [2, 2]]);
  assign(plan, units, to, "proposal", SAID);
  assert.equal(drawing(plan, 9), "A A A A . B B C C");
});

test("whatever parts are taken, no grid is farther from the band or in more pieces than before and as proposed", () => {
  const chance = new Chance(77);
  for (let round = 0; round < 60; round++) {
    const { plan } = randomPlan(chance, 8, 6, 3);
    const units = Array.from({ length: 48 }, (_, unit) => unit).filter(() => chance.next() < 0.2);
    const to = units.map((unit) => {
      const { start, unit: neighbour } = plan.ground.neighbours;
      return plan.grid[neighbour[chance.pick([...Array(( start[unit + 1] as number) - (start[unit] as number)).keys()]) + (start[unit] as number)] as number] as number;
    });
    const places = units.map((_, i) => i).filter((i) => to[i] !== plan.grid[units[i] as number]);
    const moves = { units: places.map((i) => units[i] as number), to: places.map((i) => to[i] as number) };
    const band = { lower: 80, upper: 160 };
    const found = parts(plan, band, moves);
    assert.deepEqual(found.flat().sort((a, b) => a - b), moves.units.map((_, i) => i));
    const look = (chosen: number[][]) => {
      const grid = plan.grid.slice();
      const taken = chosenMoves(plan, moves, chosen);
      taken.units.forEach((unit, i) => (grid[unit] = taken.to[i] as number));
      return plan.standing().map((each) => {
        const members = Array.from(grid.keys()).filter((unit) => grid[unit] === each);
        const households = members.reduce((sum, unit) => sum + (plan.ground.households[unit] as number), 0);
        return { away: Math.max(band.lower - households, households - band.upper, 0), pieces: countPieces(plan, members) };
      });
    };
    const [before, after, some] = [look([]), look(found), look(found.filter(() => chance.next() < 0.5))];
    some.forEach((state, i) => {
      assert.ok(state.away <= Math.max(before[i]?.away as number, after[i]?.away as number));
      assert.ok(state.pieces <= Math.max(before[i]?.pieces as number, after[i]?.pieces as number));
    });
  }
});

test("grids out of band are counted as they would be with what is taken", () => {
  const { plan } = draw("A A A A A . B . C C", { households: 10 });
  const moves = { units: [4, 8], to: [2, 1] };
  assert.equal(outOfBand(plan, BAND, { units: [], to: [] }), 2, "A has 50, B has 10");
  assert.equal(outOfBand(plan, BAND, { units: [4], to: [2] }), 1, "A has 40, C has 30, B still 10");
  assert.equal(outOfBand(plan, BAND, { units: [8], to: [1] }), 2, "A has 50, B has 20, C has 10");
  assert.equal(outOfBand(plan, BAND, moves), 0);
  assert.equal(outOfBand(plan, BAND, { units: [6], to: [2] }), 1, "B ends");
  assert.equal(outOfBand(plan, BAND, { units: [4], to: [3] }), 2, "a new grid of 10 is too small, B too");
  const special = draw("A A A A A . B . C C", { households: 10 });
  special.plan.setFacts(0, { ...special.plan.facts(0), kind: "special" });
  assert.equal(outOfBand(special.plan, BAND, { units: [4], to: [2] }), 1, "no band applies to A");
});
