"""What hands do on the planner page: dragged borders, selections, locks, numbers, remedies."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import FIRST, HOUSEHOLDS, SECOND, THIRD, Desk, stored
from tests.api.processes import wait_until


def _between(desk: Desk, one: str, other: str) -> tuple[float, float]:
    """The middle of the border between two square units, on the screen."""
    (ax, ay), (bx, by) = desk.ask("screenOf", one), desk.ask("screenOf", other)
    return (ax + bx) / 2, (ay + by) / 2


def _rested(desk: Desk, one: str, other: str) -> tuple[float, float]:
    """As `_between`, once the map has come to rest."""
    seen = [(0.0, 0.0)]

    def is_same() -> bool:
        desk.page.wait_for_timeout(300)
        seen.append(_between(desk, one, other))
        return seen[-1] == seen[-2]

    wait_until(is_same, what="the map rests")
    return seen[-1]


@pytest.mark.slow
def test_both_neighbours_follow_a_dragged_border_and_escape_drops_it(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    desk.page.keyboard.press("d")
    x, y = _between(desk, "u07", "u08")
    side = desk.ask("screenOf", "u08")[0] - x
    container = desk.page.locator(".leaflet-container")
    desk.page.mouse.move(x + 3, y)
    assert container.get_attribute("data-holds") == "border"
    desk.page.mouse.move(x + side, y)
    assert container.get_attribute("data-holds") is None

    desk.drag([(x, y), (x + 1.4 * side, y)], let_go=False)
    moved = HOUSEHOLDS[1][2]
    during = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
    assert desk.totals() == during
    row = desk.page.locator(".board tbody tr").filter(has_text=FIRST).locator("td.number").first
    wait_until(lambda: row.inner_text() == str(during[FIRST]), what="the list follows")
    wait_until(
        lambda: str(during[FIRST]) in {each["text"] for each in desk.ask("numbers")},
        what="the map follows",
    )
    desk.page.keyboard.press("Escape")
    desk.page.mouse.up()
    assert desk.totals() == before

    desk.drag([(x, y), (x + 1.4 * side, y), (x + 1.2 * side, y)])
    desk.saved()
    assert desk.totals() == during == stored(store, place)
    assert desk.page.locator(".past li").count() == 1
    desk.page.keyboard.press("Control+z")
    desk.saved()
    assert desk.totals() == before == stored(store, place)
    assert desk.faults == []


@pytest.mark.slow
def test_a_locked_grid_keeps_its_border_and_a_longer_reach_takes_more(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    desk.choose(FIRST)
    desk.page.keyboard.press("Shift+K")
    desk.page.keyboard.press("d")
    x, y = _between(desk, "u07", "u08")
    side = desk.ask("screenOf", "u08")[0] - x
    desk.drag([(x, y), (x + 1.4 * side, y)])
    assert desk.totals() == before
    assert f"已锁定，无法修改：网格{FIRST}" in desk.page.locator(".hint").first.inner_text()

    desk.page.keyboard.press("Shift+K")
    desk.page.keyboard.press("-")
    wait_until(lambda: _between(desk, "u07", "u08") != (x, y), what="the map is smaller")
    x, y = _rested(desk, "u07", "u08")
    side = desk.ask("screenOf", "u08")[0] - x
    desk.drag([(x, y), (x + 1.9 * side, y)], let_go=False)
    assert desk.ask("totals")[FIRST] == before[FIRST] + HOUSEHOLDS[1][2]
    for _ in range(20):
        desk.page.mouse.wheel(0, -100)
    # A reach of 264 pixels takes the squares above and below with it.
    moved = sum(HOUSEHOLDS[row][2] for row in range(3))
    wait_until(lambda: desk.ask("totals")[FIRST] == before[FIRST] + moved, what="more follows")
    desk.page.mouse.up()
    desk.saved()
    assert stored(store, place)[FIRST] == before[FIRST] + moved


@pytest.mark.slow
def test_the_border_sticks_to_a_road_and_says_so(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    with store.owner.begin() as owner:
        # Along the middles of the third column.
        owner.execute(
            text("INSERT INTO roads (name, road_class, bridge, geom) VALUES ('环路', 'minor', false,"
                 " ST_GeomFromText('LINESTRING(120.0027 32.999, 120.0027 33.004)', 4490))")
        )  # fmt: skip
    desk = Desk(signed_in, served, place)
    desk.page.keyboard.press("d")
    x, y = _between(desk, "u07", "u08")
    side = 2 * (desk.ask("screenOf", "u08")[0] - x)
    desk.drag([(x, y), (x + 0.7 * side + 6, y)], let_go=False)
    assert desk.page.locator(".snap-word").inner_text() == "贴合道路"
    desk.page.mouse.move(x + 0.5 * side, y + 5)
    assert not desk.page.locator(".snap-word").is_visible()
    desk.page.mouse.move(x + side - 4, y + 9)
    assert desk.page.locator(".snap-word").inner_text() == "贴合单元边界"
    desk.page.keyboard.press("Escape")


@pytest.mark.slow
def test_a_selection_is_counted_moved_locked_and_made_a_grid(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    told = desk.page.locator(".selection p")

    def rectangle(one: str, other: str, *, key: str | None = None) -> None:
        (ax, ay), (bx, by) = desk.ask("screenOf", one), desk.ask("screenOf", other)
        if key:
            desk.page.keyboard.down(key)
        desk.drag([(ax - 10, ay - 10), (bx + 10, by + 10)])
        if key:
            desk.page.keyboard.up(key)

    desk.page.keyboard.press("r")
    rectangle("u02", "u08")
    assert "2个单元" in told.inner_text()
    assert f"{HOUSEHOLDS[0][2] + HOUSEHOLDS[1][2]}户" in told.inner_text()
    rectangle("u14", "u14", key="Shift")
    assert "3个单元" in told.inner_text()
    rectangle("u02", "u02", key="Alt")
    moved = HOUSEHOLDS[1][2] + HOUSEHOLDS[2][2]
    assert f"2个单元，共{moved}户" in told.inner_text()

    desk.choose(FIRST)
    desk.page.keyboard.press("m")
    desk.saved()
    after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
    assert desk.totals() == after == stored(store, place)

    # A lasso round the last column, its lowest unit locked.
    desk.page.keyboard.press("r")
    rectangle("u17", "u17")
    desk.page.keyboard.press("k")
    assert "1个已锁定" in told.inner_text()
    desk.page.keyboard.press("l")
    (ax, ay), (bx, by) = desk.ask("screenOf", "u05"), desk.ask("screenOf", "u17")
    desk.drag([(ax - 20, ay - 20), (ax + 20, ay - 20), (bx + 20, by + 20), (bx - 20, by + 20)])
    assert "3个单元" in told.inner_text()
    desk.page.keyboard.press("g")
    desk.saved()
    begun = [code for code in desk.totals() if code not in before]
    assert [desk.totals()[code] for code in begun] == [HOUSEHOLDS[0][5] + HOUSEHOLDS[1][5]]
    assert desk.ask("gridOf", "u17") == THIRD
    # The lock is there when the page comes back.
    desk.open()
    desk.paint(FIRST, "u17")
    assert desk.ask("gridOf", "u17") == THIRD
    assert desk.totals() == stored(store, place)
    assert desk.faults == []


@pytest.mark.slow
def test_new_numbers_are_seen_before_they_are_taken(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    with store.owner.begin() as owner:
        for before, after in ((FIRST, "x"), (THIRD, FIRST), ("x", THIRD)):
            owner.execute(
                text("UPDATE grids SET code = :after WHERE code = :before AND version_id = :version"),
                {"after": after, "before": before, "version": place.version_id},
            )
    desk = Desk(signed_in, served, place)
    before = desk.totals()
    desk.page.locator(".renumber").click()
    dialog = desk.page.locator("dialog[open]")
    rows = [row.inner_text().split() for row in dialog.locator("tbody tr").all()]
    assert rows == [[FIRST, "→", THIRD], [THIRD, "→", FIRST]]
    desk.page.keyboard.press("Escape")
    assert desk.totals() == before
    desk.page.locator(".renumber").click()
    dialog.locator(".take").click()
    wait_until(lambda: desk.totals() != before, what="the new numbers are taken")
    desk.saved()
    after = {FIRST: before[THIRD], SECOND: before[SECOND], THIRD: before[FIRST]}
    assert desk.totals() == after == stored(store, place)
    desk.page.keyboard.press("Control+z")
    desk.saved()
    assert stored(store, place) == before


@pytest.mark.slow
def test_problems_have_their_remedy_beside_them(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    with store.owner.begin() as owner:
        owner.execute(
            text("UPDATE units SET compound_id = '<b>里弄' WHERE unit_id IN ('u01', 'u02')"
                 " AND ground_id = :ground"),
            {"ground": place.ground_id},
        )  # fmt: skip
    desk = Desk(signed_in, served, place)
    problems = desk.page.locator(".problems li")
    # The second grid has 108 households; a compound of 38 lies in two grids.
    assert {each.get_attribute("class") for each in problems.all()} == {"too_large", "compound"}
    assert "<b>里弄" in desk.page.locator(".problems .compound .problem").inner_text()
    desk.page.locator(".problems .too_large .remedy").click()
    desk.take_proposal()
    assert len(desk.totals()) == 4
    assert desk.totals() == stored(store, place)
    assert all(50 <= households <= 100 for households in desk.totals().values())
    assert desk.faults == []


@pytest.mark.slow
def test_a_grid_is_split_only_into_legal_numbers_of_parts(store: Store, place: Place, desk: Desk):
    desk.choose(FIRST)
    parts = desk.page.locator(".parts")
    assert parts.is_disabled()
    desk.choose(SECOND)
    assert [option.get_attribute("value") for option in parts.locator("option").all()] == ["", "2"]
    parts.select_option("2")
    desk.take_proposal()
    assert sorted(stored(store, place).values()) == sorted(desk.totals().values())
    assert len(desk.totals()) == 4
    # The grid that began with it is gone again, and the numbers on the map are those of the others.
    desk.page.keyboard.press("Control+z")
    assert len(desk.totals()) == 3
    numbers = sorted(map(str, desk.totals().values()))
    wait_until(lambda: sorted(each["text"] for each in desk.ask("numbers")) == numbers, what="the map")
    assert desk.faults == []


@pytest.mark.slow
def test_undo_that_a_lock_forbids_says_whose_lock_it_is(desk: Desk):
    desk.paint(FIRST, "u08")
    after = desk.totals()
    desk.choose(SECOND)
    desk.page.keyboard.press("Shift+K")
    desk.page.keyboard.press("Control+z")
    assert desk.totals() == after
    assert desk.page.locator(".hint").first.inner_text() == f"已锁定，无法修改：网格{SECOND}。"
    desk.page.keyboard.press("Shift+K")
    desk.page.keyboard.press("Control+z")
    assert desk.totals() != after
    assert desk.faults == []


@pytest.mark.slow
def test_a_proposal_is_taken_in_part(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    moves = [
        {"unit_ids": ["u08"], "to": FIRST, "new": False},
        {"unit_ids": ["u09"], "to": THIRD, "new": False},
    ]
    body = {"revision": 1, "moves": moves, "changes": [], "moved_households": 42, "left": {}}
    desk.page.route("**/proposals", lambda route: route.fulfill(json=body))
    desk.choose(SECOND)
    desk.page.locator(".mend").click()
    parts = desk.page.locator(".parts-taken input")
    parts.first.wait_for()
    assert parts.count() == 2
    assert desk.page.locator(".proposal tbody tr").count() == 3
    out = desk.page.locator(".still-out")
    assert out.inner_text() == "仍有2个网格户数不合规。"
    parts.nth(0).uncheck()
    assert out.inner_text() == "仍有1个网格户数不合规。"
    parts.nth(0).check()
    parts.nth(1).uncheck()
    rows = [row.inner_text().split() for row in desk.page.locator(".proposal tbody tr").all()]
    moved = HOUSEHOLDS[1][2]
    after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
    assert [[row[0], int(row[2])] for row in rows] == [[code, after[code]] for code in (FIRST, SECOND)]
    desk.take_proposal()
    assert desk.totals() == after == stored(store, place)
