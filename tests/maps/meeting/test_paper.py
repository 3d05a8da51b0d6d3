"""Sheets of a meeting: chosen, laid out and printed, with what may stand on each."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pypdfium2
import pytest
from PIL.Image import Image
from playwright.sync_api import Page

from maps.export import map_page, read_plan_file, write_map
from tests.maps.chromium import Opened
from tests.maps.meeting.hands import act, drawn_cases, put_notes
from tests.maps.sample_plan import incidents, plan_frames, write_plan, write_points

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def pages_of(opened: Opened, path: Path, sheet: str | None) -> list[str]:
    """Text of each page of what is printed; without a sheet, by the menu of the browser."""
    if sheet:
        opened.page.evaluate(f"window.weige.meeting.lay('{sheet}')")
    path.write_bytes(opened.page.pdf(prefer_css_page_size=True))
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


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


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_long_decision_leaves_room_for_who_does_it_by_when(open_page, meeting, tmp_path, language):
    opened = open_page(meeting)
    if language == "en":
        opened.page.locator(".languages button", has_text="English").click()
    act(opened, "agenda")
    opened.page.click(f"text={'新增议题' if language == 'zh_CN' else 'Add an item'}")
    opened.page.keyboard.type("路灯不亮")
    item = ".agenda-items li"
    opened.page.fill(f"{item} textarea >> nth=1", "由城管中队会同物业公司现场核查并逐盏更换" * 7)
    opened.page.fill(f"{item} .entry-line input[type=text]", "城管中队")
    opened.page.fill(f"{item} .entry-line input[type=date]", "2025-12-01")
    opened.page.click(f"{item} .vote.yes button:last-child")

    pages_of(opened, tmp_path / "minutes.pdf", "minutes")

    # As wide as the paper inside its margins.
    opened.page.set_viewport_size({"width": 726, "height": 1000})
    opened.page.emulate_media(media="print")
    widths = opened.page.evaluate(
        "Array.from(document.querySelectorAll('.minutes th'), (cell) => cell.getBoundingClientRect().width)"
    )
    lines = opened.page.evaluate("""Array.from(document.querySelectorAll('.minutes td'), (cell) => {
        const range = document.createRange(); range.selectNodeContents(cell);
        return new Set(Array.from(range.getClientRects(), ({ top }) => Math.round(top))).size; })""")
    assert min(widths[1:]) > 90
    assert lines[0] == lines[1] == lines[4] == lines[5] == 1
    assert lines[2] <= 3


def test_minutes_of_nothing_say_so(open_page, meeting, tmp_path):
    pages = pages_of(open_page(meeting), tmp_path / "minutes.pdf", "minutes")

    assert "小区议事日" in pages[0]
    assert "还没有议题" in pages[0]


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


def test_the_stamp_tells_cases_whose_day_cannot_be_read(open_page, tmp_path):
    frames = plan_frames()
    rows = incidents(frames, 6)
    rows[0]["reported_at"] = "昨天"
    cases = str(write_points(tmp_path / "cases.csv", rows))
    write_map(
        write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "m.html", incidents=cases,
        period="2026-11-01/2026-11-30",
    )  # fmt: skip

    ((told, _),) = sheets_of(open_page(tmp_path / "m.html"), "A4", tmp_path)
    assert "显示5行，共6行" in told.replace("\r\n", "")
    assert "1件事件的上报日期空缺或无法识别，未列入" in told.replace("\r\n", "")


def meeting_with_placeless_cases(tmp_path: Path) -> Path:
    """Twelve cases, one on each day from 1 November on; the first three have no place."""
    frames = plan_frames()
    rows = pd.DataFrame(incidents(frames, 12))
    places = gpd.points_from_xy(rows["lon"].astype(float), rows["lat"].astype(float), crs="EPSG:4326")
    cases = gpd.GeoDataFrame(rows.drop(columns=["lon", "lat", "text"]), geometry=places)
    # A service knows cases that nobody has located yet.
    cases.loc[:2, "geometry"] = None
    output = tmp_path / "placeless.html"
    frames = read_plan_file(write_plan(tmp_path / "plan.gpkg", frames), crs="EPSG:4326")
    output.write_text(map_page(frames, incidents=cases, source="甲街道"), encoding="utf-8")
    return output


def test_cases_without_a_place_are_told_apart_from_those_on_the_map(open_page, tmp_path):
    opened = open_page(meeting_with_placeless_cases(tmp_path))
    opened.page.click("#tab-incidents")

    assert opened.page.inner_text(".shown") == "显示9件，共12件；3件没有位置，不在图上"
    ((told, _),) = sheets_of(opened, "A4", tmp_path)
    assert "图上显示事件9件，共12件；3件没有位置，不在图上" in told


def test_the_time_slider_tells_which_cases_of_its_days_have_no_place(open_page, tmp_path):
    opened = open_page(meeting_with_placeless_cases(tmp_path))
    page = opened.page
    page.click("#tab-incidents")
    act(opened, "time")
    page.evaluate("window.weige.meeting.goToDay(4)")
    days = "2026年11月1日至2026年11月5日"

    assert page.inner_text(".span-said") == f"{days}：2件，另有3件没有位置"
    assert page.get_attribute(".timeline input", "aria-valuetext") == page.inner_text(".span-said")
    shown = f"图上显示{days}的事件2件，共12件；3件没有位置，不在图上"
    assert page.inner_text(".shown") == shown
    ((told, _),) = sheets_of(opened, "A4", tmp_path)
    assert shown in told
    page.select_option(".timeline select", "1")
    assert page.inner_text(".span-said") == "2026年11月5日：1件"
    page.evaluate("window.weige.meeting.goToDay(1)")
    assert page.inner_text(".span-said") == "2026年11月2日：0件，另有1件没有位置"


def test_on_a_phone_the_map_keeps_its_height_whichever_days_have_cases_without_a_place(open_page, tmp_path):
    opened = open_page(meeting_with_placeless_cases(tmp_path), width=390, height=800)
    page = opened.page
    page.evaluate("document.querySelector('[data-act=time]').click()")
    heights = set()
    for span, day in (("0", 11), ("0", 0), ("1", 1), ("1", 5), ("7", 4)):
        page.select_option(".timeline select", span)
        page.evaluate(f"window.weige.meeting.goToDay({day})")
        heights.add(page.locator(".leaflet-container").bounding_box()["height"])

    assert len(heights) == 1


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
    # Not the day on which the file was made.
    assert "图表依据2026年11月23日的方案生成" in "".join(told.split())
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


@pytest.mark.parametrize(
    ("words", "least"),
    [
        ("内部资料", 300),
        ("仅供城南街道微网格调整讨论会使用" * 3, 220),
        ("For the meeting of the street only, not to be copied " * 4, 45),
    ],
)
def test_a_watermark_of_any_length_is_whole(open_page, tmp_path, words, least):
    plan, output = write_plan(tmp_path / "plan.gpkg", plan_frames()), tmp_path / "m.html"
    write_map(plan, output, watermark=words)
    opened = open_page(output)
    # Nothing is drawn at the very edge of a tile, and the more words the more ink.
    edge, ink, n = opened.page.evaluate(
        """async () => {
          const image = new Image();
          image.src = getComputedStyle(document.querySelector(".watermark")).backgroundImage.slice(5, -2);
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.width, image.height];
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
          let [edge, ink] = [0, 0];
          for (let at = 0; at < canvas.width * canvas.height; at++) {
            if (!data[4 * at + 3]) continue;
            const [x, y] = [at % canvas.width, Math.floor(at / canvas.width)];
            ink += 1;
            if (x < 4 || y < 4 || x >= canvas.width - 4 || y >= canvas.height - 4) edge += 1;
          }
          return [edge, ink, canvas.width];
        }"""
    )
    assert edge == 0
    assert ink > least * len(words.replace(" ", ""))  # squeezed into one line a letter has less
    assert n < 800
