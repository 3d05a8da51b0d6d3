from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo.metrics import plan_measures, shapes, split_compounds, totals, unit_counts
from geo.partition import Band
from tests.builders import draw_adjacency


def test_a_square_has_its_area_its_perimeter_and_a_compactness_of_a_quarter_pi():
    measured = shapes(np.array([shapely.box(0, 0, 100, 100)], dtype=object))

    assert measured.area_m2 == pytest.approx([10_000])
    assert measured.perimeter_m == pytest.approx([400])
    assert measured.compactness == pytest.approx([np.pi / 4])


def test_a_hole_takes_area_away_and_adds_perimeter():
    ring = shapely.box(0, 0, 100, 100) - shapely.box(40, 40, 60, 60)
    measured = shapes(np.array([ring], dtype=object))

    assert measured.area_m2 == pytest.approx([9_600])
    assert measured.perimeter_m == pytest.approx([480])


def test_an_empty_polygon_is_not_compact():
    assert shapes(np.array([shapely.Polygon()], dtype=object)).compactness.tolist() == [0.0]


def test_totals_leave_out_units_that_lie_in_no_grid():
    labels, households = np.array([1, -1, 0, 1]), np.array([10, 99, 20, 5])

    assert totals(labels, households, 3).tolist() == [20, 15, 0]
    assert unit_counts(labels, 3).tolist() == [1, 2, 0]


def test_a_plan_is_measured_against_its_band():
    adjacency = draw_adjacency("""
        A B
        C D
    """)
    measured = plan_measures(
        adjacency, np.array([60, 10, 30, 15]), np.array([7, 2, 7, 2]), band=Band(50, 100)
    )

    assert measured.n_grids == 2
    assert measured.share_in_band == 0.5
    assert measured.households_out_of_band == 25
    assert measured.deviation == pytest.approx(np.sqrt((15**2 + 50**2) / 2))
    assert measured.cut_edges == 2  # A-B and C-D
    assert measured.cut_border_m == 20
    assert measured.split_compounds == 0


def test_a_plan_without_grids_breaks_no_bound():
    measured = plan_measures(
        draw_adjacency("A B"), np.array([60, 10]), np.array([-1, -1]), band=Band(50, 100)
    )

    assert (measured.n_grids, measured.share_in_band, measured.deviation) == (0, 1.0, 0.0)


def test_a_compound_is_split_beyond_need_only_in_more_grids_than_its_households_fill():
    compounds = np.array(["large", "large", "small", "small", None], dtype=object)
    labels = np.array([0, 1, 0, 1, 1])
    households = np.array([80, 80, 5, 5, 1])

    assert split_compounds(labels, households, compounds, Band(50, 100)) == ["small"]
