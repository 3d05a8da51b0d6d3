"""What is not saved is not lost: of a draft that is gone, in two tabs, at a computer of two people."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from api.database import Store
from api.dependencies import SESSION_COOKIE
from api.security import sign_in
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.place import Place
from tests.api.planner_page import FIRST, SECOND, Desk, grids_of
from tests.api.test_clashes import cut_off

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]


def unsaved(desk: Desk, context: BrowserContext, unit: str = "u02") -> None:
    """Paint a unit, which does not reach the service, and see that the page says so."""
    desk.paint(FIRST, unit)
    said = desk.page.locator(".board .keeping.away")
    expect(said).to_contain_text("暂时连不上服务")
    box = said.bounding_box()
    assert box is not None
    assert box["height"] > 10
    expect(said.get_by_role("button")).to_be_visible()


def by_somebody(store: Store, place: Place, statement: str) -> None:
    with store.owner.begin() as owner:
        owner.execute(text(statement), {"v": place.version_id})


def rescued(page: Page, store: Store, place: Place) -> dict[str, str]:
    """Put what was left over into a new draft and return the grids of its units once it is saved."""
    banner = page.locator(".left-over")
    expect(banner).to_contain_text("1 步修改尚未保存")
    banner.get_by_role("button", name="另建草稿").click()
    page.wait_for_url(lambda url: "version=" in url and str(place.version_id) not in url)
    page.evaluate("() => window.weige.ready")
    expect(page.locator(".board .keeping")).to_have_text("修改已全部保存")
    return grids_of(store, page.url.split("version=")[1])


def test_a_draft_that_was_submitted_meanwhile_gives_the_edits_to_another(
    desk: Desk, store: Store, place: Place, signed_in: BrowserContext
):
    with cut_off(signed_in):
        unsaved(desk, signed_in)
        by_somebody(store, place, "UPDATE versions SET state = 'submitted' WHERE id = :v")
        desk.page.reload()
        desk.page.evaluate("() => window.weige.ready")
    assert grids_of(store, place.version_id)["u02"] == SECOND
    assert rescued(desk.page, store, place)["u02"] == FIRST
    # What was taken over is no longer left.
    desk.page.goto(desk.page.url.split("?")[0] + f"?version={place.version_id}")
    desk.page.evaluate("() => window.weige.ready")
    expect(desk.page.locator(".left-over")).to_have_count(0)


def test_a_draft_that_was_deleted_meanwhile_gives_the_edits_to_another(
    desk: Desk, store: Store, place: Place, signed_in: BrowserContext
):
    page = desk.page
    page.locator('[data-step="fork"]').click()
    page.wait_for_url("**?version=*")
    desk.ready()
    gone = page.url.split("version=")[1]
    with cut_off(signed_in):
        unsaved(desk, signed_in)
        with store.owner.begin() as owner:
            owner.execute(text("DELETE FROM versions WHERE id = :v"), {"v": gone})
    page.locator(".keeping").get_by_role("button", name="重试").click()
    page.locator(".keeping").get_by_role("button", name="放入新草稿").click()
    page.wait_for_url(lambda url: "version=" not in url)
    desk.ready()
    assert grids_of(store, place.version_id)["u02"] == SECOND
    # Edits of other drafts that nobody can read stand in nobody's way; a browser tells keys in no order.
    page.evaluate(
        """([gone, ...others]) => {
          const key = Object.keys(localStorage).find((each) => each.includes(gone));
          for (const other of others) localStorage.setItem(key.replace(gone, other), "{");
        }""",
        [gone, *(f"{n:08x}-0000-4000-8000-000000000000" for n in range(20))],
    )
    page.reload()
    desk.ready()
    assert rescued(page, store, place)["u02"] == FIRST


def test_two_tabs_of_one_browser_do_not_take_each_others_edits(
    desk: Desk, store: Store, place: Place, signed_in: BrowserContext, served: str
):
    other = Desk(signed_in, served, place)
    expect(other.page.locator(".board")).to_contain_text("另一标签页")
    with cut_off(signed_in):
        unsaved(desk, signed_in, "u02")
        unsaved(other, signed_in, "u08")
        desk.page.close()
        other.page.close()
    # Each tab's edits come when the draft is opened again, one after the other.
    for _ in range(2):
        again = Desk(signed_in, served, place)
        again.saved()
        again.page.close()
    grids = grids_of(store, place.version_id)
    assert (grids["u02"], grids["u08"]) == (FIRST, FIRST)


def test_another_account_at_the_same_computer_does_not_save_what_one_left(
    desk: Desk, store: Store, place: Place, signed_in: BrowserContext, served: str
):
    with cut_off(signed_in):
        unsaved(desk, signed_in)
        desk.page.close()
    own = signed_in.cookies()
    add_person(store, "second", ("planner", root_id(store)), password=True)
    key = sign_in(store, "second", PASSWORD, "127.0.0.1")
    signed_in.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
    second = Desk(signed_in, served, place)
    second.saved()
    assert grids_of(store, place.version_id)["u02"] == SECOND
    second.page.close()
    signed_in.add_cookies(own)  # type: ignore[arg-type]
    Desk(signed_in, served, place).saved()
    assert grids_of(store, place.version_id)["u02"] == FIRST


def test_a_proposal_is_not_taken_once_something_was_undone_and_something_else_done(desk: Desk):
    desk.paint(FIRST, "u02")
    desk.saved()
    desk.choose(FIRST)
    desk.page.locator(".chosen .parts").select_option("2")
    desk.proposed()
    desk.page.keyboard.press("Control+z")
    desk.paint(FIRST, "u08")
    desk.saved()
    before = desk.ask("state")
    desk.page.locator(".proposal .take").click()
    expect(desk.page.locator(".board")).to_contain_text("请重新计算")
    assert desk.ask("state") == before
