"""Walls whose network is cut, and a worker that is killed: no event is missed, none counted twice."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser
from sqlalchemy import text

from api.cluster import Cluster
from api.database import Store
from tests.api.accounts import bearer
from tests.api.cases.desk import open_desk
from tests.api.cases.test_wall_page import Wall
from tests.api.cut_network import CutNetwork
from tests.api.planner_page import browser_of
from tests.api.processes import Listener, api_worker, free_port, wait_until

N_REPORTS = 60
# The longest that the city's networks are promised to be away, and how often something is reported meanwhile.
CUT_S, EVERY_S = 60.0, 2.5


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


@pytest.mark.slow
@pytest.mark.xdist_group("npm")
def test_a_minute_without_network_leaves_no_gap_and_no_double_on_any_wall(
    store: Store, browser: Browser, served: str
):
    """One wall is refused, one hears nothing more, one has its network; cases go on."""
    desk = open_desk(store)
    viewer = bearer(desk.tokens["viewer"])
    with (
        CutNetwork(served) as unplugged,
        CutNetwork(served) as silent,
        browser_of(store, browser, "centre", ("dispatcher", desk.street), ("viewer", desk.street)) as context,
        Listener(viewer, served) as steady_stream,
        Listener(viewer, unplugged.address) as unplugged_stream,
        Listener(viewer, silent.address, silent_s=20) as silent_stream,
    ):
        addresses = served, unplugged.address, silent.address
        steady, *cut = [Wall(context.new_page(), f"{address}/wall") for address in addresses]
        before = [desk.report()["number"] for _ in range(2)]
        for wall in (steady, *cut):
            wall.shows(len(before))

        unplugged.cut("refused")
        silent.cut("silent")
        end = time.monotonic() + CUT_S
        numbers, refused = list(before), 0
        while time.monotonic() < end:
            numbers.append(desk.report()["number"])
            if len(numbers) % 3 == 0:
                desk.take(numbers[-2], ("dispatcher", "refuse", {"reason": "not_ours", "note": "不属本街道"}))
                refused += 1
            # Whoever has a network has it at once, whatever others lack.
            steady.shows(len(numbers) - refused)
            steady.page.wait_for_timeout(1000 * EVERY_S)
        assert [wall.ask("link") for wall in (steady, *cut)] == ["live", "lost", "lost"]
        assert [wall.figure("open") for wall in cut] == [len(before)] * 2

        unplugged.mend()
        silent.mend()
        numbers.append(desk.report()["number"])
        for wall in (steady, *cut):
            wait_until(lambda wall=wall: wall.ask("link") == "live", what="the stream")
            wall.shows(len(numbers) - refused)
            # What the service counts is there at once; the page's own list has what the stream told, each
            # report as often as it was told.
            listed = wall.page.locator("#feed button")
            wait_until(lambda listed=listed: listed.count() >= len(numbers), what="the list of the page")
            assert listed.count() == len(numbers)
            assert sorted(wall.ask("seen")) == sorted(numbers)
            assert [fault for fault in wall.faults if "net::ERR_" not in fault] == []
        wanted = Counter(_logged(store))
        assert len(wanted) == len(numbers) + refused > 25
        for stream in (steady_stream, unplugged_stream, silent_stream):
            wait_until(lambda stream=stream: Counter(_steps(stream)) == wanted, what="every event, each once")
            assert [e["number"] for e in stream.events] == sorted(e["number"] for e in stream.events)


def _logged(store: Store) -> list[tuple[str, str]]:
    with store.owner.connect() as owner:
        found = owner.execute(text("SELECT chain, action FROM log WHERE stream = 'case'"))
        return [(row.chain, row.action) for row in found]


def _steps(stream: Listener) -> list[tuple[str, str]]:
    return [(e["body"]["number"], e["body"]["step"]) for e in list(stream.events) if e["kind"] == "case"]
