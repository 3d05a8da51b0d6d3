"""Whistles (街道吹哨、部门报到): several departments are called to a case, each with a clock of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.cases.masking import require_impersonal
from api.dependencies import SessionDep
from api.errors import NotFoundError
from api.requests import KeptRoute
from api.routes.cases import Number, StateName
from api.routes.dispatch import RowId, Said
from api.schemas import Body, Line, problems

router = APIRouter(prefix="/api/v1", tags=["dispatch"], route_class=KeptRoute)

Level = Literal["micro_grid", "grid", "community", "street"]
MOST_WHISTLES = 500


class CallIn(Body):
    """A department that is called."""

    department: Line
    minutes: Annotated[int, Field(ge=1, le=10_080)] | None = Field(
        None, description="To report in; else what the level has"
    )


class WhistleIn(Body):
    """A whistle: departments that are to report in, from a level on."""

    level: Level = "community"
    calls: Annotated[list[CallIn], Field(min_length=1, max_length=20)]
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")] = ""

    @model_validator(mode="after")
    def calls_each_once(self) -> WhistleIn:
        """Refuse a department that is called twice."""
        if len({call.department for call in self.calls}) < len(self.calls):
            raise ValueError("a department is called once")
        return self


class CallOut(BaseModel):
    """A department that was called, with its clock; `first_due_at` stays when it escalates."""

    id: int
    department: str
    level: Level
    called_at: datetime
    first_due_at: datetime
    due_at: datetime
    escalations: int
    reported_in_at: datetime | None
    reported_in_note: str | None
    done_at: datetime | None
    done_note: str | None
    released_at: datetime | None
    released_note: str | None
    may_answer: bool = Field(description="The actor handles for that department")
    may_release: bool


class WhistleOut(BaseModel):
    """A whistle with its calls, and how its case stands; `rating` is that of the case."""

    id: int
    case: str
    category_name: str
    area: str
    grid: str | None
    state: StateName
    is_open: bool = Field(description="The case is open: its calls can be answered")
    rating: int | None
    note: str
    blown_by: int | None
    blown_at: datetime
    calls: list[CallOut]


class WhistleBoard(BaseModel):
    """Whistles that the actor sees. Calls are `waiting`, `there` or `ended`; of the waiting some are `late`.

    Late is measured by the first deadline, whatever an escalation granted. A call of a case that ended
    without an answer has ended too.
    """

    counts: dict[Literal["waiting", "late", "there", "ended"], int]
    whistles: list[WhistleOut]


class AnswerIn(Body):
    """What a department says when it is there, or has done its part."""

    note: Said


class DepartmentFigures(BaseModel):
    """How a department answers whistles: the median is over the `reported_in` of its `calls`, in seconds."""

    department: str
    calls: int
    reported_in: int
    on_time: int
    escalated: int
    median_s: float | None


_COUNTS = """
    SELECT count(*) FILTER (WHERE unfinished AND reported_in_at IS NULL) AS waiting,
           count(*) FILTER (WHERE unfinished AND reported_in_at IS NULL AND first_due_at < now()) AS late,
           count(*) FILTER (WHERE unfinished AND reported_in_at IS NOT NULL) AS there,
           count(*) FILTER (WHERE NOT unfinished) AS ended
    FROM seen_calls()"""
# The first deadline of those who are still to come decides which whistle presses most.
_CHOSEN = """
    SELECT whistle FROM seen_calls() GROUP BY whistle HAVING bool_or(unfinished) = :unfinished
    ORDER BY min(first_due_at) FILTER (WHERE unfinished AND reported_in_at IS NULL), whistle DESC
    LIMIT :most"""


@router.post("/cases/{number}/whistles", status_code=201, responses=problems(400, 404, 409))
def blow_whistle(number: Number, body: WhistleIn, session: SessionDep) -> WhistleOut:
    """Call several departments to a case (吹哨), each with a clock of its own until it reports in."""
    require_impersonal(body.note, "note")
    for call in body.calls:
        require_impersonal(call.department, "department")
    made = session.execute(
        text("SELECT blow_whistle(:n, :level, cast(:calls AS jsonb), :note)"),
        {"n": number, "level": body.level, "note": body.note,
         "calls": json.dumps([call.model_dump() for call in body.calls])},
    ).scalar_one()  # fmt: skip
    if made is None:
        raise _no_such_case()
    return next(whistle for whistle in _of_case(session, number) if whistle.id == made)


@router.get("/cases/{number}/whistles", responses=problems(404))
def list_whistles(number: Number, session: SessionDep) -> list[WhistleOut]:
    """List the whistles of a case, with when each department was called and came."""
    if session.execute(text("SELECT 1 FROM cases WHERE number = :n"), {"n": number}).one_or_none() is None:
        raise _no_such_case()
    return _of_case(session, number)


@router.post("/whistle-calls/{call_id}/report-in", status_code=201, responses=problems(400, 404, 409))
def report_in(call_id: RowId, body: AnswerIn, session: SessionDep) -> WhistleOut:
    """Report in (报到): somebody of the department that was called is there."""
    require_impersonal(body.note, "note")
    return _answered(session, call_id, "SELECT answer_call(:id, false, :note)", body.note)


@router.post("/whistle-calls/{call_id}/done", status_code=201, responses=problems(400, 404, 409))
def finish_call(call_id: RowId, body: AnswerIn, session: SessionDep) -> WhistleOut:
    """Say that the department has done its part; a case is handled once all that were called have."""
    require_impersonal(body.note, "note")
    return _answered(session, call_id, "SELECT answer_call(:id, true, :note)", body.note)


@router.post("/whistle-calls/{call_id}/release", status_code=201, responses=problems(400, 404, 409))
def release_call(call_id: RowId, body: AnswerIn, session: SessionDep) -> WhistleOut:
    """Let a department go that was called and is not needed."""
    require_impersonal(body.note, "note")
    return _answered(session, call_id, "SELECT release_call(:id, :note)", body.note)


@router.get("/whistles", responses=problems())
def list_all_whistles(
    session: SessionDep,
    unfinished: Annotated[
        bool, Query(description="Those with a department that is to come or to finish; else those that ended")
    ] = True,
    limit: Annotated[int, Query(ge=1, le=MOST_WHISTLES)] = MOST_WHISTLES,
) -> WhistleBoard:
    """List whistles of the cases that the actor sees, what presses most first, else the last ones first."""
    counts = session.execute(text(_COUNTS)).one()
    chosen = session.execute(text(_CHOSEN), {"unfinished": unfinished, "most": limit}).scalars().all()
    found = {one.id: one for one in _whistles(session, chosen)}
    return WhistleBoard(counts=dict(counts._mapping), whistles=[found[one] for one in chosen])


@router.get("/whistles/departments", responses=problems())
def rank_departments(session: SessionDep) -> list[DepartmentFigures]:
    """Rank departments by the median time from whistle to report-in, over the calls that the actor sees.

    On time is measured by the first deadline, whatever an escalation granted; released calls count nowhere.
    """
    rows = session.execute(
        text("""
            SELECT k.department, count(*) AS calls, count(k.reported_in_at) AS reported_in,
                   count(*) FILTER (WHERE k.reported_in_at <= k.first_due_at) AS on_time,
                   count(*) FILTER (WHERE k.escalations > 0) AS escalated,
                   percentile_cont(0.5) WITHIN GROUP (
                     ORDER BY extract(epoch FROM k.reported_in_at - w.blown_at))
                     FILTER (WHERE k.reported_in_at IS NOT NULL) AS median_s
            FROM whistle_calls k JOIN whistles w ON w.id = k.whistle_id
            WHERE k.released_at IS NULL GROUP BY k.department ORDER BY median_s NULLS LAST, k.department""")
    )
    return [DepartmentFigures.model_validate(row._mapping) for row in rows]


def _answered(session: Session, call_id: int, statement: str, note: str) -> WhistleOut:
    number = session.execute(text(statement), {"id": call_id, "note": note}).scalar_one()
    if number is None:
        raise NotFoundError("call_not_found", "there is no such call")
    return next(
        whistle for whistle in _of_case(session, number) if any(call.id == call_id for call in whistle.calls)
    )


def _of_case(session: Session, number: str) -> list[WhistleOut]:
    chosen = session.execute(text("SELECT id FROM whistles WHERE case_number = :n"), {"n": number}).scalars()
    return _whistles(session, list(chosen))


def _whistles(session: Session, chosen: Sequence[int]) -> list[WhistleOut]:
    rows = session.execute(text("SELECT * FROM called_departments(:chosen)"), {"chosen": list(chosen)}).all()
    heads: dict[int, Row[Any]] = {}
    calls: dict[int, list[CallOut]] = {}
    for row in rows:
        heads[row.whistle] = row
        calls.setdefault(row.whistle, []).append(CallOut.model_validate(row._mapping))
    return [
        WhistleOut.model_validate({**row._mapping, "id": key, "case": row.case_number, "calls": calls[key]})
        for key, row in heads.items()
    ]


def _no_such_case() -> NotFoundError:
    return NotFoundError("case_not_found", "there is no such case")
