"""Hundreds of random edits by hand on the planner page: nothing is miscounted, lost, or passes a lock by."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

import pytest
import shapely
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place, draw_community
from tests.api.planner_page import COMMUNITY, Desk, grids_of, stored
from tests.api.processes import wait_until
from tests.api.test_clashes import cut_off

SEED = 7
# Together five hundred; a save takes the service longer than the edit takes the page.
EDITS_KEPT_HERE, EDITS_SAVED = 420, 80
TRIES_FOR_EACH = 4
ROWS, COLUMNS = 7, 12
# Of each way to edit, how often it is chosen and the least share of all that must have changed something.
WAYS = {
    "paint": (36, 0.20), "drag": (12, 0.03), "split": (9, 0.02), "merge": (8, 0.02), "rename": (10, 0.04),
    "undo": (12, 0.06), "redo": (2, 0.02), "lock": (5, 0.02),
}  # fmt: skip
# Does what a hand does once the panel shows what was done before, without waiting for frames, until something
# is not there to be done. Answered is what the page holds then: where each unit is, its totals and whether
# its own recount gives them, and how many edits are done.
ACT = """async (acts) => {
  await window.weige.planner.rested();
  const map = document.querySelector("#stage .leaflet-container");
  const chosen = document.querySelector(".board .chosen");
  const ways = {
    key: (key, ctrlKey = false, shiftKey = false) =>
      document.body.dispatchEvent(new KeyboardEvent("keydown", {key, ctrlKey, shiftKey, bubbles: true})),
    point: (what, clientX, clientY) => {
      const at = {clientX, clientY, pointerId: 1, pointerType: "mouse", bubbles: true, cancelable: true};
      const Kind = what === "click" ? MouseEvent : PointerEvent;
      map.dispatchEvent(new Kind(what, {...at, buttons: what === "pointermove" ? 1 : 0}));
      return true;
    },
    choose: (code) => {
      const found = [...document.querySelectorAll(".board tbody th button")]
        .find((each) => each.textContent.split(" ")[0] === code);
      if (found) found.click();
      return Boolean(found);
    },
    rename: (name) => {
      const field = chosen.querySelector("input[type=text]");
      if (!field || field.disabled) return false;
      field.value = name;
      return field.dispatchEvent(new Event("change"));
    },
    merge: (chance) => {
      const select = chosen.querySelector("select.merge");
      if (!select || select.disabled || select.options.length < 2) return false;
      select.selectedIndex = 1 + Math.floor(chance * (select.options.length - 1));
      return select.dispatchEvent(new Event("change"));
    },
  };
  const isDone = acts.every(([what, ...how]) => ways[what](...how));
  const planner = window.weige.planner;
  return { isDone, ...planner.state(), isCounted: planner.isCounted(), totals: planner.totals(),
           position: planner.position() };
}"""
PLACES = """(ids) => window.weige.planner.rested().then(
  () => ids.map((id) => window.weige.planner.screenOf(id)))"""

Act: TypeAlias = list[Any]


@pytest.fixture
def households() -> dict[str, int]:
    """Households of each unit, row by row."""
    chance = random.Random(SEED)
    return {f"u{i:02}": chance.randrange(4, 16) for i in range(ROWS * COLUMNS)}


@pytest.fixture
def place(store: Store, households: dict[str, int]) -> Place:
    """A draft of six grids."""
    drawn = list(households.values())
    return draw_community(store, COMMUNITY, [drawn[r * COLUMNS :][:COLUMNS] for r in range(ROWS)])


class Hand:
    """A hand that does what chance says; what must hold is looked at after each of its edits."""

    def __init__(self, desk: Desk, households: dict[str, int], chance: random.Random) -> None:
        self.desk, self.households, self.chance = desk, households, chance
        self.units = sorted(households)
        self.places: list[tuple[float, float]] = desk.page.evaluate(PLACES, self.units)
        self.side = self.places[1][0] - self.places[0][0]
        self.locked: dict[int, list[int]] = {}
        self.done: Counter[str] = Counter()
        self.last = ""
        self.seen = self.look()

    def look(self, *acts: Act) -> dict[str, Any]:
        """Do something, look at the page, and check what always holds."""
        seen: dict[str, Any] = self.desk.page.evaluate(ACT, acts)
        counted: Counter[str] = Counter()
        for unit, number in zip(self.units, seen["grid"], strict=True):
            assert number >= 0, f"{unit} is in no grid"
            counted[seen["facts"][number]["code"]] += self.households[unit]
        assert seen.pop("isCounted")
        assert seen["totals"] == dict(counted)
        for number, members in self.locked.items():
            assert members_of(seen, number) == members, "a locked grid changed"
        return seen

    def edit(self) -> None:
        """Edit in one of the ways."""
        (name,) = self.chance.choices(list(WAYS), [often for often, _ in WAYS.values()])
        if self.last == "undo" and self.chance.random() < 0.4:
            name = "redo"  # after any other edit there is nothing to redo
        self.last = name
        before = self.seen
        if name == "lock":
            is_changed = self.lock()
        else:
            way: Callable[[], list[Act]] = getattr(self, name)
            self.seen = self.look(*way())
            is_changed = self.seen["position"] != before["position"]
        self.done[name] += is_changed

    def choose(self, number: int | None = None) -> Act:
        """Choose a grid, one that is not locked where none is named."""
        if number is None:
            number = self.chance.choice(sorted(set(self.seen["grid"]) - set(self.locked)))
        code = self.seen["facts"][number]["code"]
        return ["choose", f"新{code[1:]}" if code.startswith("+") else code]

    def paint(self) -> list[Act]:
        into: Act = ["key", "n"] if self.chance.random() < 0.15 else self.choose()
        way = [self.chance.randrange(len(self.units))]
        for step in self.chance.choices([1, COLUMNS, -1, -COLUMNS], k=self.chance.randrange(3)):
            way.append(min(max(way[-1] + step, 0), len(self.units) - 1))
        return [["key", "b"], into, *stroke(*(self.places[unit] for unit in way))]

    def drag(self) -> list[Act]:
        grid = self.seen["grid"]
        west = [
            i
            for i in range(len(grid) - 1)
            if (i + 1) % COLUMNS and grid[i] != grid[i + 1] and not {grid[i], grid[i + 1]} & set(self.locked)
        ]
        if not west:
            return []
        x, y = self.places[self.chance.choice(west)]
        x += self.side / 2
        far = self.chance.choice([-1.4, 1.4]) * self.side
        return [["key", "d"], *stroke((x, y), (x + far / 3, y), (x + 2 * far / 3, y), (x + far, y))]

    def split(self) -> list[Act]:
        number = self.chance.choice(sorted(set(self.seen["grid"]) - set(self.locked)))
        x, y = self.places[self.chance.choice(members_of(self.seen, number))]
        (left, top), (right, bottom) = self.places[0], self.places[-1]
        half = self.side / 2
        if self.chance.random() < 0.5:
            ends = [(x + half, top - 3), (x + half + 3, bottom + 3)]
        else:
            ends = [(left - 3, y + half), (right + 3, y + half + 3)]
        clicks: list[Act] = [["point", "click", *at] for at in ends]
        return [["key", "s"], self.choose(number), *clicks, ["key", "Enter"]]

    def merge(self) -> list[Act]:
        few = len(set(self.seen["grid"])) <= 3
        return [] if few else [self.choose(), ["merge", self.chance.random()]]

    def rename(self) -> list[Act]:
        return [self.choose(), ["rename", self.chance.choice(["东片", "西片", "<b>南片", "", "北片"])]]

    def undo(self) -> list[Act]:
        return [["key", "z", True]] * self.chance.randrange(1, 4)

    def redo(self) -> list[Act]:
        return [["key", "y", True]]

    def lock(self) -> bool:
        """Lock a grid, or unlock one where two are locked already; whether that was done."""
        if len(self.locked) == 2:
            return self.unlock(next(iter(self.locked)))
        number = self.chance.choice(sorted(set(self.seen["grid"]) - set(self.locked)))
        self.seen = self.look(self.choose(number), ["key", "K", False, True])
        if self.seen["isDone"]:
            self.locked[number] = members_of(self.seen, number)
        return bool(self.seen["isDone"])

    def unlock(self, number: int) -> bool:
        self.seen = self.look(self.choose(number), ["key", "K", False, True])
        if self.seen["isDone"]:
            del self.locked[number]
        return bool(self.seen["isDone"])


def stroke(*way: tuple[float, float]) -> list[Act]:
    """Put the pointer down, move it along a way, and lift it."""
    moves: list[Act] = [["point", "pointermove", *at] for at in way]
    return [["point", "pointerdown", *way[0]], *moves, ["point", "pointerup", *way[-1]]]


def members_of(seen: dict[str, Any], number: int) -> list[int]:
    return [unit for unit, each in enumerate(seen["grid"]) if each == number]


def edit_by_hand(desk: Desk, hand: Hand, edits: int) -> dict[str, Any]:
    """Edit until so many changed something, of each way its share, and unlock all; what the page has."""
    # Each run goes its own way: which grids there are to choose from hangs on when a save is answered.
    for _ in range(TRIES_FOR_EACH * edits):
        rare = [name for name, (_, least) in WAYS.items() if hand.done[name] < least * edits]
        if not rare and sum(hand.done.values()) >= edits:
            break
        hand.edit()
    else:
        pytest.fail(f"of {dict(hand.done)}, too few changed something: {rare}")
    wait_until(lambda: desk.ask("keeping") in ("saved", "away"), seconds=120, what="the page has saved")
    hand.seen = hand.look()
    for number in list(hand.locked):
        assert hand.unlock(number)
    return hand.seen


def go_to(desk: Desk, hand: Hand, position: int) -> dict[str, Any]:
    """Undo or redo until so many edits are done, at once; what the page holds then."""
    past = desk.page.locator(".board .past li button")
    # Of the newest first: a done one takes itself back, an undone one does itself again.
    from_oldest = position if position < hand.look()["position"] else position - 1
    past.nth(past.count() - 1 - from_oldest).click()
    desk.ask("position")
    seen = hand.look()
    assert seen["position"] == position
    return seen


@pytest.fixture
def hand(desk: Desk, households: dict[str, int]) -> Hand:
    # A small window is drawn sooner.
    desk.page.set_viewport_size({"width": 960, "height": 600})
    desk.page.keyboard.press("Home")
    desk.page.wait_for_timeout(500)
    desk.page.mouse.move(500, 300)  # there is a mouse
    return Hand(desk, households, random.Random(SEED))


@pytest.mark.slow
def test_hundreds_of_random_edits_keep_every_unit_total_and_lock_and_are_undone_to_the_first_byte(
    store: Store, place: Place, signed_in: BrowserContext, desk: Desk, hand: Hand
):
    first, before = hand.seen, grids_of(store, place.version_id)
    with cut_off(signed_in):
        last = edit_by_hand(desk, hand, EDITS_KEPT_HERE)
        assert go_to(desk, hand, 0) == first
        assert go_to(desk, hand, last["position"]) == last
        assert go_to(desk, hand, 0) == first
    desk.saved()
    assert grids_of(store, place.version_id) == before
    assert [fault for fault in desk.faults if "ERR_FAILED" not in fault] == []


@pytest.mark.slow
def test_random_edits_that_are_saved_meanwhile_cover_the_ground_exactly(
    store: Store, place: Place, signed_in: BrowserContext, desk: Desk, hand: Hand
):
    first = hand.seen
    last = edit_by_hand(desk, hand, EDITS_SAVED)
    codes = [facts["code"] for facts in last["facts"]]
    here = {unit: codes[number] for unit, number in zip(hand.units, last["grid"], strict=True)}
    assert grids_of(store, place.version_id) == here
    assert stored(store, place) == last["totals"]
    assert_exact_coverage(store, place.version_id)

    # Nothing is saved while all is undone and done again: a grid that comes back would get another code.
    with cut_off(signed_in):
        undone = go_to(desk, hand, 0)
        assert undone["grid"] == first["grid"]
        assert go_to(desk, hand, last["position"]) == last
    assert grids_of(store, place.version_id) == here
    assert [fault for fault in desk.faults if "ERR_FAILED" not in fault] == []


def assert_exact_coverage(store: Store, version: UUID) -> None:
    """The grids of a version cover its cells, each place once, and each is the union of its units' cells."""
    with store.owner.connect() as owner:
        grids = owner.execute(
            text("SELECT code, ST_AsBinary(geom) AS geom FROM grids WHERE version_id = :v"), {"v": version}
        ).all()
        cells = owner.execute(
            text("SELECT u.unit_id, ST_AsBinary(u.cell) AS cell FROM units u JOIN versions v"
                 " ON v.ground_id = u.ground_id WHERE v.id = :v"),
            {"v": version},
        ).all()  # fmt: skip
    drawn = {row.code: shapely.from_wkb(bytes(row.geom)) for row in grids}
    cell_of = {row.unit_id: shapely.from_wkb(bytes(row.cell)) for row in cells}
    assert shapely.coverage_is_valid(list(drawn.values()))
    whole = shapely.union_all(list(cell_of.values()))
    assert shapely.union_all(list(drawn.values())).symmetric_difference(whole).area == 0
    assert sum(each.area for each in drawn.values()) == pytest.approx(whole.area, rel=1e-12)
    members: dict[str, list[shapely.Geometry]] = {}
    for unit, code in grids_of(store, version).items():
        members.setdefault(code, []).append(cell_of[unit])
    assert set(members) == set(drawn)
    for code, geometry in drawn.items():
        assert shapely.union_all(members[code]).symmetric_difference(geometry).area == 0, code
