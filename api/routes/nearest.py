"""The nearest station that is open and has what one looks for, for anybody, without an account."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.dependencies import StoreDep
from api.errors import NotFoundError, NotValidError
from api.facilities import facility_codes, facility_words
from api.opening import day_roles, opening_of, wall_moment
from api.pages import page, script_data
from api.routes.cases import calendar_of
from api.routes.plans import read_box
from api.routes.report_page import NOWHERE
from api.schemas import problems
from api.walking import REACHES_MIN, Straight, Walks, box_round

router = APIRouter()

MOST_STATIONS = 50
WIDEST_DEG = 0.06
# A street map of a screen needs no more.
MOST_LINES = 4000
# What is asked for in the street; the other codes of facilities are for the register.
ASKED_FOR = (
    "charging",
    "water",
    "toilet",
    "rest",
    "microwave",
    "climate",
    "medicine",
    "umbrella",
    "terminal",
)

Direction = Literal["n", "ne", "e", "se", "s", "sw", "w", "nw"]
_DIRECTIONS: tuple[Direction, ...] = ("n", "ne", "e", "se", "s", "sw", "w", "nw")


class NearStation(BaseModel):
    """A station that can be walked to in time."""

    station_id: str
    name: str
    type: str | None
    facilities: list[str]
    lon: float
    lat: float
    minutes: float = Field(description="On foot")
    metres: int
    direction: Direction = Field(description="Where it lies, as the crow flies")
    is_open: bool | None = Field(description="null: it is not known when it is open; such stations come last")
    until: AwareDatetime | None = Field(description="When it shuts; null: not within two weeks")
    opening_hours: str | None


class Nearest(BaseModel):
    """Stations that are open, the nearest first."""

    at: AwareDatetime
    is_straight: bool = Field(description="Whether minutes are those of a straight line")
    straight_because: Straight | None = Field(
        description="no_streets: there is no map of streets here; no_way: no way on foot is known from here"
    )
    holidays_known: bool = Field(description="Whether there is a working calendar of that year")
    is_outside: bool = Field(description="Whether no community of the service is within reach")
    shut: int = Field(description="Stations in the same reach, with what is looked for, that are shut then")
    stations: list[NearStation]


@router.get("/api/v1/stations/nearest", responses=problems(404), tags=["stations"])
def find_nearest(
    request: Request,
    store: StoreDep,
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    facility: Annotated[
        str | None, Query(max_length=32, description="A code, e.g. charging; else any")
    ] = None,
    at: Annotated[
        datetime | None, Query(description="Without an offset by the clock of the service; else now")
    ] = None,
    minutes: Annotated[float, Query(gt=0, le=REACHES_MIN[-1], allow_inf_nan=False)] = 15,
) -> Nearest:
    """Find stations near a place that are open at a moment and have a facility, by walking minutes.

    No account is needed. Facilities that were seen not to work are left out.
    """
    from geo.reach import METRES_PER_MINUTE

    if facility is not None and facility not in facility_words():
        raise NotFoundError(
            "facility_unknown", f"no facility has that code; known are: {', '.join(facility_words())}"
        )
    calendar = calendar_of(request)
    roles = day_roles(calendar)
    local = wall_moment(at or datetime.now(UTC), calendar)
    walks: Walks = request.app.state.walks
    with Session(store.engine) as session, session.begin():
        box = box_round(lon, lat, minutes * METRES_PER_MINUTE)
        rows = [
            row
            for row in session.execute(
                text("SELECT * FROM stations_around(ST_MakeEnvelope(:a, :b, :c, :d, 4490))"),
                dict(zip("abcd", box, strict=True)),
            )
            if facility is None or facility in set(facility_codes(row.facilities)) - set(row.out_of_order)
        ]
        found, straight = (
            walks.to(session, lon, lat, [(row.lon, row.lat) for row in rows], minutes=minutes)
            if rows
            else ([], None)
        )
        is_outside = not rows and _is_outside(session, box)
    near: list[tuple[tuple[bool, float, str], NearStation]] = []
    shut = 0
    for row, walk in zip(rows, found, strict=True):
        if walk.minutes is None or walk.metres is None:
            continue
        told = opening_of(row.opening_hours, local, roles)
        if told is not None and not told.is_open:
            shut += 1
            continue
        near.append(
            ((told is None, walk.minutes, row.station_id), NearStation(
                station_id=row.station_id, name=row.name, type=row.type, facilities=row.facilities,
                lon=row.lon, lat=row.lat, minutes=round(walk.minutes, 1), metres=round(walk.metres),
                direction=_direction(lon, lat, row.lon, row.lat), is_open=None if told is None else True,
                until=told.until.replace(tzinfo=calendar.zone) if told and told.until else None,
                opening_hours=row.opening_hours,
            ))
        )  # fmt: skip
    near.sort(key=itemgetter(0))
    return Nearest(
        at=local.replace(tzinfo=calendar.zone), is_straight=straight is not None, straight_because=straight,
        holidays_known=local.year in calendar.years, is_outside=is_outside, shut=shut,
        stations=[station for _, station in near[:MOST_STATIONS]],
    )  # fmt: skip


def _is_outside(session: Session, box: tuple[float, float, float, float]) -> bool:
    found: bool = session.execute(
        text("SELECT NOT EXISTS (SELECT FROM published.communities"
             " WHERE ST_Intersects(geom, ST_MakeEnvelope(:a, :b, :c, :d, 4490)))"),
        dict(zip("abcd", box, strict=True)),
    ).scalar_one()  # fmt: skip
    return found


@router.get("/api/v1/stations/ground", response_class=Response, tags=["stations"], responses={
    200: {"description": "GeoJSON features in WGS 84 with `kind`, `name` and `class`", "content": {
        "application/json": {"schema": {"type": "object"},
                             "example": {"type": "FeatureCollection", "features": []}}}},
    **problems(),
})  # fmt: skip
def get_public_ground(
    store: StoreDep,
    bbox: Annotated[str, Query(description="min_lon,min_lat,max_lon,max_lat", max_length=120)],
) -> Response:
    """Return the streets, water and communities in a small box: what is published, for anybody."""
    box = read_box(bbox)
    if box.max_x - box.min_x > WIDEST_DEG or box.max_y - box.min_y > WIDEST_DEG:
        raise NotValidError("box_too_wide", f"a box is at most {WIDEST_DEG} degrees wide and high")
    with Session(store.engine) as session, session.begin():
        features = session.execute(
            text("""
                WITH box AS (SELECT ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, 4490) AS geom), drawn AS (
                  (SELECT 'community' AS kind, coalesce(c.name, c.community_id) AS name, NULL AS class, c.geom
                   FROM published.communities c, box WHERE c.geom && box.geom LIMIT :most)
                  UNION ALL (SELECT 'water', w.name, NULL, w.geom
                             FROM published.water w, box WHERE w.geom && box.geom LIMIT :most)
                  UNION ALL (SELECT 'road', r.name, r.road_class, r.geom
                             FROM published.roads r, box WHERE r.geom && box.geom LIMIT :most))
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                  'type', 'Feature', 'geometry', ST_AsGeoJSON(geom, 6, 0)::jsonb,
                  'properties', jsonb_build_object('kind', kind, 'name', name, 'class', class))), '[]')
                FROM drawn"""),
            {**vars(box), "most": MOST_LINES},
        ).scalar_one()
    told = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return Response(told, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@router.get("/nearest", include_in_schema=False)
def show_nearest(
    request: Request,
    store: StoreDep,
    lon: str = "",
    lat: str = "",
    facility: str = "",
) -> Response:
    """Show where the nearest open station is; a sign in the street may say where and what.

    What a damaged sign says is passed over: whoever reads it is somewhere all the same.
    """
    with Session(store.engine) as session, session.begin():
        centre = session.execute(
            text("""SELECT ST_X(c) AS lon, ST_Y(c) AS lat FROM (SELECT coalesce(
                      (SELECT ST_Centroid(ST_Extent(geom)) FROM published.stations),
                      (SELECT ST_PointOnSurface(geom) FROM published.communities
                       ORDER BY community_id LIMIT 1)) AS c) m WHERE c IS NOT NULL""")
        ).one_or_none()
    spot = (_degrees(lon, 180.0), _degrees(lat, 90.0))
    at = None if None in spot else spot
    script = script_data(
        request, "nearest", ("nearest", "facility", "casefile.map"), asked_for=ASKED_FOR, at=at,
        facility=facility if facility in ASKED_FOR else ASKED_FOR[0],
        centre=[centre.lon, centre.lat] if centre else NOWHERE, zone=calendar_of(request).zone.key,
    )  # fmt: skip
    return page(request, "nearest.html", actor=None, script=script)


def _degrees(said: str, most: float) -> float | None:
    try:
        read = float(said[:32])
    except ValueError:
        return None
    return read if abs(read) <= most else None


def _direction(lon: float, lat: float, to_lon: float, to_lat: float) -> Direction:
    from pyproj import Geod

    azimuth, _, _ = Geod(ellps="GRS80").inv(lon, lat, to_lon, to_lat)
    return _DIRECTIONS[round(float(azimuth) / 45) % 8]
