"""The page on which grids of others are brought onto a community."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import Actor
from api.errors import NotFoundError
from api.pages import PageSessionDep, missing_page, page
from api.routes.divisions import RowId, require_community
from api.routes.plans import require_rights, require_version
from api.routes.shown import shown_version, versions_of

router = APIRouter(include_in_schema=False)


@router.get("/plan/{community_id}/import")
def show_import(
    community_id: RowId,
    request: Request,
    session: PageSessionDep,
    version: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Show where a file is sent; its grids go onto the units of the version."""
    actor: Actor = request.state.actor
    try:
        community = require_community(session, community_id)
        shown = shown_version(versions_of(session, community_id), version)
    except NotFoundError:
        return missing_page(request, actor)
    require_rights(session, require_version(session, shown.id), "plannable")
    return page(request, "import.html", actor=actor, community=community, version=shown)
