"""Indicators over HTTP and on their pages: figures that open their cases, boards and lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from api.cases.facts import CaseFacts
from api.cases.indicators import IndicatorError, shipped_editions
from api.cases.scorecards import BASE, Scorecard, ScoreItem, card_of, scorecards, scored
from api.database import Store
from api.routes.indicator_pages import meeting_day
from tests.accessibility import Findings
from tests.api.accounts import add_area, bearer
from tests.api.accounts import add_person as add_account
from tests.api.cases.bulletins import BULLETINS, lives
from tests.api.cases.desk import Desk
from tests.api.cases.written_logs import events_of, write_logs
from tests.api.planner_page import browser_of, faults_of, sign_in_browser

pytestmark = pytest.mark.xdist_group("npm")

Ask = Callable[..., Any]
TIANMEN = next(one for one in BULLETINS if one.edition == "tianmen-2016")


@pytest.fixture
def street(store: Store) -> list[int]:
    above = add_area(store, "320700001", "street")
    return [add_area(store, f"32070000100{n}", "community", above) for n in (1, 2, 3)]


@pytest.fixture
def ask(client: TestClient, store: Store, street: list[int]) -> Ask:
    _, token = add_account(store, "li", *(("inspector", one) for one in street))
    _, one_token = add_account(store, "one", ("inspector", street[0]))

    def asked(what: str = "", *, who: str = "li", status: int = 200, **params: Any) -> Any:
        headers = bearer(token if who == "li" else one_token)
        answer = client.get(f"/api/v1/indicators{what}", params=params, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def test_a_printed_bulletin_comes_out_of_the_route_and_each_figure_opens_its_cases(
    store: Store, street: list[int], ask: Ask
):
    drawn = lives(TIANMEN, seed=1)
    write_logs(store, [(one.case_id, street[n % 3], events_of(one)) for n, one in enumerate(drawn)])
    asked = {"edition": TIANMEN.edition, "day": TIANMEN.day.isoformat()}

    told = ask(**asked)
    assert {one["name"]: Decimal(one["percent"]) for one in told["figures"]} == TIANMEN.printed
    for one in told["figures"]:
        behind = {part: numbers(ask, of=one["name"], part=part, **asked) for part in ("counted", "left_out")}
        assert len(behind["counted"]) == one["numerator"]
        assert len(behind["left_out"]) == one["left_out"]
        assert not behind["counted"] & behind["left_out"]
    for one in told["sums"]:
        parts = [numbers(ask, of=part, **asked) for part in one["parts"]]
        assert sum(map(len, parts)) == one["cases"]
        assert set().union(*parts) == numbers(ask, of=one["whole"], **asked)

    mine = ask(who="one", **asked)
    assert 0 < mine["figures"][0]["denominator"] < told["figures"][0]["denominator"]


def numbers(ask: Ask, **params: Any) -> set[str]:
    """The numbers of all cases behind a count, page by page."""
    found: list[str] = []
    while page := ask("/cases", after=found[-1] if found else "", limit=200, **params):
        found += [one["number"] for one in page]
    assert len(found) == len(set(found))
    return set(found)


NOW = datetime.now(UTC)


def case(number: int, **said: Any) -> CaseFacts:
    """A case of this moment's month, reported some days ago."""
    begun = NOW - timedelta(days=said.pop("days", 4))
    facts: dict[str, Any] = {
        "case_id": f"{number:019d}", "kind": "incident", "mode": "routine", "category": "E0102",
        "reported_at": begun, "accepted_at": begun, "filed_at": begun, "dispatched_at": begun,
        "due_at": begun + timedelta(days=1), "close_due_at": begun + timedelta(days=2), **said,
    }  # fmt: skip
    return CaseFacts(**facts)


@pytest.fixture
def month(store: Store, street: list[int]) -> None:
    """Three communities with garbage, one with burst pipes, two companies with complaints."""
    begun = NOW - timedelta(days=4)
    write_logs(store, [
        *((f"{n:019d}", street[n % 3], events_of(case(n, closed_at=begun + timedelta(hours=10 * n + 1),
                                                      handled_at=begun + timedelta(hours=1))))
          for n in range(3)),
        (f"{10:019d}", street[0], events_of(case(10, category="E0402"))),
        *((f"{n:019d}", street[1], events_of(case(n, kind="property", department="安居物业")))
          for n in range(20, 26)),
        *((f"{n:019d}", street[1], events_of(case(n, kind="property", department="和美物业",
                                                  handled_at=begun + timedelta(hours=2))))
          for n in range(30, 33)),
        (f"{40:019d}", street[2], events_of(case(40, kind="property", department="一家物业"))),
    ])  # fmt: skip


# On the first days of a month its cases were reported in the one before.
DAY = (NOW - timedelta(days=4)).astimezone().date().isoformat()


@pytest.mark.usefixtures("month")
def test_boards_themes_and_companies_of_a_period(street: list[int], ask: Ask):
    board = {line["name"]: line for line in ask("/board", rule="year", day=DAY)}
    first = board[str(street[0])]
    assert (first["reported"], first["closed"], first["closed_within"], first["due_within"]) == (2, 1, 1, 2)
    assert first["share_within"] == 0.5
    assert first["mean_s"] == pytest.approx(3600, abs=1)

    assert [(one["category"], len(one["areas"])) for one in ask("/themes", rule="year", day=DAY)] == [
        ("E0102", 3)
    ]
    told = ask("/companies", rule="year", day=DAY)
    assert (told["card"], told["source"]) == ("property-A", "unconfirmed")
    companies = {one["company"]: one for one in told["companies"]}
    assert {name: (one["points"], one["listed"]) for name, one in companies.items()} == {
        "和美物业": (100, "red"), "安居物业": (60, "neither"), "一家物业": (92, "too_few"),
    }  # fmt: skip
    for one in companies.values():
        assert one["points"] == told["full_points"] + sum(line["points"] for line in one["lines"])
    late = next(line for line in companies["安居物业"]["lines"] if line["name"] == "handling_overdue")
    assert (late["cases"], late["each"], late["most"], late["points"]) == (6, -8, 40, -40)


@pytest.mark.usefixtures("month")
def test_what_is_due_later_in_the_period_is_not_due_yet(ask: Ask, store: Store, street: list[int]):
    later = case(90, days=0, due_at=NOW + timedelta(hours=5), close_due_at=NOW + timedelta(hours=6))
    before = ask(day=DAY)["figures"]
    write_logs(store, [(later.case_id, street[0], events_of(later))])

    assert ask(day=DAY)["figures"] == before


@pytest.mark.usefixtures("month")
def test_the_lists_of_the_meetings(ask: Ask):
    lane = ask("/lane", day=DAY)
    assert {one["number"] for one in lane} >= {f"{n:019d}" for n in (10, 20, 40)}
    agenda = ask("/agenda")
    assert {one["number"] for one in agenda["overdue"]} >= {f"{n:019d}" for n in (10, 20, 40)}
    assert meeting_day(date(2026, 11, 10)) == date(2026, 11, 10)
    assert meeting_day(date(2026, 11, 11)) == date(2026, 12, 10)
    assert meeting_day(date(2026, 12, 31)) == date(2027, 1, 10)


def test_what_is_not_there_is_not_found(ask: Ask):
    assert ask(edition="no such", status=404)["code"] == "edition_not_found"
    assert ask("/cases", of="no_such", status=404)["code"] == "indicator_not_found"
    assert ask(area="320924001001", status=404)["code"] == "division_not_found"
    assert {one["name"] for one in ask("/editions")} == set(shipped_editions())


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31"])
def test_a_day_of_no_year_that_there_are_figures_of_is_refused(ask: Ask, day: str):
    for what in ("", "/board", "/lane"):
        assert ask(what, day=day, status=422)["code"] == "day"
    assert ask(day="2000-01-01")["start"] < ask(day="2099-12-31")["start"]


def test_an_old_period_keeps_its_own_scorecard(tmp_path):
    (tmp_path / "b.toml").write_text(
        'edition = "B"\nsource = "街道"\nfrom = 2026-07-01\nkind = "property"\nfull_points = 50\n'
        "red_from = 45\nblack_below = 30\nleast_cases = 1\n"
        '[[items]]\nname = "late"\ncount = "handled_late"\npoints = -3\nmost = 9\n',
        encoding="utf-8",
    )
    cards = scorecards(tmp_path)
    named = [card_of(cards, day) for day in (date(2026, 6, 1), date(2026, 7, 1), date(2019, 1, 1))]
    assert [card and card.name for card in named] == ["property-A", "B", None]

    card = named[1]
    assert card is not None
    score = scored(card, "x", {BASE: 8, "handled_late": 4})
    assert (score.points, score.lines[0].points, score.listed) == (41, -9, "neither")
    (tmp_path / "c.toml").write_text('edition = "C"\n', encoding="utf-8")
    scorecards.cache_clear()
    with pytest.raises(IndicatorError) as fault:
        scorecards(tmp_path)
    assert (fault.value.file, fault.value.field) == ("c.toml", "items")
    scorecards.cache_clear()


def test_points_reach_a_list_at_its_very_edge():
    card = Scorecard("x", "", date(2020, 1, 1), "property", 100, 90, 60, 2,
                     (ScoreItem("late", "handled_late", -10, 90),))  # fmt: skip

    listed = [scored(card, "x", {BASE: cases, "handled_late": n}).listed
              for cases, n in ((1, 0), (2, 1), (2, 2), (5, 4), (5, 5))]  # fmt: skip
    assert listed == ["too_few", "red", "neither", "neither", "black"]


@pytest.mark.usefixtures("month")
def test_the_pages_lead_from_a_figure_to_its_cases_and_have_no_serious_fault(
    store: Store,
    browser: Browser,
    served: str,
    street: list[int],
    findings: Findings,
):
    with browser_of(store, browser, "inspector", *(("inspector", one) for one in street)) as context:
        page = context.new_page()
        faults = faults_of(page)
        page.goto(f"{served}/indicators?rule=year&day={DAY}")
        findings.look(page, "indicators")
        assert page.locator(".tag.red").count() == 1
        page.locator(".figure-cards a").first.click()
        page.locator("h1").wait_for()
        findings.look(page, "cases of a figure")
        page.locator(".parts a").nth(1).click()
        assert page.locator(".parts a[aria-current]").inner_text() == "未计入"
        for name in ("lane", "agenda"):
            page.goto(f"{served}/indicators/{name}")
            page.locator("table tbody tr").first.wait_for()
            findings.look(page, name)
        for missing in ("?area=elsewhere", "?edition=none", "/cases?of=none", "?kind=x", "?rule=x", "?by=x"):
            assert page.goto(f"{served}/indicators{missing}").status == 404  # type: ignore[union-attr]
        assert findings.found == []
        assert [fault for fault in faults if "404" not in fault] == []


@pytest.mark.parametrize("day", ["2026-13-01", "9999-12-31"])
def test_a_day_that_is_none_is_told_on_the_pages_and_left_out(
    store: Store, browser: Browser, served: str, street: list[int], day: str
):
    with browser_of(store, browser, "inspector", ("inspector", street[0])) as context:
        page = context.new_page()
        for where in ("?", "/lane?", "/cases?of=closing&"):
            page.goto(f"{served}/indicators{where}day={day}")
            expect(page.locator(".ignored")).to_have_text(f"网址中有1项筛选无法识别，未采用：day={day}")
        page.goto(f"{served}/indicators?day={DAY}")
        expect(page.locator(".ignored")).to_have_count(0)


@pytest.mark.usefixtures("month")
def test_a_name_on_the_board_is_not_broken_on_a_phone(
    store: Store, browser: Browser, served: str, street: list[int]
):
    with store.owner.begin() as owner:
        named = text("UPDATE divisions SET name = :name WHERE id = :id")
        for one, name in zip(street, ("西门社区居委会", "东门社区", "南门社区"), strict=True):
            owner.execute(named, {"id": one, "name": name})
    with browser_of(store, browser, "inspector", *(("inspector", one) for one in street)) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{served}/indicators?rule=year&day={DAY}")
        longest = page.locator("#board tbody th bdi", has_text="西门社区居委会")
        assert longest.evaluate("(name) => name.getClientRects().length") == 1
        assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.fixture
def at_the_street(store: Store, street: list[int], month: None) -> None:
    """Two cases of which only the street is known, beside those of the communities."""
    with store.owner.connect() as owner:
        above = owner.execute(
            text("SELECT parent_id FROM divisions WHERE id = :one"), {"one": street[0]}
        ).scalar_one()
    begun = NOW - timedelta(days=4)
    write_logs(store, [
        (f"{n:019d}", above, events_of(case(n, category="E0402", closed_at=begun + timedelta(hours=2),
                                            handled_at=begun + timedelta(hours=1))))
        for n in (80, 81)
    ])  # fmt: skip
    write_logs(store, [(f"{82:019d}", street[1], events_of(case(82, category="E0402")))])


@pytest.mark.usefixtures("at_the_street")
def test_what_stands_at_a_street_is_in_no_community(store: Store, client: TestClient, street: list[int]):
    with store.owner.connect() as owner:
        above = owner.execute(text("SELECT id FROM divisions WHERE code = '320700001'")).scalar_one()
    _, token = add_account(store, "of_street", ("inspector", above))
    told = client.get("/api/v1/indicators/themes", params={"rule": "year", "day": DAY}, headers=bearer(token))
    # Pipes burst in two communities, and somewhere in the street.
    assert [one["category"] for one in told.json()] == ["E0102"]


@pytest.mark.usefixtures("at_the_street")
@pytest.mark.parametrize(("locale", "said"), [("zh-CN", "未落到社区"), ("en", "in no community")])
def test_the_board_of_communities_has_a_row_for_what_is_in_none_and_the_header_of_all_pages(
    store: Store, browser: Browser, served: str, locale: str, said: str
):
    with store.owner.connect() as owner:
        above = owner.execute(text("SELECT id FROM divisions WHERE code = '320700001'")).scalar_one()
    with browser_of(store, browser, "inspector", ("inspector", above), locale=locale) as context:
        page = context.new_page()
        faults = faults_of(page)
        page.goto(f"{served}/indicators?rule=year&day={DAY}")
        rows = page.locator("section[aria-labelledby=board-title] tbody th").all_inner_texts()
        assert [said in row for row in rows] == [False, False, False, True]
        counted = [
            [
                int(n.replace(",", ""))
                for n in page.locator(f"#board tbody td:nth-child({column})").all_inner_texts()
            ]
            for column in (2, 3, 4)
        ]
        in_all = page.locator("#board tfoot td").all_inner_texts()
        assert [int(n.replace(",", "")) for n in in_all[:3]] == [sum(each) for each in counted]
        assert counted[0]
        expect(page.locator(".bar nav [aria-current]")).to_have_attribute("href", "/indicators")
        page.set_viewport_size({"width": 390, "height": 844})
        expect(page.locator(".bar nav [aria-current]")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        heights = page.locator("h1, h2 .soft").evaluate_all(
            "all => all.map((one) => one.getClientRects().length && one.offsetHeight)"
        )
        assert max(heights) < 40, "a title or its dates take two lines"
        assert faults == []


def test_classes_of_one_name_are_told_apart_by_their_large_ones(
    store: Store, browser: Browser, served: str, street: list[int]
):
    write_logs(store, [
        (f"{n:019d}", street[n % 3], events_of(case(n, category=category)))
        for n, category in enumerate(["E0199"] * 3 + ["E0499"] * 3 + ["E0402"] * 3)
    ])  # fmt: skip
    with browser_of(store, browser, "inspector", *(("inspector", one) for one in street)) as context:
        page = context.new_page()
        page.goto(f"{served}/indicators?rule=year&day={DAY}&by=category")
        for section in ("board", "themes"):
            rows = page.locator(f"section[aria-labelledby={section}-title] tbody th").all_inner_texts()
            assert sorted(rows) == sorted(["市容环境·其他", "突发事件·其他", "自来水管破裂"])


@pytest.fixture
def told_at_length(store: Store, desk: Desk) -> int:
    """Cases of a named community whose texts fill their column."""
    with store.owner.begin() as owner:
        owner.execute(
            text("UPDATE divisions SET name = '砚池西社区' WHERE id = :c"), {"c": desk.place.community_id}
        )
    for due in (None, "2020-01-02T09:02:00+08:00"):
        desk.report(text="地下车库入口处路面塌陷，雨天积水，行人和电动车经过时容易摔倒，请尽快派人处理。" * 2,
                    address="秦东门大街68号楼", due_at=due)  # fmt: skip
    return desk.ids["inspector"]


@pytest.mark.parametrize("name", ["lane", "agenda"])
def test_the_lists_of_meetings_fit_their_paper_and_a_phone(
    store: Store, browser: Browser, served: str, told_at_length: int, name: str
):
    with sign_in_browser(store, browser, told_at_length) as context:
        page = context.new_page()
        page.goto(f"{served}/indicators/{name}")
        # A4 landscape within its margins.
        page.set_viewport_size({"width": 1032, "height": 700})
        page.emulate_media(media="print")
        lines = """(all) => all.map((one) => {
            const words = document.createRange();
            words.selectNodeContents(one);
            return new Set([...words.getClientRects()].map(({ top }) => Math.round(top))).size;
        })"""
        for column, most in (
            ("th.c-number", 1),
            (".c-area", 1),
            (".c-grid", 1),
            (".c-at span", 1),
            (".c-at", 2),
        ):
            drawn = page.locator(f".board {column}").evaluate_all(lines)
            assert drawn, column
            assert max(drawn) <= most, column
        wide = page.locator(".board").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().right)"
        )
        assert max(wide) <= 1032, "the table is wider than its paper"

        paper = page.pdf(prefer_css_page_size=True)
        with pypdfium2.PdfDocument(paper) as document:
            assert len(document) == 1, "an empty sheet"

        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 390, "height": 844})
        row = page.locator(".board tbody tr").first
        for column in (".c-number", ".c-what", ".c-area", ".c-state", ".c-at >> nth=1"):
            box = row.locator(column).bounding_box()
            assert box is not None, column
            assert box["x"] >= 0, column
            assert box["x"] + box["width"] <= 390, column
