"""The page on which versions of a community are compared: a table, and two of them on the map."""

from __future__ import annotations

from string import ascii_uppercase
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import Actor
from api.errors import NotFoundError
from api.pages import PageSessionDep, missing_page, page, reader_language
from api.routes.cases import calendar_of
from api.routes.comparisons import comparison_out
from api.routes.divisions import RowId, require_community
from api.routes.plans import require_version
from api.routes.shown import version_names, versions_of

router = APIRouter(include_in_schema=False)

MOST_VERSIONS = 5


@router.get("/plan/{community_id}/compare")
def show_comparison(
    community_id: RowId,
    request: Request,
    session: PageSessionDep,
    version: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    on_map: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Compare the versions asked for with the first of them; the map shows the first and one other."""
    actor: Actor = request.state.actor
    try:
        community = require_community(session, community_id)
        versions = versions_of(session, community_id)
        wanted = list(dict.fromkeys(version))
        if any(each not in {row.id for row in versions} for each in [*wanted, *([on_map] if on_map else [])]):
            raise NotFoundError("version_not_found", "the community has no such version")
    except NotFoundError:
        return missing_page(request, actor)
    chosen = wanted[:MOST_VERSIONS]
    row_of = {row.id: row for row in versions}
    columns: list[dict[str, Any]] = [
        {"letter": letter, "version": row_of[each]}
        for letter, each in zip(ascii_uppercase, chosen, strict=False)
    ]
    compared = len(chosen) > 1
    if compared:
        # The libraries behind it take a second to load: only who compares waits for them, and only once.
        from api.comparing import compare_versions

        first = require_version(session, chosen[0])
        for column in columns:
            told = comparison_out(
                *compare_versions(session, first, require_version(session, column["version"].id))
            )
            column |= {"measures": told.after, "moved": told}
    others = columns[1:]
    shown = next(
        (column for column in others if column["version"].id == on_map), others[0] if others else None
    )
    return page(
        request, "compare.html", actor=actor, community=community, versions=versions, chosen=chosen,
        columns=columns, compared=compared, shown=shown, most=MOST_VERSIONS,
        too_many=len(wanted) > MOST_VERSIONS,
        label=version_names(versions, reader_language(request), calendar_of(request).zone),
    )  # fmt: skip
