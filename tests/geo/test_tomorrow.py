from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from geo.partition import Band
from geo.tomorrow import Expected, leaving, read_expected, timeline

BAND = Band(50, 100)
SPRING, SUMMER = date(2027, 3, 1), date(2027, 6, 30)


def steps(changes: list[Expected], units: list[int], households: list[int], grids: str, special: str = ""):
    return timeline(
        changes, units, np.array(households), np.array(grids.split(), object), band=BAND,
        special=frozenset(special.split()),
    )  # fmt: skip


def test_a_grid_leaves_the_band_on_the_day_it_does_and_may_come_back():
    changes = [
        Expected(SUMMER, 30, unit_id="b"), Expected(SPRING, None, unit_id="a"), Expected(SPRING, 60, "c"),
    ]  # fmt: skip
    made = steps(changes, [1, 0, 2], [30, 40, 50, 60], "x x y y")

    assert [
        (step.day, step.grid_id, step.before, step.after, step.status, step.changes) for step in made
    ] == [
        (SPRING, "x", 70, 40, "too_small", (1,)),
        (SPRING, "y", 110, 170, "too_large", (2,)),
        (SUMMER, "x", 40, 70, "ok", (0,)),
    ]
    # The second was too large before.
    assert [step.grid_id for step in leaving(made)] == ["x"]


def test_special_grids_never_leave_and_units_in_no_grid_change_none():
    made = timeline(
        [Expected(SPRING, 500, "a"), Expected(SPRING, 7, "b")], [0, 1], np.array([10, 10]),
        np.array(["x", None], object), band=BAND, special=frozenset({"x"}),
    )  # fmt: skip

    assert [(step.grid_id, step.status) for step in made] == [("x", "exempt")]
    assert leaving(made) == []


def test_a_new_house_adds_to_its_grid_but_not_to_the_unit_whose_ground_it_stands_on():
    changes = [Expected(SPRING, 30, place=(120.0, 33.0)), Expected(SUMMER, None, unit_id="a")]

    assert [step.after for step in steps(changes, [0, 0], [60], "x")] == [90, 30]


def test_more_than_there_are_cannot_go():
    with pytest.raises(InputError) as refused:
        steps([Expected(SPRING, -40, "a"), Expected(SUMMER, -40, "a", label="#7")], [0, 0], [60], "x")

    assert (refused.value.code, refused.value.feature) == ("expected_too_many_go", "#7")
    assert refused.value.values["there"] == 20


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(1, 90)), max_size=12),
    st.lists(st.integers(0, 120), min_size=6, max_size=6),
)
def test_totals_follow_the_changes_one_after_another(told, households):
    changes = [Expected(SPRING + timedelta(days=day), count, f"u{unit}") for day, unit, count in told]
    grids = "x x y y z z"
    made = steps(changes, [unit for _, unit, _ in told], households, grids)

    by_grid = {name: sum(households[2 * at : 2 * at + 2]) for at, name in enumerate("xyz")}
    for step in made:
        assert step.before == by_grid[step.grid_id]
        by_grid[step.grid_id] = step.after
        assert step.after - step.before == sum(changes[at].households or 0 for at in step.changes)
        assert (step.status_before, step.status) == (
            BAND.status(step.before),
            BAND.status(step.after),
        )
    assert sum(by_grid.values()) == sum(households) + sum(count for *_, count in told)
    assert [(step.day, step.grid_id) for step in made] == sorted({(s.day, s.grid_id) for s in made})


def write(folder: Path, *rows: str) -> str:
    path = folder / "changes.csv"
    path.write_text("\n".join(("日期,单元编号,经度,纬度,户数,备注", *rows)), encoding="utf-8")
    return str(path)


def test_a_table_tells_handovers_and_demolitions(tmp_path):
    table = write(
        tmp_path, "2027/3/1,B1,,,,拆除", ",,,,,", "2027年6月30日,,119.1,34.5,170,三期", "2027-07-01,B2,,,-5,"
    )

    assert read_expected(table) == [
        Expected(SPRING, None, "B1", None, "拆除", "#2"),
        Expected(SUMMER, 170, None, (119.1, 34.5), "三期", "#3"),
        Expected(date(2027, 7, 1), -5, "B2", None, "", "#4"),
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2027-02-30,B1,,,5,", "expected_day"),
        ("soon,B1,,,5,", "expected_day"),
        (",B1,,,5,", "expected_day"),
        ("2027-03-01,B1,,,0,", "expected_households"),
        ("2027-03-01,B1,,,five,", "expected_households"),
        ("2027-03-01,B1,,,9999999,", "expected_households"),
        ("2027-03-01,,,,5,", "expected_where"),
        ("2027-03-01,B1,119.1,34.5,5,", "expected_where"),
        ("2027-03-01,,119.1,34.5,,", "expected_where"),
        ("2027-03-01,,119.1,34.5,-5,", "expected_where"),
        ("2027-03-01,,119.1,,5,", "expected_place"),
        ("2027-03-01,,119.1,434.5,5,", "expected_place"),
    ],
)
def test_a_row_that_says_nothing_usable_is_refused_by_its_place(tmp_path, row, code):
    with pytest.raises(InputError) as refused:
        read_expected(write(tmp_path, "2027-03-01,B1,,,5,", row))

    assert (refused.value.code, refused.value.feature, refused.value.file) == (code, "#3", "changes.csv")
