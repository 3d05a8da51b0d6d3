"""Where the rows of one layer lie: their shapes, the CRS these are in, and which rows have none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.columns import missing
from geo.control_characters import without_control_characters
from geo.crs import (
    WGS84,
    Numbers,
    axes_swapped,
    crs_named,
    in_china,
    label,
    missing_crs,
    require_fitting_numbers,
)
from geo.errors import CrsError
from geo.findings import Finding
from geo.formats.raw import RawTable, placed
from geo.repair import Place
from geo.units import texts


def shapes_of_rows(
    raw: RawTable, kind: str, columns: Mapping[str, int], crs: str | None, place: Place
) -> tuple[NDArray[np.object_] | None, CRS | None]:
    """Return the shapes of the rows and the CRS they declare; None for a table of units and grids."""
    if raw.geometry is not None:
        return raw.geometry.copy(), raw.crs
    if kind == "grids" and "unit_id" in columns and not {"lon", "lat"} <= columns.keys():
        return None, None
    with placed(place.file, place.layer):
        for column in ("lon", "lat"):
            if column not in columns:
                raise missing(kind, column, raw.names, is_table=True)
    x, y = (_numbers(raw, columns[column], place) for column in ("lon", "lat"))
    half = np.flatnonzero(np.isnan(x) != np.isnan(y))
    if len(half):
        error = place.error(
            "coordinate_missing", "one of its two coordinates is missing", int(half[0]), mend="fill in both"
        )
        error.field = raw.names[columns["lon" if np.isnan(x[half[0]]) else "lat"]]
        raise error
    shapes = np.full(len(x), None, dtype=object)
    given = ~np.isnan(x)
    shapes[given] = shapely.points(x[given], y[given])
    # A table without a row is in any CRS.
    in_degrees = bool((np.abs(x[given]) <= 180).all() and (np.abs(y[given]) <= 180).all())
    named = None if crs is None else crs_named(crs)
    if in_degrees:
        return shapes, named if named is not None and named.is_geographic else WGS84
    return shapes, named


def rows_kept(
    shapes: NDArray[np.object_],
    kind: str,
    place: Place,
    *,
    ids: NDArray[np.object_] | None,
    counts: NDArray[np.int64] | None,
    findings: list[Finding],
) -> NDArray[np.bool_]:
    """Return which rows are kept: those with a shape, and units without households."""
    empty: NDArray[np.bool_] = shapely.is_missing(shapes)
    kept = np.ones(len(shapes), dtype=bool)
    if not empty.any():
        return kept
    rows = np.flatnonzero(empty)
    if kind in ("communities", "grids"):
        raise place.error(
            "geometry_missing", "it has no geometry", int(rows[0]), mend="draw or remove it", n=len(rows)
        )
    if counts is not None and ids is not None:
        homeless = np.flatnonzero(empty & (counts > 0))
        if len(homeless):
            raise place.error(
                "unit_without_geometry",
                f"it has {counts[homeless[0]]} households but no geometry",
                int(homeless[0]),
                mend="draw it or set its households to 0",
                households=int(counts[homeless[0]]),
                n=len(homeless),
            )
        findings += [Finding("unit_without_geometry", "warning", unit_ids=(str(ids[row]),)) for row in rows]
        return kept
    findings.append(
        Finding(
            "features_without_geometry",
            "warning",
            values={"layer": kind, "file": place.file, "n": len(rows), "first": place.labels[int(rows[0])]},
        )
    )
    kept = ~empty
    return kept


def in_its_crs(
    shapes: NDArray[np.object_],
    *,
    declared: CRS | None,
    option: str | None,
    kind: str,
    place: Place,
    findings: list[Finding],
) -> tuple[NDArray[np.object_], CRS]:
    """Return a layer's shapes and CRS: what it declares if its numbers agree, else what the user says."""
    coordinates, rows = shapely.get_coordinates(shapes, return_index=True)
    numbers = Numbers.of(coordinates) if len(coordinates) else None
    with placed(place.file, place.layer):
        named = None if option is None else crs_named(option)
        chosen = declared if declared is not None else named
        if (
            chosen is None
            and numbers is None
            and kind in ("incidents", "stations", "candidates", "members", "context")
        ):
            return shapes, WGS84
        if chosen is None:
            raise missing_crs(numbers)
        if numbers is None:
            return shapes, chosen
        try:
            require_fitting_numbers(chosen, numbers)
        except CrsError:
            if named is None or named == chosen:
                raise
            require_fitting_numbers(named, numbers)
            findings.append(
                Finding(
                    "crs_overridden",
                    "warning",
                    values={
                        "layer": kind,
                        "file": place.file,
                        "declared": label(chosen),
                        "used": label(named),
                    },
                )
            )
            chosen = named
    if chosen.is_geographic:
        outside = (np.abs(coordinates[:, 0]) > 180.0) | (np.abs(coordinates[:, 1]) > 90.0)
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            x, y = coordinates[first].tolist()
            if in_china(y, x):
                with placed(place.file, place.layer):
                    error = axes_swapped(x, y)
                    error.feature = place.labels[int(rows[first])]
                    raise error
            x_told, y_told = f"{x:.6g}", f"{y:.6g}"
            raise place.error(
                "coordinates_off_earth", f"its coordinates ({x_told}, {y_told}) are not on the earth",
                int(rows[first]), mend="correct them", x=x_told, y=y_told,
            )  # fmt: skip
    return shapes, chosen


def _numbers(raw: RawTable, at: int, place: Place) -> NDArray[np.float64]:
    as_text = texts(raw.values[at])
    numbers = pd.to_numeric(pd.Series(as_text), errors="coerce").to_numpy(dtype=np.float64)
    empty = as_text == None  # noqa: E711
    wrong = ~np.isfinite(numbers) & ~empty
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        error = place.error(
            "coordinate_unreadable",
            f"the coordinate {as_text[row]!r} is not a number",
            row,
            mend="enter decimal degrees",
            value=str(without_control_characters(as_text[row]))[:40],
        )
        error.field = raw.names[at]
        raise error
    return numbers
