"""What the file for a meeting says of itself, and what it leaves out."""

from __future__ import annotations

import base64
import csv
import hashlib
import json

import geopandas as gpd
import pytest

from geo.errors import InputError
from maps.export import write_map
from maps.meeting import moments_of
from maps.pack import unpack
from maps.period import period_of
from maps.text import LANGUAGES
from maps.text import text as text_of
from tests.api.test_cli import weige
from tests.maps.sample_plan import incidents, plan_frames, stations, write_plan, write_points
from tests.maps.test_export import Tags


@pytest.fixture
def made(tmp_path):
    frames = plan_frames()
    plan = write_plan(tmp_path / "plan.gpkg", frames)
    rows = [{**row, "closed_at": "2026-11-20"} for row in incidents(frames, 40)]
    cases = write_points(tmp_path / "cases.csv", rows)

    def write(**options):
        output = tmp_path / "meeting.html"
        found = write_map(plan, output, incidents=str(cases), **options)
        return output.read_text(encoding="utf-8"), found

    return write


def settings_of(page: str) -> dict:
    return json.loads(Tags(page).script("weige-settings"))


def layers_of(page: str) -> dict:
    return unpack(base64.b64decode(Tags(page).script("weige-pack")))


def test_the_stamp_names_every_source_with_its_digest_and_rows(made, tmp_path):
    page, _ = made()

    note = settings_of(page)["meeting"]
    expected = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("plan.gpkg", "cases.csv")
    }
    assert {each["name"]: each["sha256"] for each in note["sources"]} == expected
    assert [(each["rows"], each["shown"]) for each in note["sources"]] == [(12, 12), (40, 40)]
    assert note["id"] == hashlib.sha256(base64.b64decode(Tags(page).script("weige-pack"))).hexdigest()[:16]


def test_what_people_wrote_in_cases_is_in_the_file_only_when_asked_for(made):
    page, _ = made()
    assert "text" not in layers_of(page)["incidents"]
    assert "水管爆裂" not in page
    assert settings_of(page)["meeting"]["redacted"] is True

    page, _ = made(with_texts=True)
    assert "text" in layers_of(page)["incidents"]
    assert settings_of(page)["meeting"]["redacted"] is False


def test_only_cases_of_the_period_are_in_the_file_and_the_others_are_told(made, tmp_path):
    page, found = made(period="2026-11-03/2026-11-04")

    with (tmp_path / "cases.csv").open(encoding="utf-8") as handle:
        days = [row["reported_at"][:10] for row in csv.DictReader(handle)]
    inside = sum(day in ("2026-11-03", "2026-11-04") for day in days)
    assert 0 < inside < len(days)
    assert len(layers_of(page)["incidents"]) == inside
    assert [(each.code, each.values["n"]) for each in found if each.code == "cases_outside_period"] == [
        ("cases_outside_period", len(days) - inside)
    ]
    assert settings_of(page)["meeting"]["sources"][1] | {"sha256": ""} == {
        "name": "cases.csv", "sha256": "", "rows": 40, "shown": inside,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["2026-11-01", "2026-11-31/2026-12-01", "", "a/b"])
def test_a_period_that_is_none_is_refused(text):
    with pytest.raises(InputError) as caught:
        period_of(text)

    assert caught.value.code == "period_form"


def test_a_period_turned_round_is_told_as_that():
    with pytest.raises(InputError) as caught:
        period_of("2026-11-02/2026-11-01")

    assert caught.value.code == "period_reversed"
    for language in LANGUAGES:
        said = text_of("error.period_reversed", language, **caught.value.values)
        assert "2026-11-01/2026-11-02" in said


def test_the_command_says_how_many_cases_a_period_leaves_out(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())
    rows = [
        {"case_id": f"A{k}", "kind": "路灯", "state": "待处置", "reported_at": day, "lon": 119.6, "lat": 32}
        for k, day in enumerate(["2026-11-01", "2026-11-03", "2026-11-03", "2026-11-09", "昨天"])
    ]
    cases = write_points(tmp_path / "cases.csv", rows)
    order = [
        "map",
        plan,
        "--incidents",
        cases,
        "--period",
        "2026-11-03/2026-11-04",
        "-o",
        tmp_path / "m.html",
    ]

    spoken = weige(*order, "--lang", "zh_CN")
    assert spoken.returncode == 0, spoken.stderr
    assert "2件事件的上报日期不在2026-11-03至2026-11-04之内，未放入地图" in spoken.stdout
    told = json.loads(weige(*order, "--json").stdout)
    assert (told["cases_outside_period"], told["case_day_unreadable"]) == (2, 1)


def test_a_period_without_cases_is_refused_in_one_line(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())

    done = weige("map", plan, "--period", "2026-11-03/2026-11-04", "-o", tmp_path / "m.html", "--lang", "en")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "give them by --incidents" in done.stderr
    assert not (tmp_path / "m.html").exists()


def test_moments_are_read_as_offices_write_them():
    day = 20_396 * 1440  # 2025-11-04

    alike, told = moments_of(
        [
            "2025-11-04",
            "2025/11/4 9:05",
            "2025-11-04T09:05:59+08:00",
            "2025年11月4日",
            "2025年11月4日 9时5分",
            "2025-13-01",
            "soon",
            None,
        ]
    )

    assert told.tolist()[:5] == [day, day + 545, day + 545, day, day + 545]
    assert told.isna().tolist()[5:] == [True, True, True]
    at = "2025-11-04 09:05"
    assert alike.tolist() == ["2025-11-04", at, at, "2025-11-04", at, "2025-13-01", "soon", None]


def test_times_with_a_zone_are_of_the_day_that_it_was_in_the_city(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())
    said = ["2026-11-30T17:00:00Z", "2026-11-30 17:00:00+08", "2026年11月30日 17时00分"]
    rows = [
        {"case_id": f"A{k}", "kind": "路灯", "state": "", "reported_at": at, "lon": 119.6, "lat": 32}
        for k, at in enumerate(said)
    ]
    cases = write_points(tmp_path / "cases.csv", rows)

    def kept(period: str | None) -> dict[str, tuple[str, int]]:
        write_map(plan, tmp_path / "m.html", incidents=str(cases), period=period)
        layer = layers_of((tmp_path / "m.html").read_text(encoding="utf-8"))["incidents"]
        told = zip(layer["reported_at"], layer["reported_min"], strict=True)
        return dict(zip(layer["case_id"], told, strict=True))

    november = 20_787 * 1440 + 17 * 60
    evening = ("2026-11-30 17:00", november)
    assert kept("2026-11-01/2026-11-30") == {"A1": evening, "A2": evening}
    assert kept("2026-12-01/2026-12-31") == {"A0": ("2026-12-01 01:00", november + 8 * 60)}
    assert kept(None) == {"A0": ("2026-12-01 01:00", november + 8 * 60), "A1": evening, "A2": evening}


def test_the_stamp_counts_rows_without_a_place_and_tells_cases_without_a_day(tmp_path):
    frames = plan_frames()
    plan = write_plan(tmp_path / "plan.gpkg", frames)
    stands = [*stations(frames, 14), {**stations(frames, 1)[0], "station_id": "YZ99", "lon": "", "lat": ""}]
    rows = incidents(frames, 6)
    rows[0]["reported_at"], rows[1]["reported_at"] = "昨天", "2026-12-24"
    rows[2] |= {"lon": "", "lat": ""}

    write_map(
        plan, tmp_path / "m.html", incidents=str(write_points(tmp_path / "cases.csv", rows)),
        stations=str(write_points(tmp_path / "stations.csv", stands)), period="2026-11-01/2026-11-30",
    )  # fmt: skip

    note = settings_of((tmp_path / "m.html").read_text(encoding="utf-8"))["meeting"]
    counted = {each["name"]: (each["rows"], each["shown"]) for each in note["sources"]}
    assert (counted["cases.csv"], counted["stations.csv"]) == ((6, 3), (15, 14))
    assert note["undated"] == 1


def test_cases_closed_before_their_report_are_told_with_the_first(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())
    closings = ["2026-11-02 09:31", "2026-11-02", "2026-11-02 09:29", "2026-11-01", "", "昨天"]
    rows = [
        {"case_id": f"A{k}", "kind": "路灯", "state": "", "reported_at": "2026-11-02 09:30", "closed_at": at,
         "lon": 119.6, "lat": 32}
        for k, at in enumerate(closings)
    ]  # fmt: skip
    cases = write_points(tmp_path / "cases.csv", rows)

    found = write_map(plan, tmp_path / "m.html", incidents=str(cases))

    early = [each for each in found if each.code == "cases_closed_early"]
    assert [(each.severity, each.values["n"], each.values["first"]) for each in early] == [
        ("warning", 2, "A2")
    ]
    for language in LANGUAGES:
        assert "A2" in text_of("finding.cases_closed_early", language, **early[0].values)
    layer = layers_of((tmp_path / "m.html").read_text(encoding="utf-8"))["incidents"]
    # A day alone is not before the report of that day.
    assert layer["closed_min"][1] == layer["reported_min"][1]


def test_a_case_is_over_by_a_whole_word_of_its_state_or_by_the_time_of_its_closing(tmp_path):
    ended = ["已办结", " Closed ", "已关闭", "cancelled", "appraised", "已完结", "作废", "完成", "done"]
    states = [*ended, "未办结", "未结案", "待结案", "结案中", "未归档", "not closed", "待处置", "", "处置中"]
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())
    rows = [
        {"case_id": f"A{k}", "kind": "路灯", "state": state, "closed_at": "", "lon": 119.6, "lat": 32}
        for k, state in enumerate(states)
    ]
    rows[-1]["closed_at"] = "2026-11-20"

    write_map(plan, tmp_path / "m.html", incidents=str(write_points(tmp_path / "cases.csv", rows)))

    told = layers_of((tmp_path / "m.html").read_text(encoding="utf-8"))["incidents"]["closed"].tolist()
    assert told == [*[True] * len(ended), *[False] * 8, True]


def test_an_older_plan_is_shown_as_the_grids_before_with_what_moved(tmp_path):
    frames = plan_frames()
    old = write_plan(tmp_path / "old.gpkg", frames)
    moved = frames["units"].copy()
    at = moved.index[moved["grid_id"] == frames["micro_grids"]["grid_id"].iloc[0]][0]
    moved.loc[at, "grid_id"] = frames["micro_grids"]["grid_id"].iloc[1]
    new = write_plan(tmp_path / "new.gpkg", {**frames, "units": moved})

    write_map(new, tmp_path / "meeting.html", compare=old)

    page = (tmp_path / "meeting.html").read_text(encoding="utf-8")
    changes = settings_of(page)["changes"]
    assert changes["households"]["mended"] == int(moved.loc[at, "households"])
    assert changes["grids"]["changed"] == 2
    assert len(layers_of(page)["grids_before"]) == len(frames["micro_grids"])


def test_a_plan_without_units_cannot_be_compared(tmp_path):
    frames = plan_frames()
    old = write_plan(
        tmp_path / "old.gpkg", {name: frame for name, frame in frames.items() if name != "units"}
    )

    with pytest.raises(InputError) as caught:
        write_map(write_plan(tmp_path / "new.gpkg", frames), tmp_path / "m.html", compare=old)

    assert caught.value.code == "not_comparable"


def test_the_file_holds_no_words_of_the_pages_of_the_service(made):
    page, _ = made()

    assert not [key for key in settings_of(page)["words"]["en"] if key.startswith("edit.")]
    assert "meeting.act.table" in settings_of(page)["words"]["zh_CN"]


def test_comparing_leaves_the_plan_as_it_was(tmp_path):
    frames = plan_frames()
    before = {name: frame.copy() for name, frame in frames.items()}
    from maps.meeting import with_before

    with_before(frames, frames)

    assert all(gpd.GeoDataFrame.equals(frames[name], before[name]) for name in frames)
