"""Whether the grids of a plan file are what they say: the cells of their units, and the sums of these."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from api.plan_columns import Ints, Shapes, require


def require_totals(path: Path, grids: pd.DataFrame, units: pd.DataFrame, grid_row: Ints) -> None:
    """Refuse grids whose households or number of units are not those of their units."""
    placed = grid_row >= 0
    n = len(grids)
    households = np.bincount(grid_row[placed], units["households"].to_numpy()[placed], n).astype(np.int64)
    count = np.bincount(grid_row[placed], minlength=n)
    same = (households == grids["households"].to_numpy()) & (count == grids["units"].to_numpy())
    require(
        path, "micro_grids", same, grids["code"].to_numpy(), "grid_totals_differ",
        "its households or units are not the sum of its units",
    )  # fmt: skip


def require_made_of_cells(
    path: Path, grids: pd.DataFrame, polygons: Shapes, units: pd.DataFrame, grid_row: Ints, cells: Shapes
) -> None:
    """Refuse grids that are not exactly the cells of their units, or that overlap.

    A grid whose border is the sum of the borders of its cells, where edges run both ways cancel, is their
    union, and the cells do not overlap inside it. Grids are compared with one another and with the cells
    of units in no grid as a coverage.
    """
    codes = grids["code"].to_numpy()
    require(
        path, "micro_grids", shapely.is_valid(polygons), codes, "plan_not_valid", "its polygon crosses itself"
    )
    there = ~shapely.is_missing(cells)
    placed = there & (grid_row >= 0)
    salt = np.uint64(secrets.randbits(64))
    made = border_sums(cells[placed], grid_row[placed], len(grids), salt)
    drawn = border_sums(polygons, np.arange(len(grids)), len(grids), salt)
    # A grid of a community without units has no cells to compare with.
    bare = grids["units"].to_numpy() == 0
    require(
        path, "micro_grids", (made == drawn) | bare, codes, "grid_not_its_cells",
        "its polygon is not the union of the cells of its units",
    )  # fmt: skip
    loose = there & (grid_row < 0)
    together = np.concatenate([polygons, cells[loose]])
    if len(together) and not shapely.coverage_is_valid(together):
        names = np.concatenate([codes, units["unit_id"].to_numpy()[loose]])
        matched = shapely.is_missing(shapely.coverage_invalid_edges(together))
        matched |= shapely.is_empty(shapely.coverage_invalid_edges(together))
        require(path, "micro_grids", matched, names, "grids_overlap", "it overlaps its neighbour")


def border_sums(polygons: Shapes, owner: Ints, n: int, salt: np.uint64) -> NDArray[np.uint64]:
    """Return for each of n owners the sum over the directed edges of its polygons, modulo 2**64.

    An edge and the same edge backwards sum to nothing, so that two sets of polygons with equal sums have
    equal borders, but for a chance of 2**-64 under a random salt.
    """
    parts, part_of = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    xy, line = shapely.get_coordinates(rings, return_index=True)
    bits = (xy + 0.0).view(np.uint64)  # no negative zero
    point = _mixed(_mixed(bits[:, 0] ^ salt) + bits[:, 1])
    inner = line[1:] == line[:-1]
    start, end = point[:-1][inner], point[1:][inner]
    swap = np.uint64(0x9E3779B97F4A7C15)
    edge = _mixed(start * swap + end) - _mixed(end * swap + start)
    sums = np.zeros(n, np.uint64)
    np.add.at(sums, owner[part_of[ring_of[line[1:][inner]]]], edge)
    return sums


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))
