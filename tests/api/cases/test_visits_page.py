"""The page of visits: counts by micro-grid, which are due, and what is noted and taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.cases.calendar import working_calendar
from tests.accessibility import Findings, require_fitting
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.planner_page import faults_of, sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

FIRST, SECOND = "320924001001001", "320924001001002"


def opened(context: BrowserContext, address: str, query: str = "") -> Page:
    page = context.new_page()
    page.goto(f"{address}/visits?area=320924001&{query}")
    page.evaluate("() => window.weigeCases.ready")
    return page


def ago(days: int) -> str:
    """A day, by the clock of the service."""
    return (datetime.now(working_calendar().zone).date() - timedelta(days=days)).isoformat()


def note(client: TestClient, desk: Desk, grid: str | None, day: str, **said: Any) -> int:
    body = {"division_id": desk.place.community_id, "grid": grid, "day": day, "topic": "daily",
            "households": 20, **said}  # fmt: skip
    made = client.post("/api/v1/visits", json=body, headers=bearer(desk.tokens["grid_worker"]))
    assert made.status_code == 201, made.text
    return made.json()["id"]


def test_visits_by_grid_add_up_and_what_was_taken_back_is_no_last_visit(client: TestClient, desk: Desk):
    note(client, desk, FIRST, ago(40), demands=2, settled=1)
    mistaken = note(client, desk, FIRST, ago(3), households=900)
    note(client, desk, FIRST, ago(5), topic="flood")
    note(client, desk, None, ago(2), households=7)
    note(client, desk, "gone", ago(2), households=1)
    headers = bearer(desk.tokens["grid_worker"])
    assert client.post(f"/api/v1/visits/{mistaken}/reversal", headers=headers).status_code == 201

    def told(**query: Any) -> dict[str, Any]:
        found = client.get("/api/v1/visits/grids", headers=headers, params={"division": desk.street, **query})
        assert found.status_code == 200, found.text
        return found.json()

    everything = told()
    first, second = everything["grids"]
    assert (first["rounds"], first["visited"], first["demands"], first["last_day"]) == (2, 40, 2, ago(5))
    assert (second["rounds"], second["visited"], second["last_day"]) == (0, 0, None)
    assert everything["elsewhere"] == {"rounds": 2, "visited": 8, "demands": 0, "settled": 0}
    # The last visit is told whatever the period; of another topic it is another.
    first, _ = told(first=ago(30), topic="daily")["grids"]
    assert (first["rounds"], first["last_day"]) == (0, ago(40))
    rounds = client.get("/api/v1/visits", headers=headers, params={"division": desk.street}).json()
    assert sum(one["households"] for one in rounds) == 48
    assert client.get("/api/v1/visits", headers=headers, params={"division": 2**40}).status_code == 404


def test_a_round_is_noted_and_taken_back_and_the_due_list_follows(
    address: str, client: TestClient, desk: Desk, browser: Browser, findings: Findings
):
    note(client, desk, SECOND, ago(100))
    with sign_in_browser(desk.store, browser, desk.ids["grid_worker"]) as context:
        page = opened(context, address)
        faults = faults_of(page)
        due = page.locator(".due li")
        expect(due).to_have_count(2)
        # Never visited stands before long ago, and both are said.
        expect(due.nth(0)).to_contain_text(f"{FIRST} 社区320924001001 从未走访")
        expect(due.nth(1)).to_contain_text("已 100 天")
        expect(page.locator("#h-rounds + p")).to_have_text("期内没有走访记录。")

        form = page.locator("#add")
        form.get_by_label("微网格").select_option(FIRST)
        form.get_by_label("走访户次").fill("12")
        form.get_by_label("诉求").fill("2")
        form.get_by_label("其中已解决").fill("3")
        form.get_by_role("button", name="记下").click()
        expect(page.locator("#fault")).to_contain_text("没能完成")
        form.get_by_label("其中已解决").fill("1")
        form.get_by_role("button", name="记下").press("Enter")
        expect(page.locator("#said")).to_have_text("已记下。")
        expect(due).to_have_count(1)
        row = page.locator("tbody tr", has_text=FIRST)
        expect(row.locator("td.n")).to_have_text(["100", "1", "12", "0.12", "2", "1", ago(0)])
        expect(page.locator("tfoot td.n")).to_have_text(["200", "1", "12", "–", "2", "1", "–"])
        findings.look(page, "visits")

        with sign_in_browser(desk.store, browser, desk.ids["viewer"]) as other:
            seen = opened(other, address)
            expect(seen.locator("tbody tr", has_text=FIRST)).to_contain_text("0.12")
            expect(seen.locator("#add, .take-back")).to_have_count(0)

        page.get_by_role("button", name="撤回").click()
        expect(page.locator("#said")).to_have_text("已撤回，原记录保留。")
        expect(page.locator("#h-rounds + ul li")).to_have_count(2)
        expect(page.locator("#h-rounds + ul .tag")).to_have_text("已撤回")
        expect(page.locator(".take-back")).to_have_count(0)
        expect(due).to_have_count(2)
        page.get_by_label("多久未走访算到期").select_option("180")
        page.get_by_role("button", name="查看").click()
        expect(due).to_have_count(1)
        assert [one for one in faults if "422" not in one] == []
    assert findings.found == []


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
    note(client, desk, FIRST, ago(1), topic="gas_safety", demands=3, settled=2)
    note(client, desk, SECOND, ago(100))
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["grid_worker"], locale=locale, **options) as context:
        page = opened(context, address, "first=nonsense&last=")
        require_fitting(page, "visits")
        findings.look(page, "visits")
        assert page.goto(f"{address}/visits?area=nowhere").status == 404  # type: ignore[union-attr]
    assert findings.found == []
