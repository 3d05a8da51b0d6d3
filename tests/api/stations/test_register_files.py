"""The register of stations as a file: brought in whole or not at all, and taken away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import text

from api.fault_lines import fault_line
from api.stations import load_stations, register_file
from geo.errors import InputError
from maps.text import LANGUAGES
from tests.api.accounts import add_person, bearer, root_id
from tests.api.cases.desk import IN_FIRST, IN_SECOND, Desk
from tests.api.stations.keeping import EIGHT, add, grants

HOSTILE = ["=1+1", "<img src=x onerror=alert(1)>", "'; DROP TABLE stations; --", "@SUM(A1)", 'a;b,c"d']


def refusal(desk: Desk, file: Path) -> InputError:
    """Bring a file in, which is refused; return why."""
    acting = desk.store.acting(desk.ids["planner"], grants(desk, "planner"))
    with pytest.raises(InputError) as refused, acting as session:
        load_stations(session, str(file))
    return refused.value


@pytest.mark.parametrize("kind", ["csv", "xlsx", "geojson"])
def test_what_is_taken_away_is_the_same_when_it_is_brought_back(
    client: TestClient, desk: Desk, tmp_path: Path, kind
):
    for number, name in enumerate(HOSTILE):
        add(client, desk, f"S{number}", name=name, type="暖心驿站", facilities=EIGHT[:number],
            opening_hours="Mo-Fr 08:30-18:00; PH off" if number else None)  # fmt: skip
    answer = client.get(
        "/api/v1/stations/download", params={"format": kind}, headers=bearer(desk.tokens["planner"])
    )
    assert answer.status_code == 200
    file = tmp_path / f"register.{kind}"
    file.write_bytes(answer.content)
    with desk.store.acting(desk.ids["planner"], grants(desk, "planner")) as session:
        assert load_stations(session, str(file)).counts() == {"added": 0, "changed": 0, "unchanged": 5}
        session.execute(text("DELETE FROM stations"))
        assert load_stations(session, str(file)).counts()["added"] == 5
        names = session.execute(text("SELECT name FROM stations ORDER BY station_id")).scalars().all()
        assert names == HOSTILE
    if kind == "xlsx":
        cells = [row[1] for row in load_workbook(file).active.iter_rows(min_row=2)]
        assert {cell.data_type for cell in cells} == {"s"}
    if kind == "csv":
        assert b"\n=1+1" not in answer.content
        assert b",=1+1" not in answer.content
    with desk.store.owner.connect() as owner:
        logged = owner.execute(text("SELECT body ->> 'stations' FROM log WHERE action = 'download'"))
        assert logged.scalars().all() == [kind]


def test_the_register_of_an_area_that_is_not_there_is_not_sent(client: TestClient, desk: Desk):
    for division in (2**63 - 2, root_id(desk.store)):
        said = client.get(
            "/api/v1/stations/download", params={"format": "csv", "division": division},
            headers=bearer(add_person(desk.store, f"nobody-{division}")[1]),
        )  # fmt: skip
        assert (said.status_code, said.json()["code"]) == (404, "division_not_found")


@pytest.mark.parametrize(
    ("row", "code", "field", "feature"),
    [
        ("S2,二号,120.001,33.001,每天都开", "hours_not_read", "opening_hours", "S2"),
        ("S2,,120.001,33.001,24/7", "station_without_name", "name", "S2"),
        ("S2,二号,,,24/7", "station_without_place", "lon, lat", "S2"),
        ("S2,二号,100,10,24/7", "station_outside", "lon, lat", "S2"),
        ("S1,二号,120.001,33.001,24/7", "id_repeated", "station_id", "S1"),
        (",二号,120.001,33.001,24/7", "id_missing", "station_id", "#3"),
        (f"S2,{'长' * 201},120.001,33.001,24/7", "station_text_long", "name", "S2"),
        (f"{'S' * 201},二号,120.001,33.001,24/7", "station_text_long", "station_id", "S" * 20),
        ("S2,二号,120.001,abc,24/7", "coordinate_unreadable", "lat", "S2"),
        ("S2,二号,33.001,120.001,24/7", "axes_swapped", "lon, lat", "S2"),
        ("S2,二号,120.001,33.001", "row_length", None, "#3"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_nothing_is_brought_in(
    client: TestClient, desk: Desk, tmp_path: Path, row: str, code: str, field: str | None, feature: str
):
    rows = [f"S{n},一号,120.001,33.001,24/7" for n in (1, 9, 8, 7)]
    file = tmp_path / "register.csv"
    file.write_text("\n".join(["station_id,name,lon,lat,opening_hours", rows[0], row, *rows[1:]]), "utf-8")
    error = refusal(desk, file)
    assert (error.file, error.code, error.field) == ("register.csv", code, field)
    assert error.feature is not None
    assert error.feature.startswith(feature)
    for language in LANGUAGES:
        said = fault_line(error, language)
        assert len(said.splitlines()) == 1
        assert all(part in said for part in ("register.csv", field or "", error.feature))
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM stations")).scalar_one() == 0


@pytest.mark.parametrize(
    ("geometry", "code", "field"),
    [
        (None, "station_without_place", "geometry"),
        (
            {"type": "LineString", "coordinates": [[120.0, 33.0], [120.001, 33.0]]},
            "geometry_not_points",
            None,
        ),
        ({"type": "Point", "coordinates": [100.0, 10.0]}, "station_outside", "geometry"),
    ],
)
def test_a_feature_without_a_place_to_be_used_is_named(
    desk: Desk, tmp_path: Path, geometry: dict[str, Any] | None, code: str, field: str | None
):
    feature = {"type": "Feature", "properties": {"station_id": "S2", "name": "二号"}, "geometry": geometry}
    file = tmp_path / "register.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    refused = refusal(desk, file)
    assert (refused.code, refused.field, refused.feature) == (code, field, "S2")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("S2,二号,120.001,33.001,每天都开", "开放时间"),
        ("S2,,120.001,33.001,24/7", "名称"),
        ("S2,二号,100,10,24/7", "经度, 纬度"),
        ("S2,二号,,,24/7", "经度, 纬度"),
        ("S2,二号,33.001,120.001,24/7", "经度, 纬度"),
    ],
)
def test_a_refused_row_tells_the_field_as_the_file_heads_it(desk: Desk, tmp_path: Path, row: str, field: str):
    file = tmp_path / "register.csv"
    file.write_text(
        f"编号,名称,经度,纬度,开放时间\nS1,一号,120.001,33.001,24/7\nS3,三号,120.001,33.001,24/7\n{row}\n",
        "utf-8",
    )
    refused = refusal(desk, file)
    assert (refused.field, refused.feature) == (field, "S2")


def test_an_import_says_of_each_row_what_it_changes(client: TestClient, desk: Desk, tmp_path: Path):
    add(client, desk, "S1", name="一号", opening_hours="24/7")
    add(client, desk, "S2", name="二号", at=IN_FIRST)
    with desk.store.acting(desk.ids["planner"], grants(desk, "planner")) as session:
        lines = register_file(session, "csv").decode("utf-8-sig").splitlines()
        lines[1] = lines[1].replace("一号", "新名").replace("24/7", "Mo-Su 07:00-21:00")
        lines.append(f"S3,三号,,,,{IN_SECOND[0]},{IN_SECOND[1]}")
        (tmp_path / "r.csv").write_text("\n".join(lines), "utf-8")
        came = load_stations(session, str(tmp_path / "r.csv"))
        assert [(one.station_id, one.is_new, one.fields) for one in came.changes] == [
            ("S1", False, ("name", "opening_hours")), ("S2", False, ()), ("S3", True, ()),
        ]  # fmt: skip
        revisions = session.execute(text("SELECT station_id, revision FROM stations ORDER BY station_id"))
        assert [tuple(row) for row in revisions] == [("S1", 2), ("S2", 1), ("S3", 1)]


def weige_at(desk: Desk, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": desk.store.url, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("command", [("stations", "import"), ("load", "--stations")])
def test_a_register_without_a_column_is_refused_with_an_option_that_helps(
    desk: Desk, tmp_path: Path, command: tuple[str, str]
):
    file = tmp_path / "register.csv"
    file.write_text("代号,title,lon,lat\nS1,一号,120.001,33.001\n", "utf-8")
    fields: list[str] = []
    # Each refusal names an option, and with what it names the next try goes on.
    for column, name in (("name", "title"), ("station_id", "代号")):
        refused = weige_at(desk, *command, file, *fields, "--lang", "en")
        assert refused.returncode == 2
        assert f"add --field stations.{column}=COLUMN" in refused.stderr
        fields += ["--field", f"stations.{column}={name}"]

    whole = weige_at(desk, *command, file, *fields, "--json")
    bare = weige_at(desk, *command, file, *[said.removeprefix("stations.") for said in fields], "--json")
    wrong = weige_at(desk, *command, file, "--field", "name=titel", "--lang", "en")

    assert whole.returncode == bare.returncode == 0, whole.stderr + bare.stderr
    assert "name one of these with --field stations.name=COLUMN" in wrong.stderr


def test_facilities_are_read_as_a_list_as_well_and_those_with_a_number_are_left_out(
    desk: Desk, tmp_path: Path
):
    place = {"type": "Point", "coordinates": [120.001, 33.001]}
    told = {
        "编号": "S1",
        "站点名称": "一号",
        "facilities": ["充电", "饮水", "张三 13987654321"],
        "负责人": "张三",
    }
    file = tmp_path / "register.geojson"
    feature = {"type": "Feature", "geometry": place, "properties": told}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")

    with desk.store.acting(desk.ids["planner"], grants(desk, "planner")) as session:
        came = load_stations(session, str(file))
        kept = session.execute(text("SELECT station_id, name, facilities FROM stations")).one()

    assert tuple(kept) == ("S1", "一号", ["充电", "饮水"])
    assert {finding.code for finding in came.findings} >= {"personal_text_masked", "personal_column_dropped"}


def test_a_register_without_a_row_is_called_empty(desk: Desk, tmp_path: Path):
    file = tmp_path / "register.geojson"
    file.write_text('{"type": "FeatureCollection", "features": []}', "utf-8")

    refused = refusal(desk, file)

    assert refused.code == "layer_empty"


def test_ids_that_are_telephone_numbers_are_refused(desk: Desk, tmp_path: Path):
    file = tmp_path / "register.csv"
    file.write_text("station_id,name,lon,lat\n13812345678,一号,120.001,33.001\n", "utf-8")

    refused = refusal(desk, file)

    assert refused.code == "station_ids_personal"
    assert "138" not in str(refused)


def test_weige_stations_looks_imports_and_exports(desk: Desk, tmp_path: Path):
    def weige(*arguments: object) -> subprocess.CompletedProcess[str]:
        return weige_at(desk, "stations", *arguments)

    heads = "编号,name,lon,lat,opening_hours"
    good, bad = (tmp_path / f"{name}.csv" for name in ("good", "bad"))
    good.write_text(f"{heads}\nS1,一号,120.001,33.001,24/7\n", "utf-8")
    bad.write_text(f"{heads}\nS2,二号,120.001,33.001,24/7\nS3,三号,120.001,33.001,白天\n", "utf-8")
    column = ("--field", "station_id=编号")

    look = weige("import", good, *column, "--look", "--lang", "zh_CN")
    assert (look.returncode, look.stdout.splitlines()) == (
        0, ["新增：S1 一号", "如果导入：新增1个，更新0个，未变0个；现在什么也没有改"],
    )  # fmt: skip
    refused = weige("import", bad, *column, "--lang", "zh_CN")
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
    for named in ("bad.csv", "opening_hours", "S3", "白天"):
        assert named in refused.stderr
    kept = weige("import", good, *column, "--json")
    assert json.loads(kept.stdout) == {"added": 1, "changed": 0, "unchanged": 0, "kept": True}
    written = weige("export", tmp_path / "out.geojson", "--json")
    assert written.returncode == 0, written.stderr
    (only,) = json.loads((tmp_path / "out.geojson").read_text("utf-8"))["features"]
    assert (only["properties"]["station_id"], only["geometry"]["coordinates"]) == ("S1", [120.001, 33.001])
    asked = weige("remove", "S1", "--lang", "en")
    assert (asked.returncode, "--yes" in asked.stdout) == (0, True)
    gone = weige("remove", "S1", "--yes", "--json")
    assert json.loads(gone.stdout) == {"station": "S1", "name": "一号", "removed": True}
    again = weige("remove", "S1", "--yes", "--lang", "en")
    assert (again.returncode, "S1" in again.stderr) == (2, True)
    wrong = weige("export", tmp_path / "out.pdf")
    assert (wrong.returncode, "out.pdf" in wrong.stderr) == (2, True)
