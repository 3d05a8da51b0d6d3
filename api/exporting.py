"""GIS files of rows in the store, written batch by batch with the rights of whoever asks.

Apart from the routes: with pyarrow and OGR it takes a second to import, and API workers start without it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from sqlalchemy import text

from api.database import Store
from api.dependencies import Actor
from api.export_kinds import KINDS, Format, LayerName

# Rows held in memory at a time.
BATCH_ROWS = 1000
# About a millimetre.
DECIMALS = 8


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
            ("tower", "u.divided_from", pa.string()), ("floor_from", "u.floor_from", pa.int16()),
            ("floor_to", "u.floor_to", pa.int16()),
        ),
        "versions v JOIN divisions d ON d.id = v.community_id JOIN units u ON u.ground_id = v.ground_id"
        " LEFT JOIN assignments a ON a.version_id = v.id AND a.unit_number = u.number"
        " LEFT JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number",
        "u.cell", "v.id, u.number",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Export:
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

    def write(self, format: Format, encoding: str, place: Path) -> Path:
        """Write the rows into a file of a folder; return the file (of a shapefile, a ZIP of its files)."""
        schema = self.schema()
        if format == "parquet":
            file = place / "layer.parquet"
            with pq.ParquetWriter(file, schema) as writer:
                for batch in self.batches():
                    writer.write_batch(batch)
            return file
        file = place / f"{self.layer}.{format}"
        plain = (batch.replace_schema_metadata() for batch in self.batches())
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema.remove_metadata(), plain),
            file, layer=self.layer, driver=KINDS[format].driver, geometry_name="geometry",
            geometry_type="MultiPolygon" if format == "gpkg" else "Polygon", crs="EPSG:4326",
            encoding=encoding if format == "shp" else None,
        )  # fmt: skip
        if format == "gpkg":
            return file
        bundle = place / "bundle.zip"
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for part in sorted(place.glob(f"{self.layer}.*")):
                packed.write(part, part.name)
        return bundle
