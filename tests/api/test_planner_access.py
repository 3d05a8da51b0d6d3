"""The pages about a plan for all who use them: axe-core finds nothing serious, fingers paint and move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page
from sqlalchemy import text

from api.database import Store
from tests.accessibility import Findings
from tests.api.place import Place, draw_community
from tests.api.planner_page import FIRST, SECOND, THIRD, Desk, clash_over, edited_copy, stored
from tests.api.processes import wait_until

# One worker installs what npm holds.
pytestmark = pytest.mark.xdist_group("npm")

# The second unit is a tower; the second grid is too small.
HOUSEHOLDS = [[20, 140, 10, 10, 25, 9], [30, 10, 5, 5, 14, 16], [8, 15, 5, 5, 11, 13]]


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, "320924001001", HOUSEHOLDS)


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_axe_finds_nothing_serious_while_a_draft_is_redrawn(place: Place, desk: Desk, findings: Findings):
    findings.look(desk.page, "draft")
    for step in (
        _take_each_tool, _show_grids_and_households, _choose_and_select, _open_dialogs, _divide_the_tower,
        _balance_and_undo, _open_table_and_menus, _expect_a_demolition,
    ):  # fmt: skip
        step(desk, findings)
    desk.open()
    assert desk.faults == []
    clash_over(desk, str(place.version_id), "u08", FIRST, THIRD)
    findings.look(desk.page, "clash")
    desk.page.locator("dialog.clash [data-keep=theirs]").click()
    assert findings.rules > 500
    assert findings.found == []


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_english(
    place: Place, signed_in: BrowserContext, served: str, findings: Findings
):
    signed_in.set_extra_http_headers({"Accept-Language": "en-US"})
    desk = Desk(signed_in, served, place)
    assert desk.page.locator("html").get_attribute("lang") == "en"
    findings.look(desk.page, "draft")
    _take_each_tool(desk, findings)
    _choose_and_select(desk, findings)
    desk.page.keyboard.press("?")
    findings.look(desk.page, "keys")
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("t")
    findings.look(desk.page, "table of units")
    desk.page.goto(f"{served}/plan/{place.community_id}/record?version={place.version_id}")
    findings.look(desk.page, "record")
    assert findings.found == []
    assert desk.faults == []


def _take_each_tool(desk: Desk, findings: Findings) -> None:
    for key in "vbdlrs":
        desk.page.keyboard.press(key)
        findings.look(desk.page, f"tool {key}")
    desk.page.keyboard.press("v")


def _show_grids_and_households(desk: Desk, findings: Findings) -> None:
    for way in ("网格", "户数"):
        desk.page.get_by_role("button", name=way, exact=True).click()
        findings.look(desk.page, way)


def _choose_and_select(desk: Desk, findings: Findings) -> None:
    desk.choose(SECOND)
    findings.look(desk.page, "a grid chosen")
    desk.page.keyboard.press("r")
    desk.page.mouse.click(*desk.ask("screenOf", "u02"))
    findings.look(desk.page, "a unit selected")


def _open_dialogs(desk: Desk, findings: Findings) -> None:
    page = desk.page
    page.keyboard.press("?")
    findings.look(page, "keys")
    page.keyboard.press("Escape")
    page.locator(".renumber").click()
    page.locator("dialog[open]").wait_for()
    findings.look(page, "renumber")
    page.keyboard.press("Escape")
    page.locator("[data-step=delete]").click()
    findings.look(page, "delete")
    page.keyboard.press("Escape")


def _divide_the_tower(desk: Desk, findings: Findings) -> None:
    page, dialog = desk.page, desk.page.locator("dialog[open]")
    page.locator(".towers").get_by_role("button", name="按楼层分段").click()
    findings.look(page, "floors")
    dialog.get_by_label("总层数").fill("33")
    dialog.get_by_label("段数").fill("2")
    dialog.get_by_label("段数").press("Tab")
    dialog.locator("tbody").get_by_label("户数").nth(0).fill("64")
    findings.look(page, "floors that do not add up")
    dialog.locator("tbody").get_by_label("户数").nth(1).fill("76")
    with page.expect_navigation():
        dialog.get_by_role("button", name="保存分段").click()
    desk.ready()
    findings.look(page, "a tower divided")


def _balance_and_undo(desk: Desk, findings: Findings) -> None:
    page = desk.page
    page.locator(".engine .balance").click()
    page.wait_for_selector(".proposal .take")
    findings.look(page, "proposal")
    desk.take_proposal()
    findings.look(page, "taken")
    page.keyboard.press("Control+z")
    desk.saved()
    findings.look(page, "undone")


def _open_table_and_menus(desk: Desk, findings: Findings) -> None:
    page = desk.page
    page.keyboard.press("t")
    page.locator(".unit-table tbody input").first.check()
    findings.look(page, "table of units")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    for menu in page.locator(".menu summary").all():
        menu.click()
        findings.look(page, menu.inner_text())


def _expect_a_demolition(desk: Desk, findings: Findings) -> None:
    page, panel = desk.page, desk.page.locator(".tomorrow")
    panel.locator("summary").click()
    panel.get_by_label("日期").fill("2027-06-30")
    panel.get_by_label("类别").select_option("demolition")
    panel.get_by_role("button", name="在地图上选").click()
    page.mouse.click(*desk.ask("screenOf", "u04"))
    panel.get_by_role("button", name="加入推演").click()
    panel.locator(".timeline > li").first.wait_for()
    findings.look(page, "tomorrow")
    page.locator(".main-tools, .other-tools").get_by_role("button", name="表格").click()
    findings.look(page, "table")


@pytest.mark.slow
def test_axe_finds_nothing_serious_on_the_pages_about_a_plan(
    store: Store, place: Place, signed_in: BrowserContext, findings: Findings, served: str
):
    empty = draw_community(store, "320924001002", [[30, 30]], lon=121.0)
    with store.owner.begin() as owner:
        owner.execute(text("DELETE FROM versions WHERE id = :id"), {"id": empty.version_id})
    desk = Desk(signed_in, served, place)
    page = desk.page
    base = f"{served}/plan/{place.community_id}"
    one = str(place.version_id)
    desk.paint(FIRST, "u02")
    desk.saved()
    two = edited_copy(page, one, {"action": "paint", "moves": [{"unit_ids": ["u03"], "to": FIRST}]})

    for name in ("record", "cards", "import"):
        page.goto(f"{base}/{name}?version={one}")
        findings.look(page, name)
    page.goto(f"{base}/compare?version={one}")
    findings.look(page, "versions to compare")
    page.goto(f"{base}/compare?version={one}&version={two}")
    page.evaluate("() => window.weige.ready")
    findings.look(page, "compare")
    page.locator("details.list summary").nth(1).click()
    page.get_by_role("button", name="并排对比").click()
    findings.look(page, "compare side by side")

    page.goto(f"{base}?version={one}")
    desk.ready()
    page.locator("[data-step=submit]").click()
    page.wait_for_selector("#submit-dialog[open]")
    findings.look(page, "submit with findings open")
    with page.expect_navigation():
        page.locator("#submit-dialog button[value=go]").click()
    page.evaluate("() => window.weige.ready")
    findings.look(page, "submitted")
    page.locator("[data-step=publish]").click()
    page.wait_for_selector("#publish-dialog[open]")
    findings.look(page, "publish")
    with page.expect_navigation():
        page.locator("#publish-dialog button[value=go]").click()
    page.evaluate("() => window.weige.ready")
    findings.look(page, "published")
    page.goto(f"{served}/plan/{empty.community_id}")
    findings.look(page, "no version")
    page.goto(base + "000")
    findings.look(page, "missing")
    assert findings.rules > 200
    assert findings.found == []


def test_axe_is_not_blind(signed_in: BrowserContext, findings: Findings):
    page = signed_in.new_page()
    page.set_content(
        "<html lang=zh><title>x</title><p style='color:#bbb;background:#fff'>太淡的文字</p><input>"
    )
    findings.look(page, "faulty")
    assert [found.split(": ")[1] for found in findings.found] == ["color-contrast", "label"]


@pytest.fixture
def by_touch(signed_in: BrowserContext, browser: Browser) -> Iterator[BrowserContext]:
    """The same person at a tablet: fingers and no mouse."""
    context = browser.new_context(
        viewport={"width": 1024, "height": 768}, locale="zh-CN", has_touch=True, is_mobile=True,
        storage_state=signed_in.storage_state(),
    )  # fmt: skip
    yield context
    context.close()


CONTROLS = (
    "#weige .board :is(button, select, summary, input:not([type=checkbox])),"
    ".bar :is(button, select, summary, a), .ways button, .leaflet-bar a"
)
# Controls on the page that are lower than a finger needs.
LOW = """controls => [...document.querySelectorAll(controls)]
  .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 40)
  .map(each => `${each.outerHTML.slice(0, 90)} ${each.getBoundingClientRect().height}`)"""


class Fingers:
    """Real touches: the browser makes pointer events of them, and scrolls where the page lets it."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)

    def _send(self, kind: str, places: list[tuple[float, float]]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def down(self, *places: tuple[float, float]) -> None:
        self._send("touchStart", list(places))

    def move(
        self, before: list[tuple[float, float]], after: list[tuple[float, float]], steps: int = 8
    ) -> None:
        for step in range(1, steps + 1):
            part = step / steps
            self._send("touchMove", [
                (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
                for (x0, y0), (x1, y1) in zip(before, after, strict=True)
            ])  # fmt: skip

    def up(self, *left: tuple[float, float]) -> None:
        self._send("touchEnd", list(left))


@pytest.mark.slow
def test_one_finger_paints_and_two_move_the_map_and_drop_the_stroke(
    store: Store, place: Place, by_touch: BrowserContext, served: str
):
    desk = Desk(by_touch, served, place)
    page, fingers = desk.page, Fingers(desk.page)
    before = desk.totals()

    # Every control of the panel is as high as a finger needs, in each state of the tools.
    page.locator(".tomorrow summary").tap()
    desk.choose(SECOND)
    for tool in ("边界", "框选", "涂画"):
        page.locator(".main-tools button").filter(has_text=tool).tap()
        assert page.evaluate(LOW, CONTROLS) == []

    desk.choose(FIRST)
    one, other = desk.ask("screenOf", "u02"), desk.ask("screenOf", "u08")
    fingers.down(one)
    fingers.move([one], [other])
    moved = HOUSEHOLDS[0][2] + HOUSEHOLDS[1][2]
    after = {**before, FIRST: before[FIRST] + moved, SECOND: before[SECOND] - moved}
    assert desk.totals() == after
    fingers.up()
    desk.saved()
    assert desk.totals() == after == stored(store, place)
    assert desk.ask("screenOf", "u02") == one

    # A second finger comes while the first paints: the stroke is dropped, the map is spread and moved.
    third = desk.ask("screenOf", "u03")
    fourth = (third[0], third[1] + 120)
    fingers.down(third)
    assert desk.totals()[FIRST] == after[FIRST] + HOUSEHOLDS[0][3]
    fingers.down(third, fourth)
    assert desk.totals() == after
    apart = [(third[0] + 40, third[1] - 60), (fourth[0] + 40, fourth[1] + 60)]
    fingers.move([third, fourth], apart)
    fingers.up(apart[0])
    fingers.up()
    wait_until(
        lambda: desk.ask("screenOf", "u03")[0] - desk.ask("screenOf", "u02")[0] > 1.5 * (third[0] - one[0]),
        what="the map is spread",
    )
    assert desk.totals() == after == stored(store, place)
    assert page.locator(".past li").count() == 1

    # The finger paints on.
    page.wait_for_timeout(500)
    at = desk.ask("screenOf", "u03")
    fingers.down(at)
    fingers.up()
    desk.saved()
    assert desk.totals()[FIRST] == after[FIRST] + HOUSEHOLDS[0][3]
    assert desk.faults == []
