"""A version read back from the store is the plan that was loaded."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from api.database import Store
from api.loading import load_plan_as_owner
from api.version_frames import version_frames
from maps.export import read_plan_file
from maps.layers import page_layers
from tests.api.place import Place, draw_community
from tests.api.plans import TOWN, rows, silent, town_layers, write_town_plan

EVERYWHERE = {"viewer": ["1"]}


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    # A narrow band leaves grids out of it, with reasons, findings and remedies.
    return write_town_plan(town_layers(folder), folder / "town.gpkg", upper=60)


@pytest.fixture
def frames(store: Store, plan_file: Path) -> dict[str, dict[str, pd.DataFrame]]:
    """The frames of each community of the town, loaded and read back."""
    loaded = load_plan_as_owner(store, plan_file, report=silent)
    with store.acting(None, EVERYWHERE) as session:
        return {version.community: version_frames(session, version.version_id) for version in loaded.versions}


def together(frames, layer: str) -> pd.DataFrame:
    assert list(frames) == list(TOWN)
    return pd.concat([each[layer] for each in frames.values()], ignore_index=True)


def assert_same_shapes(stored: gpd.GeoDataFrame, filed: gpd.GeoDataFrame) -> None:
    assert stored.crs.to_epsg() == 4490
    expected = filed.to_crs(4490).geometry.loc[stored.index].to_numpy()
    assert shapely.equals_exact(stored.geometry.to_numpy(), expected, tolerance=1e-9).all()


def test_grids_come_back_as_they_were_loaded(frames, plan_file):
    stored = together(frames, "micro_grids").set_index("grid_id")
    filed = gpd.read_file(plan_file, layer="micro_grids").set_index("grid_id")

    assert set(stored.index) == set(filed.index)
    filed = filed.loc[stored.index]
    assert {"ok", "too_large"} <= set(stored["status"])
    for column in ("community_id", "kind", "households", "units", "status", "name", "reason"):
        same = (stored[column] == filed[column]) | (stored[column].isna() & filed[column].isna())
        assert same.all(), column
    for column in ("area_m2", "perimeter_m", "compactness"):
        np.testing.assert_allclose(stored[column], filed[column])
    assert_same_shapes(stored, filed)


def test_units_and_cells_come_back_as_they_were_loaded(frames, plan_file):
    stored = together(frames, "units").set_index("unit_id")
    filed = gpd.read_file(plan_file, layer="units").set_index("unit_id")

    assert set(stored.index) == set(filed.index)
    for column in ("community_id", "grid_id", "households", "building_id", "compound_id", "address"):
        expected = filed.loc[stored.index, column]
        assert ((stored[column] == expected) | (stored[column].isna() & expected.isna())).all(), column
    assert_same_shapes(stored, filed)
    cells = together(frames, "cells").set_index("unit_id")
    filed_cells = gpd.read_file(plan_file, layer="cells").set_index("unit_id")
    assert set(cells.index) == set(filed_cells.index)
    assert_same_shapes(cells, filed_cells)


def test_pairs_and_findings_come_back_as_they_were_loaded(frames, plan_file):
    home = gpd.read_file(plan_file, layer="units").set_index("unit_id")["community_id"]
    filed = gpd.read_file(plan_file, layer="adjacency")
    filed = filed[home[filed["unit_a"]].to_numpy() == home[filed["unit_b"]].to_numpy()]
    told = ["unit_a", "unit_b", "crosses", "joins"]
    stored = together(frames, "adjacency")
    assert set(stored[told].fillna("").itertuples(index=False, name=None)) == set(
        filed[told].fillna("").itertuples(index=False, name=None)
    )
    assert stored["border_m"].sum() == pytest.approx(filed["border_m"].sum(), rel=1e-6)

    stored, filed = together(frames, "findings"), gpd.read_file(plan_file, layer="findings")
    filed = filed[filed["community_id"].notna()]

    def said(layer: pd.DataFrame) -> list[tuple[object, ...]]:
        return sorted(
            (row.community_id, row.code, row.severity, row.grid_id or "", row.text_zh, row.text_en,
             row.unit_ids, json.dumps(json.loads(row.values_), sort_keys=True))
            for row in layer.rename(columns={"values": "values_"}).fillna({"grid_id": ""}).itertuples()
        )  # fmt: skip

    assert said(stored) == said(filed)
    assert len(stored) > 5
    assert not stored["accepted"].any()


def test_the_page_counts_a_stored_version_as_it_counts_the_file(frames, plan_file):
    filed = page_layers(read_plan_file(plan_file))
    for community, each in frames.items():
        stored = page_layers(each)
        own = filed["communities"][filed["communities"]["community_id"] == community]
        counted = [name for name in own.columns if name not in ("geometry", "name")]
        pd.testing.assert_frame_equal(
            pd.DataFrame(stored["communities"][counted]), pd.DataFrame(own[counted]).reset_index(drop=True)
        )
        assert len(stored["findings"]) == (filed["findings"]["community_id"] == community).sum()


def test_what_lies_round_is_near_and_long_things_end_there(frames, store):
    reach = 0.002
    for each in frames.values():
        outline = each["communities"].geometry.iloc[0]
        assert len(each["roads"])
        for layer in ("roads", "water", "barriers", "compounds", "gates"):
            assert (shapely.distance(each[layer].geometry.to_numpy(), outline) <= reach + 1e-9).all(), layer
        box = shapely.box(*outline.buffer(reach + 1e-6, join_style="mitre").bounds)
        assert shapely.covers(box, each["roads"].geometry.to_numpy()).all()
    # Compounds are enclosed: those that reach out stay whole.
    whole = rows(store, "SELECT ST_AsBinary(geom) FROM compounds")
    stored = {shapely.from_wkb(bytes(wkb)).normalize().wkb for (wkb,) in whole}
    read = {shape.normalize().wkb for shape in together(frames, "compounds").geometry}
    assert read <= stored
    assert read


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, "320924001001", [[30, 30, 30, 10], [20, 20, 20, 5]])


def test_units_stand_in_the_order_of_their_numbers_and_name_their_grids(store, place):
    with store.owner.begin() as owner:
        owner.execute(text("DELETE FROM assignments WHERE unit_number = 5"))
    with store.acting(None, EVERYWHERE) as session:
        frames = version_frames(session, place.version_id)

    left, right = f"{place.code}001", f"{place.code}002"
    assert frames["units"]["unit_id"].tolist() == [f"u{number:02}" for number in range(8)]
    assert frames["units"]["grid_id"].tolist() == [left, left, right, right, left, None, right, right]
    assert frames["micro_grids"]["status"].tolist() == ["ok", "ok"]
    assert frames["run"][["min_households", "max_households"]].to_numpy().tolist() == [[50, 100]]
    assert shapely.area(frames["cells"].geometry.to_numpy()).sum() == pytest.approx(8e-6)


def test_a_version_of_nothing_is_a_plan_of_empty_layers(store, place):
    with store.owner.begin() as owner:
        empty = owner.execute(
            text("INSERT INTO grounds (community_id, n_units, households, sha256, pair_left, pair_right,"
                 " border_m, crosses, joins) VALUES (:c, 0, 0, sha256('x'), '{}', '{}', '{}', '{}', '{}')"
                 " RETURNING id"),
            {"c": place.community_id},
        ).scalar_one()  # fmt: skip
        version = owner.execute(
            text("INSERT INTO versions (plan_id, community_id, ground_id, min_households, max_households)"
                 " VALUES (:p, :c, :g, 50, 100) RETURNING id"),
            {"p": place.plan_id, "c": place.community_id, "g": empty},
        ).scalar_one()  # fmt: skip
    with store.acting(None, EVERYWHERE) as session:
        frames = version_frames(session, version)
    assert {name: len(frame) for name, frame in frames.items() if len(frame)} == {"communities": 1, "run": 1}
    assert len(page_layers(frames)["grids"]) == 0


def test_who_may_not_read_a_community_reads_nothing_of_it(store, place):
    other = draw_community(store, "320924001002", [[30, 30]], lon=121.0)
    for rights in ({"viewer": [other.path]}, {"reporter": ["1"]}, {}):
        with store.acting(None, rights) as session, pytest.raises(NoResultFound):
            version_frames(session, place.version_id)
