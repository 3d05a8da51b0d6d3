"""The pages of the desk: the list of cases, and one case."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.areas import areas_read
from api.cases import queries
from api.cases.steps import loop
from api.dependencies import Actor
from api.pages import PageSessionDep, missing_page, page, reader_language, script_data
from api.posts import names_of_posts
from api.routes.cases import calendar_of, editions_of
from api.routes.whistles_page import whistle_ground
from maps.text import words

router = APIRouter(include_in_schema=False)

# More communities than a list can be chosen from by eye.
MOST_COMMUNITIES = 500


@router.get("/cases")
def show_cases(request: Request, session: PageSessionDep) -> Response:
    """Show the list of cases; its script asks the service for them."""
    actor: Actor = request.state.actor
    edition, areas = editions_of(request).read(None), areas_read(session, reader_language(request))
    communities = [one for one in areas if one.level == "community"]
    script = script_data(
        request, "caselist", ("case", "cases"), zone=calendar_of(request).zone.key,
        communities=[{"id": one.id, "name": one.name} for one in communities[:MOST_COMMUNITIES]],
        has_all_communities=len(communities) <= MOST_COMMUNITIES,
        areas={one.code: one.name for one in areas},
        categories=[
            {"code": one.code, "large_name": one.large_name, "small_name": one.small_name}
            for one in edition.categories.values()
        ],
    )  # fmt: skip
    known = words(reader_language(request))
    channels = [key.removeprefix("case.channel.") for key in known if key.startswith("case.channel.")]
    return page(
        request, "cases.html", actor=actor, script=script, states=list(loop().states), channels=channels,
        known=known,
    )  # fmt: skip


@router.get("/cases/{number}")
def show_case(number: str, request: Request, session: PageSessionDep) -> Response:
    """Show one case: its stages, clocks, log, and the steps that the reader may take."""
    actor: Actor = request.state.actor
    row = queries.case(session, number) if number.isascii() and len(number) == 19 else None
    if row is None:
        return missing_page(request, actor)
    script = script_data(
        request, "casefile", ("case", "cases", "casefile", "report.photo", "whistles"), number=number,
        zone=calendar_of(request).zone.key, names=names_of_posts(session, actor),
        whistle=whistle_ground(session, number),
    )  # fmt: skip
    return page(request, "case.html", actor=actor, script=script, number=number)
