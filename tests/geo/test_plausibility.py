"""Layers that can be read but hardly be meant."""

from __future__ import annotations

from collections import Counter

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import InputError
from geo.plan_layers import plan_layers
from geo.planning import plan
from tests.geo.town import CRS, EAST_M, NORTH_M, block, box, communities, houses


def points(spots: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Units of 10 households at spots given in metres from the corner of the town."""
    return gpd.GeoDataFrame(
        {"unit_id": [f"u{k:02}" for k in range(len(spots))], "households": 10},
        geometry=[shapely.Point(EAST_M + x, NORTH_M + y) for x, y in spots],
        crs=CRS,
    )


def line(*spots: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(EAST_M + x, NORTH_M + y) for x, y in spots])


def frame(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=np.array(shapes, object), crs=CRS)


HOME = {"A": box(0, 0, 10, 6)}


def found(layers, code: str) -> list:
    return [finding for finding in layers.findings if finding.code == code]


def test_many_units_on_one_point_are_told_with_their_number_and_planned_all_the_same():
    spread = [(20.0 * k, 10.0) for k in range(8)]
    layers = plan_layers(units=points([*spread, *[(100.0, 90.0)] * 12]), communities=communities(**HOME))

    (finding,) = found(layers, "units_at_one_place")
    assert finding.severity == "warning"
    assert finding.unit_ids == tuple(f"u{k:02}" for k in range(8, 20))
    assert finding.values == {"units": 12, "households": 120}
    assert finding.point == (EAST_M + 100, NORTH_M + 90)
    made = plan(layers)
    assert made.partition.part_households.sum() == 200
    assert all(grid is not None for grid in made.unit_grid_ids())


def test_places_are_told_one_by_one_the_fullest_first():
    layers = plan_layers(
        units=points([(10.0, 10.0)] * 8 + [(50.0, 50.0)] * 9), communities=communities(**HOME)
    )

    assert [finding.values["units"] for finding in found(layers, "units_at_one_place")] == [9, 8]


def test_stairwells_that_share_a_footprint_are_a_note_however_the_ring_begins():
    house = houses(block(1, 1)).geometry.iloc[0]
    x0, y0, x1, y1 = house.bounds
    turned = shapely.Polygon([(x1, y1), (x0, y1), (x0, y0), (x1, y0)])
    units = frame(
        [house, turned, shapely.affinity.translate(house, 60, 0)],
        unit_id=["a", "b", "c"], households=[10, 10, 10],
    )  # fmt: skip
    layers = plan_layers(units=units, communities=communities(**HOME))

    assert not found(layers, "units_at_one_place")
    (finding,) = found(layers, "units_share_places")
    assert finding.severity == "info"
    assert finding.unit_ids == ("a", "b")
    assert finding.values == {"units": 2, "places": 1}


def test_flats_above_a_market_hall_are_no_note():
    hall = houses(block(1, 1)).geometry.iloc[0]
    used = frame(
        [hall, hall, shapely.affinity.translate(hall, 60, 0)],
        unit_id=["hall", "flats", "shop"], households=[0, 22, 0],
    )  # fmt: skip
    layers = plan_layers(units=used, communities=communities(**HOME))

    assert not found(layers, "units_share_places")


def test_units_apart_or_without_geometry_share_no_place():
    units = points([(0.0, 0.0), (5.0, 0.0), (0.0, 0.0), (0.0, 0.0)])
    units["households"] = [10, 10, 0, 0]
    units.loc[2:, "geometry"] = None

    layers = plan_layers(units=units, communities=communities(**HOME))

    assert not found(layers, "units_at_one_place")
    assert not found(layers, "units_share_places")


def test_gates_that_open_nothing_are_told():
    gates = frame([shapely.Point(EAST_M + x, NORTH_M + 50) for x in (0.0, 4.0, 6.0, 80.0)])
    layers = plan_layers(
        units=houses(block(4, 4)), communities=communities(**HOME), gates=gates,
        barriers=frame([line((0, 0), (0, 100))]),
    )  # fmt: skip

    (finding,) = found(layers, "gates_without_wall")
    assert (finding.values["n"], finding.values["gates"], finding.values["first"]) == (2, 4, "#3")
    assert finding.point == (EAST_M + 6, NORTH_M + 50)


@pytest.mark.parametrize(("walled", "told"), [(True, 1), (False, 2)])
def test_the_edge_of_a_walled_compound_takes_a_gate_its_middle_does_not(walled, told):
    compound = box(0, 0, 4, 4)
    x0, y0, x1, y1 = compound.bounds
    gates = frame([shapely.Point(x0, y0 + 10), shapely.Point((x0 + x1) / 2, (y0 + y1) / 2)])
    layers = plan_layers(
        units=houses(block(4, 4)), communities=communities(**HOME), gates=gates,
        compounds=frame([compound], walled=[walled]),
    )  # fmt: skip

    assert found(layers, "gates_without_wall")[0].values["n"] == told


def test_polygons_given_as_roads_are_told():
    roads = frame(
        [line((0, 0), (100, 0)), line((0, 50), (100, 50)).buffer(4)], highway=["primary", "primary"]
    )
    layers = plan_layers(units=houses(block(4, 4)), communities=communities(**HOME), roads=roads)

    (finding,) = found(layers, "roads_are_polygons")
    assert (finding.values["n"], finding.values["lines"], finding.values["first"]) == (1, 1, "#2")


@pytest.mark.parametrize(
    ("classes", "told"), [(["river", "stream"], 1), (["river", "Primary"], 0), ([None, None], 0)]
)
def test_roads_of_no_known_class_are_told(classes, told):
    roads = frame([line((0, 0), (100, 0)), line((0, 50), (100, 50))], fclass=classes)
    layers = plan_layers(units=houses(block(4, 4)), communities=communities(**HOME), roads=roads)

    assert len(found(layers, "road_classes_not_known")) == told


def refused(**layers: gpd.GeoDataFrame) -> InputError:
    with pytest.raises(InputError) as caught:
        plan_layers(**layers)
    return caught.value


def test_units_and_communities_that_are_swapped_are_refused():
    units, homes = houses(block(4, 4)), communities(**HOME).assign(name="a")

    assert refused(units=homes, communities=units).values["looks"] == "communities"
    assert refused(units=units, communities=units).values["looks"] == "units"


def test_polygons_as_large_as_the_communities_are_refused_whatever_their_columns():
    homes = communities(A=box(0, 0, 5, 6), B=box(5, 0, 10, 6))
    counted = homes.rename(columns={"community_id": "unit_id"}).assign(households=50)

    assert refused(units=counted, communities=homes).code == "units_larger_than_communities"
    footprints = houses(block(4, 4))[["geometry"]]
    swapped = refused(units=frame([HOME["A"]], households=[100]), communities=footprints)
    assert swapped.code == "units_larger_than_communities"


def test_one_unit_may_fill_its_community():
    layers = plan_layers(
        units=frame([HOME["A"]], unit_id=["a"], households=[60]), communities=communities(**HOME)
    )

    assert layers.units["community_id"].tolist() == ["A"]


@pytest.mark.parametrize("kind", ["roads", "water", "barriers", "compounds"])
def test_units_given_as_another_layer_are_refused(kind):
    error = refused(units=houses(block(4, 4)), communities=communities(**HOME), **{kind: houses(block(4, 4))})

    assert (error.code, error.values["kind"], error.values["looks"]) == ("layer_is_another", kind, "units")
    assert error.layer == kind


def test_roads_given_as_water_are_refused_and_rivers_with_a_class_are_not():
    streets = frame([line((0, 0), (100, 0))] * 2, fclass=["residential", "primary"])
    rivers = frame([line((0, 45), (300, 45))], fclass=["river"])

    homes = {"units": houses(block(4, 4)), "communities": communities(**HOME)}
    assert refused(**homes, water=streets).values["looks"] == "roads"
    assert len(plan_layers(**homes, water=rivers).water) == 1


def test_grids_given_as_units_or_communities_are_refused():
    grids = frame(
        [box(0, 0, 5, 6), box(5, 0, 10, 6)], grid_id=["G1", "G2"], households=[60, 60], name=[None, None]
    )

    assert refused(units=grids, communities=communities(**HOME)).values["looks"] == "grids"
    assert refused(units=houses(block(4, 4)), communities=grids).values["looks"] == "grids"


def test_units_that_name_their_grid_but_not_themselves_are_units():
    units = houses(block(4, 4)).drop(columns="unit_id").assign(grid_id=["G1"] * 8 + ["G2"] * 8)

    assert len(plan_layers(units=units, communities=communities(**HOME)).units) == 16


def test_footprints_given_as_communities_are_told():
    layers = plan_layers(units=points([(7.0, 7.0)]), communities=houses(block(3, 2))[["geometry"]])

    (finding,) = found(layers, "communities_look_like_buildings")
    assert (finding.values["n"], finding.values["median_m2"]) == (6, 225)


def test_a_town_as_it_should_be_has_no_such_finding():
    layers = plan_layers(
        units=houses(block(10, 6)), communities=communities(**HOME),
        roads=frame([line((0, -10), (300, -10))], road_class=["primary"]),
        barriers=frame([line((0, 0), (0, 100))]), gates=frame([shapely.Point(EAST_M, NORTH_M + 20)]),
    )  # fmt: skip

    assert Counter(finding.code for finding in layers.findings) == {}


def test_ids_that_a_spreadsheet_turned_into_numbers_are_told_with_the_first():
    units = points([(20.0 * k, 10.0) for k in range(4)])
    units["unit_id"] = ["3.20706E+14", "2E5", "B1", "3E+11"]
    layers = plan_layers(units=units, communities=communities(**HOME))

    (finding,) = found(layers, "ids_look_damaged")
    assert finding.severity == "warning"
    assert finding.values == {"file": "units", "field": "unit_id", "n": 2, "first": "3.20706E+14"}


def test_kinds_of_grid_that_nobody_knows_are_told_with_the_known_ones():
    drawn = frame([box(0, 0, 5, 6), box(5, 0, 10, 6)], grid_id=["G1", "G2"], kind=["学校", "专属网格"])
    units = points([(20.0 * k, 10.0) for k in range(8)])
    layers = plan_layers(units=units, communities=communities(**HOME), grids=drawn)

    (finding,) = found(layers, "grid_kinds_not_known")
    assert finding.values["examples"] == "学校"
    assert "专属网格" in str(finding.values["known"])
