"""What is open beside the map of a meeting: it makes room for places, and for the map on a projector."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.maps.meeting.hands import act, put_notes

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_comment_is_put_where_the_map_is_clicked(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.click("text=在地图上贴便签")
    box = opened.page.locator(".folium-map").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert opened.page.locator(".agenda-comments .entry").count() == 1
    assert opened.page.locator(".popup").count() == 0
    assert re.search(r"网格\d{15}", opened.page.inner_text(".agenda-comments"))


def test_a_note_on_the_map_opens_the_agenda_where_it_is(open_page, meeting):
    opened = open_page(meeting)
    put_notes(opened, "此处积水")
    act(opened, "agenda")
    assert not opened.page.is_visible(".agenda")

    opened.page.click(".sticker")

    assert opened.page.is_visible(".agenda")
    assert opened.page.evaluate("document.activeElement.value") == "此处积水"


def test_on_a_phone_the_agenda_steps_aside_while_a_place_is_asked_for(open_page, meeting):
    opened = open_page(meeting, 390, 844, has_touch=True)
    page = opened.page
    act(opened, "agenda")
    page.click("text=在地图上贴便签")
    assert not page.is_visible(".dock")
    page.click(".asking button")
    assert page.is_visible(".agenda")
    page.click("text=在地图上贴便签")
    assert "请在地图上点击" in page.inner_text(".asking")
    box = page.locator(".folium-map").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.wait_for_selector(".agenda-comments .entry")
    assert page.is_visible(".agenda")
    assert not page.is_visible(".asking")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.click(".entry-head button >> nth=0")
    assert not page.is_visible(".dock")


def test_who_closes_the_agenda_is_no_longer_asked_for_a_place(open_page, meeting):
    opened = open_page(meeting)
    act(opened, "agenda")
    opened.page.click("text=在地图上贴便签")
    act(opened, "agenda")
    box = opened.page.locator(".folium-map").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert opened.page.locator(".sticker").count() == 0
    act(opened, "agenda")
    assert opened.page.locator(".agenda-comments .entry").count() == 0
    assert opened.page.inner_text(".agenda [role=status]") == ""


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1024, 768), (1920, 1080)])
def test_in_projector_mode_the_panel_makes_room_for_what_is_open_beside_the_map(
    open_page, meeting, width, height
):
    opened = open_page(meeting, width, height)
    page = opened.page
    act(opened, "time")
    act(opened, "projector")
    assert page.is_visible(".panel")
    for side in ("table", "agenda", "charts"):
        act(opened, side)
        opened.settle()
        assert not page.is_visible(".panel")
        ground = page.locator(".ground").bounding_box()
        assert ground["width"] >= 480
        assert ground["height"] >= 400
        wide = page.evaluate(
            "Math.max(...['html', 'body', '#weige'].map((each) => document.querySelector(each).scrollWidth))"
        )
        assert wide <= width
        boxes = [each.bounding_box() for each in page.locator(".leaflet-control").all()]
        for a, b in itertools.combinations(boxes, 2):
            assert (
                a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
                or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
            )  # fmt: skip
    act(opened, "panel")
    assert page.is_visible(".panel")
    assert page.is_visible(".dock") == (width == 1920)
    if width == 1920:
        act(opened, "panel")
        assert not page.is_visible(".panel")
        act(opened, "charts")
    assert page.is_visible(".panel")
    act(opened, "projector")
    act(opened, "table")
    assert page.is_visible(".panel")


def test_in_projector_mode_labels_are_half_as_large_again(open_page, meeting):
    opened = open_page(meeting, 1920, 1080)
    before = min(label["size"] for label in opened.labels())
    act(opened, "projector")
    opened.settle()

    assert min(label["size"] for label in opened.labels()) >= 1.5 * before
    label = next(label for label in opened.labels() if label["kind"] == "grid")
    box = opened.page.locator(".folium-map").bounding_box()
    x0, y0, x1, y1 = label["box"]
    opened.page.mouse.click(box["x"] + (x0 + x1) / 2, box["y"] + (y0 + y1) / 2)
    assert label["text"].split("\n")[0] in opened.page.inner_text(".popup")
