"""The loop in the database itself: who may take which step, and what it leaves."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.cases.case_log import digest_cases, verify_cases
from api.cases.steps import loop
from api.database import Store
from tests.api.cases.desk import IN_FIRST, IN_SECOND, ON_BORDER, Desk

WHOLE = [
    ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}), ("handler", "start"),
    ("handler", "finish", {"note": "修好"}), ("verifier", "verify"),
    ("dispatcher", "visit", {"outcome": "satisfied"}), ("dispatcher", "close"),
    ("inspector", "appraise", {"note": "好"}),
]  # fmt: skip


def refused(desk: Desk, *call: object, **carried: object) -> str:
    with pytest.raises(DBAPIError) as error:
        desk.step(*call, **carried)  # type: ignore[arg-type]
    return error.value.orig.diag.constraint_name or error.value.orig.sqlstate  # type: ignore[union-attr]


def test_a_case_goes_the_whole_way_and_its_row_is_its_replay(desk: Desk):
    made = desk.report()
    assert (made["state"], made["grid"], made["question"]) == ("reported", "320924001001001", None)
    assert desk.take(made["number"], *WHOLE)["state"] == "appraised"
    assert [event.step for event in desk.events(made["number"])] == ["report", *(one[1] for one in WHOLE)]
    found = verify_cases(desk.store)
    assert (found.cases, found.entries, found.faults) == (1, 9, ())
    with desk.store.owner.connect() as owner:
        told = owner.execute(
            text("SELECT body ->> 'state' FROM events WHERE kind = 'case' ORDER BY id")
        ).scalars()
        assert set(told) >= {"reported", "accepted", "dispatched", "handled", "closed"}


def test_the_table_of_steps_in_the_database_is_the_one_of_the_package(desk: Desk):
    with desk.store.owner.connect() as owner:
        rows = owner.execute(text("SELECT step, from_state, to_state, roles, effects FROM case_steps")).all()
        states = owner.execute(text("SELECT state, party, is_open FROM case_states")).all()
    assert {
        (row.step, row.from_state, row.to_state, tuple(row.roles), tuple(row.effects)) for row in rows
    } == {
        (step.name, source, step.target, step.roles, step.effects)
        for step in loop().steps.values()
        for source in step.sources or ("",)
    }
    assert {tuple(row) for row in states} == {
        (state.name, state.party.value, state.is_open) for state in loop().states.values()
    }


def test_the_database_refuses_a_verifier_who_handled_the_case(desk: Desk):
    number = desk.report()["number"]
    desk.take(number, *WHOLE[:2], ("both", "start"), ("handler", "finish", {"note": "修好"}))
    assert refused(desk, "both", number, "verify") == "verifier_is_handler"
    # Nor as the owner of the tables, past every function.
    with pytest.raises(DBAPIError, match="verifier_is_handler"), desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE cases SET verifier = handlers[1]"))
    assert desk.take(number, ("verifier", "verify"))["state"] == "verified"


def test_steps_are_held_to_roles_departments_states_and_needs(desk: Desk):
    number = desk.report()["number"]
    assert refused(desk, "grid_worker", number, "accept") == "42501"
    assert refused(desk, "dispatcher", number, "dispatch", to="water works") == "case_step"
    desk.take(number, WHOLE[0])
    assert refused(desk, "dispatcher", number, "dispatch") == "case_needs_to"
    # A department sees a case, and acts on it, once it has it.
    assert desk.step("handler", number, "start") is None
    desk.take(number, ("dispatcher", "dispatch", {"to": "parks"}))
    assert desk.step("handler", number, "start") is None
    desk.take(number, ("dispatcher", "transfer", {"to": "water works", "note": "水务"}))
    desk.take(number, ("handler", "start"))
    assert refused(desk, "handler", number, "finish", note=" ") == "case_needs_note"
    assert refused(desk, "handler", number, "finish", note="请回电13812345678") == "impersonal_text"
    assert refused(desk, "dispatcher", number, "close_unverified", note="x", reason="tired") == "case_step"


def test_the_first_receiver_is_kept_over_five_transfers_and_each_stays_visible(desk: Desk):
    number = desk.report()["number"]
    desk.take(number, WHOLE[0], WHOLE[1])
    for turn in range(5):
        desk.take(number, ("dispatcher", "transfer", {"to": f"office {turn}", "note": "转办"}))
    row = desk.row(number)
    assert row["receivers"] == ["water works", *(f"office {turn}" for turn in range(5))]
    assert (row["holder"], verify_cases(desk.store).faults) == ("office 4", ())


def test_a_border_is_asked_about_and_never_guessed(desk: Desk):
    asked = desk.report(lon=ON_BORDER[0], lat=ON_BORDER[1])
    assert (asked["grid"], asked["question"]) == (None, ["320924001001001", "320924001001002"])
    # About 93 m from the border: near enough for a phone that says it may be 100 m off.
    assert desk.report(lon=IN_FIRST[0], lat=IN_FIRST[1], accuracy_m=100)["question"] is not None
    assert desk.report(lon=IN_FIRST[0], lat=IN_FIRST[1], accuracy_m=50)["question"] is None
    said = desk.report(lon=ON_BORDER[0], lat=ON_BORDER[1], grid="320924001001002")
    assert (said["grid"], said["question"]) == ("320924001001002", None)
    with pytest.raises(DBAPIError, match="not at that grid"):
        desk.report(lon=IN_SECOND[0], lat=IN_SECOND[1], grid="320924001001001")
    assert refused(desk, "grid_worker", asked["number"], "place", grid="elsewhere") == "case_needs_grid"
    assert (
        desk.take(asked["number"], ("grid_worker", "place", {"grid": "320924001001001"}))["question"] is None
    )
    assert verify_cases(desk.store).faults == ()


def test_a_case_has_the_grid_that_was_in_force_when_it_was_reported(desk: Desk):
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE versions SET valid_from = '2026-06-01'"))
    assert desk.report(reported_at="2026-05-31T00:00:00Z")["grid"] is None
    assert desk.report(reported_at="2026-06-01T00:00:00Z")["grid"] == "320924001001001"


def test_what_another_system_could_not_place_is_flagged_and_not_mapped(desk: Desk):
    with desk.store.owner.begin() as owner:
        owner.execute(
            text("INSERT INTO case_default_points (geom, note)"
                 " VALUES (ST_SetSRID(ST_MakePoint(:x, :y), 4490), 'x')"),
            {"x": IN_FIRST[0], "y": IN_FIRST[1]},
        )  # fmt: skip
    made = desk.report("dispatcher", area="320924001")
    assert (made["place"], made["area"], made["grid"]) == ("default_point", "320924001", None)
    assert desk.row(made["number"])["geom"] is None


def test_a_work_order_that_is_sent_again_is_the_same_case(desk: Desk):
    first = desk.report(channel="12345", external_number="W1")
    again = desk.report(channel="12345", external_number="W1", text="另一次")
    assert (first["created"], again["created"], again["number"]) == (True, False, first["number"])
    assert desk.report(channel="other", external_number="W1")["created"]
    assert verify_cases(desk.store).entries == 2


def test_a_duplicate_is_linked_and_a_chain_of_them_leads_nowhere(desk: Desk):
    first, second, third = (desk.report()["number"] for _ in range(3))
    assert refused(desk, "dispatcher", second, "mark_duplicate", of=second) == "case_needs_of"
    assert refused(desk, "dispatcher", second, "mark_duplicate", of="0" * 19) == "case_needs_of"
    desk.take(second, ("dispatcher", "mark_duplicate", {"of": first}))
    assert desk.row(second)["duplicate_of"] == first
    assert refused(desk, "dispatcher", third, "mark_duplicate", of=second) == "case_needs_of"
    assert refused(desk, "dispatcher", first, "mark_duplicate", of=third) == "case_has_duplicates"


def test_what_was_settled_on_the_spot_is_a_case_with_a_named_exception(desk: Desk):
    number = desk.report(step="collect")["number"]
    desk.take(number, ("grid_worker", "settle", {"note": "当场清理", "reason": "on_the_spot"}))
    assert desk.row(number)["exceptions"] == ["settle"]
    assert refused(desk, "both", number, "reject", note="x") == "case_needs_held"
    assert desk.take(number, ("verifier", "verify"))["state"] == "verified"


def test_who_reports_sees_his_own_case_and_no_other(desk: Desk):
    mine, other = desk.report("reporter")["number"], desk.report()["number"]
    seen = "SELECT array_agg(number) FROM cases"
    assert desk.call(seen, "reporter") == [mine]
    assert set(desk.call(seen, "viewer")) == {mine, other}
    assert desk.call("SELECT count(*) FROM log WHERE stream = 'case'", "reporter") == 1
    assert desk.call(seen, "handler") is None
    desk.take(other, *WHOLE[:2])
    assert desk.call(seen, "handler") == [other]


def test_a_case_that_nobody_s_account_reported_is_nobody_s_own(desk: Desk):
    number = desk.report()["number"]
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE cases SET reported_by = NULL"))
    assert desk.step("reporter", number, "note", note="x") is None
    assert refused(desk, "viewer", number, "note", note="x") == "42501"
    with desk.store.acting(None, {}) as session:
        asked = text("SELECT step_case(:n, 'note', '{\"note\": \"x\"}')")
        assert session.execute(asked, {"n": number}).scalar_one() is None


def test_a_street_may_close_its_door_to_reporters(desk: Desk):
    with desk.store.owner.begin() as owner:
        owner.execute(text("INSERT INTO case_intake VALUES (:s, false)"), {"s": desk.street})
    with pytest.raises(DBAPIError, match="no area where the actor reports"):
        desk.report("reporter")
    assert desk.report("grid_worker")["created"]


@pytest.mark.parametrize(
    "call",
    [
        "UPDATE cases SET state = 'closed'", "DELETE FROM cases", "INSERT INTO cases (number) VALUES ('1')",
        "SELECT log_append('case', '1', 'close', '{}')", "SELECT * FROM case_arrivals",
        "SELECT append_case_event('1', 1, sha256('x'), now(), 1, 'close', '{}')",
        "DELETE FROM case_steps",
    ],
)  # fmt: skip
def test_nobody_writes_past_the_functions(desk: Desk, call: str):
    desk.report()
    with pytest.raises(DBAPIError) as error:
        desk.call(call, "both")
    assert error.value.orig.sqlstate == "42501"  # type: ignore[union-attr]


def tamper(store: Store, *statements: str) -> None:
    with store.owner.begin() as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            assert owner.execute(text(statement)).rowcount > 0, statement


@pytest.mark.parametrize(
    ("statements", "codes"),
    [
        (
            ['UPDATE log SET body = body || \'{"text": "x"}\' WHERE seq = 1 AND chain = :n'],
            {"altered", "digest"},
        ),
        (["DELETE FROM log WHERE seq = 2 AND chain = :n"], {"missing", "digest"}),
        (
            [
                "UPDATE log SET seq = seq + 100 WHERE seq IN (4, 6) AND chain = :n",
                "UPDATE log SET seq = 110 - seq WHERE seq > 100 AND chain = :n",
            ],
            {"altered", "unlinked", "digest"},
        ),
        (["DELETE FROM log WHERE seq = 9 AND chain = :n"], {"differs", "digest"}),
        (["DELETE FROM log WHERE chain = :n", "DELETE FROM cases WHERE number = :n"], {"digest"}),
        (["DELETE FROM log WHERE chain = :n"], {"no_log", "digest"}),
        (["DELETE FROM cases WHERE number = :n"], {"no_case"}),
        (["UPDATE cases SET holder = 'x' WHERE number = :n"], {"differs"}),
    ],
)
def test_whoever_owns_the_database_and_changes_the_past_is_seen(
    desk: Desk, statements: list[str], codes: set[str]
):
    other, number = desk.report()["number"], desk.report()["number"]
    desk.take(number, *WHOLE)
    assert digest_cases(desk.store) == 1
    assert verify_cases(desk.store).faults == ()
    tamper(desk.store, *(statement.replace(":n", f"'{number}'") for statement in statements))
    found = verify_cases(desk.store)
    assert {fault.code for fault in found.faults} & codes, found.faults
    assert {fault.code for fault in found.faults} <= codes, found.faults
    assert all(fault.number != other for fault in found.faults)


def test_ids_that_a_load_used_up_and_took_back_do_not_stop_the_digests(desk: Desk):
    with desk.store.owner.begin() as owner:
        owner.execute(text("ALTER TABLE log ALTER COLUMN id RESTART WITH 1000"))
    numbers = [desk.report()["number"] for _ in range(3)]
    with desk.store.owner.begin() as owner:
        put = [owner.execute(text("SELECT digest_cases(2)")).scalar_one() for _ in range(3)]
        bodies = owner.execute(
            text("SELECT body FROM log WHERE stream = 'case_digest' ORDER BY seq")
        ).scalars()
        assert [(body["entries"], body["to"]) for body in bodies] == [(2, 1001), (1, 1002)]
    assert [one is None for one in put] == [False, False, True]
    found = verify_cases(desk.store)
    assert (found.cases, found.undigested, found.faults) == (len(numbers), 0, ())


def test_what_commits_after_a_digest_is_in_the_next_one(desk: Desk):
    desk.report()
    with desk.store.owner.connect() as slow, slow.begin():
        slow.execute(text("SELECT set_config('weige.grants', :g, true)"), {"g": '{"grid_worker": ["1"]}'})
        slow.execute(
            text("SELECT report_case(cast(:f AS jsonb))"),
            {"f": '{"edition": "unverified-A", "category": "E0102", "channel": "x", "area": "320924001001"}'},
        )
        desk.report()
        assert digest_cases(desk.store) == 1
    assert digest_cases(desk.store) == 1
    assert digest_cases(desk.store) == 0
    with desk.store.owner.connect() as owner:
        bodies = (
            owner.execute(text("SELECT body FROM log WHERE stream = 'case_digest' ORDER BY seq"))
            .scalars()
            .all()
        )
    assert [body["entries"] for body in bodies] == [2, 1]
    assert len(bodies[1]["late"]) == 1
    assert verify_cases(desk.store).faults == ()
