"""`weige reach` as people use it: the sample town, straight lines without streets, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from geo.synthetic import write_sample
from tests.api.test_cli import weige


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reach")
    layers = write_sample(folder / "layers")
    given = [part for kind in ("units", "communities", "roads", "water", "barriers", "gates", "compounds")
             for part in (f"--{kind}", layers[kind])]  # fmt: skip
    done = weige("plan", *given, "-o", folder / "plan.gpkg")
    assert done.returncode == 0, done.stderr
    bare = weige("plan", *given[:4], "-o", folder / "bare.gpkg")
    assert bare.returncode == 0, bare.stderr
    return folder


def reach(
    folder: Path, *options: object, plan: str = "plan.gpkg", stations: str = "layers/stations/stations.csv"
):
    return weige(
        "reach", folder / plan, "--stations", folder / stations, "-o", folder / "reach.gpkg", *options
    )


def test_households_add_up_from_units_to_grids_communities_and_the_city(town):
    done = reach(town, "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    layers = {
        name: gpd.read_file(town / "reach.gpkg", layer=name)
        for name in ("units", "micro_grids", "communities")
    }
    units = layers["units"]
    for limit in (5, 15):
        by_unit = int(units.loc[units["minutes"] <= limit, "households"].sum())
        assert by_unit == told[f"within_{limit}"]
        assert (
            by_unit
            == layers["communities"][f"within_{limit}"].sum()
            == layers["micro_grids"][f"within_{limit}"].sum()
        )
    assert not told["straight"]
    assert told["households"] == units["households"].sum() > told["within_15"] >= told["within_5"] > 0


def test_the_island_village_is_a_white_patch(town):
    assert reach(town).returncode == 0

    patches = gpd.read_file(town / "reach.gpkg", layer="white_patches")
    units = gpd.read_file(town / "reach.gpkg", layer="units")
    far = units[units["minutes"].isna() & (units["households"] > 0)]

    assert patches["households"].sum() == far["households"].sum() == 31
    assert patches["units"].sum() == len(far)
    assert far.within(patches.union_all().buffer(1e-6)).all()


def test_each_station_counts_whom_it_reaches_and_the_nearest_once(town):
    assert reach(town).returncode == 0

    stations = gpd.read_file(town / "reach.gpkg", layer="stations")
    units = gpd.read_file(town / "reach.gpkg", layer="units")

    assert stations["nearest"].sum() == units.loc[units["minutes"].notna(), "households"].sum()
    assert (stations["within_15"] >= stations["nearest"]).all()


def test_without_streets_straight_lines_are_taken_and_named_so(town):
    done = reach(town, "--lang", "zh_CN", plan="bare.gpkg")

    assert done.returncode == 0, done.stderr
    assert "按直线距离计时" in done.stdout
    assert json.loads(reach(town, "--json", plan="bare.gpkg").stdout)["straight"] is True


def test_a_slower_walker_reaches_less(town):
    usual, slow = (
        json.loads(reach(town, "--json", "--minutes", 5, *speed).stdout) for speed in ((), ("--speed", 2))
    )

    assert slow["within_5"] < usual["within_5"]


def test_other_paths_and_gates_replace_those_of_the_plan(town):
    units = gpd.read_file(town / "plan.gpkg", layer="units")
    west, south, *_ = units.total_bounds
    nobodys = gpd.GeoDataFrame({"name": ["x"]}, geometry=gpd.points_from_xy([west], [south]), crs=units.crs)
    nobodys.to_file(town / "gates.gpkg")

    usual = json.loads(reach(town, "--json").stdout)
    shut = json.loads(reach(town, "--json", "--gates", town / "gates.gpkg").stdout)

    assert shut["within_15"] < usual["within_15"]
    assert shut["white_households"] > usual["white_households"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--minutes", 0), "--minutes"),
        (("--minutes", -5), "--minutes"),
        (("--speed", 900), "--speed"),
        (("--paths", "missing.gpkg"), "missing.gpkg"),
        (("--crs", "EPSG:1"), "EPSG:1"),
    ],
)
def test_what_cannot_be_walked_is_refused_in_one_line(town, options, named):
    (town / "reach.gpkg").unlink(missing_ok=True)

    done = reach(town, *options)

    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (town / "reach.gpkg").exists()


def test_a_speed_that_is_none_is_mended_in_its_own_words(town):
    done = reach(town, "--speed", 0, "--lang", "en")

    assert done.returncode == 2
    assert done.stderr.strip().endswith("--speed 0 is not more than 0 and at most 240, write for example 4")


@pytest.mark.parametrize("by_name", [True, False])
def test_walls_given_as_streets_are_refused(town, by_name):
    paths = f"{town / 'plan.gpkg'}:barriers"
    if not by_name:
        gpd.read_file(town / "plan.gpkg", layer="barriers").assign(kind="wall").to_file(town / "ways.gpkg")
        paths = str(town / "ways.gpkg")

    done = reach(town, "--lang", "en", "--paths", paths)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "layer paths: it holds no streets but walls" in done.stderr


def test_streets_with_a_few_walls_among_them_are_streets(town):
    roads = gpd.read_file(town / "plan.gpkg", layer="roads")
    roads.assign(kind=["wall"] * 5 + [None] * (len(roads) - 5)).to_file(town / "mixed.gpkg")

    done = reach(town, "--paths", town / "mixed.gpkg")

    assert done.returncode == 0, done.stderr


def test_paths_that_are_none_are_named_as_the_option_is(town):
    done = reach(town, "--lang", "en", "--paths", town / "layers/stations/stations.csv")

    assert done.returncode == 2
    assert "stations.csv, layer paths" in done.stderr
    assert "roads" not in done.stderr


def test_nothing_is_noted_where_nothing_is_wrong(town):
    done = reach(town)

    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    "text", ["station_id,lon,lat\n", "station_id,lon,lat\nS1,119.1,\n", "station_id\nS1\n", "站\n"]
)
def test_stations_that_cannot_be_used_are_refused_by_file(town, text):
    (town / "bad.csv").write_text(text, encoding="utf-8")
    (town / "reach.gpkg").unlink(missing_ok=True)

    done = reach(town, stations="bad.csv")

    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "bad.csv" in done.stderr
    assert not (town / "reach.gpkg").exists()


def test_a_file_that_is_no_plan_is_refused(town):
    gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([119.2], [34.6]), crs=4326).to_file(
        town / "no.gpkg"
    )

    done = reach(town, plan="no.gpkg")

    assert done.returncode == 2
    assert "no.gpkg" in done.stderr


def test_layers_written_hold_counts_and_no_person(town):
    assert reach(town).returncode == 0

    assert set(pyogrio.list_layers(town / "reach.gpkg")[:, 0]) == {
        "units", "micro_grids", "communities", "stations", "white_patches", "run"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # A Friday; a Saturday worked for National Day; that holiday; and in the night.
        ("2026-11-27 10:00", ["S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10"]),
        ("2026-10-10 10:00", ["S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10"]),
        ("2026-10-01 10:00", ["S04", "S05", "S06", "S07", "S08", "S09"]),
        ("2026-11-28 03:00", ["S06"]),
    ],
)
def test_only_stations_open_then_are_walked_to(town, at, expected):
    done = reach(town, "--json", "--at", at, "--map", town / "reach.html")

    assert done.returncode == 0, done.stderr
    page = (town / "reach.html").read_text(encoding="utf-8")
    moment = {"at": at, "open": len(expected), "shut": 12 - len(expected), "unknown": 0}
    assert f'"moment":{json.dumps(moment, separators=(",", ":"))}' in page
    told = json.loads(done.stdout)
    stations = gpd.read_file(town / "reach.gpkg", layer="stations")
    assert sorted(stations["station_id"]) == expected
    assert told["at"] == at.replace(" ", "T")
    assert told["stations"] == {"open": len(expected), "shut": 12 - len(expected), "untold": 0}


def test_fewer_are_reached_at_night_and_nobody_where_all_is_shut(town):
    (town / "shut.csv").write_text(
        "station_id,name,lon,lat,opening_hours\nS1,x,119.13,34.572,Mo 09:00-10:00\nS2,x,119.13,34.572,\n",
        encoding="utf-8",
    )
    day, night = (
        json.loads(reach(town, "--json", "--at", f"2026-11-27 {hour}").stdout) for hour in ("10:00", "23:00")
    )
    shut = reach(town, "--lang", "zh_CN", "--at", "2026-11-27 23:00", stations="shut.csv")

    assert night["within_5"] < day["within_5"]
    assert shut.returncode == 0, shut.stderr
    assert "开放的驿站：0 个；此时不开放：1 个；没有写明开放时间、不计入：1 个" in shut.stdout
    assert "15 分钟内可到：0 户" in shut.stdout


def test_hours_that_cannot_be_read_are_refused_by_file_field_and_station(town):
    (town / "odd.csv").write_text("station_id,name,lon,lat,opening_hours\nS1,x,119.13,34.572,24/7\n"
                                  "S2,x,119.13,34.572,周一到周五\n", encoding="utf-8")  # fmt: skip
    (town / "reach.gpkg").unlink(missing_ok=True)

    done = reach(town, "--at", "23:00", "--lang", "en", stations="odd.csv")

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    for named in ("odd.csv", "stations", "opening_hours", "S2", "周一到周五"):
        assert named in done.stderr
    assert not (town / "reach.gpkg").exists()
    # Without a moment nobody needs them: one note says that they would be.
    without = reach(town, "--lang", "en", stations="odd.csv")
    assert without.returncode == 0
    assert without.stderr.strip().splitlines() == [
        "note: odd.csv: the opening hours of 1 station cannot be read (S2); with --at they would be refused"
    ]
    assert "2 stations, " in without.stdout


def test_stations_without_a_column_of_hours_are_refused_where_a_moment_is_given(town):
    (town / "untold.csv").write_text("station_id,name,lon,lat,营业\nS1,x,119.13,34.572,24/7\n",
                                     encoding="utf-8")  # fmt: skip
    (town / "reach.gpkg").unlink(missing_ok=True)

    done = reach(town, "--at", "23:00", "--lang", "en", stations="untold.csv")
    named = reach(town, "--at", "23:00", "--lang", "en", "--field", "stations.opening_hours=营业",
                  stations="untold.csv")  # fmt: skip

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "untold.csv" in done.stderr
    assert "--field stations.opening_hours=COLUMN" in done.stderr
    assert named.returncode == 0, named.stderr
    assert "1 station, " in named.stdout
    assert reach(town, stations="untold.csv").returncode == 0


def test_columns_of_stations_are_named_with_and_without_their_layer(town):
    (town / "titled.csv").write_text("station_id,title,lon,lat\nS1,x,119.13,34.572\n", encoding="utf-8")

    for said in ("stations.name=title", "name=title"):
        done = reach(town, "--field", said, stations="titled.csv")
        assert done.returncode == 0, done.stderr
    refused = reach(town, "--field", "households=title", "--lang", "en", stations="titled.csv")
    assert refused.returncode == 2
    assert "for example --field stations.name=title" in refused.stderr


def test_a_moment_that_is_none_is_refused(town):
    for said in ("25:00", "0001-01-01 00:00"):
        done = reach(town, "--at", said)

        assert done.returncode == 2
        assert f"--at {said}" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_year_without_a_calendar_is_said(town):
    done = reach(town, "--lang", "zh_CN", "--at", "2031-11-28 10:00")

    assert done.returncode == 0
    assert "没有 2031 年的工作日历" in done.stderr


def moved(town: Path, kind: str, path: Path, *, rows: slice = slice(None), by_m: float = 0.0) -> Path:
    layer = next((town / "layers" / kind).glob("*.shp"))
    frame = gpd.read_file(layer).iloc[rows]
    frame.assign(geometry=frame.geometry.translate(by_m, 0)).to_file(path, layer="ways", driver="GPKG")
    return path


@pytest.mark.parametrize(
    ("option", "kind", "change", "said"),
    [
        ("--paths", "roads", {"rows": slice(0)}, "layer paths: it has no features; check the export"),
        ("--paths", "water", {}, "layer paths: it has no lines; give streets and paths as lines"),
        ("--paths", "roads", {"by_m": 90_000.0}, "layer paths: it lies 89 km from the units"),
        ("--gates", "gates", {"rows": slice(0)}, "layer gates: it has no features; check the export"),
    ],
    ids=["no streets", "water for streets", "streets elsewhere", "no gates"],
)
def test_a_layer_that_would_leave_everybody_without_ways_is_refused(
    town, tmp_path, option, kind, change, said
):
    given = moved(town, kind, tmp_path / "given.gpkg", **change)

    done = reach(town, option, given, "--lang", "en")

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_several_limits_are_given_by_commas_or_by_repeating_the_option(town):
    told = [
        json.loads(reach(town, "--json", *options, plan="bare.gpkg").stdout)
        for options in (["--minutes", "1,3"], ["--minutes", "1", "--minutes", "3"])
    ]

    assert told[0] == told[1]
    assert 0 < told[0]["within_1"] < told[0]["within_3"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--minutes", "5", "15"], "unexpected argument: 15; for several limits give --minutes 5,15, or"),
        (["--minutes", "5,soon"], "--minutes 5,soon is not made of numbers; write --minutes 5,15"),
        (["--paths", "plan.gpkg:units"], "give --paths the right layer"),
    ],
)
def test_what_was_meant_is_named(town, options, said):
    given = [f"{town}/{each}" if "gpkg" in each else each for each in options]

    done = reach(town, *given, "--lang", "en")

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_file_says_how_walks_were_timed_and_which_stations_counted(town):
    stations = pd.read_csv(town / "layers/stations/stations.csv")
    placeless = stations.tail(1).assign(station_id="nowhere", lon=None, lat=None)
    pd.concat([stations, placeless]).to_csv(town / "placeless.csv", index=False)
    given = {"stations": "placeless.csv"}

    told = [
        json.loads(reach(town, "--json", *options, plan=plan, **given).stdout)
        for plan, options in (
            ("bare.gpkg", []),
            ("plan.gpkg", ["--at", "2026-03-03 03:00", "--speed", "3", "--minutes", "4,9"]),
        )
    ]
    run = pyogrio.read_dataframe(town / "reach.gpkg", layer="run").iloc[0]

    assert told[0]["straight"]
    assert told[0]["stations"] == {"counted": len(stations)}
    assert [each["left_out"] for each in told] == [1, 1]
    assert (run["straight"], run["kmh"], run["minutes"], run["without_place"]) == (0, 3.0, "4,9", 1)
    assert run["at"].startswith("2026-03-03T03:00")
    assert {"open": run["stations"], "shut": run["shut"], "untold": run["untold"]} == told[1]["stations"]
    assert run["shut"] > 0
    reach(town, plan="bare.gpkg", **given)
    bare = pyogrio.read_dataframe(town / "reach.gpkg", layer="run").iloc[0]
    assert bare["straight"] == 1
    assert bare[["at", "shut", "untold"]].isna().all()
