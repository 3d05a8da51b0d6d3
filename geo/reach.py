"""Walking time: who reaches a station in how many minutes, by the streets and not by a circle.

References
----------
GB 50180-2018 sets circles of 5 and 15 minutes; 15 minutes are taken there for about a kilometre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo.paths import FloatArray, IntArray, Paths

# Fifteen minutes are a kilometre at this speed.
METRES_PER_MINUTE = 4000 / 60
# Sources that are searched from at a time: each holds the distances to every node.
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
    known = np.flatnonzero(~np.isnan(doors).any(axis=1))
    limit_m = limit_minutes * metres_per_minute
    metres = np.full(len(doors), np.inf)
    nearest = np.full(len(doors), -1)
    if paths is None or not len(stations):
        within = _straight(doors, stations, known, limit_m, metres, nearest)
        lost = np.setdiff1d(np.arange(len(doors)), known)
        return Reach(metres / metres_per_minute, nearest, within, lost, np.empty(0, np.int64), paths is None)
    from_doors, from_stations = paths.connectors(doors[known]), paths.connectors(stations)
    graph, station_nodes, door_nodes = paths.graph(from_stations, from_doors)
    connected = np.unique(from_stations.door)
    within = [np.empty(0, np.int64) for _ in stations]
    for begin in range(0, len(connected), _BATCH):
        batch = connected[begin : begin + _BATCH]
        found = dijkstra(graph, indices=station_nodes[batch], limit=limit_m)[:, door_nodes]
        for row, station in enumerate(batch):
            within[station] = known[np.flatnonzero(np.isfinite(found[row]))]
        closest = np.argmin(found, axis=0)
        best = found[closest, np.arange(len(known))]
        nearer = best < metres[known]
        metres[known[nearer]] = best[nearer]
        nearest[known[nearer]] = batch[closest[nearer]]
    lost = np.setdiff1d(np.arange(len(doors)), known[np.unique(from_doors.door)])
    return Reach(
        metres / metres_per_minute, nearest, within, lost,
        np.setdiff1d(np.arange(len(stations)), connected), is_straight=False,
    )  # fmt: skip


def _straight(
    doors: FloatArray,
    stations: FloatArray,
    known: IntArray,
    limit_m: float,
    metres: FloatArray,
    nearest: IntArray,
) -> list[IntArray]:
    if not len(stations) or not len(known):
        return [np.empty(0, np.int64) for _ in stations]
    found, number = cKDTree(stations).query(doors[known])
    distance, station = np.asarray(found), np.asarray(number)
    inside = distance <= limit_m
    metres[known[inside]], nearest[known[inside]] = distance[inside], station[inside]
    return [known[np.sort(near)] for near in cKDTree(doors[known]).query_ball_point(stations, limit_m)]
