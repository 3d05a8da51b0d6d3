"""Downloads of a version, or of what is in force in an area, as GIS files."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.database import Store
from api.dependencies import Actor, ActorDep, SessionDep, SettingsDep, StoreDep
from api.errors import NotFoundError
from api.routes.divisions import RowId
from api.routes.plans import require_version
from api.schemas import problems

router = APIRouter(prefix="/api/v1", tags=["exports"])

Format = Literal["gpkg", "shp", "geojson", "parquet"]
LayerName = Literal["micro_grids", "cells"]

# Rows held in memory at a time, and bytes of a file sent at a time.
BATCH_ROWS = 1000
CHUNK_BYTES = 256 * 1024
# About a millimetre.
DECIMALS = 8


class FileKind(NamedTuple):
    """How a format is named to OGR, to clients, and in the name of the file."""

    driver: str
    media_type: str
    suffix: str


KINDS: dict[Format, FileKind] = {
    "gpkg": FileKind("GPKG", "application/geopackage+sqlite3", "gpkg"),
    "shp": FileKind("ESRI Shapefile", "application/zip", "zip"),
    "geojson": FileKind("GeoJSON", "application/geo+json", "geojson"),
    "parquet": FileKind("Parquet", "application/vnd.apache.parquet", "parquet"),
}


@dataclass(frozen=True)
class Columns:
    """A layer: SQL of its columns, its table, its geometry (EPSG:4490, polygons), and the order of rows."""

    of: tuple[tuple[str, str, pa.DataType], ...]
    tables: str
    geom: str
    order: str


_GRID = "versions v JOIN divisions d ON d.id = v.community_id JOIN grids g ON g.version_id = v.id"
# Names fit the ten letters of a shapefile.
LAYERS: dict[LayerName, Columns] = {
    "micro_grids": Columns(
        (
            ("grid_id", "g.code", pa.string()), ("community", "d.code", pa.string()),
            ("name", "g.name", pa.string()), ("kind", "g.kind", pa.string()),
            ("households", "g.households", pa.int32()), ("units", "g.units", pa.int32()),
            ("status", "g.status", pa.string()), ("reason", "g.reason", pa.string()),
            ("area_m2", "g.area_m2", pa.float64()), ("compact", "g.compactness", pa.float64()),
        ),
        _GRID, "g.geom", "v.id, g.number",
    ),
    "cells": Columns(
        (
            ("unit_id", "u.unit_id", pa.string()), ("community", "d.code", pa.string()),
            ("grid_id", "g.code", pa.string()), ("households", "u.households", pa.int32()),
            ("building", "u.building_id", pa.string()), ("compound", "u.compound_id", pa.string()),
        ),
        "versions v JOIN divisions d ON d.id = v.community_id JOIN units u ON u.ground_id = v.ground_id"
        " LEFT JOIN assignments a ON a.version_id = v.id AND a.unit_number = u.number"
        " LEFT JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number",
        "u.cell", "v.id, u.number",
    ),
}  # fmt: skip

FormatQuery = Annotated[Format, Query(description="shp: a ZIP of the files of a shapefile")]
EncodingQuery = Annotated[
    Literal["UTF-8", "GBK"], Query(description="Of the attributes of a shapefile; said in its .cpg")
]
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.media_type: {} for kind in KINDS.values()}, "description": "The file"}
}


@router.get("/versions/{version_id}/download", response_class=StreamingResponse,
            responses=problems(404, 422) | _FILES)  # fmt: skip
def download_version(
    version_id: UUID, session: SessionDep, actor: ActorDep, store: StoreDep, settings: SettingsDep,
    format: FormatQuery, layer: LayerName = "micro_grids", encoding: EncodingQuery = "UTF-8",
) -> StreamingResponse:  # fmt: skip
    """Send the micro-grids or the cells of a version, in WGS 84."""
    community = require_version(session, version_id).community_id
    _log(session, actor, {"version": str(version_id), "format": format, "layer": layer}, community)
    export = _Export(store, actor, layer, "v.id = :id", {"id": version_id})
    return _answer(export, format, encoding, settings.data_dir, f"{layer}-{version_id}")


@router.get("/divisions/{division_id}/download", response_class=StreamingResponse,
            responses=problems(404, 422) | _FILES)  # fmt: skip
def download_division(
    division_id: RowId, session: SessionDep, actor: ActorDep, store: StoreDep, settings: SettingsDep,
    format: FormatQuery, layer: LayerName = "micro_grids", encoding: EncodingQuery = "UTF-8",
) -> StreamingResponse:  # fmt: skip
    """Send the micro-grids or the cells in force today in an area, in WGS 84: what one may read of them."""
    path = session.execute(
        text("SELECT path::text FROM divisions WHERE id = :id"), {"id": division_id}
    ).scalar_one_or_none()
    if path is None:
        raise NotFoundError("division_not_found", "there is no such division")
    _log(session, actor, {"division": division_id, "format": format, "layer": layer}, division_id)
    where = (
        "d.path <@ cast(:path AS ltree) AND v.state IN ('published', 'superseded')"
        " AND daterange(v.valid_from, v.valid_to) @> current_date"
    )
    export = _Export(store, actor, layer, where, {"path": path})
    return _answer(export, format, encoding, settings.data_dir, f"{layer}-{division_id}")


def _log(session: Session, actor: Actor, body: dict[str, Any], division_id: int) -> None:
    session.execute(
        text("SELECT log_append('audit', :chain, 'download', cast(:body AS jsonb), :division)"),
        {"chain": str(actor.user_id), "body": json.dumps(body), "division": division_id},
    )


@dataclass(frozen=True)
class _Export:
    """Rows of a layer, read with the rights of the actor by a cursor of the server."""

    store: Store
    actor: Actor
    layer: LayerName
    where: str
    values: dict[str, Any]

    def _rows(self, columns: str) -> Iterator[Any]:
        layer = LAYERS[self.layer]
        sql = (
            f"{columns} FROM (SELECT {', '.join(f'{sql} AS {name}' for name, sql, _ in layer.of)},"
            f" ST_Transform(ST_Multi({layer.geom}), 4326) AS geometry FROM {layer.tables}"
            f" WHERE {self.where} ORDER BY {layer.order}) t"
        )
        with self.store.acting(self.actor.user_id, self.actor.grants, long=True) as session:
            yield from session.execute(
                text(sql), self.values, execution_options={"yield_per": BATCH_ROWS}
            ).partitions(BATCH_ROWS)

    def geojson(self) -> Iterator[bytes]:
        """Yield a feature collection, in parts."""
        yield b'{"type": "FeatureCollection", "features": ['
        between = b"\n"
        for rows in self._rows(f"SELECT ST_AsGeoJSON(t, 'geometry', {DECIMALS}) AS feature"):
            yield between + b",\n".join(row.feature.encode() for row in rows)
            between = b",\n"
        yield b"\n]}\n"

    def schema(self) -> pa.Schema:
        """Return the columns, and where the geometry is (GeoParquet 1.1)."""
        geo = {
            "version": "1.1.0",
            "primary_column": "geometry",
            "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["MultiPolygon"]}},
        }
        fields = [pa.field(name, kind) for name, _, kind in LAYERS[self.layer].of]
        geometry = pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
        return pa.schema([*fields, geometry], metadata={"geo": json.dumps(geo)})

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow batches."""
        schema = self.schema()
        names = [name for name, _, _ in LAYERS[self.layer].of]
        for rows in self._rows(f"SELECT {', '.join(names)}, ST_AsBinary(geometry) AS geometry"):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            yield pa.record_batch(arrays, schema=schema)


def _answer(export: _Export, format: Format, encoding: str, folder: Path, name: str) -> StreamingResponse:
    kind = KINDS[format]
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{kind.suffix}"',
        "Cache-Control": "private, no-store",
    }
    if format == "geojson":
        return StreamingResponse(export.geojson(), headers=headers, media_type=kind.media_type)
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="download-", dir=folder))
    try:
        file = _write(export, format, encoding, place)
        headers["Content-Length"] = str(file.stat().st_size)
        # Open, it can be read to its end; without a name, nothing is left however the sending ends.
        opened = file.open("rb")
    finally:
        shutil.rmtree(place)

    def chunks() -> Iterator[bytes]:
        with opened:
            while chunk := opened.read(CHUNK_BYTES):
                yield chunk

    return StreamingResponse(chunks(), headers=headers, media_type=kind.media_type)


def _write(export: _Export, format: Format, encoding: str, place: Path) -> Path:
    schema = export.schema()
    if format == "parquet":
        file = place / "layer.parquet"
        with pq.ParquetWriter(file, schema) as writer:
            for batch in export.batches():
                writer.write_batch(batch)
        return file
    file = place / f"{export.layer}.{format}"
    plain = (batch.replace_schema_metadata() for batch in export.batches())
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema.remove_metadata(), plain),
        file, layer=export.layer, driver=KINDS[format].driver, geometry_name="geometry",
        geometry_type="MultiPolygon" if format == "gpkg" else "Polygon", crs="EPSG:4326",
        encoding=encoding if format == "shp" else None,
    )  # fmt: skip
    if format == "gpkg":
        return file
    bundle = place / "bundle.zip"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for part in sorted(place.glob(f"{export.layer}.*")):
            packed.write(part, part.name)
    return bundle
