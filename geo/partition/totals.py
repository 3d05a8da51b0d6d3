"""Which totals parts can have at all, whatever units they are made of, and what such parts must leave out.

Sums of whole numbers are kept as the bits of one number: adding a unit is a shift. Contiguity is left aside,
so what cannot be formed here cannot be formed on any map.

References
----------
Bellman, R. (1957). Dynamic Programming. Princeton University Press (subset sums).
Pisinger, D. (1999). Linear time algorithms for knapsack problems with bounded weights. Journal of Algorithms
33(1).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from geo.partition.partition import Band

# Beyond so many bits to shift in all only counting is used: about a second.
MOST_BITS = 1 << 34
# Units of more different sizes than this are not asked one by one whether they fit anywhere.
MOST_SIZES = 200


def is_narrow(band: Band) -> bool:
    """Whether a part above the band need not hold one within it: two of the lower bound are too many."""
    return 2 * band.lower > band.upper + 1


def part_totals(weight: NDArray[np.int64], band: Band) -> list[int]:
    """Return the totals within the band that some of the units have together, ascending.

    Units of 12 households make parts of 72 and 84, so in a band of 75 to 80 no total can be formed.
    """
    return _between(_subset_sums(_sizes(weight), band.upper), band)


def nearest_totals(weight: NDArray[np.int64], band: Band) -> tuple[int, int]:
    """Return the largest total below and the least above the band that some of the units have together.

    0 where there is none. The least above is sought up to the upper bound and the largest unit together.
    """
    most = band.upper + int(weight.max(initial=0))
    sums = _subset_sums(_sizes(weight), most)
    below = (sums & ((1 << band.lower) - 1)).bit_length() - 1
    above = sums >> (band.upper + 1)
    return below, band.upper + (above & -above).bit_length() if above else 0


def households_left_over(weight: NDArray[np.int64], band: Band) -> int:
    """Return how many households of some units are out of band in every plan, by their totals alone.

    Units that are in no total within the band are left over, and of the others what no number of such totals
    adds up to: units of 12 households in a band of 70 to 73 make parts of 72, so that of 1,200 households at
    least 48 are left over.
    """
    sizes = _sizes(weight)
    whole = int(weight.sum())
    if whole * len(sizes) > MOST_BITS or band.upper * len(sizes) > MOST_BITS:
        return unplaceable_households(whole, band)
    sizes = _that_fit(sizes, band)
    placed = sum(size * count for size, count in sizes.items())
    totals = _between(_subset_sums(sizes, band.upper), band)
    if placed * len(totals) > MOST_BITS:
        return whole - placed + unplaceable_households(placed, band)
    adds_up = 1
    for total in totals:
        step = total
        while step <= placed:  # any number of parts of this total, by doubling
            adds_up |= adds_up << step
            step *= 2
        adds_up &= (1 << (placed + 1)) - 1
    return whole - ((adds_up & _subset_sums(sizes, placed)).bit_length() - 1)


def unplaceable_households(households: int, band: Band) -> int:
    """Return how many of so many households no number of parts within the band can hold.

    k parts hold from k * lower to k * upper households, so that for example 50 to 60 leaves gaps: of 70
    households at least 10 stay out.
    """
    most = households // band.lower
    return households - min(households, most * band.upper)


def _sizes(weight: NDArray[np.int64]) -> Counter[int]:
    """How many units have each number of households, without empty ones."""
    sizes, counts = np.unique(weight[weight > 0], return_counts=True)
    return Counter(dict(zip(sizes.tolist(), counts.tolist(), strict=True)))


def _subset_sums(sizes: Counter[int], most: int) -> int:
    """Totals of some of the units up to `most`, as bits."""
    sums = 1
    everything = (1 << (most + 1)) - 1
    for size, count in sizes.items():
        left = min(count, most // size)
        taken = 1
        while left > 0:  # 1, 2, 4, ... units at once make every number of them
            step = min(taken, left)
            sums |= sums << (size * step) & everything
            left -= step
            taken *= 2
    return sums


def _between(sums: int, band: Band) -> list[int]:
    return [total for total in range(band.lower, band.upper + 1) if sums >> total & 1]


def _that_fit(sizes: Counter[int], band: Band) -> Counter[int]:
    """Units that are in some total within the band of units that are so themselves."""
    if len(sizes) > MOST_SIZES:
        return sizes
    while True:
        fit = Counter(
            {
                size: count
                for size, count in sizes.items()
                if size <= band.upper
                and _subset_sums(sizes - Counter([size]), band.upper - size) >> max(band.lower - size, 0)
            }
        )
        if len(fit) == len(sizes):
            return fit
        sizes = fit
