"""The exported page as a file: complete, inert where it must be, the same every time."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import InputError
from maps.export import households_note, map_page, plan_note, read_plan_file, write_map
from maps.layers import page_layers
from maps.pack import unpack
from maps.page import json_text, script_text, style_text
from maps.styles import INK, STATUS, unit_classes
from maps.text import LANGUAGES, words
from tests.maps.sample_plan import (
    HOSTILE,
    hostile_frames,
    incidents,
    plan_frames,
    stations,
    write_plan,
    write_points,
)


class Tags(HTMLParser):
    """Collects the tags of a page, and the text of each script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)

    def script(self, tag_id: str) -> str:
        (found,) = [text for attributes, text in self.scripts if attributes.get("id") == tag_id]
        return found


@pytest.fixture(scope="module")
def frames():
    return plan_frames()


def test_the_page_names_nothing_outside_itself(frames):
    page = Tags(map_page(frames))

    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed"}
        assert not {"src", "href", "action", "data", "srcset"} & attributes.keys()
    (policy,) = [a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_the_page_runs_folium_s_script_and_the_bundle_and_no_other(frames):
    running = [text for attributes, text in Tags(map_page(frames)).scripts if "type" not in attributes]

    assert len(running) == 3
    assert "L_NO_TOUCH" in running[0] or "weige-pack" in running[0]
    assert "L.map(\n" in running[-1].replace(" ", "")


def test_the_page_may_be_enlarged_by_hand(frames):
    page = map_page(frames)

    assert page.count('name="viewport"') == 1
    assert 'content="width=device-width, initial-scale=1"' in page
    # Leaflet speaks of it too, of other pages.
    assert "user-scalable" not in page.split("<script", 1)[0] + page.split("</head>")[0].rsplit("<meta", 1)[1]


def test_the_same_plan_gives_the_same_page(frames):
    assert map_page(frames) == map_page(frames)


def test_names_cannot_end_a_tag_or_be_read_as_a_template():
    page = map_page(hostile_frames())

    tags = Tags(page)
    assert page.lower().count("<script") == page.lower().count("</script") == len(tags.scripts)
    assert "49" not in re.findall(r"<title>(.*?)</title>", page, re.DOTALL)[0]
    names = set(unpack(base64.b64decode(tags.script("weige-pack")))["communities"]["name"])
    assert names <= set(HOSTILE)


def test_households_in_no_grid_are_counted_and_those_outside_all_communities_apart():
    frames = plan_frames()
    units = frames["units"].assign(households=10, community_id="c")
    units.loc[units.index[:3], "grid_id"] = None
    units.loc[units.index[:2], "community_id"] = None
    frames["units"] = units
    frames["micro_grids"]["households"] = units.groupby("grid_id").size().to_numpy() * 10

    with_communities = households_note(page_layers(frames), units)
    unknown = {name: frame for name, frame in frames.items() if name != "communities"}

    assert with_communities == {"in_grids": 10 * (len(units) - 3), "left_out": 30, "outside": 20}
    assert households_note(page_layers(unknown), units)["outside"] == 0


def test_counts_in_the_page_are_those_of_the_plan(frames):
    layers = unpack(base64.b64decode(Tags(map_page(frames)).script("weige-pack")))

    assert len(layers["grids"]) == len(frames["micro_grids"])
    assert layers["grids"]["households"].sum() == frames["units"]["households"].sum()
    assert (
        layers["units"]["grid"].map(layers["grids"]["grid_id"].to_dict()).tolist()
        == frames["units"]["grid_id"].tolist()
    )


def test_settings_hold_every_word_in_both_languages(frames):
    settings = json.loads(Tags(map_page(frames, language="en")).script("weige-settings"))

    assert settings["language"] == "en"
    assert settings["words"]["zh_CN"].keys() == settings["words"]["en"].keys()
    assert {f"page.{key}" for key in settings["words"]["en"]} <= words("en").keys()
    assert settings["plan"]["band"] == [50, 100]


def test_every_text_the_bundle_asks_for_exists():
    from pathlib import Path

    source = Path(__file__).parents[2] / "maps" / "web" / "src"
    code = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.ts"))
    asked = set(re.findall(r"""\bt\(\s*"([\w.]+)\"""", code)) | {
        key for pair in re.findall(r'\? "([a-z_]+\.[a-z_]+)" : "([a-z_]+\.[a-z_]+)"', code) for key in pair
    }

    assert len(asked) > 40
    for language in LANGUAGES:
        # Pages about cases have their words under groups of their own.
        known = {key.removeprefix("page.") for key in words(language)}
        assert asked - known == set()


def test_cells_are_left_out_where_units_have_footprints_and_kept_where_they_are_points(frames):
    pointed = {**frames, "units": frames["units"].set_geometry(frames["units"].representative_point())}

    assert "cells" not in page_layers(frames)
    assert len(page_layers(pointed)["cells"]) == len(frames["cells"])


def test_communities_of_the_page_say_how_many_grids_their_households_allow():
    frames = plan_frames()
    units, grids = frames["units"], frames["micro_grids"]
    special = grids["grid_id"][grids["kind"] == "special"].item()
    home = dict(zip(grids["grid_id"], grids["community_id"], strict=True))
    units["community_id"] = units["grid_id"].map(home)
    units.loc[0, "grid_id"] = None
    units.loc[0, "households"] = 9
    tower = units["households"].idxmax()
    units.loc[tower, "households"] = 132

    layers = page_layers(frames)
    (row,) = layers["communities"].drop(columns=["name", "geometry"]).to_dict("records")
    others = units[(units["grid_id"] != special) & (units.index != tower)]["households"].sum()
    assert (row["households"], row["left_out"]) == (units["households"].sum(), 9)
    assert row["special_households"] == units["households"][units["grid_id"] == special].sum()
    assert (row["micro_grids"], row["special_grids"]) == (len(grids) - 1, 1)
    assert (row["units_too_large"], row["households_too_large"]) == (1, 132)
    assert (row["least"], row["most"]) == (-(-others // 100) + 1, others // 50 + 1)


def test_labels_stand_inside_their_polygons(frames):
    layers = page_layers(frames)

    assert layers["grids"].contains(layers["grids_labels"].geometry).all()
    assert (layers["grids_labels"]["radius_m"] > 10).all()


def test_a_grid_in_pieces_is_named_on_each_large_one_and_on_no_scrap(frames):
    grids = frames["micro_grids"].copy()
    x, y = grids.total_bounds[2:] + 100
    whole = grids.geometry.iloc[2].envelope
    half = shapely.box(x, y, x + 0.6 * whole.area / 50, y + 50)
    scrap = shapely.box(x, y + 200, x + 5, y + 205)
    grids.loc[grids.index[2], "geometry"] = shapely.MultiPolygon([scrap, whole, half])
    layers = page_layers({**frames, "micro_grids": grids})

    (row,) = [k for k, each in enumerate(layers["grids"]["grid_id"]) if each == grids["grid_id"].iloc[2]]
    assert layers["grids_pieces"]["grid"].tolist() == [row]
    place = layers["grids_pieces"].to_crs(grids.crs).geometry.iloc[0]
    assert half.contains(place)
    assert layers["grids_pieces"]["radius_m"].tolist() == [pytest.approx(25, abs=1)]
    assert page_layers(frames)["grids_pieces"].empty


def test_incidents_know_their_grid(frames):
    at = frames["micro_grids"].representative_point().iloc[[5, 2]]
    outside = gpd.GeoSeries([shapely.Point(at.iloc[0].x + 9e4, at.iloc[0].y)], crs=at.crs)
    layer = gpd.GeoDataFrame(
        {"case_id": ["a", "b", "c"]}, geometry=pd.concat([at, outside], ignore_index=True)
    )

    layers = page_layers(frames, incidents=layer)

    grid_ids = [None if pd.isna(g) else layers["grids"]["grid_id"][g] for g in layers["incidents"]["grid"]]
    assert grid_ids == [*frames["micro_grids"]["grid_id"].iloc[[5, 2]], None]


def test_a_plan_without_anything_gives_a_page():
    nothing = {name: frame.iloc[:0] for name, frame in plan_frames().items()}

    assert "weige-pack" in map_page(nothing)


def test_a_page_is_written_from_files_and_no_other_file_is_left(tmp_path, frames):
    plan = write_plan(tmp_path / "plan.gpkg", frames)
    cases = write_points(tmp_path / "cases.csv", incidents(frames, 30))
    places = write_points(tmp_path / "stations.csv", stations(frames, 3))
    output = tmp_path / "map.html"
    output.write_text("old")

    found = write_map(plan, output, incidents=str(cases), stations=str(places), context=[f"{plan}:roads"])

    layers = unpack(base64.b64decode(Tags(output.read_text(encoding="utf-8")).script("weige-pack")))
    assert [finding for finding in found if finding.severity == "error"] == []
    assert (len(layers["incidents"]), len(layers["stations"]), len(layers["context"])) == (30, 3, 5)
    assert {path.name for path in tmp_path.iterdir()} == {
        "plan.gpkg",
        "cases.csv",
        "stations.csv",
        "map.html",
    }


def test_a_column_of_phone_numbers_never_reaches_the_page(tmp_path, frames):
    plan = write_plan(tmp_path / "plan.gpkg", frames)
    rows = [{**row, "phone": f"1381234{k:04d}"} for k, row in enumerate(incidents(frames, 20))]
    output = tmp_path / "map.html"

    found = write_map(plan, output, incidents=str(write_points(tmp_path / "cases.csv", rows)))

    layers = unpack(base64.b64decode(Tags(output.read_text(encoding="utf-8")).script("weige-pack")))
    assert "phone" not in layers["incidents"]
    assert any(finding.severity == "warning" for finding in found)


def test_a_file_that_is_no_plan_is_refused_and_the_old_page_stays(tmp_path, frames):
    plan = write_plan(tmp_path / "plan.gpkg", {"roads": frames["roads"]})
    output = tmp_path / "map.html"
    output.write_text("old")

    with pytest.raises(InputError) as caught:
        write_map(plan, output)

    assert caught.value.code == "not_a_plan"
    assert output.read_text() == "old"


def test_a_plan_in_degrees_is_read_as_well_as_one_in_metres(tmp_path, frames):
    turned = {
        name: frame.to_crs(4490) if isinstance(frame, gpd.GeoDataFrame) else frame
        for name, frame in frames.items()
    }

    read = read_plan_file(write_plan(tmp_path / "plan.gpkg", turned))

    assert page_layers(read)["grids"].total_bounds == pytest.approx(
        page_layers(frames)["grids"].total_bounds, abs=1e-6
    )


def test_a_plan_is_read_into_another_crs_some_rows_at_a_time(tmp_path, frames, monkeypatch):
    plan = write_plan(tmp_path / "plan.gpkg", frames)
    monkeypatch.setattr("maps.export._ROWS_AT_A_TIME", 5)

    stored, moved = read_plan_file(plan), read_plan_file(plan, crs="EPSG:4326")

    assert moved["units"].crs == "EPSG:4326"
    expected = stored["units"].geometry.to_crs(4326).to_numpy()
    assert shapely.equals_exact(moved["units"].geometry.to_numpy(), expected, 1e-12).all()
    assert moved["units"]["unit_id"].tolist() == frames["units"]["unit_id"].tolist()


@pytest.mark.parametrize(("layer", "column", "value"), [
    ("run", "inputs", "not json"),
    ("run", "inputs", '[{"kind": "units"}]'),
    ("run", "min_households", "many"),
])  # fmt: skip
def test_a_plan_whose_run_is_damaged_is_refused(tmp_path, layer, column, value):
    frames = plan_frames()
    frames[layer][column] = value

    with pytest.raises(InputError) as caught:
        read_plan_file(write_plan(tmp_path / "plan.gpkg", frames))

    assert caught.value.code == "not_a_plan"


def test_a_plan_whose_grids_are_a_table_is_refused(tmp_path, frames):
    table = pd.DataFrame(frames["micro_grids"].drop(columns="geometry"))

    with pytest.raises(InputError, match="micro_grids"):
        read_plan_file(write_plan(tmp_path / "plan.gpkg", {**frames, "micro_grids": table}))


def test_odd_values_in_a_plan_are_shown_as_far_as_they_go(tmp_path):
    frames = plan_frames()
    frames["micro_grids"]["grid_id"] = [None, *frames["micro_grids"]["grid_id"][1:]]
    frames["micro_grids"]["status"] = "odd"
    frames["units"]["households"] = [1e300, float("nan"), -5.0, *frames["units"]["households"][3:]]
    frames["units"].loc[4, "geometry"] = None
    frames["findings"] = frames["findings"].set_geometry([None] * len(frames["findings"]))

    layers = page_layers(read_plan_file(write_plan(tmp_path / "plan.gpkg", frames)))

    assert layers["grids"]["grid_id"][0] == ""
    assert layers["units"]["households"].tolist()[:3] == [10**15, pd.NA, -5]
    assert map_page(frames)


def test_the_note_of_a_plan_without_a_run_has_the_usual_band():
    assert plan_note(None)["band"] == [50, 100]


@pytest.mark.parametrize("text", ["</script>", "</SCRIPT >", "<!--", "<script", "a</scripta"])
def test_scripts_cannot_be_ended_from_inside(text):
    for made in (script_text(f"x = '{text}'"), json_text({"x": text})):
        assert not re.search(r"<(/script|!--|script)", made, re.IGNORECASE)
    assert json.loads(json_text({"x": text})) == {"x": text}
    assert "</style" not in style_text("a{content:'</style>'}")


def luminance(colour: str) -> float:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ink", ["text", "community", "compound_text", "road_text", "water_text", "station"])
def test_every_label_has_contrast_on_its_halo(ink):
    assert contrast(INK[ink], INK["halo"]) >= 4.5


@pytest.mark.parametrize("status", STATUS)
def test_numbers_have_contrast_on_every_state_even_without_their_halo(status):
    assert contrast(INK["text"], STATUS[status]["fill"]) >= 4.5


def test_states_differ_in_grey_and_in_hatching():
    greys = sorted(luminance(style["fill"]) for style in STATUS.values())

    assert min(np.diff(greys)) > 0.05
    assert len({style["hatch"] for style in STATUS.values()}) == len(STATUS)


@pytest.mark.parametrize("households", [[], [0, 0], [7], [1, 2, 3, 400], list(range(300))])
def test_classes_of_units_rise_and_reach_the_largest(households):
    ends = [each["up_to"] for each in unit_classes(households)]

    assert ends[0] == 0
    assert ends[-1] is None
    assert ends[:-1] == sorted(set(ends[:-1]))
