"""Asking the engine on the planner page, in Chromium: long work stays in sight whatever else is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import FIRST, SECOND, Desk
from tests.api.processes import wait_until
from tests.api.test_jobs import worker_thread


@pytest.mark.slow
def test_balancing_stays_in_sight_while_another_proposal_is_asked_for(
    store: Store, place: Place, desk: Desk, tmp_path: Path
):
    page, before = desk.page, desk.totals()
    # Nobody works yet: the job waits.
    page.locator(".engine .balance").click()
    running = page.locator(".running")
    running.locator("progress").wait_for()
    assert page.locator(".engine .balance").is_disabled()

    desk.choose(SECOND)
    page.locator(".chosen .mend").click()
    mended = desk.proposed()
    assert running.locator("progress").is_visible()
    assert running.locator(".stop").is_visible()

    with worker_thread(store, tmp_path):
        show = running.locator(".show-balanced")
        show.wait_for(timeout=60_000)
    # What is looked at stays until the planner wants to see the other.
    assert desk.proposed() == mended
    assert not running.locator("progress").count()
    assert page.locator(".engine .balance").is_enabled()
    show.click()
    assert sum(households for households, _ in desk.proposed().values()) > 0
    assert not running.inner_text()
    desk.take_proposal()
    after = desk.totals()
    assert sum(after.values()) == sum(before.values())
    assert all(50 <= households <= 100 for households in after.values())
    assert desk.faults == []


@pytest.mark.slow
def test_renumbering_says_which_numbers_stay_free_and_why(desk: Desk):
    page = desk.page
    desk.choose(FIRST)
    page.locator(".board .chosen .merge").select_option(index=1)
    desk.saved()
    page.locator(".engine .renumber").click()
    dialog = page.locator("dialog.renumbering")
    assert f"有1个空号（{FIRST}）" in dialog.locator(".gaps").inner_text()
    assert "已撤销网格的编码不再使用" in dialog.inner_text()
    dialog.get_by_role("button", name="关闭").click()
    wait_until(lambda: not dialog.count(), what="the dialog is gone")
    assert desk.faults == []
