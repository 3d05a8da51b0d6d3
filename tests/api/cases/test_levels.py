"""At which level cases were settled (不出网格) and how they were rated, from the log of cases to the page."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from tests.accessibility import Findings
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.cases.test_dispatch import answer, team, whistle
from tests.api.cases.test_loop import WHOLE
from tests.api.planner_page import sign_in_browser

pytestmark = pytest.mark.xdist_group("npm")

ON_THE_SPOT = ("grid_worker", "settle", {"note": "当场清理", "reason": "on_the_spot"})
AFTER = [("verifier", "verify"), ("dispatcher", "visit", {"outcome": "satisfied"}), ("dispatcher", "close")]


def given(desk: Desk, department: str = "water works", rating: int | None = None) -> str:
    """A case that a department settled."""
    number: str = desk.report(role="reporter")["number"]
    step = "dispatch", {"to": department}
    handler = "handler" if department == "water works" else department
    desk.take(number, WHOLE[0], ("dispatcher", *step), (handler, "start"),
              (handler, "finish", {"note": "修好"}), *AFTER)  # fmt: skip
    if rating:
        desk.take(number, ("reporter", "rate", {"rating": rating}))
    return number


@pytest.fixture
def settled(client: TestClient, desk: Desk) -> dict[str, set[str]]:
    """Closed cases by the level at which they were settled; one is still open."""
    spot = {desk.report(step="collect")["number"] for _ in range(3)}
    for number in spot:
        desk.take(number, ON_THE_SPOT, *AFTER)
    found = {"micro_grid": spot, "department": {given(desk, rating=5), given(desk, rating=2), given(desk)}}
    for level, as_level in (("micro_grid", "grid"), ("community", "community"), ("street", "street")):
        number = desk.report()["number"]
        made = whistle(client, desk, number, "dispatcher", level=level)
        assert made.status_code == 201, made.text
        for call in made.json()["calls"]:
            assert answer(client, desk, "dispatcher", call["id"], "release").status_code == 201
        desk.take(number, *WHOLE[:-1])
        found[as_level] = {number}
    whistle(client, desk, desk.report()["number"])
    # On the spot, it was said; it was not, and went to a department.
    number = desk.report(step="collect")["number"]
    desk.take(number, ON_THE_SPOT, ("verifier", "reject_settled", {"note": "还在"}))
    found["not_closed"] = {number}
    return found


def test_what_the_reporter_gave_stands_until_the_case_is_opened_again(client: TestClient, desk: Desk):
    def rate(who: str, number: str, rating: int) -> tuple[int, str]:
        answer = client.post(f"/api/v1/cases/{number}/steps", json={"step": "rate", "rating": rating},
                             headers=bearer(desk.tokens[who]))  # fmt: skip
        return answer.status_code, answer.json().get("code", "")

    def offered(who: str, number: str) -> bool:
        told = client.get(f"/api/v1/cases/{number}", headers=bearer(desk.tokens[who])).json()
        return "rate" in {each["step"] for each in told["allowed"]}

    unrated = given(desk)
    assert rate("dispatcher", unrated, 4) == (201, "")
    assert rate("reporter", unrated, 2) == (201, "")
    number = given(desk, rating=1)
    assert offered("reporter", number)
    assert not offered("dispatcher", number)
    assert rate("dispatcher", number, 5) == (422, "case_needs_unrated")
    assert rate("reporter", number, 2) == (201, "")
    desk.take(number, ("dispatcher", "reopen", {"note": "又漏了", "reason": "came_back"}),
              ("dispatcher", "dispatch", {"to": "water works"}), ("handler", "start"),
              ("handler", "finish", {"note": "修好"}))  # fmt: skip
    assert offered("dispatcher", number)


def ask(client: TestClient, desk: Desk, path: str = "", **asked: Any) -> Any:
    told = client.get(
        f"/api/v1/indicators{path}", params={"edition": "runzhou", **asked},
        headers=bearer(desk.tokens["inspector"]),
    )  # fmt: skip
    assert told.status_code == 200, told.text
    return told.json()


def test_a_share_settled_in_the_grid_opens_its_cases_and_those_of_each_level(
    client: TestClient, desk: Desk, settled: dict[str, set[str]]
):
    told = ask(client, desk)
    figures = {one["name"]: (one["numerator"], one["denominator"], one["percent"]) for one in told["figures"]}
    assert figures["not_leaving_grid"] == (4, 9, "44.44")
    levels = {name.removeprefix("settled_"): told[0] for name, told in figures.items() if "settled" in name}
    assert levels == {"in_micro_grid": 3, "in_grid": 1, "in_community": 1, "in_street": 1, "by_department": 3}

    def opened(name: str, part: str) -> set[str]:
        return {one["number"] for one in ask(client, desk, "/cases", of=name, part=part)}

    inside = settled["micro_grid"] | settled["grid"]
    assert opened("not_leaving_grid", "counted") == inside
    assert opened("not_leaving_grid", "left_out") == (
        settled["community"] | settled["street"] | settled["department"]
    )
    assert settled["not_closed"] <= opened("not_leaving_grid", "not_asked")
    assert opened("settled_by_department", "counted") == settled["department"]


def test_ratings_are_told_by_department_with_their_number(client: TestClient, desk: Desk):
    team(desk, "roads")
    given(desk, rating=5)
    given(desk, rating=2)
    given(desk, "roads", rating=4)
    given(desk, "roads")
    board = {
        one["name"]: (one["rated"], one["mean_rating"])
        for one in ask(client, desk, "/board", by="department")
    }
    assert board == {"water works": (2, 3.5), "roads": (1, 4.0)}
    for department, percent in (("water works", "50.00"), ("roads", "100.00")):
        told = ask(client, desk, department=department)["figures"]
        assert next(one["percent"] for one in told if one["name"] == "rated_well") == percent


@pytest.mark.parametrize(
    ("locale", "said"), [("zh-CN", "不出网格率"), ("en", "Settled without leaving the grid")]
)
@pytest.mark.usefixtures("settled")
def test_the_page_shows_the_level_in_words_and_leads_to_one_department(
    desk: Desk, address: str, browser: Browser, findings: Findings, locale: str, said: str
):
    with sign_in_browser(desk.store, browser, desk.ids["inspector"], locale=locale) as context:
        page = context.new_page()
        page.goto(f"{address}/indicators?edition=runzhou&by=department")
        card = page.locator(".figure-cards article").filter(has_text=said).first
        expect(card.locator(".percent")).to_have_text("44.44%")
        findings.look(page, f"levels {locale}")
        page.locator(".board").get_by_role("link", name="water works").click()
        expect(page.locator(".figure-cards .percent").first).to_be_visible()
        expect(page.locator("#figures-title + p a")).to_contain_text("water works")
        card.get_by_role("link").last.click()
        expect(page.locator("tbody tr").first).to_contain_text("water works")
        page.go_back()
        page.locator("#figures-title + p a").click()
        expect(card.locator(".percent")).to_have_text("44.44%")
        assert findings.found == []
