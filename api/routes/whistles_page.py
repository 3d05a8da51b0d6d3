"""The page of whistles (街道吹哨、部门报到) and of joint actions: who was called, and who came when."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.areas import areas_read, names_of_areas
from api.dependencies import Actor
from api.pages import PageSessionDep, page, reader_language, script_data
from api.posts import names_of_posts
from api.routes.cases import calendar_of

router = APIRouter(include_in_schema=False)

COUNTS = ("waiting", "late", "there", "ended")


@router.get("/whistles")
def show_whistles(request: Request, session: PageSessionDep) -> Response:
    """Show which departments are called to which cases, and let them answer; and joint actions."""
    actor: Actor = request.state.actor
    language = reader_language(request)
    ground = areas_read(session, language, of_cases=True, acting_as=("dispatcher", "admin"))
    script = script_data(
        request, "whistles", ("case", "cases", "whistles"), zone=calendar_of(request).zone.key,
        names=names_of_posts(session, actor), areas=names_of_areas(session, language),
        actions=[{"id": one.id, "name": one.name, "notes": one.acts} for one in ground],
    )  # fmt: skip
    return page(request, "whistles.html", actor=actor, script=script, counts=COUNTS)


def whistle_ground(session: Session, number: str) -> dict[str, Any]:
    """Return where the actor may whistle for a case, and how long each level has until a department is there.

    Returns
    -------
    dict
        `states` in which he may, none where he has no role for it; `levels`, the lowest first, with their
        minutes.
    """
    may = session.execute(
        text("""SELECT area <@ ANY (areas('grid_worker', 'dispatcher', 'inspector')) FROM cases
                WHERE number = :number"""),
        {"number": number},
    ).scalar_one()
    states = session.execute(text("SELECT from_state FROM case_steps WHERE step = 'whistle'")).scalars()
    levels = session.execute(text("SELECT level, wait_minutes FROM whistle_levels ORDER BY rank"))
    return {
        "states": list(states) if may else [],
        "levels": [{"level": row.level, "minutes": row.wait_minutes} for row in levels],
    }
