"""The page of what is asked of those who report (减负): how often it is filled in, and what for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from api.areas import areas_read
from api.cases.asked_fields import RegisteredField, field_register
from api.dependencies import Actor
from api.pages import PageSessionDep, missing_page, page, reader_language, script_data
from api.routes.burden import FilledOut, filled_fields
from api.routes.cases import calendar_of
from api.routes.shown import day_said
from maps.text import words

router = APIRouter(include_in_schema=False)

# As long as half a year, and before it as long again.
LONGEST = timedelta(days=184)

_Said = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/burden")
def show_burden(
    request: Request, session: PageSessionDep, area: _Said = "", first: _Said = "", last: _Said = ""
) -> Response:
    """Show what each channel asks in a period, against the one before, and the register of fields."""
    actor: Actor = request.state.actor
    areas = areas_read(session, reader_language(request), of_cases=True)
    here = next((one for one in areas if one.code == area), None if area else next(iter(areas), None))
    if here is None and area:
        return missing_page(request, actor)
    zone = calendar_of(request).zone
    today = datetime.now(zone).date()
    ends = day_said(last, today)
    starts = max(min(day_said(first, ends - timedelta(days=29)), ends), ends - LONGEST)
    now: list[FilledOut] = []
    earlier: list[FilledOut] = []
    if here is not None:
        begun, ended = _midnight(starts, zone), _midnight(ends + timedelta(days=1), zone)
        now = filled_fields(session, here.id, begun, ended)
        earlier = filled_fields(session, here.id, begun - (ended - begun), begun)
    fields = field_register().fields
    known = words(reader_language(request))
    return page(
        request, "burden.html", actor=actor, areas=areas, place=here, starts=starts, ends=ends, today=today,
        channels=now, before={one.channel: one for one in earlier}, asked=field_register().asked,
        field_name=lambda name: known.get(f"burden.fields.{name}", name),
        channel_name=lambda code: known.get(f"case.channel.{code}", code),
        register=[one for one in fields if one.asked], kept=_by_purpose(fields),
        n_kept=sum(not one.asked for one in fields), script=script_data(request, "burden", ()),
    )  # fmt: skip


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _by_purpose(fields: tuple[RegisteredField, ...]) -> list[dict[str, Any]]:
    """Return the fields that nobody is asked for, those of one table and purpose together."""
    groups: dict[tuple[str, str], list[RegisteredField]] = {}
    for one in fields:
        if not one.asked:
            groups.setdefault((one.table, one.purpose), []).append(one)
    return [
        {"table": table, "purpose": purpose, "columns": [one.column for one in group], "kept": group[0].kept,
         "basis": group[0].basis, "review_by": group[0].review_by}
        for (table, purpose), group in groups.items()
    ]  # fmt: skip
