"""The cards of a version, printed to PDF by Chromium: one page for each grid, with its figures and names."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place
from tests.api.planner_page import FIRST, HOUSEHOLDS


def page_boxes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page, in points."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(float(width), float(height)) for width, height in boxes]


@pytest.mark.slow
def test_each_grid_is_one_page_of_a4_with_its_figures_buildings_and_roads(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE grids SET name = '<b>东</b>片' WHERE number = 0"))
        owner.execute(text("UPDATE units SET building_id = 'B' || number"))
        owner.execute(
            text("INSERT INTO roads (name, road_class, bridge, geom) VALUES ('河滨路', 'minor', false,"
                 " ST_GeomFromText('LINESTRING(119.999 33.0, 120.01 33.0)', 4490))")
        )  # fmt: skip
        # A grid of many buildings stays on its page.
        owner.execute(text("UPDATE units SET address = repeat('一条很长的地址', 20)"))
    page = signed_in.new_page()
    page.goto(f"{served}/plan/{place.community_id}/cards?version={place.version_id}")
    assert page.locator("svg path.house").count() == 18
    assert page.locator(".card").count() == 3
    page.emulate_media(media="print")
    cards = page.locator(".card").all()
    texts = [card.inner_text() for card in cards]
    # Nothing of a card is cut off at the end of its page.
    assert all(card.evaluate("card => card.scrollHeight <= card.clientHeight + 1") for card in cards)
    printed = page.pdf(prefer_css_page_size=True)
    far = page.request.get(
        page.url.replace(f"/plan/{place.community_id}/", f"/plan/{place.community_id + 9}/")
    )
    assert far.status == 404

    boxes = page_boxes(printed)
    assert len(boxes) == 3
    assert all((width, height) == pytest.approx((595, 842), abs=1) for width, height in boxes)
    assert FIRST in texts[0]
    assert "<b>东</b>片" in texts[0]
    assert "河滨路" in texts[0]
    held = [HOUSEHOLDS[row][column] for row in range(3) for column in (0, 1)]
    assert str(sum(held)) in texts[0]
    for building, households in zip(("B0", "B1", "B6", "B7", "B12", "B13"), held, strict=True):
        assert building in texts[0]
        assert f"{households}户" in texts[0]
