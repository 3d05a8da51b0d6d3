"""A map of walks: ground by minutes, stations old and new, and what each new one adds; opened in Chromium."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image, ImageColor
from pyproj import CRS

from geo.plan_layers import plan_layers
from geo.reached import reached
from geo.sited import Question, sited
from maps.export import write_map
from maps.plan_file import write_frames
from maps.styles import BEYOND, INK
from maps.walk_map import reach_map, site_map, walk_ground
from tests.accessibility import Findings
from tests.maps.sample_plan import plan_frames

METRES = CRS.from_epsg(4549)


def test_ground_is_joined_by_the_first_limit_that_a_walk_keeps_to():
    cells = np.array([shapely.box(x, 0, x + 1, 1) for x in range(5)], object)

    ground = walk_ground([1, 5, 5.01, 15, np.inf], [10, 20, 30, 40, 50], (5.0, 15.0), cells, METRES)

    assert ground["households"].tolist() == [30, 70, 50]
    assert ground.geometry.area.tolist() == [2, 2, 1]
    assert shapely.coverage_is_valid(ground.geometry.to_numpy())


def test_a_class_that_nobody_is_in_has_no_ground():
    cells = np.array([shapely.box(0, 0, 1, 1), None], object)

    ground = walk_ground([np.nan, 3], [1, 2], (5.0,), cells, METRES)

    assert ground["households"].tolist() == [2, 1]
    assert ground.geometry.isna().tolist() == [True, False]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan of about 400 m by 270 m with one station in a corner, and two new ones, as a map."""
    folder = tmp_path_factory.mktemp("walks")
    frames = plan_frames()
    write_frames(frames, folder / "plan.gpkg")
    layers = plan_layers(
        units=frames["units"].drop(columns="grid_id"),
        communities=frames["communities"],
    )
    corner = shapely.point_on_surface(frames["units"].geometry.iloc[0])
    stations = gpd.GeoDataFrame(
        {"station_id": ["S1"], "name": ["东门驿站"]}, geometry=[corner], crs=frames["units"].crs
    )
    found = sited(layers, Question("reach", 2, 1.5), stations=stations)
    by_unit = dict(zip(frames["cells"]["unit_id"], frames["cells"].geometry, strict=True))
    cells = np.array([by_unit[unit] for unit in layers.units["unit_id"]], object)
    walk = site_map(found, cells)
    write_map(folder / "plan.gpkg", folder / "walks.html", walk=walk)
    return found, walk, folder / "walks.html"


def test_the_households_of_the_map_are_those_of_the_answer(made):
    found, walk, _ = made

    now = found.nearby.households[np.isfinite(found.nearby.minutes_to(found.opened))].sum()
    assert walk.note["households"] == [now, found.all_households - now]
    assert walk.note["straight"] is True
    assert [site["gained"] for site in walk.note["sites"]] == found.sites()["gained"].dropna().tolist()


def test_a_map_of_full_stations_counts_those_who_are_served(made):
    found, _, _ = made
    stations = found.places.iloc[:1].rename(columns={"place_id": "station_id"})
    full = sited(found.layers, Question("nearest", 1, 15.0, capacity=30), stations=stations)
    cells = np.array(shapely.buffer(found.layers.units.geometry.to_numpy(), 0.1), object)

    walk = site_map(full, cells)

    assert walk.note["households"] == [60, full.all_households - 60]
    assert walk.note["capacity"] == 30
    assert [site["gained"] for site in walk.note["sites"]] == [30]
    assert walk.note["sites"][0]["share"] == pytest.approx(60 / full.all_households, abs=1e-4)
    assert walk.note["further"] == []
    # Units without households are neither served nor not.
    lived_in = full.nearby.households > 0
    shown = shapely.area(walk.ground.geometry.to_numpy()).sum()
    assert shown == pytest.approx(shapely.area(shapely.coverage_union_all(cells[lived_in])), rel=1e-6)
    assert walk.note["blank"] == (~lived_in).sum()


@pytest.fixture(scope="module")
def at_night(made, tmp_path_factory):
    """The same plan at 23:00, when one station is open, one is shut and one does not say."""
    folder = tmp_path_factory.mktemp("night")
    layers = made[0].layers
    spots = shapely.point_on_surface(layers.units.geometry.to_numpy())[[0, -1, len(layers.units) // 2]]
    ids = pd.DataFrame({"station_id": ["S1", "S2", "S3"], "name": ["东门", "西门", "南门"]})
    stations = gpd.GeoDataFrame(ids, geometry=spots, crs=layers.working_crs)
    grids = plan_frames()["units"].set_index("unit_id")["grid_id"]
    grid_ids = grids.reindex(layers.units["unit_id"]).to_numpy(dtype=object)
    found = reached(layers, stations.iloc[:1], grid_ids, minutes=(1, 2))
    cells = np.array(shapely.buffer(layers.units.geometry.to_numpy(), 0.1), object)
    left_out = stations.iloc[1:].assign(standing=["shut", "unknown"])
    walk = reach_map(found, cells, at=datetime(2026, 11, 28, 23), left_out=left_out)
    write_map(made[2].parent / "plan.gpkg", folder / "night.html", walk=walk)
    return walk, folder / "night.html", found


def test_a_map_of_a_moment_names_it_and_shows_stations_that_are_shut_in_grey(open_page, at_night):
    walk, file, _ = at_night
    assert walk.note["moment"] == {"at": "2026-11-28 23:00", "open": 1, "shut": 1, "unknown": 1}
    assert walk.stations["standing"].tolist() == ["open", "shut", "unknown"]

    opened = open_page(file)
    legend = opened.page.locator(".moment")

    assert "2026-11-28 23:00" in legend.locator("h2").inner_text()
    said = [row.inner_text().split() for row in legend.locator("[data-standing]").all()]
    assert [(row[0], row[-1]) for row in said] == [
        ("此时开放", "1"), ("此时不开放，不计入", "1"), ("没有写明开放时间，不计入", "1")
    ]  # fmt: skip
    shot = Image.open(io.BytesIO(opened.page.locator(".leaflet-container").screenshot())).convert("RGB")
    pixels = np.asarray(shot).reshape(-1, 3)
    red, grey = (
        int((pixels == ImageColor.getrgb(INK[ink])).all(axis=1).sum()) for ink in ("station", "station_shut")
    )
    assert grey > 1.5 * red > 100


@pytest.mark.parametrize("language", ["中文", "English"])
def test_the_tables_tell_who_is_reached_by_micro_grid_and_community_and_in_all(open_page, at_night, language):
    walk, file, found = at_night
    sums = {key: found.sums(key) for key in ("grid_id", "community_id")}
    assert walk.note["within"]["all"] == [int(sums["community_id"][each].sum()) for each in found.within()]
    assert 0 < walk.note["within"]["all"][0] < walk.note["within"]["all"][1]

    opened = open_page(file)
    opened.page.locator(".languages button", has_text=language).click()
    opened.page.get_by_role("button", name="表格" if language == "中文" else "Table").first.click()
    tables = opened.page.locator(".meeting-table")

    def rows(part: str) -> list[list[str]]:
        return [
            [cell.inner_text() for cell in row.locator("th, td").all()]
            for row in tables.locator(f"{part} tr").all()
        ]

    heads = rows("thead")[0]
    assert [("1" in head, "2" in head) for head in heads[2:4]] == [(True, False), (False, True)]
    grids = sums["grid_id"].set_index("grid_id")
    listed = {row[0]: [int(count) for count in row[1:4]] for row in rows("tbody")}
    assert listed == {
        grid: [int(grids.at[grid, column]) for column in ("households", "within_1", "within_2")]
        for grid in listed
    }
    assert len(listed) == len(grids)
    # Nothing is cut off at the edge of the pane, and nothing tells of sizes, which the map does not show.
    assert opened.page.locator(".table-scroll").evaluate("pane => pane.scrollWidth <= pane.clientWidth")
    opened.page.locator("#tab-grids").click()
    assert opened.page.locator("#panel-body tbody tr").count() == len(grids)
    assert opened.page.locator("#panel-body .swatch:visible").count() == 0

    tables.locator(".chips button", has_text="社区" if language == "中文" else "Communities").click()
    places = sums["community_id"].set_index("community_id")
    for row in rows("tbody"):
        expected = places.loc[row[-1], ["households", "within_1", "within_2"]]
        assert [int(count.replace(",", "")) for count in row[1:4]] == expected.tolist()
    total = rows("tfoot")[0]
    assert [int(count.replace(",", "")) for count in total[1:4]] == [
        int(found.households.sum()), *walk.note["within"]["all"]
    ]  # fmt: skip


def test_the_page_tells_minutes_and_what_each_new_station_adds(open_page, made):
    _, walk, file = made

    opened = open_page(file)

    legend = opened.page.locator(".walks [data-walk]").all_inner_texts()
    assert len(legend) == 2
    assert f"{walk.note['households'][0]:,}" in legend[0]
    bars = opened.page.locator(".gains").first.locator("tbody tr")
    assert bars.count() == 2
    assert f"+{walk.note['sites'][0]['gained']:,}" in bars.first.inner_text()
    assert not opened.messages
    assert not [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))]


def test_bars_of_both_tables_have_one_scale(open_page, made):
    opened = open_page(made[2])
    walk = made[1]

    widths = [
        opened.page.locator(".gains .gain").nth(row).bounding_box()["width"]
        for row in range(opened.page.locator(".gains .gain").count())
    ]

    gained = [each["gained"] for each in [*walk.note["sites"], *walk.note["further"]]]
    assert len(walk.note["further"]) > 0
    assert len(widths) == len(gained)
    assert np.array(widths) / max(widths) == pytest.approx(np.array(gained) / max(gained), abs=0.02)


def test_minutes_saved_are_above_0_and_the_gap_is_told_as_on_the_command_line(open_page, made, tmp_path):
    _, walk, file = made
    note = walk.note | {"aim": "nearest", "proved": False, "gap": 0.0007}
    write_map(
        file.parent / "plan.gpkg", tmp_path / "saved.html", walk=replace(walk, note=note), language="en"
    )

    opened = open_page(tmp_path / "saved.html")

    first = opened.page.locator(".gains").first
    saved = round(note["sites"][0]["saved"])
    assert saved > 0
    assert first.locator("tbody td.number").first.inner_text() == f"{saved:,}"
    assert "0.07%" in first.locator(".hint").inner_text()


def test_ground_beyond_the_limit_is_drawn_until_it_is_switched_off(open_page, made):
    _, _, file = made
    opened = open_page(file)

    def hatched() -> int:
        # Pixels near the colour of ground beyond the limit.
        shot = Image.open(
            io.BytesIO(opened.page.screenshot(clip={"x": 380, "y": 60, "width": 900, "height": 600}))
        )
        colour = np.array(ImageColor.getrgb(BEYOND["fill"]))
        return int((np.abs(np.asarray(shot.convert("RGB"), int) - colour).max(axis=2) < 6).sum())

    drawn = hatched()
    opened.page.locator(".switches label", has_text="步行时间").locator("input").uncheck()
    opened.settle()

    assert drawn > 1_000
    # A few pixels at the edges of signs are of that colour too.
    assert hatched() < drawn / 50


def test_the_legend_tells_of_the_ground_either_walking_time_or_sizes(open_page, made):
    opened = open_page(made[2])
    seen = opened.page.locator("[data-ground]:visible")

    def grounds() -> set[str]:
        return {part.get_attribute("data-ground") for part in seen.all()}

    walked = grounds()
    switch = opened.page.locator(".switches label", has_text="步行时间").locator("input")
    switch.uncheck()
    sizes = grounds()
    opened.page.locator(".languages button", has_text="English").click()
    still = grounds()

    assert walked == {"walk"}
    assert sizes == still == {"size"}


@pytest.mark.parametrize("width", [1366, 390])
def test_axe_finds_nothing_serious_on_a_map_of_walks(open_page, made, width):
    opened = open_page(made[2], width, 800)
    findings = Findings()
    findings.look(opened.page, "map of walks")

    assert findings.rules > 10
    assert findings.found == []
