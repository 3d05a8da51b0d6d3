"""Who may do what where: every route asked over HTTP, by every role there, above it and elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.database import Store
from api.dependencies import StoreDep, acting_session
from tests.api.accounts import add_area, add_person, bearer, service
from tests.api.place import Place, draw_community
from tests.api.rights.answers import expected
from tests.api.rights.roles import ROLES
from tests.api.rights.sent import BODIES, QUERIES, REPORT, VERSIONS

# A stream never ends; who is told what is in tests/api/test_live.py.
ENDLESS = {"GET /events"}
# Without an account it is the key of the report that counts; see tests/api/cases/test_reports.py. Where a
# station is open is anybody's to know, and so are the streets to it; see tests/api/stations/test_nearest.py.
WITHOUT_ACCOUNT = ("/api/v1/reports", "/api/v1/stations/nearest", "/api/v1/stations/ground")


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
            # Tiles: what they hold, and not their status, depends on rights; see tests/api/test_tiles.py.
            continue
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
