"""The file for a meeting opened from its file: tables, time, figures, agenda, paper, old browsers."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pypdfium2
import pytest
from PIL.Image import Image
from playwright.sync_api import Page

from geo.errors import InputError
from maps.export import write_map
from maps.notes import meeting_id, merged, read_notes
from tests.accessibility import Findings
from tests.maps.chromium import Opened
from tests.maps.sample_plan import incidents, plan_frames, stations, write_plan, write_points
from tests.maps.test_notes import entry, notes

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Chromium 78 and 79 do not inflate by themselves, and know no replaceChildren.
OLD = "delete window.DecompressionStream; delete Element.prototype.replaceChildren;"


@pytest.fixture(scope="module")
def meeting(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("meeting")
    frames = plan_frames()
    rows = incidents(frames, 90)
    for k, row in enumerate(rows):
        # Long ago, so that nothing depends on the day of the test.
        row["reported_at"] = f"2025-11-{k % 28 + 1:02d} 08:{k % 60:02d}"
        row["category"] = "E0102"
        row["closed_at"] = f"2025-11-{k % 28 + 2:02d} 09:00" if k % 3 == 0 else ""
    plan = write_plan(folder / "plan.gpkg", frames)
    output = folder / "meeting.html"
    write_map(
        plan, output, incidents=str(write_points(folder / "cases.csv", rows)),
        stations=str(write_points(folder / "stations.csv", stations(frames, 4))),
        period="2025-11-01/2025-11-28", watermark="内部资料",
    )  # fmt: skip
    return output


def act(opened: Opened, name: str) -> None:
    opened.page.click(f"[data-act={name}]")


def drawn_cases(opened: Opened) -> int:
    return int(re.search(r"([\d,]+)件$", opened.page.inner_text(".span-said"))[1].replace(",", ""))


def test_the_table_is_sorted_searched_and_walked_by_keyboard_alone(open_page, meeting):
    opened = open_page(meeting)
    page = opened.page
    page.focus("[data-act=table]")
    page.keyboard.press("Enter")
    page.focus(".meeting-table thead th:nth-child(2) button")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    shown = [int(text) for text in page.locator(".meeting-table tbody td:nth-child(2)").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    assert page.get_attribute(".meeting-table thead th:nth-child(2)", "aria-sort") == "descending"
    page.focus(".meeting-table tbody .code >> nth=0")
    page.keyboard.press("ArrowDown")
    code = page.evaluate("document.activeElement.textContent")
    assert code == page.inner_text(".meeting-table tbody .code >> nth=1")
    page.keyboard.press("Enter")
    opened.page.wait_for_selector(".popup")
    assert code in page.inner_text(".popup")
    page.fill(".meeting-table .find", code[-3:])
    assert page.locator(".meeting-table tbody tr").count() == 1
    page.focus(".meeting-table .find")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.act") == "table"


def test_the_time_slider_shows_the_cases_of_its_days_and_the_table_follows(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "time")
    whole = drawn_cases(opened)
    opened.page.evaluate("window.weige.meeting.goToDay(9)")
    until = drawn_cases(opened)
    opened.page.select_option(".timeline select", "1")
    of_day = drawn_cases(opened)
    act(opened, "table")
    opened.page.click(".meeting-table .chips button >> nth=1")

    assert (whole, until, of_day) == (90, 36, 3)  # case k is reported on day k % 28
    days = opened.page.locator(".meeting-table tbody td:nth-child(5)").all_inner_texts()
    assert {day[:10] for day in days} == {"2025-11-10"}
    opened.page.focus(".timeline input")
    opened.page.keyboard.press("ArrowRight")
    opened.settle()
    assert "11月11日" in opened.page.get_attribute(".timeline input", "aria-valuetext")


def test_the_table_is_of_the_days_that_the_keyboard_chose(open_page, meeting):
    opened = open_page(meeting)
    page = opened.page
    act(opened, "time")
    act(opened, "table")
    page.click(".meeting-table .chips button >> nth=1")

    for key, listed in (("Home", 4), ("ArrowRight", 8), ("End", 90), ("ArrowLeft", 87)):
        page.focus(".timeline input")
        page.keyboard.press(key)
        opened.settle()
        assert drawn_cases(opened) == listed
        assert re.search(r"\d+", page.inner_text(".meeting-table caption"))[0] == str(listed)


def slide_to(opened: Opened, *days: int) -> None:
    """Move the slider as a pointer does, day after day."""
    for day in days:
        opened.page.evaluate(
            """async (day) => {
              const slider = document.querySelector(".timeline input");
              slider.value = String(day);
              slider.dispatchEvent(new Event("input"));
              await new Promise(requestAnimationFrame);
              await new Promise(requestAnimationFrame);
            }""",
            day,
        )


def pan(opened: Opened, dx: int, dy: int) -> None:
    opened.page.evaluate(f"void window.weige.meeting.page.map.panBy([{dx}, {dy}], {{ animate: false }})")
    opened.settle()


@pytest.mark.parametrize("days", ["0", "7"])
def test_slid_forth_and_back_the_map_shows_what_a_fresh_page_shows(open_page, meeting, days):
    pictures = []
    for way in ((27, 3, 20, 0, 14, 9), (9,)):
        opened = open_page(meeting)
        act(opened, "time")
        opened.page.select_option(".timeline select", days)
        slide_to(opened, way[0])
        pan(opened, 150, -60)
        slide_to(opened, *way)
        pictures.append(opened.page.locator(".leaflet-container").screenshot())

    assert pictures[0] == pictures[1]


# Distance from each case to the nearest pixel that is drawn, and from each such pixel to the nearest case.
DISTANCES = """(places) => {
  const { map } = window.weige.meeting.page;
  const canvas = document.querySelector(".leaflet-weige-labels-pane canvas.grids-picture");
  const [ground, sheet] = [map.getContainer(), canvas].map((each) => each.getBoundingClientRect());
  const cases = places.map((each) => map.latLngToContainerPoint(each)).filter(({ x, y }) =>
    x >= 0 && y >= 0 && x < ground.width && y < ground.height);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const near = cases.map(() => Infinity);
  let far = 0;
  for (let at = 0; at < canvas.width * canvas.height; at++) {
    if (!data[4 * at + 3]) continue;
    const x = at % canvas.width + sheet.left - ground.left;
    const y = Math.floor(at / canvas.width) + sheet.top - ground.top;
    const away = cases.map((each) => Math.hypot(each.x - x, each.y - y));
    away.forEach((distance, i) => { near[i] = Math.min(near[i], distance); });
    far = Math.max(far, Math.min(...away));
  }
  return [near, far, canvas.width < ground.width || canvas.height < ground.height];
}"""


def test_the_cases_of_a_day_are_drawn_where_they_happened_and_nothing_else(open_page, meeting):
    rows = incidents(plan_frames(), 90)
    opened = open_page(meeting)
    act(opened, "time")
    opened.page.select_option(".timeline select", "1")
    seen = 0
    for dx, dy, day in ((0, 0, 9), (180, -70, 0), (-420, 130, 27), (240, -60, 12)):
        pan(opened, dx, dy)
        slide_to(opened, day)
        # case k is reported on day k % 28
        places = [[row["lat"], row["lon"]] for k, row in enumerate(rows) if k % 28 == day]
        near, far, is_part = opened.page.evaluate(DISTANCES, places)
        assert max(near, default=0) <= 8
        assert far <= 22
        assert is_part  # more than the cases' part of the map is neither written nor shown
        seen += len(near)
    assert seen >= 6


def test_the_figures_are_those_of_the_cases(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "charts")

    # Every third case was closed 25 hours after its report.
    counts = opened.page.locator(".chart.classes .number").all_inner_texts()
    assert sum(int(count) for count in counts) == 90
    due = re.search(r"应办结(\d+)件，其中3日内办结(\d+)件", opened.page.inner_text(".chart.share"))
    assert (int(due[1]), int(due[2])) == (90, 30)


def test_cases_that_do_not_say_when_they_were_closed_have_no_share_closed_in_time(open_page, tmp_path):
    frames = plan_frames()
    rows = [{**row, "state": "结案", "reported_at": "2025-11-03 08:00"} for row in incidents(frames, 12)]
    for name, more in (("without", {}), ("empty", {"closed_at": ""})):
        cases = write_points(tmp_path / f"{name}.csv", [{**row, **more} for row in rows])
        write_map(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "meeting.html", incidents=str(cases))
        opened = open_page(tmp_path / "meeting.html")
        act(opened, "charts")
        assert "事件没有结案时间" in opened.page.inner_text(".chart-part:last-child")
        assert opened.page.locator(".share-value").count() == 0
        act(opened, "table")
        opened.page.click(".meeting-table .chips button >> nth=1")
        assert opened.page.locator(".meeting-table thead th").count() == 5


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
    assert first.page.locator(".agenda-items .entry").count() == 82
    assert first.page.locator(".sticker").count() == 2
    damaged = tmp_path / "damaged.json"
    damaged.write_text(files[0].read_text(encoding="utf-8")[:-40], encoding="utf-8")
    first.page.set_input_files(".agenda input[type=file]", [damaged])
    first.page.wait_for_selector("text=damaged.json不是会议记录，或已损坏，未合并。")
    assert first.page.locator(".agenda-items .entry").count() == 82


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
    opened.page.wait_for_selector("text=已合并marked.json，新增1条。")
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


def test_a_comment_is_put_where_the_map_is_clicked(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.click("text=在地图上贴便签")
    box = opened.page.locator(".folium-map").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert opened.page.locator(".agenda-comments .entry").count() == 1
    assert opened.page.locator(".popup").count() == 0
    assert re.search(r"网格\d{15}", opened.page.inner_text(".agenda-comments"))


def pages_of(opened: Opened, path: Path, sheet: str | None) -> list[str]:
    """Text of each page of what is printed; without a sheet, by the menu of the browser."""
    if sheet:
        opened.page.evaluate(f"window.weige.meeting.lay('{sheet}')")
    path.write_bytes(opened.page.pdf(prefer_css_page_size=True))
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def put_notes(opened: Opened, *texts: str) -> None:
    if not opened.page.is_visible(".agenda"):
        act(opened, "agenda")
    for said in texts:
        opened.page.click("text=便签贴在图中央")
        opened.page.keyboard.type(said)


def test_notes_reach_paper_by_the_numbers_that_they_have_on_the_map(open_page, meeting, tmp_path):
    opened = open_page(meeting)
    put_notes(opened, "此处积水", "多余的", "路灯不亮")
    opened.page.click(".agenda-comments li:nth-child(2) [aria-label$=删除]")

    for sheet in (None, "minutes", "A4", "A3"):
        pages = pages_of(opened, tmp_path / "sheet.pdf", sheet)
        assert len(pages) == 1
        if sheet == "A3":  # what reads a sheet loses letters of one so wide
            assert "灯" in pages[0]
            continue
        assert re.search(r"1\s*此处积水", pages[0]), sheet
        assert re.search(r"2\s*路灯不亮", pages[0]), sheet
        assert "多余的" not in pages[0]
    opened.page.click("text=新增议题")
    opened.page.keyboard.type("加装路灯")
    minutes = pages_of(opened, tmp_path / "sheet.pdf", "minutes")
    assert "加装路灯" in minutes[0]
    assert "路灯不亮" in minutes[0]
    assert "路灯不亮" not in "".join(pages_of(opened, tmp_path / "sheet.pdf", "notice"))


def test_more_notes_than_a_sheet_has_room_for_go_on_the_next(open_page, meeting, tmp_path):
    opened = open_page(meeting)
    put_notes(opened, *(f"第{k}处积水，下雨天老人出行不便，请街道和物业一起到现场看一看" for k in range(30)))

    pages = pages_of(opened, tmp_path / "sheet.pdf", "A4")

    assert len(pages) == 2
    for k in range(30):
        assert f"第{k}处积水" in pages[1]


def test_minutes_of_nothing_say_so(open_page, meeting, tmp_path):
    pages = pages_of(open_page(meeting), tmp_path / "minutes.pdf", "minutes")

    assert "小区议事日" in pages[0]
    assert "还没有议题" in pages[0]


def test_a_note_on_the_map_opens_the_agenda_where_it_is(open_page, meeting):
    opened = open_page(meeting)
    put_notes(opened, "此处积水")
    act(opened, "agenda")
    assert not opened.page.is_visible(".agenda")

    opened.page.click(".sticker")

    assert opened.page.is_visible(".agenda")
    assert opened.page.evaluate("document.activeElement.value") == "此处积水"


def test_on_a_phone_the_agenda_steps_aside_while_a_place_is_asked_for(open_page, meeting):
    opened = open_page(meeting, 390, 844, has_touch=True)
    page = opened.page
    act(opened, "agenda")
    page.click("text=在地图上贴便签")
    assert not page.is_visible(".dock")
    page.click(".asking button")
    assert page.is_visible(".agenda")
    page.click("text=在地图上贴便签")
    assert "请在地图上点击" in page.inner_text(".asking")
    box = page.locator(".folium-map").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.wait_for_selector(".agenda-comments .entry")
    assert page.is_visible(".agenda")
    assert not page.is_visible(".asking")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.click(".entry-head button >> nth=0")
    assert not page.is_visible(".dock")


def test_who_closes_the_agenda_is_no_longer_asked_for_a_place(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.click("text=在地图上贴便签")
    act(opened, "agenda")
    box = opened.page.locator(".folium-map").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert opened.page.locator(".sticker").count() == 0
    act(opened, "agenda")
    assert opened.page.locator(".agenda-comments .entry").count() == 0
    assert opened.page.inner_text(".agenda [role=status]") == ""


# Note which sheets the browser is asked to print.
PRINTS = """() => {
  window.printed = [];
  window.print = () => window.printed.push(document.documentElement.dataset.sheet);
}"""


def test_a_sheet_to_print_is_chosen_by_keyboard_and_nothing_is_printed_on_the_way(open_page, meeting):
    page = open_page(meeting).page
    page.evaluate(PRINTS)
    page.focus("[data-act=print]")
    for keys, chosen in (
        (("ArrowDown", "ArrowDown"), "A3"),
        (("Enter", "ArrowUp"), "minutes"),
        (("ArrowDown", "End", "ArrowUp"), "notice"),
    ):
        for key in keys:
            assert page.evaluate("window.printed") == []
            page.keyboard.press(key)
        assert page.get_attribute("[data-act=print]", "aria-expanded") == "true"
        page.keyboard.press("Enter")
        assert page.evaluate("window.printed.splice(0)") == [chosen]
        assert page.evaluate("document.activeElement.dataset.act") == "print"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert not page.is_visible(".menu")
    page.click("[data-act=print]")
    page.click(".span-said, .folium-map")
    assert not page.is_visible(".menu")
    assert page.evaluate("window.printed") == []


def sheets_of(opened: Opened, sheet: str, folder: Path) -> list[tuple[str, Image]]:
    """Text and picture of each page."""
    opened.page.evaluate(f"window.weige.meeting.lay('{sheet}')")
    (folder / "sheet.pdf").write_bytes(opened.page.pdf(prefer_css_page_size=True))
    with pypdfium2.PdfDocument(folder / "sheet.pdf") as document:
        return [(page.get_textpage().get_text_bounded(), page.render(scale=2).to_pil()) for page in document]


def test_panel_and_paper_tell_the_days_and_classes_of_the_cases_shown(open_page, meeting, tmp_path):
    opened = open_page(meeting)
    page = opened.page
    page.click("#tab-incidents")
    assert page.inner_text(".shown") == "显示90件，共90件"
    ((whole, _),) = sheets_of(opened, "A4", tmp_path)
    assert "图上显示" not in whole
    act(opened, "time")
    page.focus(".timeline input")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    opened.settle()
    assert page.inner_text(".shown") == "图上显示2025年11月1日至2025年11月2日的事件8件，共90件"
    page.click(".panel fieldset input >> nth=0")
    opened.settle()
    left = drawn_cases(opened)
    assert left < 8
    assert f"事件{left}件，共90件" in page.inner_text(".shown")
    kind = page.inner_text(".panel fieldset li >> nth=0").split("\n")[0]
    for sheet in ("A4", "A3"):
        ((told, _),) = sheets_of(opened, sheet, tmp_path)
        assert f"图上显示2025年11月1日至2025年11月2日的事件{left}件，共90件；未显示类别：{kind}" in told
    act(opened, "time")
    assert page.inner_text(".shown") == f"显示{90 - whole_of(page, 0)}件，共90件"
    ((told, _),) = sheets_of(opened, "A4", tmp_path)
    assert f"图上显示事件{90 - whole_of(page, 0)}件，共90件；未显示类别：{kind}" in told


def whole_of(page: Page, place: int) -> int:
    return int(page.locator(".panel fieldset .number").nth(place).inner_text())


def test_paper_explains_the_signs_of_classes_and_holds_the_map_however_many_there_are(open_page, tmp_path):
    frames = plan_frames()
    rows = [
        {**row, "kind": f"{k % 30}类" + "很长的名称" * (k % 3), "reported_at": "2025-11-03 08:00"}
        for k, row in enumerate(incidents(frames, 90))
    ]
    write_map(
        write_plan(tmp_path / "plan.gpkg", frames),
        tmp_path / "meeting.html",
        incidents=str(write_points(tmp_path / "cases.csv", rows)),
    )
    opened = open_page(tmp_path / "meeting.html")
    act(opened, "time")
    opened.page.click("#tab-incidents")
    for place in range(13):
        opened.page.click(f".panel fieldset input >> nth={place}")
    for sheet in ("A4", "A3"):
        ((told, _),) = sheets_of(opened, sheet, tmp_path)
        assert "另有6类" in told
        assert "多件事件" in told
        assert "另有7项" in told
        assert "制图" in told  # under the map


def test_the_public_notice_shows_grids_and_a_legend_and_nothing_of_the_meeting(open_page, meeting, tmp_path):
    def shot(opened: Opened) -> tuple[str, bytes]:
        told, picture = sheets_of(opened, "notice", tmp_path)[0]
        return told, picture.crop((0, 0, picture.width, picture.height // 2)).tobytes()

    opened = open_page(meeting)
    told, bare = shot(opened)
    assert "图例" in told or "微网格规模" in told
    for word in ("cases.csv", "事件", "驿站"):
        assert word not in told
    act(opened, "agenda")
    opened.page.click("text=便签贴在图中央")
    act(opened, "agenda")
    assert shot(opened)[1] == bare
    opened.page.click("#tab-legend")
    for layer in ("事件", "红色驿站"):
        opened.page.click(f".layers label:has-text('{layer}') input")
    opened.page.evaluate("document.querySelector('.watermark').remove()")
    opened.settle()
    assert shot(opened)[1] == bare
    ((_, first),) = sheets_of(opened, "A4", tmp_path)
    assert first.width > first.height
    assert not opened.page.is_checked(".layers label:has-text('事件') input")
    assert opened.page.is_checked(".layers label:has-text('单元') input")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1024, 768), (1920, 1080)])
def test_in_projector_mode_the_panel_makes_room_for_what_is_open_beside_the_map(
    open_page, meeting, width, height
):
    opened = open_page(meeting, width, height)
    page = opened.page
    act(opened, "time")
    act(opened, "projector")
    assert page.is_visible(".panel")
    for side in ("table", "agenda", "charts"):
        act(opened, side)
        opened.settle()
        assert not page.is_visible(".panel")
        ground = page.locator(".ground").bounding_box()
        assert ground["width"] >= 480
        assert ground["height"] >= 400
        wide = page.evaluate(
            "Math.max(...['html', 'body', '#weige'].map((each) => document.querySelector(each).scrollWidth))"
        )
        assert wide <= width
        boxes = [each.bounding_box() for each in page.locator(".leaflet-control").all()]
        for a, b in itertools.combinations(boxes, 2):
            assert (
                a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
                or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
            )  # fmt: skip
    act(opened, "panel")
    assert page.is_visible(".panel")
    assert page.is_visible(".dock") == (width == 1920)
    if width == 1920:
        act(opened, "panel")
        assert not page.is_visible(".panel")
        act(opened, "charts")
    assert page.is_visible(".panel")
    act(opened, "projector")
    act(opened, "table")
    assert page.is_visible(".panel")


def test_in_projector_mode_labels_are_half_as_large_again(open_page, meeting):
    opened = open_page(meeting, 1920, 1080)
    before = min(label["size"] for label in opened.labels())
    act(opened, "projector")
    opened.settle()

    assert min(label["size"] for label in opened.labels()) >= 1.5 * before
    label = next(label for label in opened.labels() if label["kind"] == "grid")
    box = opened.page.locator(".folium-map").bounding_box()
    x0, y0, x1, y1 = label["box"]
    opened.page.mouse.click(box["x"] + (x0 + x1) / 2, box["y"] + (y0 + y1) / 2)
    assert label["text"].split("\n")[0] in opened.page.inner_text(".popup")


@pytest.mark.parametrize(("sheet", "size"), [("A4", "841"), ("A3", "1191"), ("minutes", "594")])
def test_each_sheet_is_one_page_of_its_size(open_page, meeting, tmp_path, sheet, size):
    opened = open_page(meeting)
    opened.page.evaluate(f"window.weige.meeting.lay('{sheet}')")

    pdf = opened.page.pdf(prefer_css_page_size=True)

    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    assert re.search(rb"/MediaBox \[0 0 " + size.encode(), pdf)


def test_the_notice_of_four_hundred_grids_is_three_sheets_and_names_each_grid(open_page, tmp_path):
    frames = plan_frames(60, 40, grid_columns=20, grid_rows=20)
    write_map(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "meeting.html")
    opened = open_page(tmp_path / "meeting.html")
    opened.page.evaluate("window.weige.meeting.lay('notice')")

    (tmp_path / "notice.pdf").write_bytes(opened.page.pdf(prefer_css_page_size=True))

    with pypdfium2.PdfDocument(tmp_path / "notice.pdf") as document:
        told = [page.get_textpage().get_text_bounded() for page in document]
    assert len(told) <= 3
    grids = set(frames["micro_grids"]["grid_id"])
    assert len(grids) == 400
    # The first letter of a sheet is left out by what reads it.
    assert {grid for grid in grids if grid[1:] not in "".join(told)} == set()


def test_paper_has_the_ground_under_the_labels(open_page, meeting):
    opened = open_page(meeting)
    opened.page.evaluate(
        """() => window.matchMedia("print").addEventListener("change", ({ matches }) => {
          const sheet = document.querySelector("canvas.sheet");
          if (matches) window.colours = new Set(new Uint32Array(
            sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height).data.buffer)).size;
        })"""
    )
    opened.page.pdf(prefer_css_page_size=True)

    assert opened.page.evaluate("window.colours") > 20
    assert opened.page.evaluate("document.querySelector('canvas.sheet').width") == 0


def test_the_oldest_browser_shows_the_map(browser, meeting):
    context = browser.new_context()
    context.add_init_script(OLD)
    page = context.new_page()
    page.goto(meeting.as_uri())
    page.evaluate("window.weige.ready")

    assert page.evaluate("window.weige.labels().length") > 5
    assert not page.is_visible("#weige-too-old")
    context.close()


def test_a_browser_that_cannot_read_the_program_says_which_one_can(browser, meeting, tmp_path):
    page_text = meeting.read_text(encoding="utf-8")
    broken = tmp_path / "old.html"
    # What a browser does that stumbles over new syntax: it runs nothing of that script.
    at = page_text.rindex("<script>", 0, page_text.index('"weige-runs"')) + len("<script>")
    broken.write_text(page_text[:at] + "let let = ;" + page_text[at:], encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(broken.as_uri())

    assert "浏览器版本过低" in page.inner_text("#weige-too-old")
    box = page.locator("#weige-too-old").bounding_box()
    assert 0 <= box["y"] < 700
    context.close()


@pytest.mark.parametrize("side", [None, "table", "charts", "agenda"])
def test_axe_finds_nothing_serious(browser, meeting, side):
    context = browser.new_context(viewport={"width": 1366, "height": 768}, bypass_csp=True)
    page = context.new_page()
    page.goto(meeting.as_uri())
    page.evaluate("window.weige.ready")
    page.click("[data-act=time]")
    if side:
        page.click(f"[data-act={side}]")
    if side == "agenda":
        page.click("text=新增议题")
    page.fill("#search", "建华园")
    findings = Findings()
    findings.look(page, side or "time")

    assert findings.rules > 10
    assert findings.found == []
    context.close()
