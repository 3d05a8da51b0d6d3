from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from geo.errors import InputError
from geo.plan_layers import plan_layers, read_plan_layers
from tests.geo.office_layers import X, Y, codes, communities, units


def test_without_an_id_column_row_numbers_are_used_and_said() -> None:
    layers = plan_layers(units=units().drop(columns="单元编号"), communities=communities())

    assert layers.units["unit_id"].tolist() == ["1", "2", "3"]
    assert codes(layers.findings) == {"ids_are_row_numbers": 1}


def test_layers_in_several_crs_are_brought_to_one(tmp_path: Path) -> None:
    units().to_crs(4490).to_file(tmp_path / "units.gpkg")
    communities().to_crs(4528).to_file(tmp_path / "communities.gpkg")
    road = gpd.GeoDataFrame(
        {"highway": ["Primary"]}, geometry=[shapely.LineString([(X, Y), (X + 200, Y)])], crs=4549
    )
    road.to_crs(3857).to_file(tmp_path / "roads.gpkg")

    layers = read_plan_layers(
        {kind: str(tmp_path / f"{kind}.gpkg") for kind in ("units", "communities", "roads")}
    )  # type: ignore[misc]

    assert layers.layer_crs == layers.working_crs == CRS.from_epsg(4528)
    assert layers.units.to_crs(4549).distance(units().geometry).max() < 1e-3
    assert layers.units["community_id"].tolist() == ["320981001001"] * 3
    assert layers.roads["road_class"].tolist() == ["primary"]
    assert layers.roads.crs == layers.working_crs
    assert len(layers.water) == len(layers.gates) == 0
    assert [source.name for source in layers.sources] == ["units.gpkg", "communities.gpkg", "roads.gpkg"]


def test_a_layer_in_degrees_is_measured_in_its_gauss_kruger_zone() -> None:
    layers = plan_layers(units=units().to_crs(4490), communities=communities().to_crs(4490))

    assert layers.working_crs == CRS.from_epsg(4549)
    assert layers.communities.area.to_numpy() == pytest.approx([8000, 8000], rel=1e-6)
    assert layers.communities_original.crs == CRS.from_epsg(4490)


def test_without_communities_there_is_an_empty_frame_of_them() -> None:
    grids = gpd.GeoDataFrame({"网格编码": ["G1"]}, geometry=[shapely.box(X, Y, X + 50, Y + 50)], crs=4549)

    layers = plan_layers(units=units(), grids=grids)

    assert len(layers.communities) == 0
    assert layers.grids["grid_id"].tolist() == ["G1"]
    assert layers.units["community_id"].tolist() == [None] * 3


def test_grids_may_be_a_table_of_units(tmp_path: Path) -> None:
    units().to_file(tmp_path / "units.gpkg")
    (tmp_path / "grids.csv").write_text("单元编号,网格编码\n甲-1,G1\n甲-2,G1\n乙-1,G2\n")

    layers = read_plan_layers({"units": str(tmp_path / "units.gpkg"), "grids": str(tmp_path / "grids.csv")})

    assert layers.grids[["unit_id", "grid_id"]].to_numpy().tolist() == [
        ["甲-1", "G1"],
        ["甲-2", "G1"],
        ["乙-1", "G2"],
    ]
    assert layers.grids.geometry.isna().all()


def test_a_row_of_a_table_that_names_a_grid_but_no_unit_is_refused(tmp_path: Path) -> None:
    units().to_file(tmp_path / "units.gpkg")
    (tmp_path / "grids.csv").write_text("单元编号,网格编码\n甲-1,G1\n,G1\n ,G2\n,\n乙-1,\n")

    with pytest.raises(InputError) as refused:
        read_plan_layers({"units": str(tmp_path / "units.gpkg"), "grids": str(tmp_path / "grids.csv")})

    error = refused.value
    assert (error.code, error.file, error.field, error.feature) == (
        "id_missing",
        "grids.csv",
        "单元编号",
        "#3",
    )
    assert error.values["n"] == 2


def test_inputs_given_as_frames_stay_as_they_were() -> None:
    frame, grounds = units(), communities()
    before = frame.copy(deep=True), grounds.copy(deep=True)

    plan_layers(units=frame, communities=grounds)

    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_frame_equal(grounds, before[1])


def test_a_layer_of_a_file_with_several_is_named_behind_a_colon(tmp_path: Path) -> None:
    units().to_file(tmp_path / "all.gpkg", layer="houses")
    communities().to_file(tmp_path / "all.gpkg", layer="grounds")

    layers = read_plan_layers(
        {"units": f"{tmp_path}/all.gpkg:houses", "communities": f"{tmp_path}/all.gpkg:grounds"}
    )

    assert len(layers.units) == 3
    assert [source.name for source in layers.sources] == ["all.gpkg:houses", "all.gpkg:grounds"]
