"""Walking time: who reaches a station in how many minutes, by the streets and not by a circle.

References
----------
GB 50180-2018 sets circles of 5 and 15 minutes; 15 minutes are taken there for about a kilometre.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo.paths import Connectors, FloatArray, IntArray, Paths

# Fifteen minutes are a kilometre at this speed.
METRES_PER_MINUTE = 4000 / 60
# Starts that are searched from at a time: each holds the distances to every node.
_BATCH = 64


@dataclass(frozen=True)
class Reach:
    """The nearest station of each door.

    Attributes
    ----------
    minutes : (n,) float64
        On foot to the nearest station; infinite where none is reached.
    station : (n,) int64
        Its number, -1 where none is reached.
    within : (s,) list of int64 arrays
        For each station, the doors from which it is reached within the limit, nearest or not.
    unconnected : (u,) int64
        Doors that no way leads to.
    stations_unconnected : (t,) int64
        Stations that no way leads to.
    is_straight : bool
        Whether the times are those of a straight line, for want of streets.
    """

    minutes: FloatArray
    station: IntArray
    within: list[IntArray]
    unconnected: IntArray
    stations_unconnected: IntArray
    is_straight: bool


@dataclass(frozen=True)
class Walks:
    """Walks from starts to doors, none longer than a limit.

    Attributes
    ----------
    doors : (s,) list of int64 arrays
        For each start the doors it reaches, ascending.
    metres : (s,) list of float64 arrays
        How far each of them is.
    unconnected : (u,) int64
        Doors that no way leads to.
    starts_unconnected : (t,) int64
        Starts that no way leads to.
    is_straight : bool
        Whether they are straight lines, for want of streets.
    """

    doors: list[IntArray]
    metres: list[FloatArray]
    unconnected: IntArray
    starts_unconnected: IntArray
    is_straight: bool


def reach(
    doors: FloatArray,
    stations: FloatArray,
    paths: Paths | None,
    *,
    limit_minutes: float,
    metres_per_minute: float = METRES_PER_MINUTE,
) -> Reach:
    """Time the walk from every door to its nearest station.

    Parameters
    ----------
    doors : (n, 2) float64
        In the CRS of `paths`, metres; NaN for a place that is not known.
    stations : (s, 2) float64
        Entrances of the stations that are open.
    paths : Paths or None
        None: as the crow flies, which only a label may be told from.
    limit_minutes : float
        Walks longer than this are not looked at.
    metres_per_minute : float
        Walking speed.
    """
    found = walks(doors, stations, paths, limit_m=limit_minutes * metres_per_minute)
    metres = np.full(len(doors), np.inf)
    nearest = np.full(len(doors), -1)
    for station, (reached, far) in enumerate(zip(found.doors, found.metres, strict=True)):
        nearer = far < metres[reached]
        metres[reached[nearer]] = far[nearer]
        nearest[reached[nearer]] = station
    return Reach(
        metres / metres_per_minute, nearest, found.doors, found.unconnected, found.starts_unconnected,
        found.is_straight,
    )  # fmt: skip


def walks(doors: FloatArray, starts: FloatArray, paths: Paths | None, *, limit_m: float) -> Walks:
    """Measure the walks from each start to every door within a limit.

    Whoever would pass the other's door before the street does not go by the street: where a start and a door
    are no further apart than one of them is from its street, the straight way between them counts, unless a
    wall or water cuts it.

    Parameters
    ----------
    doors : (n, 2) float64
        In the CRS of `paths`, metres; NaN for a place that is not known.
    starts : (s, 2) float64
    paths : Paths or None
        None: as the crow flies.
    limit_m : float
        Longer walks are not looked at.
    """
    known = np.flatnonzero(~np.isnan(doors).any(axis=1))
    reached: list[IntArray] = [np.empty(0, np.int64) for _ in starts]
    metres: list[FloatArray] = [np.empty(0) for _ in starts]
    if paths is None or not len(starts):
        if len(starts) and len(known):
            near = cKDTree(doors[known]).query_ball_point(starts, limit_m, return_sorted=True)
            for start, places in enumerate(near):
                reached[start] = known[np.asarray(places, np.int64)]
                metres[start] = np.hypot(*(doors[reached[start]] - starts[start]).T)
        lost = np.setdiff1d(np.arange(len(doors)), known)
        return Walks(reached, metres, lost, np.empty(0, np.int64), paths is None)
    from_doors, from_starts = paths.connectors(doors[known]), paths.connectors(starts)
    connected = np.unique(from_starts.door)
    ways = paths.ways_from(from_starts)
    node, door, last_m = ways.into(from_doors)
    first = np.searchsorted(node, np.arange(ways.metres.shape[0] + 1))
    beside = _beside(doors[known], starts, from_doors, from_starts, paths)
    for start, nodes, far in _searched(ways.metres, ways.start_nodes, connected, limit_m):
        steps = _ranges(first[nodes], first[nodes + 1])
        nearest = np.full(len(known), np.inf)
        np.minimum.at(nearest, door[steps], np.repeat(far, first[nodes + 1] - first[nodes]) + last_m[steps])
        direct, straight_m = beside[start]
        nearest[direct] = np.minimum(nearest[direct], straight_m)
        inside = np.flatnonzero(nearest <= limit_m)
        reached[start], metres[start] = known[inside], nearest[inside]
    lost = np.setdiff1d(np.arange(len(doors)), known[np.unique(from_doors.door)])
    return Walks(reached, metres, lost, np.setdiff1d(np.arange(len(starts)), connected), is_straight=False)


def _beside(
    doors: FloatArray, starts: FloatArray, from_doors: Connectors, from_starts: Connectors, paths: Paths
) -> list[tuple[IntArray, FloatArray]]:
    """Return of each start the doors that are nearer than the street of either, and how far they are."""
    near_doors, near_starts = shapely.points(doors), shapely.points(starts)
    door, start = shapely.STRtree(near_starts).query(
        near_doors, predicate="dwithin", distance=_to_street(from_doors)
    )
    more_starts, more_doors = shapely.STRtree(near_doors).query(
        near_starts, predicate="dwithin", distance=_to_street(from_starts)
    )
    pairs = np.stack([np.concatenate([start, more_starts]), np.concatenate([door, more_doors])], axis=1)
    connected = np.isin(pairs[:, 0], from_starts.door) & np.isin(pairs[:, 1], from_doors.door)
    start, door = np.unique(pairs[connected], axis=0).T
    free = ~paths.obstacles.cut(starts[start], doors[door])
    start, door = start[free], door[free]
    metres = np.hypot(*(doors[door] - starts[start]).T)
    bounds = np.searchsorted(start, np.arange(len(starts) + 1))
    return [(door[begin:end], metres[begin:end]) for begin, end in pairwise(bounds)]


def _to_street(places: Connectors) -> FloatArray:
    """Return how far each place is from the nearest street that it is joined to; 0 where there is none."""
    metres = np.full(places.n, np.inf)
    np.minimum.at(metres, places.door, places.length_m)
    return np.where(np.isfinite(metres), metres, 0.0)


def _searched(
    metres: csr_matrix, start_nodes: IntArray, starts: IntArray, limit_m: float
) -> Iterator[tuple[int, IntArray, FloatArray]]:
    """Yield of each start the nodes within the limit, and how far they are."""
    for begin in range(0, len(starts), _BATCH):
        batch = starts[begin : begin + _BATCH]
        found = np.atleast_2d(dijkstra(metres, indices=start_nodes[batch], limit=limit_m))
        for start, row in zip(batch.tolist(), found, strict=True):
            nodes = np.flatnonzero(np.isfinite(row))
            yield start, nodes, row[nodes]


def _ranges(begin: IntArray, end: IntArray) -> IntArray:
    """Return the whole numbers of several ranges, one after another."""
    count = end - begin
    shift = np.repeat(begin - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    made: IntArray = np.arange(int(count.sum())) + shift
    return made
