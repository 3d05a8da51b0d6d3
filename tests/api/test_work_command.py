"""`weige plan --work`: a second weight of the units, even among the grids in band, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from geo.synthetic import write_sample
from tests.api.test_cli import weige

COLUMN = "独居老人"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    folder = tmp_path_factory.mktemp("layers")
    layers = write_sample(folder)
    units = gpd.read_file(layers["units"])
    units[COLUMN] = np.random.default_rng(3).poisson(units["households"] * 0.1)
    units["note"] = "x"
    units.to_file(folder / "work.gpkg", layer="units")
    kinds = ("communities", "roads", "water", "barriers", "gates", "compounds")
    others = [part for kind in kinds for part in (f"--{kind}", layers[kind])]
    return ["--units", folder / "work.gpkg", *others]


def spread_of(plan: Path) -> tuple[gpd.GeoDataFrame, float]:
    """The grids, and how far what those in band have to do lies from the mean, as a share of it."""
    units = gpd.read_file(plan, layer="units")
    grids = gpd.read_file(plan, layer="micro_grids").set_index("grid_id")
    load = units.groupby("grid_id")[COLUMN].sum().reindex(grids.index, fill_value=0)
    fits = load[grids["status"] == "ok"]
    return grids.assign(counted=load), float(fits.std() / fits.mean())


def test_work_is_more_even_than_without_and_told(given, tmp_path: Path):
    plain, even = tmp_path / "plain.gpkg", tmp_path / "even.gpkg"
    assert weige("plan", *given, "-o", plain, "--effort", "fast").returncode == 0
    done = weige("plan", *given, "-o", even, "--effort", "fast", "--work", COLUMN, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["work"]

    grids, after = spread_of(even)
    before_grids, before = spread_of(plain)
    assert after < 0.8 * before
    assert grids["work"].tolist() == grids["counted"].tolist()
    assert "work" not in before_grids
    fits = grids[grids["status"] == "ok"]["work"]
    assert told == {
        "column": COLUMN, "mean": round(fits.mean(), 3), "least": fits.min(), "most": fits.max(),
    }  # fmt: skip
    assert (grids["status"] == "ok").sum() == (before_grids["status"] == "ok").sum()
    run = gpd.read_file(even, layer="run")
    assert json.loads(run["options"].iloc[0])["work"] == COLUMN

    read = weige("plan", *given, "-o", even, "--effort", "fast", "--work", COLUMN, "--lang", "zh_CN")
    assert f"  {COLUMN}：户数适中的网格平均 {fits.mean():,.1f}" in read.stdout


@pytest.mark.parametrize(
    ("column", "named"),
    [("老人", "no column 老人; name one of"), ("note", "x is not a number from 0; give a number")],
)
def test_what_is_no_work_is_refused_in_one_line(given, tmp_path: Path, column: str, named: str):
    done = weige("plan", *given, "-o", tmp_path / "plan.gpkg", "--work", column, "--lang", "en")
    assert done.returncode == 2
    assert named in done.stderr
    assert "work.gpkg" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "plan.gpkg").exists()
