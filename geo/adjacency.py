"""Who can be reached from whom: pairs of units whose cells share a border, and what the border crosses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray


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
        return len(self.left)

    def pairs(self) -> set[tuple[str, str]]:
        """Return the pairs as ids, the smaller position first."""
        ids = self.unit_ids
        return {(ids[a], ids[b]) for a, b in zip(self.left, self.right, strict=True)}
