"""The page of what is asked of those who report, and the register of fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.cases.asked_fields import field_register
from tests.accessibility import Findings, require_fitting
from tests.api.accounts import add_person, bearer
from tests.api.cases.desk import Desk
from tests.api.planner_page import faults_of, sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]


def opened(context: BrowserContext, address: str, query: str = "") -> Page:
    page = context.new_page()
    page.goto(f"{address}/burden?{query}")
    page.evaluate("() => window.weigeCases.ready")
    return page


def report_some(desk: Desk) -> None:
    desk.report(channel="courier", text="")
    desk.report(channel="courier", address="朝阳路7号")
    number = desk.report(channel="desk")["number"]
    desk.take(number, ("dispatcher", "accept"))
    # In the thirty days before these: a report that filled in more.
    early = datetime.now(UTC) - timedelta(days=40)
    desk.report(channel="courier", address="朝阳路7号", accuracy_m=9.0, reported_at=early.isoformat())


def test_fields_that_reports_filled_in_are_counted_by_channel_and_agree_with_the_burden(
    client: TestClient, desk: Desk
):
    report_some(desk)
    now = datetime.now(UTC)
    asked = {"division": desk.street, "first": (now - timedelta(days=1)).isoformat(),
             "before": (now + timedelta(days=1)).isoformat()}  # fmt: skip

    def told(path: str) -> list[dict[str, Any]]:
        found = client.get(f"/api/v1{path}", params=asked, headers=bearer(desk.tokens["viewer"]))
        assert found.status_code == 200, found.text
        return found.json()

    courier, at_desk = told("/burden/fields")
    assert (courier["reports"], courier["filled"]) == (2, {
        "text": 1, "address": 1, "category": 2, "condition": 0, "lon": 2, "accuracy_m": 0,
        "external_number": 0,
    })  # fmt: skip
    assert at_desk["steps_per_report"] == 1
    for one, whole in zip((courier, at_desk), told("/burden"), strict=True):
        assert sum(one["filled"].values()) / one["reports"] == whole["fields_per_report"]
        assert one["steps_per_report"] == whole["steps_per_report"]


def test_the_page_tells_what_each_channel_asks_against_before_and_why(
    address: str, desk: Desk, browser: Browser, findings: Findings
):
    report_some(desk)
    with sign_in_browser(desk.store, browser, desk.ids["viewer"]) as context:
        page = opened(context, address)
        faults = faults_of(page)
        courier = page.locator(".channels tbody tr", has_text="骑手上报")
        expect(courier.locator("td")).to_have_text(
            ["2", "3.00", "少 2.00（上期 5.00）", "0.00", "与上期相同（0.00）"]
        )
        expect(page.locator(".channels tbody tr", has_text="值班台")).to_contain_text("上期没有上报")
        expect(page.locator(".filled tbody tr", has_text="地址").locator("td")).to_have_text(
            ["1 / 2", "0 / 1"]
        )
        register = field_register()
        expect(page.locator(".register tbody tr")).to_have_count(len(register.asked))
        # Every other field is there too.
        listed = page.locator(".kept tbody td:nth-child(2)").all_inner_texts()
        n_fields = sum(len(one.split(",")) for one in listed)
        assert n_fields == len(register.fields) - len(register.asked)
        findings.look(page, "burden")
        page.get_by_label("到", exact=True).fill("2020-01-01")
        page.get_by_label("从", exact=True).fill("2019-12-01")
        page.get_by_role("button", name="查看").press("Enter")
        expect(page.locator(".empty")).to_have_text("这段时间没有上报。")
        assert page.goto(f"{address}/burden?area=nowhere").status == 404  # type: ignore[union-attr]
        assert [one for one in faults if "404" not in one] == []
    # Whoever sees no cases reads the register all the same.
    nobody, _ = add_person(desk.store, "nobody")
    with sign_in_browser(desk.store, browser, nobody, locale="en") as context:
        page = opened(context, address)
        expect(page.locator(".empty")).to_contain_text("below is the register")
        expect(page.locator(".register tbody tr")).to_have_count(len(register.asked))
    assert findings.found == []


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_page_fits_a_phone_and_a_screen(
    address: str, desk: Desk, browser: Browser, findings: Findings, width: int, locale: str
):
    report_some(desk)
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["both"], locale=locale, **options) as context:
        page = opened(context, address)
        require_fitting(page, "burden")
        # The name of the page is in sight in the line of pages, which is wider than a phone.
        expect(page.locator("nav [aria-current]")).to_be_in_viewport()
        findings.look(page, "burden")
    assert findings.found == []
