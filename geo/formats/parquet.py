"""GeoParquet, read in batches and no further than memory allows."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyproj import CRS

from geo.crs import WGS84, crs_of_wkt
from geo.errors import InputError
from geo.formats.raw import (
    MAX_FILE_BYTES,
    RawTable,
    placed,
    reading,
    require_moderate_size,
    shapes_from_wkb,
    text_array,
)

# The largest city has some ten million households; a file that claims more rows is broken or hostile.
_MAX_ROWS = 20_000_000
_BATCH_ROWS = 1 << 16


def read_parquet(content: bytes, file: str) -> RawTable:
    """Read a GeoParquet file, or a plain Parquet table with lon and lat."""
    with reading(file):
        parquet = pq.ParquetFile(
            io.BytesIO(content),
            memory_map=False,
            pre_buffer=False,
            thrift_string_size_limit=1 << 24,
            thrift_container_size_limit=1 << 20,
        )
        stated = parquet.metadata
        if stated.num_rows > _MAX_ROWS:
            require_moderate_size(max(MAX_FILE_BYTES + 1, stated.num_rows * 8), file)
        geo = json.loads((stated.metadata or {}).get(b"geo", b"{}"))
        batches, n_bytes = [], 0
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
            n_bytes += batch.nbytes
            require_moderate_size(n_bytes, file)
            batches.append(batch)
        table = pa.Table.from_batches(batches, schema=parquet.schema_arrow)
        geometry_name = geo.get("primary_column") if isinstance(geo, dict) else None
        about = geo["columns"][geometry_name] if geometry_name is not None else {}
    geometry, crs = None, None
    if geometry_name is not None:
        if about.get("encoding") != "WKB":
            raise InputError(
                "geoparquet_encoding",
                "its geometry is not in WKB encoding",
                mend="export it with WKB geometry",
                file=file,
                encoding=str(about.get("encoding")),
            )
        with reading(file):
            wkb = table.column(geometry_name).to_pylist()
        geometry = shapes_from_wkb(wkb, file, None)
        with placed(file):
            crs = _crs(about)
    names, values = [], []
    with reading(file):
        for name, column in zip(table.column_names, table.columns, strict=True):
            array = None if name == geometry_name else _array(column)
            if array is not None:
                names.append(name)
                values.append(array)
    return RawTable(file, None, tuple(names), tuple(values), geometry, crs)


def _crs(about: dict[str, Any]) -> CRS | None:
    if "crs" not in about:
        return WGS84  # the format's default, OGC:CRS84
    return None if about["crs"] is None else crs_of_wkt(json.dumps(about["crs"]))


def _array(column: pa.ChunkedArray) -> NDArray[Any] | None:
    """Return a column as numbers or text; None for nested and binary ones."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if column.null_count == 0:
            numbers: NDArray[Any] = column.to_numpy()
            return numbers
        return text_array(column.to_pylist())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return text_array(column.to_pylist())
    if pa.types.is_decimal(kind) or pa.types.is_temporal(kind):
        return text_array(column.cast(pa.string()).to_pylist())
    return None
