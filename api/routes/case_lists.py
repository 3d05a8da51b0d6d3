"""Lists of cases: by state, class, place, channel and deadline, and what is open nearby."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Row

from api.cases import queries
from api.cases.queries import Wanted
from api.dependencies import SessionDep
from api.errors import NotValidError
from api.requests import PageDep
from api.routes.cases import CaseProperties, StateName, feature_of
from api.routes.divisions import number_cursor
from api.routes.plans import read_box
from api.schemas import Collection, Feature, problems

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])

MOST_NEARBY = 20
# More cases than anybody turns pages for; to count a million on takes the database seconds.
MOST_COUNTED = 10_000

Order = Literal["oldest", "newest", "due"]


class NearbyCase(BaseModel):
    """An open case of the same class nearby, with its distance in metres."""

    distance_m: float
    case: Feature[CaseProperties]


class CaseCount(BaseModel):
    """How many cases there are; `MOST_COUNTED` where there are as many or more."""

    count: int
    most: int = MOST_COUNTED


def _wanted(
    state: Annotated[list[StateName] | None, Query(max_length=20)] = None,
    category: Annotated[str | None, Query(max_length=16, pattern=r"^[0-9A-Za-z]+$")] = None,
    community: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    channel: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,32}$")] = None,
    is_open: Annotated[bool | None, Query(alias="open", description="Closed and cancelled, or not")] = None,
    overdue: Annotated[bool, Query(description="Open, and past its deadline")] = False,
    mine: Annotated[bool, Query(description="Waiting for a step of the actor")] = False,
    number: Annotated[
        str | None,
        Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="Begins so, or of a work order"),
    ] = None,
    bbox: Annotated[str | None, Query(description="min_lon,min_lat,max_lon,max_lat", max_length=120)] = None,
    reported_from: Annotated[AwareDatetime | None, Query(description="First moment")] = None,
    reported_before: Annotated[AwareDatetime | None, Query(description="First moment after")] = None,
    updated_after: Annotated[
        AwareDatetime | None, Query(description="Only what changed after this moment, for those who follow")
    ] = None,
) -> Wanted:
    return Wanted(
        states=None if state is None else [*state], category=category, community=community, channel=channel,
        is_open=is_open, overdue=overdue, mine=mine, number=number,
        box=None if bbox is None else read_box(bbox), reported_from=reported_from,
        reported_before=reported_before, updated_after=updated_after,
    )  # fmt: skip


WantedDep = Annotated[Wanted, Depends(_wanted)]


@router.get("", responses=problems())
def list_cases(
    request: Request,
    session: SessionDep,
    page: PageDep,
    wanted: WantedDep,
    order: Annotated[
        Order, Query(description="As they came, the newest first, or what is due first")
    ] = "oldest",
) -> Collection[CaseProperties]:
    """List the cases that the actor may see as GeoJSON."""
    rows = queries.cases(session, wanted, after=_cursor(order, page.after), limit=page.limit, order=order)
    return Collection(
        features=[feature_of(row) for row in rows],
        next=page.next_address(request, [_cursor_of(order, row) for row in rows]),
    )


@router.get("/count", responses=problems())
def count_cases(session: SessionDep, wanted: WantedDep) -> CaseCount:
    """Count the cases that a list of them would hold; no further than `most`."""
    return CaseCount(count=queries.count(session, wanted, most=MOST_COUNTED))


def _cursor_of(order: Order, row: Row[Any]) -> str:
    if order != "due":
        return str(row.id)
    return f"{row.due_at.isoformat() if row.due_at else ''}~{row.id}"


def _cursor(order: Order, after: str) -> tuple[datetime | None, int] | None:
    """Return deadline and id of the last row of the page before; None on the first page."""
    if not after:
        return None
    if order != "due":
        return None, number_cursor(after)
    due, _, row_id = after.partition("~")
    try:
        return (datetime.fromisoformat(due) if due else None), number_cursor(row_id)
    except ValueError as error:
        raise NotValidError("cursor", "after is no cursor of this list") from error


@router.get("/nearby", responses=problems())
def list_nearby(
    session: SessionDep,
    category: Annotated[str, Query(max_length=16, pattern=r"^[0-9A-Za-z]+$")],
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    within_m: Annotated[float, Query(gt=0, le=1000, allow_inf_nan=False)] = 50.0,
) -> list[NearbyCase]:
    """List open cases of the same class nearby, the nearest first: it may have been reported already."""
    rows = queries.nearby(session, lon=lon, lat=lat, within_m=within_m, category=category, most=MOST_NEARBY)
    return [NearbyCase(distance_m=row.distance_m, case=feature_of(row)) for row in rows]
