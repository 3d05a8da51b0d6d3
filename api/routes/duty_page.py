"""The page of who is on duty by post (AB岗), with its gaps, and of the mode of the areas (平急转换)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.areas import areas_read, with_area
from api.dependencies import Actor
from api.pages import PageSessionDep, missing_page, page, reader_language, script_data
from api.posts import names_of_posts
from api.routes.cases import calendar_of
from api.routes.mechanisms import list_gaps
from api.routes.shown import moments
from maps.text import Language

router = APIRouter(include_in_schema=False)

MOST_ROWS = 600
DAYS_AHEAD = 7
ROSTER_KEEPERS = frozenset({"dispatcher", "admin"})
PLACES = ("A", "B")

_GRIDS = """
    SELECT c.id AS community, c.name, c.level, c.code, g.code AS grid
    FROM grids g JOIN versions v ON v.id = g.version_id JOIN divisions c ON c.id = g.community_id
    WHERE c.path <@ (SELECT path FROM divisions WHERE id = :division)
      AND v.state IN ('published', 'superseded')
      AND daterange(v.valid_from, v.valid_to) @> city_day(:at)
    ORDER BY c.code, g.code"""
# Whoever is on duty in a division above a community is on duty in each of its grids.
_ON_DUTY = """
    SELECT c.id AS community, CASE WHEN r.division_id = c.id THEN r.grid ELSE '' END AS grid, r.place,
           r.user_id, r.ends_at
    FROM duties r JOIN divisions d ON d.id = r.division_id JOIN divisions c ON c.path <@ d.path
    WHERE c.level = 'community' AND c.path <@ (SELECT path FROM divisions WHERE id = :division)
      AND r.withdrawn_at IS NULL AND r.starts_at <= :at AND r.ends_at > :at"""
_ROSTER = """
    SELECT r.id, d.name, d.level, d.code, r.grid, r.place, r.user_id, r.starts_at, r.ends_at
    FROM duties r JOIN divisions d ON d.id = r.division_id
    WHERE d.path <@ (SELECT path FROM divisions WHERE id = :division) AND r.withdrawn_at IS NULL
      AND r.ends_at > :at AND r.starts_at < :ahead
    ORDER BY r.starts_at, d.code, r.grid, r.place LIMIT :most"""
_MODES = """
    SELECT m.id, d.name, d.level, d.code, m.mode, m.note, m.set_by, m.set_at
    FROM area_modes m JOIN divisions d ON d.id = m.division_id,
         (SELECT path FROM divisions WHERE id = :division) here
    WHERE d.path <@ here.path OR d.path @> here.path
    ORDER BY m.id DESC LIMIT 50"""


@router.get("/duty")
def show_duty(
    request: Request,
    session: PageSessionDep,
    area: Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
) -> Response:
    """Show who is on duty in an area by post, where nobody is, and in which mode the area is."""
    actor: Actor = request.state.actor
    language = reader_language(request)
    areas = areas_read(session, language)
    here = next((one for one in areas if one.code == area), None if area else next(iter(areas), None))
    if here is None and area:
        return missing_page(request, actor)
    now = datetime.now(UTC)
    names = names_of_posts(session, actor)
    told: dict[str, Any] = {"grids": [], "roster": [], "gaps": [], "modes": [], "mode": "routine"}
    if here is not None:
        ahead = now + timedelta(days=DAYS_AHEAD)
        values = {"division": here.id, "at": now, "ahead": ahead, "most": MOST_ROWS}
        told = {
            "grids": _staffed(session, values, language),
            "roster": with_area(session.execute(text(_ROSTER), values), language),
            # Moments are told to the minute.
            "gaps": [
                gap
                for gap in list_gaps(session, here.id, now, ahead)
                if gap.ends_at - gap.starts_at >= timedelta(minutes=1)
            ],
            "modes": with_area(session.execute(text(_MODES), values), language),
            "mode": session.execute(
                text("SELECT mode_at(path, now()) FROM divisions WHERE id = :division"), values
            ).scalar_one(),
        }
    grids: list[dict[str, Any]] = told["grids"]
    counts = {
        "grids": len(grids), "both": sum(bool(one["A"] and one["B"]) for one in grids),
        "no_a": sum(not one["A"] for one in grids), "no_b": sum(not one["B"] for one in grids),
    }  # fmt: skip
    keeps = bool(ROSTER_KEEPERS & actor.grants.keys())
    zone = calendar_of(request).zone
    script = script_data(request, "duty", ("duty", "case.mode"), zone=zone.key)
    return page(
        request, "duty.html", actor=actor, script=script, areas=areas, place=here, told=told, counts=counts,
        keeps=keeps, posts=sorted(names.items(), key=lambda one: one[1]) if keeps else [], names=names,
        moment=moments(zone), now=now, most=MOST_ROWS, days=DAYS_AHEAD,
    )  # fmt: skip


def _staffed(session: Session, values: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """Return the micro-grids in force, each with the accounts that are in its two places."""
    on_duty: dict[tuple[int, str, str], Row[Any]] = {}
    for row in session.execute(text(_ON_DUTY), dict(values)):
        on_duty[row.community, row.grid, row.place] = row

    def in_place(community: int, grid: str, place: str) -> Row[Any] | None:
        return on_duty.get((community, grid, place)) or on_duty.get((community, "", place))

    return [
        {**row, **{place: in_place(row["community"], row["grid"], place) for place in PLACES}}
        for row in with_area(session.execute(text(_GRIDS), dict(values)), language)
    ]  # fmt: skip
