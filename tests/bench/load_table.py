"""Loading a large plan into a private PostGIS: seconds by stage, as a Markdown table.

    python tests/bench/load_table.py PLAN.gpkg

Wall-clock seconds, and CPU seconds of this process and of the database's process that serves it. The plan is
published in the same transaction. The cluster is made in a folder of its own and removed afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import date
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.database import Store
from api.loading import load_plan, read_timed
from tests.bench.fresh_store import fresh_store


def database_cpu_s(pid: int) -> float:
    """Return the CPU time of a process, its own and the kernel's for it."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def silent(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


def measure(plan_file: Path, store: Store) -> None:
    """Load the plan once and print the table."""
    started, cpu = time.perf_counter(), time.process_time()
    plan = read_timed(plan_file, silent)
    checking_s, checking_cpu_s = time.perf_counter() - started, time.process_time() - cpu
    with Session(store.owner) as session:
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        loaded = load_plan(session, plan, name="bench", valid_from=date(2026, 12, 1), report=silent)
        before_commit = time.perf_counter()
        session.commit()
        commit_s = time.perf_counter() - before_commit
        database_s = database_cpu_s(pid)
    print(f"{len(plan.communities):,} communities, {loaded.units:,} units, {loaded.grids:,} grids,")
    print(f"{int(plan.units['households'].sum()):,} households, {len(plan.pairs):,} pairs\n")
    print("| stage | s |\n|---|---|")
    for stage, seconds in {"checking": checking_s, **loaded.seconds, "commit": commit_s}.items():
        print(f"| {stage} | {seconds:.1f} |")
    print(f"| **all** | {time.perf_counter() - started:.1f} |")
    print(f"| CPU, checking | {checking_cpu_s:.1f} |")
    print(f"| CPU, all, here | {time.process_time() - cpu:.1f} |")
    print(f"| CPU, database | {database_s:.1f} |")


def main() -> None:
    """Make a cluster, load, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path)
    arguments = parser.parse_args()
    with fresh_store() as fresh:
        measure(arguments.plan, fresh.store)


if __name__ == "__main__":
    main()
