"""`weige counties`: the same plans wherever they are made, what is refused, and workers that end."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from geo.layers import LayerKind
from geo.partition import Band
from geo.synthetic import sample_city
from maps import counties
from maps.counties import counties_of, plan_county
from tests.api.test_commands import ROOT, refused, weige

KINDS: tuple[LayerKind, ...] = ("units", "communities", "roads", "water", "barriers", "gates", "compounds")


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three counties: a whole sample town, one of its communities, and two others."""
    folder = tmp_path_factory.mktemp("province")
    city = sample_city()
    layers: dict[LayerKind, gpd.GeoDataFrame] = {kind: getattr(city, kind) for kind in KINDS}
    names = sorted(layers["communities"]["community_id"])
    for county, kept in (("320706", names), ("320707", names[:1]), ("320708", names[1:3])):
        own = folder / "in" / f"county={county}"
        own.mkdir(parents=True)
        within = layers["communities"][layers["communities"]["community_id"].isin(kept)]
        ground = within.union_all()
        for kind, frame in layers.items():
            if kind == "communities":
                part = within
            elif kind == "units":
                part = frame[frame.representative_point().within(ground)]
            else:
                part = frame[frame.intersects(ground)]
            part.to_parquet(own / f"{kind}.parquet", index=False)
    return folder / "in"


def digests(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("county=*/*.parquet"))
    return {str(each.relative_to(folder)): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.fixture(scope="module")
def alone(province: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Planned by one process."""
    into = tmp_path_factory.mktemp("alone") / "out"
    done = weige("counties", str(province), "-o", str(into), "--jobs", "1", "--json")
    assert done.returncode == 0, done.stderr
    return into, json.loads(done.stdout)


def test_every_county_is_planned_and_the_sums_are_those_of_the_files(
    province: Path, alone: tuple[Path, dict[str, Any]]
):
    into, told = alone
    assert next(county.name for county in counties_of(province)) == "county=320706"  # the largest
    grids = [gpd.read_parquet(each) for each in sorted(into.glob("county=*/micro_grids.parquet"))]
    assert (told["counties"], told["micro_grids"]) == (3, sum(len(frame) for frame in grids))
    assert told["households"] == sum(int(frame["households"].sum()) for frame in grids)
    assert told["refused"] == []
    units = gpd.read_parquet(into / "county=320706" / "units.parquet")
    assert set(units["grid_id"]) - {None} <= set(grids[0]["grid_id"])
    assert json.loads((into / "summary.json").read_text("utf-8")) == told


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_and_what_is_there_stays(
    province: Path, alone: tuple[Path, dict[str, Any]], tmp_path: Path
):
    into = tmp_path / "out"
    done = weige("counties", str(province), "-o", str(into), "--jobs", "2", "--quiet")
    assert done.returncode == 0, done.stderr
    assert digests(into) == digests(alone[0])

    assert "already" in refused(weige("counties", str(province), "-o", str(into), "--lang", "en"))
    for file in (into / "county=320707").iterdir():
        file.unlink()
    (into / "county=320707").rmdir()
    (into / ".county=320707-cut off").mkdir()
    again = weige("counties", str(province), "-o", str(into), "--resume", "--jobs", "1", "--json")
    told = json.loads(again.stdout)
    assert (told["counties"], told["kept"]) == (1, 2)
    assert digests(into) == digests(alone[0])
    assert not list(into.glob(".county=*"))


def test_a_county_whose_layers_cannot_be_read_is_told_and_the_others_are_planned(
    province: Path, tmp_path: Path
):
    for county in ("county=320707", "county=320708"):
        (tmp_path / "in" / county).mkdir(parents=True)
        for file in (province / county).iterdir():
            (tmp_path / "in" / county / file.name).write_bytes(file.read_bytes())
    broken = tmp_path / "in" / "county=320708" / "units.parquet"
    units = gpd.read_parquet(broken)
    units.drop(columns="households").to_parquet(broken, index=False)
    done = weige(
        "counties", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1", "--json", "--lang", "en"
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["counties"] == 1
    [one] = told["refused"]
    assert (one["county"], one["community"]) == ("county=320708", "")
    assert "units.parquet" in one["why"]
    assert "households" in one["why"]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "county=320708").exists()


def test_a_community_that_cannot_be_planned_is_left_out_and_the_others_are_as_ever(
    province: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    poisoned = "320706001001"
    real = counties.plan

    def plan(layers: Any, **how: Any) -> Any:
        if poisoned in set(layers.communities["community_id"]):
            raise ZeroDivisionError("as if the engine had a fault")
        return real(layers, **how)

    monkeypatch.setattr(counties, "plan", plan)
    county = next(each for each in counties_of(province) if each.name == "county=320706")
    names = set(gpd.read_parquet(dict(county.sources)["communities"])["community_id"])
    assert poisoned in names
    made = plan_county(county, into=tmp_path, band=Band(), seed=0)
    assert [(one.community, str(one.error)) for one in made.refused] == [
        (poisoned, "ZeroDivisionError: as if the engine had a fault")
    ]
    grids = gpd.read_parquet(tmp_path / "county=320706" / "micro_grids.parquet")
    assert set(grids["community_id"]) == names - {poisoned}
    units = gpd.read_parquet(tmp_path / "county=320706" / "units.parquet")
    assert units["grid_id"].notna().all()
    assert shapely.is_valid(grids.geometry.to_numpy()).all()


# A Dask cluster of two workers; the first that is at work is killed.
CLUSTER = """
import os, signal, sys, time
from distributed import Client, LocalCluster
if __name__ == "__main__":
    two = dict(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with LocalCluster(**two) as cluster, Client(cluster) as client:
        print(cluster.scheduler_address, flush=True)
        while not (busy := [name for name, keys in client.processing().items() if keys]):
            time.sleep(0.02)
        (pid,) = client.run(os.getpid, workers=busy[:1]).values()
        os.kill(pid, signal.SIGKILL)
        print("killed", flush=True)
        sys.stdin.read()
"""


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed_in_the_middle_gives_the_same_bytes(
    province: Path, alone: tuple[Path, dict[str, Any]], tmp_path: Path
):
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as cluster:  # fmt: skip
        assert cluster.stdout is not None
        try:
            address = cluster.stdout.readline().strip()
            assert address.startswith("tcp://")
            into = tmp_path / "out"
            done = weige("counties", str(province), "-o", str(into), "--scheduler", address, "--quiet")
            assert done.returncode == 0, done.stderr
            assert cluster.stdout.readline() == "killed\n"
        finally:
            cluster.kill()
    assert digests(into) == digests(alone[0])


def test_bad_folders_get_one_line(tmp_path: Path):
    assert "county=" in refused(weige("counties", str(tmp_path), "-o", str(tmp_path / "o"), "--lang", "en"))
    (tmp_path / "county=1").mkdir()
    line = refused(weige("counties", str(tmp_path), "-o", str(tmp_path / "o"), "--lang", "en"))
    assert "units.parquet is missing" in line
    assert not (tmp_path / "o").exists()
