"""Cases: report, find, and take the steps of the loop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from psycopg import AsyncConnection
from psycopg.errors import SerializationFailure
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import Row, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.cases import queries
from api.cases.calendar import Calendar, working_calendar
from api.cases.case_log import events_of
from api.cases.categories import Category, Edition, limit_text
from api.cases.filing import BORDER_M, Editions, condition_of, due_after, first_deadlines, require_adjustable
from api.cases.masking import require_impersonal, require_own_number
from api.cases.replay import replay
from api.cases.report_batches import ReportBatches
from api.cases.steps import loop
from api.dependencies import PresentedKey, SessionDep, entered, presented_key
from api.errors import NotFoundError, NotValidError, ServiceError
from api.requests import (
    IDEMPOTENCY_HEADER,
    IfMatch,
    KeptRoute,
    ReplayedError,
    entity_tag,
    require_key,
    require_match,
)
from api.schemas import Body, Feature, GridCode, Line, problems

router = APIRouter(prefix="/api/v1/cases", tags=["cases"], route_class=KeptRoute)

# A draft that was kept without a network is sent when there is one.
LONGEST_KEPT = timedelta(days=30)

Number = Annotated[str, Path(pattern=r"^[0-9]{19}$", description="Number of the case")]
CaseNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{19}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[0-9A-Za-z]+$")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
StateName = Annotated[str, StringConstraints(pattern=f"^({'|'.join(loop().states)})$")]
_TAKEN = [name for name, step in loop().steps.items() if step.by_hand]
StepName = Annotated[str, StringConstraints(pattern=f"^({'|'.join(_TAKEN)})$")]


class CaseIn(Body):
    """A report: what, and where: a point, or the division it is known to be in."""

    category: Code
    condition: Annotated[int, Field(ge=1, le=1000)] | None = None
    edition: Line | None = Field(None, description="Of the categories; else the one in force")
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")] = (
        ""
    )
    address: Line | None = None
    lon: Longitude | None = None
    lat: Latitude | None = None
    accuracy_m: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None
    grid: GridCode | None = Field(None, description="Micro-grid, where whoever reports knows it")
    area: Line | None = Field(None, description="Code of a division, where there is no point")
    channel: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")] = "desk"
    external_number: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    mode: Literal["routine", "emergency", "drill"] | None = Field(
        None, description="Else the one that its area is in"
    )
    step: Literal["report", "collect"] = Field(
        "report", description="collect: kept to be handed in or settled"
    )
    reported_at: AwareDatetime | None = Field(None, description="When it was seen, of a draft sent later")
    rework_of: CaseNumber | None = Field(None, description="Number of the case that was not put right")

    @model_validator(mode="after")
    def says_where(self) -> CaseIn:
        """Require a place."""
        if (self.lon is None) != (self.lat is None):
            raise ValueError("a point has lon and lat")
        if self.lon is None and self.area is None:
            raise ValueError("say where: lon and lat, or the code of an area")
        return self


class CaseReceipt(BaseModel):
    """What became of a report. `question`: grids not decided among yet; answer with the step `place`."""

    number: str
    created: bool
    state: str
    revision: int
    place: Literal["point", "area", "default_point"]
    area: str
    community_id: int | None
    grid: str | None
    question: list[str] | None
    reported_at: datetime
    response_due_at: datetime | None
    due_at: datetime | None


class CaseProperties(BaseModel):
    """A case. It carries nobody's name, telephone or flat."""

    number: str
    kind: str
    edition: str
    category: str
    category_name: str
    condition: int | None
    state: str
    area: str
    community_id: int | None
    version: UUID | None
    grid: str | None
    choices: list[str] = Field(description="Grids in question, while it is not known which")
    place: Literal["point", "area", "default_point"]
    accuracy_m: float | None
    channel: str
    external_number: str | None
    mode: str
    text: str
    address: str | None
    reported_at: datetime
    responded_at: datetime | None
    filed_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    response_due_at: datetime | None
    due_at: datetime | None = Field(description="Null while the clock stands still, or no limit is known")
    parked_until: datetime | None
    holder: str | None
    receivers: list[str] = Field(description="Departments that received it, in order; the first one stays")
    visit: str | None
    reworks: int
    reopenings: int
    extensions: int
    exceptions: list[str] = Field(description="Steps that passed over others, with their reasons in the log")
    duplicate_of: str | None
    rework_of: str | None
    revision: int
    updated_at: datetime


class LoggedStep(BaseModel):
    """An entry of the log of a case; `hash` chains it to the one before."""

    seq: int
    at: datetime
    step: str
    by: str | None = Field(description="Account that took it, where the actor may know it")
    body: dict[str, Any]
    hash: str


class AllowedStep(BaseModel):
    """A step that the actor may take now, and what it must carry."""

    step: str
    to_state: str
    needs: list[str]
    reasons: list[str]
    is_exception: bool


class CaseDetail(BaseModel):
    """A case with its log, the steps that the actor may take, and the cases that are duplicates of it."""

    case: Feature[CaseProperties]
    log: list[LoggedStep]
    allowed: list[AllowedStep]
    duplicates: list[str]


class StepIn(Body):
    """A step with what it carries."""

    step: StepName
    note: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")] | None
    ) = None
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None
    outcome: Literal["satisfied", "unsatisfied", "unreachable"] | None = None
    to: Line | None = Field(None, description="Department that receives the case")
    of: CaseNumber | None = Field(None, description="Number of the case that this is a duplicate of")
    until: AwareDatetime | None = None
    category: Code | None = None
    condition: Annotated[int, Field(ge=1, le=1000)] | None = None
    grid: GridCode | None = None
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    rule: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None, description="Rule of dispatch that named the department"
    )


class CategoryOut(BaseModel):
    """A class of an edition, with its filing conditions."""

    code: str
    large_code: str
    large_name: str
    small_name: str
    kind: str
    conditions: list[ConditionOut]


class ConditionOut(BaseModel):
    """A filing condition and its limit in words of the sheet; null where no limit is known."""

    number: int
    filing: str
    closing: str
    unit: str
    department: str
    limit: str | None


class EditionOut(BaseModel):
    """An edition of the classes; a source of `unconfirmed` is nobody's authority."""

    edition: str
    source: str
    categories: list[CategoryOut]


@router.post("", status_code=201, response_model=CaseReceipt, responses=problems(400, 409))
async def report_case(body: CaseIn, request: Request) -> Response:
    """Report a case: it is placed in its micro-grid, given its deadlines, and logged.

    A work order (`external_number`) that came before on its channel is answered with the case that it is,
    and `created` false. Near a border of micro-grids, or where the point is less accurate than the distance
    to one, the answer names the grids in `question` instead of guessing.
    """
    require_impersonal(body.text, "text")
    require_impersonal(body.address or "", "address")
    require_own_number(body.external_number)
    now = datetime.now(UTC)
    seen = body.reported_at or now
    if not now - LONGEST_KEPT <= seen <= now + timedelta(minutes=5):
        raise NotValidError("reported_at", "a report is at most 30 days old, and not of the future")
    key = presented_key(request)
    editions = editions_of(request)
    edition = editions.known(body.edition)
    if edition is None:
        edition = await run_in_threadpool(editions.read, body.edition)
    facts = json.dumps(_facts(body, edition, calendar_of(request), min(seen, now)))
    if _is_alone(body, request, key):
        return await _report_alone(request, key, facts)
    row = await batches_of(request).file(key.sha256, facts)
    entered(row if row["receipt"] else None, key, request)
    return _receipt(row["receipt"])


def _is_alone(body: CaseIn, request: Request, key: PresentedKey) -> bool:
    """Whether a report takes a transaction of its own.

    What a browser sends is checked against its session before it is committed, and an answer that is kept is
    kept in the same transaction. A work order may wait for another that brings the same, a rework for whoever
    takes a step with the case that it names.
    """
    return (
        key.kind == "session"
        or IDEMPOTENCY_HEADER in request.headers
        or body.external_number is not None
        or body.rework_of is not None
    )


async def _report_alone(request: Request, key: PresentedKey, facts: str) -> Response:
    async with request.app.state.pool.connection() as connection, connection.transaction():
        kept = await _claimed(request, connection, key)
        cursor = await connection.execute(
            "SELECT e.*, report_case(%s::jsonb)::text AS receipt FROM enter(%s, %s) e",
            (facts, key.sha256, [key.kind]),
        )
        row = await cursor.fetchone()
        entered(row, key, request)
        answer = _receipt(row["receipt"])
        if kept:
            await _keep(connection, request, answer)
    return answer


def _receipt(receipt: str) -> Response:
    headers = {"Location": f"{router.prefix}/{_number_of(receipt)}"}
    return Response(receipt, 201, headers, media_type="application/json")


def editions_of(request: Request) -> Editions:
    """Return the editions of the application, read as they are asked for."""
    state = request.app.state
    if not hasattr(state, "editions"):
        state.editions = Editions(state.store)
    editions: Editions = state.editions
    return editions


def batches_of(request: Request) -> ReportBatches:
    """Return the reports that wait in this worker."""
    batches: ReportBatches = request.app.state.report_batches
    return batches


def calendar_of(request: Request) -> Calendar:
    """Return the calendar by which the application reckons."""
    return working_calendar(request.app.state.settings.data_dir)


def _facts(body: CaseIn, edition: Edition, calendar: Calendar, at: datetime) -> dict[str, Any]:
    condition = condition_of(edition, body.category, body.condition)
    response_due, due = first_deadlines(calendar, condition, at)
    facts = body.model_dump(mode="json", exclude_none=True)
    return {
        **facts, "reported_at": at.isoformat(), "edition": edition.name,
        "border_m": BORDER_M, "day": calendar.local_day(at).isoformat(),
        "response_due_at": response_due and response_due.isoformat(), "due_at": due and due.isoformat(),
    }  # fmt: skip


async def _claimed(request: Request, connection: AsyncConnection[Any], key: PresentedKey) -> bool:
    """Claim the Idempotency-Key of a request, if it has one; as `api.requests.claim_key`."""
    sent = request.headers.get(IDEMPOTENCY_HEADER)
    if not sent:
        return False
    require_key(sent)
    cursor = await connection.execute("SELECT * FROM enter(%s, %s)", (key.sha256, [key.kind]))
    actor = entered(await cursor.fetchone(), key, request)
    cursor = await connection.execute(
        "INSERT INTO idempotency_keys (user_id, key, request_sha256) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING 1",
        (actor.user_id, sent, request.state.request_sha256),
    )
    if await cursor.fetchone() is not None:
        return True
    cursor = await connection.execute(
        "SELECT request_sha256, status, headers, body FROM idempotency_keys WHERE user_id = %s AND key = %s",
        (actor.user_id, sent),
    )
    row = await cursor.fetchone()
    assert row is not None
    if row["request_sha256"] != request.state.request_sha256:
        raise ServiceError("idempotency_key_reused", "this Idempotency-Key came before with another request")
    raise ReplayedError(row["status"], row["headers"], row["body"])


async def _keep(connection: AsyncConnection[Any], request: Request, answer: Response) -> None:
    headers = {name: answer.headers[name] for name in ("location", "content-type")}
    await connection.execute(
        "UPDATE idempotency_keys SET status = %s, headers = %s::jsonb, body = %s"
        " WHERE user_id = actor() AND key = %s",
        (answer.status_code, json.dumps(headers), bytes(answer.body), request.headers[IDEMPOTENCY_HEADER]),
    )


def _number_of(receipt: str) -> str:
    number: str = json.loads(receipt)["number"]
    return number


@router.get("/categories", responses=problems(404))
def list_categories(
    request: Request,
    session: SessionDep,
    edition: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")] = None,
) -> EditionOut:
    """List the classes of an edition, that in force unless another is named, with filing conditions."""
    try:
        found = editions_of(request).read(edition)
    except NotValidError as error:
        raise NotFoundError(error.code, str(error)) from error
    return EditionOut(
        edition=found.name, source=found.source,
        categories=[_category(category) for category in found.categories.values()],
    )  # fmt: skip


@router.get("/{number}", responses=problems(404))
def get_case(number: Number, session: SessionDep, response: Response) -> CaseDetail:
    """Return a case with its log and the steps that the actor may take."""
    row = require_case(session, number)
    response.headers["ETag"] = entity_tag(row.revision)
    return CaseDetail(
        case=feature_of(row),
        log=[LoggedStep.model_validate(entry._mapping) for entry in queries.entries(session, number)],
        allowed=[
            AllowedStep.model_validate(step._mapping) for step in queries.allowed_steps(session, number)
        ],
        duplicates=queries.duplicates(session, number),
    )


@router.post("/{number}/steps", status_code=201, responses=problems(404, 409, 412))
def take_step(
    number: Number,
    body: StepIn,
    request: Request,
    session: SessionDep,
    response: Response,
    if_match: IfMatch = None,
) -> CaseDetail:
    """Take a step with a case; with If-Match only where nobody took one since the case was read."""
    require_impersonal(body.note or "", "note")
    row = require_case(session, number)
    if if_match is not None:
        require_match(if_match, row.revision, lambda: feature_of(row).model_dump(mode="json"))
    carried = body.model_dump(mode="json", exclude={"step"}, exclude_none=True)
    known = row.revision
    step = loop().steps[body.step]
    if "due" in step.effects or body.step == "park":
        now = datetime.now(UTC)
        events = events_of(session, number)
        case = replay(events)
        assert case is not None
        if row.state in step.sources:
            parkings = sum(event.step == "park" for event in events)
            require_adjustable(case, body.step, body.until, now, parkings)
        edition = editions_of(request).read(row.edition)
        named = (body.category, body.condition) if body.category else (row.category, row.condition)
        condition = condition_of(edition, *named)
        if "due" in step.effects:
            due = due_after(calendar_of(request), events, condition, body.step, now)
            carried["due_at"] = due and due.isoformat()
    try:
        with session.begin_nested():
            told = session.execute(
                text("SELECT step_case(:number, :step, cast(:carried AS jsonb), :known)"),
                {"number": number, "step": body.step, "carried": json.dumps(carried), "known": known},
            ).scalar_one()
    except OperationalError as error:
        if if_match is not None and isinstance(error.orig, SerializationFailure):
            # Somebody was quicker after the case was read here: the same to whoever asks as before.
            present = require_case(session, number)
            require_match(if_match, present.revision, lambda: feature_of(present).model_dump(mode="json"))
        raise
    if told is None:
        raise _no_such_case()
    response.headers["Location"] = f"{router.prefix}/{number}"
    return get_case(number, session, response)


def _category(category: Category) -> CategoryOut:
    conditions = [
        ConditionOut(
            number=number, filing=one.filing, closing=one.closing, unit=one.unit, department=one.department,
            limit=limit_text(one.limit) or None,
        )
        for number, one in enumerate(category.conditions, start=1)
    ]  # fmt: skip
    return CategoryOut(
        code=category.code, large_code=category.large_code, large_name=category.large_name,
        small_name=category.small_name, kind=category.kind, conditions=conditions,
    )  # fmt: skip


def require_case(session: Session, number: str) -> Row[Any]:
    """Return a case that the actor may see.

    Raises
    ------
    NotFoundError
    """
    row = queries.case(session, number)
    if row is None:
        raise _no_such_case()
    return row


def _no_such_case() -> NotFoundError:
    return NotFoundError("case_not_found", "there is no such case")


def feature_of(row: Row[Any]) -> Feature[CaseProperties]:
    """Return a row of `queries.cases` as a feature."""
    return Feature(
        id=row.number, geometry=row.geometry, properties=CaseProperties.model_validate(row._mapping)
    )
