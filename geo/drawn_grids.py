"""Grids drawn by others: which unit lies in which, and where the drawing overlaps or leaves gaps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.findings import Finding, Value
from geo.overlay import difference, intersection, union_all, valid_polygons
from geo.remedies import Remedy

# Smaller overlaps and gaps are slivers of digitising, as between the communities of one layer.
MIN_AREA_M2 = 1.0
# Pieces thinner than this on average are slivers too, however long: two hands tracing one street.
MIN_WIDTH_M = 0.5

# A border drawn along the kerb, not along the middle of a residential street, lies this far off.
STREET_WIDTH_M = 5.0

_REDRAW = Remedy("none", reason="redraw")


@dataclass(frozen=True)
class DrawnGrids:
    """Units placed in drawn grids.

    Attributes
    ----------
    grid_ids : (n,) object
        Grid of each unit; None where it lies in none.
    empty : dict of grid id to None
        Grids that hold no unit.
    findings : tuple of Finding
        `unit_in_two_grids` and `unit_on_grid_border` (one for all units of the same grids),
        `grids_overlap` (one for each pair, with the area),
        `grids_gap` (one for each community, with number and area).
    """

    grid_ids: NDArray[np.object_]
    empty: dict[str, None]
    findings: tuple[Finding, ...]


def grids_from_polygons(
    units: NDArray[np.object_],
    unit_ids: NDArray[np.object_],
    polygons: NDArray[np.object_],
    polygon_ids: NDArray[np.object_],
    *,
    communities: NDArray[np.object_] | None = None,
    community_ids: NDArray[np.object_] | None = None,
) -> DrawnGrids:
    """Place units in drawn grids and look for overlaps and gaps between these.

    A unit belongs to the grid that holds its inner point. Where several do, it belongs to the one its
    footprint overlaps most, at equal overlap to the one of the smallest id, and a finding says so.

    Parameters
    ----------
    units : (n,) object
        Points or footprints in metres; None for a unit without geometry, which lies in no grid.
    unit_ids : (n,) object
        Their ids as text.
    polygons, polygon_ids : (k,) object
        The drawn grids; several polygons of one id are one grid.
    communities, community_ids : (c,) object, optional
        Polygons that the grids should cover. Without them only what grids enclose is looked at for gaps.

    Returns
    -------
    DrawnGrids
    """
    names, shapes = _dissolved(polygons, polygon_ids)
    placed, findings = _placed(units, unit_ids, shapes, names)
    unmatched = _unmatched(shapes)
    findings += _overlaps(shapes, names, unmatched)
    findings += _gaps(shapes, communities, community_ids, is_coverage=not len(unmatched))
    held = set(placed.tolist())
    return DrawnGrids(placed, {name: None for name in names if name not in held}, tuple(findings))


def grids_reaching_over(
    polygons: NDArray[np.object_],
    polygon_ids: NDArray[np.object_],
    communities: NDArray[np.object_],
    community_ids: NDArray[np.object_],
    *,
    at_home: Collection[tuple[str | None, str | None]],
) -> list[Finding]:
    """Tell of grids drawn over ground of a community that is not theirs.

    Parameters
    ----------
    polygons, polygon_ids : (k,) object
        The drawn grids in metres; several polygons of one id are one grid.
    communities, community_ids : (c,) object
        Polygons of the communities and their ids.
    at_home : collection of (grid id, community id)
        Where each grid belongs, or has units, which is told as `spans_communities`.

    Returns
    -------
    list of Finding
        `grid_reaches_over`, one for each such grid and community, with the area. Strips that are on
        average narrower than 5 m do not count: that is how far hands trace one street apart.
    """
    names, shapes = _dissolved(polygons, polygon_ids)
    grid, community = shapely.STRtree(communities).query(shapes, predicate="intersects")
    away = [
        (names[one], community_ids[other]) not in at_home for one, other in zip(grid, community, strict=True)
    ]
    grid, community = grid[away], community[away]
    pairs = zip(grid, community, intersection(shapes[grid], communities[community]), strict=True)
    found = []
    for one, other, shared in sorted(pairs, key=lambda pair: (names[pair[0]], str(community_ids[pair[1]]))):
        parts = shapely.get_parts(shared)
        area_m2 = shapely.area(parts)
        parts = parts[(area_m2 > MIN_AREA_M2) & ~_thin(parts, STREET_WIDTH_M)]
        if not len(parts):
            continue
        values = {
            "other_community_id": community_ids[other],
            "area_m2": round(float(shapely.area(parts).sum()), 1),
            **_REDRAW.values(),
        }
        largest = parts[int(np.argmax(shapely.area(parts)))]
        point = _xy(shapely.point_on_surface(largest))
        found.append(Finding("grid_reaches_over", "warning", grid_id=names[one], values=values, point=point))
    return found


def _dissolved(
    polygons: NDArray[np.object_], polygon_ids: NDArray[np.object_]
) -> tuple[list[str], NDArray[np.object_]]:
    """Return one valid polygon for each id, ids ascending."""
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(polygon_ids):
        rows_of.setdefault(name, []).append(row)
    valid = valid_polygons(polygons)
    names = sorted(rows_of)
    shapes = np.empty(len(names), dtype=object)
    for place, name in enumerate(names):
        rows = rows_of[name]
        shapes[place] = valid[rows[0]] if len(rows) == 1 else union_all(valid[rows])
    return names, shapes


def _placed(
    units: NDArray[np.object_], unit_ids: NDArray[np.object_], shapes: NDArray[np.object_], names: list[str]
) -> tuple[NDArray[np.object_], list[Finding]]:
    points = shapely.point_on_surface(units)
    placed = np.full(len(units), None, dtype=object)
    unit, grid = shapely.STRtree(shapes).query(points, predicate="intersects")
    order = np.lexsort((grid, unit))
    unit, grid = unit[order], grid[order]
    once = np.ones(len(unit), dtype=bool)
    once[1:] &= unit[1:] != unit[:-1]
    once[:-1] &= unit[1:] != unit[:-1]
    name_of = np.array([*names, None], dtype=object)
    placed[unit[once]] = name_of[grid[once]]
    told: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for several in np.split(np.flatnonzero(~once), np.flatnonzero(np.diff(unit[~once])) + 1):
        if not len(several):
            continue
        at = int(unit[several[0]])
        candidates = grid[several]
        holding = candidates[shapely.contains_properly(shapes[candidates], points[at])]
        if len(holding) == 1:
            placed[at] = names[holding[0]]
            continue
        if len(holding):
            candidates = holding
        overlap_m2 = shapely.area(
            intersection(shapes[candidates], np.repeat(units[at : at + 1], len(candidates)))
        )
        placed[at] = names[candidates[np.argmax(overlap_m2)]]
        code = "unit_in_two_grids" if len(holding) else "unit_on_grid_border"
        told.setdefault((code, placed[at], tuple(names[other] for other in candidates)), []).append(at)
    findings = [
        Finding(
            code,
            "error" if code == "unit_in_two_grids" else "warning",
            grid_id=chosen,
            unit_ids=tuple(unit_ids[at] for at in found),
            values={"grids": list(grids), "units": len(found), **_REDRAW.values()},
            point=_xy(points[found[0]]),
        )
        for (code, chosen, grids), found in sorted(told.items())
    ]
    return placed, findings


def _unmatched(shapes: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the grids with an edge that lies in another or does not match it; a clean drawing has none."""
    usable = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    unmatched = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes[usable]))
    return np.asarray(usable[unmatched], dtype=np.int64)


def _overlaps(shapes: NDArray[np.object_], names: list[str], unmatched: NDArray[np.int64]) -> list[Finding]:
    first, second = shapely.STRtree(shapes).query(shapes[unmatched], predicate="intersects")
    first = unmatched[first]
    pairs = np.column_stack([np.minimum(first, second), np.maximum(first, second)])
    left, right = np.unique(pairs[first != second], axis=0).T
    common = intersection(shapes[left], shapes[right])
    area_m2 = shapely.area(common)
    kept = np.flatnonzero((area_m2 > MIN_AREA_M2) & ~_thin(common))
    return [
        Finding(
            "grids_overlap",
            "error",
            grid_id=names[left[pair]],
            values={
                "other_grid_id": names[right[pair]],
                "area_m2": round(float(area_m2[pair]), 1),
                **_REDRAW.values(),
            },
            point=_xy(shapely.point_on_surface(common[pair])),
        )
        for pair in kept
    ]


def _gaps(
    shapes: NDArray[np.object_],
    communities: NDArray[np.object_] | None,
    community_ids: NDArray[np.object_] | None,
    *,
    is_coverage: bool,
) -> list[Finding]:
    findings = []
    if communities is None or community_ids is None or not len(communities):
        covered = union_all(shapes[~shapely.is_missing(shapes)], is_coverage=is_coverage)
        outlines = shapely.get_parts(covered)
        outlines = outlines[shapely.get_type_id(outlines) == shapely.GeometryType.POLYGON]
        holes = [ring for outline in outlines for ring in outline.interiors]
        return _gap(None, shapely.polygons(np.array(holes, dtype=object)) if holes else ())
    tree = shapely.STRtree(shapes)
    for community, name in sorted(
        zip(communities, community_ids, strict=True), key=lambda pair: str(pair[1])
    ):
        if community is None or community.is_empty:
            continue
        covered = union_all(shapes[tree.query(community, predicate="intersects")], is_coverage=is_coverage)
        findings += _gap(name, shapely.get_parts(difference(community, covered)))
    return findings


def _gap(community_id: str | None, pieces: Iterable[shapely.Geometry]) -> list[Finding]:
    """Return one finding for all gaps of a community, or none."""
    open_ = np.array(list(pieces), dtype=object)
    if not len(open_):
        return []
    area_m2 = shapely.area(open_)
    real = (area_m2 > MIN_AREA_M2) & ~_thin(open_)
    if not real.any():
        return []
    open_, area_m2 = open_[real], area_m2[real]
    largest = int(np.argmax(area_m2))
    values: dict[str, Value] = {
        "gaps": len(open_),
        "area_m2": round(float(area_m2.sum()), 1),
        "largest_m2": round(float(area_m2[largest]), 1),
    }
    return [
        Finding(
            "grids_gap",
            "warning",
            community_id,
            values={**values, **_REDRAW.values()},
            point=_xy(shapely.point_on_surface(open_[largest])),
        )
    ]


def _thin(shapes: NDArray[np.object_], width_m: float = MIN_WIDTH_M) -> NDArray[np.bool_]:
    """Tell which shapes are slivers: their mean width is twice the area over the perimeter."""
    return np.asarray(2 * shapely.area(shapes) < width_m * shapely.length(shapes), dtype=bool)


def _xy(point: shapely.Geometry) -> tuple[float, float]:
    return float(point.x), float(point.y)
