"""The page of reports: for whoever is signed in, and for anybody where a street takes reports of anybody."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.dependencies import SESSION_COOKIE, Actor, PresentedKey, SettingsDep, StoreDep, entered, key_hash
from api.errors import NotSignedInError
from api.pages import SignInFirstError, note_mode, page, script_data
from api.routes.cases import editions_of

router = APIRouter(include_in_schema=False)

# Whoever reports nowhere, as who administers, may still see: in the middle of that, within a community.
_CENTRE_SEEN = """
    WITH seen AS (
      SELECT geom, level FROM divisions WHERE geom IS NOT NULL AND path <@ ANY (reading_areas())
    ), middle AS (SELECT ST_SetSRID(ST_Centroid(ST_Extent(geom)::geometry), 4490) AS at FROM seen)
    SELECT ST_X(c) AS lon, ST_Y(c) AS lat FROM (
      SELECT ST_PointOnSurface(geom) AS c FROM seen, middle
      ORDER BY (level = 'community') DESC, geom <-> at LIMIT 1
    ) nearest"""

# Where nothing is loaded yet.
NOWHERE = (119.6, 32.0)


@router.get("/report")
def show_report(request: Request, store: StoreDep, settings: SettingsDep) -> Response:
    """Show the form of a report. A sign in the street may say where: `?lon=…&lat=…&address=…&category=…`.

    Its script reads that from the address: a browser without a network shows the page as it was kept,
    whatever sign it was kept from.
    """
    edition = editions_of(request).read(None)
    with Session(store.engine) as session, session.begin():
        actor = _actor(request, session)
        if actor is None and not session.execute(text("SELECT enter_anonymously()")).scalar_one():
            raise SignInFirstError
        if actor is not None:
            note_mode(request, session)
        centre = session.execute(
            text("SELECT ST_X(c) AS lon, ST_Y(c) AS lat FROM report_centre() c WHERE c IS NOT NULL")
        ).one_or_none()
        if centre is None and actor is not None:
            centre = session.execute(text(_CENTRE_SEEN)).one_or_none()
    quick = _quick().get(edition.name, {})
    script = script_data(
        request, "report", ("case", "report", "casefile.map"),
        signed_in=actor is not None, centre=[centre.lon, centre.lat] if centre else NOWHERE,
        quick=[{"category": code, "icon": icon} for code, icon in quick.items()],
        categories=[
            {"code": one.code, "large_name": one.large_name, "small_name": one.small_name,
             "called": edition.called[one.code]}
            for one in edition.categories.values()
        ],
    )  # fmt: skip
    desk = actor is not None and "dispatcher" in actor.grants
    return page(
        request, "report.html", actor=actor, script=script, desk=desk, days=settings.contact_days,
        contacts=settings.contact_key_file is not None,
    )  # fmt: skip


@router.get("/report-worker.js")
def report_worker() -> Response:
    """Return the script that keeps the page of reports for where there is no network."""
    asset = resources.files("maps") / "pages" / "assets" / "report-worker.js"
    return FileResponse(Path(str(asset)), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _actor(request: Request, session: Session) -> Actor | None:
    """Return who is signed in at this browser and may report; None for anybody else."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    key = PresentedKey(key_hash(cookie), "session")
    row = session.execute(
        text("SELECT * FROM enter(:token, :kinds)"), {"token": key.sha256, "kinds": [key.kind]}
    ).one_or_none()
    try:
        actor = entered(row, key, request)
    except NotSignedInError:
        return None
    return actor


@cache
def _quick() -> dict[str, dict[str, str]]:
    source = resources.files("api.cases") / "data" / "quick.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
