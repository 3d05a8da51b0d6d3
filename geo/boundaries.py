"""Arcs to polygons: cells, and micro-grids as unions of cells, with identical vertices on both sides."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.arcs import Arcs
from geo.kernels import kernel

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# Below this many directed arcs following rings interpreted is faster than compiling the loop.
LARGE = 300_000


def region_polygons(
    arcs: Arcs, region_of_cell: IntArray, n_regions: int, *, xy: FloatArray | None = None
) -> NDArray[np.object_]:
    """Return the polygon of each region, a union of cells.

    Parameters
    ----------
    arcs : Arcs
        Borders of the cells.
    region_of_cell : (n_cells,) int64
        Region of each cell, -1 for none.
    n_regions : int
    xy : (p, 2) float64, optional
        Other coordinates for the arcs' points, for example in the CRS of a file.

    Returns
    -------
    (n_regions,) of Polygon or MultiPolygon; None for a region without cells
        Exterior rings run counter-clockwise. Regions together are a coverage: borders of neighbours have
        the same vertices.
    """
    region = np.append(region_of_cell, -1)
    left, right = region[arcs.left], region[arcs.right]
    border = left != right
    start, end, left, right = arcs.start[border], arcs.end[border], left[border], right[border]
    owner = np.concatenate([left, right])
    tail, head = np.concatenate([start, end]), np.concatenate([end, start])
    inside = owner >= 0
    owner, tail, head = owner[inside], tail[inside], head[inside]
    order = np.lexsort((head, tail, owner))
    owner, tail, head = owner[order], tail[order], head[order]
    following = _following_arcs(arcs.xy, owner, tail, head)
    ring, place = ring_order(following, large=len(following) > LARGE)
    order = np.lexsort((place, ring))
    ring = _untied(ring[order], tail[order])
    order = order[np.argsort(ring, kind="stable")]
    ring = np.sort(ring, kind="stable")
    points = (arcs.xy if xy is None else xy)[tail[order]]
    return _assembled(points, ring, owner[order], n_regions)


def _untied(ring: IntArray, point: IntArray) -> IntArray:
    """Renumber rings so that none visits a point twice: a ring of two lobes that meet in a point is two.

    Arcs come ring by ring, in their order round it.
    """
    if not len(ring):
        return ring
    # One number for each visit: rows of two columns take ten times as long to sort.
    visit = ring * (int(point.max()) + 1) + point
    visit.sort()
    again = visit[1:][visit[1:] == visit[:-1]]
    if not len(again):
        return ring
    tied = np.unique(again // (int(point.max()) + 1))
    begins, ends = np.searchsorted(ring, tied), np.searchsorted(ring, tied, side="right")
    ring = ring.copy()
    count = int(ring.max()) + 1
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        trail: list[int] = []
        seen: dict[int, int] = {}
        for arc in range(begin, end):
            if point[arc] in seen:
                start = seen[point[arc]]
                for looped in trail[start:]:
                    ring[looped] = count
                    del seen[point[looped]]
                del trail[start:]
                count += 1
            seen[point[arc]] = len(trail)
            trail.append(arc)
    return ring


def _following_arcs(xy: FloatArray, owner: IntArray, tail: IntArray, head: IntArray) -> IntArray:
    """Return for each directed arc the one that follows on the same ring.

    Where a region touches itself at a point the ring turns right as far as it can: a region whose cells
    are joined along edges then gets a hole that touches its outer ring, as simple features ask.
    """
    n_points = len(xy)
    key = owner * n_points + tail
    wanted = owner * n_points + head
    first = np.searchsorted(key, wanted, side="left")
    last = np.searchsorted(key, wanted, side="right")
    following = first.copy()
    for arc in np.flatnonzero(last - first > 1):
        back = xy[tail[arc]] - xy[head[arc]]
        choices = np.arange(first[arc], last[arc])
        ahead = xy[head[choices]] - xy[head[arc]]
        # Angle from the way back, counter-clockwise: the smallest keeps the outside on the right.
        turn = np.arctan2(
            back[0] * ahead[:, 1] - back[1] * ahead[:, 0], back[0] * ahead[:, 0] + back[1] * ahead[:, 1]
        )
        following[arc] = choices[int(np.argmin(np.where(turn <= 0, turn + 2 * np.pi, turn)))]
    return following


@kernel
def ring_order(following):  # type: ignore[no-untyped-def]
    """Number the cycles of `following` and the place of each arc in its cycle, both (m,)."""
    ring = np.full(len(following), -1, np.int64)
    place = np.zeros(len(following), np.int64)
    count = 0
    for first in range(len(following)):
        if ring[first] >= 0:
            continue
        arc = first
        step = 0
        while ring[arc] < 0:
            ring[arc] = count
            place[arc] = step
            step += 1
            arc = following[arc]
        count += 1
    return ring, place


def _assembled(points: FloatArray, ring: IntArray, owner: IntArray, n_regions: int) -> NDArray[np.object_]:
    sizes = np.bincount(ring) if len(ring) else np.empty(0, np.int64)
    starts = np.cumsum(sizes) - sizes
    ring_owner = owner[starts] if len(ring) else np.empty(0, np.int64)
    closed = np.insert(points, np.cumsum(sizes), points[starts], axis=0) if len(ring) else points
    closed_ring = np.repeat(np.arange(len(sizes)), sizes + 1)
    lines = shapely.linearrings(closed, indices=closed_ring) if len(ring) else np.empty(0, object)
    outer = shapely.is_ccw(lines)
    polygons = np.full(n_regions, None, object)
    shells = np.flatnonzero(outer)
    shells = shells[np.argsort(ring_owner[shells], kind="stable")]
    holes = np.flatnonzero(~outer)
    n_shells = np.bincount(ring_owner[shells], minlength=n_regions)
    simple = n_shells[ring_owner] == 1
    plain = shells[simple[shells]]
    rank = np.full(n_regions, -1)
    rank[ring_owner[plain]] = np.arange(len(plain))
    inner = holes[simple[holes]]
    rings = np.concatenate([plain, inner])
    position = np.concatenate([np.arange(len(plain)), rank[ring_owner[inner]]])
    by_polygon = np.argsort(position, kind="stable")
    if len(plain):
        polygons[ring_owner[plain]] = shapely.polygons(lines[rings[by_polygon]], indices=position[by_polygon])
    for region in np.flatnonzero(n_shells > 1):
        polygons[region] = _multipolygon(
            lines[shells[ring_owner[shells] == region]], lines[holes[ring_owner[holes] == region]]
        )
    return polygons


def _multipolygon(shells: NDArray[np.object_], holes: NDArray[np.object_]) -> shapely.Geometry:
    """Build a region of several parts; each hole goes to the smallest shell that holds it."""
    bodies = shapely.polygons(shells)
    if not len(holes):
        return shapely.multipolygons(bodies)
    inner = shapely.point_on_surface(shapely.polygons(holes))
    home = np.full(len(holes), -1)
    for body in np.argsort(-shapely.area(bodies)):
        home[shapely.contains_properly(bodies[body], inner)] = body
    return shapely.multipolygons(
        [shapely.Polygon(shells[body], list(holes[home == body])) for body in range(len(bodies))]
    )
