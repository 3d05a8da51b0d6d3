"""The table of units on the planner page, by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import FIRST, HOUSEHOLDS, SECOND, Desk, stored


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
    store: Store, place: Place, desk: Desk
):
    hands = Keyboard(desk)
    before = desk.totals()
    _open_the_table(hands)
    _find_the_units_of_the_second_grid(hands)
    chosen = _tick_two_of_three(hands)
    moved = sum(HOUSEHOLDS[n // 6][n % 6] for n in (int(unit[1:]) for unit in chosen))
    after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
    _move_them_into_the_first(hands, before, after)
    assert desk.totals() == after
    desk.saved()
    assert stored(store, place) == after

    hands.press("Control+z")
    expect(hands.said).to_contain_text("撤销：2个单元")
    assert desk.totals() == before
    desk.saved()
    assert stored(store, place) == before

    _lock_what_is_listed_and_try_to_move_it(hands)
    assert desk.totals() == before
    _list_the_locked_alone(hands)
    _begin_a_grid_with_all_units(hands)
    desk.saved()
    locked = sum(HOUSEHOLDS[row][column] for row in (0, 1) for column in (2, 3))
    totals = desk.totals()
    assert sorted(totals.values()) == sorted([locked, sum(map(sum, HOUSEHOLDS)) - locked])
    assert stored(store, place) == totals

    hands.press("t")
    assert not hands.table.is_visible()
    assert desk.page.locator(".leaflet-container").is_visible()
    assert desk.faults == []


def _open_the_table(hands: Keyboard) -> None:
    assert not hands.table.is_visible()
    hands.press("t")
    expect(hands.said).to_contain_text("共18个单元")
    assert len(hands.rows()) == 18
    assert not hands.page.locator(".leaflet-container").is_visible()


def _find_the_units_of_the_second_grid(hands: Keyboard) -> None:
    # What is typed is searched for, also the letters that are keys of the page.
    hands.page.keyboard.type("u0")
    assert hands.rows() == [f"u0{n}" for n in range(10)]
    hands.choose("[aria-label='按微网格筛选']", SECOND)
    assert hands.rows() == ["u02", "u03", "u08", "u09"]
    hands.tab_to("th:nth-child(5) button")
    hands.press("Enter")
    hands.press("Enter")
    expect(hands.table.locator("th[aria-sort=descending]")).to_have_text("户数")
    assert hands.rows() == ["u09", "u08", "u02", "u03"]


def _tick_two_of_three(hands: Keyboard) -> list[str]:
    """Tick the first three rows with Shift, and take the second out again; return what is ticked."""
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
    return chosen


def _move_them_into_the_first(hands: Keyboard, before: dict[str, int], after: dict[str, int]) -> None:
    hands.choose(".into", FIRST, back=True)
    told = hands.page.evaluate("() => document.activeElement.selectedOptions[0].textContent")
    assert re.findall(r"(\d+)户", told) == [str(before[FIRST]), str(after[FIRST])]
    hands.tab_to(".take")
    hands.press("Enter")
    expect(hands.said).to_contain_text(f"现有{after[FIRST]}户")
    assert hands.rows() == ["u08", "u03"]


def _lock_what_is_listed_and_try_to_move_it(hands: Keyboard) -> None:
    hands.tab_to(".filters > button", back=True)
    hands.press("Enter")
    hands.press("k")
    expect(hands.said).to_contain_text("共4个")
    hands.choose(".into", FIRST)
    hands.tab_to(".take")
    hands.press("Enter")
    expect(hands.said).to_have_text("没有可移动的单元：已在该网格中，或受锁定限制。")


def _list_the_locked_alone(hands: Keyboard) -> None:
    hands.tab_to("input[type=search]", back=True)
    hands.press("Control+a")
    hands.press("Delete")
    hands.choose("[aria-label='按微网格筛选']", "全部")
    hands.choose("[aria-label='显示范围']", "已锁定")
    assert sorted(hands.rows()) == ["u02", "u03", "u08", "u09"]
    assert hands.table.locator("tbody input[tabindex='0']").count() == 1  # one stop of the Tab key


def _begin_a_grid_with_all_units(hands: Keyboard) -> None:
    """Those that a lock holds stay where they are."""
    hands.choose("[aria-label='显示范围']", "全部单元")
    hands.tab_to(".filters > button")
    hands.press("Enter")
    hands.tab_to(".take + button")
    hands.press("Enter")
    expect(hands.said).to_contain_text("另有4个单元因锁定未移动")
