"""The table of units on the planner page, by keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from api.database import Store
from tests.api.place import Place
from tests.api.processes import free_port
from tests.api.test_planner import (  # noqa: F401
    FIRST,
    HOUSEHOLDS,
    SECOND,
    Desk,
    place,
    serving,
    signed_in,
    stored,
)
from tests.maps.chromium import browser  # noqa: F401


class Keyboard:
    """Somebody who has no pointer."""

    def __init__(self, desk: Desk) -> None:
        self.page = desk.page
        self.press = desk.page.keyboard.press
        self.table = desk.page.locator(".unit-table")
        self.said = self.table.locator("[role=status]")

    def tab_to(self, selector: str, *, back: bool = False) -> None:
        """Press Tab until something is focused."""
        for _ in range(60):
            if self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
            self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def choose(self, selector: str, option: str, *, back: bool = False) -> None:
        """Go down a list to the option that begins with a text."""
        self.tab_to(selector, back=back)
        self.press("Home")
        chosen = "() => document.activeElement.selectedOptions[0].textContent"
        for _ in range(20):
            if self.page.evaluate(chosen).startswith(option):
                return
            self.press("ArrowDown")
        raise AssertionError(f"no option {option}")

    def rows(self) -> list[str]:
        return self.table.locator("tbody th:visible").all_inner_texts()

    def ticked(self) -> list[str]:
        return self.table.locator("tbody tr:has(:checked):visible th").all_inner_texts()


@pytest.mark.slow
def test_units_are_found_moved_and_locked_in_the_table_without_a_pointer(
    store: Store,
    place: Place,  # noqa: F811
    signed_in: BrowserContext,  # noqa: F811
    tmp_path: Path,
):
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
        hands = Keyboard(desk)
        before = desk.totals()
        assert not hands.table.is_visible()
        hands.press("t")
        expect(hands.said).to_contain_text("共18个单元")
        assert len(hands.rows()) == 18
        assert not desk.page.locator(".leaflet-container").is_visible()

        # What is typed is searched for, also the letters that are keys of the page.
        desk.page.keyboard.type("u0")
        assert hands.rows() == [f"u0{n}" for n in range(10)]
        hands.choose("[aria-label='按微网格筛选']", SECOND)
        assert hands.rows() == ["u02", "u03", "u08", "u09"]
        hands.tab_to("th:nth-child(5) button")
        hands.press("Enter")
        hands.press("Enter")
        expect(hands.table.locator("th[aria-sort=descending]")).to_have_text("户数")
        assert hands.rows() == ["u09", "u08", "u02", "u03"]

        hands.tab_to("tbody input")
        hands.press("Space")
        hands.press("ArrowDown")
        hands.press("ArrowDown")
        hands.press("Shift+Space")
        chosen = hands.rows()[:3]
        assert hands.ticked() == chosen
        hands.press("ArrowUp")
        hands.press("Space")
        del chosen[1]
        assert hands.ticked() == chosen
        moved = sum(HOUSEHOLDS[n // 6][n % 6] for n in (int(unit[1:]) for unit in chosen))

        hands.choose(".into", FIRST, back=True)
        told = desk.page.evaluate("() => document.activeElement.selectedOptions[0].textContent")
        assert re.findall(r"(\d+)户", told) == [str(before[FIRST]), str(before[FIRST] + moved)]
        hands.tab_to(".take")
        hands.press("Enter")
        after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
        assert desk.totals() == after
        expect(hands.said).to_contain_text(f"现有{after[FIRST]}户")
        assert hands.rows() == ["u08", "u03"]
        desk.saved()
        assert stored(store, place) == after

        hands.press("Control+z")
        expect(hands.said).to_contain_text("撤销：2个单元")
        assert desk.totals() == before
        desk.saved()
        assert stored(store, place) == before

        # All that is listed is locked; then nothing of it moves, and the list of locked units holds it.
        hands.tab_to(".filters > button", back=True)
        hands.press("Enter")
        hands.press("k")
        expect(hands.said).to_contain_text("共4个")
        hands.choose(".into", FIRST)
        hands.tab_to(".take")
        hands.press("Enter")
        expect(hands.said).to_have_text("没有可移动的单元：已在该网格中，或受锁定限制。")
        assert desk.totals() == before

        hands.tab_to("input[type=search]", back=True)
        hands.press("Control+a")
        hands.press("Delete")
        hands.choose("[aria-label='按微网格筛选']", "全部")
        hands.choose("[aria-label='显示范围']", "已锁定")
        assert sorted(hands.rows()) == ["u02", "u03", "u08", "u09"]

        # Of all units, those that no lock holds begin a grid.
        hands.choose("[aria-label='显示范围']", "全部单元")
        hands.tab_to(".filters > button")
        hands.press("Enter")
        hands.tab_to(".take + button")
        hands.press("Enter")
        expect(hands.said).to_contain_text("另有4个单元因锁定未移动")
        desk.saved()
        locked = sum(HOUSEHOLDS[row][column] for row in (0, 1) for column in (2, 3))
        totals = desk.totals()
        assert sorted(totals.values()) == sorted([locked, sum(map(sum, HOUSEHOLDS)) - locked])
        assert stored(store, place) == totals

        hands.press("t")
        assert not hands.table.is_visible()
        assert desk.page.locator(".leaflet-container").is_visible()
        assert desk.faults == []
