"""The best plan of all parts that a search has met: parts of several plans put together.

Annealed plans of one region differ, and each is best somewhere. Their parts within the band are kept; the
cheapest choice of them that holds every atom once is no worse than any of the plans, and as a rule better
than all. The linear relaxation of that choice is nearly always whole already.

References
----------
Garfinkel, R., Nemhauser, G. (1970). Optimal political districting by implicit enumeration techniques.
Management Science 16(8) (choosing among listed districts).
Cattrysse, D., Salomon, M., Van Wassenhove, L. (1994). A set partitioning heuristic for the generalized
assignment problem. European Journal of Operational Research 72(1) (columns from a local search).
Rochat, Y., Taillard, E. (1995). Probabilistic diversification and intensification in local search for vehicle
routing. Journal of Heuristics 1 (tours of many solutions chosen by set partitioning).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from geo.partition.exact import program_of_sets, run_until, same_solver
from geo.partition.partition import Band
from geo.partition.region import CM_PER_M, Region
from geo.partition.weights import Weights

# Most branch-and-bound nodes of a choice, and the share of the cost by which it may miss the best: where the
# relaxation is not whole, more nodes take long and find little.
NODES = 1
GAP = 0.003
SLACK_M = 1e-3


class Pool:
    """Parts of a region within the band, each once.

    Parameters
    ----------
    region : Region
    band : Band
    weights : Weights
    """

    def __init__(self, region: Region, band: Band, weights: Weights) -> None:
        self.region = region
        self.band = band
        self.weights = weights
        self._parts: dict[bytes, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, labels: NDArray[np.int64]) -> None:
        """Keep the parts of a plan (n,) that are within the band."""
        total = np.bincount(labels, weights=self.region.weight)
        order = np.argsort(labels, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
            if self.band.lower <= total[labels[part[0]]] <= self.band.upper:
                self._parts.setdefault(part.tobytes(), part)

    def best(self, labels: NDArray[np.int64], should_stop: Callable[[], bool]) -> NDArray[np.int64]:
        """Return the cheapest plan of the parts kept; the one given where none is cheaper.

        Likewise when told to stop before the cheapest is found. Its parts out of band stay as they are.
        """
        if not self._parts:
            return labels
        self.add(labels)
        total = np.bincount(labels, weights=self.region.weight)[labels]
        open_ = (self.band.lower <= total) & (total <= self.band.upper)
        parts = [part for part in self._parts.values() if open_[part].all()]
        if not parts:
            return labels
        size = np.array([len(part) for part in parts])
        starts = np.concatenate([[0], np.cumsum(size)])
        atoms = np.concatenate(parts)
        cost = self._costs(starts, atoms)
        known = np.array([np.all(labels[part] == labels[part[0]]) for part in parts])
        known &= size == np.bincount(labels)[labels[atoms[starts[:-1]]]]
        chosen = _choose(len(labels), starts, atoms, cost, open_, known, should_stop)
        if chosen is None:
            return labels
        better = labels.copy()
        fresh = int(labels.max()) + 1
        for label, part in enumerate(np.flatnonzero(chosen).tolist(), fresh):
            better[parts[part]] = label
        return better

    def _costs(self, starts: NDArray[np.int64], atoms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each part costs, in metres: half of each border it cuts, compounds, evenness."""
        region, weights = self.region, self.weights
        n, k = len(region), len(starts) - 1
        part = np.repeat(np.arange(k), np.diff(starts))
        held = part * n + atoms  # ascending: parts in turn, their atoms ascending
        degree = np.diff(region.indptr)[atoms]
        edge = np.repeat(region.indptr[atoms] - np.cumsum(degree) + degree, degree) + np.arange(degree.sum())
        of_part = np.repeat(part, degree)
        beyond = of_part * n + region.neighbour[edge]
        at = np.minimum(np.searchsorted(held, beyond), len(held) - 1)
        border = np.where(held[at] == beyond, 0, region.half_gain[edge])
        cost = np.bincount(of_part, weights=border, minlength=k) / (2 * CM_PER_M)
        named = region.compound[atoms] >= 0
        shares = np.unique(part[named] * region.n_compounds + region.compound[atoms[named]])
        if region.n_compounds:
            cost += weights.compound_split * np.bincount(shares // region.n_compounds, minlength=k)
        target = (self.band.lower + self.band.upper) / 2 if weights.target is None else weights.target
        households = np.bincount(part, weights=region.weight[atoms], minlength=k)
        costs: NDArray[np.float64] = cost + weights.evenness * (households - target) ** 2
        return costs


def _choose(
    n: int,
    starts: NDArray[np.int64],
    atoms: NDArray[np.int64],
    cost: NDArray[np.float64],
    open_: NDArray[np.bool_],
    known: NDArray[np.bool_],
    should_stop: Callable[[], bool],
) -> NDArray[np.bool_] | None:
    """Return which parts to take so that each open atom is held once, cheaper than the known.

    None where no choice is, or none was found before it was told to stop.
    """
    row = np.cumsum(open_) - 1
    least = float(cost[known].sum()) - SLACK_M
    solver = same_solver()
    solver.passModel(_program(int(open_.sum()), starts, row[atoms], cost))
    run_until(solver, should_stop)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    bound = solver.getInfo().objective_function_value
    if bound >= least:
        return None
    share = np.asarray(solver.getSolution().col_value)
    chosen: NDArray[np.bool_] = share > 0.5
    if np.abs(share - chosen).max() < 1e-6:
        return chosen
    # Parts that a cheaper choice can hold: the relaxation says by how much each makes it dearer at least.
    worth = np.asarray(solver.getSolution().col_dual) <= least - bound + SLACK_M
    worth |= known
    size = np.diff(starts)[worth]
    fewer = np.concatenate([[0], np.cumsum(size)])
    program = _program(int(open_.sum()), fewer, row[atoms[np.repeat(worth, np.diff(starts))]], cost[worth])
    program.integrality_ = [highspy.HighsVarType.kInteger] * len(size)
    solver = same_solver(mip_max_nodes=NODES, mip_rel_gap=GAP, mip_abs_gap=1e-6)
    solver.passModel(program)
    start = highspy.HighsSolution()
    start.col_value = known[worth].astype(float).tolist()
    start.value_valid = True
    solver.setSolution(start)
    run_until(solver, should_stop)
    info = solver.getInfo()
    if info.primal_solution_status != 2 or info.objective_function_value >= least:
        return None
    chosen = np.zeros(len(cost), np.bool_)
    chosen[np.flatnonzero(worth)[np.asarray(solver.getSolution().col_value) > 0.5]] = True
    return chosen


def _program(rows: int, starts: NDArray[np.int64], row: NDArray[np.int64], cost: NDArray[np.float64]) -> Any:
    """Return the linear program that takes parts so that each row is held once."""
    once = np.ones(rows)
    return program_of_sets(cost, starts, row, np.ones(len(row)), rows=(once, once), most=np.inf)
