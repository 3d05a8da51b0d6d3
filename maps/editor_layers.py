"""The layers of a plan as an editor needs them: those of the page, the ground of each unit, and the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.adjacency import Crossing
from maps.layers import WGS84, page_layers
from maps.text import one_line


def editor_layers(plan: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the layers of the page (`maps.layers.page_layers`) with what redrawing grids takes.

    Parameters
    ----------
    plan : mapping
        Layers of a plan by name (`maps.plan_file`), with `micro_grids`, `units`, `cells` and `adjacency`.

    Returns
    -------
    dict
        As `page_layers`, in WGS 84, but for these.

        `grids`: `grid_id` as it is stored (what a change names), and besides `reason` (its code) and
        `compactness`.
        `units`: `unit_id` as it is stored, `number` (its row), `grid` (row of its grid, missing for none).
        `cells`: row by row the ground of each unit, without geometry where it has none.
        `pairs`: units that share a border, by row, left < right: `left`, `right`, `border_m`, `crosses`
        (bits of `geo.adjacency.Crossing`) and `joins`.
        `findings`: besides `code`, `values` (JSON: what the sentence is filled with, and the remedy), and
        `id` and `accepted` where the plan has them.
    """
    layers = page_layers({name: frame for name, frame in plan.items() if name != "cells"})
    grids, units = plan["micro_grids"], plan["units"]
    # The page writes ids harmlessly and orders grids by what it wrote.
    grids = grids.iloc[grids["grid_id"].map(one_line).argsort(kind="stable").to_numpy()]
    grids = grids.reset_index(drop=True)
    layers["grids"] = layers["grids"].assign(
        **{name: grids[name] for name in ("grid_id", "reason", "compactness") if name in grids}
    )
    row = pd.Index(grids["grid_id"]).get_indexer(pd.Index(units["grid_id"]))
    layers["units"] = layers["units"].assign(
        unit_id=units["unit_id"].reset_index(drop=True),
        number=np.arange(len(units)),
        grid=pd.arrays.IntegerArray(row.astype(np.int64), row < 0),
    )
    layers["cells"] = _cells_by_unit(plan["cells"], units["unit_id"])
    layers["pairs"] = _pairs(plan["adjacency"], units["unit_id"])
    if "findings" in plan:
        told = ("code", "values", "id", "accepted")
        found = plan["findings"]
        layers["findings"] = layers["findings"].assign(
            **{name: found[name].reset_index(drop=True) for name in told if name in found}
        )
    return layers


def _cells_by_unit(cells: pd.DataFrame, unit_ids: pd.Series[Any]) -> gpd.GeoDataFrame:
    assert isinstance(cells, gpd.GeoDataFrame)
    shapes = np.full(len(unit_ids), None, object)
    row = pd.Index(unit_ids).get_indexer(pd.Index(cells["unit_id"]))
    shapes[row[row >= 0]] = cells.geometry.to_crs(WGS84).to_numpy()[row >= 0]
    return gpd.GeoDataFrame(geometry=shapes, crs=WGS84)


def _pairs(adjacency: pd.DataFrame, unit_ids: pd.Series[Any]) -> pd.DataFrame:
    rows = pd.Index(unit_ids)
    ends = np.stack([rows.get_indexer(pd.Index(adjacency[name])) for name in ("unit_a", "unit_b")])
    known = np.flatnonzero((ends >= 0).all(axis=0))
    ends, told = np.sort(ends[:, known], axis=0), adjacency.iloc[known]
    bit_of = {str(bit.name).lower(): int(bit) for bit in Crossing}
    place, words = pd.factorize(told["crosses"])
    # The last stands for -1: it runs along nothing.
    bits = np.array([*(sum(bit_of[word] for word in said.split(";")) for said in words), 0], np.int64)
    return pd.DataFrame(
        {
            "left": ends[0].astype(np.int64),
            "right": ends[1].astype(np.int64),
            "border_m": told["border_m"].to_numpy(np.float64),
            "crosses": bits[place],
            "joins": told["joins"].to_numpy() != 0,
        }
    )
