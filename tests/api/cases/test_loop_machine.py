"""Any people taking any steps with cases: the database lets through what the table says, and no more.

The machine asks for steps at random, allowed or not. What it expects is worked out here from the table and
from what it knows of who did what; what the database did is read back from the log by replay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.cases.case_log import differences, digest_cases, verify_cases
from api.cases.facts import CaseFacts, facts
from api.cases.replay import replay
from api.cases.steps import loop
from api.cluster import Cluster
from tests.api.cases.desk import Desk, open_desk
from tests.api.conftest import empty_store

TABLE = loop()
PEOPLE = (
    "grid_worker", "dispatcher", "handler", "other handler", "verifier", "inspector", "viewer", "reporter",
    "both",
)  # fmt: skip
EVERY_ROLE = {"grid_worker", "dispatcher", "handler", "verifier", "inspector", "viewer", "reporter"}
ROLES_OF = {name: EVERY_ROLE if name == "both" else {name.removeprefix("other ")} for name in PEOPLE}
TAKEN = sorted(name for name, step in TABLE.steps.items() if step.sources)
DEPARTMENTS = ("water works", "parks", "power")
# Of these the accounts of the desk handle the first.
OURS = "water works"


def carried_by(step: str, department: str, duplicate_of: str) -> dict[str, Any]:
    """What a step needs, all of it right."""
    about = TABLE.steps[step]
    later = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    return {
        "note": "好", "reason": about.reasons[0] if about.reasons else None, "to": department,
        "of": duplicate_of, "until": later, "outcome": "satisfied", "due_at": later, "category": "E0104",
        "grid": "320924001001001", "rating": 5,
    }  # fmt: skip


class Loop(RuleBasedStateMachine):
    """Cases of one street, and people who do what they like."""

    desk: Desk
    taken: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, dict[str, Any]] = {}
        with self.desk.store.owner.begin() as owner:
            owner.execute(text("SET LOCAL session_replication_role = replica"))
            for table in ("case_facts", "cases", "events"):
                owner.execute(text(f"DELETE FROM {table}"))
            owner.execute(text("DELETE FROM log"))
            owner.execute(text("ALTER TABLE log ALTER COLUMN id RESTART WITH 1"))

    cases = Bundle("cases")

    @initialize(target=cases)
    def first(self) -> str:
        return self.reported("dispatcher", "report")

    def reported(self, who: str, step: str) -> str:
        number = self.desk.report(who, step=step)["number"]
        self.known[number] = {
            "by": who,
            "handlers": set(),
            "holder": None,
            "states": [TABLE.steps[step].target],
        }
        return str(number)

    @rule(
        target=cases,
        who=st.sampled_from(["grid_worker", "both"]),
        step=st.sampled_from(["report", "collect"]),
    )
    def report(self, who: str, step: str) -> str:
        return self.reported(who, step)

    @rule(number=cases, who=st.sampled_from(PEOPLE), step=st.sampled_from(TAKEN),
          department=st.sampled_from(DEPARTMENTS), other=cases)  # fmt: skip
    def anything(self, number: str, who: str, step: str, department: str, other: str) -> None:
        self.attempt(number, who, step, department, other)

    @rule(number=cases, who=st.sampled_from(PEOPLE), choice=st.integers(0, 30), other=cases,
          department=st.sampled_from(DEPARTMENTS))  # fmt: skip
    def what_the_table_allows(self, number: str, who: str, choice: int, other: str, department: str) -> None:
        steps = [step for step in TABLE.allowed(self.known[number]["states"][-1]) if step.by_hand]
        self.attempt(number, who, steps[choice % len(steps)].name, department, other)

    @rule(number=cases, choice=st.integers(0, 30))
    def what_leads_on(self, number: str, choice: int) -> None:
        """Somebody who may takes a step, so that stories get long."""
        state = self.known[number]["states"][-1]
        steps = [
            step
            for step in TABLE.allowed(state)
            if step.by_hand and step.name not in ("note", "refuse", "mark_duplicate")
        ]
        step = steps[choice % len(steps)] if steps else TABLE.allowed(state)[0]
        for who in PEOPLE:
            if self.why_not(number, who, step.name, number) is None:
                self.attempt(number, who, step.name, OURS, number)
                return

    @rule(number=cases, who=st.sampled_from(PEOPLE), step=st.sampled_from(TAKEN))
    def empty_handed(self, number: str, who: str, step: str) -> None:
        """A step that needs something and carries nothing is never taken."""
        needs = set(TABLE.steps[step].needs) - {
            "grace",
            "held",
            "unheld",
            "requested",
            "unrated",
            "visit_or_reason",
        }
        if not needs:
            return
        before = self.desk.row(number)["revision"]
        with suppress(DBAPIError):
            assert self.desk.step(who, number, step) is None
        assert self.desk.row(number)["revision"] == before

    def why_not(self, number: str, who: str, step: str, other: str) -> str | None:
        """Why a step must be refused; None where it must be taken."""
        case, about = self.known[number], TABLE.steps[step]
        roles = ROLES_OF[who]
        sees = (
            roles - {"reporter", "handler"}
            or case["by"] == who
            or ("handler" in roles and OURS in case.get("receivers", ()))
        )
        if not sees:
            return "unseen"
        if case["states"][-1] not in about.sources:
            return "state"
        mine = "handler" in roles and "handler" in about.roles and case["holder"] == OURS
        if not (
            roles & ({*about.roles} - {"handler"}) or ("own" in about.roles and case["by"] == who) or mine
        ):
            return "role"
        if about.others_than and who in case["handlers"]:
            return "handled"
        held = case["holder"] is not None
        if ("held" in about.needs and not held) or ("unheld" in about.needs and held):
            return "held"
        if "requested" in about.needs and not case.get("requested"):
            return "requested"
        if "unrated" in about.needs and case.get("rated_by_own") and case["by"] != who:
            return "unrated"
        if "visit_or_reason" in about.needs:
            return None
        if "due" in about.needs and case.get("due") is None:
            return "due"
        if "of" in about.needs and (other == number or self.known[other].get("duplicate")):
            return "of"
        if "of" in about.needs and any(one.get("duplicate") == number for one in self.known.values()):
            return "of"
        return None

    def attempt(self, number: str, who: str, step: str, department: str, other: str) -> None:
        case, about = self.known[number], TABLE.steps[step]
        why = self.why_not(number, who, step, other)
        carried = carried_by(step, department, other)
        if step == "extend" and why is None:
            carried["due_at"] = (case["due"] + timedelta(days=1)).isoformat()
        before = self.desk.row(number)
        try:
            told = self.desk.step(who, number, step, **carried)
        except DBAPIError:
            assert why not in (None, "unseen"), (who, step, before["state"])
            assert self.desk.row(number) == before
            return
        if told is None:
            assert why == "unseen", (who, step)
            assert self.desk.row(number) == before
            return
        assert why is None, (who, step, before["state"], why)
        case["states"].append(told["state"])
        self.taken.add(step)
        if "receive" in about.effects:
            case["holder"] = department
            case["receivers"] = [*case.get("receivers", ()), department]
        if {"handle", "approve"} & {*about.effects}:
            case["handlers"].add(who)
        if step in ("request_extension", "request_parking"):
            case["requested"] = True
        if step in ("refuse_request", "extend", "park", "transfer", "return", "submit", "finish"):
            case["requested"] = False
        if step == "mark_duplicate":
            case["duplicate"] = other
        if step == "rate" and case["by"] == who:
            case["rated_by_own"] = True
        if step == "reopen":
            case["duplicate"] = None
            case["rated_by_own"] = False
        if "due" in about.effects:
            case["due"] = datetime.fromisoformat(carried["due_at"])
        if "stop" in about.effects:
            case["due"] = None

    @invariant()
    def stored_cases_are_what_their_events_replay_to(self) -> None:
        for number in self.known:
            events = self.desk.events(number)
            case = replay(events)
            assert case is not None
            with self.desk.store.owner.connect() as owner:
                stored = owner.execute(
                    text("SELECT to_jsonb(c) FROM cases c WHERE number = :n"), {"n": number}
                ).scalar_one()
            assert differences(case, stored) == []
            assert case.state == self.known[number]["states"][-1]
            assert case.receivers == tuple(self.known[number].get("receivers", ()))

    @invariant()
    def what_the_figures_ask_is_what_the_log_tells(self) -> None:
        names = [field.name for field in fields(CaseFacts)]
        with self.desk.store.owner.connect() as owner:
            rows = owner.execute(text(f"SELECT {', '.join(names)} FROM case_facts")).all()
        stored = {row.case_id: CaseFacts(**row._mapping) for row in rows}
        assert stored == {
            number: facts(number, self.desk.place.community_id, self.desk.events(number))
            for number in self.known
        }

    @invariant()
    def no_step_was_passed_over_but_by_a_named_exception_with_a_reason(self) -> None:
        for number in self.known:
            for event in self.desk.events(number):
                step = TABLE.steps[event.step]
                source, target = event.body.get("from"), event.body["state"]
                if source is None:
                    continue
                assert source in step.sources
                if TABLE.passed_over(step, source, target):
                    assert step.is_exception
                    assert event.body["reason"] in step.reasons
                    assert event.step in self.desk.row(number)["exceptions"]

    @invariant()
    def nobody_judged_what_he_handled(self) -> None:
        for number in self.known:
            handled: set[int | None] = set()
            for event in self.desk.events(number):
                step = TABLE.steps[event.step]
                assert not (step.others_than and event.actor in handled)
                if {"handle", "approve"} & {*step.effects}:
                    handled.add(event.actor)

    def teardown(self) -> None:
        """At the end everything holds; then one entry is changed, moved or taken out, and it shows."""
        if not self.known:
            return
        digest_cases(self.desk.store)
        assert verify_cases(self.desk.store).faults == ()
        number = max(self.known, key=lambda one: len(self.known[one]["states"]))
        seq = 1 + len(number + str(len(self.known))) % len(self.known[number]["states"])
        entry = "WHERE stream = 'case' AND chain = :n AND seq = :s"
        for change, codes in (
            (f'UPDATE log SET body = body || \'{{"note": "other"}}\' {entry}', {"altered"}),
            (f"UPDATE log SET actor = NULL {entry}", {"altered"}),
            (f"DELETE FROM log {entry}", {"missing", "digest", "no_log", "differs"}),
            ("DELETE FROM log WHERE stream = 'case' AND chain = :n", {"digest"}),
        ):
            with self.desk.store.owner.begin() as owner:
                owner.execute(text("SET LOCAL session_replication_role = replica"))
                owner.execute(text(change), {"n": number, "s": seq})
            assert {fault.code for fault in verify_cases(self.desk.store).faults} & codes, change


@pytest.fixture
def desk(cluster: Cluster) -> Iterator[Desk]:
    with empty_store(cluster) as store:
        yield open_desk(store)


@pytest.mark.slow
def test_the_loop_holds_whatever_people_do(desk: Desk):
    machine = type("LoopOfDesk", (Loop,), {"desk": desk})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    # The stories went far enough to say something.
    assert len(Loop.taken) >= 20, sorted(Loop.taken)
