from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.adjacency import Crossing
from maps.editor_layers import editor_layers
from maps.pack import pack, unpack
from maps.plan_file import adjacency_table
from tests.builders import related
from tests.maps.sample_plan import plan_frames


@pytest.fixture
def plan() -> dict[str, pd.DataFrame]:
    """A town of 96 units; pairs of those side by side in the first row only."""
    frames = plan_frames()
    frames["cells"] = frames["units"][["unit_id", "geometry"]]
    ids = sorted(frames["units"]["unit_id"])
    pairs = related(
        ids, [(3, 7, 12.5), (0, 3, 8.0), (7, 9, 4.25)],
        crossings={(0, 3): Crossing.WATER | Crossing.WALL}, apart={(0, 3)},
    )  # fmt: skip
    frames["adjacency"] = adjacency_table(pairs)
    return frames


def test_pairs_name_rows_of_units_and_what_they_cross_as_bits(plan):
    layers = editor_layers(plan)
    ids, sorted_ids = layers["units"]["unit_id"], sorted(plan["units"]["unit_id"])
    found = {
        frozenset((ids[row.left], ids[row.right])): (row.border_m, row.crosses, row.joins)
        for row in layers["pairs"].itertuples()
    }
    named = {frozenset((sorted_ids[a], sorted_ids[b])): (a, b) for a, b in ((0, 3), (3, 7), (7, 9))}
    assert {named[key]: value for key, value in found.items()} == {
        (0, 3): (8.0, int(Crossing.WATER | Crossing.WALL), False),
        (3, 7): (12.5, 0, True),
        (7, 9): (4.25, 0, True),
    }
    assert (layers["pairs"]["left"] < layers["pairs"]["right"]).all()


def test_ids_are_those_stored_and_units_find_their_grids_whatever_the_page_makes_of_the_ids(plan):
    grid = plan["micro_grids"]["grid_id"].iloc[0]
    hostile = "\u202e" + grid  # the page writes it with a backslash, and so orders it elsewhere
    for layer in ("micro_grids", "units"):
        plan[layer]["grid_id"] = plan[layer]["grid_id"].replace(grid, hostile)
    plan["units"].loc[5, "grid_id"] = None
    layers = editor_layers(plan)

    assert set(layers["grids"]["grid_id"]) == set(plan["micro_grids"]["grid_id"])
    named = layers["grids"]["grid_id"].reindex(layers["units"]["grid"]).to_numpy(dtype=object)
    expected = plan["units"]["grid_id"]
    assert np.array_equal(pd.isna(named), expected.isna())
    assert (named[~pd.isna(named)] == expected.dropna()).all()
    totals = plan["units"].groupby("grid_id")["households"].sum()
    at = layers["grids"]["grid_id"] != hostile
    assert (layers["grids"]["households"][at] >= totals[layers["grids"]["grid_id"][at]].to_numpy()).all()


def test_cells_stand_row_by_row_with_the_units(plan):
    plan["cells"] = plan["cells"].iloc[::-1].drop(index=7).reset_index(drop=True)
    layers = unpack(pack(editor_layers(plan)))

    cells, units = layers["cells"].geometry, plan["units"].to_crs(4326).geometry
    assert cells.isna().tolist() == [row == 7 for row in range(len(units))]
    there = ~cells.isna().to_numpy()
    assert (shapely.hausdorff_distance(cells.to_numpy(), units.to_numpy())[there] < 1e-6).all()
    # Neighbours keep their common corners: what is unlike in two cells is no more than in the plan.
    assert shapely.coverage_is_valid(cells.to_numpy()[there])


def test_a_plan_without_pairs_or_grids_is_a_map_without_them(plan):
    empty = {name: plan[name].iloc[:0] for name in plan}
    layers = unpack(pack(editor_layers(empty)))
    for name in ("grids", "units", "cells", "pairs"):
        assert len(layers[name]) == 0
    assert isinstance(layers["cells"], pd.DataFrame)
    assert not isinstance(layers["pairs"], gpd.GeoDataFrame)
