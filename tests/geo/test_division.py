from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.adjacency import adjacency
from geo.arcs import Arcs
from geo.boundaries import region_polygons
from geo.division import CLEARANCE_M, divided_cell, longer_side
from geo.errors import CoverageError, InputError
from geo.floors import FloorBand, with_floors
from geo.plan_layers import PlanLayers, plan_layers
from geo.planning import Ground, stand
from tests.builders import even_bands
from tests.geo.town import CRS, EAST_M, NORTH_M, box, communities, houses


def cells_of(ground: Ground) -> NDArray[np.object_]:
    own = np.full(len(ground.arcs.cell_community), -1)
    own[: ground.arcs.n_units] = np.arange(ground.arcs.n_units)
    return region_polygons(ground.arcs, own, ground.arcs.n_units)


def divided(layers: PlanLayers, floors: dict[str, list[FloorBand]]) -> Ground:
    return stand(replace(layers, units=with_floors(layers.units, floors, file="floors.csv")))


@st.composite
def towns(draw: st.DrawFn) -> PlanLayers:
    """Draw houses turned any way, some recorded as points, with a road and a river among them."""
    spots = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 3.1), st.floats(0.5, 12)),
            min_size=2, max_size=9, unique_by=lambda spot: spot[:2],
        )
    )  # fmt: skip
    shapes = []
    for x, y, turn, size in spots:
        middle = (EAST_M + 30.3 * x + size / 7, NORTH_M + 29.7 * y)
        shape = shapely.box(middle[0] - size, middle[1] - 4, middle[0] + size, middle[1] + 4)
        turned = shapely.affinity.rotate(shape, turn, use_radians=True)
        shapes.append(shapely.Point(middle) if size < 3 else turned)
    counts = draw(st.lists(st.integers(0, 300), min_size=len(spots), max_size=len(spots)))
    units = gpd.GeoDataFrame(
        {"unit_id": [f"u{n}" for n in range(len(spots))], "households": counts}, geometry=shapes, crs=CRS
    )
    slope = draw(st.floats(-1, 1))
    road = shapely.LineString([(EAST_M - 40, NORTH_M + 70), (EAST_M + 220, NORTH_M + 70 + 60 * slope)])
    roads = gpd.GeoDataFrame({"road_class": ["primary"]}, geometry=[road], crs=CRS)
    water = gpd.GeoDataFrame(
        {"name": ["w"]},
        geometry=[shapely.box(EAST_M + 72, NORTH_M - 40, EAST_M + 78, NORTH_M + 300)],
        crs=CRS,
    )
    home = communities(c=box(-2, -2, 8, 8))
    return plan_layers(units=units, communities=home, roads=roads, water=water)


@settings(max_examples=15, deadline=None)
@given(
    layers=towns(), floors=st.lists(st.integers(2, 40), min_size=9, max_size=9), seed=st.integers(0, 2**31)
)
def test_divided_towers_are_an_exact_coverage_with_areas_by_households(layers, floors, seed):
    chance = np.random.default_rng(seed)
    units = layers.units
    bands = {
        unit: even_bands(height, int(count), int(chance.integers(2, min(height, 6) + 1)))
        for unit, count, height in zip(units["unit_id"], units["households"], floors, strict=False)
        if chance.random() < 0.7
    }
    before = stand(layers)
    whole = dict(zip(before.unit_ids, cells_of(before), strict=True))
    ground = divided(layers, bands)
    parts = dict(zip(ground.unit_ids, cells_of(ground), strict=True))

    assert ground.households.sum() == units["households"].sum()
    assert shapely.is_valid(list(parts.values())).all()
    assert shapely.coverage_is_valid(list(parts.values()))
    joined = {
        (ground.adjacency.unit_ids[a], ground.adjacency.unit_ids[b])
        for a, b, can in zip(
            ground.adjacency.left, ground.adjacency.right, ground.adjacency.joins, strict=True
        )
        if can
    }
    for unit, cell in whole.items():
        names = [band.unit_id(unit) for band in bands.get(unit, [])] or [unit]
        mine = shapely.coverage_union_all([parts[name] for name in names])
        assert shapely.area(shapely.symmetric_difference(mine, cell)) < 1e-3 * shapely.length(cell)
        counts = np.maximum([band.households for band in bands.get(unit, [])] or [1], 1)
        wanted = shapely.area(cell) * counts / counts.sum()
        slack = len(names) * 70 * CLEARANCE_M * shapely.length(cell)
        assert np.allclose(shapely.area([parts[name] for name in names]), wanted, atol=slack)
        for below, above in pairwise(names):
            assert (min(below, above), max(below, above)) in joined


def test_the_bands_of_a_tower_follow_its_longer_side_and_keep_what_lies_beyond():
    # A long house in the middle of a row; a wall of water stands along its eastern end.
    units = houses({"0-0": 10, "1-0": 120, "2-0": 10})
    river = gpd.GeoDataFrame(
        {"name": ["r"]},
        geometry=[shapely.box(EAST_M + 50, NORTH_M - 100, EAST_M + 54, NORTH_M + 200)],
        crs=CRS,
    )
    layers = plan_layers(units=units, communities=communities(c=box(0, -2, 3, 3)), water=river)
    floors = {"1-0": [FloorBand(1, 10, 90), FloorBand(11, 20, 30)]}

    ground = divided(layers, floors)
    area = dict(zip(ground.unit_ids, shapely.area(cells_of(ground)), strict=True))
    pairs = ground.adjacency
    joins = {
        (pairs.unit_ids[a], pairs.unit_ids[b]): bool(can)
        for a, b, can in zip(pairs.left, pairs.right, pairs.joins, strict=True)
    }

    assert area["1-0/F1-10"] == pytest.approx(3 * area["1-0/F11-20"], rel=1e-3)
    assert joins["1-0/F1-10", "1-0/F11-20"]
    # The cell is longer from south to north: both bands reach both neighbours, the river parts them.
    for band in ("1-0/F1-10", "1-0/F11-20"):
        assert (joins["0-0", band], joins[band, "2-0"]) == (True, False)


def test_ten_floors_stand_in_the_order_of_the_floors_not_of_their_names():
    layers = plan_layers(units=houses({"0-0": 200}), communities=communities(c=box(0, 0, 4, 1)))
    bands = even_bands(20, 200, 4)

    ground = divided(layers, {"0-0": bands})
    middle = dict(zip(ground.unit_ids, shapely.centroid(cells_of(ground)), strict=True))

    east = [middle[band.unit_id("0-0")].x for band in bands]
    assert [band.unit_id("0-0") for band in bands] == ["0-0/F1-5", "0-0/F6-10", "0-0/F11-15", "0-0/F16-20"]
    assert east == sorted(east)


def test_a_cut_between_two_points_runs_half_way_between_them():
    ground = stand(plan_layers(units=houses({"0-0": 5}), communities=communities(c=box(0, 0, 4, 1))))
    west, east = np.array([EAST_M, NORTH_M + 7.0]), np.array([EAST_M + 80, NORTH_M + 7.0])
    two = replace(
        ground.arcs, n_units=2,
        cell_community=np.array([0, 0, 0]), left=np.where(ground.arcs.left == 1, 2, ground.arcs.left),
        right=np.where(ground.arcs.right == 1, 2, ground.arcs.right),
    )  # fmt: skip

    made = divided_cell(two, 0, np.array([0, 1]), across=(west, east))
    cells = region_polygons(made, np.array([0, 1, -1]), 2)

    assert shapely.coverage_is_valid(cells)
    assert shapely.bounds(cells[1])[0] == pytest.approx(EAST_M + 40, abs=0.01)
    assert len(adjacency(made, np.array(["a", "b"], object))) == 1


def test_a_cell_without_room_for_the_cuts_is_refused():
    side = 4 * CLEARANCE_M
    corners = np.array([[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]])
    ends, none = np.arange(4), np.zeros(4, np.int64)
    square = Arcs(corners, ends, (ends + 1) % 4, none, none - 1, none, np.array([0, 0]), 1)

    assert len(divided_cell(square, 0, np.arange(2), shares=np.full(2, 0.5)).start) == 7
    with pytest.raises(CoverageError, match="too small"):
        divided_cell(square, 0, np.arange(9), shares=np.full(9, 1 / 9))


def test_the_longer_side_points_east_or_else_north():
    assert np.allclose(longer_side(np.array([[0.0, 0], [9, 0], [9, 2], [0, 2]])), [9, 0])
    assert np.allclose(longer_side(np.array([[0.0, 0], [2, 0], [2, -9], [0, -9]])), [0, 9])


@pytest.mark.parametrize(
    ("bands", "code"),
    [
        ([(1, 5, 60), (7, 9, 60)], "floors_gap"),
        ([(1, 5, 60), (5, 9, 60)], "floors_overlap"),
        ([(1, 5, 60), (6, 9, 61)], "floors_sum"),
        ([(5, 1, 60), (6, 9, 60)], "floors_reversed"),
        ([(0, 5, 60), (6, 9, 60)], "floors_reversed"),
        ([(1, 5, 120)], "floors_single"),
    ],
)
def test_bands_that_are_none_are_refused_with_the_unit_named(bands, code):
    units = houses({"0-0": 120, "1-0": 7})

    with pytest.raises(InputError) as refused:
        with_floors(units, {"0-0": [FloorBand(*band) for band in bands]}, file="f.csv")

    assert (refused.value.code, refused.value.feature, refused.value.file) == (code, "0-0", "f.csv")


def test_unknown_units_bands_of_bands_and_taken_ids_are_refused():
    two = [FloorBand(1, 2, 60), FloorBand(3, 4, 60)]
    units = houses({"0-0": 120, "1-0": 7})
    once = with_floors(units, {"0-0": two}, file="f.csv")

    def code(frame: gpd.GeoDataFrame, unit: str, bands: list[FloorBand]) -> str:
        with pytest.raises(InputError) as refused:
            with_floors(frame, {unit: bands}, file="f.csv")
        return refused.value.code

    assert code(units, "9-9", two) == "floors_unit_unknown"
    assert code(once, "0-0/F1-2", [FloorBand(1, 1, 30), FloorBand(2, 2, 30)]) == "floors_of_floors"
    assert code(units.assign(unit_id=["0-0", "0-0/F1-2"]), "0-0", two) == "floors_id_taken"


@given(floors=st.integers(1, 60), households=st.integers(0, 900), share=st.floats(0, 1))
def test_even_bands_hold_every_floor_and_every_household_once(floors, households, share):
    bands = even_bands(floors, households, 1 + int(share * (floors - 1)))

    assert [floor for band in bands for floor in range(band.lowest, band.highest + 1)] == [
        *range(1, floors + 1)
    ]
    assert sum(band.households for band in bands) == households
    heights = [band.highest - band.lowest + 1 for band in bands]
    assert max(heights) - min(heights) <= 1
