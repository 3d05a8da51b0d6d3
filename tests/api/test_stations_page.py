"""The pages of stations: the nearest open one on a phone without an account, the register at a desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely
from openpyxl import Workbook
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pyproj import Transformer
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.database import Store
from api.main import create_app
from api.settings import Settings
from api.stations import load_stations
from geo.synthetic import sample_city, write_sample
from tests.accessibility import Findings, require_fitting
from tests.api.accounts import add_person, root_id
from tests.api.planner_page import faults_of, sign_in_browser
from tests.api.processes import api_thread
from tests.api.sample_store import fill_with_sample_town
from tests.api.test_jobs import worker_thread

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("npm")]

# Near the middle of the sample town.
HERE = (119.1290, 34.5716)
PHONE = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "permissions": ["geolocation"],
    "geolocation": {"longitude": HERE[0], "latitude": HERE[1], "accuracy": 12},
}  # fmt: skip
HOSTILE = "\u202e<img src=x onerror=alert(1)>"
HOSTILE_SHOWN = (
    "\\u202e<img src=x onerror=alert(1)>"  # a name that turns what follows is read as it is stored
)


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("town") / "layers")["stations"]


@pytest.fixture
def town(store: Store, register: Path) -> Store:
    """The sample town with its streets, walls and stations; one station is always open, one tries to run."""
    fill_with_sample_town(store)
    city = sample_city()
    with store.owner.begin() as owner:
        owner.execute(text("DELETE FROM roads"))
        owner.execute(
            text("INSERT INTO roads (name, road_class, bridge, geom)"
                 " VALUES (:name, :road_class, :bridge, ST_GeomFromWKB(:wkb, 4490))"),
            [{"name": road.name, "road_class": road.road_class, "bridge": road.bridge == "yes",
              "wkb": shapely.to_wkb(road.geometry)} for road in city.roads.to_crs(4490).itertuples()],
        )  # fmt: skip
        for layer in ("water", "barriers", "gates"):
            shapes = getattr(city, layer).to_crs(4490).geometry
            owner.execute(
                text(f"INSERT INTO {layer} (geom) VALUES (ST_GeomFromWKB(:wkb, 4490))"),
                [{"wkb": shapely.to_wkb(shape)} for shape in shapes],
            )
    with Session(store.owner) as session, session.begin():
        load_stations(session, str(register))
        session.execute(text("UPDATE stations SET name = :name WHERE station_id = 'S06'"), {"name": HOSTILE})
    return store


@pytest.fixture
def address(town: Store, tmp_path: Path) -> Iterator[str]:
    with (
        api_thread(create_app(Settings(data_dir=tmp_path), town.url)) as running,
        worker_thread(town, tmp_path),
    ):
        yield running


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="zh-CN", **PHONE)
    yield context
    context.close()


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.evaluate("() => window.weigeCases.ready")
    return page


def at_night(page: Page) -> None:
    """Let the service be asked about an evening, whenever the test runs."""

    def ask(route) -> None:
        route.continue_(url=f"{route.request.url}&at=2026-11-27T23%3A00%3A00%2B08%3A00")

    page.route("**/stations/nearest?*", ask)


def test_a_courier_at_night_finds_where_to_charge_without_an_account(address: str, phone: BrowserContext):
    page = opened(phone, f"{address}/nearest")
    faults = faults_of(page)
    at_night(page)
    page.get_by_role("button", name="用当前位置").click()

    expect(page.locator("#where")).to_contain_text("误差约 12 米")
    expect(page.locator("#found li")).to_have_count(1)
    expect(page.locator("#said")).to_have_text("23:00 开放的有 1 处")
    row = page.locator("#found li")
    # Its name is text, and nothing of it has run.
    expect(row.locator("h2")).to_have_text(HOSTILE_SHOWN)
    expect(row).to_contain_text("24 小时开放")
    assert re.search(r"步行约 \d+ 分钟（[\d,]+ 米），在东", row.inner_text())
    expect(page.locator(".near-mark")).to_have_count(1)
    page.get_by_role("button", name="厕所").click()
    expect(page.locator("#said")).to_have_text("23:00 这个范围内没有开放的驿站。")
    page.get_by_role("button", name="扩大到 30 分钟").click()
    expect(page.locator("#minutes")).to_have_value("30")
    assert faults == []


def test_by_day_the_nearest_is_first_and_a_tap_on_the_map_is_a_place_too(address: str, phone: BrowserContext):
    page = opened(phone, f"{address}/nearest?lon={HERE[0]}&lat={HERE[1]}&facility=water")
    expect(page.locator("#where")).to_have_text("已选定地图上的位置")
    page.route("**/stations/nearest?*", lambda route: route.continue_(
        url=f"{route.request.url}&at=2026-11-27T10%3A00%3A00%2B08%3A00"))  # fmt: skip
    page.get_by_role("button", name="充电").click()
    expect(page.locator("#said")).to_have_text(re.compile(r"10:00 开放的有 \d+ 处"))
    minutes = [int(said) for said in re.findall(r"步行约 (\d+) 分钟", page.locator("#found").inner_text())]
    assert len(minutes) > 3
    assert minutes == sorted(minutes)
    first = page.locator("#found li").first.inner_text()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] - 30, box["y"] + box["height"] - 40)
    expect(page.locator("#found li").first).not_to_have_text(first, use_inner_text=True)
    # All is to be reached by keyboard, and nothing is wider than the phone.
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement !== document.body")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    ("locale", "said"), [("zh-CN", "从这里没有已知的步行路可走"), ("en", "No way on foot is known from here")]
)
def test_from_an_island_without_a_bridge_the_page_does_not_say_that_streets_are_missing(
    address: str, browser: Browser, locale: str, said: str
):
    context = browser.new_context(locale=locale, viewport={"width": 1366, "height": 768})
    page = context.new_page()
    at_night(page)
    page.goto(f"{address}/nearest?lon=119.132218&lat=34.569735")
    expect(page.locator("#found li")).to_have_count(1)
    expect(page.locator("#straight")).to_contain_text(said)
    context.close()


def test_who_is_not_found_and_a_service_that_is_away_are_said(address: str, browser: Browser):
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    page = opened(context, f"{address}/nearest?lon={HERE[0]}&lat={HERE[1]}")
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("#where")).to_contain_text("没能定位")
    context.set_offline(True)
    page.get_by_role("button", name="饮水").click()
    expect(page.locator("#said")).to_contain_text("没能查找")
    expect(page.locator("#found li")).to_have_count(0)
    context.close()


@pytest.fixture
def keeper(town: Store, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody who keeps the register of the whole town."""
    person, _ = add_person(town, "keeper", ("planner", root_id(town)))
    with sign_in_browser(town, browser, person) as context:
        yield context


def test_a_keeper_reads_the_register_notes_a_check_and_sees_what_is_lacking(
    address: str, keeper: BrowserContext
):
    page = opened(keeper, f"{address}/stations")
    faults = faults_of(page)
    areas = [each.strip() for each in page.locator("#area option").all_inner_texts()]
    assert areas.count("全部") == 1
    assert "all" not in areas
    assert [each for each in areas if each.isdigit()] == []
    assert "街道 320706001" in areas
    page.get_by_label("时刻").fill("2026-10-01T10:00")
    page.get_by_label("时刻").press("Tab")
    expect(page.locator("#said")).to_have_text("12 个驿站，此刻开放 6 个，有缺项 9 个")
    office = page.locator("tr", has_text="秦东门社区党群服务中心")
    expect(office.locator(".hours")).to_contain_text("关闭")
    expect(office.locator(".hours")).to_contain_text("10/8 08:30 开放")
    expect(office).to_contain_text("民情调解室缺少")
    expect(page.locator("tr", has_text=HOSTILE_SHOWN).locator(".hours")).to_have_text("开放中")
    expect(page.locator(".station-spot")).to_have_count(12)
    # Of the three whose checklist names nothing, nobody says that all is there.
    expect(page.locator(".station-spot.m-none")).to_have_count(3)

    page.get_by_label("时刻").fill("")
    page.get_by_label("时刻").press("Tab")
    warm = page.locator("tr", has_text="秦东门大街暖心驿站")
    expect(warm.locator(".i-grey")).to_have_count(8)
    warm.get_by_role("button", name="记录检查").click()
    form = page.locator("#check")
    expect(form).to_contain_text("模板：八个一（射阳县“暖心驿站”报道")
    form.get_by_role("button", name="保存").click()
    expect(form).to_contain_text("请至少选择一项")
    form.get_by_role("button", name="全部完好").click()
    form.get_by_role("group", name="饮水机").get_by_label("损坏").check()
    form.get_by_label("备注").fill("不制热")
    form.get_by_role("button", name="保存").click()
    expect(form).to_be_hidden()
    expect(warm.locator(".i-working")).to_have_count(7)
    expect(warm.locator(".i-broken")).to_have_text(re.compile("饮水机.*损坏"))
    warm.get_by_role("button", name="记录检查").click()
    expect(form.locator(".past li")).to_have_count(8)
    expect(form.locator(".past")).to_contain_text("不制热")
    form.get_by_role("button", name="关闭").click()

    page.get_by_role("button", name="缺项").click()
    expect(page.locator("#gaps h2").first).to_have_text("有缺项的驿站（9）")
    lacking = page.locator("#gaps tr", has_text="秦东门大街暖心驿站")
    expect(lacking.locator(".chip")).to_have_count(1)
    expect(page.locator("#gaps h2").nth(1)).to_have_text(re.compile(r"没有党建微家的微网格（\d+）"))
    assert faults == []


def test_who_asks_far_from_every_community_is_told_so(address: str, phone: BrowserContext):
    page = opened(phone, f"{address}/nearest?lon=116.39&lat=39.9")

    expect(page.locator("#said")).to_have_text("这里不在本服务所辖的社区范围内。")
    expect(page.locator("#wider button")).to_have_count(0)


def test_a_register_is_brought_in_once_what_it_changes_was_read_and_whole_or_not_at_all(
    address: str, keeper: BrowserContext, town: Store, tmp_path: Path
):
    page = opened(keeper, f"{address}/stations")
    page.get_by_role("button", name="导入导出").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "register.csv"
    taken.value.save_as(file)
    rows = file.read_text("utf-8-sig").splitlines()
    changed = rows[1].replace("秦东门社区党群服务中心", "新名称")
    file.write_text(
        "\n".join([rows[0], changed, f"S99,{HOSTILE},红色驿站,饮水,24/7,{HERE[0]},{HERE[1]}"]), "utf-8"
    )

    def look() -> None:
        page.set_input_files("#register-file", file)
        page.get_by_role("button", name="查看会改什么").click()

    look()
    expect(page.locator("#import-said")).to_have_text("新增 1 个，更新 1 个，未变 0 个", timeout=30_000)
    expect(page.locator(".changes li")).to_have_count(2)
    expect(page.locator(".changes")).to_contain_text(f"S99 {HOSTILE_SHOWN} 新增")
    assert count(town) == 12
    page.get_by_role("button", name="确认导入").click()
    expect(page.locator("#import-said")).to_have_text("已导入：新增 1 个，更新 1 个", timeout=30_000)
    assert count(town) == 13

    file.write_text("\n".join([rows[0], f"S98,甲,红色驿站,饮水,24/7,{HERE[0]},{HERE[1]}",
                               f"S97,乙,红色驿站,饮水,天天开,{HERE[0]},{HERE[1]}"]), "utf-8")  # fmt: skip
    look()
    said = page.locator("#import-said")
    expect(said).to_have_class("refused", timeout=30_000)
    for named in ("register.csv", "opening_hours", "S97", "天天开"):
        expect(said).to_contain_text(named)
    assert count(town) == 13


def test_a_register_with_other_heads_in_metres_is_brought_in_as_the_refusals_say(
    address: str, keeper: BrowserContext, town: Store, tmp_path: Path
):
    x, y = Transformer.from_crs(4490, 4549, always_xy=True).transform(*HERE)
    file = tmp_path / "surveyed.csv"
    file.write_text(f"站号,站名,横,纵\nS96,东门驿站,{x:.2f},{y:.2f}\n", "utf-8")
    page = opened(keeper, f"{address}/stations")
    page.get_by_role("button", name="导入导出").click()
    page.set_input_files("#register-file", file)
    page.get_by_role("button", name="查看会改什么").click()
    said = page.locator("#import-said")
    expect(said).to_contain_text("没有 name 列（现有：站号, 站名, 横, 纵）", timeout=30_000)

    page.get_by_text("工作表、列名与坐标系").click()
    for label, head in (
        ("编号的列名", "站号"),
        ("名称的列名", "站名"),
        ("经度（横坐标）的列名", "横"),
        ("纬度（纵坐标）的列名", "纵"),
    ):
        page.get_by_label(label).fill(head)
    page.get_by_role("button", name="查看会改什么").click()
    expect(said).to_contain_text("字段 横, 纵：没有声明坐标系", timeout=30_000)
    page.get_by_label("坐标系（EPSG 编号）").fill("EPSG:4549")
    page.get_by_role("button", name="查看会改什么").click()
    expect(said).to_have_text("新增 1 个，更新 0 个，未变 0 个", timeout=30_000)
    page.get_by_role("button", name="确认导入").click()
    expect(said).to_have_text("已导入：新增 1 个，更新 0 个", timeout=30_000)
    with town.owner.connect() as owner:
        lon, lat = owner.execute(
            text("SELECT ST_X(geom), ST_Y(geom) FROM stations WHERE station_id = 'S96'")
        ).one()
    assert (lon, lat) == pytest.approx(HERE, abs=1e-6)


def test_a_sheet_of_a_workbook_with_several_is_named_on_the_page(
    address: str, keeper: BrowserContext, town: Store, tmp_path: Path
):
    book = Workbook()
    book.active.append(["说明"])
    sheet = book.create_sheet("驿站")
    sheet.append(["编号", "名称", "经度", "纬度"])
    sheet.append(["S95", "西门驿站", *HERE])
    book.save(tmp_path / "two.xlsx")
    page = opened(keeper, f"{address}/stations")
    page.get_by_role("button", name="导入导出").click()
    page.set_input_files("#register-file", tmp_path / "two.xlsx")
    page.get_by_role("button", name="查看会改什么").click()
    said = page.locator("#import-said")
    expect(said).to_contain_text("文件含 2 个图层或工作表", timeout=30_000)

    page.get_by_text("工作表、列名与坐标系").click()
    page.get_by_label("图层或工作表").fill("驿站")
    page.get_by_role("button", name="查看会改什么").click()
    expect(said).to_have_text("新增 1 个，更新 0 个，未变 0 个", timeout=30_000)


def test_a_station_is_taken_out_after_a_question_and_long_names_break_nothing(
    address: str, keeper: BrowserContext, town: Store
):
    with town.owner.begin() as owner:
        owner.execute(text("UPDATE stations SET name = :n WHERE station_id = 'S05'"), {"n": "W" * 3000})
    page = opened(keeper, f"{address}/stations")
    faults = faults_of(page)
    long = page.locator("tr", has_text="WWW")
    expect(long).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert long.bounding_box()["height"] < 400
    row = page.locator("tr", has_text="秦东门大街暖心驿站")

    row.get_by_role("button", name="删除").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("秦东门大街暖心驿站")
    dialog.get_by_role("button", name="不删除").click()
    expect(dialog).to_be_hidden()
    assert count(town) == 12

    row.get_by_role("button", name="删除").click()
    dialog.get_by_role("button", name="删除", exact=True).click()
    expect(page.locator("#said")).to_have_text("已删除：秦东门大街暖心驿站")
    expect(row).to_have_count(0)
    assert count(town) == 11
    with town.owner.connect() as owner:
        logged = owner.execute(text("SELECT body ->> 'name' FROM log WHERE action = 'station.removed'"))
        assert logged.scalars().all() == ["秦东门大街暖心驿站"]
    assert faults == []


def count(store: Store) -> int:
    with store.owner.connect() as owner:
        return owner.execute(text("SELECT count(*) FROM stations")).scalar_one()


def test_without_stations_and_without_rights_the_page_says_so(store: Store, browser: Browser, tmp_path: Path):
    nobody, _ = add_person(store, "nobody")
    viewer, _ = add_person(store, "viewer", ("viewer", root_id(store)))
    with api_thread(create_app(Settings(data_dir=tmp_path), store.url)) as address:
        with sign_in_browser(store, browser, nobody) as context:
            expect(opened(context, f"{address}/stations").locator("#said")).to_contain_text(
                "没有查看驿站的权限"
            )
        with sign_in_browser(store, browser, viewer) as context:
            page = opened(context, f"{address}/stations")
            expect(page.locator("#register")).to_contain_text("还没有驿站")
            page.get_by_role("button", name="导入导出").click()
            expect(page.locator("#files")).to_contain_text("不能导入")
        with browser.new_page() as page:
            page.goto(f"{address}/stations")
            assert page.url == f"{address}/login?next=/stations"


def test_without_stations_the_maps_show_the_ground_of_the_area(
    store: Store, browser: Browser, phone: BrowserContext, tmp_path: Path
):
    fill_with_sample_town(store)
    viewer, _ = add_person(store, "viewer", ("viewer", root_id(store)))
    with (
        api_thread(create_app(Settings(data_dir=tmp_path), store.url)) as address,
        sign_in_browser(store, browser, viewer) as context,
    ):
        # Whoever looks for the nearest station has no account and no rights.
        visits = ((context, "/stations", "**/ground?*"), (phone, "/nearest", "**/stations/ground?*"))
        for visitor, path, ground in visits:
            page = visitor.new_page()
            with page.expect_response(ground) as told:
                page.goto(f"{address}{path}")
            kinds = [each["properties"]["kind"] for each in told.value.json()["features"]]
            assert kinds.count("community") > 1, path
            assert kinds.count("road") > 5, path


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_axe_finds_nothing_serious_on_the_pages_of_stations(
    address: str, town: Store, browser: Browser, findings: Findings, width: int, locale: str
):
    person, _ = add_person(town, "keeper", ("planner", root_id(town)))
    view = {"viewport": {"width": width, "height": 768 if width > 500 else 844}, "has_touch": width < 500}
    with sign_in_browser(town, browser, person, locale=locale, **view) as context:
        page = opened(context, f"{address}/nearest?lon={HERE[0]}&lat={HERE[1]}")
        at_night(page)
        findings.look(page, "nearest")
        page.locator("[data-facility=microwave]").click()
        expect(page.locator("#found li")).to_have_count(1)
        findings.look(page, "nearest found")
        require_fitting(page, "nearest found")
        page = opened(context, f"{address}/stations")
        expect(page.locator("tr[data-station]")).to_have_count(12)
        findings.look(page, "register")
        require_fitting(page, "register")
        page.locator("tr[data-station] .ways button").nth(1).click()
        expect(page.locator("#remove-dialog")).to_be_visible()
        findings.look(page, "question before a station is taken out")
        require_fitting(page, "question before a station is taken out")
        page.keyboard.press("Escape")
        page.locator("tr[data-station]").nth(3).locator("button.quiet").first.click()
        expect(page.locator("#check form")).to_be_visible()
        findings.look(page, "check")
        for view_name in ("gaps", "files"):
            page.locator(f"[data-view={view_name}]").click()
            expect(page.locator(f"#{view_name} h2").first).to_be_visible()
            findings.look(page, view_name)
            require_fitting(page, view_name)
    assert findings.rules > 100
    assert findings.found == []
