"""The command line as people use it: in a process of its own, on files."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
import typer

from api.cli import app
from maps.pack import unpack

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


def test_without_arguments_the_help_page_is_printed_as_it_is():
    done = weige()

    assert done.returncode == 2
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) > 10
    assert "\\n" not in done.stdout
    assert all(command in done.stdout for command in ("plan", "check", "rebalance", "map", "demo"))


def test_the_version_is_that_of_the_distribution():
    done = weige("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"weige {version('weige')}\n", "")


INPUTS = ["--units", "a.gpkg", "--communities", "b.gpkg", "-o", "p.gpkg"]


@pytest.mark.parametrize(
    ("arguments", "chinese", "english"),
    [
        (["plan"], "缺少选项 --units", "option --units is missing"),
        (["map", "-o", "m.html"], "缺少参数 PLAN", "argument PLAN is missing"),
        (["draw"], "没有 draw 这个命令", "there is no command draw"),
        (["maps"], "；是否指 map", "; did you mean map"),
        (["plan", *INPUTS, "--bogus"], "没有 --bogus 这个选项", "there is no option --bogus"),
        (
            ["plan", *INPUTS, "--sed", "1"],
            "没有 --sed 这个选项；是否指",
            "there is no option --sed; did you mean",
        ),
        (["plan", *INPUTS, "-x"], "没有 -x 这个选项", "there is no option -x"),
        (["plan", *INPUTS, "more"], "多余的参数：more", "unexpected argument: more"),
        (["plan", *INPUTS, "--min", "x"], "--min 须为整数", "--min must be a whole number"),
        (["plan", *INPUTS, "--time", "-o"], "--time 后面须是一个数", "--time needs a number"),
        (["plan", *INPUTS, "--quiet=1"], "选项 --quiet 不带值", "option --quiet takes no value"),
        (["rebalance", "-o", "p.gpkg", "--max-moved", "-1"], "不能小于 0", "must be at least 0"),
        (["plan", "--units"], "选项 --units 须带一个值", "option --units needs a value"),
        (["plan", *INPUTS, "--lang", "fr"], "只能是 zh_CN", "must be one of zh_CN, en, not fr"),
    ],
)
def test_wrong_usage_is_told_in_the_readers_language(arguments, chinese, english):
    # The locale, since what is at fault may swallow --lang.
    said = [weige(*arguments, lang=lang) for lang in ("zh_CN.UTF-8", "C.UTF-8")]

    assert [done.returncode for done in said] == [2, 2]
    assert chinese in said[0].stderr
    assert english in said[1].stderr
    assert [len(done.stderr.splitlines()) for done in said] == [1, 1]


def test_lang_chooses_the_language_of_usage_errors_too():
    assert "缺少选项" in weige("plan", "--lang", "zh_CN").stderr


def test_lang_may_stand_before_the_command_and_the_one_after_it_counts(tmp_path):
    missing = ["atlas", tmp_path / "none.gpkg", "-o", tmp_path / "a.pdf"]
    before = weige("--lang", "zh_CN", *missing, lang="C.UTF-8")
    both = weige("--lang", "zh_CN", *missing, "--lang", "en", lang="zh_CN.UTF-8")

    assert [before.returncode, both.returncode] == [2, 2]
    assert not before.stderr.isascii()
    assert both.stderr.isascii()


def test_lang_may_stand_behind_the_group_of_the_command(tmp_path):
    missing = ["import", tmp_path / "none.csv", "--data-dir", tmp_path]
    behind = weige("stations", "--lang", "zh_CN", *missing, lang="C.UTF-8")
    both = weige("--lang", "zh_CN", "stations", "--lang", "en", *missing, lang="zh_CN.UTF-8")

    assert [behind.returncode, both.returncode] == [2, 2]
    assert not behind.stderr.isascii()
    assert both.stderr.isascii()


def test_every_command_takes_lang():
    def commands(group) -> list:
        return [
            each
            for one in group.commands.values()
            for each in (commands(one) if hasattr(one, "commands") else [one])
        ]

    found = commands(typer.main.get_command(app))

    assert len(found) > 20
    assert [each.name for each in found if not any("--lang" in option.opts for option in each.params)] == []


def test_a_result_is_in_the_language_that_was_given_before_the_command(planned, tmp_path):
    check = ["check", planned, "-o", tmp_path / "findings.xlsx"]
    after = weige(*check, "--lang", "zh_CN").stdout

    assert not after.isascii()
    assert weige("--lang", "zh_CN", *check).stdout == after
    assert weige("--lang", "zh_CN", *check, "--lang", "en").stdout == weige(*check, "--lang", "en").stdout


def test_a_proposed_name_has_its_suffix_once(tmp_path):
    done = weige("plan", *INPUTS[:-1], tmp_path / "plan.gpkg.txt", "--lang", "en")

    assert done.returncode == 2
    assert "for example plan.gpkg" in done.stderr
    assert "plan.gpkg.gpkg" not in done.stderr


@pytest.fixture(scope="module")
def strewn(town) -> Path:
    """The town with seven houses outside its community and a column of grids of last year."""
    units = gpd.read_file(town / "town.gpkg", layer="units")
    away = units.iloc[:7].assign(unit_id=[f"away-{k}" for k in range(7)])
    away = away.set_geometry(away.geometry.translate(0, 400))
    strewn = pd.concat([units, away], ignore_index=True).assign(grid_id="old")
    strewn.to_file(town / "strewn.gpkg", layer="units")
    return town / "strewn.gpkg"


def test_of_many_warnings_the_first_are_shown_and_the_rest_counted(town, strewn, tmp_path):
    done = weige("plan", "--units", strewn, "--communities", layer(town, "communities"),
                 "-o", tmp_path / "plan.gpkg", "--lang", "en")  # fmt: skip

    lines = done.stderr.splitlines()
    assert done.returncode == 0
    assert [line for line in lines if "away-" in line] == lines[1:4]
    assert lines[4] == "note: and 4 more of this kind"
    findings = gpd.read_file(tmp_path / "plan.gpkg", layer="findings")
    (listed,) = findings["unit_ids"][findings["code"] == "households_outside_communities"]
    assert len(json.loads(listed)) == 7
    assert "unit_outside_communities" not in set(findings["code"])


def test_the_input_grids_are_kept_and_the_mapping_of_columns_is_recorded(town, strewn, tmp_path):
    done = weige("plan", "--units", strewn, "--communities", layer(town, "communities"),
                 "-o", tmp_path / "plan.gpkg", "--lang", "en")  # fmt: skip

    assert done.stderr.startswith("note: strewn.gpkg: its column grid_id is kept as grid_id_input")
    units = gpd.read_file(tmp_path / "plan.gpkg", layer="units")
    assert set(units["grid_id_input"]) == {"old"}
    assert units["grid_id"].dropna().str.startswith("321181001001").all()
    assert "column_kept_as" in set(gpd.read_file(tmp_path / "plan.gpkg", layer="findings")["code"])
    run = pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="run").iloc[0]
    assert [source["columns"] for source in json.loads(run["inputs"])] == [
        {"grid_id": "grid_id_input"},
        {},
    ]


def test_rebalancing_a_plan_keeps_the_offices_column_and_piles_up_no_other(town, strewn, tmp_path):
    plan, again = tmp_path / "plan.gpkg", tmp_path / "again.gpkg"
    assert weige("plan", "--units", strewn, "--communities", layer(town, "communities"), "-o", plan,
                 "--quiet").returncode == 0  # fmt: skip
    done = weige("rebalance", "--plan", plan, "-o", again, "--lang", "en")

    assert done.returncode == 0, done.stderr
    assert "kept as" not in done.stderr
    assert "0 changed" in done.stdout
    before, after = (gpd.read_file(path, layer="units") for path in (plan, again))
    assert list(after.columns) == list(before.columns)
    assert after["grid_id_input"].tolist() == before["grid_id_input"].tolist()
    checked = weige("check", "--units", f"{plan}:units", "--grids", f"{plan}:micro_grids", "--lang", "en")
    assert "kept as" not in checked.stderr


def test_a_plan_says_how_many_grids_the_households_allow(town, tmp_path):
    told = plan_of(town, tmp_path / "plan.gpkg", "--lang", "en").stdout
    values = json.loads(plan_of(town, tmp_path / "plan.gpkg", "--json").stdout)

    assert "Community 321181001001: 600 households allow 6 to 12 grids; it has " in told
    (counts,) = values["grid_counts"]
    assert (counts["community_id"], counts["households"]) == ("321181001001", 600)
    assert (counts["least"], counts["most"], counts["grids"]) == (6, 12, values["micro_grids"])


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_check_says_how_many_grids_the_households_allow_in_its_file(town, tmp_path, suffix):
    plan, output = tmp_path / "plan.gpkg", tmp_path / f"findings.{suffix}"
    assert plan_of(town, plan).returncode == 0
    done = weige("check", "--units", layer(town, "units"), "--communities", layer(town, "communities"),
                 "--grids", f"{plan}:micro_grids", "-o", output, "--lang", "en")  # fmt: skip

    assert done.returncode == 0
    assert "600 households, which allow 6 to 12 grids" in output.read_text("utf-8-sig")


def test_plan_and_check_say_the_same_of_communities_where_nobody_lives(town, tmp_path):
    units = gpd.read_file(town / "town.gpkg", layer="units")
    away = units.iloc[:4].assign(unit_id=list("abcd"), households=0)
    away = away.set_geometry(away.geometry.translate(0, 400))
    pd.concat([units, away], ignore_index=True).to_file(tmp_path / "units.gpkg")
    homes = gpd.read_file(town / "town.gpkg", layer="communities")
    moved = [homes.assign(community_id=f"32118100100{k}").set_geometry(homes.translate(0, 400 * (k - 1)))
             for k in (1, 2, 3)]  # fmt: skip
    pd.concat(moved, ignore_index=True).to_file(tmp_path / "homes.gpkg")
    plan, findings = tmp_path / "plan.gpkg", tmp_path / "findings.json"
    layers = ("--units", tmp_path / "units.gpkg", "--communities", tmp_path / "homes.gpkg")
    assert weige("plan", *layers, "-o", plan).returncode == 0
    done = weige("check", *layers, "--grids", f"{plan}:micro_grids", "-o", findings, "--strict")

    assert done.returncode == 0, done.stdout
    made = gpd.read_file(plan, layer="findings")
    judged = pd.DataFrame(json.loads(findings.read_text())["findings"])
    same = ["code", "severity", "grid_id"]
    made, judged = (frame[frame["grid_id"].notna()][same].values.tolist() for frame in (made, judged))
    assert sorted(made) == sorted(judged)
    assert sorted(made) == [
        ["community_without_households", "info", "321181001002001"],
        ["community_without_units", "warning", "321181001003001"],
    ]


@pytest.fixture(scope="module")
def planned(town) -> Path:
    assert plan_of(town, town / "plan.gpkg").returncode == 0
    return town / "plan.gpkg"


def map_of(planned: Path, output: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return weige("map", planned, "-o", output, "--lang", "en", *more)


def test_times_of_a_plan_and_its_map_are_those_of_the_city_whatever_the_machine_is_set_to(planned, tmp_path):
    run = gpd.read_file(planned, layer="run").iloc[0]
    assert map_of(planned, tmp_path / "m.html").returncode == 0
    page = (tmp_path / "m.html").read_text("utf-8")

    # Tests run on machines set to UTC and to other zones.
    assert run["started"].endswith("+08:00")
    assert run["finished"].endswith("+08:00")
    assert re.search(r'"made_at": ?"[^"]+\+08:00"', page)


def test_map_takes_columns_and_crs_of_the_layers_it_is_given(planned, tmp_path):
    (tmp_path / "cases.csv").write_text("case_id,kind,category,state,x,y\n1,k,tree,open,462100,3542100\n")
    named = ["--field", "incidents.kind=category", "--field", "incidents.lon=x", "--field", "incidents.lat=y"]
    cases = ["--incidents", tmp_path / "cases.csv"]

    missing = map_of(planned, tmp_path / "m.html", *cases)
    placeless = map_of(planned, tmp_path / "m.html", *cases, *named)
    done = map_of(planned, tmp_path / "m.html", *cases, *named, "--crs", "EPSG:4549")

    assert (missing.returncode, placeless.returncode) == (2, 2)
    assert "--field incidents.lon=" in missing.stderr
    assert "--crs" in placeless.stderr
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "field", ["stations.name=x", "units.households=x", "incidents=x", "incidents.colour=x", "context.name=x"]
)
def test_map_refuses_fields_of_layers_it_is_not_given(planned, tmp_path, field):
    (tmp_path / "cases.csv").write_text("kind,state,lon,lat\ntree,open,119.6,32.0\n")
    done = map_of(planned, tmp_path / "m.html", "--incidents", tmp_path / "cases.csv", "--field", field)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--field" in done.stderr or "colour" in done.stderr
    assert not (tmp_path / "m.html").exists()


def test_map_takes_tables_without_a_row(planned, tmp_path):
    (tmp_path / "cases.csv").write_text("case_id,kind,state,lon,lat\n")
    (tmp_path / "stations.csv").write_text("station_id,name,lon,lat\n")
    done = map_of(
        planned, tmp_path / "m.html",
        "--incidents", tmp_path / "cases.csv", "--stations", tmp_path / "stations.csv",
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert "<html" in (tmp_path / "m.html").read_text("utf-8")


def test_a_plan_file_without_a_layer_named_is_answered_with_the_layer_that_is_meant(planned, tmp_path):
    done = weige(
        "plan", "--units", planned, "--communities", planned, "-o", tmp_path / "p.gpkg", "--lang", "en"
    )

    assert done.returncode == 2
    assert done.stderr.rstrip().endswith("for example plan.gpkg:units")
    assert "micro_grids" in done.stderr


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


def test_the_map_of_a_check_counts_what_the_terminal_and_the_file_count(town, tmp_path):
    plan = tmp_path / "plan.gpkg"
    assert plan_of(town, plan).returncode == 0
    homes = gpd.read_file(town / "town.gpkg", layer="communities")
    homes.geometry = [shapely.box(461_990, 3_541_990, 462_295, 3_542_180)]
    units = gpd.read_file(town / "town.gpkg", layer="units")
    away = units.iloc[:1].assign(unit_id="away").set_geometry(units.iloc[:1].translate(5_000, 0))
    homes.to_file(tmp_path / "homes.gpkg")
    pd.concat([units, away], ignore_index=True).to_file(tmp_path / "units.gpkg")
    done = weige(
        *("check", "--units", tmp_path / "units.gpkg", "--communities", tmp_path / "homes.gpkg"),
        *(
            "--grids",
            f"{plan}:micro_grids",
            "--map",
            tmp_path / "m.html",
            "-o",
            tmp_path / "f.json",
            "--json",
        ),
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    page = (tmp_path / "m.html").read_text("utf-8")
    script = {name: re.search(rf'id="weige-{name}"[^>]*>([^<]*)<', page)[1] for name in ("settings", "pack")}
    listed = json.loads((tmp_path / "f.json").read_text("utf-8"))["findings"]
    assert len(unpack(base64.b64decode(script["pack"]))["findings"]) == len(listed)
    assert any(finding["code"] == "grid_count_legal" for finding in listed)
    assert json.loads(script["settings"])["households"] == {
        "in_grids": told["households_in_grids"], "left_out": told["households_left_out"],
        "outside": told["households_outside_communities"],
    }  # fmt: skip
    assert (told["households"], told["households_outside_communities"]) == (610, 10)


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
