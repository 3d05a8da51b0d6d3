"""Findings on the exported page: each leads to its place, and drawn faults are seen on the map."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from maps.export import write_map
from maps.styles import INK
from tests.maps.chromium import Opened
from tests.maps.sample_plan import HOSTILE, incidents, plan_frames, stations, write_plan, write_points
from tests.maps.test_browser import PIXELS, _require_readable

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Drawn pixels of one colour.
COUNT = f"""(colour) => {{
  const {{ data }} = ({PIXELS})();
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  let count = 0;
  for (let i = 0; i < data.length; i += 4) count += wanted.every((channel, k) => data[i + k] === channel);
  return count;
}}"""

# Boxes, in the map's container, of what is outlined or filled because it was looked for.
SELECTED = """(kind) => [...document.querySelectorAll(`.leaflet-overlay-pane path.${kind}`)].map((path) => {
  const box = path.getBoundingClientRect();
  const map = document.querySelector(".folium-map").getBoundingClientRect();
  return [box.left - map.left, box.top - map.top, box.right - map.left, box.bottom - map.top];
})"""


def drawn_frames() -> dict[str, pd.DataFrame]:
    """Return a town whose first grid was drawn too large and whose last one left two units out."""
    frames = plan_frames()
    grids, units = frames["micro_grids"], frames["units"]
    first, second = grids["grid_id"].iloc[0], grids["grid_id"].iloc[1]
    grids.loc[0, "geometry"] = grids.geometry[0].buffer(14.0)
    last = units.index[units["grid_id"] == grids["grid_id"].iloc[-1]]
    missed = units.loc[last[units.loc[last, "households"] > 0][:2]]
    units.loc[missed.index, "grid_id"] = None
    grids.loc[grids.index[-1], "households"] -= missed["households"].sum()
    overlap = grids.geometry[0].intersection(grids.geometry[1]).representative_point()
    proved = {"remedy": "none", "remedy_reason": "unit_too_large"}
    redraw = {"other_grid_id": second, "remedy": "none", "remedy_reason": "redraw"}
    added_to_one = {"remedy": "move", "remedy_solves": True}
    added = gpd.GeoDataFrame(
        {
            "code": ["grids_overlap", "households_left_out", "too_large", "ids_are_row_numbers"],
            "severity": ["error", "error", "error", "warning"],
            "community_id": [None, grids["community_id"].iloc[-1], None, None],
            "grid_id": [first, None, grids["grid_id"].iloc[4], None],
            "unit_ids": ["[]", json.dumps(missed["unit_id"].tolist()), "[]", "[]"],
            "values": [json.dumps(each) for each in (redraw, added_to_one, proved, {})],
            "text_zh": ["网格重叠。", "有住户未划入任何网格。", "无法调整。", "没有编号列。"],
            "text_en": ["Grids overlap.", "Households lie in no grid.", "Cannot be mended.", "No ids."],
        },
        geometry=[overlap, missed.representative_point().iloc[0], grids.representative_point()[4], None],
        crs=grids.crs,
    )
    frames["findings"] = pd.concat([frames["findings"], added], ignore_index=True)
    return frames


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    frames = drawn_frames()
    output = folder / "map.html"
    places = [{**each, "opening_hours": "Mo-Fr 08:30-18:00; Sa 09:00-12:00"} for each in stations(frames, 3)]
    cases = [{**each, "reported_at": "2026-11-05T09:02:00+08:00"} for each in incidents(frames, 3)]
    write_map(
        write_plan(folder / "plan.gpkg", frames),
        output,
        incidents=str(write_points(folder / "cases.csv", cases)),
        stations=str(write_points(folder / "stations.csv", places)),
    )
    return output


def choose(opened: Opened, sentence: str) -> None:
    opened.page.click("#tab-findings")
    opened.page.click(f".finding:has-text('{sentence}')")
    opened.settle()


def is_in_view(opened: Opened, box: list[float]) -> bool:
    size = opened.page.locator(".folium-map").bounding_box()
    return min(box[:2]) >= 0 and box[2] <= size["width"] and box[3] <= size["height"]


def test_a_finding_of_units_without_a_grid_flies_to_them_and_fills_them(open_page, drawn):
    opened = open_page(drawn)

    choose(opened, "有住户未划入任何网格")

    (marked,) = opened.page.evaluate(SELECTED, "marked")
    assert is_in_view(opened, marked)
    assert marked[2] - marked[0] > 30
    assert "有住户未划入任何网格" in opened.page.inner_text(".leaflet-popup")


def test_an_overlap_outlines_both_grids_and_names_them(open_page, drawn):
    opened = open_page(drawn)

    choose(opened, "网格重叠")

    outlined = opened.page.evaluate(SELECTED, "selected")
    popup = opened.page.inner_text(".leaflet-popup")
    assert len(outlined) == 2
    assert all(is_in_view(opened, box) for box in outlined)
    assert "001001" in popup
    assert "001002" in popup


def test_overlaps_and_units_left_out_are_drawn_and_explained_in_the_legend(open_page, drawn):
    opened = open_page(drawn)
    legend = opened.page.locator("[data-fault]").all_inner_texts()
    before = opened.page.evaluate(COUNT, INK["fault"])

    opened.page.uncheck("li:has-text('重叠、空隙') input")
    opened.settle()

    after = opened.page.evaluate(COUNT, INK["fault"])
    assert [text.split("\n")[0] for text in legend] == ["网格重叠", "未划入网格的住户"]
    assert before > after + 300
    assert after > 40  # units in no grid keep their rim


def test_a_plan_without_faults_has_no_such_legend(open_page, tmp_path):
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", plan_frames()), output)

    opened = open_page(output)

    assert opened.page.locator("[data-fault]").count() == 0
    assert opened.page.locator("li:has-text('重叠、空隙')").count() == 0


def test_what_cannot_be_mended_stands_apart_from_what_can(open_page, drawn):
    opened = open_page(drawn)
    opened.page.click("#tab-findings")

    groups = {
        group.get_attribute("data-mending"): group.inner_text()
        for group in opened.page.locator("[data-mending]").all()
    }

    assert list(groups) == ["can", "correct", "cannot", "check"]
    assert "网格重叠" in groups["correct"]
    assert "无法调整。" in groups["cannot"]
    assert "无法调整。" not in groups["can"]
    opened.page.click(".chips button:has-text('无法调整')")
    assert opened.page.locator(".finding").all_inner_texts() == [groups["cannot"].split("\n", 1)[1]]


def test_the_headline_counts_all_households_and_says_how_many_no_grid_serves(open_page, drawn):
    units = drawn_frames()["units"]
    total = units["households"].sum()
    left_out = units.loc[units["grid_id"].isna(), "households"].sum()
    opened = open_page(drawn)

    assert opened.page.inner_text(".figures dd >> nth=0") == f"{total:,}"
    assert opened.page.inner_text(".left-out") == (
        f"{total - left_out:,}户在网格内；{left_out}户未划入任何网格"
    )


def test_a_finding_without_any_place_cannot_be_pressed(open_page, drawn):
    opened = open_page(drawn)
    opened.page.click("#tab-findings")

    assert opened.page.locator(".finding:disabled").all_inner_texts() == ["没有编号列。"]


def test_a_plan_without_findings_says_so(open_page, tmp_path):
    frames = plan_frames()
    frames["findings"] = frames["findings"].iloc[:0]
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", frames), output)

    opened = open_page(output)
    opened.page.click("#tab-findings")

    assert "没有发现问题" in opened.page.inner_text("#panel-body")


@pytest.mark.parametrize("are_points", [False, True])
def test_a_building_is_all_its_units_and_their_grids(open_page, tmp_path, are_points):
    frames = plan_frames()
    units = frames["units"]
    # Building 2 reaches over a border of grids.
    border = units.index[units["grid_id"] != units["grid_id"].shift(-1)][0]
    of_two = units.index[border - 1 : border + 2]
    units.loc[of_two, ["building_id", "compound_id"]] = ["跨界楼", "K"]
    if are_points:
        units.geometry = units.representative_point()
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", frames), output)

    opened = open_page(output)
    opened.page.fill("#search", "跨界楼")
    opened.page.press("#search", "Enter")
    opened.settle()

    grids, households = units.loc[of_two, "grid_id"], int(units.loc[of_two, "households"].sum())
    popup = opened.page.inner_text(".leaflet-popup")
    (marked,) = opened.page.evaluate(SELECTED, "marked")
    assert len(set(grids)) == 2
    assert all(grid_id in popup for grid_id in grids)
    assert f"户数\n{households}\n单元数\n3" in popup
    assert len(opened.page.evaluate(SELECTED, "selected")) == 2
    assert is_in_view(opened, marked)
    shapes = opened.page.get_attribute(".leaflet-overlay-pane path.marked", "d").count("M")
    assert shapes == 3


def test_buildings_of_one_name_in_two_compounds_are_two_answers(open_page, tmp_path):
    frames = plan_frames()
    ids = frames["compounds"]["compound_id"].iloc[:2].tolist()
    frames["units"].loc[[0, 1], "building_id"] = "甲楼"
    frames["units"].loc[[0, 1], "compound_id"] = ids
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", frames), output)

    opened = open_page(output)
    opened.page.fill("#search", "甲楼")

    answers = opened.page.locator("#answers [role=option]:has-text('甲楼')").all_inner_texts()
    assert [("建华园1区" in text, "建华园2区" in text) for text in answers] == [(True, False), (False, True)]


def test_times_and_opening_hours_are_written_for_the_reader(open_page, drawn):
    opened = open_page(drawn)
    opened.page.click("#tab-stations")
    in_chinese = opened.page.inner_text(".stations li >> nth=0")
    opened.page.click("button[lang=en]")
    in_english = opened.page.inner_text(".stations li >> nth=0")
    opened.page.fill("#search", "AJ00001")
    opened.page.press("#search", "Enter")
    opened.settle()

    assert "周一至周五 08:30—18:00；周六 09:00—12:00" in in_chinese
    assert "Mon–Fri 08:30–18:00; Sat 09:00–12:00" in in_english
    assert "5 Nov 2026, 09:02" in opened.page.inner_text(".leaflet-popup")


def test_cases_and_stations_have_a_tab_each(open_page, drawn):
    opened = open_page(drawn)

    tabs = [text.split("\n")[0] for text in opened.page.locator("[role=tab]").all_inner_texts()]
    opened.page.click("#tab-incidents")
    cases = opened.page.inner_text("#panel-body")
    opened.page.click("#tab-stations")
    places = opened.page.inner_text("#panel-body")

    assert [tab.rstrip("0123456789") for tab in tabs] == ["图例", "网格", "问题", "事件", "驿站"]
    assert "红色驿站1" not in cases
    assert "红色驿站1" in places


def test_marks_of_direction_are_shown_in_one_way_everywhere(open_page, tmp_path):
    frames = plan_frames()
    turning = HOSTILE[3]
    frames["communities"]["name"] = turning
    frames["findings"]["text_zh"] = "\\u202egnp.exe\\u202c 楼"  # as sentences are written
    output = tmp_path / "map.html"
    write_map(write_plan(tmp_path / "plan.gpkg", frames), output)

    opened = open_page(output)
    opened.page.click("#tab-findings")

    shown = "\\u202egnp.exe\\u202c 楼"
    assert opened.page.inner_text("h1") == shown
    assert opened.page.title().startswith(shown)
    assert opened.page.inner_text(".finding >> nth=0 >> .sentence") == shown
    assert all("\u202e" not in text for text in opened.texts("community"))
    assert "\u202e" not in opened.page.inner_text("body")


def test_on_a_phone_every_grid_out_of_band_has_its_number(open_page, tmp_path):
    frames = plan_frames(48, 32, grid_columns=16, grid_rows=12)
    grids = frames["micro_grids"]
    out = grids["status"].isin(["too_small", "too_large"])
    grids.loc[out & (out.cumsum() > 6), "status"] = "ok"
    output = tmp_path / "map.html"
    write_map(
        write_plan(tmp_path / "plan.gpkg", frames),
        output,
        incidents=str(write_points(tmp_path / "cases.csv", incidents(frames, 200))),
    )

    opened = open_page(output, 390, 844)

    wanted = [str(n) for n in grids.loc[grids["status"].isin(["too_small", "too_large"]), "households"]]
    drawn_ones = [text.split("\n")[0] for text in sorted(opened.texts("grid"))]
    assert len(wanted) == 6
    assert set(wanted) <= set(drawn_ones)
    _require_readable(opened.labels())
