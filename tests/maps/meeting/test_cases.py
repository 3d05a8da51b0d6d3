"""The cases of a meeting: their table, the days on the time slider, and figures."""

from __future__ import annotations

import re

import pytest

from maps.export import write_map
from tests.maps.chromium import Opened
from tests.maps.meeting.hands import act, drawn_cases
from tests.maps.sample_plan import incidents, plan_frames, write_plan, write_points

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


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


# Whether the drawing with the numbers of grids lies above that of the cases.
ABOVE = """() => {
  const pane = document.querySelector(".leaflet-weige-labels-pane");
  const drawn = [...pane.querySelectorAll("canvas")];
  return drawn.findIndex((each) => each.classList.contains("cases-of-days")) <
    drawn.findIndex((each) => each.classList.contains("leaflet-zoom-animated"));
}"""


def test_signs_of_cases_that_slide_leave_the_numbers_of_grids_to_be_read(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "time")
    assert opened.page.evaluate(ABOVE)
    act(opened, "time")
    act(opened, "time")  # opened again
    assert opened.page.evaluate(ABOVE)


SIGNS = """() => {
  const canvas = document.querySelector("canvas.cases-of-days");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value !== 0);
}"""


def test_cases_that_are_unticked_do_not_slide_and_come_back(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "time")
    assert opened.page.evaluate(SIGNS)
    tick = opened.page.get_by_role("checkbox", name=re.compile("^事件"))
    tick.uncheck()
    opened.settle()
    assert not opened.page.evaluate(SIGNS)
    slide_to(opened, 3, 9)
    pan(opened, 40, 20)
    assert not opened.page.evaluate(SIGNS)
    tick.check()
    opened.settle()
    assert opened.page.evaluate(SIGNS)


def test_cases_of_another_place_are_told_on_the_page(open_page, tmp_path):
    frames = plan_frames()
    rows = [{**row, "lon": row["lon"] + 3} for row in incidents(frames, 12)]
    plan, output = write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "m.html"
    found = write_map(plan, output, incidents=str(write_points(tmp_path / "cases.csv", rows)))
    assert [(each.code, each.values["n"]) for each in found if each.severity == "warning"] == [
        ("cases_elsewhere", 12)
    ]
    opened = open_page(output)
    assert "12件，没有一件在本方案的网格内" in opened.page.inner_text(".elsewhere")

    here = write_map(plan, output, incidents=str(write_points(tmp_path / "cases.csv", incidents(frames, 12))))
    assert "cases_elsewhere" not in {each.code for each in here}
    assert open_page(output).page.locator(".elsewhere").count() == 0
