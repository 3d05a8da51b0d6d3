"""Divisions of the tree, and communities with their units."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import queries
from api.dependencies import SessionDep
from api.errors import NotAllowedError, NotFoundError, NotValidError
from api.requests import IfMatch, KeptRoute, PageDep, entity_tag, feature_page, require_match
from api.schemas import (
    Collection,
    CommunityProperties,
    DivisionChange,
    DivisionIn,
    DivisionOut,
    Feature,
    Page,
    UnitProperties,
    problems,
)

router = APIRouter(prefix="/api/v1", tags=["divisions"], route_class=KeptRoute)

RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def number_cursor(after: str) -> int:
    """Return a cursor that is a row number; none stands before the first row.

    Raises
    ------
    NotValidError
        It is no number: with the first page again, whoever turns pages would never come to the last.
    """
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise NotValidError("cursor", "after is no cursor of this list")
    return int(after or 0)


@router.get("/divisions", responses=problems())
def list_divisions(
    request: Request,
    session: SessionDep,
    page: PageDep,
    parent: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Page[DivisionOut]:
    """List the divisions that the actor may read, and those above them, by id."""
    rows = queries.divisions(session, parent=parent, after=number_cursor(page.after), limit=page.limit)
    items = [DivisionOut.model_validate(row._mapping) for row in rows]
    return Page(items=items, next=page.next_address(request, [str(row.id) for row in rows]))


@router.post("/divisions", status_code=201, responses=problems(404, 409))
def add_division(body: DivisionIn, session: SessionDep, response: Response) -> DivisionOut:
    """Add a division below one that the actor administers."""
    if queries.division(session, body.parent_id) is None:
        raise NotFoundError("division_not_found", "there is no such division above")
    added = session.execute(
        text("INSERT INTO divisions (parent_id, level, code, name) VALUES (:parent_id, :level, :code, :name)"
             " RETURNING id"),
        body.model_dump(),
    ).scalar_one()  # fmt: skip
    response.headers["Location"] = f"/api/v1/divisions/{added}"
    return _division(session, added, response)


@router.get("/divisions/{division_id}", responses=problems(404))
def get_division(division_id: RowId, session: SessionDep, response: Response) -> DivisionOut:
    """Return one division."""
    return _division(session, division_id, response)


@router.patch("/divisions/{division_id}", responses=problems(404, 412, 428))
def change_division(
    division_id: RowId,
    body: DivisionChange,
    session: SessionDep,
    response: Response,
    if_match: IfMatch = None,
) -> DivisionOut:
    """Rename a division."""
    present = _division(session, division_id, response)
    require_match(if_match, present.revision, lambda: present.model_dump(mode="json"))
    changed = session.execute(
        text("UPDATE divisions SET name = :name, revision = revision + 1"
             " WHERE id = :id AND revision = :revision RETURNING 1"),
        {"name": body.name, "id": division_id, "revision": present.revision},
    ).one_or_none()  # fmt: skip
    if changed is None:
        # Row-level security hid the row from the update.
        raise NotAllowedError("not_allowed", "only an administrator of the area changes its divisions")
    return _division(session, division_id, response)


@router.get("/communities", responses=problems())
def list_communities(request: Request, session: SessionDep, page: PageDep) -> Collection[CommunityProperties]:
    """List communities as GeoJSON, ordered by code. Coordinates are WGS 84 longitude, latitude."""
    rows = queries.communities(session, after=page.after, limit=page.limit)
    return Collection(
        features=[_community(row) for row in rows],
        next=page.next_address(request, [row.code for row in rows]),
    )


@router.get("/communities/{community_id}", responses=problems(404))
def get_community(
    community_id: RowId, session: SessionDep, response: Response
) -> Feature[CommunityProperties]:
    """Return one community as GeoJSON."""
    row = require_community(session, community_id)
    response.headers["ETag"] = entity_tag(row.revision)
    return _community(row)


@router.get(
    "/communities/{community_id}/units",
    response_model=Collection[UnitProperties],
    responses=problems(404),
)
def list_units(
    community_id: RowId,
    request: Request,
    session: SessionDep,
    page: PageDep,
    version: UUID | None = None,
) -> Response:
    """List the units of a community as GeoJSON, ordered by id: those of its newest ground, or of a version's.

    Households are counted, never named.
    """
    require_community(session, community_id)
    ground = queries.newest_ground(session, community_id)
    if version is not None:
        found = queries.version(session, version)
        if found is None or found.community_id != community_id:
            raise NotFoundError("version_not_found", "the community has no such version")
        ground = found.ground_id
    rows = (
        queries.unit_features(session, ground, version, after=page.after, limit=page.limit) if ground else []
    )
    return feature_page(request, page, rows)


def require_community(session: Session, community_id: int) -> Row[Any]:
    """Return a community that the actor may read.

    Raises
    ------
    NotFoundError
        There is none, or the actor may not know of it.
    """
    rows = queries.communities(session, only=community_id)
    if not rows:
        raise NotFoundError("community_not_found", "there is no such community")
    return rows[0]


def _division(session: Session, division_id: int, response: Response) -> DivisionOut:
    row = queries.division(session, division_id)
    if row is None:
        raise NotFoundError("division_not_found", "there is no such division")
    response.headers["ETag"] = entity_tag(row.revision)
    return DivisionOut.model_validate(row._mapping)


def _community(row: Row[Any]) -> Feature[CommunityProperties]:
    return Feature(
        id=row.id, geometry=row.geometry, properties=CommunityProperties.model_validate(row._mapping)
    )
