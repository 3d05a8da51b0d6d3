"""Pages of the indicators: figures that open their cases, boards, red and black list, meetings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.areas import Area, areas_read, names_by_id
from api.cases import figures as counting
from api.cases import reports
from api.cases.figures import Part
from api.cases.indicators import Period, PeriodRule
from api.cases.recurring import recurring
from api.cases.scorecards import scorecards
from api.dependencies import Actor
from api.errors import NotFoundError
from api.pages import PageSessionDep, missing_page, page, reader_language, script_data
from api.routes.cases import calendar_of, editions_of
from api.routes.indicators import (
    DEFAULT_EDITION,
    FIRST_DAY,
    LAST_DAY,
    Grouped,
    Question,
    RuleName,
    asked_of,
    data_folder,
    edition_named,
    editions_known,
)
from api.routes.meetings import last_meetings
from maps.text import words

router = APIRouter(include_in_schema=False)

WITHIN_DAYS = 3
LEAST_AREAS = 3
# The day of the month on which what does not get on is talked about (议事日).
MEETING_DAY = 10
MEETINGS_SHOWN = 12
# Of what an address says and no page knows, so many letters are told.
LONGEST_IGNORED = 40
# Who records meetings, as the database has it.
KEEPERS = frozenset({"grid_worker", "dispatcher", "admin"})

_Name = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Code = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Kind = Literal["", "incident", "component", "wish", "property", "dispute"]


class _Shown:
    """What every page of the indicators shows: names of counts, divisions and classes, local times."""

    def __init__(self, request: Request, session: Session, asks: Question) -> None:
        self._words = words(reader_language(request))
        self.areas = names_by_id(session, reader_language(request))
        self._communities = set(session.scalars(text("SELECT id FROM divisions WHERE level = 'community'")))
        self.classes = editions_of(request).read(None).called
        self._zone = asks.calendar.zone

    def word(self, key: str, otherwise: str) -> str:
        return self._words.get(key, otherwise)

    def count(self, name: str) -> str:
        return self.word(f"indicator.count.{name}", name)

    def area(self, name: str | int | None) -> str:
        return self.areas.get(int(name), str(name)) if name else "–"

    def is_community(self, name: str | int | None) -> bool:
        return bool(name) and int(name or 0) in self._communities

    def category(self, code: str) -> str:
        return self.classes.get(code, code)

    def moment(self, at: datetime | None) -> str:
        return "–" if at is None else at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")

    def day(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d")

    def last_day(self, at: datetime) -> str:
        return self.day(at - timedelta(seconds=1))

    def hours(self, seconds: float | None) -> str:
        return "–" if seconds is None else f"{seconds / 3600:.1f}"


def _asks(
    request: Request, session: Session, day: str, area: str, kind: str, department: str = ""
) -> Question:
    return asked_of(
        session, calendar_of(request), _day_of(day), area=area or None, kind=kind or None,
        department=department or None,
    )  # fmt: skip


def _day_of(written: str) -> date | None:
    """Return the day that an address names; None where it names none that there are figures of."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _ignored(day: str) -> str:
    """Return what of an address is left out, as it stands there: a day that is none."""
    return f"day={day[:LONGEST_IGNORED]}" if day and _day_of(day) is None else ""


def _areas(request: Request, session: Session) -> list[Area]:
    return areas_read(session, reader_language(request), with_root=False)


def _period(rule: PeriodRule, asks: Question, now: datetime) -> Period:
    return reports.so_far(reports.period_of(rule, asks.day, asks.calendar), now)


@router.get("/indicators")
def show_indicators(
    request: Request,
    session: PageSessionDep,
    edition: _Name = DEFAULT_EDITION,
    rule: RuleName = "month",
    day: _Code = "",
    area: _Code = "",
    kind: _Kind = "",
    department: _Code = "",
    by: Grouped = "area",
) -> Response:
    """Show the figures of an edition with what they rest on, and how everybody did."""
    actor: Actor = request.state.actor
    try:
        found = edition_named(request, edition)
        asks = _asks(request, session, day, area, kind)
    except NotFoundError:
        return missing_page(request, actor)
    now = datetime.now(UTC)
    # The figures may be those of one department; the boards compare all.
    told = reports.report(
        session, found, _period(found.period, asks, now),
        replace(asks.asked, department=department or None),
    )  # fmt: skip
    board_rule = PeriodRule(rule)
    period = reports.period_of(board_rule, asks.day, asks.calendar)
    card, companies = reports.scores(
        session, scorecards(data_folder(request, "scorecards")), board_rule, reports.so_far(period, now),
        asks.asked,
    )  # fmt: skip
    state = {
        "edition": edition,
        "rule": rule,
        "day": asks.day.isoformat(),
        "area": area,
        "kind": kind,
        "department": department,
        "by": by,
    }
    shown = _Shown(request, session, asks)
    lines, in_all = (
        reports.boards(
            session, board_rule, period, grouping, asks.calendar, now=now, within_days=WITHIN_DAYS,
            asked=asks.asked,
        )
        for grouping in (by, None)
    )  # fmt: skip
    if by == "area":
        # What stands at a street is in no community, and comes after these.
        lines.sort(key=lambda one: not shown.is_community(one[0].name))
    return page(
        request, "indicators.html", actor=actor, shown=shown, told=told, ignored=_ignored(day),
        unconfirmed=[shown.word(f"indicator.name.{name}", shown.count(name)) for name in found.unconfirmed],
        editions=sorted(editions_known(request)), period=period, areas=_areas(request, session), state=state,
        board=lines, in_all=in_all, script=script_data(request, "indicators", ()),
        themes=counting.themes(session, period, least_areas=LEAST_AREAS, asked=asks.asked), card=card,
        again=recurring(session, period, now=now, asked=asks.asked),
        companies=companies, within_days=WITHIN_DAYS, least_areas=LEAST_AREAS,
        address=lambda path, **more: f"{path}?{urlencode({**state, **more})}",
    )  # fmt: skip


@router.get("/indicators/cases")
def show_behind(
    request: Request,
    session: PageSessionDep,
    of: Annotated[str, Query(max_length=64, pattern=r"^[a-z_]+$")],
    part: Part = "counted",
    edition: _Name = DEFAULT_EDITION,
    day: _Code = "",
    area: _Code = "",
    kind: _Kind = "",
    department: _Code = "",
    after: Annotated[str, Query(max_length=19, pattern=r"^[0-9]*$")] = "",
) -> Response:
    """Show the cases in a figure, or those left out of it."""
    actor: Actor = request.state.actor
    try:
        found = edition_named(request, edition)
        asks = _asks(request, session, day, area, kind, department)
    except NotFoundError:
        return missing_page(request, actor)
    indicator = reports.indicator_named(found, of)
    if indicator is None:
        return missing_page(request, actor)
    period = _period(found.period, asks, datetime.now(UTC))
    rows = reports.behind(session, found, indicator, period, part, asked=asks.asked, after=after)
    state = {"of": of, "edition": edition, "day": asks.day.isoformat(), "area": area, "kind": kind}
    further = rows[-1].number if len(rows) == reports.MOST_MEMBERS else None
    predicates = found.predicates
    return page(
        request, "indicator_cases.html", actor=actor, shown=_Shown(request, session, asks), rows=rows,
        ignored=_ignored(day),
        indicator=indicator, part=part, period=period, edition=found, further=further,
        is_rate=indicator.numerator != indicator.denominator,
        script=script_data(request, "indicators", ()),
        means={name: predicates[name].text for name in (indicator.numerator, indicator.denominator)},
        address=lambda **more: f"/indicators/cases?{urlencode({**state, 'department': department, **more})}",
        back="/indicators?" + urlencode({
            "department": department, **{key: state[key] for key in ("edition", "day", "area", "kind")},
        }),
    )  # fmt: skip


@router.get("/indicators/lane")
def show_lane(
    request: Request, session: PageSessionDep, day: _Code = "", area: _Code = "", kind: _Kind = ""
) -> Response:
    """Show the work list of a week, to print."""
    actor: Actor = request.state.actor
    try:
        asks = _asks(request, session, day, area, kind)
    except NotFoundError:
        return missing_page(request, actor)
    period = reports.period_of(PeriodRule("week"), asks.day, asks.calendar)
    items = counting.lane_list(session, period, asked=asks.asked)
    return page(
        request, "meeting.html", actor=actor, shown=_Shown(request, session, asks), title="lane",
        sections={"": items}, said=_said(session, items), period=period, area=area, day=asks.day,
        ignored=_ignored(day),
        areas=_areas(request, session), now=datetime.now(UTC), records=None,
        script=script_data(request, "indicators", ()),
    )  # fmt: skip


@router.get("/indicators/agenda")
def show_agenda(request: Request, session: PageSessionDep, area: _Code = "", kind: _Kind = "") -> Response:
    """Show the agenda of the next meeting day, to print, and what came of those before."""
    actor: Actor = request.state.actor
    try:
        asks = _asks(request, session, "", area, kind)
    except NotFoundError:
        return missing_page(request, actor)
    sections = counting.agenda(session, datetime.now(UTC), asked=asks.asked)
    said = _said(session, [item for items in sections.values() for item in items])
    last = last_meetings(session, [area] if area else None, MEETINGS_SHOWN, reader_language(request))
    records = {
        "last": last, "figures": _added_up(last), "may_keep": bool(KEEPERS & actor.grants.keys()),
        "today": asks.calendar.local_day(datetime.now(UTC)).isoformat(),
    }  # fmt: skip
    told = ("id", "division_id", "kind", "present", "note", "items")
    script = script_data(
        request, "meetings", ("meetings",),
        records=[{"day": one["day"].isoformat(), **{name: one[name] for name in told}} for one in last],
    )  # fmt: skip
    return page(
        request, "meeting.html", actor=actor, shown=_Shown(request, session, asks), title="agenda",
        sections=sections, said=said, ignored="", period=None, area=area, day=meeting_day(asks.day),
        areas=_areas(request, session), now=datetime.now(UTC), records=records, script=script,
    )  # fmt: skip


def _added_up(last: Sequence[dict[str, Any]]) -> dict[str, int]:
    outcomes = Counter(item["outcome"] for one in last for item in one["items"])
    return {
        "meetings": len(last), "present": sum(one["present"] for one in last), "shown": MEETINGS_SHOWN,
        **{outcome: outcomes[outcome] for outcome in ("decided", "put_off", "sent_on")},
    }  # fmt: skip


def _said(session: Session, items: Sequence[counting.Item]) -> dict[str, tuple[str, str]]:
    """Return address and text of the cases of a list: whoever goes there has to know where and what."""
    rows = session.execute(
        text(
            "SELECT number, coalesce(address, '') AS address, text FROM cases WHERE number = ANY (:numbers)"
        ),
        {"numbers": [item.number for item in items]},
    )
    return {row.number: (row.address, row.text) for row in rows}


def meeting_day(today: date) -> date:
    """Return the next meeting day, today where it is one."""
    this = today.replace(day=MEETING_DAY)
    return this if today <= this else (today.replace(day=28) + timedelta(days=7)).replace(day=MEETING_DAY)
