"""Linked households (党员联户): which Party-member household links which households of its micro-grid.

Counts and places only. A unit is not split on the ground, but its households may be linked by several member
households: a stairwell of 40 households is more than one can look after. What one place links is contiguous,
beginning at the unit it lies in, and walks are as short as the bounds allow. Each micro-grid is one mixed-
integer program, solved without contiguity first, since the nearest households usually are contiguous.

References
----------
Shirabe, T. (2009). Districting modeling with exact contiguity constraints. Environment and Planning B 36
(contiguity as flow).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from geo.siting.program import least

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# One household out of bounds weighs as much as a walk of so many metres: more than any in a micro-grid.
_OUT_M = 100_000.0
# Nodes of the search with contiguity; where they do not suffice the links say that they are in pieces.
_NODES = 300


@dataclass(frozen=True)
class Links:
    """Links of one micro-grid.

    Attributes
    ----------
    unit, place : (t,) int64
    households : (t,) int64
        Households of a unit that a place links; each unit's add up to all of it.
    links : (p,) int64
        Member households of each place that link others; the rest are in reserve.
    is_contiguous : (p,) bool
    proved : bool
        Whether no shorter walks are possible.
    """

    unit: IntArray
    place: IntArray
    households: IntArray
    links: IntArray
    is_contiguous: NDArray[np.bool_]
    proved: bool

    def of_place(self) -> IntArray:
        """Return the households that each place links, (p,)."""
        return np.bincount(self.place, self.households, len(self.links)).astype(np.int64)


@dataclass(frozen=True)
class Hosts:
    """Places of Party-member households in one micro-grid: the unit each lies in, and how many there are."""

    unit: IntArray
    count: IntArray


@dataclass(frozen=True)
class _Program:
    """The program of one micro-grid: n units, p places, pairs (joins) between units."""

    households: IntArray
    hosts: Hosts
    metres: FloatArray
    left: IntArray
    right: IntArray
    lower: int
    upper: int


def linked(
    households: IntArray,
    hosts: Hosts,
    metres: FloatArray,
    left: IntArray,
    right: IntArray,
    *,
    lower: int,
    upper: int,
) -> Links:
    """Link every household of a micro-grid to a place of member households.

    Parameters
    ----------
    households : (n,) int64
        Households of each unit.
    hosts : Hosts
        p places, at least one.
    metres : (n, p) float64
        Walk from each unit to each place.
    left, right : (m,) int64
        Units that one can walk between.
    lower, upper : int
        Households that one member household links. Where member households are too few for the upper or
        households too few for the lower bound, the fewest possible are out of bounds.
    """
    program = _Program(households, hosts, metres, left, right, lower, upper)
    free = _solved(program, with_contiguity=False)
    assert free is not None  # everyone at one place is a solution
    if free.is_contiguous.all():
        return free
    return _solved(program, with_contiguity=True) or free


def _solved(program: _Program, *, with_contiguity: bool) -> Links | None:
    """Solve the program of one micro-grid; None where nothing was found.

    Columns: member households that link (p, whole), units served (n p, whole), households (n p), short (p),
    over (p), flows (2 m p).
    """
    n, p, m = len(program.households), len(program.hosts.unit), len(program.left)
    w = program.households.astype(np.float64)
    n_pairs = n * p if with_contiguity else 0
    n_flows = 2 * m * p if with_contiguity else 0
    links, serves = np.arange(p), p + np.arange(n_pairs)
    first = p + n_pairs
    amount = first + np.arange(n * p).reshape(n, p)
    short, over = first + n * p + np.arange(p), first + n * p + p + np.arange(p)
    flow = first + n * p + 2 * p + np.arange(n_flows)
    columns = first + n * p + 2 * p + n_flows
    cost, most = np.zeros(columns), np.full(columns, np.inf)
    cost[amount] = program.metres
    cost[short] = cost[over] = _OUT_M
    most[links] = program.hosts.count
    most[serves] = 1.0
    most[amount] = w[:, None]
    rows = _Rows(columns)
    for unit in range(n):
        rows.add(amount[unit], np.ones(p), w[unit], w[unit])
    for place in range(p):
        column, ones = amount[:, place], np.ones(n)
        ends = np.array([links[place], short[place], over[place]])
        # lower * links - short <= households <= upper * links + over
        rows.add(np.append(column, ends[:2]), np.append(ones, [-program.lower, 1.0]), 0.0, np.inf)
        rows.add(np.append(column, ends[[0, 2]]), np.append(ones, [-program.upper, -1.0]), -np.inf, 0.0)
        # Whoever links nobody is over by nothing.
        rows.add(np.append(column, links[place]), np.append(ones, -w.sum()), -np.inf, 0.0)
    if with_contiguity:
        pairs, flows = serves.reshape(n, p), flow.reshape(2, m, p)
        reach = _pieces(n, program.left, program.right)
        for place in range(p):
            root = int(program.hosts.unit[place])
            near = reach == reach[root]
            for unit in range(n):
                pair, share = pairs[unit, place], amount[unit, place]
                rows.add(np.array([share, pair]), np.array([1.0, -max(w[unit], 0.0)]), -np.inf, 0.0)
                if w[unit] > 0:
                    rows.add(np.array([share, pair]), np.array([1.0, -1.0]), 0.0, np.inf)
                if unit == root or not near[unit]:
                    continue
                into = np.concatenate(
                    [flows[0, program.right == unit, place], flows[1, program.left == unit, place]]
                )
                out = np.concatenate(
                    [flows[0, program.left == unit, place], flows[1, program.right == unit, place]]
                )
                signs = np.concatenate([np.ones(len(into)), -np.ones(len(out)), [-1.0]])
                rows.add(np.concatenate([into, out, [pair]]), signs, 0.0, 0.0)
                # Only units that are served are walked through.
                rows.add(np.append(into, pair), np.append(np.ones(len(into)), -float(n)), -np.inf, 0.0)
    found = least(
        cost, rows.matrix(), np.array(rows.lower), np.array(rows.upper), n_integer=p + n_pairs, most=most,
        nodes=_NODES if with_contiguity else 1 << 30,
    )  # fmt: skip
    if found is None:
        return None
    return _links(program, np.rint(found.values[links]), np.rint(found.values[amount]), found.proved)


class _Rows:
    """Rows of a program, collected one by one."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.index: list[IntArray] = []
        self.value: list[FloatArray] = []
        self.lower: list[float] = []
        self.upper: list[float] = []

    def add(self, index: IntArray, value: FloatArray, lower: float, upper: float) -> None:
        self.index.append(index)
        self.value.append(value)
        self.lower.append(lower)
        self.upper.append(upper)

    def matrix(self) -> csr_matrix:
        starts = np.concatenate([[0], np.cumsum([len(each) for each in self.index])])
        return csr_matrix(
            (np.concatenate(self.value), np.concatenate(self.index), starts),
            shape=(len(self.index), self.columns),
        )


def _pieces(n: int, left: IntArray, right: IntArray) -> IntArray:
    """Return the piece of each of n units, within which one can walk over pairs."""
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _links(program: _Program, links: FloatArray, households: FloatArray, proved: bool) -> Links:
    """Return links with households (n, p)."""
    n, p = households.shape
    unit, place = np.nonzero(households > 0)
    links = np.where(households.sum(axis=0) > 0, links, 0.0)
    whole = np.ones(p, bool)
    for host in range(p):
        mine = np.append(np.flatnonzero(households[:, host] > 0), program.hosts.unit[host])
        # Ground where nobody lives is in nobody's way.
        open_ = program.households == 0
        open_[mine] = True
        inside = open_[program.left] & open_[program.right]
        label = _pieces(n, program.left[inside], program.right[inside])
        whole[host] = len(np.unique(label[mine])) == 1
    return Links(unit, place, households[unit, place].astype(np.int64), links.astype(np.int64), whole, proved)
