"""Names that want to be markup, script or templates: pages show them as text and run nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import Desk, clash_over, edited_copy

# Each sets `window.ran` where it is taken for what it looks like.
NAMES = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 2'>",
    '"><svg onload="window.ran = 3">',
    "'-(window.ran = 4)-'",
    "</script><script>window.ran = 5</script>",
    "{{ 7 * 191 }}{% raw %}${window.ran = 6}",
    "javascript:window.ran=7",
    "\u202eevil\u2066 \u2067אבג",
    "👩‍👩‍👧‍👦🏳️‍🌈" * 8,
    "line\nbreak\r\ttab\u2028\u2029\x0b\x85end",
    "W" * 180,
    "&lt;b&gt;&amp;#60;",
    "%s {name} {0} {detail}",
    "<!--",
    "http://elsewhere.example/x.png",
    "__proto__",
    '\\"\\u003cscript\\u003e',
    "' OR 1=1; --",
)
# What the panel would show of a template that was run.
PRODUCT = str(7 * 191)


def _name_all(store: Store, place: Place) -> None:
    """Give every thing of a community that has a name one of the names; one unit is a tower."""
    values: dict[str, Any] = {"names": list(NAMES), "n": len(NAMES), "c": place.community_id}
    named = "(cast(:names AS text[]))[1 + {} % :n]"
    statements = [
        f"UPDATE units SET unit_id = {named.format('number')}, building_id = {named.format('(number + 1)')},"
        f" address = {named.format('(number + 2)')}, compound_id = {named.format('number / 3')}",
        "UPDATE units SET households = 130 WHERE number = 0",
        f"UPDATE grids SET name = {named.format('(number + 5)')}, code = {named.format('number')}",
        f"UPDATE divisions SET name = {named.format('0')} WHERE id = :c",
        f"UPDATE plans SET name = {named.format('4')}",
        f"INSERT INTO compounds (name, compound_id, geom) SELECT {named.format('i')}, {named.format('i')},"
        " ST_MakeEnvelope(120 + 0.001 * i, 33, 120.001 + 0.001 * i, 33.002, 4490)"
        " FROM generate_series(0, 5) i",
    ]
    for table, columns, shape in (
        ("roads", "name, road_class", "LINESTRING(119.999 33.0005, 120.01 33.0005)"),
        ("water", "name", "POLYGON((120 33, 120.001 33, 120.001 33.001, 120 33))"),
        ("barriers", "name", "LINESTRING(120 33.001, 120.003 33.001)"),
        ("gates", "name", "POINT(120.0015 33.001)"),
    ):
        second = ", 'primary'" * ("road_class" in columns)
        statements.append(
            f"INSERT INTO {table} ({columns}, geom) SELECT {named.format('i')}{second},"
            f" ST_GeomFromText('{shape}', 4490) FROM generate_series(0, :n - 1) i"
        )
    with store.owner.begin() as owner:
        for statement in statements:
            owner.execute(text(statement), values)


class Watch:
    """A page, and whatever happened on it that names must not do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        here = "http://127.0.0.1:"
        page.on(
            "request", lambda asked: self._unless(asked.url.startswith((here, "data:", "blob:")), asked.url)
        )
        page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self._unless(said.type != "error", said.text))

    def _unless(self, is_well: bool, fault: str) -> None:
        if not is_well:
            self.faults.append(fault)

    def look(self) -> str:
        """Return the text and tooltips of the page, once nothing on it ran and nothing reaches out of it."""
        page = self.page
        assert page.evaluate("() => window.ran") is None
        assert page.locator("svg[onload], img[onerror]").count() == 0
        over = page.evaluate(
            """() => ["html", ".panel", ".panel .body", "#main", "dialog[open]"].flatMap((name) =>
              [...document.querySelectorAll(name)].filter((each) => each.scrollWidth > each.clientWidth + 1)
                .map((each) => `${name}: ${each.scrollWidth} in ${each.clientWidth}, by ` +
                  [...each.querySelectorAll("*")].filter((at) =>
                    at.getBoundingClientRect().right > each.getBoundingClientRect().right + 1)
                    .slice(0, 3).map((at) => `${at.tagName}.${at.className}`)))"""
        )
        assert over == []
        assert self.faults == []
        seen: str = page.evaluate(
            """() => [document.body.innerText, document.title,
              ...[...document.querySelectorAll("[title], [aria-label], option")]
                .map((each) => `${each.title} ${each.ariaLabel} ${each.textContent}`)].join(" ")"""
        )
        assert PRODUCT not in seen
        return seen


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
@pytest.mark.usefixtures("worker")
def test_names_are_shown_as_text_and_nothing_of_them_runs(
    store: Store, place: Place, signed_in: BrowserContext, language: str, served: str
):
    _name_all(store, place)
    signed_in.set_extra_http_headers({"Accept-Language": language})
    desk = Desk(signed_in, served, place)
    watch = Watch(desk.page)
    page = desk.page
    desk.open()
    seen = watch.look()
    for name in (NAMES[0], NAMES[1], NAMES[2]):
        assert name in seen

    _visit_panels(desk, watch)
    assert desk.faults == []
    version = str(place.version_id)
    other = edited_copy(
        page, version, {"action": "paint", "moves": [{"unit_ids": [NAMES[3]], "to": NAMES[0]}]}
    )
    base = f"{served}/plan/{place.community_id}"
    for path in (
        f"?version={other}", f"/record?version={version}", f"/record?version={other}",
        f"/compare?version={version}&version={other}", f"/cards?version={version}",
        f"/import?version={version}",
    ):  # fmt: skip
        page.goto(base + path)
        page.wait_for_load_state()
        page.evaluate("() => window.weige?.ready")
        _open_all(page, True)
        assert NAMES[0] in watch.look(), path
    page.goto(f"{served}/")
    assert NAMES[0] in watch.look()

    page.goto(f"{base}?version={version}")
    desk.ready()
    clash_over(desk, version, NAMES[3], NAMES[0], NAMES[2])
    # The edits that were held up.
    watch.faults = [fault for fault in watch.faults if not fault.startswith("Failed to load resource")]
    assert NAMES[3] in watch.look()
    page.locator("dialog.clash [data-keep=theirs]").click()
    desk.saved()
    page.locator("[data-step=delete]").click()
    watch.look()
    page.keyboard.press("Escape")
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE versions SET state = 'submitted' WHERE id = :v"), {"v": version})
    page.goto(f"{base}?version={version}")
    page.evaluate("() => window.weige.ready")
    page.locator("[data-step=publish]").click()
    assert NAMES[0] in watch.look()


def _visit_panels(desk: Desk, watch: Watch) -> None:
    """Open every panel, list and dialog of the page; a grid is named, and an edit has a reason."""
    page = desk.page
    rows = page.locator(".grid-list tbody th button")
    for row in range(rows.count()):
        rows.nth(row).click()
        watch.look()
    page.locator(".chosen input[type=text]").fill(NAMES[1])
    page.keyboard.press("Enter")
    desk.saved()
    page.locator(".why input").fill(NAMES[0])
    page.locator(".why input").press("Enter")
    watch.look()

    for unit in range(len(NAMES)):
        at = desk.ask("screenOf", NAMES[unit])
        page.keyboard.press("v")
        page.mouse.move(*at)
        page.mouse.click(*at)
        watch.look()
    for button in page.locator(".board .problem").all():
        button.click()
        watch.look()
    _open_all(page, True)
    watch.look()
    _open_all(page, False, ".menu")

    page.locator(".towers .divide").first.click()
    assert NAMES[0] in watch.look()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    watch.look()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.wait_for_selector(".unit-table tbody tr")
    assert NAMES[0] in watch.look()
    page.keyboard.press("t")
    page.locator(".engine .balance").click()
    page.wait_for_selector(".proposal .take")
    watch.look()
    page.locator(".proposal .row button").last.click()
    _expect(page, NAMES[0])
    page.wait_for_selector(".tomorrow .expected li")
    assert NAMES[0] in watch.look()
    page.locator(".renumber").click()
    assert NAMES[0] in watch.look()
    page.keyboard.press("Escape")


def _open_all(page: Page, is_open: bool, which: str = "") -> None:
    page.evaluate(
        "([which, is_open]) => document.querySelectorAll(`details${which}`)"
        ".forEach((each) => { each.open = is_open; })",
        [which, is_open],
    )


def _expect(page: Page, unit: str) -> None:
    """Let a unit be expected to be demolished, with a reason that is markup."""
    form = page.locator(".tomorrow .form")
    form.locator("select").first.select_option("demolition")
    form.locator("input[type=date]").fill("2030-05-01")
    form.locator(".row").nth(1).locator("input").fill(unit)
    form.locator(".row").nth(2).locator("input").last.fill(NAMES[1])
    form.locator(".add").click()
