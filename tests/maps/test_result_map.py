"""Maps of linked households and of grids of departments over each other, opened in Chromium."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import pytest
import shapely
from PIL import Image, ImageColor

from geo.base_grids import Department, overlaid
from geo.member_links import plan_links
from geo.plan_layers import plan_layers
from maps.export import write_map
from maps.plan_file import plan_frames, write_frames
from maps.result_map import link_map, overlay_map
from maps.styles import INK, KINDS
from tests.geo.test_base_grids import CRS, X, Y, block, boxes

SIDE_M = 30


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """Halves one way and the other over 16 houses, one of the two as a table of units."""
    folder = tmp_path_factory.mktemp("merged")
    layers = block(4, 4)
    ids = layers.units["unit_id"].to_numpy(dtype=object)
    table = {"unit_id": ids, "grid_id": ["W" if each.endswith("-0") else "E" for each in ids]}
    police = Department("police", gpd.GeoDataFrame(table, geometry=[None] * len(ids), crs=CRS))
    made = overlaid(layers, [boxes("civil", ("S", 0, 0, 1, 3), ("N", 2, 0, 3, 3)), police])
    frames = plan_frames(made.plan, {"started": "", "finished": ""})
    write_frames(frames, folder / "plan.gpkg")
    write_map(folder / "plan.gpkg", folder / "merged.html", result=overlay_map(made))
    return made, frames, folder


@pytest.fixture(scope="module")
def linked(merged):
    """The same houses linked: one place links 3 houses at most, so that in one grid some are left over."""
    return link_houses(merged, ("0-0", "0-3", "3-0"), "links.html")


def link_houses(merged, homes, name):
    """Link the houses to members in some of them, and to one outside."""
    _, frames, folder = merged
    units = frames["units"]
    layers = plan_layers(units=units.drop(columns="grid_id"), communities=frames["communities"])
    grids = dict(zip(units["unit_id"], units["grid_id"], strict=True))
    cells = dict(zip(frames["cells"]["unit_id"], frames["cells"].geometry, strict=True))
    row = {unit: at for at, unit in enumerate(layers.units["unit_id"])}
    pairs = [
        (row[f"{r}-{c}"], row[other])
        for r in range(4) for c in range(4) for other in (f"{r}-{c + 1}", f"{r + 1}-{c}") if other in row
    ]  # fmt: skip
    places = [*(layers.units.geometry.iloc[row[unit]].centroid for unit in homes), shapely.Point(X - 500, Y)]
    ids = [f"M{number}" for number in range(1, len(places) + 1)]
    members = gpd.GeoDataFrame({"member_id": ids}, geometry=places, crs=CRS)
    found = plan_links(
        layers,
        np.array([grids[unit] for unit in row], object), np.array([cells[unit] for unit in row], object),
        (np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])), members, lower=10, upper=50,
    )  # fmt: skip
    write_map(folder / "plan.gpkg", folder / name, result=link_map(found))
    return found, folder / name


def pixels(opened, colour: str) -> int:
    shot = Image.open(
        io.BytesIO(opened.page.screenshot(clip={"x": 380, "y": 60, "width": 900, "height": 600}))
    )
    wanted = np.array(ImageColor.getrgb(colour))
    return int((np.abs(np.asarray(shot.convert("RGB"), int) - wanted).max(axis=2) < 6).sum())


def test_outlines_are_as_drawn_or_the_ground_of_the_units_of_a_table(merged):
    made, _, _ = merged

    area = made.outlines.set_index(["department", "grid_id"]).geometry.area
    assert area["civil", "S"] == pytest.approx(8 * SIDE_M**2)
    assert area["police", "W"] == pytest.approx(4 * SIDE_M**2, rel=0.03)


def test_the_map_tells_departments_and_conflicts_and_leads_to_each(open_page, merged):
    made, _, folder = merged

    opened = open_page(folder / "merged.html")

    legend = opened.page.locator(".results [data-department]").all_inner_texts()
    assert [told.split("\n")[0].strip() for told in legend] == ["civil", "police"]
    assert opened.page.locator(".results [data-conflicts] .number").inner_text() == f"{len(made.conflicts)}"
    opened.page.locator("#tab-conflicts").click()
    rows = opened.page.locator("#panel-body li button")
    assert rows.count() == len(made.conflicts) == 4
    assert "civil N × police E" in rows.all_inner_texts()[0]
    rows.first.click()
    opened.page.locator(".popup", has_text="police").wait_for()
    assert not opened.messages


@pytest.mark.parametrize(("layer", "colour"), [("各部门原网格", KINDS[1]), ("网格冲突", "#b00020")])
def test_outlines_and_conflicts_are_drawn_until_they_are_switched_off(open_page, merged, layer, colour):
    opened = open_page(merged[2] / "merged.html")
    others = opened.page.locator(".switches label", has_text="微网格").locator("input")
    others.first.uncheck()
    if layer == "网格冲突":  # only outlined here, under the outlines of the departments
        opened.page.locator(".switches label", has_text="各部门原网格").locator("input").uncheck()
    opened.settle()
    drawn = pixels(opened, colour) if layer == "各部门原网格" else hatched(opened)

    opened.page.locator(".switches label", has_text=layer).locator("input").uncheck()
    opened.settle()

    left = pixels(opened, colour) if layer == "各部门原网格" else hatched(opened)
    assert drawn > 200
    assert left < drawn / 20


def test_conflicts_are_only_outlined_where_they_would_hide_the_base_grids(open_page, merged, tmp_path):
    layers = block(4, 4)
    # One house is drawn over the border of the other department.
    police = boxes("police", ("W", 0, 0, 1, 3), ("E", 2, 0, 3, 3))
    ground = police.grids.geometry.tolist()
    house = shapely.box(X, Y + 60, X + 30, Y + 90)
    frame = police.grids.set_geometry([ground[0].union(house), ground[1].difference(house)], crs=CRS)
    few = overlaid(
        layers, [boxes("civil", ("S", 0, 0, 1, 3), ("N", 2, 0, 3, 3)), Department("police", frame)]
    )
    write_frames(plan_frames(few.plan, {"started": "", "finished": ""}), tmp_path / "plan.gpkg")
    write_map(tmp_path / "plan.gpkg", tmp_path / "few.html", result=overlay_map(few))

    assert overlay_map(few).note["crossed_share"] == pytest.approx(1 / 16, abs=0.01)
    assert overlay_map(merged[0]).note["crossed_share"] == pytest.approx(1, abs=0.01)
    hatching = "background-image: url"
    for file, is_hatched in ((tmp_path / "few.html", True), (merged[2] / "merged.html", False)):
        swatch = open_page(file).page.locator(".results [data-conflicts] .swatch")
        assert (hatching in (swatch.get_attribute("style") or "")) is is_hatched


def hatched(opened) -> int:
    """Reddish pixels: those of conflicts."""
    shot = Image.open(
        io.BytesIO(opened.page.screenshot(clip={"x": 380, "y": 60, "width": 900, "height": 600}))
    )
    red, green, blue = np.moveaxis(np.asarray(shot.convert("RGB"), int), 2, 0)
    return int(((red - green > 25) & (abs(green - blue) < 20)).sum())


def test_the_map_tells_the_places_and_whom_each_links(open_page, linked):
    found, file = linked

    opened = open_page(file)

    told = opened.page.locator(".results [data-places]").evaluate_all(
        "rows => Object.fromEntries(rows.map(row =>"
        " [row.dataset.places, Number(row.querySelector('.number').textContent)]))"
    )
    assert told == found.members["status"].value_counts().to_dict()
    assert told["outside"] == 1
    # As the command counts them, without those of the plan.
    assert opened.page.locator("#tab-findings .count").inner_text() == str(len(found.findings))
    opened.page.locator("#tab-members").click()
    rows = opened.page.locator("#panel-body li button").all_inner_texts()
    assert len(rows) == 4
    for row, linked_here in zip(rows, found.members["linked"], strict=True):
        assert not linked_here or f"联系 {linked_here} 户" in row
    opened.page.locator("#panel-body li button").first.click()
    opened.page.locator(".popup", has_text="M1").wait_for()
    assert not opened.messages


def test_grids_without_a_member_household_are_marked_and_counted(open_page, merged):
    found, file = link_houses(merged, ("0-0",), "few.html")
    without = {finding.grid_id for finding in found.findings if finding.code == "grid_without_members"}
    assert without

    opened = open_page(file)

    assert opened.page.locator(".results [data-fault='unlinked'] .number").inner_text() == str(len(without))
    for layer in ("党员户点位", "联户连线"):
        opened.page.locator(".switches label", has_text=layer).locator("input").uncheck()
    opened.settle()
    drawn = hatched(opened)
    opened.page.locator(".switches label", has_text="无人联系的微网格").locator("input").uncheck()
    opened.settle()
    assert drawn > 200
    assert hatched(opened) < drawn / 5


def test_lines_lead_from_places_to_the_units_that_they_link(open_page, linked):
    opened = open_page(linked[1])
    for layer in ("党员户点位", "注记"):
        opened.page.locator(".switches label", has_text=layer).locator("input").uncheck()
    opened.settle()
    drawn = pixels(opened, INK["link"])

    opened.page.locator(".switches label", has_text="联户连线").locator("input").uncheck()
    opened.settle()

    assert drawn > 100
    assert pixels(opened, INK["link"]) < drawn / 20


def test_places_are_numbered_and_totals_of_grids_are_left_out_until_asked_for(open_page, linked):
    opened = open_page(linked[1])
    totals = opened.page.locator(".switches label", has_text="各网格户数").locator("input")

    def grids() -> int:
        return opened.page.evaluate("weige.labels().filter(({ kind }) => kind === 'grid').length")

    assert not totals.is_checked()
    assert grids() == 0
    totals.check()
    opened.settle()
    assert grids() > 0
    opened.page.locator("#tab-members").click()
    assert opened.page.locator("#panel-body li").count() == 4


def test_what_does_not_fit_the_bounds_is_among_the_findings_of_the_map(open_page, linked):
    found, file = linked
    assert "member_outside" in {finding.code for finding in found.findings}

    opened = open_page(file)

    opened.page.locator("#tab-findings").click()
    assert "M4" in opened.page.locator("#panel-body").inner_text()
