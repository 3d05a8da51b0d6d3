"""Towers divided by floors on the planner page, in Chromium, against an API worker of its own."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place, draw_community, token_for
from tests.api.planner_page import FIRST, SECOND, Desk, stored

# The second unit is a tower.
HOUSEHOLDS = [[20, 140, 30, 30], [20, 20, 30, 30]]
HOSTILE = "u01<img src=x onerror=alert(1)>"


@pytest.fixture
def place(store: Store) -> Place:
    drawn = draw_community(store, "320924001001", HOUSEHOLDS)
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE units SET unit_id = :id WHERE unit_id = 'u01'"), {"id": HOSTILE})
    return drawn


@pytest.mark.slow
def test_a_tower_is_divided_painted_apart_and_made_whole_again(store: Store, place: Place, desk: Desk):
    page = desk.page
    before = stored(store, place)
    assert desk.totals() == before
    panel = page.locator(".towers")
    assert HOSTILE in panel.inner_text()
    # The grid that holds it cannot be in band: its problem leads to the same.
    page.locator(".problems .remedy", has_text="按楼层分段").click()
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    panel.get_by_role("button", name="按楼层分段").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("总层数").fill("33")
    dialog.get_by_label("段数").fill("2")
    dialog.get_by_label("段数").press("Tab")
    counts = dialog.locator("tbody").get_by_label("户数")
    # The rows were made anew, and the hand goes on from field to field all the same.
    tops = dialog.locator("tbody").get_by_label("终止层")
    expect(tops.nth(0)).to_be_focused()
    tops.nth(0).fill("16")
    tops.nth(0).press("Tab")
    expect(counts.nth(0)).to_be_focused()
    assert dialog.locator("tbody td.number").all_inner_texts() == ["1", "17"]
    tops.nth(0).fill("17")
    # Where nothing has the focus, keys do nothing under the dialog.
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("b")
    assert page.locator(".toolbar [aria-pressed=true]").get_attribute("data-tool") != "brush"
    assert [counts.nth(at).input_value() for at in (0, 1)] == ["72", "68"]
    counts.nth(0).fill("64")
    assert dialog.get_by_role("button", name="保存分段").is_disabled()
    counts.nth(1).fill("76")
    dialog.get_by_label("原因").fill("超过上限")
    with page.expect_navigation():
        dialog.get_by_role("button", name="保存分段").click()
    desk.ready()

    low, high = f"{HOSTILE}/F1-17", f"{HOSTILE}/F18-33"
    assert desk.totals() == before == stored(store, place)
    assert (desk.ask("gridOf", low), desk.ask("gridOf", high)) == (FIRST, FIRST)
    assert desk.ask("gridOf", HOSTILE) is None
    assert page.locator(".tower-badge").inner_text() == "⇅2"
    assert "1—17层：64户" in panel.inner_text()
    desk.paint(SECOND, high)
    assert desk.totals() == {FIRST: before[FIRST] - 76, SECOND: before[SECOND] + 76}
    desk.saved()
    assert stored(store, place) == desk.totals()

    with page.expect_navigation():
        panel.get_by_role("button", name="恢复为一个单元").click()
    desk.ready()
    # Most of its households were on the upper floors.
    assert desk.totals() == {FIRST: before[FIRST] - 140, SECOND: before[SECOND] + 140}
    assert page.locator(".tower-badge").count() == 0
    with store.owner.connect() as owner:
        actions = owner.execute(
            text("SELECT action, body ->> 'note' FROM log WHERE stream = 'edits' ORDER BY seq")
        ).all()
    assert [tuple(each) for each in actions] == [("divide", "超过上限"), ("paint", ""), ("join", "")]
    assert desk.faults == []


@pytest.mark.slow
def test_edits_not_yet_saved_outlive_a_division_by_somebody_else(
    store: Store, place: Place, desk: Desk, served: str
):
    page, before = desk.page, desk.totals()
    page.route("**/edits", lambda route: route.abort())
    desk.paint(SECOND, "u05")
    bands = [
        {"lowest": 1, "highest": 9, "households": 70},
        {"lowest": 10, "highest": 20, "households": 70},
    ]
    answer = httpx2.post(
        f"{served}/api/v1/versions/{place.version_id}/divisions",
        json={"unit_id": HOSTILE, "floors": bands},
        headers={**token_for(store, "other", "planner"), "If-Match": "*"},
    )
    assert answer.status_code == 201
    with page.expect_navigation():
        page.unroute("**/edits")
    desk.ready()
    desk.saved()

    moved = HOUSEHOLDS[1][1]
    after = {FIRST: before[FIRST] - moved, SECOND: before[SECOND] + moved}
    assert desk.totals() == after == stored(store, place)
    assert desk.ask("gridOf", "u05") == SECOND
    assert page.locator(".tower-badge").count() == 1


@pytest.mark.slow
def test_undoing_goes_back_over_a_division(store: Store, place: Place, desk: Desk):
    page, before = desk.page, desk.totals()
    undo = page.locator(".toolbar [data-tool=undo]")
    page.locator(".towers").get_by_role("button", name="按楼层分段").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("总层数").fill("33")
    dialog.get_by_label("段数").fill("2")
    dialog.get_by_label("段数").press("Tab")
    with page.expect_navigation():
        dialog.get_by_role("button", name="保存分段").click()
    desk.ready()
    assert undo.get_attribute("aria-disabled") == "false"
    assert page.locator(".past p button").inner_text() == f"按楼层分段：{HOSTILE}"

    # What was done with the bands is undone first.
    desk.paint(SECOND, f"{HOSTILE}/F18-33")
    desk.saved()
    page.keyboard.press("Control+z")
    desk.saved()
    assert desk.totals() == before
    assert desk.ask("gridOf", HOSTILE) is None
    with page.expect_navigation():
        page.keyboard.press("Control+z")
    desk.ready()
    assert desk.ask("gridOf", HOSTILE) == FIRST
    assert desk.totals() == before == stored(store, place)
    assert undo.get_attribute("aria-disabled") == "true"
    assert desk.faults == []
