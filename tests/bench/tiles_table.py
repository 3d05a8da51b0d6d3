"""Tiles of a city of 100,000 cells: times cold and warm, against TiPg on the same rows, and grids by box.

    python tests/bench/tiles_table.py [--side 10]

One process serves (uvicorn, one worker), this one asks, on the same machine; besides times, the CPU of the
server's process and of the database for each request is told. TiPg has no cache: it is compared with tiles
drawn anew as well as with tiles as they are served.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import text

from api.tiles import tile_box
from tests.api.town import CELL_DEGREES, ORIGIN, build_town, token_of
from tests.bench.fresh_store import fresh_store

PORT = 8765
SERVE = """
import sys, uvicorn
from pathlib import Path
from api.main import create_app
from api.settings import Settings
app = create_app(Settings(data_dir=Path(sys.argv[2]), requests_per_minute=10**9), sys.argv[1])
@app.post("/bench/forget")
def forget():
    app.state.tiles.clear()
uvicorn.run(app, port=int(sys.argv[3]), log_level="warning", access_log=False)
"""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def database_cpu_s(postmaster: int) -> float:
    """CPU seconds of a PostgreSQL server and its processes; those that ended count with the postmaster."""
    total = 0.0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(entry.parent.name) == postmaster:
            total += sum(map(int, fields[11:15])) / TICKS
        elif int(fields[1]) == postmaster:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def places(zoom: int, box: tuple[float, float, float, float]) -> list[tuple[int, int, int]]:
    """Every tile of a zoom that meets a box."""
    west, south, east, north = box
    columns = range(int((west + 180) / 360 * 2**zoom), int((east + 180) / 360 * 2**zoom) + 1)
    rows = [
        y
        for y in range(int(0.3 * 2**zoom), int(0.5 * 2**zoom))
        if tile_box(zoom, 0, y)["south"] < north and tile_box(zoom, 0, y)["north"] > south
    ]
    return [(zoom, x, y) for x in columns for y in rows]


@contextmanager
def serving(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server in its own process."""
    server = subprocess.Popen([sys.executable, "-c", SERVE, url, str(folder), str(PORT)])
    try:
        for _ in range(600):
            try:
                ask = http.client.HTTPConnection("127.0.0.1", PORT)
                ask.request("GET", "/readyz")
                if ask.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield server
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10, help="communities along a side, 1024 cells each")
    side = parser.parse_args().side
    with fresh_store() as fresh:
        build_town(fresh.store, shape=(side, side), community=(32, 32))
        token = token_of(fresh.store, "bench", "viewer", "1")
        with fresh.store.owner.begin() as owner:
            # What our tiles hold from zoom 13 on, for TiPg to serve.
            owner.execute(
                text(
                    "CREATE VIEW published.cells AS SELECT u.ground_id * 1000000 + u.number AS id,"
                    " u.households, a.grid_number AS grid, u.cell AS geom FROM weige.versions v"
                    " JOIN weige.units u ON u.ground_id = v.ground_id LEFT JOIN weige.assignments a"
                    " ON a.version_id = v.id AND a.unit_number = u.number"
                )
            )
            owner.execute(text("GRANT SELECT ON published.cells TO weige_public"))
        with serving(fresh.store.url, fresh.folder) as server:
            _measure(side, token, server.pid, fresh.postmaster)


def _measure(side: int, token: str, server: int, postmaster: int) -> None:
    west, south = ORIGIN
    extent = 32 * side * CELL_DEGREES
    box = (west, south, west + extent, south + extent)
    ask = http.client.HTTPConnection("127.0.0.1", PORT)
    key = {"Authorization": f"Bearer {token}"}

    def get(path: str, method: str = "GET") -> tuple[float, int]:
        began = time.perf_counter()
        ask.request(method, path, headers=key)
        answer = ask.getresponse()
        size = len(answer.read())
        assert answer.status in (200, 204), (path, answer.status)
        return 1000 * (time.perf_counter() - began), size

    def told(name: str, paths: list[str], before: Callable[[], object] = lambda: None) -> float:
        cpu, data = cpu_s(server), database_cpu_s(postmaster)
        began = time.perf_counter()
        took, sizes = [], []
        for path in paths:
            before()
            ms, size = get(path)
            took.append(ms)
            sizes.append(size)
        passed = time.perf_counter() - began
        n = len(paths)
        print(
            f"{name:38} {n:5} requests"
            f"  p50 {np.percentile(took, 50):7.1f}  p99 {np.percentile(took, 99):7.1f} ms"
            f"  {n / passed:7.1f}/s  CPU server {1000 * (cpu_s(server) - cpu) / n:6.1f}"
            f"  database {1000 * (database_cpu_s(postmaster) - data) / n:6.1f} ms"
            f"  {np.mean(sizes) / 1024:6.0f} KiB",
            flush=True,
        )
        return n / passed

    def forget() -> None:
        get("/bench/forget", "POST")

    chance = random.Random(0)
    print(f"{side * side * 1024} cells; load average {os.getloadavg()[0]:.1f}")
    for zoom in (11, 12, 13):
        for layer in ("cells", "grids"):
            drawn = [f"/tiles/{layer}/{z}/{x}/{y}.mvt" for z, x, y in places(zoom, box)]
            forget()
            told(f"{layer} z{zoom} cold", drawn * 3, forget)
            for path in drawn:
                get(path)
            told(f"{layer} z{zoom} warm", [chance.choice(drawn) for _ in range(500)])
    at = places(13, box)
    theirs = told(
        "TiPg z13",
        [f"/ogc/collections/published.cells/tiles/WebMercatorQuad/{z}/{x}/{y}?limit=10000" for z, x, y in at]
        * 3,
    )
    ours = [f"/tiles/cells/{z}/{x}/{y}.mvt" for z, x, y in at] * 3
    cold = told("ours z13, each drawn anew", ours, forget)
    warm = told("ours z13, as served", ours)
    print(
        f"throughput over TiPg's: {cold / theirs:.1f} times drawn anew, {warm / theirs:.1f} times as served"
    )
    boxes, wide = [], 0.02
    for _ in range(500):
        x, y = (chance.uniform(0, extent - 0.02) for _ in range(2))
        sides = (west + x, south + y, west + x + wide, south + y + wide)
        boxes.append("/api/v1/grids?bbox=" + ",".join(f"{side:.5f}" for side in sides))
    told("/api/v1/grids?bbox=, 2 km wide", boxes)


if __name__ == "__main__":
    main()
