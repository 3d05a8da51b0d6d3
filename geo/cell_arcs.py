"""Cells that are known as polygons only, taken apart into arcs again, so that they can be divided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.adjacency import Adjacency, Crossing, adjacency
from geo.arcs import Arcs
from geo.boundaries import region_polygons
from geo.division import STEPS, divided_cell
from geo.floors import ground_weights
from geo.linework import SNAP_M
from geo.tessellation import Lines

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# Corners that almost touched a line were put on it: an arc runs along a line when it is this near.
ALONG_M = 2 * SNAP_M


@dataclass(frozen=True)
class Around:
    """What lies round some cells, in metres: lines with what they are, water surfaces, bridges and gates."""

    lines: Lines
    water: NDArray[np.object_]
    bridges: NDArray[np.object_]
    gates: NDArray[np.object_]


def arcs_of_cells(cells: NDArray[np.object_], xy: FloatArray, of_corner: IntArray, around: Around) -> Arcs:
    """Return the borders of the cells of a coverage.

    Parameters
    ----------
    cells : (n,) of Polygon or MultiPolygon
        Neighbours have the same corners along their border.
    xy : (p, 2) float64
        Points, in metres.
    of_corner : (c,) int64
        Point of each corner of `cells`, in the order of `shapely.get_coordinates`.
    around : Around

    Returns
    -------
    Arcs
        All cells in one community; beyond their outer border lies nothing (-1).
    """
    tail, head, owner = _edges(cells, xy, of_corner)
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    order = np.lexsort((tail > head, high, low))
    tail, head, owner = tail[order], head[order], owner[order]
    low, high = low[order], high[order]
    again = np.r_[False, (low[1:] == low[:-1]) & (high[1:] == high[:-1])]
    first = np.flatnonzero(~again)
    right = np.full(len(tail), -1)
    right[np.flatnonzero(again) - 1] = owner[again]
    start, end = tail[first], head[first]
    crossing = _along((xy[start] + xy[end]) / 2, xy[start], xy[end], around)
    community = np.zeros(len(cells) + 1, np.int64)
    return Arcs(xy, start, end, owner[first], right[first], crossing, community, len(cells))


def _edges(
    cells: NDArray[np.object_], xy: FloatArray, of_corner: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the edges of all rings with the cell on the left: tail, head and cell."""
    parts, cell = shapely.get_parts(cells, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    _, ring = shapely.get_coordinates(rings, return_index=True)
    is_shell = np.r_[True, part[1:] != part[:-1]]
    points = xy[of_corner]
    # The area by the shoelace formula tells which way a ring runs.
    inner = ring[1:] == ring[:-1]
    near, far = points[:-1] - points[0], points[1:] - points[0]
    doubled = np.bincount(ring[:-1], (near[:, 0] * far[:, 1] - near[:, 1] * far[:, 0]) * inner, len(rings))
    forward = ((doubled > 0) == is_shell)[ring[:-1]]
    tail = np.where(forward, of_corner[:-1], of_corner[1:])[inner]
    head = np.where(forward, of_corner[1:], of_corner[:-1])[inner]
    return tail, head, cell[part[ring[:-1][inner]]]


def _along(middle: FloatArray, start: FloatArray, end: FloatArray, around: Around) -> IntArray:
    """Return what each straight piece runs along, or lies in: `Crossing` bits."""
    crossing = np.zeros(len(middle), np.int64)
    points = [shapely.points(place) for place in (middle, start, end)]
    for kind in np.unique(around.lines.crossing):
        of_kind = around.lines.shapes[around.lines.crossing == kind]
        areal = np.isin(shapely.get_type_id(of_kind), (3, 6))
        tree = shapely.STRtree(np.where(areal, shapely.boundary(of_kind), of_kind))
        near = np.ones(len(middle), bool)
        for place in points:
            touched = tree.query(place, predicate="dwithin", distance=ALONG_M)[0]
            near &= np.isin(np.arange(len(middle)), touched)
        crossing[near] |= int(kind)
    if len(around.water):
        wet = np.unique(shapely.STRtree(around.water).query(points[0], predicate="within")[0])
        crossing[wet] |= int(Crossing.WATER)
    return crossing


@dataclass(frozen=True)
class Redivided:
    """A cell cut anew, and its neighbours.

    Attributes
    ----------
    parts : (k,) of Polygon or MultiPolygon
        In the CRS of the cells.
    neighbours : (m,) of Polygon, MultiPolygon or None
        Those that got a vertex; None where nothing changed.
    pairs : Adjacency
        Of the parts (positions 0 to k - 1) with each other and with the neighbours (k + their position).
    """

    parts: NDArray[np.object_]
    neighbours: NDArray[np.object_]
    pairs: Adjacency


def redivided(
    cell: shapely.Geometry,
    neighbours: NDArray[np.object_],
    *,
    to_metres: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    around: Around,
    households: IntArray | None = None,
    across: tuple[FloatArray, FloatArray] | None = None,
) -> Redivided:
    """Cut one cell of a coverage into parts and tell what they border on.

    Parameters
    ----------
    cell : Polygon or MultiPolygon
    neighbours : (m,) of Polygon or MultiPolygon
        All cells that share a border with it, in the same CRS.
    to_metres : callable
        From that CRS to one in metres.
    around : Around
    households : (k,) int64, optional
        Of each part, the lowest floor first; areas are proportional. One part: the cell stays whole.
    across : pair of (2,) float64, optional
        Instead: two points in metres; the cell is cut half way between them.

    Raises
    ------
    CoverageError
        The cell is too small.
    """
    count = 2 if households is None else len(households)
    cells = np.array([cell, *neighbours], object)
    places, of_corner = np.unique(shapely.get_coordinates(cells), axis=0, return_inverse=True)
    metres = np.stack(to_metres(*places.T), axis=1)
    xy = np.rint(metres * STEPS) / STEPS
    whole = arcs_of_cells(cells, xy, of_corner.ravel(), around)
    # The parts come first, then the neighbours.
    number = np.r_[0, np.arange(count, count + len(neighbours)), -1]
    arcs = Arcs(
        whole.xy, whole.start, whole.end, number[whole.left], number[whole.right], whole.crossing,
        np.zeros(count + len(neighbours) + 1, np.int64), count + len(neighbours),
    )  # fmt: skip
    if count > 1:
        shares = None if households is None else ground_weights(households)
        shares = None if shares is None else shares / shares.sum()
        arcs = divided_cell(arcs, 0, np.arange(count), shares=shares, across=across)
    shown = np.concatenate([places, _on_borders(arcs.xy[len(places) :], whole, places)])
    own = np.r_[np.arange(arcs.n_units), -1]
    polygons = region_polygons(arcs, own, arcs.n_units, xy=shown)
    split = (arcs.start >= len(places)) | (arcs.end >= len(places))
    touched = np.isin(np.arange(count, arcs.n_units), np.r_[arcs.left[split], arcs.right[split]])
    changed = polygons[count:].copy()
    changed[~touched] = None
    pairs = adjacency(
        arcs, np.arange(arcs.n_units).astype(object), bridges=around.bridges, gates=around.gates
    )
    ours = pairs.left < count
    kept = Adjacency(
        pairs.unit_ids, pairs.left[ours], pairs.right[ours], pairs.border_m[ours], pairs.crosses[ours],
        pairs.joins[ours],
    )  # fmt: skip
    return Redivided(polygons[:count], changed, kept)


def _on_borders(points: FloatArray, whole: Arcs, places: FloatArray) -> FloatArray:
    """Return points (metres) that split arcs in the CRS of `places`, on the line between the arcs' ends."""
    if not len(points):
        return np.empty((0, 2))
    ends = np.stack([whole.xy[whole.start], whole.xy[whole.end]], axis=1)
    arc = shapely.STRtree(shapely.linestrings(ends)).nearest(shapely.points(points))
    run = ends[arc, 1] - ends[arc, 0]
    share = ((points - ends[arc, 0]) * run).sum(axis=1) / (run**2).sum(axis=1)
    low, high = places[whole.start[arc]], places[whole.end[arc]]
    placed: FloatArray = low + (high - low) * share[:, None]
    return placed
