"""Borders between cells as short straight pieces: what cells, micro-grids and adjacency are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Arcs:
    """The borders between cells as short straight pieces.

    Attributes
    ----------
    xy : (p, 2) float64
        Points in metres of the working CRS, exact on a binary lattice.
    start, end : (a,) int64
        Points each arc runs between.
    left, right : (a,) int64
        Cell on either side, -1 outside all communities. Cells 0 .. n_units - 1 are those of the units;
        cell n_units + c is community c's ground where it has no unit.
    crossing : (a,) int64
        `Crossing` bits of the line the arc runs along; WATER too where it lies in water.
    cell_community : (n_units + n_communities,) int64
        Community of each cell, -1 for a unit without cell.
    n_units : int
    """

    xy: FloatArray
    start: IntArray
    end: IntArray
    left: IntArray
    right: IntArray
    crossing: IntArray
    cell_community: IntArray
    n_units: int

    @property
    def length_m(self) -> FloatArray:
        """Length of each arc in metres, (a,)."""
        run = self.xy[self.end] - self.xy[self.start]
        return np.hypot(run[:, 0], run[:, 1])
