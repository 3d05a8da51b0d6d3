"""What findings speak of, and the ground where drawn grids overlap or leave gaps."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from maps.faults import concerned, fault_ground
from maps.layers import page_layers
from maps.text import words
from tests.maps.sample_plan import plan_frames

SIDE = 0.001  # degrees


def grids(*boxes: tuple[float, float, float, float]) -> gpd.GeoSeries:
    shapes = [shapely.box(*(119 + SIDE * each for each in box)) for box in boxes]
    return gpd.GeoSeries(shapes, crs="EPSG:4326")


def findings(*rows: dict[str, object]) -> pd.DataFrame:
    columns = ("code", "severity", "community_id", "grid_id", "unit_ids", "values")
    return pd.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns=columns)


def overlap(one: str, other: str) -> dict[str, object]:
    values = {"other_grid_id": other, "remedy": "none", "remedy_reason": "redraw"}
    return {"code": "grids_overlap", "severity": "error", "grid_id": one, "values": json.dumps(values)}


def communities(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"community_id": [f"c{k}" for k in range(len(boxes))]}, geometry=grids(*boxes))


def ground(found: pd.DataFrame, drawn: gpd.GeoSeries, around: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    row_of_grid = {f"g{k}": k for k in range(len(drawn))}
    return fault_ground(found, concerned(found, row_of_grid, {}), drawn, around)


def test_ground_in_two_grids_is_what_both_cover():
    drawn = grids((0, 0, 2, 1), (1.5, 0, 3, 1), (3, 0, 4, 1))

    made = ground(findings(overlap("g1", "g0")), drawn, communities())

    assert made[["kind", "finding"]].to_numpy().tolist() == [["overlap", 0]]
    assert shapely.equals(made.geometry[0], grids((1.5, 0, 2, 1))[0])


def test_grids_that_only_touch_have_no_ground_in_common():
    drawn = grids((0, 0, 1, 1), (1, 0, 2, 1))

    assert ground(findings(overlap("g0", "g1")), drawn, communities()).empty


def test_a_crossing_outline_is_no_obstacle():
    bow = shapely.Polygon(
        119 + SIDE * shapely.get_coordinates(shapely.LineString([(0, 0), (2, 2), (2, 0), (0, 2)]))
    )
    drawn = pd.concat([gpd.GeoSeries([bow], crs="EPSG:4326"), grids((0, 0, 2, 2))], ignore_index=True)

    made = ground(findings(overlap("g0", "g1")), drawn, communities())

    assert shapely.area(made.geometry.to_numpy()) == pytest.approx([2 * SIDE**2])


def test_a_gap_is_what_no_grid_covers_of_its_community():
    drawn = grids((0, 0, 1, 1), (1.25, 0, 2, 1), (2, 0, 3, 1))
    found = findings({"code": "grids_gap", "severity": "warning", "community_id": "c0"})

    made = ground(found, drawn, communities((0, 0, 2, 1), (2, 0, 3, 1)))

    assert made["kind"].tolist() == ["gap"]
    assert shapely.equals(made.geometry[0], grids((1, 0, 1.25, 1))[0])


def test_without_communities_a_gap_is_what_grids_enclose():
    ring = grids((0, 0, 3, 3))[0] - grids((1, 1, 2, 2))[0]
    found = findings({"code": "grids_gap", "severity": "warning"})

    made = ground(found, gpd.GeoSeries([ring], crs="EPSG:4326"), communities())

    assert shapely.equals(made.geometry[0], grids((1, 1, 2, 2))[0])


@pytest.mark.parametrize(("severity", "code", "values", "mending"), [
    ("error", "too_large", {"remedy": "split", "remedy_solves": True}, "can"),
    ("error", "too_large", {"remedy": "split", "remedy_solves": False}, "partly"),
    ("error", "not_contiguous", {"remedy": "none", "remedy_reason": "after_others"}, "can"),
    ("error", "too_large",
     {"remedy": "none", "remedy_reason": "after_others", "reason": "unit_too_large"}, "partly"),
    ("error", "too_large", {"remedy": "none", "remedy_reason": "unit_too_large"}, "cannot"),
    ("error", "too_small", {"remedy": "none", "remedy_reason": "pocket_too_small"}, "cannot"),
    ("error", "too_small", {"remedy": "none", "remedy_reason": "not_proved"}, "replan"),
    ("error", "too_large", {"remedy": "none", "remedy_reason": "needs_neighbours"}, "replan"),
    ("error", "too_large", {"remedy": "none", "remedy_reason": "group_too_large"}, "cannot"),
    ("error", "grids_overlap", {"remedy": "none", "remedy_reason": "redraw"}, "correct"),
    ("warning", "grids_gap", {"remedy": "none", "remedy_reason": "redraw"}, "correct"),
    ("error", "households_outside_communities",
     {"remedy": "none", "remedy_reason": "outside_communities"}, "correct"),
    ("warning", "grid_without_units", {"remedy": "none", "remedy_reason": "grid_without_units"}, "can"),
    ("warning", "community_without_units", {"remedy": "none", "remedy_reason": "community_empty"}, "note"),
    ("warning", "unit_in_two_grids", {}, "check"),
    ("error", "of_another_program", {}, "check"),
    ("warning", "no_legal_count", {}, "cannot"),
    ("info", "grid_count_not_legal", {}, "note"),
])  # fmt: skip
def test_findings_are_grouped_by_what_their_remedy_says(severity, code, values, mending):
    found = findings({"code": code, "severity": severity, "values": json.dumps(values)})

    assert concerned(found, {}, {})["mending"].tolist() == [mending]


def test_every_reason_that_has_a_sentence_has_a_group():
    prefix = "remedy.none."
    reasons = {key.removeprefix(prefix) for key in words("en") if key.startswith(prefix)}

    for reason in reasons:
        values = json.dumps({"remedy": "none", "remedy_reason": reason})
        found = findings({"code": "x", "severity": "error", "values": values})
        assert concerned(found, {}, {})["mending"].tolist() != ["check"], reason


def test_findings_name_the_rows_of_their_grids_and_units():
    found = findings(
        {**overlap("g1", "g0"), "unit_ids": '["u2", "u0", "gone"]'},
        {
            "code": "unit_in_two_grids",
            "severity": "error",
            "grid_id": "g0",
            "values": '{"grids": ["g0", "g2"]}',
        },
    )

    told = concerned(found, {"g0": 0, "g1": 1, "g2": 2}, {"u0": 0, "u2": 2})

    assert told[["grids", "units"]].to_numpy().tolist() == [["1 0", "2 0"], ["0 2", ""]]


@pytest.mark.parametrize("odd", ["not json", "[1]", '"text"', "null", None])
def test_cells_another_program_wrote_name_nothing(odd):
    found = findings({"code": "x", "severity": "odd", "values": odd, "unit_ids": odd})

    assert concerned(found, {}, {}).to_numpy().tolist() == [["note", "", ""]]


def test_marks_of_direction_are_shown_in_one_way_and_grids_are_still_found():
    frames = plan_frames()
    turned = "\u202e" + frames["micro_grids"]["grid_id"].iloc[0]
    for layer in ("micro_grids", "units", "findings"):
        column = frames[layer]["grid_id"]
        frames[layer]["grid_id"] = column.where(column != turned[1:], turned)
    frames["units"]["address"] = "a\u200f楼\nb"

    layers = page_layers(frames)

    shown = "\\u202e" + turned[1:]
    assert shown in set(layers["grids"]["grid_id"])
    assert layers["units"]["grid"].notna().all()
    assert set(layers["units"]["address"]) == {"a\\u200f楼 b"}
