"""Which new part goes on as which old one, and how many households change parts.

A part is followed by the new part that keeps most of its households, all parts of a city together: an
assignment problem. Old and new parts that share no unit have nothing to do with each other, so each
connected block of shared units is solved by itself, and almost all are one old part and one new.

References
----------
Crouse, D. F. (2016). On implementing 2D rectangular assignment algorithms. IEEE Transactions on Aerospace
and Electronic Systems 52(4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from geo.partition.partition import components, frozen

# Larger blocks are solved as sparse graphs: a dense table of 2,000 x 2,000 takes 32 MB.
LARGEST_TABLE = 4_000_000


def matching(
    old: ArrayLike,
    new: ArrayLike,
    households: ArrayLike,
    *,
    held: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Return the old part that each new part continues, -1 for none, (new parts,) int64.

    The assignment of least households that change parts; among equal ones, of fewest units that do.

    Parameters
    ----------
    old, new : (n,) whole numbers
        Part of each unit before and after, -1 none.
    households : (n,) whole numbers
    held : (n,) bool, optional
        Units that keep their part whatever the households say.
    """
    before = np.asarray(old, np.int64)
    n = len(before)
    after = frozen(new, "new", n)
    both = (before >= 0) & (after >= 0)
    n_old, n_new = int(before.max(initial=-1)) + 1, int(after.max(initial=-1)) + 1
    follows = np.full(n_new, -1, np.int64)
    if not both.any():
        return follows
    # One household outweighs all units, one held unit all households.
    worth = frozen(households, "households", n)[both] * (n + 1) + 1
    kept = np.zeros(n, np.bool_) if held is None else np.asarray(held, np.bool_)
    worth = worth.astype(np.float64) + kept[both] * (float(worth.sum()) + 1.0)
    pair, where = np.unique(before[both] * n_new + after[both], return_inverse=True)
    shared = np.bincount(where.ravel(), weights=worth).astype(np.float64)
    one, two = pair // n_new, pair % n_new
    block = components(n_old + n_new, one, n_old + two)[one]
    order = np.argsort(block, kind="stable")
    starts = np.flatnonzero(np.diff(block[order], prepend=-1))
    for chosen in np.split(order, starts[1:]):
        if len(chosen) == 1:
            follows[two[chosen]] = one[chosen]
            continue
        rows, row = np.unique(one[chosen], return_inverse=True)
        columns, column = np.unique(two[chosen], return_inverse=True)
        pairs = _assigned(row.ravel(), column.ravel(), shared[chosen], len(rows), len(columns))
        follows[columns[pairs[1]]] = rows[pairs[0]]
    return follows


def _assigned(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    worth: NDArray[np.float64],
    n_rows: int,
    n_columns: int,
    largest_table: int = LARGEST_TABLE,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (rows, columns) of greatest worth in which nothing stands twice."""
    if n_rows * n_columns <= largest_table:
        table = np.zeros((n_rows, n_columns))
        table[row, column] = worth
        # Imported where it is needed: it takes longer than most plans, which match nothing.
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(table, maximize=True)
        real = table[rows, columns] > 0
        return rows[real].astype(np.int64), columns[real].astype(np.int64)
    # Each row may stay alone in a column of its own, so that a full matching exists.
    alone = np.arange(n_rows)
    graph = csr_array(
        (
            np.concatenate([-worth, np.full(n_rows, -0.5)]),
            (np.concatenate([row, alone]), np.concatenate([column, n_columns + alone])),
        ),
        shape=(n_rows, n_columns + n_rows),
    )
    chosen = min_weight_full_bipartite_matching(graph)[1].astype(np.int64)
    real = chosen < n_columns
    return alone[real], chosen[real]


def moved_units(
    old: ArrayLike, new: ArrayLike, households: ArrayLike, *, held: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Return which units had a part before and lie in one that continues another or none, (n,) bool."""
    before, after = np.asarray(old, np.int64), np.asarray(new, np.int64)
    follows = matching(before, after, households, held=held)
    moved: NDArray[np.bool_] = (before >= 0) & (after >= 0)
    moved[moved] = follows[after[moved]] != before[moved]
    return moved


def moved_households(
    old: ArrayLike, new: ArrayLike, households: ArrayLike, *, held: ArrayLike | None = None
) -> int:
    """Return the households of `moved_units`; units without a part before do not count."""
    return int(np.asarray(households)[moved_units(old, new, households, held=held)].sum())
