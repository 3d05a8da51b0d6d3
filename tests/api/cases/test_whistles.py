"""Whistles over all cases: what presses most first, counts that add up, and what departments said."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.api.accounts import add_area, add_person, bearer
from tests.api.cases.desk import Desk
from tests.api.cases.test_dispatch import answer, team, whistle


def board(client: TestClient, desk: Desk, who: str = "viewer", **query: Any) -> dict[str, Any]:
    told = client.get("/api/v1/whistles", params=query, headers=bearer(desk.tokens[who]))
    assert told.status_code == 200, told.text
    return told.json()


def test_whistles_stand_by_what_presses_most_and_their_calls_add_up(client: TestClient, desk: Desk):
    team(desk, "power")
    calm, late, ended = (desk.report()["number"] for _ in range(3))
    one = whistle(client, desk, calm).json()
    _, power = one["calls"]
    assert answer(client, desk, "power", power["id"], "report-in").status_code == 201
    (released,) = whistle(client, desk, ended, calls=[{"department": "power"}]).json()["calls"]
    assert answer(client, desk, "dispatcher", released["id"], "release").status_code == 201
    whistle(client, desk, late, calls=[{"department": "water works", "minutes": 9}])
    with desk.store.owner.begin() as owner:
        # As an escalation leaves it: the first deadline is past, the present one is not.
        owner.execute(
            text("UPDATE whistle_calls SET first_due_at = now() - interval '1 hour', escalations = 1"
                 " WHERE whistle_id = (SELECT max(id) FROM whistles)")
        )  # fmt: skip
    told = board(client, desk)
    assert told["counts"] == {"waiting": 2, "late": 1, "there": 1, "ended": 1}
    assert [each["case"] for each in told["whistles"]] == [late, calm]
    (over,) = board(client, desk, unfinished=False)["whistles"]
    assert (over["case"], over["calls"][0]["released_note"]) == (ended, "到了")
    assert answer(client, desk, "power", power["id"], "done").status_code == 201
    mine = next(each for each in board(client, desk, "power")["whistles"] if each["case"] == calm)
    assert mine["blown_by"] == desk.ids["grid_worker"]
    assert [
        (
            call["department"],
            call["reported_in_note"],
            call["done_note"],
            call["may_answer"],
            call["may_release"],
        )
        for call in mine["calls"]
    ] == [("water works", None, None, False, False), ("power", "到了", "到了", True, False)]


def test_what_a_department_said_to_an_earlier_whistle_is_not_told_of_a_later_one(
    client: TestClient, desk: Desk
):
    team(desk, "power")
    number = desk.report()["number"]
    for note in ("第一次", "第二次"):
        (call,) = whistle(client, desk, number, calls=[{"department": "power"}]).json()["calls"]
        for act in ("report-in", "done"):
            said = client.post(f"/api/v1/whistle-calls/{call['id']}/{act}", json={"note": f"{note}{act}"},
                               headers=bearer(desk.tokens["power"]))  # fmt: skip
            assert said.status_code == 201
    told = client.get(f"/api/v1/cases/{number}/whistles", headers=bearer(desk.tokens["viewer"])).json()
    assert [(one["calls"][0]["reported_in_note"], one["calls"][0]["done_note"]) for one in told] == [
        ("第一次report-in", "第一次done"), ("第二次report-in", "第二次done"),
    ]  # fmt: skip


def test_a_call_of_a_case_that_was_cancelled_has_ended(client: TestClient, desk: Desk):
    number = desk.report()["number"]
    whistle(client, desk, number, calls=[{"department": "power"}])
    desk.take(number, ("dispatcher", "refuse", {"reason": "not_found", "note": "现场没有"}))
    assert board(client, desk)["counts"] == {"waiting": 0, "late": 0, "there": 0, "ended": 1}
    (one,) = board(client, desk, unfinished=False)["whistles"]
    assert not one["is_open"]


def test_whistles_of_other_areas_are_not_listed(client: TestClient, desk: Desk):
    whistle(client, desk, desk.report()["number"])
    far = add_area(desk.store, "320925001", "street")
    _, token = add_person(desk.store, "far", ("dispatcher", far))
    told = client.get("/api/v1/whistles", headers=bearer(token)).json()
    assert told == {"counts": {"waiting": 0, "late": 0, "there": 0, "ended": 0}, "whistles": []}
