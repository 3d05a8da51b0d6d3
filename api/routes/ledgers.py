"""The ledger of a version as a workbook."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.dependencies import ActorDep, SessionDep
from api.routes.comparisons import both_versions
from api.routes.exports import attachment, code_of, log_download
from api.routes.plans import require_version
from api.schemas import problems
from maps.text import Language

router = APIRouter(prefix="/api/v1", tags=["exports"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: {}}, "description": "The workbook"}}


@router.get("/versions/{version_id}/ledger", response_class=Response, responses=problems(404, 409) | _FILE)
def download_ledger(
    version_id: UUID,
    session: SessionDep,
    actor: ActorDep,
    against: Annotated[
        UUID | None, Query(description="The version it is told against; else the one it was made from")
    ] = None,
    lang: Annotated[Language, Query(description="Of headings and words")] = "zh_CN",
) -> Response:
    """Send the grids and units of a version as a workbook, with old codes and new ones.

    The latter stand against the version it was made from, or the one that is named.
    """
    version = require_version(session, version_id)
    before_id = against or version.parent_id
    before = None if before_id is None else both_versions(session, before_id, version_id)[0]
    # The libraries behind it take a second to load: only who takes a ledger waits for them, and only once.
    from api.comparing import compare_versions
    from api.version_frames import version_frames
    from maps.version_book import version_book

    log_download(session, actor, {"version": str(version_id), "format": "xlsx"}, version.community_id)
    since = None if before is None else compare_versions(session, before, version)[2]
    return Response(
        version_book(version_frames(session, version_id), since, language=lang),
        media_type=XLSX,
        headers={
            "Content-Disposition": attachment(f"ledger-{code_of(session, version.community_id)}.xlsx"),
            "Cache-Control": "private, no-store",
        },
    )
