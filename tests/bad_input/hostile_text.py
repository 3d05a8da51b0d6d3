"""Bad inputs whose names are meant to do something where they are shown."""

from __future__ import annotations

from pathlib import Path

from tests.bad_input.cases import (
    LAT0,
    LON0,
    Arguments,
    add,
    bad,
    check,
    csv,
    geojson,
    geojson_features,
    good_units,
    gpkg,
    grids_frame,
    map_,
    parquet,
    plan,
    sql,
    with_column,
    write,
    xlsx,
)

FAMILY = "hostile text"

# What is typed, and how the one line must show it.
TEXTS = (
    ("script", "</script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
    ("quotes", "\"'`''\"", "\"'`''\""),
    ("template", "{{ 7*7 }}", "{{ 7*7 }}"),
    ("format_field", "{0.__class__} {code} {mend!r}", "{0.__class__} {code} {mend!r}"),
    ("percent", "%s%n%d", "%s%n%d"),
    ("direction_marks", "ab\u202ecd\u2066ef\u200f", "\\u202e"),
    ("rich_markup", "[bold red]x[/bold red] [link=http://a]y[/link]", "[bold red]x[/bold red]"),
    ("backslashes", "a\\nb\\x1b[31m", "a\\nb\\x1b[31m"),
    ("formula", "=cmd|'/c calc'!A1", "=cmd|'/c calc'!A1"),
    ("zero_width", "a\u200bb\ufeffc", "a"),
    ("separators", "a\u2028b\u2029c\u0085d", "a"),
    ("emoji_and_combining", "👩‍👩‍👧 Z͑ͫ̓ͪ̂ͫ", "👩"),
    ("very_long", "x" * 100_000, "xxxxxxxx"),
)
for name, text, shown in TEXTS:
    add(
        FAMILY,
        f"id_of_{name}",
        lambda folder, text=text: plan(
            folder, units=parquet(folder, with_column("unit_id", [text, "b", text]))
        ),
        "id_repeated",
        "units.parquet",
        shown,
    )
    add(
        FAMILY,
        f"column_of_{name}",
        lambda folder, text=text: plan(
            folder, units=parquet(folder, with_column(text, [1, 2]).drop(columns="households"))
        ),
        "column_missing",
        "units.parquet",
        shown,
    )

for name, text, shown in (
    ("escape", "a\x1b[2Jb\x1b]0;title\x07", "a"),
    ("newline", "a\nTraceback (most recent call last):\r\nb", "a"),
    ("nul", "a\x00b", "a"),
    ("c1_controls", "a\x9b31mb\x85c", "a"),
):
    add(
        FAMILY,
        f"id_of_{name}",
        lambda folder, text=text: plan(
            folder, units=geojson(folder, [_named(feature, text) for feature in geojson_features(2)])
        ),
        "id_repeated",
        "units.geojson",
        shown,
    )

    def build_column(folder: Path, text: str = text) -> Arguments:
        features = geojson_features(2)
        for feature in features:
            feature["properties"] = {"unit_id": feature["properties"]["unit_id"], text: 20}
        return plan(folder, units=geojson(folder, features))

    add(FAMILY, f"column_of_{name}", build_column, "column_missing", "units.geojson", shown)


def _named(feature: dict[str, dict[str, object]], text: str) -> dict[str, dict[str, object]]:
    feature["properties"]["unit_id"] = text
    return feature


for name, file, shown in (
    ("escapes", "a\x1b[31mb.geojson", "b.geojson"),
    ("newline", "a\nb.geojson", "b.geojson"),
    ("direction_marks", "a\u202enosjoeg.geojson", ".geojson"),
    ("script", "<script>alert(1)<script>.geojson", "<script>alert(1)<script>.geojson"),
    ("template", "{{x}}{file}.geojson", "{{x}}{file}.geojson"),
    ("spaces_and_quotes", " '\" .geojson", "'\" .geojson"),
):
    add(
        FAMILY,
        f"file_name_of_{name}",
        lambda folder, file=file: plan(folder, units=write(folder, file, "{")),
        "container_broken",
        shown,
    )


@bad(FAMILY, "file_not_readable", "\\udcff\\udcfexxx")
def file_name_that_is_not_unicode(folder: Path) -> Arguments:
    return plan(folder, units="\udcff\udcfe" + "x" * 300 + ".gpkg")


@bad(FAMILY, "several_layers", "units.gpkg", "{{x}}", "<b>")
def layer_names_of_markup(folder: Path) -> Arguments:
    gpkg(folder, good_units(), layer="one")
    gpkg(folder, good_units(), layer="two")
    renamed = [
        f"UPDATE gpkg_contents SET table_name = '{new}' WHERE table_name = '{old}'"
        for old, new in (("one", "{{x}}"), ("two", "<b>"))
    ]
    return plan(folder, units=sql(folder, "units.gpkg", *renamed))


@bad(FAMILY, "layer_not_found", "units.gpkg", "31m")
def layer_asked_for_with_escapes(folder: Path) -> Arguments:
    return plan(folder, units=gpkg(folder, good_units()) + ":\x1b[31mred\n")


@bad(FAMILY, "layer_not_found", "units.gpkg", 'x" UNION SELECT')
def layer_asked_for_with_sql(folder: Path) -> Arguments:
    return plan(folder, units=gpkg(folder, good_units()) + ':x" UNION SELECT 1; --')


@bad(FAMILY, "several_layers", "units.xlsx", "{name}")
def sheet_names_of_format_fields(folder: Path) -> Arguments:
    rows = [("unit_id", "households", "lon", "lat"), ("U1", 20, LON0, LAT0)]
    return plan(folder, units=xlsx(folder, rows, **{"{name} %s": rows}))


@bad(FAMILY, "count_unreadable", "units.csv", "<img src=x onerror=alert(1)>")
def count_of_markup(folder: Path) -> Arguments:
    return plan(
        folder, units=csv(folder, "unit_id,households,lon,lat\nU1,<img src=x onerror=alert(1)>,119.6,32\n")
    )


@bad(FAMILY, "coordinate_unreadable", "units.csv", "{lon}")
def coordinate_of_format_fields(folder: Path) -> Arguments:
    return plan(folder, units=csv(folder, "unit_id,households,lon,lat\nU1,20,{lon},32\n"))


@bad(FAMILY, "field_not_found", "good_units.gpkg", "31m")
def field_option_with_escapes(folder: Path) -> Arguments:
    return plan(folder, "--field", "units.households=\x1b[31m\n{names}")


@bad(FAMILY, "crs_unknown", "{crs}")
def crs_option_of_format_fields(folder: Path) -> Arguments:
    return plan(folder, "--crs", "{crs} \x1b[31m")


@bad(FAMILY, "communities_overlap", "</script>", "{{b}}")
def communities_of_markup_that_overlap(folder: Path) -> Arguments:
    frame = (
        grids_frame().rename(columns={"grid_id": "community_id"}).assign(community_id=["</script>", "{{b}}"])
    )
    frame.loc[1, "geometry"] = frame.geometry.iloc[0]
    return plan(folder, communities=gpkg(folder, frame, "communities.gpkg"))


@bad(FAMILY, "id_repeated", "grids.gpkg", "</script>")
def grids_of_markup(folder: Path) -> Arguments:
    return check(folder, gpkg(folder, grids_frame().assign(grid_id="</script>"), "grids.gpkg"))


@bad(FAMILY, "id_repeated", "incidents.csv", "</script>{{x}}")
def incidents_of_markup(folder: Path) -> Arguments:
    row = "</script>{{x}},a,b,119.6,32\n"
    return map_(folder, "--incidents", csv(folder, "case_id,kind,state,lon,lat\n" + row * 2, "incidents.csv"))


@bad(FAMILY, "id_repeated", "stations.geojson", "\\u202e")
def stations_of_direction_marks(folder: Path) -> Arguments:
    features = geojson_features(2)
    for feature in features:
        feature["properties"] = {"station_id": "a\u202eb", "name": "n"}
    return map_(folder, "--stations", geojson(folder, features, "stations.geojson"))
