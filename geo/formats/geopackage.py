"""GeoPackages, read with SQLite alone and only from stored tables: no view or virtual table can run."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from geo.crs import crs_of_wkt, known_crs
from geo.errors import InputError
from geo.formats.raw import (
    RawTable,
    broken,
    broken_geometry,
    chosen_layer,
    open_regular,
    placed,
    reading,
    require_moderate_size,
    shapes_from_wkb,
    text_array,
)

MAGIC = b"SQLite format 3\0"

# Rows read at a time, so that a layer is not held as rows and as columns at once.
_ROWS_AT_A_TIME = 4096

# Bytes of the envelope in a GeoPackage geometry header, by its indicator (OGC 12-128r19, 2.1.3).
_ENVELOPE_BYTES = (0, 32, 48, 48, 64, 0, 0, 0)

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA}


def read_geopackage(path: Path, layer: str | None) -> tuple[RawTable, str]:
    """Read one layer of a GeoPackage; return it and the SHA-256 of the file."""
    with open_regular(path) as handle:
        if handle.read(16) != MAGIC:
            raise broken(path.name, "not a GeoPackage")
        require_moderate_size(handle.seek(0, 2) // 4, path.name)
        handle.seek(0)
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return read_stored(path, layer), digest


def read_stored(path: Path, layer: str | None) -> RawTable:
    """Read one layer of a GeoPackage that was found to be one (`stored_layers`)."""
    with reading(path.name, layer), _database(path) as database:
        return _read(database, path.name, layer)


def stored_layers(path: Path) -> frozenset[str]:
    """Return the names of the layers and tables of a GeoPackage."""
    with open_regular(path) as handle:
        if handle.read(16) != MAGIC:
            raise broken(path.name, "not a GeoPackage")
        require_moderate_size(handle.seek(0, 2) // 4, path.name)
    with reading(path.name), _database(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_contents'").fetchall():
            raise broken(path.name, "an SQLite database, but no GeoPackage")
        return frozenset(str(name) for (name,) in database.execute("SELECT table_name FROM gpkg_contents"))


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file itself, or a private copy where another program has changes pending beside it."""
    log = path.with_name(path.name + "-wal")
    if log.is_symlink() or not log.is_file() or log.stat().st_size == 0:
        with closing(_connect(path.absolute().as_uri() + "?mode=ro&immutable=1")) as database:
            yield database
        return
    with tempfile.TemporaryDirectory(prefix="weige-") as folder:
        copy = Path(folder) / "layer.gpkg"
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        with closing(_connect(copy.as_uri())) as database:
            yield database


def _connect(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True)
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA query_only=ON")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1 << 28)
    database.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
    )
    return database


def _read(database: sqlite3.Connection, file: str, layer: str | None) -> RawTable:
    stored = {
        name
        for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        if not str(sql or "").lstrip().upper().startswith("CREATE VIRTUAL")
    }
    if "gpkg_contents" not in stored:
        raise broken(file, "an SQLite database, but no GeoPackage")
    listed = database.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall()
    kinds = {
        str(name): str(kind) for name, kind in listed if str(kind) in ("features", "attributes", "aspatial")
    }
    spatial = sorted(name for name, kind in kinds.items() if kind == "features")
    chosen = chosen_layer(file, layer, sorted(kinds) if layer is not None or not spatial else spatial)
    if chosen not in stored:
        raise InputError(
            "layer_not_stored",
            "the layer is a view or virtual table, which is not run",
            mend="export it as a table",
            file=file,
            layer=chosen,
        )
    geometry_column, crs = None, None
    if kinds[chosen] == "features" and "gpkg_geometry_columns" in stored:
        for table, column, srs_id in database.execute(
            "SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns"
        ):
            if table == chosen:
                geometry_column, crs = str(column), _crs(database, stored, srs_id, file, chosen)
    # Columns 2 and 3 of `hidden` are computed by expressions of the file.
    columns = [
        str(name)
        for _, name, _, _, _, _, hidden in database.execute(f"PRAGMA table_xinfo({_quoted(chosen)})")
        if hidden == 0
    ]
    if geometry_column is not None and geometry_column not in columns:
        raise broken(file, "its geometry column is missing", layer=chosen)
    listing = ", ".join(_quoted(name) for name in columns)
    cursor = database.execute(f"SELECT {listing} FROM {_quoted(chosen)}")
    told: list[list[Any]] = [[] for _ in columns]
    kinds_told: list[set[type]] = [set() for _ in columns]
    # Most texts of a column come again and again; each is held once.
    same: list[dict[str, str]] = [{} for _ in columns]
    shapes: list[NDArray[np.object_]] = []
    n_rows = 0
    while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
        for at, column in enumerate(zip(*rows, strict=True)):
            if columns[at] == geometry_column:
                wkb = [_wkb(value, file, chosen, row) for row, value in enumerate(column, start=n_rows + 1)]
                shapes.append(shapes_from_wkb(wkb, file, chosen, rows_before=n_rows))
                continue
            kinds_told[at].update(map(type, column))
            if bytes in kinds_told[at]:  # which no table of ours can show
                told[at].clear()
            elif kinds_told[at] <= {str, type(None)}:
                told[at].extend(map(same[at].setdefault, column, column))
            else:
                told[at].extend(column)
        n_rows += len(rows)
    geometry = None
    if geometry_column is not None:
        geometry = np.concatenate([text_array(()), *shapes])
    names, values = [], []
    for at, name in enumerate(columns):
        if name != geometry_column and bytes not in kinds_told[at]:
            names.append(name)
            values.append(_column(told[at], kinds_told[at]))
    row_number = next((name for name in names if name.lower() in ("fid", "ogc_fid")), None)
    return RawTable(file, chosen, tuple(names), tuple(values), geometry, crs, row_number=row_number)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _wkb(value: Any, file: str, layer: str, row: int) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, bytes) or len(value) < 8 or value[:2] != b"GP" or value[3] & 0x20:
        raise broken_geometry(file, layer, row, "is not in GeoPackage encoding")
    if value[3] & 0x10:  # empty
        return None
    return value[8 + _ENVELOPE_BYTES[(value[3] >> 1) & 7] :]


def _column(values: list[Any], kinds: set[type]) -> NDArray[Any]:
    if kinds == {int} and min(values) > -1 << 62 and max(values) < 1 << 62:
        return np.array(values, dtype=np.int64)
    if kinds == {float}:
        return np.array(values, dtype=np.float64)
    return text_array(values)


# What stands for no CRS at all; the last is GDAL's, under a number of its own.
_SAYS_NOTHING = re.compile(
    r'|undefined|none|(LOCAL_CS|ENGCRS)\["Undefined SRS",.*', re.IGNORECASE | re.DOTALL
)


def _crs(database: sqlite3.Connection, stored: set[str], srs_id: Any, file: str, layer: str) -> CRS | None:
    if srs_id in (-1, 0, None) or "gpkg_spatial_ref_sys" not in stored:
        return None
    found = database.execute(
        "SELECT organization, organization_coordsys_id, definition"
        " FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
        (srs_id,),
    ).fetchone()
    if found is None:
        return None
    organization, code, definition = found
    if str(organization).upper() == "EPSG":
        try:
            return known_crs(CRS.from_epsg(int(code)))
        except (CRSError, ValueError, TypeError):
            pass  # a code this PROJ does not know; its definition may do
    if _SAYS_NOTHING.fullmatch(str(definition).strip()):
        return None
    with placed(file, layer):
        return crs_of_wkt(str(definition))
