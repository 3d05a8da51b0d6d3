"""GeoJSON, parsed here: the usual reader would fetch a CRS that is given as an address."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.crs import WGS84, crs_named
from geo.encoding import decode_file
from geo.errors import CrsError, InputError
from geo.formats.raw import RawTable, broken, broken_geometry, placed, reading, text_array

_GEOMETRIES = {
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
}
_WGS84_NAMES = re.compile(r"urn:ogc:def:crs:OGC:(?:1\.\d)?:?CRS84|OGC:CRS84|EPSG:4326", re.IGNORECASE)


def read_geojson(content: bytes, file: str) -> RawTable:
    """Read features or a bare geometry; the CRS is WGS 84 unless an old `crs` member names one."""
    text = decode_file(content)
    if text is None:
        raise InputError(
            "encoding_unreadable",
            "its text is neither UTF-8 nor GB 18030",
            mend="export it in UTF-8",
            file=file,
        )
    with reading(file):
        try:
            document = json.loads(text)
        except RecursionError as error:
            raise broken(file, "nested too deeply") from error
        except json.JSONDecodeError as error:
            raise broken(file, f"{error.msg}, line {error.lineno}") from error
    del text
    features = _features(document, file)
    with placed(file):
        crs = _crs(document)
    shapes = _shapes([feature.get("geometry") for feature in features], file)
    names: dict[str, None] = {}
    rows = []
    for row, feature in enumerate(features, start=1):
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise InputError(
                "feature_broken",
                "its properties are not an object",
                mend="export it again",
                file=file,
                feature=f"#{row}",
            )
        rows.append(properties)
        names.update(dict.fromkeys(properties))
    values = [_column([row.get(name) for row in rows]) for name in names]
    kept = [(name, column) for name, column in zip(names, values, strict=True) if column is not None]
    return RawTable(
        file, None, tuple(name for name, _ in kept), tuple(column for _, column in kept), shapes, crs
    )


def _features(document: Any, file: str) -> list[dict[str, Any]]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind in _GEOMETRIES:
        return [{"geometry": document}]
    features = (
        [document] if kind == "Feature" else document.get("features") if kind == "FeatureCollection" else None
    )
    if not isinstance(features, list):
        raise broken(file, "JSON, but not GeoJSON")
    for row, feature in enumerate(features, start=1):
        if not isinstance(feature, dict):
            raise InputError(
                "feature_broken", "it is not a feature", mend="export it again", file=file, feature=f"#{row}"
            )
    return features


def _crs(document: dict[str, Any]) -> CRS:
    declared = document.get("crs")
    if declared is None:
        return WGS84
    properties = declared.get("properties") if isinstance(declared, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        raise CrsError(
            "crs_unreadable",
            "its coordinate reference system cannot be read",
            mend="remove its crs member, give --crs",
        )
    return WGS84 if _WGS84_NAMES.fullmatch(name) else crs_named(name)


def _shapes(geometries: list[Any], file: str) -> NDArray[np.object_]:
    texts = text_array([None if geometry is None else _as_text(geometry) for geometry in geometries])
    shapes: NDArray[np.object_] = shapely.from_geojson(texts, on_invalid="ignore")
    for row in np.flatnonzero((shapes == None) & (texts != None)):  # noqa: E711
        raise broken_geometry(file, None, int(row) + 1, "cannot be read")
    return shapes


def _as_text(geometry: Any) -> str:
    try:
        return json.dumps(geometry, check_circular=False)
    except (RecursionError, ValueError):
        return "{}"


def _column(values: list[Any]) -> NDArray[Any] | None:
    """Return a column, as text where it mixes kinds; None for a column of objects, which no office reads.

    A list is told as a table tells it: several with ; between them.
    """
    if any(isinstance(value, list) for value in values):
        values = [_listed(value) for value in values]
    kinds = {type(value) for value in values if value is not None}
    if kinds & {dict, list}:
        return None
    if kinds == {int} and None not in values and all(abs(value) < 1 << 62 for value in values):
        return np.array(values, dtype=np.int64)
    if kinds == {bool} and None not in values:
        return np.array(values, dtype=np.bool_)
    return text_array(values)


def _listed(value: Any) -> Any:
    """Return a list of texts as one text; anything else as it is: a number in a list is no number."""
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        return value
    return ";".join(value)
