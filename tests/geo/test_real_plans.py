"""Whole plans of real places: real overlaps, invalid polygons, walls that touch in a T."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.plan_layers import read_plan_layers
from geo.planning import Plan, plan
from tests.geo.test_cities import UNAVOIDABLE, assert_legal_geometry
from tests.real_layers import write_cambridge, write_shanghai

DATA = os.environ.get("WEIGE_TEST_DATA", "")
pytestmark = pytest.mark.skipif(
    not DATA, reason="WEIGE_TEST_DATA does not name the folder of the real layers"
)

# Walls are joined to others that end within a centimetre of them; a border may follow the joined wall.
WALL_M = 0.02


def planned(write, folder: Path) -> Plan:
    return plan(read_plan_layers({kind: str(path) for kind, path in write(Path(DATA), folder).items()}))


def assert_legal(made: Plan) -> None:
    parts = made.partition
    assert parts.contiguous.all()
    for part in parts.out_of_band.tolist():
        assert parts.proofs[part].code in UNAVOIDABLE, parts.proofs[part]
        assert any(finding.grid_id == made.grid_ids[part] for finding in made.findings)
    assert_legal_geometry(made)


@pytest.fixture(scope="module")
def shanghai(tmp_path_factory) -> Plan:
    return planned(write_shanghai, tmp_path_factory.mktemp("shanghai"))


def test_shanghai_is_in_band_or_proved(shanghai):
    assert len(shanghai.layers.units) > 1000
    assert_legal(shanghai)


def test_no_grid_edge_crosses_a_building_of_shanghai(shanghai):
    grids = shanghai.micro_grids().to_crs(shanghai.layers.working_crs)
    walls = shapely.boundary(grids.geometry.to_numpy())
    placed = shanghai.layers.units[shanghai.layers.units["community_id"].notna()]
    bodies = shapely.buffer(placed.geometry.to_numpy(), -WALL_M)
    _, crossed = shapely.STRtree(bodies).query(walls, predicate="intersects")

    assert placed["unit_id"].iloc[np.unique(crossed)].tolist() == []


def test_cambridge_is_in_band_or_proved(tmp_path):
    made = planned(write_cambridge, tmp_path)

    assert len(made.layers.units) > 10_000
    codes = {finding.code for finding in made.findings}
    assert {"ids_are_row_numbers", "geometry_made_valid", "unit_without_geometry"} <= codes
    assert_legal(made)


def test_real_units_keep_their_geometry_and_columns(shanghai):
    before = gpd.GeoDataFrame(shanghai.layers.units)

    assert {"unit_id", "households", "geometry"} <= set(before.columns)
    assert shanghai.unit_grid_ids().shape == (len(before),)
