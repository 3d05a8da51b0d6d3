"""Plan files into a real PostGIS."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from sqlalchemy import text

from api.database import Store
from api.errors import NotAllowedError, NotFoundError
from api.loading import load_plan_as_owner, load_plan_job
from api.plan_columns import in_stored_crs, turned_back
from api.plan_reading import read_plan
from geo.errors import InputError
from tests.api.plans import TOWN, altered, contents, one, rows, silent, town_layers, write_town_plan


@pytest.fixture(scope="session")
def layers(tmp_path_factory):
    return town_layers(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="session")
def plan_file(layers, tmp_path_factory) -> Path:
    return write_town_plan(layers, tmp_path_factory.mktemp("plan") / "town.gpkg")


@pytest.fixture(scope="session")
def larger_grids(layers, tmp_path_factory) -> Path:
    """Another plan of the same town: grids of up to 120 households."""
    return write_town_plan(layers, tmp_path_factory.mktemp("plan") / "larger.gpkg", upper=120)


def load(store: Store, path: Path, **options):
    return load_plan_as_owner(store, path, report=silent, **options)


def test_the_store_holds_what_the_file_holds(store, plan_file):
    loaded = load(store, plan_file)

    units = gpd.read_file(plan_file, layer="units").set_index("unit_id").to_crs(4490)
    grids = gpd.read_file(plan_file, layer="micro_grids").set_index("grid_id").to_crs(4490)
    assert [version.community for version in loaded.versions] == list(TOWN)
    stored = rows(
        store,
        "SELECT u.unit_id, u.households, g.code, d.code, ST_AsBinary(u.geom) FROM units u"
        " JOIN divisions d ON d.id = u.community_id"
        " LEFT JOIN assignments a ON (a.ground_id, a.unit_number) = (u.ground_id, u.number)"
        " LEFT JOIN grids g ON (g.version_id, g.number) = (a.version_id, a.grid_number)",
    )
    assert len(stored) == len(units)
    for unit_id, households, grid, community, shape in stored:
        assert (households, grid, community) == tuple(
            units.loc[unit_id, ["households", "grid_id", "community_id"]]
        )
        assert shapely.equals_exact(shapely.from_wkb(shape), units.geometry[unit_id], tolerance=1e-9)
    stored = rows(store, "SELECT code, households, units, status, area_m2, ST_AsBinary(geom) FROM grids")
    assert len(stored) == len(grids)
    for code, households, n_units, status, area_m2, shape in stored:
        grid = grids.loc[code]
        assert (households, n_units, status) == (grid.households, grid.units, grid.status)
        assert area_m2 == pytest.approx(grid.area_m2)
        assert shapely.equals_exact(shapely.from_wkb(shape), grid.geometry, tolerance=1e-9)


def test_unit_numbers_ascend_with_the_ids_and_pairs_name_them(store, plan_file):
    load(store, plan_file)

    names = {
        (ground, number): unit_id
        for ground, number, unit_id in rows(store, "SELECT ground_id, number, unit_id FROM units")
    }
    for ground, n_units in rows(store, "SELECT id, n_units FROM grounds"):
        ids = [names[ground, number] for number in range(n_units)]
        assert ids == sorted(ids)
    stored = {
        (names[ground, left], names[ground, right], joins)
        for ground, pairs in (
            (ground, zip(left, right, joins, strict=True))
            for ground, left, right, joins in rows(
                store, "SELECT id, pair_left, pair_right, joins FROM grounds"
            )
        )
        for left, right, joins in pairs
    }
    home = gpd.read_file(plan_file, layer="units").set_index("unit_id")["community_id"]
    table = gpd.read_file(plan_file, layer="adjacency")
    inside = table[home[table["unit_a"]].to_numpy() == home[table["unit_b"]].to_numpy()]
    assert stored == {
        (*sorted((a, b)), bool(joins))
        for a, b, joins in zip(inside["unit_a"], inside["unit_b"], inside["joins"], strict=True)
    }


def test_official_codes_make_the_divisions_above(store, plan_file):
    load(store, plan_file)

    tree = rows(
        store, "SELECT d.code, d.level, p.code FROM divisions d JOIN divisions p ON p.id = d.parent_id"
    )
    assert sorted(tree) == [
        ("32", "province", "all"),
        ("3207", "city", "32"),
        ("320706", "county", "3207"),
        ("320706001", "street", "320706"),
        ("320706001001", "community", "320706001"),
        ("320706001007", "community", "320706001"),
        ("320706011", "street", "320706"),
        ("320706011004", "community", "320706011"),
    ]
    assert one(store, "SELECT name FROM divisions WHERE code = '320706011004'") == "砚池社区居委会"


def other_ids(plan_file: Path, path: Path) -> Path:
    return altered(
        plan_file, path,
        *(f"UPDATE {layer} SET community_id = 'C-' || substr(community_id, 6)"
          for layer in ("communities", "units", "micro_grids")),
    )  # fmt: skip


def test_other_ids_stand_below_the_root_or_the_division_named(store, plan_file, tmp_path):
    load(store, plan_file)
    file = other_ids(plan_file, tmp_path / "other.gpkg")

    with pytest.raises(NotFoundError, match="no division 99"):
        load(store, file, under="99")
    load(store, file, under="320706001")

    above = "SELECT p.code FROM divisions d JOIN divisions p ON p.id = d.parent_id WHERE d.code = 'C-6001001'"
    assert one(store, above) == "320706001"
    with pytest.raises(InputError, match="there already, but not below 320706011"):
        load(store, file, under="320706011")


def test_the_same_file_twice_changes_nothing(store, plan_file):
    first = load(store, plan_file)
    before = contents(store)
    again = load(store, plan_file)

    assert contents(store) == before
    assert (again.grounds, again.units, again.grids) == (0, 0, 0)
    assert [version.version_id for version in again.versions] == [
        version.version_id for version in first.versions
    ]
    assert not any(version.is_new for version in again.versions)


def test_another_plan_on_the_same_units_stands_on_the_same_ground(store, plan_file, larger_grids):
    first = load(store, plan_file)
    second = load(store, larger_grids, name=plan_file.stem)

    assert (second.grounds, second.units) == (0, 0)
    assert one(store, "SELECT count(*) FROM plans") == len(TOWN)
    parents = dict(rows(store, "SELECT id, parent_id FROM versions WHERE parent_id IS NOT NULL"))
    assert parents == {
        new.version_id: old.version_id for new, old in zip(second.versions, first.versions, strict=True)
    }


def test_one_household_more_is_another_ground(store, plan_file, tmp_path):
    load(store, plan_file)
    unit, grid = gpd.read_file(plan_file, layer="units")[["unit_id", "grid_id"]].iloc[0]
    grids = gpd.read_file(plan_file, layer="micro_grids").set_index("grid_id")
    assert grids.status[grid] == "ok"
    more = altered(
        plan_file, tmp_path / "town.gpkg",
        f"UPDATE units SET households = households + 1 WHERE unit_id = '{unit}'",
        "UPDATE micro_grids SET households = households + 1,"
        " status = iif(households = 100, 'too_large', status)"
        f" WHERE grid_id = '{grid}'",
    )  # fmt: skip

    loaded = load(store, more)

    assert (loaded.grounds, sum(version.is_new for version in loaded.versions)) == (1, 1)
    assert one(store, "SELECT count(*) FROM grounds") == len(TOWN) + 1


def test_layers_round_the_units_are_replaced(store, plan_file, tmp_path):
    load(store, plan_file)
    n_gates = one(store, "SELECT count(*) FROM gates")
    assert n_gates == len(gpd.read_file(plan_file, layer="gates"))
    fewer = altered(
        plan_file,
        tmp_path / "town.gpkg",
        "DELETE FROM gates WHERE fid > 5",
        "DELETE FROM roads WHERE fid > 50",
    )

    load(store, fewer)

    assert one(store, "SELECT count(*) FROM gates") == 5
    assert one(store, "SELECT count(*) FROM roads") == 50


def only_community(plan_file: Path, path: Path, code: str) -> Path:
    """Return the part of a plan file that speaks of one community."""
    return altered(
        plan_file, path,
        f"DELETE FROM units WHERE community_id <> '{code}'",
        "DELETE FROM cells WHERE unit_id NOT IN (SELECT unit_id FROM units)",
        f"DELETE FROM micro_grids WHERE community_id <> '{code}'",
        f"DELETE FROM findings WHERE community_id <> '{code}'",
        f"DELETE FROM communities WHERE community_id <> '{code}'",
        "DELETE FROM adjacency WHERE unit_a NOT IN (SELECT unit_id FROM units)"
        " OR unit_b NOT IN (SELECT unit_id FROM units)",
    )  # fmt: skip


def test_what_reaches_into_a_community_not_loaded_stays(store, plan_file, tmp_path):
    load(store, plan_file)
    part = only_community(plan_file, tmp_path / "part.gpkg", TOWN[0])
    reaching = (
        "SELECT count(*) FROM water w"
        " WHERE (SELECT count(*) FROM divisions d WHERE ST_Intersects(d.geom, w.geom)) > 1"
    )
    before = one(store, reaching), one(store, "SELECT count(*) FROM roads")
    assert before[0] > 0
    load(store, part)

    assert (one(store, reaching), one(store, "SELECT count(*) FROM roads")) == before


@pytest.fixture
def someone(store) -> int:
    with store.owner.begin() as owner:
        return owner.execute(text("INSERT INTO users (name) VALUES ('planner-1') RETURNING id")).scalar_one()


def path_of(store: Store, code: str) -> str:
    return str(one(store, "SELECT path::text FROM divisions WHERE code = :code", code=code))


def test_a_planner_loads_into_communities_of_the_own_area_and_nowhere_else(
    store, plan_file, larger_grids, tmp_path, someone
):
    load(store, plan_file)
    grants = {"planner": [path_of(store, "320706001")]}
    before = contents(store)
    with pytest.raises(NotAllowedError, match="320706011"):
        load_plan_job(store, larger_grids, actor=someone, grants=grants, report=silent)
    assert contents(store) == before

    part = only_community(larger_grids, tmp_path / "part.gpkg", TOWN[1])
    told = load_plan_job(store, part, actor=someone, grants=grants, report=silent)

    assert (told["communities"], told["new_versions"], told["new_grounds"]) == (1, 1, 0)
    assert rows(store, "SELECT d.code, v.created_by FROM versions v JOIN divisions d ON d.id = v.community_id"
                       " WHERE v.created_by IS NOT NULL") == [(TOWN[1], someone)]  # fmt: skip


def test_an_administrator_adds_communities_below_the_own_area(store, plan_file, someone):
    with store.owner.begin() as owner:
        add = text(
            "INSERT INTO divisions (parent_id, level, code) SELECT id, :l, :c FROM divisions WHERE code = :p"
        )
        for parent, level, code in (
            ("all", "province", "32"),
            ("32", "city", "3207"),
            ("3207", "county", "320706"),
        ):
            owner.execute(add, {"p": parent, "l": level, "c": code})
    county, city = path_of(store, "320706"), path_of(store, "3207")
    with pytest.raises(NotAllowedError):
        load_plan_job(store, plan_file, actor=someone, grants={"planner": [city]}, report=silent)

    told = load_plan_job(store, plan_file, actor=someone, grants={"admin": [county]}, report=silent)

    assert told["units"] == one(store, "SELECT count(*) FROM units") > 0
    assert told["features_around"] == sum(
        one(store, f"SELECT count(*) FROM {table}")
        for table in ("roads", "water", "barriers", "gates", "compounds")
    )


@pytest.mark.parametrize(
    ("statement", "code", "layer"),
    [
        ("DELETE FROM gpkg_contents WHERE table_name = 'cells'", "plan_layer_missing", "cells"),
        ("UPDATE micro_grids SET households = households + 1 WHERE fid = 1",
         "grid_totals_differ", "micro_grids"),
        ("UPDATE micro_grids SET status = 'too_large' WHERE status = 'ok'",
         "plan_status_wrong", "micro_grids"),
        ("UPDATE micro_grids SET grid_id = 'x' WHERE fid < 3", "plan_id_repeated", "micro_grids"),
        ("UPDATE micro_grids SET community_id = 'x' WHERE fid = 1", "plan_id_unknown", "micro_grids"),
        ("UPDATE micro_grids SET kind = 'x' WHERE fid = 1", "plan_value_unknown", "micro_grids"),
        ("UPDATE micro_grids SET geom = (SELECT geom FROM micro_grids WHERE fid = 2) WHERE fid = 1",
         "grid_not_its_cells", "micro_grids"),
        ("UPDATE units SET grid_id = 'x' WHERE fid = 1", "plan_id_unknown", "units"),
        ("UPDATE units SET households = -1 WHERE fid = 1", "count_negative", "units"),
        ("DELETE FROM cells WHERE unit_id IN (SELECT unit_id FROM units WHERE households > 0 LIMIT 1)",
         "unit_without_cell_in_plan", "cells"),
        ("UPDATE adjacency SET unit_b = unit_a WHERE fid = 1", "pair_with_itself", "adjacency"),
        ("UPDATE adjacency SET crosses = 'moat' WHERE fid = 1", "plan_value_unknown", "adjacency"),
        ("UPDATE run SET min_households = 200", "plan_number_missing", "run"),
        ("UPDATE findings SET \"values\" = '{'", "plan_value_unknown", "findings"),
    ],
)  # fmt: skip
def test_a_plan_that_contradicts_itself_is_refused(plan_file, tmp_path, statement, code, layer):
    with pytest.raises(InputError) as refused:
        read_plan(altered(plan_file, tmp_path / "bad.gpkg", statement))

    assert (refused.value.code, refused.value.layer) == (code, layer)


def test_a_grid_moved_by_a_metre_is_not_the_union_of_its_cells(plan_file, tmp_path):
    frame = gpd.read_file(plan_file, layer="micro_grids")
    moved = shapely.transform(frame.geometry.iloc[3], lambda xy: xy + np.array([1e-5, 0]))
    # Little-endian header of a GeoPackage geometry without envelope.
    blob = b"GP\x00\x01" + (4326).to_bytes(4, "little") + shapely.to_wkb(moved)
    bad = altered(
        plan_file, tmp_path / "bad.gpkg",
        f"UPDATE micro_grids SET geom = x'{blob.hex()}' WHERE grid_id = '{frame.grid_id.iloc[3]}'",
    )  # fmt: skip
    with pytest.raises(InputError, match=frame.grid_id.iloc[3]) as refused:
        read_plan(bad)
    assert refused.value.code == "grid_not_its_cells"


def test_a_fault_half_way_leaves_the_store_as_it_was(store, plan_file, larger_grids):
    load(store, plan_file)
    before = contents(store)

    class StopError(Exception):
        pass

    for stage in ("divisions", "units", "around", "grids", "publishing"):

        def stop(at: str, done: int, total: int, stage: str = stage) -> None:
            if (at, done) == (stage, 1):
                raise StopError

        with pytest.raises(StopError):
            load_plan_as_owner(store, larger_grids, report=stop, valid_from=date(2026, 12, 1))
        assert contents(store) == before


def test_streets_take_the_names_of_the_towns_in_the_file_and_keep_those_they_have(store, plan_file):
    load(store, plan_file)
    named = "SELECT code, name FROM divisions WHERE level = 'street' ORDER BY code"
    assert rows(store, named) == [("320706001", "朐阳街道"), ("320706011", "海州街道")]
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE divisions SET name = '新名' WHERE code = '320706001'"))
    load(store, plan_file)
    assert rows(store, named)[0] == ("320706001", "新名")


def test_a_needle_that_turns_over_on_the_way_to_degrees_is_mended_and_what_was_crossed_is_not():
    # A cell of a plan of Boston, sound in metres: its needle to the east is narrower than a millimetre.
    needle = shapely.from_wkt(
        "POLYGON ((330733.8426513672 4692791.785827637, 330727.25524902344 4692791.945159912,"
        " 330740.1882324219 4692781.629364014, 330726.77157592773 4692771.9509887695, 330713.6143798828"
        " 4692738.936920166, 330746.55142211914 4692738.140167236, 330783.3374938965 4692726.139801025,"
        " 330805.81045532227 4692733.155914307, 330811.69329833984 4692784.22265625, 330818.73205566406"
        " 4692783.258850098, 330832.8095703125 4692781.331237793, 330762.421875 4692790.969360352,"
        " 330760.19232177734 4692791.148376465, 330747.0174560547 4692791.467102051, 330733.8426513672"
        " 4692791.785827637))"
    )
    bow = shapely.from_wkt("POLYGON ((330700 4692700, 330800 4692800, 330800 4692700, 330700 4692800,"
                           " 330700 4692700))")  # fmt: skip
    drawn = np.array([needle, bow], dtype=object)
    moved = in_stored_crs(drawn, pyproj.CRS.from_epsg(32619), Path("plan.gpkg"), "cells")
    assert shapely.is_valid(needle)
    assert list(shapely.is_valid(moved)) == [False, False]
    mended = turned_back(moved, drawn)
    assert list(shapely.is_valid(mended)) == [True, False]
    assert mended[0].area == pytest.approx(moved[0].area, rel=1e-6)
    assert mended[0].geom_type in ("Polygon", "MultiPolygon")
