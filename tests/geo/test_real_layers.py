from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.layers import LayerKind
from geo.plan_layers import read_plan_layers
from tests import real_layers

SHAPEFILES = Path(__file__).parents[2] / "data" / "shapefiles"


def source(files: tuple[str, ...]) -> Path:
    named = os.environ.get(real_layers.DATA_VARIABLE)
    folder = Path(named) if named else None
    why = real_layers.missing_data(folder, files)
    if why or folder is None:
        pytest.skip(why or "")
    return folder


@pytest.fixture(scope="module")
def shanghai() -> real_layers.Layers:
    return real_layers.shanghai(source(real_layers.SHANGHAI_FILES))


@pytest.fixture(scope="module")
def cambridge() -> real_layers.Layers:
    return real_layers.cambridge(source(real_layers.CAMBRIDGE_FILES))


def square(x: float, y: float, side: float) -> shapely.Polygon:
    return shapely.box(x, y, x + side, y + side)


def buildings(*shapes: shapely.Polygon) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": [f"{i}" for i in range(len(shapes))]}, geometry=list(shapes), crs=4549)


def test_a_building_that_lies_in_another_by_more_than_half_is_dropped() -> None:
    drawn = buildings(square(8, 0, 10), square(0, 0, 12))

    kept = real_layers.without_overlaps(drawn, is_part=drawn.name == "none")

    assert list(kept.name) == ["0", "1"]
    assert list(kept.area) == [60.0, 144.0]

    drawn = buildings(square(5, 0, 10), square(0, 0, 12))
    assert list(real_layers.without_overlaps(drawn, is_part=drawn.name == "none").name) == ["1"]


def test_a_part_gives_way_to_a_building_that_is_smaller() -> None:
    drawn = buildings(square(0, 0, 12), square(2, 2, 4))

    kept = real_layers.without_overlaps(drawn, is_part=drawn.name == "0")

    assert list(kept.area) == [144.0 - 16.0, 16.0]


def test_a_community_edge_is_led_around_a_building() -> None:
    homes = buildings(square(-3, 40, 10), square(-40, 40, 10), square(40, 40, 10))
    homes["households"] = [10, 1000, 1000]

    communities = real_layers.block_communities(
        homes,
        [shapely.LineString([(0, -100), (0, 200)])],
        frame=shapely.box(-100, 0, 100, 100),
        without=None,
        band=(500, 1_500),
        prefix="T",
    )

    assert sorted(communities.area) == [9_970.0, 10_030.0]
    assert shapely.coverage_is_valid(communities.geometry.to_numpy())


def test_small_blocks_join_the_neighbour_with_the_longest_border() -> None:
    homes = buildings(square(10, 10, 5), square(110, 10, 5), square(10, 110, 5))
    homes["households"] = [30, 60, 60]
    lines = [shapely.LineString([(100, -9), (100, 109)]), shapely.LineString([(-9, 60), (209, 60)])]

    communities = real_layers.block_communities(
        homes, lines, frame=shapely.box(0, 0, 200, 160), without=None, band=(50, 100), prefix="T"
    )

    assert sorted(communities.area) == [6_000.0, 26_000.0]


def test_cambridge_keeps_every_parcel_but_streets_and_railways_as_it_is(
    cambridge: real_layers.Layers,
) -> None:
    units = cambridge["units"]

    assert len(units) == 13_104
    assert units.households.sum() == 42_774
    assert (~units.is_valid).sum() == 33
    assert units.is_empty.sum() == 1
    assert "unit_id" not in units


def test_neighbourhoods_of_cambridge_match_edge_to_edge(cambridge: real_layers.Layers) -> None:
    communities = cambridge["communities"]

    assert len(communities) == 13
    assert shapely.coverage_is_valid(communities.geometry.to_numpy())


def test_streets_of_cambridge_cross_the_railway_at_gates(cambridge: real_layers.Layers) -> None:
    rails = cambridge["barriers"].union_all()

    assert shapely.distance(cambridge["gates"].geometry.to_numpy(), rails).max() < 1e-9
    assert set(cambridge["roads"]["class"]) == {"primary", "secondary", "residential", "service"}


def test_buildings_of_shanghai_do_not_overlap(shanghai: real_layers.Layers) -> None:
    shapes = shanghai["units"].geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    area_m2 = shapely.area(shapely.intersection(shapes[left], shapes[right]))

    assert area_m2[left < right].max() < 1e-6
    assert shapely.is_valid(shapes).all()


def test_communities_of_shanghai_cut_no_building(shanghai: real_layers.Layers) -> None:
    communities = shanghai["communities"].geometry.to_numpy()
    inner = shapely.buffer(shanghai["units"].geometry.to_numpy(), -0.01)

    assert shapely.coverage_is_valid(communities)
    assert not shapely.intersects(shapely.union_all(shapely.boundary(communities)), inner).any()


def test_communities_of_shanghai_have_the_size_of_communities(shanghai: real_layers.Layers) -> None:
    units, communities = shanghai["units"], shanghai["communities"]
    places = gpd.GeoDataFrame(units[["households"]], geometry=units.representative_point(), crs=units.crs)
    totals = gpd.sjoin(places, communities).groupby("community_id").households.sum()

    assert len(totals) == 9
    assert (totals >= 1_000).all()
    # One block between main roads alone holds more than 3,000.
    assert np.count_nonzero(totals > 3_000) == 1


def test_only_dwellings_of_shanghai_have_households(shanghai: real_layers.Layers) -> None:
    units = shanghai["units"]
    expected = (units.area * units.floors / 110).round()

    lived_in = units.households > 0
    assert (units.households[lived_in] - expected[lived_in]).abs().max() <= 2
    assert units.households.sum() == 19_521
    assert not units.households[units.address.isna() & (units.area > 5_000)].any()


def test_committed_layers_of_kymenlaakso_are_what_the_script_makes(tmp_path: Path) -> None:
    real_layers.write_kymenlaakso(source(real_layers.KYMENLAAKSO_FILES), tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    committed = SHAPEFILES / "kymenlaakso"
    assert written == {path.relative_to(committed): path.read_bytes() for path in committed.rglob("*.*")}


@pytest.mark.parametrize(
    ("write", "files"),
    [
        (real_layers.write_cambridge, real_layers.CAMBRIDGE_FILES),
        (real_layers.write_shanghai, real_layers.SHANGHAI_FILES),
    ],
)
def test_written_layers_are_read(
    write: Callable[[Path, Path], dict[LayerKind, Path]], files: tuple[str, ...], tmp_path: Path
) -> None:
    written = write(source(files), tmp_path)

    layers = read_plan_layers({kind: str(path) for kind, path in written.items()})

    mended = {finding.code for finding in layers.findings}
    assert mended <= {"geometry_made_valid", "ids_are_row_numbers", "unit_without_geometry"}
