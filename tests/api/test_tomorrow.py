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
    # The new house stands by the first grid: it can come under it, and then nobody of today changes grids.
    assert summer["moved_households"] + summer["new_households"] > 0
    assert not any(unit.startswith("+") for unit in summer["unit_ids"])
    assert present(store, place) == before
    early = client.post(address, json={"day": "2027-01-01"}, headers=planner)
    assert (early.status_code, early.json()["code"]) == (422, "nothing_leaves")


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
