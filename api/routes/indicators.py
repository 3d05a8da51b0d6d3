"""Indicators: figures by editions, the cases behind each, boards, themes, and the lists of meetings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases import figures as counting
from api.cases import reports
from api.cases.calendar import Calendar
from api.cases.figures import Asked, BoardLine, Part
from api.cases.indicators import Edition, Period, PeriodRule, editions
from api.cases.recurring import WITHIN_DAYS, WITHIN_M, recurring
from api.cases.scorecards import Listed, scorecards
from api.dependencies import SessionDep
from api.errors import NotFoundError, NotValidError
from api.routes.cases import calendar_of
from api.schemas import problems

router = APIRouter(prefix="/api/v1/indicators", tags=["indicators"])

DEFAULT_EDITION = "huaian-2019"
# Any period of a day between lies within these years, and so does the one before it.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)

Grouped = Literal["area", "department", "category", "grid"]
RuleName = Literal["week", "month", "quarter", "year"]


class IndicatorOut(BaseModel):
    """A rate: both counts by name, and in words of data/indicators/predicates.toml."""

    name: str
    numerator: str
    numerator_means: str
    denominator: str
    denominator_means: str


class IndicatorEditionOut(BaseModel):
    """The indicators of one office."""

    name: str
    place: str
    source: str
    unconfirmed: list[str]
    places: int
    rule: str
    first_day: int
    indicators: list[IndicatorOut]


class FigureOut(BaseModel):
    """A figure; `percent` is rounded half-up once, null where there is nothing to divide by."""

    name: str
    numerator: int
    denominator: int
    left_out: int
    percent: Decimal | None
    points: Decimal | None


class SumOut(BaseModel):
    """Parts that add up to their whole, case by case."""

    whole: str
    cases: int
    parts: dict[str, int]


class FiguresOut(BaseModel):
    """The figures of an edition for one period, its end not in it; of one that goes on, up to now."""

    edition: str
    start: datetime
    end: datetime
    figures: list[FigureOut]
    sums: list[SumOut]


class BehindOut(BaseModel):
    """A case behind a figure."""

    number: str
    area_id: int | None
    grid: str
    category: str
    department: str
    state: str
    reported_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


class BoardOut(BaseModel):
    """How one group did with the cases reported in a period, and in the one before."""

    name: str
    reported: int
    closed: int
    open: int
    due_within: int = Field(description="Reported long enough ago to be closed within so many days")
    closed_within: int
    share_within: float | None
    mean_s: float | None
    median_s: float | None
    rated: int
    mean_rating: float | None = Field(description="From 1 to 5, of those that were rated")
    mean_s_before: float | None
    reported_before: int


class ThemeOut(BaseModel):
    """A class that was reported in several areas."""

    category: str
    cases: int
    areas: dict[int, int]


class RecurrenceOut(BaseModel):
    """A case that was closed, and the first of its class that was reported near it afterwards."""

    number: str
    closed_at: datetime
    area_id: int | None
    grid: str
    category: str
    again: str
    again_at: datetime
    distance_m: float | None


class RecurringOut(BaseModel):
    """What came back of the cases closed in a period: the four parts add up to `closed`."""

    closed: int
    without_place: int = Field(description="Nobody can tell: no point, and no later case names it")
    came_back: int
    undecided: int = Field(description="Nothing came yet, and the days are not over")
    stayed: int
    listed: list[RecurrenceOut]


class ScoreLineOut(BaseModel):
    """One line of the arithmetic: cases times `each`, held to `most`."""

    name: str
    count: str
    cases: int
    each: int
    most: int
    points: int


class ScoreOut(BaseModel):
    """A company with its arithmetic."""

    company: str
    cases: int
    lines: list[ScoreLineOut]
    points: int
    listed: Listed


class ScoresOut(BaseModel):
    """The red and black list of a period by the scorecard that was in force then; null: none was."""

    card: str | None
    source: str | None
    full_points: int | None
    red_from: int | None
    black_below: int | None
    least_cases: int | None
    companies: list[ScoreOut]


class ListedOut(BaseModel):
    """A case of a list."""

    number: str
    area_id: int | None
    grid: str
    category: str
    state: str
    reported_at: datetime
    due_at: datetime | None


class AgendaOut(BaseModel):
    """Open cases that do not get on; a case is in the first section that fits, the oldest first."""

    reopened: list[ListedOut]
    reworked: list[ListedOut]
    overdue: list[ListedOut]
    parked: list[ListedOut]
    extended: list[ListedOut]


@dataclass(frozen=True)
class Question:
    """What all questions have in common: of which time, and which cases."""

    day: date
    asked: Asked
    calendar: Calendar


def question(
    request: Request,
    session: SessionDep,
    day: Annotated[date | None, Query(description="A local day of the period; else today")] = None,
    area: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = None,
    kind: Annotated[Literal["incident", "component", "wish", "property", "dispute"] | None, Query()] = None,
    department: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = None,
    category: Annotated[str | None, Query(max_length=16, pattern=r"^[0-9A-Za-z]+$")] = None,
) -> Question:
    """Read what all questions have in common.

    Raises
    ------
    NotFoundError
        There is no such division for the actor.
    NotValidError
        The day is of no year that there are figures of.
    """
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise NotValidError("day", "a day from 2000-01-01 to 2099-12-31")
    return asked_of(
        session, calendar_of(request), day, area=area, kind=kind, department=department, category=category
    )


def asked_of(
    session: Session, calendar: Calendar, day: date | None, *, area: str | None, **about: str | None
) -> Question:
    """Return a question with the path of the division that it names by its code."""
    path = None
    if area is not None:
        path = session.execute(
            text("SELECT path::text FROM divisions WHERE code = :code"), {"code": area}
        ).scalar_one_or_none()
        if path is None:
            raise NotFoundError("division_not_found", "there is no such division")
    wanted = calendar.local_day(datetime.now(UTC)) if day is None else day
    return Question(wanted, Asked(area=path, **about), calendar)


QuestionDep = Annotated[Question, Depends(question)]
_EditionName = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


def editions_known(request: Request) -> dict[str, Edition]:
    """Return the editions that are shipped and those of the data folder (`indicators`), read once."""
    state = request.app.state
    if not hasattr(state, "indicator_editions"):
        state.indicator_editions = editions(data_folder(request, "indicators"))
    known: dict[str, Edition] = state.indicator_editions
    return known


def data_folder(request: Request, name: str) -> Path | None:
    """Return a folder of the data folder, where there is one."""
    folder: Path = request.app.state.settings.data_dir / name
    return folder if folder.is_dir() else None


def edition_named(request: Request, name: str) -> Edition:
    """Return an edition.

    Raises
    ------
    NotFoundError
    """
    found = editions_known(request).get(name)
    if found is None:
        raise NotFoundError("edition_not_found", "there is no such edition of the indicators")
    return found


@router.get("/editions", responses=problems())
def list_editions(request: Request, session: SessionDep) -> list[IndicatorEditionOut]:
    """List the editions of the indicators with their formulas."""
    return [_edition(edition) for _, edition in sorted(editions_known(request).items())]


def _edition(edition: Edition) -> IndicatorEditionOut:
    means = {name: predicate.text for name, predicate in edition.predicates.items()}
    return IndicatorEditionOut(
        name=edition.name, place=edition.place, source=edition.source, unconfirmed=list(edition.unconfirmed),
        places=edition.places, rule=edition.period.rule, first_day=edition.period.first_day,
        indicators=[
            IndicatorOut(
                name=one.name, numerator=one.numerator, numerator_means=means[one.numerator],
                denominator=one.denominator, denominator_means=means[one.denominator],
            )
            for one in edition.indicators
        ],
    )  # fmt: skip


@router.get("", responses=problems(404))
def list_figures(
    request: Request, session: SessionDep, asks: QuestionDep, edition: _EditionName = DEFAULT_EDITION
) -> FiguresOut:
    """Return the figures of an edition for its period in which a day lies."""
    found = edition_named(request, edition)
    period = reports.so_far(reports.period_of(found.period, asks.day, asks.calendar), datetime.now(UTC))
    told = reports.report(session, found, period, asks.asked)
    return FiguresOut(
        edition=found.name, start=period.start, end=period.end,
        figures=[
            FigureOut(
                name=one.indicator.name, numerator=one.numerator, denominator=one.denominator,
                left_out=one.denominator - one.numerator, percent=one.percent, points=points,
            )
            for one, points, _ in told.figures
        ],
        sums=[SumOut(whole=one.partition.whole, cases=one.whole, parts=dict(one.parts)) for one in told.sums],
    )  # fmt: skip


@router.get("/cases", responses=problems(404))
def list_behind(
    request: Request,
    session: SessionDep,
    asks: QuestionDep,
    of: Annotated[str, Query(max_length=64, pattern=r"^[a-z_]+$", description="Indicator, or count")],
    part: Annotated[Part, Query(description="In the figure, left out of it, or not asked about")] = "counted",
    edition: _EditionName = DEFAULT_EDITION,
    after: Annotated[str, Query(max_length=19, pattern=r"^[0-9]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=reports.MOST_MEMBERS)] = reports.MOST_MEMBERS,
) -> list[BehindOut]:
    """List the cases behind a figure or a count, by their numbers; go on after the last."""
    found = edition_named(request, edition)
    indicator = reports.indicator_named(found, of)
    if indicator is None:
        raise NotFoundError("indicator_not_found", "the edition has no such indicator or count")
    period = reports.so_far(reports.period_of(found.period, asks.day, asks.calendar), datetime.now(UTC))
    rows = reports.behind(session, found, indicator, period, part, asked=asks.asked, after=after, limit=limit)
    return [BehindOut.model_validate(vars(row)) for row in rows]


_Rule = Annotated[RuleName, Query(description="Which period of the day")]


def _period(asks: Question, rule: RuleName) -> tuple[PeriodRule, Period]:
    found = PeriodRule(rule)
    return found, reports.period_of(found, asks.day, asks.calendar)


@router.get("/board", responses=problems(404))
def list_board(
    session: SessionDep,
    asks: QuestionDep,
    by: Grouped = "area",
    rule: _Rule = "month",
    within_days: Annotated[int, Query(ge=1, le=365)] = 3,
) -> list[BoardOut]:
    """Return how each area, department, class or grid did with what was reported in a period."""
    found, period = _period(asks, rule)
    lines = reports.boards(
        session, found, period, by, asks.calendar, now=datetime.now(UTC), within_days=within_days,
        asked=asks.asked,
    )  # fmt: skip
    return [_board(line, before) for line, before in lines]


def _board(line: BoardLine, before: BoardLine | None) -> BoardOut:
    return BoardOut(
        **vars(line), share_within=line.closed_within / line.due_within if line.due_within else None,
        mean_s_before=before.mean_s if before else None, reported_before=before.reported if before else 0,
    )  # fmt: skip


@router.get("/themes", responses=problems(404))
def list_themes(
    session: SessionDep,
    asks: QuestionDep,
    rule: _Rule = "month",
    least: Annotated[int, Query(ge=1, le=1000, description="Communities")] = 3,
) -> list[ThemeOut]:
    """Return what was reported in at least so many communities, the widest spread first."""
    _, period = _period(asks, rule)
    found = counting.themes(session, period, least_areas=least, asked=asks.asked)
    return [ThemeOut(category=one.category, cases=one.cases, areas=dict(one.areas)) for one in found]


@router.get("/recurring", responses=problems(404))
def list_recurring(
    session: SessionDep,
    asks: QuestionDep,
    rule: _Rule = "month",
    within_m: Annotated[float, Query(ge=1, le=1000)] = WITHIN_M,
    within_days: Annotated[int, Query(ge=1, le=365)] = WITHIN_DAYS,
) -> RecurringOut:
    """Return which cases closed in a period came back: the same class near the place, not long after."""
    _, period = _period(asks, rule)
    found = recurring(
        session, period, now=datetime.now(UTC), within_m=within_m, within_days=within_days, asked=asks.asked
    )
    return RecurringOut(
        **{name: getattr(found, name) for name in RecurringOut.model_fields if name != "listed"},
        listed=[RecurrenceOut(**vars(one)) for one in found.listed],
    )


@router.get("/companies", responses=problems(404))
def list_companies(
    request: Request, session: SessionDep, asks: QuestionDep, rule: _Rule = "month"
) -> ScoresOut:
    """Return the red and black list of property companies with its arithmetic."""
    found, period = _period(asks, rule)
    card, scores = reports.scores(
        session, scorecards(data_folder(request, "scorecards")), found,
        reports.so_far(period, datetime.now(UTC)), asks.asked,
    )  # fmt: skip
    companies = [
        ScoreOut(
            company=score.company, cases=score.cases, points=score.points, listed=score.listed,
            lines=[
                ScoreLineOut(
                    name=line.item.name, count=line.item.count, cases=line.cases, each=line.item.points,
                    most=line.item.most, points=line.points,
                )
                for line in score.lines
            ],
        )
        for score in scores
    ]  # fmt: skip
    rules: dict[str, Any] = dict.fromkeys(
        ("card", "source", "full_points", "red_from", "black_below", "least_cases")
    )
    if card is not None:
        rules |= {
            "card": card.name, "source": card.source, "full_points": card.full_points,
            "red_from": card.red_from, "black_below": card.black_below, "least_cases": card.least_cases,
        }  # fmt: skip
    return ScoresOut(**rules, companies=companies)


@router.get("/lane", responses=problems(404))
def list_lane(session: SessionDep, asks: QuestionDep) -> list[ListedOut]:
    """Return the work list of the week (巷理事工作清单): what is open, and what was reported in the week."""
    _, period = _period(asks, "week")
    return [
        ListedOut.model_validate(vars(item)) for item in counting.lane_list(session, period, asked=asks.asked)
    ]


@router.get("/agenda", responses=problems(404))
def list_agenda(session: SessionDep, asks: QuestionDep) -> AgendaOut:
    """Return what the meeting day has to talk about: open cases that do not get on, by section."""
    found = counting.agenda(session, datetime.now(UTC), asked=asks.asked)
    return AgendaOut.model_validate(
        {section: [vars(item) for item in items] for section, items in found.items()}
    )
