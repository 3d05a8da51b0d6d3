"""Work orders of another system: brought twice they are there once, placed, or said not to be."""

from __future__ import annotations

import codecs
import csv
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl import Workbook
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.cases import importing
from api.cases.calendar import working_calendar
from api.cases.case_log import digest_cases, verify_cases
from api.cases.categories import shipped_edition
from api.cases.commands import everywhere
from api.cases.exporting import export_cases
from api.cases.importing import Imported, import_orders
from api.cases.masking import is_somebodys
from api.cases.orders import Odd, Orders, read_orders
from api.cases.steps import loop
from api.database import Store
from geo.case_states import is_ended
from geo.errors import InputError
from geo.layers import read_layer
from geo.moments import CITY_ZONE, moment_of
from maps.case_book import write_case_book
from maps.notes import merged, read_notes, write_merged
from maps.text import LANGUAGES
from maps.text import text as words_of
from tests.api.cases.desk import IN_FIRST, LAT, LON, ON_BORDER, Desk
from tests.api.place import SIDE_DEG
from tests.api.plans import silent
from tests.maps.test_notes import FILE, entry, notes

HEADS = ["工单编号", "小类名称", "诉求内容", "地址", "经度", "纬度", "来电时间"]
GOOD = ["W1", "暴露垃圾", "垃圾成堆", "朝阳路7号", *IN_FIRST, "2026-11-20 09:30:00"]


def sheet(path: Path, *rows: list[object], heads: list[str] = HEADS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heads, *rows])
    return path


def file_orders(session: Session, orders: Orders, area: str = "320924001") -> Imported:
    return import_orders(
        session, orders, shipped_edition(), working_calendar(), channel="12345", area=area, report=silent
    )


def bring(store: Store, path: Path, area: str = "320924001") -> Imported:
    orders = read_orders(path, shipped_edition(), working_calendar())
    with everywhere(store, "dispatcher") as session:
        return file_orders(session, orders, area)


def cases_of(store: Store) -> list[Row[Any]]:
    with store.owner.connect() as owner:
        return list(owner.execute(text("SELECT * FROM cases")))


def test_orders_brought_twice_are_there_once_each_in_its_grid(desk: Desk, tmp_path: Path):
    path = sheet(
        tmp_path / "orders.csv",
        GOOD,
        ["W2", "E0104", "路不洁，电话13812345678", "3号楼2单元501室", *ON_BORDER, "2026-11-20T01:30:00Z"],
        ["W3", "微心愿", "想要一盏灯", "", "", "", "2026/11/2 9:30"],
        ["W1", "暴露垃圾", "同一张", "", *IN_FIRST, "2026-11-20 09:30"],
    )
    first, again = bring(desk.store, path), bring(desk.store, path)
    assert (first.added, first.known, first.odd) == (3, 0, {"repeated": Odd(1, row=5)})
    assert (again.added, again.known, again.odd) == (0, 3, first.odd)
    assert (first.located, first.asked, first.unplaced, first.masked) == (1, 1, 1, 2)
    with desk.store.owner.connect() as owner:
        rows = {
            row.external_number: row
            for row in owner.execute(
                text("SELECT c.*, d.code AS at FROM cases c JOIN divisions d ON d.id = c.area_id")
            )
        }
    assert rows["W1"].grid == "320924001001001"
    assert rows["W1"].reported_at.isoformat() == "2026-11-20T01:30:00+00:00"
    assert rows["W2"].choices == ["320924001001001", "320924001001002"]
    assert (rows["W2"].text, rows["W2"].address) == ("路不洁，电话***", "3号楼2单元***室")
    assert (rows["W3"].at, rows["W3"].place, rows["W3"].kind) == ("320924001", "area", "wish")
    digest_cases(desk.store)
    assert verify_cases(desk.store).faults == ()


def test_an_import_places_as_a_single_report_does(desk: Desk, tmp_path: Path):
    chance = random.Random(1)
    rows = [
        [f"R{n}", "暴露垃圾", "", f"{n}号", LON + chance.uniform(-0.2, 4.2) * SIDE_DEG,
         LAT + chance.uniform(-0.2, 2.2) * SIDE_DEG, "2026-11-20 09:30"]
        for n in range(60)
    ]  # fmt: skip
    bring(desk.store, sheet(tmp_path / "orders.csv", *rows))
    with desk.store.owner.connect() as owner:
        placed = {row.external_number: row for row in owner.execute(text("SELECT * FROM cases"))}
    outside = 0
    for number, _, _, _, lon, lat, _ in rows:
        one = desk.report(
            "dispatcher", lon=lon, lat=lat, area="320924001", reported_at="2026-11-20T01:30:00Z"
        )
        row = placed[str(number)]
        assert (row.grid, sorted(row.choices)) == (one["grid"], sorted(one["question"] or [])), number
        assert row.community_id == one["community_id"]
        outside += row.community_id is None
    assert 0 < outside < 60


def test_where_a_system_puts_what_it_cannot_place_is_flagged_and_not_mapped(desk: Desk, tmp_path: Path):
    there = [[f"D{n}", "暴露垃圾", "", f"{n}号", *IN_FIRST, "2026-11-20 09:30"] for n in range(60)]
    busy = [[f"B{n}", "暴露垃圾", "", "同一地址", IN_FIRST[0] + 1e-4, IN_FIRST[1], "2026-11-20 09:30"]
            for n in range(60)]  # fmt: skip
    came = bring(desk.store, sheet(tmp_path / "orders.csv", *there, *busy))
    assert (came.default_points, came.located) == (60, 60)
    with desk.store.owner.connect() as owner:
        mapped = owner.execute(
            text("SELECT count(*) FROM cases WHERE external_number LIKE 'D%' AND geom IS NOT NULL")
        )
        assert mapped.scalar_one() == 0


def test_an_import_in_parts_is_the_same_as_one_in_one_part(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chance = random.Random(2)
    points: list[tuple[object, object]] = [
        ("", "") if n % 7 == 0 else IN_FIRST if n % 3 == 0 else
        (LON + chance.uniform(-0.2, 4.2) * SIDE_DEG, LAT + chance.uniform(-0.2, 2.2) * SIDE_DEG)
        for n in range(200)
    ]  # fmt: skip
    rows = [[f"-{n % 190}", "暴露垃圾", "", f"{n}号", *points[n], f"2026-11-{chance.randrange(1, 25)} 09:30"]
            for n in range(200)]  # fmt: skip
    came, stored = [], []
    for name, first, part in (("one", 1000, 1000), ("parts", 3, 17)):
        monkeypatch.setattr(importing, "FIRST_PART", first)
        monkeypatch.setattr(importing, "PART", part)
        numbered = [[name + str(row[0]), *row[1:]] for row in rows]
        steps: list[tuple[str, int, int]] = []
        orders = read_orders(
            sheet(tmp_path / f"{name}.csv", *numbered), shipped_edition(), working_calendar()
        )
        with everywhere(desk.store, "dispatcher") as session:
            came.append(
                import_orders(
                    session, orders, shipped_edition(), working_calendar(), channel="12345", area="320924001",
                    report=lambda *step, steps=steps: steps.append(step),
                )
            )  # fmt: skip
        with desk.store.owner.connect() as owner:
            stored.append(
                owner.execute(
                    text("SELECT split_part(external_number, '-', 2) AS n, area_id, grid, choices, place,"
                         " ST_AsText(geom) AS geom, address, reported_at, response_due_at, due_at FROM cases"
                         " WHERE external_number LIKE :name ORDER BY 1"), {"name": f"{name}-%"}
                ).all()
            )  # fmt: skip
    assert came[0] == came[1]
    assert came[0].added == 190
    assert came[0].default_points > 50
    assert stored[0] == stored[1]
    assert steps[0] == ("placing", 0, 190)
    assert [done for what, done, _ in steps if what == "filing"] == [3, *range(3 + 12, 190, 17), 190]
    digest_cases(desk.store)
    assert verify_cases(desk.store).faults == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [((0, ""), "order_number"), ((1, "没有的类"), "order_category"), ((6, "昨天"), "order_time"),
     ((6, "2999-01-01"), "order_time"), ((6, "2026/11/29:30"), "order_time"),
     ((6, "0001-01-01 00:00:00"), "order_time"),
     ((7, "99"), "order_condition"), ((7, "first"), "order_condition"),
     ((0, "3.20707E+17"), "order_number_rounded"), ((0, "13812345678"), "order_number_personal"),
     ((0, "11010519491231002X"), "order_number_personal")],
)  # fmt: skip
def test_a_faulty_order_is_named(tmp_path: Path, change: tuple[int, str], code: str):
    bad: list[object] = [*GOOD, ""]
    bad[change[0]] = change[1]
    path = sheet(tmp_path / "orders.csv", [*GOOD, "1"], bad, heads=[*HEADS, "立案条件序号"])
    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar())
    for language in LANGUAGES:
        assert words_of(f"error.{code}", language, **refused.value.values)
    assert (refused.value.code, refused.value.feature) == (code, "#3")


def test_classes_that_the_edition_does_not_have_are_named_and_can_be_said(tmp_path: Path):
    path = sheet(tmp_path / "orders.csv", GOOD, ["W2", "市政", *GOOD[2:]], ["W3", "环卫", *GOOD[2:]],
                 ["W4", "市政", *GOOD[2:]])  # fmt: skip
    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar())
    for language in LANGUAGES:
        said = words_of("error.order_category", language, **refused.value.values)
        assert "市政 (2), 环卫 (1)" in said
        assert "--class" in said
    read = read_orders(
        path, shipped_edition(), working_calendar(), classes={"市政": "C0199", "环卫": "E0102"}
    )
    assert read.categories == ["E0102", "C0199", "E0102", "C0199"]
    with pytest.raises(InputError, match="has no class E9"):
        read_orders(path, shipped_edition(), working_calendar(), classes={"市政": "E9"})


def test_a_file_without_rows_is_refused(tmp_path: Path):
    with pytest.raises(InputError) as refused:
        read_orders(sheet(tmp_path / "orders.csv"), shipped_edition(), working_calendar())
    assert refused.value.code == "table_without_rows"


def test_two_columns_of_one_name_are_refused(tmp_path: Path):
    path = sheet(tmp_path / "orders.csv", [*GOOD, "另一个"], heads=[*HEADS, "诉求内容"])
    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar())
    assert (refused.value.code, refused.value.field) == ("column_twice", "诉求内容")


def test_a_name_of_several_classes_is_never_guessed(tmp_path: Path):
    other = ["W2", "其他", *GOOD[2:]]
    path = sheet(tmp_path / "orders.csv", GOOD, other)
    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar())
    assert (refused.value.code, refused.value.feature) == ("order_category_of_several", "#3")
    assert "C0199 公用设施" in refused.value.values["classes"]
    for language in LANGUAGES:
        for group in ("error", "served"):
            assert words_of(f"{group}.order_category_of_several", language, **refused.value.values)
    said = read_orders(path, shipped_edition(), working_calendar(), classes={"其他": "C0299"})
    assert said.categories[1] == "C0299"
    told_apart = sheet(tmp_path / "apart.csv", ["W1", "公用设施·其他", *GOOD[2:]])
    assert read_orders(told_apart, shipped_edition(), working_calendar()).categories == ["C0199"]
    with_large = sheet(tmp_path / "large.csv", [*other, "公用设施"], heads=[*HEADS, "大类名称"])
    assert read_orders(with_large, shipped_edition(), working_calendar()).categories == ["C0199"]


def test_a_file_whose_number_has_another_name_says_which_and_row_numbers_are_never_taken(tmp_path: Path):
    for name in ("序号", "id"):
        path = sheet(tmp_path / "orders.csv", GOOD, heads=[name, *HEADS[1:]])
        with pytest.raises(InputError) as refused:
            read_orders(path, shipped_edition(), working_calendar())
        assert refused.value.code == "order_column_missing"
        for language in LANGUAGES:
            said = words_of("error.order_column_missing", language, **refused.value.values)
            assert "工单编号" in said
            assert "--number-column" in said
        assert read_orders(path, shipped_edition(), working_calendar(), number_column=name).numbers == ["W1"]


TITLES: list[list[list[object]]] = [
    [["2026年11月工单汇总"]],
    [["2026年11月工单汇总", *[""] * 6]],
    [["工单汇总，2026年11月"], [], ["制表单位", "指挥中心"]],
]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("titles", TITLES)
def test_column_names_below_a_title_are_found_and_what_would_mend_it_is_told(
    tmp_path: Path, suffix: str, titles: list[list[object]]
):
    path = tmp_path / f"orders{suffix}"
    if suffix == ".csv":
        sheet(path, *titles[1:], HEADS, GOOD, heads=titles[0])  # type: ignore[arg-type]
    else:
        book = Workbook()
        for row in (*titles, HEADS, GOOD):
            book.active.append([None if cell == "" else cell for cell in row])
        book.save(path)

    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar())

    assert (refused.value.code, refused.value.values["row"]) == ("order_heading_below", len(titles) + 1)
    for language in LANGUAGES:
        assert str(len(titles) + 1) in words_of("error.order_heading_below", language, **refused.value.values)


def test_a_table_without_known_names_says_which_column_is_missing_and_not_where(tmp_path: Path):
    path = sheet(tmp_path / "orders.csv", ["地址", "1"], ["类型", "2"], heads=["甲", "乙"])
    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar())
    assert refused.value.code == "order_column_missing"


def test_what_is_over_elsewhere_is_counted_and_left_out_where_asked(tmp_path: Path):
    path = sheet(tmp_path / "orders.csv", [*GOOD, "已办结"], ["W2", *GOOD[1:], "办理中"],
                 ["W3", *GOOD[1:], "Closed"],
                 heads=[*HEADS, "状态"])  # fmt: skip
    all_of_them = read_orders(path, shipped_edition(), working_calendar())
    open_ones = read_orders(path, shipped_edition(), working_calendar(), open_only=True)
    assert (all_of_them.numbers, all_of_them.n_ended) == (["W1", "W2", "W3"], 2)
    assert (open_ones.numbers, open_ones.n_ended) == (["W2"], 2)
    # A faulty row is told by its place in the file, whatever was left out before it.
    sheet(path, [*GOOD, "已办结"], ["", *GOOD[1:], "办理中"], heads=[*HEADS, "状态"])
    with pytest.raises(InputError) as refused:
        read_orders(path, shipped_edition(), working_calendar(), open_only=True)
    assert refused.value.feature == "#3"


def test_a_number_that_a_cut_leaves_over_is_masked_too(tmp_path: Path):
    order = ["W1", "暴露垃圾", "x" * 1989 + "138123456789", *GOOD[3:]]
    orders = read_orders(sheet(tmp_path / "orders.csv", order), shipped_edition(), working_calendar())
    assert orders.texts == ["x" * 1989 + "***"]


def test_nobody_imports_where_he_does_not_dispatch(desk: Desk, tmp_path: Path):
    orders = read_orders(sheet(tmp_path / "orders.csv", GOOD), shipped_edition(), working_calendar())
    with (
        pytest.raises(DBAPIError, match="not allowed to import there"),
        desk.store.acting(desk.ids["viewer"], {"viewer": ["1"]}) as session,
    ):
        file_orders(session, orders)


def test_orders_from_before_the_plan_are_told(desk: Desk, tmp_path: Path):
    with desk.store.owner.connect() as owner:
        since = owner.execute(
            text("SELECT min(valid_from) FROM versions WHERE state = 'published'")
        ).scalar_one()
    before = f"{since - timedelta(days=1)} 09:30"
    rows = [GOOD, ["W2", *GOOD[1:6], before], ["W3", *GOOD[1:6], before], ["W4", *GOOD[1:4], "", "", before]]
    came = bring(desk.store, sheet(tmp_path / "orders.csv", *rows))
    assert (came.located, came.unplaced, came.odd) == (1, 3, {"early": Odd(2, row=3)})
    assert came.told()["early"] == 2


def test_of_parts_that_may_not_all_be_filed_none_is(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importing, "PART", 1)
    of_the_street = ["W2", "暴露垃圾", "", "", "", "", "2026-11-20 09:30"]
    path = sheet(tmp_path / "orders.csv", GOOD, of_the_street)
    with desk.store.owner.connect() as owner:
        community = owner.execute(text("SELECT path::text FROM divisions WHERE code = '320924001001'"))
        path_of = community.scalar_one()
    orders = read_orders(path, shipped_edition(), working_calendar())
    with (
        pytest.raises(DBAPIError, match="not allowed to import there"),
        desk.store.acting(desk.ids["dispatcher"], {"dispatcher": [path_of]}) as session,
    ):
        file_orders(session, orders)
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM cases")).scalar_one() == 0
        assert owner.execute(text("SELECT count(*) FROM case_arrivals")).scalar_one() == 0
    assert bring(desk.store, path).added == 2


def test_what_was_exported_can_be_imported(desk: Desk, tmp_path: Path):
    number = desk.report(text='垃圾,\n"成堆"', address="=HYPERLINK(1)")["number"]
    desk.report(lon=ON_BORDER[0])
    bring(desk.store, sheet(tmp_path / "orders.csv", ["=W1", *GOOD[1:]]))
    with everywhere(desk.store, "admin") as session:
        assert export_cases(session, tmp_path / "out.csv") == 3
        with pytest.raises(InputError) as refused:
            export_cases(session, tmp_path / "out.xlsx")
    assert refused.value.code == "export_is_csv"
    written = (tmp_path / "out.csv").read_bytes()
    assert written.startswith(codecs.BOM_UTF8)
    assert "+08" in written.decode("utf-8-sig")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["case_number"]: row for row in csv.DictReader(file)}
    assert rows[number]["address"] == "'=HYPERLINK(1)"
    assert {row["external_number"] for row in rows.values()} > {number, "'=W1"}
    came = bring(desk.store, tmp_path / "out.csv")
    assert (came.added, came.known, came.located, came.asked) == (0, 3, 2, 1)
    # Where its cases are not, as in another city, they come in.
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_bytes(written.replace(b"case_number", b"theirs"))
    came = bring(desk.store, elsewhere)
    assert (came.added, came.known, came.located, came.asked) == (2, 1, 2, 1)
    assert {"=HYPERLINK(1)", "朝阳路7号"} == {row.address for row in cases_of(desk.store) if row.address}


def test_what_was_exported_is_read_as_the_cases_of_a_meeting(desk: Desk, tmp_path: Path):
    number = desk.report(text="垃圾成堆")["number"]
    with everywhere(desk.store, "admin") as session:
        export_cases(session, tmp_path / "out.csv")

    layer = read_layer(str(tmp_path / "out.csv"), "incidents")

    row = layer.frame.iloc[0]
    kinds = {one.small_name for one in shipped_edition().categories.values()}
    assert (row["case_id"], row["kind"] in kinds) == (number, True)
    assert (row["state"], layer.findings) == ("reported", ())
    assert moment_of(row["reported_at"], CITY_ZONE) is not None


def decided(folder: Path, *items: dict[str, object]) -> Path:
    """Return the workbook of a meeting with these items."""
    made = merged([read_notes(notes(folder / "notes.json", list(items)), FILE)])
    write_merged(folder / "decided.xlsx", made, "zh_CN", zone=CITY_ZONE)
    return folder / "decided.xlsx"


def test_a_workbook_of_cases_is_in_words_and_can_be_imported(desk: Desk, tmp_path: Path):
    number = desk.report(text="垃圾成堆", address="朝阳路7号")["number"]
    with everywhere(desk.store, "admin") as session:
        export_cases(session, tmp_path / "out.csv")
    for language in LANGUAGES:
        write_case_book(tmp_path / "out.csv", tmp_path / f"{language}.xlsx", language=language)
        orders = read_orders(tmp_path / f"{language}.xlsx", shipped_edition(), working_calendar())
        assert (list(orders.numbers), list(orders.texts)) == ([number], ["垃圾成堆"])
        assert list(orders.addresses) == ["朝阳路7号"]
    heads, shown = openpyxl.load_workbook(tmp_path / "zh_CN.xlsx").active.iter_rows(values_only=True)
    assert not [head for head in heads if head.isascii()]
    assert shown[heads.index("状态")] == "待受理"


def test_every_state_that_is_over_is_known_as_over():
    over = [name for name, state in loop().states.items() if not state.is_open]
    said = [words_of(f"case.state.{name}", language) for name in over for language in LANGUAGES]
    assert [one for one in (*over, *said) if not is_ended(one)] == []


def test_decisions_of_a_meeting_come_in_as_cases(desk: Desk, tmp_path: Path):
    lon, lat = IN_FIRST
    book = decided(
        tmp_path,
        entry("a1", text="路灯不亮", decision="加装", department="城管", case_id="AJ7", kind="市政设施",
              category="E0110", lon=lon, lat=lat),
        entry("a2", text="河道", decision="清理", kind="水域不洁"),
    )  # fmt: skip
    came, again = bring(desk.store, book), bring(desk.store, book)

    assert (came.added, came.located, again.added, again.known) == (2, 1, 0, 2)
    with desk.store.owner.connect() as owner:
        rows = {row.external_number: row for row in owner.execute(text("SELECT * FROM cases"))}
    assert (rows["a1"].category, rows["a1"].grid) == ("E0110", "320924001001001")
    assert rows["a1"].text == "关联案件AJ7。路灯不亮。决定：加装。责任部门：城管"
    assert (rows["a2"].category, rows["a2"].text) == ("E0105", "河道。决定：清理")


def test_an_item_typed_at_a_meeting_is_given_a_class_as_the_refusal_says(tmp_path: Path):
    book = decided(tmp_path, entry("a1", text="加装路灯", decision="加装"))
    with pytest.raises(InputError) as refused:
        read_orders(book, shipped_edition(), working_calendar())

    assert refused.value.code == "order_without_category"
    for language in LANGUAGES:
        assert "--category" in words_of(f"error.{refused.value.code}", language, **refused.value.values)
    assert read_orders(book, shipped_edition(), working_calendar(), category="E0102").categories == ["E0102"]


def test_of_several_sheets_that_of_cases_is_taken_unless_it_goes_on_in_another(tmp_path: Path):
    book = openpyxl.Workbook()
    for name in ("说明", "Cases"):
        page = book.create_sheet(name)
        page.append(HEADS)
        page.append(GOOD if name == "Cases" else ["X", *GOOD[1:]])
    book.save(tmp_path / "one.xlsx")
    book.create_sheet("Cases 2").append(HEADS)
    book.save(tmp_path / "two.xlsx")

    assert read_orders(tmp_path / "one.xlsx", shipped_edition(), working_calendar()).numbers == ["W1"]
    with pytest.raises(InputError) as refused:
        read_orders(tmp_path / "two.xlsx", shipped_edition(), working_calendar())
    assert refused.value.code == "several_layers"


@pytest.mark.parametrize("number", ["320706202611280017", "320706202611280025", "320706202611280033"])
def test_a_serial_number_of_a_region_and_a_day_is_nobodys(number: str):
    # Of eleven in a row one fits as the check character of an identity number.
    assert not any(is_somebodys(f"{number[:-2]}{at:02}") for at in range(100))


def test_numbers_that_a_spreadsheet_has_rounded_are_refused(tmp_path: Path):
    def orders_of(*numbers: object) -> Orders:
        book = openpyxl.Workbook()
        book.active.append(HEADS)
        for number in numbers:
            book.active.append([number, *GOOD[1:]])
        book.save(tmp_path / "orders.xlsx")
        return read_orders(tmp_path / "orders.xlsx", shipped_edition(), working_calendar())

    for rounded in ([20270600011234500, 20270600011234600], [2.027060001123456e16, 7]):
        with pytest.raises(InputError) as refused:
            orders_of(*rounded)
        assert (refused.value.code, refused.value.feature) == ("order_number_rounded", "#2")
    assert orders_of("20270600011234500", 20260001).numbers == ["20270600011234500", "20260001"]


def test_what_cannot_be_kept_of_an_order_is_told_with_its_row(desk: Desk, tmp_path: Path):
    lon, lat = IN_FIRST
    rows = [
        GOOD,
        ["W2", *GOOD[1:4], lat, lon, GOOD[6]],
        ["W3", *GOOD[1:4], "东经120度", "北纬33度", GOOD[6]],
        ["W4", *GOOD[1:4], "", "", GOOD[6]],
        ["W5", *GOOD[1:4], -71.05, 42.36, GOOD[6]],
        ["W6", GOOD[1], "长" * 2001, *GOOD[3:]],
        ["W7", *GOOD[1:3], "路" * 201, *GOOD[4:]],
        ["W2", *GOOD[1:]],
    ]
    came = bring(desk.store, sheet(tmp_path / "orders.csv", *rows))
    assert came.added == 7
    assert came.odd == {"repeated": (1, 9), "unusable": (2, 3), "far": (1, 6), "cut": (2, 7)}
    told = came.told()
    assert [told[name] for name in ("repeated", "unusable", "far", "cut")] == [1, 2, 1, 2]
    assert told["rows"] == {"repeated": 9, "unusable": 3, "far": 6, "cut": 7}
    with desk.store.owner.connect() as owner:
        unmapped = owner.execute(text("SELECT external_number FROM cases WHERE geom IS NULL ORDER BY 1"))
        assert [*unmapped.scalars()] == ["W2", "W3", "W4", "W5"]
    for language in LANGUAGES:
        for name, one in came.odd.items():
            assert words_of(f"cli.cases_{name}", language, n=one.n, row=one.row)


@pytest.mark.parametrize(
    "said",
    ["2026-11-02T09:30:00+08:00", "2026-11-02 09:30", "2026/11/2 9:30", "2026.11.2 9:30:00", "20261102093000",
     "2026年11月2日 9时30分", "2026年11月2日9点30分00秒", "2026年11月02日 09:30:00",
     "2026年11月2日 上午9:30"],
)  # fmt: skip
def test_times_are_read_as_offices_write_them(tmp_path: Path, said: str):
    orders = read_orders(
        sheet(tmp_path / "orders.csv", [*GOOD[:6], said]), shipped_edition(), working_calendar()
    )
    assert orders.reported_at[0].isoformat() == "2026-11-02T01:30:00+00:00"
