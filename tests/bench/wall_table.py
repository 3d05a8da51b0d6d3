"""What moving and zooming the wall costs the service with many open cases, as a Markdown table.

    python tests/bench/wall_table.py [--open 100000] [--seconds 10] [--walls 4]
    python tests/bench/wall_table.py --live 200 [--rate 5] [--seconds 20]

One API worker and PostGIS on this machine. Each wall is moved now and then to a random place and zoom with
random filters, and asks for clusters, heat, figures and the list of what is late as its page does, while
cases go on coming. The time is that from the request to the whole answer, over a connection that stays open;
the processor time is the worker's, which does not depend on what else the machine does.

With --live that many walls hold their streams at two workers, and ask for all that they show some seconds
after a report as their page does, while cases are reported over HTTP. What is measured is the time from just
before the request of a report to when its event is with each wall, which puts it on its map at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import time
from pathlib import Path

import numpy as np
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.database import Store
from tests.api.cases.desk import LAT, LON, open_desk, publish
from tests.api.place import SIDE_DEG, draw_community
from tests.api.processes import api_worker
from tests.bench.fresh_store import fresh_store
from tests.bench.live_table import cpu_s

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ROWS, COLUMNS = 10, 20
_NUMBER = re.compile(rb'"number" ?: ?"([0-9]{19})"')
LIMIT_P95_MS, LIMIT_LIVE_P95_MS = 100, 1000
FILTERS = (
    "", "", "", "&overdue=true", "&category=E0402", "&kind=incident", "&state=reported&state=handling",
)  # fmt: skip
# Pixels of a wall.
WIDTH, HEIGHT = 1920, 1080


def fill(store: Store, n: int) -> None:
    """Store open cases all over a city, as an import leaves them."""
    with store.owner.begin() as owner:
        owner.execute(text("SELECT set_config('weige.grants', '{\"admin\": [\"1\"]}', true)"))
        owner.execute(
            text("""
                INSERT INTO case_arrivals (batch, position, category, text, area_id, choices, place, geom,
                                           reported_at, due_at, day)
                SELECT '00000000-0000-0000-0000-000000000000', n,
                       CASE WHEN random() < 0.7 THEN 'E0102' ELSE 'E0402' END, '垃圾', d.id, '{}', 'point',
                       ST_SetSRID(ST_MakePoint(:lon + random() * 0.3, :lat + random() * 0.2), 4490),
                       now() - random() * interval '30 days', now() + (random() - 0.3) * interval '9 days',
                       '2026-01-01'
                FROM generate_series(1, :n) n, divisions d WHERE d.code = '320924001002'"""),
            {"n": n, "lon": LON, "lat": LAT},
        )
        owner.execute(
            text("SELECT import_cases('00000000-0000-0000-0000-000000000000', 'unverified-A', 'filled')")
        )
        owner.execute(text("DELETE FROM events"))


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str, path: str) -> bytes:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(_LENGTH.search(head)[1]))  # type: ignore[index]
    assert head.startswith(b"HTTP/1.1 200"), (path, head, body)
    return body


async def walls(address: str, token: str, seconds: float, n: int) -> dict[str, list[float]]:
    """Let walls move about for some seconds; return how long each question took, in milliseconds."""
    taken: dict[str, list[float]] = {}
    host, _, port = address.removeprefix("http://").partition(":")
    end = time.monotonic() + seconds

    async def one(seed: int) -> None:
        chance = random.Random(seed)
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.monotonic() < end:
            zoom = chance.randint(9, 17)
            lon, lat = LON + chance.random() * 0.3, LAT + chance.random() * 0.2
            half = 360 / (256 * 2**zoom) / 2
            box = f"{lon - half * WIDTH},{lat - half * HEIGHT},{lon + half * WIDTH},{lat + half * HEIGHT}"
            said = chance.choice(FILTERS)
            await asyncio.sleep(chance.random())
            for name, path in (
                ("clusters", f"clusters?bbox={box}&zoom={zoom}{said}"),
                ("heat", f"heat?bbox={box}&zoom={zoom}{said}"),
                ("summary", f"summary?{said}"), ("overdue", f"overdue?limit=50{said}"),
            ):  # fmt: skip
                started = time.perf_counter()
                await ask(reader, writer, token, f"/api/v1/wall/{path}")
                taken.setdefault(name, []).append(1000 * (time.perf_counter() - started))
        writer.close()

    await asyncio.gather(*(one(seed) for seed in range(n)))
    return taken


async def measure(store: Store, folder: Path, n_open: int, seconds: float, n_walls: int) -> None:
    desk = open_desk(store)
    units = [[10] * COLUMNS for _ in range(ROWS)]
    big = draw_community(store, "320924001002", units, lon=LON, lat=LAT + 0.1, above=desk.street)
    publish(store, big)
    fill(store, n_open)
    with api_worker(store.url, folder) as (address, worker):
        token = desk.tokens["viewer"]
        started = time.perf_counter()
        await walls(address, token, 0.5, 1)
        first_ms = 1000 * (time.perf_counter() - started) - 500
        coming = asyncio.create_task(_report(desk, seconds))
        spent_s = cpu_s(worker.pid)
        taken = await walls(address, token, seconds, n_walls)
        spent_s = cpu_s(worker.pid) - spent_s
        n_came = await coming
        host, _, port = address.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        told = json.loads(await ask(reader, writer, token, "/api/v1/wall/summary?"))
        writer.close()
    print(f"{n_open:,} open cases, {n_walls} walls, {n_came} reports meanwhile, {seconds:g} s;")
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; all read at the start in {first_ms:.0f} ms"
    )
    print(f"open by the wall at the end: {told['open']:,}\n")
    print("| question | asked | p50 ms | p95 ms | p99 ms |\n|---|---:|---:|---:|---:|")
    for name, times in taken.items():
        p50, p95, p99 = np.percentile(times, [50, 95, 99])
        print(f"| {name} | {len(times)} | {p50:.1f} | {p95:.1f} | {p99:.1f} |")
    n_asked = sum(len(times) for times in taken.values())
    print(f"\nprocessor time of the worker: {1000 * spent_s / n_asked:.1f} ms a question")
    print(f"limit of pan and zoom: p95 {LIMIT_P95_MS} ms")


class Streams:
    """Walls that hold their streams, and ask anew some seconds after something came."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.came: list[dict[str, float]] = []
        self.sent: dict[str, float] = {}
        self.n_asked = 0
        self._tasks: list[asyncio.Task[None]] = []
        # A connection ends when nobody holds its writer.
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, addresses: list[str], n: int) -> None:
        for number in range(n):
            host, _, port = addresses[number % len(addresses)].removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            key = f"Authorization: Bearer {self.token}"
            writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head[:20], head
            self._writers.append(writer)
            came: dict[str, float] = {}
            self.came.append(came)
            anew = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._read(reader, came, anew)))
            self._tasks.append(asyncio.create_task(self._ask(host, port, anew, number)))

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _read(self, reader: asyncio.StreamReader, came: dict[str, float], anew: asyncio.Event) -> None:
        while True:
            piece = await reader.readuntil(b"\n\n")
            now = time.time()
            if (found := _NUMBER.search(piece)) and b"event: case\n" in piece:
                came[found[1].decode()] = now
                anew.set()

    async def _ask(self, host: str, port: str, anew: asyncio.Event, seed: int) -> None:
        chance = random.Random(seed)
        reader, writer = await asyncio.open_connection(host, int(port))
        box = f"{LON},{LAT},{LON + 0.1},{LAT + 0.15}"
        while True:
            await anew.wait()
            await asyncio.sleep(4 + 3 * chance.random())
            anew.clear()
            for path in ("summary?", f"clusters?bbox={box}&zoom=13", "overdue?limit=100"):
                await ask(reader, writer, self.token, f"/api/v1/wall/{path}")
                self.n_asked += 1


async def measure_live(store: Store, folder: Path, n_walls: int, rate: float, seconds: float) -> None:
    """Report cases at a rate while walls watch, and print how long each took to be with every wall."""
    desk = open_desk(store)
    with api_worker(store.url, folder) as (first, one), api_worker(store.url, folder) as (second, two):
        streams = Streams(desk.tokens["viewer"])
        await streams.open([first, second], n_walls)
        before = cpu_s(one.pid) + cpu_s(two.pid)
        host, _, port = second.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        key = f"Authorization: Bearer {desk.tokens['grid_worker']}"
        n, begun = round(rate * seconds), time.monotonic()
        for at in range(n):
            await asyncio.sleep(max(0.0, begun + at / rate - time.monotonic()))
            body = json.dumps({"category": "E0102", "lon": LON + 0.001, "lat": LAT + 0.001}).encode()
            sent = time.time()
            writer.write(
                f"POST /api/v1/cases HTTP/1.1\r\nHost: x\r\n{key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            told = json.loads(await reader.readexactly(int(_LENGTH.search(head)[1])))  # type: ignore[index]
            streams.sent[told["number"]] = sent
        await asyncio.sleep(2)
        spent_s = cpu_s(one.pid) + cpu_s(two.pid) - before
        streams.close()
    took = [1000 * (came[number] - sent) for came in streams.came for number, sent in streams.sent.items()
            if number in came]  # fmt: skip
    p50, p95, p99 = np.percentile(took, [50, 95, 99])
    print(f"{n_walls} walls at 2 workers, {n} reports at {rate:g} a second,")
    print(f"{streams.n_asked} questions of walls meanwhile;")
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; workers' processor time {spent_s:.1f} s\n"
    )
    print("| report to wall | p50 ms | p95 ms | p99 ms | worst ms |\n|---|---:|---:|---:|---:|")
    print(f"| {len(took)} of {n * n_walls} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {max(took):.0f} |")
    print(f"\nlimit: p95 {LIMIT_LIVE_P95_MS} ms")


async def _report(desk, seconds: float) -> int:
    """Report ten cases a second meanwhile."""
    n, end = 0, time.monotonic() + seconds - 0.5
    while time.monotonic() < end:
        place = {"lon": LON + random.random() * COLUMNS * SIDE_DEG, "lat": LAT + 0.1 + SIDE_DEG}
        await asyncio.to_thread(desk.report, **place)
        n += 1
        await asyncio.sleep(0.1)
    return n


def main() -> None:
    """Make a cluster, measure, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000, help="open cases")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--walls", type=int, default=4)
    parser.add_argument("--live", type=int, default=0, help="walls that watch while cases are reported")
    parser.add_argument("--rate", type=float, default=5, help="reports a second")
    said = parser.parse_args()
    with fresh_store() as fresh:
        if said.live:
            work = measure_live(fresh.store, fresh.folder, said.live, said.rate, said.seconds)
        else:
            work = measure(fresh.store, fresh.folder, said.open, said.seconds, said.walls)
        asyncio.run(work)


if __name__ == "__main__":
    main()
