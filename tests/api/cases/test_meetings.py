"""What came of meetings: heads counted, the outcome of each case, append-only; the API and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.accessibility import Findings, require_fitting
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.planner_page import faults_of, sign_in_browser

HOSTILE = "<img src=x onerror=alert(1)>"


def record(client: TestClient, desk: Desk, who: str = "dispatcher", **said: Any):
    body = {"division_id": desk.street, "day": "2026-11-10", "present": 23, "items": [], **said}
    return client.post("/api/v1/meetings", json=body, headers=bearer(desk.tokens[who]))


def get(client: TestClient, desk: Desk, path: str = "", who: str = "viewer", **query: Any) -> Any:
    found = client.get(
        f"/api/v1/meetings{path}", params={"division": desk.street, **query}, headers=bearer(desk.tokens[who])
    )
    assert found.status_code == 200, found.text
    return found.json()


def test_a_meeting_is_kept_with_heads_and_what_came_of_each_case(client: TestClient, desk: Desk):
    one, two, three = (desk.report()["number"] for _ in range(3))
    items = [
        {"case": two, "outcome": "decided", "note": "周五前清运"},
        {"case": one, "outcome": "put_off"},
        {"case": three, "outcome": "sent_on", "note": "街道城管办"},
    ]
    made = record(client, desk, items=items, note="天热改到晚上")
    assert made.status_code == 201, made.text
    (kept,) = get(client, desk)
    assert kept == made.json()
    assert (kept["present"], kept["kind"], kept["set_by"]) == (23, "estate_day", desk.ids["dispatcher"])
    assert [(item["case"], item["outcome"], item["note"]) for item in kept["items"]] == [
        (two, "decided", "周五前清运"), (one, "put_off", ""), (three, "sent_on", "街道城管办"),
    ]  # fmt: skip
    # What came of it is seen beside how the case stands today.
    assert {item["state"] for item in kept["items"]} == {"reported"}
    desk.take(two, ("dispatcher", "accept"))
    assert get(client, desk)[0]["items"][0]["state"] == "accepted"
    assert get(client, desk, first="2026-11-11") == []
    assert get(client, desk, before="2026-11-10") == []


def test_a_record_is_corrected_by_another_and_never_altered(client: TestClient, desk: Desk):
    case = desk.report()["number"]
    first = record(client, desk, present=32, items=[{"case": case, "outcome": "put_off"}]).json()
    right = record(client, desk, present=23, corrects=first["id"], kind="lane_list",
                   items=[{"case": case, "outcome": "decided", "note": "清运"}])  # fmt: skip
    assert right.status_code == 201, right.text
    assert [(one["id"], one["corrects"], one["corrected_by"]) for one in get(client, desk)] == [
        (right.json()["id"], first["id"], None), (first["id"], None, right.json()["id"]),
    ]  # fmt: skip
    # Only what holds is counted.
    assert get(client, desk, "/figures") == [
        {"kind": "lane_list", "meetings": 1, "present": 23, "decided": 1, "put_off": 0, "sent_on": 0}
    ]
    again = record(client, desk, corrects=first["id"])
    assert (again.status_code, again.json()["code"]) == (409, "corrected_already")
    assert record(client, desk, corrects=first["id"], division_id=desk.place.community_id).status_code == 404
    for statement in ("UPDATE meetings SET present = 1", "DELETE FROM meeting_items"):
        with pytest.raises(DBAPIError, match="append-only"), desk.store.owner.begin() as owner:
            owner.execute(text(statement))
    with desk.store.owner.connect() as owner:
        audited = owner.execute(
            text("SELECT actor FROM log WHERE stream = 'audit' AND action = 'meeting_recorded'")
        ).scalars()
        assert list(audited) == [desk.ids["dispatcher"]] * 2


def test_what_cannot_be_recorded_is_refused_whole(client: TestClient, desk: Desk):
    case = desk.report()["number"]
    tomorrow = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    for status, code, said in (
        (409, "outcome_unsaid", {"items": [{"case": case, "outcome": "decided", "note": " "}]}),
        (422, "no_such_case", {"items": [{"case": "0" * 19, "outcome": "put_off"}]}),
        (409, "talked_about_twice", {"items": [{"case": case, "outcome": "put_off"}] * 2}),
        (409, "meeting_to_come", {"day": tomorrow}),
        (422, "personal_text", {"note": "请联系 13812345678"}),
        (422, "personal_text", {"items": [{"case": case, "outcome": "decided", "note": "电 13812345678"}]}),
        (422, "request_not_valid", {"present": 0}),
        (422, "request_not_valid", {"items": [{"case": case, "outcome": "solved"}]}),
    ):
        answer = record(client, desk, **said)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert record(client, desk, who="viewer").status_code == 403
    assert record(client, desk, division_id=9_999_999).status_code == 404
    assert get(client, desk) == []


# The page --------------------------------------------------------------------------------------------------


@pytest.fixture(params=[390, 1366])
def keeper(request: pytest.FixtureRequest, desk: Desk, browser: Browser) -> Iterator[BrowserContext]:
    """Somebody of the desk, on a phone and at a screen."""
    width = request.param
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["dispatcher"], **options) as context:
        yield context


@pytest.fixture
def overdue(desk: Desk) -> list[str]:
    """Two cases that the agenda lists, and one that it does not."""
    long_ago = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    late = [desk.report(reported_at=long_ago, due_at=long_ago)["number"] for _ in range(2)]
    for number in late:
        desk.take(
            number, ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "城管", "due_at": long_ago})
        )
    return [*late, desk.report()["number"]]


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/indicators/agenda?area=320924001")
    page.evaluate("() => window.weigeCases.ready")
    return page


def notes(*entries: dict[str, Any]) -> bytes:
    """What a meeting file saves."""
    blank = {
        "type": "item", "text": "", "decision": "", "department": "", "due": "", "grid": "", "case_id": "",
        "kind": "", "lon": None, "lat": None, "changed_at": "", "removed": False, "form_of": "",
        "votes": {"yes": 0, "no": 0, "abstain": 0},
    }  # fmt: skip
    return json.dumps(
        {"format": "weige-notes", "version": 1, "entries": [{**blank, **one} for one in entries]}
    ).encode()


@pytest.mark.browser
@pytest.mark.xdist_group("npm")
def test_a_meeting_is_recorded_at_its_agenda_and_corrected(
    address: str, desk: Desk, keeper: BrowserContext, overdue: list[str], findings: Findings
):
    first, _, beside = overdue
    page = opened(keeper, address)
    faults = faults_of(page)
    expect(page.locator("#meetings .empty")).to_have_text("还没有会议记录。")
    items = page.locator("#items li")
    expect(items).to_have_count(2)
    page.get_by_label("到会人数").fill("31")
    page.locator(f'li[data-case="{first}"] select').select_option("decided")
    page.get_by_role("button", name="保存记录").click()
    expect(page.locator("#record-said")).to_contain_text(f"请写明议定内容或转交给谁：{first}")
    assert page.evaluate("() => document.activeElement.id") == f"talked-{first}-note"
    page.keyboard.type(HOSTILE)
    page.get_by_label("议程之外的案件").fill(f"12 {beside}")
    page.get_by_role("button", name="加入").click()
    expect(page.locator("#record-said")).to_have_text("案件编号应为 19 位数字：12")
    page.get_by_label("议程之外的案件").fill(beside)
    page.get_by_role("button", name="加入").press("Enter")
    expect(items).to_have_count(3)
    page.locator(f"#talked-{beside}-note").fill("转社区居委会")
    page.locator(f"#talked-{beside}").select_option("sent_on")
    findings.look(page, "the form")
    require_fitting(page, "the form")
    page.get_by_role("button", name="保存记录").click()

    held = page.locator(".held")
    expect(held).to_have_count(1)
    expect(held).to_contain_text("到会 31 人")
    expect(held.locator(".came li")).to_have_count(2)
    # What was typed is text, and nothing of it has run.
    expect(held.locator("bdi", has_text=HOSTILE)).to_have_count(1)
    expect(held).to_contain_text("现状 待处置")
    findings.look(page, "a meeting")
    require_fitting(page, "a meeting")

    page.evaluate("() => window.weigeCases.ready")
    page.get_by_role("button", name="更正这份记录").click()
    expect(page.locator("#correcting")).to_be_visible()
    expect(page.locator(f"#talked-{first}-note")).to_have_value(HOSTILE)
    page.get_by_label("到会人数").fill("13")
    page.get_by_role("button", name="保存记录").click()
    expect(held).to_contain_text("到会 13 人")
    expect(held).to_contain_text("更正后的记录")
    expect(held).to_have_count(1)
    with desk.store.owner.connect() as owner:
        assert list(owner.execute(text("SELECT present FROM meetings ORDER BY id")).scalars()) == [31, 13]
    assert faults == []
    assert findings.found == []
    assert findings.rules


@pytest.mark.browser
@pytest.mark.xdist_group("npm")
def test_decisions_of_a_meeting_file_are_taken_over_by_case(
    address: str, desk: Desk, browser: Browser, overdue: list[str]
):
    with sign_in_browser(desk.store, browser, desk.ids["dispatcher"]) as context:
        page = opened(context, address)
        field = page.get_by_label("从会议文件带入")
        field.set_input_files({"name": "n.json", "mimeType": "application/json", "buffer": b"[1]"})
        expect(page.locator("#record-said")).to_contain_text("不是会议文件保存的 .json")
        saved = notes(
            {"case_id": overdue[0], "decision": "周五前清运", "department": "环卫所"},
            {"case_id": overdue[1], "decision": ""},
            {"text": "另一事", "decision": "装路灯"},
            {"case_id": overdue[1], "decision": "划掉的", "removed": True},
        )
        field.set_input_files({"name": "n.json", "mimeType": "application/json", "buffer": saved})
        expect(page.locator("#record-said")).to_contain_text("已带入 1 项决定。 另有 1 项决定没有案件编号")
        page.get_by_label("到会人数").fill("9")
        page.get_by_role("button", name="保存记录").click()
        expect(page.locator(".held .came li")).to_have_count(1)
        expect(page.locator(".held .came")).to_contain_text("周五前清运 · 环卫所")


@pytest.mark.browser
@pytest.mark.xdist_group("npm")
def test_who_may_not_record_reads_what_came_of_meetings(
    address: str, client: TestClient, desk: Desk, browser: Browser
):
    record(client, desk, items=[{"case": desk.report()["number"], "outcome": "put_off"}])
    with sign_in_browser(desk.store, browser, desk.ids["viewer"], locale="en") as context:
        page = opened(context, address)
        expect(page.locator("#record")).to_have_count(0)
        expect(page.locator(".held .came")).to_contain_text("Put off")
        expect(page.locator(".held button")).to_have_count(0)
