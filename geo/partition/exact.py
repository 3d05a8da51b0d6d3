"""Exact answers for small graphs: every connected set in the band, and the best choice among them.

References
----------
Wernicke, S. (2006). Efficient detection of network motifs. IEEE/ACM Transactions on Computational Biology
and Bioinformatics 3(4) (each connected set is listed once).
Garfinkel, R., Nemhauser, G. (1970). Optimal political districting by implicit enumeration techniques.
Management Science 16(8) (set partitioning over connected sets).
Huangfu, Q., Hall, J. (2018). Parallelizing the dual revised simplex method. Mathematical Programming
Computation 10 (HiGHS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from geo.kernels import kernel
from geo.partition.partition import Band
from geo.partition.region import CM_PER_M, Region
from geo.partition.weights import Weights

# Sets are kept as bits of one int64.
LARGEST_WINDOW = 62


@kernel
def connected_sets(
    n: int,
    reach: Any,
    weight: Any,
    start: int,
    forbidden: int,
    lower: int,
    upper: int,
    found: Any,
    households: Any,
    n_found: int,
    limit: int,
    steps: Any,
    stack_set: Any,
    stack_near: Any,
    stack_forbidden: Any,
    stack_weight: Any,
) -> Any:
    """List connected sets that hold start, no forbidden atom and lower to upper households, each once.

    Sets are bits; reach[i] are the neighbours of i. Appends to found and households from n_found and
    returns how many stand there then, -1 when there are more than limit or steps[0] runs out.
    """
    if weight[start] > upper:
        return n_found
    height = 1
    stack_set[0] = 1 << start
    stack_near[0] = reach[start]
    stack_forbidden[0] = forbidden
    stack_weight[0] = weight[start]
    while height > 0:
        height -= 1
        here = stack_set[height]
        near = stack_near[height]
        barred = stack_forbidden[height]
        total = stack_weight[height]
        steps[0] -= 1
        if steps[0] < 0:
            return -1
        if total >= lower:
            if n_found >= limit:
                return -1
            found[n_found] = here
            households[n_found] = total
            n_found += 1
        open_ = near & ~here & ~barred
        for i in range(n):
            bit = 1 << i
            if open_ & bit:
                if total + weight[i] <= upper:
                    stack_set[height] = here | bit
                    stack_near[height] = near | reach[i]
                    stack_forbidden[height] = barred
                    stack_weight[height] = total + weight[i]
                    height += 1
                barred |= bit
    return n_found


@dataclass(frozen=True)
class ConnectedSets:
    """Connected sets of a graph of at most 62 atoms: `member` (k, n) bool and `households` (k,) int64."""

    member: NDArray[np.bool_]
    households: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.households)


def list_connected_sets(
    region: Region,
    lower: int,
    upper: int,
    *,
    core: NDArray[np.int64] | None = None,
    limit: int = 20_000,
    large: bool = False,
) -> ConnectedSets | None:
    """List every contiguous set of atoms with lower to upper households; None when there are too many.

    Parameters
    ----------
    region : Region
        At most 62 atoms.
    core : positions, optional
        Only sets that hold one of these atoms; all sets when left out.
    limit : int
        Most sets listed; the search also stops after 20 times as many steps.
    """
    n = len(region)
    if n > LARGEST_WINDOW:
        return None
    reach = [0] * n
    for a, b in zip(region.left[region.joins].tolist(), region.right[region.joins].tolist(), strict=True):
        reach[a] |= 1 << b
        reach[b] |= 1 << a
    weight = region.weight.tolist()
    found: Any = [0] * limit
    households: Any = [0] * limit
    steps: Any = [20 * limit]
    scratch: list[Any] = [[0] * (n * n + n + 1) for _ in range(4)]
    near: Any = reach
    if large:
        found, households, steps = (np.zeros(len(a), np.int64) for a in (found, households, steps))
        scratch = [np.zeros(n * n + n + 1, np.int64) for _ in range(4)]
        near = np.array(reach, np.int64)
        weight = region.weight
        steps[0] = 20 * limit
    count = 0
    forbidden = 0
    for start in range(n) if core is None else core.tolist():
        count = connected_sets(
            n, near, weight, start, forbidden, lower, upper, found, households, count, limit, steps, *scratch,
            large=large,
        )  # fmt: skip
        if count < 0:
            return None
        forbidden |= 1 << start
    bits = np.asarray(found[:count], np.int64)
    member = (bits[:, None] >> np.arange(n)) & 1 == 1
    return ConnectedSets(member.reshape(count, n), np.asarray(households[:count], np.int64))


def divisions(region: Region, band: Band) -> Iterator[list[list[int]]]:
    """Yield every division of a small region into contiguous parts within the band, as lists of positions.

    Raises
    ------
    ValueError
        The region has more than 62 atoms, or more than 200,000 connected sets in the band.
    """
    sets = list_connected_sets(region, band.lower, band.upper, limit=200_000)
    if sets is None:
        raise ValueError("too many atoms or connected sets to list every division")
    n = len(region)
    masks = [sum(1 << i for i in np.flatnonzero(row).tolist()) for row in sets.member]
    lowest: list[list[int]] = [[] for _ in range(n)]
    for mask in masks:
        lowest[(mask & -mask).bit_length() - 1].append(mask)
    everything = (1 << n) - 1

    def extend(covered: int, parts: list[int]) -> Iterator[list[int]]:
        if covered == everything:
            yield parts
            return
        rest = everything & ~covered
        for mask in lowest[(rest & -rest).bit_length() - 1]:
            if not mask & covered:
                yield from extend(covered | mask, [*parts, mask])

    for parts in extend(0, []):
        yield [[i for i in range(n) if mask >> i & 1] for mask in parts]


def set_costs(region: Region, sets: ConnectedSets, band: Band, weights: Weights) -> NDArray[np.float64]:
    """Return what each set costs as a part, in metres: half of each border it cuts, compounds, evenness."""
    member = sets.member
    cost = np.zeros(len(sets))
    for a, b, gain in zip(region.left, region.right, region.gain / (2 * CM_PER_M), strict=True):
        cost += gain * (member[:, a] ^ member[:, b])
    for kind in range(region.n_compounds):
        cost += weights.compound_split * member[:, region.compound == kind].any(axis=1)
    target = (band.lower + band.upper) / 2 if weights.target is None else weights.target
    return cost + weights.evenness * (sets.households - target) ** 2


def find_sets(sets: ConnectedSets, labels: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return which of the sets the parts of a plan (n,) are, None when one is not among them."""
    listed = {row.tobytes(): i for i, row in enumerate(sets.member)}
    found = [listed.get((labels == part).tobytes()) for part in np.unique(labels)]
    return None if None in found else np.array(found, np.int64)


@dataclass(frozen=True)
class Choice:
    """Chosen sets and whether no better choice exists."""

    chosen: NDArray[np.int64]
    proved: bool


def choose_sets(
    cover: NDArray[np.bool_],
    cost: NDArray[np.float64],
    *,
    exactly: NDArray[np.bool_],
    nodes: int,
    gap: float = 0.0,
    start: NDArray[np.int64] | None = None,
    extra: tuple[NDArray[np.float64], float] | None = None,
) -> Choice | None:
    """Choose sets of least total cost that do not overlap; None where no choice (or none in time) exists.

    Parameters
    ----------
    cover : (k, n) bool
        What each of k sets holds.
    cost : (k,) float64
        Cost of each set.
    exactly : (n,) bool
        Atoms that must lie in one chosen set; the others lie in at most one.
    nodes : int
        Most branch-and-bound nodes; one thread and no clock, so the answer is the same everywhere.
    gap : float, default 0
        Share of the cost by which the answer may miss the best.
    start : positions, optional
        Sets of a choice that is known, to begin with.
    extra : (values, limit), optional
        One more condition: the values of the chosen sets add up to at most limit.
    """
    k = len(cover)
    if k == 0 or not cover[:, exactly].any(axis=0).all():
        return None
    program = partition_program(cover, cost, exactly, extra)
    program.integrality_ = [highspy.HighsVarType.kInteger] * k
    solver = same_solver(mip_max_nodes=nodes, mip_rel_gap=gap, mip_abs_gap=1e-6)
    solver.passModel(program)
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = np.isin(np.arange(k), start).astype(float).tolist()
        known.value_valid = True
        solver.setSolution(known)
    solver.run()
    status = solver.getModelStatus()
    proved = status == highspy.HighsModelStatus.kOptimal
    if not proved and solver.getInfo().primal_solution_status != 2:
        return None
    chosen = np.flatnonzero(np.asarray(solver.getSolution().col_value) > 0.5)
    return Choice(chosen, proved)


def partition_program(
    cover: NDArray[np.bool_],
    cost: NDArray[np.float64],
    exactly: NDArray[np.bool_] | None = None,
    extra: tuple[NDArray[np.float64], float] | None = None,
) -> Any:
    """Return the choice of sets as a linear program; a last row for the extra condition.

    Every atom lies in one chosen set, or, where `exactly` (n,) is false, in one at most.
    """
    k, n = cover.shape
    if exactly is None:
        exactly = np.ones(n, np.bool_)
    sets, atoms = np.nonzero(cover)
    starts = np.searchsorted(sets, np.arange(k + 1))
    row_lower, row_upper = exactly.astype(float), np.ones(n)
    index, value = atoms, np.ones(len(atoms))
    if extra is not None:
        index = np.insert(index, starts[1:], n)
        value = np.insert(value, starts[1:], extra[0])
        starts = starts + np.arange(k + 1)
        row_lower, row_upper = np.append(row_lower, -np.inf), np.append(row_upper, extra[1])
    return program_of_sets(cost, starts, index, value, rows=(row_lower, row_upper), most=1.0)


def program_of_sets(
    cost: NDArray[np.float64],
    starts: NDArray[np.int64],
    index: NDArray[np.int64],
    value: NDArray[np.float64],
    *,
    rows: tuple[NDArray[np.float64], NDArray[np.float64]],
    most: float,
) -> Any:
    """Return the linear program of one column for each set, from its sparse columns.

    Parameters
    ----------
    cost : (k,)
        Of each set.
    starts : (k + 1,)
        Where the entries of each set begin in `index` (rows) and `value`.
    rows : (least, most) of (r,) each
        Bounds of the sum over each row.
    most : float
        Of how often a set may be taken; infinite where the rows see to it.
    """
    k = len(cost)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = k, len(rows[0])
    program.col_cost_ = cost
    program.col_lower_, program.col_upper_ = np.zeros(k), np.full(k, most)
    program.row_lower_, program.row_upper_ = rows
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = starts.astype(np.int32)
    program.a_matrix_.index_ = index.astype(np.int32)
    program.a_matrix_.value_ = value
    return program


def same_solver(**options: float) -> Any:
    """Return a solver that gives the same answer everywhere: one thread, no clock, a fixed seed."""
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    same = {"output_flag": False, "threads": 1, "parallel": "off", "random_seed": 0}
    for option, setting in {**same, **options}.items():
        solver.setOptionValue(option, setting)
    return solver


def run_until(solver: Any, should_stop: Callable[[], bool]) -> None:
    """Run a solver to its end, or until told to stop: then it has no answer.

    A program of parts much alike can take minutes, and what a signal says is only heard where Python runs.

    Raises
    ------
    BaseException
        What `should_stop` raises, or the handler of a signal meanwhile: not through the solver, which is not
        made for that.
    """
    raised: list[BaseException] = []

    def ask(event: Any) -> None:
        try:
            if raised or should_stop():
                event.interrupt()
        except BaseException as error:  # a second Ctrl-C too: the solver is left first, then it goes on
            raised.append(error)
            event.interrupt()

    for each in (solver.cbSimplexInterrupt, solver.cbMipInterrupt):
        each.subscribe(ask)
    solver.run()
    if raised:
        raise raised[0]
