"""The page of rosters and modes: who is on duty by post, and the switch with its red frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from api.cases.calendar import working_calendar
from tests.accessibility import Findings, require_fitting
from tests.api.accounts import add_area, add_person, bearer
from tests.api.cases.desk import Desk
from tests.api.planner_page import faults_of, sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

HOSTILE = "<img src=x onerror=alert(1)>"
FIRST, SECOND = "320924001001001", "320924001001002"


def opened(context: BrowserContext, address: str, path: str = "/duty?area=320924001") -> Page:
    page = context.new_page()
    page.goto(f"{address}{path}")
    page.evaluate("() => window.weigeCases.ready")
    return page


def local(hours: float) -> str:
    """What is written into a field, so many hours from now by the clock of the service."""
    at = datetime.now(UTC) + timedelta(hours=hours)
    return at.astimezone(working_calendar().zone).strftime("%Y-%m-%dT%H:%M")


def count(page: Page, name: str) -> int:
    return int(page.locator(f".counts .{name} dd").inner_text())


def switch(client: TestClient, desk: Desk, mode: str, **said: Any):
    body = {"division_id": desk.street, "mode": mode, "note": "x", **said}
    return client.post("/api/v1/modes", json=body, headers=bearer(desk.tokens["dispatcher"]))


def frame(page: Page) -> str:
    """How wide the frame round a page is, as it is drawn."""
    return page.evaluate(
        "() => { const of = getComputedStyle(document.body, '::after');"
        " return of.content === 'none' ? '' : of.borderTopWidth + ' ' + of.borderTopColor; }"
    )


RED = "6px rgb(179, 38, 30)"


def test_the_desk_keeps_the_roster_and_everybody_sees_posts_and_gaps_but_no_names(
    address: str, desk: Desk, browser: Browser, findings: Findings
):
    with sign_in_browser(desk.store, browser, desk.ids["dispatcher"]) as context:
        page = opened(context, address)
        faults = faults_of(page)
        assert [count(page, name) for name in ("grids", "both", "no_a", "no_b")] == [2, 0, 2, 2]
        expect(page.locator(".gaps li")).to_have_count(2)

        def put(place: str, who: str, grid: str, start: float, end: float) -> None:
            form = page.locator("#add")
            form.get_by_label("微网格").select_option(grid)
            form.get_by_label("岗位", exact=True).select_option(place)
            form.get_by_label("岗位账号").select_option(label=who)
            form.get_by_label("开始").fill(local(start))
            form.get_by_label("结束").fill(local(end))
            form.get_by_role("button", name="排班").press("Enter")

        put("A", "grid_worker", FIRST, -1, 24)
        expect(page.locator("#said")).to_have_text("已排班。")
        put("B", "inspector", "", -1, 24)
        expect(page.locator(".stretches li")).to_have_count(2)
        assert [count(page, name) for name in ("grids", "both", "no_a", "no_b")] == [2, 1, 1, 0]
        row = page.locator("tr", has_text=FIRST)
        expect(row).to_contain_text("grid_worker")
        expect(page.locator("tr", has_text=SECOND)).to_contain_text("无人")
        # Two in one place at a time are refused, and the page says why.
        put("A", "verifier", FIRST, 0, 2)
        expect(page.locator("#fault")).to_contain_text("没能完成：")
        expect(page.locator(".gaps")).to_contain_text("缺A岗")
        findings.look(page, "a roster")

        with sign_in_browser(desk.store, browser, desk.ids["viewer"]) as other:
            seen = opened(other, address)
            expect(seen.locator("tr", has_text=FIRST)).to_contain_text(f"账号 {desk.ids['grid_worker']}")
            assert "grid_worker" not in seen.content()
            expect(seen.locator("main form")).to_have_count(1)
            expect(seen.locator("button.withdraw")).to_have_count(0)

        page.get_by_role("button", name="撤下").first.click()
        expect(page.locator(".stretches li")).to_have_count(1)
        with desk.store.owner.connect() as owner:
            assert owner.execute(text("SELECT count(*) FROM duties")).scalar_one() == 2
        # A moment is that of the clock of the service, whatever the clock of the browser says.
        with desk.store.owner.connect() as owner:
            starts = owner.execute(text("SELECT min(starts_at) FROM duties")).scalar_one()
        assert abs((datetime.now(UTC) - starts).total_seconds() - 3600) < 180
        assert [one for one in faults if "409" not in one] == []
    assert findings.found == []


def test_a_switch_frames_walls_and_pages_at_once_and_is_taken_back(
    address: str, client: TestClient, desk: Desk, browser: Browser, findings: Findings
):
    with (
        sign_in_browser(desk.store, browser, desk.ids["dispatcher"]) as context,
        sign_in_browser(desk.store, browser, desk.ids["viewer"]) as other,
    ):
        wall, cases = opened(other, address, "/wall"), opened(other, address, "/cases")
        page = opened(context, address)
        assert [frame(one) for one in (wall, cases, page)] == ["", "", ""]

        page.get_by_label("切换为").select_option("emergency")
        page.get_by_role("button", name="切换", exact=True).click()
        assert page.locator("#sure").is_hidden()  # the reason is missing
        page.get_by_label("原因").fill(HOSTILE)
        page.get_by_role("button", name="切换", exact=True).click()
        expect(page.locator("#sure")).to_contain_text("将把街道 320924001切换为“应急”")
        assert page.evaluate("() => document.activeElement.id") == "yes"
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_have_text("已切换。")
        expect(page.locator(".switches li")).to_contain_text("dispatcher")
        # What was typed is text, and nothing of it has run.
        expect(page.locator(".switches bdi", has_text=HOSTILE)).to_have_count(1)
        for seen in (wall, cases, page):
            expect(seen.locator(".mode-banner")).to_contain_text("应急状态：街道 320924001（共 1 个区域）")
            assert frame(seen) == RED
        for path in ("/stations", "/indicators", "/report", "/"):
            seen = other.new_page()
            seen.goto(f"{address}{path}")
            assert frame(seen) == RED, path
            seen.close()
        findings.look(page, "an emergency")
        findings.look(wall, "a wall in an emergency")
        # Whoever has no account sees nothing of it.
        assert "is-emergency" not in client.get("/solved").text

        page.get_by_label("切换为").select_option("routine")
        page.get_by_label("原因").fill("险情解除")
        page.get_by_role("button", name="切换", exact=True).click()
        page.get_by_role("button", name="确认切换").click()
        expect(page.locator(".switches li")).to_have_count(2)
        for seen in (wall, cases, page):
            expect(seen.locator(".mode-banner")).to_have_count(0)
            assert frame(seen) == ""
        with desk.store.owner.connect() as owner:
            audited = owner.execute(
                text("SELECT action FROM log WHERE stream = 'audit' AND action LIKE 'mode_%' ORDER BY id")
            ).scalars()
            assert list(audited) == ["mode_emergency", "mode_routine"]
    assert findings.found == []


def test_the_mode_that_stands_is_told_to_those_whom_it_touches(client: TestClient, desk: Desk):
    far = add_area(desk.store, "320925001", "street")
    _, elsewhere = add_person(desk.store, "far", ("dispatcher", far))
    _, below = add_person(desk.store, "below", ("viewer", desk.place.community_id))

    def standing(token: str) -> tuple[str, list[str]]:
        told = client.get("/api/v1/modes/standing", headers=bearer(token)).json()
        return told["mode"], [one["area"] for one in told["areas"]]

    assert standing(desk.tokens["viewer"]) == ("routine", [])
    assert switch(client, desk, "drill", division_id=desk.place.community_id).status_code == 201
    assert standing(desk.tokens["viewer"]) == ("drill", ["320924001001"])
    made = switch(client, desk, "emergency")
    assert made.json()["set_by"] == desk.ids["dispatcher"]
    # The gravest first; an emergency above a community is one of the community too.
    assert standing(below) == ("emergency", ["320924001", "320924001001"])
    assert standing(elsewhere) == ("routine", [])
    switch(client, desk, "routine")
    assert standing(below) == ("drill", ["320924001001"])


def test_who_keeps_no_roster_is_told_no_names_of_posts(desk: Desk):
    for who, wanted in (("viewer", 0), ("handler", 0), ("dispatcher", 10)):
        assert desk.call("SELECT count(*) FROM posts()", who) == wanted, who


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_page_fits_a_phone_and_a_screen(
    address: str,
    client: TestClient,
    desk: Desk,
    browser: Browser,
    findings: Findings,
    width: int,
    locale: str,
):
    switch(client, desk, "emergency", note="台风橙色预警")
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["dispatcher"], locale=locale, **options) as context:
        page = opened(context, address)
        require_fitting(page, "duty")
        findings.look(page, "duty")
        assert page.goto(f"{address}/duty?area=nowhere").status == 404  # type: ignore[union-attr]
    assert findings.found == []
