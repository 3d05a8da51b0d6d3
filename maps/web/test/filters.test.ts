import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, queryOf, understood } from "../src/caselist/filters.ts";

const filtersOf = (search: string) => understood(search, (_, value) => value !== "zz").filters;

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

test("what no list knows is left out and told as it stands in the address", () => {
  const { filters, ignored } = understood(`?state=zz&community=7&order=&bbox=1&view=x&number=${"3".repeat(65)}`, (_, value) => value !== "zz");
  assert.deepEqual(ignored, ["state=zz", "bbox=1", "view=x", `number=${"3".repeat(65)}`]);
  assert.deepEqual(filters, filtersOf("?community=7"));
  assert.equal(filters.order, "due");
});
