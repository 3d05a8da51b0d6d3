"""Two assignments of the units of one community: what moved from one to the other, grid by grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.ledger import follows
from geo.partition import moved_households

IntArray = NDArray[np.int64]
ObjectArray = NDArray[np.object_]


@dataclass(frozen=True)
class Assigned:
    """Units with their grids, as one version has them.

    Attributes
    ----------
    unit_ids : (n,) object
        Each once.
    households : (n,) int64
    grid_ids : (n,) object
        Code of the grid of each unit, None for none.
    codes : tuple of str
        Every grid of the version, also those without units.
    """

    unit_ids: ObjectArray
    households: IntArray
    grid_ids: ObjectArray
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What moved from one version to another. Units of both are counted with the households they have after.

    Attributes
    ----------
    moves : DataFrame
        Units of both that are in another grid, or in one or none where it was the other way: unit_id,
        households, from_grid, to_grid (None for none).
    grids : DataFrame
        One row for each grid of either: grid_id, change (kept, changed, ended, new), households_before,
        recounted, moved_out, left, moved_in, arrived, households_after, units_before, units_after, follows
        (of a new grid the one most of its households came from, of one that ended the one most went to).
        `recounted` is how many households more its units have after; `left` went to no grid or are not
        there after, `arrived` were in none or not there before. Each row adds up.
    flows : DataFrame
        from_grid, to_grid, units, households: `moves` by pair of grids, the largest first in each grid.
    moved_units, moved_households : int
        From one grid to another.
    renumbered_households : int
        Of these, those that would not have moved had the grids after been given the codes that fit best.
    only_before, only_after : (units, households)
        Of units that only one version has.
    recounted_units : int
        Units of both whose households differ.
    """

    moves: pd.DataFrame
    grids: pd.DataFrame
    flows: pd.DataFrame
    moved_units: int
    moved_households: int
    renumbered_households: int
    only_before: tuple[int, int]
    only_after: tuple[int, int]
    recounted_units: int

    def grids_by_change(self) -> dict[str, int]:
        """Return the number of grids kept, changed, ended and new."""
        counts = self.grids["change"].value_counts()
        return {change: int(counts.get(change, 0)) for change in ("kept", "changed", "ended", "new")}


def compare(before: Assigned, after: Assigned) -> Comparison:
    """Compare two versions unit by unit, over the units that both have."""
    then, now = _table(before), _table(after)
    both = then.merge(now, how="outer", left_index=True, right_index=True, suffixes=("_before", "_after"))
    in_before, in_after = both["households_before"].notna(), both["households_after"].notna()
    gone, came = both[in_before & ~in_after], both[in_after & ~in_before]
    common = both[in_before & in_after].astype({"households_before": np.int64, "households_after": np.int64})
    moved = common[common["grid_before"].fillna("") != common["grid_after"].fillna("")]
    moves = pd.DataFrame(
        {
            "unit_id": moved.index.to_numpy(dtype=object),
            "households": moved["households_after"].to_numpy(np.int64),
            "from_grid": moved["grid_before"].to_numpy(dtype=object),
            "to_grid": moved["grid_after"].to_numpy(dtype=object),
        }
    )
    between = moves.dropna()
    total = int(between["households"].sum())
    return Comparison(
        moves,
        _grids(before, after, (then, now), common, gone, came, moves),
        _flows(moves),
        len(between),
        total,
        total - _at_best(common),
        (len(gone), int(gone["households_before"].sum())),
        (len(came), int(came["households_after"].sum())),
        int((common["households_before"] != common["households_after"]).sum()),
    )


def _table(version: Assigned) -> pd.DataFrame:
    return pd.DataFrame(
        {"households": version.households, "grid": pd.Series(version.grid_ids, dtype=object).to_numpy()},
        index=pd.Index(version.unit_ids, dtype=object),
    ).astype({"grid": object})


def _at_best(common: pd.DataFrame) -> int:
    """Return the households that move if the grids after are given the codes that fit best."""
    old, new = (pd.factorize(common[name])[0].astype(np.int64) for name in ("grid_before", "grid_after"))
    return moved_households(old, new, common["households_after"].to_numpy(np.int64))


def _flows(moves: pd.DataFrame) -> pd.DataFrame:
    ends = ["from_grid", "to_grid"]
    # A code is never empty: it stands for none, so that the ends can be put in order.
    named = moves.assign(**{name: moves[name].fillna("") for name in ends})
    flows = named.groupby(ends)["households"].agg(["size", "sum"]).reset_index()
    flows = flows.rename(columns={"size": "units", "sum": "households"})
    flows = flows.sort_values(["from_grid", "households", "to_grid"], ascending=[True, False, True])
    return flows.astype(dict.fromkeys(ends, object)).replace({"": None}).reset_index(drop=True)


def _grids(
    before: Assigned,
    after: Assigned,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    common: pd.DataFrame,
    gone: pd.DataFrame,
    came: pd.DataFrame,
    moves: pd.DataFrame,
) -> pd.DataFrame:
    then = {*before.codes, *(grid for grid in before.grid_ids if grid is not None)}
    now = {*after.codes, *(grid for grid in after.grid_ids if grid is not None)}
    rows = sorted(then | now)

    def sums(table: pd.DataFrame, grid: str, households: str) -> IntArray:
        totals = table.groupby(grid)[households].sum().reindex(rows)
        return np.asarray(totals.fillna(0), np.int64)

    def count(version: Assigned) -> IntArray:
        counts = pd.Series(version.grid_ids, dtype=object).value_counts().reindex(rows)
        return np.asarray(counts.fillna(0), np.int64)

    between = moves.dropna()
    out = moves[moves["to_grid"].isna()]
    into = moves[moves["from_grid"].isna()]
    more = common.assign(more=common["households_after"] - common["households_before"])
    frame = pd.DataFrame({"grid_id": pd.Series(rows, dtype=object), "change": ""})
    frame["households_before"] = sums(tables[0], "grid", "households")
    frame["recounted"] = sums(more, "grid_before", "more")
    frame["moved_out"] = sums(between, "from_grid", "households")
    frame["left"] = sums(out, "from_grid", "households") + sums(gone, "grid_before", "households_before")
    frame["moved_in"] = sums(between, "to_grid", "households")
    frame["arrived"] = sums(into, "to_grid", "households") + sums(came, "grid_after", "households_after")
    frame["households_after"] = sums(tables[1], "grid", "households")
    frame["units_before"], frame["units_after"] = count(before), count(after)
    touched = {*moves["from_grid"], *moves["to_grid"], *gone["grid_before"], *came["grid_after"]}
    frame["change"] = [
        "ended"
        if grid not in now
        else "new"
        if grid not in then
        else "changed"
        if grid in touched
        else "kept"
        for grid in rows
    ]
    frame["follows"] = pd.Series(follows(between, frame), dtype=object)
    balance = frame["households_before"] + frame["recounted"] - frame["moved_out"] - frame["left"]
    assert (balance + frame["moved_in"] + frame["arrived"] == frame["households_after"]).all()
    return frame
