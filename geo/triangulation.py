"""A constrained Delaunay triangulation as flat arrays of half-edges.

Half-edge `3 t + k` runs from corner k of triangle t to corner k + 1, the triangle on its left; the same
number names corner k itself. The triangulation is made by CDT (Amirkhanov 2022, through `pythoncdt`) on
lattice coordinates with exact predicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pythoncdt
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geo.linework import Linework

IntArray = NDArray[np.int64]

# Corner that follows, and precedes, corner k of a triangle.
FOLLOWING = np.array([1, 2, 0])
PRECEDING = np.array([2, 0, 1])


@dataclass(frozen=True)
class Triangles:
    """Triangles over the vertices of a `Linework`.

    Attributes
    ----------
    corners : (3 t,) int64
        Vertex at each corner, counter-clockwise.
    twin : (3 t,) int64
        Half-edge on the other side, -1 on the hull.
    edge : (3 t,) int64
        Number of the undirected edge of each half-edge, 0 .. n_edges - 1.
    edge_ends : (n_edges, 2) int64
        Vertices of each edge, the smaller first.
    edge_kinds : (n_edges,) int64
        What the edge stands for, 0 where it is none of the linework's.
    double_area : (t,) int64
        Twice the area in square lattice steps (exact up to triangles of 2^30 steps a side).
    """

    corners: IntArray
    twin: IntArray
    edge: IntArray
    edge_ends: IntArray
    edge_kinds: IntArray
    double_area: NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of triangles."""
        return len(self.corners) // 3

    def faces(self, bounding: NDArray[np.bool_]) -> tuple[int, IntArray]:
        """Number the regions between edges marked in `bounding`, (n_edges,): how many, and which."""
        half = np.flatnonzero((self.twin >= 0) & ~bounding[self.edge])
        half = half[half < self.twin[half]]
        links = coo_matrix(
            (np.ones(len(half), np.int8), (half // 3, self.twin[half] // 3)), shape=(self.n, self.n)
        )
        count, face = connected_components(links, directed=False)
        return int(count), face.astype(np.int64)

    def inner_points(self, xy: IntArray, count: int, face: IntArray) -> NDArray[np.float64]:
        """Return a point inside each region, the middle of its largest triangle, (count, 2) lattice steps."""
        area = np.zeros(count)
        np.maximum.at(area, face, self.double_area)
        # The first of those as large: it is written last.
        first = np.flatnonzero(self.double_area == area[face])[::-1]
        largest = np.zeros(count, np.int64)
        largest[face[first]] = first
        middle: NDArray[np.float64] = xy[self.corners.reshape(-1, 3)[largest]].mean(axis=1)
        return middle


def triangulate(linework: Linework) -> Triangles:
    """Triangulate the convex hull of the linework so that each of its segments is an edge."""
    engine = pythoncdt.Triangulation(
        pythoncdt.VertexInsertionOrder.AUTO, pythoncdt.IntersectingConstraintEdges.NOT_ALLOWED, 0.0
    )
    # Arrays are buffers, which the type checker knows only from Python 3.12 on.
    places: Any = np.ascontiguousarray(linework.xy, dtype=np.float64)
    ends: Any = np.ascontiguousarray(linework.ends, dtype=np.uint32)
    engine.insert_vertices(places)
    engine.insert_edges(ends)
    engine.erase_super_triangle()
    corners = engine.triangles_array()["vertices"].astype(np.int64)
    return _half_edges(_canonical(corners), linework)


def _canonical(corners: IntArray) -> IntArray:
    """Turn each triangle to start at its smallest vertex and sort them, whatever order the engine used."""
    start = corners.argmin(axis=1)
    rows = np.arange(len(corners))
    turned = np.stack([corners[rows, (start + k) % 3] for k in range(3)], axis=1)
    return turned[np.lexsort((turned[:, 2], turned[:, 1], turned[:, 0]))]


def _half_edges(corners: IntArray, linework: Linework) -> Triangles:
    start = corners.ravel()
    end = corners[:, FOLLOWING].ravel()
    n_vertices = len(linework.xy)
    key = np.minimum(start, end) * n_vertices + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    fresh = np.r_[True, key[order][1:] != key[order][:-1]] if len(order) else np.empty(0, bool)
    edge = np.empty(len(key), np.int64)
    edge[order] = np.cumsum(fresh) - 1
    twin = np.full(len(key), -1)
    doubled = np.flatnonzero(~fresh)
    twin[order[doubled]] = order[doubled - 1]
    twin[order[doubled - 1]] = order[doubled]
    edge_key = key[order][fresh]
    kinds = np.zeros(len(edge_key), np.int64)
    wanted = linework.ends[:, 0] * n_vertices + linework.ends[:, 1]
    kinds[np.searchsorted(edge_key, wanted)] = linework.kinds
    a, b, c = (linework.xy[corners[:, k]] for k in range(3))
    u, w = (b - a).astype(np.float64), (c - a).astype(np.float64)
    ends = np.stack([edge_key // n_vertices, edge_key % n_vertices], axis=1)
    return Triangles(start, twin, edge, ends, kinds, u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0])
