"""The page of the board of offers (点单—派单—接单—评单, 心愿墙): open, claimed, done and rated, live."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from api.areas import names_of_areas
from api.cases.steps import loop
from api.dependencies import Actor
from api.pages import PageSessionDep, page, reader_language, script_data
from api.routes.cases import calendar_of, editions_of

router = APIRouter(include_in_schema=False)

COLUMNS = ("open", "claimed", "done", "rated", "withdrawn")


@router.get("/offers")
def show_offers(request: Request, session: PageSessionDep) -> Response:
    """Show what is offered in the reader's areas, with what he may do about it."""
    actor: Actor = request.state.actor
    teams = session.execute(
        text("SELECT DISTINCT department FROM own_departments() ORDER BY department")
    ).scalars()
    sees_cases = session.execute(text("SELECT cardinality(case_areas()) > 0")).scalar_one()
    classes = editions_of(request).read(None).called
    script = script_data(
        request, "offers", ("case", "cases", "offers"), zone=calendar_of(request).zone.key,
        teams=list(teams), areas=names_of_areas(session, reader_language(request)), sees_cases=sees_cases,
        dispatches="dispatcher" in actor.grants, reasons=list(loop().steps["return"].reasons),
        classes=classes,
    )  # fmt: skip
    return page(
        request, "offers.html", actor=actor, script=script, columns=COLUMNS,
        dispatches="dispatcher" in actor.grants,
    )  # fmt: skip
