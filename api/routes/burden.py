"""What is kept of cases and why, and what a report costs those who report (减负)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.asked_fields import Register, field_register
from api.dependencies import SessionDep
from api.requests import KeptRoute
from api.routes.mechanisms import WITHIN, DivisionQuery
from api.schemas import problems

router = APIRouter(prefix="/api/v1", tags=["mechanisms"], route_class=KeptRoute)

First = Annotated[AwareDatetime, Query(description="First moment")]
Before = Annotated[AwareDatetime, Query(description="First moment after")]


class FieldOut(BaseModel):
    """A field that is kept: what for, on what basis, how long; `asked` of whoever reports."""

    table: str
    column: str
    purpose: str
    basis: str
    kept: str
    review_by: date
    asked: bool


class BurdenOut(BaseModel):
    """What a channel asks of those who report: fields filled in, on average, and steps taken later."""

    channel: str
    reports: int
    fields_per_report: float
    steps_per_report: float


class FilledOut(BaseModel):
    """How many of the reports of a channel filled in which field that is asked of them."""

    channel: str
    reports: int
    steps_per_report: float
    filled: dict[str, int] = Field(description="By field of the register, as the log of a case names it")

    @property
    def fields_per_report(self) -> float:
        """Fields filled in, on average."""
        return sum(self.filled.values()) / self.reports


@router.get("/fields", responses=problems())
def list_fields(session: SessionDep) -> list[FieldOut]:
    """List every field that is kept of cases: what for, on what basis, how long, and whether it is asked."""
    register: Register = field_register()
    return [FieldOut.model_validate(vars(one)) for one in register.fields]


@router.get("/burden", responses=problems())
def measure_burden(
    session: SessionDep,
    division: DivisionQuery,
    first: First,
    before: Before,
) -> list[BurdenOut]:
    """Measure what each channel asks of those who report: fields filled in a report, and steps after it."""
    rows = session.execute(
        text(f"""
            SELECT c.channel, count(*) AS reports, avg(asked.n)::float8 AS fields_per_report,
                   avg(c.revision - 1)::float8 AS steps_per_report
            FROM cases c JOIN divisions d ON d.id = c.area_id,
              LATERAL (SELECT count(*) AS n FROM log l, jsonb_object_keys(l.body) told
                       WHERE l.stream = 'case' AND l.chain = c.number AND l.seq = 1 AND told = ANY (:asked)
                         AND l.body ->> told <> '') asked
            WHERE {WITHIN} AND c.reported_at >= :first AND c.reported_at < :before
            GROUP BY c.channel ORDER BY c.channel"""),
        {"division": division, "first": first, "before": before, "asked": list(field_register().asked)},
    )
    return [BurdenOut.model_validate(row._mapping) for row in rows]


@router.get("/burden/fields", responses=problems())
def count_filled_fields(
    session: SessionDep, division: DivisionQuery, first: First, before: Before
) -> list[FilledOut]:
    """Count by channel how many reports filled in each field that is asked of whoever reports."""
    return filled_fields(session, division, first, before)


def filled_fields(session: Session, division: int, first: datetime, before: datetime) -> list[FilledOut]:
    """Return by channel how many of the reports that the actor sees filled in each field that is asked."""
    asked = field_register().asked
    filled = ", ".join(f"count(*) FILTER (WHERE l.body ->> '{name}' <> '') AS {name}" for name in asked)
    rows = session.execute(
        text(f"""
            SELECT c.channel, count(*) AS reports, avg(c.revision - 1)::float8 AS steps_per_report, {filled}
            FROM cases c JOIN divisions d ON d.id = c.area_id
              JOIN log l ON l.stream = 'case' AND l.chain = c.number AND l.seq = 1
            WHERE {WITHIN} AND c.reported_at >= :first AND c.reported_at < :before
            GROUP BY c.channel ORDER BY c.channel"""),
        {"division": division, "first": first, "before": before},
    )
    return [
        FilledOut.model_validate({**row._mapping, "filled": {name: getattr(row, name) for name in asked}})
        for row in rows
    ]
