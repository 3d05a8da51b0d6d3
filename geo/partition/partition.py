"""The assignment of units to parts on one adjacency graph, and the band the parts should keep to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.adjacency import Adjacency
from geo.errors import InputError

Status: TypeAlias = Literal["ok", "too_small", "too_large"]
ProofCode: TypeAlias = Literal[
    "unit_too_large",
    "group_too_large",
    "pocket_too_small",
    "community_too_small",
    "community_empty",
    "split_by_units_too_large",
    "behind_unit",
    "no_total_in_band",
    "totals_leave_rest",
    "no_legal_division",
    "not_proved",
]

LARGEST_BOUND = 1_000_000


@dataclass(frozen=True)
class Band:
    """The households a part may have: lower to upper, both included.

    Raises
    ------
    InputError
        A bound is no whole number, lower is under 1, or upper is under lower or over 1,000,000.
    """

    lower: int = 50
    upper: int = 100

    def __post_init__(self) -> None:
        whole = all(
            isinstance(b, int | np.integer) and not isinstance(b, bool) for b in (self.lower, self.upper)
        )
        if not whole or not 1 <= self.lower <= self.upper <= LARGEST_BOUND:
            raise InputError(
                "band_invalid",
                f"a band from {self.lower} to {self.upper} households is not possible",
                mend="give whole numbers with 1 <= lower <= upper <= 1,000,000",
                lower=str(self.lower),
                upper=str(self.upper),
            )

    def legal_counts(self, households: int) -> range:
        """Return how many parts so many households can make if they could be divided at will.

        The range from `ceil(households / upper)` to `floor(households / lower)`, empty where none is legal:
        1,340 households make 14 to 26 parts of 50 to 100.
        """
        return range(-(-households // self.upper), households // self.lower + 1)

    def status(self, households: int) -> Status:
        """Return the place of a part with so many households against the band."""
        if households < self.lower:
            return "too_small"
        return "too_large" if households > self.upper else "ok"


@dataclass(frozen=True)
class Proof:
    """Why a part is out of band, as a code and the values its sentence is filled with.

    Codes and their values:

    `unit_too_large`
        unit, households: a unit alone is above upper. units, part_households: the whole part, which also
        takes in what can be reached only through such units and is too small by itself.
    `group_too_large`
        The same for units that must share a part: unit is the first of group_units.
    `pocket_too_small`
        households, units, lower: all that can be reached on foot inside the community.
    `community_too_small`
        households, lower: the whole community.
    `community_empty`
        units: a community whose units have no household.
    `split_by_units_too_large`
        households, units, lower, upper: what lies between units above upper has no legal number of parts.
    `behind_unit`
        unit, households, units, places, places_households, lower, upper: places too small, of which this is
        one, are reached only through one unit, and with it they are too many for one part.
    `no_total_in_band`
        households, part_households, lower, upper, below, above: whatever units of the piece are put together,
        no total lies in the band; the nearest are below and above.
    `totals_leave_rest`
        households, part_households, lower, upper, left_over: the totals in the band that units of the piece
        have together do not add up to its households; so many are left over at least.
    `no_legal_division`
        households, part_households, lower, upper: no division of the piece, without units too large
        (households), leaves fewer households out of band: by counting, an exact search or a bound.
    `not_proved`
        households, part_households, lower, upper: nothing better was found, and nothing shows that there
        is none.
    """

    code: ProofCode
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """How a partition was found.

    Attributes
    ----------
    seed : int
    effort : str
        The last preset of `effort.EFFORTS` that a region was searched with.
    rounds : int
        How often the regions were searched, the last round perhaps not to its end.
    seconds : float
        Time it took, by the clock.
    ended : {"done", "time", "stopped"}
        Because all work was done, the time was over, or it was asked to stop.
    """

    seed: int
    effort: str
    rounds: int
    seconds: float
    ended: Literal["done", "time", "stopped"]


@dataclass(frozen=True)
class Partition:
    """An immutable assignment of n units to parts.

    Attributes
    ----------
    adjacency : Adjacency
        The n units and their pairs.
    households : (n,) int64
        Households of each unit.
    community : (n,) int64
        Code of the community of each unit; -1: outside all, in no part.
    labels : (n,) int64
        Part of each unit, -1 none; parts are 0 to n_parts - 1 in order of their first unit.
    band : Band
        What the parts are judged by.
    proofs : mapping of int to Proof
        Why, for each part out of band.
    search : Search, optional
        How it was found, where it was searched for.
    """

    adjacency: Adjacency
    households: NDArray[np.int64]
    community: NDArray[np.int64]
    labels: NDArray[np.int64]
    band: Band = field(default_factory=Band)
    proofs: Mapping[int, Proof] = field(default_factory=dict)
    search: Search | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        n = len(self.adjacency.unit_ids)
        for name in ("households", "community", "labels"):
            array = frozen(getattr(self, name), name, n)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "labels", numbered(self.labels))
        object.__setattr__(self, "proofs", MappingProxyType(dict(self.proofs)))

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return int(self.labels.max(initial=-1)) + 1

    @cached_property
    def part_households(self) -> NDArray[np.int64]:
        """Households of each part, (n_parts,) int64."""
        return self._sums(self.households)

    @cached_property
    def part_units(self) -> NDArray[np.int64]:
        """Number of units of each part, (n_parts,) int64."""
        return self._sums(np.ones(len(self.labels), np.int64))

    @cached_property
    def part_community(self) -> NDArray[np.int64]:
        """Community of each part, (n_parts,) int64: that of its first unit."""
        first = np.unique(self.labels[self.labels >= 0], return_index=True)[1]
        return self.community[self.labels >= 0][first]

    @cached_property
    def out_of_band(self) -> NDArray[np.int64]:
        """Parts below lower or above upper, ascending."""
        total = self.part_households
        return np.flatnonzero((total < self.band.lower) | (total > self.band.upper))

    @property
    def households_out_of_band(self) -> int:
        """Households that live in parts out of band."""
        return int(self.part_households[self.out_of_band].sum())

    def members(self, part: int) -> NDArray[np.int64]:
        """Return the positions of the units of a part, ascending."""
        return np.flatnonzero(self.labels == part)

    def status(self, part: int) -> Status:
        """Return the place of a part against the band."""
        return self.band.status(int(self.part_households[part]))

    def is_contiguous(self, part: int) -> bool:
        """Whether one can walk through the whole part over pairs that join, without leaving it."""
        return bool(self.contiguous[part])

    @cached_property
    def contiguous(self) -> NDArray[np.bool_]:
        """Whether each part is contiguous over pairs that join, (n_parts,) bool."""
        left, right = self.adjacency.left, self.adjacency.right
        inside = self.adjacency.joins & (self.labels[left] == self.labels[right])
        pieces = components(len(self.labels), left[inside], right[inside])
        placed = self.labels >= 0
        found = np.unique(np.stack([self.labels[placed], pieces[placed]]), axis=1)[0]
        whole: NDArray[np.bool_] = np.bincount(found, minlength=self.n_parts) == 1
        return whole

    def with_labels(self, labels: ArrayLike, proofs: Mapping[int, Proof] | None = None) -> Partition:
        """Return the same units assigned otherwise; without proofs, since the old ones need not hold."""
        return replace(self, labels=np.asarray(labels), proofs=proofs or {}, search=None)

    def _sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = np.zeros(self.n_parts, np.int64)
        placed = self.labels >= 0
        np.add.at(sums, self.labels[placed], values[placed])
        return sums


def components(n: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the connected component of each of n nodes, (n,) int64, numbered by first node."""
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    _, found = connected_components(graph, directed=False)
    return numbered(np.asarray(found, np.int64))


def frozen(values: ArrayLike, name: str, n: int) -> NDArray[np.int64]:
    """Return n whole numbers as a read-only int64 array.

    Raises
    ------
    InputError
        Not n values, or not whole numbers.
    """
    array = np.asarray(values)
    if array.shape != (n,) or (array.size and array.dtype.kind not in "iu"):
        raise InputError(
            "units_mismatch",
            f"{name} should be {n} whole numbers, one for each unit",
            mend="give one whole number for each unit of the adjacency",
            field=name,
            units=n,
        )
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


def numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels numbered from 0 in order of first appearance, read-only; below 0 becomes -1."""
    placed = labels >= 0
    _, first, inverse = np.unique(labels[placed], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    ordered = np.full(len(labels), -1, np.int64)
    ordered[placed] = rank[inverse.ravel()]
    ordered.setflags(write=False)
    return ordered
