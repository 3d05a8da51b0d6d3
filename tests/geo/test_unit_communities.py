import geopandas as gpd
import pytest
import shapely

from geo.errors import CrsError
from geo.plan_layers import plan_layers
from tests.geo.office_layers import X, Y, codes, communities, units


def test_the_place_of_a_unit_wins_over_its_column() -> None:
    claimed = ["320981001001", "320981001002", None]
    layers = plan_layers(units=units(社区编号=claimed), communities=communities())

    assert layers.units["community_id"].tolist() == ["320981001001"] * 3
    contradiction = [finding for finding in layers.findings if finding.code == "community_contradicts_place"]
    assert [finding.unit_ids for finding in contradiction] == [("甲-2",)]
    assert contradiction[0].values == {"stated": "320981001002", "used": "320981001001"}
    assert contradiction[0].point == pytest.approx((X + 30, Y + 10))


def test_a_unit_on_the_border_follows_its_column_and_else_the_smaller_id() -> None:
    border = [shapely.Point(X + 100, Y + 10 * at) for at in (1, 2, 3)]
    frame = units(社区编号=["320981001002", "320981001001", None]).set_geometry(border, crs=4549)

    layers = plan_layers(units=frame, communities=communities())

    assert layers.units["community_id"].tolist() == ["320981001002", "320981001001", "320981001001"]


def test_a_footprint_lies_where_most_of_it_does() -> None:
    boxes = [
        shapely.box(X + 80, Y + 10, X + 110, Y + 20),
        shapely.box(X + 95, Y + 30, X + 120, Y + 40),
        shapely.box(X + 100, Y + 50, X + 110, Y + 60),
    ]

    layers = plan_layers(units=units().set_geometry(boxes, crs=4549), communities=communities())

    assert layers.units["community_id"].tolist() == ["320981001001", "320981001002", "320981001002"]


def test_units_outside_or_without_place_are_kept_with_a_finding() -> None:
    places = [shapely.Point(X + 10, Y + 10), None, shapely.Point(X - 50, Y + 10)]

    layers = plan_layers(
        units=units().set_geometry(gpd.GeoSeries(places, crs=4549)), communities=communities()
    )

    assert layers.units["community_id"].tolist() == ["320981001001", None, None]
    assert codes(layers.findings) == {"unit_without_geometry": 1, "unit_outside_communities": 1}
    assert layers.units.geometry.iloc[1] is None


def test_layers_far_apart_are_refused() -> None:
    with pytest.raises(CrsError, match="no unit lies in a community"):
        plan_layers(units=units(), communities=communities().set_crs(4548, allow_override=True))
