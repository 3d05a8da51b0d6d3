"""Who can be reached from whom: pairs of units whose cells share a border, and what the border crosses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.arcs import Arcs


class Crossing(IntFlag):
    """What a shared border runs along, as bits (a border may run along several things)."""

    WALL = 1
    MINOR_ROAD = 2
    SECONDARY_ROAD = 4
    MAJOR_ROAD = 8
    WATER = 16
    BARRIER = 32


@dataclass(frozen=True)
class Adjacency:
    """Rook adjacency of n units as m pairs in flat arrays.

    Attributes
    ----------
    unit_ids : (n,) object
        Ids of the units as text, in ascending order; positions below refer to it.
    left, right : (m,) int64
        Positions of the two units, left < right, sorted by (left, right).
    border_m : (m,) float64
        Length of the shared border in metres.
    crosses : (m,) uint8
        `Crossing` bits.
    joins : (m,) bool
        Whether one can walk across: false along water and barriers without bridge or gate.
    """

    unit_ids: NDArray[np.object_]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    border_m: NDArray[np.float64]
    crosses: NDArray[np.uint8]
    joins: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.left)

    def pairs(self) -> set[tuple[str, str]]:
        """Return the pairs as ids, the smaller position first."""
        ids = self.unit_ids
        return {(ids[a], ids[b]) for a, b in zip(self.left, self.right, strict=True)}


# A shared border is real when it is this long, or this share of the smaller cell's outline: surveyed
# vertices agree to about half a metre, but the cell of a point among many may be smaller than that.
MIN_BORDER_M = 1.0
MIN_BORDER_SHARE = 0.05

# A bridge or gate joins the cells whose border it meets within this distance.
PASSAGE_M = 5.0

# A border runs along something when at least this share of it does.
ALONG_SHARE = 0.5

_HARD = int(Crossing.WATER | Crossing.BARRIER)


def adjacency(
    arcs: Arcs,
    unit_ids: NDArray[np.object_],
    *,
    bridges: NDArray[np.object_] | None = None,
    gates: NDArray[np.object_] | None = None,
) -> Adjacency:
    """Relate the units whose cells share a border.

    Parameters
    ----------
    arcs : Arcs
        Borders of the cells of n units.
    unit_ids : (n,) object
        Ids in ascending order, aligned with the cells.
    bridges : (b,) of LineString, optional
        Roads that cross water or barriers; they join the cells whose border they meet.
    gates : (g,) of Point, optional
        Openings in walls and barriers, likewise.

    Returns
    -------
    Adjacency
        Pairs within one community and across community edges. A pair joins when enough of its border
        (MIN_BORDER_M or MIN_BORDER_SHARE) is neither water nor barrier, or when a bridge or gate lies
        on it. A gate also takes the wall off the pair's border.
    """
    n = len(unit_ids)
    inner = np.flatnonzero((arcs.left >= 0) & (arcs.right >= 0) & (arcs.left < n) & (arcs.right < n))
    left = np.minimum(arcs.left[inner], arcs.right[inner])
    right = np.maximum(arcs.left[inner], arcs.right[inner])
    length = arcs.length_m[inner]
    crossing = arcs.crossing[inner]
    key, pair = np.unique(left * n + right, return_inverse=True)
    m = len(key)
    border_m: NDArray[np.float64] = np.bincount(pair, weights=length, minlength=m).astype(np.float64)
    soft_m = np.bincount(pair, weights=length * ((crossing & _HARD) == 0), minlength=m)
    crosses = np.zeros(m, np.uint8)
    for bit in Crossing:
        along_m = np.bincount(pair, weights=length * ((crossing & bit) > 0), minlength=m)
        crosses[along_m >= ALONG_SHARE * border_m] |= np.uint8(bit)
    a, b = key // n, key % n
    outline_m = np.bincount(
        arcs.left[arcs.left >= 0], arcs.length_m[arcs.left >= 0], len(arcs.cell_community)
    )
    outline_m += np.bincount(
        arcs.right[arcs.right >= 0], arcs.length_m[arcs.right >= 0], len(arcs.cell_community)
    )
    enough_m = np.minimum(MIN_BORDER_M, MIN_BORDER_SHARE * np.minimum(outline_m[a], outline_m[b]))
    joins = soft_m >= enough_m
    joins |= _passed(arcs, inner[(crossing & _HARD) > 0], pair[(crossing & _HARD) > 0], m, bridges)
    barred = (crossing & int(Crossing.BARRIER | Crossing.WALL)) > 0
    gated = _passed(arcs, inner[barred], pair[barred], m, gates)
    joins |= gated
    crosses[gated] &= np.uint8(0xFF & ~int(Crossing.WALL))
    return Adjacency(unit_ids, a, b, border_m, crosses, joins)


def contact(arcs: Arcs, pairs: Adjacency) -> NDArray[np.float64]:
    """Return how long the border of each pair is against the way between the middles of their cells, (m,).

    The middle of a cell is that of its outline; sides of like squares are 1.
    """
    n_cells = len(arcs.cell_community)
    at = (arcs.xy[arcs.start] + arcs.xy[arcs.end]) / 2
    sides = np.concatenate([arcs.left, arcs.right])
    length = np.tile(arcs.length_m, 2)
    placed = sides >= 0
    outline_m = np.bincount(sides[placed], length[placed], n_cells)
    middle = np.stack(
        [
            np.bincount(sides[placed], (length * np.tile(at[:, axis], 2))[placed], n_cells)
            / np.maximum(outline_m, 1e-9)
            for axis in (0, 1)
        ],
        axis=1,
    )
    way_m = np.hypot(*(middle[pairs.left] - middle[pairs.right]).T)
    share: NDArray[np.float64] = pairs.border_m / np.maximum(way_m, 1e-9)
    return share


def _passed(
    arcs: Arcs, arc: NDArray[np.int64], pair: NDArray[np.int64], m: int, passages: NDArray[np.object_] | None
) -> NDArray[np.bool_]:
    """Return which pairs have a passage on one of the given arcs, (m,)."""
    passed = np.zeros(m, bool)
    if passages is None or not len(passages) or not len(arc):
        return passed
    ends = np.stack([arcs.xy[arcs.start[arc]], arcs.xy[arcs.end[arc]]], axis=1)
    tree = shapely.STRtree(shapely.linestrings(ends))
    _, hit = tree.query(passages, predicate="dwithin", distance=PASSAGE_M)
    passed[pair[hit]] = True
    return passed
