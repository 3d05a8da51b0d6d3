"""Photos of a case: for those who see the case, added by those who may add a note to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.cases.anonymous import ReportKey, count_report, key_digest
from api.cases.masking import require_impersonal
from api.cases.photos import Photo, drawn_anew, keep_files, photo_path, remove_files
from api.dependencies import SessionDep, SettingsDep, StoreDep
from api.errors import NotFoundError
from api.requests import KeptRoute
from api.routes.cases import Number, require_case
from api.schemas import Line, problems

router = APIRouter(prefix="/api/v1", tags=["cases"], route_class=KeptRoute)
# A report without an account is known again by its own key.
reports = APIRouter(prefix="/api/v1/reports", tags=["cases"])

_PICTURE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_COLUMNS = "id, width, height, n_bytes, state, added_at, encode(sha256, 'hex') AS sha256"
_OF_CASE = f"""
    SELECT {_COLUMNS} FROM case_photos WHERE case_id = (SELECT id FROM cases WHERE number = :number)"""


class PhotoOut(BaseModel):
    """A photo of a case; `state` is the case's when it was added."""

    id: UUID
    width: int
    height: int
    n_bytes: int
    state: str
    added_at: datetime
    sha256: str


async def picture_of(request: Request) -> bytes:
    """Return the body of a request: the picture itself."""
    return await request.body()


Picture = Annotated[bytes, Depends(picture_of)]


@router.post(
    "/cases/{number}/photos", status_code=201, responses=problems(404, 409, 413), openapi_extra=_PICTURE
)
def add_photo(number: Number, session: SessionDep, settings: SettingsDep, sent: Picture) -> PhotoOut:
    """Add a photo (JPEG, PNG or WebP, at most 8 MiB): it is drawn anew, so that no metadata stays.

    The same photo sent again is the one that is there.
    """
    require_case(session, number)
    return _kept(
        session, settings.data_dir, drawn_anew(sent), "add_photo(:number, :sha, :wide, :high, :size)",
        number=number,
    )  # fmt: skip


@router.get("/cases/{number}/photos", responses=problems(404))
def list_photos(number: Number, session: SessionDep) -> list[PhotoOut]:
    """List the photos of a case in the order in which they came."""
    require_case(session, number)
    rows = session.execute(text(f"{_OF_CASE} ORDER BY added_at, id"), {"number": number})
    return [PhotoOut.model_validate(row._mapping) for row in rows]


@router.get(
    "/cases/{number}/photos/{photo_id}",
    response_class=FileResponse,
    responses={
        200: {"description": "The photo", "content": {"image/jpeg": {"schema": {"type": "string"}}}},
        **problems(404),
    },
)
def get_photo(
    number: Number,
    photo_id: UUID,
    session: SessionDep,
    settings: SettingsDep,
    size: Annotated[Literal["full", "small"], Query()] = "full",
) -> Response:
    """Return a photo, or a small one for lists."""
    row = _photo(session, number, photo_id)
    path = photo_path(settings.data_dir, row.sha256, small=size == "small")
    if not path.is_file():
        raise _no_such_photo()
    # Whoever may not see the case any more asks anew.
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})


@router.delete("/cases/{number}/photos/{photo_id}", status_code=204, responses=problems(403, 404))
def remove_photo(
    number: Number,
    photo_id: UUID,
    session: SessionDep,
    settings: SettingsDep,
    why: Annotated[Line, Query(description="What it showed that it must not")],
) -> None:
    """Take a photo away, with its files; that it was there stays in the log."""
    require_impersonal(why, "why")
    row = session.execute(
        text("SELECT encode(sha256, 'hex') AS sha256, is_last FROM remove_photo(:number, :photo, :why)"),
        {"number": number, "photo": photo_id, "why": why},
    ).one_or_none()
    if row is None:
        raise _no_such_photo()
    if row.is_last:
        remove_files(settings.data_dir, row.sha256)


@reports.post("/photos", status_code=201, responses=problems(404, 409, 413, 429), openapi_extra=_PICTURE)
def add_photo_to_report(
    request: Request, store: StoreDep, settings: SettingsDep, key: ReportKey, sent: Picture
) -> PhotoOut:
    """Add a photo to a report that was made without an account, with the key that it was made with."""
    count_report(store, request)
    with Session(store.engine) as session, session.begin():
        known = session.execute(
            text("SELECT reported_number(:secret)"), {"secret": key_digest(key)}
        ).scalar_one()
        if known is None:
            raise NotFoundError("case_not_found", "there is no such case")
        return _kept(
            session, settings.data_dir, drawn_anew(sent),
            "add_photo_anonymously(:secret, :sha, :wide, :high, :size)", secret=key_digest(key),
        )  # fmt: skip


def _photo(session: Session, number: str, photo_id: UUID) -> Row[Any]:
    row = session.execute(
        text(f"{_OF_CASE} AND id = :photo"), {"number": number, "photo": photo_id}
    ).one_or_none()
    if row is None:
        raise _no_such_photo()
    return row


def _no_such_photo() -> NotFoundError:
    return NotFoundError("photo_not_found", "there is no such photo")


def _kept(session: Session, data_dir: Path, photo: Photo, statement: str, **values: Any) -> PhotoOut:
    row = session.execute(
        text(f"SELECT {_COLUMNS} FROM {statement}"),
        {**values, "sha": photo.sha256, "wide": photo.width, "high": photo.height, "size": len(photo.full)},
    ).one_or_none()
    if row is None:
        raise NotFoundError("case_not_found", "there is no such case")
    keep_files(data_dir, photo)
    return PhotoOut.model_validate(row._mapping)
