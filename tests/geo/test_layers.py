import io
import sqlite3
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from geo.errors import CrsError, InputError
from geo.layers import read_layer
from geo.plan_layers import plan_layers
from tests.geo.office_layers import X, Y, codes, communities, units


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
        "2,垃圾,办结,身份证110 105 1949 1231 002X办理,119.6,32.0,y,15812345678,12\n"
        "3,噪声,办结,编号110105194912310021无误,119.6,32.0,z,,13\n"
    )

    layer = read_layer(str(tmp_path / "incidents.csv"), "incidents")

    assert set(layer.frame.columns) == {
        "case_id", "kind", "state", "reported_at", "closed_at", "text", "code", "geometry",
    }  # fmt: skip
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


def test_a_workbook_may_have_empty_sheets(tmp_path: Path) -> None:
    content = io.BytesIO()
    in_degrees(units()).to_excel(content, index=False)
    book = openpyxl.load_workbook(content)
    book.create_sheet("Sheet2")
    book.save(tmp_path / "units.xlsx")

    assert len(read_layer(str(tmp_path / "units.xlsx"), "units").frame) == 3


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


def test_a_geopackage_is_read_some_rows_at_a_time_and_names_the_row_that_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo.formats.geopackage._ROWS_AT_A_TIME", 2)
    path = tmp_path / "units.gpkg"
    # Numbers first, then text: a column is what all of it is.
    units(mixed=["1", None, "x"], number=[1, 2, 3]).to_file(path, layer="units")

    layer = read_layer(str(path), "units")

    assert layer.frame["mixed"].tolist() == ["1", None, "x"]
    assert layer.frame["number"].tolist() == [1, 2, 3]
    with sqlite3.connect(path) as database:
        for trigger in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger[0]}"')
        database.execute("UPDATE units SET geom = x'00' WHERE fid = 3")
    with pytest.raises(InputError) as caught:
        read_layer(str(path), "units")
    assert (caught.value.code, caught.value.feature) == ("geometry_broken", "#3")
