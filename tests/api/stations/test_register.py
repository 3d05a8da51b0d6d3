"""The register of stations: kept, open by its hours, judged by checklists and checked."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.checklists import ItemState, item_state, shipped_checklists
from tests.api.accounts import add_person, bearer
from tests.api.cases.desk import IN_FIRST, IN_SECOND, Desk
from tests.api.stations.keeping import EIGHT, FRIDAY, HOLIDAY, MAKE_UP, add, check, get


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
