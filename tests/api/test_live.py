"""Live events: who sees what, and nothing is lost by whoever breaks down."""

from __future__ import annotations

import itertools
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import api.live
from api.cluster import Cluster
from api.database import Store
from api.live import READING_ROLES, Event, Live, Viewer, tell
from tests.api.people import add_division, add_person, revoke
from tests.api.processes import Listener, api_worker, wait_until


@pytest.fixture
def town(store: Store) -> dict[str, int]:
    """Two streets; the first has two communities."""
    divisions = {"s1": add_division(store, "s1", "street"), "s2": add_division(store, "s2", "street")}
    for code, parent in (("c1", "s1"), ("c2", "s1"), ("c3", "s2")):
        divisions[code] = add_division(store, code, "community", parent)
    return divisions


def say(store: Store, division_id: int, body: dict[str, Any], **who: Any) -> None:
    with store.acting(None, {}) as session:
        tell(session, "said", body, division_id=division_id, **who)


def number_all(store: Store) -> None:
    with store.owner.begin() as connection:
        connection.execute(text("SELECT number_events(1000)"))


def test_python_and_row_level_security_agree_on_who_sees_an_event(store: Store, town: dict[str, int]) -> None:
    people = [
        add_person(store, "nobody"),
        add_person(store, "reporter", reporter="s1"),
        *(
            add_person(store, f"{role}-{code}", **{role: code})
            for role in ("viewer", "planner", "admin", "handler")
            for code in ("all", "s1", "c1", "c3")
        ),
        add_person(store, "two_roles", viewer="c1", admin="s2"),
    ]
    for code, roles, person in itertools.product(
        ("s1", "c1", "c2", "c3"),
        (None, [], ["admin"], ["planner", "reporter"]),
        (None, people[2], people[-1]),
    ):
        say(store, town[code], {}, roles=roles, user_id=person and person.user_id)
    number_all(store)
    with store.owner.begin() as connection:
        events = connection.execute(text("SELECT number, area::text, roles, user_id FROM events")).all()

    assert len(events) == 48
    for person in people:
        viewer = Viewer.of(person.user_id, person.grants)
        by_python = {
            event.number
            for event in events
            if viewer.may_see(
                event.area, None if event.roles is None else frozenset(event.roles), event.user_id
            )
        }
        with store.acting(person.user_id, person.grants) as session:
            by_database = set(session.execute(text("SELECT number FROM events")).scalars())
        assert by_python == by_database


def test_reading_roles_are_those_of_the_store(store: Store) -> None:
    for role in (*READING_ROLES, "reporter"):
        with store.acting(1, {role: ["1"]}) as session:
            reads = session.execute(text("SELECT reading_areas()::text[]")).scalar_one() == ["1"]
        assert reads == (role in READING_ROLES)


def test_a_path_that_only_begins_with_the_same_digits_is_another_area() -> None:
    viewer = Viewer.of(1, {"viewer": ["1.2"]})

    assert viewer.may_see("1.2", None, None)
    assert viewer.may_see("1.2.3", None, None)
    assert not viewer.may_see("1.23", None, None)
    assert not viewer.may_see("1", None, None)


def test_numbers_follow_commits_and_not_insertions(store: Store, town: dict[str, int]) -> None:
    with store.acting(None, {}) as slow:
        tell(slow, "said", {"first": True}, division_id=town["c1"])
        say(store, town["c1"], {"second": True})
        number_all(store)
    number_all(store)

    with store.owner.begin() as connection:
        bodies = connection.execute(text("SELECT body FROM events ORDER BY number")).scalars().all()
    assert bodies == [{"second": True}, {"first": True}]


def test_only_one_sequencer_numbers_at_a_time(store: Store, town: dict[str, int]) -> None:
    say(store, town["c1"], {})
    with store.owner.begin() as one, store.owner.begin() as other:
        assert one.execute(text("SELECT number_events(10)")).scalar_one() == 1
        assert other.execute(text("SELECT number_events(10)")).scalar_one() is None


def test_what_is_rolled_back_is_never_told(store: Store, town: dict[str, int]) -> None:
    with pytest.raises(RuntimeError), store.acting(None, {}) as session:
        tell(session, "said", {}, division_id=town["c1"])
        raise RuntimeError
    number_all(store)

    with store.owner.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 0


def test_a_kind_that_would_break_the_stream_is_refused(store: Store, town: dict[str, int]) -> None:
    with pytest.raises(DBAPIError, match="events_kind_check"), store.acting(None, {}) as session:
        tell(session, "said\ndata: x", {}, division_id=town["c1"])


@pytest.mark.slow
def test_polling_pages_through_what_one_may_see(store: Store, town: dict[str, int], tmp_path: Path) -> None:
    viewer = add_person(store, "viewer", viewer="c1")
    for at in range(5):
        say(store, town["c1"], {"at": at})
        say(store, town["c3"], {"elsewhere": at})
    number_all(store)
    with api_worker(store.url, tmp_path) as (address, _), httpx2.Client(base_url=address) as client:

        def since(after: int) -> Any:
            asked = {"after": after, "limit": 3}
            return client.get("/api/v1/events/since", params=asked, headers=viewer.headers).json()

        first = since(0)
        second = since(first["last"])

        assert client.get("/api/v1/events/since").status_code == 401
        assert client.get("/api/v1/events").status_code == 401
    assert [event["body"]["at"] for event in first["events"] + second["events"]] == [0, 1, 2, 3, 4]
    assert (first["more"], second["more"]) == (True, False)


def test_a_subscriber_too_far_behind_is_sent_away(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(api.live, "QUEUE_LIMIT", 3)
    live = Live(store, None)  # type: ignore[arg-type]
    subscriber = live.subscribe(None, Viewer.of(1, {"viewer": ["1"]}), 0)  # type: ignore[arg-type]
    other = live.subscribe(None, Viewer.of(2, {"viewer": ["2"]}), 0)  # type: ignore[arg-type]

    for number in range(1, 5):
        live.hand_out(Event(number, "1.5", None, None, b"x"))

    assert subscriber.ended == "behind"
    assert other.ended is None
    assert not other.queue


@pytest.mark.slow
def test_two_workers_tell_the_same_and_a_cut_client_resumes_at_the_other(
    store: Store, town: dict[str, int], tmp_path: Path
) -> None:
    viewer = add_person(store, "viewer", viewer="s1")
    other = add_person(store, "other", viewer="s2")
    with (
        api_worker(store.url, tmp_path) as (one, _),
        api_worker(store.url, tmp_path) as (two, second),
        Listener(viewer.headers, one) as at_one,
        Listener(viewer.headers, two) as at_two,
        Listener(viewer.headers, one, two) as cut,
        Listener(other.headers, two) as elsewhere,
    ):
        for at in range(200):
            say(store, town["c1" if at % 2 else "c2"], {"at": at})
            if at in (50, 120):
                cut.cut()
            if at == 150:
                second.kill()
            time.sleep(0.005)
        told = [{"at": at} for at in range(200)]
        wait_until(lambda: len(at_one.events) >= 200 and len(cut.events) >= 200)
        numbers = [event["number"] for event in at_one.events]

        assert at_one.bodies() == told
        assert cut.bodies() == told
        assert at_two.bodies() == told[: len(at_two.events)]
        assert len(at_two.events) > 100
        assert numbers == sorted(set(numbers))
        assert elsewhere.events == []


@pytest.mark.slow
def test_a_database_that_restarts_while_it_is_streamed_loses_nothing() -> None:
    with tempfile.TemporaryDirectory(prefix="weige-") as name:
        # As root the cluster belongs to another user, who must be able to enter.
        Path(name).chmod(0o755)
        _restart_while_streaming(Path(name))


def _restart_while_streaming(folder: Path) -> None:
    with Cluster(folder).held() as cluster:
        store = Store(cluster.url)
        store.migrate()
        c1 = add_division(store, "c1", "community")
        viewer = add_person(store, "viewer", viewer="c1")
        with api_worker(store.url, folder) as (address, _), Listener(viewer.headers, address) as listener:
            told = []
            for at in range(60):
                if at in (20, 40):
                    cluster.stop()
                    wait_until(cluster.is_running, seconds=60)
                if _said(store, c1, {"at": at}):
                    told.append({"at": at})
                time.sleep(0.01)
            wait_until(lambda: len(listener.events) >= len(told))

            assert len(told) >= 50
            assert listener.bodies() == told
            assert listener.statuses == [200]
        store.close()


def _said(store: Store, division_id: int, body: dict[str, Any]) -> bool:
    try:
        say(store, division_id, body)
    except DBAPIError:
        return False
    return True


@pytest.mark.slow
def test_a_stopping_worker_tells_when_to_come_back(
    store: Store, town: dict[str, int], tmp_path: Path
) -> None:
    viewer = add_person(store, "viewer", viewer="c1")
    with api_worker(store.url, tmp_path) as (address, worker), Listener(viewer.headers, address) as listener:
        started = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(10)

        assert time.monotonic() - started < 5
        assert len(listener.retries) == 2
        assert listener.retries[1] >= 1000


@pytest.mark.slow
def test_a_stream_ends_with_the_rights_it_was_opened_with(
    store: Store, town: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.live.RIGHTS_EVERY_S < 60
    gone, moved, stays = (add_person(store, name, viewer="c1") for name in ("gone", "moved", "stays"))
    with (
        api_worker(store.url, tmp_path) as (address, _),
        Listener(gone.headers, address) as of_gone,
        Listener(moved.headers, address) as of_moved,
        Listener(stays.headers, address) as of_stays,
    ):
        revoke(store, gone)
        with store.owner.begin() as connection:
            connection.execute(
                text("UPDATE grants SET division_id = :c3 WHERE user_id = :user"),
                {"c3": town["c3"], "user": moved.user_id},
            )
        wait_until(lambda: 401 in of_gone.statuses and len(of_moved.statuses) == 2, seconds=60)
        wait_until(of_moved.connected.is_set)
        say(store, town["c1"], {"where": "c1"})
        say(store, town["c3"], {"where": "c3"})
        wait_until(lambda: of_stays.events and of_moved.events)

        assert of_stays.bodies() == [{"where": "c1"}]
        assert of_moved.bodies() == [{"where": "c3"}]
        assert of_stays.statuses == [200]
        assert of_gone.events == []
