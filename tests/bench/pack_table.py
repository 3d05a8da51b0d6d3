"""The pack of a version of 5,000 units in 200 grids from the service: milliseconds and bytes, as a table.

    python tests/bench/pack_table.py [--columns 100] [--rows 50]

The community is a lattice of warped cells of twelve corners in a private PostGIS. Wall-clock milliseconds,
and CPU milliseconds of the process that serves and of the database, over 20 requests to the application in
this process; the first of all, which imports the libraries, is told apart.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.main import create_app
from api.settings import Settings
from tests.api.place import token_for
from tests.api.town import add_surroundings, build_town
from tests.bench.fresh_store import fresh_store
from tests.bench.tiles_table import database_cpu_s

REQUESTS = 20


def measured(name: str, action: Callable[[], Any], postmaster: int, times: int) -> Any:
    """Print a row of the table; return what the action returned last."""
    wall = []
    cpu, data = time.process_time(), database_cpu_s(postmaster)
    for _ in range(times):
        began = time.perf_counter()
        got = action()
        wall.append(1000 * (time.perf_counter() - began))
    cpu_ms = 1000 * (time.process_time() - cpu) / times
    data_ms = 1000 * (database_cpu_s(postmaster) - data) / times
    middle, last = np.percentile(wall, (50, 95))
    print(f"| {name} | {middle:.0f} | {last:.0f} | {cpu_ms:.0f} | {data_ms:.0f} |", flush=True)
    return got


def main() -> None:
    """Make a cluster, load the version, ask for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=100, help="cells from west to east")
    parser.add_argument("--rows", type=int, default=50, help="cells from south to north; 5 x 5 are a grid")
    asked = parser.parse_args()
    with fresh_store() as fresh:
        size = (asked.columns, asked.rows)
        town = build_town(fresh.store, shape=(1, 1), community=size, grid=(5, 5), households=3, publish=False)
        add_surroundings(fresh.store, town)
        headers = token_for(fresh.store, "bench", "planner")
        settings = Settings(requests_per_minute=10**9)
        with TestClient(create_app(settings, fresh.store.url)) as client:
            _measure(client, f"/api/v1/versions/{town[0].version_id}/pack", headers, fresh.postmaster)


def _measure(client: TestClient, address: str, headers: dict[str, str], postmaster: int) -> None:
    def get(**more: str) -> Any:
        answer = client.get(address, headers=headers | more)
        assert answer.status_code in (200, 304), answer.text
        return answer

    print(f"load average {os.getloadavg()[0]:.1f}\n")
    print("| request | p50 ms | p95 ms | CPU here, ms | CPU database, ms |\n|---|---|---|---|---|")
    measured("first of a worker", get, postmaster, 1)
    answer = measured("pack", get, postmaster, REQUESTS)
    tag = answer.headers["ETag"]
    measured("pack, not changed (304)", lambda: get(**{"If-None-Match": tag}), postmaster, REQUESTS)
    print(f"\n{len(answer.content):,} bytes")


if __name__ == "__main__":
    main()
