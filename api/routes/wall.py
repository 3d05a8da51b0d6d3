"""The wall: clusters, figures and the list of what is late, now or at a past moment; notes on cases."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from sqlalchemy import text

from api.cases.masking import require_impersonal
from api.cases.wall_feed import WallFeed
from api.cases.wall_table import (
    HEAT_PX,
    OPEN_STATES,
    Corners,
    Mask,
    Reader,
    WallTable,
    Wanted,
    cell_box,
    lattice,
)
from api.dependencies import SessionDep, entered, presented_key
from api.errors import NotFoundError, NotValidError, ServiceError
from api.requests import KeptRoute
from api.routes.cases import calendar_of
from api.schemas import Body, problems

router = APIRouter(prefix="/api/v1/wall", tags=["wall"], route_class=KeptRoute)

# No screen shows more cells at once: 7680 x 4320 pixels of the heat map and a ring round them.
MOST_CELLS = 40_000
MOST_LATE = 200
HIGHEST_ZOOM = 22
# How far back the slider goes.
LONGEST_AGO = timedelta(days=3 * 366)
# Notes are looked for so far back; who wants one to stand longer makes it anew.
NOTES_KEPT_DAYS = 30
# Roles that a wall can be held to.
Role = Literal[
    "viewer", "grid_worker", "dispatcher", "handler", "verifier", "inspector", "planner", "admin", "auditor"
]
OpenState = Annotated[str, StringConstraints(pattern=f"^({'|'.join(OPEN_STATES)})$")]

_ENTER = "SELECT * FROM enter(%s, %s)"
_RIGHTS = """
    SELECT (SELECT coalesce(json_agg(json_build_array(department, area::text)), '[]')
            FROM own_departments()) AS departments,
           (SELECT path::text FROM divisions WHERE code = %s) AS area"""


class ClusterOut(BaseModel):
    """What lies in one cell of the lattice; of a single case also which one it is."""

    x: int = Field(description="Column of the cell, counted from the antimeridian eastwards")
    y: int = Field(description="Row of the cell, counted from the north")
    lon: float
    lat: float
    n: int
    overdue: int
    soon: int
    number: str | None = None
    state: str | None = None
    due_at: datetime | None = None


class ClustersOut(BaseModel):
    """Clusters of a box. The numbers of all cells add up to `in_box`; `total` counts the unmapped too."""

    as_of: int | None = Field(
        description="Number of the event as of which this stands; null: of a past moment"
    )
    cells_x: list[int] = Field(description="First and last column of the box in whole cells")
    cells_y: list[int]
    per_world: float = Field(description="Cells side by side round the world")
    total: int
    unmapped: int
    in_box: int
    clusters: list[ClusterOut]


class HeatOut(BaseModel):
    """Middles of the cells of a finer lattice, each (lon, lat, cases)."""

    in_box: int
    points: list[tuple[float, float, int]]


class SummaryOut(BaseModel):
    """The figures above a wall. `open` is the sum of `by_state`; the others are explained by their names."""

    as_of: int | None
    at: datetime
    open: int
    overdue: int
    soon: int = Field(description="Due within two hours")
    unanswered: int = Field(description="Open, and the first response is late")
    unmapped: int = Field(description="Open, without a point")
    reported_today: int
    closed_today: int = Field(description="Closed or cancelled since the local day began")
    by_state: dict[str, int]
    extent: list[float] | None = Field(description="Box of the cases on the map, in degrees")


class LateCase(BaseModel):
    """A late case in the list: it carries no text that people typed."""

    number: str
    state: str
    category: str
    category_name: str
    kind: str
    community_id: int | None
    area: str
    area_name: str | None
    grid: str | None
    holder: str | None
    lon: float | None
    lat: float | None
    reported_at: datetime
    due_at: datetime


class LateOut(BaseModel):
    """What is late, the longest first."""

    as_of: int | None
    total: int
    cases: list[LateCase]


class WallNoteIn(Body):
    """A note for everybody who watches; a mute ends by itself, and both when the case moves on."""

    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{19}$")]
    said: Literal["acknowledge", "mute", "clear"]
    minutes: Annotated[int, Field(ge=1, le=1439)] | None = Field(None, description="Of a mute: how long")
    note: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = ""


class WallNote(BaseModel):
    """A note that stands."""

    number: str
    said: Literal["acknowledge", "mute", "clear"]
    note: str | None = None
    until: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Asked:
    """What a wall asks: whose rights, which cases, and of when."""

    table: WallTable
    as_of: int | None
    mine: Mask
    shown: Mask
    at: float
    day_start: float


def feed_of(request: Request) -> WallFeed:
    """Return what keeps the tables of this worker."""
    feed: WallFeed = request.app.state.walls
    return feed


async def asked(
    request: Request,
    state: Annotated[list[OpenState] | None, Query(max_length=20, description="Open states")] = None,
    category: Annotated[str | None, Query(max_length=16, pattern=r"^[0-9A-Za-z]+$")] = None,
    kind: Annotated[Literal["incident", "component", "wish", "property", "dispute"] | None, Query()] = None,
    community: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    area: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", description="Code of a division")
    ] = None,
    role: Annotated[Role | None, Query(description="Only where the actor holds this role")] = None,
    overdue: bool = False,
    at: Annotated[AwareDatetime | None, Query(description="A past moment; else now")] = None,
) -> Asked:
    """Read what every question of a wall has in common.

    Raises
    ------
    NotFoundError
        There is no such division for the actor.
    """
    key = presented_key(request)
    async with request.app.state.pool.connection() as connection, connection.transaction():
        row = await (await connection.execute(_ENTER, (key.sha256, [key.kind]))).fetchone()
        actor = entered(row, key, request)
        rights = await (await connection.execute(_RIGHTS, (area,))).fetchone()
    assert rights is not None
    if area is not None and rights["area"] is None:
        raise NotFoundError("division_not_found", "there is no such division")
    reader = _reader(actor.user_id, actor.grants, rights["departments"], role)
    now = datetime.now(UTC)
    calendar = calendar_of(request)
    moment = now if at is None else _past(at, now)
    day = calendar.local_day(moment)
    as_of: int | None = None
    if at is None:
        table, as_of = await feed_of(request).now()
    else:
        table = await feed_of(request).day(day, calendar)
    wanted = Wanted(
        None if state is None else frozenset(state), category, kind, community, rights["area"], overdue
    )
    # Of a whole second, so that the questions of a page share their masks.
    second = float(math.floor(moment.timestamp())) if at is None else moment.timestamp()
    mine, shown = table.masks(reader, wanted, second)
    day_start = datetime.combine(day, time(), calendar.zone).timestamp()
    return Asked(table, as_of, mine, shown, second, day_start)


AskedDep = Annotated[Asked, Depends(asked)]


def _past(at: datetime, now: datetime) -> datetime:
    if not now - LONGEST_AGO <= at <= now + timedelta(seconds=5):
        raise NotValidError("at", "a moment of the last three years, and not of the future")
    return min(at, now)


def _reader(user_id: int, grants: Any, departments: list[tuple[str, str]], role: str | None) -> Reader:
    readers = ("viewer", "grid_worker", "dispatcher", "verifier", "inspector", "planner", "admin", "auditor")
    held = {area for name in readers if role in (None, name) for area in grants.get(name, ())}
    handled = [(name, area) for name, area in departments] if role in (None, "handler") else []
    return Reader(user_id, frozenset(held), tuple(handled), own=role is None)


_Bbox = Annotated[str, Query(description="min_lon,min_lat,max_lon,max_lat", max_length=120)]
_Zoom = Annotated[int, Query(ge=0, le=HIGHEST_ZOOM)]


def _corners(bbox: str, zoom: int, side_px: int) -> Corners:
    try:
        west, south, east, north = (float(number) for number in bbox.split(","))
    except ValueError:
        raise ServiceError("bbox", "bbox is four numbers: min_lon,min_lat,max_lon,max_lat") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ServiceError("bbox", "bbox is min_lon,min_lat,max_lon,max_lat in degrees")
    corners = (west, south, east, north)
    first_x, first_y, last_x, last_y = cell_box(corners, zoom, side_px)
    if (last_x - first_x + 1) * (last_y - first_y + 1) > MOST_CELLS:
        raise ServiceError("bbox_too_wide", f"a box holds at most {MOST_CELLS} cells at its zoom")
    return corners


@router.get("/clusters", response_model=ClustersOut, responses=problems(404))
async def list_clusters(
    asked: AskedDep,
    bbox: _Bbox,
    zoom: _Zoom,
    cell: Annotated[Literal["64", "128", "256"], Query(description="Side of a cell in pixels")] = "64",
) -> Response:
    """Gather open cases by the cells of a lattice, whole cells round the box.

    A case lies in one cell at each zoom, so that the numbers add up however the map is moved.
    """
    side_px = int(cell)
    corners = _corners(bbox, zoom, side_px)
    table, shown = asked.table, asked.shown
    cells = table.cells(shown, corners, zoom, side_px, asked.at)
    told = []
    columns = (cells.x, cells.y, cells.lon, cells.lat, cells.n, cells.overdue, cells.soon, cells.row)
    for x, y, lon, lat, n, late, soon, row in zip(*(column.tolist() for column in columns), strict=True):
        one = {
            "x": x,
            "y": y,
            "lon": round(lon, 7),
            "lat": round(lat, 7),
            "n": n,
            "overdue": late,
            "soon": soon,
        }
        if row >= 0:
            case = table.told(row)
            one |= {"number": case["number"], "state": case["state"], "due_at": _iso(case["due"])}
        told.append(one)
    n_shown = int(shown.sum())
    first_x, first_y, last_x, last_y = cells.box
    return _json({
        "as_of": asked.as_of, "cells_x": [first_x, last_x], "cells_y": [first_y, last_y],
        "per_world": lattice(zoom, side_px), "total": n_shown,
        "unmapped": n_shown - int((shown & table.mapped()).sum()), "in_box": int(cells.n.sum()),
        "clusters": told,
    })  # fmt: skip


@router.get("/heat", response_model=HeatOut, responses=problems(404))
async def list_heat(asked: AskedDep, bbox: _Bbox, zoom: _Zoom) -> Response:
    """Count open cases by cells 32 pixels wide, for a map of where they are dense."""
    corners = _corners(bbox, zoom, HEAT_PX)
    cells = asked.table.cells(asked.shown, corners, zoom, HEAT_PX, asked.at)
    columns = (cells.lon.round(7).tolist(), cells.lat.round(7).tolist(), cells.n.tolist())
    return _json({"in_box": int(cells.n.sum()), "points": list(zip(*columns, strict=True))})


@router.get("/summary", response_model=SummaryOut, responses=problems(404))
async def get_summary(asked: AskedDep) -> Response:
    """Return the figures of a wall; those of today leave the filters of state and lateness aside."""
    table, shown = asked.table, asked.shown
    on_map = shown & table.mapped()
    by_state = table.by_state(shown)
    # What stands at the moment came before it; of now, the second goes on.
    today = (asked.day_start, asked.at + 1)
    return _json({
        "as_of": asked.as_of, "at": _iso(asked.at), "open": sum(by_state.values()),
        "overdue": int((shown & table.overdue(asked.at)).sum()),
        "soon": int((shown & table.soon(asked.at)).sum()),
        "unanswered": int((shown & table.unanswered(asked.at)).sum()),
        "unmapped": int(shown.sum()) - int(on_map.sum()),
        "reported_today": int((asked.mine & table.between("reported", *today)).sum()),
        "closed_today": int((asked.mine & table.between("closed", *today)).sum()),
        "by_state": by_state, "extent": table.extent(on_map),
    })  # fmt: skip


@router.get("/overdue", responses=problems(404))
async def list_overdue(
    request: Request,
    asked: AskedDep,
    start: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_LATE)] = 50,
) -> LateOut:
    """List what is late, the longest first; what is said of each case is read with the actor's own rights."""
    table = asked.table
    late = asked.shown & table.overdue(asked.at)
    cases = [table.told(row) for row in table.latest_due(late, start, limit)]
    key = presented_key(request)
    async with request.app.state.pool.connection() as connection, connection.transaction():
        await connection.execute(_ENTER, (key.sha256, [key.kind]))
        cursor = await connection.execute(
            """SELECT c.number, c.edition, c.holder, c.grid, a.code AS area, a.name AS area_name,
                      ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat, k.called AS category_name
               FROM unnest(%s::text[], %s::text[]) AS asked (number, category)
               JOIN cases c ON c.number = asked.number JOIN divisions a ON a.id = c.area_id
               JOIN case_classes k ON (k.edition, k.category) = (c.edition, asked.category)""",
            ([case["number"] for case in cases], [case["category"] for case in cases]),
        )
        said = {row["number"]: row for row in await cursor.fetchall()}
    told = [
        LateCase(
            **{name: case[name] for name in ("number", "state", "category", "kind", "community_id")},
            **{name: said[case["number"]][name]
               for name in ("category_name", "area", "area_name", "grid", "holder", "lon", "lat")},
            reported_at=_moment(case["reported"]), due_at=_moment(case["due"]),
        )
        for case in cases if case["number"] in said
    ]  # fmt: skip
    return LateOut(as_of=asked.as_of, total=int(late.sum()), cases=told)


@router.get("/notes", responses=problems())
def list_notes(session: SessionDep) -> list[WallNote]:
    """List the notes that stand, on cases that the actor may see: of each case the last one."""
    rows = session.execute(
        text("""
            SELECT number, said, note, until, at FROM (
              SELECT DISTINCT ON (l.chain) l.chain AS number, l.action AS said, l.body ->> 'note' AS note,
                     l.at, (l.body ->> 'until')::timestamptz AS until, l.body ->> 'state' = c.state AS stands
              FROM log l JOIN cases c ON c.number = l.chain
              WHERE l.stream = 'wall' AND l.at > now() - make_interval(days => :days)
              ORDER BY l.chain, l.seq DESC) last
            WHERE stands AND said <> 'clear' AND coalesce(until > now(), true)
            ORDER BY at DESC LIMIT 1000"""),
        {"days": NOTES_KEPT_DAYS},
    )  # fmt: skip
    return [WallNote.model_validate(row._mapping) for row in rows]


@router.post("/notes", status_code=201, responses=problems(404))
def add_note(body: WallNoteIn, session: SessionDep) -> WallNote:
    """Acknowledge or mute a case on every wall that shows it; the note stays in an append-only log."""
    require_impersonal(body.note, "note")
    if (body.said == "mute") != (body.minutes is not None):
        raise NotValidError("minutes", "a mute, and only a mute, says for how many minutes")
    until = None if body.minutes is None else datetime.now(UTC) + timedelta(minutes=body.minutes)
    told = session.execute(
        text("SELECT note_on_wall(:number, :said, :note, :until)"),
        {"number": body.number, "said": body.said, "note": body.note, "until": until},
    ).scalar_one()
    if told is None:
        raise NotFoundError("case_not_found", "there is no such case")
    return WallNote.model_validate(told)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None or math.isinf(seconds) else _moment(seconds).isoformat()


def _json(said: dict[str, Any]) -> Response:
    return Response(
        json.dumps(said, separators=(",", ":")), media_type="application/json",
        headers={"Cache-Control": "private, no-store"},
    )  # fmt: skip
