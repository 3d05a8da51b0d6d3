"""The page of whistles (街道吹哨、部门报到) and of joint actions: who was called, and who came when."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.dependencies import Actor
from api.pages import PageSessionDep, page, script_data
from api.routes.cases import calendar_of

router = APIRouter(include_in_schema=False)

COUNTS = ("waiting", "late", "there", "ended")
MOST_AREAS = 3000

_AREAS = """
    SELECT id, code, coalesce(name, code) AS name, path <@ ANY (case_areas()) AS sees_cases,
           path <@ ANY (areas('dispatcher', 'admin')) AS notes_actions
    FROM divisions WHERE path <@ ANY (reading_areas()) ORDER BY path LIMIT :most"""


@router.get("/whistles")
def show_whistles(request: Request, session: PageSessionDep) -> Response:
    """Show which departments are called to which cases, and let them answer; and joint actions."""
    actor: Actor = request.state.actor
    areas = session.execute(text(_AREAS), {"most": MOST_AREAS}).all()
    script = script_data(
        request, "whistles", ("case", "cases", "whistles"), zone=calendar_of(request).zone.key,
        names=names_of_posts(session, actor), areas={row.code: row.name for row in areas},
        actions=[
            {"id": row.id, "name": row.name, "notes": row.notes_actions} for row in areas if row.sees_cases
        ],
    )  # fmt: skip
    return page(request, "whistles.html", actor=actor, script=script, counts=COUNTS)


def names_of_posts(session: Session, actor: Actor) -> dict[int, str]:
    """Return the names of accounts that the actor is told: of posts where he keeps the roster, and his."""
    names = {row.id: row.name for row in session.execute(text("SELECT id, name FROM posts()"))}
    return {**names, actor.user_id: actor.name}


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
