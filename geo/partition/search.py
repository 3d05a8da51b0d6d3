"""Divide one region: cut random trees, anneal, mend what is out of band, answer exactly where small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo.partition.bench import Bench
from geo.partition.certificates import proved_parts
from geo.partition.effort import EFFORTS, Effort
from geo.partition.exact import list_connected_sets
from geo.partition.key import Key, out_of_band, plan_key
from geo.partition.partition import Band
from geo.partition.pool import Pool
from geo.partition.region import Region
from geo.partition.small import cheapest, least_faults, window_plan
from geo.partition.totals import is_narrow, nearest_totals, part_totals
from geo.partition.weights import Weights

# Regions of at most so many atoms get the cheapest plan within the band where they have few legal sets, by
# dynamic programming or the linear relaxation.
EXACT_ATOMS = 60
# Regions of at most so many atoms are searched from several starts: one can miss the best by much.
FEW_ATOMS = 150
TREES_MENDING = 40
# What is asked to stop before it has begun still cuts so many trees for one without faults.
STOPPED_TREES = 4
SMALL_ATOMS = 300
# A last annealing, in centimetres, down to moves that cost next to nothing.
COOL_CM = [round(300 * 0.04 ** (stage / 3)) for stage in range(4)]
COOL_MOVES = 18
# Fewer parts than were found are looked for where they would be as full as this, so often, cooled from moves
# that may cost a short border.
FULL = 0.9
FEWER_TRIES = 15
FEWER_CM = [round(3_000 * 0.04 ** (stage / 7)) for stage in range(8)]
EVEN_ROUNDS = 4
MEND_TRIALS = 300
MEND_TRIALS_MOST = 100_000
MEND_ROUNDS = 5


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
    best = min(best, pool.best(best, should_stop), key=key)
    cooled = bench.annealed(
        best, heat, moves, strict=1000, pool=pool if len(pool) else None, should_stop=should_stop
    )
    polished = min(best, cooled, key=key)
    polished = min(polished, pool.best(polished, should_stop), key=key)
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
        made = min(made, pool.best(made, should_stop), key=key)
        if made is best:
            break
        best = made
    return best


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
