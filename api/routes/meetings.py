"""What came of meetings (小区议事日, 巷理事): counts of heads and the outcome of each case, append-only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.areas import with_area
from api.cases.masking import require_impersonal
from api.dependencies import SessionDep
from api.errors import NotFoundError
from api.requests import KeptRoute
from api.routes.cases import CaseNumber
from api.schemas import Body, problems
from maps.text import Language

router = APIRouter(prefix="/api/v1/meetings", tags=["mechanisms"], route_class=KeptRoute)

MOST_MEETINGS = 200
MOST_ITEMS = 1000
MeetingKind = Literal["estate_day", "lane_list", "other"]
Outcome = Literal["decided", "put_off", "sent_on"]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]
DivisionQuery = Annotated[int, Query(ge=1, le=2**63 - 1, description="Id of a division; what lies in it too")]
FirstDay = Annotated[date | None, Query(description="First day")]
DayAfter = Annotated[date | None, Query(description="First day after")]


class MeetingItemIn(Body):
    """What came of a case that was talked about."""

    case: CaseNumber
    outcome: Outcome
    note: Note = Field("", description="What was decided, or where to it was sent; needed but of `put_off`")


class MeetingIn(Body):
    """The record of a meeting: heads are counted, nobody is named."""

    division_id: Id
    day: date
    kind: MeetingKind = "estate_day"
    present: Annotated[int, Field(ge=1, le=100_000, description="How many were there")]
    note: Note = ""
    corrects: Id | None = Field(None, description="Record of which this one is the right form")
    items: Annotated[list[MeetingItemIn], Field(max_length=MOST_ITEMS)]


class MeetingItemOut(BaseModel):
    """What came of a case in a meeting; `state` is that of today, null for whoever does not see the case."""

    case: str
    outcome: Outcome
    note: str
    state: str | None


class MeetingOut(BaseModel):
    """The record of a meeting."""

    id: int
    area: str
    day: date
    kind: MeetingKind
    present: int
    note: str
    corrects: int | None
    corrected_by: int | None = Field(description="Record that holds instead of this one")
    set_by: int
    set_at: datetime
    items: list[MeetingItemOut]


class MeetingFigures(BaseModel):
    """Meetings of a kind in all, without those that were corrected."""

    kind: MeetingKind
    meetings: int
    present: int = Field(description="Heads, counted at each meeting anew")
    decided: int
    put_off: int
    sent_on: int


_WITHIN = """
    d.path <@ (SELECT path FROM divisions WHERE id = :division)
    AND (cast(:first AS date) IS NULL OR m.day >= :first)
    AND (cast(:before AS date) IS NULL OR m.day < :before)"""


@router.post("", status_code=201, responses=problems(400, 404, 409))
def record_meeting(body: MeetingIn, session: SessionDep) -> MeetingOut:
    """Record a meeting: how many were present, and what came of each case; it stays as it was written.

    A mistake is put right by a record that `corrects` the first. Decisions of a meeting that was held on the
    file of `weige map` come in as cases first (`weige comments merge`, `weige cases import`).
    """
    require_impersonal(body.note, "note")
    for place, item in enumerate(body.items):
        require_impersonal(item.note, f"items.{place}.note")
    made = session.execute(
        text("SELECT record_meeting(:d, :day, :kind, :present, :note, :corrects, cast(:items AS jsonb))"),
        {"d": body.division_id, "day": body.day, "kind": body.kind, "present": body.present,
         "note": body.note, "corrects": body.corrects,
         "items": json.dumps([item.model_dump() for item in body.items])},
    ).scalar_one()  # fmt: skip
    if made is None:
        raise NotFoundError("division_not_found", "there is no such division, or no such record in it")
    # Whoever records meetings reads cases there, and so their records.
    return _meetings(session, "m.id = :id", id=made)[0]


@router.get("", responses=problems())
def list_meetings(
    session: SessionDep, division: DivisionQuery, first: FirstDay = None, before: DayAfter = None
) -> list[MeetingOut]:
    """List the records of meetings in a division, the last day first, those that were corrected too."""
    return _meetings(session, _WITHIN, division=division, first=first, before=before)


@router.get("/figures", responses=problems())
def count_meetings(
    session: SessionDep, division: DivisionQuery, first: FirstDay = None, before: DayAfter = None
) -> list[MeetingFigures]:
    """Add up meetings, heads and outcomes of a division by kind of meeting."""
    rows = session.execute(
        text(f"""
            SELECT m.kind, count(*) AS meetings, sum(m.present) AS present,
                   coalesce(sum(i.decided), 0) AS decided, coalesce(sum(i.put_off), 0) AS put_off,
                   coalesce(sum(i.sent_on), 0) AS sent_on
            FROM meetings m JOIN divisions d ON d.id = m.division_id, LATERAL (
              SELECT count(*) FILTER (WHERE outcome = 'decided') AS decided,
                     count(*) FILTER (WHERE outcome = 'put_off') AS put_off,
                     count(*) FILTER (WHERE outcome = 'sent_on') AS sent_on
              FROM meeting_items WHERE meeting_id = m.id) i
            WHERE {_WITHIN} AND NOT EXISTS (SELECT FROM meetings later WHERE later.corrects = m.id)
            GROUP BY m.kind ORDER BY m.kind"""),
        {"division": division, "first": first, "before": before},
    )
    return [MeetingFigures.model_validate(row._mapping) for row in rows]


def last_meetings(
    session: Session, places: Sequence[str] | None, most: int, language: Language
) -> list[dict[str, Any]]:
    """Return the last records that hold, those of areas (codes) or of all; the author where he is seen."""
    rows = session.execute(
        text("""
            SELECT m.id, m.division_id, d.name, d.level, d.code, m.day, m.kind, m.present, m.note,
                   m.corrects, m.set_at, u.name AS author,
                   (SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'case', i.case_number, 'outcome', i.outcome, 'note', i.note, 'state', c.state,
                      'category', c.category) ORDER BY i.position), '[]')
                    FROM meeting_items i LEFT JOIN cases c ON c.number = i.case_number
                    WHERE i.meeting_id = m.id) AS items
            FROM meetings m JOIN divisions d ON d.id = m.division_id LEFT JOIN users u ON u.id = m.set_by
            WHERE (cast(:places AS text[]) IS NULL OR d.path <@ ANY (
                     SELECT path FROM divisions WHERE code = ANY (:places)))
              AND NOT EXISTS (SELECT FROM meetings later WHERE later.corrects = m.id)
            ORDER BY m.day DESC, m.id DESC LIMIT :most"""),
        {"places": None if places is None else list(places), "most": most},
    )  # fmt: skip
    return with_area(rows, language)


def _meetings(session: Session, where: str, **values: Any) -> list[MeetingOut]:
    rows = session.execute(
        text(f"""
            SELECT m.id, d.code AS area, m.day, m.kind, m.present, m.note, m.corrects,
                   (SELECT later.id FROM meetings later WHERE later.corrects = m.id) AS corrected_by,
                   m.set_by, m.set_at,
                   (SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'case', i.case_number, 'outcome', i.outcome, 'note', i.note, 'state', c.state)
                      ORDER BY i.position), '[]')
                    FROM meeting_items i LEFT JOIN cases c ON c.number = i.case_number
                    WHERE i.meeting_id = m.id) AS items
            FROM meetings m JOIN divisions d ON d.id = m.division_id WHERE {where}
            ORDER BY m.day DESC, m.id DESC LIMIT {MOST_MEETINGS}"""),
        values,
    )  # fmt: skip
    return [MeetingOut.model_validate(row._mapping) for row in rows]
