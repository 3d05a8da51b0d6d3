"""Reasons for the parts out of band of a partition that was not made in one go."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from geo.partition.certificates import proved_parts
from geo.partition.partition import Partition, Proof
from geo.partition.pieces import Atoms, Regions, cut_out
from geo.partition.plan import COMPILED_FROM_STEPS, COMPILED_FROM_UNITS, _reasons


def with_proofs(
    partition: Partition,
    before: Partition,
    atoms: Atoms,
    regions: Regions,
    frozen: Collection[int],
    *,
    among: Collection[int] | None = None,
) -> Partition:
    """Return the partition with a proof for each part out of band.

    A part whose units are the same as before keeps its proof. The others are judged on the ground that is
    free to change.

    Parameters
    ----------
    partition, before : Partition
        As it is now and as it stood.
    atoms, regions : Atoms, Regions
        The units, each an atom; those of frozen parts lie outside all communities.
    frozen : collection of int
        Parts now that may not change; one out of band is `not_proved`, for nothing was sought.
    among : collection of int, optional
        Parts to judge; the others out of band are `not_proved` where they have no proof from before.
    """
    out = partition.out_of_band.tolist()
    if not out:
        return partition.with_labels(partition.labels)
    order = np.argsort(partition.labels, kind="stable")
    starts = np.searchsorted(partition.labels[order], np.arange(partition.n_parts + 1))
    proofs: dict[int, Proof] = {}
    asked: list[int] = []
    for part in out:
        units = order[starts[part] : starts[part + 1]]
        old = int(before.labels[units[0]])
        same = old >= 0 and before.part_units[old] == len(units) and bool((before.labels[units] == old).all())
        known = before.proofs.get(old) if same else None
        if known is not None and known.code != "not_proved":
            proofs[part] = known
        elif part in frozen or (among is not None and part not in among):
            proofs[part] = _not_proved(partition, part)
        else:
            asked.append(part)
    if asked:
        proofs.update(_judged(partition, atoms, regions, asked, np.isin(partition.labels, list(frozen))))
    return partition.with_labels(partition.labels, proofs)


def _not_proved(partition: Partition, part: int) -> Proof:
    values: dict[str, str | int] = {
        "households": int(partition.part_households[part]),
        "part_households": int(partition.part_households[part]),
        "units": int(partition.part_units[part]),
        "lower": partition.band.lower,
        "upper": partition.band.upper,
    }
    return Proof("not_proved", values)


def _judged(
    partition: Partition,
    atoms: Atoms,
    regions: Regions,
    parts: list[int],
    frozen: NDArray[np.bool_],
) -> dict[int, Proof]:
    """Judge parts by the regions they lie in."""
    band = partition.band
    n, households = len(partition.labels), int(partition.households.sum())
    large = n >= COMPILED_FROM_UNITS or households * band.upper >= COMPILED_FROM_STEPS
    inside = np.isin(partition.labels, parts) & (regions.region >= 0)
    wanted = set(np.unique(regions.region[inside]).tolist())
    proved: set[int] = set()
    for number, region in enumerate(cut_out(atoms, regions)):
        if number in wanted:
            proved |= proved_parts(region, partition.labels[region.atoms], band, large=large)
    reasons = _reasons(partition, atoms, regions, proved, partition.labels)
    narrowed = set(partition.community[frozen].tolist())
    judged = {}
    for part in parts:
        reason = reasons[part]
        if reason.code in ("community_too_small", "community_empty") and (
            int(partition.part_community[part]) in narrowed
        ):
            # The community is larger: only what frozen parts leave of it is too small.
            values = dict(reason.values)
            values.setdefault("households", 0)
            values["units"] = int(partition.part_units[part])
            reason = Proof("pocket_too_small", values)
        judged[part] = reason
    return judged
