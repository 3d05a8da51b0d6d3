"""Union, intersection and difference of polygons that nobody drew with an overlay in mind.

Corners that hands or a change of coordinates left a nanometre off an edge make the exact overlay of GEOS
give up. Such ground is noded again on a fine lattice, where the overlay always ends; what GEOS can do
exactly stays as exact as it was.

References
----------
Hobby, J. D. (1999). Practical segment intersection with finite precision output. Computational Geometry 13.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

# Steps of the lattice as a share of the largest coordinate, the finest first: 4 micrometres, 0.4 mm and
# 4 cm at the 4,000 km of a northing. A double holds 16 digits, and the first step leaves four for noding.
STEPS = (1e-12, 1e-10, 1e-8)


def valid_polygons(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return polygons as the ground that they cover, lines and points left out.

    Parameters
    ----------
    polygons : (n,) object
        Also crossing themselves, flat or missing; what is valid stays the same object.
    """
    valid = np.array(polygons, dtype=object)
    broken = ~shapely.is_valid(valid) & ~shapely.is_missing(valid)
    if broken.any():
        valid[broken] = shapely.make_valid(valid[broken], method="structure", keep_collapsed=False)
    return valid


def union_all(polygons: NDArray[np.object_], *, is_coverage: bool = False) -> shapely.Geometry:
    """Return the ground that polygons cover together.

    Parameters
    ----------
    polygons : (n,) object
        Missing ones are left out.
    is_coverage : bool, default False
        They are a coverage, which is joined faster.
    """
    try:
        return shapely.coverage_union_all(polygons) if is_coverage else shapely.union_all(polygons)
    except shapely.GEOSException:
        polygons = valid_polygons(polygons)
        return _on_lattice(polygons, lambda step: shapely.union_all(polygons, grid_size=step))


def intersection(left: NDArray[np.object_], right: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return what polygons share, pair by pair.

    Parameters
    ----------
    left, right : (n,) object
    """
    return _by_pair(shapely.intersection, left, right)


def difference(ground: shapely.Geometry, covered: shapely.Geometry) -> shapely.Geometry:
    """Return what one polygon leaves of another."""
    left, right = np.array([ground], dtype=object), np.array([covered], dtype=object)
    return _by_pair(shapely.difference, left, right)[0]


def _by_pair(
    overlay: Callable[..., NDArray[np.object_]], left: NDArray[np.object_], right: NDArray[np.object_]
) -> NDArray[np.object_]:
    try:
        return np.asarray(overlay(left, right), dtype=object)
    except shapely.GEOSException:
        made = np.full(len(left), None, dtype=object)
        for at, pair in enumerate(zip(left, right, strict=True)):
            try:
                made[at] = overlay(*pair)
            except shapely.GEOSException:
                usable = valid_polygons(np.array(pair, dtype=object))
                made[at] = _on_lattice(usable, partial(_overlaid, overlay, *usable))
        return made


def _overlaid(
    overlay: Callable[..., shapely.Geometry], one: shapely.Geometry, other: shapely.Geometry, step: float
) -> shapely.Geometry:
    return overlay(one, other, grid_size=step)


def _on_lattice(
    polygons: NDArray[np.object_], overlay: Callable[[float], shapely.Geometry]
) -> shapely.Geometry:
    reach = float(np.abs(shapely.get_coordinates(polygons)).max(initial=1.0))
    for step in STEPS[:-1]:
        try:
            return overlay(reach * step)
        except shapely.GEOSException:
            continue
    return overlay(reach * STEPS[-1])
