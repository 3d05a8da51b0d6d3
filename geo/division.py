"""Divide cells by parallel cuts, so that a tower's floor bands or a new house each have ground of their own.

The cuts run across the longer side of a cell. Where one meets the cell's border the arc is split at a point
of the lattice, so that the neighbour behind it gets the same vertex: the coverage stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.arcs import Arcs
from geo.errors import CoverageError
from geo.linework import STEPS_PER_M

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# Arcs' points are whole numbers of these steps: corners of the triangulation and middles between them.
STEPS = 2 * STEPS_PER_M

# A cut keeps this far from the corners of its cell, so that rounding to the lattice turns nothing over.
CLEARANCE_M = 8 / STEPS

# Halvings of a cell's length to find a cut: to well under a step of the lattice.
_HALVINGS = 60


def divided_cells(arcs: Arcs, site_of_unit: IntArray, weights: FloatArray, rank: IntArray) -> Arcs:
    """Return arcs in which each site of several units is divided among them.

    Parameters
    ----------
    arcs : Arcs
        Cells of s sites.
    site_of_unit : (n,) int64
        Site of each unit; every site has at least one.
    weights : (n,) float64
        What the units' areas are proportional to within a site, above 0.
    rank : (n,) int64
        Along a cut cell the units stand in this order, from its west (or south) end.

    Returns
    -------
    Arcs
        Cells of n units, then the communities' ground without units as before.

    Raises
    ------
    CoverageError
        A cell is too small to be divided so often.
    """
    n, n_sites = len(site_of_unit), arcs.n_units
    order = np.lexsort((rank, site_of_unit))
    sizes = np.bincount(site_of_unit, minlength=n_sites)
    first = order[np.cumsum(sizes) - sizes]
    renamed = np.concatenate([first, n + np.arange(len(arcs.cell_community) - n_sites), [-1]])
    community = np.concatenate([arcs.cell_community[site_of_unit], arcs.cell_community[n_sites:]])
    made = replace(
        arcs, left=renamed[arcs.left], right=renamed[arcs.right], cell_community=community, n_units=n
    )
    for site in np.flatnonzero(sizes > 1):
        units = order[site_of_unit[order] == site]
        if arcs.cell_community[site] >= 0:
            made = divided_cell(made, int(units[0]), units, shares=weights[units] / weights[units].sum())
    return made


def divided_cell(
    arcs: Arcs,
    cell: int,
    into: IntArray,
    *,
    shares: FloatArray | None = None,
    across: tuple[FloatArray, FloatArray] | None = None,
) -> Arcs:
    """Return arcs in which one cell is cut into several.

    Parameters
    ----------
    arcs : Arcs
    cell : int
    into : (k,) int64
        Cells that come out of it, in their order along the direction of division; `cell` may be one of them.
    shares : (k,) float64, optional
        Share of the area of each, 1 together; the direction is the cell's longer side.
    across : pair of (2,) float64, optional
        Instead: two points in metres; the cut runs between them, half way.

    Raises
    ------
    CoverageError
        The cell is too small.
    """
    outline = _Outline.of(arcs, cell, None if across is None else across[1] - across[0])
    if across is None:
        assert shares is not None
        wanted = np.cumsum(shares)[:-1] * outline.area_below(np.inf)
        levels = [outline.level_of(area) for area in wanted.tolist()]
    else:
        levels = [outline.along((across[0] + across[1]) / 2)]
    cuts = outline.cleared(levels)
    return _cut(arcs, cell, into, outline, cuts)


@dataclass(frozen=True)
class _Outline:
    """Border of one cell, turned so that the direction of division is the first axis.

    Attributes
    ----------
    arc : (e,) int64
        Arcs of the border.
    tail, head : (e, 2) float64
        Their ends, the cell on the left, in metres from `middle` along and across `direction`.
    """

    arc: IntArray
    tail: FloatArray
    head: FloatArray
    middle: FloatArray
    direction: FloatArray

    @staticmethod
    def of(arcs: Arcs, cell: int, direction: FloatArray | None) -> _Outline:
        arc = np.flatnonzero((arcs.left == cell) | (arcs.right == cell))
        is_left = (arcs.left[arc] == cell)[:, None]
        start, end = arcs.xy[arcs.start[arc]], arcs.xy[arcs.end[arc]]
        middle = np.floor(start.mean(axis=0))
        if direction is None:
            direction = longer_side(start)
        x, y = direction / np.hypot(*direction)
        turn = np.array([[x, -y], [y, x]])
        start, end = (start - middle) @ turn, (end - middle) @ turn
        return _Outline(
            arc, np.where(is_left, start, end), np.where(is_left, end, start), middle, np.array([x, y])
        )

    def along(self, point: FloatArray) -> float:
        """Return how far along the direction a point lies."""
        return float((point - self.middle) @ self.direction)

    def area_below(self, level: float) -> float:
        """Return the area of the cell on the near side of a level, in square metres."""
        (t0, v0), (t1, v1) = self.tail.T, self.head.T
        run = np.where(t1 == t0, 1.0, t1 - t0)
        c0, c1 = np.minimum(t0, level), np.minimum(t1, level)
        at0, at1 = v0 + (v1 - v0) * (c0 - t0) / run, v0 + (v1 - v0) * (c1 - t0) / run
        # Round the part below, the side along the level adds nothing: no step along the direction.
        return float(-((at0 + at1) / 2 * (c1 - c0)).sum())

    def level_of(self, area_m2: float) -> float:
        """Return the level below which so much of the cell lies."""
        low, high = float(self.tail[:, 0].min()), float(self.tail[:, 0].max())
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self.area_below(middle) < area_m2:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def cleared(self, levels: list[float]) -> FloatArray:
        """Return the levels moved off the corners of the cell as little as possible, ascending.

        Raises
        ------
        CoverageError
            There is no room for them.
        """
        corners = np.unique(self.tail[:, 0])
        done: list[float] = []
        for level in levels:
            taken = np.sort(np.append(corners, done))
            floor = done[-1] if done else -np.inf
            near = taken[np.argsort(np.abs(taken - level))[:64]]
            candidates = np.concatenate([[level], near - 1.01 * CLEARANCE_M, near + 1.01 * CLEARANCE_M])
            gap = np.abs(candidates[:, None] - taken[None, :]).min(axis=1)
            fits = (gap >= CLEARANCE_M) & (candidates > max(floor, corners[0])) & (candidates < corners[-1])
            if not fits.any():
                raise CoverageError("cell_too_small", "a cell is too small to be divided so often")
            fitting = candidates[fits]
            done.append(float(fitting[np.argmin(np.abs(fitting - level))]))
        return np.array(done)


def longer_side(points: FloatArray) -> FloatArray:
    """Return the direction of the longer side of the box round some points, to the east or to the north."""
    box = shapely.minimum_rotated_rectangle(shapely.multipoints(points))
    if box.geom_type != "Polygon":
        return np.array([1.0, 0.0])
    corners = shapely.get_coordinates(box)
    sides = np.diff(corners[:3], axis=0)
    x, y = sides[int(np.argmax(np.hypot(*sides.T)))]
    # By the greater of the two: a house along a meridian is not turned by the last digit of its corners.
    side: FloatArray = np.array([x, y])
    return side if (x if abs(x) > abs(y) else y) > 0 else -side


def _cut(arcs: Arcs, cell: int, into: IntArray, outline: _Outline, levels: FloatArray) -> Arcs:
    """Split the border of a cell where levels cross it, name its pieces, and join the crossings in pairs."""
    t0, t1 = outline.tail[:, 0], outline.head[:, 0]
    edge, level = np.nonzero((t0[:, None] < levels[None, :]) != (t1[:, None] < levels[None, :]))
    share = (levels[level] - t0[edge]) / (t1[edge] - t0[edge])
    exact = outline.tail[edge] + (outline.head[edge] - outline.tail[edge]) * share[:, None]
    x, y = outline.direction
    plain = exact @ np.array([[x, y], [-y, x]]) + outline.middle
    points, number = np.unique(np.rint(plain * STEPS).astype(np.int64), axis=0, return_inverse=True)
    point = len(arcs.xy) + number.ravel()
    border = _split_border(arcs, cell, into, outline, levels, (edge, level, share, point))
    chords = _chords(into, level, exact[:, 1], point)
    kept = np.ones(len(arcs.start), bool)
    kept[outline.arc] = False
    old = (arcs.start, arcs.end, arcs.left, arcs.right, arcs.crossing)
    start, end, left, right, crossing = (
        np.concatenate([column[kept], of_border, of_chords])
        for column, of_border, of_chords in zip(old, border, chords, strict=True)
    )
    is_line = start != end
    return replace(
        arcs,
        xy=np.concatenate([arcs.xy, points / STEPS]),
        start=start[is_line], end=end[is_line], left=left[is_line], right=right[is_line],
        crossing=crossing[is_line],
    )  # fmt: skip


_Columns = tuple[IntArray, IntArray, IntArray, IntArray, IntArray]


def _split_border(
    arcs: Arcs,
    cell: int,
    into: IntArray,
    outline: _Outline,
    levels: FloatArray,
    crossings: tuple[IntArray, IntArray, FloatArray, IntArray],
) -> _Columns:
    """Return the arcs of the border in pieces that lie between two levels each, on either side as before."""
    edge, _, share, point = crossings
    arc = outline.arc
    is_left = arcs.left[arc] == cell
    tail = np.where(is_left, arcs.start[arc], arcs.end[arc])
    head = np.where(is_left, arcs.end[arc], arcs.start[arc])
    other = np.where(is_left, arcs.right[arc], arcs.left[arc])
    every = np.arange(len(arc))
    owner = np.concatenate([every, edge, every])
    place = np.concatenate([np.zeros(len(arc)), share, np.ones(len(arc))])
    stop = np.concatenate([tail, point, head])
    order = np.lexsort((place, owner))
    owner, place, stop = owner[order], place[order], stop[order]
    piece = np.flatnonzero(owner[1:] == owner[:-1])
    of = owner[piece]
    middle = (place[piece] + place[piece + 1]) / 2
    at = outline.tail[of, 0] + (outline.head[of, 0] - outline.tail[of, 0]) * middle
    mine = into[np.searchsorted(levels, at)]
    return stop[piece], stop[piece + 1], mine, other[of], arcs.crossing[arc][of]


def _chords(into: IntArray, level: IntArray, across: FloatArray, point: IntArray) -> _Columns:
    """Return the cuts: on one level, every other stretch between crossings lies inside the cell.

    A tower's floors are joined by its stairs: what a cut would cross on the ground says nothing.
    """
    order = np.lexsort((across, level))
    first, second = order[::2], order[1::2]
    return (
        point[first], point[second], into[level[first]], into[level[first] + 1],
        np.zeros(len(first), np.int64),
    )  # fmt: skip
