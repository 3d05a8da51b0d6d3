"""Exact answers: the cheapest plan of a small region, fewest faults, windows round what is out of band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.partition.covering import cheapest_cover
from geo.partition.effort import Effort
from geo.partition.exact import (
    LARGEST_WINDOW,
    ConnectedSets,
    choose_sets,
    find_sets,
    list_connected_sets,
    set_costs,
)
from geo.partition.key import out_of_band, plan_key
from geo.partition.partition import Band
from geo.partition.region import Region, sub_region
from geo.partition.subsets import MOST_ATOMS, cheapest_division
from geo.partition.weights import Weights

# With at most so many sets dynamic programming over subsets is quicker than the linear relaxation.
SUBSET_SETS = 1_000
# Choices among plans with faults; the gap is the share by which they may miss the best.
EXACT_NODES = 20
EXACT_GAP = 0.01
# What is out of band is mended exactly among at most so many sets.
FAULT_SETS = 8_000
FAULT_NODES = 500
MOST_WINDOWS = 50
WINDOW_ATOMS = 48


def cheapest(
    region: Region,
    sets: ConnectedSets,
    labels: NDArray[np.int64],
    band: Band,
    weights: Weights,
    effort: Effort,
    *,
    large: bool,
) -> NDArray[np.int64]:
    """Return the cheapest plan of all sets within the band, the given one where none is found."""
    cost = set_costs(region, sets, band, weights)
    if len(region) <= MOST_ATOMS and len(sets) <= SUBSET_SETS:
        chosen = cheapest_division(sets.member, np.zeros(len(cost), np.int64), cost)
        return labels if chosen is None else _labels(sets, chosen)
    known = find_sets(sets, labels)
    if known is None:
        return labels
    best = cheapest_cover(sets.member, cost, float(cost[known].sum()), laid=effort.laid, large=large)
    return labels if best is None or not len(best.chosen) else _labels(sets, best.chosen)


def least_faults(
    region: Region, band: Band, weights: Weights, *, prove: bool, large: bool
) -> NDArray[np.int64] | None:
    """Return the plan with the fewest households, then faults, out of band; None where it is not found.

    Unless it is to be proved, parts above the upper bound are left out of the search.
    """
    if len(region) > LARGEST_WINDOW:
        return None
    # In a wide band every set above the upper bound holds one within it, so none is the least fault.
    wide = 2 * band.lower <= band.upper + 1
    most = band.upper if wide or not prove else region.households
    sets = list_connected_sets(region, 0, most, limit=FAULT_SETS, large=large)
    if sets is None:
        return None
    small = sets.households < band.lower
    out = small | (sets.households > band.upper)
    faults = np.maximum((sets.households - 1) // band.upper, 1)
    faults[small & sets.member[:, region.beside_large].any(axis=1)] = 0
    # Households first, then faults, of which no plan has more than atoms and whole upper bounds.
    step = len(region) + region.households // band.upper + 2
    price = np.where(out, sets.households * step + faults, 0).astype(np.int64)
    cost = set_costs(region, sets, band, weights)
    if len(region) <= MOST_ATOMS:
        division = cheapest_division(sets.member, price, cost)
        return None if division is None else _labels(sets, division)
    everything = np.ones(len(region), np.bool_)
    least = choose_sets(sets.member, price.astype(np.float64), exactly=everything, nodes=FAULT_NODES)
    if least is None or not least.proved:
        return None
    best = choose_sets(
        sets.member,
        cost,
        exactly=everything,
        nodes=EXACT_NODES,
        gap=EXACT_GAP,
        start=least.chosen,
        extra=(price.astype(np.float64), float(price[least.chosen].sum()) + 0.5),
    )
    return _labels(sets, (best or least).chosen)


def window_plan(
    region: Region,
    labels: NDArray[np.int64],
    band: Band,
    weights: Weights,
    left_alone: frozenset[int],
    *,
    large: bool,
) -> NDArray[np.int64]:
    """Return the plan with a window round each part out of band (but those left alone) chosen exactly."""
    for part in out_of_band(region, labels, band)[:MOST_WINDOWS]:
        if part in left_alone:
            continue
        total = np.bincount(labels, weights=region.weight, minlength=part + 1).astype(np.int64)
        if band.lower <= total[part] <= band.upper or not (labels == part).any():
            continue
        window = _window(region, labels, part)
        inside = np.flatnonzero(np.isin(labels, window))
        sub = sub_region(region, inside)
        plan = least_faults(sub, band, weights, prove=False, large=large)
        if plan is None:
            continue
        trial = labels.copy()
        trial[inside] = plan + int(labels.max()) + 1
        if plan_key(region, trial, band, weights) < plan_key(region, labels, band, weights):
            labels = trial
    return labels


def _window(region: Region, labels: NDArray[np.int64], part: int) -> list[int]:
    """Parts round one part, nearest first, while they have few enough atoms together."""
    size = np.bincount(labels)
    left, right = labels[region.left[region.joins]], labels[region.right[region.joins]]
    window = [part]
    atoms = int(size[part])
    while True:
        inside_left, inside_right = np.isin(left, window), np.isin(right, window)
        beside = np.unique(
            np.concatenate([right[inside_left & ~inside_right], left[inside_right & ~inside_left]])
        )
        grown = False
        for other in sorted(beside.tolist(), key=lambda p: (int(size[p]), p)):
            if atoms + int(size[other]) <= WINDOW_ATOMS:
                window.append(other)
                atoms += int(size[other])
                grown = True
        if not grown:
            return window


def _labels(sets: ConnectedSets, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = np.argmax(sets.member[chosen], axis=0).astype(np.int64)
    return labels
