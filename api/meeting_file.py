"""The file for a meeting: versions of an area with its cases and stations, as far as the actor may read them.

Apart from the routes: geopandas takes a second to import, and API workers start without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
import shapely
from geopandas.array import from_shapely
from sqlalchemy import text as query
from sqlalchemy.orm import Session

from api.version_frames import area_frames
from geo.crs import STORED_CRS
from maps.export import map_page
from maps.meeting import Stamped
from maps.period import Period
from maps.text import Language, text

# Never what people wrote, nor where a case came from.
_CASES = """
    SELECT c.number AS case_id, k.called AS kind, c.state, c.reported_at, c.closed_at,
           ST_AsBinary(c.geom) AS geom
    FROM cases c JOIN divisions d ON d.id = coalesce(c.community_id, c.area_id)
    JOIN case_classes k ON (k.edition, k.category) = (c.edition, c.category)
    WHERE d.path <@ cast(:path AS ltree) AND c.reported_at >= :first AND c.reported_at < :end
    ORDER BY c.id"""
_STATIONS = """
    SELECT s.station_id, s.name, s.type, array_to_string(s.facilities, ';') AS facilities, s.opening_hours,
           ST_AsBinary(s.geom) AS geom
    FROM stations s JOIN divisions d ON d.id = s.community_id
    WHERE d.path <@ cast(:path AS ltree) ORDER BY s.station_id"""


def meeting_file(
    session: Session,
    version_ids: Sequence[UUID],
    *,
    path: str,
    source: str,
    period: Period | None,
    zone: ZoneInfo,
    watermark: str | None,
    language: Language,
) -> str:
    """Return the file for a meeting about versions, as the text of an HTML page.

    Parameters
    ----------
    session : Session
        Acts for somebody: row-level security holds, for cases and stations too.
    version_ids : sequence of UUID
        Of versions of different communities, all of which the actor may read.
    path : str
        Of the area whose cases and stations are shown.
    source : str
        How the stamp names the plan.
    period : Period, optional
        Days of report of the cases, in `zone`; None: no cases.
    zone : ZoneInfo
    watermark : str, optional
    language : Language
    """
    layers: dict[str, gpd.GeoDataFrame] = {}
    if period is not None:
        cases = _cases(session, path, period, zone, language)
        if len(cases):
            layers["cases"] = cases
    stations = _layer(session, _STATIONS, path=path)
    if len(stations):
        layers["stations"] = stations
    return map_page(
        area_frames(session, version_ids),
        incidents=layers.get("cases"),
        stations=layers.get("stations"),
        source=source,
        further=[_stamped(text(f"people.meeting.{name}", language), layer) for name, layer in layers.items()],
        period=period,
        watermark=watermark,
        made_at=datetime.now(zone),
        language=language,
    )


def _cases(
    session: Session, path: str, period: Period, zone: ZoneInfo, language: Language
) -> gpd.GeoDataFrame:
    days = (period.first, period.last + timedelta(days=1))
    first, end = (datetime.combine(day, time(), zone) for day in days)
    cases = _layer(session, _CASES, path=path, first=first, end=end)
    for column in ("reported_at", "closed_at"):
        cases[column] = pd.Series([_local(moment, zone) for moment in cases[column]], dtype=object)
    cases["state"] = pd.Series(
        [text(f"case.state.{state}", language) for state in cases["state"]], dtype=object
    )
    return cases


def _local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """Return a moment by the clock of the place, as tables of cases have it."""
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _layer(session: Session, statement: str, **values: object) -> gpd.GeoDataFrame:
    result = session.execute(query(statement), values)
    names, rows = list(result.keys()), result.all()
    columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    shapes = from_shapely(
        shapely.from_wkb(pd.array(columns.pop("geom"), dtype=object).to_numpy()), crs=STORED_CRS
    )
    told = {name: pd.Series(column, dtype=object) for name, column in columns.items()}
    return gpd.GeoDataFrame({**told, "geometry": shapes}, geometry="geometry")


def _stamped(name: str, layer: gpd.GeoDataFrame) -> Stamped:
    digest = hashlib.sha256(layer.to_csv(index=False).encode()).hexdigest()
    return Stamped(name, digest, len(layer), len(layer))
