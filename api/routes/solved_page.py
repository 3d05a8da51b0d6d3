"""The public page of what was solved (亮晒评), without an account: of the areas that show their cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.areas import area_name
from api.dependencies import StoreDep
from api.pages import page, reader_language, script_data
from api.routes.cases import calendar_of, editions_of
from api.routes.report_page import NOWHERE
from maps.text import text as words_of

router = APIRouter(include_in_schema=False)

CASES_A_PAGE = 30
MOST_AREAS = 3000
# The outlines of so many communities are drawn; more are a city, of which a small map shows nothing.
MOST_OUTLINES = 60
MONTHS = 24
MONTH_DAYS = 31
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400

_Said = Annotated[str, Query(max_length=64)]

_SOLVED = """
    SELECT number, category, category_name, area_id, area_name, reported_at, closed_at, lon, lat, rating
    FROM public_solved
    WHERE area_id = ANY (:areas)
      AND (cast(:category AS text) IS NULL OR category = :category)
      AND (cast(:begun AS timestamptz) IS NULL OR closed_at >= :begun AND closed_at < :ended)
      AND (cast(:at AS timestamptz) IS NULL OR (closed_at, number) < (:at, cast(:number AS text)))
    ORDER BY closed_at DESC, number DESC LIMIT :limit"""


@router.get("/solved")
def show_solved(
    request: Request,
    store: StoreDep,
    area: _Said = "",
    category: _Said = "",
    month: _Said = "",
    after: _Said = "",
) -> Response:
    """Show what was solved: where about, of which class, when, how long it took, and how it was rated.

    What an address asks for that there is not, is not asked: it is read by whoever finds it somewhere.
    """
    language, zone = reader_language(request), calendar_of(request).zone
    months = _months(datetime.now(zone).date())
    classes = editions_of(request).read(None).categories
    begun = months[months.index(month)] if month in months else ""
    chosen = category if category in classes else ""
    with Session(store.engine) as session, session.begin():
        areas = session.execute(
            text("""SELECT id, code, name, path::text AS path, level, ST_AsGeoJSON(geom, 5, 0) AS geom
                    FROM public_areas ORDER BY path LIMIT :most"""),
            {"most": MOST_AREAS},
        ).all()  # fmt: skip
        within = next((one for one in areas if one.code == area), None)
        asked = [one for one in areas if within is None or _is_in(one.path, within.path)]
        rows = _solved(session, [one.id for one in asked], chosen, begun, after, zone)
    further = f"{_micros(rows[-2].closed_at)}-{rows[-2].number}" if len(rows) > CASES_A_PAGE else None
    rows = rows[:CASES_A_PAGE]
    state = {"area": area if within else "", "category": chosen, "month": begun}
    outlines = [json.loads(one.geom) for one in asked if one.geom]
    script = script_data(
        request, "solved", ("solved", "casefile.map"), centre=NOWHERE,
        outlines=outlines if len(outlines) <= MOST_OUTLINES else [],
        spots=[[place, row.lon, row.lat] for place, row in enumerate(rows, 1) if row.lon is not None],
    )  # fmt: skip
    return page(
        request, "solved.html", actor=None, script=script, areas=areas, months=months, rows=rows, state=state,
        classes=[(one.code, f"{one.large_name} · {one.small_name}") for one in classes.values()],
        area_names={one.id: area_name(one.name, one.level, one.code, language) for one in areas},
        told=_Told(request, zone), is_filtered=any(state.values()) or bool(after), is_later=bool(after),
        further=f"/solved?{urlencode({**state, 'after': further})}" if further else None,
        first=f"/solved?{urlencode(state)}",
    )  # fmt: skip


class _Told:
    """Days, spans and ratings in the reader's words."""

    def __init__(self, request: Request, zone: ZoneInfo) -> None:
        self._language, self._zone = reader_language(request), zone

    def day(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d")

    def took(self, row: Row[Any]) -> str:
        seconds = max(0, int((row.closed_at - row.reported_at).total_seconds()))
        if seconds < HOUR_S:
            return words_of("solved.minutes", self._language, n=max(1, seconds // MINUTE_S))
        if seconds < DAY_S:
            return words_of("solved.hours", self._language, n=seconds // HOUR_S)
        return words_of("solved.days", self._language, n=seconds // DAY_S, hours=seconds % DAY_S // HOUR_S)


def _solved(
    session: Session, areas: Sequence[int], category: str, month: str, after: str, zone: ZoneInfo
) -> list[Row[Any]]:
    """Return a page of solved cases and one more, the last closed first."""
    if not areas:
        return []
    begun = ended = None
    if month:
        first = date.fromisoformat(f"{month}-01")
        next_month = (first + timedelta(days=MONTH_DAYS)).replace(day=1)
        begun, ended = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, next_month))
    at, number = _cursor(after)
    found = session.execute(
        text(_SOLVED),
        {"areas": list(areas), "category": category or None, "begun": begun, "ended": ended, "at": at,
         "number": number, "limit": CASES_A_PAGE + 1},
    )  # fmt: skip
    return list(found.all())


def _months(today: date) -> list[str]:
    """Return this month and those before it, as `2026-11`."""
    count = today.year * 12 + today.month - 1
    return [f"{one // 12}-{one % 12 + 1:02}" for one in range(count, count - MONTHS, -1)]


def _is_in(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _cursor(after: str) -> tuple[datetime | None, str]:
    """Return the case that a page stands after; none where it cannot be read."""
    moment, _, number = after.partition("-")
    if not all(one.isascii() and one.isdecimal() for one in (moment, number)):
        return None, ""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(moment)), number
    except OverflowError:
        return None, ""
