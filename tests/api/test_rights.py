"""Who may do what where: every role, area and table asked of the database itself, and every route over HTTP.

What is expected stands here as rules in words of the field, not as the policies say it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args
from uuid import uuid4

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.database import Store
from api.dependencies import StoreDep, acting_session
from api.routes.people import Role
from tests.api.accounts import add_area, add_person, bearer, path_of, service
from tests.api.place import Place, draw_community

ROLES: tuple[str, ...] = get_args(Role)
# A reporter hands in cases and reads nothing.
READERS = frozenset(ROLES) - {"reporter"}
PLANNERS = frozenset({"planner", "admin"})
ADMINS = frozenset({"admin"})
DISPATCHERS = frozenset({"dispatcher", "admin"})
OVERSEERS = frozenset({"admin", "auditor"})
EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """Which roles may read, add, change and remove rows; `anywhere` for what belongs to no area."""

    read: frozenset[str]
    add: frozenset[str] = NOBODY
    change: frozenset[str] = NOBODY
    remove: frozenset[str] = NOBODY
    anywhere: frozenset[str] = frozenset()

    def allows(self, operation: str, role: str, *, near: bool) -> bool:
        return role in getattr(self, operation) and (near or operation in self.anywhere)


PLANNED = Rule(READERS, PLANNERS, PLANNERS, PLANNERS)
GROUND_MAP = Rule(EVERYBODY, anywhere=frozenset({"read"}))
HIDDEN = Rule(NOBODY)

CASE_RULES = (
    "case_states", "case_steps", "case_editions", "case_categories", "case_conditions", "case_default_points",
)  # fmt: skip
LAYERS = ("roads", "water", "barriers", "gates", "compounds")
RULES = {
    "division_levels": GROUND_MAP,
    "divisions": Rule(READERS, ADMINS, ADMINS),
    **dict.fromkeys(("grounds", "units", "plans", "versions", "grids"), PLANNED),
    **dict.fromkeys(("assignments", "findings", "expected_changes", "stations"), PLANNED),
    # Everybody sees the map; who plans the communities that something lies in adds and removes it.
    **dict.fromkeys(LAYERS, Rule(EVERYBODY, PLANNERS, NOBODY, PLANNERS, anywhere=frozenset({"read"}))),
    "layer_changes": GROUND_MAP,
    # An account may be made before it has an area; it is seen and disabled by who administers its area.
    "users": Rule(OVERSEERS, ADMINS, ADMINS, anywhere=frozenset({"add"})),
    "grants": Rule(OVERSEERS, ADMINS, NOBODY, ADMINS),
    "keys": Rule(ADMINS, ADMINS, ADMINS),
    "log": Rule(READERS),
    "log of audit": Rule(OVERSEERS),
    **dict.fromkeys(("log_anchors", "version_numbers"), HIDDEN),
    "rate_counters": HIDDEN,
    # Other people's: an answer that is kept for a repeated request belongs to who sent it.
    "idempotency_keys": HIDDEN,
    # A load changes plans: planners start one; who administers there follows it too.
    "jobs": Rule(ADMINS, PLANNERS, ADMINS),
    "job_kinds": GROUND_MAP,
    # Other people's: an upload is seen by who sent it.
    "uploads": HIDDEN,
    # The rules of cases are for everybody to read; nobody writes cases but by the functions.
    **dict.fromkeys(CASE_RULES, GROUND_MAP),
    # A handler sees what his department has; see tests/api/cases/test_loop.py.
    "cases": Rule(READERS - {"handler"}),
    **dict.fromkeys(("case_facts", "case_photos"), Rule(READERS - {"handler"})),
    **dict.fromkeys(("case_intake", "case_publication"), Rule(READERS, ADMINS, ADMINS, ADMINS)),
    # Rules of an area are kept by who administers it; the rest is written by functions of dispatch.
    "dispatch_rules": Rule(READERS, ADMINS, ADMINS),
    "whistle_levels": GROUND_MAP,
    "duties": Rule(READERS, DISPATCHERS, DISPATCHERS),
    "joint_actions": Rule(READERS - {"handler"}, DISPATCHERS),
    **dict.fromkeys(("meetings", "meeting_items"), Rule(READERS - {"handler"})),
    "visit_counts": Rule(READERS, DISPATCHERS | {"grid_worker"}),
    # Others' points are seen by who gives them.
    "points": Rule(DISPATCHERS, DISPATCHERS),
    **dict.fromkeys(("area_modes", "offers", "claims"), Rule(READERS)),
    # A handler sees those of cases that his department has or was called to.
    **dict.fromkeys(("whistles", "whistle_calls"), Rule(READERS - {"handler"})),
    # By an edition all stations are judged: only who administers everything adds one.
    **dict.fromkeys(("checklists", "checklist_items"), GROUND_MAP),
    "station_checks": Rule(READERS, PLANNERS | {"grid_worker", "inspector"}),
    # Rows of an import wait here; whether they may come in is decided when they are filed.
    "case_arrivals": Rule(NOBODY, EVERYBODY, anywhere=frozenset({"add"})),
}  # fmt: skip
# Tables whose rules their own tests tell.
ELSEWHERE = {"events"}

# Ground of an area, and a place in it.
SQUARE = "ST_MakeEnvelope(:lon, 33, :lon + 0.1, 33.1, 4490)"
POINT = "ST_SetSRID(ST_MakePoint(:lon, 33), 4490)"
# A new row of each table, in an area; `:k` is a new text, `:n` a new number.
ADDED = {
    "division_levels": "(code, rank) VALUES (:k, :n)",
    "divisions": "(parent_id, level, code) VALUES (:area, 'community', :k)",
    "grounds": "(community_id, n_units, households, sha256, pair_left, pair_right, border_m, crosses, joins)"
    " VALUES (:area, 0, 0, sha256(convert_to(:k, 'UTF8')), '{}', '{}', '{}', '{}', '{}')",
    "units": "(ground_id, number, community_id, unit_id, households) VALUES (:ground, :n, :area, :k, 1)",
    "plans": "(community_id, name) VALUES (:area, :k)",
    "versions": "(plan_id, community_id, ground_id, min_households, max_households)"
    " VALUES (:plan, :area, :ground, 50, 100)",
    "grids": "(version_id, number, community_id, code, households, units, status)"
    " VALUES (:version, :n, :area, :k, 1, 1, 'ok')",
    "assignments": "(version_id, unit_number, grid_number, community_id, ground_id)"
    " VALUES (:version, 1, 0, :area, :ground)",
    "findings": "(version_id, community_id, code, severity) VALUES (:version, :area, :k, 'info')",
    "expected_changes": "(version_id, number, community_id, day, unit_id)"
    " VALUES (:version, :n, :area, '2027-01-01', :k)",
    "stations": f"(community_id, station_id, name, geom) VALUES (:area, :k, :k, {POINT})",
    "checklists": "(edition, name, source, begins, types, checked_within_days)"
    " VALUES (:k, :k, 'x', current_date, '{x}', 1)",
    "checklist_items": "(edition, position, item, name, words) VALUES ('sheyang-A', :n, 'x', :k, '{x}')",
    "station_checks": "(station_id, item, day, state, set_by)"
    " SELECT id, 'water', current_date, 'working', coalesce(actor(), :person) FROM stations"
    " WHERE community_id = :area LIMIT 1",
    **dict.fromkeys(LAYERS, f"(geom) VALUES ({SQUARE})"),
    "layer_changes": "(layer) VALUES (:k)",
    "users": "(name, created_by) VALUES (:k, actor())",
    "grants": "(user_id, role, division_id) VALUES (:person, 'planner', :area)",
    "keys": "(token_sha256, user_id, kind, created_by, expires_at)"
    " VALUES (sha256(convert_to(:k, 'UTF8')), :person, 'token', actor(), now() + interval '1 day')",
    "log": "(stream, chain, seq, at, community_id, action, body, previous, hash)"
    " VALUES ('edits', :k, 1, now(), :area, 'x', '{}', sha256('x'), sha256('y'))",
    "log of audit": "(stream, chain, seq, at, community_id, action, body, previous, hash)"
    " VALUES ('audit', :k, 1, now(), :area, 'x', '{}', sha256('x'), sha256('y'))",
    "log_anchors": "(stream, chain, seq, hash) VALUES ('audit', :k, 1, sha256('x'))",
    "version_numbers": "(community_id, last) VALUES (-:n, :n)",
    "rate_counters": "(key, n, expires_at) VALUES (:k, 1, now())",
    "idempotency_keys": "(user_id, key, request_sha256) VALUES (:person, :k, 'x')",
    "jobs": "(kind, area_id, created_by) VALUES ('load', :area, actor())",
    "job_kinds": "(kind, roles) VALUES (:k, '{}')",
    "uploads": "(user_id, name, sha256, n_bytes, layers) VALUES (:person, :k, sha256('x'), 1, '[]')",
    "case_states": "(state, party, is_open) VALUES (:k, 'desk', true)",
    "case_steps": "(step, from_state, to_state, roles, needs, reasons, others_than, effects, is_exception)"
    " VALUES (:k, '', 'reported', '{}', '{}', '{}', '{}', '{}', false)",
    "case_editions": "(edition, source) VALUES (:k, 'x')",
    "case_categories": "(edition, category, kind, large_code, large_name, small_name)"
    " VALUES ('unverified-A', :k, 'incident', '1', 'x', 'x')",
    "case_conditions": "(edition, category, number, filing, closing, unit, department)"
    " VALUES ('unverified-A', 'E0102', :n, '', '', '', '')",
    "case_default_points": f"(geom, note) VALUES ({POINT}, :k)",
    "cases": "(number, kind, edition, category, state, area_id, area, place, channel, text, reported_at)"
    " SELECT lpad(cast(:n AS text) || cast(:area AS text), 19, '0'), 'incident', 'unverified-A', 'E0102',"
    " 'reported', :area, path, 'area', 'desk', '', now() FROM divisions WHERE id = :area",
    "case_facts": "(case_id, area_id, state, reported_at, revision) VALUES (:k, :area, 'reported', now(), 1)",
    # The same photo again is another of another case only.
    "case_photos": "(case_id, sha256, width, height, n_bytes, state)"
    " SELECT id, sha256(convert_to(:k, 'UTF8')), 1, 1, 1, state FROM cases WHERE area_id = :area LIMIT 1",
    "case_intake": "(division_id, reporters)"
    " SELECT id, true FROM divisions WHERE parent_id = :area AND level = 'community'",
    "case_publication": "(division_id, published)"
    " SELECT id, true FROM divisions WHERE parent_id = :area AND level = 'community'",
    "dispatch_rules": "(division_id, position, name, department, created_by)"
    " VALUES (:area, 1, :k, 'x', actor())",
    "area_modes": "(division_id, mode, note) VALUES (:area, 'drill', 'x')",
    "duties": "(division_id, grid, place, user_id, starts_at, ends_at, set_by)"
    " VALUES (:area, :k, 'A', :person, now(), now() + interval '1 hour', coalesce(actor(), :person))",
    "joint_actions": "(division_id, title, day, departments, cases, set_by)"
    " SELECT :area, :k, current_date, '{a,b}', ARRAY[number], coalesce(actor(), :person)"
    " FROM cases WHERE area_id = :area",
    "meetings": "(division_id, day, kind, present, set_by)"
    " VALUES (:area, current_date, 'other', 1, coalesce(actor(), :person))",
    "meeting_items": "(meeting_id, position, case_number, outcome, note)"
    " SELECT m.id, 1, c.number, 'put_off', '' FROM meetings m JOIN cases c ON c.area_id = m.division_id"
    " WHERE m.division_id = :area LIMIT 1",
    "visit_counts": "(division_id, day, topic, households, set_by)"
    " VALUES (:area, current_date, 'x', 1, coalesce(actor(), :person))",
    "points": "(division_id, team, user_id, points, reason, set_by)"
    " VALUES (:area, :k, :person, 1, 'x', coalesce(actor(),"
    " (SELECT min(id) FROM users WHERE id <> :person)))",
    "whistle_levels": "(level, rank, wait_minutes, roles) VALUES (:k, :n, 1, '{}')",
    "whistles": "(case_number, area_id, area, note)"
    " SELECT number, area_id, area, '' FROM cases WHERE area_id = :area",
    "whistle_calls": "(whistle_id, department, level, first_due_at, due_at)"
    " SELECT id, :k, 'grid', now(), now() FROM whistles WHERE area_id = :area",
    "offers": "(case_number, area_id, area, category, text, claim_hours)"
    " SELECT number, area_id, area, category, '', 1 FROM cases WHERE area_id = :area",
    "claims": "(offer_id, team, lapses_at) SELECT id, :k, now() FROM offers WHERE area_id = :area",
    "case_arrivals": "(batch, position, category, text, area_id, choices, place, reported_at, day)"
    " VALUES (gen_random_uuid(), :n, 'E0102', '', :area, '{}', 'area', now(), current_date)",
}  # fmt: skip
# Which rows are of the area, and a column that may change (else the first that `same` names).
ROWS = {
    **dict.fromkeys(("grounds", "plans", "findings", "stations"), ("community_id = :area", "community_id")),
    "expected_changes": ("community_id = :area", "community_id"),
    "checklists": ("true", "source"),
    "checklist_items": ("true", "name"),
    "station_checks": ("community_id = :area", "set_at"),
    **dict.fromkeys(("units", "grids", "assignments", "versions"), ("community_id = :area", "community_id")),
    **dict.fromkeys(LAYERS, (f"ST_Intersects(geom, {SQUARE})", "geom")),
    "division_levels": ("true", "rank"),
    "layer_changes": ("true", "layer"),
    "divisions": ("id = :area", "name"),
    "users": ("id = :person", "disabled_at"),
    "grants": ("user_id = :person", "role"),
    "keys": ("user_id = :person", "revoked_at"),
    "log": ("community_id = :area AND stream = 'edits'", "action"),
    "log of audit": ("community_id = :area AND stream = 'audit'", "action"),
    "log_anchors": ("true", "seq"),
    "version_numbers": ("true", "last"),
    "rate_counters": ("true", "n"),
    "idempotency_keys": ("user_id = :person", "status"),
    "jobs": ("area_id = :area", "cancel_requested"),
    "job_kinds": ("true", "roles"),
    "uploads": ("user_id = :person", "name"),
    "case_states": ("true", "party"),
    "case_steps": ("true", "roles"),
    "case_editions": ("true", "source"),
    "case_categories": ("true", "small_name"),
    "case_conditions": ("true", "filing"),
    "case_default_points": ("true", "note"),
    "cases": ("area_id = :area", "state"),
    "case_facts": ("area_id = :area", "state"),
    "case_photos": ("case_id IN (SELECT id FROM cases WHERE area_id = :area)", "state"),
    "case_intake": ("division_id = :area", "reporters"),
    "case_arrivals": ("area_id = :area", "text"),
    "case_publication": ("division_id = :area", "published"),
    "dispatch_rules": ("division_id = :area", "retired_at"),
    "area_modes": ("division_id = :area", "mode"),
    "whistle_levels": ("true", "wait_minutes"),
    "duties": ("division_id = :area", "withdrawn_at"),
    "meeting_items": ("meeting_id IN (SELECT id FROM meetings WHERE division_id = :area)", "note"),
    **dict.fromkeys(
        ("meetings", "joint_actions", "visit_counts", "points"), ("division_id = :area", "set_at")
    ),
    **dict.fromkeys(("whistles", "offers"), ("area_id = :area", "area_id")),
    "whistle_calls": ("whistle_id IN (SELECT id FROM whistles WHERE area_id = :area)", "level"),
    "claims": ("offer_id IN (SELECT id FROM offers WHERE area_id = :area)", "team"),
}
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


# --- the same over HTTP ----------------------------------------------------------------------------------


def rolled_back(request: Request, store: StoreDep) -> Iterator[Session]:
    """The transaction of a request, taken back at its end: each request finds everything as it was."""
    inner = acting_session(request, store)
    session = next(inner)
    try:
        yield session
    finally:
        session.rollback()
        inner.close()


@pytest.fixture
def town(store: Store) -> Iterator[tuple[TestClient, Place, dict[str, object]]]:
    street = add_area(store, "street", "street")
    add_area(store, "elsewhere", "street")
    place = draw_community(store, "320924001001", [[30, 30, 30, 30], [20, 20, 20, 20]], above=street)
    person, _ = add_person(store, "person", ("viewer", place.community_id))
    add_person(store, "gives-points")
    with store.owner.begin() as owner:
        values = {"c": place.community_id, "v": place.version_id, "u": person}
        finding = owner.execute(
            text("INSERT INTO findings (version_id, community_id, code, severity, unit_ids)"
                 " VALUES (:v, :c, 'units_left_out', 'info', ARRAY['u00']) RETURNING id"), values
        ).scalar_one()  # fmt: skip
        station = owner.execute(
            text("INSERT INTO stations (community_id, station_id, name, geom) VALUES (:c, 's1', 's1',"
                 " ST_GeomFromText('POINT(120.0005 33.0005)', 4490)) RETURNING id"), values
        ).scalar_one()  # fmt: skip
        token = owner.execute(text("SELECT id FROM keys WHERE user_id = :u"), values).scalar_one()
        job = owner.execute(
            text("INSERT INTO jobs (kind, area_id, created_by) VALUES ('plan', :c, :u) RETURNING id"), values
        ).scalar_one()
        upload = owner.execute(
            text("INSERT INTO uploads (user_id, name, sha256, n_bytes, layers)"
                 " VALUES (:u, 'units.gpkg', :hash, 1, '[]') RETURNING id"), values | {"hash": bytes(32)}
        ).scalar_one()  # fmt: skip
    ids = {
        "community_id": place.community_id, "division_id": place.community_id, "plan_id": place.plan_id,
        "version_id": place.version_id, "other_id": place.version_id, "finding_id": finding,
        "station_id": station, "user_id": person, "token_id": token, "role": "viewer", "street": street,
        "job_id": job, "upload_id": upload, "seq": 1, "photo_id": uuid4(),
    }  # fmt: skip
    with store.owner.begin() as owner:
        owner.execute(text("SELECT set_config('weige.grants', '{\"dispatcher\": [\"1\"]}', true)"))
        facts = {**REPORT, "edition": "unverified-A", "channel": "desk", "area": place.code}
        ids["number"] = owner.execute(
            text("SELECT report_case(cast(:facts AS jsonb)) ->> 'number'"), {"facts": json.dumps(facts)}
        ).scalar_one()
        # Another one is offered to teams, and the department of all handlers is called to it.
        other = owner.execute(
            text("SELECT report_case(cast(:facts AS jsonb)) ->> 'number'"), {"facts": json.dumps(facts)}
        ).scalar_one()
        call = '\'[{"department": "water works"}]\''
        for statement in ("step_case(:n, 'accept', '{}')", f"blow_whistle(:n, 'grid', {call}, '')"):
            owner.execute(text(f"SELECT {statement}"), {"n": other})
        ids["offer_id"] = owner.execute(text("SELECT offer_case(:n, 24)"), {"n": other}).scalar_one()
        ids["call_id"] = owner.execute(text("SELECT id FROM whistle_calls")).scalar_one()
        ids["rule_id"] = owner.execute(
            text("INSERT INTO dispatch_rules (division_id, position, name, department)"
                 " VALUES (:c, 1, 'all', 'x') RETURNING id"), values
        ).scalar_one()  # fmt: skip
        for key, statement in (
            ("duty_id", "duties (division_id, place, user_id, starts_at, ends_at, set_by)"
                        " VALUES (:c, 'B', :u, '2027-01-01Z', '2027-01-02Z', :u)"),
            ("visit_id", "visit_counts (division_id, day, topic, households, set_by)"
                         " VALUES (:c, '2026-11-26', 'x', 1, :u)"),
            ("points_id", "points (division_id, team, user_id, points, reason, set_by)"
                          " SELECT :c, 'x', :u, 1, 'x', max(id) FROM users WHERE id <> :u"),
        ):  # fmt: skip
            ids[key] = owner.execute(
                text(f"INSERT INTO {statement} RETURNING id"), values | {"u": person}
            ).scalar_one()
    _, planner = add_person(store, "hands-in", ("planner", place.community_id))
    with service(store, requests_per_minute=1_000_000) as client:
        steps = {"headers": {**bearer(planner), "If-Match": "*"}}
        for name in ("submitted", "unused"):
            ids[name] = client.post(f"/api/v1/versions/{place.version_id}/fork", **steps).json()["id"]
        handed_in = client.post(f"/api/v1/versions/{ids['submitted']}/submit", **steps)
        assert handed_in.status_code == 200, handed_in.text
        client.app.dependency_overrides[acting_session] = rolled_back  # type: ignore[attr-defined]
        yield client, place, ids


REPORT = {"category": "E0102", "lon": 120.0005, "lat": 33.0005}
REPORTERS = frozenset({"reporter", "grid_worker", "dispatcher", "verifier", "inspector"})
STATION = {"station_id": "s2", "name": "s2", "lon": 120.0005, "lat": 33.0005}
BODIES: dict[str, Callable[[dict], object]] = {
    "POST /users": lambda ids: {"name": "new"},
    "PATCH /users/{user_id}": lambda ids: {"disabled": True},
    "POST /users/{user_id}/grants": lambda ids: {"role": "planner", "division_id": ids["community_id"]},
    "POST /users/{user_id}/tokens": lambda ids: {"label": "sync"},
    "POST /divisions": lambda ids: {"parent_id": ids["street"], "level": "community", "code": "new"},
    "PATCH /divisions/{division_id}": lambda ids: {"name": "new"},
    "POST /communities/{community_id}/plans": lambda ids: {"name": "new"},
    "POST /versions/{version_id}/findings/{finding_id}/accept": lambda ids: {"note": "seen"},
    "POST /versions/{version_id}/edits": lambda ids: {
        "action": "paint", "moves": [{"unit_ids": ["u01"], "to": "320924001001002"}],
    },
    "POST /versions/{version_id}/divisions": lambda ids: {
        "unit_id": "u01", "floors": [
            {"lowest": 1, "highest": 2, "households": 10}, {"lowest": 3, "highest": 4, "households": 20},
        ],
    },
    "PUT /versions/{version_id}/scenario": lambda ids: {
        "changes": [{"day": "2027-06-30", "unit_id": "u01", "households": 90}],
    },
    "POST /versions/{version_id}/scenario/mending": lambda ids: {
        "day": "2027-06-30", "changes": [{"day": "2027-06-30", "unit_id": "u01", "households": 90}],
    },
    "POST /versions/{version_id}/edits/{seq}/note": lambda ids: {"note": "why"},
    "POST /versions/{version_id}/proposals": lambda ids: {"kind": "balance"},
    "POST /versions/{version_id}/publish": lambda ids: {"valid_from": "2026-01-01"},
    "POST /jobs": lambda ids: {
        "kind": "load", "division_id": ids["community_id"],
        "params": {"plan": {"upload": str(ids["upload_id"])}},
    },
    "POST /uploads": lambda ids: {},
    "POST /cases": lambda ids: REPORT,
    "POST /cases/{number}/steps": lambda ids: {"step": "note", "note": "seen"},
    "POST /cases/{number}/photos": lambda ids: {},
    "PUT /cases/{number}/contact": lambda ids: {"phone": "13900001111"},
    "PUT /intake/{division_id}": lambda ids: {"reporters": True, "anonymous": False},
    "POST /cases/{number}/whistles": lambda ids: {"calls": [{"department": "power"}]},
    "POST /cases/{number}/offer": lambda ids: {"claim_hours": 1},
    "POST /dispatch-rules": lambda ids: {
        "division_id": ids["community_id"], "position": 1, "name": "all", "department": "x",
    },
    "PUT /divisions/{division_id}/publication": lambda ids: {"published": True},
    "POST /duties": lambda ids: {
        "division_id": ids["community_id"], "place": "A", "user_id": ids["user_id"],
        "starts_at": "2027-02-01T00:00:00Z", "ends_at": "2027-02-01T08:00:00Z",
    },
    "POST /joint-actions": lambda ids: {
        "division_id": ids["community_id"], "title": "x", "day": "2026-11-26", "departments": ["a", "b"],
        "cases": [ids["number"]],
    },
    "POST /meetings": lambda ids: {
        "division_id": ids["community_id"], "day": "2026-11-10", "present": 12,
        "items": [{"case": ids["number"], "outcome": "put_off"}],
    },
    "POST /visits": lambda ids: {
        "division_id": ids["community_id"], "day": "2026-11-26", "topic": "x", "households": 1,
    },
    "POST /points": lambda ids: {
        "division_id": ids["community_id"], "team": "x", "user_id": ids["user_id"], "points": 1,
        "reason": "x",
    },
    "POST /modes": lambda ids: {"division_id": ids["community_id"], "mode": "drill", "note": "x"},
    **{
        f"POST /whistle-calls/{{call_id}}/{act}": lambda ids: {"note": "x"}
        for act in ("report-in", "done", "release")
    },
    "POST /offers/{offer_id}/claims": lambda ids: {"team": "water works"},
    "POST /wall/notes": lambda ids: {"number": ids["number"], "said": "acknowledge"},
    "POST /stations": lambda ids: STATION,
    "PUT /stations/{station_id}": lambda ids: STATION,
    "POST /stations/{station_id}/checks": lambda ids: {"seen": [{"item": "water", "state": "working"}]},
    "POST /stations/checklists": lambda ids: {
        "edition": "own-A", "name": "x", "begins": "2026-01-01", "types": ["x"], "checked_within_days": 30,
        "items": [{"item": "water", "name": "x", "words": ["x"]}],
    },
}  # fmt: skip
# A stream never ends; who is told what is in test_live.py.
ENDLESS = {"GET /events"}
# Without an account it is the key of the report that counts; see test_reports.py. Where a station is open is
# anybody's to know, and so are the streets to it; see stations/test_nearest.py.
WITHOUT_ACCOUNT = ("/api/v1/reports", "/api/v1/stations/nearest", "/api/v1/stations/ground")
# Requests about another version than the draft: one that was handed in, one that no other was made from.
VERSIONS = {
    "POST /versions/{version_id}/withdraw": "submitted",
    "POST /versions/{version_id}/publish": "submitted",
    "DELETE /versions/{version_id}": "unused",
    "POST /versions/{version_id}/edits/{seq}/note": "unused",
}
QUERIES = {
    "GET /wall/clusters": {"bbox": "119.9,32.9,120.1,33.1", "zoom": "10"},
    "GET /wall/heat": {"bbox": "119.9,32.9,120.1,33.1", "zoom": "10"},
    "GET /indicators/cases": {"of": "closing"},
    "GET /cases/nearby": {"category": "E0102", "lon": 120.0005, "lat": 33.0005},
    **{
        f"GET {path}": {"division": 1}
        for path in (
            "/duties",
            "/joint-actions",
            "/joint-actions/figures",
            "/visits",
            "/visits/figures",
            "/visits/grids",
            "/meetings",
            "/meetings/figures",
        )
    },
    "GET /duties/gaps": {
        "division": 4,
        "starts_at": "2027-01-01T00:00:00Z",
        "ends_at": "2027-01-02T00:00:00Z",
    },
    "GET /burden": {
        "division": 1,
        "first": "2026-01-01T00:00:00Z",
        "before": "2027-01-01T00:00:00Z",
    },
    "GET /burden/fields": {
        "division": 1,
        "first": "2026-01-01T00:00:00Z",
        "before": "2027-01-01T00:00:00Z",
    },
    "GET /ground": {"bbox": "120,33,120.002,33.001"},
    "DELETE /cases/{number}/photos/{photo_id}": {"why": "a face"},
    "GET /places": {"q": "秦东门大街68号楼"},
    "POST /uploads": {"name": "units.json"},
    "GET /stations/download": {"format": "csv"},
    "GET /grids": {"bbox": "119,32,121,34"},
    "GET /versions/{version_id}/download": {"format": "geojson"},
    "GET /divisions/{division_id}/download": {"format": "geojson"},
}


def expected(name: str, role: str, held: str) -> set[int]:
    """Statuses of a request about a community, for a role held there, above it, or elsewhere."""
    near = held != "elsewhere"
    method, path = name.split(" ")
    seen, done = near and role in READERS, {200, 201, 202, 204}
    if name == "POST /users":
        return done if role in ADMINS else {403}
    if name == "POST /divisions":
        # The street above is on the reader's way; what is elsewhere is not there.
        return done if role in ADMINS and held == "above" else {403} if seen else {404}
    if name == "GET /divisions/{division_id}/map":
        # Nothing is in force there: there is a draft only.
        return {409} if seen else {404}
    if name == "POST /stations":
        # Whose community the place is in is not told.
        return done if near and role in PLANNERS else {403} if seen else {400}
    if name == "POST /stations/checklists":
        return {403}  # nobody here administers everything
    if name == "POST /stations/{station_id}/checks":
        checks = PLANNERS | {"grid_worker", "inspector"}
        return done if near and role in checks else {403} if seen else {404}
    if name == "POST /cases":
        # Whose area the place is in is told to those only who see its cases.
        return done if near and role in REPORTERS else {403} if seen and role != "handler" else {422}
    if name == "POST /wall/notes":
        # As of the steps of a case: who does not see it is not told of it.
        watchers = {"dispatcher", "verifier", "inspector", "grid_worker", "admin"}
        return done if near and role in watchers else {403} if seen and role != "handler" else {404}
    if name == "POST /dispatch-rules" or path.startswith("/dispatch-rules/"):
        return done if near and role in ADMINS else {403} if seen else {404}
    if name in ("POST /duties", "POST /joint-actions", "POST /points") or path.startswith("/duties/{"):
        if path.startswith("/duties/{") and not seen:
            return {404}
        return done if near and role in DISPATCHERS else {403} if seen else {404}
    if path.startswith("/points/{"):
        return done if near and role in DISPATCHERS else {404}  # others' points are not seen
    if name in ("POST /visits", "POST /meetings") or path.startswith("/visits/{"):
        return done if near and role in DISPATCHERS | {"grid_worker"} else {403} if seen else {404}
    if name == "GET /duties/gaps":
        return {200} if seen else {404}
    if name in ("GET /visits", "GET /visits/grids") and role == "reporter":
        return {404}
    if name == "POST /modes":
        return done if near and role in {"dispatcher", "admin"} else {403} if seen else {404}
    if path.startswith("/offers/"):
        return done if near and role == "handler" else {403} if seen else {404}
    if path.startswith("/whistle-calls/"):
        answers = {"release": {"dispatcher", "inspector"}}.get(path.rpartition("/")[2], {"handler"})
        told = {409} if path.endswith("/done") else done  # nobody has reported in yet
        return told if near and role in answers else {403} if seen else {404}
    if path.endswith(("/whistles", "/offer")) and method == "POST" and seen and role != "handler":
        offers = path.endswith("/offer")
        allowed = {"dispatcher"} if offers else {"grid_worker", "dispatcher", "inspector"}
        # It is not accepted yet.
        return {403} if role not in allowed else {409} if offers else done
    if path.startswith("/cases/{number}/") and seen and role != "handler":
        # A photo that is none; one that is not there; a service without the key that seals contacts.
        if path.endswith("{photo_id}"):
            return {404} if method == "GET" or role in {"dispatcher", "admin"} else {403}
        if name == "POST /cases/{number}/photos":
            return {422}
        if name in ("PUT /cases/{number}/contact", "POST /cases/{number}/calls"):
            return {409}
    if path.startswith("/cases/{number}"):
        # A handler sees what his department has: this case nobody has yet.
        if not seen or role == "handler":
            return {404}
        return done if method == "GET" or role in REPORTERS else {403}
    if name == "POST /jobs":
        return done if near and role in PLANNERS else {403} if seen else {404}
    if name == "POST /uploads":
        return {422} if role in READERS else {403}  # an empty object is no layer
    if path.startswith("/intake/{"):
        return done if near and role in ADMINS else {403} if seen else {404}
    if "{" not in path:
        return {200}
    if path.startswith("/uploads"):
        return {404}  # another's
    if path.startswith("/jobs"):
        over = {409} if path.endswith("/result") else done  # it is not done yet
        return over if near and role in ADMINS else {404}
    if path.startswith("/users"):
        seen, allowed = near and role in OVERSEERS, ADMINS
        if path.endswith("{token_id}"):
            return done if near and role in ADMINS else {404}
    else:
        allowed = ADMINS if path.startswith("/divisions") else PLANNERS
    if method == "GET":
        return {200} if seen else {404}
    if path.startswith("/versions/"):
        allowed = ADMINS if path.endswith("/publish") else PLANNERS
    return done if near and role in allowed else {403} if seen else {404}


def test_every_route_holds_each_role_to_its_areas(store: Store, town):
    client, place, ids = town
    elsewhere = add_area(store, "far", "county")
    people = {
        (role, held): add_person(store, f"{role}-{held}", (role, area))[1]
        for role in ROLES
        for held, area in (("there", place.community_id), ("above", ids["street"]), ("elsewhere", elsewhere))
    }
    wrong, unfilled = [], []
    described = client.get("/api/v1/openapi.json").json()["paths"]
    for path, methods in described.items():
        if not path.startswith("/api/v1/") or path.startswith(WITHOUT_ACCOUNT):
            continue  # tiles: what they hold, and not their status, depends on rights; see test_tiles.py
        short = path.removeprefix("/api/v1")
        needed = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        if needed - ids.keys():
            unfilled.append(path)
            continue
        for method, described_route in methods.items():
            name = f"{method.upper()} {short}"
            if name in ENDLESS:
                continue
            address = path.format(**ids | {"version_id": ids[VERSIONS.get(name, "version_id")]})
            body = BODIES.get(name, lambda ids: None)(ids)
            if body is None and described_route.get("requestBody", {}).get("required"):
                unfilled.append(name)
                continue
            for (role, held), token in people.items():
                said = client.request(
                    method, address, json=body, params=QUERIES.get(name),
                    headers={**bearer(token), "If-Match": "*"},
                )  # fmt: skip
                if said.status_code not in expected(name, role, held):
                    wrong.append((name, role, held, said.status_code, said.text[:80]))
                if str(said.status_code) not in described_route["responses"]:
                    wrong.append((name, "undocumented", said.status_code))
                is_json = "json" in said.headers.get("Content-Type", "")
                told = json.dumps(said.json()) if is_json and said.content else said.text
                if held == "elsewhere" and said.status_code == 200 and place.code in told:
                    wrong.append((name, role, held, "tells of a foreign community"))
            without = client.request(method, address, json=body, params=QUERIES.get(name))
            if without.status_code != 401:
                wrong.append((name, "nobody", without.status_code))
    assert unfilled == [], "name their parameters in `town` and their bodies in BODIES"
    assert wrong == []
