"""The wall over HTTP: what is shown follows the log, by rights, now and at past moments."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.cases import wall_feed
from api.cases.replay import Event, replay
from api.cases.wall_table import DONE_STATES, OPEN_STATES, is_within
from api.database import Store
from tests.api.accounts import add_area, add_person, bearer
from tests.api.cases.desk import IN_FIRST, IN_SECOND, LAT, LON, Desk, publish
from tests.api.cases.test_facts import START, walk
from tests.api.cases.written_logs import write_logs
from tests.api.place import draw_community
from tests.api.processes import wait_until

WORLD = f"{LON - 0.2},{LAT - 0.2},{LON + 0.4},{LAT + 0.4}"
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient, desk: Desk) -> Ask:
    def asked(what: str, who: str = "viewer", *, status: int = 200, **params: Any) -> Any:
        answer = client.get(f"/api/v1/wall/{what}", params=params, headers=bearer(desk.tokens[who]))
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def when_told(ask: Ask, n: int, **params: Any) -> Any:
    """The figures once so many cases are open: events are numbered after they are committed."""
    return wait_until(
        lambda: told if (told := ask("summary", **params))["open"] == n else None, what=f"{n} open cases"
    )


def test_a_report_a_step_and_an_import_come_to_the_wall(
    client: TestClient, store: Store, desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch
):
    # The table is read anew only some seconds after it was read.
    monkeypatch.setattr(wall_feed, "ANEW_AT_MOST_EVERY_S", 0.0)
    assert ask("summary")["open"] == 0
    first = desk.report()["number"]
    desk.report(lon=IN_SECOND[0], lat=IN_SECOND[1], category="E0402")
    told = when_told(ask, 2)
    assert (told["by_state"], told["reported_today"], told["unmapped"]) == ({"reported": 2}, 2, 0)
    assert told["extent"] == pytest.approx([IN_FIRST[0], LAT + 0.001, IN_SECOND[0], LAT + 0.001])

    desk.take(first, ("dispatcher", "refuse", {"reason": "not_ours", "note": "不属本街道"}))
    told = when_told(ask, 1)
    assert (told["closed_today"], told["reported_today"]) == (1, 2)

    known = ask("summary")["as_of"]
    import_cases(store, desk, 300)
    live = client.app.state.live  # type: ignore[attr-defined]
    wait_until(lambda: live.last > known, what="the event of the import")
    assert ask("summary")["open"] == 301  # the first answer after it


def unplaced(desk: Desk, area: str) -> None:
    """Report a case of which only the division is known."""
    said = {"edition": "unverified-A", "category": "E0102", "channel": "desk", "area": area}
    desk.call("SELECT report_case(cast(:facts AS jsonb))", "dispatcher", facts=json.dumps(said))


def import_cases(store: Store, desk: Desk, n: int) -> None:
    with store.owner.begin() as owner:
        owner.execute(text("SELECT set_config('weige.grants', '{\"admin\": [\"1\"]}', true)"))
        owner.execute(
            text("""
                INSERT INTO case_arrivals (batch, position, category, text, area_id, choices, place, geom,
                                           reported_at, due_at, day)
                SELECT '00000000-0000-0000-0000-000000000000', n, 'E0102', '', :area, '{}', 'point',
                       ST_SetSRID(ST_MakePoint(:lon + n * 1e-4, :lat + n % 17 * 1e-4), 4490),
                       now() - interval '2 days', now() - make_interval(secs => n), '2026-01-01'
                FROM generate_series(1, :n) n"""),
            {"n": n, "lon": LON, "lat": LAT, "area": desk.place.community_id},
        )
        owner.execute(
            text("SELECT import_cases('00000000-0000-0000-0000-000000000000', 'unverified-A', 'x')")
        )


def test_clusters_heat_and_list_count_the_same_cases_at_every_zoom(store: Store, desk: Desk, ask: Ask):
    import_cases(store, desk, 300)
    desk.report()
    unplaced(desk, "320924001001")
    when_told(ask, 302)
    for asked, n, on_map in (
        ({}, 302, 301), ({"overdue": True}, 300, 300), ({"category": "E0402"}, 0, 0),
        ({"state": ["accepted", "reported"]}, 302, 301), ({"community": desk.place.community_id}, 302, 301),
        ({"area": "320924001001", "kind": "incident"}, 302, 301), ({"kind": "wish"}, 0, 0),
    ):  # fmt: skip
        assert ask("summary", **asked)["open"] == n
        for zoom in (0, 5, 9, 12, 13):
            told = ask("clusters", bbox=WORLD, zoom=zoom, **asked)
            assert (told["total"], told["unmapped"], told["in_box"]) == (n, n - on_map, on_map)
            assert sum(one["n"] for one in told["clusters"]) == on_map
            assert sum(n for _, _, n in ask("heat", bbox=WORLD, zoom=zoom, **asked)["points"]) == on_map
    listed = ask("overdue", start=290, limit=20)
    assert (listed["total"], len(listed["cases"])) == (300, 10)
    dues = [case["due_at"] for case in ask("overdue", limit=200)["cases"]]
    assert dues == sorted(dues)


def test_what_no_screen_shows_is_refused(ask: Ask):
    assert ask("clusters", bbox=WORLD, zoom=20, status=400)["code"] == "bbox_too_wide"
    assert ask("clusters", bbox="1,2,3", zoom=3, status=400)["code"] == "bbox"
    assert ask("summary", state="closed", status=422)["code"] == "request_not_valid"
    assert ask("summary", area="no-such", status=404)["code"] == "division_not_found"
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert ask("summary", at=future, status=422)["code"] == "at"


def test_rights_on_the_wall_are_those_of_row_level_security(store: Store, desk: Desk, ask: Ask):
    other = add_area(store, "320924002", "street")
    far = draw_community(store, "320924002001", [[30, 30]], lon=LON + 0.1, lat=LAT, above=other)
    publish(store, far)
    for name, grants in {
        "far": [("dispatcher", other), ("reporter", desk.street)], "nobody": [],
        "one community": [("verifier", desk.place.community_id)],
        "far handler": [("handler", other)], "wide": [("viewer", desk.street), ("handler", other)],
    }.items():  # fmt: skip
        desk.ids[name], desk.tokens[name] = add_person(store, name.replace(" ", "_"), *grants)
    numbers = [desk.report() for _ in range(3)] + [desk.report("reporter") for _ in range(2)]
    numbers += [desk.report("far", lon=LON + 0.101), desk.report("far")]
    unplaced(desk, "320924001")
    for one in (numbers[0], numbers[3]):
        desk.take(one["number"], ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}))
    desk.take(numbers[1]["number"], ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "roads"}))
    n_all = len(numbers) + 1
    desk.ids["all"], desk.tokens["all"] = add_person(
        store, "all", ("auditor", desk.street), ("viewer", other)
    )
    when_told(ask, n_all, who="all")

    for who in desk.ids:
        seen = desk.call("SELECT count(*) FROM cases", who)
        assert ask("summary", who)["open"] == seen, who
        assert ask("clusters", who, bbox=WORLD, zoom=10)["total"] == seen, who
        at = datetime.now(UTC).isoformat()
        assert ask("summary", who, at=at)["open"] == seen, who
    assert ask("summary", "both", role="handler")["open"] == 2
    assert ask("summary", "far", role="dispatcher")["open"] == 1
    assert ask("summary", "viewer", role="verifier")["open"] == 0


def test_a_note_stands_on_every_wall_until_the_case_moves_on(client: TestClient, desk: Desk, ask: Ask):
    number = desk.report()["number"]

    def note(who: str = "dispatcher", **body: Any) -> Any:
        told = client.post(
            "/api/v1/wall/notes", json={"number": number, **body}, headers=bearer(desk.tokens[who])
        )
        return told.status_code, told.json()

    assert note(said="acknowledge", note="已电话通知")[0] == 201
    assert [(n["number"], n["said"], n["note"]) for n in ask("notes")] == [
        (number, "acknowledge", "已电话通知")
    ]
    assert note(said="mute", minutes=30)[0] == 201
    assert [n["said"] for n in ask("notes")] == ["mute"]
    assert note(said="clear")[0] == 201
    assert ask("notes") == []
    note(said="mute", minutes=30)
    desk.take(number, ("dispatcher", "accept"))
    assert ask("notes") == []

    assert note(said="mute")[1]["code"] == "minutes"
    assert note(said="acknowledge", note="请打13800138000")[0] == 422
    assert note("viewer", said="acknowledge")[0] == 403
    number = "3209240010000000000"
    assert note(said="acknowledge")[0] == 404
    with pytest.raises(Exception, match="append-only"), desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE log SET body = '{}' WHERE stream = 'wall'"))


def test_notes_are_told_live_to_whoever_sees_the_case(desk: Desk, store: Store):
    number = desk.report()["number"]
    desk.call("SELECT note_on_wall(:n, 'acknowledge', 'seen', NULL)", "dispatcher", n=number)
    with store.owner.begin() as owner:
        owner.execute(text("SELECT number_events(100)"))

    kinds = "SELECT count(*) FROM events WHERE kind = 'case.noted'"
    assert desk.call(kinds, "viewer") == 1
    assert desk.call(kinds, "reporter") == 0


def test_a_past_moment_on_the_wall_is_the_replay_of_the_log(store: Store, desk: Desk, ask: Ask):
    """Random walks through the loop: at random moments the wall equals the replay of each."""
    chance = random.Random(11)
    logs = [(f"3209242026{n:09d}", desk.place.community_id, drawn(chance)) for n in range(60)]
    write_logs(store, logs)
    project(store, desk, logs)

    some_late = 0
    for _ in range(40):
        at = START + timedelta(days=chance.uniform(0, 20))
        expected: Counter[str] = Counter()
        late = set()
        for number, _, events in logs:
            case = replay(events, until=at)
            if case is None or case.state not in OPEN_STATES:
                continue
            expected[case.state] += 1
            if case.state not in DONE_STATES and case.due_at is not None and case.due_at < at:
                late.add((number, case.category, case.due_at))
        told = ask("summary", at=at.isoformat())
        assert told["by_state"] == dict(expected)
        assert told["overdue"] == len(late)
        listed = ask("overdue", at=at.isoformat(), limit=200)["cases"]
        assert {(c["number"], c["category"], datetime.fromisoformat(c["due_at"])) for c in listed} == late
        some_late += bool(late)
        clusters = ask("clusters", at=at.isoformat(), bbox=WORLD, zoom=11)
        assert clusters["in_box"] == sum(expected.values())
    assert some_late > 20


def drawn(chance: random.Random) -> list[Event]:
    """A walk of steps that the table allows, begun some time later; its deadlines stay where they were."""
    later = timedelta(hours=chance.uniform(0, 60))
    return [replace(event, at=event.at + later) for event in walk(chance)]


def project(store: Store, desk: Desk, logs: list[tuple[str, int, list[Event]]]) -> None:
    """Write the row of each case as its replay leaves it."""
    with store.owner.begin() as owner:
        for number, area, events in logs:
            case = replay(events)
            assert case is not None
            owner.execute(
                text("""
                    INSERT INTO cases (number, kind, edition, category, state, before, area_id, area,
                      community_id, place, geom, channel, text, reported_at, responded_at, handled_at,
                      closed_at, due_at, revision)
                    SELECT :number, 'incident', 'unverified-A', :category, :state, :before, d.id, d.path,
                      d.id, 'point', ST_SetSRID(ST_MakePoint(:lon, :lat), 4490), 'desk', '', :reported,
                      :responded, :handled, :closed, :due, :revision
                    FROM divisions d WHERE d.id = :area"""),
                {"number": number, "category": case.category, "state": case.state, "before": case.before,
                 "lon": LON + hash(number) % 100 * 1e-4, "lat": LAT, "reported": case.reported_at,
                 "responded": case.responded_at, "handled": case.handled_at, "closed": case.closed_at,
                 "due": case.due_at, "revision": case.revision, "area": area},
            )  # fmt: skip


def test_answers_fit_their_schema(desk: Desk, ask: Ask, client: TestClient):
    desk.report(due_at=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    when_told(ask, 1)
    document = client.get("/api/v1/openapi.json", headers=bearer(desk.tokens["viewer"])).json()
    for what, params in (
        ("clusters", {"bbox": WORLD, "zoom": 9}), ("heat", {"bbox": WORLD, "zoom": 9}), ("summary", {}),
    ):  # fmt: skip
        named = document["paths"][f"/api/v1/wall/{what}"]["get"]["responses"]["200"]["content"]
        schema = document["components"]["schemas"][
            named["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        ]
        assert ask(what, **params).keys() == schema["properties"].keys()
    assert is_within("1.2.3", "1.2")
    assert json.dumps(ask("overdue")).count("due_at") == 1
