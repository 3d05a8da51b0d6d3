"""A version as one pack of layers, for pages that draw it and redraw it."""

from __future__ import annotations

import hashlib
from importlib.metadata import version as program_version
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Response

from api import queries
from api.dependencies import SessionDep
from api.routes.plans import require_version
from api.schemas import problems
from maps import pack_format

router = APIRouter(prefix="/api/v1", tags=["plans"])

MEDIA_TYPE = "application/octet-stream"
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {}}, "description": "The pack (`maps/pack_format.py`)"},
    304: {"description": "The pack is as If-None-Match says"},
}


def made_by() -> str:
    """Return what tells packs of this program from those of another, for their entity tags.

    A page that came with a new form of packs reads none of before, which a browser may still have.
    """
    return f"{program_version('weige')} {pack_format.VERSION}"


@router.get("/versions/{version_id}/pack", response_class=Response, responses=problems(404) | _ANSWERS)
def get_pack(
    version_id: UUID,
    session: SessionDep,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", max_length=1000)] = None,
) -> Response:
    """Send a version with everything that drawing and redrawing its grids takes, as one pack.

    Its layers: grids, units, cells (row by row of units), pairs of neighbours by row, findings, community,
    roads, water, barriers, compounds and gates round it, and one row about the version itself, whose
    `revision` is what If-Match names. The entity tag of the pack also follows what lies round.
    """
    version = require_version(session, version_id)
    edition = f"{made_by()} {queries.version_edition(session, version_id)}"
    tag = f'"{version.revision}-{hashlib.sha256(edition.encode()).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if tag in [said.strip().removeprefix("W/") for said in (if_none_match or "").split(",")]:
        return Response(status_code=304, headers=headers)
    # The libraries behind it take a second to load: only who opens a plan waits for them, and only once.
    from api.version_pack import version_pack

    return Response(version_pack(session, version_id), headers=headers, media_type=MEDIA_TYPE)
