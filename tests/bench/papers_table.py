"""What is printed and tabled, as a Markdown table: the atlas of a city, and the workbook of a year of cases.

    python tests/bench/papers_table.py [--cases 1000000]

The atlas is of 35 communities and 400 micro-grids. The workbook is made of a fiftieth of the cases first: its
peak of memory must not grow with them. Each command runs in a process of its own; CPU seconds and peak are of
that process, its libraries with them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.maps.sample_plan import incidents, plan_frames, write_plan

ROOT = Path(__file__).resolve().parents[2]
# Rows that are written again and again under numbers of their own: made one by one, a million take minutes.
PATTERN = 10_000
# The peak that the system tells its parent begins with what the parent held.
MEASURED = """
import json, resource, sys
from api.cli import main
sys.argv = ["weige", *sys.argv[1:]]
try:
    main()
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    sys.stderr.write("\\n" + json.dumps([usage.ru_utime + usage.ru_stime, peak]) + "\\n")
"""


def run(*arguments: object) -> tuple[float, float]:
    """Run a command; return its CPU seconds and its peak of memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments), "--quiet"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    cpu_s, peak = json.loads(done.stderr.strip().splitlines()[-1])
    return cpu_s, peak


def write_cases(path: Path, rows: list[dict[str, object]], count: int) -> None:
    """Write so many cases, the rows again and again."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for number in range(count):
            writer.writerow({**rows[number % len(rows)], "case_id": f"C{number:07}"})


def main() -> None:
    """Make the inputs, run the commands, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| what | pages or rows | CPU s | peak, MiB | file, MB |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="weige-") as name:
        folder = Path(name)
        frames = plan_frames(160, 120, grid_columns=20, grid_rows=20)
        plan, atlas = write_plan(folder / "plan.gpkg", frames), folder / "atlas.pdf"
        cpu_s, peak = run("atlas", plan, "-o", atlas)
        with pypdfium2.PdfDocument(atlas) as document:
            pages = len(document)
        assert pages == 1 + len(frames["communities"]) + len(frames["micro_grids"])
        print(
            f"| atlas | {pages} | {cpu_s:.1f} | {peak:.0f} | {atlas.stat().st_size / 1e6:.1f} |", flush=True
        )
        rows = incidents(frames, PATTERN)
        for count in (asked.cases // 50, asked.cases):
            table, book = folder / "cases.csv", folder / "book.xlsx"
            write_cases(table, rows, count)
            cpu_s, peak = run("workbook", table, "-o", book)
            size = book.stat().st_size / 1e6
            print(f"| workbook | {count:,} | {cpu_s:.1f} | {peak:.0f} | {size:.1f} |", flush=True)


if __name__ == "__main__":
    main()
