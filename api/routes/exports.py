"""Downloads of a version, or of what is in force in an area: GIS files, and the map that needs no network."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.database import Store
from api.dependencies import Actor, ActorDep, SessionDep, SettingsDep, StoreDep
from api.errors import ConflictError, NotFoundError
from api.export_kinds import KINDS, Format, LayerName
from api.routes.divisions import RowId
from api.routes.plans import require_version
from api.schemas import problems
from maps.text import Language

if TYPE_CHECKING:
    from api.exporting import Export

router = APIRouter(prefix="/api/v1", tags=["exports"])

# Bytes of a file sent at a time.
CHUNK_BYTES = 256 * 1024


FormatQuery = Annotated[Format, Query(description="shp: a ZIP of the files of a shapefile")]
EncodingQuery = Annotated[
    Literal["UTF-8", "GBK"], Query(description="Of the attributes of a shapefile; said in its .cpg")
]
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.media_type: {} for kind in KINDS.values()}, "description": "The file"}
}


@router.get("/versions/{version_id}/download", response_class=StreamingResponse,
            responses=problems(404, 422) | _FILES)  # fmt: skip
def download_version(
    version_id: UUID, session: SessionDep, actor: ActorDep, store: StoreDep, settings: SettingsDep,
    format: FormatQuery, layer: LayerName = "micro_grids", encoding: EncodingQuery = "UTF-8",
) -> StreamingResponse:  # fmt: skip
    """Send the micro-grids or the cells of a version, in WGS 84."""
    community = require_version(session, version_id).community_id
    log_download(session, actor, {"version": str(version_id), "format": format, "layer": layer}, community)
    export = _export(store, actor, layer, "v.id = :id", {"id": version_id})
    return _answer(export, format, encoding, settings.data_dir, f"{layer}-{version_id}")


@router.get("/divisions/{division_id}/download", response_class=StreamingResponse,
            responses=problems(404, 422) | _FILES)  # fmt: skip
def download_division(
    division_id: RowId, session: SessionDep, actor: ActorDep, store: StoreDep, settings: SettingsDep,
    format: FormatQuery, layer: LayerName = "micro_grids", encoding: EncodingQuery = "UTF-8",
) -> StreamingResponse:  # fmt: skip
    """Send the micro-grids or the cells in force today in an area, in WGS 84: what one may read of them."""
    path = session.execute(
        text("SELECT path::text FROM divisions WHERE id = :id"), {"id": division_id}
    ).scalar_one_or_none()
    if path is None:
        raise NotFoundError("division_not_found", "there is no such division")
    log_download(session, actor, {"division": division_id, "format": format, "layer": layer}, division_id)
    where = (
        "d.path <@ cast(:path AS ltree) AND v.state IN ('published', 'superseded')"
        " AND daterange(v.valid_from, v.valid_to) @> current_date"
    )
    export = _export(store, actor, layer, where, {"path": path})
    return _answer(export, format, encoding, settings.data_dir, f"{layer}-{division_id}")


@router.get("/versions/{version_id}/map", response_class=HTMLResponse,
            responses=problems(404, 409, 422))  # fmt: skip
def download_map(
    version_id: UUID, session: SessionDep, actor: ActorDep,
    lang: Annotated[Language, Query(description="The language it opens in; it holds both")] = "zh_CN",
) -> HTMLResponse:  # fmt: skip
    """Send the map of a version as one HTML file that opens with no network."""
    version = require_version(session, version_id)
    if not version.grids:
        raise ConflictError("nothing_to_draw", "the version has no micro-grids yet; add some, then draw it")
    # The libraries behind it take a second to load: only who takes a map away waits for them, and only once.
    from api.version_frames import version_frames
    from maps.export import map_page

    log_download(session, actor, {"version": str(version_id), "format": "html"}, version.community_id)
    headers = {
        "Content-Disposition": f'attachment; filename="map-{version_id}.html"',
        "Cache-Control": "private, no-store",
    }
    page = map_page(version_frames(session, version_id), source=f"/versions/{version_id}", language=lang)
    return HTMLResponse(page, headers=headers)


def log_download(session: Session, actor: Actor, body: dict[str, Any], division_id: int | None) -> None:
    """Enter in the audit log who took what away."""
    session.execute(
        text("SELECT log_append('audit', :chain, 'download', cast(:body AS jsonb), :division)"),
        {"chain": str(actor.user_id), "body": json.dumps(body), "division": division_id},
    )


def _export(store: Store, actor: Actor, layer: LayerName, where: str, values: dict[str, Any]) -> Export:
    # Imported where it is needed: workers start a second sooner, and few of them send files.
    from api.exporting import Export

    return Export(store, actor, layer, where, values)


def _answer(export: Export, format: Format, encoding: str, folder: Path, name: str) -> StreamingResponse:
    kind = KINDS[format]
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{kind.suffix}"',
        "Cache-Control": "private, no-store",
    }
    if format == "geojson":
        return StreamingResponse(export.geojson(), headers=headers, media_type=kind.media_type)
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="download-", dir=folder))
    try:
        file = export.write(format, encoding, place)
        headers["Content-Length"] = str(file.stat().st_size)
        # Open, it can be read to its end; without a name, nothing is left however the sending ends.
        opened = file.open("rb")
    finally:
        shutil.rmtree(place)

    def chunks() -> Iterator[bytes]:
        with opened:
            while chunk := opened.read(CHUNK_BYTES):
                yield chunk

    return StreamingResponse(chunks(), headers=headers, media_type=kind.media_type)
