"""Rosters, joint actions, visits as counts, points as a ledger, the register of fields and the burden."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.cases.asked_fields import field_register
from api.cases.roster import Duty, Gap, gaps
from api.database import Store
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk

DAY = datetime(2027, 1, 1, tzinfo=UTC)
# Tables of rules and switches, which keep nothing of a case or of what anybody did.
RULE_TABLES = {
    "case_states", "case_steps", "case_editions", "case_categories", "case_classes", "case_conditions",
    "case_default_points", "case_intake", "case_publication", "public_cases",
}  # fmt: skip
BESIDE = {"whistles", "whistle_calls", "offers", "claims", "area_modes", "duties", "joint_actions",
          "visit_counts", "points", "contacts",
          "meetings", "meeting_items"}  # fmt: skip


def hour(n: float) -> datetime:
    return DAY + timedelta(hours=n)


def post(client: TestClient, desk: Desk, path: str, who: str = "dispatcher", **body: Any):
    return client.post(f"/api/v1{path}", json=body, headers=bearer(desk.tokens[who]))


def get(client: TestClient, desk: Desk, path: str, who: str = "viewer", **query: Any) -> Any:
    found = client.get(f"/api/v1{path}", params=query, headers=bearer(desk.tokens[who]))
    assert found.status_code == 200, found.text
    return found.json()


# Rosters ---------------------------------------------------------------------------------------------------


def test_a_gap_is_where_a_place_of_a_grid_is_empty():
    duties = [
        Duty("g1", "A", hour(0), hour(8)),
        Duty("", "B", hour(4), hour(12)),
        Duty("g2", "A", hour(0), hour(24)),
    ]
    assert gaps(duties, ["g1", "g2"], hour(0), hour(12)) == [
        Gap("g1", ("B",), hour(0), hour(4)), Gap("g1", ("A",), hour(8), hour(12)),
        Gap("g2", ("B",), hour(0), hour(4)),
    ]  # fmt: skip
    assert gaps([], ["g1"], hour(0), hour(1)) == [Gap("g1", ("A", "B"), hour(0), hour(1))]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "g"]), st.sampled_from(["A", "B"]), st.integers(-5, 29), st.integers(1, 9)
        ),
        max_size=8,
    )
)
def test_gaps_are_what_an_hour_by_hour_count_finds(told: list[tuple[str, str, int, int]]):
    duties = [Duty(grid, place, hour(start), hour(start + n)) for grid, place, start, n in told]  # type: ignore[arg-type]
    found = gaps(duties, ["g"], hour(0), hour(24))
    for n in range(24):
        there = {one.place for one in duties if one.starts_at <= hour(n) < one.ends_at}
        missing = [gap.missing for gap in found if gap.starts_at <= hour(n) < gap.ends_at]
        assert missing == ([tuple(p for p in ("A", "B") if p not in there)] if len(there) < 2 else [])


def test_the_roster_of_posts_is_kept_and_its_gaps_are_listed(client: TestClient, desk: Desk):
    first = {
        "division_id": desk.place.community_id, "grid": "320924001001001", "place": "A",
        "user_id": desk.ids["grid_worker"], "starts_at": hour(0).isoformat(),
        "ends_at": hour(12).isoformat(),
    }  # fmt: skip
    assert post(client, desk, "/duties", who="viewer", **first).status_code == 403
    made = post(client, desk, "/duties", **first)
    assert made.status_code == 201, made.text
    taken = post(client, desk, "/duties", **{**first, "user_id": desk.ids["inspector"]})
    assert (taken.status_code, taken.json()["code"]) == (409, "duty_taken")
    himself = post(client, desk, "/duties", **{**first, "place": "B"})
    assert (himself.status_code, himself.json()["code"]) == (409, "duty_doubled")
    deputy = {
        **first,
        "place": "B",
        "user_id": desk.ids["inspector"],
        "division_id": desk.street,
        "grid": None,
    }
    assert post(client, desk, "/duties", **deputy).status_code == 201
    on = get(client, desk, "/duties", division=desk.street, at=hour(1).isoformat())
    assert [(one["area"], one["grid"], one["place"]) for one in on] == [
        ("320924001", "", "B"), ("320924001001", "320924001001001", "A"),
    ]  # fmt: skip
    asked = {"division": desk.street, "starts_at": hour(0).isoformat(), "ends_at": hour(12).isoformat()}
    assert [(one["grid"], one["missing"]) for one in get(client, desk, "/duties/gaps", **asked)] == [
        ("320924001001002", ["A"]),
    ]  # fmt: skip
    path = f"/api/v1/duties/{made.json()['id']}"
    assert client.delete(path, headers=bearer(desk.tokens["viewer"])).status_code == 403
    gone = client.delete(f"/api/v1/duties/{made.json()['id']}", headers=bearer(desk.tokens["dispatcher"]))
    assert gone.status_code == 204
    assert [one["missing"] for one in get(client, desk, "/duties/gaps", **asked)] == [["A"], ["A"]]


# Joint actions ---------------------------------------------------------------------------------------------


def test_a_case_of_joint_actions_counts_once_in_all_and_each_department_has_its_share(
    client: TestClient, desk: Desk
):
    one, two = desk.report()["number"], desk.report()["number"]
    action = {"division_id": desk.street, "title": "联合整治", "day": "2026-11-26"}
    for departments, cases in ((["police", "parks"], [one, two]), (["police", "water"], [one])):
        made = post(client, desk, "/joint-actions", **action, departments=departments, cases=cases)
        assert made.status_code == 201, made.text
    figures = get(client, desk, "/joint-actions/figures", division=desk.street)
    assert {row["department"]: row["cases"] for row in figures} == {"police": 2, "parks": 2, "water": 1}
    assert sum(row["share"] for row in figures) == pytest.approx(2)
    assert next(row["share"] for row in figures if row["department"] == "police") == pytest.approx(
        1 / 3 + 1 / 2
    )
    for wrong in ({"cases": ["0" * 19]}, {"cases": [one, one]}, {"departments": ["a", "a"]}):
        refused = post(client, desk, "/joint-actions",
                       **{**action, "departments": ["a", "b"], "cases": [one], **wrong})  # fmt: skip
        assert refused.status_code == 422, wrong
    assert len(get(client, desk, "/joint-actions", division=desk.street)) == 2


# Visits ----------------------------------------------------------------------------------------------------


def test_visits_are_counts_that_are_taken_back_by_a_row_of_their_own(client: TestClient, desk: Desk):
    round_of = {
        "division_id": desk.place.community_id, "day": "2026-11-26", "topic": "fire_safety",
        "households": 40, "demands": 3, "settled": 2,
    }  # fmt: skip
    ids = [post(client, desk, "/visits", who="grid_worker", **round_of).json()["id"] for _ in range(2)]
    assert post(client, desk, "/visits", who="grid_worker", **{**round_of, "settled": 9}).status_code == 422
    back = post(client, desk, f"/visits/{ids[0]}/reversal", who="grid_worker")
    assert (back.status_code, back.json()["households"]) == (201, -40)
    assert post(client, desk, f"/visits/{ids[0]}/reversal", who="grid_worker").status_code == 409
    whole = post(client, desk, f"/visits/{back.json()['id']}/reversal", who="grid_worker")
    assert (whole.status_code, whole.json()["code"]) == (409, "reversal_whole")
    assert get(client, desk, "/visits/figures", division=desk.street) == [
        {"topic": "fire_safety", "rounds": 1, "households": 40, "demands": 3, "settled": 2}
    ]


# Points ----------------------------------------------------------------------------------------------------


def test_points_are_the_sum_of_a_ledger_in_which_nothing_is_altered(client: TestClient, desk: Desk):
    given = {
        "division_id": desk.street,
        "team": "riders",
        "user_id": desk.ids["reporter"],
        "reason": "report",
    }
    first = post(client, desk, "/points", **given, points=5).json()["id"]
    post(client, desk, "/points", **{**given, "user_id": desk.ids["handler"]}, points=3)
    assert post(client, desk, "/points", who="grid_worker", **given, points=1).status_code == 403
    himself = post(client, desk, "/points", **{**given, "user_id": desk.ids["dispatcher"]}, points=1)
    assert (himself.status_code, himself.json()["code"]) == (409, "points_to_oneself")
    assert get(client, desk, "/points/mine", who="reporter")["total"] == 5
    assert get(client, desk, "/points/teams") == [
        {"area": "320924001", "team": "riders", "points": 8, "accounts": 2}
    ]
    assert post(client, desk, f"/points/{first}/reversal").status_code == 201
    assert post(client, desk, f"/points/{first}/reversal").status_code == 409
    mine = get(client, desk, "/points/mine", who="reporter")
    assert (mine["total"], [one["points"] for one in mine["entries"]]) == (0, [-5, 5])
    # Whose points the others are, nobody but the desk reads.
    assert get(client, desk, "/points/mine", who="viewer") == {"total": 0, "entries": []}
    for table in ("points", "visit_counts", "joint_actions"):
        with pytest.raises(DBAPIError, match="append-only"), desk.store.owner.begin() as owner:
            owner.execute(text(f"DELETE FROM {table}"))


# Fields and burden -----------------------------------------------------------------------------------------


def test_a_column_that_no_entry_of_the_register_tells_of_is_not_there(store: Store):
    with store.owner.connect() as owner:
        columns = {
            (row.table_name, row.column_name)
            for row in owner.execute(
                text("SELECT table_name, column_name FROM information_schema.columns"
                     " WHERE table_schema IN ('weige', 'vault')")
            )
            if row.table_name not in RULE_TABLES
            and (row.table_name.startswith("case") or row.table_name in BESIDE)
        }  # fmt: skip
    assert {name for name, _ in columns} >= BESIDE | {"cases", "case_facts", "case_photos"}
    entries = [(one.table, one.column) for one in field_register().fields]
    assert len(entries) == len(set(entries))
    assert columns - set(entries) == set()
    assert set(entries) - columns == set()


def test_every_field_says_what_for_on_what_basis_and_until_when(client: TestClient, desk: Desk):
    listed = get(client, desk, "/fields", who="reporter")
    assert len(listed) == len(field_register().fields)
    for one in listed:
        assert one["purpose"]
        assert one["basis"]
        assert one["kept"]
        assert date.fromisoformat(one["review_by"]) > date.today(), "look again whether it is needed"
    assert {one["column"] for one in listed if one["asked"]} == {
        "text", "address", "category", "condition", "geom", "accuracy_m", "external_number",
    }  # fmt: skip


def test_the_burden_is_what_each_channel_asks_of_those_who_report(client: TestClient, desk: Desk):
    desk.report(channel="courier", text="")
    number = desk.report(channel="courier", address="朝阳路7号")["number"]
    desk.report(channel="desk")
    desk.take(number, ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}))
    now = datetime.now(UTC)
    asked = {"division": desk.street, "first": (now - timedelta(days=1)).isoformat(),
             "before": (now + timedelta(days=1)).isoformat()}  # fmt: skip
    # category and place; then text and address too.
    assert get(client, desk, "/burden", **asked) == [
        {"channel": "courier", "reports": 2, "fields_per_report": 3.0, "steps_per_report": 1.0},
        {"channel": "desk", "reports": 1, "fields_per_report": 3.0, "steps_per_report": 0.0},
    ]
