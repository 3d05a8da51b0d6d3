from __future__ import annotations

from collections import Counter

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.planning import stand
from geo.reconciliation import Reconciliation, reconcile
from maps.findings import sentence
from tests.geo.town import block, box, communities, grids, houses, listed, town

ONE = communities(C=box(0, 0, 6, 4))


def reconciled(
    units: dict[str, int],
    standing: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame = ONE,
    record: gpd.GeoDataFrame | None = None,
) -> Reconciliation:
    layers = town(houses(units), homes, standing)
    return reconcile(layers, stand(layers), standing_units=record)


def codes(found: Reconciliation) -> Counter[str]:
    return Counter(finding.code for finding in found.findings)


def grid_of(found: Reconciliation) -> dict[str, str | None]:
    unit_ids, labels = found.partition.adjacency.unit_ids, found.partition.labels
    return {
        unit: None if label < 0 else found.grid_ids[label]
        for unit, label in zip(unit_ids, labels, strict=True)
    }


def balance(found: Reconciliation) -> dict[str, int]:
    return found.balance.set_index("item")["households"].to_dict()


def test_grids_that_fit_leave_no_doubt():
    found = reconciled(block(6, 4), grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)))

    assert found.findings == ()
    assert found.listed.empty
    assert sorted(found.grid_ids) == ["E", "W"]
    assert found.partition.part_households.tolist() == [120, 120]
    assert grid_of(found)["2-3"] == "W"
    assert balance(found) == {
        "today": 240,
        "standing": 240,
        "came": 0,
        "in_no_grid": 0,
        "outside_communities": 0,
    }


def test_units_in_a_gap_are_listed_and_stand_in_no_grid():
    found = reconciled(block(6, 4), grids(W=box(0, 0, 3, 4), E=box(4, 0, 6, 4)))

    assert codes(found) == {"grids_gap": 1, "units_in_no_grid": 1}
    assert found.listed["unit_id"].tolist() == ["3-0", "3-1", "3-2", "3-3"]
    assert set(found.listed["matter"]) == {"in_no_grid"}
    assert balance(found)["in_no_grid"] == 40
    assert {grid_of(found)[f"3-{y}"] for y in range(4)} == {None}


def test_a_point_in_a_gap_of_two_hands_belongs_to_the_grid_beside_it():
    units = houses(block(6, 4))
    units.loc[units["unit_id"] == "3-0", "geometry"] = shapely.Point(box(3, 0, 4, 1).bounds[:2])  # the corner
    units.geometry = [shape if shape.geom_type == "Polygon" else shapely.Point(shape.x + 0.2, shape.y + 5)
                      for shape in units.geometry]  # fmt: skip
    west = box(0, 0, 3, 4)
    east = shapely.box(box(3, 0, 6, 4).bounds[0] + 0.6, *box(3, 0, 6, 4).bounds[1:])
    layers = town(units, ONE, grids(W=west, E=east))
    found = reconcile(layers, stand(layers))

    assert grid_of(found)["3-0"] == "W"
    assert codes(found)["unit_in_narrow_gap"] == 1
    assert found.listed["matter"].tolist() == ["gap_closed"]


def test_overlaps_are_told_and_each_unit_counts_once():
    found = reconciled(block(6, 4), grids(W=box(0, 0, 4, 4), E=box(3, 0, 6, 4)))

    assert codes(found) == {"grids_overlap": 1, "unit_in_two_grids": 1}
    assert all(finding.severity == "warning" for finding in found.findings)
    assert found.listed["matter"].tolist() == ["in_two_grids"] * 4
    assert balance(found)["standing"] == 240
    assert {grid_of(found)[f"3-{y}"] for y in range(4)} == {"E"}


def test_a_bow_tie_is_mended_by_reading_and_told():
    x0, y0, x1, y1 = box(0, 0, 6, 4).bounds
    bow = shapely.Polygon([(x0, y0), (x1, y1), (x1, y0), (x0, y1)])
    layers = town(houses(block(6, 4)), ONE, grids(B=bow))
    found = reconcile(layers, stand(layers))

    assert [finding.code for finding in layers.findings] == ["geometry_made_valid"]
    assert codes(found)["grids_gap"] == 1
    told = balance(found)
    assert told["standing"] + told["in_no_grid"] == told["today"] == 240
    assert 0 < told["in_no_grid"] < 240


def test_a_grid_in_two_communities_is_divided_and_the_larger_part_keeps_the_code():
    homes = communities(A=box(0, 0, 2, 4), B=box(2, 0, 6, 4))
    found = reconciled(block(6, 4), grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), homes)
    told = next(finding for finding in found.findings if finding.code == "grid_divided")

    assert (told.grid_id, told.community_id, told.values["communities"]) == ("W", "A", ["B"])
    assert told.values["households"] == 40
    assert told.unit_ids == ("2-0", "2-1", "2-2", "2-3")
    assert grid_of(found) == {
        unit: "W" if unit < "2" else None if unit < "3" else "E" for unit in block(6, 4)
    }
    assert found.before[found.cut_off].tolist() == ["W"] * 4
    assert sorted(found.partition.part_households.tolist()) == [80, 120]  # 40 make no grid
    assert found.listed["matter"].tolist() == ["cut_off"] * 4


def test_what_is_cut_off_and_is_enough_for_a_grid_stays_together():
    homes = communities(A=box(0, 0, 4, 4), B=box(4, 0, 6, 4))
    found = reconciled(block(6, 4), grids(W=box(0, 0, 6, 4)), homes)

    assert grid_of(found) == {unit: "W" if unit < "4" else None for unit in block(6, 4)}
    assert sorted(found.partition.part_households.tolist()) == [80, 160]


def test_households_decide_which_part_keeps_the_code():
    homes = communities(A=box(0, 0, 2, 4), B=box(2, 0, 6, 4))
    units = block(6, 4) | {"2-0": 100}
    found = reconciled(units, grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), homes)

    assert grid_of(found)["2-1"] == "W"
    assert grid_of(found)["0-0"] is None


def test_a_table_says_who_came_who_went_and_what_nobody_knows():
    table = [(unit, "W" if unit < "3" else "E") for unit in block(6, 4) if unit != "5-3"]
    found = reconciled(block(6, 4), listed([*table, ("9-9", "E"), ("0-0", "E")]))

    assert codes(found) == {"units_came": 1, "units_not_found": 1, "unit_listed_twice": 1}
    assert grid_of(found)["0-0"] == "W"
    assert grid_of(found)["5-3"] is None
    rows = found.listed.set_index("unit_id")["matter"].to_dict()
    assert rows == {"5-3": "came", "9-9": "went", "0-0": "listed_twice"}
    assert balance(found)["came"] == 10


def test_a_table_that_names_no_unit_is_refused():
    with pytest.raises(InputError) as refused:
        reconciled(block(2, 2), listed([("", "W")]), communities(C=box(0, 0, 2, 2)))

    assert refused.value.code == "id_missing"


def record(units: dict[str, int], **grid: str | None) -> gpd.GeoDataFrame:
    frame = houses(units)
    return frame.assign(grid_id=[grid.get(unit, "W" if unit < "3" else "E") for unit in units])


def test_the_record_of_a_plan_adds_up_to_today():
    before = block(6, 4) | {"1-1": 30, "4-0": 4}
    after = {unit: count for unit, count in block(6, 4).items() if unit != "2-2"} | {"5-3": 25}
    del before["5-3"]
    found = reconciled(after, grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), record=record(before))

    assert codes(found) == {"units_came": 1, "units_went": 1, "households_changed": 2}
    told = balance(found)
    assert told["on_record"] == 230 + 20 - 6
    assert (told["went"], told["fewer_households"], told["more_households"], told["came_in_all"]) == (
        -10,
        -20,
        6,
        25,
    )
    assert told["today"] == 245 == told["standing"] + told["came"]
    assert grid_of(found)["5-3"] is None  # it came: nobody serves it yet, though it lies in E


def test_the_record_counts_where_a_drawing_says_otherwise():
    moved = record(block(6, 4), **{"2-0": "E"})
    found = reconciled(block(6, 4), grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), record=moved)

    assert grid_of(found)["2-0"] == "E"
    assert codes(found)["unit_in_other_ground"] == 1


def test_an_id_far_from_where_it_was_is_another_building():
    before = block(6, 4)
    old = record(before)
    old.loc[old["unit_id"] == "0-0", "geometry"] = shapely.Point(470_000, 3_542_000)
    found = reconciled(before, grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), record=old)

    assert codes(found) == {"unit_elsewhere": 1, "units_came": 1, "units_went": 1}
    assert sorted(found.listed["matter"]) == ["came", "elsewhere", "went"]
    assert balance(found)["on_record"] == balance(found)["today"]


def test_special_grids_keep_their_flag_whatever_word_is_used():
    found = reconciled(
        block(6, 4), grids({"W": "专属网格", "E": "基础网格"}, W=box(0, 0, 3, 4), E=box(3, 0, 6, 4))
    )

    assert dict(zip(found.grid_ids, found.special, strict=True)) == {"W": True, "E": False}


def test_a_grid_nobody_is_in_ends_with_a_finding_but_stays_where_nobody_lives():
    homes = communities(A=box(0, 0, 6, 4), B=box(0, 4, 6, 8))
    found = reconciled(block(3, 4), grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4), N=box(0, 4, 6, 8)), homes)

    assert [(finding.code, finding.grid_id) for finding in found.findings] == [
        ("grid_ended_without_units", "E")
    ]
    assert found.empty == {"E": 0, "N": 1}


def test_a_grid_in_two_places_is_told():
    apart = shapely.union_all([box(0, 0, 2, 4), box(4, 0, 6, 4)])
    found = reconciled(block(6, 4), grids(A=apart, B=box(2, 0, 4, 4)))
    told = next(finding for finding in found.findings if finding.code == "grid_stood_in_pieces")

    assert (told.grid_id, told.values["pieces"]) == ("A", 2)


def test_every_finding_has_its_sentence():
    table = [(unit, "W" if unit < "3" else "E") for unit in block(6, 4) if unit != "5-3"]
    first = reconciled(block(6, 4), listed([*table, ("9-9", None), ("0-0", "E")]))
    homes = communities(A=box(0, 0, 2, 4), B=box(2, 0, 6, 4))
    second = reconciled(block(6, 4), grids(W=box(0, 0, 3, 4), E=box(4, 0, 6, 4), X=box(0, 4, 1, 5)), homes)
    for finding in (*first.findings, *second.findings):
        for language in ("zh_CN", "en"):
            said = sentence(finding, language)
            assert "{" not in said
            assert said


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 60), min_size=12, max_size=12),
    drawn=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 3), st.integers(1, 3)),
        min_size=1,
        max_size=4,
    ),
    went=st.sets(st.integers(0, 11), max_size=3),
    split=st.integers(1, 3),
)
def test_every_household_is_accounted_for(counts, drawn, went, split):
    names = list(block(4, 3))
    before = dict(zip(names, counts, strict=True))
    after = {unit: count + 1 for at, (unit, count) in enumerate(before.items()) if at not in went}
    homes = communities(A=box(0, 0, split, 3), B=box(split, 0, 4, 3))
    standing = grids(
        **{f"G{k}": box(x, y, x + width, y + height) for k, (x, y, width, height) in enumerate(drawn)}
    )
    old = houses(before)
    try:
        found = reconciled(after, standing, homes, old)
    except InputError as refused:
        if refused.code != "standing_grids_elsewhere":
            raise
        reject()  # all that stood in the grids is gone: nothing tells that they are of here

    told = balance(found)
    assert told["on_record"] == sum(before.values())
    assert told["today"] == sum(after.values())
    assert told["standing"] + told["came"] + told["in_no_grid"] + told["outside_communities"] == told["today"]
    free = found.cut_off & (found.partition.labels < 0)
    in_parts = int(found.partition.part_households.sum())
    assert told["standing"] == in_parts + int(found.partition.households[free].sum())
    left_out = found.listed[found.listed["matter"] == "in_no_grid"]
    assert int(left_out["households_now"].sum()) == told["in_no_grid"]
    for part in range(found.partition.n_parts):
        members = found.partition.members(part)
        assert len(set(found.partition.community[members])) == 1
    kept = [grid for grid in found.grid_ids if grid is not None]
    assert len(kept) == len(set(kept))
    assert set(kept) == set(pd.Series(found.before[~found.cut_off]).dropna())


def test_units_of_the_plan_that_a_table_leaves_out_are_not_called_new():
    record = houses(block(6, 4))
    table = listed([(unit, "W" if unit < "3" else "E") for unit in block(6, 4) if unit != "2-3"])
    found = reconciled(block(6, 4), table, record=record)

    assert codes(found) == {"units_not_in_table": 1, "units_in_no_grid": 1}
    (finding,) = (each for each in found.findings if each.code == "units_not_in_table")
    assert (finding.unit_ids, finding.severity) == (("2-3",), "warning")
    assert {key: balance(found)[key] for key in ("on_record", "came_in_all", "in_no_grid")} == {
        "on_record": 240,
        "came_in_all": 0,
        "in_no_grid": 10,
    }


def test_a_community_whose_units_are_all_missing_is_told_with_its_households():
    both = communities(C=box(0, 0, 3, 4), D=box(3, 0, 6, 4))
    record = houses(block(6, 4)).assign(grid_id=["W"] * 12 + ["E"] * 12)
    found = reconciled(block(3, 4), grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), both, record)

    (finding,) = (each for each in found.findings if each.code == "communities_without_units_now")
    assert finding.severity == "warning"
    assert finding.values == {"communities": ["D"], "units": 12, "households": 120}
    assert "120 households" in sentence(finding, "en")
