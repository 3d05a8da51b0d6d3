"""`weige rebalance` as people use it: the yearly change, hand-drawn grids, locks, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from api.outputs import ready
from geo.errors import InputError
from tests.api.test_cli import ROOT, weige
from tests.geo.town import block, box, communities, grids, houses


def saved(folder: Path, **layers: gpd.GeoDataFrame) -> Path:
    for name, frame in layers.items():
        frame.to_file(folder / "town.gpkg", layer=name)
    return folder


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Path:
    """A town of 60 houses in one community, its plan, and the houses a year later."""
    folder = tmp_path_factory.mktemp("planned")
    saved(folder, units=houses(block(10, 6)), communities=communities(**{"321181001001": box(0, 0, 10, 6)}))
    done = weige(
        "plan", "--units", f"{folder / 'town.gpkg'}:units",
        "--communities", f"{folder / 'town.gpkg'}:communities", "-o", folder / "plan.gpkg",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    old = gpd.read_file(folder / "plan.gpkg", layer="units")
    later = block(10, 6)
    # A tower is handed over in the first grid, and a house of the last is pulled down.
    first = old.loc[old["grid_id"] == old["grid_id"].min(), "unit_id"].tolist()
    last = old.loc[old["grid_id"] == old["grid_id"].max(), "unit_id"].tolist()
    for unit in first[:3]:
        later[unit] = 33
    del later[last[0]]
    saved(folder, later=houses(later))
    return folder


def rebalanced(folder: Path, output: Path, *more: object, plan: str = "plan.gpkg"):
    return weige(
        "rebalance", "--plan", folder / plan, "--units", f"{folder / 'town.gpkg'}:later", "-o", output,
        "--lang", "en", *more,
    )  # fmt: skip


def test_the_yearly_change_moves_few_keeps_codes_and_is_written_down(planned, tmp_path):
    done = rebalanced(planned, tmp_path / "new.gpkg", "--ledger", tmp_path / "moved.xlsx", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["out_of_band"] == []
    assert 0 < told["moved_households"]["in_all"] <= 60
    assert told["reconciliation"]["today"] == told["households"] == 600 + 69 - 10
    assert sum(point["recommended"] for point in told["curve"]) == 1
    new = tmp_path / "new.gpkg"
    names = {name for name, _ in pyogrio.list_layers(new)}
    assert {"micro_grids", "micro_grids_before", "ledger", "retired", "units", "cells", "findings"} <= names
    before = gpd.read_file(planned / "plan.gpkg", layer="micro_grids")
    after = gpd.read_file(new, layer="micro_grids")
    assert after["households"].between(50, 100).all()
    assert len(set(before["grid_id"]) & set(after["grid_id"])) >= len(before) - 1
    moves = pyogrio.read_dataframe(new, layer="ledger")
    assert moves["households"].sum() == told["moved_households"]["in_all"]
    old = gpd.read_file(planned / "plan.gpkg", layer="units").set_index("unit_id")["grid_id"]
    units = gpd.read_file(new, layer="units").set_index("unit_id")
    changed = units[units["grid_id"] != old.reindex(units.index)]
    assert set(changed.index) == set(moves["unit_id"])
    assert changed["households"].sum() == told["moved_households"]["in_all"]
    shown = gpd.read_file(new, layer="micro_grids_before").set_index("grid_id")
    assert shown["households"].sum() == 659
    assert set(shown.index) == set(before["grid_id"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moved.xlsx", "new.gpkg"]


@pytest.mark.parametrize(("lang", "first"), [("zh_CN", "汇总"), ("en", "Summary")])
def test_the_ledger_is_a_workbook_whose_codes_are_text(planned, tmp_path, lang, first):
    done = rebalanced(planned, tmp_path / "new.gpkg", "--ledger", tmp_path / "moved.xlsx", "--lang", lang)

    assert done.returncode == 0
    book = openpyxl.load_workbook(tmp_path / "moved.xlsx")
    assert len(book.sheetnames) == 5
    assert book.sheetnames[0] == first
    codes = [
        cell.value for row in book.worksheets[1].iter_rows(min_row=2, min_col=4, max_col=5) for cell in row
    ]
    assert codes
    assert all(isinstance(code, str) and len(code) == 15 for code in codes)
    assert len(book.worksheets[4]._charts) == 1
    assert len(book.worksheets[3]["A"]) - 1 == 4  # three households changed, one went


@pytest.mark.parametrize("ids", ["none", "others"])
def test_units_without_the_ids_of_the_plan_are_matched_by_place_so_that_the_balance_stands(
    planned, tmp_path, ids
):
    later = gpd.read_file(planned / "town.gpkg", layer="later")
    later["number"] = "N" + later.pop("unit_id")
    if ids == "others":
        later = later.rename(columns={"number": "unit_id"})
    later.to_file(tmp_path / "later.gpkg")
    done = weige(
        "rebalance", "--plan", planned / "plan.gpkg", "--units", tmp_path / "later.gpkg", "-o",
        tmp_path / "new.gpkg", "--json", "--lang", "en",
    )  # fmt: skip

    assert done.returncode == 0
    assert "59 of 60 are where they were" in done.stderr
    assert "--id" in done.stderr
    balance = json.loads(done.stdout)["reconciliation"]
    parts = ("on_record", "went", "more_households", "came_in_all", "today")
    assert [balance[part] for part in parts] == [600, -10, 69, 0, 659]


def test_an_output_that_does_not_fit_on_the_disk_is_refused_in_one_line(planned, tmp_path):
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 100; exec "$0" "$@"', sys.executable, "-m", "api.cli",
         "rebalance", "--plan", planned / "plan.gpkg", "--units", f"{planned / 'town.gpkg'}:later",
         "-o", tmp_path / "new.gpkg", "--quiet", "--lang", "en"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip

    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("weige: new.gpkg: could not be written")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_map_is_refused_before_the_work_where_the_bundle_was_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr("maps.bundle.FOLDER", tmp_path)

    with pytest.raises(InputError, match="hatch_build"):
        ready({tmp_path / "plan.gpkg": (".gpkg",), tmp_path / "map.html": (".html",)}, [])
    ready({tmp_path / "plan.gpkg": (".gpkg",)}, [])


def test_a_second_year_goes_on_from_the_first(planned, tmp_path):
    assert rebalanced(planned, tmp_path / "new.gpkg", "--quiet").returncode == 0
    done = weige("rebalance", "--plan", tmp_path / "new.gpkg", "-o", tmp_path / "next.gpkg", "--json")

    told = json.loads(done.stdout)
    assert told["moved_households"]["in_all"] == 0
    assert set(told["grids"]) == {"kept", "changed", "ended", "new"}
    assert told["grids"]["kept"] == told["micro_grids"]


def test_max_moved_0_changes_nothing_and_says_what_stays_broken(planned, tmp_path):
    done = rebalanced(planned, tmp_path / "new.gpkg", "--max-moved", 0)

    assert done.returncode == 0
    assert "0 households change grids to mend" in done.stdout
    assert "more than 100" in done.stdout
    assert "because of --max-moved" in done.stdout
    old = gpd.read_file(planned / "plan.gpkg", layer="units").set_index("unit_id")["grid_id"]
    units = gpd.read_file(tmp_path / "new.gpkg", layer="units").set_index("unit_id")["grid_id"]
    assert (units == old.reindex(units.index)).all()
    assert len(pyogrio.read_dataframe(tmp_path / "new.gpkg", layer="ledger")) == 0


def test_max_moved_bounds_the_change(planned, tmp_path):
    whole = json.loads(rebalanced(planned, tmp_path / "all.gpkg", "--json").stdout)["moved_households"][
        "in_all"
    ]
    done = rebalanced(planned, tmp_path / "new.gpkg", "--json", "--max-moved", whole - 1)

    told = json.loads(done.stdout)
    assert told["moved_households"]["in_all"] < whole
    assert told["curve"] == []


def test_locked_grids_and_units_stay_as_they_are(planned, tmp_path):
    old = gpd.read_file(planned / "plan.gpkg", layer="units")
    grid = old["grid_id"].min()
    unit = old.loc[old["grid_id"] == old["grid_id"].max(), "unit_id"].iloc[-1]
    (tmp_path / "locks.csv").write_text(f"网格编码,单元编号\n{grid},\n,{unit}\n", encoding="utf-8")
    done = rebalanced(planned, tmp_path / "new.gpkg", "--lock", tmp_path / "locks.csv")

    assert done.returncode == 0, done.stderr
    assert "1 locked" in done.stdout
    units = gpd.read_file(tmp_path / "new.gpkg", layer="units").set_index("unit_id")["grid_id"]
    assert set(units[units == grid].index) == set(old.loc[old["grid_id"] == grid, "unit_id"])
    assert units[unit] == old["grid_id"].max()


def test_a_locked_grid_is_not_advised_to_break_its_lock(planned, tmp_path):
    grid = gpd.read_file(planned / "plan.gpkg", layer="units")["grid_id"].min()
    (tmp_path / "locks.csv").write_text(f"grid_id\n{grid}\n", encoding="utf-8")
    done = rebalanced(planned, tmp_path / "new.gpkg", "--lock", tmp_path / "locks.csv")

    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.strip().startswith(f"Grid {grid}"))
    assert "The grid is locked" in line
    assert "Split" not in line


def hand(folder: Path, drawn: gpd.GeoDataFrame, **homes: shapely.Geometry) -> Path:
    homes = homes or {"321181001001": box(0, 0, 10, 6)}
    return saved(folder, later=houses(block(10, 6)), communities=communities(**homes), grids=drawn)


def of_hand(folder: Path, *more: object):
    town = folder / "town.gpkg"
    return weige(
        "rebalance", "--grids", f"{town}:grids", "--units", f"{town}:later",
        "--communities", f"{town}:communities", "-o", folder / "new.gpkg", "--json", *more,
    )  # fmt: skip


SIX = {f"G{k}": box(*corners) for k, corners in enumerate(
    [(0, 0, 3, 3), (3, 0, 6, 3), (6, 0, 10, 3), (0, 3, 3, 6), (3, 3, 6, 6), (6, 3, 10, 6)]
)}  # fmt: skip


def bow_tie(left: float, bottom: float, right: float, top: float) -> shapely.Polygon:
    x0, y0, x1, y1 = box(left, bottom, right, top).bounds
    return shapely.Polygon([(x0, y0), (x1, y1), (x1, y0), (x0, y1)])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"G1": box(4, 0, 6, 3)}, "grids_gap"),
        ({"G1": box(2, 0, 6, 3)}, "grids_overlap"),
        ({"G1": bow_tie(3, 0, 6, 3)}, "geometry_made_valid"),
    ],
)
def test_hand_drawn_grids_are_reconciled_with_a_finding_and_nothing_is_dropped(tmp_path, change, code):
    folder = hand(tmp_path, grids(**SIX | change))
    done = of_hand(folder)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    findings = gpd.read_file(folder / "new.gpkg", layer="findings")
    assert code in set(findings["code"])
    assert told["households"] == told["reconciliation"]["today"] == 600
    assert gpd.read_file(folder / "new.gpkg", layer="units")["grid_id"].notna().all()
    assert gpd.read_file(folder / "new.gpkg", layer="micro_grids")["households"].sum() == 600
    assert {"G0", "G3", "G4", "G5"} <= set(gpd.read_file(folder / "new.gpkg", layer="micro_grids")["grid_id"])


def test_a_hand_drawn_grid_in_two_communities_is_divided_at_their_edge(tmp_path):
    folder = hand(tmp_path, grids(**SIX), A=box(0, 0, 5, 6), B=box(5, 0, 10, 6))
    done = of_hand(folder)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    findings = gpd.read_file(folder / "new.gpkg", layer="findings")
    assert set(findings.loc[findings["code"] == "grid_divided", "grid_id"]) == {"G1", "G4"}
    assert told["moved_households"]["community_edge"] == 60
    units = gpd.read_file(folder / "new.gpkg", layer="units")
    rows = gpd.read_file(folder / "new.gpkg", layer="micro_grids").set_index("grid_id")
    assert (
        rows.reindex(units["grid_id"])["community_id"].to_numpy() == units["community_id"].to_numpy()
    ).all()


def test_units_outside_all_communities_are_listed_and_still_there(tmp_path):
    folder = hand(tmp_path, grids(**SIX), **{"321181001001": box(0, 0, 9, 6)})
    done = of_hand(folder, "--ledger", folder / "moved.xlsx", "--lang", "en")

    told = json.loads(done.stdout)["reconciliation"]
    assert told["outside_communities"] == 60
    assert told["today"] == 600
    listed = pd.read_excel(folder / "moved.xlsx", sheet_name="Reconciliation")
    assert listed.loc[listed["Matter"] == "outside all communities", "Households now"].sum() == 60
    assert gpd.read_file(folder / "new.gpkg", layer="micro_grids")["households"].sum() == 540


def test_what_people_typed_never_becomes_a_formula(tmp_path):
    drawn = grids(**SIX).replace({"grid_id": {"G0": '=HYPERLINK("http://x")', "G1": "+1"}})
    folder = hand(tmp_path, drawn)
    done = of_hand(folder, "--ledger", folder / "moved.xlsx")

    assert done.returncode == 0, done.stderr
    book = openpyxl.load_workbook(folder / "moved.xlsx")
    typed = [
        cell for sheet in book for row in sheet.iter_rows() for cell in row if str(cell.value)[:1] in "=+"
    ]
    assert typed
    assert all(cell.data_type == "s" for cell in typed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plan", "{plan}", "--max-moved", "-1"], "--max-moved"),
        (["--plan", "{plan}", "--max-moved", "many"], "--max-moved"),
        (["--plan", "{plan}", "--ledger", "moved.doc"], "moved.doc"),
        (["--plan", "{plan}", "--lock", "no.csv"], "no.csv"),
        (["--plan", "{plan}", "--lock", "{locks}"], "999"),
        (["--plan", "{plan}", "--lock", "{units}"], "9-99"),
        (["--plan", "{plan}", "--lock", "{neither}"], "grid_id"),
        (["--plan", "{plan}", "--min", "80", "--max", "60"], "80"),
        (["--plan", "{town}"], "town.gpkg"),
        (["--plan", "missing.gpkg"], "missing.gpkg"),
        (["--units", "{town}:units", "--grids", "{plan}"], "--communities"),
        (["--units", "{town}:units", "--communities", "{town}:communities"], "--grids"),
        (["--grids", "{plan}", "--communities", "{town}:communities"], "--units"),
        (["--plan", "{plan}", "--field", "units"], "--field"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(planned, tmp_path, arguments, said):
    tables = tmp_path / "tables"
    tables.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (tables / "locks.csv").write_text("grid_id\n321181001001999\n")
    (tables / "units.csv").write_text("unit_id\n9-99\n")
    (tables / "neither.csv").write_text("name,age\nx,1\n")
    places = {
        "plan": planned / "plan.gpkg", "town": planned / "town.gpkg", "locks": tables / "locks.csv",
        "units": tables / "units.csv", "neither": tables / "neither.csv",
    }  # fmt: skip
    done = weige(
        "rebalance",
        *(word.format(**places) for word in arguments),
        "-o",
        "new.gpkg",
        "--lang",
        "en",
        cwd=work,
    )

    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr
    assert list(work.iterdir()) == []


def test_an_output_that_is_the_earlier_plan_is_refused(planned):
    before = (planned / "plan.gpkg").read_bytes()
    done = weige("rebalance", "--plan", planned / "plan.gpkg", "-o", planned / "plan.gpkg")

    assert done.returncode == 2
    assert (planned / "plan.gpkg").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\0" * 2000, b"not a database at all"])
def test_a_broken_plan_file_is_one_line(planned, tmp_path, content):
    (tmp_path / "broken.gpkg").write_bytes(content)
    done = weige("rebalance", "--plan", "broken.gpkg", "-o", "new.gpkg", "--lang", "en", cwd=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "broken.gpkg" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken.gpkg"]


def test_a_table_of_units_and_grids_serves_as_standing_grids(planned, tmp_path):
    old = gpd.read_file(planned / "plan.gpkg", layer="units")[["unit_id", "grid_id"]]
    old.rename(columns={"unit_id": "单元编号", "grid_id": "网格编码"}).to_excel(
        tmp_path / "grids.xlsx", index=False
    )
    done = rebalanced(planned, tmp_path / "new.gpkg", "--grids", tmp_path / "grids.xlsx", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["out_of_band"] == []
    assert told["reconciliation"]["went"] == -10


def test_ledger_and_curve_count_grids_to_mend_alike_also_those_in_pieces(tmp_path):
    # Grids of the right size, of which one is in two pieces with another between.
    drawn = grids(W=shapely.union(box(0, 0, 1, 3), box(3, 0, 4, 3)), M=box(1, 0, 3, 3))
    folder = saved(
        tmp_path,
        later=houses(block(4, 3)),
        communities=communities(**{"321181001001": box(0, 0, 4, 3)}),
        grids=drawn,
    )
    town = folder / "town.gpkg"
    done = weige(
        "rebalance", "--units", f"{town}:later", "--communities", f"{town}:communities", "--grids",
        f"{town}:grids", "-o", tmp_path / "new.gpkg", "--ledger", tmp_path / "moved.xlsx", "--json",
        "--lang", "en",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["curve"][0]
    assert (first["grids_to_mend"], first["households_to_mend"]) == (1, 60)
    summary = openpyxl.load_workbook(tmp_path / "moved.xlsx").worksheets[0]
    rows = {row[0]: row[1:] for row in summary.iter_rows(values_only=True)}
    assert rows["Out of band before"] == (0, 0, 0)
    assert rows["To mend before (out of band or in pieces)"] == (1, 6, 60)
    assert rows["To mend afterwards"] == (0, 0, 0)
