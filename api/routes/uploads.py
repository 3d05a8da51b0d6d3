"""Uploads: send a layer, list what one sent, take it away again."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from psycopg import AsyncConnection
from pydantic import BaseModel
from sqlalchemy import text

from api.dependencies import (
    Actor,
    SessionDep,
    SettingsDep,
    StoreDep,
    entered,
    presented_key,
)
from api.errors import NotAllowedError, NotFoundError, TooLargeError
from api.jobs import stored_upload
from api.live import READING_ROLES
from api.schemas import problems
from api.uploads import QUOTA_BYTES, Received, incoming, inspect, receive

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])

_COLUMNS = "id, name, n_bytes, encode(sha256, 'hex') AS sha256, layers, created_at"


class LayerOut(BaseModel):
    """A layer in a file; of a large GeoPackage only the name is known before a job reads it."""

    name: str | None = None
    features: int | None = None
    columns: list[str] | None = None
    crs: str | None = None
    has_geometry: bool | None = None


class UploadOut(BaseModel):
    """A file that was sent."""

    id: UUID
    name: str
    n_bytes: int
    sha256: str
    layers: list[LayerOut]
    created_at: datetime


class UploadList(BaseModel):
    """One's own files, the newest first."""

    uploads: list[UploadOut]


@router.post(
    "",
    status_code=201,
    responses=problems(401, 403, 413, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "string", "format": "binary"}},
                        "required": ["file"],
                    }
                },
            },
        }
    },
)
async def send_upload(
    request: Request,
    response: Response,
    name: Annotated[
        str | None,
        Query(description="Of the file, where the body is the file itself.", examples=["units.gpkg"]),
    ] = None,
) -> UploadOut:
    """Send a layer: GeoPackage, zipped shapefile, GeoJSON, GeoParquet, KML, CSV or XLSX.

    It is looked into before it is taken: what is broken, hostile or not what its name says is refused.
    """
    settings = request.app.state.settings
    async with request.app.state.pool.connection() as connection, connection.transaction():
        actor = await _enter(connection, request)
        if not READING_ROLES & actor.grants.keys():
            raise NotAllowedError("not_allowed", "your roles do not allow uploads")
        row = await (
            await connection.execute("SELECT coalesce(sum(n_bytes), 0) AS n FROM uploads")
        ).fetchone()
        if row["n"] > QUOTA_BYTES:
            raise TooLargeError("upload_quota", "delete some of your uploads first", limit_bytes=QUOTA_BYTES)
    with incoming(settings.data_dir) as folder:
        received = await receive(request, folder, name)
        layers = await inspect(received.path)
        # Nobody takes a file away between its arrival in its place and its entry in the books.
        async with request.app.state.pool.connection() as connection, connection.transaction():
            actor = await _enter(connection, request)
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (received.sha256.hex(),)
            )
            await asyncio.to_thread(_keep, settings.data_dir, received)
            row = await (
                await connection.execute(
                    f"""INSERT INTO uploads (user_id, name, sha256, n_bytes, layers)
                        VALUES (%s, %s, %s, %s, %s) RETURNING {_COLUMNS}""",
                    (
                        actor.user_id,
                        received.path.name,
                        received.sha256,
                        received.n_bytes,
                        json.dumps(layers),
                    ),
                )
            ).fetchone()
    response.headers["Location"] = f"{router.prefix}/{row['id']}"
    return UploadOut.model_validate(row)


@router.get("", responses=problems(401, 422, 503))
def list_uploads(session: SessionDep, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> UploadList:
    """List one's own files, the newest first."""
    rows = session.execute(
        text(f"SELECT {_COLUMNS} FROM uploads ORDER BY created_at DESC LIMIT :most"), {"most": limit}
    )
    return UploadList(uploads=[UploadOut.model_validate(dict(row)) for row in rows.mappings()])


@router.get("/{upload_id}", responses=problems(401, 404, 422, 503))
def get_upload(upload_id: UUID, session: SessionDep) -> UploadOut:
    """Say what was found in a file."""
    row = session.execute(
        text(f"SELECT {_COLUMNS} FROM uploads WHERE id = :id"), {"id": upload_id}
    ).mappings()
    found = row.one_or_none()
    if found is None:
        raise _no_such_upload(upload_id)
    return UploadOut.model_validate(dict(found))


@router.delete("/{upload_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
def delete_upload(upload_id: UUID, session: SessionDep, store: StoreDep, settings: SettingsDep) -> None:
    """Take a file away; jobs that run have their own hold on it."""
    row = session.execute(
        text("DELETE FROM uploads WHERE id = :id RETURNING name, sha256"), {"id": upload_id}
    ).one_or_none()
    if row is None:
        raise _no_such_upload(upload_id)
    sha256 = row.sha256.hex()
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:sha256, 1))"), {"sha256": sha256})
    path = stored_upload(settings.data_dir, sha256, row.name)
    with store.owner.connect() as books:
        # The same content under a name of another kind lies in another file.
        others = books.execute(
            text("SELECT name FROM uploads WHERE sha256 = :sha256 AND id <> :id"),
            {"sha256": row.sha256, "id": upload_id},
        ).scalars()
        if all(stored_upload(settings.data_dir, sha256, name) != path for name in others):
            path.unlink(missing_ok=True)


async def _enter(connection: AsyncConnection[Any], request: Request) -> Actor:
    key = presented_key(request)
    row = await (await connection.execute("SELECT * FROM enter(%s, %s)", (key.sha256, [key.kind]))).fetchone()
    return entered(row, key, request)


def _keep(data_dir: Path, received: Received) -> None:
    """Move a file to its place, whole or not at all."""
    place = stored_upload(data_dir, received.sha256.hex(), received.path.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(received.path, place)


def _no_such_upload(upload_id: UUID) -> NotFoundError:
    return NotFoundError("not_found", f"there is no upload {upload_id}")
