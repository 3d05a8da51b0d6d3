"""What a rebalanced plan changed, grid by grid, from its layers and its ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

CHANGES = ("kept", "changed", "ended", "new")
CAUSES = ("mended", "community_edge", "arrived")


def has_before(plan: Mapping[str, pd.DataFrame]) -> bool:
    """Tell whether a plan carries the grids it was made from."""
    return "micro_grids_before" in plan


def grid_changes(before: pd.DataFrame, after: pd.DataFrame, ledger: pd.DataFrame | None) -> pd.DataFrame:
    """Return what became of every grid.

    Parameters
    ----------
    before, after : DataFrame
        Grids with `grid_id` and `households`, indexed by their row.
    ledger : DataFrame, optional
        Units that came under another grid, or under one for the first time (`geo.ledger`).

    Returns
    -------
    DataFrame
        grid_id, change (kept, changed, ended, new), before and after (rows, missing where there is none),
        households_before and households_after; ordered by grid_id.
    """
    then, now = _by_id(before), _by_id(after)
    touched = set() if ledger is None else {*ledger["from_grid"].dropna(), *ledger["to_grid"].dropna()}
    ids = sorted(then.keys() | now.keys())
    return pd.DataFrame(
        {
            "grid_id": pd.Series(ids, dtype=object),
            "change": pd.Series([_change(each, then, now, touched) for each in ids], dtype=object),
            "before": _whole([then.get(each, (None, None))[0] for each in ids]),
            "after": _whole([now.get(each, (None, None))[0] for each in ids]),
            "households_before": _whole([then.get(each, (None, 0))[1] for each in ids]),
            "households_after": _whole([now.get(each, (None, 0))[1] for each in ids]),
        }
    )


def changes_note(changes: pd.DataFrame, ledger: pd.DataFrame | None) -> dict[str, dict[str, int]]:
    """Return the totals the page tells: grids by change, households by cause."""
    by_change = changes["change"].value_counts()
    households: Mapping[Any, Any] = (
        {} if ledger is None else ledger.groupby("cause")["households"].sum().to_dict()
    )
    return {
        "grids": {change: int(by_change.get(change, 0)) for change in CHANGES},
        "households": {cause: int(households.get(cause, 0)) for cause in CAUSES},
    }


def _by_id(grids: pd.DataFrame) -> dict[str, tuple[int | None, int | None]]:
    counts = [None if pd.isna(count) else int(count) for count in grids["households"]]
    return {
        grid_id: (row, count)
        for row, (grid_id, count) in enumerate(zip(grids["grid_id"], counts, strict=True))
    }


def _change(grid_id: str, then: Mapping[str, Any], now: Mapping[str, Any], touched: set[str]) -> str:
    if grid_id not in now:
        return "ended"
    if grid_id not in then:
        return "new"
    return "changed" if grid_id in touched else "kept"


def _whole(values: list[int | None]) -> pd.Series[Any]:
    return pd.Series(values, dtype="Int64")
