"""Ways on foot: a network of streets and paths that walls, water and barriers cut where nothing leads across.

Streets are noded with what cuts them, so that a street that meets a wall ends there, unless a gate is near.
A bridge passes over all it crosses and meets other streets only where they share a vertex. Doors are joined
to the streets by straight connectors that no wall and no water crosses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from geo.adjacency import PASSAGE_M, Crossing
from geo.linework import STEPS_PER_M, Linework, noded, segments

# A door further from every street than this is told as not connected.
FARTHEST_M = 300.0
# Streets are looked for within these distances of a door, a nearer one first, and so many of the nearest
# in each: behind a wall the nearest streets are those on its other side.
_SEARCHES = ((40.0, 12), (120.0, 60), (FARTHEST_M, 1 << 30))
# So many connectors join a door to each network of streets: one may lead the wrong way.
_CONNECTORS = 3
# Streets that lead no further than this in all are a yard's: a door onto them is joined to others too.
_YARD_M = 600.0
# A connector ends this far from the end of a street that a wall cuts, so that it is clear on which side.
_OFF_WALL_M = 0.05

# Bits of a segment beyond those of `geo.adjacency.Crossing`, `geo.linework` and each other.
_PATH, _BRIDGE = 256, 512
_WALL = int(Crossing.WALL)
_WATER = int(Crossing.WATER)
_CUTS = _WALL | _WATER

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Obstacles:
    """What cannot be walked through: segments, and the gates that open walls.

    Attributes
    ----------
    walls, water : (m, 2, 2) float64
        Segments of walls and barriers, and of the edges of water, in metres.
    gates : (g, 2) float64
        A wall is open within PASSAGE_M of one.
    """

    walls: FloatArray = field(default_factory=lambda: np.empty((0, 2, 2)))
    water: FloatArray = field(default_factory=lambda: np.empty((0, 2, 2)))
    gates: FloatArray = field(default_factory=lambda: np.empty((0, 2)))

    @cached_property
    def _solid(self) -> shapely.STRtree:
        """Walls without their openings, and water."""
        walls, water = shapely.linestrings(self.walls), shapely.linestrings(self.water)
        if len(walls) and len(self.gates):
            wall, gate = shapely.STRtree(walls).query(
                shapely.points(self.gates), predicate="dwithin", distance=PASSAGE_M
            )[::-1]
            order = np.argsort(wall, kind="stable")
            wall, gate = wall[order], gate[order]
            opened, first = np.unique(wall, return_index=True)
            openings = (
                [
                    shapely.union_all(
                        shapely.buffer(shapely.points(self.gates[near]), PASSAGE_M, quad_segs=32)
                    )
                    for near in np.split(gate, first[1:])
                ]
                if len(opened)
                else []
            )
            walls[opened] = shapely.difference(walls[opened], np.array(openings, object))
        return shapely.STRtree(np.concatenate([walls, water]))

    @cached_property
    def _gate_tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.points(self.gates))

    def is_gated(self, spots: FloatArray) -> NDArray[np.bool_]:
        """Return which spots, (n, 2), lie within PASSAGE_M of a gate."""
        gated = np.zeros(len(spots), bool)
        if len(self.gates) and len(spots):
            gated[
                self._gate_tree.query(shapely.points(spots), predicate="dwithin", distance=PASSAGE_M)[0]
            ] = True
        return gated

    def cut(self, start: FloatArray, end: FloatArray) -> NDArray[np.bool_]:
        """Return which straight ways, (n, 2) to (n, 2), water or a wall without a gate cuts."""
        blocked = np.zeros(len(start), bool)
        if len(start):
            ways = shapely.linestrings(np.stack([start, end], axis=1))
            blocked[self._solid.query(ways, predicate="intersects")[0]] = True
        return blocked


@dataclass(frozen=True)
class Paths:
    """Streets and paths as they can be walked.

    Attributes
    ----------
    xy : (v, 2) float64
        Vertices in metres; on a wall there is one for each side of it.
    ends : (e, 2) int64
        Vertices of each edge.
    obstacles : Obstacles
    is_cut : (v,) bool
        Whether the vertex lies on a wall or on water that the street does not cross.
    is_bridge : (e,) bool
        No door opens onto a bridge.
    """

    xy: FloatArray
    ends: IntArray
    obstacles: Obstacles
    is_cut: NDArray[np.bool_]
    is_bridge: NDArray[np.bool_]

    @cached_property
    def length_m(self) -> FloatArray:
        """Length of each edge, (e,)."""
        run = self.xy[self.ends[:, 1]] - self.xy[self.ends[:, 0]]
        return np.hypot(run[:, 0], run[:, 1])

    @cached_property
    def _network(self) -> IntArray:
        """The network that each edge belongs to, (e,)."""
        n = len(self.xy)
        links = csr_matrix(
            (np.ones(len(self.ends), np.int8), (self.ends[:, 0], self.ends[:, 1])), shape=(n, n)
        )
        _, label = connected_components(links, directed=False)
        return label.astype(np.int64)[self.ends[:, 0]]

    @cached_property
    def _leads_on(self) -> NDArray[np.bool_]:
        """Whether the network of an edge is more than a yard's, (e,)."""
        return np.bincount(self._network, weights=self.length_m)[self._network] > _YARD_M

    @cached_property
    def _on_ground(self) -> IntArray:
        return np.flatnonzero(~self.is_bridge)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.linestrings(self.xy[self.ends[self._on_ground]]))

    def connectors(self, doors: FloatArray) -> Connectors:
        """Join doors, (n, 2) in metres, to the streets near them."""
        found: list[tuple[IntArray, IntArray, FloatArray, FloatArray]] = []
        waiting = np.arange(len(doors))
        for radius, most in _SEARCHES:
            if not len(waiting) or not len(self._on_ground):
                break
            place, edge, offset, distance = self._near(doors[waiting], radius, most)
            foot = self._spot(edge, offset)
            free = ~self.obstacles.cut(doors[waiting][place], foot)
            place, edge, offset, distance = place[free], edge[free], offset[free], distance[free]
            # Some of each network, so that a yard does not hide the street behind it.
            order = np.lexsort((edge, distance, self._network[edge], place))
            order = order[
                _first_of_each(place[order] * len(self.xy) + self._network[edge[order]], _CONNECTORS)
            ]
            place, edge, offset, distance = place[order], edge[order], offset[order], distance[order]
            found.append((waiting[place], edge, offset, distance))
            waiting = np.delete(waiting, np.unique(place[self._leads_on[edge]]))
        columns = [np.concatenate(column) for column in zip(*found, strict=True)] if found else []
        if not columns:
            columns = [np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0)]
        door, edge, offset, distance = columns
        # A door that was looked at again found the same streets once more.
        order = np.lexsort((edge, door))
        order = order[_first_of_each(door[order] * len(self.ends) + edge[order], 1)]
        return Connectors(len(doors), door[order], edge[order], offset[order], distance[order])

    def ways_from(self, starts: Connectors) -> Ways:
        """Return the network with starts joined to it; none leads into one: nobody walks through a house."""
        n_edges, first = len(self.ends), len(self.xy) + len(starts.edge)
        feet = len(self.xy) + np.arange(len(starts.edge))
        # Each edge from its begin over the feet on it to its end.
        owner = np.concatenate([np.arange(n_edges), starts.edge, np.arange(n_edges)])
        along = np.concatenate([np.full(n_edges, -1.0), starts.offset_m, np.full(n_edges, np.inf)])
        node = np.concatenate([self.ends[:, 0], feet, self.ends[:, 1]])
        place = np.concatenate([np.zeros(n_edges), starts.offset_m, self.length_m])
        order = np.lexsort((along, owner))
        owner, node, place = owner[order], node[order], place[order]
        follows = np.flatnonzero(owner[1:] == owner[:-1])
        one, other, metres = node[follows], node[follows + 1], place[follows + 1] - place[follows]
        start_nodes = first + np.arange(starts.n)
        matrix = _shortest(
            np.concatenate([one, other, start_nodes[starts.door]]),
            np.concatenate([other, one, feet]),
            np.concatenate([metres, metres, starts.length_m]),
            first + starts.n,
        )
        return Ways(matrix, start_nodes, owner[follows], place[follows], place[follows + 1], one, other)

    def _near(
        self, doors: FloatArray, radius: float, most: int
    ) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        place, edge = self._tree.query(shapely.points(doors), predicate="dwithin", distance=radius)
        edge = self._on_ground[edge]
        start, end = self.xy[self.ends[edge, 0]], self.xy[self.ends[edge, 1]]
        run, length = end - start, self.length_m[edge]
        offset = ((doors[place] - start) * run).sum(axis=1) / length
        off = np.minimum(_OFF_WALL_M, length / 2)
        low = np.where(self.is_cut[self.ends[edge, 0]], off, 0.0)
        high = np.where(self.is_cut[self.ends[edge, 1]], length - off, length)
        offset = np.clip(offset, low, high)
        gap = doors[place] - (start + run * (offset / length)[:, None])
        distance = np.hypot(gap[:, 0], gap[:, 1])
        order = np.lexsort((edge, distance, place))
        order = order[_first_of_each(place[order], most)]
        return place[order], edge[order], offset[order], distance[order]

    def _spot(self, edge: IntArray, offset: FloatArray) -> FloatArray:
        start, end = self.xy[self.ends[edge, 0]], self.xy[self.ends[edge, 1]]
        spots: FloatArray = start + (end - start) * (offset / self.length_m[edge])[:, None]
        return spots


@dataclass(frozen=True)
class Connectors:
    """Straight ways from doors to streets.

    Attributes
    ----------
    n : int
        Number of doors; those without a connector cannot be reached.
    door, edge : (c,) int64
    offset_m, length_m : (c,) float64
        Where along the edge the connector ends, and its own length.
    """

    n: int
    door: IntArray
    edge: IntArray
    offset_m: FloatArray
    length_m: FloatArray


@dataclass(frozen=True)
class Ways:
    """The network with starts joined to it.

    Attributes
    ----------
    metres : csr_matrix
        From node to node: the vertices, the feet of the starts' connectors, the starts.
    start_nodes : (starts.n,) int64
    edge, begin_m, end_m, tail, head : (p,) arrays
        Stretches of the edges between feet, in the order of the edges and along them: where they begin and
        end, and the nodes there.
    """

    metres: csr_matrix
    start_nodes: IntArray
    edge: IntArray
    begin_m: FloatArray
    end_m: FloatArray
    tail: IntArray
    head: IntArray

    def into(self, doors: Connectors) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the last steps into doors: from which node, into which door, how many metres; by node.

        Doors are no nodes of the network: that would make it many times as large.
        """
        # Each connector stands on the last stretch that begins before it.
        edge = np.concatenate([self.edge, doors.edge])
        along = np.concatenate([self.begin_m, doors.offset_m])
        is_door = np.arange(len(edge)) >= len(self.edge)
        order = np.lexsort((is_door, along, edge))
        stretch = np.empty(len(edge), np.int64)
        stretch[order] = np.cumsum(~is_door[order]) - 1
        on = stretch[len(self.edge) :]
        node = np.concatenate([self.tail[on], self.head[on]])
        metres = np.concatenate(
            [
                doors.offset_m - self.begin_m[on] + doors.length_m,
                self.end_m[on] - doors.offset_m + doors.length_m,
            ]
        )
        door = np.concatenate([doors.door, doors.door])
        order = np.argsort(node, kind="stable")
        return node[order], door[order], np.maximum(metres[order], 0.0)


def walkable(
    streets: NDArray[np.object_],
    *,
    is_bridge: NDArray[np.bool_] | None = None,
    walls: NDArray[np.object_] | None = None,
    water: NDArray[np.object_] | None = None,
    gates: NDArray[np.object_] | None = None,
) -> Paths:
    """Node streets and paths, and cut them where walls and water stand in the way.

    Parameters
    ----------
    streets : (n,) of LineString or MultiLineString
        In one CRS in metres. Surfaces are left out: they have no direction.
    is_bridge : (n,) bool, optional
        Which pass over what they cross (tunnels pass under it alike).
    walls, water : arrays of lines and polygons, optional
        Of polygons the outline cuts.
    gates : array of Point, optional
        Open the walls within PASSAGE_M; water they do not open.
    """
    lines = np.isin(shapely.get_type_id(streets), (1, 5))
    over = np.zeros(len(streets), bool) if is_bridge is None else is_bridge
    ground, bridges = segments(streets[lines & ~over]), segments(streets[lines & over])
    obstacles = Obstacles(
        segments(_some(walls)), segments(_some(water)), shapely.get_coordinates(_some(gates))
    )
    every = np.concatenate([ground, bridges, obstacles.walls, obstacles.water]).reshape(-1, 2)
    x, y = np.round(every.mean(axis=0)) if len(every) else (0.0, 0.0)
    stops = _stops(streets[lines & over])
    work = noded(
        [
            (ground, np.full(len(ground), _PATH)),
            (obstacles.walls, np.full(len(obstacles.walls), _WALL)),
            (obstacles.water, np.full(len(obstacles.water), _WATER)),
        ],
        stops,
        origin=(float(x), float(y)),
        longest_m=np.inf,
    )
    return _cut(*_with_bridges(work, bridges, stops), obstacles)


def _some(shapes: NDArray[np.object_] | None) -> NDArray[np.object_]:
    return np.empty(0, object) if shapes is None else shapes


def _stops(bridges: NDArray[np.object_]) -> FloatArray:
    """Return where bridges begin and end, (s, 2): there they meet the streets they touch."""
    parts = shapely.get_parts(bridges)
    ends = [shapely.get_point(parts, 0), shapely.get_point(parts, -1)]
    return shapely.get_coordinates(np.concatenate(ends)) if len(parts) else np.empty((0, 2))


def _with_bridges(
    work: Linework, bridges: FloatArray, stops: FloatArray
) -> tuple[FloatArray, IntArray, IntArray]:
    """Add bridges to noded lines: they share vertices with them, and cross them without any."""
    corners = np.rint((bridges.reshape(-1, 2) - np.asarray(work.origin)) * STEPS_PER_M).astype(np.int64)
    # Noding may have moved an end by as much as it snaps.
    where = np.rint((stops - np.asarray(work.origin)) * STEPS_PER_M).astype(np.int64)
    moved = {tuple(spot): vertex for spot, vertex in zip(where.tolist(), work.sites.tolist(), strict=True)}
    places, position = np.unique(np.concatenate([work.xy, corners]), axis=0, return_inverse=True)
    position = position.ravel()
    own = position[: len(work.xy)]
    corner = position[len(work.xy) :]
    for i, spot in enumerate(corners.tolist()):
        vertex = moved.get(tuple(spot))
        if vertex is not None:
            corner[i] = own[vertex]
    ends = np.concatenate([own[work.ends], corner.reshape(-1, 2)])
    kinds = np.concatenate([work.kinds, np.full(len(bridges), _PATH | _BRIDGE)])
    real = ends[:, 0] != ends[:, 1]
    metres: FloatArray = places / STEPS_PER_M + np.asarray(work.origin)
    return metres, ends[real], kinds[real]


def _cut(xy: FloatArray, ends: IntArray, kinds: IntArray, obstacles: Obstacles) -> Paths:
    """Part the vertices at which walls or water separate the streets: one for each sector between them."""
    is_path = (kinds & _PATH) > 0
    is_obstacle = (kinds & _CUTS) > 0
    wet = np.zeros(len(xy), bool)
    wet[ends[(kinds & _WATER) > 0].ravel()] = True
    walled = np.zeros(len(xy), bool)
    walled[ends[is_obstacle].ravel()] = True
    touched = np.zeros(len(xy), bool)
    touched[ends[is_path].ravel()] = True
    doubtful = np.flatnonzero(walled & touched)
    parted = np.zeros(len(xy), bool)
    parted[doubtful] = wet[doubtful] | ~obstacles.is_gated(xy[doubtful])
    # Both ends of every edge, as seen from its vertex, round the vertex.
    vertex = np.concatenate([ends[:, 0], ends[:, 1]])
    other = np.concatenate([ends[:, 1], ends[:, 0]])
    edge = np.concatenate([np.arange(len(ends)), np.arange(len(ends))])
    kept = np.flatnonzero(parted[vertex])
    run = xy[other[kept]] - xy[vertex[kept]]
    kept = kept[np.lexsort((edge[kept], np.arctan2(run[:, 1], run[:, 0]), vertex[kept]))]
    at = vertex[kept]
    begins = np.flatnonzero(np.r_[True, at[1:] != at[:-1]]) if len(at) else np.empty(0, np.int64)
    group = np.cumsum(np.r_[True, at[1:] != at[:-1]]) - 1 if len(at) else np.empty(0, np.int64)
    passed = np.cumsum(is_obstacle[edge[kept]])
    before = np.r_[0, passed][begins]
    walls = np.bincount(group, weights=is_obstacle[edge[kept]], minlength=len(begins)).astype(np.int64)
    sector = np.zeros(2 * len(ends), np.int64)
    # What lies before the first wall belongs to the sector after the last.
    sector[kept] = (passed - before[group]) % walls[group]
    side = is_path[edge]
    keys = np.stack([vertex[side], sector[side]], axis=1)
    nodes, number = np.unique(keys, axis=0, return_inverse=True)
    number = number.ravel()
    half = len(number) // 2
    own = np.stack([number[:half], number[half:]], axis=1)
    return Paths(xy[nodes[:, 0]], own, obstacles, parted[nodes[:, 0]], (kinds[is_path] & _BRIDGE) > 0)


def _first_of_each(group: IntArray, most: int) -> IntArray:
    """Return the positions of the first `most` of each run of equal groups."""
    if not len(group):
        return np.empty(0, np.int64)
    begins = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    rank = np.arange(len(group)) - np.repeat(begins, np.diff(np.r_[begins, len(group)]))
    return np.flatnonzero(rank < most)


def _shortest(start: IntArray, end: IntArray, metres: FloatArray, n: int) -> csr_matrix:
    """Return ways from node to node as a matrix; of parallel ones the shortest."""
    order = np.lexsort((metres, end, start))
    start, end, metres = start[order], end[order], metres[order]
    first = np.flatnonzero(np.r_[True, (start[1:] != start[:-1]) | (end[1:] != end[:-1])][: len(start)])
    # A sparse matrix takes a length of 0 for no way at all.
    return csr_matrix((np.maximum(metres[first], 1e-6), (start[first], end[first])), shape=(n, n))
