"""Divide one region: cut random trees, anneal, mend what is out of band, answer exactly where small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.partition.annealing import WINDOW_PARTS, anneal, prices
from geo.partition.certificates import proved_parts
from geo.partition.chance import WAITING
from geo.partition.covering import cheapest_cover
from geo.partition.effort import EFFORTS, Effort
from geo.partition.exact import (
    LARGEST_WINDOW,
    ConnectedSets,
    choose_sets,
    find_sets,
    list_connected_sets,
    set_costs,
)
from geo.partition.partition import Band
from geo.partition.pool import Pool
from geo.partition.recutting import recut_windows
from geo.partition.region import CM_PER_M, Region, sub_region
from geo.partition.subsets import MOST_ATOMS, cheapest_division
from geo.partition.totals import is_narrow, nearest_totals, part_totals
from geo.partition.tree_cut import cut_random_tree
from geo.partition.weights import Weights
from geo.partition.whole_parts import with_count

# Regions of at most so many atoms get the cheapest plan within the band where they have few legal sets, by
# dynamic programming or the linear relaxation.
EXACT_ATOMS = 60
# Regions of at most so many atoms are searched from several starts: one can miss the best by much.
FEW_ATOMS = 150
SUBSET_SETS = 1_000
# Choices among plans with faults; the gap is the share by which they may miss the best.
EXACT_NODES = 20
EXACT_GAP = 0.01
# What is out of band is mended exactly among at most so many sets.
FAULT_SETS = 8_000
FAULT_NODES = 500

TREES_MENDING = 40
# What is asked to stop before it has begun still cuts so many trees for one without faults.
STOPPED_TREES = 4
SMALL_ATOMS = 300
# A last annealing, in centimetres, down to moves that cost next to nothing.
COOL_CM = [round(300 * 0.04 ** (stage / 3)) for stage in range(4)]
COOL_MOVES = 18
# Parts are worth keeping from this heat down, in centimetres: at more, most of them are rough.
POOLED_CM = 1_000
# Fewer parts than were found are looked for where they would be as full as this, so often, cooled from moves
# that may cost a short border.
FULL = 0.9
FEWER_TRIES = 15
FEWER_CM = [round(3_000 * 0.04 ** (stage / 7)) for stage in range(8)]
# In a narrow band parts are first made even, from borders that hardly count to borders that count a little.
EVEN_CM = [round(20_000 * 0.01 ** (stage / 11)) for stage in range(12)]
EVEN_SQUARE_CM = 4_000
EVEN_ROUNDS = 4
MOVES_PER_ATOM = 18
# Of 1024 moves: shares of compounds handed over, windows cut into one part more, windows of three to five
# parts and pairs cut anew, each with those before it.
MOVE_ODDS = (51, 71, 180, 200)
# Parts are made even between two at a time, their number kept.
EVEN_ODDS = (0, 0, 0, 85)
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
# Shares of compounds in parts are counted in a table of at most this many cells, beyond that sorted.
FEW_SHARES = 10_000


def _never() -> bool:
    return False


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

    def annealed(
        self,
        labels: NDArray[np.int64],
        heat: Sequence[int],
        moves: int = MOVES_PER_ATOM,
        *,
        strict: int = 1,
        pool: Pool | None = None,
        should_stop: Callable[[], bool] = _never,
    ) -> NDArray[np.int64]:
        """Return the best plan met while annealing, by so many moves an atom at each heat (centimetres).

        What is out of band counts `strict` times. The pool gets the parts at the end of each heat up to
        POOLED_CM.
        """
        price = prices(self.band, self.weights, strict=strict)
        return self._annealed(compact(labels), heat, moves, price, should_stop, pool=pool)

    def evened(self, labels: NDArray[np.int64], n_parts: int) -> NDArray[np.int64]:
        """Return a plan of so many parts that are as even as borders allow, whatever the band.

        A household too many is handed on from part to part until one lacks it: the square of what each part
        is off the mean makes every such step pay, where households out of band alone would not change.
        """
        labels = compact(with_count(self.region, labels, n_parts))
        mean = round(2 * self.region.households / n_parts)
        price = [0, self.region.households, mean, 0, 0, EVEN_SQUARE_CM, 0]
        return self._annealed(labels, EVEN_CM, MOVES_PER_ATOM, price, _never, EVEN_ODDS)

    def _annealed(
        self,
        labels: NDArray[np.int64],
        heat: Sequence[int],
        moves: int,
        price: list[int],
        should_stop: Callable[[], bool],
        odds: tuple[int, int, int, int] = MOVE_ODDS,
        pool: Pool | None = None,
    ) -> NDArray[np.int64]:
        region, n = self.region, len(self.region)
        used = int(labels.max(initial=0)) + 1
        parts = used + used // 4 + 2
        kinds = region.n_compounds if parts * region.n_compounds <= LARGEST_PRESENCE else 0
        compound = self.compound if kinds else self.blank(n, -1)
        presence = np.zeros(parts * kinds, np.int64)
        if kinds:
            named = region.compound >= 0
            np.add.at(presence, labels[named] * kinds + region.compound[named], 1)
        label, presence = self.flat(labels), self.flat(presence)
        total = self.flat(np.bincount(labels, weights=region.weight, minlength=parts).astype(np.int64))
        size = self.flat(np.bincount(labels, minlength=parts))
        free, counts = self.blank(parts), self.flat(np.array([parts - used, 0]))
        free[: parts - used] = self.flat(np.arange(used, parts))
        work = [
            self.zone, self.place, self.order, self.parent, self.closed, self.frontier, self.cut_cost,
            self.blank(n), self.blank(n), self.blank(n), self.blank(n), self.blank(kinds),
            self.blank(kinds), self.blank(n + 1), *(self.blank(WINDOW_PARTS + 2) for _ in range(3)),
        ]  # fmt: skip
        for i in range(n):
            self.zone[i] = 0
        price, waiting = self.flat(np.array(price)), self.flat(np.array(WAITING))
        shares = self.flat(np.array(odds))
        best, now, least = labels, 0, 0
        for degree in heat:
            now += anneal(
                n, kinds, *self.graph, self.gain, self.joins, self.rank, self.weight, compound, price,
                waiting, degree, moves * n, shares, label, total, size, presence, free, counts, *work,
                self.chance,
                large=self.large,
            )  # fmt: skip
            if now < least:
                best, least = np.array(label, np.int64), now
            if pool is not None and degree <= POOLED_CM:
                pool.add(np.array(label, np.int64))
            if should_stop():
                break
        return best

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
    effort: Effort = EFFORTS["standard"],
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
    effort : Effort
    """
    n = len(region)
    if region.households < 2 * band.lower and region.households <= band.upper:
        return RegionPlan(np.zeros(n, np.int64))

    if is_narrow(band) and not part_totals(region.weight, band):
        return _nearest(region, band, weights, seed, effort, large=large, should_stop=should_stop)

    def key(labels: NDArray[np.int64]) -> Key:
        return plan_key(region, labels, band, weights)

    def legal() -> bool:
        return key(best)[:2] == (0, 0)

    bench = Bench(region, band, weights, seed, large=large)
    pool = Pool(region, band, weights)
    best = _begun(bench, effort, pool, key, should_stop)
    if is_narrow(band) and not legal():
        bench = bench.compiled()
        best = _evened(bench, best, key, should_stop)
    found = best
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
    # What was mended is rough: it is annealed again, within the band.
    rough = not np.array_equal(best, found)
    heat = effort.heat_cm[len(effort.heat_cm) // 3 :] if rough else COOL_CM
    moves = effort.moves if rough else min(effort.moves, COOL_MOVES)
    best = min(best, pool.best(best), key=key)
    cooled = bench.annealed(
        best, heat, moves, strict=1000, pool=pool if len(pool) else None, should_stop=should_stop
    )
    polished = min(best, cooled, key=key)
    polished = min(polished, pool.best(polished), key=key)
    if n <= EXACT_ATOMS and key(polished)[:2] == (0, 0) and not should_stop():
        sets = list_connected_sets(region, band.lower, band.upper, limit=effort.sets, large=large)
        if sets is None and effort.starts > 1:
            polished = _fewer(bench, polished, key, should_stop)
        elif sets is not None:
            polished = min(
                polished, cheapest(region, sets, polished, band, weights, effort, large=large), key=key
            )
    if legal() or (polished == best).all():
        return RegionPlan(polished, unavoidable)
    return RegionPlan(polished, _carried(region, best, polished, unavoidable, band, large=large))


def _nearest(
    region: Region,
    band: Band,
    weights: Weights,
    seed: int,
    effort: Effort,
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
        effort=effort,
    )
    return RegionPlan(near.labels, frozenset(out_of_band(region, near.labels, band)))


def _begun(
    bench: Bench,
    effort: Effort,
    pool: Pool,
    key: Callable[[NDArray[np.int64]], Key],
    should_stop: Callable[[], bool],
) -> NDArray[np.int64]:
    """Return the best plan of some starts, each the best of some trees, annealed; parts go to the pool."""
    n = len(bench.region)
    best: NDArray[np.int64] | None = None
    starts = effort.starts if n <= FEW_ATOMS else effort.runs
    for _ in range(starts):
        cut = bench.random_cut()
        for tree in range(1, max(TREES_MENDING if n <= SMALL_ATOMS else 0, effort.trees)):
            if (tree >= effort.trees or should_stop()) and key(cut)[:2] == (0, 0):
                break
            if tree >= STOPPED_TREES and should_stop():
                break
            cut = min(cut, bench.random_cut(), key=key)
        best = cut if best is None else min(best, cut, key=key)
        if should_stop():
            break
        kept = pool if starts > 1 else None  # the parts of one start add up to little that is better
        annealed = bench.annealed(cut, effort.heat_cm, effort.moves, pool=kept, should_stop=should_stop)
        best = min(best, annealed, key=key)
        if n > EXACT_ATOMS and key(annealed)[:2] != (0, 0) and not should_stop():
            # A part or two out of band are mended at less cost than a tree that has none is improved.
            best = min(best, bench.mended(annealed, MEND_TRIALS, 2), key=key)
    assert best is not None
    return best


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


def _fewer(
    bench: Bench,
    best: NDArray[np.int64],
    key: Callable[[NDArray[np.int64]], Key],
    should_stop: Callable[[], bool],
) -> NDArray[np.int64]:
    """Return the best plan met with fewer parts, as long as that is better.

    Where they must be nearly full, single moves and windows seldom find them: parts are made even first,
    whatever the band, and annealed into it.
    """
    band, households = bench.band, bench.region.households
    counts = band.legal_counts(households)
    while (count := len(np.unique(best)) - 1) in counts and households >= FULL * count * band.upper:
        if should_stop():
            break
        pool = Pool(bench.region, bench.band, bench.weights)
        made = best
        for _ in range(FEWER_TRIES):
            tried = bench.annealed(bench.evened(best, count), FEWER_CM, strict=10, pool=pool)
            made = min(made, tried, key=key)
        made = min(made, pool.best(made), key=key)
        if made is best:
            break
        best = made
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
