import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from geo.coverage import densified, matched_coverage, overlaps
from geo.errors import CoverageError

X, Y = 462_000.0, 3_542_000.0
METRES, DEGREES = CRS.from_epsg(4549), CRS.from_epsg(4490)


def box(left: float, bottom: float, right: float, top: float) -> shapely.Polygon:
    return shapely.box(X + left, Y + bottom, X + right, Y + top)


def matched(*polygons: shapely.Geometry, crs: CRS = METRES) -> tuple[np.ndarray, list[str]]:
    ids = [chr(ord("A") + at) for at in range(len(polygons))]
    made, findings = matched_coverage(
        np.array(polygons, dtype=object), crs, ids, file="f", layer="communities"
    )
    return made, [finding.code for finding in findings]


def test_matched_polygons_stay_as_they_are() -> None:
    given_ = (box(0, 0, 100, 100), box(100, 0, 200, 100))

    made, codes = matched(*given_)

    assert codes == []
    assert list(made) == list(given_)


def test_a_corner_on_the_neighbours_edge_becomes_a_vertex_of_both() -> None:
    made, codes = matched(box(0, 0, 100, 200), box(100, 0, 200, 90), box(100, 90, 200, 200))

    assert codes == []
    assert shapely.coverage_is_valid(made)
    assert (X + 100, Y + 90) in set(map(tuple, shapely.get_coordinates(made[0])))
    assert shapely.area(made).tolist() == pytest.approx([20_000, 9_000, 11_000])


def test_an_overlap_under_a_square_metre_is_mended_and_said() -> None:
    made, codes = matched(box(0, 0, 100.005, 100), box(100, 0, 200, 100))

    assert codes == ["sliver_overlap"]
    assert shapely.coverage_is_valid(made)
    assert shapely.area(shapely.union_all(made)) == pytest.approx(20_000, abs=0.6)


def test_a_gap_under_a_square_metre_is_mended_and_said() -> None:
    hole = [(50, 100), (60, 100.05), (70, 100)]
    upper = shapely.Polygon([(X + x, Y + y) for x, y in [(0, 100), *hole, (100, 100), (100, 200), (0, 200)]])

    made, codes = matched(box(0, 0, 100, 100), upper)

    assert codes == ["sliver_gap"]
    assert shapely.coverage_is_valid(made)
    assert shapely.area(shapely.union_all(made)) == pytest.approx(20_000)


def test_a_pond_between_communities_is_no_sliver() -> None:
    hole = [(40, 100), (50, 110), (60, 100)]
    upper = shapely.Polygon([(X + x, Y + y) for x, y in [(0, 100), *hole, (100, 100), (100, 200), (0, 200)]])

    made, codes = matched(box(0, 0, 100, 100), upper)

    assert codes == []
    assert shapely.area(shapely.union_all(made)) == pytest.approx(19_900)


@pytest.mark.parametrize("crs", [METRES, DEGREES])
def test_a_larger_overlap_is_refused_with_both_ids_and_its_area(crs: CRS) -> None:
    polygons = (box(0, 0, 110, 100), box(100, 0, 200, 100))
    if crs == DEGREES:
        from geo.crs import transformer

        to = transformer(METRES, DEGREES)
        polygons = tuple(
            shapely.transform(polygon, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
            for polygon in polygons
        )

    with pytest.raises(CoverageError) as caught:
        matched(*polygons, crs=crs)

    values = caught.value.values
    assert (values["one"], values["other"]) == ("A", "B")
    assert values["area_m2"] == pytest.approx(1000, rel=1e-3)


def test_neighbours_that_touch_do_not_overlap() -> None:
    assert (
        overlaps(np.array([box(0, 0, 9, 9), box(9, 0, 18, 9), box(9, 9, 18, 18)], dtype=object), METRES) == []
    )


def test_densified_edges_are_the_same_numbers_on_both_sides() -> None:
    shared = [(100.0, 0.0), (133.7, 51.3), (90.1, 107.9), (100.0, 200.0)]
    left = shapely.Polygon([(X + x, Y + y) for x, y in [(0, 0), *shared, (0, 200)]])
    right = shapely.Polygon([(X + x, Y + y) for x, y in [(300, 200), *reversed(shared), (300, 0)]])

    made = densified(np.array([left, right], dtype=object), METRES)

    assert shapely.coverage_is_valid(made)
    common = set(map(tuple, shapely.get_coordinates(made[0]))) & set(
        map(tuple, shapely.get_coordinates(made[1]))
    )
    assert len(common) >= 15
    for polygon in made:
        xy = shapely.get_coordinates(polygon)
        assert np.hypot(*np.diff(xy, axis=0).T).max() <= 15.0 + 1e-9


def test_densifying_keeps_holes_parts_and_order() -> None:
    holed = shapely.Polygon(box(0, 0, 100, 100).exterior, [box(20, 20, 60, 60).exterior])
    parts = shapely.MultiPolygon([box(200, 0, 210, 10), box(300, 0, 340, 40)])

    made = densified(np.array([holed, parts, box(0, 200, 5, 205)], dtype=object), METRES)

    assert [shape.geom_type for shape in made] == ["Polygon", "MultiPolygon", "Polygon"]
    assert shapely.equals(made, np.array([holed, parts, box(0, 200, 5, 205)], dtype=object)).all()
    assert len(made[0].interiors) == 1
    assert len(shapely.get_coordinates(made[2])) == 5


@given(
    points=st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=3, max_size=8, unique=True),
    limit=st.floats(1, 100),
)
def test_every_edge_is_short_enough_and_no_vertex_is_lost(
    points: list[tuple[float, float]], limit: float
) -> None:
    hull = shapely.MultiPoint(points).convex_hull
    if hull.geom_type != "Polygon" or hull.area < 1:
        return

    made = densified(np.array([hull], dtype=object), METRES, limit)[0]

    xy = shapely.get_coordinates(made)
    assert set(map(tuple, shapely.get_coordinates(hull))) <= set(map(tuple, xy))
    assert np.hypot(*np.diff(xy, axis=0).T).max() <= limit * (1 + 1e-9)
    assert made.area == pytest.approx(hull.area)


def test_edges_in_degrees_are_measured_in_metres() -> None:
    square = shapely.box(119.6, 32.0, 119.601, 32.001)

    xy = shapely.get_coordinates(densified(np.array([square], dtype=object), DEGREES)[0])

    east_m, north_m = 94_500.0, 110_900.0
    steps_m = np.hypot(*(np.diff(xy, axis=0) * (east_m, north_m)).T)
    assert 10 < steps_m.max() <= 15.0
