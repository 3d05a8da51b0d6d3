"""The seven stages of a case: what is done, what was passed over, where it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.cases.replay import Event
from api.cases.stages import stages
from api.cases.steps import BEFORE, SAME, loop

CARRIED = {
    "edition": "unverified-A", "category": "E0102", "to": "water", "of": "1", "outcome": "satisfied",
    "until": "2026-12-01T00:00:00+00:00",
}  # fmt: skip


def written(log: str) -> list[Event]:
    """Steps as the table leads them, an hour apart."""
    events: list[Event] = []
    state = before = None
    for n, name in enumerate(log.split()):
        step = loop().steps[name]
        source, target = state, {SAME: state, BEFORE: before}.get(step.target, step.target)
        if "stop" in step.effects:
            before = state
        state = target
        body = {**CARRIED, "state": state, **({} if source is None else {"from": source})}
        events.append(Event(n + 1, datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=n), name, body, n))
    return events


def bar(log: str) -> str:
    """The standings of the seven stages, by their first letters; P: passed over, X: dropped."""
    letters = {"done": "d", "passed_over": "P", "current": "C", "ahead": ".", "dropped": "X"}
    return "".join(letters[stage.standing] for stage in stages(written(log)))


def test_each_step_of_the_loop_takes_the_case_one_stage_on():
    steps = ["report", "accept", "dispatch", "start", "finish", "verify", "close", "appraise"]
    seen = [bar(" ".join(steps[: n + 1])) for n in range(len(steps))]

    assert seen == ["ddC....", "ddC....", "dddC...", "dddC...", "ddddC..", "dddddC.", "ddddddC", "ddddddd"]


def test_what_an_exception_went_past_is_named_and_not_done():
    assert bar("collect settle") == "dPPdC.."
    assert bar("report dispatch_at_once") == "dddC..."
    assert bar("report accept dispatch start finish close_unverified") == "ddddPdC"


def test_what_was_sent_back_is_the_current_stage_again():
    assert bar("report accept dispatch start finish reject") == "dddC..."
    assert bar("report accept dispatch start finish verify close reopen") == "ddC...."
    assert bar("report accept dispatch return") == "ddC...."


def test_a_case_that_waits_stands_where_it_did():
    assert bar("report accept dispatch start ask") == "dddC..."
    assert bar("report accept dispatch park") == "dddC..."


def test_a_cancelled_case_has_no_current_stage():
    assert bar("report refuse") == "ddXXXXX"
    assert bar("report accept dispatch mark_duplicate") == "dddXXXX"


def test_a_stage_keeps_the_moment_at_which_it_was_done():
    log = written("report accept dispatch start finish")
    found = stages(log)

    assert [stage.at for stage in found if stage.standing == "done"] == [
        log[0].at, log[0].at, log[2].at, log[4].at,
    ]  # fmt: skip
