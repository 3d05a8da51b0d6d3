"""Bad inputs whose shapes cannot be used."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from tests.bad_input.cases import (
    CRS,
    LAT0,
    LON0,
    X0,
    Y0,
    Arguments,
    add,
    bad,
    check,
    csv,
    csv_units,
    geojson,
    geojson_features,
    good_communities,
    good_units,
    gpkg,
    kml,
    lines,
    map_,
    parquet,
    placemark,
    plan,
    shp,
    sql,
    with_geometry,
)

FAMILY = "geometry"
POINT = shapely.Point(X0 + 50, Y0 + 50)
LINE = shapely.LineString([(X0, Y0), (X0 + 50, Y0)])
FLAT = shapely.Polygon([(X0, Y0), (X0 + 50, Y0), (X0 + 20, Y0)])
BOX = shapely.box(X0 + 50, Y0 + 50, X0 + 60, Y0 + 60)

for name, shape, code in (
    ("unit_with_households_but_no_geometry", None, "unit_without_geometry"),
    ("unit_with_empty_geometry", shapely.Polygon(), "unit_without_geometry"),
    ("unit_that_is_a_line", LINE, "geometry_type"),
    ("unit_that_is_two_points", shapely.MultiPoint([(X0, Y0), (X0 + 9, Y0)]), "geometry_type"),
    ("unit_that_is_a_collection_of_lines", shapely.GeometryCollection([LINE, LINE]), "geometry_type"),
    ("unit_without_area", FLAT, "geometry_without_area"),
):
    add(
        FAMILY,
        name,
        lambda folder, shape=shape: plan(folder, units=gpkg(folder, with_geometry([POINT, shape, POINT]))),
        code,
        "units.gpkg",
        "U2",
    )

for name, x, y in (
    ("nan", float("nan"), Y0),
    ("infinite", X0, float("inf")),
    ("absurd", 1e300, Y0),
    ("negative_infinite", float("-inf"), Y0),
):

    def build(folder: Path, x: float = x, y: float = y) -> Arguments:
        gpkg(folder, with_geometry([POINT, POINT, POINT]), SPATIAL_INDEX="NO")
        blob = (
            b"GP\x00\x01" + struct.pack("<i", 4549) + b"\x01\x01\x00\x00\x00" + struct.pack("<dd", x, y)
        ).hex()
        return plan(
            folder, units=sql(folder, "units.gpkg", f"UPDATE units SET geom = x'{blob}' WHERE unit_id = 'U2'")
        )

    add(FAMILY, f"unit_with_{name}_coordinates", build, "geometry_not_finite", "units.gpkg", "U2")


def header(wkb: bytes, flags: int = 1) -> bytes:
    return b"GP\x00" + bytes([flags]) + struct.pack("<i", 4549) + wkb


UNCLOSED = b"\x01\x03\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00" + struct.pack("<6d", 0, 0, 1, 0, 1, 1)
NESTED = b"".join(b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" for _ in range(200_000)) + shapely.to_wkb(POINT)
for name, blob in (
    ("without_its_mark", b"XX" + header(shapely.to_wkb(POINT))[2:]),
    ("cut_short", header(shapely.to_wkb(BOX)[:-20])),
    ("of_an_unknown_kind", header(b"\x01\x63\x00\x00\x00\x01\x00\x00\x00")),
    ("of_an_extension", header(shapely.to_wkb(POINT), 0x21)),
    ("of_four_thousand_million_points", header(b"\x01\x02\x00\x00\x00\xff\xff\xff\xff")),
    ("of_four_thousand_million_rings", header(b"\x01\x03\x00\x00\x00\xff\xff\xff\xff")),
    ("nested_without_end", header(NESTED)),
    ("that_is_only_a_header", b"GP\x00\x01"),
    ("of_an_unclosed_ring", header(UNCLOSED)),
):

    def build(folder: Path, blob: bytes = blob) -> Arguments:
        gpkg(folder, with_geometry([POINT, POINT, POINT]), SPATIAL_INDEX="NO")
        return plan(
            folder,
            units=sql(folder, "units.gpkg", f"UPDATE units SET geom = x'{blob.hex()}' WHERE unit_id = 'U2'"),
        )

    add(FAMILY, f"geometry_{name}", build, "geometry_broken", "units.gpkg", "#2")


@bad(FAMILY, "geometry_broken", "units.gpkg", "#1")
def geometry_that_is_text(folder: Path) -> Arguments:
    gpkg(folder, good_units(), SPATIAL_INDEX="NO")
    return plan(folder, units=sql(folder, "units.gpkg", "UPDATE units SET geom = 'POINT(1 2)'"))


@bad(FAMILY, "geometry_type", "units.gpkg", "CurvePolygon", "#1")
def unit_that_is_curved(folder: Path) -> Arguments:
    ring = b"\x01\x08\x00\x00\x00\x05\x00\x00\x00" + struct.pack(
        "<10d", X0, Y0, X0 + 9, Y0 + 9, X0 + 18, Y0, X0 + 9, Y0 - 9, X0, Y0
    )
    blob = header(b"\x01\x0a\x00\x00\x00\x01\x00\x00\x00" + ring).hex()
    gpkg(folder, with_geometry([POINT]), SPATIAL_INDEX="NO")
    return plan(folder, units=sql(folder, "units.gpkg", f"UPDATE units SET geom = x'{blob}'"))


def moved_community(folder: Path, *boxes: Any) -> Arguments:
    frame = gpd.GeoDataFrame(
        {"community_id": [f"C{at + 1}" for at in range(len(boxes))]}, geometry=list(boxes), crs=CRS
    )
    return plan(folder, communities=gpkg(folder, frame, "communities.gpkg"))


ONE = shapely.box(X0, Y0, X0 + 200, Y0 + 200)
BESIDE, INSIDE = (
    shapely.box(X0 + 190, Y0, X0 + 400, Y0 + 200),
    shapely.box(X0 + 50, Y0 + 50, X0 + 60, Y0 + 60),
)
for name, boxes, code, says in (
    ("communities_that_overlap", (ONE, BESIDE), "communities_overlap", ("C1", "C2", "2,000.0")),
    ("communities_drawn_twice", (ONE, ONE), "communities_overlap", ("C1", "C2")),
    ("community_within_another", (ONE, INSIDE), "communities_overlap", ("C1", "C2", "100.0")),
    ("community_that_is_a_point", (ONE, POINT), "geometry_type", ("C2", "Point")),
    ("community_that_is_a_line", (ONE, LINE), "geometry_type", ("C2", "LineString")),
    ("community_without_geometry", (ONE, None), "geometry_missing", ("C2",)),
    ("community_without_area", (ONE, FLAT), "geometry_without_area", ("C2",)),
):
    add(
        FAMILY,
        name,
        lambda folder, boxes=boxes: moved_community(folder, *boxes),
        code,
        "communities.gpkg",
        *says,
    )


@bad(FAMILY, "communities_overlap", "320981001001", "320981001002")
def communities_that_overlap_in_degrees(folder: Path) -> Arguments:
    frame = good_communities()
    frame.loc[1, "geometry"] = shapely.box(X0 + 195, Y0, X0 + 400, Y0 + 200)
    return plan(folder, communities=gpkg(folder, frame.to_crs(4490), "communities.gpkg"))


def layer_of(folder: Path, kind: str, shape: Any) -> Arguments:
    frame = gpd.GeoDataFrame({"name": ["n"]}, geometry=[shape], crs=CRS)
    return plan(folder, f"--{kind}", gpkg(folder, frame, f"{kind}.gpkg"))


for kind, shape in (
    ("roads", POINT),
    ("water", POINT),
    ("barriers", POINT),
    ("gates", BOX),
    ("gates", LINE),
    ("compounds", LINE),
    ("compounds", POINT),
):
    add(
        FAMILY,
        f"{kind}_that_are_a_{shape.geom_type}",
        lambda folder, kind=kind, shape=shape: layer_of(folder, kind, shape),
        "geometry_not_points" if kind == "gates" else "geometry_type",
        f"{kind}.gpkg",
        shape.geom_type,
    )

PLACE = [LON0, LAT0]
for name, geometry, code in (
    ("ring_of_two_points", {"type": "Polygon", "coordinates": [[PLACE, PLACE]]}, "geometry_broken"),
    ("coordinates_of_text", {"type": "Point", "coordinates": ["119.6", "32.0"]}, "geometry_broken"),
    ("coordinates_of_one_number", {"type": "Point", "coordinates": [119.6]}, "geometry_broken"),
    ("coordinates_of_nan", {"type": "Point", "coordinates": [float("nan"), 32.0]}, "geometry_broken"),
    ("coordinates_of_1e400", {"type": "Point", "coordinates": [float("inf"), 32.0]}, "geometry_broken"),
    ("no_coordinates", {"type": "Polygon"}, "geometry_broken"),
    ("an_unknown_type", {"type": "Blob", "coordinates": [119.6, 32.0]}, "geometry_broken"),
    ("geometry_that_is_a_list", [119.6, 32.0], "geometry_broken"),
    ("geometry_that_is_null", None, "unit_without_geometry"),
    ("empty_coordinates", {"type": "Polygon", "coordinates": []}, "unit_without_geometry"),
):

    def build(folder: Path, geometry: Any = geometry) -> Arguments:
        features = geojson_features(3)
        features[1]["geometry"] = geometry
        return plan(folder, units=geojson(folder, features))

    add(FAMILY, f"geojson_with_{name}", build, code, "units.geojson", "2")

for name, row, code, field in (
    ("csv_without_one_coordinate", "U2,20,119.6,", "coordinate_missing", "lat"),
    ("csv_without_both_coordinates", "U2,20,,", "unit_without_geometry", "20"),
    ("csv_with_degree_signs", "U2,20,119.6°E,32.0", "coordinate_unreadable", "lon"),
    ("csv_with_nan", "U2,20,nan,32.0", "coordinate_unreadable", "lon"),
    ("csv_with_infinity", "U2,20,119.6,inf", "coordinate_unreadable", "lat"),
    ("csv_with_sexagesimal_degrees", "U2,20,119 36 00,32 00 00", "coordinate_unreadable", "lon"),
):
    add(
        FAMILY,
        name,
        lambda folder, row=row: plan(folder, units=csv_units(folder, "U1,20,119.6,32.0", row)),
        code,
        "units.csv",
        "U2",
        field,
    )

ONE_POINT = (
    "<Polygon><outerBoundaryIs><LinearRing><coordinates>119.6,32</coordinates></LinearRing>"
    "</outerBoundaryIs></Polygon>"
)
for name, shape in (
    ("kml_polygon_of_one_point", ONE_POINT),
    ("kml_polygon_without_ring", "<Polygon/>"),
    ("kml_coordinates_of_words", "<Point><coordinates>here,there</coordinates></Point>"),
    ("kml_point_without_coordinates", "<Point/>"),
):
    add(
        FAMILY,
        name,
        lambda folder, shape=shape: plan(folder, units=kml(folder, placemark(shape))),
        "geometry_broken",
        "units.kml",
        "#1",
    )


@bad(FAMILY, "geometry_broken", "units.parquet", "#1")
def geoparquet_with_broken_wkb(folder: Path) -> Arguments:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet(folder, good_units(2))
    table = pq.read_table(folder / "units.parquet")
    at = table.column_names.index("geometry")
    wkb = pa.array([b"\x01\x03\x00\x00\x00\xff\xff\xff\xff", b""], pa.binary())
    pq.write_table(table.set_column(at, "geometry", wkb), folder / "units.parquet")
    return plan(folder, units="units.parquet")


@bad(FAMILY, "geometry_type", "grids.gpkg", "LineString")
def grids_that_are_lines(folder: Path) -> Arguments:
    return check(folder, gpkg(folder, lines().assign(grid_id=["G1"]), "grids.gpkg"))


@bad(FAMILY, "geometry_missing", "grids.gpkg", "G2")
def grid_without_geometry(folder: Path) -> Arguments:
    frame = gpd.GeoDataFrame({"grid_id": ["G1", "G2"]}, geometry=[ONE, None], crs=CRS)
    return check(folder, gpkg(folder, frame, "grids.gpkg"))


@bad(FAMILY, "coordinate_unreadable", "incidents.csv", "lon", "C1")
def incident_with_words_for_a_place(folder: Path) -> Arguments:
    text = "case_id,kind,state,lon,lat\nC1,a,b,here,32.0\n"
    return map_(folder, "--incidents", csv(folder, text, "incidents.csv"))


@bad(FAMILY, "geometry_not_points", "stations.geojson", "LineString")
def stations_that_are_lines(folder: Path) -> Arguments:
    features = geojson_features(1)
    features[0]["properties"] = {"station_id": "S1", "name": "n"}
    features[0]["geometry"] = {"type": "LineString", "coordinates": [[LON0, LAT0], [LON0, LAT0 + 1]]}
    return map_(folder, "--stations", geojson(folder, features, "stations.geojson"))


@bad(FAMILY, "geometry_broken", "units.shp", "#1")
def shapefile_record_beyond_its_end(folder: Path) -> Arguments:
    shp(folder, good_units())
    content = bytearray((folder / "units.shx").read_bytes())
    content[100:108] = struct.pack(">ii", 2_000_000_000, 10)
    (folder / "units.shx").write_bytes(content)
    return plan(folder, units="units.shp")
