"""Taking a version on to its next state in Chromium: what is open is said before, and forbids nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import SECOND, THIRD, Desk
from tests.api.processes import wait_until


def state_of(store: Store, place: Place) -> str:
    with store.owner.connect() as owner:
        return owner.execute(
            text("SELECT state FROM versions WHERE id = :id"), {"id": place.version_id}
        ).scalar_one()


@pytest.mark.slow
def test_what_is_open_is_told_before_submitting_and_publishing_and_forbids_neither(
    store: Store, place: Place, desk: Desk
):
    page = desk.page
    # The second grid has 108 households; the third fits, in two pieces.
    desk.paint(THIRD, "u00")
    desk.saved()
    page.locator("[data-step=submit]").click()
    dialog = page.locator("#submit-dialog")
    dialog.wait_for()
    assert "尚有2项问题（户数超限1个、不连片1个）" in dialog.inner_text()
    told = dialog.locator("button.problem")
    assert told.all_inner_texts() == [f"{SECOND}：108户，偏多", f"{THIRD}分为2片"]

    told.first.click()
    assert not dialog.is_visible()
    assert page.locator(".chosen h2").inner_text().startswith(SECOND)
    assert state_of(store, place) == "draft"

    page.locator("[data-step=submit]").click()
    with page.expect_navigation():
        dialog.get_by_role("button", name="仍然提交").click()
    desk.ready()
    assert state_of(store, place) == "submitted"

    page.locator("[data-step=publish]").click()
    dialog = page.locator("#publish-dialog")
    told = dialog.locator("button.problem")
    wait_until(lambda: told.count() == 2, what="the dialog tells")
    told.first.click()
    assert not dialog.is_visible()
    page.locator(".leaflet-popup").filter(has_text="108").wait_for()
    assert state_of(store, place) == "submitted"

    page.locator("[data-step=publish]").click()
    with page.expect_navigation():
        dialog.get_by_role("button", name="仍然发布").click()
    desk.ready()
    assert state_of(store, place) == "published"
    # As high as in the file for a meeting, whatever else the page calls a bar.
    shares = page.locator(".statuses").bounding_box()
    assert shares is not None
    assert shares["height"] < 16
    assert desk.faults == []


@pytest.mark.slow
def test_a_draft_without_findings_is_submitted_at_once(store: Store, place: Place, desk: Desk):
    page = desk.page
    desk.paint(THIRD, "u03")
    desk.saved()
    with page.expect_navigation():
        page.locator("[data-step=submit]").click()
    desk.ready()
    assert state_of(store, place) == "submitted"

    page.locator("[data-step=publish]").click()
    dialog = page.locator("#publish-dialog")
    dialog.wait_for()
    assert dialog.locator("button.problem").count() == 0
    assert dialog.locator("button[value=go]").inner_text() == "发布"
    assert desk.faults == []
