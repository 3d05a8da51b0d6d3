"""Two browsers on one draft: what clashes is asked about, and nothing that was kept is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Route
from sqlalchemy import text

from api import security
from api.database import Store
from api.dependencies import SESSION_COOKIE
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.place import Place
from tests.api.processes import free_port, wait_until
from tests.api.test_planner import (  # noqa: F401
    FIRST,
    SECOND,
    Desk,
    _settled,
    place,
    serving,
    signed_in,
)
from tests.maps.chromium import browser  # noqa: F401

THIRD = "320924001001003"
_EDITS = "**/edits"


def grids_of(store: Store, version: UUID | str) -> dict[str, str]:
    """Code of the grid that the service holds each unit of a version in."""
    with store.owner.connect() as owner:
        rows = owner.execute(
            text("""SELECT u.unit_id, g.code FROM assignments a
                    JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number
                    JOIN units u ON u.ground_id = a.ground_id AND u.number = a.unit_number
                    WHERE a.version_id = :version"""),
            {"version": version},
        )
        return {row.unit_id: row.code for row in rows}


@pytest.fixture
def other(store: Store, browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    """Somebody else's browser."""
    add_person(store, "other", ("planner", root_id(store)), password=True)
    key = security.sign_in(store, "other", PASSWORD, "127.0.0.1")
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
    yield context
    context.close()


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
    place: Place,  # noqa: F811
    signed_in: BrowserContext,  # noqa: F811
    other: BrowserContext,
    tmp_path: Path,
):
    before = grids_of(store, place.version_id)
    with serving(store, tmp_path, port := free_port()):
        mine, theirs = Desk(signed_in, port, place), Desk(other, port, place)
        clashing(mine, theirs, signed_in)
        rows = mine.page.locator("dialog.clash tbody tr").all_inner_texts()
        assert [row.split("\t") for row in rows] == [["u02", FIRST, THIRD]]

        mine.page.locator(f"dialog.clash [data-keep={keep}]").click()
        wait_until(lambda: _settled(mine), what="the page has saved")
        after = {**before, "u02": ends_in, "u08": FIRST, "u03": THIRD}
        assert grids_of(store, place.version_id) == after
        for desk in (mine, theirs):
            desk.open()
            assert {unit: desk.ask("gridOf", unit) for unit in after} == after


@pytest.mark.slow
def test_my_edits_get_a_draft_of_their_own(
    store: Store,
    place: Place,  # noqa: F811
    signed_in: BrowserContext,  # noqa: F811
    other: BrowserContext,
    tmp_path: Path,
):
    before = grids_of(store, place.version_id)
    with serving(store, tmp_path, port := free_port()):
        mine, theirs = Desk(signed_in, port, place), Desk(other, port, place)

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
        wait_until(lambda: _settled(mine), what="the page has saved")
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
        again = Desk(signed_in, port, place, str(place.version_id))
        assert {unit: again.ask("gridOf", unit) for unit in own} == left_to_them
        again.saved()


@pytest.mark.slow
def test_the_same_edit_is_saved_in_two_drafts(
    store: Store,
    place: Place,  # noqa: F811
    signed_in: BrowserContext,  # noqa: F811
    tmp_path: Path,
):
    with serving(store, tmp_path, port := free_port()):
        desk = Desk(signed_in, port, place)
        with desk.page.expect_navigation(url="**/plan/*?version=*"):
            desk.page.locator("[data-step=fork]").click()
        desk.ready()
        forked = desk.page.url.partition("version=")[2]
        desk.paint(FIRST, "u02")
        desk.saved()
        original = Desk(signed_in, port, place, str(place.version_id))
        original.paint(FIRST, "u02")
        original.saved()
        assert grids_of(store, forked) == grids_of(store, place.version_id)
        assert grids_of(store, forked)["u02"] == FIRST
