from __future__ import annotations

import geopandas as gpd
import pytest

from geo.checking import Checked, check
from geo.errors import InputError
from geo.findings import Finding
from geo.planning import told_once
from tests.geo.town import block, box, communities, grids, houses, listed, town

ONE = communities(C=box(0, 0, 6, 4))


def checked(
    standing: gpd.GeoDataFrame, homes: gpd.GeoDataFrame = ONE, units: dict[str, int] | None = None
) -> Checked:
    return check(town(houses(units or block(6, 4, 5)), homes, standing))


def table(**more: str | None) -> list[tuple[str, str | None]]:
    rows = {unit: "W" if unit < "3" else "E" for unit in block(6, 4)} | more
    return list(rows.items())


def told(found: Checked) -> list[tuple[str, str, str | None]]:
    return [(finding.code, finding.severity, finding.grid_id) for finding in found.findings]


def test_a_table_that_lists_each_unit_once_leaves_no_doubt():
    found = checked(listed(table()))

    assert found.findings == ()
    assert [status.households for status in found.review.statuses.values()] == [60, 60]


def test_a_unit_listed_in_two_grids_is_refused_with_both():
    with pytest.raises(InputError) as refused:
        checked(listed([*table(), ("0-0", "E"), ("1-0", "E"), ("2-0", "W")]))

    assert refused.value.code == "unit_in_several_grids"
    assert refused.value.feature == "0-0"
    assert (refused.value.values["grids"], refused.value.values["n"]) == ("E, W", 2)


def test_a_unit_listed_with_and_without_a_grid_lies_in_the_grid():
    found = checked(listed([("0-0", None), *table()]))

    assert found.findings == ()


def test_units_of_a_table_that_nobody_knows_are_told_with_their_number():
    found = checked(listed([*table(), ("9-9", "E"), ("8-8", "E"), ("7-7", None)]))

    assert found.doubts == found.findings
    assert told(found) == [("table_units_unknown", "warning", None)]
    assert found.findings[0].unit_ids == ("7-7", "8-8", "9-9")
    assert found.findings[0].values == {"units": 3, "listed": 27}


def test_units_of_a_table_that_differ_only_by_case_are_told_with_the_ones_meant():
    units = {"A-" + unit: households for unit, households in block(2, 2, 30).items()}
    homes = houses({unit.removeprefix("A-"): households for unit, households in units.items()})
    rows = [("a-0-0", "W"), ("A-0-1", "W"), ("a-1-0", "W"), ("A-1-1", "W"), ("b-1-1", "W")]
    found = check(town(homes.assign(unit_id=list(units)), ONE, listed(rows)))

    assert [(finding.code, finding.severity) for finding in found.doubts] == [
        ("table_units_unknown", "warning"),
        ("table_units_differ_by_case", "info"),
    ]
    assert found.doubts[1].unit_ids == ("a-0-0", "a-1-0")
    assert found.doubts[1].values == {"units": 2, "first": "a-0-0", "meant": "A-0-0"}


def test_a_grid_of_a_table_whose_units_nobody_knows_holds_no_unit():
    found = checked(listed([*table(), ("9-9", "N")]))

    assert ("grid_without_units", "warning", "N") in told(found)
    assert found.review.statuses["N"].reason == "grid_without_units"


def test_a_table_that_names_no_unit_is_refused():
    with pytest.raises(InputError, match="no row names a unit"):
        checked(listed([("", "W")]))


def test_households_outside_all_communities_in_no_grid_break_a_rule():
    units = block(6, 4, 5) | {"8-1": 7, "9-1": 0}
    found = checked(grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4)), units=units)

    broken = [finding for finding in found.findings if finding.severity == "error"]
    assert [(finding.code, finding.unit_ids) for finding in broken] == [
        ("households_outside_communities", ("8-1",))
    ]
    assert found.review.counts()["households"] == 127
    assert found.review.counts()["households_outside_communities"] == 7


def test_a_drawn_grid_outside_all_communities_is_named_so():
    units = block(6, 4, 5) | {"8-1": 30, "8-2": 30}
    drawing = grids(W=box(0, 0, 3, 4), E=box(3, 0, 6, 4), X=box(7, 0, 9, 4), Y=box(10, 0, 12, 4))
    found = checked(drawing, units=units)

    assert [fault for fault in told(found) if fault[2] in ("X", "Y")] == [
        ("grid_outside_communities", "error", "X"),
        ("grid_without_units", "warning", "Y"),
        ("grid_outside_communities", "warning", "Y"),
    ]
    assert found.review.statuses["X"].reason == "outside_communities"


def test_a_drawn_grid_without_units_counts_for_the_community_it_lies_in():
    found = checked(grids(W=box(0, 0, 3, 4), E=box(3, 0, 5, 4), S=box(5, 0, 6, 4)), units=block(5, 4, 6))

    assert found.review.statuses["S"].community_id == "C"
    assert found.review.communities["C"].grids == 3


TWO = communities(C=box(0, 0, 6, 4), D=box(6, 0, 12, 4))
LIVED_IN = block(6, 4, 5) | {"11-1": 55, "11-2": 0}


def reaching(found: Checked) -> list[tuple[str | None, str | None, object, object]]:
    return [
        (
            finding.community_id,
            finding.grid_id,
            finding.values["other_community_id"],
            finding.values["area_m2"],
        )
        for finding in found.findings
        if finding.code == "grid_reaches_over"
    ]


@pytest.mark.parametrize(
    ("east_edge", "told"),
    [(6.0, []), (6.1, []), (9.0, [("C", "E", "D", 10_800.0)])],
    ids=["on the edge", "3 m over the edge", "90 m over the edge"],
)
def test_a_grid_drawn_over_ground_of_another_community_is_told_with_the_area(east_edge, told):
    drawn = grids(W=box(0, 0, 3, 4), E=box(3, 0, east_edge, 4), D=box(max(east_edge, 6), 0, 12, 4))

    assert reaching(checked(drawn, TWO, LIVED_IN)) == told


def test_a_grid_with_units_in_both_communities_spans_them_and_is_told_once():
    drawn = grids(W=box(0, 0, 3, 4), E=box(3, 0, 12, 4))
    found = checked(drawn, TWO, LIVED_IN)

    assert ("spans_communities", "error", "E") in told(found)
    assert reaching(found) == []


def test_a_grid_without_units_reaches_over_from_where_most_of_it_lies():
    drawn = grids(W=box(0, 0, 6, 4), N=box(5, 4, 10, 6), D=box(10, 0, 12, 4))
    homes = communities(C=box(0, 0, 7, 6), D=box(7, 0, 12, 6))

    assert reaching(checked(drawn, homes, LIVED_IN)) == [("D", "N", "C", 3_600.0)]


def test_a_unit_outside_all_communities_is_told_once():
    findings = (
        Finding("unit_outside_communities", "warning", unit_ids=("a",)),
        Finding("unit_outside_communities", "warning", unit_ids=("b",)),
        Finding("households_outside_communities", "error", unit_ids=("a",)),
    )

    assert told_once(findings) == findings[1:]
