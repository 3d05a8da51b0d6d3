"""What became of each grid, from grids before and after and the ledger; and the page that carries it."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest

from geo.errors import InputError
from maps.changes import changes_note, grid_changes
from maps.export import map_page, read_plan_file
from maps.layers import page_layers
from tests.maps.sample_plan import plan_frames, write_plan
from tests.maps.test_export import Tags


def grids(**households: int | None) -> pd.DataFrame:
    return pd.DataFrame(
        {"grid_id": list(households), "households": pd.Series(list(households.values()), dtype="Int64")}
    )


def moves(*rows: tuple[str | None, str, int, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["from_grid", "to_grid", "households", "cause"])


LEDGER = moves(
    ("A", "D", 30, "mended"), ("B", "A", 20, "community_edge"), ("B", "A", 5, "mended"),
    (None, "C", 7, "arrived"),
)  # fmt: skip


def test_grids_are_kept_changed_ended_or_new():
    made = grid_changes(grids(A=90, B=25, C=53, E=60), grids(A=85, C=60, D=30, E=60), LEDGER)

    assert dict(zip(made["grid_id"], made["change"], strict=True)) == {
        "A": "changed", "B": "ended", "C": "changed", "D": "new", "E": "kept",
    }  # fmt: skip
    rows = made.set_index("grid_id")
    assert rows.loc["B", ["before", "households_before", "households_after"]].tolist() == [1, 25, 0]
    assert rows.loc["D", ["after", "households_before", "households_after"]].tolist() == [2, 0, 30]
    assert rows["after"].isna().tolist() == [False, True, False, False, False]


def test_totals_count_grids_by_change_and_households_by_cause():
    note = changes_note(grid_changes(grids(A=90, B=25), grids(A=85, D=30), LEDGER), LEDGER)

    assert note["grids"] == {"kept": 0, "changed": 1, "ended": 1, "new": 1}
    assert note["households"] == {"mended": 35, "community_edge": 20, "arrived": 7}


def test_without_a_ledger_nothing_moved_and_without_a_grid_nothing_changed():
    assert grid_changes(grids(A=None), grids(A=3), None)["change"].tolist() == ["kept"]
    assert changes_note(grid_changes(grids(), grids(), None), None) == {
        "grids": {"kept": 0, "changed": 0, "ended": 0, "new": 0},
        "households": {"mended": 0, "community_edge": 0, "arrived": 0},
    }


def test_a_plan_without_grids_before_has_a_page_without_changes():
    frames = plan_frames()

    assert "changes" not in json.loads(Tags(map_page(frames)).script("weige-settings"))
    assert not {"grids_before", "grids_before_labels", "changes"} & page_layers(frames).keys()


@pytest.mark.parametrize(
    ("layer", "broken"),
    [
        ("micro_grids_before", pd.DataFrame({"grid_id": ["1"], "households": [1], "status": ["ok"]})),
        ("micro_grids_before", plan_frames()["micro_grids"][["grid_id", "geometry"]]),
        ("ledger", pd.DataFrame({"unit_id": ["1"]})),
    ],
)
def test_grids_before_or_a_ledger_that_lack_columns_are_refused(tmp_path, layer, broken):
    frames = plan_frames()
    before = gpd.GeoDataFrame(frames["micro_grids"])
    plan = write_plan(tmp_path / "plan.gpkg", {**frames, "micro_grids_before": before, layer: broken})

    with pytest.raises(InputError) as refused:
        read_plan_file(plan)

    assert refused.value.code == "not_a_plan"
    assert refused.value.layer == layer
