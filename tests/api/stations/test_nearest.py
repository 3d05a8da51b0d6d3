"""The nearest station that is open, for anybody: by minutes on foot, by the clock on the wall."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from tests.api.accounts import bearer, service
from tests.api.cases.desk import IN_FIRST, LAT, LON, Desk
from tests.api.place import SIDE_DEG
from tests.api.stations.keeping import FRIDAY, add, check


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
