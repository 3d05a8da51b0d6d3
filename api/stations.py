"""A layer of stations into the store: every row, or none."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.errors import NotAllowedError
from geo.crs import STORED_CRS
from geo.errors import InputError
from geo.findings import Finding
from geo.layers import read_layer
from geo.names import shortened

_BETWEEN = re.compile(r"[;；,，、|]")


@dataclass(frozen=True)
class LoadedStations:
    """What came of a layer of stations: how many are new, how many changed, what was noticed."""

    added: int
    changed: int
    unchanged: int
    findings: tuple[Finding, ...]


def load_stations(session: Session, source: str) -> LoadedStations:
    """Add stations, or change those of the same id, in the transaction of a session.

    A station belongs to the community it lies in; on a border, to the one with the smaller code.

    Parameters
    ----------
    session : Session
    source : str
        A layer of points with `station_id` and `name`; `type`, `facilities` (several with ; between them)
        and `opening_hours` where known.

    Raises
    ------
    InputError
        A row has no id, name or place, or lies in no community.
    NotAllowedError
        A station lies, or lay, where the actor does not plan.
    """
    layer = read_layer(source, "stations")
    frame = layer.frame
    _refuse_doubts(layer.name, layer.findings)
    names, ids = frame["name"].tolist(), frame["station_id"].tolist()
    for station, name in zip(ids, names, strict=True):
        if name is None:
            raise _fault("station_without_name", "it has no name", "enter one", layer.name, station)
    if len(frame) == 0:
        raise InputError(
            "layer_empty", "it has no features", mend="check the export", file=layer.name, layer="stations"
        )
    spots = np.array(frame.to_crs(STORED_CRS).geometry, dtype=object)
    homes = _communities(session, spots)
    lost = np.flatnonzero(homes < 0)
    if len(lost):
        raise _fault(
            "station_outside", "it lies in no community of the store",
            "load the communities first, or correct its place",
            layer.name, ids[lost[0]], n=len(lost),
        )  # fmt: skip
    rows = [
        {
            "community_id": int(home),
            "station_id": station,
            "name": name,
            "type": kind,
            "facilities": [part.strip() for part in _BETWEEN.split(facilities or "") if part.strip()],
            "opening_hours": hours,
            "geom": shapely.to_wkb(shapely.set_srid(spot, 4490), include_srid=True),
        }
        for home, station, name, kind, facilities, hours, spot in zip(
            homes, ids, names, frame["type"], frame["facilities"], frame["opening_hours"], spots, strict=True
        )
    ]
    return _store(session, rows, layer.findings)


def _refuse_doubts(file: str, findings: tuple[Finding, ...]) -> None:
    """Refuse what a map would only remark on: a row left out, or ids that are but row numbers."""
    for finding in findings:
        if finding.code == "ids_are_row_numbers":
            raise InputError(
                "column_missing",
                "the column station_id is missing",
                mend="add it: by it a station is known again",
                file=file,
                layer="stations",
                column="station_id",
                names="-",
            )
        if finding.code == "features_without_geometry":
            raise _fault(
                "station_without_place", "it has no place", "enter one", file, str(finding.values["first"])
            )


def _fault(code: str, message: str, mend: str, file: str, station: str, n: int = 1) -> InputError:
    return InputError(code, message, mend=mend, file=file, layer="stations", feature=shortened(station), n=n)


def _communities(session: Session, spots: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the id of the community each spot lies in, -1 for none."""
    rows = session.execute(
        text(
            "SELECT id, ST_AsBinary(geom) FROM divisions WHERE level = 'community'"
            " AND geom && ST_MakeEnvelope(:low_x, :low_y, :high_x, :high_y, 4490) ORDER BY code"
        ),
        dict(zip(("low_x", "low_y", "high_x", "high_y"), shapely.total_bounds(spots).tolist(), strict=True)),
    ).all()
    homes = np.full(len(spots), -1, np.int64)
    if not rows:
        return homes
    borders = shapely.from_wkb(np.array([bytes(row[1]) for row in rows], dtype=object))
    spot, border = shapely.STRtree(borders).query(spots, predicate="intersects")
    # The last assignment stays: the smallest code.
    order = np.argsort(-border, kind="stable")
    homes[spot[order]] = np.array([row[0] for row in rows], np.int64)[border[order]]
    return homes


def _store(session: Session, rows: list[dict[str, object]], findings: tuple[Finding, ...]) -> LoadedStations:
    added = changed = 0
    try:
        for row in rows:
            found = session.execute(
                text(
                    "INSERT INTO stations AS s"
                    " (community_id, station_id, name, type, facilities, opening_hours, geom)"
                    " VALUES (:community_id, :station_id, :name, :type, :facilities, :opening_hours, :geom)"
                    " ON CONFLICT (station_id) DO UPDATE SET community_id = excluded.community_id,"
                    " name = excluded.name, type = excluded.type, facilities = excluded.facilities,"
                    " opening_hours = excluded.opening_hours, geom = excluded.geom, revision = s.revision + 1"
                    " WHERE (s.community_id, s.name, s.type, s.facilities, s.opening_hours, s.geom)"
                    " IS DISTINCT FROM (excluded.community_id, excluded.name, excluded.type,"
                    " excluded.facilities, excluded.opening_hours, excluded.geom)"
                    " RETURNING revision"
                ),
                row,
            ).scalar_one_or_none()
            added += found == 1
            changed += found is not None and found > 1
    except DBAPIError as error:
        if isinstance(error.orig, pg.InsufficientPrivilege):
            raise NotAllowedError(
                "not_allowed", f"you may not change the station {shortened(str(row['station_id']))} there"
            ) from error
        raise
    return LoadedStations(added, changed, len(rows) - added - changed, findings)
