"""Several plans of the same layers that truly differ, none of which is worse than another in everything.

A plan is short in its borders, keeps compounds whole or makes grids even; no weights say for everybody how
much of one is worth how much of another. The same ground is divided again and again, with weights that lean
to one of them and from other starts. Of the plans with fewest faults those stay that no other beats in all
three (the Pareto front), and of these the ones farthest apart are taken.

References
----------
Ishibuchi, H., Murata, T. (1998). A multi-objective genetic local search algorithm and its application to
flowshop scheduling. IEEE Transactions on Systems, Man, and Cybernetics C 28(3) (local searches with other
weights each to cover a front).
Gonzalez, T. (1985). Clustering to minimize the maximum intercluster distance. Theoretical Computer Science 38
(farthest-first choice).
Hubert, L., Arabie, P. (1985). Comparing partitions. Journal of Classification 2 (pairs of units together in
one partition or in both, counted from the table of the two).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError
from geo.partition import Band, EffortName, Partition, Weights, partition, usual_effort
from geo.partition.region import CM_PER_M, cut_gain_cm
from geo.plan_layers import PlanLayers
from geo.planning import (
    Ground,
    Plan,
    Progress,
    bare_communities,
    compound_names,
    judged,
    region_codes,
    stand,
    unit_work,
)

Leaning: TypeAlias = Literal["usual", "shape", "compounds", "evenness"]

# What counts more in each leaning; all else is weighed as usual.
LEANINGS: Mapping[Leaning, Weights] = MappingProxyType(
    {
        "usual": Weights(),
        "shape": Weights(compound_split=60.0, evenness=0.002),
        "compounds": Weights(compound_split=1500.0),
        "evenness": Weights(evenness=0.08),
    }
)
MOST = 9
# Each leaning is searched from so many starts, or from more where many plans are asked for.
STARTS = 2
# Where fewer plans differ than are asked for, at most so many more.
FURTHER_STARTS = 3
# Two plans are told apart as different from this share of pairs on.
LEAST_APART = 0.05


@dataclass(frozen=True)
class Merits:
    """What plans without avoidable faults are compared by; of each the less the better.

    Attributes
    ----------
    border_m : float
        Metres of plain border between grids, and thrice those of roads, walls and water inside grids.
    splits : int
        Parts of compounds more than these need (`ceil(households / upper)` each, at least one).
    deviation : float
        Root of the mean squared distance of grid totals in band from the middle of the band, in households.
    """

    border_m: float
    splits: int
    deviation: float

    def beats(self, other: Merits) -> bool:
        """Whether it is nowhere worse than another, and better in something."""
        one, two = self._values(), other._values()
        return all(a <= b for a, b in zip(one, two, strict=True)) and one != two

    def _values(self) -> tuple[float, ...]:
        return (self.border_m, self.splits, self.deviation)


@dataclass(frozen=True)
class Alternative:
    """One of several plans.

    Attributes
    ----------
    plan : Plan
    leaning : str
        What its search leant to (`LEANINGS`).
    merits : Merits
    apart : float
        Of the pairs of units that share a grid in this plan or in the first, the share that do so in only
        one of the two.
    """

    plan: Plan
    leaning: Leaning
    merits: Merits
    apart: float


@dataclass(frozen=True)
class _Candidate:
    parts: Partition
    leaning: Leaning
    merits: Merits
    faults: tuple[int, int]
    cost: float


def alternatives(
    layers: PlanLayers,
    count: int,
    *,
    band: Band | None = None,
    seed: int = 0,
    effort: EffortName | None = None,
    time_s: float | None = None,
    work: str | None = None,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Alternative, ...]:
    """Return up to `count` plans that differ, the best by the usual weights first.

    Parameters
    ----------
    layers, band, seed, effort, work, on_progress, should_stop
        As in `geo.planning.plan`. The same layers, count and seed give the same plans.
    count : int
        2 to 9. Where fewer plans differ in at least a twentieth of the pairs, there are fewer.
    time_s : float, optional
        Seconds for all searches together, instead of an effort.

    Raises
    ------
    CoverageError
        The linework cannot be separated.
    InputError
        Another count, or a column of work as in `geo.planning.plan`.
    """
    require_count(count)
    band = band or Band()
    loads = None if work is None else unit_work(layers, work)
    ground = stand(layers, on_progress=on_progress)
    if loads is not None:
        loads = loads[ground.order]
    codes = pd.factorize(compound_names(layers, ground.order), sort=True)[0].astype(np.int64)
    search = partial(
        _candidates, ground, codes, band=band, seed=seed,
        effort=effort or usual_effort(len(ground.unit_ids)), time_s=time_s, work=loads,
        on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    starts = max(STARTS, -(-2 * count // len(LEANINGS)))
    found = search(_turns(range(starts)))
    chosen = _farthest(_front(found), count)
    # Which plans a few starts meet is chance: where too few differ, others follow, but in no further time.
    for start in range(starts, starts + FURTHER_STARTS):
        if len(chosen) == count or time_s is not None or (should_stop is not None and should_stop()):
            break
        found += search(_turns(range(start, start + 1)))
        chosen = _farthest(_front(found), count)
    if on_progress is not None:
        on_progress("borders", 0, len(chosen))
    bare = bare_communities(layers, ground)
    first = chosen[0]
    made = []
    for at, candidate in enumerate(chosen, 1):
        parts = candidate.parts
        whole = judged(layers, ground, parts, region_codes(layers, ground, parts, bare), bare, seed=seed)
        away = pairs_apart(first.parts.labels, parts.labels)
        whole = replace(whole, work=loads)
        made.append(Alternative(whole, candidate.leaning, candidate.merits, away))
        if on_progress is not None:
            on_progress("borders", at, len(chosen))
    return tuple(made)


def require_count(count: int) -> None:
    """Refuse a number of plans that cannot be told apart, or shown beside each other.

    Raises
    ------
    InputError
    """
    if not 2 <= count <= MOST:
        raise InputError(
            "alternatives_count", f"there can be 2 to {MOST} alternatives, not {count}",
            mend=f"give a number from 2 to {MOST}", value=str(count), most=MOST,
        )  # fmt: skip


def pairs_apart(one: NDArray[np.int64], two: NDArray[np.int64]) -> float:
    """Return how far two plans of the same n units are apart: 0 for the same, 1 where no pair is kept.

    Of the pairs of units that share a part in either, the share that do so in one only (Jaccard's distance);
    labels below 0 are in no part.
    """
    placed = (one >= 0) & (two >= 0)
    one, two = one[placed], two[placed]
    both = _pairs(one * (int(two.max(initial=0)) + 1) + two)
    either = _pairs(one) + _pairs(two) - both
    return 1 - both / either if either else 0.0


def _pairs(labels: NDArray[np.int64]) -> int:
    """Count the pairs of units that share a label."""
    sizes = np.unique(labels, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def merits_of(ground: Ground, parts: Partition, codes: NDArray[np.int64]) -> Merits:
    """Measure a plan of some ground; codes of the compounds (n,) from 0, -1 for none."""
    pairs, labels = ground.adjacency, parts.labels
    gain = cut_gain_cm(pairs.border_m, pairs.crosses, Weights())
    # Of a pair that lies in no part no plan can say anything.
    inside = (labels[pairs.left] >= 0) & (labels[pairs.right] >= 0)
    cut = labels[pairs.left] != labels[pairs.right]
    wrong_cm = np.where(gain >= 0, cut * gain, ~cut * -gain)
    known = (codes >= 0) & (labels >= 0) & (ground.households > 0)
    n_compounds = int(codes.max(initial=-1)) + 1
    shares = np.unique(codes[known] * max(parts.n_parts, 1) + labels[known])
    held = np.bincount(shares // max(parts.n_parts, 1), minlength=n_compounds)
    households = np.bincount(codes[known], weights=ground.households[known], minlength=n_compounds)
    needed = np.ceil(households / parts.band.upper)
    total = np.delete(parts.part_households, parts.out_of_band)
    middle = (parts.band.lower + parts.band.upper) / 2
    return Merits(
        border_m=float(wrong_cm[inside].sum()) / CM_PER_M,
        splits=int(np.maximum(held - needed, 0).sum()),
        deviation=float(np.sqrt(np.mean((total - middle) ** 2))) if len(total) else 0.0,
    )


def _turns(starts: Iterable[int]) -> list[tuple[Leaning, int]]:
    """Return leaning and start of each search, the usual one first."""
    return [(leaning, start) for start in starts for leaning in LEANINGS]


def _candidates(
    ground: Ground,
    codes: NDArray[np.int64],
    turns: Sequence[tuple[Leaning, int]],
    *,
    band: Band,
    seed: int,
    effort: EffortName,
    time_s: float | None,
    work: NDArray[np.float64] | None,
    on_progress: Progress | None,
    should_stop: Callable[[], bool] | None,
) -> list[_Candidate]:
    """Divide the ground by each leaning and start; when asked to stop, return those done so far."""
    n = len(ground.unit_ids)
    begun = time.monotonic()
    found: list[_Candidate] = []
    for turn, (leaning, start) in enumerate(turns):
        left_s = None if time_s is None else max(time_s - (time.monotonic() - begun), 0.0)
        if found and (left_s == 0 or (should_stop is not None and should_stop())):
            break

        def tell(done: int, total: int, before: int = turn * n) -> None:
            if on_progress is not None:
                on_progress("partition", before + done * n // max(total, 1), n * len(turns))

        parts = partition(
            ground.adjacency, ground.households, ground.community, band=band, compound=codes, work=work,
            contact=ground.contact, weights=LEANINGS[leaning], seed=seed + start, effort=effort,
            time_s=None if left_s is None else max(left_s / (len(turns) - turn), 1e-3),
            on_progress=tell, should_stop=should_stop,
        )  # fmt: skip
        merits = merits_of(ground, parts, codes)
        faults = (parts.households_out_of_band, len(parts.out_of_band))
        found.append(_Candidate(parts, leaning, merits, faults, _cost(parts, merits)))
    return found


def _cost(parts: Partition, merits: Merits) -> float:
    """Return what a plan costs by the usual weights, but for its faults."""
    usual = Weights()
    n_kept = parts.n_parts - len(parts.out_of_band)
    uneven = usual.evenness * n_kept * merits.deviation**2
    return merits.border_m + usual.compound_split * merits.splits + uneven


def _front(found: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the plans with fewest faults that no other beats, the cheapest by the usual weights first."""
    least = min(candidate.faults for candidate in found)
    sound = [candidate for candidate in found if candidate.faults == least]
    front = [one for one in sound if not any(other.merits.beats(one.merits) for other in sound)]
    return sorted(front, key=lambda candidate: candidate.cost)


def _farthest(front: Sequence[_Candidate], count: int) -> list[_Candidate]:
    """Return the first plan, then again and again the one farthest from all taken, while it truly differs."""
    chosen = [front[0]]
    nearest = [1.0] * len(front)
    while len(chosen) < count:
        for at, candidate in enumerate(front):
            nearest[at] = min(nearest[at], pairs_apart(chosen[-1].parts.labels, candidate.parts.labels))
        at = max(range(len(front)), key=lambda at: nearest[at])
        if nearest[at] < LEAST_APART:
            break
        chosen.append(front[at])
    return chosen
