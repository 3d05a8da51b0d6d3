"""Work orders of a hotline brought at once: how long each part of an import takes, as a Markdown table.

    python tests/bench/orders_table.py [--orders 200000] [--stored 0] [--times 3]

A CSV as a hotline gives it (number, class, what was said, address, point, time) goes through the import of
`weige cases import`: read and masked, placed in micro-grids, sent to PostGIS on this machine, filed with its
log and committed. Each time other orders; afterwards every one is looked for. CPU is of this process and of
the backend of its connection.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.cases.calendar import working_calendar
from api.cases.categories import shipped_edition
from api.cases.commands import everywhere
from api.cases.importing import import_orders
from api.cases.orders import read_orders
from api.database import Store
from tests.api.cases.desk import LAT, LON, open_desk, publish
from tests.api.place import SIDE_DEG, draw_community
from tests.bench.cases_load import COLUMNS, ROWS, fill
from tests.bench.fresh_store import fresh_store

HEADS = ("工单编号", "小类代码", "诉求内容", "地址", "经度", "纬度", "来电时间")
SAID = (
    "垃圾堆放在路口，请清理",
    "下水道盖板破损，有安全隐患，希望尽快处理",
    "路灯不亮",
    "电动车占用消防通道，多次反映无人管",
)
CLASSES = ("E0102", "E0104", "E0105")
FIRST = datetime(2026, 1, 5)
_TICKS = os.sysconf("SC_CLK_TCK")


def write_orders(path: Path, n: int, turn: int) -> None:
    """Write orders that no other turn has: a tenth without a point, one in fifty to be masked."""
    chance = random.Random(turn)
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(HEADS)
        for at in range(n):
            said = chance.choice(SAID) + ("，电话13812345678" if at % 50 == 0 else "")
            point = ("", "") if at % 10 == 0 else (
                f"{LON + chance.random() * COLUMNS * SIDE_DEG:.7f}",
                f"{LAT + 0.1 + chance.random() * ROWS * SIDE_DEG:.7f}",
            )  # fmt: skip
            when = FIRST + timedelta(seconds=chance.randrange(300 * 86_400))
            number = f"SX{turn}{chance.randrange(10**9):09d}{at}"
            address = f"朝阳路{chance.randrange(1, 400)}号"
            sheet.writerow((number, chance.choice(CLASSES), said, address, *point, f"{when:%F %T}"))


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Clock:
    """Wall, own CPU and backend CPU of the parts of an import, in seconds."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[float, float, float]] = {}
        self.backend: int | None = None

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what happens within to a part."""
        before = self._now()
        yield
        self.parts[name] = tuple(b - a for a, b in zip(before, self._now(), strict=True))  # type: ignore[assignment]

    def _now(self) -> tuple[float, float, float]:
        return time.monotonic(), time.process_time(), cpu_of(self.backend) if self.backend else 0.0


def bring(store: Store, path: Path) -> tuple[Clock, int]:
    """Import a file; return its times and how many orders were filed."""
    edition, calendar, clock = shipped_edition(), working_calendar(), Clock()
    with clock.part("read and mask"):
        orders = read_orders(path, edition, calendar)
    with everywhere(store, "dispatcher") as session:
        clock.backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with clock.part("place, send, file"):
            came = import_orders(
                session, orders, edition, calendar, channel="12345", area="320924001", report=lambda *_: None
            )
        with clock.part("commit"):
            session.commit()
    return clock, came.added


def measure(store: Store, folder: Path, n: int, stored: int, times: int) -> None:
    """Import and print the table."""
    desk = open_desk(store)
    big = draw_community(store, "320924001002", [[10] * COLUMNS for _ in range(ROWS)], lon=LON, lat=LAT + 0.1,
                         above=desk.street)  # fmt: skip
    publish(store, big)
    if stored:
        fill(store, stored)
    runs = []
    for turn in range(times):
        path = folder / f"orders{turn}.csv"
        write_orders(path, n, turn)
        clock, added = bring(store, path)
        if added != n:
            raise SystemExit(f"{n:,} orders brought, {added:,} filed")
        runs.append(clock.parts)
    with Session(store.owner) as session:
        there = session.execute(text("SELECT count(*) FROM cases WHERE channel = '12345'")).scalar_one()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"load {load}; {os.cpu_count()} cores; {stored:,} stored before; {n:,} orders, median of {times}\n")
    print("| part | wall s | own CPU s | backend CPU s |\n|---|---|---|---|")
    middle = {name: [statistics.median(run[name][of] for run in runs) for of in range(3)] for name in runs[0]}
    for name, (wall, own, backend) in middle.items():
        print(f"| {name} | {wall:.2f} | {own:.2f} | {backend:.2f} |")
    whole = statistics.median(sum(part[0] for part in run.values()) for run in runs)
    print(f"\n{n / whole:,.0f} orders/s; filed {n * times:,}, missing {n * times - there}")


def main() -> None:
    """Make a cluster, measure, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--stored", type=int, default=0, help="cases that are stored before")
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    with fresh_store() as fresh:
        measure(fresh.store, fresh.folder, arguments.orders, arguments.stored, arguments.times)


if __name__ == "__main__":
    main()
