"""What is expected of a draft: kept with it, by date, and what mending would cost; the plan stays."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.database import Store
from tests.api.place import SIDE_DEG, Place, draw_community, token_for
from tests.api.plans import rows

# Three grids of two columns: 80, 60 and 90 households.
HOUSEHOLDS = [[20, 20, 15, 15, 20, 25], [20, 20, 15, 15, 20, 25]]
CODE = "320924001001"
# On the ground of u02, near its edge to u01; and of u03.
PLACE = {"lon": 120.0 + 2.2 * SIDE_DEG, "lat": 33.0 + 1.5 * SIDE_DEG}
CHANGES: list[dict[str, Any]] = [
    {"day": "2027-06-30", **PLACE, "households": 50, "note": "三期交付"},
    {"day": "2027-03-01", "unit_id": "u00", "note": "拆除"},
    {"day": "2027-03-01", "unit_id": "u06", "households": -15},
]


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, HOUSEHOLDS)


@pytest.fixture
def planner(store: Store) -> dict[str, str]:
    return {**token_for(store, "planner", "planner"), "If-Match": "*"}


@pytest.fixture
def scenario(client: TestClient, place: Place, planner: dict[str, str]):
    def send(changes: list[dict[str, Any]], status: int = 200) -> Any:
        said = client.put(
            f"/api/v1/versions/{place.version_id}/scenario", json={"changes": changes}, headers=planner
        )
        assert said.status_code == status, said.text
        return said.json()

    return send


def present(store: Store, place: Place) -> list[Any]:
    return [
        rows(store, "SELECT revision, ground_id FROM versions WHERE id = :v", v=place.version_id),
        rows(store, "SELECT code, households, units, status FROM grids WHERE version_id = :v ORDER BY code",
             v=place.version_id),
        rows(store, "SELECT unit_id, households FROM units ORDER BY ground_id, number"),
    ]  # fmt: skip


def test_the_grids_that_change_are_told_by_date_and_the_plan_stays(client, store, place, planner, scenario):
    before = present(store, place)
    told = scenario(CHANGES)
    kept = client.get(f"/api/v1/versions/{place.version_id}/scenario", headers=planner).json()

    assert kept == told
    assert [(each["day"], each["code"], each["before"], each["after"], each["status"], each["changes"])
            for each in told["steps"]] == [
        ("2027-03-01", f"{CODE}001", 80, 45, "too_small", [1, 2]),
        ("2027-06-30", f"{CODE}002", 60, 110, "too_large", [0]),
    ]  # fmt: skip
    assert present(store, place) == before
    fork = client.post(f"/api/v1/versions/{place.version_id}/fork", headers=planner).json()["id"]
    copied = client.get(f"/api/v1/versions/{fork}/scenario", headers=planner).json()
    assert copied["steps"] == told["steps"]
    assert scenario([])["steps"] == []
    assert client.get(f"/api/v1/versions/{fork}/scenario", headers=planner).json() == copied


def test_mending_by_a_day_counts_todays_households_and_keeps_nothing(client, store, place, planner, scenario):
    scenario(CHANGES)
    before = present(store, place)
    address = f"/api/v1/versions/{place.version_id}/scenario/mending"
    spring = client.post(address, json={"day": "2027-03-01"}, headers=planner).json()
    summer = client.post(address, json={"day": "2027-06-30"}, headers=planner).json()

    # 45 and 60 households in units of 20, 20, 5 and four of 15: two of 15 for one of 20 is the least.
    assert spring["moved_households"] == 50
    assert {each["code"]: each["after"] for each in spring["changes"]} == {f"{CODE}001": 55, f"{CODE}002": 50}
    assert summer["left"] == {}
    assert all(50 <= each["after"] <= 100 for each in summer["changes"])
    # The new house stands by the first grid: it comes under it, and then nobody of today changes grids.
    assert (summer["moved_households"], summer["new_households"]) == (0, 50)
    assert [house["to"] for house in summer["houses"]] == [f"{CODE}001"]
    assert not any(unit.startswith("+") for unit in summer["unit_ids"])
    assert present(store, place) == before
    early = client.post(address, json={"day": "2027-01-01"}, headers=planner)
    assert (early.status_code, early.json()["code"]) == (422, "nothing_leaves")


def by_midsummer(client, place, planner, scenario, *towers: tuple[float, int]) -> Any:
    """Ask what mending takes once towers stand: (column, households) each, in the upper row."""
    scenario(
        [
            {"day": "2027-06-30", "lon": 120.0 + column * SIDE_DEG, "lat": PLACE["lat"], "households": count}
            for column, count in towers
        ]
    )
    address = f"/api/v1/versions/{place.version_id}/scenario/mending"
    return client.post(address, json={"day": "2027-06-30"}, headers=planner).json()


def test_a_tower_goes_to_the_neighbouring_grid_with_room_and_nobody_of_today_changes_grids(
    client, place, planner, scenario
):
    # On the ground of u01, in a grid of 80 beside one of 60.
    told = by_midsummer(client, place, planner, scenario, (1.8, 30))

    assert (told["moved_households"], told["new_households"], told["unit_ids"]) == (0, 30, [])
    assert [(house["households"], house["to"]) for house in told["houses"]] == [(30, f"{CODE}002")]
    assert {each["code"]: (each["before"], each["after"]) for each in told["changes"]} == {
        f"{CODE}001": (110, 80), f"{CODE}002": (60, 90)
    }  # fmt: skip
    assert told["left"] == {}


def test_a_tower_for_which_no_neighbour_has_room_is_a_grid_of_its_own(client, place, planner, scenario):
    told = by_midsummer(client, place, planner, scenario, (1.8, 70))

    assert (told["moved_households"], told["new_households"]) == (0, 70)
    assert [house["to"] for house in told["houses"]] == [None]
    assert [(each["code"], each["before"], each["after"]) for each in told["changes"]] == [
        (f"{CODE}001", 150, 80), (None, 0, 70)
    ]  # fmt: skip


def test_a_tower_large_enough_for_a_grid_still_goes_where_there_is_room(store, client, planner, scenario):
    place = draw_community(store, "320924001002", [[20, 20, 10, 10], [20, 20, 10, 10]], lon=121.0)
    changes = [{"day": "2027-06-30", "lon": 121.0 + 1.8 * SIDE_DEG, "lat": PLACE["lat"], "households": 55}]
    address = f"/api/v1/versions/{place.version_id}/scenario"
    said = client.put(address, json={"changes": changes}, headers=planner)
    assert said.status_code == 200, said.text
    told = client.post(f"{address}/mending", json={"day": "2027-06-30"}, headers=planner).json()

    assert [house["to"] for house in told["houses"]] == ["320924001002002"]
    assert (told["moved_households"], told["changes"][-1]["after"]) == (0, 95)


def test_where_a_tower_fits_nowhere_one_unit_of_today_changes_grids(client, place, planner, scenario):
    # 80 and 60 households: 45 more are too many for either, and too few for themselves.
    told = by_midsummer(client, place, planner, scenario, (1.8, 45))

    assert (len(told["unit_ids"]), told["left"]) == (1, {})
    assert told["moved_households"] <= 20
    assert all(50 <= each["after"] <= 100 for each in told["changes"])


def test_a_house_stays_in_a_grid_that_has_room_for_it(client, place, planner, scenario):
    # On the ground of u03, in a grid of 60, while a tower makes the grid beside it too large.
    told = by_midsummer(client, place, planner, scenario, (3.8, 20), (0.5, 60))

    assert [(house["households"], house["to"]) for house in told["houses"]] == [
        (20, f"{CODE}002"),
        (60, None),
    ]
    assert told["moved_households"] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unit_id": "u99", "households": 5}, "expected_unit_unknown"),
        ({"unit_id": "u00", "households": -21}, "expected_too_many_go"),
        ({"lon": 10.0, "lat": 10.0, "households": 5}, "expected_nowhere"),
    ],
)
def test_what_cannot_happen_is_refused_and_what_was_kept_stays(scenario, store, place, change, code):
    scenario(CHANGES)

    assert scenario([{"day": "2027-01-01", **change}], 422)["code"] == code
    assert len(rows(store, "SELECT 1 FROM expected_changes WHERE version_id = :v", v=place.version_id)) == 3


def test_a_page_is_told_in_its_language_why_something_was_refused(client, place, planner, scenario):
    chinese = {**planner, "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    address = f"/api/v1/versions/{place.version_id}/scenario"
    changes = [{"day": "2027-01-01", "unit_id": "u00", "households": -21}]
    refused = client.put(address, json={"changes": changes}, headers=chinese).json()
    scenario(CHANGES)
    early = client.post(f"{address}/mending", json={"day": "2027-01-01"}, headers=chinese).json()
    unreadable = client.post(f"{address}/mending", json={"day": "soon"}, headers=chinese).json()

    assert refused["detail"] == "第1项：迁出21户，但该处只有20户，请改正户数。"
    assert early["detail"] == "截至2027-01-01，户数有变化的网格都在范围之内，无须调整。"
    assert unreadable["detail"] == "body.day的值不合要求。"
    plain = client.put(address, json={"changes": changes}, headers=planner).json()
    assert plain["detail"] == "change 1: 21 households go, but only 20 are there"


def test_a_change_is_at_a_unit_or_a_new_house(scenario, store, place):
    scenario(CHANGES)

    for change in (
        {"households": 5},
        {"unit_id": "u00", "lon": 120.0, "lat": 33.0, "households": 5},
        {"lon": 120.0, "lat": 33.0},
        {"lon": 120.0, "lat": 33.0, "households": -5},
        {"unit_id": "u00", "households": 0},
    ):
        assert scenario([{"day": "2027-01-01", **change}], 422)["code"] == "request_not_valid", change
    assert len(rows(store, "SELECT 1 FROM expected_changes WHERE version_id = :v", v=place.version_id)) == 3


def test_a_unit_that_is_no_longer_there_is_told(client, place, planner, scenario):
    scenario([{"day": "2027-03-01", "unit_id": "u00"}])
    client.post(
        f"/api/v1/versions/{place.version_id}/divisions", headers=planner,
        json={"unit_id": "u00", "floors": [
            {"lowest": 1, "highest": 1, "households": 10}, {"lowest": 2, "highest": 2, "households": 10},
        ]},
    )  # fmt: skip
    told = client.get(f"/api/v1/versions/{place.version_id}/scenario", headers=planner).json()

    assert (told["steps"], len(told["changes"])) == ([], 1)
    assert "no such unit" in told["fault"]


def test_who_reads_only_and_what_is_handed_in_keep_what_is_expected(client, store, place, planner, scenario):
    scenario(CHANGES)
    viewer = token_for(store, "viewer", "viewer")
    address = f"/api/v1/versions/{place.version_id}/scenario"
    assert len(client.get(address, headers=viewer).json()["changes"]) == 3
    assert client.put(address, json={"changes": []}, headers=viewer).status_code == 403
    assert client.post(f"{address}/mending", json={"day": "2027-06-30"}, headers=viewer).status_code == 403
    client.post(f"/api/v1/versions/{place.version_id}/submit", headers=planner)
    scenario([], 409)
