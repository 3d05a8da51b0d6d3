"""The planner page in Chromium, against API workers of its own."""

from __future__ import annotations

import io
import random
import signal
from pathlib import Path

import httpx2
import pytest
from PIL import Image, ImageColor
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import text

from api.database import Store
from maps.styles import PIECES, STATUS
from tests.api.place import Place
from tests.api.planner_page import FIRST, HOUSEHOLDS, SECOND, THIRD, VIEW, Desk, browser_of, stored
from tests.api.processes import api_worker, free_port, wait_until


@pytest.mark.slow
def test_totals_follow_a_stroke_and_are_saved_and_undone(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    assert before == stored(store, place)

    desk.paint(FIRST, "u02", "u08")
    moved = HOUSEHOLDS[0][2] + HOUSEHOLDS[1][2]
    after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
    assert desk.totals() == after
    assert desk.page.locator(".board .past li").count() == 1
    desk.saved()
    assert stored(store, place) == after

    desk.page.keyboard.press("Control+z")
    assert desk.totals() == before
    desk.saved()
    assert stored(store, place) == before
    desk.page.keyboard.press("Control+y")
    desk.saved()
    assert desk.totals() == after

    desk.open()
    assert desk.totals() == after == stored(store, place)
    assert desk.faults == []


@pytest.mark.slow
def test_locks_hold_and_merging_and_splitting_are_saved(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    desk.choose(SECOND)
    desk.page.get_by_label("锁定", exact=True).check()
    desk.paint(FIRST, "u02", "u08")
    assert desk.totals() == before
    desk.choose(SECOND)
    desk.page.get_by_label("锁定", exact=True).uncheck()

    desk.page.locator(".board .chosen .merge").select_option(index=1)
    merged = desk.totals()
    assert len(merged) == 2
    assert sum(merged.values()) == sum(map(sum, HOUSEHOLDS))
    desk.saved()
    assert stored(store, place) == merged

    desk.page.keyboard.press("s")
    whole = max(merged, key=lambda code: merged[code])
    desk.choose(whole)
    (ax, ay), (_, by) = desk.ask("screenOf", "u00"), desk.ask("screenOf", "u12")
    middle = (desk.ask("screenOf", "u01")[0] + ax) / 2
    desk.page.mouse.click(middle, ay - 30)
    desk.page.mouse.click(middle, by + 30)
    desk.page.keyboard.press("Enter")
    desk.saved()
    divided = desk.totals()
    assert len(divided) == 3
    assert not [code for code in divided if code.startswith("+")]
    assert stored(store, place) == divided
    assert desk.faults == []


@pytest.mark.slow
def test_nothing_is_lost_when_the_server_dies_while_it_saves(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    port = free_port()
    with api_worker(store.url, tmp_path, port) as (address, started):
        desk = Desk(signed_in, address, place)
        before = desk.totals()
        desk.paint(FIRST, "u02")
        started.send_signal(signal.SIGKILL)
        started.wait()
        desk.paint(FIRST, "u08")
        wait_until(lambda: desk.ask("keeping") == "away", what="the page notices")
        moved = HOUSEHOLDS[0][2] + HOUSEHOLDS[1][2]
        after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
        assert desk.totals() == after
        # The tab is closed before the server is back.
        desk.page.close()
    with api_worker(store.url, tmp_path, port) as (address, _):
        again = Desk(signed_in, address, place)
        assert again.totals() == after
        again.saved()
        assert stored(store, place) == after


@pytest.mark.slow
def test_two_browsers_on_one_draft_lose_no_edit(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    chance = random.Random(5)
    # Tabs of one person share what is kept on the computer; two people do not.
    state = signed_in.storage_state()
    browser_of_both = signed_in.browser
    assert browser_of_both is not None
    other = browser_of_both.new_context(viewport=VIEW, locale="zh-CN", storage_state=state)
    a, b = Desk(signed_in, served, place), Desk(other, served, place)
    before = a.totals()
    turns = [(a, "u02"), (b, "u03"), (b, "u09"), (a, "u08"), (a, "u14"), (b, "u15")]
    chance.shuffle(turns)
    for desk, unit in turns:
        desk.paint(FIRST, unit)
        desk.settled()
    moved = sum(HOUSEHOLDS[row][column] for row in range(3) for column in (2, 3))
    assert stored(store, place).get(FIRST) == before[FIRST] + moved
    for desk in (a, b):
        desk.open()
        assert desk.totals() == stored(store, place)
    other.close()


@pytest.mark.slow
def test_a_reader_sees_the_plan_and_cannot_redraw_it(
    store: Store, place: Place, browser: Browser, served: str
):
    with store.owner.begin() as owner:
        owner.execute(
            text("UPDATE divisions SET name = '<script>alert(1)</script>' WHERE id = :id"),
            {"id": place.community_id},
        )
    reader = ("viewer", place.community_id)
    with browser_of(store, browser, "reader", reader, locale="en-US") as context:
        desk = Desk(context, served, place)
        assert desk.page.evaluate("() => window.weige.planner") is None
        assert desk.page.locator("[data-step]").count() == 0
        assert desk.page.locator("h1").inner_text() == "<script>alert(1)</script>"
        assert desk.page.evaluate("() => window.weige.labels().length") > 0
        assert desk.faults == []
        cookies = {each["name"]: each["value"] for each in context.cookies()}
    far = httpx2.get(f"{served}/plan/{place.community_id + 1000}", cookies=cookies)
    assert far.status_code == 404
    assert "页面不存在" in far.text


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_a_proposal_is_shown_first_and_gives_what_it_showed(store: Store, place: Place, desk: Desk):
    before = desk.totals()
    desk.page.locator(".engine .balance").click()
    shown = {code: after for code, (_, after) in desk.proposed().items()}
    assert desk.totals() == before

    desk.take_proposal()
    after = desk.totals()
    assert {code: after[code] for code in shown if code in after} == {
        code: households for code, households in shown.items() if code in after
    }
    assert sum(after.values()) == sum(before.values())
    assert all(50 <= households <= 100 for households in after.values())
    assert stored(store, place) == after
    desk.page.keyboard.press("Control+z")
    desk.saved()
    assert sorted(desk.totals().values()) == sorted(before.values())
    assert desk.faults == []


@pytest.mark.slow
def test_each_grid_has_its_own_colour_and_units_are_dots_and_numbers_stay(desk: Desk):
    numbers = [drawn["text"] for drawn in desk.ask("numbers")]
    assert sorted(map(int, numbers)) == sorted(desk.totals().values())

    desk.page.get_by_role("button", name="网格", exact=True).click()
    colours = desk.ask("colours")
    assert len(colours) == 3
    first, second, third = (colours[code] for code in sorted(colours))
    assert first != second != third  # in a row: the first and the third do not meet
    assert [drawn["text"] for drawn in desk.ask("numbers")] == numbers

    desk.page.get_by_role("button", name="户数", exact=True).click()
    assert desk.page.locator("canvas.grids-picture:visible").count()
    assert [drawn["text"] for drawn in desk.ask("numbers")] == numbers
    assert desk.page.get_by_role("button", name="户数", exact=True).get_attribute("aria-pressed") == "true"
    assert desk.faults == []


@pytest.mark.slow
def test_a_number_of_grids_tells_what_it_means_and_is_proposed(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    households = sum(map(sum, HOUSEHOLDS))  # 291: 3 to 5 grids
    desk = Desk(signed_in, served, place)
    panel = desk.page.locator(".counts")
    assert panel.locator(".range").inner_text() == f"{households}户可设3至5个网格"
    slider = panel.get_by_role("slider")
    slider.press("End")
    assert (
        panel.locator(".meaning").inner_text()
        == f"设5个：平均每个网格{round(households / 5)}户，每格一名网格员，比本草稿多2名"
    )
    slider.press("ArrowLeft")
    assert "多1名" in panel.locator(".meaning").inner_text()

    panel.get_by_role("button", name="生成4个网格的方案").click()
    desk.take_proposal()
    after = desk.totals()
    assert len(after) == 4
    assert stored(store, place) == after
    assert panel.get_by_role("button").is_disabled()
    assert desk.faults == []


@pytest.mark.slow
def test_a_grid_in_two_pieces_is_shown_so_and_does_not_count_among_those_that_fit(desk: Desk):
    fits = desk.page.locator(".facts dd").nth(2)
    row = desk.page.locator(".grid-list tr").filter(has_text=THIRD)
    assert (fits.inner_text(), row.locator(".badge").inner_text()) == ("66.7%", "户数适中")

    # 12 households from the other end: 100 in all, which the band allows.
    desk.paint(THIRD, "u00")
    assert desk.totals()[THIRD] == 100
    assert (fits.inner_text(), row.locator(".badge").inner_text()) == ("33.3%", "分为2片")
    assert desk.page.locator(".chosen .badge").inner_text() == "分为2片"
    for unit in ("u00", "u04"):
        assert ground_at(desk, unit) == {PIECES["fill"]: True, STATUS["ok"]["fill"]: False}

    desk.page.keyboard.press("Control+z")
    assert desk.totals()[THIRD] == 88
    assert (fits.inner_text(), row.locator(".badge").inner_text()) == ("66.7%", "户数适中")
    assert ground_at(desk, "u04") == {PIECES["fill"]: False, STATUS["ok"]["fill"]: True}
    assert desk.faults == []


def ground_at(desk: Desk, unit: str) -> dict[str, bool]:
    """Which of two grounds the map shows round a unit."""
    x, y = desk.ask("screenOf", unit)
    clip = {"x": x - 30, "y": y - 30, "width": 60, "height": 60}
    picture = Image.open(io.BytesIO(desk.page.screenshot(clip=clip))).convert("RGB")
    seen = {colour: count for count, colour in picture.getcolors(3600) or []}
    wanted = {fill: ImageColor.getrgb(fill) for fill in (PIECES["fill"], STATUS["ok"]["fill"])}
    return {fill: seen.get(colour, 0) > 300 for fill, colour in wanted.items()}
