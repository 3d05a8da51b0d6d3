"""What a planner does to single parts: split one, merge two, divide each by other bounds."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.adjacency import Adjacency
from geo.errors import InputError
from geo.partition.bench import Bench
from geo.partition.chance import seed_of
from geo.partition.exact import LARGEST_WINDOW, choose_sets, list_connected_sets, set_costs
from geo.partition.locks import Locks, require_part
from geo.partition.partition import Band, Partition, Proof
from geo.partition.pieces import atoms_of
from geo.partition.plan import partition as planned
from geo.partition.region import Region, region_of
from geo.partition.subsets import MOST_ATOMS, cheapest_division
from geo.partition.weights import Weights

SPLIT_SETS = 4_000
SPLIT_NODES = 200
SPLIT_SEEDS = 10
EVEN_TRIALS = 3


def split(
    partition: Partition,
    part: int,
    k: int,
    *,
    locks: Locks | None = None,
    compound: ArrayLike | None = None,
    weights: Weights | None = None,
    seed: int = 0,
) -> Partition:
    """Divide one part into k contiguous parts within the band; nothing else changes.

    Raises
    ------
    InputError
        `part_not_found`, `part_locked`;
        `split_count`, `split_count_none`: so many households make no k
        parts, or no number of parts; `split_units`: fewer units than parts;
        `split_impossible`: no division into k contiguous parts within the band exists;
        `split_not_found`: none was found.
    """
    locks = locks or Locks()
    locks.require(partition)
    require_part(partition, part)
    locks.refuse(partition, part)
    weights = weights or Weights()
    units = partition.members(part)
    households, band = int(partition.part_households[part]), partition.band
    counts = band.legal_counts(households)
    if counts.stop <= 2:
        raise InputError(
            "split_count_none",
            f"{households} households do not make two or more parts of {band.lower} to {band.upper}",
            mend="move units over its border first",
            part=part,
            households=households,
            lower=band.lower,
            upper=band.upper,
        )
    if k < 2 or k not in counts:
        fewest, most = max(counts.start, 2), counts.stop - 1
        raise InputError(
            "split_count",
            f"{households} households do not make {k} parts of {band.lower} to {band.upper}",
            mend=f"from {fewest} to {most} parts are possible",
            part=part,
            households=households,
            k=int(k),
            lower=band.lower,
            upper=band.upper,
            fewest=fewest,
            most=most,
        )
    if k > len(units):
        raise InputError(
            "split_units",
            f"the part has {len(units)} units, fewer than {k} parts",
            mend="divide the units first, or ask for fewer parts",
            part=part,
            units=len(units),
            k=int(k),
        )
    own = alone(partition, units)
    held = np.isin(units, list(locks.units))
    names = np.asarray([-1] * len(units) if compound is None else compound, np.int64)
    kinds = names if compound is None else names[units]
    found, proved = k_parts(own, k, kinds, np.where(held, 0, -1), weights, seed)
    if found is None:
        code = "split_impossible" if proved else "split_not_found"
        said = "there is no division" if proved else "no division was found"
        raise InputError(
            code,
            f"{said} of the part into {k} contiguous parts of {band.lower} to {band.upper} households",
            mend="choose another number, release locked units, or move units over its border first",
            part=part,
            households=households,
            k=int(k),
            lower=band.lower,
            upper=band.upper,
        )
    labels = partition.labels.copy()
    fresh = partition.n_parts + found
    # The largest goes on as the part, or the one with the locked units.
    total = np.bincount(found, weights=own.households)
    stays = int(found[held][0]) if held.any() else int(np.argmax(total))
    labels[units] = np.where(found == stays, part, fresh)
    return _carried(partition, labels)


def alone(partition: Partition, units: NDArray[np.int64]) -> Partition:
    """Return some units as one part of a partition of their own."""
    adjacency = partition.adjacency
    place = np.full(len(partition.labels), -1)
    place[units] = np.arange(len(units))
    inside = (place[adjacency.left] >= 0) & (place[adjacency.right] >= 0)
    own = Adjacency(
        adjacency.unit_ids[units],
        place[adjacency.left[inside]],
        place[adjacency.right[inside]],
        adjacency.border_m[inside],
        adjacency.crosses[inside],
        adjacency.joins[inside],
    )
    zeros = np.zeros(len(units), np.int64)
    return Partition(own, partition.households[units], zeros, zeros, partition.band)


def k_parts(
    own: Partition,
    k: int,
    compound: NDArray[np.int64],
    held: NDArray[np.int64],
    weights: Weights,
    seed: int,
) -> tuple[NDArray[np.int64] | None, bool]:
    """Divide a part (`alone`) into exactly k within the band; say whether the answer is proved.

    Parameters
    ----------
    own : Partition
        Of one part; `compound` and `held` are of its units.
    held : (n,) int64
        0 for units that must share a part, -1 for others.
    """
    band, n = own.band, len(own.labels)
    single = (held >= 0).sum() <= 1
    atoms = atoms_of(
        own.adjacency, own.households, own.community, compound, np.full(n, -1, np.int64), weights
    )
    region = region_of(
        np.arange(n), atoms.weight, atoms.compound, atoms.left, atoms.right, atoms.gain, atoms.joins,
        np.zeros(n, np.bool_),
    )  # fmt: skip
    sets = None
    if n <= LARGEST_WINDOW:
        sets = list_connected_sets(region, band.lower, band.upper, limit=SPLIT_SETS)
    if sets is not None:
        together = sets.member[:, held >= 0]
        whole = np.ones(len(sets), np.bool_) if single else together.all(axis=1) | ~together.any(axis=1)
        cost = set_costs(region, sets, band, weights)[whole]
        # Of at most k sets as many as possible, then the cheapest.
        bonus = 2.0 * k * float(np.abs(cost).max(initial=0.0)) + 1.0
        choice = choose_sets(
            sets.member[whole],
            cost - bonus,
            exactly=np.ones(n, np.bool_),
            nodes=SPLIT_NODES,
            extra=(np.ones(len(cost)), k + 0.5),
        )
        if choice is not None and len(choice.chosen) == k:
            return np.argmax(sets.member[whole][choice.chosen], axis=0).astype(np.int64), True
        if choice is not None and choice.proved:
            return None, True
        if choice is None and _undividable(sets.member[whole]):
            return None, True
    found = _k_parts_by_search(own, k, compound, held, weights, seed)
    if found is None and single:
        found = _k_even_parts(region, k, band, weights, seed)
    return found, False


def _undividable(member: NDArray[np.bool_]) -> bool:
    """Whether it is certain that no choice of sets holds every unit once."""
    count, n = member.shape
    if not member.any(axis=0).all():
        return True
    if n > MOST_ATOMS:
        return False
    return cheapest_division(member, np.zeros(count, np.int64), np.zeros(count)) is None


def _k_parts_by_search(
    own: Partition,
    k: int,
    compound: NDArray[np.int64],
    held: NDArray[np.int64],
    weights: Weights,
    seed: int,
) -> NDArray[np.int64] | None:
    """Plan the part within narrower bands, in which only k parts are legal."""
    band, total = own.band, int(own.households.sum())
    for trial in range(SPLIT_SEEDS):
        # Shares of the mean, from a tenth to the widest in which no other number is legal.
        share = (0.1, 0.2, 0.3, 0.05, 0.4)[trial % 5]
        lower = max(band.lower, total // (k + 1) + 1, round(total / k * (1 - share)))
        upper = min(band.upper, (total - 1) // (k - 1), round(total / k * (1 + share)))
        if not lower <= total / k <= upper:
            continue
        made = planned(
            own.adjacency,
            own.households,
            own.community,
            band=Band(lower, upper),
            compound=compound,
            kept_whole=held,
            weights=weights,
            seed=seed + trial,
            effort="fast",
        )
        if made.n_parts == k and not len(_out(made.part_households, band)):
            return made.labels
    return None


def _k_even_parts(
    region: Region, k: int, band: Band, weights: Weights, seed: int
) -> NDArray[np.int64] | None:
    """Make k parts as even as borders allow: where other numbers are legal too, a plan would take those."""
    bench = Bench(region, band, weights, seed_of(seed), large=False)
    made = bench.random_cut()
    for _ in range(EVEN_TRIALS):
        made = bench.evened(made, k)
        total = np.bincount(made, weights=region.weight).astype(np.int64)
        if len(total) == k and not len(_out(total, band)):
            return made
    return None


def _out(households: NDArray[np.int64], band: Band) -> NDArray[np.int64]:
    return np.flatnonzero((households < band.lower) | (households > band.upper))


def merge(
    partition: Partition,
    a: int,
    b: int,
    *,
    locks: Locks | None = None,
    special: Collection[int] = (),
) -> Partition:
    """Make one part of two; nothing else changes. One of them being special lifts the band.

    Raises
    ------
    InputError
        `part_not_found`, `part_locked`; `merge_same`: a part with itself; `merge_communities`: a part
        never spans communities; `merge_units_locked`: both hold locked units, and one part must end;
        `merge_apart`: one cannot walk from one into the other; `merge_too_large`: above upper together.
    """
    locks = locks or Locks()
    locks.require(partition)
    for part in (a, b):
        require_part(partition, part)
        locks.refuse(partition, part)
    if a == b:
        raise InputError(
            "merge_same", f"part {a} cannot be merged with itself", mend="name two parts", part=a
        )
    if partition.part_community[a] != partition.part_community[b]:
        raise InputError(
            "merge_communities",
            f"parts {a} and {b} lie in different communities",
            mend="merge parts of one community",
            part=a,
            other=b,
        )
    locked = {int(partition.labels[unit]) for unit in locks.units}
    if a in locked and b in locked:
        raise InputError(
            "merge_units_locked",
            f"parts {a} and {b} both hold locked units, and one of the parts would end",
            mend="release the locks of one of them",
            part=a,
            other=b,
        )
    left, right = partition.labels[partition.adjacency.left], partition.labels[partition.adjacency.right]
    beside = partition.adjacency.joins & (((left == a) & (right == b)) | ((left == b) & (right == a)))
    if not beside.any():
        raise InputError(
            "merge_apart",
            f"one cannot walk from part {a} into part {b}",
            mend="merge parts that share a border one can cross, or add the bridge or gate",
            part=a,
            other=b,
        )
    households = int(partition.part_households[a] + partition.part_households[b])
    if households > partition.band.upper and not {a, b} & set(special):
        raise InputError(
            "merge_too_large",
            f"parts {a} and {b} have {households} households together, above {partition.band.upper}",
            mend="move units instead",
            households=households,
            upper=partition.band.upper,
            part=a,
            other=b,
        )
    labels = partition.labels.copy()
    labels[labels == b] = a
    return _carried(partition, labels)


def nest(
    partition: Partition,
    *,
    lower: int = 5,
    upper: int = 10,
    compound: ArrayLike | None = None,
    weights: Weights | None = None,
    seed: int = 0,
) -> Partition:
    """Divide each part by other bounds: for example stairwell leaders of 5 to 10 households in a micro-grid.

    Returns
    -------
    Partition
        Of the same units; its `community` is the part of the given partition that each unit lies in, so
        that no sub-part leaves its part, and `part_community` says whose each sub-part is. A part in
        several pieces is divided piece by piece.

    Raises
    ------
    InputError
        The bounds are no band (`band_invalid`), or `nest_bounds`: lower is above what any part has.
    """
    band = Band(lower, upper)
    most = int(partition.part_households.max(initial=0))
    if partition.n_parts and lower > most:
        raise InputError(
            "nest_bounds",
            f"no part has {lower} households; the largest has {most}",
            mend="give bounds below those of the parts",
            lower=lower,
            most=most,
        )
    return planned(
        partition.adjacency,
        partition.households,
        partition.labels,
        band=band,
        compound=compound,
        weights=weights,
        seed=seed,
    )


def _carried(partition: Partition, labels: NDArray[np.int64]) -> Partition:
    """Return the units assigned otherwise, with the proofs of parts that did not change."""
    changed = partition.with_labels(labels)
    first = np.unique(changed.labels[changed.labels >= 0], return_index=True)[1]
    unit = np.flatnonzero(changed.labels >= 0)[first]
    proofs = {}
    for part in changed.out_of_band.tolist():
        before = int(partition.labels[unit[part]])
        same = before >= 0 and np.array_equal(changed.labels == part, partition.labels == before)
        if same and before in partition.proofs:
            proofs[part] = partition.proofs[before]
            continue
        proofs[part] = Proof(
            "not_proved",
            {
                "households": int(changed.part_households[part]),
                "part_households": int(changed.part_households[part]),
                "units": int(changed.part_units[part]),
                "lower": changed.band.lower,
                "upper": changed.band.upper,
            },
        )
    return changed.with_labels(changed.labels, proofs)
