"""The page of reports on a phone: without an account, without a network, and with what is open nearby."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import text

from api.cases.contacts import plain_phone, write_new_key
from api.errors import NotValidError
from api.main import create_app
from api.settings import Settings
from tests.api.cases.desk import IN_FIRST, LAT, LON, Desk
from tests.api.cases.test_photos import with_metadata
from tests.api.place import SIDE_DEG
from tests.api.planner_page import browser_of, end_sessions, faults_of, sign_in_browser, sign_in_by_link
from tests.api.processes import api_thread

pytestmark = pytest.mark.browser

AT = {"longitude": IN_FIRST[0], "latitude": IN_FIRST[1], "accuracy": 5}
PHONE = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "geolocation": AT,
    "permissions": ["geolocation"], "locale": "zh-CN",
}  # fmt: skip


@pytest.fixture
def resident(desk: Desk, browser: Browser) -> Iterator[BrowserContext]:
    """Somebody's phone, where the street takes reports of everybody."""
    with desk.store.owner.begin() as owner:
        owner.execute(text("INSERT INTO case_intake VALUES (:street, true, true)"), {"street": desk.street})
    context = browser.new_context(**PHONE)
    yield context
    context.close()


@pytest.fixture
def calling_back(desk: Desk, folder: Path, tmp_path: Path) -> Iterator[str]:
    """Where the service keeps numbers to call back on."""
    write_new_key(tmp_path / "contact.key")
    settings = Settings(data_dir=folder, contact_key_file=tmp_path / "contact.key")
    with api_thread(create_app(settings, desk.store.url)) as running:
        yield running


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.evaluate("() => window.weigeCases.ready")
    return page


def fill(page: Page, said: str = "水管爆裂") -> None:
    page.set_input_files("#photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": with_metadata()})
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("#where")).to_contain_text("误差约 5 米")
    page.get_by_role("button", name="自来水管破裂").click()
    page.get_by_label("情况说明").fill(said)


def send(page: Page) -> None:
    page.get_by_role("button", name="上报", exact=True).click()


def cases(desk: Desk) -> list[dict[str, object]]:
    with desk.store.owner.connect() as owner:
        rows = owner.execute(
            text("""SELECT c.number, c.channel, c.text, c.grid, c.accuracy_m,
                      (SELECT count(*) FROM case_photos p WHERE p.case_id = c.id) AS photos
                    FROM cases c ORDER BY c.id""")
        )
        return [dict(row) for row in rows.mappings()]


def test_without_the_street_s_word_the_page_asks_to_sign_in(desk: Desk, address: str, browser: Browser):
    page = browser.new_page()
    page.goto(f"{address}/report")
    assert page.url == f"{address}/login?next=/report"


def test_three_taps_report_without_an_account(desk: Desk, address: str, resident: BrowserContext):
    page = opened(resident, f"{address}/report")
    faults = faults_of(page)
    fill(page)
    send(page)

    expect(page.locator("#said")).to_contain_text("已上报")
    (made,) = cases(desk)
    assert (made["channel"], made["grid"], made["photos"], made["accuracy_m"]) == (
        "public",
        "320924001001001",
        1,
        5,
    )
    assert made["number"] in page.locator("#said").inner_text()
    assert page.get_by_label("情况说明").input_value() == ""
    assert faults == []


def test_what_has_no_network_is_kept_and_sent_once_when_there_is_one(
    desk: Desk, address: str, resident: BrowserContext
):
    page = opened(resident, f"{address}/report")
    fill(page, "没有信号时写的")
    resident.set_offline(True)
    send(page)
    expect(page.locator("#said")).to_contain_text("联网后自动发送")
    expect(page.locator("#waiting")).to_contain_text("待发送（1）")
    assert cases(desk) == []

    # The page is closed and opened again, still without a network: it comes from what the browser kept.
    resident.set_offline(False)
    page.goto(f"{address}/report")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    expect(page.locator("#said")).to_contain_text("已上报")
    (made,) = cases(desk)
    assert (made["text"], made["photos"]) == ("没有信号时写的", 1)


def test_the_page_opens_without_a_network_with_the_draft_in_it(
    desk: Desk, address: str, resident: BrowserContext
):
    page = opened(resident, f"{address}/report")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.evaluate("() => window.weigeCases.ready")
    fill(page, "写了一半")
    page.wait_for_timeout(1000)
    resident.set_offline(True)

    page.reload()
    page.evaluate("() => window.weigeCases.ready")

    expect(page.get_by_label("情况说明")).to_have_value("写了一半")
    expect(page.locator("#photos img")).to_have_count(1)
    send(page)
    expect(page.locator("#waiting")).to_contain_text("待发送（1）")
    resident.set_offline(False)
    expect(page.locator("#said")).to_contain_text("已上报", timeout=10_000)
    assert [made["text"] for made in cases(desk)] == ["写了一半"]


def test_an_answer_that_is_lost_on_its_way_reports_nothing_twice(
    desk: Desk, address: str, resident: BrowserContext
):
    page = opened(resident, f"{address}/report")
    lost = []

    def lose_first(route, request):
        answer = route.fetch()
        if not lost:
            lost.append(answer.status)
            return route.abort()
        return route.fulfill(response=answer)

    page.route("**/api/v1/reports", lose_first)
    fill(page)
    send(page)
    expect(page.locator("#said")).to_contain_text("联网后自动发送")
    assert lost == [201]

    page.get_by_role("button", name="现在发送").click()

    expect(page.locator("#said")).to_contain_text("已上报")
    (made,) = cases(desk)
    assert made["photos"] == 1


@pytest.mark.parametrize(
    ("status", "headers", "said", "listed"),
    [
        (429, {"Retry-After": "40"}, "上报过于频繁，请 40 秒后再试", "上报过于频繁，等待再发"),
        (429, {"Retry-After": "3000"}, "请约 50 分钟后再试", "上报过于频繁，等待再发"),
        (503, {"Retry-After": "2"}, "服务出错（503）", "等待服务恢复"),
        (500, {}, "服务出错（500）", "等待服务恢复"),
    ],
)
def test_too_many_reports_and_a_service_that_fails_are_told_as_what_they_are(
    desk: Desk, address: str, resident: BrowserContext, status: int, headers: dict[str, str],
    said: str, listed: str,
):  # fmt: skip
    page = opened(resident, f"{address}/report")
    page.route("**/api/v1/reports", lambda route: route.fulfill(status=status, headers=headers, body="{}"))
    fill(page)
    send(page)
    expect(page.locator("#said")).to_contain_text(said)
    expect(page.locator("#said")).not_to_contain_text("网络")
    expect(page.locator("#waiting")).to_contain_text(listed)
    page.unroute("**/api/v1/reports")
    page.get_by_role("button", name="现在发送").click()
    expect(page.locator("#said")).to_contain_text("已上报")
    assert len(cases(desk)) == 1


def test_the_map_of_who_administers_starts_where_he_sees(desk: Desk, address: str, browser: Browser):
    with browser_of(desk.store, browser, "keeper", ("admin", desk.street)) as context:
        page = opened(context, f"{address}/report")
        told = page.evaluate(
            "() => JSON.parse(document.getElementById('weige-case-page').textContent).centre"
        )
        assert told == pytest.approx([LON + 2 * SIDE_DEG, LAT + SIDE_DEG], abs=2 * SIDE_DEG)


def test_what_is_open_nearby_is_shown_before_it_is_reported_again(desk: Desk, address: str, browser: Browser):
    desk.report(category="E0402", lon=IN_FIRST[0] + 0.0003)
    options = {name: value for name, value in PHONE.items() if name != "locale"}
    with sign_in_browser(desk.store, browser, desk.ids["reporter"], **options) as context:
        page = opened(context, f"{address}/report")
        page.get_by_role("button", name="用当前位置").click()
        page.get_by_role("button", name="自来水管破裂").click()

        expect(page.locator("#nearby")).to_contain_text("附近已有 1 件同类问题在办")
        expect(page.locator("#nearby")).to_contain_text("约 30 米")
        page.get_by_role("button", name="暴露垃圾").click()
        expect(page.locator("#nearby")).to_be_empty()


def test_a_report_that_is_refused_is_shown_and_can_be_mended(
    desk: Desk, address: str, resident: BrowserContext
):
    page = opened(resident, f"{address}/report?lon=125&lat=40&address=远处&category=E0102")
    send(page)
    expect(page.locator("#said")).to_contain_text("没有上报成功")
    expect(page.locator("#waiting")).to_contain_text("该位置不在可上报的区域内")

    page.get_by_role("button", name="修改").click()
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("#where")).to_contain_text("误差约 5 米")
    send(page)

    expect(page.locator("#said")).to_contain_text("已上报")
    assert len(cases(desk)) == 1


def test_the_map_sets_the_place_too(desk: Desk, address: str, resident: BrowserContext):
    page = opened(resident, f"{address}/report?lon={IN_FIRST[0]}&lat={IN_FIRST[1]}")
    expect(page.locator("#where")).to_contain_text("已标出位置")
    before = page.locator(".pin").bounding_box()
    page.locator("#map").click(position={"x": 60, "y": 120})
    after = page.locator(".pin").bounding_box()
    assert before != after
    page.get_by_role("button", name="暴露垃圾").click()
    send(page)
    expect(page.locator("#said")).to_contain_text("已上报")
    (made,) = cases(desk)
    assert made["accuracy_m"] is None


FIRST_SIGN = f"lon={IN_FIRST[0]}&lat={IN_FIRST[1]}&category=E0102&address=甲路"
SECOND_SIGN = f"lon={IN_FIRST[0] + 0.0004}&lat={IN_FIRST[1]}&category=E0402&address=丙路"


def sent_report(page: Page) -> dict[str, object]:
    with page.expect_request("**/api/v1/reports") as asked:
        send(page)
    expect(page.locator("#said")).to_contain_text("已上报")
    told: dict[str, object] = asked.value.post_data_json
    return {name: told.get(name) for name in ("lon", "category", "address", "text")}


def kept_draft(page: Page) -> None:
    """Wait until the browser has kept what is in the form."""
    page.wait_for_timeout(1000)


def test_the_sign_just_scanned_wins_over_a_draft_that_holds_only_an_earlier_one(
    desk: Desk, address: str, resident: BrowserContext
):
    kept_draft(opened(resident, f"{address}/report?{FIRST_SIGN}"))

    page = opened(resident, f"{address}/report?{SECOND_SIGN}")

    expect(page.locator("#of-sign")).to_be_empty()
    told = sent_report(page)
    assert told == {
        "lon": pytest.approx(IN_FIRST[0] + 0.0004),
        "category": "E0402",
        "address": "丙路",
        "text": "",
    }


def test_without_a_network_the_page_kept_from_another_sign_is_of_the_sign_just_scanned(
    desk: Desk, address: str, resident: BrowserContext
):
    page = opened(resident, f"{address}/report?{FIRST_SIGN}")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.evaluate("() => window.weigeCases.ready")
    kept_draft(page)
    resident.set_offline(True)

    page.goto(f"{address}/report?{SECOND_SIGN}")
    page.evaluate("() => window.weigeCases.ready")

    expect(page.get_by_label("楼栋或路名")).to_have_value("丙路")


def test_a_report_begun_elsewhere_keeps_its_place_until_that_of_the_sign_is_chosen(
    desk: Desk, address: str, resident: BrowserContext
):
    begun = opened(resident, f"{address}/report?{FIRST_SIGN}")
    begun.get_by_label("情况说明").fill("路灯不亮")
    kept_draft(begun)

    page = opened(resident, f"{address}/report?{SECOND_SIGN}")

    line, where = page.locator("#of-sign"), page.get_by_label("楼栋或路名")
    expect(line).to_contain_text("位置也仍是上次的（甲路）")
    expect(where).to_have_value("甲路")
    line.get_by_role("button", name="改用标识处的位置").click()
    expect(where).to_have_value("丙路")
    line.get_by_role("button", name="换回上次的位置").click()
    expect(where).to_have_value("甲路")
    line.get_by_role("button", name="改用标识处的位置").click()
    told = sent_report(page)
    assert told == {
        "lon": pytest.approx(IN_FIRST[0] + 0.0004),
        "category": "E0402",
        "address": "丙路",
        "text": "路灯不亮",
    }
    expect(line).to_be_empty()


def test_a_place_set_by_hand_is_not_taken_by_a_sign_without_a_word(
    desk: Desk, address: str, resident: BrowserContext
):
    begun = opened(resident, f"{address}/report?{FIRST_SIGN}")
    begun.locator("#map").click(position={"x": 60, "y": 120})
    kept_draft(begun)

    page = opened(resident, f"{address}/report?{FIRST_SIGN}")

    expect(page.locator("#of-sign")).to_contain_text("位置也仍是上次的")
    page.locator("#map").click(position={"x": 90, "y": 120})
    expect(page.locator("#of-sign")).to_be_empty()


def test_a_sign_with_a_class_that_nobody_knows_says_so(desk: Desk, address: str, resident: BrowserContext):
    page = opened(resident, f"{address}/report?lon={IN_FIRST[0]}&lat={IN_FIRST[1]}&category=ZZZZ")
    expect(page.locator("#of-sign")).to_contain_text("标识上的类别（ZZZZ）这里没有")
    expect(page.locator("#where")).to_contain_text("已标出位置")
    page.get_by_role("button", name="暴露垃圾").click()
    expect(page.locator("#of-sign")).to_be_empty()


@pytest.mark.parametrize(
    "cut",
    ["lon=abc&lat=999&category=E0402", "lon=120.1&category=E0402", "lon=120.1&lat=", "lon=120.1&lat=91"],
)
def test_a_sign_whose_place_cannot_be_read_is_told_on_the_page_and_not_used(
    desk: Desk, address: str, resident: BrowserContext, cut: str
):
    page = opened(resident, f"{address}/report?{cut}")
    expect(page.locator("#of-sign")).to_contain_text("二维码或网址中的位置无法识别，未采用")
    expect(page.locator("#where")).to_have_text("点地图标出位置")
    expect(page.locator("#category")).to_have_value("")
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("#of-sign")).to_be_empty()


@pytest.mark.parametrize("then", ["", "?lon=abc&lat=999"])
def test_whoever_comes_by_no_sign_is_not_where_an_earlier_one_stands(
    desk: Desk, address: str, resident: BrowserContext, then: str
):
    kept_draft(opened(resident, f"{address}/report?{FIRST_SIGN}"))
    page = opened(resident, f"{address}/report{then}")
    expect(page.locator("#where")).to_have_text("点地图标出位置")
    expect(page.locator("#category")).to_have_value("")
    expect(page.get_by_label("楼栋或路名")).to_have_value("")
    assert page.locator(".pin").count() == 0


def test_a_number_that_cannot_be_called_back_is_corrected_before_anything_is_sent(
    desk: Desk, calling_back: str, resident: BrowserContext
):
    page = opened(resident, f"{calling_back}/report")
    fill(page)
    page.get_by_label("回访电话").fill("12345678")
    send(page)
    expect(page.locator("#said")).to_contain_text("这不是可以回拨的电话号码")
    assert page.evaluate("() => document.activeElement.id") == "phone"
    assert cases(desk) == []

    page.get_by_label("回访电话").fill(" 138 1234-5678 ")
    expect(page.locator("#said")).to_be_empty()
    send(page)

    expect(page.locator("#said")).to_contain_text("已上报")
    expect(page.locator("#unkept")).to_be_empty()
    assert (len(cases(desk)), contacts(desk)) == (1, 1)


def test_the_page_knows_a_number_as_the_service_does(desk: Desk, address: str, resident: BrowserContext):
    written = [
        "13812345678", "+86 138 1234 5678", "0086-13812345678", "+86008613812345678", "0513-88886666",
        "（0513）8888666", "021 88886666", "12812345678", "1381234567", "138123456789", "1３812345678", "",
        "86 13812345678", "010.88886666", "110",
        "13812345678;", "\u00a013812345678", "１３８１２３４５６７８",
    ]  # fmt: skip
    page = opened(resident, f"{address}/report")

    told = page.evaluate("(written) => written.map(window.weigeCases.isPhone)", written)

    assert told == [is_phone(each) for each in written]
    assert 0 < sum(told) < len(written)


def test_what_the_service_refuses_of_a_report_is_told_and_can_be_sent_again(
    desk: Desk, calling_back: str, resident: BrowserContext
):
    page = opened(resident, f"{calling_back}/report")
    # On their way the number loses its end and the photo what it is: the service itself refuses both.
    harmed = {"**/reports/contact": '{"phone": "1381234"}', "**/reports/photos": "no picture"}
    for where, body in harmed.items():
        page.route(where, harm(body))
    fill(page)
    page.get_by_label("回访电话").fill("13812345678")
    send(page)

    said = page.locator("#said")
    expect(said).to_contain_text("已上报")
    expect(said).to_contain_text("回访电话未收下：这不是可以回拨的电话号码")
    expect(said).to_contain_text("照片未收下：照片无法读取")
    (made,) = cases(desk)
    assert (made["photos"], contacts(desk)) == (0, 0)

    # It stays, also when the page is opened again, and is corrected there.
    page.reload()
    page.evaluate("() => window.weigeCases.ready")
    kept = page.locator("#unkept")
    expect(kept).to_contain_text(str(made["number"]))
    expect(kept.locator("img")).to_have_count(1)
    expect(page.locator("#waiting")).to_be_empty()
    kept.get_by_label("回访电话").fill("110")
    kept.get_by_role("button", name="重新发送").click()
    expect(kept.get_by_role("alert")).to_contain_text("这不是可以回拨的电话号码")
    for where in harmed:
        page.unroute(where)
    expect(kept.get_by_text("换一张照片")).to_be_hidden()
    kept.get_by_role("button", name="删除第 1 张照片").click()
    expect(kept.get_by_text("换一张照片")).to_be_visible()
    kept.get_by_label("换一张照片").set_input_files(
        {"name": "q.jpg", "mimeType": "image/jpeg", "buffer": with_metadata()}
    )
    expect(kept.locator("img")).to_have_count(1)
    kept.get_by_label("回访电话").fill("13812345679")
    kept.get_by_role("button", name="重新发送").click()

    expect(kept).to_be_empty()
    expect(said).to_contain_text("已上报")
    expect(said).not_to_contain_text("未收下")
    (made,) = cases(desk)
    assert (made["photos"], contacts(desk)) == (1, 1)


def test_a_photo_that_is_refused_can_be_left(desk: Desk, address: str, browser: Browser):
    options = {name: value for name, value in PHONE.items() if name != "locale"}
    with sign_in_browser(desk.store, browser, desk.ids["grid_worker"], **options) as context:
        page = opened(context, f"{address}/report")
        page.route("**/photos", harm("no picture"))
        fill(page)
        send(page)
        expect(page.locator("#said")).to_contain_text("照片未收下：照片无法读取")
        page.get_by_role("button", name="不再补充").click()
        expect(page.locator("#unkept")).to_be_empty()
        page.reload()
        page.evaluate("() => window.weigeCases.ready")
        expect(page.locator("#unkept")).to_be_empty()
        assert len(cases(desk)) == 1


def test_a_report_of_an_ended_session_is_sent_after_signing_in(desk: Desk, address: str, browser: Browser):
    with browser_of(desk.store, browser, "walker", ("grid_worker", desk.street)) as context:
        page = opened(context, f"{address}/report?lon={IN_FIRST[0]}&lat={IN_FIRST[1]}&category=E0102")
        page.get_by_label("情况说明").fill("登录过期时写的")
        end_sessions(desk.store)
        send(page)
        expect(page.locator("#said")).to_contain_text("登录已过期，请登录后发送")
        expect(page.locator("#waiting")).to_contain_text("等待登录")
        assert cases(desk) == []

        sign_in_by_link(page, "#said", "walker")

        page.wait_for_url(f"{address}/report**")
        expect(page.locator("#said")).to_contain_text("已上报")
        assert [made["text"] for made in cases(desk)] == ["登录过期时写的"]


def test_what_was_missing_is_no_longer_told_once_it_is_given(
    desk: Desk, address: str, resident: BrowserContext
):
    page = opened(resident, f"{address}/report")
    send(page)
    expect(page.locator("#said")).to_contain_text("还没有位置")
    page.get_by_role("button", name="暴露垃圾").click()
    expect(page.locator("#said")).to_contain_text("还没有位置")
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("#where")).to_contain_text("误差约 5 米")
    expect(page.locator("#said")).to_be_empty()


def harm(body: str) -> Callable[[Route], None]:
    """What puts another body into a request on its way to the service."""
    return lambda route: route.continue_(post_data=body)


def is_phone(written: str) -> bool:
    try:
        plain_phone(written)
    except NotValidError:
        return False
    return True


def contacts(desk: Desk) -> int:
    with desk.store.owner.connect() as owner:
        return int(owner.execute(text("SELECT count(*) FROM vault.contacts")).scalar_one())
