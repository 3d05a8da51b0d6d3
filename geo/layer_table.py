"""The table of one layer: our columns under our names, then the other columns of the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from pyproj import CRS

from geo.clean_texts import clean_texts
from geo.columns import canonical_columns
from geo.control_characters import without_control_characters
from geo.findings import Finding, Value
from geo.formats.raw import RawTable
from geo.personal import without_numbers
from geo.units import ID_COLUMNS, texts, truths

# Names a GeoPackage keeps for itself.
_RESERVED = frozenset({"fid", "ogc_fid", "geom", "geometry"})

# Columns that a plan adds to a layer; the input's own goes on under another name.
_ADDED: Mapping[str, frozenset[str]] = {"units": frozenset({"grid_id"})}


def layer_table(
    raw: RawTable,
    kind: str,
    *,
    columns: Mapping[str, int],
    dropped: set[int],
    ids: NDArray[np.object_] | None,
    counts: NDArray[np.int64] | None,
    findings: list[Finding],
    shapes: NDArray[np.object_] | None = None,
    crs: CRS | None = None,
) -> tuple[GeoDataFrame, dict[str, str]]:
    """Return our columns under our names, then the others; and which go by another name than in the file."""
    table: dict[str, Any] = {}
    for column in canonical_columns(kind):
        values = raw.values[columns[column]] if column in columns else None
        if ID_COLUMNS.get(kind) == column or (kind == "compounds" and column == "compound_id"):
            table[column] = ids if ids is not None else np.full(len(raw), None, dtype=object)
        elif column == "households":
            # Only places of member households need not say how many they are.
            if counts is not None:
                table[column] = counts
        elif column in ("bridge", "walled", "gated"):
            default = column != "bridge"
            table[column], strange = (
                (np.full(len(raw), default), []) if values is None else truths(values, default=default)
            )
            if strange:
                findings.append(
                    Finding(
                        "value_not_understood",
                        "warning",
                        values={
                            "layer": kind,
                            "file": raw.file,
                            "column": raw.names[columns[column]],
                            "examples": ", ".join(strange[:5]),
                        },
                    )
                )
        else:
            table[column] = np.full(len(raw), None, dtype=object) if values is None else texts(values)
    if kind == "compounds":
        table["walled"] = table["walled"] & table.pop("gated")
    if kind == "roads":
        table["road_class"] = np.array(
            [None if text is None else text.lower() for text in table["road_class"]], dtype=object
        )
    renamed = {raw.names[at]: column for column, at in columns.items() if column in table}
    used = set(columns.values()) | dropped
    others = [at for at, name in enumerate(raw.names) if at not in used and name != raw.row_number]
    added = _ADDED.get(kind, frozenset())
    taken = {name.casefold() for name in table} | _RESERVED | added
    # A free name goes to the column that bears it before another is given it.
    for at in sorted(others, key=lambda at: raw.names[at].strip().casefold() in added):
        name = raw.names[at]
        clashes = name.strip().casefold() in added
        chosen = _free_name(f"{name.strip()}_input" if clashes else name, taken)
        table[chosen] = raw.values[at]
        if clashes:
            told: dict[str, Value] = {"layer": kind, "file": raw.file, "column": name, "kept_as": chosen}
            findings.append(Finding("column_kept_as", "warning", values=told))
        renamed[name] = chosen
    if kind in ("incidents", "stations"):
        clean_texts(table, raw, kind, findings, change=without_numbers, code="personal_text_masked")
    clean_texts(
        table, raw, kind, findings, change=without_control_characters, code="control_characters_removed"
    )
    # Text stays objects, so that nothing is None and not a number.
    columns_made = {
        name: pd.Series(values, dtype=values.dtype, index=pd.RangeIndex(len(raw)), copy=False)
        for name, values in table.items()
    }
    frame = pd.DataFrame(columns_made, index=pd.RangeIndex(len(raw)))
    placed_frame = GeoDataFrame(
        frame, geometry=np.full(len(raw), None, dtype=object) if shapes is None else shapes, crs=crs
    )
    return placed_frame, {name: column for name, column in renamed.items() if name != column}


def _free_name(name: str, taken: set[str]) -> str:
    """A column name that no other has, in any case."""
    base = str(without_control_characters(name)).strip() or "column"
    chosen, n = base, 0
    while chosen.casefold() in taken:
        n += 1
        chosen = f"{base}_{n}"
    taken.add(chosen.casefold())
    return chosen
