"""Linked households (党员联户): which Party-member household links which households of its micro-grid.

Counts and places only. A unit is not split on the ground, but its households may be linked by several member
households: a stairwell of 40 households is more than one can look after. What one place links is contiguous,
beginning at the unit it lies in, and walks are as short as the bounds allow. Each micro-grid is one mixed-
integer program, solved without contiguity first, since the nearest households usually are contiguous. Where
they are not, separators between a place and what lies apart are added until nothing lies apart: that is
proved. Larger micro-grids are linked over neighbours that are nearer to the place, which makes links
contiguous too but leaves some out; what the program without that says is the bound.

References
----------
Carvajal, R., et al. (2013). Imposing connectivity constraints in forest planning models. Operations Research
61 (vertex separators, added where they are violated).
Zoltners, A., Sinha, P. (1983). Sales territory alignment: a review and model. Management Science 29
(contiguity over neighbours nearer to the centre).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from geo.siting.program import least

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# One household out of bounds weighs as much as a walk of so many metres: more than any in a micro-grid.
_OUT_M = 100_000.0
# Units times places up to which separators are added, the same times rounds of that, and nodes of each round.
_SMALL, _ROUNDS = 500, 4_000
_NODES = 300
# Beyond, each unit is linked by one of so many places, the nearest to it.
_NEAREST = 8
# The search among these ends where so much of the walks could be saved at most.
_GAP = 0.1


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
    metres, bound : float
        Household-metres walked, and how many at least where as many households are out of bounds.
    proved : bool
        Whether no shorter walks are possible.
    """

    unit: IntArray
    place: IntArray
    households: IntArray
    links: IntArray
    is_contiguous: NDArray[np.bool_]
    metres: float
    bound: float
    proved: bool

    @property
    def gap(self) -> float:
        """Share of the walks that could be saved at most, 0 where they are proved the shortest."""
        return (self.metres - self.bound) / self.metres if self.metres else 0.0

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

    def nearest_walks(self) -> float:
        """Return household-metres to the nearest places, which no bounds can undercut."""
        return float(self.metres.min(axis=1) @ self.households)

    def neighbours(self) -> list[list[int]]:
        beside: list[list[int]] = [[] for _ in self.households]
        for one, other in zip(self.left.tolist(), self.right.tolist(), strict=True):
            beside[one].append(other)
            beside[other].append(one)
        return beside


class _Way(NamedTuple):
    """A place links a unit only if it links one of those that the way to it leads through."""

    place: int
    unit: int
    through: tuple[int, ...]


@dataclass(frozen=True)
class _Found:
    """Households by unit and place, member households that link, the cost of that, and what none is below."""

    households: FloatArray
    links: FloatArray
    cost: float
    bound: float


def linked(
    households: IntArray,
    hosts: Hosts,
    metres: FloatArray,
    left: IntArray,
    right: IntArray,
    *,
    lower: int,
    upper: int,
    small: int = _SMALL,
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
    small : int
        Up to so many units times places the search goes on for a proof.
    """
    program = _Program(households, hosts, metres, left, right, lower, upper)
    anyone = np.ones(metres.shape, bool)
    found = _solved(program, (), anyone)
    assert found is not None  # everyone at one place is a solution
    bound = found.bound
    ways: dict[_Way, None] = {}
    for _ in range(_ROUNDS // metres.size if metres.size <= small else 0):
        apart = dict.fromkeys(_separators(program, found.households))
        if not apart.keys() - ways.keys():
            break
        ways |= apart
        better = _solved(program, ways, anyone, nodes=_NODES)
        if better is None:
            break
        found, bound = better, max(bound, better.bound)
    if any(_separators(program, found.households)):
        found = _over_nearer(program, _NEAREST, bound)
        if found.cost - bound >= _OUT_M:
            every = _over_nearer(program, len(hosts.unit), bound)
            found = min(found, every, key=lambda one: one.cost)
    return _links(program, found, bound)


def _over_nearer(program: _Program, nearest: int, bound: float) -> _Found:
    """Link each unit to some of the places nearest to it, over neighbours that are nearer to the place.

    Joins are as long as the walks from their ends to a place differ at most. So a place that is among the
    nearest to a unit is so to those on the shortest way to it, and the nearest of all can link everyone.
    """
    n, p = program.metres.shape
    beside, root = program.neighbours(), program.hosts.unit
    long = np.abs(program.metres[program.left] - program.metres[program.right]).max(axis=1) + 1e-3
    graph = csr_matrix((long, (program.left, program.right)), shape=(n, n))
    # Of places equally near the first is the nearer one.
    away = dijkstra(graph, directed=False, indices=root).T + 1e-6 * np.arange(p)
    rank = np.argsort(np.argsort(np.where(np.isinf(away), 1e9 + program.metres, away), axis=1), axis=1)
    near = rank < nearest
    ways = []
    for unit, place in np.argwhere(near & np.isfinite(away)).tolist():
        through = [v for v in beside[unit] if away[v, place] < away[unit, place] and near[v, place]]
        if unit != root[place] and root[place] not in through:
            ways.append(_Way(place, unit, tuple(through)))
    # A share of the walks, not of what households out of bounds weigh.
    gap = _GAP * program.nearest_walks() / bound if bound > 0 else 0.0
    found = _solved(program, ways, near, nodes=1, gap=gap, start=rank == 0)
    assert found is not None  # it starts from a solution
    return found


def _solved(
    program: _Program,
    ways: Iterable[_Way],
    allowed: NDArray[np.bool_],
    *,
    nodes: int = 1 << 30,
    gap: float = 0.0,
    start: NDArray[np.bool_] | None = None,
) -> _Found | None:
    """Solve the program of one micro-grid; None where nothing was found.

    Columns: member households that link (p, whole), whether a place links a unit, of pairs that ways speak of
    (whole), households of pairs that are allowed, short (p), over (p).
    """
    p = len(program.hosts.unit)
    w = program.households.astype(np.float64)
    ways = list(ways)
    spoken = sorted({(unit, way.place) for way in ways for unit in (way.unit, *way.through)})
    serves = {pair: p + at for at, pair in enumerate(spoken)}
    first = p + len(spoken)
    units, places = np.nonzero(allowed)
    amount = np.full(allowed.shape, -1)
    amount[units, places] = first + np.arange(len(units))
    short = first + len(units) + np.arange(p)
    over = short + p
    cost, most = np.zeros(over[-1] + 1), np.full(over[-1] + 1, np.inf)
    cost[first : short[0]] = program.metres[units, places]
    cost[short] = cost[over] = _OUT_M
    most[:p] = program.hosts.count
    most[p:first] = 1.0
    most[first : short[0]] = w[units]
    rows = _Rows(len(cost))
    for unit in range(len(w)):
        column = amount[unit, allowed[unit]]
        rows.add(column, np.ones(len(column)), w[unit], w[unit])
    for place in range(p):
        column = amount[allowed[:, place], place]
        ones = np.ones(len(column))
        # lower * links - short <= households <= upper * links + over
        ends = np.array([place, short[place], over[place]])
        rows.add(np.append(column, ends[:2]), np.append(ones, [-program.lower, 1.0]), 0.0, np.inf)
        rows.add(np.append(column, ends[[0, 2]]), np.append(ones, [-program.upper, -1.0]), -np.inf, 0.0)
        # Whoever links nobody is over by nothing.
        rows.add(np.append(column, place), np.append(ones, -w.sum()), -np.inf, 0.0)
    for (unit, place), column in serves.items():
        # Ground where nobody lives is in nobody's way.
        if w[unit] > 0:
            share = np.array([amount[unit, place], column])
            rows.add(share, np.array([1.0, -w[unit]]), -np.inf, 0.0)
            rows.add(share, np.array([1.0, -1.0]), 0.0, np.inf)
    for way in ways:
        through = [serves[unit, way.place] for unit in way.through]
        signs = np.append(np.ones(len(through)), -1.0)
        rows.add(np.array([*through, serves[way.unit, way.place]]), signs, 0.0, np.inf)
    known = None
    if start is not None:
        known = np.zeros(len(cost))
        known[first : short[0]] = (w[:, None] * start)[units, places]
        known[p:first] = [start[pair] for pair in spoken]
        sums = w @ start
        known[:p] = sums > 0
        known[short] = np.maximum(program.lower * known[:p] - sums, 0.0)
        known[over] = np.maximum(sums - program.upper * known[:p], 0.0)
    found = least(
        cost, rows.matrix(), np.array(rows.lower), np.array(rows.upper), n_integer=first, most=most,
        nodes=nodes, gap=gap, start=known,
    )  # fmt: skip
    if found is None:
        return None
    households = np.zeros(allowed.shape)
    households[units, places] = np.rint(found.values[first : short[0]])
    return _Found(households, np.rint(found.values[:p]), float(cost @ found.values), found.bound)


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


def _separators(program: _Program, households: FloatArray) -> Iterable[_Way]:
    """Yield what would join each unit that lies apart from its place: units beside it or beside the place."""
    beside = program.neighbours()
    for place, root in enumerate(program.hosts.unit.tolist()):
        label = _labels(program, households, place)
        own = set(np.flatnonzero(label == label[root]).tolist())
        served = np.flatnonzero(households[:, place] > 0)
        for piece in sorted(set(label[served].tolist()) - {int(label[root])}):
            apart = set(np.flatnonzero(label == piece).tolist())
            # No way leads to pieces of the micro-grid itself.
            if not (by_apart := _first_beside(beside, apart, root)):
                continue
            by_root = _first_beside(beside, own, min(apart))
            for unit in sorted(apart & set(served.tolist())):
                yield _Way(place, unit, by_apart)
                yield _Way(place, unit, by_root)


def _first_beside(beside: list[list[int]], units: set[int], start: int) -> tuple[int, ...]:
    """Return the neighbours of some units that one comes to first from a start outside them."""
    edge = {other for unit in units for other in beside[unit]} - units
    seen, open_, first = {start}, [start], set()
    while open_:
        unit = open_.pop()
        if unit in edge:
            first.add(unit)
            continue
        open_ += [other for other in beside[unit] if other not in seen]
        seen.update(beside[unit])
    return tuple(sorted(first))


def _labels(program: _Program, households: FloatArray, place: int) -> IntArray:
    """Return the pieces of what a place links, its own unit, and ground where nobody lives."""
    open_ = (program.households == 0) | (households[:, place] > 0)
    open_[program.hosts.unit[place]] = True
    inside = open_[program.left] & open_[program.right]
    return _pieces(len(open_), program.left[inside], program.right[inside])


def _links(program: _Program, found: _Found, bound: float) -> Links:
    """Return what was found as links."""
    unit, place = np.nonzero(found.households > 0)
    sums = found.households.sum(axis=0)
    links = np.where(sums > 0, found.links, 0.0)
    whole = np.ones(len(links), bool)
    for host, root in enumerate(program.hosts.unit.tolist()):
        label = _labels(program, found.households, host)
        whole[host] = (label[found.households[:, host] > 0] == label[root]).all()
    walked = float((program.metres * found.households).sum())
    proved = found.cost - bound <= 1e-6 * max(1.0, abs(found.cost))
    at_least = max(program.nearest_walks(), walked - (found.cost - bound))
    return Links(
        unit, place, found.households[unit, place].astype(np.int64), links.astype(np.int64), whole,
        walked, walked if proved else min(walked, at_least), proved,
    )  # fmt: skip
