"""Bad inputs whose files are broken, hostile, or something else than they say."""

from __future__ import annotations

import gzip
import os
import socket
import sqlite3
import struct
import zipfile
import zlib
from pathlib import Path

from tests.bad_input.cases import (
    LAT0,
    LON0,
    XLSX_HEAD,
    Arguments,
    add,
    bad,
    check,
    csv_units,
    geojson,
    geojson_features,
    good_communities,
    good_units,
    gpkg,
    kml,
    map_,
    parquet,
    parts,
    placemark,
    plan,
    shp,
    sql,
    write,
    xlsx,
    zipped,
)

FAMILY = "containers"
KML_POINT = placemark("<Point><coordinates>119.6,32</coordinates></Point>")


def whole(folder: Path, suffix: str) -> Path:
    """A good units file of a format."""
    match suffix:
        case "gpkg":
            gpkg(folder, good_units())
        case "shp":
            shp(folder, good_units())
        case "geojson":
            geojson(folder, geojson_features())
        case "parquet":
            parquet(folder, good_units())
        case "xlsx":
            xlsx(folder, [XLSX_HEAD, *((f"U{at}", 20, LON0, LAT0) for at in range(50))])
        case "kml":
            kml(folder, KML_POINT)
        case "csv":
            csv_units(folder, "U1,20,119.6,32")
        case "zip":
            shp(folder, good_units())
            zipped(folder, {f"units.{part}": content for part, content in parts(folder).items()})
    return folder / f"units.{suffix}"


def cut(folder: Path, suffix: str, share: float) -> Arguments:
    path = whole(folder, suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return plan(folder, units=path.name)


for suffix, code in (
    ("gpkg", "container_broken"),
    ("shp", "file_truncated"),
    ("geojson", "container_broken"),
    ("parquet", "container_broken"),
    ("xlsx", "zip_broken"),
    ("kml", "container_broken"),
    ("zip", "zip_broken"),
):
    for share in (0.3, 0.6, 0.9):
        add(
            FAMILY,
            f"{suffix}_cut_at_{share:.0%}",
            lambda folder, suffix=suffix, share=share: cut(folder, suffix, share),
            code,
            f"units.{suffix}",
        )

for suffix in ("gpkg", "shp", "geojson", "parquet", "xlsx", "kml", "zip", "csv", "json", "tsv"):
    add(
        FAMILY,
        f"{suffix}_that_is_empty",
        lambda folder, suffix=suffix: plan(folder, units=write(folder, f"units.{suffix}", b"")),
        "file_empty",
        f"units.{suffix}",
    )

for part in ("shx", "dbf"):

    def build(folder: Path, part: str = part) -> Arguments:
        shp(folder, good_units())
        (folder / f"units.{part}").unlink()
        return plan(folder, units="units.shp")

    add(FAMILY, f"shapefile_without_{part}", build, "shapefile_part_missing", "units.shp", f".{part}")

    def build_cut(folder: Path, part: str = part) -> Arguments:
        shp(folder, good_units())
        path = folder / f"units.{part}"
        path.write_bytes(path.read_bytes()[:-30])
        return plan(folder, units="units.shp")

    add(FAMILY, f"shapefile_with_{part}_cut", build_cut, "file_truncated", "units.shp", f".{part}")

    def build_other(folder: Path, part: str = part) -> Arguments:
        shp(folder, good_units(6))
        shp(folder, good_units(4), "other.shp")
        (folder / f"units.{part}").write_bytes((folder / f"other.{part}").read_bytes())
        return plan(folder, units="units.shp")

    add(
        FAMILY,
        f"shapefile_with_{part}_of_another",
        build_other,
        "shapefile_parts_differ",
        "units.shp",
        "6",
        "4",
    )

for part in ("shp", "dbf", "prj"):

    def build(folder: Path, part: str = part) -> Arguments:
        shp(folder, good_units())
        path = folder / f"units.{part}"
        path.rename(folder / f"elsewhere.{part}")
        path.symlink_to(folder / f"elsewhere.{part}")
        return plan(folder, units="units.shp")

    add(FAMILY, f"shapefile_whose_{part}_is_a_link", build, "file_is_link", "units.shp", f"units.{part}")


@bad(FAMILY, "is_device", "units.shp")
def shapefile_that_is_a_pipe(folder: Path) -> Arguments:
    os.mkfifo(folder / "units.shp")
    return plan(folder, units="units.shp")


@bad(FAMILY, "is_device", "units.dbf")
def shapefile_whose_dbf_is_a_pipe(folder: Path) -> Arguments:
    shp(folder, good_units())
    (folder / "units.dbf").unlink()
    os.mkfifo(folder / "units.dbf")
    return plan(folder, units="units.shp")


@bad(FAMILY, "is_device", "units.gpkg")
def geopackage_that_links_to_a_device(folder: Path) -> Arguments:
    (folder / "units.gpkg").symlink_to("/dev/zero")
    return plan(folder, units="units.gpkg")


@bad(FAMILY, "is_device", "units.csv")
def csv_that_is_a_socket(folder: Path) -> Arguments:
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("units.csv")
    finally:
        os.chdir(here)
    return plan(folder, units="units.csv")


@bad(FAMILY, "is_folder", "units.gpkg")
def folder_under_the_name_of_a_geopackage(folder: Path) -> Arguments:
    (folder / "units.gpkg").mkdir()
    return plan(folder, units="units.gpkg")


@bad(FAMILY, "is_folder", "layers")
def folder_alone(folder: Path) -> Arguments:
    (folder / "layers").mkdir()
    return plan(folder, units="layers")


def sparse(folder: Path, name: str, start: bytes, n_bytes: int) -> str:
    """A file that claims many bytes and takes none."""
    with (folder / name).open("wb") as handle:
        handle.write(start)
        handle.truncate(n_bytes)
    return name


for suffix, start, n_bytes, code in (
    ("csv", b"unit_id,households,lon,lat\nU1,20,", 900 << 20, "memory_exhausted"),
    ("geojson", b'{"type": "FeatureCollection", "features": [', 900 << 20, "memory_exhausted"),
    ("parquet", b"PAR1", 900 << 20, "container_broken"),
    ("xlsx", b"PK\x03\x04", 900 << 20, "zip_broken"),
    ("kml", b"<kml>", 900 << 20, "container_broken"),
    ("csv", b"unit_id,", 5 << 40, "too_large"),
    ("gpkg", b"SQLite format 3\0", 5 << 40, "too_large"),
    ("shp", b"\x00\x00\x27\x0a", 5 << 40, "too_large"),
):
    add(
        FAMILY,
        f"{suffix}_of_{n_bytes >> 20}_MiB",
        lambda folder, suffix=suffix, start=start, n_bytes=n_bytes: plan(
            folder, units=sparse(folder, f"units.{suffix}", start, n_bytes)
        ),
        code,
        f"units.{suffix}",
    )


@bad(FAMILY, "file_not_found", "nowhere.gpkg")
def file_that_is_not_there(folder: Path) -> Arguments:
    return plan(folder, units="nowhere.gpkg")


@bad(FAMILY, "file_not_found", "nowhere.gpkg")
def layer_of_a_file_that_is_not_there(folder: Path) -> Arguments:
    return plan(folder, units="C:\\maps\\nowhere.gpkg:units")


@bad(FAMILY, "file_not_readable", "xxx")
def file_with_an_endless_name(folder: Path) -> Arguments:
    return plan(folder, units="x" * 300 + ".gpkg")


@bad(FAMILY, "file_not_readable", "loop.gpkg")
def link_to_itself(folder: Path) -> Arguments:
    (folder / "loop.gpkg").symlink_to("loop.gpkg")
    return plan(folder, units="loop.gpkg")


for name, suffix in (
    ("an_unknown_suffix", "units.dwg"),
    ("no_suffix", "units"),
    ("vrt", "units.vrt"),
    ("gml", "units.gml"),
):
    add(
        FAMILY,
        f"file_with_{name}",
        lambda folder, suffix=suffix: plan(folder, units=write(folder, suffix, b"x")),
        "format_unknown",
        suffix,
    )

for name, address in (
    ("http", "http://127.0.0.1:9/units.geojson"),
    ("https", "https://example.org/units.gpkg"),
    ("ftp", "ftp://example.org/units.zip"),
    ("file_scheme", "file:///etc/passwd"),
    ("vsicurl", "/vsicurl/http://127.0.0.1:9/units.geojson"),
    ("vsizip", "/vsizip//vsicurl/http://127.0.0.1:9/units.zip/units.shp"),
    ("vsistdin", "/vsistdin/"),
    ("s3", "s3://bucket/units.parquet"),
    ("database", "PG:host=127.0.0.1 dbname=weige"),
    ("wfs", "WFS:http://127.0.0.1:9/wfs"),
    ("vrt_text", "<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>"),
):
    add(FAMILY, f"address_{name}", lambda folder, address=address: plan(folder, units=address), "is_address")

# Another format under the name of a usual one.

VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="units"><SrcDataSource>good_units.gpkg</SrcDataSource>'
    "<SrcLayer>good_units</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
)
WFS = "<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>"
for suffix in ("shp", "gpkg", "geojson", "json", "kml", "csv", "xlsx", "zip", "parquet", "txt"):
    for kind, text in (("VRT", VRT), ("WFS", WFS)):
        add(
            FAMILY,
            f"{kind}_under_the_name_of_{suffix}",
            lambda folder, suffix=suffix, text=text: plan(
                folder, units=write(folder, f"units.{suffix}", text)
            ),
            "content_differs",
            f"units.{suffix}",
            kind,
        )

for name, text, found in (
    ("VRT_behind_a_prolog", "<?xml version='1.0'?>\n<!-- x -->\n" + VRT, "VRT"),
    ("VRT_in_utf16", b"\xff\xfe" + VRT.encode("utf-16-le"), "VRT"),
    ("page", "<!DOCTYPE html><html><body>404</body></html>", "HTML"),
    ("gpx", "<?xml version='1.0'?><gpx/>", "GPX"),
):
    add(
        FAMILY,
        f"{name}_under_the_name_of_kml",
        lambda folder, text=text: plan(folder, units=write(folder, "units.kml", text)),
        "content_differs",
        "units.kml",
        found,
    )

for name, content, found in (
    ("gzip", gzip.compress(b"unit_id,households\n"), "gzip"),
    ("old_workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Office"),
    ("workbook", b"PK\x03\x04" + bytes(60), "zip"),
    ("pdf", b"%PDF-1.7\n", "PDF"),
    ("picture", b"\x89PNG\r\n\x1a\n" + bytes(60), "PNG"),
    ("program", b"\x7fELF" + bytes(60), "program"),
):
    add(
        FAMILY,
        f"{name}_under_the_name_of_csv",
        lambda folder, content=content: plan(folder, units=write(folder, "units.csv", content)),
        "content_differs",
        "units.csv",
        found,
    )


@bad(FAMILY, "content_differs", "units.shp", "SQLite")
def geopackage_under_the_name_of_shp(folder: Path) -> Arguments:
    gpkg(folder, good_units(), "other.gpkg")
    return plan(folder, units=write(folder, "units.shp", (folder / "other.gpkg").read_bytes()))


@bad(FAMILY, "container_broken", "units.geojson")
def topojson(folder: Path) -> Arguments:
    return plan(
        folder, units=write(folder, "units.geojson", '{"type": "Topology", "objects": {}, "arcs": []}')
    )


@bad(FAMILY, "container_broken", "units.geojson")
def json_nested_without_end(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.geojson", '{"a":' + "[" * 3_000_000))


@bad(FAMILY, "container_broken", "units.geojson")
def geojson_collection_nested_deeply(folder: Path) -> Arguments:
    shape = '{"type":"GeometryCollection","geometries":[' * 900 + "]}" * 900
    text = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":'
        + shape
        + "}]}"
    )
    return plan(folder, units=write(folder, "units.geojson", text))


for name, features in (("a_number", [1]), ("a_text", ["x"]), ("null", [None])):
    add(
        FAMILY,
        f"geojson_feature_that_is_{name}",
        lambda folder, features=features: plan(folder, units=geojson(folder, features)),
        "feature_broken",
        "units.geojson",
        "#1",
    )

# GeoPackages.


@bad(FAMILY, "container_broken", "units.gpkg")
def sqlite_that_is_no_geopackage(folder: Path) -> Arguments:
    database = sqlite3.connect(folder / "units.gpkg")
    database.execute("CREATE TABLE units (unit_id TEXT, households INTEGER)")
    database.commit()
    database.close()
    return plan(folder, units="units.gpkg")


@bad(FAMILY, "container_broken", "units.gpkg")
def geopackage_whose_contents_are_a_view(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    sql(
        folder,
        "units.gpkg",
        "ALTER TABLE gpkg_contents RENAME TO kept",
        "CREATE VIEW gpkg_contents AS SELECT * FROM kept",
    )
    return plan(folder, units="units.gpkg")


@bad(FAMILY, "layer_not_stored", "units.gpkg", "units")
def geopackage_whose_layer_is_a_view(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    sql(
        folder,
        "units.gpkg",
        "ALTER TABLE units RENAME TO kept",
        "CREATE VIEW units AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT * FROM kept, n",
        "UPDATE gpkg_contents SET table_name = 'units'",
    )
    return plan(folder, units="units.gpkg")


@bad(FAMILY, "layer_not_stored", "units.gpkg", "units")
def geopackage_whose_layer_opens_another_file(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    sql(
        folder,
        "units.gpkg",
        "DELETE FROM sqlite_master WHERE name = 'units'",
        "INSERT INTO sqlite_master VALUES ('table', 'units', 'units', 0,"
        " 'CREATE VIRTUAL TABLE units USING VirtualOGR(''http://127.0.0.1:9/units.geojson'')')",
    )
    return plan(folder, units="units.gpkg")


@bad(FAMILY, "layer_not_found", "units.gpkg", "houses", "units")
def geopackage_without_the_layer(folder: Path) -> Arguments:
    return plan(folder, units=gpkg(folder, good_units()) + ":houses")


@bad(FAMILY, "several_layers", "units.gpkg", "one", "two", "units.gpkg:one")
def geopackage_of_several_layers(folder: Path) -> Arguments:
    gpkg(folder, good_units(), layer="one")
    return plan(folder, units=gpkg(folder, good_units(), layer="two"))


@bad(FAMILY, "container_broken", "units.gpkg")
def geopackage_without_its_geometry_column(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    return plan(
        folder, units=sql(folder, "units.gpkg", "UPDATE gpkg_geometry_columns SET column_name = 'shape'")
    )


@bad(FAMILY, "container_broken", "units.gpkg")
def geopackage_with_rubbish_in_its_pages(folder: Path) -> Arguments:
    gpkg(folder, good_units())
    content = bytearray((folder / "units.gpkg").read_bytes())
    content[4096:] = bytes(range(256)) * (len(content[4096:]) // 256)
    return plan(folder, units=write(folder, "units.gpkg", bytes(content)))


@bad(FAMILY, "container_broken", "units.gpkg")
def geopackage_that_is_only_a_header(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.gpkg", b"SQLite format 3\0" + b"\xff" * 84))


# Zip archives.


def shapefile_parts(folder: Path) -> dict[str, bytes]:
    shp(folder, good_units(), "inner.shp")
    made = {f"inner.{part}": content for part, content in parts(folder, "inner").items()}
    for name in made:
        (folder / name).unlink()
    return made


for name, member in (
    ("upwards", "../../evil.shp"),
    ("to_an_absolute_path", "/etc/evil.shp"),
    ("upwards_in_windows", "..\\evil.shp"),
    ("to_a_drive", "C:/evil.shp"),
    ("upwards_further_in", "a/../../evil.shp"),
):
    add(
        FAMILY,
        f"zip_that_writes_{name}",
        lambda folder, member=member: plan(
            folder, units=zipped(folder, {**shapefile_parts(folder), member: b"\x00\x00\x27\x0a"})
        ),
        "zip_unsafe_name",
        "units.zip",
        "evil.shp",
    )


@bad(FAMILY, "zip_link", "units.zip", "inner.dbf")
def zip_with_a_link(folder: Path) -> Arguments:
    made = shapefile_parts(folder)
    with zipfile.ZipFile(folder / "units.zip", "w") as archive:
        for name, content in made.items():
            info = zipfile.ZipInfo(name)
            if name == "inner.dbf":
                info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, content)
    return plan(folder, units="units.zip")


@bad(FAMILY, "zip_encrypted", "units.zip")
def zip_with_a_password(folder: Path) -> Arguments:
    zipped(folder, shapefile_parts(folder))
    content = bytearray((folder / "units.zip").read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return plan(folder, units=write(folder, "units.zip", bytes(content)))


@bad(FAMILY, "zip_method", "units.zip")
def zip_packed_with_lzma(folder: Path) -> Arguments:
    return plan(folder, units=zipped(folder, shapefile_parts(folder), compression=zipfile.ZIP_LZMA))


@bad(FAMILY, "zip_bomb", "units.zip")
def zip_of_zeros(folder: Path) -> Arguments:
    with (
        zipfile.ZipFile(folder / "units.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("units.shp", "w") as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 20))
    return plan(folder, units="units.zip")


@bad(FAMILY, "zip_bomb", "units.zip")
def zip_that_claims_four_gibibytes(folder: Path) -> Arguments:
    zipped(folder, shapefile_parts(folder), compression=zipfile.ZIP_DEFLATED)
    content = bytearray((folder / "units.zip").read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 0xFFFFFFF0)
    return plan(folder, units=write(folder, "units.zip", bytes(content)))


@bad(FAMILY, "zip_bomb", "units.zip")
def zip_of_very_many_members(folder: Path) -> Arguments:
    return plan(folder, units=zipped(folder, {f"{at}.txt": b"" for at in range(20_000)}))


@bad(FAMILY, "zip_broken", "units.zip")
def zip_whose_member_unpacks_to_more_than_it_says(folder: Path) -> Arguments:
    made = shapefile_parts(folder)
    zipped(
        folder, {**made, "inner.dbf": made["inner.dbf"] + bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED
    )
    content = (folder / "units.zip").read_bytes()
    said, less = (
        struct.pack("<I", len(made["inner.dbf"]) + (1 << 20)),
        struct.pack("<I", len(made["inner.dbf"])),
    )
    assert said in content
    return plan(folder, units=write(folder, "units.zip", content.replace(said, less)))


@bad(FAMILY, "zip_broken", "units.zip")
def zip_with_a_wrong_checksum(folder: Path) -> Arguments:
    made = shapefile_parts(folder)
    zipped(folder, made)
    content = (folder / "units.zip").read_bytes()
    checksum = struct.pack("<I", zlib.crc32(made["inner.dbf"]))
    return plan(folder, units=write(folder, "units.zip", content.replace(checksum, b"\0\0\0\0")))


@bad(FAMILY, "zip_without_shapefile", "units.zip")
def zip_without_a_shapefile(folder: Path) -> Arguments:
    return plan(folder, units=zipped(folder, {"readme.txt": b"hello", "inner.zip": b"PK"}))


@bad(FAMILY, "several_layers", "units.zip", "inner", "other")
def zip_of_two_shapefiles(folder: Path) -> Arguments:
    made = shapefile_parts(folder)
    return plan(
        folder, units=zipped(folder, made | {name.replace("inner", "other"): made[name] for name in made})
    )


@bad(FAMILY, "shapefile_part_missing", "units.zip", ".dbf")
def zip_without_the_dbf(folder: Path) -> Arguments:
    made = shapefile_parts(folder)
    del made["inner.dbf"]
    return plan(folder, units=zipped(folder, made))


@bad(FAMILY, "container_broken", "units.zip")
def zip_whose_shapefile_is_a_vrt(folder: Path) -> Arguments:
    return plan(folder, units=zipped(folder, {**shapefile_parts(folder), "inner.shp": VRT.encode()}))


# Workbooks.


def workbook_with(folder: Path, spoil: dict[str, bytes], **options: int) -> Arguments:
    xlsx(folder, [XLSX_HEAD, ("U1", 20, LON0, LAT0)])
    with zipfile.ZipFile(folder / "units.xlsx") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return plan(folder, units=zipped(folder, members | spoil, "units.xlsx", **options))


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "ha">'
    + b"".join(
        b'<!ENTITY a%d "%s">' % (at, b"&a%d;" % (at - 1) * 10 if at else b"&a;" * 10) for at in range(9)
    )
    + b"]><sst>&a8;</sst>"
)


@bad(FAMILY, "container_broken", "units.xlsx")
def workbook_of_a_billion_laughs(folder: Path) -> Arguments:
    return workbook_with(folder, {"xl/sharedStrings.xml": LAUGHS})


@bad(FAMILY, "container_broken", "units.xlsx")
def workbook_with_an_external_entity(folder: Path) -> Arguments:
    text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/e">]><worksheet>&e;</worksheet>'
    return workbook_with(folder, {"xl/worksheets/sheet1.xml": text})


@bad(FAMILY, "zip_bomb", "units.xlsx")
def workbook_of_zeros(folder: Path) -> Arguments:
    return workbook_with(folder, {"xl/media/a.bin": bytes(48 << 20)}, compression=zipfile.ZIP_DEFLATED)


@bad(FAMILY, "container_broken", "units.xlsx")
def workbook_without_a_workbook(folder: Path) -> Arguments:
    return plan(folder, units=zipped(folder, {"word/document.xml": b"<x/>"}, "units.xlsx"))


@bad(FAMILY, "container_broken", "units.xlsx")
def workbook_with_a_broken_sheet(folder: Path) -> Arguments:
    return workbook_with(folder, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row>"})


@bad(FAMILY, "several_layers", "units.xlsx", "Sheet1", "East", "units.xlsx:Sheet1")
def workbook_of_several_sheets(folder: Path) -> Arguments:
    return plan(folder, units=xlsx(folder, [XLSX_HEAD, ("U1", 20, LON0, LAT0)], East=[XLSX_HEAD]))


@bad(FAMILY, "layer_not_found", "units.xlsx", "West", "Sheet1")
def workbook_without_the_sheet(folder: Path) -> Arguments:
    return plan(folder, units=xlsx(folder, [XLSX_HEAD]) + ":West")


@bad(FAMILY, "no_layer", "units.xlsx")
def workbook_without_content(folder: Path) -> Arguments:
    return plan(folder, units=xlsx(folder, []))


@bad(FAMILY, "layer_empty", "units.xlsx")
def workbook_that_claims_every_cell(folder: Path) -> Arguments:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<dimension ref="A1:XFD1048576"/>'
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>unit_id</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    return workbook_with(folder, {"xl/worksheets/sheet1.xml": sheet})


# KML.


@bad(FAMILY, "container_broken", "units.kml")
def kml_of_a_billion_laughs(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.kml", LAUGHS.replace(b"sst", b"kml")))


@bad(FAMILY, "container_broken", "units.kml")
def kml_with_an_external_entity(folder: Path) -> Arguments:
    prolog = '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return plan(folder, units=kml(folder, "&e;" + KML_POINT, prolog=prolog))


@bad(FAMILY, "refers_elsewhere", "units.kml")
def kml_with_a_network_link(folder: Path) -> Arguments:
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/more.kml</href></Link></NetworkLink>"
    return plan(folder, units=kml(folder, link + KML_POINT))


@bad(FAMILY, "layer_empty", "units.kml")
def kml_nested_without_end(folder: Path) -> Arguments:
    return plan(folder, units=kml(folder, "<Folder>" * 100_000 + "</Folder>" * 100_000))


# GeoParquet.


@bad(FAMILY, "container_broken", "units.parquet")
def parquet_that_is_only_its_marks(folder: Path) -> Arguments:
    return plan(folder, units=write(folder, "units.parquet", b"PAR1" + struct.pack("<I", 0) + b"PAR1"))


@bad(FAMILY, "container_broken", "units.parquet")
def parquet_whose_footer_is_longer_than_it(folder: Path) -> Arguments:
    return plan(
        folder, units=write(folder, "units.parquet", b"PAR1" + struct.pack("<I", 0x7FFFFFFF) + b"PAR1")
    )


@bad(FAMILY, "container_broken", "units.parquet")
def parquet_with_a_rubbish_footer(folder: Path) -> Arguments:
    rubbish = bytes(range(256)) * 4
    content = b"PAR1" + rubbish + struct.pack("<I", len(rubbish)) + b"PAR1"
    return plan(folder, units=write(folder, "units.parquet", content))


@bad(FAMILY, "too_large", "units.parquet")
def parquet_of_very_many_equal_rows(folder: Path) -> Arguments:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.table({"households": pa.array(np.zeros(1 << 20, dtype=np.int64))})
    with pq.ParquetWriter(folder / "units.parquet", rows.schema) as writer:
        for _ in range(24):
            writer.write_table(rows)
    return plan(folder, units="units.parquet")


@bad(FAMILY, "geoparquet_encoding", "units.parquet", "point")
def geoparquet_in_another_encoding(folder: Path) -> Arguments:
    good_units().to_parquet(folder / "units.parquet", geometry_encoding="geoarrow")
    return plan(folder, units="units.parquet")


@bad(FAMILY, "container_broken", "units.parquet")
def geoparquet_whose_geometry_column_is_missing(folder: Path) -> Arguments:
    import pyarrow.parquet as pq

    parquet(folder, good_units())
    table = pq.read_table(folder / "units.parquet")
    about = table.schema.metadata[b"geo"].replace(b'"geometry"', b'"shape"')
    pq.write_table(table.replace_schema_metadata({b"geo": about}), folder / "units.parquet")
    return plan(folder, units="units.parquet")


# The same through `check` and `map`.


@bad(FAMILY, "content_differs", "grids.gpkg", "VRT")
def grids_that_are_a_vrt(folder: Path) -> Arguments:
    return check(folder, write(folder, "grids.gpkg", VRT))


@bad(FAMILY, "is_address")
def grids_from_an_address(folder: Path) -> Arguments:
    return check(folder, "http://127.0.0.1:9/grids.geojson")


@bad(FAMILY, "zip_unsafe_name", "grids.zip")
def grids_zipped_to_write_upwards(folder: Path) -> Arguments:
    return check(folder, zipped(folder, {"../evil.shp": b""}, "grids.zip"))


@bad(FAMILY, "content_differs", "incidents.csv", "WFS")
def incidents_that_are_a_wfs(folder: Path) -> Arguments:
    return map_(folder, "--incidents", write(folder, "incidents.csv", WFS))


@bad(FAMILY, "container_broken", "incidents.xlsx")
def incidents_of_a_billion_laughs(folder: Path) -> Arguments:
    xlsx(folder, [("case_id",)], "incidents.xlsx")
    with zipfile.ZipFile(folder / "incidents.xlsx") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/sharedStrings.xml"] = LAUGHS
    return map_(folder, "--incidents", zipped(folder, members, "incidents.xlsx"))


@bad(FAMILY, "container_broken", "stations.geojson")
def stations_cut_short(folder: Path) -> Arguments:
    return map_(
        folder, "--stations", write(folder, "stations.geojson", '{"type": "FeatureCollection", "features": [')
    )


@bad(FAMILY, "file_not_found", "stations.csv")
def stations_that_are_not_there(folder: Path) -> Arguments:
    return map_(folder, "--stations", "stations.csv")


@bad(FAMILY, "is_address")
def context_from_an_address(folder: Path) -> Arguments:
    return map_(folder, "--context", "/vsicurl/http://127.0.0.1:9/context.geojson")


@bad(FAMILY, "content_differs", "context.shp", "VRT")
def context_that_is_a_vrt(folder: Path) -> Arguments:
    return map_(folder, "--context", write(folder, "context.shp", VRT))


@bad(FAMILY, "file_truncated", "communities.shp", ".shp")
def communities_cut_short(folder: Path) -> Arguments:
    shp(folder, good_communities(), "communities.shp")
    path = folder / "communities.shp"
    path.write_bytes(path.read_bytes()[:-50])
    return plan(folder, communities="communities.shp")
