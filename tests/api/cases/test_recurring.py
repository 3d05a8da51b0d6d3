"""What was closed and came back: by place and time, by name, and what nobody can tell yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from api.cases.indicators import Period
from api.cases.recurring import Recurring, recurring
from api.dependencies import SESSION_COOKIE
from api.security import sign_in
from tests.api.accounts import PASSWORD, add_person, bearer, service
from tests.api.cases.desk import LAT, LON, Desk, open_desk

NOW = datetime.now(UTC)
PERIOD = Period(NOW - timedelta(days=90), NOW + timedelta(days=1))
METRE = 1 / 111_000  # of latitude, in degrees


@pytest.fixture
def desk(store) -> Desk:
    return open_desk(store)


def reported(desk: Desk, days_ago: float, *, north_m: float = 0.0, **said: object) -> str:
    """Report a case north of a place in the first grid, some days ago."""
    place = (
        {"lon": None, "lat": None}
        if "area" in said
        else {"lon": LON + 2e-4, "lat": LAT + 2e-4 + north_m * METRE}
    )
    number = desk.report(**place, **said)["number"]
    at = NOW - timedelta(days=days_ago)
    with desk.store.owner.begin() as owner:
        for sql in (
            "UPDATE cases SET reported_at = :at WHERE number = :n",
            "UPDATE case_facts SET reported_at = :at WHERE case_id = :n",
        ):
            owner.execute(text(sql), {"at": at, "n": number})
    return number


def closed(desk: Desk, days_ago: float, **said: object) -> str:
    """Report a case and have it closed some days ago."""
    number = reported(desk, days_ago + 1, **said)
    with desk.store.owner.begin() as owner:
        owner.execute(
            text("UPDATE case_facts SET closed_at = :at WHERE case_id = :n"),
            {"at": NOW - timedelta(days=days_ago), "n": number},
        )
    return number


def found(desk: Desk, **how: float) -> Recurring:
    user = desk.ids["inspector"]
    with desk.store.owner.connect() as owner:
        grants = owner.execute(text("SELECT grants_of(:u)"), {"u": user}).scalar_one()
    with desk.store.acting(user, grants) as session:
        return recurring(session, PERIOD, now=NOW, **how)  # type: ignore[arg-type]


def test_the_same_class_near_and_soon_came_back_and_the_parts_add_up(desk: Desk):
    first = closed(desk, 40)
    reported(desk, 39, north_m=20, category="E0203")  # of another class
    reported(desk, 39, north_m=80)  # too far
    again = reported(desk, 20, north_m=30)
    reported(desk, 15, north_m=10)  # the first that came is told
    closed(desk, 60, area="320924001001")  # without a point: nobody can tell

    told = found(desk)
    assert [(one.number, one.again) for one in told.listed] == [(first, again)]
    assert told.listed[0].distance_m == pytest.approx(30, abs=0.5)
    assert (told.closed, told.came_back, told.without_place, told.undecided, told.stayed) == (2, 1, 1, 0, 0)
    # It came 20 days after closing, at 30 m.
    assert found(desk, within_m=25).listed[0].again != again
    assert found(desk, within_days=19).came_back == 0
    assert found(desk, within_days=21).came_back == 1


def test_what_is_closed_of_late_is_not_decided_yet(desk: Desk):
    closed(desk, 29)
    stayed = closed(desk, 31, north_m=150)
    told = found(desk)
    assert (told.closed, told.came_back, told.undecided, told.stayed) == (2, 0, 1, 1)
    assert stayed not in {one.number for one in told.listed}


def test_a_case_that_names_another_came_back_whatever_its_place_but_duplicates_and_drills_did_not(desk: Desk):
    first = closed(desk, 10)
    reported(desk, 9, mode="drill")
    twin = reported(desk, 8)
    with desk.store.owner.begin() as owner:
        other = reported(desk, 50, north_m=170)
        owner.execute(text("UPDATE cases SET duplicate_of = :o WHERE number = :n"), {"o": other, "n": twin})
    assert found(desk).came_back == 0
    named = reported(desk, 5, north_m=140, rework_of=first)
    assert [(one.number, one.again) for one in found(desk).listed] == [(first, named)]


def test_the_route_and_the_page_tell_it(desk: Desk):
    first, again = closed(desk, 3), reported(desk, 2, north_m=12)
    add_person(desk.store, "reader", ("inspector", desk.street), password=True)
    cookie = {SESSION_COOKIE: sign_in(desk.store, "reader", PASSWORD, "127.0.0.1")}
    who = bearer(desk.tokens["inspector"])
    day = (NOW - timedelta(days=3)).date().isoformat()
    with service(desk.store) as client:
        told = client.get("/api/v1/indicators/recurring", params={"day": day, "rule": "year"}, headers=who)
        outside = client.get("/api/v1/indicators/recurring", params={"area": "999"}, headers=who)
        client.cookies.update(cookie)
        page = client.get("/indicators", params={"day": day, "rule": "year"})
    assert told.status_code == 200
    body = told.json()
    assert (body["closed"], body["came_back"], body["listed"][0]["again"]) == (1, 1, again)
    assert outside.status_code == 404
    assert f'href="/cases/{first}"' in page.text
    assert f'href="/cases/{again}"' in page.text
