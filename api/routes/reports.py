"""Reports of people without an account, where a street takes them; and what anybody sees who reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.anonymous import ReportingSessionDep, ReportKey, count_report, key_digest
from api.cases.filing import BORDER_M, condition_of, first_deadlines
from api.cases.masking import require_impersonal
from api.dependencies import StoreDep
from api.errors import NotValidError
from api.routes.cases import LONGEST_KEPT, Code, Latitude, Longitude, calendar_of, editions_of
from api.schemas import Body, Line, problems

router = APIRouter(prefix="/api/v1/reports", tags=["cases"])

MOST_NEARBY = 10


class ReportIn(Body):
    """A report without an account: what, and the point where."""

    category: Code
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")] = (
        ""
    )
    address: Line | None = None
    lon: Longitude
    lat: Latitude
    accuracy_m: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None
    reported_at: AwareDatetime | None = Field(None, description="When it was seen, of a draft sent later")


class ReportReceipt(BaseModel):
    """What became of a report."""

    number: str
    created: bool = Field(description="False where it came before with the same key")
    reported_at: datetime


class NearbyReport(BaseModel):
    """Something open nearby and of the same class: enough to tell whether it is the same, and no more."""

    distance_m: int = Field(description="To ten metres")
    category_name: str
    state: str
    days_ago: int


@router.post("", status_code=201, responses=problems(403, 422, 429))
def report(body: ReportIn, request: Request, store: StoreDep, key: ReportKey) -> ReportReceipt:
    """Report without an account, where a street takes it; the same key sent again reports nothing twice."""
    require_impersonal(body.text, "text")
    require_impersonal(body.address or "", "address")
    count_report(store, request)
    now = datetime.now(UTC)
    seen = min(body.reported_at or now, now)
    if seen < now - LONGEST_KEPT:
        raise NotValidError("reported_at", "a report is at most 30 days old, and not of the future")
    editions, calendar = editions_of(request), calendar_of(request)
    edition = editions.known(None) or editions.read(None)
    response_due, due = first_deadlines(calendar, condition_of(edition, body.category, None), seen)
    facts = {
        **body.model_dump(mode="json", exclude_none=True), "edition": edition.name, "border_m": BORDER_M,
        "reported_at": seen.isoformat(), "day": calendar.local_day(seen).isoformat(),
        "response_due_at": response_due and response_due.isoformat(), "due_at": due and due.isoformat(),
    }  # fmt: skip
    with Session(store.engine) as session, session.begin():
        told = session.execute(
            text("SELECT report_anonymously(cast(:facts AS jsonb), :secret)"),
            {"facts": json.dumps(facts), "secret": key_digest(key)},
        ).scalar_one()
    return ReportReceipt.model_validate(told)


@router.get("/nearby", responses=problems())
def list_nearby_reports(
    session: ReportingSessionDep,
    category: Annotated[str, Query(max_length=16, pattern=r"^[0-9A-Za-z]+$")],
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    within_m: Annotated[float, Query(gt=0, le=300, allow_inf_nan=False)] = 100.0,
) -> list[NearbyReport]:
    """List what is open nearby and of the same class, where whoever asks may report: without texts."""
    rows = session.execute(
        text(
            "SELECT * FROM nearby_reports("
            "ST_SetSRID(ST_MakePoint(:lon, :lat), 4490), :within, :category, :most)"
        ),
        {"lon": lon, "lat": lat, "within": within_m, "category": category, "most": MOST_NEARBY},
    )
    return [NearbyReport.model_validate(row._mapping) for row in rows]
