"""What can be downloaded, and in which formats."""

from __future__ import annotations

from typing import Literal, NamedTuple

Format = Literal["gpkg", "shp", "geojson", "parquet"]
LayerName = Literal["micro_grids", "cells"]


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
