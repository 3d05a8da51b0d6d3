"""What may be mended in a layer's shapes, and the finding it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.crs import metres_per_unit
from geo.errors import InputError
from geo.findings import Finding

POINTS = frozenset({0})
LINES = frozenset({1, 2, 5})
POLYGONS = frozenset({3, 6})
COLLECTION = 7

# Coordinates beyond any map projection's numbers.
_ABSURD = 1e9


@dataclass(frozen=True)
class Place:
    """Where shapes come from, for messages: file, layer and the label of each row."""

    file: str
    layer: str
    labels: Sequence[str]

    def error(
        self, code: str, message: str, row: int, *, mend: str, **values: str | int | float
    ) -> InputError:
        """Return an error about one row."""
        error = InputError(
            code, message, mend=mend, file=self.file, layer=self.layer, feature=self.labels[row]
        )
        error.values = MappingProxyType(values)
        return error


def require_finite(shapes: NDArray[np.object_], place: Place) -> None:
    """Refuse coordinates that are not numbers or beyond any map."""
    coordinates, rows = shapely.get_coordinates(shapes, return_index=True)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(coordinates) < _ABSURD).all(axis=1)
    if wrong.any():
        raise place.error(
            "geometry_not_finite",
            "its coordinates are not finite",
            int(rows[np.flatnonzero(wrong)[0]]),
            mend="repair or remove the feature",
        )


def simple_shapes(shapes: NDArray[np.object_], allowed: frozenset[int], place: Place) -> NDArray[np.object_]:
    """Return the shapes as points, lines or polygons in two dimensions; None where missing or empty.

    Raises
    ------
    InputError
        A shape is of another type than `allowed`.
    """
    shapes = shapely.force_2d(shapes)
    shapes[shapely.is_empty(shapes)] = None
    kinds = shapely.get_type_id(shapes)
    for row in np.flatnonzero((kinds == COLLECTION) | ((kinds == 4) & (0 in allowed))).tolist():
        shapes[row] = _of_allowed(shapes[row], allowed)
    kinds = shapely.get_type_id(shapes)
    wrong = (kinds >= 0) & ~np.isin(kinds, sorted(allowed))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = str(shapes[row].geom_type)
        if allowed == POINTS:
            raise place.error(
                "geometry_not_points",
                f"a {found} cannot be used here",
                row,
                mend="export it as points",
                found=found,
            )
        raise place.error(
            "geometry_type",
            f"a {found} cannot be used here",
            row,
            mend="choose the right layer",
            found=found,
        )
    return shapes


def _of_allowed(shape: shapely.Geometry, allowed: frozenset[int]) -> shapely.Geometry | None:
    """Return the allowed parts of a collection as one shape; the collection itself if their types differ."""
    parts = np.array([shape], dtype=object)
    while (shapely.get_type_id(parts) >= 4).any():
        parts = shapely.get_parts(parts)
    parts = parts[np.isin(shapely.get_type_id(parts), sorted(allowed))]
    if len(parts) == 0:
        return shape
    if len(parts) == 1:
        return parts[0]
    kinds = set(shapely.get_type_id(parts).tolist())
    if kinds == {3}:
        return shapely.multipolygons(parts)
    return shapely.multilinestrings(parts) if kinds <= {1, 2} else shape


def mended_polygons(
    shapes: NDArray[np.object_],
    crs: CRS,
    place: Place,
    ids: Sequence[str | None],
    *,
    kind: str,
    needed: NDArray[np.bool_],
) -> tuple[NDArray[np.object_], list[Finding]]:
    """Return valid polygons, and a finding with the change of area for each that had to be made valid.

    A polygon without any area, its corners on a line or in a point, becomes None.

    Raises
    ------
    InputError
        A polygon without area is one of those that are `needed`.
    """
    kinds = shapely.get_type_id(shapes)
    invalid = np.flatnonzero(np.isin(kinds, (3, 6)) & ~shapely.is_valid(shapes))
    flat = np.flatnonzero(np.isin(kinds, (3, 6)) & (shapely.area(shapes) == 0))
    mended = shapes.copy()
    if len(invalid):
        made = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
        mended[invalid] = [
            _of_allowed(shape, POLYGONS) if shapely.get_type_id(shape) == 7 else shape for shape in made
        ]
    lost = [row for row in sorted({*invalid.tolist(), *flat.tolist()}) if shapely.area(mended[row]) == 0]
    for row in lost:
        if needed[row]:
            raise place.error(
                "geometry_without_area", "the polygon has no area", row, mend="draw it again or give a point"
            )
        mended[row] = None
    invalid = np.setdiff1d(invalid, lost)
    before, after = np.abs(shapely.area(shapes[invalid])), shapely.area(mended[invalid])
    middle = shapely.get_coordinates(shapely.point_on_surface(mended[invalid]))
    findings = []
    for at, row in enumerate(invalid.tolist()):
        east_m, north_m = metres_per_unit(crs, float(middle[at, 1]))
        area = east_m * north_m
        findings.append(
            Finding(
                "geometry_made_valid",
                "warning",
                community_id=ids[row] if kind == "communities" else None,
                unit_ids=(str(ids[row]),) if kind == "units" else (),
                values={
                    "layer": kind,
                    "file": place.file,
                    "feature": place.labels[row],
                    "fault": str(shapely.is_valid_reason(shapes[row])).partition("[")[0],
                    "area_before_m2": round(float(before[at]) * area, 2),
                    "area_after_m2": round(float(after[at]) * area, 2),
                    "area_change_m2": round(float(after[at] - before[at]) * area, 2),
                },
                point=(float(middle[at, 0]), float(middle[at, 1])),
            )
        )
    return mended, findings
