"""As many parts as somebody wants: neighbours are divided anew, one part more or less at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import InputError
from geo.partition.locks import Locks
from geo.partition.operations import alone, k_parts
from geo.partition.partition import Partition
from geo.partition.weights import Weights

# Neighbours that are divided anew together, and how many such groups of each size are tried for one step.
MOST_PARTS = 5
MOST_GROUPS = 12
# Where no such group does, all parts that hang together are tried, if they are no more than so many.
MOST_PARTS_TOGETHER = 30


def with_wanted_count(
    partition: Partition,
    n_parts: int,
    *,
    special: Collection[int] = (),
    locks: Locks | None = None,
    compound: ArrayLike | None = None,
    weights: Weights | None = None,
    seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> Partition:
    """Return a partition with so many parts besides special ones; parts that need not change do not.

    Step by step the smallest group of neighbouring parts that makes one part more (or less) within the band
    is divided anew. Parts out of band elsewhere stay as they are.

    Parameters
    ----------
    partition : Partition
    n_parts : int
        Parts wanted, without special ones.
    special : collection of int
        Parts the band does not hold for; they stay.
    locks : Locks, optional
        Parts and units that stay as they are.
    compound, weights, seed
        As for `split`.
    should_stop : callable, optional
        Asked between the tries; what was not found by then is not found.

    Raises
    ------
    InputError
        `count_not_legal`: households make no such number of parts within the band; `count_not_found`: no
        way to it was found.
    """
    locks = locks or Locks()
    locks.require(partition)
    _require_legal(partition, n_parts, special)
    names = (
        np.full(len(partition.labels), -1, np.int64) if compound is None else np.asarray(compound, np.int64)
    )
    fixed = {*special, *locks.parts}
    made = partition
    while (now := made.n_parts - len(set(special))) != n_parts:
        step = 1 if now < n_parts else -1
        changed = _one_step(made, step, fixed, locks, names, weights or Weights(), seed, should_stop)
        if changed is None:
            raise InputError(
                "count_not_found",
                f"no plan with {n_parts} parts was found; {now} were reached",
                mend="choose a number nearer to what stands, or release locks",
                n_parts=n_parts,
                reached=now,
            )
        # Parts keep their numbers but for the last, which may come to be another's.
        made, fixed, special = _renumbered(made, changed, fixed, special)
    return made


def _require_legal(partition: Partition, n_parts: int, special: Collection[int]) -> None:
    band = partition.band
    held = partition.labels >= 0
    held[held] = ~np.isin(partition.labels[held], list(special))
    households = partition.households[held]
    too_large = households > band.upper
    counts = band.legal_counts(int(households[~too_large].sum()))
    more = int(too_large.sum())
    if n_parts - more not in counts:
        raise InputError(
            "count_not_legal",
            f"the households make no {n_parts} parts of {band.lower} to {band.upper}",
            mend=f"choose from {counts.start + more} to {counts.stop - 1 + more}",
            n_parts=n_parts,
            lower=band.lower,
            upper=band.upper,
            least=counts.start + more,
            most=counts.stop - 1 + more,
        )


def _one_step(
    made: Partition,
    step: int,
    fixed: Collection[int],
    locks: Locks,
    compound: NDArray[np.int64],
    weights: Weights,
    seed: int,
    should_stop: Callable[[], bool] | None,
) -> NDArray[np.int64] | None:
    """Return labels with one part more or less, None where none are found."""
    locked: NDArray[np.bool_] = np.zeros(len(made.labels), np.bool_)
    locked[list(locks.units)] = True
    for group in _groups(made, step, fixed):
        if should_stop is not None and should_stop():
            return None
        units = np.flatnonzero(np.isin(made.labels, group))
        holders = np.unique(made.labels[units][locked[units]])
        if len(holders) > 1:
            continue  # two parts go on with their locked units: which ones is not free
        held = np.where(locked[units], 0, -1)
        k = len(group) + step
        found: NDArray[np.int64] | None = np.zeros(len(units), np.int64)
        if k > 1:
            found, _ = k_parts(alone(made, units), k, compound[units], held, weights, seed)
        if found is not None:
            labels = made.labels.copy()
            labels[units] = made.n_parts + found
            return labels
    return None


def _groups(made: Partition, step: int, fixed: Collection[int]) -> Iterator[tuple[int, ...]]:
    """Yield groups of neighbouring parts that make one part more or less, small and easy ones first."""
    band, total = made.band, made.part_households
    one, two = made.labels[made.adjacency.left], made.labels[made.adjacency.right]
    beside: dict[int, set[int]] = {part: set() for part in range(made.n_parts) if part not in fixed}
    across = made.adjacency.joins & (one != two) & (one >= 0) & (two >= 0)
    for a, b in zip(one[across].tolist(), two[across].tolist(), strict=True):
        if a in beside and b in beside and made.part_community[a] == made.part_community[b]:
            beside[a].add(b)
            beside[b].add(a)
    groups: set[tuple[int, ...]] = {(part,) for part in beside}
    for size in range(1, MOST_PARTS + 1):
        k = size + step
        middle = k * (band.lower + band.upper) / 2
        held = {group: int(sum(total[part] for part in group)) for group in groups}
        legal = [group for group in groups if k > 0 and k * band.lower <= held[group] <= k * band.upper]
        # A total near the middle leaves most room.
        yield from sorted(legal, key=lambda group: (abs(held[group] - middle), group))[:MOST_GROUPS]
        wider = {
            tuple(sorted((*group, other)))
            for group in sorted(groups, key=lambda group: (abs(held[group] - middle), group))[
                : 8 * MOST_GROUPS
            ]
            for part in group
            for other in beside[part]
            if other not in group
        }
        groups = wider
    yield from _whole_neighbourhoods(beside)


def _whole_neighbourhoods(beside: dict[int, set[int]]) -> Iterator[tuple[int, ...]]:
    """Yield all parts that hang together: where all are even, no few of them make one part more."""
    left = set(beside)
    while left:
        group, waiting = set[int](), [min(left)]
        while waiting:
            part = waiting.pop()
            if part not in group:
                group.add(part)
                waiting += beside[part]
        left -= group
        if MOST_PARTS < len(group) <= MOST_PARTS_TOGETHER:
            yield tuple(sorted(group))


def _renumbered(
    before: Partition, labels: NDArray[np.int64], fixed: Collection[int], special: Collection[int]
) -> tuple[Partition, set[int], set[int]]:
    """Return the partition of labels, and fixed and special parts by their numbers in it."""
    made = before.with_labels(labels)
    number = {
        int(before.labels[unit]): int(made.labels[unit]) for unit in np.flatnonzero(labels == before.labels)
    }
    return made, {number[part] for part in fixed if part in number}, {number[part] for part in special}
