"""The facts of a case agree with the replay of the same log."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from api.cases.facts import facts
from api.cases.replay import Event, replay
from api.cases.steps import BEFORE, SAME, loop
from tests.api.cases.written_logs import said

START = datetime(2026, 9, 1, 1, tzinfo=UTC)


def walk(chance: random.Random) -> list[Event]:
    """Draw a walk through the table of steps, with what each step must carry."""
    table = loop()
    events: list[Event] = []
    at, state, before, held = START, None, None, False
    for seq in range(1, chance.randint(2, 30)):
        choices = table.openings() if state is None else table.allowed(state)
        choices = tuple(step for step in choices if ("unheld" if held else "held") not in step.needs)
        if not choices:
            break
        step = chance.choice(choices)
        target = {SAME: state, BEFORE: before}.get(step.target, step.target)
        assert target is not None
        body: dict[str, object] = {"state": target, "to": chance.choice(["water", "roads"])}
        if state is None:
            body |= {"edition": "unverified-A", "category": "E0102", "kind": "incident", "mode": "routine"}
            body["urgent"] = chance.random() < 0.2
        else:
            body["from"] = state
        if "stop" in step.effects:
            before = state
        if "due" in step.effects:
            body["due_at"] = said(at + timedelta(hours=chance.randint(1, 50)))
            if chance.random() < 0.5:
                body["close_due_at"] = said(at + timedelta(hours=60))
        body |= {"until": said(at + timedelta(days=9)), "of": "1", "grid": "001", "category": "E0103"}
        body["outcome"] = "satisfied"
        body |= {
            "level": chance.choice(["micro_grid", "grid", "community", "street"]),
            "rating": chance.randint(1, 5),
        }
        if "receive" in step.effects:
            held = True
        else:
            del body["to"]
        events.append(Event(seq, at, step.name, body))
        at, state = at + timedelta(minutes=chance.randint(1, 5000)), target
    return events


def test_facts_agree_with_the_replay_of_the_same_log():
    chance = random.Random(6)
    for n in range(300):
        events = walk(chance)
        case, told = replay(events), facts(str(n), None, events)
        assert case is not None
        assert told is not None

        for name in (
            "reported_at",
            "handled_at",
            "due_at",
            "reworks",
            "reopenings",
            "extensions",
            "category",
        ):
            assert getattr(told, name) == getattr(case, name), name
        assert (told.closed_at or told.cancelled_at) == case.closed_at
        assert told.department == (case.holder or "")
        assert told.parked == (case.state == "parked")


def test_the_steps_that_facts_name_are_those_with_that_effect():
    steps = loop().steps.values()

    assert {step.name for step in steps if "extend" in step.effects} == {"extend"}
    assert {step.name for step in steps if "park" in step.effects} == {"park"}
    assert {step.name for step in steps if step.target == BEFORE} == {"resume", "answer"}
    assert all(step.target in ("handling", "returned") for step in steps if "rework" in step.effects)
