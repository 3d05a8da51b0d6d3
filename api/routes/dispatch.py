"""Dispatch: rules and what they say of a case, offers and claims, and the mode of an area."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.areas import area_name
from api.cases.calendar import CalendarMissingError
from api.cases.case_log import events_of
from api.cases.dispatching import suggestion_for
from api.cases.filing import condition_of, due_after
from api.cases.masking import require_impersonal
from api.dependencies import ActorDep, SessionDep
from api.errors import NotAllowedError, NotFoundError
from api.pages import reader_language
from api.requests import KeptRoute
from api.routes.cases import Code, Number, calendar_of, editions_of
from api.schemas import Body, Line, problems

router = APIRouter(prefix="/api/v1", tags=["dispatch"], route_class=KeptRoute)

Mode = Literal["routine", "emergency", "drill"]
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
DivisionId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Said = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")
]
LocalTime = Annotated[time, Field(description="Local time of a day, HH:MM", examples=["18:00"])]


class RuleIn(Body):
    """A rule of dispatch: what it is for, and which department gets that."""

    division_id: DivisionId
    position: Annotated[int, Field(ge=1, le=10_000)]
    name: Line
    categories: Annotated[list[Code], Field(max_length=200)] = Field(
        [], description="Small or large classes; none: all"
    )
    modes: Annotated[list[Mode], Field(max_length=3)] = Field([], description="None: all")
    hours: Literal["any", "working", "off"] = "any"
    time_from: LocalTime | None = None
    time_to: LocalTime | None = None
    department: Line
    automatic: bool = Field(False, description="Cases go there without anybody's word")

    @model_validator(mode="after")
    def is_a_stretch(self) -> RuleIn:
        """Require both ends of a stretch of a day, or none."""
        if (self.time_from is None) != (self.time_to is None) or (
            self.time_from is not None and self.time_from == self.time_to
        ):
            raise ValueError("a stretch of a day has a beginning and another end")
        if any(moment is not None and moment.tzinfo for moment in (self.time_from, self.time_to)):
            raise ValueError("times are local, without a zone")
        return self


class RuleOut(BaseModel):
    """A rule of dispatch in use."""

    id: int
    position: int
    name: str
    area: str
    categories: list[str]
    modes: list[Mode]
    hours: Literal["any", "working", "off"]
    time_from: time | None
    time_to: time | None
    department: str
    automatic: bool


class PassedRule(BaseModel):
    """A rule that did not fire, and the first thing of it that did not fit."""

    rule: int
    name: str
    misfit: Literal["category", "mode", "hours", "time", "no_calendar"]


class SuggestionOut(BaseModel):
    """Who is to have a case: the department of the rule that fired; where none did, the duty desk."""

    rule: int | None
    name: str | None
    area: str | None
    department: str | None
    automatic: bool
    duty_desk: str = Field(description="Code of the division whose dispatchers have what no rule gives away")
    passed: list[PassedRule]


class OfferIn(Body):
    """A case is offered to teams; a claim lapses after `claim_hours`."""

    claim_hours: Annotated[int, Field(ge=1, le=2160)] = 72


class OfferOut(BaseModel):
    """An offer on the board; the columns are what becomes of it."""

    id: int
    case: str
    area: str
    category: str
    text: str
    grid: str | None
    claim_hours: int
    offered_at: datetime
    column: Literal["open", "claimed", "done", "rated", "withdrawn"]
    team: str | None
    lapses_at: datetime | None
    lapsed: int = Field(description="Claims that were not kept")
    rating: int | None


class Board(BaseModel):
    """The board of offers; the counts of its columns add up to all offers of the actor's areas."""

    counts: dict[str, int]
    offers: list[OfferOut]


class ClaimIn(Body):
    """A team claims an offer."""

    team: Line


class ModeIn(Body):
    """A switch of the mode of an area, with its reason."""

    division_id: DivisionId
    mode: Mode
    note: Said


class ModeOut(BaseModel):
    """A switch of the mode of an area; `stands` where it is the last one there."""

    id: int
    area: str
    mode: Mode
    note: str
    set_by: int | None
    set_at: datetime
    stands: bool


class StandingMode(BaseModel):
    """An area that is in another mode than routine by its own last switch."""

    area: str
    name: str = Field(description="Of one without a name, what it is and its code, in the reader's language.")
    mode: Mode
    set_at: datetime


class StandingModes(BaseModel):
    """The gravest mode that touches the actor's areas, and which areas are switched."""

    mode: Mode
    areas: list[StandingMode]


_RULES = """
    SELECT r.id, r.position, r.name, d.code AS area, r.categories, r.modes, r.hours, r.time_from, r.time_to,
           r.department, r.automatic
    FROM dispatch_rules r JOIN divisions d ON d.id = r.division_id"""


@router.get("/dispatch-rules", responses=problems())
def list_rules(session: SessionDep) -> list[RuleOut]:
    """List the rules in use of the actor's areas and of those above, in the order in which they are tried."""
    rows = session.execute(
        text(f"{_RULES} WHERE r.retired_at IS NULL ORDER BY nlevel(d.path), d.code, r.position, r.id")
    )
    return [RuleOut.model_validate(row._mapping) for row in rows]


@router.post("/dispatch-rules", status_code=201, responses=problems(400, 404, 409))
def add_rule(body: RuleIn, session: SessionDep, actor: ActorDep, response: Response) -> RuleOut:
    """Add a rule; it stands as it is until it is taken out of use."""
    for field in ("name", "department"):
        require_impersonal(getattr(body, field), field)
    _require_division(session, body.division_id)
    made = session.execute(
        text("""
            INSERT INTO dispatch_rules (division_id, position, name, categories, modes, hours, time_from,
                                        time_to, department, automatic, created_by)
            VALUES (:division_id, :position, :name, :categories, :modes, :hours, :time_from, :time_to,
                    :department, :automatic, :by) RETURNING id"""),
        {**body.model_dump(), "by": actor.user_id},
    ).scalar_one()
    response.headers["Location"] = f"/api/v1/dispatch-rules/{made}"
    row = session.execute(text(f"{_RULES} WHERE r.id = :id"), {"id": made}).one()
    return RuleOut.model_validate(row._mapping)


@router.delete("/dispatch-rules/{rule_id}", status_code=204, responses=problems(404))
def retire_rule(rule_id: RowId, session: SessionDep) -> None:
    """Take a rule out of use; cases that it gave away keep its number in their log."""
    seen = session.execute(
        text("SELECT 1 FROM dispatch_rules WHERE id = :id AND retired_at IS NULL"), {"id": rule_id}
    ).one_or_none()
    if seen is None:
        raise NotFoundError("rule_not_found", "there is no such rule in use")
    retired = session.execute(
        text("UPDATE dispatch_rules SET retired_at = clock_timestamp() WHERE id = :id"), {"id": rule_id}
    )
    _require_allowed(retired.rowcount == 1)  # type: ignore[attr-defined]


@router.get("/cases/{number}/suggestion", responses=problems(404))
def get_suggestion(number: Number, request: Request, session: SessionDep) -> SuggestionOut:
    """Say which rule gives a case to whom, now, and why those before it do not."""
    found = suggestion_for(session, number, calendar_of(request), datetime.now(UTC))
    if found is None:
        raise _no_such_case()
    said, desk = found
    passed = [PassedRule(rule=one.id, name=one.name, misfit=misfit) for one, misfit in said.passed]
    rule = said.rule
    if rule is None:
        return SuggestionOut(
            rule=None, name=None, area=None, department=None, automatic=False, duty_desk=desk, passed=passed
        )
    return SuggestionOut(
        rule=rule.id, name=rule.name, area=rule.area, department=rule.department, automatic=rule.automatic,
        duty_desk=desk, passed=passed,
    )  # fmt: skip


@router.post("/cases/{number}/offer", status_code=201, responses=problems(400, 404, 409))
def offer_case(number: Number, body: OfferIn, session: SessionDep) -> OfferOut:
    """Offer a case to the teams of its area (派单); a text that is moderated already is what they see."""
    made = session.execute(
        text("SELECT offer_case(:n, :hours)"), {"n": number, "hours": body.claim_hours}
    ).scalar_one()
    if made is None:
        raise _no_such_case()
    return _offer(session, made)


@router.get("/offers", responses=problems())
def list_offers(
    session: SessionDep,
    column: Annotated[Literal["open", "claimed", "done", "rated", "withdrawn"] | None, Query()] = None,
) -> Board:
    """List what is offered in the actor's areas, by what became of it, with the count of each column."""
    offers = _offers(session)
    counts = dict.fromkeys(("open", "claimed", "done", "rated", "withdrawn"), 0)
    for offer in offers:
        counts[offer.column] += 1
    return Board(counts=counts, offers=[one for one in offers if column in (None, one.column)])


@router.post("/offers/{offer_id}/claims", status_code=201, responses=problems(400, 404, 409))
def claim_offer(offer_id: RowId, body: ClaimIn, request: Request, session: SessionDep) -> OfferOut:
    """Claim an offer for a team (接单); where another was quicker the answer is 409 `claimed_already`."""
    row = session.execute(
        text("SELECT case_number FROM offers WHERE id = :id"), {"id": offer_id}
    ).one_or_none()
    if row is None:
        raise _no_such_offer()
    made = session.execute(
        text("SELECT claim_offer(:id, :team, :due)"),
        {"id": offer_id, "team": body.team, "due": _due(request, row.case_number)},
    ).scalar_one()
    if made is None:
        raise _no_such_offer()
    return _offer(session, offer_id)


@router.get("/modes", responses=problems())
def list_modes(session: SessionDep) -> list[ModeOut]:
    """List the switches of the mode in the actor's areas and those above, the last first."""
    return _modes(session, "")


@router.get("/modes/standing", responses=problems())
def get_standing_modes(request: Request, session: SessionDep) -> StandingModes:
    """Say whether an emergency or a drill holds somewhere in the actor's areas, or above them, and where."""
    rows = session.execute(text("SELECT area AS code, name, level, mode, set_at FROM standing_modes()")).all()
    return StandingModes(
        mode=rows[0].mode if rows else "routine",
        areas=[
            StandingMode(
                area=row.code, name=area_name(row.name, row.level, row.code, reader_language(request)),
                mode=row.mode, set_at=row.set_at,
            )
            for row in rows
        ],
    )  # fmt: skip


@router.post("/modes", status_code=201, responses=problems(400, 404, 409))
def set_mode(body: ModeIn, session: SessionDep) -> ModeOut:
    """Switch the mode of an area (平急转换), there and back: rules of dispatch go by it.

    Cases keep the mode that they were reported in. An area is in the gravest mode of all that it lies in.
    """
    require_impersonal(body.note, "note")
    made = session.execute(
        text("SELECT set_mode(:d, :mode, :note)"),
        {"d": body.division_id, "mode": body.mode, "note": body.note},
    ).scalar_one()
    if made is None:
        raise _no_such_division()
    return _modes(session, "WHERE m.id = :id", id=made)[0]


def _due(request: Request, number: str) -> datetime | None:
    """Return the deadline of a case that is dispatched now; None where no limit or calendar is known."""
    with request.app.state.store.owner.connect() as owner:
        row = owner.execute(
            text("SELECT edition, category, condition FROM cases WHERE number = :n"), {"n": number}
        ).one()
        events = events_of(owner, number)
    condition = condition_of(editions_of(request).read(row.edition), row.category, row.condition)
    try:
        return due_after(calendar_of(request), events, condition, "claim", datetime.now(UTC))
    except CalendarMissingError:
        return None


def _offers(session: Session) -> list[OfferOut]:
    rows = session.execute(text("SELECT * FROM offer_board()"))
    return [
        OfferOut.model_validate({**row._mapping, "case": row.case_number, "column": row.column_name})
        for row in rows
    ]


def _offer(session: Session, offer_id: int) -> OfferOut:
    return next(one for one in _offers(session) if one.id == offer_id)


def _modes(session: Session, where: str, **values: Any) -> list[ModeOut]:
    rows = session.execute(
        text(f"""
            SELECT m.id, d.code AS area, m.mode, m.note, m.set_by, m.set_at, NOT EXISTS (
              SELECT FROM area_modes later WHERE later.division_id = m.division_id AND later.id > m.id
            ) AS stands
            FROM area_modes m JOIN divisions d ON d.id = m.division_id {where}
            ORDER BY m.id DESC LIMIT 500"""),
        values,
    )
    return [ModeOut.model_validate(row._mapping) for row in rows]


def _require_division(session: Session, division_id: int) -> None:
    if (
        session.execute(text("SELECT 1 FROM divisions WHERE id = :d"), {"d": division_id}).one_or_none()
        is None
    ):
        raise _no_such_division()


def _require_allowed(allowed: bool) -> None:
    if not allowed:
        raise NotAllowedError("not_allowed", "your roles do not allow this here")


def _no_such_division() -> NotFoundError:
    return NotFoundError("division_not_found", "there is no such division")


def _no_such_case() -> NotFoundError:
    return NotFoundError("case_not_found", "there is no such case")


def _no_such_offer() -> NotFoundError:
    return NotFoundError("offer_not_found", "there is no such offer")
