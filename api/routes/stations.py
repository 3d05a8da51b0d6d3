"""Red stations: the register."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import queries
from api.dependencies import SessionDep
from api.errors import NotAllowedError, NotFoundError, ServiceError
from api.requests import IfMatch, KeptRoute, PageDep, entity_tag, require_match
from api.routes.divisions import RowId
from api.routes.plans import read_box
from api.schemas import Collection, Feature, StationIn, StationProperties, problems
from api.station_register import remove_station
from geo.hours_syntax import read_hours

router = APIRouter(prefix="/api/v1/stations", tags=["stations"], route_class=KeptRoute)


@router.get("", responses=problems())
def list_stations(
    request: Request,
    session: SessionDep,
    page: PageDep,
    bbox: Annotated[str | None, Query(description="min_lon,min_lat,max_lon,max_lat", max_length=120)] = None,
) -> Collection[StationProperties]:
    """List red stations as GeoJSON, ordered by their id."""
    box = None if bbox is None else read_box(bbox)
    rows = queries.stations(session, box, after=page.after, limit=page.limit)
    return Collection(
        features=[_feature(row) for row in rows],
        next=page.next_address(request, [row.station_id for row in rows]),
    )


@router.post("", status_code=201, responses=problems(400, 409))
def add_station(body: StationIn, session: SessionDep, response: Response) -> Feature[StationProperties]:
    """Add a station to the community that it stands in.

    Ids are unique in the whole store: 409 may mean a station that the actor cannot see; whose is not told.
    """
    values = _values(session, body)
    added = session.execute(
        text("""
            INSERT INTO stations (community_id, station_id, name, type, facilities, opening_hours, geom)
            VALUES (:community, :station_id, :name, :type, :facilities, :opening_hours,
                    ST_SetSRID(ST_MakePoint(:lon, :lat), 4490)) RETURNING id"""),
        values,
    ).scalar_one()
    response.headers["Location"] = f"/api/v1/stations/{added}"
    return _told(session, added, response, "station_added")


@router.get("/{station_id}", responses=problems(404))
def get_station(station_id: RowId, session: SessionDep, response: Response) -> Feature[StationProperties]:
    """Return one station."""
    row = _require(session, station_id)
    response.headers["ETag"] = entity_tag(row.revision)
    return _feature(row)


@router.put("/{station_id}", responses=problems(400, 404, 409, 412, 428))
def change_station(
    station_id: RowId, body: StationIn, session: SessionDep, response: Response, if_match: IfMatch = None
) -> Feature[StationProperties]:
    """Replace what is known of a station."""
    _require_unchanged(session, station_id, if_match)
    session.execute(
        text("""
            UPDATE stations SET community_id = :community, station_id = :station_id, name = :name,
              type = :type, facilities = :facilities, opening_hours = :opening_hours, revision = revision + 1,
              geom = ST_SetSRID(ST_MakePoint(:lon, :lat), 4490) WHERE id = :id"""),
        {**_values(session, body), "id": station_id},
    )
    return _told(session, station_id, response, "station_changed")


@router.delete("/{station_id}", status_code=204, responses=problems(404, 412, 428))
def delete_station(station_id: RowId, session: SessionDep, if_match: IfMatch = None) -> None:
    """Take a station out of the register; what it was stays in the log, and its checks stay."""
    row = _require_unchanged(session, station_id, if_match)
    remove_station(session, row)


def _require(session: Session, station_id: int, *, lock: bool = False) -> Row[Any]:
    row = queries.station(session, station_id, lock=lock)
    if row is None:
        raise NotFoundError("station_not_found", "there is no such station")
    return row


def _require_unchanged(session: Session, station_id: int, if_match: str | None) -> Row[Any]:
    _require(session, station_id)
    mine = session.execute(
        text("SELECT community_id IN (SELECT plannable()) FROM stations WHERE id = :id"), {"id": station_id}
    ).scalar_one()
    if not mine:
        raise NotAllowedError("not_allowed", "only a planner of the area keeps its stations")
    row = _require(session, station_id, lock=True)
    require_match(if_match, row.revision, lambda: _feature(row).model_dump(mode="json"))
    return row


def _values(session: Session, body: StationIn) -> dict[str, Any]:
    community = queries.community_at(session, body.lon, body.lat)
    if community is None:
        raise ServiceError("outside_communities", "the place lies in no community of the actor")
    if body.opening_hours:
        read_hours(body.opening_hours)
    return {**body.model_dump(), "community": community}


def _told(session: Session, station_id: int, response: Response, kind: str) -> Feature[StationProperties]:
    row = _require(session, station_id)
    queries.tell(session, kind, row.community_id, json.dumps({"station": row.station_id}))
    response.headers["ETag"] = entity_tag(row.revision)
    return _feature(row)


def _feature(row: Row[Any]) -> Feature[StationProperties]:
    return Feature(
        id=row.id, geometry=row.geometry, properties=StationProperties.model_validate(row._mapping)
    )
