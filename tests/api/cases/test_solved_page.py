"""The public page of what was solved: of the areas that show their cases, without text and exact place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import text

from api.cases.calendar import working_calendar
from tests.accessibility import Findings, require_fitting
from tests.api.cases.desk import IN_FIRST, IN_SECOND, Desk
from tests.api.planner_page import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

HOSTILE = "<img src=x onerror=alert(1)>"
LOOP: tuple[Any, ...] = (
    ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "城管"}), ("handler", "start"),
    ("handler", "finish", {"note": "处理人手记"}), ("verifier", "verify"),
    ("verifier", "visit", {"outcome": "satisfied"}), ("dispatcher", "close"),
)  # fmt: skip


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The handlers of the street are of a department."""
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE grants SET department = '城管' WHERE role = 'handler'"))
    return desk


def show(desk: Desk, published: bool = True) -> None:
    with desk.store.owner.begin() as owner:
        owner.execute(
            text("""INSERT INTO case_publication VALUES (:street, :published)
                    ON CONFLICT (division_id) DO UPDATE SET published = excluded.published"""),
            {"street": desk.street, "published": published},
        )


def solved(desk: Desk, days_ago: float = 2, rating: int | None = None, **facts: Any) -> str:
    """A case that was reported so many days ago and is closed."""
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    said = {"text": "三号楼下堆着垃圾", "address": "秦东门大街68号", "reported_at": at, **facts}
    number: str = desk.report(role="reporter", **said)["number"]
    desk.take(number, *LOOP)
    if rating:
        desk.take(number, ("reporter", "rate", {"rating": rating}))
    return number


def shown(client: TestClient, **query: str) -> list[str]:
    """Numbers of cases on a page, without an account."""
    answer = client.get("/solved", params=query)
    assert answer.status_code == 200
    return re.findall(r"编号 (\d{19})", answer.text)


def test_what_is_closed_is_shown_where_an_area_shows_its_cases_and_nothing_else(
    client: TestClient, desk: Desk
):
    number = solved(desk, rating=4)
    desk.report()  # still open
    solved(desk, category="X9001")  # a wish: those lie inside homes
    withdrawn = desk.report()["number"]
    desk.take(withdrawn, ("dispatcher", "refuse", {"note": "测试", "reason": "test"}))
    assert shown(client) == []
    assert "目前没有社区或街道公开案件" in client.get("/solved").text

    show(desk)
    assert shown(client) == [number]
    said = client.get("/solved").text
    assert "评价 4 分（满分 5 分）" in said
    assert re.search(r"用时 2 天 0 小时", said)
    # What people wrote, who handled it, and where exactly: nothing of it is in the source of the page.
    for kept_back in ("三号楼", "秦东门", "处理人手记", "城管", f"{IN_FIRST[0]:.4f}", "reporter", "handler"):
        assert kept_back not in said, kept_back
    (spot,) = re.findall(r'"spots": \[\[1, ([\d.]+), ([\d.]+)\]\]', said)
    assert [float(one) for one in spot] == [round(IN_FIRST[0], 3), round(IN_FIRST[1], 3)]

    desk.take(number, ("dispatcher", "reopen", {"reason": "came_back", "note": "又堆了"}))
    assert shown(client) == []
    show(desk, published=False)
    assert "目前没有社区或街道公开案件" in client.get("/solved").text


def test_class_month_and_area_choose_and_pages_follow_each_other(client: TestClient, desk: Desk):
    show(desk)
    assert "还没有办结的事项" in client.get("/solved").text
    garbage = [solved(desk) for _ in range(3)]
    pipe = solved(desk, category="E0402")
    month = working_calendar().local_day(datetime.now(UTC)).strftime("%Y-%m")

    assert shown(client, category="E0402") == [pipe]
    assert set(shown(client, month=month)) == {*garbage, pipe}
    assert shown(client, month=month, area="320924001001", category="E0102") == garbage[::-1]
    old = (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m")
    assert shown(client, month=old) == []
    assert "没有符合条件的已办结事项" in client.get("/solved", params={"month": old}).text
    # What a page does not know it does not ask for.
    nonsense = (("month", "2026-99"), ("category", HOSTILE), ("area", "x"), ("after", "9" * 30 + "-1"))
    for name, value in (*nonsense, ("after", "-")):
        assert set(shown(client, **{name: value})) == {*garbage, pipe}


def test_pages_hold_every_case_once(client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    show(desk)
    wanted = [solved(desk) for _ in range(5)]
    with desk.store.owner.begin() as owner:
        # Closed in the same moment, as an import has them.
        owner.execute(text("UPDATE cases SET closed_at = date_trunc('day', now())"))
    monkeypatch.setattr("api.routes.solved_page.CASES_A_PAGE", 2)
    found: list[str] = []
    address = "/solved"
    for _ in range(3):
        said = client.get(address).text
        found += re.findall(r"编号 (\d{19})", said)
        onward = re.search(r'href="([^"]+)" rel="next"', said)
        address = onward[1].replace("&amp;", "&") if onward else ""
    assert address == ""
    assert found == sorted(wanted, reverse=True)


@pytest.fixture(params=[390, 1366])
def visitor(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    width = request.param
    view = {"width": width, "height": 844 if width < 500 else 768}
    context = browser.new_context(locale="zh-CN", viewport=view, has_touch=width < 500)
    yield context
    context.close()


def test_the_page_is_read_by_map_and_list_and_has_no_serious_fault(
    address: str, desk: Desk, visitor: BrowserContext, findings: Findings
):
    page = visitor.new_page()
    faults = faults_of(page)
    page.goto(f"{address}/solved")
    expect(page.locator(".empty")).to_have_text("目前没有社区或街道公开案件。")
    findings.look(page, "nothing is shown")
    show(desk)
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE divisions SET name = :n WHERE level = 'community'"), {"n": HOSTILE})
    for lon, lat in (IN_FIRST, IN_FIRST, IN_SECOND):
        solved(desk, rating=5, lon=lon, lat=lat)
    page.goto(f"{address}/solved")
    page.evaluate("() => window.weigeCases.ready")
    # A name is text, and nothing of it has run.
    expect(page.locator(".solved-list li").first.locator("bdi").nth(1)).to_have_text(HOSTILE)
    spots = page.locator(".solved-spot")
    assert sorted(spots.all_inner_texts()) == ["1", "2 3"]
    spots.filter(has_text="2 3").click()
    expect(page.locator(".solved-list li.shown")).to_have_count(2)
    assert page.evaluate("() => document.activeElement.id") == "solved-2"
    require_fitting(page, "solved")
    findings.look(page, "solved")

    page.get_by_label("类别").focus()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_have_text("没有符合条件的已办结事项。")
    assert faults == []
    assert findings.found == []
    assert findings.rules


def test_the_page_speaks_english_too(client: TestClient, desk: Desk):
    show(desk)
    solved(desk, rating=3)
    said = client.get("/solved", headers={"Accept-Language": "en"}).text
    assert "What was solved" in said
    assert "took 2 days 0 hours" in said
    assert "rated 3 of 5" in said
