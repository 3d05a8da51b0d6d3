"""Reach of a whole city as a table: `weige reach` on a plan file of one of the yardstick's cities.

    python tests/bench/reach_table.py --yardstick DIR [--households 1000000] [--stations 2000] [--keep DIR]

The plan file has the layers of a plan, with compounds for micro-grids: who is reached does not depend on how
grids are cut. Walls of that city have no gates, so that hardly anyone behind one reaches a station: `--open`
takes the walls away. `noding` and `walks` are CPU seconds of these two steps by themselves, in this process;
the last three columns are of the command in a process of its own: CPU and wall seconds, and peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from geo.boundaries import region_polygons
from geo.plan_layers import PlanLayers, read_plan_layers
from geo.planning import inner_points, stand
from geo.reach import METRES_PER_MINUTE, walks
from geo.reached import paths_of
from maps.plan_file import write_frames

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = (
    "households | units | stations | noding CPU s | walks CPU s | command CPU s | command wall s | peak MiB"
)


def plan_file(folder: Path, households: int, stations: int, seed: int, *, is_open: bool) -> None:
    """Write plan.gpkg and stations.csv of a city; its compounds with walls, or all open."""
    import citygen

    from tests.geo.test_cities import layers_of

    layers = layers_of(citygen.make_city(households, seed))
    ground = stand(layers)
    units = layers.units.iloc[ground.order].reset_index(drop=True)
    group = units["community_id"].fillna("") + "/" + units["compound_id"].fillna("").astype(str)
    code, names = pd.factorize(group, sort=True)
    n = ground.arcs.n_units
    cells = np.full(len(ground.arcs.cell_community), -1)
    grids = cells.copy()
    cells[:n], grids[:n] = np.arange(n), code
    crs = layers.working_crs
    polygons = region_polygons(ground.arcs, grids, len(names))
    own = region_polygons(ground.arcs, cells, n)
    there = ~shapely.is_missing(own)
    total = np.bincount(code, ground.households, len(names)).astype(np.int64)
    frames = {
        "micro_grids": gpd.GeoDataFrame(
            {"grid_id": names, "households": total, "status": "ok"}, geometry=polygons, crs=crs
        ),
        "units": units.assign(grid_id=np.asarray(names)[code]),
        "cells": gpd.GeoDataFrame({"unit_id": ground.unit_ids[there]}, geometry=own[there], crs=crs),
        "communities": layers.communities_original.to_crs(crs),
        **{name: getattr(layers, name) for name in ("roads", "water", "barriers", "compounds", "gates")},
    }
    if is_open:
        frames["compounds"] = frames["compounds"].assign(walled=False)
    write_frames({name: frame for name, frame in frames.items() if len(frame)}, folder / "plan.gpkg")
    doors = inner_points(units.geometry.to_numpy())
    chosen = np.sort(np.random.default_rng(seed).choice(len(doors), stations, replace=False))
    spots = gpd.GeoSeries(shapely.points(doors[chosen]), crs=crs).to_crs(4326)
    pd.DataFrame(
        {"station_id": [f"S{k}" for k in range(stations)], "name": "", "lon": spots.x, "lat": spots.y}
    ).assign(name=lambda frame: frame["station_id"]).to_csv(folder / "stations.csv", index=False)


def steps(layers: PlanLayers, stations: Path) -> tuple[float, float]:
    """Return the CPU seconds of noding the streets and of the walks."""
    table = pd.read_csv(stations)
    spots = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(layers.working_crs)
    start = time.process_time()
    paths = paths_of(layers)
    noded = time.process_time()
    walks(
        inner_points(layers.units.geometry.to_numpy()),
        shapely.get_coordinates(spots.to_numpy()),
        paths,
        limit_m=15 * METRES_PER_MINUTE,
    )
    return noded - start, time.process_time() - noded


def command(folder: Path) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak MiB of `weige reach`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "api.cli", "reach", folder / "plan.gpkg",
         "--stations", folder / "stations.csv", "-o", folder / "reach.gpkg"],
        check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, after.ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yardstick", required=True, help="folder with citygen.py")
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--stations", type=int, default=2_000)
    parser.add_argument("--open", action="store_true", help="compounds without walls: more to walk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files; made once and used again")
    options = parser.parse_args()
    sys.path.insert(0, options.yardstick)
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "plan.gpkg").exists():
            plan_file(folder, options.households, options.stations, options.seed, is_open=options.open)
        # In a process that did nothing else, so that the peak is the command's own.
        cpu, wall, peak = command(folder)
        kinds = ("units", "communities", "roads", "water", "barriers", "compounds", "gates")
        stored = set(gpd.list_layers(folder / "plan.gpkg")["name"])
        layers = read_plan_layers(
            {kind: f"{folder / 'plan.gpkg'}:{kind}" for kind in kinds if kind in stored}  # type: ignore[misc]
        )
        noding, walked = steps(layers, folder / "stations.csv")
    print(f"| {COLUMNS} |")
    print("|" + "---|" * (COLUMNS.count("|") + 1))
    cells = (
        f"{int(layers.units['households'].sum()):,}", f"{len(layers.units):,}", f"{options.stations:,}",
        f"{noding:.1f}", f"{walked:.1f}", f"{cpu:.1f}", f"{wall:.1f}", f"{peak:,.0f}",
    )  # fmt: skip
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
