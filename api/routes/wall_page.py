"""The page of the wall: what a command centre has hanging there all day."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from api.areas import areas_read
from api.cases.wall_table import OPEN_STATES
from api.dependencies import Actor
from api.pages import PageSessionDep, page, reader_language, script_data
from api.routes.cases import calendar_of, editions_of

router = APIRouter(include_in_schema=False)

NOTING = ("dispatcher", "verifier", "inspector", "grid_worker", "admin")


@router.get("/wall")
def show_wall(request: Request, session: PageSessionDep) -> Response:
    """Show the wall; the query string says of which area, role and cases."""
    actor: Actor = request.state.actor
    areas = areas_read(session, reader_language(request))
    extent = session.execute(
        text("""SELECT ARRAY[ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)] FROM (
                  SELECT ST_Extent(geom) AS box FROM divisions
                  WHERE geom IS NOT NULL AND path <@ ANY (reading_areas())) e WHERE box IS NOT NULL""")
    ).scalar_one_or_none()
    edition = editions_of(request).read(None)
    data = script_data(
        request, "wall", ("wall", "case"),
        after=request.app.state.live.last or 0, zone=calendar_of(request).zone.key, extent=extent,
        may_note=any(role in actor.grants for role in NOTING), areas=[asdict(area) for area in areas],
        roles=sorted(role for role in actor.grants if role != "reporter"), states=list(OPEN_STATES),
        categories=[
            {"code": code, "name": edition.called[code], "large_name": one.large_name,
             "small_name": one.small_name, "kind": one.kind}
            for code, one in edition.categories.items()
        ],
    )  # fmt: skip
    return page(request, "wall.html", actor=actor, data=data)
