"""The page of points: totals of teams that open the entries behind them, and nobody ranked."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.accessibility import Findings, require_fitting
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.planner_page import faults_of, sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

HOSTILE = "<b>riders & co</b>"


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/points")
    page.evaluate("() => window.weigeCases.ready")
    return page


def give(client: TestClient, desk: Desk, who: str, points: int, team: str = "riders", **said: Any) -> None:
    body = {"division_id": desk.street, "team": team, "user_id": desk.ids[who], "points": points,
            "reason": "report", **said}  # fmt: skip
    made = client.post("/api/v1/points", json=body, headers=bearer(desk.tokens["dispatcher"]))
    assert made.status_code == 201, made.text


def test_the_figure_of_a_team_opens_entries_that_add_up_to_it_for_the_desk_and_ones_own_for_others(
    address: str, client: TestClient, desk: Desk, browser: Browser, findings: Findings
):
    number = desk.report()["number"]
    give(client, desk, "handler", 5, HOSTILE)
    give(client, desk, "grid_worker", 7, HOSTILE)
    with sign_in_browser(desk.store, browser, desk.ids["dispatcher"]) as context:
        page = opened(context, address)
        faults = faults_of(page)
        form = page.locator("#give")
        form.get_by_label("队伍").fill(HOSTILE)
        form.get_by_label("账号编号").fill(str(desk.ids["dispatcher"]))
        form.get_by_label("积分").fill("3")
        form.get_by_label("相关案件编号").fill(number)
        form.get_by_role("button", name="记下").click()
        # Nobody gives himself any, and the page says so.
        expect(page.locator("#fault")).to_contain_text("没能完成")
        form.get_by_label("账号编号").fill(str(desk.ids["reporter"]))
        form.get_by_role("button", name="记下").press("Enter")
        expect(page.locator("#said")).to_have_text("已记下。")
        expect(page.locator("tbody tr")).to_contain_text(HOSTILE)
        expect(page.locator("tbody td.n")).to_have_text(["15", "3"])

        page.locator("tbody td.n a").press("Enter")
        expect(page.locator("#entries li")).to_have_count(3)
        expect(page.locator("#entries p")).to_have_text("共 3 条，合计 15 分，与上表一致。")
        expect(page.locator("#entries a")).to_have_attribute("href", f"/cases/{number}")
        findings.look(page, "points")
        page.locator("#entries").get_by_role("button", name="撤回 5").click()
        expect(page.locator("#said")).to_have_text("已撤回，原记录保留。")
        expect(page.locator("tbody td.n a")).to_have_text("10")
        expect(page.locator("#entries li")).to_have_count(4)
        expect(page.locator("#entries p")).to_have_text("共 4 条，合计 10 分，与上表一致。")
        assert [one for one in faults if "409" not in one] == []

    with sign_in_browser(desk.store, browser, desk.ids["grid_worker"]) as context:
        seen = opened(context, address)
        expect(seen.locator("#h-mine")).to_contain_text("7")
        seen.locator("tbody td.n a").click()
        expect(seen.locator("#entries li")).to_have_count(1)
        expect(seen.locator("#entries p")).to_contain_text("您本人的 1 条，合计 7 分；队伍合计 10 分")
        assert f"账号 {desk.ids['handler']}" not in seen.content()
        expect(seen.locator("#give, .take-back")).to_have_count(0)
        assert seen.goto(f"{address}/points?area=320924001&team=nobody").status == 404  # type: ignore[union-attr]
    assert findings.found == []


def test_where_no_team_has_points_the_page_says_so(address: str, desk: Desk, browser: Browser):
    with sign_in_browser(desk.store, browser, desk.ids["viewer"], locale="en") as context:
        page = opened(context, address)
        expect(page.locator(".empty")).to_have_text("No team has points yet.")
        expect(page.locator("main")).to_contain_text("You have no points yet.")


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
    give(client, desk, "grid_worker", 7)
    give(client, desk, "both", 4, "配送员第二服务队")
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["both"], locale=locale, **options) as context:
        page = opened(context, address)
        page.locator("tbody td.n a").first.click()
        expect(page.locator("#entries li")).to_have_count(1)
        require_fitting(page, "points")
        findings.look(page, "points")
    assert findings.found == []
