"""The page of the register of stations: map, table, gaps, checks, import and export."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from api.areas import areas_read
from api.dependencies import Actor
from api.pages import PageSessionDep, page, reader_language, script_data
from api.routes.cases import calendar_of
from api.routes.report_page import NOWHERE

router = APIRouter(include_in_schema=False)

CHECKERS = frozenset({"grid_worker", "inspector", "planner", "admin"})
KEEPERS = ("planner", "admin")


@router.get("/stations")
def show_stations(request: Request, session: PageSessionDep) -> Response:
    """Show the stations of the reader's areas."""
    actor: Actor = request.state.actor
    areas = areas_read(session, reader_language(request), with_root=False)
    centre = session.execute(
        text("""SELECT ST_X(c) AS lon, ST_Y(c) AS lat FROM (SELECT coalesce(
                  (SELECT ST_Centroid(ST_Extent(geom)) FROM stations),
                  (SELECT ST_PointOnSurface(geom) FROM divisions
                   WHERE level = 'community' AND geom IS NOT NULL AND path <@ ANY (reading_areas())
                   ORDER BY path LIMIT 1)) AS c) m WHERE c IS NOT NULL""")
    ).one_or_none()
    # The widest area in which the actor keeps the register: an import is started for it.
    kept = sorted((path for role in KEEPERS for path in actor.grants.get(role, ())), key=len)
    script = script_data(
        request, "stations", ("stations", "facility", "casefile.map"),
        areas=[{"id": one.id, "code": one.code, "name": one.name, "depth": one.depth} for one in areas],
        may_check=bool(CHECKERS & actor.grants.keys()),
        keeps=int(kept[0].rsplit(".", 1)[-1]) if kept else None,
        may_see=any(role != "reporter" for role in actor.grants),
        centre=[centre.lon, centre.lat] if centre else NOWHERE, zone=calendar_of(request).zone.key,
    )  # fmt: skip
    return page(request, "stations.html", actor=actor, script=script)
