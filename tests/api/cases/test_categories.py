from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cases.categories import (
    COLUMNS,
    Edition,
    diff,
    edition_of_rows,
    edition_rows,
    limit_text,
    read_limit,
    read_sheet,
    shipped_edition,
)
from api.cases.clock import Clock, Limit
from geo.errors import InputError

LIMITS = st.sampled_from(["2紧急工作时", "4工作时", "5个工作日", "次日起13工作日", "7自然日", ""])


@st.composite
def editions(draw: st.DrawFn) -> Edition:
    rows = []
    for large, small in draw(
        st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=6, unique=True)
    ):
        name = draw(st.sampled_from(["暴露垃圾", "井盖"]))
        for condition in range(draw(st.integers(1, 3))):
            rows.append(
                {"large_code": f"0{large}", "large_name": f"大类{large}", "small_code": f"0{small}",
                 "small_name": name, "filing": f"条件{condition}", "limit": draw(LIMITS)}
            )  # fmt: skip
    return edition_of_rows("e", "drawn", rows)


def test_the_shipped_edition_has_every_class_of_its_sources_and_our_own():
    edition = shipped_edition()
    by_large: dict[str, int] = {}
    for category in edition.categories.values():
        by_large[category.large_code] = by_large.get(category.large_code, 0) + 1
    assert [by_large[f"E0{number}"] for number in range(1, 6)] == [19, 5, 6, 10, 13]
    assert {code for code in by_large if code.startswith("C")} == {f"C0{number}" for number in range(1, 8)}
    assert edition.categories["E0106"].small_name == "绿地脏乱"
    assert edition.categories["E0513"].small_name == "空调室外机低挂"
    assert [edition.categories[f"X900{n}"].kind for n in (1, 2, 3)] == ["wish", "property", "dispute"]
    assert edition.source == "unconfirmed"


def test_one_class_has_four_deadlines_by_severity():
    cover = shipped_edition().categories["C0198"]
    assert [limit_text(condition.limit) for condition in cover.conditions] == [
        "2紧急工作时", "4工作时", "2工作日", "5工作日",
    ]  # fmt: skip
    assert cover.condition(None) is None
    assert cover.condition(2) is cover.conditions[1]
    assert cover.condition(5) is None


@given(
    clock=st.sampled_from(Clock), amount=st.decimals("0.000001", 999999, places=6),
    starts=st.sampled_from(["now", "next_day"]),
)  # fmt: skip
def test_a_limit_is_read_as_it_is_written(clock: Clock, amount: Decimal, starts):
    assert read_limit(limit_text(Limit(clock, amount, starts))) == Limit(clock, amount, starts)


@pytest.mark.parametrize("said", ["4小时", "尽快", "0工作日", "-1工作日", "工作日"])
def test_a_limit_that_does_not_name_its_clock_is_refused(said: str):
    with pytest.raises(InputError, match="no known form"):
        read_limit(said)


@given(before=editions(), after=editions())
def test_a_diff_tells_what_turns_one_edition_into_the_other(before: Edition, after: Edition):
    told = diff(before, after, dict.fromkeys(before.categories, 1))
    made = dict(before.categories)
    for category in told.removed:
        assert made.pop(category.code) == category
    for change in told.changed:
        assert made[change.before.code] == change.before != change.after
        made[change.after.code] = change.after
    for category in told.added:
        assert category.code not in made
        made[category.code] = category
    assert made == dict(after.categories)
    assert told.is_empty == (before.categories == after.categories)
    assert told.live.keys() == {one.code for one in told.removed} | {one.before.code for one in told.changed}


@given(editions())
def test_an_edition_goes_through_its_sheet_unchanged(edition: Edition):
    assert edition_of_rows("e", "drawn", edition_rows(edition)) == edition


def sheet(path: Path, rows: list[list[object]]) -> Path:
    heads = [names[1] for names in COLUMNS.values()]
    if path.suffix == ".csv":
        lines = [",".join(str(cell) for cell in row) for row in [heads, *rows]]
        path.write_text("\n".join(lines), encoding="gb18030")
        return path
    book = openpyxl.Workbook()
    for row in [heads, *rows]:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.xlsx"])
def test_a_nine_column_sheet_is_read(tmp_path: Path, name: str):
    shared = ["01", "市容环境", "02", "暴露垃圾", "环卫所", "城管局"]
    rows = [[*shared, "有垃圾", "清理", "1工作日"], [*shared, "成堆", "清理", "4工作时"]]
    path = sheet(tmp_path / name, rows)
    edition = edition_of_rows("local", "a sheet", read_sheet(path))
    (category,) = edition.categories.values()
    assert (category.code, category.small_name) == ("0102", "暴露垃圾")
    assert [condition.filing for condition in category.conditions] == ["有垃圾", "成堆"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["01", "a", "", "b", "", "", "", "", "1工作日"], "category_code"),
        (["01", "a", "02", "", "", "", "", "", "1工作日"], "category_name"),
        (["01", "a", "01", "b", "", "", "x", "", "1工作日"], "condition_twice"),
        (["01", "a", "02", "b", "", "", "", "", "soon"], "limit_unreadable"),
    ],
)
def test_a_faulty_row_is_named(tmp_path: Path, row: list[object], code: str):
    path = sheet(tmp_path / "sheet.xlsx", [["01", "a", "01", "b", "", "", "x", "", "1工作日"], row])
    with pytest.raises(InputError) as refused:
        edition_of_rows("local", "a sheet", read_sheet(path))
    assert (refused.value.code, refused.value.feature) == (code, "#3")


def test_a_sheet_without_limits_is_refused(tmp_path: Path):
    path = tmp_path / "sheet.csv"
    path.write_text("大类代码,大类名称,小类代码,小类名称\n01,a,02,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 处置时限"):
        read_sheet(path)
