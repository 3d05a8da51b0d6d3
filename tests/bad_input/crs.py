"""Bad inputs whose coordinates and coordinate reference systems contradict each other."""

from __future__ import annotations

import json
from pathlib import Path

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
    grids_frame,
    kml,
    map_,
    parquet,
    placemark,
    plan,
    shp,
    sql,
    write,
)

FAMILY = "CRS"


def moved(x: float, y: float, crs: str | None) -> gpd.GeoDataFrame:
    """Good units beside a place given in any numbers."""
    step = 1e-4 if abs(x) < 200 else 10.0
    frame = good_units(3)
    return gpd.GeoDataFrame(
        frame.drop(columns="geometry"), geometry=[shapely.Point(x + i * step, y) for i in range(3)], crs=crs
    )


WEB_X, WEB_Y = 13_313_000.0, 3_763_000.0
NO_CRS = (
    ("degrees", LON0, LAT0, "crs_missing_degrees"),
    ("swapped_degrees", LAT0, LON0, "crs_missing_swapped"),
    ("gauss_kruger", X0, Y0, "crs_missing_gk"),
    ("gauss_kruger_with_zone", 40e6 + X0, Y0, "crs_missing_gk_zone"),
    ("gauss_kruger_with_6_degree_zone", 20e6 + X0, Y0, "crs_missing_gk_zone"),
    ("web_mercator", WEB_X, WEB_Y, "crs_missing_web_mercator"),
    ("local_numbers", 3_000.0, 7_000.0, "crs_missing_unknown"),
)
for look, x, y, code in NO_CRS:
    add(
        FAMILY,
        f"shapefile_without_prj_in_{look}",
        lambda folder, x=x, y=y: plan(folder, units=shp(folder, moved(x, y, None))),
        code,
        "units.shp",
        "EPSG:" if look != "local_numbers" else "--crs",
    )

DECLARED = (
    ("degrees_declared_as_gauss_kruger", LON0, LAT0, CRS, "degrees_in_metres", "EPSG:4490"),
    ("degrees_declared_as_web_mercator", LON0, LAT0, "EPSG:3857", "degrees_in_metres", "EPSG:3857"),
    ("degrees_declared_as_utm", LON0, LAT0, "EPSG:32650", "degrees_in_metres", "EPSG:32650"),
    ("metres_declared_as_4326", X0, Y0, "EPSG:4326", "metres_in_degrees", "EPSG:4326"),
    ("metres_declared_as_4490", X0, Y0, "EPSG:4490", "metres_in_degrees", "EPSG:4490"),
    ("web_mercator_declared_as_4326", WEB_X, WEB_Y, "EPSG:4326", "metres_in_degrees", "EPSG:3857"),
    ("zoned_metres_declared_as_4490", 40e6 + X0, Y0, "EPSG:4490", "metres_in_degrees", "EPSG:4528"),
    ("swapped_degrees_in_4490", LAT0, LON0, "EPSG:4490", "axes_swapped", "longitude"),
    ("swapped_degrees_in_4326", 43.8, 87.6, "EPSG:4326", "axes_swapped", "longitude"),
    ("swapped_metres", Y0, X0, CRS, "axes_swapped_metres", "easting"),
    ("swapped_zoned_metres", Y0, 40e6 + X0, "EPSG:4528", "axes_swapped_metres", "easting"),
    ("zone_prefix_in_a_crs_without", 40e6 + X0, Y0, CRS, "easting_with_zone", "EPSG:4528"),
    ("6_degree_zone_prefix_in_a_crs_without", 20e6 + X0, Y0, "EPSG:4508", "easting_with_zone", "EPSG:4498"),
    ("zone_of_another_crs", 39e6 + X0, Y0, "EPSG:4528", "easting_with_zone", "EPSG:4527"),
    ("no_zone_prefix_in_a_crs_with", X0, Y0, "EPSG:4528", "easting_without_zone", "EPSG:4549"),
    ("web_mercator_declared_as_gauss_kruger", WEB_X, WEB_Y, CRS, "web_mercator_in_metres", "EPSG:3857"),
)
for name, x, y, crs, code, says in DECLARED:
    add(
        FAMILY,
        name,
        lambda folder, x=x, y=y, crs=crs: plan(folder, units=gpkg(folder, moved(x, y, crs))),
        code,
        "units.gpkg",
        says,
    )


@bad(FAMILY, "crs_missing_gk", "communities.shp")
def communities_without_prj(folder: Path) -> Arguments:
    return plan(
        folder,
        communities=shp(folder, good_communities().set_crs(None, allow_override=True), "communities.shp"),
    )


@bad(FAMILY, "axes_swapped", "communities.gpkg")
def communities_with_swapped_axes(folder: Path) -> Arguments:
    frame = good_communities().to_crs(4490)
    frame.geometry = shapely.transform(frame.geometry.array, lambda xy: xy[:, ::-1])
    return plan(folder, communities=gpkg(folder, frame, "communities.gpkg"))


@bad(FAMILY, "crs_missing_gk", "roads.shp")
def roads_without_prj(folder: Path) -> Arguments:
    frame = gpd.GeoDataFrame({"class": ["primary"]}, geometry=[shapely.LineString([(X0, Y0), (X0 + 9, Y0)])])
    return plan(folder, "--roads", shp(folder, frame, "roads.shp"))


@bad(FAMILY, "crs_missing_gk", "units.gpkg")
def geopackage_of_undefined_crs(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    return plan(folder, units=sql(folder, "units.gpkg", "UPDATE gpkg_geometry_columns SET srs_id = -1"))


@bad(FAMILY, "crs_missing_gk", "units.parquet")
def geoparquet_without_crs(folder: Path) -> Arguments:
    return plan(folder, units=parquet(folder, good_units().set_crs(None, allow_override=True)))


@bad(FAMILY, "crs_missing_gk", "units.csv")
def csv_in_metres(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder, f"U1,20,{X0},{Y0}", f"U2,20,{X0 + 9},{Y0}"))


@bad(FAMILY, "axes_swapped", "units.csv")
def csv_with_swapped_axes(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder, f"U1,20,{LAT0},{LON0}", f"U2,20,{LAT0},{LON0}"))


@bad(FAMILY, "coordinates_off_earth", "units.csv", "U2")
def csv_with_one_latitude_beyond_the_pole(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder, "U1,20,119.6,32", "U2,20,119.6,132", "U3,20,119.6,32"))


@bad(FAMILY, "metres_in_degrees", "units.geojson")
def geojson_in_metres(folder: Path) -> Arguments:
    features = geojson_features(2)
    for feature in features:
        feature["geometry"]["coordinates"] = [X0, Y0]
    return plan(folder, units=geojson(folder, features))


@bad(FAMILY, "axes_swapped", "units.geojson")
def geojson_with_swapped_axes(folder: Path) -> Arguments:
    features = geojson_features(2)
    for feature in features:
        feature["geometry"]["coordinates"].reverse()
    return plan(folder, units=geojson(folder, features))


for name, declared, code in (
    ("by_address", {"type": "link", "properties": {"href": "http://127.0.0.1/crs"}}, "crs_unreadable"),
    ("named_as_an_address", {"properties": {"name": "http://example.org/crs"}}, "crs_unknown"),
    ("of_no_code", {"properties": {"name": "EPSG:999999"}}, "crs_unknown"),
    ("that_is_a_list", [1, 2], "crs_unreadable"),
    ("that_names_a_file", {"properties": {"name": "+init=/etc/passwd:1"}}, "crs_unknown"),
):
    add(
        FAMILY,
        f"geojson_with_a_crs_{name}",
        lambda folder, declared=declared: plan(
            folder, units=geojson(folder, geojson_features(), crs=declared)
        ),
        code,
        "units.geojson",
    )


@bad(FAMILY, "metres_in_degrees", "units.kml")
def kml_in_metres(folder: Path) -> Arguments:
    point = f"<Point><coordinates>{X0},{Y0}</coordinates></Point>"
    return plan(folder, units=kml(folder, placemark(point)))


EARTH_CENTRED = 'GEOCCS["g",DATUM["d",SPHEROID["s",6378137,298.257]],PRIMEM["Greenwich",0],UNIT["metre",1]]'
for name, text, code in (
    ("prj_of_rubbish", "PROJCS[rubbish", "crs_unreadable"),
    ("prj_that_is_html", "<html></html>", "crs_unreadable"),
    ("prj_of_a_local_grid", 'LOCAL_CS["site",UNIT["metre",1]]', "crs_unusable"),
    ("prj_of_heights", 'VERT_CS["h",VERT_DATUM["d",2005],UNIT["metre",1],AXIS["Up",UP]]', "crs_unusable"),
    ("prj_of_earth_centred", EARTH_CENTRED, "crs_unusable"),
    ("prj_nested_without_end", "PROJCS[" * 20_000, "crs_unreadable"),
):

    def build(folder: Path, text: str = text) -> Arguments:
        shp(folder, good_units())
        write(folder, "units.prj", text)
        return plan(folder, units="units.shp")

    add(FAMILY, name, build, code, "units.shp")

for name, option in (
    ("option_of_rubbish", "rubbish"),
    ("option_of_no_code", "EPSG:999999"),
    ("option_that_names_a_grid_file", "+proj=tmerc +lon_0=120 +nadgrids=@/etc/passwd"),
    ("option_that_is_a_path", "/etc/passwd"),
    ("option_that_is_an_address", "https://example.org/crs"),
):
    add(
        FAMILY,
        name,
        lambda folder, option=option: plan(folder, "--crs", option),
        "crs_unknown",
        "good_units.gpkg",
    )


@bad(FAMILY, "crs_unusable", "units.gpkg")
def option_of_an_earth_centred_crs(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    sql(folder, "units.gpkg", "UPDATE gpkg_geometry_columns SET srs_id = -1")
    return plan(folder, "--crs", "EPSG:4978", units="units.gpkg")


@bad(FAMILY, "crs_unreadable", "units.parquet")
def geoparquet_with_rubbish_for_a_crs(folder: Path) -> Arguments:
    import pyarrow.parquet as pq

    parquet(folder, good_units())
    table = pq.read_table(folder / "units.parquet")
    about = json.loads(table.schema.metadata[b"geo"])
    about["columns"]["geometry"]["crs"] = {"type": "ProjectedCRS"}
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(about)}), folder / "units.parquet")
    return plan(folder, units="units.parquet")


@bad(FAMILY, "layers_far_apart", "good_units.gpkg")
def communities_in_the_zone_beside(folder: Path) -> Arguments:
    frame = good_communities().set_crs(4548, allow_override=True)
    return plan(folder, communities=gpkg(folder, frame, "communities.gpkg"))


@bad(FAMILY, "crs_missing_gk", "grids.shp")
def grids_without_prj(folder: Path) -> Arguments:
    return check(folder, shp(folder, grids_frame().set_crs(None, allow_override=True), "grids.shp"))


@bad(FAMILY, "degrees_in_metres", "grids.gpkg")
def grids_in_degrees_declared_as_metres(folder: Path) -> Arguments:
    frame = grids_frame().to_crs(4490).set_crs(4549, allow_override=True)
    return check(folder, gpkg(folder, frame, "grids.gpkg"))


@bad(FAMILY, "axes_swapped", "incidents.csv")
def incidents_with_swapped_axes(folder: Path) -> Arguments:
    text = "case_id,kind,state,lon,lat\n1,a,b,32.0,119.6\n2,a,b,32.0,119.6\n"
    return map_(folder, "--incidents", csv(folder, text, "incidents.csv"))


@bad(FAMILY, "crs_missing_gk", "stations.csv")
def stations_in_metres(folder: Path) -> Arguments:
    text = f"station_id,name,lon,lat\n1,a,{X0},{Y0}\n"
    return map_(folder, "--stations", csv(folder, text, "stations.csv"))


@bad(FAMILY, "metres_in_degrees", "context.geojson")
def context_in_metres(folder: Path) -> Arguments:
    features = [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [X0, Y0]}}]
    return map_(folder, "--context", geojson(folder, features, "context.geojson"))
