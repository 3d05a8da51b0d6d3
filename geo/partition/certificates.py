"""Why a part is out of band: the reason as a proof, or an admission that nothing is proved.

The strongest simple reason is given first (a unit too large, a pocket or community too small). For the rest
a lower bound on the households that no plan can place is compared with what the plan leaves out of band.

References
----------
Ito, T., Zhou, X., Nishizeki, T. (2006). Partitioning a graph of bounded tree-width to connected subgraphs
of almost uniform size. Journal of Discrete Algorithms 4(1).
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from geo.partition.exact import LARGEST_WINDOW, choose_sets, list_connected_sets
from geo.partition.partition import Band, components
from geo.partition.region import Region, sub_region
from geo.partition.totals import households_left_over

CORE_RADII = (0, 1, 2)
CORE_SETS = 10_000
CORE_NODES = 500
# Cores with too many sets tell nothing and take long; after so many the rest of a region is left unproved.
MOST_FAILURES = 20
# So many of the heaviest atoms are tried as a reason why a region cannot be divided.
HEAVY_ATOMS = 5


def too_heavy_to_divide(region: Region, out: int, band: Band) -> bool:
    """Whether one heavy atom shows that no plan leaves fewer than `out` households out of band.

    A plan that did would have every atom of at least `out` households in band. The part of such an atom
    also holds every such atom that can be reached only through it and has less than a part round it; if
    what is left is too little for the other parts that are needed, there is no such plan.
    """
    needed = -(-(region.households - out + 1) // band.upper)
    left, right = region.left[region.joins], region.right[region.joins]
    for atom in np.argsort(-region.weight, kind="stable")[:HEAVY_ATOMS].tolist():
        if region.weight[atom] < out:
            break
        apart = (left != atom) & (right != atom)
        place = components(len(region), left[apart], right[apart])
        total, heaviest = np.zeros(len(region) + 1, np.int64), np.zeros(len(region) + 1, np.int64)
        others = np.arange(len(region)) != atom
        np.add.at(total, place[others], region.weight[others])
        np.maximum.at(heaviest, place[others], region.weight[others])
        bound = (total < band.lower) & (heaviest >= out)
        together = int(region.weight[atom] + heaviest[bound].sum())
        if together > band.upper or together + (needed - 1) * band.lower > region.households:
            return True
    return False


def households_never_placed(
    region: Region, core: NDArray[np.int64], band: Band, *, large: bool
) -> int | None:
    """Return a lower bound on the households of some atoms that are out of band in every plan.

    In any plan the parts in band that touch the core are disjoint contiguous sets. The disjoint sets that
    hold most households of the core are found exactly among all contiguous sets in the band; what they
    leave is out of band in every plan. None where there are too many sets.
    """
    window = _within_reach(region, core, band.upper)
    if len(window) > LARGEST_WINDOW:
        return None
    sub = sub_region(region, window)
    inner = np.searchsorted(window, core)
    sets = list_connected_sets(sub, band.lower, band.upper, core=inner, limit=CORE_SETS, large=large)
    if sets is None:
        return None
    held = sets.member[:, inner] @ sub.weight[inner]
    whole = int(sub.weight[inner].sum())
    useful = held > 0
    if not useful.any():
        return whole
    nowhere = np.zeros(len(window), np.bool_)
    choice = choose_sets(sets.member[useful], -held[useful].astype(float), exactly=nowhere, nodes=CORE_NODES)
    if choice is None or not choice.proved:
        return None
    return whole - int(held[useful][choice.chosen].sum())


def proved_parts(region: Region, labels: NDArray[np.int64], band: Band, *, large: bool) -> set[int]:
    """Return the parts out of band of a region that a bound shows to be unavoidable.

    Round each such part a core is sought in which at least as many households are out of band in every
    plan. Cores do not overlap, so their bounds add up. Atoms that are in no part, below 0 in `labels`, are
    out of band like a part of their own that nothing is told of.
    """
    nowhere = int(labels.max(initial=-1)) + 1
    labels = np.where(labels < 0, nowhere, labels)
    total = np.bincount(labels, weights=region.weight).astype(np.int64)
    is_out = (total < band.lower) | (total > band.upper) | (np.arange(len(total)) == nowhere)
    out = np.flatnonzero((np.bincount(labels) > 0) & is_out)
    told = out[out < nowhere]
    if int(total[out].sum()) <= households_left_over(region.weight, band):
        return set(told.tolist())
    if too_heavy_to_divide(region, int(total[out].sum()), band):
        return set(told.tolist())
    taken = np.isin(labels, out)
    proved = set()
    failures = 0
    for part in told.tolist():
        if failures == MOST_FAILURES:
            break
        own = labels == part
        barred = taken & ~own
        core = own
        for _ in CORE_RADII:
            bound = households_never_placed(region, np.flatnonzero(core), band, large=large)
            if bound is not None and bound >= total[part]:
                proved.add(part)
                taken |= core
                break
            if bound is None:
                failures += 1
                break
            core = _widened(region, core) & ~barred
    return proved


def _widened(region: Region, core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    left, right = region.left[region.joins], region.right[region.joins]
    wider = core.copy()
    wider[right[core[left]]] = True
    wider[left[core[right]]] = True
    return wider


def _within_reach(region: Region, core: NDArray[np.int64], upper: int) -> NDArray[np.int64]:
    """Atoms that a contiguous set of at most upper households can hold together with an atom of the core."""
    weight = region.weight.tolist()
    walk = region.half_joins == 1
    neighbour, indptr = region.neighbour.tolist(), region.indptr.tolist()
    near = {int(a): weight[a] for a in core.tolist()}
    queue = [(w, a) for a, w in near.items()]
    heapq.heapify(queue)
    while queue:
        households, atom = heapq.heappop(queue)
        if households > near[atom]:
            continue
        for edge in range(indptr[atom], indptr[atom + 1]):
            other = neighbour[edge]
            further = households + weight[other]
            if walk[edge] and further <= upper and further < near.get(other, upper + 1):
                near[other] = further
                heapq.heappush(queue, (further, other))
    return np.array(sorted(near), np.int64)
