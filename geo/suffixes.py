"""How the names of files end that can hold a layer."""

from __future__ import annotations

from typing import TypeAlias

Suffix: TypeAlias = str

SUFFIXES = (
    ".shp",
    ".zip",
    ".gpkg",
    ".geojson",
    ".json",
    ".parquet",
    ".geoparquet",
    ".kml",
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
)
