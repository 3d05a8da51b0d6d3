"""The page of visits (日常走访): which micro-grids are due, and what was counted; nobody is named."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.areas import areas_read
from api.dependencies import Actor
from api.pages import PageSessionDep, missing_page, page, reader_language, script_data
from api.routes.cases import calendar_of
from api.routes.shown import day_said
from api.routes.visits import GridVisits, count_visits_by_grid, list_visits
from maps.text import words

router = APIRouter(include_in_schema=False)

MOST_ROWS = 600
MOST_ROUNDS_SHOWN = 50
# After so many days without a round a micro-grid is due; no city says when, so whoever looks chooses.
DUE_DAYS = (7, 30, 90, 180)

_Said = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/visits")
def show_visits(
    request: Request,
    session: PageSessionDep,
    area: _Said = "",
    first: _Said = "",
    last: _Said = "",
    topic: Annotated[str, Query(pattern=r"^[a-z0-9_]{0,32}$")] = "",
    every: Annotated[int, Query(ge=1, le=3650)] = 90,
) -> Response:
    """Show the visits of an area by micro-grid in a period, and which micro-grids are due."""
    actor: Actor = request.state.actor
    areas = areas_read(session, reader_language(request), acting_as=("grid_worker", "dispatcher", "admin"))
    here = next((one for one in areas if one.code == area), None if area else next(iter(areas), None))
    if here is None and area:
        return missing_page(request, actor)
    zone = calendar_of(request).zone
    today = datetime.now(zone).date()
    ends = day_said(last, today)
    starts = min(day_said(first, ends - timedelta(days=29)), ends)
    told: dict[str, Any] = {"grids": [], "elsewhere": None, "due": [], "rounds": []}
    if here is not None:
        before = ends + timedelta(days=1)
        found = count_visits_by_grid(session, here.id, starts, before, topic or None)
        rounds = list_visits(session, here.id, starts, before, topic or None)
        back = {one.reverses for one in rounds}
        told = {
            "grids": found.grids, "elsewhere": found.elsewhere, "due": _due(found.grids, today, every),
            "rounds": [(one, one.reverses is None and one.id not in back) for one in rounds],
        }  # fmt: skip
    known = words(reader_language(request))
    names = {one.code: one.name for one in areas}
    topics = [key.removeprefix("visits.topics.") for key in known if key.startswith("visits.topics.")]
    return page(
        request, "visits.html", actor=actor, areas=areas, place=here, told=told, today=today, starts=starts,
        ends=ends, topic=topic, topics=topics, every=every, choices=sorted({*DUE_DAYS, every}), names=names,
        communities={one.code: one.id for one in areas}, most=MOST_ROWS, most_rounds=MOST_ROUNDS_SHOWN,
        topic_name=lambda code: known.get(f"visits.topics.{code}", code),
        script=script_data(request, "visits", ("visits",)),
    )  # fmt: skip


def _due(grids: list[GridVisits], today: date, every: int) -> list[tuple[GridVisits, int | None]]:
    """Return the micro-grids without a round in so many days, and for how long; never visited ones first."""
    waits = [(one, None if one.last_day is None else (today - one.last_day).days) for one in grids]
    due = [(one, days) for one, days in waits if days is None or days >= every]
    return sorted(due, key=lambda one: (one[1] is not None, -(one[1] or 0), one[0].grid))
