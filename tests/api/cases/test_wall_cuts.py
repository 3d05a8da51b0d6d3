"""A wall whose network is cut, and a worker that is killed: no report is missed, none counted twice."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from api.cluster import Cluster
from api.database import Store
from tests.api.accounts import bearer
from tests.api.cases.desk import open_desk
from tests.api.processes import Listener, api_worker, free_port, wait_until

N_REPORTS = 60


@pytest.mark.slow
def test_walls_that_are_cut_and_a_worker_that_is_killed_miss_and_double_no_report():
    with tempfile.TemporaryDirectory(prefix="weige-") as folder:
        Path(folder).chmod(0o755)
        with Cluster(Path(folder)).held() as cluster:
            store = Store(cluster.url)
            store.migrate()
            desk = open_desk(store)
            headers = bearer(desk.tokens["viewer"])
            ports = free_port(), free_port()
            with (
                api_worker(store.url, Path(folder), ports[0]) as (first, killed),
                api_worker(store.url, Path(folder), ports[1]) as (second, _),
            ):
                walls = [Listener(headers, first, second) for _ in range(3)]
                walls += [Listener(headers, second, first) for _ in range(3)]
                for wall in walls:
                    wall.__enter__()
                numbers: list[str] = []
                reporting = threading.Thread(target=_report, args=(desk, numbers))
                reporting.start()
                for wall in walls[2:5]:
                    time.sleep(0.4)
                    wall.cut()
                wait_until(lambda: len(numbers) > N_REPORTS // 3, what="a third of the reports")
                killed.send_signal(signal.SIGKILL)
                reporting.join()
                wanted = Counter(numbers)
                for wall in walls:
                    wait_until(lambda wall=wall: _told(wall) == wanted, what="all reports, each once")
                    assert [e["number"] for e in wall.events] == sorted(e["number"] for e in wall.events)
                summary = httpx2.get(f"{second}/api/v1/wall/summary", headers=headers, trust_env=False).json()
                assert summary["open"] == N_REPORTS
                for wall in walls:
                    wall.__exit__()
            store.close()


def _told(wall: Listener) -> Counter[str]:
    return Counter(event["body"]["number"] for event in list(wall.events) if event["kind"] == "case")


def _report(desk, numbers: list[str]) -> None:
    for _ in range(N_REPORTS):
        numbers.append(desk.report()["number"])
        time.sleep(0.05)
