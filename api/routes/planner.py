"""The page of one community: its plan on the map, its versions and their steps, what can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Row, text

from api.dependencies import Actor
from api.errors import NotFoundError
from api.export_kinds import KINDS
from api.pages import PageSessionDep, missing_page, page, reader_language
from api.routes.divisions import RowId, require_community
from api.routes.plans import require_version
from maps.text import LANGUAGES

router = APIRouter(include_in_schema=False)

# The versions of a community, the newest first, as pages list them.
VERSIONS = """
    SELECT v.id, p.name AS plan, v.state, v.valid_from, v.valid_to, v.revision, v.created_at,
           v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> current_date
             AS in_force,
           (SELECT count(*) FROM grids g WHERE g.version_id = v.id) AS grids
    FROM versions v JOIN plans p ON p.id = v.plan_id
    WHERE v.community_id = :community ORDER BY v.created_at DESC, v.id"""


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
        versions = session.execute(text(VERSIONS), {"community": community_id}).all()
        shown = _shown(versions, version)
    except NotFoundError:
        return missing_page(request, actor)
    may = session.execute(
        text("SELECT :id IN (SELECT plannable()) AS plan, :id IN (SELECT administered()) AS publish"),
        {"id": community_id},
    ).one()
    return page(
        request, "plan.html", actor=actor, community=community, versions=versions, shown=shown,
        may_plan=may.plan, may_publish=may.publish, kinds=KINDS, today=datetime.now(UTC).date(),
    )  # fmt: skip


def _shown(versions: Sequence[Row[Any]], wanted: UUID | None) -> Row[Any] | None:
    if wanted is not None:
        for row in versions:
            if row.id == wanted:
                found: Row[Any] = row
                return found
        raise NotFoundError("version_not_found", "the community has no such version")
    return next((row for row in versions if row.in_force), versions[0] if versions else None)


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
