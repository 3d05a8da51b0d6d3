"""Notes of a meeting: read, merged, brought back as a workbook."""

from __future__ import annotations

import json
import re
from itertools import permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

import maps
from geo.errors import InputError
from maps.export import write_map
from maps.notes import _form_id, meeting_id, merged, read_notes, write_merged
from tests.api.test_cli import weige
from tests.maps.sample_plan import plan_frames, write_plan

FILE = "0123456789abcdef"
CITY = ZoneInfo("Asia/Shanghai")


def entry(id: str, *, text: str = "", at: str = "2026-11-10T01:00:00Z", **more):
    return {
        "id": id, "type": "item", "text": text, "decision": "", "department": "", "due": "",
        "votes": {"yes": 0, "no": 0, "abstain": 0}, "grid": "", "case_id": "", "kind": "", "lon": None,
        "lat": None, "changed_at": at, "removed": False, "form_of": "", **more,
    }  # fmt: skip


def notes(path, entries, **more):
    content = {
        "format": "weige-notes", "version": 1, "file": FILE, "entries": entries,
        "meeting": {"kind": "estate_day", "date": "2026-11-10", "place": "建华园"}, **more,
    }  # fmt: skip
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_copies_merge_without_loss_in_any_order(tmp_path):
    copies = [
        [entry("a", text="同"), entry("b", text="旧"), entry("c", text="甲")],
        [entry("a", text="同"), entry("b", text="新", at="2026-11-10T02:00:00Z")],
        [entry("b", text="旧"), entry("c", text="甲", removed=True, at="2026-11-10T03:00:00Z")],
    ]
    read = [read_notes(notes(tmp_path / f"{k}.json", copy), FILE) for k, copy in enumerate(copies)]

    found = [merged(order) for order in permutations(read)]

    assert all(each == found[0] for each in found)
    assert [(each.id, each.text, each.removed, each.is_other_form) for each in found[0]] == [
        ("a", "同", False, False), ("b", "新", False, False), ("b", "旧", False, True),
        ("c", "甲", True, False), ("c", "甲", False, True),
    ]  # fmt: skip


def test_a_form_that_a_page_set_aside_is_the_same_entry_here(tmp_path):
    first = read_notes(
        notes(tmp_path / "1.json", [entry("b", text="旧"), entry("b~9", text="新", form_of="b")]), FILE
    )
    second = read_notes(notes(tmp_path / "2.json", [entry("b", text="新")]), FILE)

    found = merged([first, second])
    assert sorted(each.text for each in found) == sorted(["旧", "新"])
    assert {each.id for each in found} == {"b"}


# `maps/web/test/meeting.test.ts` asks the same of the page.
MERGING = json.loads((Path(maps.__file__).parent / "web" / "test" / "notes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", MERGING, ids=[case["name"] for case in MERGING])
def test_what_was_settled_on_the_page_is_settled_here(tmp_path, case):
    copies = [
        read_notes(notes(tmp_path / f"{k}.json", [entry(**each) for each in copy]), FILE)
        for k, copy in enumerate(case["copies"])
    ]

    for order in permutations(copies):
        found = merged(order)
        standing = [each.decision for each in found if not each.removed and not each.is_other_form]
        assert standing == case["stands"]
        shown = [f"{each.id} {each.decision}" for each in found if not each.removed]
        assert sorted(shown) == sorted(re.sub("~[0-9a-f]{8} ", " ", each) for each in case["shown"])


def test_a_case_is_an_item_of_each_meeting_that_talks_about_it(tmp_path):
    def copy(id, date="2026-11-10", place="建华园"):
        about = {"kind": "estate_day", "date": date, "place": place}
        said = entry(id, case_id="AJ1", decision=id)
        return read_notes(notes(tmp_path / f"{id}.json", [said], meeting=about), FILE)

    copies = [copy("b"), copy("c"), copy("a", place=""), copy("d", date="2026-12-10")]

    for order in permutations(copies):
        # One that left the place open is of the only meeting of that day.
        assert sorted((each.id, each.decision) for each in merged(order)) == [
            ("a", "a"), ("a", "b"), ("a", "c"), ("d", "d"),
        ]  # fmt: skip
        # Of two places it may be of either.
        assert {each.id for each in merged([*order, copy("e", place="桥西")])} == {"a", "b", "d", "e"}


def test_a_form_is_set_aside_under_the_id_that_the_page_gives_it(tmp_path):
    entries = merged([read_notes(notes(tmp_path / "n.json", [entry("b", decision="甲")]), FILE)])

    assert f"{_form_id('b', entries[0])} 甲" in MERGING[0]["shown"]


def test_items_are_in_the_order_of_the_agenda(tmp_path):
    one = read_notes(notes(tmp_path / "1.json", [entry("z"), entry("k"), entry("a")]), FILE)
    two = read_notes(notes(tmp_path / "2.json", [entry("z"), entry("b")]), FILE)

    assert [each.id for each in merged([one])] == ["z", "k", "a"]
    assert merged([one, two]) == merged([two, one])


GOOD = json.dumps(
    {
        "format": "weige-notes", "version": 1, "file": FILE, "entries": [entry("a")],
        "meeting": {"kind": "estate_day", "date": "2026-11-10", "place": ""},
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "", GOOD[:-20], "[]", "null", "7", '"x"', "\x00\xff", "[" * 100_000,
        GOOD.replace('"version": 1', '"version": 2'),
        GOOD.replace('"yes": 0', '"yes": -1'), GOOD.replace('"yes": 0', '"yes": true'),
        GOOD.replace('"yes": 0', '"yes": 0.5'), GOOD.replace('"lon": null', '"lon": NaN'),
        GOOD.replace('"lon": null', '"lon": 1e9'), GOOD.replace('"id": "a"', '"id": ""'),
        GOOD.replace('"removed": false', '"removed": 0'), GOOD.replace('"text": ""', '"text": null'),
        GOOD.replace('"due": ""', '"due": "soon"'), GOOD.replace('"estate_day"', '"party"'),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "notes.json"
    path.write_text(content, encoding="latin-1")

    with pytest.raises(InputError) as caught:
        read_notes(path, FILE)

    assert (caught.value.code, caught.value.file) == ("notes_damaged", "notes.json")


def test_notes_of_another_map_are_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        read_notes(notes(tmp_path / "notes.json", []), "other")

    assert caught.value.code == "notes_of_other_map"


def test_a_decision_comes_back_as_a_case_and_nothing_typed_is_a_formula(tmp_path):
    said = [
        entry(
            "a", text='=HYPERLINK("http://x")', decision="=1+1", department="+城管", kind="路灯",
            lon=119.6, lat=32.0,
            votes={"yes": 12, "no": 1, "abstain": 0}, due="2026-12-01",
        ),
        entry("b", text="未决"),
        entry("c", text="联系138 12 34 56 78", type="comment"),
    ]  # fmt: skip
    entries = merged([read_notes(notes(tmp_path / "n.json", said), FILE)])

    write_merged(tmp_path / "merged.xlsx", entries, "zh_CN", zone=CITY)

    book = openpyxl.load_workbook(tmp_path / "merged.xlsx")
    assert book.sheetnames == ["案件", "议题与决定", "便签"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert [row[:3] for row in book["案件"].iter_rows(values_only=True)] == [
        ("工单编号", "类别", "问题描述"),
        (
            "a", "路灯", '=HYPERLINK("http://x")。决定：=1+1。举手表决：赞成12、反对1、弃权0。责任部门：+城管。'
            "完成期限：2026-12-01",
        ),
    ]  # fmt: skip
    items = list(book["议题与决定"].iter_rows(values_only=True))
    assert len(items) == 3
    assert items[1][items[0].index("赞成")] == 12
    assert "联系***" in [cell.value for cell in book["便签"][2]]


def test_a_decision_says_its_case_its_class_and_a_day_that_has_come(tmp_path):
    about = {
        "decision": "办",
        "text": "路灯不亮。",
        "case_id": "AJ7",
        "kind": "市政设施",
        "category": "E0110",
    }
    said = [
        entry("a", at="2026-11-08T02:00:00Z", department="城管", **about),
        entry("b", at="2026-11-12T02:00:00Z", text="未办结", decision="催办"),
    ]
    entries = merged([read_notes(notes(tmp_path / "n.json", said), FILE)])
    write_merged(tmp_path / "m.xlsx", entries, "zh_CN", zone=CITY)

    rows = list(openpyxl.load_workbook(tmp_path / "m.xlsx")["案件"].iter_rows(min_row=2, values_only=True))
    assert [row[1:3] for row in rows] == [
        ("E0110", "关联案件AJ7。路灯不亮。决定：办。责任部门：城管"), (None, "未办结。决定：催办"),
    ]  # fmt: skip
    # The meeting is of the 10th: what was decided before it is not of a day to come.
    assert [row[5] for row in rows] == ["2026-11-08", "2026-11-10"]


def test_the_sheet_of_items_is_headed_by_what_it_holds(tmp_path):
    entries = merged([read_notes(notes(tmp_path / "n.json", [entry("a")]), FILE)])
    write_merged(tmp_path / "m.xlsx", entries, "zh_CN", zone=CITY)

    heads = [cell.value for cell in openpyxl.load_workbook(tmp_path / "m.xlsx")["议题与决定"][1]]
    assert heads[3] == "内容"


def test_what_an_item_said_before_its_case_was_listed_again_is_told_as_removed(tmp_path):
    at = "2026-11-10T02:00:00Z"
    decided = entry("a", text="路灯", case_id="AJ1", decision="拆除", department="城管", removed=True, at=at)
    said = [
        decided, entry("b", text="路灯", case_id="AJ1", decision="加装", at=at),
        # Nothing was said of this one before it was removed.
        entry("c", text="水沟", case_id="AJ2", removed=True, at=at),
        entry("d", text="水沟", case_id="AJ2", decision="清理", at=at),
    ]  # fmt: skip
    copies = [read_notes(notes(tmp_path / "n.json", said), FILE)]
    once = merged(copies)
    assert merged([*copies, *copies]) == once

    write_merged(tmp_path / "m.xlsx", once, "zh_CN", zone=CITY)

    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    heads, *rows = book["议题与决定"].iter_rows(values_only=True)
    shown = [tuple(row[heads.index(head)] for head in ("决定", "责任部门", "记录状态")) for row in rows]
    assert shown == [("加装", None, "有效"), ("拆除", "城管", "已删除"), ("清理", None, "有效")]
    assert "拆除" not in str([cell.value for row in book["案件"] for cell in row])


def test_days_and_times_of_the_workbook_are_those_of_the_city(tmp_path):
    said = [
        # Ten minutes past midnight on the 9th in the city, the 8th in Greenwich.
        entry("a", text="路灯", decision="加装", at="2026-11-08T16:10:05Z"),
        entry("b", text="围栏", at="2026-11-12T02:00:00.250Z"),
        entry("c", text="水沟", at=""),
        entry("d", text="树", at="昨天"),
    ]
    entries = merged([read_notes(notes(tmp_path / "n.json", said), FILE)])
    write_merged(tmp_path / "m.xlsx", entries, "zh_CN", zone=CITY)

    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    assert book["案件"].cell(2, 6).value == "2026-11-09"
    heads, *rows = book["议题与决定"].iter_rows(values_only=True)
    told = [row[heads.index("修改时间")] for row in rows]
    assert told == ["2026-11-09 00:10", "2026-11-12 10:00", None, "昨天"]


def test_the_command_merges_what_a_meeting_saved_and_says_a_damaged_file_in_one_line(tmp_path):
    page, output = tmp_path / "meeting.html", tmp_path / "merged.xlsx"
    write_map(write_plan(tmp_path / "plan.gpkg", plan_frames()), page)
    made_on = meeting_id(page)
    one = notes(tmp_path / "1.json", [entry("a", text="甲", decision="办")], file=made_on)
    two = notes(tmp_path / "2.json", [entry("b", text="乙")], file=made_on)

    done = weige("comments", "merge", page, one, two, "-o", output, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) | {"workbook": ""} == {
        "workbook": "", "items": 2, "decisions": 1, "comments": 0, "other_forms": 0,
    }  # fmt: skip
    _, first, *_ = openpyxl.load_workbook(output).worksheets[1].iter_rows(values_only=True)
    assert "2026-11-10 09:00" in first

    two.write_text("{", encoding="utf-8")
    output.unlink()
    refused = weige("comments", "merge", page, one, two, "-o", output, "--lang", "zh_CN")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "2.json" in refused.stderr
    assert "会议记录已损坏" in refused.stderr
    assert not output.exists()


def test_a_page_that_is_no_file_for_a_meeting_is_refused(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html><script>x</script></html>", encoding="utf-8")

    with pytest.raises(InputError) as caught:
        meeting_id(page)

    assert caught.value.code == "not_a_meeting"
