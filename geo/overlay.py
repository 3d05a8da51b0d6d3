"""Union, intersection and difference of polygons that nobody drew with an overlay in mind.

Corners that hands or a change of coordinates left a nanometre off an edge make the exact overlay of GEOS
give up. Such ground is noded again on a fine lattice, where the overlay always ends; what GEOS can do
exactly stays as exact as it was. Rarely it is not right and says nothing (ground of -750 m2 was seen): what
cannot be the ground, by its area or its outline, is made on the lattice too, and refused where that is no
better.

References
----------
Hobby, J. D. (1999). Practical segment intersection with finite precision output. Computational Geometry 13.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import CoverageError

# Steps of the lattice as a share of the largest coordinate, the finest first: 4 micrometres, 0.4 mm and
# 4 cm at the 4,000 km of a northing. A double holds 16 digits, and the first step leaves four for noding.
STEPS = (1e-12, 1e-10, 1e-8)
# By this share, or by a square millimetre, an area may be out: doubles, and corners put onto the lattice.
_OUT_BY_SHARE = 1e-6
_OUT_BY_M2 = 1e-6


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
    for join in (shapely.coverage_union_all, shapely.union_all)[0 if is_coverage else 1 :]:
        try:
            joined = join(polygons)
        except shapely.GEOSException:
            continue
        if _is_union(joined, polygons):
            return joined
    polygons = valid_polygons(polygons)
    return _on_lattice(
        polygons, lambda step: shapely.union_all(polygons, grid_size=step),
        lambda made: _is_union(made, polygons),
    )  # fmt: skip


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
    is_sound = _are_shared if overlay is shapely.intersection else _are_left
    try:
        made = np.array(overlay(left, right), dtype=object)
        again = np.flatnonzero(~is_sound(made, left, right))
    except shapely.GEOSException:
        made, again = np.full(len(left), None, dtype=object), np.arange(len(left))
    for at in again.tolist():
        pair = np.array([left[at], right[at]], dtype=object)
        made[at] = _pair_again(overlay, is_sound, pair)
    return made


def _pair_again(overlay: Callable[..., Any], is_sound: Callable[..., Any], pair: NDArray[np.object_]) -> Any:
    try:
        made = overlay(*pair)
        if is_sound(made, *pair):
            return made
    except shapely.GEOSException:
        pass
    usable = valid_polygons(pair)
    return _on_lattice(
        usable, partial(_overlaid, overlay, *usable), lambda made: bool(is_sound(made, *usable))
    )


def _is_union(made: shapely.Geometry, polygons: NDArray[np.object_]) -> bool:
    """Whether an outline is valid and covers no less than the largest of some polygons, no more than all."""
    areas = shapely.area(polygons[~shapely.is_missing(polygons)])
    return bool(_are_between(made, areas.max(initial=0.0), areas.sum(), areas.sum()))


def _are_shared(made: Any, left: Any, right: Any) -> Any:
    """Whether outlines are valid and cover no more than the smaller of two polygons."""
    areas = shapely.area(left), shapely.area(right)
    return _are_between(made, 0.0, np.minimum(*areas), np.maximum(*areas)) | shapely.is_missing(made)


def _are_left(made: Any, left: Any, right: Any) -> Any:
    """Whether outlines are valid and cover, with what two polygons share, the first of them."""
    whole = shapely.area(left)
    least = np.maximum(whole - shapely.area(right), 0.0)
    return _are_between(made, least, whole, np.maximum(whole, shapely.area(right))) | shapely.is_missing(made)


def _are_between(made: Any, least: Any, most: Any, whole: Any) -> Any:
    areas, out_by = shapely.area(made), _OUT_BY_M2 + _OUT_BY_SHARE * np.asarray(whole)
    return (areas >= least - out_by) & (areas <= most + out_by) & shapely.is_valid(made)


def _overlaid(
    overlay: Callable[..., shapely.Geometry], one: shapely.Geometry, other: shapely.Geometry, step: float
) -> shapely.Geometry:
    return overlay(one, other, grid_size=step)


def _on_lattice(
    polygons: NDArray[np.object_],
    overlay: Callable[[float], shapely.Geometry],
    is_sound: Callable[[shapely.Geometry], bool],
) -> shapely.Geometry:
    reach = float(np.abs(shapely.get_coordinates(polygons)).max(initial=1.0))
    for step in STEPS:
        try:
            made = overlay(reach * step)
        except shapely.GEOSException:
            continue
        # On the coarsest lattice corners move so far that slivers change their area; they stay valid.
        if is_sound(made) or (step == STEPS[-1] and made.is_valid and made.area >= 0):
            return made
    box = shapely.total_bounds(polygons)
    x, y = round(float(box[0] + box[2]) / 2), round(float(box[1] + box[3]) / 2)
    raise CoverageError(
        "overlay_unsound", f"the ground near {x} {y} cannot be laid over another without error",
        mend="draw the borders there anew", x=x, y=y,
    )  # fmt: skip
