"""Bad inputs whose columns, ids or counts cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bad_input.cases import (
    LAT0,
    LON0,
    XLSX_HEAD,
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
    lines,
    map_,
    parquet,
    placemark,
    plan,
    shp,
    with_column,
    xlsx,
)

FAMILY = "attributes"

# Households that cannot be read, each in the formats that can hold them.
TEXTS = (
    ("blank", "", "count_missing"),
    ("negative", "-1", "count_negative"),
    ("fractional", "12.5", "count_fractional"),
    ("of_words", "twelve", "count_unreadable"),
    ("with_a_unit", "12户", "count_unreadable"),
    ("with_a_thousands_mark", '"1,200"', "count_unreadable"),
    ("that_is_nan", "NaN", "count_unreadable"),
    ("that_is_infinite", "inf", "count_unreadable"),
    ("in_scientific_form", "1e2", "count_unreadable"),
    ("in_hexadecimal", "0x10", "count_unreadable"),
    ("of_twenty_digits", "9" * 20, "count_absurd"),
    ("of_a_million", "1000000", "count_absurd"),
    ("that_is_a_date", "2024-03-01", "count_unreadable"),
    ("that_is_a_formula", "=1+1", "count_unreadable"),
)
for name, text, code in TEXTS:
    add(
        FAMILY,
        f"csv_count_{name}",
        lambda folder, text=text: plan(
            folder, units=csv_units(folder, "U1,20,119.6,32", f"U2,{text},119.6,32", "U3,20,119.6,32")
        ),
        code,
        "units.csv",
        "households",
        "U2",
    )

VALUES: tuple[tuple[str, Any, str], ...] = (
    ("null", None, "count_missing"),
    ("negative", -3, "count_negative"),
    ("fractional", 2.5, "count_fractional"),
    ("infinite", float("inf"), "count_unreadable"),
    ("huge", 2**40, "count_absurd"),
)


def in_geopackage(folder: Path, values: Sequence[Any]) -> str:
    return gpkg(folder, with_column("households", values))


def in_shapefile(folder: Path, values: Sequence[Any]) -> str:
    return shp(folder, with_column("households", values))


def in_geoparquet(folder: Path, values: Sequence[Any]) -> str:
    return parquet(folder, with_column("households", values))


def in_workbook(folder: Path, values: Sequence[Any]) -> str:
    return xlsx(folder, [XLSX_HEAD, *((f"U{at + 1}", value, LON0, LAT0) for at, value in enumerate(values))])


def in_geojson(folder: Path, values: Sequence[Any]) -> str:
    features = geojson_features(len(values))
    for feature, value in zip(features, values, strict=True):
        feature["properties"]["households"] = value
    return geojson(folder, features)


FORMATS: tuple[tuple[Callable[[Path, Sequence[Any]], str], str], ...] = (
    (in_geopackage, "units.gpkg"),
    (in_shapefile, "units.shp"),
    (in_geoparquet, "units.parquet"),
    (in_workbook, "units.xlsx"),
    (in_geojson, "units.geojson"),
)
for make, file in FORMATS:
    for name, value, code in VALUES:
        if (name == "infinite" and file != "units.parquet") or (name, file) == ("huge", "units.shp"):
            continue
        add(
            FAMILY,
            f"count_{name}_{make.__name__}",
            lambda folder, make=make, value=value: plan(folder, units=make(folder, [20, value, 20])),
            code,
            file,
            "households",
            "U2",
        )

for name, value in (
    ("true", True),
    ("a_list", [1]),
    ("an_object", {"n": 1}),
    ("text", "many"),
    ("of_400_digits", 10**400),
):

    def build(folder: Path, value: Any = value) -> Arguments:
        features = geojson_features(3)
        for feature in features[1:]:
            feature["properties"]["households"] = value
        return plan(folder, units=geojson(folder, features))

    nested = isinstance(value, list | dict)
    add(
        FAMILY,
        f"geojson_count_that_is_{name}",
        build,
        "column_missing" if nested else "count_absurd" if name == "of_400_digits" else "count_unreadable",
        "units.geojson",
        "households",
        *(() if nested else ("U2",)),
    )


@bad(FAMILY, "count_missing", "units.xlsx", "households", "U1")
def workbook_formula_without_a_value(folder: Path) -> Arguments:
    return plan(folder, units=xlsx(folder, [XLSX_HEAD, ("U1", "=1+1", LON0, LAT0)]))


@bad(FAMILY, "count_unreadable", "units.xlsx", "U1", "#REF!")
def workbook_cell_in_error(folder: Path) -> Arguments:
    return plan(folder, units=xlsx(folder, [XLSX_HEAD, ("U1", "#REF!", LON0, LAT0)]))


@bad(FAMILY, "count_unreadable", "units.shp", "households", "U2", "2x")
def shapefile_number_with_a_letter(folder: Path) -> Arguments:
    shp(folder, with_column("households", [17, 25, 18]))
    path = folder / "units.dbf"
    path.write_bytes(path.read_bytes().replace(b"25", b"2x"))
    return plan(folder, units="units.shp")


@bad(FAMILY, "count_unreadable", "units.kml", "U1")
def kml_count_of_words(folder: Path) -> Arguments:
    point = "<Point><coordinates>119.6,32</coordinates></Point>"
    return plan(folder, units=kml(folder, placemark(point, households="some")))


# Columns that are missing or could be several.

for name, header in (
    ("households", "unit_id,count,lon,lat"),
    ("lon", "unit_id,households,east,lat"),
    ("lat", "unit_id,households,lon,north"),
):
    add(
        FAMILY,
        f"csv_without_{name}",
        lambda folder, header=header: plan(folder, units=csv_units(folder, "U1,20,119.6,32", header=header)),
        "column_missing",
        "units.csv",
        f"--field units.{name}=",
    )


@bad(FAMILY, "column_missing", "units.gpkg", "households", "unit_id")
def geopackage_without_households(folder: Path) -> Arguments:
    return plan(folder, units=gpkg(folder, good_units().drop(columns="households")))


for column, one, other in (
    ("households", "households", "户数"),
    ("households", "hh", "总户数"),
    ("households", "HOUSEHOLDS", "Hh"),
    ("unit_id", "unit_id", "单元编号"),
    ("community_id", "comm_id", "社区编码"),
    ("building_id", "building", "楼栋"),
):

    def build(folder: Path, column: str = column, one: str = one, other: str = other) -> Arguments:
        frame = good_units().drop(columns=column, errors="ignore").assign(**{one: 20, other: 20})
        return plan(folder, units=parquet(folder, frame))

    add(
        FAMILY,
        f"{one}_and_{other}",
        build,
        "column_ambiguous",
        "units.parquet",
        one,
        other,
        f"--field units.{column}=",
    )


@bad(FAMILY, "column_twice", "units.csv", "households")
def csv_with_a_column_twice(folder: Path) -> Arguments:
    return plan(
        folder, units=csv_units(folder, "U1,20,21,119.6,32", header="unit_id,households,households,lon,lat")
    )


@bad(FAMILY, "column_ambiguous", "units.csv", "lng", "经度")
def csv_with_two_longitudes(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder, "U1,20,119,119,32", header="unit_id,households,lng,经度,lat"))


@bad(FAMILY, "column_ambiguous", "roads.gpkg", "highway", "fclass")
def roads_with_two_classes(folder: Path) -> Arguments:
    frame = lines().drop(columns="road_class").assign(highway="primary", fclass="primary")
    return plan(folder, "--roads", gpkg(folder, frame, "roads.gpkg"))


@bad(FAMILY, "column_ambiguous", "communities.gpkg", "community_id", "社区编号")
def communities_with_two_ids(folder: Path) -> Arguments:
    return plan(
        folder, communities=gpkg(folder, good_communities().assign(社区编号=["a", "b"]), "communities.gpkg")
    )


for name, options, code, says in (
    (
        "field_of_no_column",
        ("--field", "units.households=count"),
        "field_not_found",
        ("count", "good_units.gpkg"),
    ),
    ("field_for_no_column_of_ours", ("--field", "units.flats=hh"), "field_unknown", ("flats",)),
    ("field_for_a_layer_not_given", ("--field", "roads.name=n"), "field_layer_unknown", ("roads",)),
    ("field_without_a_layer", ("--field", "households=hh"), "field_option", ("households=hh",)),
    ("field_without_a_name", ("--field", "units.households="), "field_option", ("units.households=",)),
    ("id_of_no_column", ("--id", "number"), "field_not_found", ("number", "good_units.gpkg")),
):
    add(FAMILY, name, lambda folder, options=options: plan(folder, *options), code, *says)

# Ids.

for name, ids, code, says in (
    ("repeated", ["A", "B", "A"], "id_repeated", ("A",)),
    ("repeated_but_for_spaces", ["A", " A ", "B"], "id_repeated", ("A",)),
    ("null", ["A", None, "B"], "id_missing", ("#2",)),
    ("blank", ["A", "B", "   "], "id_missing", ("#3",)),
    ("repeated_numbers", [1, 2, 1], "id_repeated", ("1",)),
    ("repeated_number_and_text", ["1", "1.0", "1"], "id_repeated", ("1",)),
    ("of_control_characters", ["A", "\x01\x02", "B"], "id_missing", ("#2",)),
):
    add(
        FAMILY,
        f"ids_{name}",
        lambda folder, ids=ids: plan(folder, units=gpkg(folder, with_column("unit_id", ids))),
        code,
        "units.gpkg",
        "unit_id",
        *says,
    )


@bad(FAMILY, "id_repeated", "units.parquet", "7")
def ids_repeated_as_floats(folder: Path) -> Arguments:
    return plan(folder, units=parquet(folder, with_column("unit_id", [7.0, 8.0, 7.0])))


@bad(FAMILY, "id_repeated", "communities.gpkg", "community_id", "C")
def communities_with_one_id(folder: Path) -> Arguments:
    return plan(
        folder, communities=gpkg(folder, good_communities().assign(community_id="C"), "communities.gpkg")
    )


@bad(FAMILY, "id_missing", "communities.shp", "#2")
def community_without_id(folder: Path) -> Arguments:
    frame = good_communities().assign(community_id=["C", None])
    return plan(folder, communities=shp(folder, frame, "communities.shp"))


@bad(FAMILY, "id_repeated", "grids.gpkg", "grid_id", "G")
def grids_with_one_id(folder: Path) -> Arguments:
    return check(folder, gpkg(folder, grids_frame().assign(grid_id="G"), "grids.gpkg"))


@bad(FAMILY, "column_missing", "grids.csv", "grid_id")
def grids_table_without_grid(folder: Path) -> Arguments:
    return check(folder, csv(folder, "unit_id,part\nU1,1\n", "grids.csv"))


@bad(FAMILY, "column_missing", "grids.csv")
def grids_table_without_units(folder: Path) -> Arguments:
    return check(folder, csv(folder, "grid_id,part\nG1,1\n", "grids.csv"))


# Layers without rows.


@bad(FAMILY, "layer_empty", "units.gpkg")
def no_units(folder: Path) -> Arguments:
    return plan(folder, units=gpkg(folder, good_units().iloc[:0]))


@bad(FAMILY, "layer_empty", "communities.gpkg")
def no_communities(folder: Path) -> Arguments:
    return plan(folder, communities=gpkg(folder, good_communities().iloc[:0], "communities.gpkg"))


@bad(FAMILY, "layer_empty", "units.csv")
def csv_of_a_header_alone(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder))


@bad(FAMILY, "row_length", "units.csv", "#3")
def csv_row_of_another_length(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder, "U1,20,119.6,32", "U2,20,Dongmen Road 1, Unit 2,119.6,32"))


@bad(FAMILY, "container_broken", "units.csv")
def csv_with_an_open_quote(folder: Path) -> Arguments:
    return plan(folder, units=csv_units(folder, '"U1,20,119.6,32', "U2,20,119.6,32"))


# Incidents and stations.

for name, text, column in (
    ("without_kind", "case_id,state,lon,lat\n1,a,119.6,32\n", "kind"),
    ("without_state", "case_id,kind,lon,lat\n1,a,119.6,32\n", "state"),
    ("without_place", "case_id,kind,state\n1,a,b\n", "lon"),
):
    add(
        FAMILY,
        f"incidents_{name}",
        lambda folder, text=text: map_(folder, "--incidents", csv(folder, text, "incidents.csv")),
        "column_missing",
        "incidents.csv",
        column,
    )


@bad(FAMILY, "id_repeated", "incidents.csv", "case_id", "K1")
def incidents_with_one_id(folder: Path) -> Arguments:
    text = "case_id,kind,state,lon,lat\nK1,a,b,119.6,32\nK1,a,b,119.6,32\n"
    return map_(folder, "--incidents", csv(folder, text, "incidents.csv"))


@bad(FAMILY, "column_missing", "stations.geojson", "name")
def stations_without_name(folder: Path) -> Arguments:
    return map_(folder, "--stations", geojson(folder, geojson_features(1), "stations.geojson"))


@bad(FAMILY, "column_ambiguous", "stations.xlsx", "facilities", "设施")
def stations_with_two_facilities(folder: Path) -> Arguments:
    rows = [("station_id", "name", "facilities", "设施", "lon", "lat"), ("S1", "n", "a", "b", LON0, LAT0)]
    return map_(folder, "--stations", xlsx(folder, rows, "stations.xlsx"))


@bad(FAMILY, "id_missing", "stations.csv", "station_id", "#2")
def station_without_id(folder: Path) -> Arguments:
    return map_(folder, "--stations", csv(folder, "station_id,name,lon,lat\n,n,119.6,32\n", "stations.csv"))
