"""Communities as a coverage: overlaps refused, slivers mended, shared edges the same on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.crs import metres_per_unit
from geo.errors import CoverageError
from geo.findings import Finding
from geo.names import shortened
from geo.overlay import intersection, union_all

# Surveyed edges of neighbours differ by centimetres: less ground than this between two is digitising noise.
MAX_SLIVER_M2 = 1.0

# A straight edge of 15 m stays straight to a tenth of a millimetre when it is projected, so that both
# neighbours and the cells inside follow the same line.
MAX_EDGE_M = 15.0


@dataclass(frozen=True)
class Overlap:
    """Two polygons of one layer that share ground."""

    left: int
    right: int
    area_m2: float
    point: tuple[float, float]


def overlaps(polygons: NDArray[np.object_], crs: CRS) -> list[Overlap]:
    """Return the pairs of valid polygons whose interiors meet, with the shared area."""
    tree = shapely.STRtree(polygons)
    left, right = tree.query(polygons, predicate="intersects")
    left, right = left[left < right], right[left < right]
    meeting = ~shapely.touches(polygons[left], polygons[right])
    left, right = left[meeting], right[meeting]
    shared = intersection(polygons[left], polygons[right])
    area = shapely.area(shared)
    found = []
    for at in np.flatnonzero(area > 0):
        point = shapely.point_on_surface(shared[at])
        east_m, north_m = metres_per_unit(crs, point.y)
        found.append(
            Overlap(int(left[at]), int(right[at]), float(area[at]) * east_m * north_m, (point.x, point.y))
        )
    return found


def matched_coverage(
    polygons: NDArray[np.object_], crs: CRS, ids: Sequence[str], *, file: str, layer: str
) -> tuple[NDArray[np.object_], list[Finding]]:
    """Return valid polygons as a coverage whose shared edges have the same vertices on both sides.

    Raises
    ------
    CoverageError
        Two polygons overlap by 1 m2 or more.
    """
    findings = []
    for overlap in overlaps(polygons, crs):
        one, other = ids[overlap.left], ids[overlap.right]
        if overlap.area_m2 >= MAX_SLIVER_M2:
            raise CoverageError(
                "communities_overlap",
                f"communities {shortened(one)} and {shortened(other)} overlap by {overlap.area_m2:.1f} m2",
                mend="correct the boundary between them",
                file=file,
                layer=layer,
                feature=shortened(one),
                one=shortened(one),
                other=shortened(other),
                area_m2=round(overlap.area_m2, 1),
            )
        findings.append(_sliver("sliver_overlap", one, other, overlap.area_m2, overlap.point))
    polygons, filled = _without_small_gaps(polygons, crs, ids)
    findings += filled
    if not findings and shapely.coverage_is_valid(polygons):
        return polygons, findings
    cleaned = shapely.coverage_clean(polygons, merge_strategy="longest_border")
    return np.asarray(cleaned, dtype=object), findings


def _without_small_gaps(
    polygons: NDArray[np.object_], crs: CRS, ids: Sequence[str]
) -> tuple[NDArray[np.object_], list[Finding]]:
    """Give each hole under 1 m2 between several polygons to the one it shares most of its border with."""
    rings = [ring for part in shapely.get_parts(union_all(polygons)) for ring in part.interiors]
    filled, findings = polygons.copy(), []
    for hole in map(shapely.polygons, rings):
        point = shapely.point_on_surface(hole)
        east_m, north_m = metres_per_unit(crs, point.y)
        area_m2 = float(shapely.area(hole)) * east_m * north_m
        if area_m2 >= MAX_SLIVER_M2:
            continue
        around = np.sort(shapely.STRtree(filled).query(hole, predicate="intersects"))
        if len(around) < 2:
            continue  # a hole within one community is its own
        border = shapely.length(
            shapely.intersection(shapely.boundary(filled[around]), shapely.boundary(hole))
        )
        taker = around[int(np.argmax(border))]
        filled[taker] = shapely.union(filled[taker], hole)
        findings.append(_sliver("sliver_gap", ids[around[0]], ids[around[-1]], area_m2, (point.x, point.y)))
    return filled, findings


def _sliver(code: str, one: str, other: str, area_m2: float, point: tuple[float, float]) -> Finding:
    return Finding(
        code,
        "warning",
        community_id=one,
        values={"other": other, "area_m2": round(area_m2, 3)},
        point=point,
    )


def densified(polygons: NDArray[np.object_], crs: CRS, max_edge_m: float = MAX_EDGE_M) -> NDArray[np.object_]:
    """Return polygons with vertices at most `max_edge_m` apart, the same on an edge whichever way it runs.

    Parameters
    ----------
    polygons : (n,) object
        Polygons and multipolygons in `crs`.
    crs : CRS
        In degrees or lengths; the distance is measured at the latitude of each edge.
    max_edge_m : float
        Largest distance in metres.
    """
    kind, coordinates, offsets = shapely.to_ragged_array(_as_multi(polygons))
    del kind
    ring_ends = offsets[0]
    start, end = coordinates[:-1], coordinates[1:]
    inside = np.ones(len(start), dtype=bool)
    inside[ring_ends[1:-1] - 1] = False
    # Each edge is cut from its lower end, so that two neighbours compute the very same numbers.
    forward = (start[:, 0] < end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] <= end[:, 1]))
    low = np.where(forward[:, None], start, end)
    high = np.where(forward[:, None], end, start)
    steps = np.ones(len(start), dtype=np.int64)
    steps[inside] = _steps(low[inside], high[inside], crs, max_edge_m)
    first = np.concatenate([[0], np.cumsum(steps)])
    edge = np.repeat(np.arange(len(start)), steps)
    at = np.arange(first[-1]) - first[edge]
    part = np.where(forward[edge], at, steps[edge] - at)
    share = (part / steps[edge])[:, None]
    cut = low[edge] + (high[edge] - low[edge]) * share
    cut = np.where((part == 0)[:, None], low[edge], np.where((part == steps[edge])[:, None], high[edge], cut))
    made = np.concatenate([cut, coordinates[-1:]])
    ends = first[np.minimum(ring_ends, len(start))]
    ends[-1] = len(made)
    multi = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, made, (ends, *offsets[1:]))
    single = shapely.get_num_geometries(multi) == 1
    made_polygons: NDArray[np.object_] = np.where(single, shapely.get_geometry(multi, 0), multi)
    return made_polygons


def _as_multi(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    parts, owner = shapely.get_parts(polygons, return_index=True)
    return np.asarray(shapely.multipolygons(parts, indices=owner), dtype=object)


def _steps(
    low: NDArray[np.float64], high: NDArray[np.float64], crs: CRS, max_edge_m: float
) -> NDArray[np.int64]:
    offset = high - low
    if crs.is_geographic:
        # The meridian degree is the longest anywhere: 111.7 km; a degree of longitude shrinks with latitude.
        east_m = 111_700.0 * np.cos(np.radians(np.minimum(np.abs(low[:, 1]), np.abs(high[:, 1]))))
        offset = offset * np.stack([east_m, np.full(len(low), 111_700.0)], axis=1)
    else:
        offset = offset * float(crs.axis_info[0].unit_conversion_factor)
    length_m = np.hypot(offset[:, 0], offset[:, 1])
    return np.maximum(1, np.ceil(length_m / max_edge_m)).astype(np.int64)
