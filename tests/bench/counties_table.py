"""A province planned county by county, as a table: CPU seconds a household, memory of the workers.

    python tests/bench/counties_table.py --yardstick FOLDER --counties 1 10 --households 1000000 --workers 2

Each county is a city of the yardstick (seeds from 101) in GeoParquet. A Dask cluster of so many workers on
this machine makes their plans through `weige counties --scheduler`. CPU seconds are those of the workers from
reading to writing, as `summary.json` tells them; kernels are compiled before. Memory is the highest of each.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

KINDS = ("units", "communities", "roads", "water", "compounds")


def write_county(folder: Path, households: int, seed: int) -> None:
    """Write a city of the yardstick as the layers of a county."""
    import citygen

    city = citygen.make_city(households, seed)
    folder.mkdir(parents=True)
    for kind in KINDS:
        frame = getattr(city, kind)
        for column in [name for name in frame if name.endswith("_id")]:
            frame = frame.assign(**{column: frame[column].astype(str)})
        categories = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
        frame.astype(dict.fromkeys(categories, str)).to_parquet(folder / f"{kind}.parquet", index=False)


def peak_mb() -> float:
    """Highest memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def planned(cluster: Any, given: Path, into: Path) -> dict[str, Any]:
    """Plan the counties of a folder on a cluster and return what the command told."""
    command = [sys.executable, "-m", "api.cli", "counties", str(given), "-o", str(into)]
    done = subprocess.run(
        [*command, "--scheduler", cluster.scheduler_address, "--json", "--quiet"],
        check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def row(folder: Path, given: list[Path], workers: int) -> str:
    """Plan some counties on a fresh cluster and return their line."""
    from distributed import Client, LocalCluster

    some = folder / f"in-{len(given)}"
    some.mkdir()
    for each in given:
        (some / each.name).symlink_to(each)
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        for turn in range(2 * workers):
            planned(cluster, folder / "small", folder / f"small-{len(given)}-{turn}")
        started = time.monotonic()
        told = planned(cluster, some, folder / f"out-{len(given)}")
        wall_s = time.monotonic() - started
        peaks = ", ".join(f"{peak:,.0f}" for peak in sorted(client.run(peak_mb).values()))
    cells = (
        f"{told['counties']}", f"{told['households']:,}", f"{told['micro_grids']:,}",
        f"{told['out_of_band']:,}", f"{told['not_proved']}", f"{told['cpu_s']:.1f}",
        f"{1e6 * told['cpu_s'] / told['households']:.1f}", f"{wall_s:.1f}", peaks,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the counties, plan them, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--yardstick", required=True, help="folder of citygen.py")
    parser.add_argument("--counties", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--households", type=int, default=1_000_000, help="of each county")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    sys.path.insert(0, asked.yardstick)
    heads = "counties|households|grids|out of band|not proved|CPU s|CPU µs/household|wall s|MB a worker"
    print(f"|{heads}|")
    print("|---" * (heads.count("|") + 1) + "|", flush=True)
    with tempfile.TemporaryDirectory(prefix="weige-") as name:
        folder = Path(name)
        write_county(folder / "small" / "county=0", 5_000, 1)
        counties = [folder / f"county={number:04}" for number in range(max(asked.counties))]
        for n in asked.counties:
            for number, county in enumerate(counties[:n]):
                if not county.exists():
                    write_county(county, asked.households, 101 + number)
            print(row(folder, counties[:n], asked.workers), flush=True)


if __name__ == "__main__":
    main()
