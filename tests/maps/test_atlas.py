"""The atlas of a plan: its pages, and its words as a reader finds them."""

from __future__ import annotations

import re

import geopandas as gpd
import pypdfium2
import pytest
import shapely
from PIL import Image

from geo.errors import InputError
from maps.atlas import chinese_font, write_atlas
from maps.cards import grid_cards
from maps.export import read_plan_file
from tests.api.test_cli import weige
from tests.maps.sample_plan import CRS, hostile_frames, plan_frames, write_plan


def texts_of(path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def test_an_atlas_has_an_overview_a_page_for_each_community_and_a_card_for_each_grid(tmp_path):
    frames = plan_frames(16, 16, grid_columns=4, grid_rows=6)

    made = write_atlas(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "atlas.pdf")

    grids, communities = frames["micro_grids"], frames["communities"]
    assert (made.communities, made.cards) == (len(communities), len(grids)) == (2, 24)
    pages = texts_of(tmp_path / "atlas.pdf")
    assert len(pages) == 1 + 2 + 24
    for name in communities["name"]:
        assert name in pages[0]
    for page, name in zip(pages[1:3], communities["name"], strict=True):
        assert name in page
    for page, grid in zip(pages[3:], grids.to_dict("records"), strict=True):
        assert grid["grid_id"] in page
        assert f"{grid['households']:,}" in page
        assert "号楼" in page
        assert "plan.gpkg" in page


@pytest.mark.parametrize(("units_of_each", "at_least"), [(4, 33), (1, 100)])
def test_a_card_names_all_buildings_that_it_has_room_for_and_says_how_many_more(
    tmp_path, units_of_each, at_least
):
    frames = plan_frames(48, 32)
    frames["units"]["building_id"] = [f"{k // units_of_each + 1}号楼" for k in range(len(frames["units"]))]
    frames["units"] = frames["units"][frames["units"]["grid_id"].str.endswith("007")]
    frames["units"]["address"] = ""
    held = set(frames["units"]["building_id"])
    assert len(held) >= at_least

    write_atlas(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "atlas.pdf")

    (card,) = [page for page in texts_of(tmp_path / "atlas.pdf")[2:] if "个单元，" in page]
    listed = re.findall(r"(\d+号楼)\s*\d+个单元，\d+户", card)
    rest = re.findall(r"另有(\d+)栋", card)
    assert len(set(listed)) == len(listed) >= at_least
    assert set(listed) <= held
    assert len(listed) + sum(map(int, rest)) == len(held)
    assert bool(rest) == (len(listed) < len(held))


def test_a_card_says_how_many_roads_it_leaves_out(tmp_path):
    frames = plan_frames()
    ring = frames["micro_grids"].geometry.iloc[5].exterior
    names = [f"{k + 1}号路" for k in range(40)]
    frames["roads"] = gpd.GeoDataFrame({"name": names}, geometry=[ring] * 40, crs=CRS)

    write_atlas(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "atlas.pdf")

    pages = ["".join(page.split()) for page in texts_of(tmp_path / "atlas.pdf")[2:]]
    said = [re.search("四至道路([^出]*)", page)[1] for page in pages]
    cut = [each for each in said if "另有" in each]
    assert cut
    for each in cut:
        assert each.count("号路") == 12
        assert "（另有28个）" in each


def test_a_card_names_the_roads_along_the_border_and_none_that_ends_within(tmp_path):
    frames = plan_frames()
    ground = frames["micro_grids"].geometry.iloc[5]
    west, _, east, north = ground.bounds
    middle = ground.centroid
    drawn = {
        "环路": ground.exterior,
        "断头路": shapely.LineString([middle, (middle.x, north + 15)]),
        "穿心路": shapely.LineString([(west - 15, middle.y), (east + 15, middle.y)]),
    }
    frames["roads"] = gpd.GeoDataFrame({"name": list(drawn)}, geometry=list(drawn.values()), crs=CRS)

    cards = grid_cards(read_plan_file(write_plan(tmp_path / "plan.gpkg", frames)))

    assert cards[5].roads == ("环路",)
    assert "断头路" not in {road for card in cards for road in card.roads}


def test_a_png_is_the_overview(tmp_path):
    write_atlas(write_plan(tmp_path / "plan.gpkg", plan_frames()), tmp_path / "atlas.png")

    with Image.open(tmp_path / "atlas.png") as picture:
        assert picture.width == pytest.approx(420 / 25.4 * 150, abs=2)
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 50


def test_names_are_printed_as_they_were_typed_and_never_run(tmp_path):
    frames = hostile_frames()
    frames["communities"]["name"] = '#read("/etc/passwd") $x$ *b* \\'

    write_atlas(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "atlas.pdf")

    pages = texts_of(tmp_path / "atlas.pdf")
    assert '#read("/etc/passwd") $x$ *b* \\' in pages[1]
    assert "root:" not in "".join(pages)


def test_a_missing_font_is_named():
    assert chinese_font(installed=["DejaVu Sans", "simsun"]) == "simsun"
    for asked, installed in ((None, ["DejaVu Sans"]), ("FangSong", ["SimSun"])):
        with pytest.raises(InputError) as caught:
            chinese_font(asked, installed=installed)
        assert caught.value.code == "font_missing"
        assert caught.value.values["font"] == (asked or "Noto Sans CJK SC")


def test_the_command_says_what_it_wrote_and_names_a_font_that_is_missing(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())

    done = weige("atlas", plan, "-o", tmp_path / "atlas.pdf", "--lang", "zh_CN")
    refused = weige("atlas", plan, "-o", tmp_path / "other.pdf", "--font", "No Such Font", "--lang", "zh_CN")

    assert done.returncode == 0, done.stderr
    assert "1个社区、12张网格卡片" in done.stdout
    assert refused.returncode == 2
    assert "No Such Font" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "other.pdf").exists()


def test_a_picture_of_the_overview_is_told_as_that(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())

    for language, said in (("zh_CN", "图册总图已写出"), ("en", "overview of the atlas written")):
        done = weige("atlas", plan, "-o", tmp_path / "atlas.png", "--lang", language)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
        assert "0" not in done.stdout.split("atlas.png")[1]


def test_a_plan_without_communities_or_units_has_an_atlas(tmp_path):
    frames = {name: frame for name, frame in plan_frames().items() if name in ("micro_grids", "units")}

    made = write_atlas(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "atlas.pdf", language="en")

    assert (made.communities, made.cards) == (0, 12)


def test_a_character_that_no_font_has_is_printed_as_its_code_point_and_named(tmp_path):
    frames = plan_frames()
    # A private character, as offices make them for rare names.
    frames["communities"]["name"] = "\ue0f3家桥社区"
    plan = write_plan(tmp_path / "plan.gpkg", frames)

    done = weige("atlas", plan, "-o", tmp_path / "atlas.pdf", "--lang", "zh_CN")

    assert done.returncode == 0, done.stderr
    assert "U+E0F3" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "[U+E0F3]家桥社区" in texts_of(tmp_path / "atlas.pdf")[1]
