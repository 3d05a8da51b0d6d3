"""Publishing: one step for all, seen whole or not at all, whatever dies meanwhile."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.cluster import Cluster
from api.database import Store
from api.errors import ConflictError, NotAllowedError, NotFoundError
from api.loading import load_plan_as_owner
from api.publishing import publish, submit, withdraw
from tests.api.plans import TOWN, contents, one, rows, silent, town_layers, write_town_plan

AUTUMN, WINTER = date(2026, 9, 1), date(2026, 11, 1)


@pytest.fixture(scope="module")
def plans(tmp_path_factory) -> tuple[Path, Path]:
    """Two plans of the sample town."""
    folder = tmp_path_factory.mktemp("plans")
    layers = town_layers(folder / "layers")
    return (
        write_town_plan(layers, folder / "town.gpkg"),
        write_town_plan(layers, folder / "larger.gpkg", upper=120),
    )


def load(store: Store, path: Path, **options):
    return load_plan_as_owner(store, path, report=silent, **options)


def ids(loaded) -> list:
    return [version.version_id for version in loaded.versions]


def states(store: Store) -> list[tuple]:
    return rows(
        store, "SELECT d.code, v.state, v.valid_from, v.valid_to FROM versions v"
        " JOIN divisions d ON d.id = v.community_id ORDER BY v.valid_from NULLS LAST, d.code",
    )  # fmt: skip


def test_the_next_version_ends_the_one_before(store, plans):
    load(store, plans[0], valid_from=AUTUMN)
    load(store, plans[1], valid_from=WINTER)

    assert states(store) == [
        *((code, "superseded", AUTUMN, WINTER) for code in TOWN),
        *((code, "published", WINTER, None) for code in TOWN),
    ]
    assert one(store, "SELECT count(*) FROM published.micro_grids WHERE valid_from = '2026-11-01'") > 0
    assert one(store, "SELECT count(*) FROM published.micro_grids WHERE valid_from <> '2026-11-01'") == 0


def test_publishing_is_told_to_those_who_watch_and_written_down(store, plans):
    loaded = load(store, plans[0], valid_from=AUTUMN)

    told = rows(
        store, "SELECT body->>'version', body->>'valid_from' FROM events WHERE kind = 'version.published'"
    )
    assert sorted(told) == sorted((str(version), "2026-09-01") for version in ids(loaded))
    written = rows(
        store, "SELECT body->>'version' FROM log WHERE stream = 'audit' AND action = 'version.published'"
    )
    assert sorted(written) == sorted((str(version),) for version in ids(loaded))


def test_a_published_file_loaded_again_changes_nothing(store, plans):
    load(store, plans[0], valid_from=AUTUMN)
    before = contents(store)
    load(store, plans[0], valid_from=AUTUMN)
    assert contents(store) == before


def test_no_two_versions_from_the_same_day_or_an_earlier_one(store, plans):
    load(store, plans[0], valid_from=WINTER)
    before = contents(store)
    for day in (WINTER, AUTUMN):
        with pytest.raises(ConflictError, match="choose a later day"):
            load(store, plans[1], valid_from=day)
    assert contents(store) == before


def test_units_in_no_grid_stop_publication_until_their_finding_is_accepted(store, plans):
    loaded = load(store, plans[0])
    version = ids(loaded)[0]
    with store.owner.begin() as owner:
        owner.execute(
            text("DELETE FROM assignments WHERE version_id = :id AND unit_number = 3"), {"id": version}
        )
        unit_id = owner.execute(
            text(
                "SELECT unit_id FROM units u JOIN versions v ON v.ground_id = u.ground_id"
                " WHERE v.id = :id AND u.number = 3"
            ),
            {"id": version},
        ).scalar_one()
    with Session(store.owner) as session, session.begin():
        submit(session, ids(loaded))
    with (
        pytest.raises(ConflictError, match=unit_id) as refused,
        Session(store.owner) as session,
        session.begin(),
    ):
        publish(session, ids(loaded), AUTUMN)
    assert refused.value.code == "units_unassigned"
    assert {state for _, state, _, _ in states(store)} == {"submitted"}

    with store.owner.begin() as owner:
        user = owner.execute(text("INSERT INTO users (name) VALUES ('p') RETURNING id")).scalar_one()
        owner.execute(
            text(
                "INSERT INTO findings (version_id, community_id, code, severity, unit_ids, accepted_by,"
                " accepted_at)"
                " SELECT id, community_id, 'unit_unassigned', 'error', ARRAY[:unit], :user, now()"
                " FROM versions WHERE id = :id"
            ),
            {"id": version, "unit": unit_id, "user": user},
        )
    with Session(store.owner) as session, session.begin():
        publish(session, ids(loaded), AUTUMN)
    assert {state for _, state, _, _ in states(store)} == {"published"}


def test_steps_go_forward_only(store, plans):
    loaded = load(store, plans[0])
    with (
        Session(store.owner) as session,
        session.begin(),
        pytest.raises(ConflictError, match="draft, not submitted"),
    ):
        publish(session, ids(loaded), AUTUMN)
    with Session(store.owner) as session, session.begin():
        submit(session, ids(loaded))
        withdraw(session, ids(loaded)[:1])
        submit(session, ids(loaded)[:1])
        publish(session, ids(loaded), AUTUMN)
    with (
        Session(store.owner) as session,
        session.begin(),
        pytest.raises(ConflictError, match="published, not submitted"),
    ):
        withdraw(session, ids(loaded))


def test_a_planner_submits_and_an_administrator_publishes(store, plans):
    loaded = load(store, plans[0])
    with store.owner.begin() as owner:
        add = text("INSERT INTO users (name) VALUES (:name) RETURNING id")
        planner, admin = (owner.execute(add, {"name": name}).scalar_one() for name in ("p", "a"))
    path = {code: one(store, f"SELECT path::text FROM divisions WHERE code = '{code}'") for code in TOWN}
    own, other = ids(loaded)[0], ids(loaded)[1]

    with store.acting(planner, {"planner": [path[TOWN[0]]]}) as session:
        submit(session, [own])
        with pytest.raises(NotFoundError):
            submit(session, [other])
    with pytest.raises(NotAllowedError), store.acting(planner, {"planner": [path[TOWN[0]]]}) as session:
        publish(session, [own], AUTUMN)
    with store.acting(admin, {"admin": [path[TOWN[0]]]}) as session:
        publish(session, [own], AUTUMN)

    assert rows(store, "SELECT state, published_by FROM versions WHERE id = :id", id=own) == [
        ("published", admin)
    ]
    assert one(store, "SELECT state FROM versions WHERE id = :id", id=other) == "draft"


def test_a_reader_sees_the_old_plan_or_the_new_one(store, plans):
    """Readers look all the while ten versions are put in force, one after the other."""
    load(store, plans[0], valid_from=date(2026, 1, 1))
    seen: set[str] = set()
    broken: list[object] = []
    ended = threading.Event()

    def read() -> None:
        with psycopg.connect(store.conninfo(role="weige_public"), autocommit=True) as connection:
            while not ended.is_set():
                days = connection.execute(
                    "SELECT community_id, min(valid_from)::text, max(valid_from)::text"
                    " FROM published.micro_grids GROUP BY community_id ORDER BY community_id"
                ).fetchall()
                whole = [code for code, _, _ in days] == list(TOWN)
                if not whole or len({day for _, first, last in days for day in (first, last)}) != 1:
                    broken.append(days)
                seen.update(first for _, first, _ in days)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for month in range(2, 12):
            load(store, plans[month % 2], name=f"month {month}", valid_from=date(2026, month, 1))
    finally:
        ended.set()
        for reader in readers:
            reader.join()

    assert broken == []
    assert len(seen) > 2


@pytest.mark.slow
def test_killing_the_database_leaves_the_old_state_whole(plans):
    """`kill -9` of every process of PostgreSQL at each stage of a load that publishes, and once after it."""
    with tempfile.TemporaryDirectory(prefix="weige-") as folder:
        Path(folder).chmod(0o755)
        with Cluster(Path(folder)).held() as cluster:
            store = Store(cluster.url)
            store.migrate()
            load(store, plans[0], valid_from=AUTUMN)
            before = contents(store)
            for stage in ("divisions", "units", "around", "grids", "publishing"):

                def kill(at: str, done: int, total: int, stage: str = stage) -> None:
                    if (at, done) == (stage, 1):
                        _kill_all(cluster)

                with pytest.raises(Exception, match=r"connection|closed|terminat|server"):
                    load_plan_as_owner(store, plans[1], report=kill, valid_from=WINTER)
                _wait(store)
                assert contents(store) == before, stage

            load(store, plans[1], valid_from=WINTER)
            after = contents(store)
            _kill_all(cluster)
            _wait(store)
            assert contents(store) == after != before
            store.close()


def _kill_all(cluster: Cluster) -> None:
    postmaster = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        os.kill(pid, signal.SIGKILL)


def _wait(store: Store) -> None:
    store.close()
    for name in ("engine", "owner", "work"):
        store.__dict__.pop(name, None)
    for _ in range(240):
        try:
            one(store, "SELECT 1")
            return
        except OperationalError:  # it does not listen yet, or still recovers
            time.sleep(0.25)
    pytest.fail("the database did not come back")
