"""What no part leaves: communities, pieces one can walk through, and regions between units too large.

An atom is a unit, or units that must share a part. An atom above the upper bound can only be out of band;
without such atoms a piece falls apart into regions. A region below the lower bound (a pocket) cannot be in
band either, so it joins the part of an atom too large beside it: one fault instead of two. The other
regions are divided by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.adjacency import Adjacency
from geo.errors import InputError
from geo.partition.partition import Band, components
from geo.partition.region import Region, cut_gain_cm, region_of
from geo.partition.weights import Weights


@dataclass(frozen=True)
class Atoms:
    """The units of a city as k atoms and the pairs between atoms of one community.

    Attributes
    ----------
    of_unit : (n,) int64
        Atom of each unit; atoms are numbered by their first unit.
    first_unit : (k,) int64
        First unit of each atom.
    weight, compound, community, piece : (k,) int64
        Households; compound (of most households, -1 none); community (-1 outside all); piece.
    left, right, gain, joins : (m,)
        Pairs of atoms, left < right, sorted; see `Region`.
    """

    of_unit: NDArray[np.int64]
    first_unit: NDArray[np.int64]
    weight: NDArray[np.int64]
    compound: NDArray[np.int64]
    community: NDArray[np.int64]
    piece: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    gain: NDArray[np.int64]
    joins: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.weight)


def atoms_of(
    adjacency: Adjacency,
    households: NDArray[np.int64],
    community: NDArray[np.int64],
    compound: NDArray[np.int64],
    kept_whole: NDArray[np.int64],
    weights: Weights,
) -> Atoms:
    """Contract the units that must share a part and keep the pairs inside communities.

    Raises
    ------
    InputError
        A group of `kept_whole` spans communities or pieces.
    """
    n = len(households)
    within = (community[adjacency.left] == community[adjacency.right]) & (community[adjacency.left] >= 0)
    left, right, joins = adjacency.left[within], adjacency.right[within], adjacency.joins[within]
    gain = cut_gain_cm(adjacency.border_m[within], adjacency.crosses[within], weights)
    piece = components(n, left[joins], right[joins])
    if (kept_whole >= 0).any():
        of_unit = _merged(adjacency, left[joins], right[joins], piece, kept_whole)
    else:
        of_unit = np.arange(n)
    first_unit = np.unique(of_unit, return_index=True)[1]
    k = len(first_unit)
    weight = np.zeros(k, np.int64)
    np.add.at(weight, of_unit, households)
    return Atoms(
        of_unit,
        first_unit,
        weight,
        _main_compound(of_unit, households, compound, k),
        community[first_unit],
        piece[first_unit],
        *_pairs(of_unit[left], of_unit[right], gain, joins, k),
    )


def _pairs(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    gain: NDArray[np.int64],
    joins: NDArray[np.bool_],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Sort the pairs of atoms; several between the same two become one."""
    one, two = np.minimum(left, right), np.maximum(left, right)
    apart = one != two
    pair, inverse = np.unique(one[apart] * max(k, 1) + two[apart], return_inverse=True)
    gains = np.zeros(len(pair), np.int64)
    np.add.at(gains, inverse.ravel(), gain[apart])
    walks = np.zeros(len(pair), np.bool_)
    np.logical_or.at(walks, inverse.ravel(), joins[apart])
    return pair // max(k, 1), pair % max(k, 1), gains, walks


def _main_compound(
    of_unit: NDArray[np.int64], households: NDArray[np.int64], compound: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Compound with most households of each atom; of equal ones the first by code."""
    main = np.full(k, -1, np.int64)
    named = np.flatnonzero(compound >= 0)
    if len(named) == 0:
        return main
    span = int(compound.max()) + 1
    both, inverse = np.unique(of_unit[named] * span + compound[named], return_inverse=True)
    held = np.zeros(len(both), np.int64)
    np.add.at(held, inverse.ravel(), households[named])
    atom, code = both // span, both % span
    order = np.lexsort((-code, held, atom))
    main[atom[order]] = code[order]
    return main


def _merged(
    adjacency: Adjacency,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    piece: NDArray[np.int64],
    kept_whole: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Atom of each unit when groups share an atom, joined by shortest ways where they lie apart."""
    n = len(piece)
    beside: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        beside[a].append(b)
        beside[b].append(a)
    one, two = [], []
    for group in np.unique(kept_whole[kept_whole >= 0]).tolist():
        members = np.flatnonzero(kept_whole == group).tolist()
        strays = [u for u in members if piece[u] != piece[members[0]]]
        if strays:
            names = [str(adjacency.unit_ids[u]) for u in (members[0], strays[0])]
            raise InputError(
                "group_apart",
                f"units {names[0]} and {names[1]} must share a part, but one cannot walk from one"
                " to the other inside their community",
                mend="take one of them out of the group, or join the places by a bridge or a gate",
                feature=names[0],
                unit=names[0],
                other=names[1],
            )
        reached = {members[0]}
        missing = set(members[1:])
        while missing:
            came = dict.fromkeys(sorted(reached), -1)
            queue = list(came)
            for unit in queue:
                if unit in missing:
                    step = unit
                    while step not in reached:
                        reached.add(step)
                        one.append(step)
                        two.append(came[step])
                        step = came[step]
                    break
                for other in sorted(beside[unit]):
                    if other not in came:
                        came[other] = unit
                        queue.append(other)
            missing -= reached
    return components(n, np.array(one, np.int64), np.array(two, np.int64))


@dataclass(frozen=True)
class Regions:
    """Where the atoms of a city belong before any search.

    Attributes
    ----------
    region : (k,) int64
        Region of each atom, numbered by first atom; -1 outside all communities, for atoms too large and
        for the pockets beside them.
    too_large : (k,) bool
        Atoms above the upper bound.
    host : (k,) int64
        For an atom too large itself, for an atom of a pocket the atom too large whose part it joins,
        else -1.
    beside_large : (k,) bool
        Whether an atom has one too large beside it that one can walk to.
    """

    region: NDArray[np.int64]
    too_large: NDArray[np.bool_]
    host: NDArray[np.int64]
    beside_large: NDArray[np.bool_]


def regions_of(atoms: Atoms, band: Band) -> Regions:
    """Set atoms too large and their pockets apart and number the rest."""
    k = len(atoms)
    placed = atoms.community >= 0
    too_large = placed & (atoms.weight > band.upper)
    free = atoms.joins & ~too_large[atoms.left] & ~too_large[atoms.right]
    rest = components(k, atoms.left[free], atoms.right[free])
    total = np.zeros(k, np.int64)
    np.add.at(total, rest, atoms.weight)
    host = np.where(too_large, np.arange(k), -1)
    border = atoms.joins & (too_large[atoms.left] ^ too_large[atoms.right])
    large = np.where(too_large[atoms.left], atoms.left, atoms.right)[border]
    pocket = rest[np.where(too_large[atoms.left], atoms.right, atoms.left)[border]]
    small = total[pocket] < band.lower
    # Of several atoms too large beside a pocket it joins the one it is cheapest not to be cut off from.
    span = max(k, 1)
    both, inverse = np.unique(pocket[small] * span + large[small], return_inverse=True)
    gain = np.zeros(len(both), np.int64)
    np.add.at(gain, inverse.ravel(), atoms.gain[border][small])
    order = np.lexsort((-(both % span), gain, both // span))
    chosen = np.full(k, -1, np.int64)
    chosen[both[order] // span] = both[order] % span
    in_pocket = placed & ~too_large & (chosen[rest] >= 0)
    host[in_pocket] = chosen[rest[in_pocket]]
    region = np.where(placed & (host < 0), rest, -1)
    used, first = np.unique(region[region >= 0], return_index=True)
    numbers = np.full(k + 1, -1, np.int64)
    numbers[used] = np.argsort(np.argsort(first))
    beside_large = np.zeros(k, np.bool_)
    beside_large[np.where(too_large[atoms.left], atoms.right, atoms.left)[border]] = True
    return Regions(numbers[region], too_large, host, beside_large)


def cut_out(atoms: Atoms, regions: Regions) -> list[Region]:
    """Return every region as a graph of its own, in order of their numbers."""
    count = int(regions.region.max(initial=-1)) + 1
    order = np.argsort(regions.region, kind="stable")
    starts = np.searchsorted(regions.region[order], np.arange(count + 1))
    own = np.where(regions.region[atoms.left] == regions.region[atoms.right], regions.region[atoms.left], -1)
    pairs = np.argsort(own, kind="stable")
    pair_starts = np.searchsorted(own[pairs], np.arange(count + 1))
    cut = []
    for i in range(count):
        chosen = pairs[pair_starts[i] : pair_starts[i + 1]]
        cut.append(
            region_of(
                order[starts[i] : starts[i + 1]],
                atoms.weight,
                atoms.compound,
                atoms.left[chosen],
                atoms.right[chosen],
                atoms.gain[chosen],
                atoms.joins[chosen],
                regions.beside_large,
            )
        )
    return cut
