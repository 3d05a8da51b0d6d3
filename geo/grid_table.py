"""A table of units and grids, as offices keep beside a layer: each unit once, with its grid."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geo.errors import InputError
from geo.names import listed, shortened


def units_and_grids(grids: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the rows that name a unit, as `unit_id` and `grid_id` (None for none), in their order.

    Parameters
    ----------
    grids : GeoDataFrame
        `unit_id` and `grid_id`, without geometry.

    Raises
    ------
    InputError
        No row names a unit.
    """
    table = pd.DataFrame({"unit_id": grids["unit_id"], "grid_id": grids["grid_id"]}, dtype=object)
    named = table[table["unit_id"].notna()]
    if named.empty:
        raise InputError(
            "id_missing", "no row names a unit", mend="fill it in", layer="grids", field="unit_id",
            n=len(grids),
        )  # fmt: skip
    return named.where(named.notna(), None)


def listed_with_several(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the grids of each unit that is listed with more than one, both in ascending order."""
    pairs = table.dropna().drop_duplicates()
    several = pairs[pairs["unit_id"].duplicated(keep=False)]
    return {str(unit): sorted(rows) for unit, rows in several.groupby("unit_id", sort=True)["grid_id"]}


def require_one_grid_each(table: pd.DataFrame, *, file: str | None) -> None:
    """Refuse a table that lists a unit in several grids.

    Raises
    ------
    InputError
    """
    several = listed_with_several(table)
    if several:
        unit, grids = next(iter(several.items()))
        named = listed(grids)
        raise InputError(
            "unit_in_several_grids",
            f"unit {shortened(unit)} is listed in several grids: {named} ({len(several):,} such units)",
            mend="list each unit in one grid", file=file, layer="grids", field="unit_id", feature=unit,
            unit=shortened(unit), grids=named, n=len(several),
        )  # fmt: skip


def listed_once(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each unit: the first that names a grid, else the first."""
    filled_first = table.sort_values("grid_id", key=lambda grids: grids.isna(), kind="stable")
    return filled_first.drop_duplicates("unit_id").sort_index()
