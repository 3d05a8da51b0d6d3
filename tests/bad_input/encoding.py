"""Bad inputs whose text cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bad_input.cases import (
    XLSX_HEAD,
    Arguments,
    add,
    bad,
    check,
    csv,
    geojson_features,
    good_communities,
    gpkg,
    grids_frame,
    map_,
    parts,
    plan,
    shp,
    sql,
    with_column,
    write,
    xlsx,
    zipped,
)

FAMILY = "encoding"
HEADER = b"unit_id,households,lon,lat\n"
ROW = b",20,119.6,32.0\n"
GBK, UTF8 = "东门一单元".encode("gbk"), "东门一单元".encode()

LATIN, STRAY = "Überstraße é è à".encode("latin-1"), b"\xff\xfe\xfa"
WIDE = (HEADER + b"U1" + ROW).decode().encode("utf-16-le")
for name, content, says in (
    ("csv_of_stray_bytes", HEADER + STRAY + ROW, ("units.csv", "#2")),
    ("csv_half_utf8_half_latin", HEADER + UTF8 + ROW + LATIN + ROW, ("units.csv", "#3")),
    ("csv_utf8_cut_in_a_character", HEADER + UTF8 + ROW + UTF8[:-1] + b"\xff" + ROW, ("units.csv",)),
    ("csv_in_latin_1", HEADER + LATIN + ROW, ("units.csv", "#2")),
    ("csv_with_utf8_mark_and_gbk_text", b"\xef\xbb\xbf" + HEADER + GBK + ROW, ("units.csv",)),
    ("csv_in_utf16_cut", b"\xff\xfe" + WIDE[:-1], ("units.csv",)),
    ("csv_in_utf16_with_lone_surrogate", b"\xff\xfe" + WIDE + b"\x00\xd8a\x00", ("units.csv",)),
    ("csv_in_utf32_out_of_range", b"\xff\xfe\x00\x00" + b"\xff\xff\xff\x7f", ("units.csv",)),
):
    add(
        FAMILY,
        name,
        lambda folder, content=content: plan(folder, units=write(folder, "units.csv", content)),
        "encoding_unreadable",
        *says,
    )


@bad(FAMILY, "not_text", "units.csv", "#2")
def csv_with_nul_bytes(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.csv", HEADER + b"U\x001" + ROW))


@bad(FAMILY, "column_missing", "units.csv", "households")
def csv_in_ebcdic(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.csv", b"unit_id;".replace(b"u", b"~") + b"x" + b"\n1;2\n"))


def spoiled_dbf(folder: Path, old: bytes, new: bytes, cpg: str | None, stem: str = "units") -> None:
    path = folder / f"{stem}.dbf"
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    label = folder / f"{stem}.cpg"
    if cpg is None:
        label.unlink()
    else:
        label.write_text(cpg)


for name, cpg in (
    ("dbf_without_cpg", None),
    ("dbf_with_cpg_of_utf8", "UTF-8"),
    ("dbf_with_cpg_of_a_codec_that_is_no_encoding", "rot13"),
    ("dbf_with_cpg_of_gbk", "936"),
):

    def build(folder: Path, cpg: str | None = cpg) -> Arguments:
        shp(folder, with_column("address", ["AAAAAA", "B", "C"]))
        spoiled_dbf(folder, b"AAAAAA", b"\xff\xfe\xfa\xff\xff\xff", cpg)
        return plan(folder, units="units.shp")

    add(FAMILY, name, build, "encoding_unreadable", "units.shp", "address", "#1")


@bad(FAMILY, "encoding_unreadable", "units.shp")
def dbf_with_an_unreadable_column_name(folder: Path) -> Arguments:
    shp(folder, with_column("address", ["a", "b", "c"]))
    spoiled_dbf(folder, b"address", b"addr\xff\xfa\xff", None)
    return plan(folder, units="units.shp")


@bad(FAMILY, "encoding_unreadable", "communities.shp", "name", "#2")
def dbf_of_communities(folder: Path) -> Arguments:
    frame = good_communities().assign(name=["East", "AAAAAA"])
    shp(folder, frame, "communities.shp")
    spoiled_dbf(folder, b"AAAAAA", b"\xff\xfe\xfa\xff\xff\xff", None, "communities")
    return plan(folder, communities="communities.shp")


@bad(FAMILY, "encoding_unreadable", "units.zip", "address")
def dbf_in_a_zip(folder: Path) -> Arguments:
    shp(folder, with_column("address", ["AAAAAA", "B", "C"]))
    spoiled_dbf(folder, b"AAAAAA", b"\xff\xfe\xfa\xff\xff\xff", None)
    members = {f"units.{part}": content for part, content in parts(folder).items()}
    return plan(folder, units=zipped(folder, members))


@bad(FAMILY, "encoding_unreadable", "units.geojson")
def geojson_in_latin_1(folder: Path) -> Arguments:
    features = geojson_features()
    features[0]["properties"]["address"] = "Straße é è"
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return plan(folder, units=write(folder, "units.geojson", text.encode("latin-1")))


@bad(FAMILY, "encoding_unreadable", "units.geojson")
def geojson_of_stray_bytes(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.geojson", b'{"type": "\xff\xfe\xfa\xff"}'))


@bad(FAMILY, "container_broken", "units.kml")
def kml_that_claims_utf8_and_is_gbk(folder: Path) -> Arguments:
    text = b'<?xml version="1.0" encoding="UTF-8"?><kml><Document><name>' + GBK + b"</name></Document></kml>"
    return plan(folder, units=write(folder, "units.kml", text))


@bad(FAMILY, "container_broken", "units.kml")
def kml_in_an_unknown_encoding(folder: Path) -> Arguments:
    text = b'<?xml version="1.0" encoding="klingon"?><kml><Document/></kml>'
    return plan(folder, units=write(folder, "units.kml", text))


@bad(FAMILY, "container_broken", "units.gpkg")
def geopackage_with_text_that_is_not_utf8(folder: Path) -> Arguments:
    gpkg(folder, with_column("address", ["a", "b", "c"]))
    return plan(folder, units=sql(folder, "units.gpkg", "UPDATE units SET address = CAST(x'fffefa' AS TEXT)"))


@bad(FAMILY, "container_broken", "units.xlsx")
def workbook_with_text_that_is_not_utf8(folder: Path) -> Arguments:
    import zipfile

    xlsx(folder, [XLSX_HEAD, ("AAAAAA", 20, 119.6, 32.0)])
    with zipfile.ZipFile(folder / "units.xlsx") as archive:
        members = {
            name: archive.read(name).replace(b"AAAAAA", b"\xff\xfe\xfa") for name in archive.namelist()
        }
    return plan(folder, units=zipped(folder, members, "units.xlsx"))


@bad(FAMILY, "encoding_unreadable", "incidents.csv", "#2")
def incidents_of_stray_bytes(folder: Path) -> Arguments:
    content = b"case_id,kind,state,lon,lat\n\xff\xfe\xfa,a,b,119.6,32.0\n"
    return map_(folder, "--incidents", write(folder, "incidents.csv", content))


@bad(FAMILY, "encoding_unreadable", "stations.csv")
def stations_in_utf16_cut(folder: Path) -> Arguments:
    content = b"\xff\xfe" + "station_id,name,lon,lat\n1,a,119.6,32".encode("utf-16-le")[:-1]
    return map_(folder, "--stations", write(folder, "stations.csv", content))


@bad(FAMILY, "encoding_unreadable", "grids.csv", "#2")
def grids_of_stray_bytes(folder: Path) -> Arguments:
    return check(folder, write(folder, "grids.csv", b"unit_id,grid_id\n\xff\xfe\xfa,G1\n"))


@bad(FAMILY, "encoding_unreadable", "grids.shp", "name")
def grids_with_unreadable_names(folder: Path) -> Arguments:
    shp(folder, grids_frame().assign(name=["AAAAAA", "b"]), "grids.shp")
    spoiled_dbf(folder, b"AAAAAA", b"\xff\xfe\xfa\xff\xff\xff", None, "grids")
    return check(folder, "grids.shp")


@bad(FAMILY, "column_missing", "units.csv", "households")
def csv_header_in_utf7(folder: Path) -> Arguments:
    return plan(folder, units=csv(folder, "unit_id,户数,lon,lat\nU1,20,119.6,32\n", encoding="utf-7"))
