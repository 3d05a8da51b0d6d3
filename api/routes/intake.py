"""What an area lets in: its reporters, and people without an account."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text

from api.dependencies import SessionDep
from api.errors import NotAllowedError, NotFoundError
from api.routes.divisions import RowId
from api.schemas import Body, problems

router = APIRouter(prefix="/api/v1/intake", tags=["cases"])


class IntakeIn(Body):
    """Who may report in an area; what stands nearest above a place decides."""

    reporters: bool
    anonymous: bool


class IntakeOut(BaseModel):
    """An area that says something of its own."""

    division_id: int
    code: str
    name: str | None
    reporters: bool
    anonymous: bool


@router.get("", responses=problems())
def list_intake(session: SessionDep) -> list[IntakeOut]:
    """List the areas that say who may report there; elsewhere it is their reporters, and nobody else."""
    rows = session.execute(
        text("""SELECT i.division_id, d.code, d.name, i.reporters, i.anonymous
                FROM case_intake i JOIN divisions d ON d.id = i.division_id ORDER BY d.code""")
    )
    return [IntakeOut.model_validate(row._mapping) for row in rows]


@router.put("/{division_id}", status_code=204, response_class=Response, responses=problems(403, 404))
def set_intake(division_id: RowId, body: IntakeIn, session: SessionDep) -> None:
    """Say who may report in an area; its administrators do."""
    _require(session, division_id)
    session.execute(
        text("""INSERT INTO case_intake (division_id, reporters, anonymous)
                VALUES (:d, :reporters, :anonymous)
                ON CONFLICT (division_id) DO UPDATE SET reporters = excluded.reporters,
                  anonymous = excluded.anonymous"""),
        {"d": division_id, **body.model_dump()},
    )


@router.delete("/{division_id}", status_code=204, response_class=Response, responses=problems(403, 404))
def unset_intake(division_id: RowId, session: SessionDep) -> None:
    """Let what is said above an area hold there again."""
    _require(session, division_id)
    session.execute(text("DELETE FROM case_intake WHERE division_id = :d"), {"d": division_id})


def _require(session: SessionDep, division_id: int) -> None:
    known = session.execute(
        text("SELECT :d IN (SELECT administered()) FROM divisions WHERE id = :d"), {"d": division_id}
    ).scalar_one_or_none()
    if known is None:
        raise NotFoundError("not_found", f"there is no division {division_id}")
    if not known:
        raise NotAllowedError("not_allowed", "your roles do not allow this here")
