"""The planner page on the screens it is used on, in both languages: room for the map, no word cut off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext

from api.database import Store
from tests.api.accounts import root_id
from tests.api.place import Place
from tests.api.planner_page import SECOND, Desk, browser_of

# Width and height, and the part of both that the map has at least.
SCREENS = [((820, 1180), (1.0, 0.5)), ((1366, 768), (0.7, 0.9)), ((1920, 1080), (0.75, 0.9))]

_CUT = """() => Array.from(document.querySelectorAll(
    ".board :is(button, button span, th, td, dt, dd, h2, label, p), .bar :is(button, summary)"))
  .filter((each) => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
  .filter((each) => getComputedStyle(each).overflowX !== "visible")
  .map((each) => each.textContent)"""


def look(context: BrowserContext, served: str, place: Place) -> None:
    desk = Desk(context, served, place)
    for (width, height), (across, down) in SCREENS:
        desk.page.set_viewport_size({"width": width, "height": height})
        desk.open()
        desk.choose(SECOND)
        desk.page.keyboard.press("b")
        desk.ask("totals")
        box = desk.page.locator(".leaflet-container").bounding_box()
        assert box is not None
        assert (box["width"] >= across * width, box["height"] >= down * height) == (True, True), (width, box)
        assert desk.page.evaluate(_CUT) == [], width
        wide = "() => document.scrollingElement.scrollWidth"
        assert desk.page.evaluate(wide) <= width
        picker = desk.page.locator("#version").bounding_box()
        assert picker is not None
        assert picker["width"] >= 240, width
    assert desk.faults == []


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_map_has_room_and_no_word_is_cut(
    locale: str, store: Store, place: Place, browser: Browser, served: str
):
    everywhere = root_id(store)
    grants = [("planner", everywhere), ("admin", everywhere)]
    with browser_of(store, browser, "planner", *grants, locale=locale) as context:
        look(context, served, place)
