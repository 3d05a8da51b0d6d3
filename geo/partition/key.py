"""What plans of a region are ranked by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.partition.partition import Band
from geo.partition.region import CM_PER_M, Region
from geo.partition.weights import Weights

# Shares of compounds in parts are counted in a table of at most this many cells, beyond that sorted.
FEW_SHARES = 10_000


class Key(NamedTuple):
    """What plans are ranked by, the least first: households out of band, faults, metres.

    A part out of band is one fault; one that could make several parts above the upper bound is as many;
    one below the lower bound that can join an atom too large beside it is none.
    """

    households_out: int
    faults: int
    cost_m: float


def plan_key(region: Region, labels: NDArray[np.int64], band: Band, weights: Weights) -> Key:
    """Return the key of a plan of a region; labels (n,) from 0, gaps allowed."""
    total = np.bincount(labels, weights=region.weight).astype(np.int64)
    used = np.bincount(labels) > 0
    small = used & (total < band.lower)
    large = total > band.upper
    hosted = np.bincount(labels[region.beside_large], minlength=len(total)) > 0
    faults = int((small & ~hosted).sum() + np.maximum((total[large] - 1) // band.upper, 1).sum())
    cut = labels[region.left] != labels[region.right]
    cost = float(region.gain[cut].sum()) / CM_PER_M
    named = region.compound >= 0
    shares = labels[named] * region.n_compounds + region.compound[named]
    few = len(total) * region.n_compounds <= len(region) + FEW_SHARES
    pieces = np.count_nonzero(np.bincount(shares)) if few else len(np.unique(shares))
    target = (band.lower + band.upper) / 2 if weights.target is None else weights.target
    within = used & ~small & ~large
    cost += weights.compound_split * pieces + weights.evenness * float(((total[within] - target) ** 2).sum())
    return Key(int(total[small | large].sum()), faults, cost)


def out_of_band(region: Region, labels: NDArray[np.int64], band: Band) -> list[int]:
    """Return the parts out of band, ascending."""
    total = np.bincount(labels, weights=region.weight)
    used = np.bincount(labels) > 0
    out: list[int] = np.flatnonzero(used & ((total < band.lower) | (total > band.upper))).tolist()
    return out
