"""The ledger of a version as a workbook: its grids, its units, and what moved since the version before it."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd
from openpyxl import Workbook

from geo.comparison import Comparison
from maps.text import Language
from maps.workbook import add_table

GRID_COLUMNS = (
    "grid_id", "name", "kind", "households", "units", "status", "reason", "area_m2", "perimeter_m",
    "compactness",
)  # fmt: skip
UNIT_COLUMNS = ("unit_id", "households", "building_id", "compound_id", "address", "grid_id")


def version_book(
    plan: Mapping[str, pd.DataFrame], since: Comparison | None = None, *, language: Language
) -> bytes:
    """Return the ledger of a version (.xlsx). Whatever people typed stays text: nothing becomes a formula.

    Parameters
    ----------
    plan : mapping
        Layers of a plan by name (`maps.plan_file`), with `micro_grids` and `units`.
    since : Comparison, optional
        With the version it was made from: adds the sheets of old and new codes, and of units that moved.
    language : {"zh_CN", "en"}
        Of headings and words.
    """
    book = Workbook(write_only=True)
    add_table(book, "grids", _columns(plan["micro_grids"], GRID_COLUMNS), language)
    units = _columns(plan["units"], UNIT_COLUMNS).sort_values(["grid_id", "unit_id"], ignore_index=True)
    if since is not None:
        from_grid = since.moves.set_index("unit_id")["from_grid"]
        moved = units["unit_id"].isin(from_grid.index)
        before = units["unit_id"].map(from_grid).where(moved, units["grid_id"])
        units.insert(len(units.columns) - 1, "from_grid", before)
        units = units.rename(columns={"grid_id": "to_grid"})
    add_table(book, "units", units, language)
    if since is not None:
        add_table(book, "codes", since.grids, language)
        add_table(book, "moves", since.flows.rename(columns={"units": "n_units"}), language)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _columns(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].to_numpy() for name in names if name in frame})
