"""The page of the board of offers: teams claim and give back, and everybody sees it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import text

from tests.accessibility import Findings, require_fitting
from tests.api.accounts import add_person, bearer
from tests.api.cases.desk import Desk
from tests.api.cases.test_dispatch import offered, team
from tests.api.planner_page import faults_of, sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def people(desk: Desk, browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """Browsers of two teams and of the desk."""
    for name in ("riders", "couriers"):
        team(desk, name)
    with ExitStack() as open_browsers:
        yield {
            name: open_browsers.enter_context(sign_in_browser(desk.store, browser, desk.ids[name]))
            for name in ("riders", "couriers", "dispatcher")
        }


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/offers")
    page.evaluate("() => window.weigeCases.ready")
    return page


def column(page: Page, name: str) -> Locator:
    return page.locator(f'[data-column="{name}"]')


def counts(page: Page) -> dict[str, str]:
    names = ("open", "claimed", "done", "rated")
    return {name: column(page, name).locator(".count").inner_text() for name in names}


def test_an_order_is_offered_claimed_given_back_done_and_rated_under_everybodys_eyes(
    address: str, client: TestClient, desk: Desk, people: dict[str, BrowserContext], findings: Findings
):
    number = desk.report(category="X9001", text=f"想要一盏灯 {HOSTILE}")["number"]
    desk.take(number, ("dispatcher", "accept"))
    riders, couriers, desk_page = (opened(people[name], address) for name in people)
    faults = [faults_of(page) for page in (riders, couriers, desk_page)]
    expect(column(riders, "open").locator(".none")).to_have_text("没有待认领的单子。")

    desk_page.get_by_text("派单上墙").click()
    desk_page.get_by_label("案件编号").fill("1")
    desk_page.get_by_role("button", name="上墙").click()
    expect(desk_page.locator("#fault")).to_contain_text("没能上墙")
    desk_page.get_by_label("案件编号").fill(number)
    desk_page.get_by_role("button", name="上墙").press("Enter")
    expect(desk_page.locator("#said")).to_have_text("已上墙。")
    # The teams see it come without doing anything; what was typed is text, and nothing of it has run.
    card = column(riders, "open").locator(".card")
    expect(card).to_contain_text(f"想要一盏灯 {HOSTILE}")
    expect(column(couriers, "open").locator(".card")).to_have_count(1)
    # A team that has nothing of the case yet is not led to it.
    expect(card.locator("a")).to_have_count(0)

    card.get_by_role("button", name="由“riders”认领").click()
    expect(riders.locator("#said")).to_have_text("“riders”已认领。")
    expect(column(couriers, "claimed")).to_contain_text("riders")
    expect(column(couriers, "claimed").get_by_role("button")).to_have_count(0)
    expect(column(desk_page, "claimed")).to_contain_text("还剩")
    findings.look(riders, "claimed")
    column(riders, "claimed").get_by_role("button", name="退回").click()
    assert riders.evaluate("() => document.activeElement.tagName") == "SELECT"
    findings.look(riders, "giving back")
    riders.get_by_label("原因").select_option("needs_others")
    riders.get_by_label("说明").fill("没有梯子")
    riders.get_by_role("button", name="退回墙上").click()
    expect(riders.locator("#said")).to_have_text("已退回，可由其他队伍认领。")
    expect(column(couriers, "open").locator(".card")).to_have_count(1)

    column(couriers, "open").get_by_role("button").click()
    expect(column(couriers, "claimed").locator("a")).to_have_attribute("href", f"/cases/{number}")
    desk.take(number, ("couriers", "start"), ("couriers", "finish", {"note": "装好了"}))
    expect(column(desk_page, "done").locator(".card")).to_have_count(1)
    column(desk_page, "done").get_by_role("button", name="评价").click()
    desk_page.get_by_label("评价", exact=True).select_option("4")
    desk_page.get_by_role("button", name="保存评价").click()
    expect(column(desk_page, "rated")).to_contain_text("评价 4 分")
    assert counts(desk_page) == {"open": "0", "claimed": "0", "done": "0", "rated": "1"}
    findings.look(desk_page, "rated")
    assert [one for found in faults for one in found if "404" not in one and "422" not in one] == []
    assert findings.found == []


def test_of_two_teams_that_claim_at_once_the_slower_is_told(
    address: str, client: TestClient, desk: Desk, people: dict[str, BrowserContext]
):
    _, offer = offered(client, desk)
    riders, couriers = (opened(people[name], address) for name in ("riders", "couriers"))
    # The page of the couriers hears nothing for a while, so that it still shows the offer as open.
    couriers.evaluate("() => window.dispatchEvent(new Event('pagehide'))")
    column(riders, "open").get_by_role("button").click()
    expect(riders.locator("#said")).to_have_text("“riders”已认领。")
    column(couriers, "open").get_by_role("button").click()
    expect(couriers.locator("#fault")).to_have_text("没能认领：已有其他队伍接单。")
    expect(column(couriers, "claimed")).to_contain_text("riders")
    expect(column(couriers, "open").locator(".card")).to_have_count(0)
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM claims")).scalar_one() == 1
    told = client.get("/api/v1/offers", headers=bearer(desk.tokens["riders"])).json()["offers"]
    assert [(one["id"], one["team"]) for one in told] == [(offer, "riders")]


def test_a_form_that_is_being_filled_in_is_not_taken_away_by_news(
    address: str, client: TestClient, desk: Desk, people: dict[str, BrowserContext]
):
    offered(client, desk)
    page = opened(people["riders"], address)
    column(page, "open").get_by_role("button").click()
    column(page, "claimed").get_by_role("button", name="退回").click()
    page.get_by_label("说明").fill("没有")
    offered(client, desk)
    page.get_by_role("button", name="墙上有更新").click(timeout=10_000)
    expect(column(page, "open").locator(".card")).to_have_count(1)


def test_others_see_the_wall_of_their_own_areas_only_and_claim_nothing(
    address: str, client: TestClient, desk: Desk, browser: Browser
):
    offered(client, desk)
    elsewhere, _ = add_person(desk.store, "elsewhere")
    for who, cards in ((desk.ids["viewer"], 1), (elsewhere, 0)):
        with sign_in_browser(desk.store, browser, who, locale="en") as context:
            page = opened(context, address)
            expect(column(page, "open").locator(".card")).to_have_count(cards)
            expect(page.locator("#board button")).to_have_count(0)
            expect(page.locator("#offer")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1366])
def test_the_wall_fits_a_phone_and_a_screen(
    address: str, client: TestClient, desk: Desk, browser: Browser, findings: Findings, width: int
):
    team(desk, "riders")
    for _ in range(3):
        offered(client, desk)
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["riders"], **options) as context:
        page = opened(context, address)
        column(page, "open").get_by_role("button").first.click()
        expect(column(page, "claimed").locator(".card")).to_have_count(1)
        require_fitting(page, "wall")
        findings.look(page, "wall")
    assert findings.found == []
