"""Roads that run along the border of an area, and those that only come near it."""

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiLineString, Point

from geo.bounding_roads import followed_m

# 200 m by 100 m.
AREA = shapely.box(0, 0, 200, 100)


def followed(*roads: shapely.Geometry, area: shapely.Geometry = AREA) -> list[int]:
    return [round(metres) for metres in followed_m(area, np.array(roads, dtype=object))]


def test_a_road_on_the_border_or_beside_it_bounds_the_area():
    assert followed(LineString([(-50, 0), (250, 0)])) == [pytest.approx(200, abs=10)]
    assert followed(LineString([(-50, -12), (250, -12)])) == [pytest.approx(200, abs=10)]
    assert followed(LineString([(-50, -25), (250, -25)])) == [0]


def test_a_road_that_ends_within_or_crosses_does_not_bound_the_area():
    ends = LineString([(100, -80), (100, 50)])
    crosses = LineString([(60, -80), (60, 180)])
    askew = LineString([(-20, -20), (220, 220)])
    within = LineString([(40, 50), (160, 50)])

    assert followed(ends, crosses, askew, within) == [0, 0, 0, 0]


def test_a_road_that_ends_at_the_corner_of_the_area_does_not_bound_it():
    assert followed(LineString([(200, 0), (400, 0)])) == [0]
    assert followed(LineString([(210, 5), (400, 5)])) == [0]


def test_a_lane_that_keeps_to_a_street_has_none_of_the_border():
    street = LineString([(-50, -5), (250, -5)])
    lane = LineString([(20, 10), (180, 10)])

    assert followed(street, lane)[1] == 0
    assert followed(lane) == [pytest.approx(160, abs=10)]


def test_one_road_drawn_in_parts_or_twice_counts_wherever_it_is_drawn():
    left, right = LineString([(-50, 0), (80, 0)]), LineString([(80, 0), (250, 0)])

    assert followed(left, right) == [pytest.approx(80, abs=10), pytest.approx(120, abs=10)]
    assert followed(MultiLineString([left, right])) == [pytest.approx(200, abs=10)]
    assert followed(left, left)[0] == followed(left, left)[1] > 0


def test_a_border_that_wavers_along_a_road_follows_it():
    wave = [(x, 4.0 * (-1) ** (x // 20)) for x in range(0, 201, 20)]
    area = shapely.Polygon([*wave, (200, 100), (0, 100)])

    assert followed(LineString([(-50, 0), (250, 0)]), area=area) == [pytest.approx(200, abs=30)]


def test_a_road_round_a_hole_bounds_the_area_and_a_road_may_be_a_polygon():
    ring = Point(100, 50).buffer(30)

    assert followed(ring.exterior, area=AREA.difference(ring)) == [pytest.approx(188, abs=15)]
    assert followed(shapely.box(-50, -12, 250, -4)) == [pytest.approx(200, abs=10)]


def test_without_roads_nothing_is_followed():
    assert followed() == []
