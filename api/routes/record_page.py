"""The page with the record of a version: every edit with who, when, why, before and after."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api import queries
from api.dependencies import Actor
from api.errors import NotFoundError
from api.pages import PageSessionDep, missing_page, page, reader_language
from api.routes.cases import calendar_of
from api.routes.divisions import RowId, require_community
from api.routes.shown import moments, shown_version, versions_of
from maps.text import words

router = APIRouter(include_in_schema=False)

# Entries of the log shown at a time.
A_PAGE = 200


@router.get("/plan/{community_id}/record")
def show_record(
    community_id: RowId,
    request: Request,
    session: PageSessionDep,
    version: Annotated[UUID | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=(1 << 31) - 1)] = 0,
) -> Response:
    """Show the edits of a version in their order, with what was said of each."""
    actor: Actor = request.state.actor
    try:
        community = require_community(session, community_id)
        shown = shown_version(versions_of(session, community_id), version)
    except NotFoundError:
        return missing_page(request, actor)
    entries = queries.edits(session, shown.id, after=after, limit=A_PAGE)
    notes: dict[int, list[Any]] = defaultdict(list)
    for row in queries.edit_notes(session, shown.id):
        notes[row.of].append(row)
    return page(
        request, "record.html", actor=actor, community=community, version=shown, notes=notes,
        entries=[row for row in entries if row.action != "note"],
        further=entries[-1].seq if len(entries) == A_PAGE else None,
        known=words(reader_language(request)), moment=moments(calendar_of(request).zone),
    )  # fmt: skip
