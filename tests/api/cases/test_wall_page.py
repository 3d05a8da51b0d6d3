"""The wall in a browser on the real service: live, by itself, and without any request to elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from api.cases import wall_feed
from api.database import Store
from tests.accessibility import Findings
from tests.api.cases.desk import IN_SECOND, LAT, LON, Desk
from tests.api.cases.test_wall_routes import import_cases
from tests.api.place import SIDE_DEG
from tests.api.planner_page import browser_of, faults_of
from tests.api.processes import wait_until

pytestmark = pytest.mark.xdist_group("npm")


class Wall:
    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.faults = faults_of(page)
        self.elsewhere: list[str] = []
        page.on("request", lambda asked: self.note(asked.url, address))
        page.goto(address)
        page.evaluate("() => window.weigeCases.ready")
        wait_until(lambda: self.ask("link") == "live", what="the stream")

    def note(self, url: str, address: str) -> None:
        if not url.startswith((address.split("/wall", maxsplit=1)[0], "data:")):
            self.elsewhere.append(url)

    def ask(self, what: str) -> Any:
        return self.page.evaluate(f"() => window.weigeCases.wall.{what}()")

    def figure(self, name: str) -> int:
        return int(self.page.locator(f"#strip .{name} dd").inner_text().replace(",", ""))

    def shows(self, n: int) -> None:
        wait_until(lambda: self.figure("open") == n and self.ask("total") == n, what=f"{n} cases")


@pytest.fixture
def wall(store: Store, browser: Browser, served: str, desk: Desk) -> Iterator[Wall]:
    street = ("dispatcher", desk.street), ("viewer", desk.street)
    with browser_of(store, browser, "centre", *street) as context:
        yield Wall(context.new_page(), f"{served}/wall")


def test_a_report_is_on_the_map_at_once_and_a_wall_asks_nobody_else(wall: Wall, desk: Desk):
    wall.shows(0)
    number = desk.report()["number"]
    wall.page.wait_for_function("(n) => window.weigeCases.wall.seen()[n]", arg=number, timeout=5000)
    wall.shows(1)
    assert wall.ask("shown") == 1
    desk.report(lon=IN_SECOND[0], lat=IN_SECOND[1])
    wall.shows(2)
    wall.page.locator("#feed button").first.wait_for()
    assert wall.page.locator("#feed button").count() == 2

    desk.take(number, ("dispatcher", "refuse", {"reason": "not_ours", "note": "不属本街道"}))
    wall.shows(1)
    assert wall.figure("closed_today") == 1
    assert wall.elsewhere == []
    assert wall.faults == []


def test_an_import_comes_to_a_wall_that_was_answered_before_it_was_read(
    wall: Wall, desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(wall_feed, "WAIT_FOR_ANEW_S", 0.0)
    wall.shows(0)
    import_cases(store, desk, 30)
    begun = time.monotonic()
    wall.shows(30)
    # Asked for without any event it would be there after half a minute.
    assert time.monotonic() - begun < 15


def test_filters_stay_in_the_address_and_two_walls_show_different_areas(wall: Wall, desk: Desk, served: str):
    desk.report(category="E0402")
    desk.report()
    wall.shows(2)
    wall.page.select_option("[name=category]", "E0402")
    wall.shows(1)
    assert "category=E0402" in wall.page.url
    desk.report()
    desk.report(category="E0402")
    wall.shows(2)

    other = Wall(wall.page.context.new_page(), f"{served}/wall?area=320924001001&role=viewer&name=建华")
    other.shows(4)
    assert other.page.locator("#wall-name").inner_text() == "建华"
    assert other.page.locator("#filters [name=area]").input_value() == "320924001001"


def test_the_classes_of_the_filter_stand_below_their_large_ones(wall: Wall):
    grouped = wall.page.locator("[name=category] optgroup[label='突发事件'] option[value=E0499]")
    assert grouped.text_content() == "其他"
    assert wall.page.locator("[name=category] > option").count() == 1, "a class without its large one"


def test_what_the_address_says_and_no_wall_knows_is_told_and_left_out(wall: Wall, desk: Desk, served: str):
    desk.report()
    wall.page.goto(f"{served}/wall?category=nonsense&bbox=abc&kind=incident&area=%3Cimg%20src=x%3E")
    wall.page.evaluate("() => window.weigeCases.ready")
    wall.shows(1)
    told = wall.page.locator("#ignored")
    expect(told).to_contain_text("3项筛选无法识别")
    expect(told).to_contain_text("category=nonsense, bbox=abc, area=<img src=x>")
    wall.page.set_viewport_size({"width": 390, "height": 844})
    assert wall.page.evaluate("document.documentElement.scrollWidth") == 390
    # With the next filter the address says what is shown.
    wall.page.get_by_label("类型").select_option("wish")
    expect(told).to_be_hidden()
    assert wall.page.url.endswith("/wall?kind=wish")
    wall.shows(0)
    assert wall.faults == []


def test_a_note_on_one_wall_is_shown_on_the_other(store: Store, wall: Wall, desk: Desk, served: str):
    overdue(store, desk.report()["number"])
    wall.page.reload()
    other = Wall(wall.page.context.new_page(), f"{served}/wall")
    other.page.locator("#late button").first.wait_for()
    wall.page.locator("#late button").first.focus()
    wall.page.keyboard.press("Enter")
    wall.page.get_by_label("备注").fill("已电话通知")
    wall.page.get_by_role("button", name="静音 30 分钟").click()

    other.page.locator("#late .noted").wait_for()
    assert "已电话通知" in other.page.locator("#late .noted").inner_text()


def overdue(store: Store, number: str) -> None:
    with store.owner.begin() as owner:
        owner.execute(
            text("UPDATE cases SET due_at = now() - interval '3 hours' WHERE number = :n"), {"n": number}
        )


def test_a_locked_view_stays_and_an_unlocked_one_follows_the_set_that_is_asked_for(wall: Wall, desk: Desk):
    desk.report()
    desk.report(lon=IN_SECOND[0], lat=IN_SECOND[1], category="E0402")
    wall.shows(2)
    before = wall.ask("view")
    desk.report(lon=LON + 0.0039, lat=LAT + 0.0019)
    wall.shows(3)
    assert wall.ask("view") == before

    wall.page.keyboard.press("l")
    locked = wall.ask("view")
    wall.page.select_option("[name=category]", "E0402")
    wall.shows(1)
    assert wall.ask("view") == {**locked, "locked": True}
    wall.page.locator("#fit").click()
    wait_until(lambda: wall.ask("view")["lon"] == pytest.approx(IN_SECOND[0], abs=1e-3), what="the view")


def test_the_ground_fills_the_wall(wall: Wall):
    wall.page.set_viewport_size({"width": 400, "height": 800})
    wall.page.reload()
    wall.page.evaluate("() => window.weigeCases.ready")
    wall.shows(0)
    zoom = wall.ask("view")["zoom"]
    room = wall.page.evaluate("() => [map.clientWidth - 60, map.clientHeight - 60]")
    # Two grids side by side, at 33 degrees north.
    across = 256 * 2**zoom * SIDE_DEG / 360
    wide, high = 4 * across, 2 * across / math.cos(math.radians(LAT))
    assert zoom < 17
    assert wide <= room[0] + 1
    assert high <= room[1] + 1
    # A quarter of a zoom more would not fit.
    assert wide * 2**0.25 > room[0] - 1 or high * 2**0.25 > room[1] - 1


def test_a_wall_that_was_cut_off_says_so_and_misses_and_doubles_nothing(wall: Wall, desk: Desk):
    desk.report()
    wall.shows(1)
    wall.page.context.set_offline(True)
    wall.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    wait_until(lambda: wall.ask("link") == "lost", what="the cut")
    assert "连接中断，最后更新" in wall.page.locator("#link").inner_text()
    for _ in range(3):
        desk.report()
    wall.page.context.set_offline(False)
    wait_until(lambda: wall.ask("link") == "live", seconds=60, what="the stream")
    wall.shows(4)
    desk.report()
    wall.shows(5)
    assert wall.page.locator("#feed button").count() == 5


def test_a_wall_polls_while_its_stream_is_refused(wall: Wall, desk: Desk):
    wall.page.context.route("**/api/v1/events?*", lambda route: route.abort())
    wall.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    wait_until(lambda: wall.ask("link") == "polling", what="polling")
    desk.report()
    wall.shows(1)
    assert wall.page.locator("#feed button").count() == 1


def test_the_slider_shows_what_was_and_comes_back_to_now(wall: Wall, desk: Desk):
    desk.report()
    wall.shows(1)
    wall.page.evaluate("""() => {
      const day = document.getElementById("day");
      day.value = new Date(Date.now() - 86400000 * 2).toISOString().slice(0, 10);
      day.dispatchEvent(new Event("change"));
    }""")
    wall.shows(0)
    assert "回放" in wall.page.locator("#said-moment").inner_text()
    link = wall.page.locator("#link")
    expect(link).to_have_text("回放，不是实时")
    expect(link).to_have_attribute("data-link", "past")
    desk.report()
    wall.page.locator("#now").click()
    expect(link).to_contain_text("实时，更新于")
    wall.shows(2)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_on_the_wall(
    store: Store,
    wall: Wall,
    desk: Desk,
    served: str,
    theme: str,
    findings: Findings,
):
    overdue(store, desk.report()["number"])
    for n in range(3):
        desk.report(lon=IN_SECOND[0] + n * 1e-4)
    wall.page.goto(f"{served}/wall?theme={theme}&scale=1.35")
    wall.page.evaluate("() => window.weigeCases.ready")
    wall.page.locator("#late button").first.wait_for()
    findings.look(wall.page, f"{theme}")
    wall.page.locator("#late button").first.click()
    wall.page.locator("#card-title").wait_for()
    findings.look(wall.page, f"{theme} card")
    wall.page.keyboard.press("Escape")
    assert findings.found == []
    assert findings.rules > 30


@pytest.mark.parametrize(("width", "lines"), [(1920, 2), (390, 4)])
def test_the_figures_fill_their_lines_with_large_letters(wall: Wall, served: str, width: int, lines: int):
    wall.page.set_viewport_size({"width": width, "height": 1080})
    wall.page.goto(f"{served}/wall?scale=2")
    wall.page.evaluate("() => window.weigeCases.ready")
    wall.page.locator("#strip dt").last.wait_for()
    rights = wall.page.evaluate("""() => {
      const rights = {};
      for (const each of document.querySelectorAll("#strip > div")) {
        const box = each.getBoundingClientRect();
        rights[Math.round(box.top)] = box.right;
      }
      return Object.values(rights);
    }""")
    assert len(rights) == lines
    width_of_page = wall.page.evaluate("document.documentElement.clientWidth")
    assert rights == pytest.approx([width_of_page] * lines, abs=1)


def test_brackets_of_a_card_are_those_of_the_language(
    store: Store, desk: Desk, browser: Browser, served: str
):
    overdue(store, desk.report()["number"])
    street = ("dispatcher", desk.street), ("viewer", desk.street)
    with browser_of(store, browser, "abroad", *street, locale="en-GB") as context:
        wall = Wall(context.new_page(), f"{served}/wall")
        wall.page.locator("#late button").first.click()
        expect(wall.page.locator("#card dd", has_text=" late)")).to_be_visible()
        assert "（" not in wall.page.locator("#card").inner_text()


@pytest.mark.parametrize("scale", ["1", "1.35", "2", "3"])
def test_the_map_stays_a_map_and_the_figures_are_named_however_large_the_letters(
    wall: Wall, served: str, scale: str
):
    wall.page.set_viewport_size({"width": 1366, "height": 768})
    wall.page.goto(f"{served}/wall?scale={scale}")
    wall.page.evaluate("() => window.weigeCases.ready")
    wall.page.locator("#strip dt").last.wait_for()
    high, cut = wall.page.evaluate("""() => [document.getElementById("map").clientHeight,
       [...document.querySelectorAll("#strip dt")].filter((dt) => dt.scrollWidth > dt.clientWidth).length]""")
    assert high >= 300
    assert cut == 0


@pytest.mark.slow
def test_a_wall_does_not_grow_however_many_events_come(wall: Wall, desk: Desk, store: Store):
    """Some thousand reports; what the page keeps stays under its bounds."""
    with store.owner.begin() as owner:
        owner.execute(
            text("""INSERT INTO events (community_id, area, kind, roles, body)
                    SELECT d.id, d.path, 'case', case_readers(), jsonb_build_object(
                      'number', lpad(n::text, 19, '0'), 'step', 'report', 'state', 'reported', 'revision', 1,
                      'category', 'E0102', 'kind', 'incident', 'lon', :lon, 'lat', :lat)
                    FROM generate_series(1, 6000) n, divisions d WHERE d.id = :id"""),
            {"lon": LON + 0.001, "lat": LAT + 0.001, "id": desk.place.community_id},
        )
    wall.page.wait_for_function("(n) => window.weigeCases.wall.seen()[n]", arg=f"{6000:019d}", timeout=60_000)
    assert wall.ask("size") < 2000
    assert wall.page.locator("#feed button").count() <= 30
    assert len(wall.ask("seen")) <= 100


def test_whoever_is_not_signed_in_is_sent_to_the_login(browser: Browser, served: str, tmp_path: Path):
    page = browser.new_page()
    page.goto(f"{served}/wall?area=1")
    assert "/login?next=" in page.url
    page.close()


def test_the_file_for_a_meeting_is_taken_away_from_the_wall_and_from_the_page_of_a_plan(
    wall: Wall, desk: Desk, served: str, tmp_path: Path
):
    number = desk.report()["number"]
    wall.page.click("#meeting")
    wall.page.select_option("#meeting-dialog [name=area]", label="　　街道 320924001")
    wall.page.fill("#meeting-dialog [name=watermark]", "内部资料")
    with wall.page.expect_download() as taken:
        wall.page.click("#meeting-dialog [type=submit]")
    taken.value.save_as(tmp_path / "wall.html")
    assert taken.value.suggested_filename == "街道-320924001.html"
    assert "街道-320924001.html" in wall.page.inner_text("#meeting-dialog output")
    wall.page.keyboard.press("Escape")
    assert wall.faults == []

    plan = wall.page.context.new_page()
    faults = faults_of(plan)
    plan.goto(f"{served}/plan/{desk.place.community_id}")
    plan.evaluate("window.weige.ready")
    plan.get_by_text("下载", exact=True).click()
    plan.select_option(".meeting [name=period]", "none")
    with plan.expect_download() as taken:
        plan.get_by_role("button", name="生成会议文件").click()
    taken.value.save_as(tmp_path / "plan.html")
    assert faults == []

    files = {name: (tmp_path / f"{name}.html").read_text(encoding="utf-8") for name in ("wall", "plan")}
    assert '"watermark":"内部资料"' in files["wall"]
    assert '"watermark":""' in files["plan"]
    meeting = wall.page.context.new_page()
    for name, cases in (("wall", 1), ("plan", 0)):
        meeting.goto((tmp_path / f"{name}.html").as_uri())
        meeting.evaluate("window.weige.ready")
        assert meeting.locator("#tab-incidents").count() == cases, name
        assert meeting.locator(".watermark").count() == cases
    meeting.goto((tmp_path / "wall.html").as_uri())
    meeting.evaluate("window.weige.ready")
    meeting.click("[data-act=table]")
    meeting.click(".meeting-table .chips button >> nth=1")
    assert number in meeting.inner_text(".meeting-table tbody")
