"""The page that compares versions, in Chromium against an API worker of its own."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import FIRST, SECOND, edited_copy, faults_of

MOVED = {"action": "paint", "moves": [{"unit_ids": ["u02", "u08"], "to": FIRST}]}


def one_view(page: Page) -> dict[str, list[float]]:
    """The views of both maps, which are one to the pixel."""
    views: dict[str, list[float]] = page.evaluate("() => window.weige.compare.views()")
    (lat, lon, zoom), (other_lat, other_lon, other_zoom) = views["before"], views["after"]
    assert zoom == other_zoom
    pixel_deg = 360 / (256 * 2**zoom)
    assert (lat, lon) == pytest.approx((other_lat, other_lon), abs=pixel_deg)
    return views


@pytest.mark.slow
def test_versions_are_chosen_compared_in_a_table_and_put_on_one_map(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE plans SET name = '<script>alert(1)</script>'"))
    page = signed_in.new_page()
    faults = faults_of(page)
    base = f"{served}/plan/{place.community_id}"
    page.goto(base)
    one = str(place.version_id)
    two = edited_copy(page, one, MOVED)
    edited_copy(page, one, {"action": "paint", "moves": [{"unit_ids": ["u00"], "to": SECOND}]})

    page.goto(base)
    page.locator("summary", has_text="更多").click()
    page.get_by_role("link", name="版本对比").click()
    assert page.locator("table.measures").count() == 0
    for box in page.locator(".choice input").all():
        box.check()
    page.get_by_role("button", name="对比", exact=True).click()
    page.wait_for_load_state()
    assert page.locator(".key li").count() == 3
    assert page.locator("table.measures thead th").all_inner_texts() == ["A", "B", "C"]

    page.goto(f"{base}/compare?version={one}&version={two}")
    page.evaluate("() => window.weige.ready")
    cells = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("table.measures tbody tr").all()
    }
    assert cells["换网格的户数"] == ["–", "38"]
    assert cells["换网格的单元"] == ["–", "2"]
    assert cells["有调整的网格"] == ["–", "2"]
    page.locator("details.list summary").nth(1).click()
    assert page.locator("details.list").nth(1).locator("tbody td").all_inner_texts() == [
        SECOND, FIRST, "2", "38",
    ]  # fmt: skip
    assert faults == []


@pytest.mark.slow
def test_the_divider_parts_both_versions_and_two_maps_keep_one_view(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    page = signed_in.new_page()
    faults = faults_of(page)
    base = f"{served}/plan/{place.community_id}"
    page.goto(base)
    two = edited_copy(page, str(place.version_id), MOVED)
    page.goto(f"{base}/compare?version={place.version_id}&version={two}")
    page.evaluate("() => window.weige.ready")

    divider = page.get_by_role("slider")
    assert page.locator(".half.before").is_hidden()
    divider.press("End")
    page.wait_for_timeout(300)
    before = {label["text"] for label in page.evaluate("() => window.weige.compare.labels()")}
    divider.press("Home")
    page.wait_for_timeout(300)
    after = {label["text"] for label in page.evaluate("() => window.weige.compare.labels()")}
    # 102 and 118 households before, 140 and 80 after.
    assert before != after

    page.get_by_role("button", name="并排对比").click()
    assert page.locator(".half.before").is_visible()
    page.mouse.move(700, 400)
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(500)
    views = one_view(page)
    zoom = views["after"][2]
    box = page.locator(".half.after").bounding_box()
    page.mouse.move(box["x"] + 200, 500)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, 430, steps=8)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert one_view(page)["after"] != views["after"]

    page.locator(f"[data-grid='{FIRST}']").first.click()
    page.wait_for_timeout(300)
    near = one_view(page)["after"]
    assert near[2] != zoom
    assert near[:2] == pytest.approx([33.0015, 120.0015], abs=1e-4)  # of the grid as it was and is
    assert faults == []
