"""A plan file as a workbook: grids, communities, units, findings, and what moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from maps.export import read_plan_file
from maps.text import Language
from maps.workbook import add_table, book_at

# Sheets by the layer that they are made of, with their columns; those a plan lacks are left out.
_SHEETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "micro_grids": (
        "grids",
        (
            "grid_id", "community_id", "name", "kind", "households", "units", "status", "reason", "area_m2",
            "compactness",
        ),
    ),
    "communities": ("communities", ("community_id", "name")),
    "units": (
        "units",
        ("unit_id", "households", "grid_id", "community_id", "building_id", "compound_id", "address"),
    ),
    "findings": ("findings", ("code", "severity", "grid_id", "community_id", "text")),
    "ledger": ("moves", ("unit_id", "community_id", "households", "from_grid", "to_grid", "cause")),
}  # fmt: skip


def write_plan_book(plan: Path, output: Path, *, language: Language) -> dict[str, int]:
    """Write the tables of a plan file as a workbook; whatever people typed stays text.

    Returns
    -------
    dict
        Rows by sheet.

    Raises
    ------
    InputError
        The plan cannot be read, or the workbook cannot be written.
    """
    frames = read_plan_file(plan)
    rows = {}
    with book_at(output) as book:
        for layer, (sheet, columns) in _SHEETS.items():
            if layer not in frames:
                continue
            table = pd.DataFrame(_plain(frames[layer]))
            if layer == "findings":
                table = table.rename(columns={"text_zh" if language == "zh_CN" else "text_en": "text"})
            add_table(book, sheet, table[[name for name in columns if name in table]], language)
            rows[sheet] = len(table)
    return rows


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=frame.geometry.name) if isinstance(frame, gpd.GeoDataFrame) else frame
