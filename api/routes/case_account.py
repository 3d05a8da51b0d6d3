"""The account of a case: its stages, its clocks with the sum behind them, and who held it how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.cases import queries
from api.cases.calendar import CalendarMissingError
from api.cases.case_log import events_of
from api.cases.clock import Clock, Reckoning
from api.cases.clock_words import limit_words, moment, sentences
from api.cases.filing import reckoning_today
from api.cases.holding import Party, charges, stretches
from api.cases.replay import Event, handovers, instant_of
from api.cases.stages import StageName, Standing, stages
from api.dependencies import SessionDep
from api.fault_lines import fault_line
from api.reader import asked_language
from api.routes.cases import Number, calendar_of, editions_of, require_case
from api.schemas import problems
from maps.text import text

# A step is reckoned for a moment before it is logged.
SAME_WITHIN = timedelta(minutes=1)

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])


class StageOut(BaseModel):
    """One of the seven stages; `passed_over`: an exception of the loop went past it."""

    name: StageName
    standing: Standing
    at: datetime | None


class ClockOut(BaseModel):
    """A clock: until when, when it was met, and the limit in words; nulls where there is none."""

    due_at: datetime | None
    met_at: datetime | None
    limit: str | None


class HeldOut(BaseModel):
    """How long one party held the case, in seconds: by the wall, and as its clock counts."""

    party: Party
    holder: str
    held_s: int
    counted_s: int | None = Field(description="Null where a year has no working calendar")


class CaseAccount(BaseModel):
    """What is reckoned from the log of a case, in the language that is asked for."""

    stages: list[StageOut]
    response: ClockOut
    resolution: ClockOut
    stands_still: str | None = Field(description="Why the clock of handling does, in words")
    why: list[str] = Field(description="Why this deadline: the sum line by line")
    agrees: bool = Field(description="Whether the sum, by the calendar of today, gives the stored deadline")
    clock: Clock = Field(description="What `counted_s` counts")
    held: list[HeldOut]
    first_receiver: str | None
    departments: list[str] = Field(description="Where a dispatcher may send it")


@router.get("/{number}/account", responses=problems(404))
def get_account(number: Number, request: Request, session: SessionDep) -> CaseAccount:
    """Return the stages of a case, its clocks with the sum behind them, and who held it how long."""
    row = require_case(session, number)
    events = events_of(session, number)
    now = datetime.now(UTC)
    language = asked_language(request) or "zh_CN"
    calendar = calendar_of(request)
    category = editions_of(request).read(row.edition).categories[row.category]
    condition = category.condition(row.condition)
    limit = condition.limit if condition else None
    reckoning: Reckoning | None = None
    why: list[str] = []
    try:
        reckoning = reckoning_today(calendar, events, condition)
        if reckoning is not None:
            why = sentences(reckoning, calendar, language)
            passed = _passed_before(events, reckoning)
            if passed is not None:
                at = moment(passed, calendar, language, year=True)
                why.insert(0, text("clock.passed_before", language, at=at))
    except CalendarMissingError as error:
        why = [fault_line(error, language)]
    paused = reckoning is not None and reckoning.due_at is None and row.closed_at is None
    clock = limit.clock if limit else Clock.URGENT_HOURS
    stretched = list(stretches(handovers(events), min(row.closed_at or now, now)))
    is_counted = True
    try:
        held = charges(stretched, calendar, clock)
    except CalendarMissingError as error:
        # By the wall it is known all the same.
        held, is_counted = charges(stretched, calendar, Clock.URGENT_HOURS), False
        why = why or [fault_line(error, language)]
    return CaseAccount(
        stages=[StageOut(name=stage.name, standing=stage.standing, at=stage.at) for stage in stages(events)],
        response=ClockOut(due_at=row.response_due_at, met_at=row.responded_at, limit=None),
        resolution=ClockOut(
            due_at=row.due_at, met_at=row.handled_at, limit=limit_words(limit, language) if limit else None
        ),
        stands_still=text(f"case.state.{row.state}", language) if paused else None,
        why=why,
        agrees=_agree(reckoning.due_at if reckoning else None, row.due_at),
        clock=clock,
        held=[
            HeldOut(
                party=party, holder=holder, held_s=round(charge.held.total_seconds()),
                counted_s=round(charge.counted.total_seconds()) if is_counted else None,
            )
            for (party, holder), charge in held.items()
        ],
        first_receiver=row.receivers[0] if row.receivers else None,
        departments=queries.departments(session, number),
    )  # fmt: skip


def _passed_before(events: Sequence[Event], reckoning: Reckoning) -> datetime | None:
    """Return what a case was due by when it was reported, where that passed before its clock began."""
    due = instant_of(events[0].body.get("due_at"))
    if due is None or due >= reckoning.start or any(event.step == "reopen" for event in events):
        return None
    return due


def _agree(reckoned: datetime | None, stored: datetime | None) -> bool:
    if reckoned is None or stored is None:
        return reckoned is stored
    return abs(reckoned - stored) < SAME_WITHIN
