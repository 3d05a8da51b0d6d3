"""The tomorrow test on the planner page, in Chromium, against an API worker of its own."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place, draw_community
from tests.api.planner_page import FIRST, SECOND, Desk, stored
from tests.api.processes import wait_until

# Two grids of 80 households.
HOUSEHOLDS = [[20, 20, 20, 20], [20, 20, 20, 20]]


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, "320924001001", HOUSEHOLDS)


@pytest.mark.slow
def test_what_is_expected_is_added_on_the_map_told_by_date_and_changes_no_plan(
    store: Store, place: Place, desk: Desk
):
    page, before = desk.page, desk.totals()
    panel = page.locator(".tomorrow")
    panel.locator("summary").click()
    panel.get_by_label("日期").fill("2027-06-30")
    panel.get_by_role("button", name="在地图上选").click()
    x, y = desk.ask("screenOf", "u02")
    page.mouse.click(x + 10, y + 10)
    panel.get_by_label("户数").fill("40")
    panel.get_by_label("说明").fill("<b>三期</b>")
    panel.get_by_role("button", name="加入推演").click()
    days = panel.locator(".timeline > li")
    days.first.wait_for()

    panel.get_by_label("类别").select_option("demolition")
    panel.get_by_label("日期").fill("2027-03-01")
    panel.get_by_role("button", name="在地图上选").click()
    page.mouse.click(*desk.ask("screenOf", "u00"))
    assert panel.get_by_label("单元编号").input_value() == "u00"
    panel.get_by_role("button", name="加入推演").click()
    wait_until(lambda: days.count() == 2, what="two days")
    panel.get_by_label("单元编号").fill("u01")
    panel.get_by_role("button", name="加入推演").click()
    wait_until(lambda: "80 → 40" in days.nth(0).inner_text(), what="both demolitions")

    assert [day.split("\n")[0] for day in days.all_inner_texts()] == ["2027-03-01", "2027-06-30"]
    assert "户数不足" in days.nth(0).inner_text()
    assert "80 → 120" in days.nth(1).inner_text()
    assert "户数超限" in days.nth(1).inner_text()
    assert "<b>三期</b>" in panel.inner_text()
    days.nth(1).get_by_role("button", name="届时如何调整").click()
    answer = days.nth(1).locator(".mending table")
    answer.wait_for()
    after = [int(row.split("\t")[-1]) for row in answer.locator("tbody tr").all_inner_texts()]
    assert after
    assert all(50 <= count <= 100 for count in after)
    # The first grid has lost 40 by then: the 40 of the new house come under it.
    assert days.nth(1).locator(".houses li").all_inner_texts() == [f"新楼40户：划入{FIRST}"]
    assert "现有住户都不换网格" in days.nth(1).locator(".mending").inner_text()
    assert desk.totals() == before == stored(store, place)

    # The plan goes on: what is expected follows it, and is there again after the page opens anew.
    desk.paint(FIRST, "u02")
    desk.saved()
    wait_until(lambda: "100 → 60" in days.nth(0).inner_text(), what="the timeline follows")
    desk.open()
    wait_until(lambda: days.count() > 0, what="the scenario is back")
    panel.get_by_role("button", name="移除第1项").click()
    wait_until(lambda: panel.locator(".expected li").count() == 2, what="one is taken out")
    with store.owner.connect() as owner:
        kept = owner.execute(text("SELECT unit_id, households FROM expected_changes ORDER BY number")).all()
    assert [tuple(each) for each in kept] == [("u00", None), ("u01", None)]
    assert desk.faults == []
    assert SECOND in desk.totals()
