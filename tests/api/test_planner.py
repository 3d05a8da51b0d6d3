"""The planner page in Chromium, against API workers of its own."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import text

from api import security
from api.database import Store
from api.dependencies import SESSION_COOKIE
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.place import Place, draw_community
from tests.api.processes import _SERVE, free_port, process, wait_until
from tests.maps.chromium import browser  # noqa: F401

HOUSEHOLDS = [[12, 20, 18, 10, 25, 9], [30, 10, 20, 22, 14, 16], [8, 15, 17, 21, 11, 13]]
FIRST = "320924001001001"
SECOND = "320924001001002"


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, "320924001001", HOUSEHOLDS)


@contextmanager
def serving(store: Store, folder: Path, port: int) -> Iterator[Any]:
    with process(_SERVE, store.url, str(folder), str(port)) as started:
        wait_until(lambda: _answers(port), what="the worker")
        yield started


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False


class Desk:
    """A page on which somebody redraws a version, and what went wrong on it."""

    def __init__(self, context: BrowserContext, port: int, place: Place, version: str | None = None) -> None:
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        asked = f"?version={version}" if version else ""
        self.address = f"http://127.0.0.1:{port}/plan/{place.community_id}{asked}"
        self.open()

    def open(self) -> None:
        self.page.goto(self.address)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_load_state()
        self.page.evaluate("() => window.weige.ready")

    def ask(self, what: str, *values: Any) -> Any:
        """Ask the page, once its panel shows what was done."""
        planner = "window.weige.planner"
        script = f"(values) => {planner}.rested().then(() => {planner}.{what}(...values))"
        return self.page.evaluate(script, list(values))

    def totals(self) -> dict[str, int]:
        assert self.ask("isCounted")
        return self.ask("totals")

    def saved(self) -> None:
        wait_until(lambda: self.ask("keeping") == "saved", what="the page has saved")

    def choose(self, code: str) -> None:
        self.page.locator(".board tbody th button").filter(has_text=code).click()

    def paint(self, code: str, *unit_ids: str) -> None:
        """Paint along units, in one stroke."""
        self.page.keyboard.press("b")
        self.choose(code)
        at = [self.ask("screenOf", unit_id) for unit_id in unit_ids]
        self.page.mouse.move(*at[0])
        self.page.mouse.down()
        for x, y in at[1:]:
            self.page.mouse.move(x, y, steps=6)
        self.page.mouse.up()


@pytest.fixture
def signed_in(store: Store, browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    add_person(store, "planner", ("planner", root_id(store)), ("admin", root_id(store)), password=True)
    key = security.sign_in(store, "planner", PASSWORD, "127.0.0.1")
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
    yield context
    context.close()


def stored(store: Store, place: Place) -> dict[str, int]:
    """Households of each grid of the draft, counted from its units."""
    with store.owner.connect() as owner:
        rows = owner.execute(
            text("""SELECT g.code, sum(u.households) AS households FROM assignments a
                    JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number
                    JOIN units u ON u.ground_id = a.ground_id AND u.number = a.unit_number
                    WHERE a.version_id = :version GROUP BY g.code"""),
            {"version": place.version_id},
        )
        return {row.code: row.households for row in rows}


@pytest.mark.slow
def test_totals_follow_a_stroke_and_are_saved_and_undone(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
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
def test_locks_hold_and_merging_and_splitting_are_saved(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
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
    with serving(store, tmp_path, port) as started:
        desk = Desk(signed_in, port, place)
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
    with serving(store, tmp_path, port):
        again = Desk(signed_in, port, place)
        assert again.totals() == after
        again.saved()
        assert stored(store, place) == after


@pytest.mark.slow
def test_two_browsers_on_one_draft_lose_no_edit(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    chance = random.Random(5)
    with serving(store, tmp_path, port := free_port()):
        # Tabs of one person share what is kept on the computer; two people do not.
        state = signed_in.storage_state()
        browser_of_both = signed_in.browser
        assert browser_of_both is not None
        other = browser_of_both.new_context(
            viewport={"width": 1366, "height": 768}, locale="zh-CN", storage_state=state
        )
        a, b = Desk(signed_in, port, place), Desk(other, port, place)
        before = a.totals()
        turns = [(a, "u02"), (b, "u03"), (b, "u09"), (a, "u08"), (a, "u14"), (b, "u15")]
        chance.shuffle(turns)
        for desk, unit in turns:
            desk.paint(FIRST, unit)
            wait_until(lambda desk=desk: _settled(desk), what="the page has saved")
        moved = sum(HOUSEHOLDS[row][column] for row in range(3) for column in (2, 3))
        assert stored(store, place).get(FIRST) == before[FIRST] + moved
        for desk in (a, b):
            desk.open()
            assert desk.totals() == stored(store, place)
        other.close()


def _settled(desk: Desk) -> bool:
    """Whether a page has saved; it opens itself anew where the other saved meanwhile."""
    try:
        return (
            desk.page.evaluate("() => window.weige.ready.then(() => window.weige.planner.keeping())")
            == "saved"
        )
    except PlaywrightError as error:  # the page is on its way to be opened anew
        if "context was destroyed" in str(error) or "navigation" in str(error):
            return False
        raise


@pytest.mark.slow
def test_a_reader_sees_the_plan_and_cannot_redraw_it(
    store: Store,
    place: Place,
    browser: Browser,  # noqa: F811
    tmp_path: Path,
):
    add_person(store, "reader", ("viewer", place.community_id), password=True)
    with store.owner.begin() as owner:
        owner.execute(
            text("UPDATE divisions SET name = '<script>alert(1)</script>' WHERE id = :id"),
            {"id": place.community_id},
        )
    key = security.sign_in(store, "reader", PASSWORD, "127.0.0.1")
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    context.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(context, port, place)
        assert desk.page.evaluate("() => window.weige.planner") is None
        assert desk.page.locator("[data-step]").count() == 0
        assert desk.page.locator("h1").inner_text() == "<script>alert(1)</script>"
        assert desk.page.evaluate("() => window.weige.labels().length") > 0
        far = httpx2.get(
            f"http://127.0.0.1:{port}/plan/{place.community_id + 1000}",
            headers={"Cookie": f"{SESSION_COOKIE}={key}"},
        )
        assert far.status_code == 404
        assert "页面不存在" in far.text
        assert desk.faults == []
    context.close()


@pytest.mark.slow
def test_a_proposal_is_shown_first_and_gives_what_it_showed(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
        before = desk.totals()
        desk.page.locator(".engine .balance").click()
        desk.page.wait_for_selector(".proposal tbody")
        shown = {}
        for row in desk.page.locator(".proposal tbody tr").all():
            code, _, then, _ = (cell.inner_text() for cell in row.locator("th, td").all())
            shown[code] = int(then)
        assert desk.totals() == before

        desk.page.locator(".proposal .take").click()
        desk.saved()
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
def test_each_grid_has_its_own_colour_and_units_are_dots_and_numbers_stay(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
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
        assert (
            desk.page.get_by_role("button", name="户数", exact=True).get_attribute("aria-pressed") == "true"
        )
        assert desk.faults == []


@pytest.mark.slow
def test_a_number_of_grids_tells_what_it_means_and_is_proposed(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    households = sum(map(sum, HOUSEHOLDS))  # 291: 3 to 5 grids
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
        panel = desk.page.locator(".counts")
        assert panel.locator(".range").inner_text() == f"{households}户可设3至5个网格"
        slider = panel.get_by_role("slider")
        slider.press("End")
        assert (
            panel.locator(".meaning").inner_text()
            == f"设5个：平均每个网格{round(households / 5)}户，网格员比现在多2名"
        )
        slider.press("ArrowLeft")
        assert "多1名" in panel.locator(".meaning").inner_text()

        panel.get_by_role("button", name="生成4个网格的方案").click()
        desk.page.wait_for_selector(".proposal .take")
        desk.page.locator(".proposal .take").click()
        desk.saved()
        after = desk.totals()
        assert len(after) == 4
        assert stored(store, place) == after
        assert panel.get_by_role("button").is_disabled()
        assert desk.faults == []
