"""`weige plan --alternatives` as people use it: files beside each other, what each is good at, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest

from geo.alternatives import pairs_apart
from geo.metrics import id_codes
from geo.synthetic import write_sample
from tests.api.test_cli import weige
from tests.maps.test_meeting import settings_of


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    layers = write_sample(tmp_path_factory.mktemp("layers"))
    kinds = ("units", "communities", "roads", "water", "barriers", "gates", "compounds")
    return [part for kind in kinds for part in (f"--{kind}", layers[kind])]


def test_each_plan_has_its_file_and_a_map_beside_the_first(given, tmp_path: Path):
    done = weige(
        "plan", *given, "-o", tmp_path / "plan.gpkg", "--map", tmp_path / "map.html",
        "--alternatives", 3, "--effort", "fast", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["alternatives"]

    assert [Path(one["plan"]).name for one in told] == ["plan.gpkg", "plan-2.gpkg", "plan-3.gpkg"]
    grids = [gpd.read_file(one["plan"], layer="units").set_index("unit_id")["grid_id"] for one in told]
    for one, grid in zip(told, grids, strict=True):
        assert grid.notna().all()
        assert one["micro_grids"] == grid.nunique()
        first, other = (id_codes(codes.loc[grid.index].to_numpy())[0] for codes in (grids[0], grid))
        assert one["apart"] == pytest.approx(pairs_apart(first, other), abs=1e-4)
        changes = settings_of(Path(one["map"]).read_text(encoding="utf-8")).get("changes")
        assert (changes is not None) == (one is not told[0])


def test_people_read_what_each_is_good_at(given, tmp_path: Path):
    options = ("--alternatives", 9, "--effort", "fast", "--lang", "en")
    done = weige("plan", *given, "-o", tmp_path / "plan.gpkg", *options)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    told = lines[lines.index("Alternatives, equal in band, each best at something:") + 1 :]
    plans = [line for line in told if line.startswith("  plan")]
    assert len(plans) == len(list(tmp_path.glob("plan*.gpkg")))
    assert "differs from the first in" not in plans[0]
    assert all("differs from the first in" in line for line in plans[1:])
    if len(plans) < 9:
        assert told[-1] == f"  Only {len(plans)} plans truly differ (9 were asked for)"


def test_what_cannot_be_is_refused_before_any_work(given, tmp_path: Path):
    done = weige("plan", *given, "-o", tmp_path / "plan.gpkg", "--alternatives", 1, "--lang", "en")
    assert (done.returncode, done.stderr.strip()) == (
        2,
        "weige: there can be 2 to 9 alternatives, not 1; give a number from 2 to 9",
    )

    # The second plan would replace the units.
    units = gpd.read_file(given[1])
    units.to_file(tmp_path / "plan-2.gpkg", layer="units")
    own = ["--units", tmp_path / "plan-2.gpkg", *given[2:]]
    done = weige("plan", *own, "-o", tmp_path / "plan.gpkg", "--alternatives", 2, "--lang", "en")
    assert done.returncode == 2
    assert "plan-2.gpkg" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "plan.gpkg").exists()
