"""Mixed-integer programs, solved by HiGHS on one thread and without a clock: the same answer everywhere.

References
----------
Huangfu, Q., Hall, J. (2018). Parallelizing the dual revised simplex method. Mathematical Programming
Computation 10 (HiGHS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy.sparse import csr_matrix

from geo.siting.answer import FloatArray


@dataclass(frozen=True)
class Solution:
    """Values of the columns, the best value any solution can have, and whether these values have it.

    Where no column is whole, `prices` says of each row what one more unit of room costs, 0 or less.
    """

    values: FloatArray
    bound: float
    proved: bool
    prices: FloatArray


def least(
    cost: FloatArray,
    rows: csr_matrix,
    lower: FloatArray,
    upper: FloatArray,
    *,
    n_integer: int,
    most: FloatArray | None = None,
    start: FloatArray | None = None,
    nodes: int = 1 << 30,
    gap: float = 0.0,
) -> Solution | None:
    """Minimise a cost over columns from 0 to `most`; None where no solution was found.

    Parameters
    ----------
    cost : (c,) float64
    rows : (r, c) csr_matrix
    lower, upper : (r,) float64
        Of the rows; infinite for none.
    n_integer : int
        The first so many columns are whole.
    most : (c,) float64, optional
        Upper bounds of the columns, 1 by default.
    start : (c,) float64, optional
        A solution that is known.
    nodes : int
        Most nodes of the search.
    gap : float
        Share of the cost by which the answer may miss the best.
    """
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(cost), rows.shape[0]
    program.col_cost_ = cost
    program.col_lower_ = np.zeros(len(cost))
    program.col_upper_ = np.ones(len(cost)) if most is None else most
    program.row_lower_, program.row_upper_ = lower, upper
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = rows.indptr.astype(np.int32)
    program.a_matrix_.index_ = rows.indices.astype(np.int32)
    program.a_matrix_.value_ = rows.data.astype(np.float64)
    if n_integer:
        kinds = [highspy.HighsVarType.kInteger] * n_integer
        program.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (len(cost) - n_integer)
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, setting in (
        ("output_flag", False),
        ("threads", 1),
        ("parallel", "off"),
        ("random_seed", 0),
        ("mip_max_nodes", min(nodes, 2**31 - 1)),
        ("mip_rel_gap", gap),
        ("mip_abs_gap", 1e-6),
    ):
        solver.setOptionValue(option, setting)
    solver.passModel(program)
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        known.value_valid = True
        solver.setSolution(known)
    solver.run()
    info = solver.getInfo()
    optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    if not optimal and info.primal_solution_status != 2:
        return None
    solution = solver.getSolution()
    values = np.asarray(solution.col_value)
    value = float(cost @ values)
    bound = float(info.mip_dual_bound) if n_integer else value
    prices = np.empty(0) if n_integer else np.asarray(solution.row_dual)
    return Solution(values, bound, optimal and value - bound <= 1e-6 * max(1.0, abs(value)), prices)
