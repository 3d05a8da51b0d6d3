"""The cards of a version, to print: one page of A4 for each micro-grid."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import Actor
from api.errors import NotFoundError
from api.pages import PageSessionDep, missing_page, page
from api.routes.divisions import RowId, require_community
from api.routes.shown import shown_version, versions_of

router = APIRouter(include_in_schema=False)

# So many buildings stand on a card in two columns; the others are summed up.
MOST_BUILDINGS = 32


@router.get("/plan/{community_id}/cards")
def show_cards(
    community_id: RowId,
    request: Request,
    session: PageSessionDep,
    version: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Show a card for each micro-grid of a version."""
    actor: Actor = request.state.actor
    try:
        community = require_community(session, community_id)
        shown = shown_version(versions_of(session, community_id), version)
    except NotFoundError:
        return missing_page(request, actor)
    # The libraries behind it take a second to load: only who prints waits for them, and only once.
    from api.version_frames import version_frames
    from maps.cards import HEIGHT_MM, WIDTH_MM, grid_cards

    return page(
        request, "cards.html", actor=actor, community=community, version=shown,
        cards=grid_cards(version_frames(session, shown.id)), width=WIDTH_MM, height=HEIGHT_MM,
        most=MOST_BUILDINGS,
    )  # fmt: skip
