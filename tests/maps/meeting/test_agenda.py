"""The agenda of a meeting: its items and decisions, kept in a file, merged and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geo.errors import InputError
from maps.notes import meeting_id, merged, read_notes
from tests.maps.chromium import Opened
from tests.maps.meeting.hands import act
from tests.maps.test_notes import entry, notes

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_decisions_and_comments_come_back_from_their_file_and_two_copies_merge(open_page, meeting, tmp_path):
    first, second = open_page(meeting), open_page(meeting)
    files = []
    for opened, said in ((first, "加装路灯"), (second, "清理河道 13812345678")):
        page = opened.page
        act(opened, "agenda")
        page.select_option(".agenda-head select >> nth=1", index=1)
        page.click("text=列入未办结事件")
        assert page.locator(".agenda-items .entry").count() == 40
        page.click("text=新增议题")
        page.keyboard.type(said)
        last = ".agenda-items li:last-child"
        for _ in range(3):
            page.click(f"{last} .vote.yes button:last-child")
        page.click(f"{last} .vote.no button:last-child")
        page.fill(f"{last} textarea >> nth=1", "同意")
        page.click("text=便签贴在图中央")
        page.keyboard.type("此处积水")
        with page.expect_download() as download:
            page.click("text=保存记录文件")
        files.append(tmp_path / f"{len(files)}.json")
        download.value.save_as(files[-1])

    notes = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    item = next(entry for entry in notes[1]["entries"] if "清理河道" in entry["text"])
    assert item["text"] == "清理河道 ***"
    assert item["votes"] == {"yes": 3, "no": 1, "abstain": 0}
    assert {entry["category"] for entry in notes[1]["entries"] if entry["case_id"]} == {"E0102"}
    assert item["category"] == ""
    comment = next(entry for entry in notes[0]["entries"] if entry["type"] == "comment")
    assert comment["lon"] == pytest.approx(119.6, abs=0.1)
    first.page.set_input_files(".agenda input[type=file]", [files[1]])
    first.page.wait_for_selector("text=已合并1.json")
    assert first.page.locator(".agenda-comments .entry").count() == 2
    assert first.page.locator(".agenda-items .entry").count() == 42
    assert first.page.locator(".sticker").count() == 2
    damaged = tmp_path / "damaged.json"
    damaged.write_text(files[0].read_text(encoding="utf-8")[:-40], encoding="utf-8")
    first.page.set_input_files(".agenda input[type=file]", [damaged])
    first.page.wait_for_selector("text=damaged.json不是会议记录，或已损坏，未合并。")
    assert first.page.locator(".agenda-items .entry").count() == 42


def test_copies_that_list_the_same_cases_decide_them_once_and_are_told_where_they_differ(
    open_page, meeting, tmp_path
):
    first, second = open_page(meeting), open_page(meeting)
    files = []
    for opened, decisions in ((first, ("加装路灯", "清理河道")), (second, ("拆除路灯", ""))):
        page = opened.page
        act(opened, "agenda")
        page.select_option(".agenda-head select >> nth=1", index=1)
        page.click("text=列入未办结事件")
        for at, decision in enumerate(decisions, 1):
            page.fill(f".agenda-items li:nth-child({at}) textarea >> nth=1", decision)
            page.dispatch_event(f".agenda-items li:nth-child({at}) textarea >> nth=1", "change")
        files.append(saved(opened, tmp_path / f"{len(files)}.json"))

    first.page.set_input_files(".agenda input[type=file]", [files[1]])
    first.page.wait_for_selector("text=已合并1.json")
    items = first.page.locator(".agenda-items .entry")
    assert items.count() == 41
    assert first.page.locator(".agenda-items .entry:has-text('另一份记录')").count() == 1
    found = merged([read_notes(file, meeting_id(meeting)) for file in files])
    assert len(found) == 41
    assert [each.is_other_form for each in found].count(True) == 1
    standing = {each.decision for each in found if not each.is_other_form and each.decision}
    # Of 加装路灯 and 拆除路灯 that written last.
    assert standing - {"加装路灯", "拆除路灯"} == {"清理河道"}
    assert len(standing) == 2


def test_what_another_copy_decides_otherwise_stands_below_the_first_on_page_and_paper(
    open_page, meeting, tmp_path
):
    made_on = meeting_id(meeting)
    both = [entry("a", text="路灯"), entry("z", text="围栏")]
    copies = [
        notes(tmp_path / "1.json", [*both, entry("b", text="水沟", decision="清理")], file=made_on),
        notes(
            tmp_path / "2.json",
            [entry("a", text="路灯", decision="加装", at="2026-11-10T02:00:00Z"), both[1],
             entry("b", text="水沟", decision="填平", at="2026-11-10T00:30:00Z")],
            file=made_on,
        ),
    ]  # fmt: skip
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.set_input_files(".agenda input[type=file]", copies)

    opened.page.wait_for_selector("text=已合并2.json，新增0条。 有2条与原有记录不一致")
    heads = opened.page.locator(".agenda-items .entry-head > :not(button)").all_inner_texts()
    assert [each for each in heads if each] == [
        "议题1", "议题1（另一份记录）", "议题2", "议题3", "议题3（另一份记录）",
    ]  # fmt: skip
    opened.page.evaluate("window.weige.meeting.lay('minutes')")
    rows = opened.page.evaluate(
        "Array.from(document.querySelectorAll('.minutes tbody tr'), (row) => "
        "[0, 1, 2, 3].map((cell) => row.cells[cell].textContent).join('|'))"
    )
    assert rows == [
        "1|路灯||加装", "1|另一份记录 · 路灯||", "2|围栏||", "3|水沟||清理", "3|另一份记录 · 水沟||填平",
    ]  # fmt: skip


def saved(opened: Opened, path: Path) -> Path:
    with opened.page.expect_download() as download:
        opened.page.click("text=保存记录文件")
    download.value.save_as(path)
    return path


def meet(opened: Opened, kind: str, place: str, date: str) -> None:
    """Say which meeting the agenda is of."""
    if not opened.page.is_visible(".agenda"):
        act(opened, "agenda")
    opened.page.select_option(".agenda-head select >> nth=0", kind)
    opened.page.select_option(".agenda-head select >> nth=1", label=place)
    opened.page.fill(".agenda-head input", date)


def test_notes_of_another_meeting_are_refused_and_those_of_the_same_one_merge(open_page, meeting, tmp_path):
    first, second = open_page(meeting), open_page(meeting)
    meet(second, "estate_day", "建华园1区", "2026-12-10")
    second.page.click("text=新增议题")
    theirs = saved(second, tmp_path / "estate.json")
    meet(first, "lane_list", "建华巷", "2026-11-28")
    first.page.click("text=新增议题")

    first.page.set_input_files(".agenda input[type=file]", [theirs])

    first.page.wait_for_selector("text=estate.json记的是另一场会议")
    said = first.page.inner_text(".agenda [role=status]")
    assert "小区议事日 2026年12月10日 建华园1区" in said
    assert "巷理事每周清单 2026年11月28日 建华巷" in said
    assert first.page.locator(".agenda-items .entry").count() == 1
    kept = json.loads(saved(first, tmp_path / "lane.json").read_text(encoding="utf-8"))["meeting"]
    assert kept == {"kind": "lane_list", "date": "2026-11-28", "place": "建华巷"}
    meet(second, "estate_day", "建华园1区", "2026-12-11")
    second.page.set_input_files(".agenda input[type=file]", [theirs])
    second.page.wait_for_selector("text=estate.json记的是另一场会议")
    second.page.fill(".agenda-head input", "2026-12-10")
    second.page.set_input_files(".agenda input[type=file]", [theirs])
    second.page.wait_for_selector("text=已合并estate.json，新增0条。")


def test_another_kind_of_meeting_keeps_the_day_and_the_place_of_what_is_listed(open_page, meeting, tmp_path):
    opened = open_page(meeting)
    act(opened, "agenda")
    before = opened.page.input_value(".agenda-head input")
    opened.page.select_option(".agenda-head select >> nth=0", "lane_list")
    assert opened.page.input_value(".agenda-head input") != before or before.endswith("-10")
    meet(opened, "lane_list", "建华巷", "2026-11-27")
    opened.page.click("text=新增议题")

    opened.page.select_option(".agenda-head select >> nth=0", "estate_day")

    assert opened.page.input_value(".agenda-head input") == "2026-11-27"
    shown = "document.querySelectorAll('.agenda-head select')[1].selectedOptions[0].textContent"
    assert opened.page.evaluate(shown) == "建华巷"
    kept = json.loads(saved(opened, tmp_path / "kept.json").read_text(encoding="utf-8"))["meeting"]
    assert kept == {"kind": "estate_day", "date": "2026-11-27", "place": "建华巷"}


def test_notes_are_not_saved_without_the_day_of_their_meeting(open_page, meeting, tmp_path):
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.click("text=新增议题")
    opened.page.keyboard.type("加装路灯")
    opened.page.fill(".agenda-head input", "")
    downloads = []
    opened.page.on("download", lambda each: downloads.append(each))  # noqa: PLW0108

    opened.page.click("text=保存记录文件")

    assert opened.page.inner_text(".agenda [role=status]") == "请先填写会议日期，再保存。"
    assert opened.page.evaluate("document.activeElement.type") == "date"
    assert asks_before_leaving(opened)
    opened.page.fill(".agenda-head input", "2025-11-10")
    assert (
        json.loads(saved(opened, tmp_path / "n.json").read_text("utf-8"))["meeting"]["date"] == "2025-11-10"
    )
    assert len(downloads) == 1


def test_notes_in_another_encoding_are_refused_as_the_command_refuses_them(open_page, meeting, tmp_path):
    opened = open_page(meeting)
    meet(opened, "estate_day", "建华园1区", "2026-12-10")
    opened.page.click("text=新增议题")
    opened.page.keyboard.type("加装路灯")
    text = saved(opened, tmp_path / "own.json").read_text(encoding="utf-8").replace("加装", "拆除")
    for name, encoding in (("gbk.json", "gb18030"), ("utf16.json", "utf-16"), ("marked.json", "utf-8-sig")):
        (tmp_path / name).write_text(text, encoding=encoding)
    own = meeting_id(meeting)

    for name in ("gbk.json", "utf16.json"):
        opened.page.set_input_files(".agenda input[type=file]", [tmp_path / name])
        opened.page.wait_for_selector(f"text={name}不是UTF-8编码")
        with pytest.raises(InputError):
            read_notes(tmp_path / name, own)
    assert opened.page.locator(".agenda-items .entry").count() == 1
    opened.page.set_input_files(".agenda input[type=file]", [tmp_path / "marked.json"])
    opened.page.wait_for_selector("text=已合并marked.json，新增0条。 有1条与原有记录不一致")
    assert len(read_notes(tmp_path / "marked.json", own)) == 1


def asks_before_leaving(opened: Opened) -> bool:
    return opened.page.evaluate("!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")


def test_leaving_with_copies_merged_and_not_saved_is_asked_about(open_page, meeting, tmp_path):
    files = []
    for k in range(2):
        copy = open_page(meeting)
        meet(copy, "estate_day", "建华园1区", "2026-12-10")
        copy.page.click("text=新增议题")
        files.append(saved(copy, tmp_path / f"{k}.json"))
    opened = open_page(meeting)
    act(opened, "agenda")

    opened.page.set_input_files(".agenda input[type=file]", files[:1])
    opened.page.wait_for_selector("text=已合并0.json，新增1条。")
    assert not asks_before_leaving(opened)
    opened.page.set_input_files(".agenda input[type=file]", files[1:])
    opened.page.wait_for_selector("text=已合并1.json，新增1条。")
    assert asks_before_leaving(opened)
    saved(opened, tmp_path / "both.json")
    assert not asks_before_leaving(opened)


def test_open_cases_are_listed_whatever_the_slider_shows_and_hidden_classes_are_counted(open_page, meeting):
    told: dict[str, tuple[int, str]] = {}
    kinds: list[str] = []
    for way in ("plain", "slider", "class"):
        opened = open_page(meeting)
        if way == "slider":
            act(opened, "time")
            opened.page.evaluate("window.weige.meeting.goToDay(3)")
            opened.page.select_option(".timeline select", "1")
        if way == "class":
            # Of a class that one of the listed cases has.
            opened.page.evaluate(
                "(kind) => window.weige.meeting.page.incidents.show('kind', kind, false)", kinds[0]
            )
        meet(opened, "estate_day", "建华园1区", "2026-12-10")
        opened.page.click("text=列入未办结事件")
        listed = opened.page.locator(".agenda-items .entry").count()
        told[way] = (listed, opened.page.inner_text(".agenda [role=status]"))
        if way == "plain":
            subjects = opened.page.locator(".agenda-items textarea[aria-label$=议题内容]")
            kinds = [each.input_value().split("（")[0] for each in subjects.all()]

    assert told["slider"] == told["plain"]
    all_open, said = told["plain"]
    assert said == f"建华园1区：已列入{all_open}件未办结事件。"
    shown, said = told["class"]
    assert shown == all_open - kinds.count(kinds[0])
    assert f"另有{all_open - shown}件未列入" in said


def test_a_number_typed_as_a_department_is_masked_on_the_screen_too(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.click("text=新增议题")
    opened.page.fill(".entry-line input[type=text]", "城管 13812345678")
    opened.page.press(".entry-line input[type=text]", "Tab")

    assert opened.page.input_value(".entry-line input[type=text]") == "城管 ***"


def test_an_other_record_that_is_removed_on_the_page_leaves_the_decision_to_the_command(
    open_page, meeting, tmp_path
):
    made_on = meeting_id(meeting)
    said = {"甲": "2026-11-10T01:00:00Z", "乙": "2026-11-10T02:00:00Z"}
    copies = [
        notes(tmp_path / f"{k}.json", [entry("b", text="路灯", decision=decision, at=at)], file=made_on)
        for k, (decision, at) in enumerate(said.items())
    ]
    page = open_page(meeting).page
    page.click("[data-act=agenda]")
    page.set_input_files(".agenda input[type=file]", copies)
    other = page.locator(".agenda-items li", has_text="另一份记录")
    assert other.locator("textarea").nth(1).input_value() == "甲"
    other.get_by_role("button", name="删除").click()
    with page.expect_download() as download:
        page.click("text=保存记录文件")
    download.value.save_as(tmp_path / "settled.json")

    for files in ([tmp_path / "settled.json"], [*copies, tmp_path / "settled.json"]):
        found = merged(read_notes(each, made_on) for each in files)
        assert [(each.decision, each.removed, each.is_other_form) for each in found] == [("乙", False, False)]
