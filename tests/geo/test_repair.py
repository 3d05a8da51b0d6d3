import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from geo.errors import InputError
from geo.plan_layers import plan_layers
from geo.repair import LINES, POINTS, POLYGONS, Place, mended_polygons, require_finite, simple_shapes

X, Y = 462_000.0, 3_542_000.0
BOWTIE = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
FLAT = shapely.Polygon([(X, Y), (X + 10, Y), (X + 5, Y)])
BOX = shapely.box(X, Y, X + 10, Y + 10)


def shapes(*given: object) -> np.ndarray:
    array = np.empty(len(given), dtype=object)
    array[:] = given
    return array


def place(n: int = 3) -> Place:
    return Place("f.gpkg", "units", [f"U{at}" for at in range(n)])


def mended(
    *given: object, needed: bool = True, crs: int = 4549
) -> tuple[np.ndarray, list[dict[str, object]]]:
    array = shapes(*given)
    ids = [f"U{at}" for at in range(len(array))]
    made, findings = mended_polygons(
        array, CRS.from_epsg(crs), place(len(array)), ids, kind="units", needed=np.full(len(array), needed)
    )
    return made, [dict(finding.values) for finding in findings]


def test_valid_shapes_stay_the_very_same() -> None:
    point = shapely.Point(X, Y)

    made, values = mended(BOX, point, None)

    assert list(made) == [BOX, point, None]
    assert values == []


def test_an_invalid_polygon_is_made_valid_and_the_change_of_area_is_said() -> None:
    spike = shapely.Polygon(
        [(X, Y), (X + 10, Y), (X + 10, Y + 10), (X + 10, Y + 30), (X + 10, Y + 10), (X, Y + 10)]
    )

    made, values = mended(BOWTIE, spike)

    assert shapely.is_valid(made).all()
    assert values[0]["area_after_m2"] == 50.0
    assert values[0]["area_change_m2"] == 50.0
    assert (values[1]["area_after_m2"], values[1]["area_change_m2"]) == (100.0, 0.0)
    assert values[0]["fault"] == "Self-intersection"


def test_the_change_of_area_is_in_square_metres_also_in_degrees() -> None:
    bowtie = shapely.Polygon([(119.6, 32), (119.601, 32.001), (119.601, 32), (119.6, 32.001)])

    _, values = mended(bowtie, crs=4490)

    assert values[0]["area_after_m2"] == pytest.approx(94_500 * 110_900 * 1e-6 / 2, rel=1e-2)


def test_a_polygon_without_area_is_refused_where_it_is_needed_and_else_left_out() -> None:
    with pytest.raises(InputError, match="no area"):
        mended(BOX, FLAT)

    made, values = mended(BOX, FLAT, needed=False)

    assert list(made) == [BOX, None]
    assert values == []


def test_flat_water_is_left_out_and_a_flat_unit_without_households_has_no_place() -> None:
    units = gpd.GeoDataFrame({"unit_id": ["a", "b"], "households": [5, 0]}, geometry=[BOX, FLAT], crs=4549)
    communities = gpd.GeoDataFrame({"community_id": ["C"]}, geometry=[BOX.buffer(50)], crs=4549)
    water = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[FLAT, BOX], crs=4549)

    layers = plan_layers(units=units, communities=communities, water=water)

    assert layers.water["name"].tolist() == ["b"]
    assert layers.units.geometry.iloc[1] is None
    assert {finding.code for finding in layers.findings} == {
        "unit_without_geometry",
        "features_without_geometry",
    }


@pytest.mark.parametrize(
    ("given", "allowed", "made"),
    [
        (shapely.force_3d(BOX), POLYGONS, BOX),
        (shapely.Polygon(), POLYGONS, None),
        (shapely.MultiPoint([(1, 2)]), POINTS, shapely.Point(1, 2)),
        (shapely.GeometryCollection([BOX, shapely.LineString([(X, Y), (X, Y + 1)])]), POLYGONS, BOX),
        (
            shapely.GeometryCollection([shapely.GeometryCollection([BOX]), shapely.box(0, 0, 1, 1)]),
            POLYGONS,
            shapely.MultiPolygon([BOX, shapely.box(0, 0, 1, 1)]),
        ),
        (
            shapely.GeometryCollection([shapely.LineString([(0, 0), (1, 1)])]),
            LINES,
            shapely.LineString([(0, 0), (1, 1)]),
        ),
    ],
)
def test_shapes_become_simple_ones(given: object, allowed: frozenset[int], made: object) -> None:
    assert list(simple_shapes(shapes(given), allowed, place())) == [made]


@pytest.mark.parametrize(
    ("given", "allowed", "code"),
    [
        (BOX, LINES, "geometry_type"),
        (shapely.Point(1, 2), POLYGONS, "geometry_type"),
        (shapely.MultiPoint([(1, 2), (3, 4)]), POINTS, "geometry_not_points"),
    ],
)
def test_shapes_of_another_kind_are_refused(given: object, allowed: frozenset[int], code: str) -> None:
    with pytest.raises(InputError) as caught:
        simple_shapes(shapes(None, given), allowed, place())

    assert (caught.value.code, caught.value.feature) == (code, "U1")


@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 1e10])
def test_coordinates_beyond_any_map_are_refused(x: float) -> None:
    with pytest.raises(InputError) as caught:
        require_finite(shapes(shapely.Point(1, 2), shapely.Point(x, 2)), place())

    assert (caught.value.code, caught.value.feature) == ("geometry_not_finite", "U1")
