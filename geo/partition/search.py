"""Divide one region: cut random trees, anneal, mend what is out of band, answer exactly where small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.partition.certificates import proved_parts
from geo.partition.chance import WAITING
from geo.partition.exact import (
    LARGEST_WINDOW,
    ConnectedSets,
    choose_sets,
    find_sets,
    list_connected_sets,
    set_costs,
)
from geo.partition.local_search import anneal, recut_windows
from geo.partition.partition import Band
from geo.partition.region import CM_PER_M, Region, sub_region
from geo.partition.subsets import MOST_ATOMS, cheapest_division
from geo.partition.totals import is_narrow, nearest_totals, part_totals
from geo.partition.tree_cut import cut_random_tree
from geo.partition.weights import Weights
from geo.partition.whole_parts import with_count

# Small regions get the cheapest plan within the band, when they have at most so many legal sets; the gap
# is the share by which it may miss the best.
EXACT_ATOMS = 40
EXACT_SETS = 1_000
EXACT_NODES = 20
EXACT_GAP = 0.01
# What is out of band is mended exactly among at most so many sets.
FAULT_SETS = 8_000
FAULT_NODES = 500

TREES = 8
TREES_MENDING = 40
SMALL_ATOMS = 300
# Annealing, in centimetres: from moves that may cost a compound to moves that cost next to nothing.
HEAT_CM = [round(30_000 * 0.01 ** (stage / 19)) for stage in range(20)]
COOL_CM = [round(600 * 0.02 ** (stage / 7)) for stage in range(8)]
# In a narrow band parts are first made even, from borders that hardly count to borders that count a little.
EVEN_CM = [round(20_000 * 0.01 ** (stage / 11)) for stage in range(12)]
EVEN_SQUARE_CM = 4_000
EVEN_ROUNDS = 4
MOVES_PER_ATOM = 18
RECUT_EVERY = 12
# Trees that would take more steps to cut exactly (about households x upper) are carved instead.
STEPS = 2_000_000_000
WINDOW_STEPS = 10_000_000
LARGEST_TABLE = 20_000_000
# Mending starts by taking cuts that leave an eighth of the lower bound more out of band.
MEND_WARMTH = 8
MEND_TRIALS = 300
MEND_TRIALS_MOST = 100_000
MEND_ROUNDS = 5
MOST_WINDOWS = 50
WINDOW_ATOMS = 48

# A table of compounds in parts is kept while it has at most this many cells; beyond, compounds do not
# steer single moves (they still steer the trees).
LARGEST_PRESENCE = 50_000_000


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
    pieces = len(np.unique(labels[named] * (region.n_compounds + 1) + region.compound[named]))
    target = (band.lower + band.upper) / 2 if weights.target is None else weights.target
    within = used & ~small & ~large
    cost += weights.compound_split * pieces + weights.evenness * float(((total[within] - target) ** 2).sum())
    return Key(int(total[small | large].sum()), faults, cost)


class Bench:
    """The flat arrays a search works on: lists when interpreted (quicker there), int64 when compiled."""

    def __init__(self, region: Region, band: Band, weights: Weights, seed: int, *, large: bool) -> None:
        self.region = region
        self.band = band
        self.weights = weights
        self.large = large
        n, m = len(region), 2 * len(region.left)
        # No part has more households than the region.
        self.upper = min(band.upper, region.households)
        width = self.upper + 1
        self.cells = min(n * width, LARGEST_TABLE)
        self.graph = [self.flat(a) for a in (region.indptr, region.neighbour, region.origin)]
        self.gain, self.joins = self.flat(region.half_gain), self.flat(region.half_joins)
        self.rank, self.weight = self.flat(region.rank), self.flat(region.weight)
        self.compound = self.flat(region.compound)
        self.chance = self.flat(np.array([seed], np.int64))
        self.zone, self.place, self.order, self.parent = (self.blank(n) for _ in range(4))
        self.frontier, self.cut_cost = self.blank(m + 1), self.blank(n)
        self.best, self.choice = self.blank(self.cells), self.blank(self.cells)
        self.best_row, self.choice_row = self.blank(n), self.blank(n)
        self.reach, self.closed, self.part = (self.blank(n) for _ in range(3))
        self.row = self.blank(width)

    def compiled(self) -> Bench:
        """Return a bench that goes on compiled from the same state of chance."""
        return self if self.large else Bench(self.region, self.band, self.weights, self.chance[0], large=True)

    def cuts_exactly(self) -> bool:
        """Whether a random cut is the best there is: the region is a tree and the band is wide."""
        region, band = self.region, self.band
        return (
            int(region.joins.sum()) == len(region) - 1
            and 2 * band.lower <= band.upper + 1
            and region.households * self.upper <= STEPS
            and len(region) * (self.upper + 1) <= LARGEST_TABLE
        )

    def flat(self, values: NDArray[np.int64]) -> Any:
        """Return a working copy."""
        return values.astype(np.int64) if self.large else values.tolist()

    def blank(self, size: int, value: int = 0) -> Any:
        """Return working space."""
        if not self.large:
            return [value] * size
        return np.full(size, value, np.int64) if value else np.zeros(size, np.int64)

    def random_cut(self) -> NDArray[np.int64]:
        """Return the best cut of one random tree."""
        label = self.blank(len(self.region))
        cut_random_tree(
            len(self.region), *self.graph, self.gain, self.joins, self.rank, self.weight, self.band.lower,
            self.upper, label, self.zone, self.place, self.order, self.parent, self.frontier,
            self.cut_cost, STEPS, self.cells, self.best, self.choice, self.best_row, self.choice_row,
            self.reach, self.closed, self.row, self.part, self.chance,
            large=self.large,
        )  # fmt: skip
        return np.asarray(label, np.int64)

    def annealed(self, labels: NDArray[np.int64], heat: list[int], *, strict: int = 1) -> NDArray[np.int64]:
        """Return the best plan met while annealing; `strict` multiplies what is out of band."""
        weights, target = self.weights, self.weights.target
        price = [
            self.band.lower,
            self.band.upper,
            self.band.lower + self.band.upper if target is None else 2 * target,
            round(weights.household_out * CM_PER_M) * strict,
            round(weights.part_out * CM_PER_M) * strict,
            round(weights.evenness * CM_PER_M),
            round(weights.compound_split * CM_PER_M),
        ]
        return self._annealed(compact(labels), heat, price)

    def evened(self, labels: NDArray[np.int64], n_parts: int) -> NDArray[np.int64]:
        """Return a plan of so many parts that are as even as borders allow, whatever the band.

        A household too many is handed on from part to part until one lacks it: the square of what each part
        is off the mean makes every such step pay, where households out of band alone would not change.
        """
        labels = compact(with_count(self.region, labels, n_parts))
        mean = round(2 * self.region.households / n_parts)
        price = [0, self.region.households, mean, 0, 0, EVEN_SQUARE_CM, 0]
        return self._annealed(labels, EVEN_CM, price)

    def _annealed(self, labels: NDArray[np.int64], heat: list[int], price: list[int]) -> NDArray[np.int64]:
        region, n = self.region, len(self.region)
        parts = int(labels.max(initial=0)) + 1
        kinds = region.n_compounds if parts * region.n_compounds <= LARGEST_PRESENCE else 0
        compound = self.compound if kinds else self.blank(n, -1)
        presence = np.zeros(parts * kinds, np.int64)
        if kinds:
            named = region.compound >= 0
            np.add.at(presence, labels[named] * kinds + region.compound[named], 1)
        best = self.flat(labels)
        anneal(
            n, kinds, *self.graph, self.gain, self.joins, self.rank, self.weight, compound,
            self.flat(np.array(price)), self.flat(np.array(WAITING)), self.flat(np.array(heat)),
            MOVES_PER_ATOM * n, RECUT_EVERY, self.flat(labels),
            self.flat(np.bincount(labels, weights=region.weight).astype(np.int64)),
            self.flat(np.bincount(labels)), self.flat(presence), best, self.zone, self.place, self.order,
            self.parent, self.frontier, self.cut_cost, self.blank(n), self.blank(n), self.blank(n),
            self.blank(kinds), self.blank(kinds), self.blank(n), self.chance,
            large=self.large,
        )  # fmt: skip
        return np.asarray(best, np.int64)

    def mended(self, labels: NDArray[np.int64], trials: int, widest: int) -> NDArray[np.int64]:
        """Return the plan with windows round parts out of band cut anew."""
        n = len(self.region)
        labels = compact(labels)
        parts = int(labels.max(initial=0)) + 1
        total = np.full(n, -1, np.int64)
        total[:parts] = np.bincount(labels, weights=self.region.weight)
        label = self.blank(n)
        recut_windows(
            n, *self.graph, self.gain, self.joins, self.rank, self.weight, self.band.lower, self.upper,
            trials, widest, self.band.lower // MEND_WARMTH, self.flat(np.array(WAITING)),
            self.flat(labels), label, self.flat(total), self.flat(np.arange(n)[::-1]), n - parts,
            self.zone, self.place, self.order, self.parent, self.frontier, self.cut_cost, WINDOW_STEPS,
            self.cells, self.best, self.choice, self.best_row, self.choice_row, self.reach, self.closed,
            self.row, self.part, self.blank(widest + 2 + n), self.blank(n), self.chance,
            large=self.large,
        )  # fmt: skip
        return np.asarray(label, np.int64)


def compact(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the parts from 0 without gaps."""
    return np.unique(labels, return_inverse=True)[1].ravel().astype(np.int64)


@dataclass(frozen=True)
class RegionPlan:
    """Labels (n,) of a region, and the parts out of band that are proved to be unavoidable."""

    labels: NDArray[np.int64]
    unavoidable: frozenset[int] = frozenset()


def plan_region(
    region: Region,
    band: Band,
    weights: Weights,
    seed: int,
    *,
    large: bool,
    should_stop: Callable[[], bool],
) -> RegionPlan:
    """Divide a region into contiguous parts, within the band wherever that is found possible.

    Parameters
    ----------
    region : Region
        Connected over the pairs that join; no atom above the upper bound.
    seed : int
        State of `chance.draw`, 1 to 2**32 - 1.
    large : bool
        Run compiled; the plan is the same.
    should_stop : callable
        Asked between the steps; the best plan so far is returned when it says so.
    """
    n = len(region)
    if region.households < 2 * band.lower and region.households <= band.upper:
        return RegionPlan(np.zeros(n, np.int64))

    if is_narrow(band) and not part_totals(region.weight, band):
        return _nearest(region, band, weights, seed, large=large, should_stop=should_stop)

    def key(labels: NDArray[np.int64]) -> Key:
        return plan_key(region, labels, band, weights)

    def legal() -> bool:
        return key(best)[:2] == (0, 0)

    bench = Bench(region, band, weights, seed, large=large)
    best = bench.random_cut()
    for tree in range(1, TREES_MENDING if n <= SMALL_ATOMS else TREES):
        if should_stop() or (tree >= TREES and legal()):
            break
        best = min(best, bench.random_cut(), key=key)
    if not should_stop():
        best = min(best, bench.annealed(best, HEAT_CM), key=key)
    if is_narrow(band) and not legal():
        bench = bench.compiled()
        best = _evened(bench, best, key, should_stop)
    unavoidable: frozenset[int] = frozenset()
    proved = legal()
    if not proved and not should_stop():
        exact = None
        if n > EXACT_ATOMS:
            best = min(best, bench.mended(best, MEND_TRIALS, 2), key=key)
        if not legal():
            exact = least_faults(region, band, weights, prove=True, large=large)
        if exact is not None:
            best = min(best, exact, key=key)
        proved = legal() or exact is not None or bench.cuts_exactly()
        if proved:
            unavoidable = frozenset(out_of_band(region, best, band))
    for mending in range(MEND_ROUNDS):
        if proved or should_stop():
            break
        bench = bench.compiled()  # rare and long
        trials = min(MEND_TRIALS * 4**mending * len(out_of_band(region, best, band)), MEND_TRIALS_MOST)
        best = min(best, bench.mended(best, trials, 2 + mending % 3), key=key)
        unavoidable = frozenset(proved_parts(region, best, band, large=large))
        mended = window_plan(region, best, band, weights, unavoidable, large=large)
        if key(mended) < key(best):
            best = mended
            unavoidable = frozenset(proved_parts(region, best, band, large=large))
        proved = len(unavoidable) == len(out_of_band(region, best, band))
    if should_stop():
        return RegionPlan(best, unavoidable)
    polished = min(best, bench.annealed(best, COOL_CM, strict=1000), key=key)
    if n <= EXACT_ATOMS and key(polished)[:2] == (0, 0):
        polished = min(polished, cheapest(region, polished, band, weights, large=large), key=key)
    if legal() or (polished == best).all():
        return RegionPlan(polished, unavoidable)
    return RegionPlan(polished, _carried(region, best, polished, unavoidable, band, large=large))


def _nearest(
    region: Region,
    band: Band,
    weights: Weights,
    seed: int,
    *,
    large: bool,
    should_stop: Callable[[], bool],
) -> RegionPlan:
    """Divide a region whose units have no total within the band: into parts next below and above it."""
    below, above = nearest_totals(region.weight, band)
    middle = (band.lower + band.upper) // 2 if weights.target is None else weights.target
    near = plan_region(
        region,
        Band(below, above),
        replace(weights, target=middle),
        seed,
        large=large,
        should_stop=should_stop,
    )
    return RegionPlan(near.labels, frozenset(out_of_band(region, near.labels, band)))


def _evened(
    bench: Bench,
    best: NDArray[np.int64],
    key: Callable[[NDArray[np.int64]], Key],
    should_stop: Callable[[], bool],
) -> NDArray[np.int64]:
    """Return the best plan met while making numbers of parts even that the band allows."""
    households, band = bench.region.households, bench.band
    middle = (band.lower + band.upper) / 2
    counts = sorted(band.legal_counts(households), key=lambda k: (abs(k - households / middle), k))
    for even in range(EVEN_ROUNDS if counts else 0):
        if should_stop() or key(best)[:2] == (0, 0):
            break
        made = bench.evened(best, counts[even % len(counts)])
        best = min(best, made, bench.annealed(made, COOL_CM, strict=10), key=key)
    return best


def out_of_band(region: Region, labels: NDArray[np.int64], band: Band) -> list[int]:
    """Return the parts out of band, ascending."""
    total = np.bincount(labels, weights=region.weight)
    used = np.bincount(labels) > 0
    out: list[int] = np.flatnonzero(used & ((total < band.lower) | (total > band.upper))).tolist()
    return out


def _carried(
    region: Region,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    unavoidable: frozenset[int],
    band: Band,
    *,
    large: bool,
) -> frozenset[int]:
    """Parts of a polished plan that are unavoidable: all of them when as many households were before."""
    out_before, out_after = out_of_band(region, before, band), out_of_band(region, after, band)
    if len(unavoidable) == len(out_before):
        return frozenset(out_after)
    return frozenset(proved_parts(region, after, band, large=large))


def cheapest(
    region: Region, labels: NDArray[np.int64], band: Band, weights: Weights, *, large: bool
) -> NDArray[np.int64]:
    """Return the cheapest plan within the band of a small region, the given one where none is found."""
    sets = list_connected_sets(region, band.lower, band.upper, limit=EXACT_SETS, large=large)
    if sets is None:
        return labels
    cost = set_costs(region, sets, band, weights)
    if len(region) <= MOST_ATOMS:
        chosen = cheapest_division(sets.member, np.zeros(len(cost), np.int64), cost)
        return labels if chosen is None else _labels(sets, chosen)
    choice = choose_sets(
        sets.member,
        cost,
        exactly=np.ones(len(region), np.bool_),
        nodes=EXACT_NODES,
        gap=EXACT_GAP,
        start=find_sets(sets, labels),
    )
    return labels if choice is None else _labels(sets, choice.chosen)


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
