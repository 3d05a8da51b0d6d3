"""Dispatch: which rule gives a case to whom; whistles, claims and the mode of an area."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.cases import dispatching
from api.cases.calendar import working_calendar
from api.cases.case_log import digest_cases, verify_cases
from api.cases.categories import shipped_edition
from api.cases.commands import everywhere
from api.cases.dispatch import Rule, is_working, suggest
from api.cases.dispatching import Rounds
from api.cases.importing import import_orders
from api.cases.orders import read_orders
from api.settings import Settings
from api.worker import work
from tests.api.accounts import add_area, add_person, bearer
from tests.api.cases.desk import IN_FIRST, Desk
from tests.api.plans import silent
from tests.api.processes import wait_until

# Thursday 26 November 2026, 10:00 and 22:00 in China.
MORNING, NIGHT = (datetime(2026, 11, 26, hour, tzinfo=UTC) for hour in (2, 14))


def rule(number: int, department: str = "d", **said: Any) -> Rule:
    facts = {"categories": (), "modes": (), "hours": "any", "time_from": None, "time_to": None,
             "automatic": False, **said}  # fmt: skip
    return Rule(id=number, name=f"r{number}", area="a", department=department, **facts)


def fired(*rules: Rule, category: str = "E0402", mode: str = "routine", at: datetime = MORNING) -> int | None:
    found = suggest(
        rules, category=category, large_code=category[:3], mode=mode, at=at, calendar=working_calendar()
    ).rule
    return found and found.id


# Rules -----------------------------------------------------------------------------------------------------


def test_the_first_rule_that_fits_fires_and_those_before_it_say_why_they_do_not():
    rules = (rule(1, categories=("E05",)), rule(2, modes=("emergency",)), rule(3, hours="off"),
             rule(4, time_from=time(22), time_to=time(6)), rule(5, categories=("E04",)), rule(6))  # fmt: skip
    found = suggest(
        rules, category="E0402", large_code="E04", mode="routine", at=MORNING, calendar=working_calendar()
    )
    assert found.rule is rules[4]
    assert [(one.id, why) for one, why in found.passed] == [
        (1, "category"), (2, "mode"), (3, "hours"), (4, "time"),
    ]  # fmt: skip


def test_no_rule_is_the_duty_desk():
    assert fired(rule(1, categories=("E05",))) is None
    assert fired() is None


def test_a_stretch_of_a_day_may_go_over_midnight():
    night = rule(1, time_from=time(22), time_to=time(6))
    assert [fired(night, at=datetime(2026, 11, 26, hour, tzinfo=UTC)) for hour in (13, 14, 21, 22)] == [
        None, 1, 1, None,
    ]  # fmt: skip


def test_working_time_is_that_of_the_calendar_with_its_lunch_and_its_holidays():
    calendar = working_calendar()
    assert is_working(calendar, MORNING)
    assert not is_working(calendar, NIGHT)
    assert not is_working(calendar, datetime(2026, 11, 29, 2, tzinfo=UTC))  # a Sunday
    assert fired(rule(1, hours="working"), rule(2, hours="off"), at=NIGHT) == 2
    found = suggest(
        [rule(1, hours="off")], category="E0402", large_code="E04", mode="routine",
        at=datetime(1999, 1, 1, tzinfo=UTC), calendar=calendar,
    )  # fmt: skip
    assert found.passed[0][1] == "no_calendar"


def add_rule(client: TestClient, desk: Desk, division: int | None = None, who: str = "admin", **said: Any):
    if who == "admin" and "admin" not in desk.tokens:
        desk.ids["admin"], desk.tokens["admin"] = add_person(desk.store, "admin", ("admin", desk.street))
    body = {
        "division_id": division or desk.street, "position": 10, "name": "water",
        "department": "water works", **said,
    }  # fmt: skip
    return client.post("/api/v1/dispatch-rules", json=body, headers=bearer(desk.tokens[who]))


def suggestion(client: TestClient, desk: Desk, number: str) -> dict[str, Any]:
    found = client.get(f"/api/v1/cases/{number}/suggestion", headers=bearer(desk.tokens["dispatcher"]))
    assert found.status_code == 200, found.text
    return dict(found.json())


def step(client: TestClient, desk: Desk, who: str, number: str, name: str, **carried: Any):
    return client.post(
        f"/api/v1/cases/{number}/steps", json={"step": name, **carried}, headers=bearer(desk.tokens[who])
    )


def test_a_communitys_own_rules_come_before_those_of_its_street_and_the_log_names_the_one_that_fired(
    client: TestClient, desk: Desk
):
    number = desk.report()["number"]
    assert suggestion(client, desk, number) == {
        "rule": None, "name": None, "area": None, "department": None, "automatic": False,
        "duty_desk": "320924001", "passed": [],
    }  # fmt: skip
    of_street = add_rule(client, desk, position=1).json()["id"]
    assert suggestion(client, desk, number)["rule"] == of_street
    own = add_rule(client, desk, desk.place.community_id, position=9, name="parks", department="parks",
                   categories=["E01"])  # fmt: skip
    assert own.status_code == 201, own.text
    said = suggestion(client, desk, number)
    assert (said["rule"], said["department"], said["area"]) == (own.json()["id"], "parks", "320924001001")
    desk.take(number, ("dispatcher", "accept"))
    wrong = step(client, desk, "dispatcher", number, "dispatch", to="water works", rule=said["rule"])
    assert (wrong.status_code, wrong.json()["code"]) == (422, "not_of_that_rule")
    taken = step(client, desk, "dispatcher", number, "dispatch", to="parks", rule=said["rule"])
    assert taken.status_code == 201, taken.text
    assert taken.json()["log"][-1]["body"]["rule"] == said["rule"]


def test_only_an_administrator_of_the_area_keeps_rules_and_no_rule_is_altered(client: TestClient, desk: Desk):
    refused = add_rule(client, desk, who="dispatcher")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert add_rule(client, desk, division=1, who="admin").status_code == 403
    made = add_rule(client, desk).json()["id"]
    gone = client.delete(f"/api/v1/dispatch-rules/{made}", headers=bearer(desk.tokens["dispatcher"]))
    assert gone.status_code == 403
    for statement in ("UPDATE dispatch_rules SET department = 'x'", "DELETE FROM dispatch_rules"):
        with pytest.raises(DBAPIError, match="permission denied"):
            desk.call(f"{statement} RETURNING 1", "admin")
    admin = bearer(desk.tokens["admin"])
    assert client.delete(f"/api/v1/dispatch-rules/{made}", headers=admin).status_code == 204
    assert client.delete(f"/api/v1/dispatch-rules/{made}", headers=admin).status_code == 404
    assert client.get("/api/v1/dispatch-rules", headers=admin).json() == []
    with desk.store.owner.connect() as owner:
        told = owner.execute(
            text("SELECT action FROM log WHERE stream = 'audit' AND action LIKE 'dispatch%' ORDER BY id")
        )
        assert list(told.scalars()) == ["dispatch_rule_added", "dispatch_rule_retired"]


def test_an_automatic_rule_dispatches_without_anybodys_word_and_skips_no_step(client: TestClient, desk: Desk):
    made = add_rule(client, desk, categories=["E0402"], automatic=True).json()["id"]
    burst, other = desk.report(category="E0402")["number"], desk.report()["number"]
    assert Rounds(desk.store, working_calendar()).make()["dispatched"] == 1
    assert (desk.row(burst)["state"], desk.row(burst)["holder"]) == ("dispatched", "water works")
    assert desk.row(burst)["due_at"] is not None
    events = desk.events(burst)
    assert [(one.step, one.actor, one.body.get("rule")) for one in events[1:]] == [
        ("accept", None, made), ("dispatch", None, made),
    ]  # fmt: skip
    assert desk.row(other)["state"] == "reported"
    digest_cases(desk.store)
    assert verify_cases(desk.store).faults == ()


def test_cases_that_no_rule_gives_away_do_not_keep_those_after_them_waiting(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dispatching, "MOST_AT_ONCE", 2)
    add_rule(client, desk, automatic=True, categories=["E0402"])
    for category in ("E0102",) * 5 + ("E0402",):
        number = desk.report(category=category)["number"]
    rounds = Rounds(desk.store, working_calendar())
    assert rounds.make()["dispatched"] == 1
    assert (desk.row(number)["state"], desk.row(number)["holder"]) == ("dispatched", "water works")
    assert rounds.make()["dispatched"] == 0


def test_of_several_workers_one_makes_the_round(desk: Desk):
    with desk.store.owner.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": dispatching.ROUNDS_LOCK})
        assert Rounds(desk.store, working_calendar()).make() == {}


def test_a_worker_makes_rounds_beside_its_jobs(client: TestClient, desk: Desk, tmp_path: Path):
    add_rule(client, desk, categories=["E0402"], automatic=True)
    number = desk.report(category="E0402")["number"]
    stop = threading.Event()
    worker = threading.Thread(
        target=work, args=(desk.store, Settings(data_dir=tmp_path)), kwargs={"stop": stop}
    )
    worker.start()
    try:
        wait_until(lambda: desk.row(number)["state"] == "dispatched", what="the dispatch")
    finally:
        stop.set()
        worker.join()
    assert [(one.step, one.actor) for one in desk.events(number)[1:]] == [
        ("accept", None),
        ("dispatch", None),
    ]


# Mode ------------------------------------------------------------------------------------------------------


def set_mode(client: TestClient, desk: Desk, mode: str, who: str = "dispatcher", division: int | None = None):
    body = {"division_id": division or desk.street, "mode": mode, "note": "防汛"}
    return client.post("/api/v1/modes", json=body, headers=bearer(desk.tokens[who]))


def test_the_switch_to_emergency_and_back_is_audited_and_cases_keep_the_mode_they_were_reported_in(
    client: TestClient, desk: Desk
):
    before = desk.report()["number"]
    assert set_mode(client, desk, "emergency", who="viewer").status_code == 403
    assert set_mode(client, desk, "emergency").status_code == 201
    again = set_mode(client, desk, "emergency")
    assert (again.status_code, again.json()["code"]) == (409, "mode_stands")
    during = desk.report()["number"]
    # A drill in a community of an area that is in emergency is no drill.
    assert set_mode(client, desk, "drill", division=desk.place.community_id).status_code == 201
    grave = desk.report()["number"]
    assert set_mode(client, desk, "routine").status_code == 201
    drill = desk.report()["number"]
    modes = [desk.row(number)["mode"] for number in (before, during, grave, drill)]
    assert modes == ["routine", "emergency", "emergency", "drill"]
    assert desk.events(during)[0].body["mode"] == "emergency"
    listed = client.get("/api/v1/modes", headers=bearer(desk.tokens["viewer"])).json()
    assert [(one["area"], one["mode"], one["stands"]) for one in listed] == [
        ("320924001", "routine", True), ("320924001001", "drill", True), ("320924001", "emergency", False),
    ]  # fmt: skip
    with desk.store.owner.connect() as owner:
        told = owner.execute(
            text("SELECT action FROM log WHERE stream = 'audit' AND action LIKE 'mode_%' ORDER BY id")
        )
        assert list(told.scalars()) == ["mode_emergency", "mode_drill", "mode_routine"]
        with pytest.raises(DBAPIError, match="append-only"):
            owner.execute(text("DELETE FROM area_modes"))


def test_rules_of_dispatch_go_by_the_mode_of_the_case(client: TestClient, desk: Desk):
    add_rule(client, desk, position=1, modes=["emergency"], name="flood", department="flood desk")
    add_rule(client, desk, position=2)
    before = desk.report()["number"]
    set_mode(client, desk, "emergency")
    during = desk.report()["number"]
    assert [suggestion(client, desk, one)["name"] for one in (before, during)] == ["water", "flood"]


def test_orders_that_are_imported_have_the_mode_of_the_moment_they_came_in(
    client: TestClient, desk: Desk, tmp_path: Path
):
    set_mode(client, desk, "emergency")
    file = tmp_path / "orders.csv"
    now = datetime.now(UTC)
    rows = [f"W{n},暴露垃圾,{IN_FIRST[0]},{IN_FIRST[1]},{at.isoformat()}"
            for n, at in enumerate((now - timedelta(hours=2), now))]  # fmt: skip
    file.write_text("\n".join(["external_number,category,lon,lat,reported_at", *rows]), encoding="utf-8")
    edition, calendar = shipped_edition(), working_calendar()
    with everywhere(desk.store, "dispatcher") as session:
        import_orders(session, read_orders(file, edition, calendar), edition, calendar, channel="12345",
                      area="320924001", report=silent)  # fmt: skip
    with desk.store.owner.connect() as owner:
        modes = dict(tuple(row) for row in owner.execute(text("SELECT external_number, mode FROM cases")))
    assert modes == {"W0": "routine", "W1": "emergency"}


# Whistles --------------------------------------------------------------------------------------------------


def whistle(client: TestClient, desk: Desk, number: str, who: str = "grid_worker", **said: Any):
    calls = [{"department": "water works", "minutes": 20}, {"department": "power"}]
    body = {"level": "micro_grid", "note": "路面塌陷", "calls": calls, **said}
    return client.post(f"/api/v1/cases/{number}/whistles", json=body, headers=bearer(desk.tokens[who]))


def answer(client: TestClient, desk: Desk, who: str, call: int, act: str):
    return client.post(
        f"/api/v1/whistle-calls/{call}/{act}", json={"note": "到了"}, headers=bearer(desk.tokens[who])
    )


def set_back(desk: Desk, minutes: int) -> None:
    """Let the clocks of calls be so much older."""
    with desk.store.owner.begin() as owner:
        owner.execute(
            text("UPDATE whistle_calls SET due_at = due_at - make_interval(mins => :m)"), {"m": minutes}
        )


def test_departments_that_are_called_have_a_clock_each_and_see_the_case(client: TestClient, desk: Desk):
    desk.ids["power"], desk.tokens["power"] = add_person(desk.store, "power")
    with desk.store.owner.begin() as owner:
        owner.execute(text("INSERT INTO grants VALUES (:u, 'handler', :d, 'power')"),
                      {"u": desk.ids["power"], "d": desk.street})  # fmt: skip
    number = desk.report()["number"]
    power = bearer(desk.tokens["power"])
    assert client.get(f"/api/v1/cases/{number}", headers=power).status_code == 404
    blown = whistle(client, desk, number)
    assert blown.status_code == 201, blown.text
    water_call, power_call = blown.json()["calls"]
    waits = [
        datetime.fromisoformat(call["due_at"]) - datetime.fromisoformat(call["called_at"])
        for call in (water_call, power_call)
    ]
    assert [round(wait / timedelta(minutes=1)) for wait in waits] == [20, 30]
    assert client.get(f"/api/v1/cases/{number}", headers=power).status_code == 200
    early = answer(client, desk, "power", power_call["id"], "done")
    assert (early.status_code, early.json()["code"]) == (409, "call_answered")
    assert answer(client, desk, "power", water_call["id"], "report-in").status_code == 403
    assert answer(client, desk, "reporter", water_call["id"], "report-in").status_code == 404
    assert answer(client, desk, "power", power_call["id"], "report-in").status_code == 201
    again = answer(client, desk, "power", power_call["id"], "report-in")
    assert (again.status_code, again.json()["code"]) == (409, "call_answered")
    assert answer(client, desk, "power", power_call["id"], "done").status_code == 201
    steps = [(one.step, one.body.get("department")) for one in desk.events(number)[1:]]
    assert steps == [("whistle", "water works"), ("whistle", "power"), ("report_in", "power"),
                     ("call_done", "power")]  # fmt: skip
    figures = client.get("/api/v1/whistles/departments", headers=bearer(desk.tokens["viewer"])).json()
    assert [(one["department"], one["calls"], one["reported_in"], one["on_time"]) for one in figures] == [
        ("power", 1, 1, 1), ("water works", 1, 0, 0),
    ]  # fmt: skip
    assert verify_cases(desk.store).faults == ()


def test_a_call_that_nobody_answers_climbs_level_by_level_to_the_street_and_stays_there(
    client: TestClient, desk: Desk
):
    number = desk.report()["number"]
    whistle(client, desk, number, calls=[{"department": "water works"}])
    rounds = Rounds(desk.store, working_calendar())
    assert rounds.make()["escalated"] == 0
    seen = []
    for _ in range(4):
        set_back(desk, 300)
        rounds.make()
        (one,) = client.get(
            f"/api/v1/cases/{number}/whistles", headers=bearer(desk.tokens["viewer"])
        ).json()[0]["calls"]  # fmt: skip
        seen.append((one["level"], one["escalations"]))
    assert seen == [("grid", 1), ("community", 2), ("street", 3), ("street", 3)]
    levels = [one.body["level"] for one in desk.events(number) if one.step == "escalate"]
    assert levels == ["grid", "community", "street"]
    with desk.store.owner.connect() as owner:
        told = owner.execute(
            text("SELECT roles FROM events WHERE kind = 'whistle.escalated' ORDER BY id")
        ).scalars().all()  # fmt: skip
    assert told[-1] == ["dispatcher", "inspector", "admin"]
    # Late is late: an escalation grants no later first deadline.
    answer(client, desk, "handler", one["id"], "report-in")
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE whistle_calls SET first_due_at = first_due_at - interval '20 hours'"))
    (figures,) = client.get("/api/v1/whistles/departments", headers=bearer(desk.tokens["viewer"])).json()
    assert (figures["on_time"], figures["escalated"]) == (0, 1)
    assert verify_cases(desk.store).faults == ()


def test_a_case_is_not_handled_before_every_department_that_was_called_has_finished_or_was_let_go(
    client: TestClient, desk: Desk
):
    number = desk.report()["number"]
    calls = whistle(client, desk, number).json()["calls"]
    desk.take(number, ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}),
              ("handler", "start"))  # fmt: skip
    refused = step(client, desk, "handler", number, "finish", note="好")
    assert (refused.status_code, refused.json()["code"]) == (409, "call_not_done")
    for act in ("report-in", "done"):
        assert answer(client, desk, "handler", calls[0]["id"], act).status_code == 201
    assert step(client, desk, "handler", number, "finish", note="好").status_code == 409
    assert answer(client, desk, "dispatcher", calls[1]["id"], "release").status_code == 201
    assert step(client, desk, "handler", number, "finish", note="好").status_code == 201


# Claims ----------------------------------------------------------------------------------------------------


def team(desk: Desk, name: str) -> dict[str, str]:
    user, token = add_person(desk.store, name)
    desk.ids[name], desk.tokens[name] = user, token
    with desk.store.owner.begin() as owner:
        owner.execute(text("INSERT INTO grants VALUES (:u, 'handler', :d, :n)"),
                      {"u": user, "d": desk.street, "n": name})  # fmt: skip
    return bearer(token)


def offered(client: TestClient, desk: Desk, hours: int = 48) -> tuple[str, int]:
    number = desk.report(category="X9001", text="想要一盏灯")["number"]
    desk.take(number, ("dispatcher", "accept"))
    made = client.post(f"/api/v1/cases/{number}/offer", json={"claim_hours": hours},
                       headers=bearer(desk.tokens["dispatcher"]))  # fmt: skip
    assert made.status_code == 201, made.text
    return number, made.json()["id"]


def board(client: TestClient, desk: Desk) -> dict[str, int]:
    found = client.get("/api/v1/offers", headers=bearer(desk.tokens["viewer"])).json()
    assert sum(found["counts"].values()) == len(found["offers"])
    return {name: n for name, n in found["counts"].items() if n}


def test_an_order_goes_from_the_board_to_a_team_is_done_and_rated(client: TestClient, desk: Desk):
    riders = team(desk, "riders")
    number, offer = offered(client, desk)
    assert board(client, desk) == {"open": 1}
    claimed = client.post(f"/api/v1/offers/{offer}/claims", json={"team": "riders"}, headers=riders)
    assert claimed.status_code == 201, claimed.text
    assert (claimed.json()["column"], claimed.json()["team"]) == ("claimed", "riders")
    assert desk.row(number)["holder"] == "riders"
    desk.take(number, ("riders", "start"), ("riders", "finish", {"note": "装好了"}))
    assert board(client, desk) == {"done": 1}
    assert step(client, desk, "riders", number, "rate", rating=5).status_code == 403
    assert step(client, desk, "grid_worker", number, "rate").json()["code"] == "case_needs_rating"
    assert step(client, desk, "grid_worker", number, "rate", rating=5).status_code == 201
    (one,) = client.get("/api/v1/offers", headers=riders).json()["offers"]
    assert (one["column"], one["rating"], one["lapsed"]) == ("rated", 5, 0)
    assert verify_cases(desk.store).faults == ()


def test_of_two_teams_that_claim_at_once_one_wins_and_the_other_is_told(client: TestClient, desk: Desk):
    headers = [team(desk, name) for name in ("riders", "couriers")]
    _, offer = offered(client, desk)
    gate, answers = threading.Barrier(2), []

    def claim(name: str, headers: dict[str, str]) -> None:
        gate.wait()
        answers.append(client.post(f"/api/v1/offers/{offer}/claims", json={"team": name}, headers=headers))

    threads = [
        threading.Thread(target=claim, args=pair)
        for pair in zip(("riders", "couriers"), headers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert next(one for one in answers if one.status_code == 409).json()["code"] == "claimed_already"
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM claims")).scalar_one() == 1


def test_a_claim_that_is_not_kept_lapses_and_the_order_is_on_the_board_again(client: TestClient, desk: Desk):
    riders, couriers = team(desk, "riders"), team(desk, "couriers")
    number, offer = offered(client, desk, hours=1)
    client.post(f"/api/v1/offers/{offer}/claims", json={"team": "riders"}, headers=riders)
    rounds = Rounds(desk.store, working_calendar())
    assert rounds.make()["lapsed"] == 0
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE claims SET lapses_at = now() - interval '1 minute'"))
    # Whoever is taking a step with the case may end the claim by it: neither waits for the other.
    with desk.store.owner.begin() as step_of_somebody:
        step_of_somebody.execute(text("SELECT FROM cases WHERE number = :n FOR UPDATE"), {"n": number})
        assert rounds.make()["lapsed"] == 0
    assert rounds.make()["lapsed"] == 1
    assert board(client, desk) == {"open": 1}
    taken = client.post(f"/api/v1/offers/{offer}/claims", json={"team": "couriers"}, headers=couriers)
    assert (taken.status_code, taken.json()["lapsed"]) == (201, 1)
    assert [one.step for one in desk.events(number)][-3:] == ["claim", "lapse", "claim"]
    assert verify_cases(desk.store).faults == ()


def test_nobody_claims_for_another_team_or_takes_the_steps_of_the_books_by_hand(
    client: TestClient, desk: Desk
):
    riders = team(desk, "riders")
    number, offer = offered(client, desk)
    refused = client.post(f"/api/v1/offers/{offer}/claims", json={"team": "couriers"}, headers=riders)
    assert refused.status_code == 403
    assert step(client, desk, "dispatcher", number, "claim", to="parks").status_code == 422
    for name in ("claim", "lapse", "whistle", "escalate", "report_in"):
        with pytest.raises(DBAPIError):
            desk.step("both", number, name, to="parks", until="2099-01-01T00:00:00Z")
    with pytest.raises(DBAPIError, match="permission denied"):
        desk.call("SELECT step_for('claims', :n, 'claim', '{\"to\": \"parks\"}')", "both", n=number)
    assert desk.row(number)["state"] == "accepted"


def test_offers_and_whistles_of_other_areas_are_not_there(client: TestClient, desk: Desk):
    elsewhere = add_area(desk.store, "320925001", "street")
    _, token = add_person(desk.store, "far", ("dispatcher", elsewhere), ("handler", elsewhere))
    number, offer = offered(client, desk)
    calls = whistle(client, desk, number).json()["calls"]
    far = bearer(token)
    for method, path, body in (
        ("POST", f"/api/v1/offers/{offer}/claims", {"team": "water works"}),
        ("POST", f"/api/v1/cases/{number}/offer", {}),
        ("POST", f"/api/v1/cases/{number}/whistles", {"calls": [{"department": "x"}]}),
        ("POST", f"/api/v1/whistle-calls/{calls[0]['id']}/report-in", {"note": "x"}),
        ("POST", f"/api/v1/whistle-calls/{calls[0]['id']}/release", {"note": "x"}),
        ("POST", "/api/v1/modes", {"division_id": desk.street, "mode": "emergency", "note": "x"}),
        ("GET", f"/api/v1/cases/{number}/suggestion", None),
        ("GET", f"/api/v1/cases/{number}/whistles", None),
    ):  # fmt: skip
        answered = client.request(method, path, json=body, headers=far)
        assert answered.status_code == 404, (path, answered.text)
    assert client.get("/api/v1/offers", headers=far).json()["offers"] == []
    assert client.get("/api/v1/whistles/departments", headers=far).json() == []
