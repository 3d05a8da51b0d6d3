"""Places by address over HTTP, in the sample town; and work orders without a point."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.cases.calendar import working_calendar
from api.cases.categories import shipped_edition
from api.cases.commands import everywhere
from api.cases.importing import import_orders
from api.cases.orders import read_orders
from api.database import Store
from tests.api.accounts import add_person, bearer, service
from tests.api.plans import silent
from tests.api.sample_store import fill_with_sample_town

COVER, SANDBAGS = "秦东门大街68号楼下水道盖板破损", "西门路沿街商户需要沙袋"
ROAD, TOWN, CITY = "320706001007", "320706001", "320706011"


@pytest.fixture
def town(store: Store) -> dict[str, int]:
    return fill_with_sample_town(store)


@pytest.fixture
def client(town: dict[str, int], store: Store) -> Iterator[TestClient]:
    with service(store) as opened:
        yield opened


def person(store: Store, role: str, *areas: int) -> dict[str, str]:
    return bearer(add_person(store, f"{role}{areas[0]}", *((role, area) for area in areas))[1])


def ask(client: TestClient, headers: dict[str, str], q: str, **query: object) -> dict:
    found = client.get("/api/v1/places", params={"q": q, **query}, headers=headers)
    assert found.status_code == 200, found.text
    return found.json()


def test_the_weekly_list_of_a_lane_becomes_located_cases_and_a_street_is_no_point(
    client: TestClient, store: Store, town: dict[str, int]
):
    """Lianyungang's acceptance test: the two items of the list of 砚池社区."""
    desk = person(store, "dispatcher", town[TOWN], town[CITY])
    cover = ask(client, desk, COVER)
    first = cover["candidates"][0]
    assert (cover["decided"], first["kind"], first["name"], first["score"]) == (
        True, "building", "秦东门大街68号楼", 1.0,
    )  # fmt: skip
    assert [one["name"] for one in cover["candidates"]] == ["秦东门大街68号楼", "秦东门大街68号"]
    made = client.post(
        "/api/v1/cases", headers=desk,
        json={"category": "E0404", "text": COVER, "channel": "lane_list", "lon": first["lon"],
              "lat": first["lat"]},
    ).json()  # fmt: skip
    assert (made["place"], made["area"], made["grid"]) == ("point", ROAD, f"{ROAD}001")
    with store.owner.connect() as owner:
        inside = owner.execute(
            text("SELECT count(*) FROM cases c JOIN units u ON ST_Intersects(u.geom, c.geom)"
                 " WHERE c.number = :n AND u.address LIKE '秦东门大街68号楼%'"), {"n": made["number"]}
        ).scalar_one()  # fmt: skip
    assert inside == 1

    bags = ask(client, desk, SANDBAGS)
    street = bags["candidates"][0]
    assert (bags["decided"], street["kind"], street["name"]) == (True, "street", "西门路")
    assert (street["lon"], street["lat"]) == (None, None)
    assert shapely.from_geojson(str(street["geometry"]).replace("'", '"')).length > 0.005
    made = client.post(
        "/api/v1/cases", headers=desk,
        json={"category": "X9001", "text": SANDBAGS, "address": street["name"], "channel": "lane_list",
              "area": TOWN},
    ).json()  # fmt: skip
    assert (made["place"], made["area"], made["grid"]) == ("area", TOWN, None)
    (listed,) = [
        one
        for one in client.get("/api/v1/cases", headers=desk).json()["features"]
        if one["id"] == made["number"]
    ]
    assert (listed["geometry"], listed["properties"]["address"]) == (None, "西门路")


def test_places_are_those_of_the_actors_areas(client: TestClient, store: Store, town: dict[str, int]):
    here = person(store, "grid_worker", town[CITY])
    # The street runs along its edge too; the building is another community's.
    assert [(one["kind"], one["communities"]) for one in ask(client, here, COVER)["candidates"]] == [
        ("street", ["320706011004"]),
    ]  # fmt: skip
    assert ask(client, here, "砚池小区3号楼")["decided"] is True
    nobody = person(store, "reporter", town[CITY])
    assert ask(client, nobody, "砚池小区3号楼") == {"decided": False, "candidates": []}
    assert client.get("/api/v1/places", params={"q": COVER}).status_code == 401


def test_loading_anew_makes_other_places(client: TestClient, store: Store, town: dict[str, int]):
    desk = person(store, "dispatcher", town[TOWN])
    assert ask(client, desk, "新修路")["candidates"] == []
    with store.owner.begin() as owner:
        owner.execute(
            text("INSERT INTO roads (name, geom) SELECT '新修路', geom FROM roads WHERE name = '西门路'")
        )
    assert ask(client, desk, "新修路")["candidates"][0]["name"] == "新修路"


def test_orders_without_a_point_are_placed_by_their_address_where_it_can_only_mean_one_place(
    store: Store, town: dict[str, int], tmp_path: Path
):
    rows = [
        ["A1", "下水道堵塞或破损", "盖板破损", "秦东门大街68号楼"],
        ["A2", "E0104", COVER, ""],
        ["A3", "E0104", "路灯不亮", "砚池路"],
        ["A4", "E0104", "路灯不亮", "秦东门大街9999号"],
        ["A5", "E0104", "路灯不亮", "不知道在哪里"],
    ]
    path = tmp_path / "orders.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["工单编号", "小类名称", "诉求内容", "地址", "来电时间"])
        csv.writer(file).writerows([*row, "2026-11-20 09:30"] for row in rows)
    orders = read_orders(path, shipped_edition(), working_calendar())
    with everywhere(store, "dispatcher") as session:
        came = import_orders(
            session, orders, shipped_edition(), working_calendar(), channel="12345", area="all", report=silent
        )
    assert (came.added, came.addressed, came.located) == (5, 3, 2)
    with store.owner.connect() as owner:
        placed = {
            row.external_number: (row.place, row.code, row.grid)
            for row in owner.execute(
                text("SELECT c.*, d.code FROM cases c JOIN divisions d ON d.id = c.area_id")
            )
        }
    assert placed == {
        "A1": ("point", ROAD, f"{ROAD}001"), "A2": ("point", ROAD, f"{ROAD}001"),
        "A3": ("area", "320706011004", None), "A4": ("area", "all", None), "A5": ("area", "all", None),
    }  # fmt: skip
