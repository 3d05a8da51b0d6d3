"""Borders of polygons as arcs: stored once however many polygons, and layers, share them.

An arc runs between two places where not exactly two edges meet. Everything here is of whole steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

# Places in one list of all points of a pack, of which nobody has two thousand million.
_PLACES = np.int32

# Arcs smoothed at a time: enough to be quick, few enough to need little memory.
_ARCS_AT_A_TIME = 8192

Ints: TypeAlias = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Rings:
    """Rings of the polygons of one layer: points without the repeated last one."""

    feature: Ints
    lengths: Ints
    points: Ints


@dataclass(frozen=True)
class Arcs:
    """Arcs of all layers, and for every ring, in order, how many and which."""

    lengths: list[int]
    x: list[Ints]
    y: list[Ints]
    ring_arcs: dict[str, Ints]
    refs: dict[str, Ints]
    # How many arcs of rings come before the first that only layers drawn near have, and how many in all.
    n_far: int = 0
    n_rings: int = 0

    def append(self, line: Ints) -> None:
        """Add an arc that is no ring's."""
        self.lengths.append(len(line))
        self.x.append(line[:, 0])
        self.y.append(line[:, 1])


def arcs_of(
    polygons: Mapping[str, Rings], smooth_steps: Mapping[str, float], *, near: Collection[str] = ()
) -> Arcs:
    """Cut the rings of layers into arcs that polygons share.

    Parameters
    ----------
    polygons : mapping of layer to Rings
    smooth_steps : mapping of layer to float
        How far its arcs may be smoothed, in steps; an arc of several layers by the least of them.
    near : collection of str
        Layers that are drawn only near: they come last in `polygons`, and so do their arcs.
    """
    arcs = Arcs([], [], [], {}, {})
    names = list(polygons)
    points = np.concatenate([np.zeros((0, 2), np.int64), *(polygons[name].points for name in names)])
    lengths = np.concatenate([np.zeros(0, np.int64), *(polygons[name].lengths for name in names)])
    if not len(points):
        for name in names:
            arcs.ring_arcs[name] = arcs.refs[name] = np.zeros(0, np.int64)
        return arcs

    cut = _cut(points, lengths)
    del points  # a city has a million of them, and the cut holds them turned
    layer_of_ring = np.repeat(np.arange(len(names)), [len(polygons[name].lengths) for name in names])
    tolerance = _tolerances(names, smooth_steps, layer_of_ring[cut.ring], cut.number)
    n_arc, points = _smoothed(*_first_uses(cut), tolerance)
    arcs.lengths.extend(n_arc.tolist())
    arcs.x.append(points[:, 0])
    arcs.y.append(points[:, 1])

    ring_arcs = np.bincount(cut.ring, minlength=len(lengths))
    for position, name in enumerate(names):
        arcs.ring_arcs[name] = ring_arcs[layer_of_ring == position]
        arcs.refs[name] = cut.refs[layer_of_ring[cut.ring] == position]
    # Numbered as they are first met: what is seen from afar comes first.
    is_far = np.array([name not in near for name in names])[layer_of_ring[cut.ring]]
    return replace(arcs, n_far=int(cut.number[is_far].max(initial=-1)) + 1, n_rings=len(arcs.lengths))


@dataclass(frozen=True)
class _Cut:
    """Rings cut where arcs end. Each piece is one use of an arc, in the order of the rings.

    Attributes
    ----------
    points : (n, 2)
        Points of the rings, each ring turned so that it begins where a piece does.
    begin, end, n_points : (m,)
        Places in `points` of the first point of each piece and of its end, which begins the next; how many
        points it has without its end.
    ring : (m,)
        The ring of each piece.
    number, refs : (m,)
        The arc of each piece, numbered as they are first met; and the same with its direction.
    chosen : (k,)
        The piece in which each arc is first met.
    """

    points: Ints
    begin: Ints
    end: Ints
    n_points: Ints
    ring: Ints
    number: Ints
    refs: Ints
    chosen: Ints


def _cut(points: Ints, lengths: Ints) -> _Cut:
    ring = np.repeat(np.arange(len(lengths), dtype=_PLACES), lengths)
    lengths = lengths.astype(_PLACES)
    first = np.cumsum(lengths, dtype=_PLACES) - lengths
    place = np.arange(len(points), dtype=_PLACES) - first[ring]
    after = first[ring] + (place + 1) % lengths[ring]
    key = points[:, 0].astype(np.int64)
    key <<= 32
    key += points[:, 1]
    vertex = np.unique(key, return_inverse=True)[1].astype(_PLACES)
    del key

    is_junction = _junctions(vertex, vertex[after], vertex[first[ring] + (place - 1) % lengths[ring]])
    starts = is_junction[vertex]
    starts |= _start_of_free_rings(vertex, ring, first, starts)

    # Turn every ring so that it begins where an arc begins.
    shift = np.full(len(lengths), -1, dtype=_PLACES)
    begin = np.flatnonzero(starts)
    shift[ring[begin][::-1]] = place[begin][::-1]
    turned = first[ring] + (place + shift[ring]) % lengths[ring]
    vertex, starts, points = vertex[turned], starts[turned], points[turned]
    del turned, place

    begin = np.flatnonzero(starts)
    n_points: Ints = np.diff(np.append(begin, len(points)))
    following = vertex[after]  # `after` is an order of places, and rings keep their places when turned
    arc_key, forward = _arc_keys(vertex, following, begin, n_points)
    _, first_use, of_key = np.unique(arc_key, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first_use))  # arcs are numbered as they are first met
    number = order[of_key]
    same_way = forward == forward[first_use[of_key]]
    return _Cut(
        points,
        begin,
        after[begin + n_points - 1],
        n_points,
        ring[begin],
        number,
        np.where(same_way, number, ~number),
        np.sort(first_use),
    )


def _first_uses(cut: _Cut) -> tuple[Ints, Ints]:
    """Return how many points each arc has, and the points of all arcs, each with its end."""
    n_points = cut.n_points[cut.chosen] + 1
    end = np.cumsum(n_points) - 1
    place = np.arange(int(n_points.sum()), dtype=_PLACES)
    place += np.repeat((cut.begin[cut.chosen] - (end + 1 - n_points)).astype(_PLACES), n_points)
    place[end] = cut.end[cut.chosen]
    return n_points, cut.points[place]


def _junctions(vertex: Ints, following: Ints, preceding: Ints) -> NDArray[np.bool_]:
    """Tell of each vertex whether arcs end there: not exactly two edges meet, or a ring turns back."""
    n_vertices = int(vertex.max()) + 1
    low, high = np.minimum(vertex, following), np.maximum(vertex, following)
    # Sorted, since numpy's `unique` hashes, which takes several times as long here.
    edges = np.sort(low.astype(np.int64) * n_vertices + high)
    edges = edges[np.append(True, edges[1:] != edges[:-1])]
    degree = np.bincount(edges // n_vertices, minlength=n_vertices)
    degree += np.bincount(edges % n_vertices, minlength=n_vertices)
    ends: NDArray[np.bool_] = degree != 2
    ends[vertex[following == preceding]] = True
    return ends


def _start_of_free_rings(
    vertex: Ints, ring: Ints, first: Ints, starts: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Begin a ring that meets no other at its smallest vertex, so that a copy of it begins there too."""
    is_free = ~np.logical_or.reduceat(starts, first)
    smallest = np.minimum.reduceat(vertex, first)
    begins: NDArray[np.bool_] = is_free[ring] & (vertex == smallest[ring])
    return begins


def _arc_keys(vertex: Ints, following: Ints, begin: Ints, n_points: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Name each arc by its smallest edge, and tell whether that edge runs upwards in it."""
    n_vertices = int(vertex.max()) + 1
    edge = np.minimum(vertex, following).astype(np.int64) * n_vertices + np.maximum(vertex, following)
    key = np.minimum.reduceat(edge, begin)
    is_key = edge == np.repeat(key, n_points)
    forward = np.logical_or.reduceat(is_key & (vertex < following), begin)
    return key, forward


def _tolerances(
    names: list[str], smooth_steps: Mapping[str, float], layer: Ints, number: Ints
) -> NDArray[np.float64]:
    """Return how far each arc may be smoothed: the least that any layer using it allows."""
    allowed = np.array([smooth_steps.get(name, 0.0) for name in names])
    tolerance = np.full(int(number.max()) + 1, np.inf)
    np.minimum.at(tolerance, number, allowed[layer])
    return tolerance


def _smoothed(lengths: Ints, points: Ints, tolerance: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Return the points of all arcs, and how many each has, without those within its tolerance."""
    # A closed line of four points is a triangle: it has nothing to lose.
    chosen = np.flatnonzero((tolerance > 0) & (lengths > 4))
    if not len(chosen):
        return lengths, points
    first = np.cumsum(lengths) - lengths
    is_closed = (points[first[chosen]] == points[(first + lengths - 1)[chosen]]).all(axis=1)
    stays = np.ones(len(points), np.bool_)
    for start in range(0, len(chosen), _ARCS_AT_A_TIME):
        some = slice(start, start + _ARCS_AT_A_TIME)
        n_points = lengths[chosen[some]]
        string = np.repeat(np.arange(len(n_points)), n_points)
        end = np.cumsum(n_points)
        place = np.arange(len(string)) + np.repeat(first[chosen[some]] - end + n_points, n_points)
        # The height of a point is its place, and tells which of them stayed.
        strings = shapely.linestrings(np.column_stack([points[place], place]).astype(float), indices=string)
        thinned = shapely.simplify(strings, tolerance[chosen[some]], preserve_topology=False)
        kept, kept_string = shapely.get_coordinates(thinned, include_z=True, return_index=True)
        n_kept = np.bincount(kept_string, minlength=len(n_points))
        is_thinned = n_kept >= np.where(is_closed[some], 4, 2)
        stays[place[is_thinned[string]]] = False
        stays[kept[is_thinned[kept_string], 2].astype(np.int64)] = True
    return np.add.reduceat(stays, first, dtype=np.int64), points[stays]
