import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from geo.paths import walkable
from geo.planning import inner_points
from geo.reach import reach
from geo.synthetic import sample_city
from tests.geo.slow_walk import SlowWalk
from tests.real_layers import CAMBRIDGE_CRS, DATA_VARIABLE

STREET = [LineString([(0, 0), (300, 0)])]
# A metre takes a minute.
SLOW = {"limit_minutes": 2000.0, "metres_per_minute": 1.0}


def shapes(*drawn):
    return np.array(drawn, object)


def minutes(paths, doors, stations, **limits):
    found = reach(np.array(doors, float), np.array(stations, float), paths, **{**SLOW, **limits})
    return [None if np.isinf(m) else round(float(m), 2) for m in found.minutes]


def test_a_walk_leads_from_the_door_to_the_street_and_along_it():
    paths = walkable(shapes(*STREET))

    assert minutes(paths, [(10, 5), (210, -5)], [(110, 3)]) == [5 + 100 + 3, 5 + 100 + 3]


def test_a_station_before_the_own_door_is_reached_without_the_street():
    paths = walkable(shapes(*STREET))
    doors = [(100, 30), (125, 30), (200, 30)]

    assert minutes(paths, doors, [(100, 30)]) == [0, 25, 30 + 100 + 30]


def test_a_station_nearer_than_the_own_street_is_reached_straight_unless_a_wall_stands_between():
    wall = shapes(LineString([(105, 10), (105, 60)]))

    assert minutes(walkable(shapes(*STREET)), [(100, 30)], [(110, 20)]) == [14.14]
    assert minutes(walkable(shapes(*STREET), walls=wall), [(100, 30)], [(110, 20)]) == [30 + 10 + 20]
    gate = shapes(Point(105, 25))
    assert minutes(walkable(shapes(*STREET), walls=wall, gates=gate), [(100, 30)], [(110, 20)]) == [14.14]


def test_doors_and_stations_on_one_stretch_need_no_way_round():
    paths = walkable(shapes(*STREET))

    assert minutes(paths, [(50, 0)], [(60, 0)]) == [10]


def test_streets_that_cross_meet_unless_one_is_a_bridge():
    streets = shapes(
        LineString([(-700, 0), (100, 0)]),
        LineString([(50, -50), (50, 50)]),
        LineString([(50, 50), (50, 400)]),
    )
    doors, stations = [(0, 0)], [(50, 400)]

    assert minutes(walkable(streets), doors, stations) == [450]
    assert minutes(walkable(streets, is_bridge=np.array([False, True, False])), doors, stations) == [None]


def test_a_bridge_meets_the_streets_at_its_ends():
    streets = shapes(
        LineString([(-700, 0), (100, 0)]),
        LineString([(50, 400), (700, 400)]),
        LineString([(50, 0), (50, 400)]),
    )
    paths = walkable(streets, is_bridge=np.array([False, False, True]))

    assert minutes(paths, [(0, 0)], [(150, 400)]) == [50 + 400 + 100]


def test_a_river_without_a_bridge_cuts_the_way():
    street = shapes(
        LineString([(0, 0), (40, 0)]), LineString([(40, 0), (80, 0)]), LineString([(80, 0), (120, 0)])
    )
    river = shapes(box(50, -500, 70, 500))
    doors, stations = [(10, 0)], [(110, 0)]

    assert minutes(walkable(street, water=river), doors, stations) == [None]
    assert minutes(
        walkable(street, water=river, is_bridge=np.array([False, True, False])), doors, stations
    ) == [100]


@pytest.mark.parametrize(("gates", "told"), [([], None), ([Point(100, 4)], 100), ([Point(100, 6)], None)])
def test_a_wall_lets_nobody_through_but_at_its_gate(gates, told):
    wall = shapes(LineString([(100, -1000), (100, 1000)]))
    paths = walkable(shapes(*STREET), walls=wall, gates=shapes(*gates))

    assert minutes(paths, [(50, 0)], [(150, 0)]) == [told]


def test_a_gate_opens_no_water():
    canal = shapes(LineString([(100, -1000), (100, 1000)]))

    paths = walkable(shapes(*STREET), water=canal, gates=shapes(Point(100, 0)))

    assert minutes(paths, [(50, 0)], [(150, 0)]) == [None]


def test_streets_on_one_side_of_a_wall_meet_where_they_touch_it():
    streets = shapes(
        LineString([(-700, 0), (100, 0)]),
        LineString([(100, 0), (100 - 480, 640)]),
        LineString([(100, 0), (800, 0)]),
    )
    wall = shapes(LineString([(100, -1000), (100, 1000)]))

    found = minutes(walkable(streets, walls=wall), [(-400, 0), (500, 0)], [(100 - 480, 640)])

    assert found == [500 + 800, None]


def test_one_walks_round_the_end_of_a_wall():
    wall = shapes(LineString([(100, 0), (100, 1000)]))

    assert minutes(walkable(shapes(*STREET), walls=wall), [(50, 0)], [(150, 0)]) == [100]


def test_a_door_behind_a_wall_goes_to_the_gate_and_not_through_the_wall():
    compound = shapes(box(0, 10, 100, 110).exterior)
    lane = LineString([(50, 0), (50, 10)])
    paths = walkable(shapes(*STREET, lane), walls=compound, gates=shapes(Point(50, 10)))

    # The street is 20 m away, but behind the wall.
    way = np.hypot(40, 20) + 10
    assert minutes(paths, [(10, 30)], [(50, 0)]) == [round(float(way), 2)]


def test_a_door_far_from_every_street_is_told_and_not_guessed():
    found = reach(
        np.array([(0.0, 400.0), (np.nan, np.nan)]), np.array([(0.0, 0.0)]), walkable(shapes(*STREET)), **SLOW
    )

    assert found.unconnected.tolist() == [0, 1]
    assert np.isinf(found.minutes).all()


def test_a_station_that_no_way_leads_to_is_told():
    found = reach(
        np.array([(0.0, 1.0)]), np.array([(0.0, 900.0), (5.0, 0.0)]), walkable(shapes(*STREET)), **SLOW
    )

    assert found.stations_unconnected.tolist() == [0]
    assert found.station.tolist() == [1]


def test_without_streets_the_times_are_those_of_straight_lines_and_say_so():
    found = reach(np.array([(0.0, 30.0), (0.0, 3000.0)]), np.array([(40.0, 0.0)]), None, **SLOW)

    assert found.is_straight
    assert found.minutes.tolist() == [50, np.inf]
    assert [near.tolist() for near in found.within] == [[0]]


def test_each_station_knows_whom_it_reaches_nearest_or_not():
    found = reach(
        np.array([(0.0, 0.0), (100.0, 0.0)]),
        np.array([(10.0, 0.0), (90.0, 0.0)]),
        walkable(shapes(*STREET)),
        limit_minutes=95,
        metres_per_minute=1,
    )

    assert [near.tolist() for near in found.within] == [[0, 1], [0, 1]]
    assert found.station.tolist() == [0, 1]


def town(seed):
    city = sample_city(seed)
    walls = [*city.barriers.geometry, *city.compounds[city.compounds["walled"] == "yes"].geometry]
    return (
        city.roads.geometry.to_numpy(), (city.roads["bridge"] == "yes").to_numpy(), np.array(walls, object),
        city.water.geometry.to_numpy(), city.gates.geometry.to_numpy(),
        inner_points(city.units.geometry.to_numpy()),
        shapely.get_coordinates(city.stations.geometry.to_numpy()),
        city.units["households"].to_numpy(dtype=np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_town_is_reached_as_a_slow_count_says(seed):
    streets, over, walls, water, gates, doors, stations, households = town(seed)

    paths = walkable(streets, is_bridge=over, walls=walls, water=water, gates=gates)
    found = reach(doors, stations, paths, limit_minutes=15)
    told = SlowWalk(streets, over, walls, water, gates).minutes(doors, stations, 1000, 4000 / 60)

    for limit in (5, 15):
        assert households[found.minutes <= limit].sum() == households[told <= limit].sum()
    both = np.isfinite(told)
    assert (np.isfinite(found.minutes) == both).all()
    assert np.allclose(found.minutes[both], told[both], atol=1e-3)


@pytest.mark.parametrize("seed", [0, 1])
def test_no_walk_is_shorter_than_the_straight_line(seed):
    streets, over, walls, water, gates, doors, stations, _ = town(seed)
    paths = walkable(streets, is_bridge=over, walls=walls, water=water, gates=gates)

    walked = reach(doors, stations, paths, limit_minutes=15)
    flown = reach(doors, stations, None, limit_minutes=15)

    assert (walked.minutes >= flown.minutes - 1e-6).all()
    for by_foot, straight in zip(walked.within, flown.within, strict=True):
        assert set(by_foot.tolist()) <= set(straight.tolist())


spots = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda at: (at[0] * 10.0, at[1] * 10.0))
# No door stands on a street or in a wall, where a millimetre decides.
places = st.tuples(st.integers(0, 19), st.integers(0, 19)).map(
    lambda at: (at[0] * 10 + 3.7, at[1] * 10 + 5.9)
)
lines = st.tuples(spots, spots).filter(lambda ends: ends[0] != ends[1])


@settings(max_examples=60, deadline=None)
@given(
    streets=st.lists(lines, min_size=1, max_size=6),
    walls=st.lists(lines, max_size=3),
    gates=st.lists(spots, max_size=2),
    doors=st.lists(places, min_size=1, max_size=5),
    stations=st.lists(places, min_size=1, max_size=3),
)
def test_drawn_maps_are_walked_as_a_slow_count_says(streets, walls, gates, doors, stations):
    streets, walls = [LineString(ends) for ends in streets], [LineString(ends) for ends in walls]
    # Whether one can walk inside a wall is no question.
    assume(not any(street.intersection(wall).length for street in streets for wall in walls))
    gates, over = [Point(at) for at in gates], np.zeros(len(streets), bool)
    paths = walkable(shapes(*streets), is_bridge=over, walls=shapes(*walls), gates=shapes(*gates))
    found = reach(np.array(doors), np.array(stations), paths, **SLOW)
    flown = reach(np.array(doors), np.array(stations), None, **SLOW)

    told = SlowWalk(streets, over, walls, [], gates).minutes(doors, stations, 2000, 1.0)
    assert (found.minutes >= flown.minutes - 1e-6).all()
    drawn = f"{streets=} {walls=} {gates=} {doors=} {stations=}"
    # The slow count rounds crossings to a centimetre, which moves feet by a few.
    assert np.allclose(found.minutes, told, atol=0.1), drawn


@pytest.mark.skipif(
    DATA_VARIABLE not in os.environ, reason=f"{DATA_VARIABLE} names no folder with real layers"
)
def test_the_streets_of_cambridge_are_walked_as_a_slow_count_says():
    folder = Path(os.environ[DATA_VARIABLE])
    streets = gpd.read_file(folder / "cambridge_ma_context.gpkg", layer="streets").to_crs(CAMBRIDGE_CRS)
    water = gpd.read_file(folder / "cambridge_ma_context.gpkg", layer="water").to_crs(CAMBRIDGE_CRS)
    parcels = gpd.read_file(folder / "cambridge_ma_parcels_fy2014.gpkg", layer="parcels").to_crs(
        CAMBRIDGE_CRS
    )
    households = parcels["units_derived"].fillna(0).to_numpy(dtype=np.int64)
    doors = inner_points(parcels.geometry.to_numpy())
    kept = (households > 0) & ~np.isnan(doors).any(axis=1)
    doors, households = doors[kept], households[kept]
    # A station on every five-hundredth parcel.
    stations = doors[::500]
    lines, over = streets.geometry.to_numpy(), np.zeros(len(streets), bool)

    paths = walkable(lines, is_bridge=over, water=water.geometry.to_numpy())
    found = reach(doors, stations, paths, limit_minutes=15)
    told = SlowWalk(lines, over, [], water.geometry.to_numpy(), []).minutes(doors, stations, 1000, 4000 / 60)

    for limit in (5, 15):
        assert households[found.minutes <= limit].sum() == households[told <= limit].sum()
