"""Where a case stands among the seven stages that cities name: 收集、上报、分拨、处置、核查、结案、考核."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from api.cases.replay import CaseState, Event, after
from api.cases.steps import StepTable, loop

StageName: TypeAlias = Literal["collect", "report", "dispatch", "handle", "verify", "close", "appraise"]
Standing: TypeAlias = Literal["done", "passed_over", "current", "ahead", "dropped"]

# A stage, and the state of the loop with which it is done.
STAGES: Final[tuple[tuple[StageName, str], ...]] = (
    ("collect", "collected"), ("report", "reported"), ("dispatch", "dispatched"), ("handle", "handled"),
    ("verify", "verified"), ("close", "closed"), ("appraise", "appraised"),
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One stage of a case.

    Attributes
    ----------
    name : StageName
    standing : {"done", "passed_over", "current", "ahead", "dropped"}
        `passed_over`: an exception of the loop went past it. `dropped`: the case was cancelled before it.
    at : datetime or None
        When it was done or passed over.
    """

    name: StageName
    standing: Standing
    at: datetime | None = None


def stages(events: Iterable[Event], *, table: StepTable | None = None) -> tuple[Stage, ...]:
    """Return the seven stages of a case, in their order.

    What was sent back or opened again is not done any more: its stage is the current one again. A case that
    waits or is parked stands where it did.

    Raises
    ------
    ReplayError
    """
    steps = table or loop()
    case: CaseState | None = None
    done: dict[StageName, Stage] = {}
    for event in events:
        source = None if case is None else case.state
        case = after(case, event, table=steps)
        if case.state == "cancelled":
            continue
        step = steps.steps[event.step]
        skipped = steps.passed_over(step, source, case.state) if source and step.is_exception else ()
        reached = _place(steps, case)
        for name, state in STAGES:
            place = steps.order.index(state)
            if place > reached:
                done.pop(name, None)
            elif name not in done:
                done[name] = Stage(name, "passed_over" if state in skipped else "done", event.at)
    ended = case is not None and case.state == "cancelled"
    current = None if ended else next((name for name, _ in STAGES if name not in done), None)
    rest: Standing = "dropped" if ended else "ahead"
    return tuple(done.get(name, Stage(name, "current" if name == current else rest)) for name, _ in STAGES)


def _place(steps: StepTable, case: CaseState) -> int:
    """Return how far a case has come, as a place in the order of the loop."""
    state = case.state
    if state in ("parked", "waiting") and case.before is not None:
        state = case.before
    return steps.order.index(steps.states[state].stands_for)
