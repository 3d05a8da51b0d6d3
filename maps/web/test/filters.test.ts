import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, filtersOf, queryOf } from "../src/caselist/filters.ts";

test("an address of the list says only what differs from a plain one, and is read back as it was", () => {
  assert.equal(queryOf(filtersOf("")), "");
  const filters = filtersOf("?view=overdue&channel=12345&state=handling&order=newest");
  assert.deepEqual(filtersOf(queryOf(filters)), filters);
  assert.equal(filtersOf("?view=nonsense").view, "open");
});

test("each view asks the service for its own part of the cases", () => {
  const asked = (search: string) => Object.fromEntries(new URL(addressOf(filtersOf(search)), "http://a").searchParams);
  assert.deepEqual(asked("?view=mine"), { limit: "50", order: "due", mine: "true" });
  assert.deepEqual(asked("?view=overdue&community=7"), { limit: "50", order: "due", community: "7", overdue: "true" });
  assert.deepEqual(asked("?view=closed"), { limit: "50", order: "due", open: "false" });
  assert.deepEqual(asked("?view=all"), { limit: "50", order: "due" });
});

test("a number is looked for among all cases, whatever else is chosen", () => {
  const asked = new URL(addressOf(filtersOf("?view=mine&state=closed&number=3209")), "http://a").searchParams;
  assert.deepEqual(Object.fromEntries(asked), { limit: "50", number: "3209", order: "newest" });
});
