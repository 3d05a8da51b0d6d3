"""Rows of cases and of the log keep their rules, whoever writes them: also the owner of the database."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.api.cases.desk import Desk

BROKEN = {
    "number": "'32092426112800000x1'",
    "place": "'somewhere'",
    "geom": "NULL",
    "accuracy_m": "-1",
    "channel": "'Desk 1'",
    "external_number": "E'a\\nb'",
    "mode": "'war'",
    "text": "repeat('字', 4001)",
    "address": "repeat('字', 201)",
    "choices": "'{320924001001002}'",
}


@pytest.mark.parametrize("column", BROKEN)
def test_a_row_of_a_case_that_breaks_a_rule_is_refused(desk: Desk, column: str):
    number = desk.report()["number"]
    with pytest.raises(DBAPIError, match="is_case"), desk.store.owner.begin() as owner:
        owner.execute(
            text(f"UPDATE cases SET {column} = {BROKEN[column]} WHERE number = :number"), {"number": number}
        )


@pytest.mark.parametrize("table", ["users", "divisions"])
def test_whoever_and_whatever_the_log_names_is_never_deleted(desk: Desk, table: str):
    desk.report()
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DBAPIError, match="never deleted"), desk.store.owner.begin() as owner:
            owner.execute(text(statement))


@pytest.mark.parametrize(
    ("grants", "areas"),
    [
        ({}, []),
        ({"viewer": []}, []),
        ({"viewer": ["1", "1.20"], "handler": ["3"]}, ["1", "1.20"]),
        ({"viewer": ["1"], "planner": ["1", "2.7"]}, ["1", "1", "2.7"]),
    ],
)
def test_areas_are_those_in_which_one_of_the_roles_is_held(
    desk: Desk, grants: dict[str, list[str]], areas: list[str]
):
    with desk.store.acting(1, grants) as session:
        found = session.execute(text("SELECT areas('viewer', 'planner')::text[]")).scalar_one()
        nothing = session.execute(text("SELECT areas(VARIADIC '{}')::text[]")).scalar_one()
    assert (sorted(found), nothing) == (areas, [])
