"""Straight segments of every layer on one integer lattice, noded: they meet only at shared ends.

The lattice step is a power of two of a metre, so lattice coordinates, their halves and the metres they
stand for are all exact in floating point, and orientation tests on local differences are exact in int64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.errors import CoverageError

# 2^-14 m is 0.06 mm: finer than any survey, and rounding a community of 50 m by 50 m to it changes
# its area by less than one part in a million.
STEPS_PER_M = 1 << 14

# Ends of walls that stop this close to another wall are meant to touch it; 1e-7 degrees, the step of
# OpenStreetMap coordinates, is 11 mm.
SNAP_M = 0.01

# Rounds of snapping before only exact intersections are noded, and of those before giving up.
SNAP_ROUNDS = 4
EXACT_ROUNDS = 30

# What may touch is looked for in cells of this size, larger ones where there would be too many.
RASTER_M = 64
RASTER_CELLS = 1 << 26

# Bits of an edge beyond those of `geo.adjacency.Crossing`.
COMMUNITY_EDGE = 64
FOOTPRINT_EDGE = 128

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Linework:
    """Noded segments.

    Attributes
    ----------
    origin : (float, float)
        Whole metres subtracted before rounding.
    xy : (v, 2) int64
        Lattice coordinates of the vertices, each once, in lexicographic order.
    ends : (e, 2) int64
        Vertices of each segment, the smaller first; each segment once.
    kinds : (e,) int64
        What the segment stands for: `Crossing` bits, COMMUNITY_EDGE, FOOTPRINT_EDGE.
    sites : (s,) int64
        Vertex of each point site, in the order given.
    """

    origin: tuple[float, float]
    xy: IntArray
    ends: IntArray
    kinds: IntArray
    sites: IntArray

    def metres(self) -> NDArray[np.float64]:
        """Return the vertices in metres of the working CRS, (v, 2)."""
        metres: NDArray[np.float64] = self.xy / STEPS_PER_M + np.asarray(self.origin)
        return metres


def segments(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the straight segments of lines and polygon rings, (m, 2, 2), in metres."""
    if not len(shapes):
        return np.empty((0, 2, 2))
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6))
    rings = shapely.get_rings(shapely.get_parts(shapes[polygonal]))
    lines = shapely.get_parts(shapes[~polygonal])
    lines = np.concatenate([rings, lines[np.isin(shapely.get_type_id(lines), (1, 2))]])
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    follows = np.flatnonzero(line[1:] == line[:-1])
    return np.stack([coordinates[follows], coordinates[follows + 1]], axis=1)


def noded(
    parts: list[tuple[NDArray[np.float64], NDArray[np.int64]]],
    sites: NDArray[np.float64],
    *,
    origin: tuple[float, float],
    longest_m: float,
) -> Linework:
    """Round segments to the lattice, join what almost touches, and split whatever crosses.

    Parameters
    ----------
    parts : list of ((m, 2, 2) float64, (m,) int64)
        Segments in metres with their kinds.
    sites : (s, 2) float64
        Points that must be vertices, in metres; two sites at one place share a vertex.
    origin : (float, float)
        Whole metres near the middle of the linework.
    longest_m : float
        Segments other than footprints are divided until none is longer.

    Raises
    ------
    CoverageError
        The linework cannot be noded (never met on real layers; says where).
    """
    ends = np.concatenate([part[0] for part in parts]) if parts else np.empty((0, 2, 2))
    kinds = np.concatenate([part[1] for part in parts]).astype(np.int64) if parts else np.empty(0, np.int64)
    every = np.concatenate([ends.reshape(-1, 2), sites])
    lattice = np.rint((every - np.asarray(origin)) * STEPS_PER_M).astype(np.int64)
    xy, vertex = _places(lattice)
    pair, site = vertex[: 2 * len(ends)].reshape(-1, 2), vertex[2 * len(ends) :]
    pair, kinds, drawn = _each_once(pair, kinds, np.full(len(pair), -1))
    net = _Net(xy, np.full(len(xy), -1), pair, kinds, drawn, site)
    tested = -1
    for step in range(0, 2 * SNAP_ROUNDS, 2):
        net, changed = _snapped(net, step, step - 2)
        net, crossed = _split_crossings(net, step + 1, tested)
        tested = step + 1
        if not changed and not crossed:
            break
    for step in range(2 * SNAP_ROUNDS, 2 * SNAP_ROUNDS + EXACT_ROUNDS):
        net, crossed = _split_crossings(net, step, tested)
        tested = step
        if not crossed:
            break
    else:
        raise CoverageError(
            "not_noded",
            "lines cross so closely that they cannot be separated",
            mend="remove duplicated or nearly coincident lines",
        )
    xy, pair, kinds = _divided(net, longest_m)
    return _canonical(origin, xy, pair, kinds, net.site)


@dataclass(frozen=True)
class _Net:
    """Segments while they are noded; xy, pair (ends), kinds and site as in `Linework`.

    Two segments, or a vertex and a segment, that were tested and left as they are need no other test: only
    what is new since the last one, and what lies beside it, is tested again.

    Attributes
    ----------
    placed : (v,) int64
        Step in which each vertex came to its place, -1 from the beginning.
    drawn : (m,) int64
        Likewise, in which each segment came to run where it does.
    """

    xy: IntArray
    placed: IntArray
    pair: IntArray
    kinds: IntArray
    drawn: IntArray
    site: IntArray

    def boxes(self, margin: int) -> IntArray:
        """Return least x and y, greatest x and y of each segment, with a margin, (m, 4)."""
        one, two = self.xy[self.pair[:, 0]], self.xy[self.pair[:, 1]]
        boxes: IntArray = np.hstack([np.minimum(one, two) - margin, np.maximum(one, two) + margin])
        return boxes


def _places(xy: IntArray) -> tuple[IntArray, IntArray]:
    """Return each place once, in lexicographic order, and the position of each row among them."""
    if not len(xy):
        return xy, np.empty(0, np.int64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = int(high[1] - low[1]) + 1
    if (int(high[0] - low[0]) + 1) * span >= 1 << 62:
        places, position = np.unique(xy, axis=0, return_inverse=True)
        return places, position.ravel()
    # One number for each place sorts many times faster than pairs do.
    key, position = np.unique((xy[:, 0] - low[0]) * span + (xy[:, 1] - low[1]), return_inverse=True)
    return np.stack(np.divmod(key, span), axis=1) + low, position


def _beside(boxes: IntArray, fresh: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each box may touch a fresh one: those in the same cells of a coarse raster, and long ones."""
    if fresh.all():
        return fresh
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    size = RASTER_M * STEPS_PER_M
    while np.prod((high - low) // size + 1.0) > RASTER_CELLS:
        size *= 2
    first, last = (boxes[:, :2] - low) // size, (boxes[:, 2:] - low) // size
    taken = np.zeros((high - low) // size + 1, bool)
    start, wide = first[fresh], (last - first + 1)[fresh]
    cells = wide.prod(axis=1)
    owner = np.repeat(np.arange(len(start)), cells)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(cells) - cells, cells)
    taken[start[owner, 0] + rank % wide[owner, 0], start[owner, 1] + rank // wide[owner, 0]] = True
    (x, y), (to_x, to_y) = first.T, last.T
    long: NDArray[np.bool_] = (last - first > 1).any(axis=1)
    near: NDArray[np.bool_] = taken[x, y] | taken[to_x, y] | taken[x, to_y] | taken[to_x, to_y]
    return np.logical_or(long, near)


def _each_once(pair: IntArray, kinds: IntArray, drawn: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Drop segments without length; merge equal ones, with the kinds of all and the step of the first."""
    pair = np.sort(pair, axis=1)
    real = pair[:, 0] != pair[:, 1]
    pair, kinds, drawn = pair[real], kinds[real], drawn[real]
    if not len(pair):
        return pair, kinds, drawn
    order = np.lexsort((pair[:, 1], pair[:, 0]))
    pair = pair[order]
    first = np.flatnonzero(np.r_[True, (pair[1:] != pair[:-1]).any(axis=1)])
    return (
        pair[first], np.bitwise_or.reduceat(kinds[order], first), np.minimum.reduceat(drawn[order], first),
    )  # fmt: skip


def _snapped(net: _Net, step: int, tested: int) -> tuple[_Net, bool]:
    """Merge vertices closer than SNAP_M and split segments at vertices that almost touch them.

    Vertices of community edges never move; whatever comes close to such an edge moves onto it. What was in
    place before the step `tested` was tested then.
    """
    snap = SNAP_M * STEPS_PER_M
    margin = int(np.ceil(snap))
    xy = net.xy
    fixed = np.zeros(len(xy), bool)
    fixed[net.pair[(net.kinds & COMMUNITY_EDGE) > 0].ravel()] = True
    spots = _vertices_in_use(net)
    around = np.hstack([xy[spots] - margin, xy[spots] + margin])
    spots = spots[_beside(around, net.placed[spots] >= tested)]
    close = spots[cKDTree(xy[spots]).query_pairs(snap, output_type="ndarray")]
    close = close[~(fixed[close[:, 0]] & fixed[close[:, 1]])]
    changed = len(close) > 0
    if changed:
        target = _merge_targets(len(xy), close, fixed)
        moved = (target[net.pair] != net.pair).any(axis=1)
        pair, kinds, drawn = _each_once(target[net.pair], net.kinds, np.where(moved, step, net.drawn))
        net = replace(net, pair=pair, kinds=kinds, drawn=drawn, site=target[net.site])
    spots = _vertices_in_use(net)
    boxes = np.concatenate([net.boxes(margin), np.hstack([xy[spots] - margin, xy[spots] + margin])])
    near_fresh = _beside(boxes, np.concatenate([net.drawn, net.placed[spots]]) >= tested)
    lines, spots = np.flatnonzero(near_fresh[: len(net.pair)]), spots[near_fresh[len(net.pair) :]]
    tree = shapely.STRtree(shapely.linestrings(xy[net.pair[lines]].astype(np.float64)))
    near, line = tree.query(shapely.points(xy[spots].astype(np.float64)), predicate="dwithin", distance=snap)
    near, line = spots[near], lines[line]
    inside = (net.pair[line] != near[:, None]).all(axis=1)
    near, line = near[inside], line[inside]
    along = _between(xy, near, net.pair[line])
    near, line = near[along], line[along]
    if not len(near):
        return net, changed
    # A vertex that almost touches a community edge is moved onto it, so that the edge keeps its place.
    moves = ((net.kinds[line] & COMMUNITY_EDGE) > 0) & ~fixed[near]
    if moves.any():
        moved, first = np.unique(near[moves], return_index=True)
        edge = net.pair[line[moves][first]]
        start, run = xy[edge[:, 0]], (xy[edge[:, 1]] - xy[edge[:, 0]]).astype(np.float64)
        share = ((xy[moved] - start) * run).sum(axis=1) / (run * run).sum(axis=1)
        xy, placed, drawn = xy.copy(), net.placed.copy(), net.drawn.copy()
        xy[moved] = start + np.rint(run * share[:, None]).astype(np.int64)
        placed[moved] = step
        drawn[np.isin(net.pair, moved).any(axis=1)] = step
        net = replace(net, xy=xy, placed=placed, drawn=drawn)
    return _split_at(net, line, near, step), True


def _vertices_in_use(net: _Net) -> IntArray:
    """Return the vertices of segments and sites, ascending."""
    used = np.zeros(len(net.xy), bool)
    used[net.pair.ravel()] = True
    used[net.site] = True
    return np.flatnonzero(used)


def _merge_targets(n: int, close: IntArray, fixed: NDArray[np.bool_]) -> IntArray:
    """Return for each vertex the one it merges into: a fixed vertex of its cluster, else the first."""
    links = coo_matrix((np.ones(len(close), np.int8), (close[:, 0], close[:, 1])), shape=(n, n))
    count, cluster = connected_components(links, directed=False)
    order = np.lexsort((np.arange(n), ~fixed, cluster))
    chosen = np.empty(count, np.int64)
    heads = np.flatnonzero(np.r_[True, cluster[order][1:] != cluster[order][:-1]])
    chosen[cluster[order][heads]] = order[heads]
    target = chosen[cluster]
    target[fixed] = np.flatnonzero(fixed)
    return target


def _between(xy: IntArray, vertex: IntArray, edge: IntArray) -> NDArray[np.bool_]:
    """Whether the foot of each vertex lies strictly between the ends of its edge."""
    start, end, at = xy[edge[:, 0]], xy[edge[:, 1]], xy[vertex]
    forward: NDArray[np.bool_] = ((at - start) * (end - start)).sum(axis=1) > 0
    backward: NDArray[np.bool_] = ((at - end) * (start - end)).sum(axis=1) > 0
    return forward & backward


def _split_at(net: _Net, line: IntArray, vertex: IntArray, step: int) -> _Net:
    """Split segments `line[i]` at vertices `vertex[i]`."""
    pair = net.pair
    touched = np.unique(line)
    whole = np.ones(len(pair), bool)
    whole[touched] = False
    owner = np.concatenate([line, touched, touched])
    stop = np.concatenate([vertex, pair[touched, 0], pair[touched, 1]])
    run = net.xy[pair[owner, 1]] - net.xy[pair[owner, 0]]
    place = ((net.xy[stop] - net.xy[pair[owner, 0]]) * run).sum(axis=1)
    order = np.lexsort((stop, place, owner))
    owner, stop = owner[order], stop[order]
    follows = np.flatnonzero(owner[1:] == owner[:-1])
    pieces = np.stack([stop[follows], stop[follows + 1]], axis=1)
    pair, kinds, drawn = _each_once(
        np.concatenate([pair[whole], pieces]),
        np.concatenate([net.kinds[whole], net.kinds[owner[follows]]]),
        np.concatenate([net.drawn[whole], np.full(len(pieces), step)]),
    )
    return replace(net, pair=pair, kinds=kinds, drawn=drawn)


def _split_crossings(net: _Net, step: int, tested: int) -> tuple[_Net, bool]:
    """Split segments where they cross, touch or overlap; say whether any did.

    What was in place before the step `tested` was tested then.
    """
    xy, pair = net.xy, net.pair
    row = np.flatnonzero(_beside(net.boxes(0), net.drawn >= tested))
    lines = shapely.linestrings(xy[pair[row]].astype(np.float64))
    one, other = row[shapely.STRtree(lines).query(lines, predicate="intersects")]
    ordered = one < other
    one, other = one[ordered], other[ordered]
    a, b = pair[one].T
    c, d = pair[other].T
    turn_c, turn_d = _turn(xy, a, b, c), _turn(xy, a, b, d)
    turn_a, turn_b = _turn(xy, c, d, a), _turn(xy, c, d, b)
    # Ends that lie inside the other segment (also where two segments overlap).
    line, vertex = [], []
    for segment, end, turn in ((one, c, turn_c), (one, d, turn_d), (other, a, turn_a), (other, b, turn_b)):
        on = np.flatnonzero(turn == 0)
        on = on[(pair[segment[on]] != end[on, None]).all(axis=1)]
        on = on[_between(xy, end[on], pair[segment[on]])]
        line.append(segment[on])
        vertex.append(end[on])
    proper = np.flatnonzero((turn_c * turn_d < 0) & (turn_a * turn_b < 0))
    if len(proper):
        a, b, c, d = a[proper], b[proper], c[proper], d[proper]
        run = (xy[b] - xy[a]).astype(np.float64)
        cross = (xy[d] - xy[c]).astype(np.float64)
        gap = (xy[c] - xy[a]).astype(np.float64)
        share = (gap[:, 0] * cross[:, 1] - gap[:, 1] * cross[:, 0]) / (
            run[:, 0] * cross[:, 1] - run[:, 1] * cross[:, 0]
        )
        new = xy[a] + np.rint(run * share[:, None]).astype(np.int64)
        merged, position = _places(np.concatenate([xy, new]))
        old, new_vertex = position[: len(xy)], position[len(xy) :]
        placed = np.full(len(merged), step)
        np.minimum.at(placed, old, net.placed)
        net = replace(net, xy=merged, placed=placed, pair=old[pair], site=old[net.site])
        line = [*line, one[proper], other[proper]]
        vertex = [*(old[v] for v in vertex), new_vertex, new_vertex]
    lines_hit, vertices_hit = np.concatenate(line), np.concatenate(vertex)
    apart = (net.pair[lines_hit] != vertices_hit[:, None]).all(axis=1)
    if not apart.any():
        return net, False
    return _split_at(net, lines_hit[apart], vertices_hit[apart], step), True


def _turn(xy: IntArray, a: IntArray, b: IntArray, c: IntArray) -> IntArray:
    """Sign of the turn a, b, c: exact, because segments are far shorter than 2^31 lattice steps."""
    u, w = xy[b] - xy[a], xy[c] - xy[a]
    sign: IntArray = np.sign(u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0])
    return sign


def _divided(net: _Net, longest_m: float) -> tuple[IntArray, IntArray, IntArray]:
    """Divide long segments evenly; footprints keep their walls whole."""
    xy, pair = net.xy, net.pair
    run = xy[pair[:, 1]] - xy[pair[:, 0]]
    pieces = np.ceil(np.hypot(run[:, 0], run[:, 1]) / (longest_m * STEPS_PER_M)).astype(np.int64)
    pieces[(net.kinds & ~np.int64(FOOTPRINT_EDGE)) == 0] = 1
    pieces = np.maximum(pieces, 1)
    long = np.flatnonzero(pieces > 1)
    owner = np.repeat(long, pieces[long] - 1)
    rank = np.arange(len(owner)) - np.repeat(
        np.cumsum(pieces[long] - 1) - (pieces[long] - 1), pieces[long] - 1
    )
    share = (rank + 1) / pieces[owner]
    new = xy[pair[owner, 0]] + np.rint(run[owner] * share[:, None]).astype(np.int64)
    merged = np.concatenate([xy, new])
    split = _split_at(replace(net, xy=merged), owner, len(xy) + np.arange(len(new)), 0)
    return merged, split.pair, split.kinds


def _canonical(
    origin: tuple[float, float], xy: IntArray, pair: IntArray, kinds: IntArray, site: IntArray
) -> Linework:
    """Number the vertices in use by their place, so that the order of the layers does not matter."""
    used = np.unique(np.concatenate([pair.ravel(), site]))
    places, position = _places(xy[used])
    number = np.full(len(xy), -1)
    number[used] = position
    pair, kinds, _ = _each_once(number[pair], kinds, np.zeros(len(pair), np.int64))
    return Linework(origin, places, pair, kinds, number[site])
