"""Old to new: which codes go on, and which households come under another grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.partition import Partition, matching
from geo.reconciliation import Reconciliation

IntArray = NDArray[np.int64]
ObjectArray = NDArray[np.object_]
Change: TypeAlias = Literal["kept", "changed", "ended", "new"]
Cause: TypeAlias = Literal["mended", "community_edge", "arrived"]


@dataclass(frozen=True)
class Ledger:
    """What became of the standing grids.

    Attributes
    ----------
    moves : DataFrame
        One row for each unit that is in another grid than before, or in one for the first time: unit_id,
        community_id, households, from_grid (None for the first time), to_grid, cause. The cause is
        `arrived` for the first time, `community_edge` where the unit was cut off a grid that lay in
        several communities, else `mended`.
    grids : DataFrame
        One row for each grid of before and after: grid_id, community_id, change, households_before,
        moved_out, moved_in, arrived, households_after, units_before, units_after, follows (of a new grid
        the one most of its households came from, of one that ended the one most of them went to).
        Counts are of today; each row and the whole add up.
    retired : DataFrame
        Codes that are not used again: grid_id, community_id, ended.
    """

    moves: pd.DataFrame
    grids: pd.DataFrame
    retired: pd.DataFrame

    @property
    def moved_households(self) -> int:
        """Households that come under another grid, for whatever cause."""
        return int(self.moves.loc[self.moves["cause"] != "arrived", "households"].sum())

    def households_by_cause(self) -> dict[str, int]:
        """Return the households of each cause, 0 where there is none."""
        sums = self.moves.groupby("cause")["households"].sum()
        return {cause: int(sums.get(cause, 0)) for cause in ("mended", "community_edge", "arrived")}

    def grids_by_change(self) -> dict[str, int]:
        """Return the number of grids kept, changed, ended and new."""
        counts = self.grids["change"].value_counts()
        return {change: int(counts.get(change, 0)) for change in ("kept", "changed", "ended", "new")}


def carried_codes(
    standing: Reconciliation,
    after: Partition,
    bare: IntArray,
    *,
    held: NDArray[np.bool_] | None = None,
) -> ObjectArray:
    """Return the standing code that each new part goes on with, then each bare community; None for a new one.

    A code follows the largest part of its grid's households, all grids together (an assignment problem).
    The grid of a community without units keeps the code of a standing grid there that is empty too.

    Parameters
    ----------
    standing : Reconciliation
    after : Partition
        Of the same units.
    bare : (b,) int64
        Communities without units.
    held : (n,) bool, optional
        Units whose grid keeps its code whatever the households say: locked ones.
    """
    known = np.array([grid is not None for grid in standing.grid_ids], dtype=bool)
    before = standing.partition.labels
    before = np.where((before >= 0) & np.append(known, False)[before], before, -1)
    follows = matching(before, after.labels, after.households, held=held)
    codes: ObjectArray = np.full(after.n_parts + len(bare), None, object)
    codes[np.flatnonzero(follows >= 0)] = standing.grid_ids[follows[follows >= 0]]
    place = {int(community): after.n_parts + k for k, community in enumerate(bare)}
    for grid, community in sorted(standing.empty.items(), reverse=True):
        if community in place:
            codes[place[community]] = grid
    return codes


def ledger(
    standing: Reconciliation,
    after: Partition,
    grid_ids: ObjectArray,
    bare: IntArray,
    *,
    community_ids: ObjectArray,
    ended: str,
    retired: Mapping[str, tuple[str | None, str | None]] | None = None,
) -> Ledger:
    """Write down what became of every standing grid and of every household.

    Parameters
    ----------
    standing : Reconciliation
    after : Partition
        Of the same units.
    grid_ids : (k,) object
        Code of each part of `after`, then of the grid of each bare community.
    bare : (b,) int64
        Communities without units.
    community_ids : (c,) object
        Ids of the communities.
    ended : str
        Date at which grids end.
    retired : mapping of grid id to (community id, date)
        Codes of grids that ended before.
    """
    households, unit_ids = after.households, after.adjacency.unit_ids
    placed = np.flatnonzero(after.labels >= 0)
    units = pd.DataFrame(
        {
            "unit_id": unit_ids[placed],
            "community_id": community_ids[after.community[placed]],
            "households": households[placed],
            "from_grid": standing.before[placed],
            "to_grid": grid_ids[after.labels[placed]],
            "cut_off": standing.cut_off[placed],
        }
    ).astype({"from_grid": object, "to_grid": object})
    first_time = units["from_grid"].isna()
    moved = ~first_time & (units["from_grid"] != units["to_grid"])
    units["cause"] = np.select(
        [first_time, moved & units["cut_off"], moved], ["arrived", "community_edge", "mended"], ""
    )
    moves = units[units["cause"] != ""].drop(columns="cut_off")
    moves = moves.sort_values(["community_id", "to_grid", "from_grid", "unit_id"], ignore_index=True)
    grids = _grids(standing, units, after, grid_ids, bare, community_ids)
    gone = grids.loc[grids["change"] == "ended", ["grid_id", "community_id"]].assign(ended=ended)
    # Someone may have given the code of a grid that ended to one that stands.
    standing_ids = set(standing.standing_ids)
    before = pd.DataFrame(
        [(grid, *rest) for grid, rest in (retired or {}).items() if grid not in standing_ids],
        columns=["grid_id", "community_id", "ended"],
    )
    every = pd.concat([before, gone], ignore_index=True).astype(object)
    every = every.drop_duplicates("grid_id", ignore_index=True)
    assert not set(every["grid_id"]) & set(grid_ids.tolist())
    return Ledger(moves, grids, every.sort_values("grid_id", ignore_index=True))


def _grids(
    standing: Reconciliation,
    units: pd.DataFrame,
    after: Partition,
    grid_ids: ObjectArray,
    bare: IntArray,
    community_ids: ObjectArray,
) -> pd.DataFrame:
    home = np.concatenate([after.part_community, bare])
    now = dict(zip(grid_ids.tolist(), community_ids[home].tolist(), strict=True))
    then = {grid: None if place < 0 else community_ids[place] for grid, place in standing.empty.items()}
    stood = standing.partition
    named = zip(standing.grid_ids.tolist(), community_ids[stood.part_community].tolist(), strict=True)
    then |= {grid: community for grid, community in named if grid is not None}
    # A grid outside all communities today has no part; it ended all the same.
    outside = set(standing.before.tolist()) - then.keys() - {None}
    then |= dict.fromkeys(sorted(outside), None)
    rows = sorted(then.keys() | now.keys())
    frame = pd.DataFrame(
        {"grid_id": rows, "community_id": [now.get(grid) or then.get(grid) for grid in rows]}, dtype=object
    )

    def sums(chosen: pd.Series, column: str, count: bool = False) -> IntArray:
        grouped = units[chosen].groupby(column)["households"]
        totals = grouped.size() if count else grouped.sum()
        return np.asarray(totals.reindex(rows).fillna(0), np.int64)

    first_time = units["from_grid"].isna()
    moved = units["cause"].isin(["mended", "community_edge"])
    frame["change"] = ""
    frame["households_before"] = sums(~first_time, "from_grid")
    frame["moved_out"] = sums(moved, "from_grid")
    frame["moved_in"] = sums(moved, "to_grid")
    frame["arrived"] = sums(first_time, "to_grid")
    frame["households_after"] = sums(units["to_grid"].notna(), "to_grid")
    frame["units_before"] = sums(~first_time, "from_grid", count=True)
    frame["units_after"] = sums(units["to_grid"].notna(), "to_grid", count=True)
    touched = {*units.loc[moved, "from_grid"], *units.loc[moved | first_time, "to_grid"]}
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
    frame["follows"] = follows(units[moved], frame)
    balance = frame["households_before"] - frame["moved_out"] + frame["moved_in"] + frame["arrived"]
    assert (balance == frame["households_after"]).all()
    assert frame["moved_out"].sum() == frame["moved_in"].sum()
    assert frame["households_after"].sum() == after.households[after.labels >= 0].sum()
    return frame


def follows(moved: pd.DataFrame, frame: pd.DataFrame) -> list[str | None]:
    """Return where most households of an ended grid went, and where most of a new one came from.

    Parameters
    ----------
    moved : DataFrame
        Units that changed grids: from_grid, to_grid, households.
    frame : DataFrame
        grid_id and change; the answer is row by row.
    """
    flows = moved.groupby(["from_grid", "to_grid"])["households"].sum().reset_index()
    flows = flows.sort_values(["households", "from_grid", "to_grid"], ascending=[False, True, True])
    went = flows.drop_duplicates("from_grid").set_index("from_grid")["to_grid"].to_dict()
    came = flows.drop_duplicates("to_grid").set_index("to_grid")["from_grid"].to_dict()
    table = {"ended": went, "new": came}
    return [
        table.get(change, {}).get(grid)
        for grid, change in zip(frame["grid_id"], frame["change"], strict=True)
    ]
