"""The list of cases and the page of one, as people at browsers use them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from api.cases.masking import masked
from tests.api.cases.desk import ON_BORDER, Desk
from tests.api.planner_page import browser_of, end_sessions, faults_of, sign_in_browser, sign_in_by_link

pytestmark = pytest.mark.browser


@pytest.fixture
def people(desk: Desk, browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """A browser of each, as they are asked for."""
    with ExitStack() as stack:
        yield _Browsers(desk, browser, stack)


class _Browsers(dict[str, BrowserContext]):
    def __init__(self, desk: Desk, browser: Browser, stack: ExitStack) -> None:
        super().__init__()
        self._made = desk, browser, stack

    def __missing__(self, role: str) -> BrowserContext:
        desk, browser, stack = self._made
        self[role] = stack.enter_context(sign_in_browser(desk.store, browser, desk.ids[role]))
        return self[role]


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.evaluate("() => window.weigeCases.ready")
    return page


def numbers(page: Page) -> list[str]:
    return [link.inner_text().replace("\n", "") for link in page.locator("#rows th a").all()]


def test_the_list_is_filtered_paged_and_walked_by_keys(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    made = [desk.report()["number"] for _ in range(3)]
    desk.take(made[0], ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}))
    page = opened(people["dispatcher"], f"{address}/cases")
    faults = faults_of(page)
    expect(page.locator("#rows tr")).to_have_count(3)

    page.keyboard.press("1")
    expect(page.locator("#rows tr")).to_have_count(2)
    assert page.url.endswith("/cases?view=mine")
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.evaluate("() => document.activeElement.getAttribute('href')")
    assert focused == f"/cases/{numbers(page)[1]}"
    page.keyboard.press("/")
    page.keyboard.type(made[0])
    page.keyboard.press("Enter")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#rows tr")).to_have_count(2)
    page.get_by_role("button", name="全部").click()
    page.get_by_label("状态").select_option("dispatched")
    expect(page.locator("#rows tr")).to_have_count(1)
    assert numbers(page) == [made[0]]
    assert faults == []


def test_what_the_address_of_the_list_says_and_no_list_knows_is_told_and_left_out(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    desk.report()
    page = opened(people["dispatcher"], f"{address}/cases?state=zz&order=q&community=abc&view=all")
    told = page.locator("#ignored")
    expect(told).to_have_text("网址中有3项筛选无法识别，未采用：state=zz, order=q, community=abc")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#order")).to_have_value("due")
    expect(page.get_by_label("社区")).to_have_value("")

    page.get_by_label("状态").select_option("reported")
    expect(told).to_be_hidden()
    assert page.url.endswith("/cases?view=all&state=reported")
    page.go_back()
    expect(told).to_contain_text("3项筛选无法识别")


def test_the_list_says_how_many_cases_there_are_and_calls_their_classes_apart(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    for _ in range(51):
        desk.report(category="E0499")
    page = opened(people["dispatcher"], f"{address}/cases")
    expect(page.locator("#said")).to_have_text("第 1 页，本页 50 件，共 51 件")
    assert set(page.locator(".c-what b").all_text_contents()) == {"突发事件·其他"}
    page.locator("#onward").click()
    expect(page.locator("#said")).to_have_text("第 2 页，本页 1 件，共 51 件")
    page.locator("#rows a").click()
    expect(page.locator("h1")).to_contain_text("突发事件·其他")
    page.goto(f"{address}/cases?state=dispatched")
    expect(page.locator("#said")).to_have_text("没有符合条件的案件。")


def test_a_list_says_when_it_is_not_of_this_moment_any_more(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    page = opened(people["dispatcher"], f"{address}/cases")
    expect(page.get_by_text("没有符合条件的案件")).to_be_visible()

    number = desk.report()["number"]

    page.get_by_role("button", name="案件有更新").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    assert numbers(page) == [number]


def test_a_case_near_a_border_asks_which_grid_it_is_and_takes_the_answer(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    number = desk.report(lon=ON_BORDER[0], lat=ON_BORDER[1])["number"]
    page = opened(people["dispatcher"], f"{address}/cases/{number}")
    faults = faults_of(page)

    page.locator(".ask").get_by_role("button", name="320924001001002").click()

    expect(page.locator("#where")).to_contain_text("320924001001002")
    expect(page.locator(".ask")).to_have_count(0)
    assert desk.row(number)["grid"] == "320924001001002"
    assert faults == []


def overtaken(desk: Desk, page: Page, number: str, step: str, note: str) -> None:
    """Send a step with a note that was begun before a colleague accepted the case."""
    if not page.locator(f"[data-form={step}]").count():
        page.locator(f"[data-step={step}]").click()
    page.locator(f"[data-form={step}] textarea").fill(note)
    desk.take(number, ("other dispatcher", "accept"))
    page.locator(f"[data-form={step}] button[type=submit]").click()


def test_a_step_seen_at_an_older_state_is_not_taken(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    number = desk.report()["number"]
    page = opened(people["dispatcher"], f"{address}/cases/{number}")
    page.locator("[data-step=refuse]").click()
    page.get_by_label("原因").select_option("not_found")
    overtaken(desk, page, number, "refuse", "现场没有")

    expect(page.locator("#said")).to_contain_text("案件刚被他人更新")
    assert desk.row(number)["state"] == "accepted"


def test_a_note_stays_in_its_form_when_a_colleague_is_faster(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    number = desk.report()["number"]
    page = opened(people["dispatcher"], f"{address}/cases/{number}")
    overtaken(desk, page, number, "note", "已联系物业")

    expect(page.locator("#said")).to_contain_text("案件刚被他人更新")
    expect(page.locator("[data-form=note] textarea")).to_have_value("已联系物业")
    page.locator("[data-form=note] button[type=submit]").click()
    expect(page.locator("#said")).to_have_text("已完成：备注。")
    expect(page.locator("#log")).to_contain_text("已联系物业")
    expect(page.locator("[data-form=note], .left-over")).to_have_count(0)


def test_what_was_typed_for_a_step_that_a_colleague_took_is_there_to_be_copied(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    number = desk.report()["number"]
    page = opened(people["dispatcher"], f"{address}/cases/{number}")
    overtaken(desk, page, number, "accept", "已联系物业")

    expect(page.locator(".left-over")).to_contain_text("已联系物业")
    # It stays, whatever comes in, until another step is taken.
    desk.take(number, ("other dispatcher", "note", {"note": "再看一次"}))
    expect(page.locator("#log")).to_contain_text("再看一次")
    expect(page.locator(".left-over")).to_contain_text("已联系物业")
    page.locator("[data-step=note]").click()
    page.locator("[data-form=note] textarea").fill("已联系物业")
    page.locator("[data-form=note] button[type=submit]").click()
    expect(page.locator("#said")).to_have_text("已完成：备注。")
    expect(page.locator(".left-over")).to_have_count(0)


def test_why_this_deadline_is_told_line_by_line_and_what_people_typed_is_text(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    number = desk.report(text="<img src=x onerror=alert(1)> 路面积水")["number"]
    page = opened(people["dispatcher"], f"{address}/cases/{number}")
    faults = faults_of(page)
    page.locator("[data-step=accept]").click()
    page.locator("[data-form=accept] button[type=submit]").click()
    expect(page.locator("#said")).to_have_text("已完成：受理。")

    page.get_by_text("期限是怎么算的").click()

    lines = page.locator(".why li").all_inner_texts()
    assert lines[0].startswith("自")
    assert any(line.startswith("到期时间") for line in lines)
    assert page.locator("#text img").count() == 0
    expect(page.locator("#text")).to_contain_text("<img src=x")
    assert faults == []


def test_the_page_masks_as_the_service_does(desk: Desk, address: str, people: dict[str, BrowserContext]):
    chance = random.Random(5)
    numbers_of_people = [
        "138",
        "1234",
        "5678",
        "0518-",
        "320924",
        "19900101",
        "123X",
        "１",
        "+86",
        "0",
        "7",
        "501",
    ]
    spelled = [
        "一三八",
        "幺",
        "一二三四",
        "〇",
        "１３９ ",
        "138 12 34",
        "56",
        "1 3 8 ",
        "\u200b",
        "\t",
        "·",
        "—",
        "_",
        "2026",
    ]
    round_them = ["3号楼", "2单元", "室", "户", "栋", " ", "-", "（", "）", "五〇一", "号房", "漏水"]
    parts = [*numbers_of_people, *spelled, *round_them]
    drawn = ["".join(chance.choice(parts) for _ in range(chance.randint(1, 9))) for _ in range(5000)]
    page = opened(people["dispatcher"], f"{address}/cases")

    told = page.evaluate("(drawn) => drawn.map(window.weigeCases.masked)", drawn)

    expected = [masked(said) for said in drawn]
    assert sum(said != clean for said, clean in zip(drawn, expected, strict=True)) > 500
    assert told == expected


def test_the_log_names_the_rule_that_gave_a_case_away_and_the_departments_that_were_called(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    with desk.store.owner.begin() as owner:
        rule = owner.execute(
            text("INSERT INTO dispatch_rules (division_id, position, name, department)"
                 " VALUES (:d, 1, 'all', 'water works') RETURNING id"), {"d": desk.street}
        ).scalar_one()  # fmt: skip
    number = desk.report()["number"]
    desk.take(number, ("dispatcher", "accept"),
              ("dispatcher", "dispatch", {"to": "water works", "rule": rule}))  # fmt: skip
    calls = '[{"department": "power"}]'
    desk.call("SELECT blow_whistle(:n, 'grid', cast(:c AS jsonb), '')", "grid_worker", n=number, c=calls)
    log = opened(people["viewer"], f"{address}/cases/{number}").locator("ol.log")
    expect(log).to_contain_text(f"派单规则：第{rule}号")
    expect(log).to_contain_text("吹哨")
    expect(log).to_contain_text("部门：power")
    expect(log).to_contain_text("限报到：")


def test_a_step_of_an_ended_session_leads_to_the_login_and_back_with_what_was_typed(
    desk: Desk, address: str, browser: Browser
):
    number = desk.report()["number"]
    with browser_of(desk.store, browser, "sitting_there", ("dispatcher", desk.street)) as context:
        page = opened(context, f"{address}/cases/{number}")
        page.locator("[data-step=refuse]").click()
        page.get_by_label("原因").select_option("not_found")
        page.locator("[data-form=refuse] textarea").fill("现场没有")
        end_sessions(desk.store)
        page.locator("[data-form=refuse] button[type=submit]").click()
        expect(page.locator("[data-form=refuse] .refused")).to_contain_text("登录已过期")

        sign_in_by_link(page, "[data-form=refuse]", "sitting_there")

        page.wait_for_url(f"{address}/cases/{number}")
        expect(page.get_by_label("原因")).to_have_value("not_found")
        expect(page.locator("[data-form=refuse] textarea")).to_have_value("现场没有")
        page.locator("[data-form=refuse] button[type=submit]").click()
        expect(page.locator("#said")).to_have_text("已完成：不予受理。")
        assert desk.row(number)["state"] == "cancelled"
        # It was kept for once.
        assert page.evaluate("() => sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("locale", "said"), [("zh-CN", "连不上服务，请检查网络后再试。"), ("en", "The service was not reached.")]
)
def test_a_step_without_a_network_is_refused_in_the_reader_s_language(
    desk: Desk, address: str, browser: Browser, locale: str, said: str
):
    number = desk.report()["number"]
    with sign_in_browser(desk.store, browser, desk.ids["dispatcher"], locale=locale) as context:
        page = opened(context, f"{address}/cases/{number}")
        page.locator("[data-step=accept]").click()
        context.set_offline(True)
        page.locator("[data-form=accept] button[type=submit]").click()
        expect(page.locator("[data-form=accept] .refused")).to_contain_text(said)
        context.set_offline(False)
        page.locator("[data-form=accept] button[type=submit]").click()
        expect(page.locator("[data-form=accept]")).to_have_count(0)
        assert desk.row(number)["state"] == "accepted"


def test_a_case_is_not_linked_to_itself_and_the_page_says_why(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    number = desk.report()["number"]
    page = opened(people["dispatcher"], f"{address}/cases/{number}")
    page.locator("[data-step=mark_duplicate]").click()
    page.get_by_label("原案件编号").fill(number)
    page.locator("[data-form=mark_duplicate] button[type=submit]").click()

    expect(page.locator("[data-form=mark_duplicate] .refused")).to_contain_text("案件不能并入自己")
    assert desk.row(number)["state"] == "reported"


def test_a_department_for_which_nobody_acts_is_asked_about_once(
    desk: Desk, address: str, people: dict[str, BrowserContext]
):
    numbers_made = [desk.report()["number"] for _ in range(2)]
    for number in numbers_made:
        desk.take(number, ("dispatcher", "accept"))
    first, second = numbers_made
    page = opened(people["dispatcher"], f"{address}/cases/{first}")
    page.locator("[data-step=dispatch]").click()
    form = page.locator("[data-form=dispatch]")
    assert form.locator("datalist option").evaluate_all("(all) => all.map(({ value }) => value)") == [
        "water works"
    ]
    form.get_by_label("承办单位").fill("water wroks")
    form.locator("button[type=submit]").click()
    expect(form.locator(".refused")).to_contain_text("没有处置员属于“water wroks”")
    assert desk.row(first)["state"] == "accepted"
    form.locator("button[type=submit]").click()
    expect(page.locator("#said")).to_have_text("已完成：分拨。")
    assert desk.row(first)["holder"] == "water wroks"

    page.goto(f"{address}/cases/{second}")
    page.evaluate("() => window.weigeCases.ready")
    page.locator("[data-step=dispatch]").click()
    form.get_by_label("承办单位").fill("water works")
    form.locator("button[type=submit]").click()
    expect(page.locator("#said")).to_have_text("已完成：分拨。")
    assert desk.row(second)["holder"] == "water works"
