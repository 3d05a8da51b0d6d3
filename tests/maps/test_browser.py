"""The exported page opened from its file in headless Chromium with the network off."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import shapely

from maps.export import write_map
from maps.styles import INK, STATUS
from tests.maps.chromium import Opened
from tests.maps.sample_plan import (
    HOSTILE,
    hostile_frames,
    incidents,
    plan_frames,
    stations,
    write_plan,
    write_points,
)
from tests.maps.test_export import contrast

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# The page is to open in 2 s on an idle machine; tests run beside others.
OPENS_WITHIN_MS = 8_000

# Everything drawn in the map as one picture: pixels as a flat list of RGBA.
PIXELS = """() => {
  const box = document.querySelector(".folium-map").getBoundingClientRect();
  const whole = document.createElement("canvas");
  whole.width = box.width;
  whole.height = box.height;
  const pen = whole.getContext("2d");
  const panes = ".leaflet-tile-pane canvas, .leaflet-weige-labels-pane canvas";
  for (const canvas of document.querySelectorAll(panes)) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    pen.drawImage(canvas, left - box.left, top - box.top, width, height);
  }
  return pen.getImageData(0, 0, whole.width, whole.height);
}"""


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Path:
    """1,500 grids, 10,000 units, 1,000 incidents, 200 stations."""
    folder = tmp_path_factory.mktemp("city")
    frames = plan_frames(125, 80, grid_columns=50, grid_rows=30)
    return _map(folder, frames, n_incidents=1_000, n_stations=200)


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    return _map(tmp_path_factory.mktemp("town"), plan_frames(), n_incidents=40, n_stations=4)


def _map(folder: Path, frames: dict, *, n_incidents: int, n_stations: int) -> Path:
    plan, output = write_plan(folder / "plan.gpkg", frames), folder / "map.html"
    cases = write_points(folder / "cases.csv", incidents(frames, n_incidents))
    places = write_points(folder / "stations.csv", stations(frames, n_stations))
    write_map(plan, output, incidents=str(cases), stations=str(places))
    return output


def _require_readable(labels: list[dict]) -> None:
    for label in labels:
        assert label["size"] >= 11
        assert contrast(label["colour"], label["background"]) >= 4.5
    for one, other in itertools.combinations([label["box"] for label in labels], 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def test_a_city_opens_with_the_network_off_and_is_drawn(open_page, city):
    opened = open_page(city, 1920, 1080)

    milliseconds = opened.page.evaluate("performance.now()")
    histogram = opened.page.evaluate(f"""() => {{
      const counts = {{}};
      const {{ data }} = ({PIXELS})();
      for (let i = 0; i < data.length; i += 4) {{
        const rgb = [data[i], data[i + 1], data[i + 2]];
        const colour = "#" + rgb.map((c) => c.toString(16).padStart(2, "0")).join("");
        counts[colour] = (counts[colour] ?? 0) + 1;
      }}
      return counts;
    }}""")

    assert milliseconds < OPENS_WITHIN_MS
    total = sum(histogram.values())
    assert histogram[STATUS["ok"]["fill"]] > 0.1 * total
    assert histogram[STATUS["too_large"]["fill"]] > 0.02 * total
    assert histogram[STATUS["too_small"]["fill"]] > 500
    assert histogram[INK["station"]] > 1_000
    assert len(histogram) > 200


@pytest.mark.parametrize("zoom_clicks", [0, 1, 2, 4])
def test_labels_of_a_city_are_readable_at_every_zoom(open_page, city, zoom_clicks):
    opened = open_page(city, 1920, 1080)
    for _ in range(zoom_clicks):
        opened.page.click(".leaflet-control-zoom-in")
        opened.settle()

    labels = opened.labels()

    assert len(labels) > 30
    assert opened.texts("grid")
    _require_readable(labels)


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_every_grid_of_a_town_has_its_number_also_the_thin_one_and_each_large_piece(
    open_page, tmp_path, width, height
):
    frames = plan_frames()
    grids = frames["micro_grids"]
    first, x, y = grids.geometry.iloc[0], *grids.total_bounds[2:]
    away = shapely.box(x + 60, y - 120, x + 160, y)
    grids.loc[grids.index[0], "geometry"] = shapely.MultiPolygon([first, away])
    thin = shapely.box(x + 60, y - 260, x + 220, y - 258)
    grids.loc[grids.index[1], ["geometry", "households", "status"]] = [thin, 77, "ok"]
    grids.loc[grids.index[0], "households"] = 88
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", frames), output)

    opened = open_page(output, width, height)

    drawn = [label["text"].split("\n")[0] for label in opened.labels() if label["kind"] == "grid"]
    assert drawn.count("88") == 2
    assert sorted(drawn) == sorted(map(str, [*grids["households"], 88]))
    _require_readable(opened.labels())


def test_the_name_of_a_community_keeps_off_the_borders_of_its_grids(open_page, tmp_path):
    frames = plan_frames()
    frames["micro_grids"]["status"] = "ok"
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", frames), output)

    opened = open_page(output, 1366, 768)

    # A border under the name would show as its ink inside the box's rim, where no letter reaches.
    (name,) = [label for label in opened.labels() if label["kind"] == "community"]
    crossing = opened.page.evaluate(
        f"""([x0, y0, x1, y1]) => {{
      const {{ data, width }} = ({PIXELS})();
      const seen = new Set();
      const sides = [Math.floor(x0) - 1, Math.ceil(x1) + 1];
      for (let y = Math.floor(y0) - 1; y <= y1 + 1; y++) for (const x of sides) {{
        seen.add([0, 1, 2].map((k) => data[4 * (y * width + x) + k].toString(16).padStart(2, "0")).join(""));
      }}
      return [...seen].map((rgb) => "#" + rgb);
    }}""",
        name["box"],
    )
    assert INK["border"] not in crossing


def test_labels_stand_out_in_the_picture_itself(open_page, town):
    opened = open_page(town)

    lightness = opened.page.evaluate(f"""() => {{
      const {{ data, width }} = ({PIXELS})();
      const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      return weige.labels().filter(({{ kind }}) => kind === "grid").map(({{ box }}) => {{
        let [low, high] = [1, 0];
        for (let y = Math.ceil(box[1]); y < box[3]; y++) for (let x = Math.ceil(box[0]); x < box[2]; x++) {{
          const at = 4 * (y * width + x);
          const [red, green, blue] = [0, 1, 2].map((channel) => linear(data[at + channel]));
          const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
          [low, high] = [Math.min(low, light), Math.max(high, light)];
        }}
        return [low, high];
      }});
    }}""")

    assert len(lightness) > 5
    assert all((high + 0.05) / (low + 0.05) >= 4.5 for low, high in lightness)


@pytest.mark.parametrize(("query", "found"), [
    ("001005", "321181001001005"),
    ("2号楼", "秦东门大街2号"),
    ("秦东门大街 11", "秦东门大街11号"),
    ("建华园2", "建华园2区"),
    ("驿站3", "红色驿站3"),
    ("aj00007", "AJ00007"),
])  # fmt: skip
def test_search_flies_to_what_was_typed(open_page, town, query, found):
    opened = open_page(town)

    opened.page.fill("#search", query)
    opened.page.press("#search", "ArrowDown")
    assert opened.page.get_attribute("#search", "aria-activedescendant") == "answer-0"
    opened.page.press("#search", "Enter")
    opened.settle()

    assert found in opened.page.inner_text(".leaflet-popup")


def test_a_search_with_more_answers_than_it_lists_says_how_many(open_page, town):
    opened = open_page(town)

    opened.page.fill("#search", "1")

    assert opened.page.locator("#answers [role=option]").count() == 30
    last = opened.page.locator("#answers li").last.inner_text()
    found = re.fullmatch(r"找到(\d+)条，列出前30条", last)
    assert found
    assert int(found[1]) > 30
    assert opened.page.locator(".search [role=status]").text_content() == last


def test_a_search_without_an_answer_says_so(open_page, town):
    opened = open_page(town)

    opened.page.fill("#search", "qqqq")

    assert "没有找到" in opened.page.inner_text("#answers")
    assert opened.page.locator("#answers [role=option]").count() == 0


def test_the_language_switch_changes_every_word(open_page, town):
    opened = open_page(town)
    assert opened.page.get_attribute("html", "lang") == "zh-CN"
    for tab in ("legend", "grids", "findings", "incidents"):
        opened.page.click("button[lang=en]")
        opened.page.click(f"#tab-{tab}")
        names = {"东门社区", "中文", "红色驿站", "暖心驿站"}
        said = opened.page.evaluate("""() => {
          const words = document.createTreeWalker(document.querySelector(".panel"), NodeFilter.SHOW_TEXT);
          const said = [];
          while (words.nextNode()) {
            const { parentElement, data } = words.currentNode;
            if (!parentElement.closest("bdi")) said.push(data);
          }
          return said;
        }""")
        assert [
            text for text in said if any("\u4e00" <= c <= "\u9fff" for c in text) and text not in names
        ] == []

    assert opened.page.get_attribute("html", "lang") == "en"
    opened.page.click("button[lang=zh-CN]")
    assert "网格" in opened.page.inner_text("#tab-grids")


def test_a_click_on_the_map_tells_the_grid_and_why_it_is_too_large(open_page, town):
    opened = open_page(town)
    (large,) = [
        label for label in opened.labels() if label["kind"] == "grid" and label["text"].startswith("224")
    ]
    x0, y0, x1, y1 = large["box"]
    corner = opened.page.locator(".folium-map").bounding_box()

    opened.page.mouse.click(corner["x"] + (x0 + x1) / 2, corner["y"] + (y0 + y1) / 2)
    opened.settle()

    popup = opened.page.inner_text(".leaflet-popup")
    assert "户数超限" in popup
    assert "共224户" in popup


def test_a_finding_leads_to_its_grid(open_page, town):
    opened = open_page(town)

    opened.page.click("#tab-findings")
    opened.page.click(".finding >> nth=1")
    opened.settle()

    assert opened.page.inner_text(".leaflet-popup .note") == opened.page.inner_text(
        ".finding >> nth=1 >> .sentence"
    )


def test_incidents_are_filtered_by_kind_and_state(open_page, town):
    opened = open_page(town)
    opened.page.click("#tab-incidents")
    before = sum(int(text) for text in _clusters(opened))

    opened.page.uncheck("fieldset >> nth=0 >> input >> nth=0")
    opened.settle()

    counts = [int(text) for text in opened.page.locator("fieldset >> nth=0 >> .number").all_inner_texts()]
    assert sum(counts) == 40
    assert f"显示{40 - counts[0]}件" in opened.page.inner_text(".shown")
    assert sum(int(text) for text in _clusters(opened)) < before


def _clusters(opened: Opened) -> list[str]:
    return [label["text"] for label in opened.labels() if label["kind"] == "cluster"]


def test_layers_can_be_hidden_and_shown_again(open_page, town):
    opened = open_page(town)

    opened.page.uncheck("li:has-text('注记') input")
    assert opened.texts("grid") == set()
    opened.page.check("li:has-text('注记') input")

    assert opened.texts("grid")


def test_hostile_names_are_plain_text(open_page, tmp_path):
    frames = hostile_frames()
    rows = [
        {**row, "kind": HOSTILE[k % 5], "text": HOSTILE[k % 5]} for k, row in enumerate(incidents(frames, 10))
    ]
    places = [{**row, "name": HOSTILE[k % 5]} for k, row in enumerate(stations(frames, 5))]
    plan, output = write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "map.html"
    write_map(
        plan,
        output,
        incidents=str(write_points(tmp_path / "cases.csv", rows)),
        stations=str(write_points(tmp_path / "stations.csv", places)),
    )

    opened = open_page(output)

    for tab in ("grids", "findings", "incidents"):
        opened.page.click(f"#tab-{tab}")
    for query in ("onerror", "7 * 7", "</script>"):
        opened.page.fill("#search", query)
        assert query in opened.page.inner_text("#answers")
        opened.page.press("#search", "Enter")
        opened.settle()
    assert opened.page.evaluate("window.hacked") is None
    assert opened.page.locator("img").count() == 0
    assert opened.page.inner_text("h1") == HOSTILE[0]
    assert HOSTILE[1] in opened.page.inner_text(".panel")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_nothing_is_wider_than_the_window(open_page, town, width, height):
    opened = open_page(town, width, height)

    assert opened.page.evaluate("document.scrollingElement.scrollWidth") == width
    cut = opened.page.evaluate("""() => [...document.querySelectorAll(".panel *")]
      .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
      .filter((each) => !["INPUT"].includes(each.tagName) && getComputedStyle(each).display !== "inline")
      .filter((each) => !each.matches(".visually-hidden, .tabs"))
      .map((each) => each.className || each.tagName)""")
    assert cut == []


def test_everything_is_reached_by_keyboard_and_shows_its_focus(open_page, town):
    opened = open_page(town)
    reached = []
    for _ in range(30):
        opened.page.keyboard.press("Tab")
        reached.append(
            opened.page.evaluate("""() => {
          const { activeElement: each } = document;
          const { outlineStyle, outlineWidth } = getComputedStyle(each);
          const shows = outlineStyle !== "none" && outlineWidth !== "0px";
          return [each.id || each.className || each.type || each.tagName, shows];
        }""")
        )

    names = {name for name, _ in reached}
    assert {"search", "tab-legend", "checkbox", "leaflet-control-zoom-in"} <= names
    assert all(shows for name, shows in reached if name != "BODY")


def test_the_page_prints_its_map_and_legend_on_one_sheet(open_page, town, tmp_path):
    opened = open_page(town)

    opened.page.emulate_media(media="print")
    opened.settle()

    assert opened.page.locator(".legend >> nth=0").is_visible()
    assert not opened.page.locator("#search").is_visible()
    sheet = opened.page.pdf(path=tmp_path / "map.pdf", prefer_css_page_size=True, print_background=True)
    assert sheet.count(b"/Type /Page\n") + sheet.count(b"/Type /Page ") <= 2


def test_paper_shows_the_legend_and_the_same_ground_and_the_screen_comes_back(open_page, town):
    opened = open_page(town, 1366, 860)
    opened.page.click("#tab-findings")
    opened.page.click(".leaflet-control-zoom-in")
    opened.settle()
    on_screen = opened.texts("grid")
    seen = {
        label["text"][:2] for label in opened.labels() if label["kind"] == "grid" and _is_seen(opened, label)
    }

    opened.page.emulate_media(media="print")
    opened.settle()
    assert opened.page.locator(".legend >> nth=0").is_visible()
    assert len(seen) > 2
    assert seen <= {text[:2] for text in opened.texts("grid")}
    opened.page.emulate_media(media="screen")
    opened.settle()

    assert opened.texts("grid") == on_screen
    assert opened.page.locator(".finding").count() == 3


def _is_seen(opened: Opened, label: dict) -> bool:
    box = opened.page.locator(".folium-map").bounding_box()
    x0, y0, x1, y1 = label["box"]
    return x0 >= 0 and y0 >= 0 and x1 <= box["width"] and y1 <= box["height"]


def test_a_map_that_was_moved_is_drawn_some_tiles_in_each_frame_and_then_whole(open_page, city):
    opened = open_page(city, 1920, 1080)

    opened.page.click(".leaflet-control-zoom-in")
    opened.page.click(".leaflet-control-zoom-in")
    opened.settle()
    # Not a condition in JavaScript: the page's policy lets none be tried again and again.
    opened.page.wait_for_selector(".leaflet-tile:not(.leaflet-tile-loaded)", state="detached")

    tiles = opened.page.evaluate("document.querySelectorAll('.leaflet-tile').length")
    bare = opened.page.evaluate(f"""() => {{
      const {{ data, width, height }} = ({PIXELS})();
      let bare = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i] === 0) bare++;
      return bare / (width * height);
    }}""")
    assert tiles >= 6
    assert bare == 0


# Of everything drawn in the map: how many tiles, the share of bare pixels, and of bytes not nearly as before.
GROUND = f"""() => {{
  const {{ data, width, height }} = ({PIXELS})();
  const before = window.groundBefore || data;
  window.groundBefore = data;
  let [bare, changed] = [0, 0];
  for (let i = 3; i < data.length; i += 4) if (data[i] === 0) bare++;
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i] - before[i]) > 48) changed++;
  const tiles = document.querySelectorAll(".leaflet-tile").length;
  return {{ tiles, bare: bare / (width * height), changed: changed / data.length }};
}}"""


def test_the_ground_is_drawn_as_a_whole_as_a_page_opens_and_tiles_take_its_place_unseen(browser, town):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_offline(True)
    page = context.new_page()
    page.goto(town.as_uri())
    page.evaluate("window.weige.ready")

    opened = page.evaluate(GROUND)
    page.wait_for_selector(".leaflet-tile", state="attached")
    page.wait_for_selector(".leaflet-tile-pane > canvas", state="detached")
    later = page.evaluate(GROUND)

    context.close()
    assert (opened["tiles"], opened["bare"]) == (0, 0)
    assert (later["tiles"] >= 6, later["bare"]) == (True, 0)
    assert later["changed"] < 1e-4


@pytest.mark.parametrize("act", ["drag", "zoom"])
def test_a_map_moved_as_soon_as_it_opens_is_drawn_whole(browser, town, act):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_offline(True)
    page = context.new_page()
    page.goto(town.as_uri())
    page.evaluate("window.weige.ready")

    page.mouse.move(900, 400)
    if act == "drag":
        page.mouse.down()
        page.mouse.move(700, 300, steps=4)
        page.mouse.up()
    else:
        page.mouse.wheel(0, -180)
    page.wait_for_selector(".leaflet-tile-pane > canvas", state="detached")
    page.wait_for_timeout(500)  # a map that was let go of runs on
    page.wait_for_selector(".leaflet-tile:not(.leaflet-tile-loaded)", state="detached")
    drawn = page.evaluate(GROUND)

    context.close()
    assert (drawn["tiles"] >= 6, drawn["bare"]) == (True, 0)


def test_nothing_is_thrown_as_a_page_opens_not_even_what_is_caught(browser, town):
    """To tell where an error is from, a browser reads the whole program once more."""
    context = browser.new_context()
    context.set_offline(True)
    page = context.new_page()
    session = context.new_cdp_session(page)
    thrown: list[str] = []

    def paused(told: dict) -> None:
        thrown.append(told["data"]["description"])
        session.send("Debugger.resume")

    session.on("Debugger.paused", paused)
    session.send("Debugger.enable")
    session.send("Debugger.setPauseOnExceptions", {"state": "all"})
    page.goto(town.as_uri())
    page.evaluate("window.weige.ready")

    context.close()
    assert thrown == []


# How often labels were drawn: while a pointer moved over a map just moved, and when all had stood a while.
DRAWN_AGAIN = """async () => {
  const ground = document.querySelector(".leaflet-container");
  const labels = document.querySelector(".leaflet-weige-labels-pane canvas.leaflet-zoom-animated");
  const { transferFromImageBitmap } = ImageBitmapRenderingContext.prototype;
  let drawn = 0;
  const shown = labels.getContext("bitmaprenderer");
  shown.transferFromImageBitmap = (bitmap) => {
    drawn++;
    transferFromImageBitmap.call(shown, bitmap);
  };
  window.weige.meeting.page.map.panBy([-100, 0], { animate: false });
  ground.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: 900, clientY: 400 }));
  const atOnce = drawn;
  await new Promise((done) => setTimeout(done, 1000));
  return [atOnce, drawn];
}"""


def test_a_pointer_over_a_map_that_was_moved_does_not_hurry_its_labels(open_page, city):
    opened = open_page(city, 1920, 1080)
    before = {label["text"]: label["box"][0] for label in opened.labels()}

    at_once, drawn = opened.page.evaluate(DRAWN_AGAIN)

    assert (at_once, drawn) == (0, 1)
    after = {label["text"]: label["box"][0] for label in opened.labels()}
    assert any(abs(after[text] - before[text]) > 50 for text in before.keys() & after.keys())
