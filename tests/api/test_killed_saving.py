"""An API worker that is killed in the middle of a save: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import FIRST, Desk, grids_of
from tests.api.plans import one
from tests.api.processes import api_worker, free_port, wait_until
from tests.api.test_clashes import acknowledged

# A lock that only these tests take; a save waits for it inside of its COMMIT.
LOCK = 720_540
WAIT_IN_COMMIT = f"""
CREATE FUNCTION weige.wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON weige.log DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION weige.wait_in_commit();
"""
# Backends of the service that wait for a lock, in this database.
WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"""
AT_WORK = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"""

Side = Literal["before the commit", "after the commit"]


@contextmanager
def saves_wait(store: Store, side: Side) -> Iterator[None]:
    """Let every save wait when all but its last rows are written, or when it has sent its COMMIT."""
    with store.owner.connect() as owner:
        if side == "after the commit":
            owner.execute(text(WAIT_IN_COMMIT))
            owner.commit()
            owner.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        else:
            owner.execute(text("LOCK TABLE log IN SHARE MODE"))
        yield
        owner.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("side", ["before the commit", "after the commit"])
def test_a_worker_killed_in_a_save_loses_and_doubles_nothing(
    side: Side, store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path
):
    port = free_port()
    before = grids_of(store, place.version_id)
    with api_worker(store.url, tmp_path, port) as (address, started):
        desk = Desk(signed_in, address, place)
        desk.paint(FIRST, "u03")
        desk.saved()
        with saves_wait(store, side):
            desk.paint(FIRST, "u02")
            wait_until(lambda: one(store, WAITING), what="a save that waits")
            # Nobody else sees it yet, and the page has had no answer.
            assert grids_of(store, place.version_id) == {**before, "u03": FIRST}
            assert desk.ask("keeping") == "saving"
            started.send_signal(signal.SIGKILL)
            started.wait()
        wait_until(lambda: not one(store, AT_WORK), what="the end of the save")
    # A COMMIT that was sent is carried out though nobody waits for its answer; without it all is taken back.
    taken = {"u02": FIRST} if side == "after the commit" else {}
    assert grids_of(store, place.version_id) == {**before, "u03": FIRST, **taken}

    wait_until(lambda: desk.ask("keeping") == "away", what="the page notices")
    desk.paint(FIRST, "u08")
    desk.page.keyboard.press("Control+z")
    desk.paint(FIRST, "u09")
    after = {**before, "u03": FIRST, "u02": FIRST, "u09": FIRST}
    with api_worker(store.url, tmp_path, port) as (address, _):
        wait_until(lambda: desk.ask("keeping") == "saved", seconds=60, what="the page has saved")
        assert grids_of(store, place.version_id) == after
        moves = [(unit, to) for _, unit, to in acknowledged(store, place.version_id)]
        assert moves == [("u03", FIRST), ("u02", FIRST), ("u09", FIRST)]
        # Another browser tab has the same, and what the page kept is gone.
        again = Desk(signed_in, address, place)
        assert {unit: again.ask("gridOf", unit) for unit in after} == after
        again.saved()
        assert again.faults == []
