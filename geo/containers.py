"""What a file may be: its name decides the format, its first bytes must agree, nothing else is opened."""

from __future__ import annotations

import errno
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from geo.errors import InputError
from geo.formats.delimited import read_delimited
from geo.formats.geojson import read_geojson
from geo.formats.geopackage import MAGIC as SQLITE_MAGIC
from geo.formats.geopackage import read_geopackage
from geo.formats.kml import read_kml
from geo.formats.parquet import read_parquet
from geo.formats.raw import RawTable, open_regular, read_bytes, reading, unreadable_file
from geo.formats.shapefile import read_shapefile, read_zipped_shapefile
from geo.formats.spreadsheet import read_spreadsheet
from geo.names import shortened
from geo.suffixes import SUFFIXES, Suffix

_SPLIT = re.compile(r"(?P<path>.*?\.(?:gpkg|zip|kml|xlsx)):(?P<layer>.+)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(
    r"\s*(?:[a-z][a-z0-9+.-]+://|/vsi|<(?:OGR|VRT|GDAL|WMS|\?xml)|(?:PG|MYSQL|MSSQL|OCI|ODBC|WFS|OAPIF|ES|MEM|SQLITE):)",
    re.IGNORECASE,
)

# What contents of another kind begin with; the first that fits names it.
_STRANGERS = (
    (b"<OGRVRTDataSource", "OGR VRT"),
    (b"<OGRWFSDataSource", "WFS"),
    (b"<OGRWFSLayer", "WFS"),
    (b"<VRTDataset", "GDAL VRT"),
    (b"<GDAL_WMS", "WMS"),
    (b"<WFS_Capabilities", "WFS"),
    (b"<wfs:", "WFS"),
    (b"<!DOCTYPE html", "HTML"),
    (b"<html", "HTML"),
    (b"<gml", "GML"),
    (b"<kml", "KML"),
    (b"<gpx", "GPX"),
    (b"<osm", "OpenStreetMap XML"),
    (b"<?xml", "XML"),
    (SQLITE_MAGIC, "SQLite"),
    (b"PK\x03\x04", "zip"),
    (b"PAR1", "Parquet"),
    (b"\x00\x00\x27\x0a", "shapefile"),
    (b"\xd0\xcf\x11\xe0", "old Office file"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"SIMPLE", "FITS"),
    (b"WFS:", "WFS"),
    (b"http://", "address"),
    (b"https://", "address"),
    (b"{", "JSON"),
)

_EXPECTED: dict[Suffix, tuple[tuple[bytes, ...], str]] = {
    ".shp": ((b"\x00\x00\x27\x0a",), "shapefile"),
    ".zip": ((b"PK\x03\x04",), "zip"),
    ".xlsx": ((b"PK\x03\x04",), "Excel"),
    ".gpkg": ((SQLITE_MAGIC,), "GeoPackage"),
    ".parquet": ((b"PAR1",), "GeoParquet"),
    ".geoparquet": ((b"PAR1",), "GeoParquet"),
    ".geojson": ((b"{",), "GeoJSON"),
    ".json": ((b"{",), "GeoJSON"),
    ".kml": ((b"<",), "KML"),
}


@dataclass(frozen=True)
class Source:
    """A layer argument: the file, and the layer in it where one is named."""

    path: Path
    layer: str | None

    @property
    def name(self) -> str:
        """File name and layer, without folder."""
        return self.path.name if self.layer is None else f"{self.path.name}:{self.layer}"


def source_of(argument: str) -> Source:
    r"""Return what a layer argument names: `file`, `file.gpkg:layer`, also `C:\file.gpkg:layer`.

    Raises
    ------
    InputError
        It is an address or a connection string, or its file type is not known here.
    """
    if _ADDRESS.match(argument):
        raise InputError(
            "is_address",
            "only files are read, no addresses or databases",
            mend="download it first",
            file=shortened(argument),
        )
    if "\0" in argument:
        raise InputError(
            "file_not_found", "there is no such file", mend="check the path", file=shortened(argument)
        )
    source = Source(Path(argument), None)
    split = _SPLIT.fullmatch(argument)
    if not _exists(source.path) and split:
        source = Source(Path(split["path"]), split["layer"])
    if source.path.suffix.lower() not in SUFFIXES:
        if source.path.is_dir():
            raise InputError(
                "is_folder", "this is a folder, not a file", mend="name a file", file=source.path.name
            )
        raise InputError(
            "format_unknown",
            f"files of type {source.path.suffix or 'none'!r} are not read",
            mend="export it as shapefile, GeoPackage, GeoJSON, GeoParquet, KML, CSV or XLSX",
            file=source.path.name,
            suffix=source.path.suffix or "-",
        )
    return source


def _exists(path: Path) -> bool:
    """Whether something is there.

    Raises
    ------
    InputError
        The way to it cannot be followed: a link that leads to itself, a name that is too long.
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
            raise unreadable_file(path, error) from error
        return False
    return True


def read_raw(source: Source) -> tuple[RawTable, str]:
    """Read a layer as it stands in its file; return it and the SHA-256 of the file.

    Raises
    ------
    InputError
        The file is missing, of another kind than its name says, broken, or hostile.
    """
    suffix, file = source.path.suffix.lower(), source.path.name
    with reading(file, source.layer):
        if suffix == ".gpkg" or (suffix == ".shp" and not source.path.is_symlink()):
            with open_regular(source.path) as handle:
                _require_kind(handle.read(1024), suffix, file)
        if suffix == ".gpkg":
            return read_geopackage(source.path, source.layer)
        if suffix == ".shp":
            return read_shapefile(source.path)
        content = read_bytes(source.path)
        _require_kind(content[:1024], suffix, file)
        return _parsed(content, suffix, source), hashlib.sha256(content).hexdigest()


def _parsed(content: bytes, suffix: Suffix, source: Source) -> RawTable:
    file = source.path.name
    if suffix == ".zip":
        return read_zipped_shapefile(content, file, source.layer)
    if suffix == ".xlsx":
        return read_spreadsheet(content, file, source.layer)
    if suffix == ".kml":
        return read_kml(content, file, source.layer)
    if suffix in (".geojson", ".json"):
        return read_geojson(content, file)
    if suffix in (".parquet", ".geoparquet"):
        return read_parquet(content, file)
    return read_delimited(content, file)


def _require_kind(head: bytes, suffix: Suffix, file: str) -> None:
    """Refuse content of another kind than the name says."""
    if not head:
        raise InputError("file_empty", "the file is empty", mend="export it again", file=file)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start[2:].replace(b"\0", b"").lstrip()
    expected, wanted = _EXPECTED.get(suffix, ((), "CSV"))
    lowered = start.lower()
    strangers = [name for magic, name in _STRANGERS if lowered.startswith(magic.lower())]
    elements = re.sub(rb"<\?.*?\?>|<!--.*?-->", b"", start, flags=re.DOTALL).lstrip().lower()
    named = [name for magic, name in _STRANGERS if elements.startswith(magic.lower())]
    found = next(iter(named or strangers), "")
    fits = start.startswith(expected) if expected else not (named or strangers)
    if suffix == ".kml" and named and named[0] not in ("KML", "XML"):
        fits = False
    if not fits and not (named or strangers):
        raise InputError(
            "content_unknown", f"its content is not {wanted}", mend="export it in the format of its name",
            file=file, expected=wanted,
        )  # fmt: skip
    if not fits:
        raise InputError(
            "content_differs",
            f"its content is {found}, not {wanted}",
            mend="export it in the format of its name",
            file=file,
            found=found,
            expected=wanted,
        )
