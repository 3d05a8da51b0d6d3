"""One layer of a plan file: columns as arrays, shapes in the stored CRS, each checked as it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.crs import STORED_CRS, transformer
from geo.errors import InputError
from geo.formats.geopackage import read_stored
from geo.names import shortened
from geo.units import texts

Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

_POLYGONS = (3, 6)


def fault(
    path: Path,
    layer: str,
    code: str,
    message: str,
    *,
    mend: str = "give a file written by `weige plan`",
    feature: object = None,
    **values: str | int | float,
) -> InputError:
    """Return the error about a layer of a plan file, or about one feature of it."""
    named = None if feature is None else shortened(str(feature))
    place: dict[str, Any] = {**values, "file": path.name, "layer": layer, "feature": named}
    return InputError(code, message, mend=mend, **place)


def plan_table(
    path: Path, layer: str, needed: Sequence[str]
) -> tuple[pd.DataFrame, Shapes | None, CRS | None]:
    """Return the columns, shapes and CRS of a layer that must have some columns."""
    raw = read_stored(path, layer)
    for name in needed:
        if name not in raw.names:
            raise fault(path, layer, "plan_column_missing", f"the column {name} is missing", name=name)
    columns = dict(zip(raw.names, raw.values, strict=True))
    return frame_of(columns), raw.geometry, raw.crs


def frame_of(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return arrays as a frame in which text stays objects, so that nothing is None and not a number."""
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})


def number_column(frame: pd.DataFrame, name: str, path: Path, layer: str) -> NDArray[np.float64]:
    """Return a column of finite numbers; anything else is refused."""
    numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise fault(
            path, layer, "plan_number_missing", f"{name} is not a number", feature=f"#{bad[0] + 1}", name=name
        )
    return numbers


def count_column(frame: pd.DataFrame, name: str, path: Path, layer: str) -> Ints:
    """Return a column of whole numbers that are not negative and fit the store; anything else is refused."""
    numbers = number_column(frame, name, path, layer)
    bad = np.flatnonzero((numbers < 0) | (numbers != np.floor(numbers)) | (numbers >= 2**31))
    if len(bad):
        raise fault(
            path, layer, "plan_number_missing", f"{name} is not a count", feature=f"#{bad[0] + 1}", name=name
        )
    return numbers.astype(np.int64)


def optional_number_column(frame: pd.DataFrame, name: str) -> Shapes:
    """Return numbers as Python floats, None where there is none."""
    if name not in frame:
        return np.full(len(frame), None, object)
    numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    found = numbers.astype(object)
    found[~np.isfinite(numbers)] = None
    return found


def text_column(frame: pd.DataFrame, name: str) -> Shapes:
    """Return a column as text or None; all None where the column is missing."""
    if name not in frame:
        return np.full(len(frame), None, object)
    return texts(frame[name].to_numpy(dtype=object))


def rows_of(ids: Shapes, known: Shapes) -> Ints:
    """Return the row of each id among the known ones, -1 where there is none."""
    return pd.Index(known).get_indexer(pd.Index(ids)).astype(np.int64)


def require(
    path: Path, layer: str, holds: NDArray[Any], ids: Shapes, code: str, message: str, name: str = ""
) -> None:
    """Refuse a layer with rows for which something does not hold; the first is named by its id."""
    wrong = np.flatnonzero(~np.asarray(holds, dtype=bool))
    if len(wrong):
        raise fault(path, layer, code, message, feature=ids[wrong[0]], n=len(wrong), name=name)


def require_ids(path: Path, layer: str, ids: Shapes) -> None:
    """Refuse ids that are empty or there twice."""
    index = pd.Index(ids)
    rows = np.array([f"#{row}" for row in range(1, len(ids) + 1)], dtype=object)
    filled = np.array([name is not None for name in ids], dtype=bool)
    require(path, layer, filled, rows, "plan_id_missing", "its id is empty")
    require(path, layer, ~index.duplicated(), ids, "plan_id_repeated", "its id is there twice")


def polygons_of(
    path: Path, layer: str, shapes: Shapes | None, own: CRS | None, crs: CRS, ids: Shapes
) -> Shapes:
    """Return shapes in two dimensions; refuse what is no polygon or not in the CRS of the communities."""
    if shapes is None or (own is not None and own != crs):
        raise fault(path, layer, "plan_crs_differs", "its CRS is not that of the communities")
    polygonal = np.isin(shapely.get_type_id(shapes), _POLYGONS) & ~shapely.is_empty(shapes)
    require(path, layer, polygonal, ids, "plan_not_polygon", "it is not a polygon")
    flat: Shapes = shapely.force_2d(shapes)
    return flat


def require_valid(path: Path, layer: str, shapes: Shapes, ids: Shapes) -> None:
    """Refuse polygons that cross themselves."""
    good = shapely.is_valid(shapes) | shapely.is_missing(shapes)
    require(path, layer, good, ids, "plan_not_valid", "its polygon crosses itself")


def in_stored_crs(shapes: Shapes, crs: CRS, path: Path, layer: str) -> Shapes:
    """Return shapes in the stored CRS; a vertex that several share stays shared."""
    flat: Shapes = shapely.force_2d(shapes)
    if crs == STORED_CRS:
        return flat
    shift = transformer(crs, STORED_CRS)
    moved: Shapes = shapely.transform(flat, lambda xy: np.stack(shift.transform(xy[:, 0], xy[:, 1]), axis=1))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise fault(
            path,
            layer,
            "coordinates_outside_crs",
            "its coordinates have no place in EPSG:4490",
            crs="EPSG:4490",
        )
    return moved


def turned_back(moved: Shapes, drawn: Shapes) -> Shapes:
    """Return shapes in the stored CRS with those mended that were sound as drawn: a needle may turn over."""
    crossed = np.flatnonzero(~(shapely.is_valid(moved) | shapely.is_missing(moved)) & shapely.is_valid(drawn))
    mended = moved.copy()
    mended[crossed] = shapely.make_valid(moved[crossed], method="structure", keep_collapsed=False)
    return mended


def ewkb(shapes: Shapes) -> Shapes:
    """Return shapes in the stored CRS as the store takes them."""
    wkb: Shapes = shapely.to_wkb(shapely.set_srid(shapes, 4490), include_srid=True, byte_order=1)
    return wkb
