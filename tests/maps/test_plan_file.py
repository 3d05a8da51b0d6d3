import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pyproj import CRS

from geo.adjacency import Crossing
from geo.findings import Finding
from maps.plan_file import adjacency_table, findings_layer, write_frames
from tests.builders import related


def test_findings_carry_their_sentences_and_a_point_to_fly_to():
    outside = Finding(
        "unit_outside_communities", "warning", unit_ids=("1-1",), values={"households": 3},
        point=(462_000.0, 3_542_000.0),
    )  # fmt: skip
    placeless = Finding("ids_are_row_numbers", "warning", values={"file": "units.shp", "layer": "units"})
    layer = findings_layer([outside, placeless], CRS(4549), CRS(4490))

    assert layer["code"].tolist() == ["unit_outside_communities", "ids_are_row_numbers"]
    assert json.loads(layer["values"].iloc[0]) == {"households": 3}
    assert json.loads(layer["unit_ids"].iloc[0]) == ["1-1"]
    assert layer.crs == CRS(4490)
    assert shapely.get_x(layer.geometry.iloc[0]) == pytest.approx(119.6, abs=0.1)
    assert layer.geometry.iloc[1] is None
    assert layer["text_en"].str.isascii().all()
    assert not layer["text_zh"].str.isascii().any()


def test_the_table_of_pairs_says_what_borders_run_along_in_words():
    pairs = related(
        ["a", "b", "c"], [(0, 1, 5.0), (1, 2, 7.1234)],
        crossings={(0, 1): Crossing.WALL | Crossing.WATER}, apart={(0, 1)},
    )  # fmt: skip
    table = adjacency_table(pairs)

    assert table["crosses"].iloc[0] == "wall;water"
    assert pd.isna(table["crosses"].iloc[1])
    assert table["joins"].tolist() == [0, 1]
    assert table["border_m"].tolist() == [5.0, 7.123]


def test_column_names_that_a_geopackage_keeps_for_itself_survive(tmp_path):
    frame = gpd.GeoDataFrame(
        {"fid": ["x", "y"], "Geom": [1, 2]}, geometry=[shapely.Point(0, 0)] * 2, crs=4490
    )
    write_frames({"units": frame, "table": pd.DataFrame({"n": np.arange(3)})}, tmp_path / "plan.gpkg")

    again = gpd.read_file(tmp_path / "plan.gpkg", layer="units")
    assert again["fid_"].tolist() == ["x", "y"]
    assert again["Geom_"].tolist() == [1, 2]
    assert len(pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="table")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]
