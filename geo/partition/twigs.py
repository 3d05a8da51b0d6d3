"""Places that can be reached only through one atom, too many for the part of that atom to hold.

Where a street is a unit without households, every block along it hangs on that unit alone. The blocks below
the lower bound (twigs) can be in band only inside the part of that atom; when they and it are more than the
upper bound, some are out of band in every plan. The rest of the region then falls apart and is divided by
itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.partition.partition import Band, components
from geo.partition.region import Region

# Only atoms with so many neighbours are looked at, the first so many by their number: others hold no more
# places apart than the search deals with anyway.
LEAST_NEIGHBOURS = 8
MOST_ATOMS_TRIED = 3


@dataclass(frozen=True)
class Crossroads:
    """A region round an atom that holds too many places apart.

    Attributes
    ----------
    atom : int
        The atom in the middle.
    own_part : (a,) int64
        The atom and the twigs that share its part, ascending.
    twigs : tuple of (b,) int64
        The other twigs, each a part below the lower bound.
    rest : tuple of (c,) int64
        The places that can be divided by themselves.
    twig_households, n_twigs : int
        Of all twigs.
    """

    atom: int
    own_part: NDArray[np.int64]
    twigs: tuple[NDArray[np.int64], ...]
    rest: tuple[NDArray[np.int64], ...]
    twig_households: int
    n_twigs: int


def crossroads(region: Region, band: Band) -> Crossroads | None:
    """Return the atom of a region whose twigs its part cannot hold, None where there is none."""
    left, right = region.left[region.joins], region.right[region.joins]
    n = len(region)
    degree = np.bincount(left, minlength=n) + np.bincount(right, minlength=n)
    best: Crossroads | None = None
    for atom in np.lexsort((np.arange(n), -degree))[:MOST_ATOMS_TRIED].tolist():
        if degree[atom] < LEAST_NEIGHBOURS:
            break
        found = _through(region, atom, left, right, band)
        if found is not None and (best is None or found.n_twigs > best.n_twigs):
            best = found
    return best


def _through(
    region: Region, atom: int, left: NDArray[np.int64], right: NDArray[np.int64], band: Band
) -> Crossroads | None:
    apart = (left != atom) & (right != atom)
    place = components(len(region), left[apart], right[apart]).copy()
    place[place > place[atom]] -= 1
    place[atom] = -1
    count = int(place.max(initial=-1)) + 1
    held = place >= 0
    total = np.zeros(count, np.int64)
    np.add.at(total, place[held], region.weight[held])
    small = np.flatnonzero(total < band.lower)
    room = band.upper - int(region.weight[atom])
    if int(total[small].sum()) <= room:
        return None
    taken = np.isin(small, small[_fullest(total[small], room)])
    if int(total[small[taken]].sum()) + int(region.weight[atom]) < band.lower:
        return None
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(count + 1))
    members = [order[starts[k] : starts[k + 1]] for k in range(count)]
    return Crossroads(
        atom,
        np.sort(np.concatenate([np.array([atom]), *(members[k] for k in small[taken])])),
        tuple(members[k] for k in small[~taken]),
        tuple(members[k] for k in np.flatnonzero(total >= band.lower)),
        int(total[small].sum()),
        len(small),
    )


def _fullest(values: NDArray[np.int64], room: int) -> NDArray[np.int64]:
    """Choose values that add up to as much as there is room for, and then as many of them (knapsack)."""
    count = np.full(room + 1, -1, np.int64)
    count[0] = 0
    taken = np.zeros((len(values), room + 1), np.bool_)
    for k, value in enumerate(values.tolist()):
        if value > room:
            continue
        grown = np.full(room + 1, -1, np.int64)
        grown[value:] = np.where(count[: room + 1 - value] >= 0, count[: room + 1 - value] + 1, -1)
        taken[k] = grown > count
        count = np.maximum(count, grown)
    left = int(np.flatnonzero(count >= 0).max())
    chosen = []
    for k in range(len(values) - 1, -1, -1):
        if taken[k, left]:
            chosen.append(k)
            left -= int(values[k])
    return np.array(sorted(chosen), np.int64)
