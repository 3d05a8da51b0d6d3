"""How many grids the households of a community allow, and what stands outside that question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.metrics import totals, unit_counts
from geo.partition.partition import Band

__all__ = ["GridCount", "grid_counts"]


@dataclass(frozen=True)
class GridCount:
    """The households and grids of one community, and how many grids would be legal.

    Attributes
    ----------
    households : int
        All of them, those in no grid too.
    special_households : int
        Those in special grids, which no band counts.
    grids, special_grids : int
        Grids most of whose households are here: those held to the band, and special ones.
    too_large : tuple of str
        Units outside special grids that alone exceed the band, ids ascending. No unit is divided, so that
        each of them is a grid of its own, which stays too large.
    too_large_households : int
        Households of those units.
    in_band : range
        How many grids in band the other households allow; empty where no number is legal.
    """

    households: int
    special_households: int
    grids: int
    special_grids: int
    too_large: tuple[str, ...]
    too_large_households: int
    in_band: range

    @property
    def other_households(self) -> int:
        """Households outside special grids and units that are too large."""
        return self.households - self.special_households - self.too_large_households

    @property
    def legal(self) -> range:
        """How many grids besides special ones: those in band and one for each unit that is too large."""
        if not self.in_band:
            return range(0)
        alone = len(self.too_large)
        return range(self.in_band.start + alone, self.in_band.stop + alone)


def grid_counts(
    names: Sequence[str],
    *,
    unit_ids: Sequence[str],
    households: NDArray[np.int64],
    community: NDArray[np.int64],
    in_special: NDArray[np.bool_],
    grid_community: NDArray[np.int64],
    exempt: NDArray[np.bool_],
    band: Band,
) -> dict[str, GridCount]:
    """Count the households and grids of each community.

    Parameters
    ----------
    names : (c,) sequence of str
        Ids of the communities.
    unit_ids, households, community, in_special : (n,)
        Of each unit: its id, its households, the position of its community in `names` (-1 outside all) and
        whether a special grid holds it.
    grid_community, exempt : (k,)
        Of each grid: the position of its community (-1 for none) and whether it is special.
    band : Band
    """
    n = len(names)
    alone = (households > band.upper) & ~in_special & (community >= 0)
    large: list[list[str]] = [[] for _ in names]
    for unit in np.flatnonzero(alone).tolist():
        large[int(community[unit])].append(unit_ids[unit])
    sums = [
        totals(np.where(counted, community, -1), households, n).tolist()
        for counted in (community >= 0, in_special, alone)
    ]
    held = [unit_counts(np.where(counted, grid_community, -1), n).tolist() for counted in (~exempt, exempt)]
    return {
        name: GridCount(
            households=sums[0][code],
            special_households=sums[1][code],
            grids=held[0][code],
            special_grids=held[1][code],
            too_large=tuple(sorted(large[code])),
            too_large_households=sums[2][code],
            in_band=band.legal_counts(sums[0][code] - sums[1][code] - sums[2][code]),
        )
        for code, name in enumerate(names)
    }
