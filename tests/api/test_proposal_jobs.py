"""Balancing all grids as a job: how far it is, and what is left of it when it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.database import Store
from api.errors import ConflictError
from api.job_kinds import ProposalParams, proposal_job
from api.jobs import JobContext, JobStopped, add_job, jobs_of
from api.settings import Settings
from tests.api.accounts import add_person
from tests.api.place import Place, draw_community
from tests.api.planner_page import Desk
from tests.api.processes import wait_until
from tests.api.test_jobs import worker_thread

CODE = "320924001001"
# Faults far from each other, with grids in band between them: each is mended on its own.
FAULTY = [[30, 30, 20, 10, 30, 30, 35, 35, 30, 30, 20, 10, 30, 30, 35, 35]] * 2


class Watch:
    """Hears of the work and stops it after some searches."""

    def __init__(self, searches: int | None, *, is_cancelled: bool = True) -> None:
        self.left, self.asked_for = searches, is_cancelled
        self.told: list[tuple[int, int]] = []

    def report(self, stage: str, done: int, total: int) -> None:
        self.note(stage, done, total)

    def note(self, stage: str, done: int, total: int) -> None:
        self.told.append((done, total))

    def should_stop(self) -> bool:
        if self.left is None:
            return False
        self.left -= 1
        return self.left < 0

    def is_cancelled(self) -> bool:
        return self.left is not None and self.left < 0 and self.asked_for


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, FAULTY)


@pytest.fixture
def worked(store: Store, place: Place, tmp_path: Path):
    user, _ = add_person(store, "planner", ("planner", place.community_id))

    def work(watch: Watch, **params: Any) -> dict[str, Any]:
        asked = ProposalParams.model_validate({"version": place.version_id, "revision": 1, **params})
        with store.owner.connect() as owner:
            grants = owner.execute(text("SELECT grants_of(:u)"), {"u": user}).scalar_one()
        with store.acting(user, grants) as session:
            row = jobs_of(
                session, "id = :id", id=add_job(session, "proposal", place.community_id, asked, user)
            )[0]
        return dict(
            proposal_job(JobContext(store, Settings(data_dir=tmp_path), row, watch, tmp_path), asked).values
        )

    return work


def test_what_was_found_when_it_is_stopped_is_proposed(worked):
    watch = Watch(None)
    whole = worked(watch)
    assert whole["stopped"] is False
    assert whole["left"] == {}
    assert watch.told[-1][0] == watch.told[-1][1] > 0
    assert [done for done, _ in watch.told] == sorted(done for done, _ in watch.told)

    part = worked(Watch(1))

    assert part["stopped"] is True
    assert 0 < part["moved_households"] < whole["moved_households"]
    assert "stopped" in part["left"].values()
    mended = {change["code"] for change in part["changes"]}
    assert mended < {change["code"] for change in whole["changes"]}


def test_a_worker_that_ends_hands_the_work_back_and_an_old_draft_is_refused(worked):
    with pytest.raises(JobStopped):
        worked(Watch(1, is_cancelled=False))
    with pytest.raises(ConflictError):
        worked(Watch(None), revision=7)


@pytest.fixture
def stopped_page(desk: Desk) -> Desk:
    desk.page.locator(".engine .balance").click()
    desk.page.locator(".running .stop").wait_for()
    return desk


@pytest.mark.slow
def test_the_page_shows_that_it_works_can_stop_it_and_shows_what_comes(
    store: Store, stopped_page: Desk, tmp_path: Path
):
    page = stopped_page.page
    # No worker is there yet: it waits, and can be stopped.
    assert page.locator(".running progress").count() == 1
    with page.expect_response("**/cancel"):
        page.locator(".running .stop").click()
    with worker_thread(store, tmp_path):
        wait_until(lambda: "没有完成" in page.locator(".board").inner_text(), what="the page says so")
        assert page.locator(".running").inner_text() == ""
        page.locator(".engine .balance").click()
        shown = stopped_page.proposed()
    assert all(50 <= after <= 100 for _, after in shown.values() if after)
    stopped_page.take_proposal()
    assert stopped_page.faults == []
