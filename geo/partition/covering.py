"""The cheapest choice of sets that hold every atom once, proved: a linear relaxation, then a search below it.

The relaxation prices the atoms. By how much a set costs more than its atoms is what it adds to the bound
(its reduced cost), so a search that lays one set after another may stop wherever these sums reach the best
choice known. Of some thousand sets it lays a few thousand, where a solver of integer programs takes seconds.

References
----------
Garfinkel, R., Nemhauser, G. (1969). The set-partitioning problem: set covering with equality constraints.
Operations Research 17(5) (laying the sets of one atom after another).
Balas, E., Padberg, M. (1976). Set partitioning: a survey. SIAM Review 18(4) (reduced cost fixing).
Gilmore, P., Gomory, R. (1961). A linear programming approach to the cutting-stock problem. Operations
Research 9(6) (a relaxation of many columns from those that its prices call for).
Knuth, D. (2000). Dancing links. arXiv:cs/0011047 (going on with the atom that has the fewest sets left).
"""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from geo.kernels import kernel
from geo.partition.exact import Choice, partition_program, same_solver

# Reduced costs are compared in whole tenths of a millimetre.
TICKS_PER_M = 10_000
# A bound of the relaxation may be off by rounding, here by a centimetre.
SLACK_TICKS = 100
# The relaxation of more sets begins with so many of the cheapest of each atom and takes on so many at a time.
FEW_COLUMNS = 2_000
FIRST_COLUMNS, MORE_COLUMNS = 20, 400
# A set that costs less than its atoms by this much is missing in the relaxation.
MISSING_M = 1e-6
# An atom that is held alone by more than this share has no place in any choice.
SHARE = 1e-6
# So many sets are laid by the interpreter before a larger search is worth compiling.
FEW_LAID = 300


@kernel
def lay_sets(
    bits: Any,
    dearer: Any,
    everything: int,
    most: int,
    laid: int,
    open_sets: Any,
    n_open: Any,
    own: Any,
    n_own: Any,
    turn: Any,
    covered: Any,
    spent: Any,
    chosen: Any,
    best: Any,
    left: Any,
) -> Any:
    """Search the choice of disjoint sets over everything that is least dearer; return how many it laid.

    Sets are bits, in ascending order of what they are dearer. Of choices dearer by `most` or more nothing is
    known. The best is put into best[1:], how many sets it has into best[0], 0 where there is none. Ends with
    laid + 1 when more than `laid` sets would have to be laid. Level d of the flat tables open_sets and own,
    each len(bits) wide, holds the sets that fit beside chosen[:d], and those of them with the atom to hold
    next.
    """
    k = len(bits)
    best[0] = 0
    for i in range(k):
        open_sets[i] = i
    n_open[0] = k
    covered[0] = 0
    spent[0] = 0
    depth = 0
    entered = True
    count = 0
    while depth >= 0:
        base = depth * k
        if entered:
            entered = False
            for atom in range(len(left)):
                left[atom] = 0
            for i in range(n_open[depth]):
                rest = bits[open_sets[base + i]]
                atom = 0
                while rest:
                    left[atom] += rest & 1
                    rest >>= 1
                    atom += 1
            next_atom = -1
            for atom in range(len(left)):
                if (everything & ~covered[depth]) >> atom & 1 and (
                    next_atom < 0 or left[atom] < left[next_atom]
                ):
                    next_atom = atom
            n_own[depth] = 0
            turn[depth] = 0
            for i in range(n_open[depth]):
                one = open_sets[base + i]
                if bits[one] >> next_atom & 1:
                    own[base + n_own[depth]] = one
                    n_own[depth] += 1
        if turn[depth] == n_own[depth]:
            depth -= 1
            continue
        one = own[base + turn[depth]]
        turn[depth] += 1
        total = spent[depth] + dearer[one]
        if total >= most:  # the others are no less dear
            turn[depth] = n_own[depth]
            continue
        count += 1
        if count > laid:
            return count
        chosen[depth] = one
        held = covered[depth] | bits[one]
        if held == everything:
            most = total
            best[0] = depth + 1
            for i in range(depth + 1):
                best[i + 1] = chosen[i]
            continue
        fitting = 0
        for i in range(n_open[depth]):
            other = open_sets[base + i]
            if total + dearer[other] >= most:
                break
            if bits[other] & held == 0:
                open_sets[base + k + fitting] = other
                fitting += 1
        depth += 1
        n_open[depth] = fitting
        covered[depth] = held
        spent[depth] = total
        entered = True
    return count


def cheapest_cover(
    member: NDArray[np.bool_],
    cost: NDArray[np.float64],
    known: float,
    *,
    laid: int,
    large: bool,
) -> Choice | None:
    """Choose sets that hold every atom exactly once, at less cost than a choice that is known.

    Parameters
    ----------
    member : (k, n) bool
        What each set holds; n at most 62, no set empty.
    cost : (k,) float64
        Cost of each set, in metres.
    known : float
        Cost of a choice that is known, in metres.
    laid : int
        Most sets that the search may lay; the answer is the same on every machine.
    large : bool
        Run compiled; the answer is the same.

    Returns
    -------
    Choice or None
        `proved` says that none is cheaper; with nothing chosen, that the known one is the cheapest. None
        where the search ended before it found anything.
    """
    k, n = member.shape
    if not k or not member.any(axis=0).all():
        return Choice(np.empty(0, np.int64), proved=True)
    relaxed = _relaxed(member, cost)
    if relaxed is None:
        return Choice(np.empty(0, np.int64), proved=True)
    bound, reduced = relaxed
    dearer = np.maximum(np.floor(reduced * TICKS_PER_M), 0).astype(np.int64)
    most = int(np.ceil((known - bound) * TICKS_PER_M)) + SLACK_TICKS
    worth = np.flatnonzero(dearer < most)
    worth = worth[np.argsort(dearer[worth], kind="stable")]
    bits = (member[worth].astype(np.int64) << np.arange(n)).sum(axis=1)
    best, proved = _search(bits, dearer[worth], n, most, laid, large=large)
    if not len(best) and not proved:
        return None
    chosen = np.sort(worth[best])
    if len(chosen) and float(cost[chosen].sum()) >= known:  # the known one, or one as cheap
        chosen = chosen[:0]
    return Choice(chosen, proved)


def _relaxed(
    member: NDArray[np.bool_], cost: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]] | None:
    """Return the bound of the relaxation and the reduced cost (k,) of each set; None without any choice.

    Of many sets only those are solved for that the prices of the atoms call for, until none is missing.
    """
    k, n = member.shape
    taken = np.full(k, k <= FEW_COLUMNS)
    if k > FEW_COLUMNS:
        order = np.argsort(cost / member.sum(axis=1), kind="stable")
        for atom in range(n):
            taken[order[member[order, atom]][:FIRST_COLUMNS]] = True
    # Some of the sets may leave no choice: atoms alone, dearer than any, make up one and leave at the end.
    alone = 0 if taken.all() else n
    too_dear = 1 + 2 * float(np.abs(cost).max()) * n
    program = partition_program(
        np.vstack([np.eye(alone, n, dtype=np.bool_), member[taken]]),
        np.concatenate([np.full(alone, too_dear), cost[taken]]),
    )
    # No set is taken more than once as it is; a bound would put prices on sets beside those on atoms.
    program.col_upper_ = np.full(len(program.col_cost_), np.inf)
    solver = same_solver()
    solver.passModel(program)
    held = member.astype(np.float64)
    while True:
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = solver.getSolution()
        reduced = cost - held @ np.asarray(solution.row_dual)
        missing = np.flatnonzero((reduced < -MISSING_M) & ~taken)
        if len(missing):
            more = missing[np.argsort(reduced[missing], kind="stable")[:MORE_COLUMNS]]
            taken[more] = True
            _add_sets(solver, member[more], cost[more])
        elif alone:
            if np.asarray(solution.col_value)[:alone].max() > SHARE:
                return None
            solver.deleteCols(alone, np.arange(alone, dtype=np.int32))
            alone = 0
        else:
            return float(solver.getInfo().objective_function_value), reduced


def _add_sets(solver: Any, member: NDArray[np.bool_], cost: NDArray[np.float64]) -> None:
    """Give a relaxation more sets to choose from."""
    k = len(cost)
    sets, atoms = np.nonzero(member)
    starts = np.searchsorted(sets, np.arange(k)).astype(np.int32)
    bounds = np.zeros(k), np.full(k, np.inf)
    solver.addCols(k, cost, *bounds, len(atoms), starts, atoms.astype(np.int32), np.ones(len(atoms)))


def _search(
    bits: NDArray[np.int64], dearer: NDArray[np.int64], n: int, most: int, laid: int, *, large: bool
) -> tuple[NDArray[np.int64], bool]:
    """Return positions in bits and whether no choice is cheaper; a short search is tried uncompiled first."""
    best: Any = [0] * (n + 1)
    for compiled in (True,) if large else (False, True):
        limit = laid if compiled else min(laid, FEW_LAID)
        levels, k = n + 1, len(bits)
        tables: list[Any] = [
            np.zeros(size, np.int64) if compiled else [0] * size
            for size in (levels * k, levels, levels * k, *(levels,) * 6, n)
        ]
        given: list[Any] = [bits, dearer] if compiled else [bits.tolist(), dearer.tolist()]
        count = lay_sets(*given, (1 << n) - 1, most, limit, *tables, large=compiled)
        best = tables[-2]
        if count <= limit:
            return np.array(best[1 : best[0] + 1], np.int64), True
        if limit == laid:
            break
    return np.array(best[1 : best[0] + 1], np.int64), False
