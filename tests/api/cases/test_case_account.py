"""The account of a case: stages, clocks with their sum, who held it, and what waits for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.api.accounts import bearer
from tests.api.cases.desk import IN_SECOND, Desk
from tests.api.cases.test_cases_routes import post, step


def account(client: TestClient, desk: Desk, number: str, role: str = "dispatcher", language: str = "zh"):
    headers = {**bearer(desk.tokens[role]), "Accept-Language": language}
    return client.get(f"/api/v1/cases/{number}/account", headers=headers)


def numbers(client: TestClient, desk: Desk, role: str = "dispatcher", **asked: Any) -> list[str]:
    told = client.get("/api/v1/cases", params=asked, headers=bearer(desk.tokens[role]))
    assert told.status_code == 200, told.text
    return [feature["id"] for feature in told.json()["features"]]


def take(client: TestClient, desk: Desk, number: str, *steps: tuple[str, str, dict[str, Any]]) -> None:
    for role, name, carried in steps:
        taken = step(client, desk, role, number, name, **carried)
        assert taken.status_code == 201, (name, taken.text)


DISPATCHED = (("dispatcher", "accept", {}), ("dispatcher", "dispatch", {"to": "water works"}))
HANDLED = (*DISPATCHED, ("handler", "start", {}), ("handler", "finish", {"note": "修好"}))


def test_the_sum_of_a_deadline_is_that_of_the_case_after_each_step(client: TestClient, desk: Desk):
    number = post(client, desk, category="E0402").json()["number"]
    for taken in (
        (), *((one,) for one in DISPATCHED), (("dispatcher", "extend", {"note": "等配件"}),),
        (("dispatcher", "ask", {"note": "在几楼？"}),), (("dispatcher", "answer", {"note": "一楼"}),),
        (("handler", "start", {}),),
    ):  # fmt: skip
        take(client, desk, number, *taken)
        told = account(client, desk, number).json()
        assert told["agrees"], (taken, told)
        assert told["why"], taken
    assert told["why"][0].startswith("自")
    assert told["why"][-1].startswith(("到期时间", "日历"))
    assert account(client, desk, number, language="en").json()["why"][0].isascii()


def test_a_deadline_that_passed_before_the_dispatch_is_named(client: TestClient, desk: Desk):
    late = (datetime.now(UTC) - timedelta(days=29)).isoformat()
    number = post(client, desk, category="E0402", reported_at=late).json()["number"]
    assert not account(client, desk, number).json()["why"][0].startswith("按上报后")
    take(client, desk, number, *DISPATCHED)
    told = account(client, desk, number).json()
    assert told["why"][0].startswith("按上报后当即分拨计")
    assert told["why"][1].startswith("自")
    assert told["agrees"]
    in_time = post(client, desk, category="E0402").json()["number"]
    take(client, desk, in_time, *DISPATCHED)
    assert account(client, desk, in_time).json()["why"][0].startswith("自")


def test_a_request_can_be_refused_while_one_stands(client: TestClient, desk: Desk):
    number = post(client, desk, category="E0402").json()["number"]

    def may_refuse() -> bool:
        told = client.get(f"/api/v1/cases/{number}", headers=bearer(desk.tokens["dispatcher"])).json()
        return "refuse_request" in [one["step"] for one in told["allowed"]]

    take(client, desk, number, *DISPATCHED)
    assert not may_refuse()
    refused = step(client, desk, "dispatcher", number, "refuse_request", note="不同意")
    assert (refused.status_code, refused.json()["code"]) == (422, "case_needs_requested"), refused.text
    take(client, desk, number, ("handler", "request_extension", {"note": "等配件"}))
    assert may_refuse()
    take(client, desk, number, ("dispatcher", "refuse_request", {"note": "不同意"}))
    assert not may_refuse()


def test_while_it_waits_for_an_answer_the_clock_stands_still_and_says_so(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]
    take(client, desk, number, *DISPATCHED, ("handler", "ask", {"note": "在几楼？"}))

    told = account(client, desk, number).json()

    assert told["stands_still"] == "待反映人答复"
    assert told["resolution"]["due_at"] is None
    assert told["held"][-1]["party"] == "reporter"


def test_every_hour_is_charged_to_one_party_and_the_first_receiver_stays(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]
    take(client, desk, number, *DISPATCHED, ("dispatcher", "transfer", {"to": "parks", "note": "绿化带内"}))

    told = account(client, desk, number).json()

    assert [(one["party"], one["holder"]) for one in told["held"]] == [
        ("desk", ""), ("handler", "water works"), ("handler", "parks"),
    ]  # fmt: skip
    assert told["first_receiver"] == "water works"
    assert told["departments"] == ["water works"]
    assert [one["standing"] for one in told["stages"]].index("current") == 3


def test_nobody_here_answers_for_the_time_before_a_case_came_here(client: TestClient, desk: Desk):
    reported = datetime.now(UTC) - timedelta(days=3)
    number = post(client, desk, reported_at=reported.isoformat()).json()["number"]
    take(client, desk, number, *DISPATCHED)

    held = account(client, desk, number).json()["held"]

    assert [one["party"] for one in held] == ["source", "desk", "handler"]
    assert held[0]["held_s"] == pytest.approx(3 * 86_400, abs=5)
    assert sum(one["held_s"] for one in held[1:]) < 60


def test_departments_are_told_to_who_dispatches_only(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]

    assert account(client, desk, number, "viewer").json()["departments"] == []


def test_a_case_of_others_has_no_account(client: TestClient, desk: Desk):
    number = post(client, desk).json()["number"]

    assert account(client, desk, number, "reporter").status_code == 404


def test_each_sees_what_waits_for_him(client: TestClient, desk: Desk):
    new = post(client, desk).json()["number"]
    sent, done = (post(client, desk, "reporter").json()["number"] for _ in range(2))
    take(client, desk, sent, *DISPATCHED)
    take(client, desk, done, *HANDLED)

    waiting = {role: numbers(client, desk, role, mine=True) for role in desk.tokens}

    assert waiting["dispatcher"] == [new]
    assert waiting["handler"] == [sent]
    assert waiting["verifier"] == [done]
    assert waiting["viewer"] == waiting["grid_worker"] == waiting["reporter"] == []
    take(client, desk, sent, ("handler", "ask", {"note": "在几楼？"}))
    assert numbers(client, desk, "reporter", mine=True) == [sent]


def test_lists_are_filtered_by_deadline_channel_state_and_number(client: TestClient, desk: Desk):
    late = post(client, desk, reported_at=(datetime.now(UTC) - timedelta(days=20)).isoformat()).json()
    phone = post(client, desk, channel="report", lon=IN_SECOND[0], lat=IN_SECOND[1]).json()
    order = post(client, desk, "dispatcher", channel="12345", external_number="GD-7").json()
    closed = post(client, desk).json()
    take(client, desk, closed["number"], ("dispatcher", "refuse", {"note": "无", "reason": "not_found"}))
    every = [one["number"] for one in (late, phone, order, closed)]

    assert numbers(client, desk) == every
    assert numbers(client, desk, order="newest") == every[::-1]
    assert numbers(client, desk, overdue=True) == [late["number"]]
    assert numbers(client, desk, channel="report") == [phone["number"]]
    assert numbers(client, desk, open=False) == [closed["number"]]
    assert numbers(client, desk, number="GD-7") == [order["number"]]
    assert numbers(client, desk, number=order["number"]) == [order["number"]]
    assert numbers(client, desk, number=order["number"][:6]) == every


@pytest.mark.parametrize("order", ["oldest", "newest", "due"])
def test_pages_follow_each_other_without_gap_in_every_order(client: TestClient, desk: Desk, order: str):
    for _ in range(7):
        post(client, desk)
    with desk.store.owner.begin() as owner:
        # Some without a deadline, and some with the same.
        owner.execute(
            text("""UPDATE cases SET due_at = CASE WHEN id % 3 > 0 THEN due_at - id % 3 * interval '1 day' END
                    WHERE id % 2 = 0 OR id < 4""")
        )
    at_once = numbers(client, desk, order=order)
    address: str | None = f"/api/v1/cases?order={order}&limit=2"
    found: list[str] = []
    while address:
        told = client.get(address, headers=bearer(desk.tokens["dispatcher"])).json()
        found += [feature["id"] for feature in told["features"]]
        address = told["next"]

    assert len(found) == 7
    assert found == at_once


@pytest.mark.parametrize(
    ("after", "status"),
    [("x", 422), ("2026-13-01~1", 422), ("~", 200), ("2026-01-01T00:00:00Z~5", 200)],
)
def test_a_cursor_that_is_none_is_refused_and_one_of_no_case_stands_where_it_would(
    client: TestClient, desk: Desk, after: str, status: int
):
    told = client.get(
        "/api/v1/cases", params={"order": "due", "after": after}, headers=bearer(desk.tokens["dispatcher"])
    )

    assert told.status_code == status, told.text
