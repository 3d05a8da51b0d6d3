"""Jobs: one worker at a time, handed on when it dies, with the rights their creator has now."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import text

import api.worker
from api.database import Store
from api.jobs import (
    KINDS,
    JobContext,
    JobKind,
    JobResult,
    add_job,
    claim,
    finish,
    hand_back,
    jobs_of,
    renew,
)
from api.settings import Settings
from geo.errors import InputError
from tests.api.people import Person, add_division, add_person
from tests.api.processes import process, wait_until

# Workers of the tests notice within seconds that another is gone.
LEASE_S = 2.0
_WORK = """
import sys, threading
from pathlib import Path
from api.settings import Settings
import api.worker
from tests.api.test_jobs import KINDS, slow_kind
KINDS["map"] = slow_kind
folder, url, lease = sys.argv[1:]
api.worker.run(Settings(data_dir=Path(folder), database_url=url), lease_s=float(lease))
"""


class Anything(BaseModel):
    """Parameters of the kinds of the tests."""

    steps: int = 0


def _count(context: JobContext, params: Anything) -> JobResult:
    """Count slowly, and note in the data folder who has begun."""
    folder = context.settings.data_dir / "begun"
    folder.mkdir(exist_ok=True)
    (folder / f"{os.getpid()}").touch()
    for step in range(params.steps):
        context.report("counting", step, params.steps)
        time.sleep(0.05)
    (context.results / "count.txt").write_text(str(params.steps))
    return JobResult({"counted": params.steps}, "count.txt")


slow_kind = JobKind("map", Anything, _count)


@pytest.fixture
def planner(store: Store) -> Person:
    add_division(store, "c1", "community")
    return add_person(store, "planner", planner="c1")


def queue(store: Store, person: Person, params: BaseModel, kind: str = "map") -> UUID:
    with store.owner.connect() as books:
        area = books.execute(text("SELECT id FROM divisions WHERE code = 'c1'")).scalar_one()
    with store.acting(person.user_id, person.grants) as session:
        return add_job(session, kind, area, params, person.user_id)


def job(store: Store, job_id: UUID) -> Any:
    with store.owner.connect() as books:
        return jobs_of(books, "id = :id", id=job_id)[0]


@contextmanager
def worker_thread(store: Store, folder: Path, lease_s: float = LEASE_S) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(
        target=api.worker.work, args=(store, Settings(data_dir=folder)),
        kwargs={"stop": stop, "lease_s": lease_s},
    )  # fmt: skip
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_a_job_is_taken_by_one_worker_and_closed_by_no_other(store: Store, planner: Person) -> None:
    first, second = queue(store, planner, Anything()), queue(store, planner, Anything())

    taken = claim(store, "one", 60)
    other = claim(store, "two", 60)

    assert taken is not None
    assert other is not None
    assert [taken["id"], other["id"]] == [first, second]
    assert claim(store, "three", 60) is None
    assert not finish(store, first, "two", "done")
    assert renew(store, first, "two", 60, None) is None
    assert finish(store, first, "one", "done", result=JobResult({"n": 1}))
    assert job(store, first)["result"] == {"n": 1}


def test_a_job_whose_lease_ran_out_goes_on_to_another_three_times_at_most(
    store: Store, planner: Person
) -> None:
    job_id = queue(store, planner, Anything())
    for attempt, worker in enumerate(("one", "two", "three"), start=1):
        taken = claim(store, worker, 0)
        assert taken is not None
        assert taken["attempts"] == attempt

    assert claim(store, "four", 60) is None
    assert job(store, job_id)["state"] == "failed"
    assert job(store, job_id)["problem"]["code"] == "worker_lost"
    assert not finish(store, job_id, "three", "done")


def test_a_job_handed_back_by_a_worker_that_stops_loses_no_attempt(store: Store, planner: Person) -> None:
    job_id = queue(store, planner, Anything())
    for worker in ("one", "two", "three", "four", "five"):
        assert claim(store, worker, 60) is not None
        assert hand_back(store, job_id, worker, counts=False)

    assert (job(store, job_id)["state"], job(store, job_id)["attempts"]) == ("queued", 0)


def test_only_those_whose_roles_allow_it_queue_a_job_even_in_the_database(
    store: Store, planner: Person
) -> None:
    viewer = add_person(store, "viewer", viewer="c1")
    elsewhere = add_division(store, "c2", "community")
    stranger = add_person(store, "stranger", planner="c2")

    assert elsewhere
    with pytest.raises(Exception, match="row-level security"):
        queue(store, viewer, Anything(), "plan")
    with pytest.raises(Exception, match="row-level security"):
        queue(store, stranger, Anything(), "plan")
    job_id = queue(store, planner, Anything(), "plan")
    for person in (viewer, stranger):
        with store.acting(person.user_id, person.grants) as session:
            assert jobs_of(session, "id = :id", id=job_id) == []


def test_progress_is_told_at_most_twice_a_second(
    store: Store, planner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "map", slow_kind)
    job_id = queue(store, planner, Anything(steps=40))
    with worker_thread(store, tmp_path):
        wait_until(lambda: job(store, job_id)["state"] == "done")

    with store.owner.connect() as books:
        told = books.execute(text("SELECT body, user_id, roles FROM events ORDER BY id")).all()
    states = [row.body["state"] for row in told]
    progress = [row.body["done"] for row in told if row.body["stage"] == "counting"]
    ended = job(store, job_id)
    assert states[:2] == ["queued", "running"]
    assert states[-1] == "done"
    assert progress == sorted(progress)
    assert 2 <= len(progress) <= 2 + 2 * (ended["finished_at"] - ended["started_at"]).total_seconds()
    assert {(row.user_id, *row.roles) for row in told} == {(planner.user_id, "admin")}
    assert ended["result"] == {"counted": 40}
    assert (tmp_path / "results" / str(job_id) / "count.txt").read_text() == "40"
    assert not list((tmp_path / "work").iterdir())


def test_a_running_job_is_cancelled(
    store: Store, planner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "map", slow_kind)
    job_id, waiting = queue(store, planner, Anything(steps=10_000)), queue(store, planner, Anything(steps=1))
    with worker_thread(store, tmp_path):
        wait_until(lambda: job(store, job_id)["done"] > 0)
        for each in (job_id, waiting):
            with store.acting(planner.user_id, planner.grants) as session:
                session.execute(text("UPDATE jobs SET cancel_requested = true WHERE id = :id"), {"id": each})
        wait_until(lambda: job(store, job_id)["state"] == "cancelled", seconds=10)
        wait_until(lambda: job(store, waiting)["state"] == "cancelled", seconds=10)

    assert job(store, waiting)["attempts"] == 0


def test_a_worker_told_to_stop_hands_its_job_back(
    store: Store, planner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "map", slow_kind)
    job_id = queue(store, planner, Anything(steps=10_000))
    with worker_thread(store, tmp_path) as stop:
        wait_until(lambda: job(store, job_id)["done"] > 0)
        stop.set()

    assert (job(store, job_id)["state"], job(store, job_id)["attempts"]) == ("queued", 0)


def test_a_job_runs_with_the_rights_its_creator_has_now(
    store: Store, planner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "map", slow_kind)
    job_id = queue(store, planner, Anything(steps=1))
    with store.owner.begin() as connection:
        connection.execute(text("DELETE FROM grants WHERE user_id = :user"), {"user": planner.user_id})
    with worker_thread(store, tmp_path):
        wait_until(lambda: job(store, job_id)["state"] == "failed")

    assert job(store, job_id)["problem"]["code"] == "not_allowed_any_more"
    assert not (tmp_path / "begun").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("layer_empty", "it has no features", file="units.gpkg"), "layer_empty"),
        (MemoryError(), "memory_exhausted"),
        (ZeroDivisionError("secret"), "internal"),
    ],
)
def test_a_fault_of_a_job_is_told_in_one_line(
    error: Exception,
    code: str,
    store: Store,
    planner: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(context: JobContext, params: Anything) -> JobResult:
        raise error

    monkeypatch.setitem(KINDS, "map", JobKind("map", Anything, fail))
    job_id = queue(store, planner, Anything())
    with worker_thread(store, tmp_path):
        wait_until(lambda: job(store, job_id)["state"] == "failed")

    problem = job(store, job_id)["problem"]
    assert problem["code"] == code
    assert "\n" not in problem["detail"]
    assert "secret" not in problem["detail"]


@pytest.mark.slow
def test_a_job_killed_with_its_worker_is_finished_by_the_other(
    store: Store, planner: Person, tmp_path: Path
) -> None:
    arguments = (str(tmp_path), store.url, str(LEASE_S))
    with process(_WORK, *arguments) as one, process(_WORK, *arguments) as two:
        job_id = queue(store, planner, Anything(steps=60))
        begun = wait_until(lambda: list((tmp_path / "begun").glob("*")), seconds=120)
        first = one if one.pid == int(begun[0].name) else two
        second = two if first is one else one
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: job(store, job_id)["state"] == "done", seconds=60)
        second.send_signal(signal.SIGTERM)

        assert second.wait(20) == 0
        assert job(store, job_id)["attempts"] == 2
        assert {path.name for path in (tmp_path / "begun").glob("*")} == {str(one.pid), str(two.pid)}
        assert (tmp_path / "results" / str(job_id) / "count.txt").read_text() == "60"
        assert not list((tmp_path / "work").iterdir())
