"""Exact set partitioning of a few atoms by dynamic programming over subsets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Memory and time double with each atom; so many take about a second and 30 MB.
MOST_ATOMS = 18

_UNREACHED = np.iinfo(np.int64).max


def cheapest_division(
    member: NDArray[np.bool_], price: NDArray[np.int64], cost: NDArray[np.float64]
) -> NDArray[np.int64] | None:
    """Choose sets that hold every atom exactly once, of least total price and, among these, least total cost.

    Sets are laid in order of the lowest atom not yet held, so that each division is built once.

    Parameters
    ----------
    member : (k, n) bool
        What each set holds; n is at most MOST_ATOMS, no set is empty.
    price : (k,) int64
        What counts first, 0 or more.
    cost : (k,) float64
        What counts among divisions of equal price.

    Returns
    -------
    (chosen,) int64, or None where no choice of sets holds every atom exactly once

    References
    ----------
    Held, M., Karp, R. M. (1962). A dynamic programming approach to sequencing problems. SIAM J. 10(1)
    (dynamic programming over subsets).
    """
    n = member.shape[1]
    mask = (member.astype(np.int64) << np.arange(n)).sum(axis=1)
    lowest = np.argmax(member, axis=1)
    least_price = np.full(1 << n, _UNREACHED)
    least_cost = np.full(1 << n, np.inf)
    last = np.full(1 << n, -1)
    least_price[0], least_cost[0] = 0, 0.0
    for low in range(n):
        held = ((1 << low) - 1) + (np.arange(1 << (n - low - 1)) << (low + 1))
        held = held[least_price[held] < _UNREACHED]
        if not len(held):
            continue
        for choice in np.flatnonzero(lowest == low).tolist():
            free = held[(held & mask[choice]) == 0]
            grown = free | mask[choice]
            total_price, total_cost = least_price[free] + price[choice], least_cost[free] + cost[choice]
            better = (total_price < least_price[grown]) | (
                (total_price == least_price[grown]) & (total_cost < least_cost[grown])
            )
            grown = grown[better]
            least_price[grown], least_cost[grown] = total_price[better], total_cost[better]
            last[grown] = choice
    left = (1 << n) - 1
    if least_price[left] == _UNREACHED:
        return None
    chosen = []
    while left:
        chosen.append(int(last[left]))
        left ^= int(mask[chosen[-1]])
    return np.array(sorted(chosen), np.int64)
