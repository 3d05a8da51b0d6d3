"""The command line as people use it: in a process of its own, on files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
import shapely

WEIGE = [sys.executable, "-m", "api.cli"]
ROOT = Path(__file__).parents[2]


def weige(
    *arguments: object, cwd: Path | None = None, lang: str = "C.UTF-8"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": lang, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    return subprocess.run(
        [*WEIGE, *map(str, arguments)],
        capture_output=True, text=True, timeout=240, env=environment, cwd=cwd or ROOT, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    """A community of 60 houses of 10 households, in two files."""
    folder = tmp_path_factory.mktemp("town")
    spots = [(x, y) for x in range(10) for y in range(6)]
    houses = [
        shapely.box(462_000 + 30 * x, 3_542_000 + 30 * y, 462_015 + 30 * x, 3_542_015 + 30 * y)
        for x, y in spots
    ]
    units = gpd.GeoDataFrame(
        {"unit_id": [f"{x}-{y}" for x, y in spots], "households": 10}, geometry=houses, crs="EPSG:4549"
    )
    units.to_file(folder / "town.gpkg", layer="units")
    community = gpd.GeoDataFrame(
        {"community_id": ["321181001001"], "name": ["凤凰"]},
        geometry=[shapely.box(461_990, 3_541_990, 462_300, 3_542_180)],
        crs="EPSG:4549",
    )
    community.to_file(folder / "town.gpkg", layer="communities")
    return folder


def layer(town: Path, name: str) -> str:
    return f"{town / 'town.gpkg'}:{name}"


def plan_of(town: Path, output: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return weige(
        "plan",
        "--units",
        layer(town, "units"),
        "--communities",
        layer(town, "communities"),
        "-o",
        output,
        *more,
    )


def test_plan_writes_every_layer_and_says_how_it_went(town, tmp_path):
    done = plan_of(town, tmp_path / "plan.gpkg", "--lang", "en")

    assert (done.returncode, done.stderr) == (0, "")
    assert "600 households" in done.stdout
    names = {name for name, _ in pyogrio.list_layers(tmp_path / "plan.gpkg")}
    assert names == {
        "micro_grids", "units", "cells", "communities", "roads", "water", "barriers", "compounds", "gates",
        "findings", "adjacency", "run",
    }  # fmt: skip
    grids = gpd.read_file(tmp_path / "plan.gpkg", layer="micro_grids")
    assert list(grids.columns) == [
        "grid_id", "community_id", "name", "kind", "households", "units", "status", "reason", "area_m2",
        "perimeter_m", "compactness", "geometry",
    ]  # fmt: skip
    assert grids["households"].between(50, 100).all()
    assert grids["households"].sum() == 600
    assert grids["grid_id"].tolist() == [f"321181001001{k:03}" for k in range(1, len(grids) + 1)]
    assert grids.crs == "EPSG:4549"
    units = gpd.read_file(tmp_path / "plan.gpkg", layer="units")
    assert set(units["grid_id"]) == set(grids["grid_id"])
    assert units.geometry.geom_equals_exact(
        gpd.read_file(town / "town.gpkg", layer="units").geometry, 1e-6
    ).all()
    run = pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="run").iloc[0]
    assert json.loads(run["options"]) == {"crs": None, "id": None, "fields": {}}
    sources = json.loads(run["inputs"])
    assert [source["kind"] for source in sources] == ["units", "communities"]
    assert all(len(source["sha256"]) == 64 for source in sources)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]


def test_the_same_plan_comes_out_twice_and_replaces_the_old_file(town, tmp_path):
    output = tmp_path / "plan.gpkg"
    output.write_text("not a plan")
    assert plan_of(town, output).returncode == 0
    one = gpd.read_file(output, layer="units")
    assert plan_of(town, output).returncode == 0

    assert gpd.read_file(output, layer="units")["grid_id"].tolist() == one["grid_id"].tolist()


def test_json_goes_to_stdout_for_scripts(town, tmp_path):
    done = plan_of(town, tmp_path / "plan.gpkg", "--json")

    told = json.loads(done.stdout)
    assert told["households"] == 600
    assert told["micro_grids"] == told["ok"]
    assert told["out_of_band"] == []


def test_messages_follow_the_locale_and_lang_wins(town, tmp_path):
    chinese = weige(
        "plan",
        "--units",
        "no.gpkg",
        "--communities",
        "no.gpkg",
        "-o",
        tmp_path / "p.gpkg",
        lang="zh_CN.UTF-8",
    )
    english = weige(
        "plan", "--units", "no.gpkg", "--communities", "no.gpkg", "-o", tmp_path / "p.gpkg", "--lang", "en",
        lang="zh_CN.UTF-8",
    )  # fmt: skip

    assert chinese.returncode == english.returncode == 2
    assert "文件" in chinese.stderr
    assert english.stderr.isascii()
    assert len(chinese.stderr.splitlines()) == len(english.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan"], "units"),
        (["plan", "--units", "a.gpkg", "--communities", "b.gpkg", "-o", "p.gpkg", "--min", "x"], "--min"),
        (
            [
                "plan",
                "--units",
                "a.gpkg",
                "--communities",
                "b.gpkg",
                "-o",
                "p.gpkg",
                "--min",
                "80",
                "--max",
                "60",
            ],
            "80",
        ),
        (["plan", "--units", "a.gpkg", "--communities", "b.gpkg", "-o", "plan.shp"], "plan.shp"),
        (["plan", "--units", "a.gpkg", "--communities", "b.gpkg", "-o", "nowhere/plan.gpkg"], "nowhere"),
        (["plan", "--units", "a.gpkg", "--communities", "b.gpkg", "-o", "a.gpkg"], "a.gpkg"),
        (
            ["plan", "--units", "a.gpkg", "--communities", "b.gpkg", "-o", "p.gpkg", "--field", "households"],
            "--field",
        ),
        (["plan", "--units", "a.gpkg", "--communities", "b.gpkg", "-o", "p.gpkg", "--lang", "fr"], "--lang"),
        (["check", "--units", "a.gpkg", "--grids", "b.gpkg", "-o", "findings.doc"], "findings.doc"),
        (["map", "plan.gpkg", "-o", "map.png"], "map.png"),
        (["draw"], "draw"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, said, tmp_path):
    done = weige(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def drawn(town) -> str:
    """Two hand-drawn grids of 400 and 200 households, one drawn over the other by a house."""
    grids = gpd.GeoDataFrame(
        {"grid_id": ["A", "B"]},
        geometry=[
            shapely.box(461_990, 3_541_990, 462_195, 3_542_180),
            shapely.box(462_190, 3_541_990, 462_300, 3_542_180),
        ],
        crs="EPSG:4549",
    )
    grids.to_file(town / "town.gpkg", layer="grids")
    return layer(town, "grids")


def test_check_flags_grids_too_large_and_proposes_how_to_split_them(town, drawn, tmp_path):
    done = weige("check", "--units", layer(town, "units"), "--grids", drawn,
                 "--communities", layer(town, "communities"),
                 "-o", tmp_path / "findings.xlsx", "--lang", "en")  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert "more than 100" in done.stdout
    sheets = openpyxl.load_workbook(tmp_path / "findings.xlsx").worksheets
    assert [sheet.title for sheet in sheets] == [
        "Findings", "Remedies", "Grids", "Communities", "Summary",
    ]  # fmt: skip
    texts = [str(cell.value) for row in sheets[0].iter_rows() for cell in row]
    assert any("plit" in words for words in texts)


def test_check_strict_ends_with_1_only_where_a_rule_is_broken(town, drawn, tmp_path):
    units = layer(town, "units")
    assert plan_of(town, tmp_path / "plan.gpkg").returncode == 0

    assert weige("check", "--units", units, "--grids", drawn, "--strict").returncode == 1
    good = f"{tmp_path / 'plan.gpkg'}:micro_grids"
    assert weige("check", "--units", units, "--grids", good, "--strict").returncode == 0


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_check_writes_tables_too(town, drawn, tmp_path, suffix):
    output = tmp_path / f"findings.{suffix}"
    done = weige("check", "--units", layer(town, "units"), "--grids", drawn, "-o", output)

    assert done.returncode == 0
    content = output.read_text("utf-8-sig")
    assert ("too_large" if suffix == "json" else "too large") in content
    if suffix == "json":
        assert json.loads(content)


def test_check_takes_a_table_of_units_and_grids_and_draws_them(town, tmp_path):
    units = gpd.read_file(town / "town.gpkg", layer="units")
    rows = [f"{unit},{'W' if int(unit.split('-')[0]) < 5 else 'E'}" for unit in units["unit_id"]]
    (tmp_path / "grids.csv").write_text("unit_id,grid_id\n" + "\n".join(rows[:-1]) + "\n")
    done = weige(
        *("check", "--units", layer(town, "units"), "--communities", layer(town, "communities")),
        *("--grids", tmp_path / "grids.csv", "--map", tmp_path / "m.html", "--json"),
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["too_large"] == 2
    assert told["findings"]["error"] >= 3  # one house is in no grid
    assert "<html" in (tmp_path / "m.html").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grids.csv", "m.html"]


def test_households_that_no_grid_serves_are_counted_and_break_a_rule(town, tmp_path):
    homes = gpd.read_file(town / "town.gpkg", layer="communities")
    homes.geometry = [shapely.box(461_990, 3_541_990, 462_205, 3_542_180)]  # the last 3 columns lie outside
    homes.to_file(tmp_path / "homes.gpkg", layer="communities")
    sources = ("--units", layer(town, "units"), "--communities", tmp_path / "homes.gpkg", "--lang", "en")
    planned = weige("plan", *sources, "-o", tmp_path / "plan.gpkg", "--quiet")
    assert planned.returncode == 0
    assert "600 households" in planned.stdout
    assert "420 households in grids; 180 in no grid, 180 of them outside all communities" in planned.stdout

    grids = f"{tmp_path / 'plan.gpkg'}:micro_grids"
    strict = weige("check", *sources, "--grids", grids, "--strict", "--json", "--quiet")
    assert strict.returncode == 1
    told = json.loads(strict.stdout)
    assert told["households"] == 600
    assert told["households_in_grids"] == 420
    assert told["households_left_out"] == told["households_outside_communities"] == 180
    assert told["findings"]["error"] == 1


def test_a_table_with_a_unit_in_two_grids_is_refused_in_one_line(town, tmp_path):
    (tmp_path / "grids.csv").write_text("unit_id,grid_id\n0-0,W\n0-0,E\n")
    done = weige(
        "check", "--units", layer(town, "units"), "--grids", tmp_path / "grids.csv", "--lang", "zh_CN"
    )

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert all(named in done.stderr for named in ("grids.csv", "0-0", "E, W"))


def test_units_of_a_table_that_nobody_knows_are_told(town, tmp_path):
    (tmp_path / "grids.csv").write_text("unit_id,grid_id\n0-0,W\n77-1,W\n77-2,W\n")
    done = weige("check", "--units", layer(town, "units"), "--grids", tmp_path / "grids.csv", "--lang", "en",
                 "--map", tmp_path / "m.html")  # fmt: skip

    assert done.returncode == 0
    assert "Of 3 units in the table, 2 are not in the layer of units: 77-1 and 77-2." in done.stderr


def test_demo_writes_its_four_things_and_nothing_else(tmp_path):
    done = weige("demo", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["weige-demo"]
    made = sorted(path.name for path in (tmp_path / "weige-demo").iterdir())
    assert made == ["findings.xlsx", "layers", "map.html", "plan.gpkg"]
    grids = gpd.read_file(tmp_path / "weige-demo" / "plan.gpkg", layer="micro_grids")
    assert (grids["status"] == "ok").mean() > 0.8
    assert set(grids.loc[grids["status"] != "ok", "grid_id"]) <= set(
        gpd.read_file(tmp_path / "weige-demo" / "plan.gpkg", layer="findings")["grid_id"]
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_ctrl_c_ends_with_130_and_leaves_nothing(tmp_path):
    corners = [(462_000 + 30 * x, 3_542_000 + 30 * y) for x in range(100) for y in range(80)]
    houses = [shapely.box(x, y, x + 15, y + 15) for x, y in corners]
    units = gpd.GeoDataFrame(
        {"unit_id": [str(k) for k in range(len(houses))], "households": 7}, geometry=houses, crs="EPSG:4549"
    )
    layers, output = tmp_path / "layers", tmp_path / "out"
    layers.mkdir()
    output.mkdir()
    units.to_file(layers / "units.gpkg")
    outline = shapely.box(461_990, 3_541_990, 465_000, 3_544_400)
    gpd.GeoDataFrame({"community_id": ["1"]}, geometry=[outline], crs="EPSG:4549").to_file(layers / "c.gpkg")
    running = subprocess.Popen(
        [*WEIGE, "plan", "--units", layers / "units.gpkg", "--communities", layers / "c.gpkg",
         "-o", output / "plan.gpkg"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # What is started in the background of a shell would ignore Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    # The command has begun once it has used more time than starting Python takes; 8,000 units take far more.
    while running.poll() is None and cpu_seconds(running.pid) < 2.5:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)

    assert running.returncode == 130
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    assert list(output.iterdir()) == []
