"""The page of one community: its plan on the map, its versions and their steps, what can be taken away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import text

from api.dependencies import Actor
from api.errors import NotFoundError
from api.export_kinds import KINDS
from api.pages import PageSessionDep, missing_page, page, reader_language
from api.routes.cases import calendar_of
from api.routes.divisions import RowId, require_community
from api.routes.plans import require_version
from api.routes.shown import shown_version, version_names, versions_of
from maps.text import LANGUAGES

router = APIRouter(include_in_schema=False)


@router.get("/plan/{community_id}")
def show_plan(
    community_id: RowId,
    request: Request,
    session: PageSessionDep,
    version: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Show a community: the version asked for, else the one in force, else the newest."""
    actor: Actor = request.state.actor
    try:
        community = require_community(session, community_id)
        versions = versions_of(session, community_id)
        # A community without any says so on its page.
        shown = shown_version(versions, version) if versions or version else None
    except NotFoundError:
        return missing_page(request, actor)
    may = session.execute(
        text("SELECT :id IN (SELECT plannable()) AS plan, :id IN (SELECT administered()) AS publish"),
        {"id": community_id},
    ).one()
    calendar = calendar_of(request)
    return page(
        request, "plan.html", actor=actor, community=community, versions=versions, shown=shown,
        may_plan=may.plan, may_publish=may.publish, kinds=KINDS, today=calendar.local_day(datetime.now(UTC)),
        label=version_names(versions, reader_language(request), calendar.zone),
    )  # fmt: skip


@router.get("/plan/{community_id}/settings/{version_id}")
def send_settings(
    community_id: RowId, version_id: UUID, request: Request, session: PageSessionDep
) -> JSONResponse:
    """Send what a page needs besides the pack of a version: words, styles, band (as `schema.ts` says)."""
    # The libraries behind it take a second to load: only who opens a map waits for them, and only once.
    from maps.export import page_words
    from maps.styles import page_styles

    version = require_version(session, version_id)
    if version.community_id != community_id:
        raise NotFoundError("version_not_found", "the community has no such version")
    households = session.execute(
        text("SELECT households FROM units WHERE ground_id = :ground"), {"ground": version.ground_id}
    ).scalars()
    counts = np.fromiter(households, np.int64)
    # Units outside all communities are not loaded: what is left out lies inside.
    settings = {
        "language": reader_language(request),
        "words": {language: page_words(language) for language in LANGUAGES},
        "styles": page_styles(counts),
        "plan": {
            "band": [version.min_households, version.max_households],
            "version": "", "seed": "", "finished_at": "", "sources": [],
        },
        "households": {
            "in_grids": version.households, "left_out": int(counts.sum()) - version.households, "outside": 0,
        },
    }  # fmt: skip
    return JSONResponse(settings, headers={"Cache-Control": "private, no-store", "Vary": "Cookie"})
