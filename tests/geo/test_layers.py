import io
import sqlite3
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from geo.errors import CrsError, InputError
from geo.layers import plan_layers, read_layer, read_plan_layers

# About 119.6 E, 32.0 N, in the 3-degree zone of 120 E.
X, Y = 462_000.0, 3_542_000.0


def units(**columns: object) -> gpd.GeoDataFrame:
    table = {"单元编号": ["甲-1", "甲-2", "乙-1"], "户数": [12, 0, 30], "楼栋": ["甲", "甲", "乙"], **columns}
    places = [shapely.Point(X + 10 + 20 * at, Y + 10) for at in range(3)]
    return gpd.GeoDataFrame(table, geometry=places, crs=4549)


def communities() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"社区编码": ["320981001001", "320981001002"], "名称": ["东门社区", "西门社区"]},
        geometry=[shapely.box(X, Y, X + 100, Y + 80), shapely.box(X + 100, Y, X + 200, Y + 80)],
        crs=4549,
    )


def codes(findings: object) -> Counter[str]:
    return Counter(finding.code for finding in findings)  # type: ignore[attr-defined]


def as_shapefile(folder: Path, frame: gpd.GeoDataFrame, encoding: str, *, cpg: str | None = None) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(folder / "units.shp", encoding=encoding)
    label = folder / "units.cpg"
    label.unlink() if cpg is None else label.write_text(cpg)
    return str(folder / "units.shp")


def in_degrees(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    moved = frame.to_crs(4326)
    return pd.DataFrame(moved.drop(columns="geometry")).assign(经度=moved.geometry.x, 纬度=moved.geometry.y)


def as_format(folder: Path, suffix: str) -> str:
    frame, path = units(), folder / f"units.{suffix}"
    match suffix:
        case "shp":
            as_shapefile(folder, frame, "UTF-8", cpg="UTF-8")
        case "zip":
            as_shapefile(folder, frame, "UTF-8", cpg="UTF-8")
            with zipfile.ZipFile(path, "w") as archive:
                for part in folder.glob("units.[!z]*"):
                    archive.write(part, f"图层/{part.name}")
        case "gpkg":
            frame.to_file(path)
        case "geojson":
            frame.to_crs(4326).to_file(path)
        case "kml":
            placemarks = ""
            for _, row in in_degrees(frame).iterrows():
                named = "".join(
                    f'<Data name="{key}"><value>{row[key]}</value></Data>'
                    for key in ("单元编号", "户数", "楼栋")
                )
                point = f"<Point><coordinates>{row['经度']!r},{row['纬度']!r}</coordinates></Point>"
                placemarks += f"<Placemark><ExtendedData>{named}</ExtendedData>{point}</Placemark>"
            path.write_text(
                f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{placemarks}</Document></kml>'
            )
        case "parquet":
            frame.to_parquet(path)
        case "csv":
            in_degrees(frame).to_csv(path, index=False)
        case "xlsx":
            in_degrees(frame).to_excel(path, index=False)
    return str(path)


@pytest.mark.parametrize("suffix", ["shp", "zip", "gpkg", "geojson", "kml", "parquet", "csv", "xlsx"])
def test_every_format_gives_the_same_units(tmp_path: Path, suffix: str) -> None:
    layer = read_layer(as_format(tmp_path, suffix), "units")

    assert layer.frame["unit_id"].tolist() == ["甲-1", "甲-2", "乙-1"]
    assert layer.frame["households"].tolist() == [12, 0, 30]
    assert layer.frame["households"].dtype == np.int64
    assert layer.frame["building_id"].tolist() == ["甲", "甲", "乙"]
    assert layer.frame["address"].tolist() == [None, None, None]
    moved = layer.frame.to_crs(4549).geometry
    assert moved.distance(units().geometry).max() < 1e-3
    assert layer.findings == ()
    assert layer.source is not None
    assert (layer.source.kind, layer.source.name) == ("units", f"units.{suffix}")
    assert len(layer.source.sha256) == 64


@pytest.mark.parametrize(
    ("encoding", "cpg", "finding"),
    [
        ("GB18030", None, 0),
        ("GB18030", "936", 0),
        ("GB18030", "UTF-8", 1),
        ("GB18030", "ISO-8859-1", 1),
        ("UTF-8", None, 0),
        ("UTF-8", "GBK", 1),
        ("UTF-8", "rot13", 0),
    ],
)
def test_a_shapefile_is_read_in_the_encoding_of_its_bytes(
    tmp_path: Path, encoding: str, cpg: str | None, finding: int
) -> None:
    layer = read_layer(as_shapefile(tmp_path, units(), encoding, cpg=cpg), "units")

    assert layer.frame["unit_id"].tolist() == ["甲-1", "甲-2", "乙-1"]
    assert codes(layer.findings)["encoding_differs"] == finding


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_table_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "units.csv"
    path.write_bytes(in_degrees(units()).to_csv(index=False, sep=delimiter).encode(encoding))

    assert read_layer(str(path), "units").frame["unit_id"].tolist() == ["甲-1", "甲-2", "乙-1"]


def test_column_names_cut_to_ten_bytes_are_recognised(tmp_path: Path) -> None:
    frame = (
        units().assign(community_=["320981001001"] * 3, building_i="b", compound_i="c").drop(columns="楼栋")
    )

    layer = read_layer(as_shapefile(tmp_path, frame, "UTF-8", cpg="UTF-8"), "units")

    assert layer.frame["community_id"].tolist() == ["320981001001"] * 3
    assert layer.frame["building_id"].tolist() == ["b"] * 3
    assert layer.frame["compound_id"].tolist() == ["c"] * 3


@pytest.mark.parametrize("values", [[320981001001, 320981001002], [320981001001.0, 320981001002.0]])
@pytest.mark.parametrize("suffix", ["gpkg", "parquet", "shp", "geojson"])
def test_codes_of_twelve_digits_stay_text_whatever_the_file_holds(
    tmp_path: Path, values: list[float], suffix: str
) -> None:
    frame = communities().assign(comm_id=values).drop(columns=["社区编码", "名称"])
    path = tmp_path / f"communities.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_crs(4326 if suffix == "geojson" else 4549).to_file(path)

    layer = read_layer(str(path), "communities")

    assert layer.frame["community_id"].tolist() == ["320981001001", "320981001002"]


def test_ids_of_numbers_with_a_gap_never_become_decimals() -> None:
    found = plan_layers(units=units(compound_id=[1.0, None, 2.0]), communities=communities()).units[
        "compound_id"
    ]

    assert found.tolist() == ["1", None, "2"]


def test_without_an_id_column_row_numbers_are_used_and_said() -> None:
    layers = plan_layers(units=units().drop(columns="单元编号"), communities=communities())

    assert layers.units["unit_id"].tolist() == ["1", "2", "3"]
    assert codes(layers.findings) == {"ids_are_row_numbers": 1}


def test_the_id_option_wins_over_recognised_names(tmp_path: Path) -> None:
    units(key=["x", "y", "z"]).to_file(tmp_path / "units.gpkg")

    layer = read_layer(str(tmp_path / "units.gpkg"), "units", id_column="key")

    assert layer.frame["unit_id"].tolist() == ["x", "y", "z"]
    assert layer.frame["单元编号"].tolist() == ["甲-1", "甲-2", "乙-1"]


def test_the_field_option_settles_which_column_is_meant(tmp_path: Path) -> None:
    units(hh=[1, 2, 3]).to_file(tmp_path / "units.gpkg")

    with pytest.raises(InputError, match="both 户数 and hh could be households"):
        read_layer(str(tmp_path / "units.gpkg"), "units")
    layer = read_layer(str(tmp_path / "units.gpkg"), "units", fields={"households": "HH"})

    assert layer.frame["households"].tolist() == [1, 2, 3]


def test_other_columns_are_kept_under_names_a_geopackage_can_hold() -> None:
    frame = units(Address2=["a"] * 3, GEOM=[1, 2, 3], Fid=[7, 8, 9]).rename(
        columns={"Address2": "HOUSEHOLDS"}
    )

    with pytest.raises(InputError):
        plan_layers(units=frame, communities=communities())
    kept = plan_layers(units=frame.rename(columns={"HOUSEHOLDS": "Flats"}), communities=communities()).units

    assert {"Flats", "GEOM_1", "Fid_1"} <= set(kept.columns)


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


def test_the_crs_option_helps_layers_without_or_with_a_wrong_one(tmp_path: Path) -> None:
    path = as_shapefile(tmp_path, units(), "UTF-8", cpg="UTF-8")
    (tmp_path / "units.prj").unlink()

    with pytest.raises(CrsError, match="Gauss-Kruger without zone number"):
        read_layer(path, "units")
    assert read_layer(path, "units", crs="4549").crs == CRS.from_epsg(4549)
    units().set_crs(4490, allow_override=True).to_file(tmp_path / "wrong.gpkg")
    with pytest.raises(CrsError, match="are metres"):
        read_layer(str(tmp_path / "wrong.gpkg"), "units")
    mended = read_layer(str(tmp_path / "wrong.gpkg"), "units", crs="EPSG:4549")

    assert mended.crs == CRS.from_epsg(4549)
    assert codes(mended.findings) == {"crs_overridden": 1}


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


@pytest.mark.parametrize(
    ("names", "ids", "told"),
    [
        (["甲-1", " 甲-2"], ["甲-1", "甲-2"], "ids_are_names"),
        (["甲-1", "甲-1"], ["1", "2"], "ids_are_row_numbers"),
        (["甲-1", ""], ["1", "2"], "ids_are_row_numbers"),
        (["13812345678", "13912345678"], ["1", "2"], "ids_are_row_numbers"),
    ],
    ids=["each its own", "repeated", "one empty", "telephone numbers"],
)
def test_grids_of_kml_go_by_the_names_of_their_placemarks(tmp_path: Path, names, ids, told) -> None:
    square = "118,32 118.001,32 118.001,32.001 118,32.001 118,32"
    placemarks = "".join(
        f"<Placemark><name>{name}</name><Polygon><outerBoundaryIs><LinearRing>"
        f"<coordinates>{square}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        for name in names
    )
    (tmp_path / "grids.kml").write_text(
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{placemarks}</Document></kml>'
    )

    layer = read_layer(str(tmp_path / "grids.kml"), "grids")

    assert layer.frame["grid_id"].tolist() == ids
    assert [finding.code for finding in layer.findings if finding.code.startswith("ids_")] == [told]


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


def test_roads_without_geometry_are_left_out_with_a_finding() -> None:
    roads = gpd.GeoDataFrame(
        {"class": ["primary", "path"]}, geometry=[None, shapely.LineString([(X, Y), (X + 50, Y)])], crs=4549
    )

    layers = plan_layers(units=units(), communities=communities(), roads=roads)

    assert layers.roads["road_class"].tolist() == ["path"]
    assert codes(layers.findings) == {"features_without_geometry": 1}


def test_phones_and_identity_numbers_of_incidents_do_not_come_in(tmp_path: Path) -> None:
    (tmp_path / "incidents.csv").write_text(
        "case_id,kind,state,text,lon,lat,联系电话,extra,code\n"
        "1,占道,处理中,请致电13812345678或0511-86881234,119.6,32.0,x,13912345678,110101200001010011\n"
        "2,垃圾,办结,身份证11010519491231002X办理,119.6,32.0,y,15812345678,12\n"
        "3,噪声,办结,编号110105194912310021无误,119.6,32.0,z,,13\n"
    )

    layer = read_layer(str(tmp_path / "incidents.csv"), "incidents")

    assert set(layer.frame.columns) == {"case_id", "kind", "state", "reported_at", "text", "code", "geometry"}
    assert layer.frame["text"].tolist() == ["请致电***或***", "身份证***办理", "编号110105194912310021无误"]
    dropped = [
        finding.values["column"] for finding in layer.findings if finding.code == "personal_column_dropped"
    ]
    assert dropped == ["联系电话", "extra"]
    assert codes(layer.findings)["personal_text_masked"] == 1


def test_stations_keep_their_facilities(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["station_id", "name", "type", "facilities", "opening_hours", "经度", "纬度"])
    book.active.append([1, "红色驿站", "驿站", "饮水;充电", "08:00-20:00", 119.6, 32.0])
    book.save(tmp_path / "stations.xlsx")

    row = read_layer(str(tmp_path / "stations.xlsx"), "stations").frame.iloc[0]

    assert (row["station_id"], row["facilities"], row["opening_hours"]) == ("1", "饮水;充电", "08:00-20:00")


def test_control_characters_leave_texts_but_markup_stays() -> None:
    frame = units(address=["a\x1b[31mb", "</script>{{x}}", "c\x00d\u202ee"])

    layers = plan_layers(units=frame, communities=communities())

    assert layers.units["address"].tolist() == ["a[31mb", "</script>{{x}}", "cd\u202ee"]
    assert codes(layers.findings) == {"control_characters_removed": 1}


def test_a_geopackage_with_changes_pending_beside_it_is_read_with_them(tmp_path: Path) -> None:
    path = tmp_path / "units.gpkg"
    units().to_file(path)
    editor = sqlite3.connect(path)
    for (trigger,) in editor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        editor.execute(f'DROP TRIGGER "{trigger}"')
    editor.execute("PRAGMA journal_mode=WAL")
    editor.execute('UPDATE units SET "户数" = 77')
    editor.commit()
    try:
        found = read_layer(str(path), "units").frame["households"].tolist()
    finally:
        editor.close()

    assert found == [77, 77, 77]


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    for suffix in ("shp", "gpkg", "parquet", "xlsx"):
        as_format(tmp_path, suffix)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    for suffix in ("shp", "gpkg", "parquet", "xlsx"):
        read_layer(str(tmp_path / f"units.{suffix}"), "units")

    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


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


def test_a_workbook_may_have_empty_sheets(tmp_path: Path) -> None:
    content = io.BytesIO()
    in_degrees(units()).to_excel(content, index=False)
    book = openpyxl.load_workbook(content)
    book.create_sheet("Sheet2")
    book.save(tmp_path / "units.xlsx")

    assert len(read_layer(str(tmp_path / "units.xlsx"), "units").frame) == 3


def test_a_grid_column_of_the_units_is_kept_under_another_name_and_told() -> None:
    given = units(grid_id=["G1", "G2", "G2"], GRID_ID_Input=["x", "y", "z"])

    layers = plan_layers(units=given, communities=communities())

    assert "grid_id" not in layers.units
    assert layers.units["GRID_ID_Input"].tolist() == ["x", "y", "z"]
    assert layers.units["grid_id_input_1"].tolist() == ["G1", "G2", "G2"]
    (finding,) = [finding for finding in layers.findings if finding.code == "column_kept_as"]
    assert finding.severity == "warning"
    assert (finding.values["column"], finding.values["kept_as"]) == ("grid_id", "grid_id_input_1")


def test_the_source_says_which_columns_go_by_another_name(tmp_path: Path) -> None:
    units(Grid_ID=["G1", "G2", "G2"], fid_=[1, 2, 3]).to_file(tmp_path / "units.gpkg")

    layer = read_layer(str(tmp_path / "units.gpkg"), "units")

    assert layer.source is not None
    assert layer.source.columns == {
        "单元编号": "unit_id",
        "户数": "households",
        "楼栋": "building_id",
        "Grid_ID": "Grid_ID_input",
    }


def test_a_wrong_id_column_points_to_the_option_it_came_from(tmp_path: Path) -> None:
    units().to_file(tmp_path / "units.gpkg")

    with pytest.raises(InputError) as by_id:
        read_layer(str(tmp_path / "units.gpkg"), "units", id_column="nummer")
    with pytest.raises(InputError) as by_field:
        read_layer(str(tmp_path / "units.gpkg"), "units", fields={"unit_id": "nummer"})

    assert by_id.value.values["option"] == "--id COLUMN"
    assert "--id COLUMN" in str(by_id.value)
    assert by_field.value.values["option"] == "--field units.unit_id=COLUMN"


@pytest.mark.parametrize(
    ("kind", "meant"),
    [("units", "units"), ("grids", "micro_grids"), ("roads", "roads"), ("context", "b")],
)
def test_of_several_layers_all_are_named_and_the_likely_one_is_proposed(
    tmp_path: Path, kind: str, meant: str
) -> None:
    for name in ("cells", "micro_grids", "roads", "units", "water", "b", "c", "d", "e"):
        communities().to_file(tmp_path / "plan.gpkg", layer=name)
    with pytest.raises(InputError) as caught:
        read_layer(str(tmp_path / "plan.gpkg"), kind)  # type: ignore[arg-type]

    assert caught.value.code == "several_layers"
    assert caught.value.values["names"] == "b, c, cells, d, e, micro_grids, roads, units, water"
    assert caught.value.values["example"] == f"plan.gpkg:{meant}"


@pytest.mark.parametrize("kind", ["incidents", "stations"])
@pytest.mark.parametrize("suffix", ["csv", "xlsx", "geojson", "gpkg"])
def test_a_table_of_incidents_or_stations_without_a_row_is_an_empty_layer(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    heads = {"incidents": ["case_id", "kind", "state"], "stations": ["station_id", "name"]}[kind]
    path = tmp_path / f"layer.{suffix}"
    if suffix == "csv":
        path.write_text(",".join([*heads, "lon", "lat"]) + "\n")
    elif suffix == "xlsx":
        book = openpyxl.Workbook()
        book.active.append([*heads, "lon", "lat"])
        book.save(path)
    elif suffix == "geojson":
        path.write_text('{"type": "FeatureCollection", "features": []}')
    else:
        gpd.GeoDataFrame({head: [] for head in heads}, geometry=[], crs=4490).to_file(path)

    if suffix == "geojson":  # no feature, thus no property: it cannot say which columns it has
        heads = []
    layer = read_layer(str(path), kind)  # type: ignore[arg-type]

    assert len(layer.frame) == 0
    assert layer.crs is not None
    assert set(heads) <= set(layer.frame.columns)
