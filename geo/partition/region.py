"""The graph a search works on: connected atoms that no part leaves, as flat arrays of whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geo.partition.weights import Weights

CM_PER_M = 100
# Longest border that is told apart: sums over a city stay far below 2**62.
LONGEST_BORDER_CM = 10**8
# A growing tree tells plain borders apart by what they cost in steps of ten metres, up to so many.
LONGER_CM = 1_000
INSIDE_RANKS = 4


def cut_gain_cm(
    border_m: NDArray[np.float64], crosses: NDArray[np.uint8], weights: Weights
) -> NDArray[np.int64]:
    """Return what cutting each border costs against keeping it inside a part, in whole centimetres.

    A plain border costs when it is cut, a barrier when it is kept (so that cutting it gains).
    """
    weight = np.where(crosses == 0, weights.cut, -weights.barrier)
    cm = np.rint(np.nan_to_num(border_m) * CM_PER_M * weight)
    return np.clip(cm, -LONGEST_BORDER_CM, LONGEST_BORDER_CM).astype(np.int64)


@dataclass(frozen=True)
class Region:
    """Connected atoms of one piece and the borders between them.

    Attributes
    ----------
    atoms : (n,) int64
        Atoms of the city, ascending.
    weight : (n,) int64
        Households, each at most the upper bound.
    compound : (n,) int64
        Code from 0, -1 for none or for an atom without households.
    left, right : (m,) int64
        Positions in `atoms`, sorted.
    gain : (m,) int64
        What cutting the border costs, in centimetres (`cut_gain_cm`).
    joins : (m,) bool
        Whether one can walk across.
    beside_large : (n,) bool
        Atoms beside one above the upper bound: a part below the lower bound that holds one of them can
        join that atom's part, which is out of band anyway, and is no fault of its own.
    """

    atoms: NDArray[np.int64]
    weight: NDArray[np.int64]
    compound: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    gain: NDArray[np.int64]
    joins: NDArray[np.bool_]
    beside_large: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.atoms)

    @cached_property
    def households(self) -> int:
        """Households of all atoms."""
        return int(self.weight.sum())

    @cached_property
    def n_compounds(self) -> int:
        """Number of compound codes."""
        return int(self.compound.max(initial=-1)) + 1

    @cached_property
    def _half_edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        origin = np.concatenate([self.left, self.right])
        target = np.concatenate([self.right, self.left])
        turn = np.lexsort((target, origin))
        return turn, origin[turn]

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        """Where the half-edges of each atom begin, (n + 1,)."""
        return np.searchsorted(self._half_edges[1], np.arange(len(self) + 1)).astype(np.int64)

    @cached_property
    def origin(self) -> NDArray[np.int64]:
        """Atom that each half-edge leaves, (2m,)."""
        return self._half_edges[1]

    @cached_property
    def neighbour(self) -> NDArray[np.int64]:
        """Atom that each half-edge reaches, (2m,)."""
        return np.concatenate([self.right, self.left])[self._half_edges[0]]

    @cached_property
    def half_gain(self) -> NDArray[np.int64]:
        """`gain` of each half-edge, (2m,)."""
        return np.tile(self.gain, 2)[self._half_edges[0]]

    @cached_property
    def half_joins(self) -> NDArray[np.int64]:
        """`joins` of each half-edge as 0 or 1, (2m,)."""
        return np.tile(self.joins, 2)[self._half_edges[0]].astype(np.int64)

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Order in which half-edges are crossed by a growing tree: plain borders inside a compound first.

        Of like borders the long ones come first, so that short ones are left to be cut; ranks below
        INSIDE_RANKS lie inside a compound, up to the next barrier.
        """
        a, b = self.compound[self.origin], self.compound[self.neighbour]
        apart = (a != b) & (a >= 0) & (b >= 0)
        longer = np.clip(self.half_gain // LONGER_CM, 0, INSIDE_RANKS - 1)
        rank: NDArray[np.int64] = (
            INSIDE_RANKS * (2 * (self.half_gain < 0) + apart) + INSIDE_RANKS - 1 - longer
        )
        return rank.astype(np.int64)


def region_of(
    atoms: NDArray[np.int64],
    weight: NDArray[np.int64],
    compound: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    gain: NDArray[np.int64],
    joins: NDArray[np.bool_],
    beside_large: NDArray[np.bool_],
) -> Region:
    """Take some atoms (one or more, ascending) and the pairs among them out of a graph."""
    one, two = np.searchsorted(atoms, left), np.searchsorted(atoms, right)
    last = len(atoms) - 1
    inside = (atoms[np.minimum(one, last)] == left) & (atoms[np.minimum(two, last)] == right)
    own = np.where(weight[atoms] > 0, compound[atoms], -1)
    named = own >= 0
    _, first, codes = np.unique(own[named], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    kinds = np.full(len(atoms), -1, np.int64)
    kinds[named] = rank[codes.ravel()]
    one, two = one[inside], two[inside]
    order = np.lexsort((two, one))
    return Region(
        atoms=atoms,
        weight=weight[atoms],
        compound=kinds,
        left=one[order],
        right=two[order],
        gain=gain[inside][order],
        joins=joins[inside][order],
        beside_large=beside_large[atoms],
    )


def sub_region(region: Region, positions: NDArray[np.int64]) -> Region:
    """Take some atoms of a region out as one of its own; its `atoms` are positions in the region."""
    return region_of(
        positions,
        region.weight,
        region.compound,
        region.left,
        region.right,
        region.gain,
        region.joins,
        region.beside_large,
    )
