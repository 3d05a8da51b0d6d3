"""The page of whistles, and the part of a case's page where they are blown and answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from tests.accessibility import Findings, require_fitting
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.cases.test_case_pages import overtaken
from tests.api.cases.test_dispatch import answer, team, whistle
from tests.api.planner_page import faults_of, sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def people(desk: Desk, browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """Browsers of a grid worker, of a department that he calls, and of the desk."""
    team(desk, "power")
    with ExitStack() as open_browsers:
        yield {
            name: open_browsers.enter_context(sign_in_browser(desk.store, browser, desk.ids[name]))
            for name in ("grid_worker", "power", "dispatcher")
        }


def opened(context: BrowserContext, address: str, path: str = "/whistles") -> Page:
    page = context.new_page()
    page.goto(f"{address}{path}")
    page.evaluate("() => window.weigeCases.ready")
    return page


def counts(page: Page) -> dict[str, str]:
    names = ("waiting", "late", "there", "ended")
    return {name: page.locator(f'[data-count="{name}"] dd').inner_text() for name in names}


def set_back(desk: Desk, minutes: int) -> None:
    """Let whistles and their clocks be so much older."""
    with desk.store.owner.begin() as owner:
        values = {"m": minutes}
        owner.execute(text("UPDATE whistles SET blown_at = blown_at - make_interval(mins => :m)"), values)
        owner.execute(
            text("UPDATE whistle_calls SET due_at = due_at - make_interval(mins => :m),"
                 " first_due_at = first_due_at - make_interval(mins => :m)"), values)  # fmt: skip


def test_a_whistle_is_blown_from_a_case_and_each_department_answers_by_its_own_clock(
    address: str, client: TestClient, desk: Desk, people: dict[str, BrowserContext], findings: Findings
):
    number = desk.report(text="路面塌陷")["number"]
    seen = {name: opened(context, address) for name, context in people.items()}
    faults = [faults_of(page) for page in seen.values()]
    expect(seen["power"].locator("#no-unfinished")).to_be_visible()

    case = opened(people["grid_worker"], address, f"/cases/{number}")
    case.get_by_role("button", name="吹哨", exact=True).press("Enter")
    assert case.evaluate("() => document.activeElement.name") == "department"
    case.get_by_label("部门", exact=True).fill("power")
    case.get_by_label("几分钟内报到").fill("20")
    case.get_by_role("button", name="再加一个部门").click()
    case.get_by_label("部门", exact=True).nth(1).fill("power")
    case.locator("#whistle-note").fill(f"请到场 {HOSTILE}")
    findings.look(case, "blowing")
    # A department that is called twice is refused, and what was filled in stays.
    case.get_by_role("button", name="现在吹哨").click()
    expect(case.locator("#whistle-fault")).to_contain_text("没能完成")
    case.get_by_label("部门", exact=True).nth(1).fill("water works")
    case.get_by_role("button", name="现在吹哨").click()
    expect(case.locator("#whistle-said")).to_have_text("已吹哨。")
    expect(case.locator("#whistle-fault")).to_have_text("")
    # What was typed is text, and nothing of it has run.
    expect(case.locator("#whistles .text")).to_have_text(f"请到场 {HOSTILE}")

    # Everybody sees it without doing anything; each may do what he may.
    for page in seen.values():
        expect(page.locator("#unfinished tbody tr")).to_have_count(2)
    assert counts(seen["power"]) == {"waiting": "2", "late": "0", "there": "0", "ended": "0"}
    power = seen["power"].locator("[data-call]", has_text="power")
    expect(power).to_contain_text("剩余 19分钟")
    expect(seen["power"].locator("[data-act]")).to_have_count(1)
    expect(seen["grid_worker"].locator("[data-act]")).to_have_count(0)
    expect(seen["dispatcher"].locator('[data-act="release"]')).to_have_count(2)
    # Whoever keeps the roster is told who blew; others see the number of the account.
    expect(seen["dispatcher"].locator(".whistle")).to_contain_text("吹哨岗位：grid_worker")
    expect(seen["power"].locator(".whistle")).to_contain_text(f"账号 {desk.ids['grid_worker']}")

    power.get_by_role("button", name="报到 power").press("Enter")
    assert seen["power"].evaluate("() => document.activeElement.tagName") == "TEXTAREA"
    findings.look(seen["power"], "answering")
    seen["power"].get_by_label("到场情况 power").fill("已到")
    seen["power"].locator('[data-answer="report_in"] button[type=submit]').click()
    expect(seen["power"].locator("#said")).to_have_text("“power”已报到。")
    expect(seen["dispatcher"].locator("[data-call]", has_text="power")).to_contain_text("按期报到")
    expect(seen["dispatcher"].locator("#departments")).to_contain_text("不到1分钟（n=1）")

    # The other department does not come: late is said, not only coloured.
    set_back(desk, 75)
    seen["dispatcher"].reload()
    seen["dispatcher"].evaluate("() => window.weigeCases.ready")
    assert counts(seen["dispatcher"]) == {"waiting": "1", "late": "1", "there": "1", "ended": "0"}
    water = seen["dispatcher"].locator("[data-call]", has_text="water works")
    expect(water).to_contain_text("已超期 15分钟")
    findings.look(seen["dispatcher"], "late")
    water.get_by_role("button", name="解除").click()
    seen["dispatcher"].get_by_label("解除原因 water works").fill("不需要")
    seen["dispatcher"].locator('[data-answer="release"] button[type=submit]').click()
    expect(seen["dispatcher"].locator("#said")).to_have_text("已解除对“water works”的吹哨。")

    # On the page of the case it is answered too.
    own = opened(people["power"], address, f"/cases/{number}")
    own.get_by_role("button", name="办结 power").click()
    own.get_by_label("办理结果 power").fill("已抢修")
    own.locator('[data-answer="done"] button[type=submit]').click()
    expect(own.locator("#whistle-said")).to_have_text("“power”已办结。")
    expect(own.locator("#whistles")).to_contain_text("已抢修")
    findings.look(own, "answered")
    expect(seen["power"].locator("#ended .whistle")).to_contain_text("已抢修")
    expect(seen["power"].locator("#no-unfinished")).to_be_visible()
    assert counts(seen["power"]) == {"waiting": "0", "late": "0", "there": "0", "ended": "2"}
    assert [one for found in faults for one in found] == []
    assert findings.found == []


def test_an_answer_that_is_being_written_is_not_taken_away_by_news(
    address: str, client: TestClient, desk: Desk, people: dict[str, BrowserContext]
):
    whistle(client, desk, desk.report()["number"])
    page = opened(people["power"], address)
    page.get_by_role("button", name="报到 power").click()
    page.get_by_label("到场情况").fill("已")
    whistle(client, desk, desk.report()["number"])
    expect(page.locator("#fresh")).to_be_visible(timeout=10_000)
    expect(page.get_by_label("到场情况")).to_have_value("已")
    page.get_by_role("button", name="不填了").click()
    page.locator("#fresh").click()
    expect(page.locator("#unfinished .whistle")).to_have_count(2)


def test_a_whistle_that_is_filled_in_stays_when_a_colleague_is_faster_with_a_step(
    address: str, desk: Desk, people: dict[str, BrowserContext]
):
    number = desk.report(text="路面塌陷")["number"]
    page = opened(people["dispatcher"], address, f"/cases/{number}")
    page.get_by_role("button", name="吹哨", exact=True).click()
    page.get_by_label("部门", exact=True).fill("power")
    page.locator("#whistle-note").fill("请带围挡")
    overtaken(desk, page, number, "note", "已联系物业")
    expect(page.locator("#said")).to_contain_text("案件刚被他人更新")
    expect(page.get_by_label("部门", exact=True)).to_have_value("power")
    expect(page.locator("#whistle-note")).to_have_value("请带围挡")
    page.locator("#whistle-form button[type=submit]").click()
    expect(page.locator(".blown")).to_contain_text("请带围挡")
    expect(page.locator("#whistle-form")).to_have_count(0)


def test_who_may_not_whistle_is_offered_nothing_and_a_fault_is_told(
    address: str, client: TestClient, desk: Desk, browser: Browser
):
    number = desk.report()["number"]
    whistle(client, desk, number)
    with sign_in_browser(desk.store, browser, desk.ids["viewer"], locale="en") as context:
        case = opened(context, address, f"/cases/{number}")
        expect(case.locator("#whistles [data-call]")).to_have_count(2)
        expect(case.locator("#blow, [data-act]")).to_have_count(0)
        page = context.new_page()
        page.route("**/api/v1/whistles?*", lambda route: route.abort())
        page.goto(f"{address}/whistles")
        expect(page.locator("#fault")).to_contain_text("Not read")


def test_a_joint_action_is_noted_and_its_shares_add_up(
    address: str, client: TestClient, desk: Desk, people: dict[str, BrowserContext], findings: Findings
):
    cases = [desk.report()["number"] for _ in range(2)]
    page = opened(people["dispatcher"], address)
    expect(page.locator("#joint .empty")).to_be_visible()
    page.get_by_role("button", name="登记联合行动").click()
    page.get_by_label("名称").fill("夜间联合整治")
    page.get_by_label("部门（每行一个").fill("power\nwater works")
    page.get_by_label("案件编号").fill(cases[0] + "，" + "0" * 19)
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator("#fault")).to_contain_text("没能完成")
    page.get_by_label("案件编号").fill("\n".join(cases))
    page.get_by_role("button", name="登记", exact=True).press("Enter")
    expect(page.locator("#said")).to_have_text("已登记。")
    expect(page.locator("#joint .actions")).to_contain_text("夜间联合整治")
    expect(page.locator("#joint .actions a")).to_have_text(cases)
    expect(page.locator("#joint table")).to_contain_text("共 2 件")
    expect(page.locator("#joint tbody td:last-child")).to_have_text(["1", "1"])
    findings.look(page, "joint")
    other = opened(people["grid_worker"], address)
    expect(other.locator("#joint .actions")).to_contain_text("夜间联合整治")
    expect(other.get_by_role("button", name="登记联合行动")).to_have_count(0)
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
    team(desk, "power")
    numbers = [desk.report()["number"] for _ in range(2)]
    calls = whistle(client, desk, numbers[0]).json()["calls"]
    set_back(desk, 75)
    whistle(client, desk, numbers[1], calls=[{"department": "power"}, {"department": "市政养护中心"}])
    assert answer(client, desk, "power", calls[1]["id"], "report-in").status_code == 201
    made = client.post(
        "/api/v1/joint-actions", headers=bearer(desk.tokens["dispatcher"]),
        json={"division_id": desk.street, "title": "夜间联合整治", "day": "2026-11-26",
              "departments": ["power", "water works"], "cases": numbers},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    options = {"viewport": {"width": width, "height": 844}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["both"], locale=locale, **options) as context:
        page = opened(context, address)
        expect(page.locator("#unfinished .whistle")).to_have_count(2)
        page.locator('[data-act="release"]').first.click()
        require_fitting(page, "whistles")
        findings.look(page, "whistles")
        case = opened(context, address, f"/cases/{numbers[0]}")
        # The stages tell their moments without the year, in each language whole.
        assert re.fullmatch(
            r"\d\d/\d\d,? \d\d:\d\d", case.locator(".stages .done .at").first.inner_text().strip()
        )
        case.locator("#blow").click()
        require_fitting(case, "a case with whistles")
        findings.look(case, "a case with whistles")
    assert findings.found == []
