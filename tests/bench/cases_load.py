"""Reporting cases one by one under load, beside a route that only inserts a row, as a Markdown table.

    python tests/bench/cases_load.py [--seconds 20] [--senders 16] [--stored 0]

Two API workers of the service and PostGIS run on this machine, as do the senders. The bare route takes the
same body, opens the same door, inserts one row in one statement and commits. The two take turns in short
rounds, so that what else the machine does falls on both. Afterwards every acknowledged number is looked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.cases.case_log import verify_cases
from api.database import Store
from tests.api.cases.desk import LAT, LON, open_desk, publish
from tests.api.place import SIDE_DEG, draw_community
from tests.api.processes import free_port, process, wait_until
from tests.bench.fresh_store import fresh_store

# A client as a library has it costs as much as the service; what is measured shares the cores with it.
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ROUND_S = 2.0
ROWS, COLUMNS = 10, 20
_SERVE = """
import json, sys, uvicorn
from pathlib import Path
from fastapi import Request, Response
from api.dependencies import entered, presented_key
from api.main import create_app
from api.routes.cases import CaseIn
from api.settings import Settings
url, folder, port = sys.argv[1:]
app = create_app(Settings(data_dir=Path(folder), requests_per_minute=10_000_000), url)

@app.post("/bare", status_code=201)
async def bare(body: CaseIn, request: Request) -> Response:
    key = presented_key(request)
    said = body.model_dump_json()
    async with request.app.state.pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            cursor = await connection.execute(
                "WITH e AS (SELECT * FROM enter(%s, %s)),"
                " i AS (INSERT INTO bare (body) SELECT %s::jsonb FROM e RETURNING id)"
                " SELECT e.*, i.id FROM e, i",
                (key.sha256, [key.kind], said))
            row = await cursor.fetchone()
        finally:
            await connection.set_autocommit(False)
    entered(row, key, request)
    return Response(json.dumps({"number": str(row["id"])}), 201, media_type="application/json")

app.router.routes.insert(0, app.router.routes.pop())  # found as soon as the route that it is compared to
uvicorn.run(app, port=int(port), log_level="warning", access_log=False)
"""


async def send(
    addresses: list[str], route: str, token: str, seconds: float, senders: int
) -> list[tuple[float, str]]:
    """Send reports for some seconds; return the time that each took, in seconds, and its number."""
    taken: list[tuple[float, str]] = []
    end = time.monotonic() + seconds

    async def one(turn: int) -> None:
        chance = random.Random(turn + time.monotonic_ns())
        host, _, port = addresses[turn % len(addresses)].removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.monotonic() < end:
            body = json.dumps({
                "category": "E0102", "text": "垃圾堆放在路口，请清理", "channel": "courier", "accuracy_m": 3,
                "lon": LON + chance.random() * COLUMNS * SIDE_DEG,
                "lat": LAT + 0.1 + chance.random() * ROWS * SIDE_DEG,
            }).encode()  # fmt: skip
            started = time.perf_counter()
            writer.write(
                f"POST {route} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(_LENGTH.search(head)[1])  # type: ignore[index]
            answer = await reader.readexactly(length)
            took = time.perf_counter() - started
            assert head.startswith(b"HTTP/1.1 201"), (head, answer)
            taken.append((took, json.loads(answer)["number"]))
        writer.close()

    await asyncio.gather(*(one(turn) for turn in range(senders)))
    return taken


def sending(*arguments: Any) -> list[tuple[float, str]]:
    """`send` in a process of its own."""
    return asyncio.run(send(*arguments))


def fill(store: Store, n: int) -> None:
    """Store cases with their logs, as an import leaves them."""
    with store.owner.begin() as owner:
        owner.execute(text("SELECT set_config('weige.grants', '{\"admin\": [\"1\"]}', true)"))
        owner.execute(
            text("""
                INSERT INTO case_arrivals (batch, position, category, text, area_id, choices, place, geom,
                                           reported_at, day)
                SELECT '00000000-0000-0000-0000-000000000000', n, 'E0102', '垃圾', d.id, '{}', 'point',
                       ST_SetSRID(ST_MakePoint(120 + random() * 0.02, 33.1 + random() * 0.01), 4490),
                       now() - random() * interval '300 days', '2026-01-01'
                FROM generate_series(1, :n) n, divisions d WHERE d.code = '320924001002'"""),
            {"n": n},
        )
        owner.execute(
            text("SELECT import_cases('00000000-0000-0000-0000-000000000000', 'unverified-A', 'filled')")
        )
    with store.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as owner:
        owner.execute(text("ANALYZE"))


def measure(store: Store, folder: str, seconds: float, senders: int, stored: int) -> None:
    """Run the rounds and print the table."""
    desk = open_desk(store)
    big = draw_community(
        store,
        "320924001002",
        [[10] * COLUMNS for _ in range(ROWS)],
        lon=LON,
        lat=LAT + 0.1,
        above=desk.street,
    )
    publish(store, big)
    with store.owner.begin() as owner:
        owner.execute(
            text("CREATE TABLE weige.bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body jsonb)")
        )
        owner.execute(text("GRANT SELECT, INSERT ON weige.bare TO weige_app"))
    if stored:
        fill(store, stored)
    ports = [free_port(), free_port()]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    token = desk.tokens["grid_worker"]
    with process(_SERVE, store.url, folder, str(ports[0])), process(_SERVE, store.url, folder, str(ports[1])):
        for address in addresses:
            wait_until(lambda address=address: _answers(address), seconds=120, what=address)
        taken: dict[str, list[tuple[float, str]]] = {"/api/v1/cases": [], "/bare": []}
        spent = dict.fromkeys(taken, 0.0)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            for route in taken:  # connections, plans and caches
                pool.apply(sending, (addresses, route, token, 1.5, senders))
            while sum(spent.values()) < 2 * seconds:
                for route in taken:
                    started = time.monotonic()
                    taken[route] += pool.apply(sending, (addresses, route, token, ROUND_S, senders))
                    spent[route] += time.monotonic() - started
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"load {load}; {os.cpu_count()} cores; {stored:,} stored;")
    print(f"{senders} senders, {seconds:.0f} s each, rounds of {ROUND_S:.0f} s\n")
    print("| route | requests/s | p50 ms | p99 ms |\n|---|---|---|---|")
    rates = {}
    for route, found in taken.items():
        times = sorted(took for took, _ in found)
        rates[route] = len(times) / spent[route]
        p99 = times[int(len(times) * 0.99)]
        print(f"| {route} | {rates[route]:.0f} | {1000 * statistics.median(times):.1f} | {1000 * p99:.1f} |")
    print(f"\nratio {rates['/api/v1/cases'] / rates['/bare']:.2f}")
    numbers = [number for _, number in taken["/api/v1/cases"]]
    with store.owner.connect() as owner:
        there = set(owner.execute(text("SELECT number FROM cases WHERE channel = 'courier'")).scalars())
        placed = owner.execute(
            text("SELECT count(*) FILTER (WHERE grid IS NOT NULL), count(*) FILTER (WHERE choices <> '{}')"
                 " FROM cases WHERE channel = 'courier'")
        ).one()  # fmt: skip
    missing, doubled = len(set(numbers) - there), len(numbers) - len(set(numbers))
    print(f"acknowledged {len(numbers):,}, missing {missing}, doubled {doubled}")
    print(f"placed in one grid {placed[0]:,}, asked {placed[1]:,}")
    if not stored:
        print("verified:", json.dumps([vars(fault) for fault in verify_cases(store).faults[:3]]))


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def main() -> None:
    """Make a cluster, measure, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--senders", type=int, default=16)
    parser.add_argument("--stored", type=int, default=0, help="cases that are stored before")
    arguments = parser.parse_args()
    with fresh_store() as fresh:
        measure(fresh.store, str(fresh.folder), arguments.seconds, arguments.senders, arguments.stored)


if __name__ == "__main__":
    main()
