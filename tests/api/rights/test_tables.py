"""Who may do what where: every role, area and table asked of the database itself."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.database import Store
from tests.api.accounts import add_area, add_person, path_of
from tests.api.rights.roles import ROLES
from tests.api.rights.tables import ADDED, ELSEWHERE, LAYERS, ROWS, RULES, SQUARE

WHERE = ("own", "sub", "foreign")
DISPATCH = ("dispatch_rules", "area_modes", "whistles", "whistle_calls", "offers", "claims",
            "duties", "joint_actions", "meetings", "meeting_items", "visit_counts", "points")  # fmt: skip


@pytest.fixture
def areas(store: Store) -> dict[str, dict[str, object]]:
    """A county (own), a street below it (sub) and a street of another county (foreign), each with rows."""
    own = add_area(store, "own", "county")
    other = add_area(store, "other", "county")
    found = {"own": own, "sub": add_area(store, "sub", "street", own)}
    found["foreign"] = add_area(store, "foreign", "street", other)
    filled = {}
    add_person(store, "gives-points")
    for place, area in found.items():
        person, _ = add_person(store, f"person-{place}", ("viewer", area))
        ids: dict[str, object] = {"area": area, "person": person, "k": f"first-{place}", "n": 0}
        ids["lon"] = 120.0 + len(filled)
        with store.owner.begin() as owner:
            owner.execute(
                text("INSERT INTO divisions (parent_id, level, code, geom)"
                     f" VALUES (:area, 'community', 'community of ' || :k, {SQUARE})"),
                ids,
            )  # fmt: skip
            for name, key in (("grounds", "ground"), ("plans", "plan")):
                ids[key] = owner.execute(
                    text(f"INSERT INTO {name} {ADDED[name]} RETURNING id"), ids
                ).scalar_one()
            ids["version"] = owner.execute(
                text(f"INSERT INTO versions {ADDED['versions']} RETURNING id"), ids
            ).scalar_one()
            for number in (0, 1):
                owner.execute(
                    text(f"INSERT INTO units {ADDED['units']}"), {**ids, "n": number, "k": f"u{number}"}
                )
            for name in ("case_intake", "case_publication"):
                owner.execute(text(f"INSERT INTO {name} VALUES (:area, true)"), ids)
            of_each = ("grids", "findings", "expected_changes", "stations", "log", "log of audit")
            for name in (
                *of_each,
                "station_checks",
                "idempotency_keys",
                "jobs",
                "cases",
                "case_facts",
                "case_photos",
                "case_default_points",
                *DISPATCH,
            ):
                owner.execute(text(f"INSERT INTO {name.split()[0]} {ADDED[name]}"), ids)
            owner.execute(
                text("INSERT INTO assignments (version_id, unit_number, grid_number, community_id, ground_id)"
                     " VALUES (:version, 0, 0, :area, :ground)"),
                ids,
            )  # fmt: skip
            for name in (*LAYERS, "rate_counters"):
                owner.execute(text(f"INSERT INTO {name} {ADDED[name]}"), ids)
        filled[place] = ids
    return filled


def test_every_table_has_a_rule(store: Store):
    with store.owner.connect() as owner:
        tables = set(
            owner.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'weige'")).scalars()
        )
    assert {name.split()[0] for name in RULES} == tables - ELSEWHERE
    assert RULES.keys() == ADDED.keys() == ROWS.keys()


def attempted(session: Session, statement: str, values: dict[str, object]) -> bool:
    """Whether the database lets a statement touch a row; nothing of it stays."""
    savepoint = session.begin_nested()
    try:
        result = session.execute(text(statement), values)
        return len(result.all()) > 0 if result.returns_rows else result.rowcount > 0  # type: ignore[attr-defined]
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        # A row that others hang on was found, and may be removed once they are gone.
        if state not in ("42501", "23503"):
            raise
        return state == "23503"
    finally:
        savepoint.rollback()


@pytest.mark.parametrize("role", ROLES)
def test_the_database_itself_holds_each_role_to_its_areas(store: Store, areas, role: str):
    actor, _ = add_person(store, "actor")
    wrong = []
    with store.acting(actor, {role: [path_of(store, areas["own"]["area"])]}) as session:
        number = 100
        for name, rule in RULES.items():
            rows, column = ROWS[name]
            table = name.split()[0]
            statements = {
                "read": f"SELECT {column} FROM {table} WHERE {rows}",
                "add": f"INSERT INTO {table} {ADDED[name]}",
                "change": f"UPDATE {table} SET {column} = {'now()' if column.endswith('_at') else column}"
                f" WHERE {rows}",
                "remove": f"DELETE FROM {table} WHERE {rows}",
            }
            for place in WHERE:
                for operation, statement in statements.items():
                    number += 1
                    values = {**areas[place], "k": f"new-{number}", "n": number}
                    got = attempted(session, statement, values)
                    if got != rule.allows(operation, role, near=place != "foreign"):
                        wrong.append((name, operation, place, got))
    assert wrong == []


def test_nobody_raises_himself_or_gives_what_is_not_his(store: Store, areas):
    own, foreign = areas["own"], areas["foreign"]
    actor, _ = add_person(store, "actor")
    give = "INSERT INTO grants (user_id, role, division_id) VALUES (:u, 'planner', :a)"
    with store.acting(actor, {"admin": [path_of(store, own["area"])]}) as session:
        for user, area, given in (
            (own["person"], own["area"], True),
            (actor, own["area"], False),
            (own["person"], foreign["area"], False),
            (foreign["person"], own["area"], False),
        ):
            assert attempted(session, give, {"u": user, "a": area}) is given


def test_who_has_rights_beyond_an_area_is_not_administered_from_it(store: Store, areas):
    own, foreign = areas["own"], areas["foreign"]
    wide, _ = add_person(store, "wide", ("viewer", own["area"]), ("viewer", foreign["area"]))
    actor, _ = add_person(store, "actor")
    values = {"k": "x", "person": wide}
    with store.acting(actor, {"admin": [path_of(store, own["area"])]}) as session:
        assert attempted(session, "SELECT id FROM users WHERE id = :person", values)
        assert not attempted(session, "UPDATE users SET disabled_at = now() WHERE id = :person", values)
        assert not attempted(session, f"INSERT INTO keys {ADDED['keys']}", values)
        assert not attempted(
            session, ADDED["keys"].join(("INSERT INTO keys ", "")).replace("token'", "link'"), values
        )


def test_a_link_for_oneself_a_session_and_a_key_in_another_s_name_are_refused(store: Store, areas):
    actor, _ = add_person(store, "actor")
    add = ("INSERT INTO keys (token_sha256, user_id, kind, created_by, expires_at)"
           " VALUES (sha256('k'), :u, :kind, :by, now() + cast(:life AS interval))")  # fmt: skip
    person = areas["own"]["person"]
    with store.acting(actor, {"admin": [path_of(store, areas["own"]["area"])]}) as session:
        for user, kind, by, life, made in (
            (actor, "token", actor, "1 day", True),
            (actor, "link", actor, "1 day", False),
            (person, "link", actor, "1 day", True),
            (person, "session", actor, "1 day", False),
            (person, "token", person, "1 day", False),
            (person, "token", actor, "500 days", False),
        ):
            assert attempted(session, add, {"u": user, "kind": kind, "by": by, "life": life}) is made


def test_a_key_that_an_administrator_holds_does_not_rise_with_its_account(store: Store, areas):
    own, person = areas["own"], areas["own"]["person"]
    low, _ = add_person(store, "low")
    high, _ = add_person(store, "high")
    root = path_of(store, own["area"]).split(".", maxsplit=1)[0]
    with store.acting(low, {"admin": [path_of(store, own["area"])]}) as session:
        session.execute(text(f"INSERT INTO keys {ADDED['keys']}"), {"k": "low's", "person": person})
    with store.acting(high, {"admin": [root]}) as session:
        session.execute(text(f"INSERT INTO keys {ADDED['keys']}"), {"k": "high's", "person": person})
        session.execute(
            text("INSERT INTO grants (user_id, role, division_id) VALUES (:u, 'viewer', :a)"),
            {"u": person, "a": areas["foreign"]["area"]},
        )
        held = session.execute(
            text("SELECT created_by, revoked_at IS NULL FROM keys WHERE user_id = :u AND created_by > 0"),
            {"u": person},
        )
        assert dict(tuple(row) for row in held) == {low: False, high: True}
