from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.drawn_grids import DrawnGrids, grids_from_polygons
from tests.geo.test_overlay import DRAWN_BY_HAND, EAST_M, NORTH_M, hand_drawings


def placed(
    units: dict[str, shapely.Geometry | None],
    grids: list[tuple[str, shapely.Geometry]],
    **communities: shapely.Geometry,
) -> DrawnGrids:
    return grids_from_polygons(
        np.array(list(units.values()), dtype=object),
        np.array(list(units), dtype=object),
        np.array([polygon for _, polygon in grids], dtype=object),
        np.array([name for name, _ in grids], dtype=object),
        communities=np.array(list(communities.values()), dtype=object) if communities else None,
        community_ids=np.array(list(communities), dtype=object) if communities else None,
    )


WEST, EAST = shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)


def test_a_unit_lies_in_the_grid_that_holds_its_inner_point():
    found = placed(
        {
            "point": shapely.Point(10, 10),
            "footprint": shapely.box(95, 40, 125, 60),
            "outside": shapely.Point(500, 500),
            "nowhere": None,
        },
        [("west", WEST), ("east", EAST)],
    )

    assert found.grid_ids.tolist() == ["west", "east", None, None]
    assert found.findings == ()
    assert found.empty == {}


def test_a_unit_in_two_grids_is_told_with_both():
    found = placed(
        {"u": shapely.box(80, 40, 110, 60)},
        [("a", shapely.box(90, 0, 200, 100)), ("b", shapely.box(0, 0, 99, 100))],
    )
    finding = next(finding for finding in found.findings if finding.code == "unit_in_two_grids")

    assert found.grid_ids.tolist() == ["a"]  # 20 m of it against 19 m
    assert (finding.grid_id, finding.unit_ids, finding.values["grids"]) == ("a", ("u",), ["a", "b"])
    assert found.empty == {"b": None}


def test_a_point_on_the_border_of_two_grids_is_told_and_goes_to_the_smaller_id():
    found = placed({"u": shapely.Point(100, 50)}, [("west", WEST), ("east", EAST)])

    assert found.grid_ids.tolist() == ["east"]
    assert [finding.code for finding in found.findings] == ["unit_on_grid_border"]


@pytest.mark.parametrize(
    ("second", "area_m2"),
    [(shapely.box(90, 0, 190, 100), 1_000.0), (shapely.box(20, 20, 40, 40), 400.0), (WEST, 10_000.0)],
    ids=["partly", "inside", "the same"],
)
def test_overlapping_grids_are_told_with_the_area(second, area_m2):
    found = placed({}, [("a", WEST), ("b", second)])

    assert [(finding.code, finding.values["area_m2"]) for finding in found.findings] == [
        ("grids_overlap", area_m2)
    ]


def test_overlaps_thinner_than_half_a_metre_are_slivers():
    assert placed({}, [("a", WEST), ("b", shapely.box(99.9, 0, 200, 100))]).findings == ()


def test_what_the_grids_leave_of_a_community_is_a_gap():
    found = placed({}, [("a", WEST)], c=shapely.box(0, 0, 130, 100))

    assert [(finding.code, finding.community_id) for finding in found.findings] == [("grids_gap", "c")]
    values = found.findings[0].values
    assert (values["gaps"], values["area_m2"], values["largest_m2"]) == (1, 3_000.0, 3_000.0)


def test_a_hole_between_grids_is_a_gap_also_without_communities():
    ring = shapely.box(0, 0, 100, 100) - shapely.box(40, 40, 60, 60)

    assert placed({}, [("a", ring)]).findings[0].values["area_m2"] == 400.0


def test_several_polygons_of_one_id_are_one_grid():
    found = placed({"u": shapely.Point(150, 50)}, [("a", WEST), ("a", EAST)])

    assert found.grid_ids.tolist() == ["a"]
    assert found.findings == ()


def test_a_polygon_that_crosses_itself_is_taken_as_what_it_covers():
    bow = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])

    assert placed({"u": shapely.Point(90, 50)}, [("a", bow)]).grid_ids.tolist() == ["a"]


def test_the_gaps_of_a_drawing_that_geos_cannot_join_exactly_are_told():
    ground = shapely.box(EAST_M, NORTH_M, EAST_M + 600, NORTH_M + 400)
    found = placed({}, [(f"g{at}", shape) for at, shape in enumerate(DRAWN_BY_HAND)], c=ground)
    gap = next(finding for finding in found.findings if finding.code == "grids_gap")

    assert gap.values["area_m2"] == pytest.approx(
        ground.area - shapely.union_all(DRAWN_BY_HAND, grid_size=1e-6).area, abs=1
    )


@settings(deadline=None)
@given(drawn=hand_drawings(), named=st.randoms(use_true_random=False), with_ground=st.booleans())
def test_any_drawing_by_hand_is_judged(drawn, named, with_ground):
    ground = {"c": shapely.box(EAST_M, NORTH_M, EAST_M + 250, NORTH_M + 250)} if with_ground else {}
    grids = [(named.choice("ABC"), shape) for shape in drawn]
    units = {
        f"u{x}{y}": shapely.box(
            EAST_M + 50 * x, NORTH_M + 50 * y, EAST_M + 50 * x + 30, NORTH_M + 50 * y + 30
        )
        for x in range(3)
        for y in range(3)
    }
    found = placed(units, grids, **ground)
    held = {grid for grid in found.grid_ids if grid is not None}

    assert held | found.empty.keys() == {name for name, _ in grids}
    told_m2 = sum(finding.values["area_m2"] for finding in found.findings if finding.code == "grids_overlap")
    assert told_m2 <= 3 * 300 * 300


def test_no_grids_hold_no_units():
    assert placed({"u": shapely.Point(0, 0)}, []).grid_ids.tolist() == [None]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 299), st.integers(1, 299)), max_size=20, unique=True))
def test_points_inside_a_coverage_lie_in_the_cell_around_them(spots):
    grids = [
        (f"{x}-{y}", shapely.box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100))
        for x in range(3)
        for y in range(3)
    ]
    inner = [(x, y) for x, y in spots if x % 100 and y % 100]
    found = placed(
        {f"{x},{y}": shapely.Point(x, y) for x, y in inner}, grids, all=shapely.box(0, 0, 300, 300)
    )

    assert found.grid_ids.tolist() == [f"{x // 100}-{y // 100}" for x, y in inner]
    assert found.findings == ()
