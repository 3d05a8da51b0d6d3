"""Two browsers on one draft: what clashes is asked about, and nothing that was kept is lost."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Route, expect
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import text

from api.database import Store
from tests.api.accounts import root_id
from tests.api.place import Place
from tests.api.planner_page import (
    FIRST,
    HOUSEHOLDS,
    SECOND,
    THIRD,
    Desk,
    browser_of,
    grids_of,
    unless_leaving,
)
from tests.api.processes import wait_until

_EDITS = "**/edits"


@pytest.fixture
def other(store: Store, browser: Browser) -> Iterator[BrowserContext]:
    """Somebody else's browser."""
    with browser_of(store, browser, "other", ("planner", root_id(store))) as context:
        yield context


@contextmanager
def cut_off(context: BrowserContext) -> Iterator[None]:
    """Let no edit of a browser reach the service."""

    def refuse(route: Route) -> None:
        route.abort()

    context.route(_EDITS, refuse)
    yield
    context.unroute(_EDITS, refuse)


def clashing(
    mine: Desk, theirs: Desk, context: BrowserContext, edits: Callable[[], None] = lambda: None
) -> None:
    """Both put u02 elsewhere, and one unit each that the other leaves alone; theirs is saved first."""
    with cut_off(context):
        mine.paint(FIRST, "u02")
        mine.paint(FIRST, "u08")
        edits()
        wait_until(lambda: mine.ask("keeping") == "away", what="the page notices")
        theirs.paint(THIRD, "u02")
        theirs.paint(THIRD, "u03")
        theirs.saved()
    mine.page.wait_for_selector("dialog.clash[open]")


@pytest.mark.slow
@pytest.mark.parametrize(("keep", "ends_in"), [("mine", FIRST), ("theirs", THIRD)])
def test_the_answer_holds_and_what_does_not_clash_is_merged(
    keep: str,
    ends_in: str,
    store: Store,
    place: Place,
    signed_in: BrowserContext,
    other: BrowserContext,
    served: str,
):
    before = grids_of(store, place.version_id)
    mine, theirs = Desk(signed_in, served, place), Desk(other, served, place)
    clashing(mine, theirs, signed_in)
    (row,) = mine.page.locator("dialog.clash tbody tr").all_inner_texts()
    what, ours, others = (cell.strip().split("\n") for cell in row.split("\t"))
    households = [HOUSEHOLDS[0][2], HOUSEHOLDS[1][2], HOUSEHOLDS[0][3]]
    assert what == ["u02", f"1个单元，{households[0]}户"]
    assert ours[:2] == [FIRST, f"共{95 + households[0] + households[1]}户"]
    assert others[:2] == [THIRD, f"共{88 + households[0] + households[2]}户"]
    assert others[2].startswith("other，")
    assert all(f"{datetime.now(UTC).year}年" in cell[2] for cell in (ours, others))
    # The unit has another colour on the maps of the two sides, and a thick line round it.
    maps = [
        Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
        for canvas in mine.page.locator("dialog.clash canvas").all()
    ]
    middles = [picture.getpixel((picture.width // 2, picture.height // 2 + 14)) for picture in maps]
    assert len(middles) == 2
    assert middles[0] != middles[1]
    line = (176, 0, 32)
    for picture in maps:
        assert dict(map(reversed, picture.getcolors(1 << 16) or [])).get(line, 0) > 100

    mine.page.locator(f"dialog.clash [data-keep={keep}]").click()
    mine.settled()
    after = {**before, "u02": ends_in, "u08": FIRST, "u03": THIRD}
    assert grids_of(store, place.version_id) == after
    for desk in (mine, theirs):
        desk.open()
        assert {unit: desk.ask("gridOf", unit) for unit in after} == after


@pytest.mark.slow
def test_my_edits_get_a_draft_of_their_own(
    store: Store, place: Place, signed_in: BrowserContext, other: BrowserContext, served: str
):
    before = grids_of(store, place.version_id)
    mine, theirs = Desk(signed_in, served, place), Desk(other, served, place)

    def name_and_lock() -> None:
        mine.choose(SECOND)
        mine.page.keyboard.press("Shift+K")

    clashing(mine, theirs, signed_in, name_and_lock)

    # Where no draft can be started, it is said and asked once more.
    mine.page.route("**/fork", lambda route: route.fulfill(status=403, json={"detail": "no post"}))
    mine.page.locator("dialog.clash [data-keep=fork]").click()
    mine.page.wait_for_selector("dialog.clash .refused:not(:empty)")
    assert mine.page.locator("dialog.clash .refused").inner_text() == "未能另建草稿：no post"
    mine.page.unroute("**/fork")

    # What they save while the question stands is in the new draft too.
    theirs.paint(THIRD, "u14")
    theirs.saved()
    left_to_them = {**before, "u02": THIRD, "u03": THIRD, "u14": THIRD}
    with mine.page.expect_navigation(url="**/plan/*?version=*"):
        mine.page.locator("dialog.clash [data-keep=fork]").click()
    mine.settled()
    forked = mine.page.url.partition("version=")[2]
    assert forked != str(place.version_id)

    own = {**left_to_them, "u02": FIRST, "u08": FIRST}
    assert grids_of(store, forked) == own
    assert grids_of(store, place.version_id) == left_to_them
    mine.ready()
    assert {unit: mine.ask("gridOf", unit) for unit in own} == own
    assert mine.page.locator("dialog.clash").count() == 0
    # My lock came along.
    mine.paint(FIRST, "u15")
    assert mine.ask("gridOf", "u15") == SECOND

    # Nothing of it is left for the draft that was left to them.
    again = Desk(signed_in, served, place, str(place.version_id))
    assert {unit: again.ask("gridOf", unit) for unit in own} == left_to_them
    again.saved()


@pytest.mark.slow
def test_the_same_edit_is_saved_in_two_drafts(
    store: Store, place: Place, signed_in: BrowserContext, desk: Desk, served: str
):
    with desk.page.expect_navigation(url="**/plan/*?version=*"):
        desk.page.locator("[data-step=fork]").click()
    desk.ready()
    forked = desk.page.url.partition("version=")[2]
    desk.paint(FIRST, "u02")
    desk.saved()
    original = Desk(signed_in, served, place, str(place.version_id))
    original.paint(FIRST, "u02")
    original.saved()
    assert grids_of(store, forked) == grids_of(store, place.version_id)
    assert grids_of(store, forked)["u02"] == FIRST


@dataclass
class Person:
    """Somebody who paints units into one grid, over a line that is sound, cut, or loses the answers."""

    name: str
    context: BrowserContext
    desk: Desk
    grid: str
    chance: random.Random
    line: str = "sound"
    unsaved: int = 0
    painted: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.context.route(_EDITS, self._carry)

    def _carry(self, route: Route) -> None:
        if self.line == "sound":
            route.continue_()
            return
        if self.line == "lossy":
            # The service takes it, or refuses it; nobody here hears of it.
            with suppress(PlaywrightError):
                route.fetch()
        with suppress(PlaywrightError):
            route.abort()

    def paint(self, units: list[str]) -> None:
        """Paint one of some units that is elsewhere as far as this page knows."""
        elsewhere = [unit for unit in units if self.desk.ask("gridOf", unit) != self.grid]
        if not elsewhere:
            return
        unit = self.chance.choice(elsewhere)
        self.desk.paint(self.grid, unit, let_go=False)
        assert self.desk.ask("gridOf", unit) == self.grid
        # Over a sound line the page may open itself anew from now on.
        self.desk.page.mouse.up()
        self.painted[unit] += 1
        self.unsaved += 1

    def settle(self) -> None:
        """Answer what is asked until all is saved."""
        self.line = "sound"
        wait_until(self._is_saved, seconds=60, what=f"{self.name} has saved")
        self.unsaved = 0

    def _is_saved(self) -> bool:
        state = unless_leaving(
            self.desk.page,
            "() => document.querySelector('dialog.clash[open]') ? 'asked' : window.weige?.planner?.keeping()",
        )
        if state == "asked":
            told = self.desk.page.locator("dialog.clash tbody tr th")
            rows = told.locator("bdi").all_inner_texts()
            counts = [int(each.split("\n")[1].split("个")[0]) for each in told.all_inner_texts()]
            assert len(rows) == sum(counts), "more clashes than the dialog names"
            keep = self.chance.choice(["mine", "theirs"])
            self.desk.page.locator(f"dialog.clash [data-keep={keep}]").click()
            self.answers[keep] += 1
            if keep == "theirs":
                self.given_up.update(rows)
        return bool(state == "saved")


def acknowledged(store: Store, version: UUID) -> list[tuple[str, str, str]]:
    """Who put which unit into which grid, as the service logged it, in order."""
    with store.owner.connect() as owner:
        rows = owner.execute(
            text("""SELECT u.name, log.body FROM log JOIN users u ON u.id = log.actor
                    WHERE stream = 'edits' AND chain = :version ORDER BY seq"""),
            {"version": str(version)},
        )
        return [
            (row.name, unit, move["to"])
            for row in rows
            for move in row.body.get("moves", [])
            for unit in move["unit_ids"]
        ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_kept_is_lost_however_paints_and_saves_fall(
    seed: int, store: Store, place: Place, signed_in: BrowserContext, other: BrowserContext, served: str
):
    chance = random.Random(seed)
    initially = grids_of(store, place.version_id)
    # A third of the units, so that both often want the same.
    units = sorted(chance.sample(sorted(initially), len(initially) // 3))
    people = [
        Person("planner", signed_in, Desk(signed_in, served, place), FIRST, chance),
        Person("other", other, Desk(other, served, place), THIRD, chance),
    ]
    for _ in range(24):
        one = chance.choice(people)
        if chance.random() < 0.25 or one.unsaved >= 5:
            # Both at once, or one while the other goes on alone.
            for each in people if chance.random() < 0.5 else [one]:
                each.line = "sound"
            one.settle()
        elif one.line == "sound":
            one.settle()
            one.line = chance.choice(["sound", "cut", "cut", "lossy"])
            one.paint(units)
        else:
            one.paint(units)
    for each in people:
        each.line = "sound"
    for each in people:
        each.settle()

    log = acknowledged(store, place.version_id)
    # Each stroke was taken once, unless it was given up in the dialog.
    for each in people:
        taken = Counter(unit for name, unit, to in log if name == each.name and to == each.grid)
        assert taken == each.painted - each.given_up, each.name
    final = dict(initially)
    for _, unit, to in log:
        final[unit] = to
    assert grids_of(store, place.version_id) == final
    assert sum(sum(each.painted.values()) for each in people) >= 8
    for each in people:
        each.desk.open()
        assert {unit: each.desk.ask("gridOf", unit) for unit in final} == final
        assert sum(each.desk.totals().values()) == sum(map(sum, HOUSEHOLDS))
        assert each.desk.ask("keeping") == "saved"


def test_a_page_says_that_somebody_else_saved_and_shows_it(
    desk: Desk, store: Store, place: Place, other: BrowserContext, served: str
):
    theirs = Desk(other, served, place)
    desk.paint(FIRST, "u08")
    desk.saved()
    told = theirs.page.locator(".board .others")
    expect(told).to_contain_text("他人刚刚修改了本草稿", timeout=20_000)
    # Nobody is told of his own.
    assert not desk.page.locator(".board .others").is_visible()
    with theirs.page.expect_navigation():
        told.get_by_role("button").click()
    theirs.ready()
    assert theirs.totals() == desk.totals()


def test_a_tab_out_of_sight_holds_no_stream_and_asks_once_it_is_seen_again(
    desk: Desk, store: Store, place: Place, other: BrowserContext, served: str
):
    theirs = Desk(other, served, place)
    streams = []
    theirs.page.on("requestfinished", lambda request: streams.append(request.url))
    theirs.page.on("requestfailed", lambda request: streams.append(request.url))
    show = """(state) => {
      Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    theirs.page.evaluate(show, "hidden")
    wait_until(
        lambda: theirs.page.evaluate("() => true") and any("/api/v1/events" in url for url in streams),
        what="the stream is closed",
    )
    desk.paint(FIRST, "u08")
    desk.saved()
    told = theirs.page.locator(".board .others")
    theirs.page.wait_for_timeout(2500)
    expect(told).to_be_hidden()
    theirs.page.evaluate(show, "visible")
    expect(told).to_contain_text("他人刚刚修改了本草稿", timeout=20_000)
