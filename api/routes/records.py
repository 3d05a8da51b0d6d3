"""Why an edit was made, said after it: an entry of its own in the log, which nobody changes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from sqlalchemy import text

from api import queries
from api.dependencies import SessionDep
from api.errors import NotFoundError
from api.requests import KeptRoute
from api.routes.plans import log_edit, require_rights, require_version
from api.schemas import EditNote, LoggedEdit, problems

router = APIRouter(prefix="/api/v1", tags=["plans"], route_class=KeptRoute)

Seq = Annotated[int, Path(ge=1, le=(1 << 31) - 1, description="Place of the edit in the log of the version")]


@router.post("/versions/{version_id}/edits/{seq}/note", status_code=201, responses=problems(404))
def explain_edit(version_id: UUID, seq: Seq, body: EditNote, session: SessionDep) -> LoggedEdit:
    """Say why an edit was made; the entry `note` names it in `of`. What was said before stays readable."""
    version = require_version(session, version_id)
    require_rights(session, version, "plannable")
    known = session.execute(
        text(
            "SELECT 1 FROM log WHERE stream = 'edits' AND chain = :chain AND seq = :seq AND action <> 'note'"
        ),
        {"chain": str(version_id), "seq": seq},
    ).first()
    if known is None:
        raise NotFoundError("edit_not_found", "the version has no such edit")
    made = log_edit(session, version, "note", {"of": seq, "note": body.note})
    row = queries.edits(session, version_id, after=made - 1, limit=1)[0]
    return LoggedEdit.model_validate(row._mapping)
