"""Downloads of a version, or of what is in force in an area: GIS files, and the map that needs no network."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.areas import area_name
from api.database import Store
from api.dependencies import Actor, ActorDep, SessionDep, SettingsDep, StoreDep
from api.errors import ConflictError, NotFoundError, NotValidError
from api.export_kinds import KINDS, Format, LayerName
from api.routes.cases import calendar_of
from api.routes.divisions import RowId
from api.routes.plans import require_version
from api.schemas import problems
from geo.errors import InputError
from maps.period import Period, period_of
from maps.text import Language

if TYPE_CHECKING:
    from api.cases.calendar import Calendar
    from api.exporting import Export

router = APIRouter(prefix="/api/v1", tags=["exports"])

# Bytes of a file sent at a time.
CHUNK_BYTES = 256 * 1024
# What has a meaning of its own in a header or a path.
# No computer takes these in the name of a file; blanks are awkward in many.
_NO_FILE_NAME = re.compile(r'[\\/:*?"<>|\s\x00-\x1f]+')
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")

# Micro-grids of a file for a meeting that is made while one waits: about five seconds.
MOST_GRIDS = 4000
# Cases of a file for a meeting, where no period is asked for: those of the last month.
USUAL_DAYS = 31
# Versions in force today in an area.
_IN_FORCE = (
    "d.path <@ cast(:path AS ltree) AND v.state IN ('published', 'superseded')"
    " AND daterange(v.valid_from, v.valid_to) @> city_day()"
)


class MeetingFile(BaseModel):
    """How a file for a meeting is made."""

    model_config = ConfigDict(extra="forbid")

    lang: Language = Field("zh_CN", description="The language it opens in; it holds both")
    period: str | None = Field(
        None, max_length=21, examples=["2026-11-01/2026-11-30"],
        description="First and last day of report of the cases; `none`: without cases; else the last 31 days",
    )  # fmt: skip
    watermark: str | None = Field(
        None, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$", description="Words over the whole map"
    )

    def days(self, calendar: Calendar) -> Period | None:
        """Return the period of the cases, None for none.

        Raises
        ------
        NotValidError
            It is not one.
        """
        if self.period == "none":
            return None
        if not self.period:
            today = calendar.local_day(datetime.now(UTC))
            return Period(today - timedelta(days=USUAL_DAYS - 1), today)
        try:
            return period_of(self.period)
        except InputError as error:
            raise NotValidError("period", "write it as 2026-11-01/2026-11-30, or none") from error

    def told(self, period: Period | None) -> dict[str, Any]:
        """Return what the audit log keeps of it."""
        shown = None if period is None else f"{period.first}/{period.last}"
        return {"format": "html", "cases": shown}


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
    return _answer(export, format, encoding, settings.data_dir, f"{layer}-{code_of(session, community)}")


@router.get("/divisions/{division_id}/download", response_class=StreamingResponse,
            responses=problems(404, 422) | _FILES)  # fmt: skip
def download_division(
    division_id: RowId, session: SessionDep, actor: ActorDep, store: StoreDep, settings: SettingsDep,
    format: FormatQuery, layer: LayerName = "micro_grids", encoding: EncodingQuery = "UTF-8",
) -> StreamingResponse:  # fmt: skip
    """Send the micro-grids or the cells in force today in an area, in WGS 84: what one may read of them."""
    path = _path_of(session, division_id)
    log_download(session, actor, {"division": division_id, "format": format, "layer": layer}, division_id)
    export = _export(store, actor, layer, _IN_FORCE, {"path": path})
    return _answer(export, format, encoding, settings.data_dir, f"{layer}-{code_of(session, division_id)}")


@router.get("/versions/{version_id}/map", response_class=HTMLResponse,
            responses=problems(404, 409, 422))  # fmt: skip
def download_map(
    request: Request, version_id: UUID, session: SessionDep, actor: ActorDep,
    asked: Annotated[MeetingFile, Query()],
) -> HTMLResponse:  # fmt: skip
    """Send the file for a meeting about a version: one HTML file that opens with no network.

    It shows the plan, the stations, and the cases of a period as far as one may read them; never what people
    wrote in cases.
    """
    version = require_version(session, version_id)
    if not version.grids:
        raise ConflictError("nothing_to_draw", "the version has no micro-grids yet; add some, then draw it")
    path = _path_of(session, version.community_id)
    period = asked.days(calendar_of(request))
    log_download(session, actor, {"version": str(version_id), **asked.told(period)}, version.community_id)
    return _meeting_file(
        request, session, [version_id], asked, path=path,
        name=f"map-{code_of(session, version.community_id)}",
        source=f"/versions/{version_id}", period=period,
    )  # fmt: skip


@router.get("/divisions/{division_id}/map", response_class=HTMLResponse,
            responses=problems(404, 409, 422))  # fmt: skip
def download_division_map(
    request: Request, division_id: RowId, session: SessionDep, actor: ActorDep,
    asked: Annotated[MeetingFile, Query()],
) -> HTMLResponse:  # fmt: skip
    """Send the file for a meeting about an area: what is in force there today, as of a version."""
    path = _path_of(session, division_id)
    versions = session.execute(
        text(f"""SELECT v.id, (SELECT count(*) FROM grids g WHERE g.version_id = v.id) AS n
                 FROM versions v JOIN divisions d ON d.id = v.community_id
                 WHERE {_IN_FORCE} ORDER BY d.path"""),
        {"path": path},
    ).all()  # fmt: skip
    drawn = [version.id for version in versions if version.n]
    if not drawn:
        raise ConflictError("nothing_to_draw", "no plan is in force there; publish one, then draw it")
    n_grids = sum(version.n for version in versions)
    if n_grids > MOST_GRIDS:
        raise ConflictError(
            "area_too_large",
            f"{n_grids} micro-grids are in force there, and a file sent at once holds {MOST_GRIDS} at most;"
            " choose a smaller area, or draw the plan file with `weige map`",
        )
    period = asked.days(calendar_of(request))
    log_download(session, actor, {"division": division_id, **asked.told(period)}, division_id)
    place = _place_name(session, division_id, asked.lang)
    return _meeting_file(
        request, session, drawn, asked, path=path, name=_NO_FILE_NAME.sub("-", place), source=place,
        period=period,
    )  # fmt: skip


def _path_of(session: Session, division_id: int) -> str:
    path = session.execute(
        text("SELECT path::text FROM divisions WHERE id = :id"), {"id": division_id}
    ).scalar_one_or_none()
    if path is None:
        raise NotFoundError("division_not_found", "there is no such division")
    return str(path)


def _meeting_file(
    request: Request, session: Session, version_ids: list[UUID], asked: MeetingFile, *, path: str,
    name: str, source: str, period: Period | None,
) -> HTMLResponse:  # fmt: skip
    # The libraries behind it take a second to load: only who takes a map away waits for them, and only once.
    from api.meeting_file import meeting_file

    page = meeting_file(
        session, version_ids, path=path, source=source, period=period, zone=calendar_of(request).zone,
        watermark=asked.watermark, language=asked.lang,
    )  # fmt: skip
    headers = {"Content-Disposition": attachment(f"{name}.html"), "Cache-Control": "private, no-store"}
    return HTMLResponse(page, headers=headers)


def _place_name(session: Session, division_id: int, language: Language) -> str:
    """Return the name of a division; of the root that of the only division under it, where there is one."""
    row = session.execute(
        text("SELECT name, level, code FROM divisions WHERE id = :id"), {"id": division_id}
    ).one()
    if row.level == "all":
        below = session.execute(
            text("SELECT name, level, code FROM divisions WHERE parent_id = :id LIMIT 2"), {"id": division_id}
        ).all()
        row = below[0] if len(below) == 1 else row
    return area_name(row.name, row.level, row.code, language)


def code_of(session: Session, division_id: int) -> str:
    """Return the code of a division that is there: what files about it are called by."""
    code = session.execute(
        text("SELECT code FROM divisions WHERE id = :id"), {"id": division_id}
    ).scalar_one()
    return str(code)


def attachment(name: str) -> str:
    """Return the header by which a file is saved under a name (RFC 6266); codes may hold any character."""
    plain = _UNSAFE.sub("-", name)
    whole = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{whole}'


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
    written = f"-{encoding.lower().replace('-', '')}" if format == "shp" else ""
    headers = {
        "Content-Disposition": attachment(f"{name}{written}.{kind.suffix}"),
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
