"""Before and after on the page of a rebalanced plan: the swipe and the tab of changes."""

from __future__ import annotations

import base64
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from maps.export import write_map
from tests.api.test_cli import weige
from tests.geo.town import block, box, communities, houses
from tests.maps.chromium import Opened
from tests.maps.sample_plan import HOSTILE, incidents, plan_frames, write_plan, write_points
from tests.maps.test_browser import _require_readable

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# The button's rounded corners are smoothed differently once it has been pressed.
NO_BUTTON = ".swipe { visibility: hidden; }"

# Counts the pixels two pictures do not share, between two shares of the width.
DIFFERENT = """async ([one, two, from, to]) => {
  const read = async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await read(one), await read(two)];
  let count = 0;
  for (let y = 0; y < a.height; y++) {
    for (let x = Math.round(from * a.width); x < to * a.width; x++) {
      const at = 4 * (y * a.width + x);
      count += [0, 1, 2].some((channel) => a.data[at + channel] !== b.data[at + channel]);
    }
  }
  return count;
}"""


@pytest.fixture(scope="module")
def next_year(tmp_path_factory) -> Path:
    """The folder of a town of 120 houses, planned and rebalanced after a year, with its map."""
    folder = tmp_path_factory.mktemp("next_year")
    town = folder / "town.gpkg"
    houses(block(15, 8)).to_file(town, layer="units")
    communities(**{"321181001001": box(0, 0, 15, 8)}).to_file(town, layer="communities")
    planned = weige(
        "plan", "--units", f"{town}:units", "--communities", f"{town}:communities", "-o", folder / "plan.gpkg"
    )
    assert planned.returncode == 0, planned.stderr
    old = gpd.read_file(folder / "plan.gpkg", layer="units").groupby("grid_id")["unit_id"].apply(list)
    later = block(15, 8)
    # Towers in the north-west and the south-east; most of the last grid but one is pulled down.
    for unit in [*old.iloc[0][:3], *old.iloc[-1][:3]]:
        later[unit] = 40
    for unit in old.iloc[-2][:-2]:
        del later[unit]
    houses(later).to_file(town, layer="later")
    done = weige(
        "rebalance", "--plan", folder / "plan.gpkg", "--units", f"{town}:later", "-o", folder / "next.gpkg",
        "--map", folder / "map.html", "--lang", "zh_CN",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def switch_on(opened: Opened) -> None:
    opened.page.click(".swipe button")
    opened.settle()


def map_box(opened: Opened) -> dict[str, float]:
    return opened.page.locator(".folium-map").bounding_box()


def drag_to(opened: Opened, share: float) -> None:
    grip, ground = opened.page.locator(".grip").bounding_box(), map_box(opened)
    middle, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    # At the edges of the map half of the grip is out of sight.
    beside = 8 if middle < ground["x"] + ground["width"] / 2 else -8
    opened.page.mouse.move(middle + beside, y)
    opened.page.mouse.down()
    opened.page.mouse.move(ground["x"] + share * ground["width"] + beside, y, steps=4)
    opened.page.mouse.up()
    opened.settle()


def picture(opened: Opened) -> str:
    return base64.b64encode(opened.page.screenshot(clip=map_box(opened), style=NO_BUTTON)).decode()


def value(opened: Opened) -> int:
    return int(opened.page.get_attribute("#divider", "aria-valuenow"))


def codes(opened: Opened, low: float = 0.0, high: float = 1.0) -> set[str]:
    """The labels of grids whose middle lies between two shares of the width."""
    width = map_box(opened)["width"]
    return {
        label["text"]
        for label in opened.labels()
        if label["kind"] == "grid" and low * width <= (label["box"][0] + label["box"][2]) / 2 <= high * width
    }


def test_the_swipe_is_off_until_switched_on_and_leaves_nothing_when_off_again(open_page, next_year):
    opened = open_page(next_year / "map.html")
    first = picture(opened)
    after = codes(opened)

    assert opened.page.get_attribute(".swipe button", "aria-pressed") == "false"
    assert not opened.page.locator("#divider").is_visible()
    switch_on(opened)
    assert opened.page.get_attribute(".swipe button", "aria-pressed") == "true"
    assert opened.page.locator("#divider").is_visible()
    assert codes(opened) != after
    opened.page.click(".swipe button")
    opened.page.mouse.move(5, 5)
    opened.settle()

    assert codes(opened) == after
    assert not opened.page.locator("#divider").is_visible()
    opened.page.evaluate("document.activeElement.blur()")
    different = _different(opened, first, picture(opened), 0.0, 1.0)
    assert different == 0


def _different(opened: Opened, one: str, two: str, start: float, end: float) -> int:
    blank = opened.page.context.new_page()
    count = blank.evaluate(DIFFERENT, [one, two, start, end])
    blank.close()
    return count


def test_the_divider_is_dragged_and_both_sides_change(open_page, next_year):
    opened = open_page(next_year / "map.html", 1600, 900)
    switch_on(opened)
    assert value(opened) == 50
    half = picture(opened)
    left, right = codes(opened, 0, 0.45), codes(opened, 0.55, 1)

    drag_to(opened, 1)
    assert value(opened) == 100
    before = picture(opened)
    assert codes(opened, 0, 0.45) == left
    drag_to(opened, 0)
    assert value(opened) == 0
    after = picture(opened)

    assert codes(opened, 0.55, 1) == right
    assert _different(opened, half, before, 0.55, 0.9) > 5_000
    assert _different(opened, half, after, 0.1, 0.45) > 5_000


def test_the_divider_is_dragged_by_touch(open_page, next_year):
    opened = open_page(next_year / "map.html", 390, 844, has_touch=True)
    switch_on(opened)
    grip = opened.page.locator(".grip").bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    corner = opened.page.evaluate("document.querySelector('.leaflet-map-pane').style.transform")
    touch = opened.page.context.new_cdp_session(opened.page)

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 5):
        point = {"x": x - 25 * step, "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    opened.settle()

    assert value(opened) == pytest.approx(100 * (x - 100) / 390, abs=1)
    assert opened.page.evaluate("document.querySelector('.leaflet-map-pane').style.transform") == corner


def test_the_divider_follows_the_keyboard_and_shows_its_focus(open_page, next_year):
    opened = open_page(next_year / "map.html")
    switch_on(opened)
    keyboard = opened.page.keyboard
    for _ in range(40):
        if opened.page.evaluate("document.activeElement.id") == "divider":
            break
        keyboard.press("Shift+Tab")
    else:
        pytest.fail("the divider is not reached")

    assert opened.page.evaluate("getComputedStyle(document.querySelector('.grip')).outlineStyle") == "solid"
    seen = []
    for key in ("ArrowRight", "ArrowLeft", "PageUp", "End", "Home"):
        keyboard.press(key)
        seen.append(value(opened))
    opened.settle()

    assert seen == [52, 50, 60, 100, 0]
    assert opened.page.get_attribute("#divider", "aria-valuetext") == "地图0%为调整前"
    assert opened.page.get_attribute("#divider", "role") == "slider"


def test_the_divider_stays_where_it_is_while_the_map_moves(open_page, next_year):
    opened = open_page(next_year / "map.html")
    switch_on(opened)
    stands = opened.page.locator(".grip").bounding_box()

    ground = map_box(opened)
    opened.page.mouse.move(ground["x"] + 200, ground["y"] + 200)
    opened.page.mouse.down()
    opened.page.mouse.move(ground["x"] + 330, ground["y"] + 260, steps=5)
    opened.page.mouse.up()
    opened.page.click(".leaflet-control-zoom-in")
    opened.settle()

    assert opened.page.locator(".grip").bounding_box() == pytest.approx(stands, abs=1)
    clip = opened.page.evaluate("""() => {
      const pane = document.querySelector(".leaflet-weige-before-pane");
      const right = parseFloat(pane.style.clip.split(",")[1]);
      const map = document.querySelector(".folium-map").getBoundingClientRect();
      return pane.getBoundingClientRect().left + right - map.left;
    }""")
    assert clip == pytest.approx(ground["width"] / 2, abs=1)


@pytest.mark.parametrize(("width", "height"), [(1600, 900), (390, 844)])
@pytest.mark.parametrize("share", [0.31, 0.5, 0.77])
def test_labels_are_readable_on_both_sides_and_none_is_cut(open_page, next_year, width, height, share):
    opened = open_page(next_year / "map.html", width, height)
    switch_on(opened)
    drag_to(opened, share)

    labels = opened.labels()

    at = share * map_box(opened)["width"]
    assert len(labels) > 5
    _require_readable(labels)
    assert all(label["box"][2] <= at + 1 or label["box"][0] >= at - 1 for label in labels)


@pytest.mark.parametrize(
    ("language", "words"), [("zh-CN", ("调整前", "调整后")), ("en", ("Before", "After"))]
)
def test_each_side_is_named_in_both_languages(open_page, next_year, language, words):
    opened = open_page(next_year / "map.html")
    switch_on(opened)
    opened.page.click(f"button[lang={language}]")
    opened.settle()

    assert tuple(opened.page.locator(".side").all_inner_texts()) == words
    divider = opened.page.locator("#divider").bounding_box()
    middle = divider["x"] + divider["width"] / 2
    before, after = (each.bounding_box() for each in opened.page.locator(".side").all())
    assert before["x"] + before["width"] < middle < after["x"]
    assert opened.page.get_attribute(".swipe button", "aria-pressed") == "true"


def test_the_tab_of_changes_says_what_the_ledger_says(open_page, next_year):
    ledger = pyogrio.read_dataframe(next_year / "next.gpkg", layer="ledger")
    before = gpd.read_file(next_year / "next.gpkg", layer="micro_grids_before").set_index("grid_id")
    after = gpd.read_file(next_year / "next.gpkg", layer="micro_grids").set_index("grid_id")
    touched = {*ledger["from_grid"].dropna(), *ledger["to_grid"].dropna()}
    both = set(before.index) & set(after.index)
    opened = open_page(next_year / "map.html")

    opened.page.click("#tab-changes")

    def told(name: str) -> int:
        return int(opened.page.inner_text(f"[data-total={name}] :is(.number, dd)").replace(",", ""))

    assert told("households") == ledger.loc[ledger["cause"] != "arrived", "households"].sum() > 0
    assert told("changed") == len(both & touched) > 0
    assert told("kept") == len(both - touched) > 0
    assert told("ended") == len(set(before.index) - both)
    assert told("new") == len(set(after.index) - both)
    rows = {}
    for row in opened.page.locator("table.changes tbody tr").all():
        code = row.locator("bdi").inner_text()
        then, now = row.locator("td.number").all_inner_texts()
        rows[code] = (then, now)
    changed = sorted((both & touched) | (set(before.index) ^ set(after.index)))
    assert list(rows) == changed
    for code, (then, now) in rows.items():
        assert then == (str(before.loc[code, "households"]) if code in before.index else "\u2013")
        assert now == (str(after.loc[code, "households"]) if code in after.index else "\u2013")
    assert opened.page.inner_text("#tab-changes .count") == str(len(changed))


def test_a_change_leads_to_its_grid(open_page, next_year):
    opened = open_page(next_year / "map.html")
    opened.page.click("#tab-changes")
    rows = opened.page.locator("table.changes .code")

    for row in (rows.first, rows.last):
        row.click()
        opened.settle()
        assert row.locator("bdi").inner_text() in opened.page.inner_text(".leaflet-popup")
        assert opened.page.locator("path.selected").count() >= 1


def test_a_click_left_of_the_divider_tells_the_grid_before(open_page, next_year):
    opened = open_page(next_year / "map.html")
    switch_on(opened)
    drag_to(opened, 1)
    (x0, y0, x1, y1), text = next(
        (label["box"], label["text"]) for label in opened.labels() if label["kind"] == "grid"
    )
    ground = map_box(opened)

    opened.page.mouse.click(ground["x"] + (x0 + x1) / 2, ground["y"] + (y0 + y1) / 2)
    opened.settle()

    popup = opened.page.inner_text(".leaflet-popup")
    assert "调整前的微网格" in popup
    assert text.split("\n")[0] in popup


def test_hostile_codes_in_changes_are_plain_text_and_tabs_fit(open_page, tmp_path):
    frames = plan_frames()
    before = frames["micro_grids"].copy()
    before.loc[:4, "grid_id"] = HOSTILE
    frames["micro_grids_before"] = before
    frames["ledger"] = pd.DataFrame(
        {"unit_id": ["1-1"], "community_id": ["x"], "households": [1200], "from_grid": [HOSTILE[0]],
         "to_grid": [frames["micro_grids"]["grid_id"].iloc[0]], "cause": [HOSTILE[1]]}
    )  # fmt: skip
    cases = write_points(tmp_path / "cases.csv", incidents(frames, 1_000))
    write_map(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "map.html", incidents=str(cases))

    for width, height in ((1366, 768), (390, 844)):
        opened = open_page(tmp_path / "map.html", width, height)
        switch_on(opened)
        opened.page.click("button[lang=en]")
        if width < 760:
            opened.page.click(".handle")
        opened.page.click("#tab-changes")
        said = opened.page.locator("table.changes bdi").all_inner_texts()
        assert {HOSTILE[0], HOSTILE[1], HOSTILE[4]} <= set(said)
        assert opened.page.evaluate("window.hacked") is None
        assert opened.page.locator("img").count() == 0
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") == width
        wide = opened.page.evaluate("""() => {
          const { scrollWidth, clientWidth } = document.querySelector(".body");
          return scrollWidth - clientWidth;
        }""")
        assert wide == 0
        if width > 760:
            tabs = opened.page.locator(".tabs").bounding_box()
            last = opened.page.locator(".tabs button").last.bounding_box()
            assert last["x"] + last["width"] <= tabs["x"] + tabs["width"]


def test_a_plan_without_grids_before_has_no_swipe(open_page, tmp_path):
    write_map(write_plan(tmp_path / "plan.gpkg", plan_frames()), tmp_path / "map.html")

    opened = open_page(tmp_path / "map.html")

    assert opened.page.locator(".swipe, .divider, #tab-changes").count() == 0
