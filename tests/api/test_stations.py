"""The register of stations: judged by checklists, checked, in and out of files; the nearest that is open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.checklists import ItemState, item_state, shipped_checklists
from api.database import Store
from api.fault_lines import fault_line
from api.stations import load_stations, register_file
from geo.errors import InputError
from maps.text import LANGUAGES
from tests.api.accounts import add_person, bearer, root_id, service
from tests.api.cases.desk import IN_FIRST, IN_SECOND, LAT, LON, Desk, open_desk
from tests.api.place import SIDE_DEG

EIGHT = ["休息区", "学习区", "充电区", "微波炉", "饮水机", "冷暖电器", "便民医疗箱", "生活应急包"]
# Friday evening, National Day, and the Saturday that is worked for it.
FRIDAY, HOLIDAY, MAKE_UP = "2026-11-27T19:00+08:00", "2026-10-01T10:00+08:00", "2026-10-10T10:00+08:00"


@pytest.fixture
def desk(store: Store) -> Desk:
    made = open_desk(store)
    made.ids["planner"], made.tokens["planner"] = add_person(store, "planner", ("planner", made.street))
    made.ids["admin"], made.tokens["admin"] = add_person(store, "admin", ("admin", root_id(store)))
    return made


@pytest.fixture
def client(desk: Desk, tmp_path: Path) -> Iterator[TestClient]:
    with service(desk.store, data_dir=tmp_path) as opened:
        yield opened


def add(client: TestClient, desk: Desk, station: str, at: tuple[float, float] = IN_FIRST, **said: Any) -> int:
    body = {"station_id": station, "name": station, "lon": at[0], "lat": at[1], **said}
    made = client.post("/api/v1/stations", json=body, headers=bearer(desk.tokens["planner"]))
    assert made.status_code == 201, made.text
    return made.json()["id"]


def get(client: TestClient, desk: Desk, path: str, who: str = "viewer", **query: Any) -> Any:
    found = client.get(f"/api/v1/stations{path}", params=query, headers=bearer(desk.tokens[who]))
    assert found.status_code == 200, found.text
    return found.json()


def check(client: TestClient, desk: Desk, station: int, who: str = "grid_worker", **body: Any):
    return client.post(f"/api/v1/stations/{station}/checks", json=body, headers=bearer(desk.tokens[who]))


def judged(client: TestClient, desk: Desk, at: str) -> dict[str, dict[str, Any]]:
    told = get(client, desk, "/register", at=at)["features"]
    return {one["properties"]["station_id"]: one["properties"] for one in told}


def states(station: dict[str, Any]) -> dict[str, str]:
    return {item["item"]: item["state"] for item in station["items"]}


def test_a_station_is_taken_out_by_who_keeps_it_and_what_it_was_and_what_was_seen_stay(
    client: TestClient, desk: Desk
):
    station = add(client, desk, "S1", type="暖心驿站", facilities=["饮水"])
    noted = check(client, desk, station, seen=[{"item": "water", "state": "broken"}])
    assert noted.status_code == 201, noted.text

    def remove(who: str, revision: int | None):
        headers = bearer(desk.tokens[who]) | ({} if revision is None else {"If-Match": f'"{revision}"'})
        return client.delete(f"/api/v1/stations/{station}", headers=headers)

    assert remove("grid_worker", 1).status_code == 403
    assert remove("planner", None).status_code == 428
    assert remove("planner", 7).status_code == 412
    assert remove("planner", 1).status_code == 204
    assert (
        client.get(f"/api/v1/stations/{station}", headers=bearer(desk.tokens["planner"])).status_code == 404
    )
    with desk.store.owner.connect() as owner:
        entry = owner.execute(text("SELECT actor, body FROM log WHERE action = 'station.removed'")).one()
        checks = owner.execute(
            text("SELECT id, item, state, set_by FROM station_checks WHERE station_id = :id"), {"id": station}
        ).all()
    # What was seen stays, although there is no station any more to ask for it.
    assert checks == [(noted.json()[0]["id"], "water", "broken", desk.ids["grid_worker"])]
    assert entry.actor == desk.ids["planner"]
    kept = {name: entry.body[name] for name in ("station_id", "name", "type", "facilities")}
    assert kept == {"station_id": "S1", "name": "S1", "type": "暖心驿站", "facilities": ["饮水"]}
    assert entry.body["geometry"]["type"] == "Point"


def test_names_longer_than_a_line_are_refused(client: TestClient, desk: Desk):
    body = {"station_id": "S1", "name": "长" * 201, "lon": IN_FIRST[0], "lat": IN_FIRST[1]}

    said = client.post("/api/v1/stations", json=body, headers=bearer(desk.tokens["planner"]))

    assert said.status_code == 422
    assert "200" in said.text


# Hours -----------------------------------------------------------------------------------------------------


def test_a_register_tells_what_is_open_on_holidays_make_up_days_and_over_midnight(
    client: TestClient, desk: Desk
):
    add(client, desk, "office", opening_hours="Mo-Fr 08:30-18:00; Sa 09:00-12:00")
    add(client, desk, "shop", opening_hours="Mo-Su 07:00-21:00")
    add(client, desk, "night", opening_hours="20:00-02:00; PH off")
    add(client, desk, "untold")

    def told(at: str) -> dict[str, tuple[bool | None, str | None]]:
        return {name: (one["is_open"], one["until"]) for name, one in judged(client, desk, at).items()}

    assert told(FRIDAY) == {
        "office": (False, "2026-11-28T09:00:00+08:00"), "shop": (True, "2026-11-27T21:00:00+08:00"),
        "night": (False, "2026-11-27T20:00:00+08:00"), "untold": (None, None),
    }  # fmt: skip
    assert told(HOLIDAY)["office"] == (False, "2026-10-08T08:30:00+08:00")
    assert told(HOLIDAY)["shop"] == (True, "2026-10-01T21:00:00+08:00")
    assert told(MAKE_UP)["office"] == (True, "2026-10-10T18:00:00+08:00")
    # The night before the holiday ends in it, and no other begins.
    assert told("2026-10-01T01:00+08:00")["night"] == (True, "2026-10-01T02:00:00+08:00")
    assert told("2026-10-01T23:00+08:00")["night"] == (False, "2026-10-08T20:00:00+08:00")


def test_hours_that_cannot_be_read_are_not_kept_and_old_ones_are_told(client: TestClient, desk: Desk):
    body = {
        "station_id": "x",
        "name": "x",
        "lon": IN_FIRST[0],
        "lat": IN_FIRST[1],
        "opening_hours": "早九晚五",
    }
    refused = client.post("/api/v1/stations", json=body, headers=bearer(desk.tokens["planner"]))
    assert (refused.status_code, refused.json()["code"]) == (422, "hours_not_read")
    assert refused.json()["field"] == "opening_hours"
    add(client, desk, "old")
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE stations SET opening_hours = '早九晚五'"))
    told = judged(client, desk, FRIDAY)["old"]
    assert (told["is_open"], told["hours_read"]) == (None, False)


# Checklists and checks -------------------------------------------------------------------------------------


def test_shipped_editions_name_their_source_or_say_that_it_is_not_verified():
    shipped = {one.edition: one for one in shipped_checklists()}
    assert [len(one.items) for one in shipped.values()] == [10, 6, 0, 8]
    assert shipped["jianhu-A"].source == "unverified"
    assert all("报道" in shipped[name].source for name in ("sheyang-A", "lianyungang-A", "runzhou-A"))
    assert [item.name for item in shipped["sheyang-A"].items] == EIGHT


@pytest.mark.parametrize(
    ("checked", "days_ago", "is_listed", "expected"),
    [
        (None, 0, True, "grey"), (None, 0, False, "missing"), ("working", 30, False, "working"),
        ("working", 31, True, "grey"), ("broken", 400, True, "broken"), ("missing", 1, True, "missing"),
    ],
)  # fmt: skip
def test_what_was_seen_working_is_doubted_once_its_days_are_over(checked, days_ago, is_listed, expected):
    from datetime import date, timedelta

    today = date(2026, 11, 27)
    on = None if checked is None else today - timedelta(days=days_ago)
    assert item_state(checked=checked, on=on, is_listed=is_listed, holds_days=30, today=today) == expected
    assert ItemState(expected)


def test_an_unchecked_facility_turns_grey_by_itself(client: TestClient, desk: Desk):
    station = add(client, desk, "s", type="暖心驿站", facilities=EIGHT[:6])
    made = check(client, desk, station, day="2026-10-01", seen=[
        {"item": "charging", "state": "working"}, {"item": "water", "state": "broken", "note": "不制热"},
    ])  # fmt: skip
    assert made.status_code == 201, made.text

    def on(day: str) -> dict[str, str]:
        return states(judged(client, desk, f"{day}T12:00+08:00")["s"])

    before, after = on("2026-10-31"), on("2026-11-01")
    assert before == {
        "rest": "grey", "study": "grey", "charging": "working", "microwave": "grey", "water": "broken",
        "climate": "grey", "medicine": "missing", "emergency": "missing",
    }  # fmt: skip
    assert after == {**before, "charging": "grey"}
    # Nobody had looked yet.
    assert on("2026-09-30")["charging"] == on("2026-09-30")["water"] == "grey"
    check(client, desk, station, day="2026-11-01", seen=[{"item": "water", "state": "working"}])
    assert on("2026-11-01")["water"] == "working"
    assert [(one["item"], one["state"], one["note"]) for one in get(client, desk, f"/{station}/checks")] == [
        ("water", "working", ""), ("water", "broken", "不制热"), ("charging", "working", ""),
    ]  # fmt: skip


def test_checks_are_of_who_may_of_days_gone_of_known_things_and_tell_of_no_person(
    client: TestClient, desk: Desk
):
    station = add(client, desk, "s", type="暖心驿站")
    seen = [{"item": "water", "state": "working"}]
    for who, status in (("viewer", 403), ("dispatcher", 403), ("reporter", 404), ("inspector", 201)):
        assert check(client, desk, station, who, seen=seen).status_code == status, who
    assert check(client, desk, 10**9, seen=seen).status_code == 404
    for wrong, code in (
        ({"day": "2099-01-01", "seen": seen}, "check_of_tomorrow"),
        ({"seen": [{"item": "sauna", "state": "working"}]}, "no_such_item"),
        ({"seen": [{**seen[0], "note": "张师傅13812345678"}]}, None),
        ({"seen": seen * 2}, "request_not_valid"),
        ({"seen": []}, "request_not_valid"),
    ):
        refused = check(client, desk, station, **wrong)
        assert refused.status_code in (409, 422), (wrong, refused.text)
        assert code is None or refused.json()["code"] == code
    assert len(get(client, desk, f"/{station}/checks")) == 1
    for table in ("station_checks", "checklists", "checklist_items"):
        with pytest.raises(DBAPIError, match="append-only"), desk.store.owner.begin() as owner:
            owner.execute(text(f"DELETE FROM {table}"))


def test_gaps_are_what_stations_lack_and_grids_without_a_home_of_their_own(client: TestClient, desk: Desk):
    add(client, desk, "whole", type="暖心驿站", facilities=EIGHT)
    add(client, desk, "other", type="茶馆")
    add(client, desk, "home", type="党建微家", at=IN_FIRST)
    whole = get(client, desk, "/register")["features"][2]["id"]
    check(client, desk, whole, seen=[{"item": item.item, "state": "working"} for item in _eight()])
    add(client, desk, "poor", type="暖心驿站", at=IN_SECOND, facilities=EIGHT[:7])

    told = get(client, desk, "/gaps")

    assert [(one["properties"]["station_id"], {i["item"]: i["state"] for i in one["properties"]["items"]})
            for one in told["stations"]] == [
        ("poor", {**{item.item: "grey" for item in _eight()[:7]}, "emergency": "missing"})
    ]  # fmt: skip
    assert told["without_checklist"] == 1
    assert [one["properties"]["grid"] for one in told["grids"]] == ["320924001001002"]
    add(client, desk, "second home", type="党建微家", at=IN_SECOND)
    assert get(client, desk, "/gaps")["grids"] == []
    # Elsewhere nothing is seen.
    desk.tokens["far"] = add_person(desk.store, "far")[1]
    far = get(client, desk, "/gaps", who="far")
    assert (far["stations"], far["grids"]) == ([], [])


def test_an_edition_that_asks_for_no_home_in_each_grid_takes_the_place_of_one_that_does(
    client: TestClient, desk: Desk
):
    shipped = next(one for one in shipped_checklists() if one.in_each_grid)
    edition = {
        "edition": "own-2027", "name": shipped.name, "begins": "2027-01-01", "types": list(shipped.types),
        "checked_within_days": 30, "items": [],
    }  # fmt: skip
    headers = bearer(desk.tokens["admin"])
    assert client.post("/api/v1/stations/checklists", json=edition, headers=headers).status_code == 201

    before, after = (
        get(client, desk, "/gaps", at=f"{day}T12:00+08:00") for day in ("2026-12-31", "2027-01-01")
    )
    assert len(before["grids"]) == 2
    assert after["grids"] == []


def _eight():
    return next(one for one in shipped_checklists() if one.edition == "sheyang-A").items


def test_a_new_edition_holds_from_its_day_and_old_days_keep_theirs(client: TestClient, desk: Desk):
    edition = {
        "edition": "own-2027", "name": "八个一", "source": "街道2027年标准", "begins": "2027-01-01",
        "types": ["暖心驿站"], "checked_within_days": 7,
        "items": [{"item": "water", "name": "直饮水", "words": ["饮水"]},
                  {"item": "defibrillator", "name": "除颤仪", "words": ["AED", "除颤"]}],
    }  # fmt: skip

    def post(who: str, **changed: Any):
        headers = bearer(desk.tokens[who])
        return client.post("/api/v1/stations/checklists", json={**edition, **changed}, headers=headers)

    add(client, desk, "s", type="暖心驿站", facilities=["饮水机", "AED"])
    assert post("planner").status_code == 403
    assert post("admin").status_code == 201
    assert post("admin").status_code == 409
    assert post("admin", edition="x", items=edition["items"][:1] * 2).status_code == 422
    old, new = (judged(client, desk, f"{day}T12:00+08:00")["s"] for day in ("2026-12-31", "2027-01-01"))
    assert (old["checklist"], len(old["items"])) == ("sheyang-A", 8)
    assert (new["checklist"], states(new)) == ("own-2027", {"water": "grey", "defibrillator": "grey"})
    told = get(client, desk, "/checklists")
    first = next(one for one in told if one["name"] == "八个一")
    assert (first["edition"], first["source"]) == ("own-2027", "街道2027年标准")
    with desk.store.owner.connect() as owner:
        logged = owner.execute(text("SELECT body ->> 'edition' FROM log WHERE action = 'checklist.added'"))
        assert logged.scalars().all() == ["own-2027"]


# Files -----------------------------------------------------------------------------------------------------

HOSTILE = ["=1+1", "<img src=x onerror=alert(1)>", "'; DROP TABLE stations; --", "@SUM(A1)", 'a;b,c"d']


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
    with desk.store.acting(desk.ids["planner"], _grants(desk, "planner")) as session:
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


def _grants(desk: Desk, who: str) -> dict[str, list[str]]:
    with desk.store.owner.connect() as owner:
        return owner.execute(text("SELECT grants_of(:u)"), {"u": desk.ids[who]}).scalar_one()


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
    acting = desk.store.acting(desk.ids["planner"], _grants(desk, "planner"))
    with pytest.raises(InputError) as refused, acting as session:
        load_stations(session, str(file))
    error = refused.value
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
    acting = desk.store.acting(desk.ids["planner"], _grants(desk, "planner"))
    with pytest.raises(InputError) as refused, acting as session:
        load_stations(session, str(file))
    assert (refused.value.code, refused.value.field, refused.value.feature) == (code, field, "S2")


def test_an_import_says_of_each_row_what_it_changes(client: TestClient, desk: Desk, tmp_path: Path):
    add(client, desk, "S1", name="一号", opening_hours="24/7")
    add(client, desk, "S2", name="二号", at=IN_FIRST)
    with desk.store.acting(desk.ids["planner"], _grants(desk, "planner")) as session:
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


# Nearest ---------------------------------------------------------------------------------------------------


def lines(store: Store, **layers: str) -> None:
    with store.owner.begin() as owner:
        for layer, wkt in layers.items():
            owner.execute(
                text(f"INSERT INTO {layer} (geom) VALUES (ST_GeomFromText(:wkt, 4490))"), {"wkt": wkt}
            )


def nearest(client: TestClient, place: tuple[float, float], **query: Any) -> dict[str, Any]:
    found = client.get(
        "/api/v1/stations/nearest", params={"lon": place[0], "lat": place[1], "at": FRIDAY, **query}
    )
    assert found.status_code == 200, found.text
    return found.json()


def names(told: dict[str, Any]) -> list[str]:
    return [one["station_id"] for one in told["stations"]]


def test_the_nearest_is_open_has_what_is_looked_for_and_needs_no_account(client: TestClient, desk: Desk):
    near, far = (LON + SIDE_DEG, LAT + SIDE_DEG), (LON + 3 * SIDE_DEG, LAT + SIDE_DEG)
    add(client, desk, "near", at=near, facilities=["快速充电"], opening_hours="Mo-Su 07:00-18:00")
    charging = add(
        client, desk, "far", at=far, type="暖心驿站", facilities=["充电区", "饮水机"], opening_hours="24/7"
    )
    add(client, desk, "untold", at=near, facilities=["充电"])
    at = (LON + 1.5 * SIDE_DEG, LAT + SIDE_DEG)

    told = nearest(client, at, facility="charging")
    assert (names(told), told["is_straight"], told["shut"]) == (["far", "untold"], True, 1)
    first, last = told["stations"]
    assert (first["is_open"], first["until"], first["direction"]) == (True, None, "e")
    # 0.0015 degrees of longitude at 33 degrees north are 140 m.
    assert first["metres"] == pytest.approx(140, abs=2)
    assert first["minutes"] == pytest.approx(140 / (4000 / 60), abs=0.1)
    assert (last["is_open"], last["until"]) == (None, None)
    assert names(nearest(client, at, facility="charging", at="2026-11-27T12:00+08:00"))[0] == "near"
    assert names(nearest(client, at, facility="charging", minutes=1)) == ["untold"]
    assert names(nearest(client, at, facility="toilet")) == []
    # What was seen broken is nothing to walk to, until it is seen to work again.
    for state, found in (("broken", ["untold"]), ("working", ["far", "untold"])):
        check(client, desk, charging, seen=[{"item": "charging", "state": state}])
        assert names(nearest(client, at, facility="charging")) == found
    assert names(nearest(client, at, facility="water")) == ["far"]


def test_minutes_are_walked_along_streets_and_no_wall_is_climbed(client: TestClient, desk: Desk):
    y, side = LAT + SIDE_DEG, SIDE_DEG
    at, to = (LON + 0.2 * side, y), (LON + 3.8 * side, y)
    add(client, desk, "s", at=to, opening_hours="24/7")
    straight = nearest(client, at)
    # A street that goes round: up, along, and down again; and one that makes it more than a yard's.
    lines(desk.store, roads=f"LINESTRING({at[0]} {y + side}, {at[0]} {y + 9 * side})")
    lines(desk.store, roads=f"LINESTRING({at[0]} {y}, {at[0]} {y + side}, {to[0]} {y + side}, {to[0]} {y})")
    round_about = nearest(client, at)
    assert (straight["is_straight"], straight["straight_because"]) == (True, "no_streets")
    assert (round_about["is_straight"], round_about["straight_because"]) == (False, None)
    up = 2 * side * 110_900
    assert round_about["stations"][0]["metres"] == pytest.approx(
        straight["stations"][0]["metres"] + up, abs=5
    )
    # A wall across the street, and then a gate in it.
    middle = LON + 2 * side
    lines(desk.store, barriers=f"LINESTRING({middle} {y - 9 * side}, {middle} {y + 9 * side})")
    assert names(nearest(client, at)) == []
    lines(desk.store, gates=f"POINT({middle} {y + side})")
    assert nearest(client, at)["stations"][0]["metres"] == round_about["stations"][0]["metres"]


def test_where_no_street_is_near_a_line_is_a_line(client: TestClient, desk: Desk):
    add(client, desk, "s", opening_hours="24/7")
    lines(desk.store, roads=f"LINESTRING({LON} {LAT + 0.008}, {LON + 0.001} {LAT + 0.008})")
    told = nearest(client, (LON, LAT))
    assert (names(told), told["is_straight"], told["straight_because"]) == (["s"], True, "no_way")


def test_from_an_island_without_a_bridge_no_way_is_known(client: TestClient, desk: Desk):
    x, y, side = LON + SIDE_DEG, LAT + SIDE_DEG, SIDE_DEG
    add(client, desk, "s", at=(x, y + side), opening_hours="24/7")
    lines(desk.store, roads=f"LINESTRING({x - side} {y + side}, {x + 9 * side} {y + side})")
    here = nearest(client, (x, y))
    moat = shapely.Point(x, y).buffer(side / 2).difference(shapely.Point(x, y).buffer(side / 3))
    lines(desk.store, water=moat.wkt)
    island = nearest(client, (x, y))
    assert (names(here), here["straight_because"]) == (["s"], None)
    assert (names(island), island["is_straight"], island["straight_because"]) == (["s"], True, "no_way")


@pytest.mark.parametrize(
    "query",
    [{"lat": 91}, {"lon": "nan"}, {"minutes": 0}, {"minutes": 31}, {"at": "gestern"}, {"facility": "x" * 40}],
)
def test_what_is_no_question_is_refused(client: TestClient, query: dict[str, Any]):
    asked = {"lon": LON, "lat": LAT, **query}
    assert client.get("/api/v1/stations/nearest", params=asked).status_code == 422


def test_ends_of_the_earth_unknown_facilities_and_years_without_a_calendar(client: TestClient, desk: Desk):
    add(client, desk, "s", opening_hours="Mo-Fr 08:00-20:00")
    for at in ((180, 90), (-180, -90), (0, 0), (179.999, 0)):
        told = nearest(client, at)
        assert (names(told), told["is_outside"]) == ([], True)
    near_nothing = client.get(
        "/api/v1/stations/nearest", params={"lon": LON, "lat": LAT, "facility": "medicine"}
    ).json()
    assert (names(near_nothing), near_nothing["is_outside"]) == ([], False)
    unknown = client.get("/api/v1/stations/nearest", params={"lon": LON, "lat": LAT, "facility": "sauna"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "facility_unknown")
    assert "charging" in unknown.json()["detail"]
    later = nearest(client, IN_FIRST, at="2031-11-28T10:00+08:00")
    assert (later["holidays_known"], names(later)) == (False, ["s"])


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "1969-12-31T23:59:59Z"])
def test_a_moment_far_off_is_refused_wherever_one_may_be_asked(client: TestClient, desk: Desk, at: str):
    add(client, desk, "s", opening_hours="24/7")
    asked = {"lon": IN_FIRST[0], "lat": IN_FIRST[1], "at": at}
    for path in ("nearest", "register", "gaps"):
        said = client.get(f"/api/v1/stations/{path}", params=asked, headers=bearer(desk.tokens["viewer"]))
        assert (said.status_code, said.json()["code"]) == (422, "moment_out_of_range"), path


def test_whoever_asks_too_often_waits(desk: Desk):
    with service(desk.store, requests_per_minute=5) as client:
        said = [
            client.get("/api/v1/stations/nearest", params={"lon": LON, "lat": LAT}).status_code
            for _ in range(7)
        ]
    assert said == [200] * 5 + [429] * 2


def test_streets_and_communities_are_anybody_s_and_buildings_are_not(client: TestClient, desk: Desk):
    lines(desk.store, roads=f"LINESTRING({LON} {LAT}, {LON + 0.001} {LAT})")
    box = {"bbox": f"{LON},{LAT},{LON + 0.01},{LAT + 0.01}"}
    told = client.get("/api/v1/stations/ground", params=box).json()["features"]
    assert sorted(one["properties"]["kind"] for one in told) == ["community", "road"]
    assert "households" not in json.dumps(told)
    wide = client.get("/api/v1/stations/ground", params={"bbox": "120,33,121,34"})
    assert (wide.status_code, wide.json()["code"]) == (422, "box_too_wide")


# Command line ----------------------------------------------------------------------------------------------


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

    with desk.store.acting(desk.ids["planner"], _grants(desk, "planner")) as session:
        came = load_stations(session, str(file))
        kept = session.execute(text("SELECT station_id, name, facilities FROM stations")).one()

    assert tuple(kept) == ("S1", "一号", ["充电", "饮水"])
    assert {finding.code for finding in came.findings} >= {"personal_text_masked", "personal_column_dropped"}


def test_a_register_without_a_row_is_called_empty(desk: Desk, tmp_path: Path):
    file = tmp_path / "register.geojson"
    file.write_text('{"type": "FeatureCollection", "features": []}', "utf-8")

    acting = desk.store.acting(desk.ids["planner"], _grants(desk, "planner"))
    with acting as session, pytest.raises(InputError) as refused:
        load_stations(session, str(file))

    assert refused.value.code == "layer_empty"


def test_ids_that_are_telephone_numbers_are_refused(desk: Desk, tmp_path: Path):
    file = tmp_path / "register.csv"
    file.write_text("station_id,name,lon,lat\n13812345678,一号,120.001,33.001\n", "utf-8")

    acting = desk.store.acting(desk.ids["planner"], _grants(desk, "planner"))
    with acting as session, pytest.raises(InputError) as refused:
        load_stations(session, str(file))

    assert refused.value.code == "station_ids_personal"
    assert "138" not in str(refused.value)


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


def test_a_moment_without_an_offset_is_one_of_the_clock_on_the_wall(client: TestClient, desk: Desk):
    asked = {"lon": LON, "lat": LAT}
    told = [
        client.get("/api/v1/stations/nearest", params={**asked, "at": at}).json()["at"]
        for at in ("2026-11-27T12:00", "2026-11-27T12:00+08:00")
    ]

    assert told[0] == told[1] == "2026-11-27T12:00:00+08:00"


@pytest.mark.parametrize(
    "said", ["lon=abc&lat=1", "lon=999&lat=1", "lon=nan&lat=nan", "lon=120", "facility=" + "x" * 90]
)
def test_a_damaged_sign_in_the_street_opens_the_page_all_the_same(client: TestClient, desk: Desk, said: str):
    answer = client.get(f"/nearest?{said}")

    assert answer.status_code == 200
    assert '"at": null' in answer.text or '"at":null' in answer.text
