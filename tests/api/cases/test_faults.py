"""Faults under load: the database and a worker killed, a wall cut off; no case is lost or told twice."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from api.cases.case_log import verify_cases
from api.cluster import Cluster
from api.database import Store
from tests.api.cases.desk import IN_FIRST, IN_SECOND, Desk, open_desk
from tests.api.processes import Listener, api_worker, free_port, wait_until

SENDERS = 4
AWAY_S = 4.0


class Reporters:
    """Clients that report without pause, each at the next address, and note what was acknowledged."""

    def __init__(self, desk: Desk, addresses: list[str]) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self._over = threading.Event()
        headers = {"Authorization": f"Bearer {desk.tokens['grid_worker']}"}
        self._threads = [
            threading.Thread(target=self._report, args=(turn, addresses, headers)) for turn in range(SENDERS)
        ]

    def __enter__(self) -> Reporters:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def more(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        before = len(self.acknowledged)
        wait_until(lambda: len(self.acknowledged) >= before + count, seconds=90, what=f"{count} more reports")

    def _report(self, turn: int, addresses: list[str], headers: dict[str, str]) -> None:
        with httpx2.Client(timeout=20, trust_env=False, headers=headers) as client:
            while not self._over.is_set():
                turn += 1
                place = (IN_FIRST, IN_SECOND)[turn % 2]
                body = {"category": "E0102", "text": "垃圾", "lon": place[0], "lat": place[1]}
                try:
                    said = client.post(f"{addresses[turn % len(addresses)]}/api/v1/cases", json=body)
                except httpx2.TransportError:
                    self.refused += 1
                    time.sleep(0.05)
                    continue
                if said.status_code == 201:
                    self.acknowledged.append(said.json()["number"])
                else:
                    assert said.status_code == 503, said.text
                    self.refused += 1
                    time.sleep(0.05)


@contextmanager
def _running() -> Iterator[tuple[Cluster, Store, Desk, Path]]:
    with tempfile.TemporaryDirectory(prefix="weige-") as name:
        # As root the cluster belongs to another user, who must be able to enter.
        Path(name).chmod(0o755)
        with Cluster(Path(name)).held() as cluster:
            store = Store(cluster.url)
            store.migrate()
            yield cluster, store, open_desk(store), Path(name)
            store.close()


def _kill_database(folder: Path) -> None:
    """SIGKILL the server and every process of it, as a loss of power does."""
    pid_file = next(folder.rglob("postmaster.pid"))
    postmaster = int(pid_file.read_text().splitlines()[0])
    children = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if (told := _stat(path)) is not None and told == postmaster
    ]
    for pid in (postmaster, *children):
        os.kill(pid, signal.SIGKILL)


def _stat(path: Path) -> int | None:
    try:
        return int(path.read_text().rsplit(")", 1)[1].split()[1])
    except OSError:  # it ended meanwhile
        return None


def _told(listener: Listener) -> list[tuple[str, str]]:
    return [(event["body"]["number"], event["body"]["step"]) for event in list(listener.events)
            if event["kind"] == "case"]  # fmt: skip


@pytest.mark.slow
def test_what_was_acknowledged_is_there_and_told_once_whatever_dies():
    with _running() as (cluster, store, desk, folder), ExitStack() as stack:
        first, _ = stack.enter_context(api_worker(store.url, folder))
        port = free_port()
        dying = ExitStack()
        second, process = dying.enter_context(api_worker(store.url, folder, port))
        walls = {"Authorization": f"Bearer {desk.tokens['viewer']}"}
        steady = stack.enter_context(Listener(walls, first, after=0))
        moving = stack.enter_context(Listener(walls, second, first, after=0))
        cut = stack.enter_context(Listener(walls, first, after=0))
        with Reporters(desk, [first, second]) as reporters:
            reporters.more(40)
            _kill_database(folder)
            wait_until(cluster.is_running, seconds=60, what="the database starts again")
            reporters.more(40)
            process.kill()
            reporters.more(20)
            dying.close()
            stack.enter_context(api_worker(store.url, folder, port))
            reporters.more(20)
            with _away(cut):
                reporters.more(40)
            reporters.more(20)

        stored = _numbers(store)
        assert set(reporters.acknowledged) <= stored
        assert len(reporters.acknowledged) == len(set(reporters.acknowledged))
        # Every wall has the case of each number once, also those whose answer was lost on the way.
        for wall in (steady, moving, cut):
            wait_until(lambda wall=wall: {number for number, _ in _told(wall)} >= stored, seconds=60,
                       what="a wall has caught up")  # fmt: skip
            assert sorted(_told(wall)) == sorted((number, "report") for number in stored)
        assert reporters.refused > 0
        assert verify_cases(store).faults == ()


@contextmanager
def _away(listener: Listener) -> Iterator[None]:
    """Cut a wall off for a while: its connection breaks, and it reaches nobody."""
    addresses, listener._addresses = listener._addresses, ("http://127.0.0.1:9",)
    listener.cut()
    time.sleep(AWAY_S)
    yield
    listener._addresses = addresses


def _numbers(store: Store) -> set[str]:
    with store.owner.connect() as owner:
        found: Any = owner.execute(text("SELECT number FROM cases")).scalars()
        return set(found)
