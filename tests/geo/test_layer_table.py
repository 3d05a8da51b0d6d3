import geopandas as gpd
import pytest
import shapely

from geo.errors import InputError
from geo.plan_layers import plan_layers
from tests.geo.office_layers import X, Y, codes, communities, units


def test_ids_of_numbers_with_a_gap_never_become_decimals() -> None:
    found = plan_layers(units=units(compound_id=[1.0, None, 2.0]), communities=communities()).units[
        "compound_id"
    ]

    assert found.tolist() == ["1", None, "2"]


def test_other_columns_are_kept_under_names_a_geopackage_can_hold() -> None:
    frame = units(Address2=["a"] * 3, GEOM=[1, 2, 3], Fid=[7, 8, 9]).rename(
        columns={"Address2": "HOUSEHOLDS"}
    )

    with pytest.raises(InputError):
        plan_layers(units=frame, communities=communities())
    kept = plan_layers(units=frame.rename(columns={"HOUSEHOLDS": "Flats"}), communities=communities()).units

    assert {"Flats", "GEOM_1", "Fid_1"} <= set(kept.columns)


def test_bridges_and_walls_are_read_from_the_words_for_yes_and_no() -> None:
    line = shapely.LineString([(X, Y), (X + 50, Y)])
    roads = gpd.GeoDataFrame(
        {"fclass": ["Primary", None, "path", "path", "path"], "BRIDGE": ["T", "no", "是", None, "perhaps"]},
        geometry=[line] * 5,
        crs=4549,
    )
    box = shapely.box(X, Y, X + 50, Y + 50)
    compounds = gpd.GeoDataFrame(
        {"gated": [True, False, True], "walled": ["yes", "yes", "否"]}, geometry=[box] * 3, crs=4549
    )

    layers = plan_layers(units=units(), communities=communities(), roads=roads, compounds=compounds)

    assert layers.roads["bridge"].tolist() == [True, False, True, False, False]
    assert layers.roads["road_class"].tolist() == ["primary", None, "path", "path", "path"]
    assert layers.compounds["walled"].tolist() == [True, False, False]
    assert codes(layers.findings) == {"value_not_understood": 1}


def test_control_characters_leave_texts_but_markup_stays() -> None:
    frame = units(address=["a\x1b[31mb", "</script>{{x}}", "c\x00d\u202ee"])

    layers = plan_layers(units=frame, communities=communities())

    assert layers.units["address"].tolist() == ["a[31mb", "</script>{{x}}", "cd\u202ee"]
    assert codes(layers.findings) == {"control_characters_removed": 1}


def test_a_grid_column_of_the_units_is_kept_under_another_name_and_told() -> None:
    given = units(grid_id=["G1", "G2", "G2"], GRID_ID_Input=["x", "y", "z"])

    layers = plan_layers(units=given, communities=communities())

    assert "grid_id" not in layers.units
    assert layers.units["GRID_ID_Input"].tolist() == ["x", "y", "z"]
    assert layers.units["grid_id_input_1"].tolist() == ["G1", "G2", "G2"]
    (finding,) = [finding for finding in layers.findings if finding.code == "column_kept_as"]
    assert finding.severity == "warning"
    assert (finding.values["column"], finding.values["kept_as"]) == ("grid_id", "grid_id_input_1")
