"""The page of points (积分): what teams have, with the entries behind each figure; persons are not ranked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import text

from api.areas import areas_read
from api.dependencies import Actor
from api.pages import PageSessionDep, missing_page, page, reader_language, script_data
from api.posts import names_of_posts
from api.routes.cases import calendar_of
from api.routes.shown import moments
from maps.text import words

router = APIRouter(include_in_schema=False)

MOST_ENTRIES = 200

_Said = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]

# Whoever gives points somewhere reads all entries there; others their own.
_ENTRIES = """
    SELECT p.id, p.set_at, p.team, p.user_id, p.points, p.reason, p.reverses, p.case_number,
           c.number AS seen_case,
           EXISTS (SELECT FROM points back WHERE back.reverses = p.id) AS taken_back,
           p.division_id IN (SELECT dispatchable()) AND p.user_id <> actor() AS may_take_back
    FROM points p LEFT JOIN divisions d ON d.id = p.division_id LEFT JOIN cases c ON c.number = p.case_number
    WHERE {} ORDER BY p.id DESC LIMIT :most"""


@router.get("/points")
def show_points(request: Request, session: PageSessionDep, area: _Said = "", team: _Said = "") -> Response:
    """Show the points of teams and one's own; those of one team with the entries that add up to them."""
    actor: Actor = request.state.actor
    areas = areas_read(session, reader_language(request), acting_as=("dispatcher", "admin"))
    teams = session.execute(
        text("SELECT area, team, points, accounts FROM team_points() ORDER BY area, team")
    ).all()
    chosen = next((one for one in teams if (one.area, one.team) == (area, team)), None)
    if chosen is None and team:
        return missing_page(request, actor)
    values: dict[str, Any] = {"me": actor.user_id, "area": area, "team": team, "most": MOST_ENTRIES}
    entries = session.execute(text(_ENTRIES.format("d.code = :area AND p.team = :team")), values).all()
    told = session.execute(
        text("""SELECT count(*) AS entries, coalesce(sum(p.points), 0) AS points
                FROM points p JOIN divisions d ON d.id = p.division_id
                WHERE d.code = :area AND p.team = :team"""),
        values,
    ).one()
    mine = session.execute(text(_ENTRIES.format("p.user_id = :me")), values).all()
    total = session.execute(
        text("SELECT coalesce(sum(points), 0) FROM points WHERE user_id = :me"), values
    ).scalar_one()
    known = words(reader_language(request))
    reasons = [key.removeprefix("points.reasons.") for key in known if key.startswith("points.reasons.")]
    return page(
        request, "points.html", actor=actor, teams=teams, chosen=chosen, entries=entries, told=told,
        mine=mine, total=total, giving=[one for one in areas if one.acts], reasons=reasons,
        most=MOST_ENTRIES, area_names={one.code: one.name for one in areas},
        names=names_of_posts(session, actor),
        moment=moments(calendar_of(request).zone),
        reason_name=lambda code: known.get(f"points.reasons.{code}", code),
        script=script_data(request, "points", ("points",)),
    )  # fmt: skip
