"""Bad inputs of `weige rebalance`: hostile plan files, lists of locks, tables of grids, outputs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from tests.bad_input.cases import (
    CRS,
    X0,
    Y0,
    Arguments,
    add,
    bad,
    csv,
    good_communities,
    good_units,
    gpkg,
    sql,
    with_column,
    write,
    xlsx,
)

FAMILY = "rebalance"
PLAN = "earlier.gpkg"


def standing_grids() -> gpd.GeoDataFrame:
    """Two grids of three units each, and one for the empty community."""
    east = [X0, X0 + 82, X0 + 200, X0 + 400]
    boxes = [shapely.box(east[k], Y0, east[k + 1], Y0 + 200) for k in range(3)]
    return gpd.GeoDataFrame(
        {"grid_id": ["G1", "G2", "G3"], "households": [60, 60, 0], "status": "ok"}, geometry=boxes, crs=CRS
    )


def good_plan() -> dict[str, pd.DataFrame]:
    """Return the layers of a plan that another one can be made from."""
    run = pd.DataFrame({"min_households": [50], "max_households": [100]})
    units = good_units().assign(grid_id=["G1"] * 3 + ["G2"] * 3)
    return {"micro_grids": standing_grids(), "units": units, "communities": good_communities(), "run": run}


@cache
def _good_plan() -> bytes:
    with TemporaryDirectory() as folder:
        return stored(Path(folder), good_plan()).read_bytes()


def stored(folder: Path, layers: dict[str, pd.DataFrame]) -> Path:
    for name, frame in layers.items():
        pyogrio.write_dataframe(frame, folder / PLAN, layer=name, driver="GPKG")
    return folder / PLAN


def earlier(folder: Path, *more: str, **changed: pd.DataFrame | None) -> Arguments:
    """Return arguments with an earlier plan, some of whose layers are changed or left out (None)."""
    if not changed:
        write(folder, PLAN, _good_plan())
    else:
        layers = good_plan() | changed
        stored(folder, {name: frame for name, frame in layers.items() if frame is not None})
    return ["rebalance", "--plan", PLAN, "-o", "next.gpkg", *more]


def spoiled(folder: Path, *statements: str) -> Arguments:
    arguments = earlier(folder)
    sql(folder, PLAN, *statements)
    return arguments


def drawn(folder: Path, grids: str, *more: str) -> Arguments:
    """Return arguments with standing grids from a file of their own."""
    units, communities = (
        gpkg(folder, good_units()),
        gpkg(folder, good_communities(), "communities.gpkg"),
    )
    return [
        "rebalance", "--units", units, "--communities", communities, "--grids", grids,
        "-o", "next.gpkg", *more,
    ]  # fmt: skip


# -- plan files ----------------------------------------------------------------------------------------


@bad(FAMILY, "file_not_found", "no.gpkg")
def a_plan_that_is_not_there(folder: Path) -> Arguments:
    return ["rebalance", "--plan", "no.gpkg", "-o", "next.gpkg"]


@bad(FAMILY, "is_folder", PLAN)
def a_plan_that_is_a_folder(folder: Path) -> Arguments:
    (folder / PLAN).mkdir()
    return ["rebalance", "--plan", PLAN, "-o", "next.gpkg"]


@bad(FAMILY, "is_device", PLAN)
def a_plan_that_is_a_pipe(folder: Path) -> Arguments:
    os.mkfifo(folder / PLAN)
    return ["rebalance", "--plan", PLAN, "-o", "next.gpkg"]


@bad(FAMILY, "file_not_readable", PLAN)
def a_plan_that_is_a_link_to_itself(folder: Path) -> Arguments:
    (folder / PLAN).symlink_to(PLAN)
    return ["rebalance", "--plan", PLAN, "-o", "next.gpkg"]


CONTENTS: tuple[tuple[str, Callable[[], bytes]], ...] = (
    ("empty", lambda: b""),
    ("text", lambda: b"unit_id,grid_id\nU1,G1\n"),
    ("zeros_after_the_magic", lambda: b"SQLite format 3\0" + b"\0" * 4000),
    ("cut_in_half", lambda: _good_plan()[: len(_good_plan()) // 2]),
    ("cut_after_its_first_page", lambda: _good_plan()[:4096]),
    ("overwritten", lambda: _good_plan()[:8192] + b"\xff" * (len(_good_plan()) - 8192)),
)
for name, content in CONTENTS:
    add(
        FAMILY,
        f"a_plan_{name}",
        lambda folder, content=content: [
            "rebalance", "--plan", write(folder, PLAN, content()), "-o", "next.gpkg",
        ],
        "container_broken",
        PLAN,
    )  # fmt: skip


@bad(FAMILY, "container_broken", PLAN)
def a_plan_that_is_a_database_of_something_else(folder: Path) -> Arguments:
    with sqlite3.connect(folder / PLAN) as database:
        database.execute("CREATE TABLE micro_grids (grid_id TEXT)")
    database.close()
    return ["rebalance", "--plan", PLAN, "-o", "next.gpkg"]


@bad(FAMILY, "not_a_plan", PLAN, "micro_grids")
def a_plan_without_grids(folder: Path) -> Arguments:
    return earlier(folder, micro_grids=None)


@bad(FAMILY, "layer_missing", "--units")
def a_plan_without_units(folder: Path) -> Arguments:
    return earlier(folder, units=None)


@bad(FAMILY, "communities_missing", "--communities")
def a_plan_without_communities(folder: Path) -> Arguments:
    return earlier(folder, communities=None)


@bad(FAMILY, "layer_empty", PLAN, "micro_grids")
def a_plan_whose_grids_are_none(folder: Path) -> Arguments:
    return earlier(folder, micro_grids=standing_grids().iloc[:0])


@bad(FAMILY, "layer_not_stored", PLAN, "micro_grids")
def a_plan_whose_grids_are_a_view(folder: Path) -> Arguments:
    return spoiled(
        folder,
        "ALTER TABLE micro_grids RENAME TO kept",
        "CREATE VIEW micro_grids AS SELECT *, randomblob(999999999) AS bomb FROM kept",
    )


@bad(FAMILY, "layer_not_stored", PLAN, "units")
def a_plan_whose_units_are_a_view(folder: Path) -> Arguments:
    return spoiled(
        folder, "ALTER TABLE units RENAME TO kept", "CREATE VIEW units AS SELECT * FROM kept, kept AS twice"
    )


@bad(FAMILY, "layer_not_stored", PLAN, "retired")
def a_plan_whose_retired_codes_are_a_view(folder: Path) -> Arguments:
    arguments = earlier(folder, retired=pd.DataFrame({"grid_id": ["G9"], "ended": ["2024-01-01"]}))
    sql(folder, PLAN, "ALTER TABLE retired RENAME TO kept", "CREATE VIEW retired AS SELECT * FROM kept")
    return arguments


@bad(FAMILY, "geometry_broken", PLAN, "micro_grids", "#2")
def a_plan_with_a_broken_grid(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE micro_grids SET geom = x'00112233' WHERE grid_id = 'G2'")


@bad(FAMILY, "geometry_missing", PLAN, "micro_grids", "G2")
def a_plan_with_a_grid_drawn_nowhere(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE micro_grids SET geom = NULL WHERE grid_id = 'G2'")


@bad(FAMILY, "id_repeated", PLAN, "micro_grids", "grid_id", "G1")
def a_plan_with_a_grid_twice(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE micro_grids SET grid_id = 'G1' WHERE grid_id = 'G2'")


@bad(FAMILY, "id_missing", PLAN, "micro_grids", "grid_id", "#2")
def a_plan_with_a_grid_without_code(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE micro_grids SET grid_id = NULL WHERE grid_id = 'G2'")


@bad(FAMILY, "column_missing", PLAN, "units", "households")
def a_plan_whose_units_have_no_households(folder: Path) -> Arguments:
    return spoiled(folder, "ALTER TABLE units RENAME COLUMN households TO inhabitants")


@bad(FAMILY, "id_repeated", PLAN, "units", "unit_id", "U1")
def a_plan_with_a_unit_twice(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE units SET unit_id = 'U1' WHERE unit_id = 'U2'")


@bad(FAMILY, "count_unreadable", PLAN, "units", "U2", "households")
def a_plan_with_a_count_that_is_text(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE units SET households = 'many' WHERE unit_id = 'U2'")


@bad(FAMILY, "communities_overlap", PLAN, "communities")
def a_plan_whose_communities_overlap(folder: Path) -> Arguments:
    homes = good_communities()
    homes.loc[1, "geometry"] = shapely.box(X0 + 100, Y0, X0 + 400, Y0 + 200)
    return earlier(folder, communities=homes)


@bad(FAMILY, "band_invalid", "100", "50")
def a_plan_made_for_no_band(folder: Path) -> Arguments:
    return earlier(folder, run=pd.DataFrame({"min_households": [100], "max_households": [50]}))


@bad(FAMILY, "crs_missing_gk", PLAN, "micro_grids", "--crs")
def a_plan_without_crs(folder: Path) -> Arguments:
    return spoiled(folder, "UPDATE gpkg_geometry_columns SET srs_id = 0 WHERE table_name = 'micro_grids'")


# -- lists of locks ------------------------------------------------------------------------------------

LOCKS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("an_unknown_grid", "grid_id\nG1\nG9\n", "locked_grid_unknown", ("G9",)),
    ("an_unknown_unit", "unit_id\nU1\nU99\n", "locked_unit_unknown", ("U99",)),
    ("a_unit_of_another_grid", "unit_id,grid_id\nU1,G2\n", "locked_unit_elsewhere", ("U1", "G1", "G2")),
    ("a_unit_in_two_grids", "unit_id,grid_id\nU1,G2\nU1,G1\n", "locked_unit_twice", ("U1", "G1", "G2")),
    ("neither_grid_nor_unit", "name,age\nx,1\n", "lock_columns_missing", ("name", "grid_id")),
    ("two_columns_of_grids", "grid_id,网格编码\nG1,G1\n", "lock_columns_ambiguous", ("grid_id", "网格编码")),
    ("a_row_too_long", "grid_id,note\nG1,a,b\n", "row_length", ("#2",)),
    ("a_nul", "grid_id\nG\0\n", "not_text", ()),
)
for name, content, code, says in LOCKS:
    add(
        FAMILY,
        f"locks_with_{name}",
        lambda folder, content=content: earlier(folder, "--lock", csv(folder, content, "locks.csv")),
        code,
        "locks.csv",
        *says,
    )


@bad(FAMILY, "file_not_found", "locks.csv")
def locks_that_are_not_there(folder: Path) -> Arguments:
    return earlier(folder, "--lock", "locks.csv")


@bad(FAMILY, "format_unknown", "locks.doc")
def locks_in_a_letter(folder: Path) -> Arguments:
    return earlier(folder, "--lock", write(folder, "locks.doc", b"grid_id\nG1\n"))


@bad(FAMILY, "content_unknown", "locks.xlsx")
def locks_that_are_no_workbook(folder: Path) -> Arguments:
    return earlier(folder, "--lock", write(folder, "locks.xlsx", b"grid_id\nG1\n"))


@bad(FAMILY, "several_layers", "locks.xlsx", "Sheet1", "East")
def locks_on_two_sheets(folder: Path) -> Arguments:
    book = xlsx(folder, [["grid_id"], ["G1"]], "locks.xlsx", East=[["grid_id"], ["G2"]])
    return earlier(folder, "--lock", book)


@bad(FAMILY, "is_address", "http")
def locks_from_an_address(folder: Path) -> Arguments:
    return earlier(folder, "--lock", "http://127.0.0.1/locks.csv")


@bad(FAMILY, "locked_unit_without_grid", "locks.csv", "U6")
def locks_of_a_unit_in_no_grid(folder: Path) -> Arguments:
    rows = "".join(f"U{k},G{1 + k // 4}\n" for k in range(1, 6))
    table = csv(folder, f"unit_id,grid_id\n{rows}", "grids.csv")
    return drawn(folder, table, "--lock", csv(folder, "unit_id\nU6\n", "locks.csv"))


# -- grids and units -----------------------------------------------------------------------------------


@bad(FAMILY, "column_missing", "grids.csv", "grid_id")
def grids_in_a_table_without_codes(folder: Path) -> Arguments:
    return drawn(folder, csv(folder, "unit_id\nU1\n", "grids.csv"))


@bad(FAMILY, "id_missing", "unit_id")
def grids_in_a_table_that_names_no_unit(folder: Path) -> Arguments:
    return drawn(folder, csv(folder, "unit_id,grid_id\n,G1\n,G2\n", "grids.csv"))


@bad(FAMILY, "geometry_type", "grids.gpkg", "Point")
def grids_that_are_points(folder: Path) -> Arguments:
    points = good_units().rename(columns={"unit_id": "grid_id"})
    return drawn(folder, gpkg(folder, points, "grids.gpkg"))


@bad(FAMILY, "standing_ids_unmatched", "grids.csv", "--id", "6")
def grids_in_a_table_of_other_ids(folder: Path) -> Arguments:
    rows = "".join(f"Z{k},G{1 + k // 4}\n" for k in range(1, 7))
    return drawn(folder, csv(folder, f"unit_id,grid_id\n{rows}", "grids.csv"))


@bad(FAMILY, "standing_grids_elsewhere", "grids.gpkg", "--grids")
def grids_drawn_kilometres_away(folder: Path) -> Arguments:
    away = standing_grids()
    return drawn(folder, gpkg(folder, away.set_geometry(away.translate(5000, 5000)), "grids.gpkg"))


@bad(FAMILY, "layer_is_another", "units.gpkg", "--units")
def units_given_as_the_grids(folder: Path) -> Arguments:
    return drawn(folder, "units.gpkg")


@bad(FAMILY, "standing_grids_are_units", "houses.gpkg", "6")
def buildings_given_as_the_grids(folder: Path) -> Arguments:
    houses = good_units()[["unit_id", "geometry"]].rename(columns={"unit_id": "grid_id"})
    return drawn(folder, gpkg(folder, houses.set_geometry(houses.buffer(2)), "houses.gpkg"))


@bad(FAMILY, "standing_grids_are_communities", "homes.gpkg", "weige plan")
def communities_given_as_the_grids(folder: Path) -> Arguments:
    full = gpkg(folder, with_column("households", [90] * 6), "full.gpkg")
    homes = good_communities().rename(columns={"community_id": "grid_id"})
    return drawn(folder, gpkg(folder, homes, "homes.gpkg"), "--units", full, "--min", "10", "--max", "25")


@bad(FAMILY, "layer_not_found", PLAN, "grids_of_last_year", "micro_grids")
def grids_of_a_layer_that_a_plan_has_not(folder: Path) -> Arguments:
    return earlier(folder, "--grids", f"{PLAN}:grids_of_last_year")


@bad(FAMILY, "standing_grids_missing", "--grids")
def grids_from_nowhere(folder: Path) -> Arguments:
    units, homes = gpkg(folder, good_units()), gpkg(folder, good_communities(), "communities.gpkg")
    return ["rebalance", "--units", units, "--communities", homes, "-o", "next.gpkg"]


@bad(FAMILY, "count_negative", "units.gpkg", "households", "U2")
def units_of_today_with_a_negative_count(folder: Path) -> Arguments:
    units = gpkg(folder, with_column("households", [20, -20, 20, 20, 20, 20]))
    return earlier(folder, "--units", units)


@bad(FAMILY, "layer_is_another", "communities.gpkg", "--communities")
def communities_given_as_the_units_of_today(folder: Path) -> Arguments:
    return earlier(folder, "--units", gpkg(folder, good_communities(), "communities.gpkg"))


# -- options and outputs -------------------------------------------------------------------------------

OPTIONS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("moves_in_words", "usage.not_whole", ("--max-moved", "many"), ("--max-moved",)),
    ("half_a_move", "usage.not_whole", ("--max-moved", "1.5"), ("--max-moved",)),
    ("moves_below_none", "usage.too_low", ("--max-moved", "-1"), ("--max-moved", "0")),
    ("a_band_upside_down", "band_invalid", ("--min", "80", "--max", "60"), ("80", "60")),
    ("an_unknown_crs", "crs_unknown", ("--crs", "EPSG:1"), ("EPSG:1",)),
    ("a_wrong_id_column", "field_not_found", ("--id", "nummer"), (PLAN, "units", "nummer", "--id")),
    ("a_field_of_no_layer", "field_option", ("--field", "houses.households=hh"), ("houses",)),
    ("a_field_of_a_layer_not_given", "field_layer_unknown", ("--field", "roads.name=x"), ("roads",)),
    ("a_ledger_that_is_a_letter", "output_suffix", ("--ledger", "moved.doc"), ("moved.doc", ".xlsx")),
    ("a_map_that_is_a_picture", "output_suffix", ("--map", "map.png"), ("map.png", ".html")),
    ("a_map_in_no_folder", "folder_missing", ("--map", "nowhere/map.html"), ("nowhere",)),
    ("an_output_that_is_a_shapefile", "output_suffix", ("-o", "next.shp"), ("next.shp", ".gpkg")),
    ("an_output_that_is_the_plan", "output_is_input", ("-o", PLAN), (PLAN,)),
    ("an_output_that_is_the_plan_by_another_way", "output_is_input", ("-o", f"./{PLAN}"), (PLAN,)),
)
for name, code, options, says in OPTIONS:
    add(FAMILY, name, lambda folder, options=options: earlier(folder, *options), code, *says)


@bad(FAMILY, "output_is_input", "locks.xlsx")
def a_ledger_that_is_the_list_of_locks(folder: Path) -> Arguments:
    book = xlsx(folder, [["grid_id"], ["G1"]], "locks.xlsx")
    return earlier(folder, "--lock", book, "--ledger", "locks.xlsx")


@bad(FAMILY, "output_is_input", "units.gpkg")
def an_output_that_is_the_units(folder: Path) -> Arguments:
    return earlier(folder, "--units", gpkg(folder, good_units()), "-o", "units.gpkg")


@bad(FAMILY, "output_not_writable", "next.gpkg")
def an_output_that_is_a_folder(folder: Path) -> Arguments:
    (folder / "next.gpkg").mkdir()
    return earlier(folder)
