"""The burst pipe of Sheyang, end to end in browsers: a courier reports it at 建华园2号楼, it is put right.

A courier reports from a phone; the community accepts it online; it is checked on site together with the grid
worker, put right, judged by another, the reporter is called back, and the case is closed and appraised.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from api.cases.case_log import verify_cases
from api.cases.contacts import write_new_key
from api.database import Store
from api.loading import load_plan_as_owner
from api.main import create_app
from api.settings import Settings
from tests.api.accounts import add_person
from tests.api.cases.test_photos import with_metadata
from tests.api.planner_page import faults_of, sign_in_browser
from tests.api.plans import silent, town_layers, write_town_plan
from tests.api.processes import api_thread

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
BUILDING = "建华园2号楼"
CALLER = "13912345678"


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    return write_town_plan(town_layers(folder), folder / "plan.gpkg")


@pytest.fixture
def city(store: Store, plan_file: Path) -> Store:
    """The sample city, with its plan in force."""
    load_plan_as_owner(store, plan_file, report=silent, valid_from=date(2020, 1, 1))
    return store


@pytest.fixture
def address(city: Store, tmp_path: Path) -> Iterator[str]:
    write_new_key(tmp_path / "contact.key")
    settings = Settings(data_dir=tmp_path / "data", contact_key_file=tmp_path / "contact.key")
    with api_thread(create_app(settings, city.url)) as running:
        yield running


def street_of(city: Store) -> tuple[int, float, float, str]:
    """The street of 建华园2号楼, its middle, and the micro-grid that it lies in."""
    with city.owner.connect() as owner:
        row = owner.execute(
            text("""
                SELECT d.parent_id AS street, ST_X(c.at) AS lon, ST_Y(c.at) AS lat, g.code
                FROM units u JOIN divisions d ON d.id = u.community_id,
                LATERAL (SELECT ST_PointOnSurface(u.geom) AS at) c
                  JOIN grids g ON ST_Intersects(g.geom, c.at)
                WHERE u.address LIKE :building ORDER BY u.unit_id LIMIT 1"""),
            {"building": f"{BUILDING}%"},
        ).one()
    return row.street, row.lon, row.lat, row.code


def take(page: Page, step: str, **fields: str) -> None:
    """Take a step on the page of a case, as its form asks for it."""
    page.locator(f"[data-step={step}]").click()
    form = page.locator(f"[data-form={step}]")
    for name, value in fields.items():
        field = form.locator(f"[name={name}]")
        if name == "outcome":
            form.locator(f"[name=outcome][value={value}]").check()
        elif field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    form.locator("button[type=submit]").click()
    expect(page.locator("#said")).to_contain_text("已完成")


class Story:
    """The people of the story at their browsers, and what went wrong on their pages."""

    def __init__(self, address: str, browsers: dict[str, BrowserContext]) -> None:
        self.faults: list[list[str]] = []
        self._address = address
        self._browsers = browsers

    def opened(self, who: str, path: str) -> Page:
        page = self._browsers[who].new_page()
        self.faults.append(faults_of(page))
        page.goto(f"{self._address}{path}")
        page.evaluate("() => window.weigeCases.ready")
        return page


@pytest.fixture
def people(city: Store) -> dict[str, int]:
    """Accounts by their part in the story."""
    street = street_of(city)[0]
    parts = {
        "courier": "reporter", "community": "dispatcher", "grid": "grid_worker", "water": "handler",
        "checker": "verifier", "street": "inspector",
    }  # fmt: skip
    return {name: add_person(city, name, (role, street))[0] for name, role in parts.items()}


@pytest.fixture
def story(city: Store, address: str, people: dict[str, int], browser: Browser) -> Iterator[Story]:
    _, lon, lat, _ = street_of(city)
    at = {"geolocation": {"longitude": lon, "latitude": lat, "accuracy": 4}, "permissions": ["geolocation"]}
    with ExitStack() as stack:
        browsers = {
            name: stack.enter_context(
                sign_in_browser(city, browser, user, **(PHONE | at if name == "courier" else {}))
            )
            for name, user in people.items()
        }
        yield Story(address, browsers)


def report(story: Story) -> str:
    """Three taps of the courier: photo, place, class; and the number that he is told."""
    page = story.opened("courier", "/report")
    page.set_input_files("#photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": with_metadata()})
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("#where")).to_contain_text("误差约 4 米")
    page.get_by_role("button", name="自来水管破裂").click()
    page.get_by_label("情况说明").fill(f"{BUILDING}水管爆裂，我的电话{CALLER}，住2单元301室")
    page.get_by_label("回访电话").fill(CALLER)
    expect(page.get_by_label("情况说明")).to_have_value(f"{BUILDING}水管爆裂，我的电话***，住2单元***室")
    page.get_by_role("button", name="上报", exact=True).click()
    expect(page.locator("#said")).to_contain_text("已上报")
    return page.locator("#said a").inner_text()


def accept(story: Story, grid: str) -> Page:
    """The community accepts it online, and sends it to the water works; its page stays open."""
    page = story.opened("community", "/cases?view=mine")
    page.locator("#rows a").click()
    expect(page.locator("#where")).to_contain_text(grid)
    expect(page.locator(".shots img")).to_have_count(1)
    take(page, "accept")
    take(page, "dispatch", to="water works")
    return page


def put_right(story: Story, number: str) -> None:
    """It is checked on site by the grid worker, together with who puts it right; another judges it."""
    page = story.opened("grid", f"/cases/{number}")
    take(page, "note", note="与供水公司到现场核实，主管爆裂，已通知关阀")
    page = story.opened("water", f"/cases/{number}")
    take(page, "start")
    page.set_input_files(
        "#add-photo", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": with_metadata(1)}
    )
    expect(page.locator(".shots img")).to_have_count(2)
    take(page, "finish", note="更换主管，恢复供水")
    expect(page.locator("[data-step=verify]")).to_have_count(0)
    take(story.opened("checker", f"/cases/{number}"), "verify")


def call_back(desk: Page) -> None:
    """The telephone is given the number of the courier, and the page never shows it."""
    desk.reload()
    desk.evaluate("() => window.weigeCases.ready")
    calls: list[str] = []
    desk.on("request", lambda asked: calls.append(asked.url) if asked.url.endswith("/calls") else None)
    with desk.expect_response(lambda told: told.url.endswith("/calls")) as called:
        desk.get_by_role("button", name="回拨反映人").click()
    assert called.value.text() == f'{{"dial":"tel:{CALLER}"}}'
    assert len(calls) == 1
    assert CALLER not in desk.content()


def close(story: Story, number: str) -> Page:
    """The community visits and closes, the street appraises; the page of the appraised case."""
    # The telephone has the focus of the page before, and a browser without one waits for it.
    desk = story.opened("community", f"/cases/{number}")
    take(desk, "visit", outcome="satisfied", rating="5")
    take(desk, "close")
    page = story.opened("street", f"/cases/{number}")
    take(page, "appraise", note="按期办结")
    return page


def test_the_burst_pipe_of_jianhuayuan_is_reported_and_put_right(
    city: Store, story: Story, people: dict[str, int]
):
    grid = street_of(city)[3]
    number = report(story)
    desk = accept(story, grid)
    put_right(story, number)
    call_back(desk)
    page = close(story, number)

    stages = [each.get_attribute("class") for each in page.locator(".stages li").all()]
    steps = page.locator(".log li b").all_inner_texts()
    assert stages == ["done"] * 7
    assert steps == [
        "上报", "受理", "分拨", "备注", "开始处置", "处置完成", "核查通过", "回访", "结案", "考核",
    ]  # fmt: skip
    expect(page.locator(".receivers")).to_contain_text("water works")
    expect(page.locator(".clock[data-clock=resolution]")).to_contain_text("按期")
    # The courier sees what became of it.
    page = story.opened("courier", f"/cases/{number}")
    expect(page.locator("h1 .state")).to_have_text("已考核")
    # A reporter reads no plan: the page asks for its grids and does without.
    *faults, of_courier = story.faults
    assert [fault for fault in of_courier if "404" not in fault] == []
    assert faults == [[]] * len(faults)
    assert verify_cases(city).faults == ()
    with city.owner.connect() as owner:
        row = owner.execute(text("SELECT * FROM cases")).mappings().one()
    assert (row["state"], row["grid"], row["channel"]) == ("appraised", grid, "report")
    assert row["verifier"] == people["checker"] != row["handlers"][0] == people["water"]
    assert CALLER not in str(dict(row))
