"""Red stations as they are judged: the register with its checklists, checks, gaps, and the file of it all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import text
from sqlalchemy.orm import Session

from api import queries
from api.cases.masking import require_impersonal
from api.checklists import UNVERIFIED, Checklist, Item, ItemState, store_checklist
from api.dependencies import ActorDep, SessionDep
from api.errors import NotAllowedError, NotFoundError
from api.opening import day_roles, wall_moment
from api.requests import KeptRoute, PageDep
from api.routes.cases import calendar_of
from api.routes.divisions import RowId
from api.routes.exports import log_download
from api.schemas import Body, Collection, Feature, Line, Note, StationProperties, problems
from api.station_register import MOST_STATIONS, Judged, JudgedItem, grids_without_station, register

router = APIRouter(prefix="/api/v1/stations", tags=["stations"], route_class=KeptRoute)

MOST_CHECKS = 1000

DivisionQuery = Annotated[
    int | None,
    Query(ge=1, le=2**63 - 1, description="Id of a division; what lies in it too. Else all one sees"),
]
AtQuery = Annotated[AwareDatetime | None, Query(description="Else now")]
ItemCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Seen = Literal["working", "broken", "missing"]


class ItemOut(BaseModel):
    """Something that a station should have, and what is known of it."""

    item: str
    name: str
    state: ItemState = Field(description="grey: not checked, or longer ago than the checklist lets it hold")
    checked_on: date | None


class JudgedStation(StationProperties):
    """A station of the register at a moment."""

    community_name: str | None
    is_open: bool | None = Field(description="null: no hours are written, or none that can be read")
    until: AwareDatetime | None = Field(description="When that ends; null: not within two weeks")
    hours_read: bool
    checklist: str | None = Field(description="Edition it is judged by; null: none is for its type")
    items: list[ItemOut]


class GridWithoutStation(BaseModel):
    """A micro-grid in force that lacks a station which each grid should have."""

    community: str
    grid: str
    name: str | None
    households: int


class StationGaps(BaseModel):
    """What stations lack on a day, and micro-grids without a station of their own."""

    day: date
    stations: list[Feature[JudgedStation]] = Field(description="`items` are those that are lacking")
    without_checklist: int = Field(description="Stations of types that no checklist is for")
    grids: list[Feature[GridWithoutStation]]


class ItemSeen(Body):
    """What was seen of one thing."""

    item: ItemCode
    state: Seen
    note: Note = ""


class CheckIn(Body):
    """A look at a station: what was seen of some things of its checklist."""

    day: date | None = Field(None, description="Else today")
    seen: Annotated[list[ItemSeen], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def sees_each_once(self) -> CheckIn:
        """Refuse two words on one thing."""
        if len({one.item for one in self.seen}) < len(self.seen):
            raise ValueError("each item is seen once")
        return self


class CheckOut(BaseModel):
    """A row of what was seen."""

    id: int
    item: str
    day: date
    state: Seen
    note: str
    set_at: datetime


class ChecklistItem(Body):
    """Something that a station should have; facilities that have one of the words in their name are it."""

    item: ItemCode
    name: Line
    words: Annotated[list[Line], Field(min_length=1, max_length=50)]


class ChecklistIn(Body):
    """An edition of a checklist: what stations of some types should have."""

    edition: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$")]
    name: Line
    source: Line = Field(UNVERIFIED, description="Who published it; unverified where nobody did")
    begins: date = Field(description="From this day on stations are judged by it")
    types: Annotated[list[Line], Field(min_length=1, max_length=50)]
    checked_within_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        description="For so long what was seen working is taken to work"
    )
    in_each_grid: bool = Field(False, description="Whether each micro-grid should have such a station")
    items: Annotated[list[ChecklistItem], Field(max_length=100)]

    @model_validator(mode="after")
    def names_each_once(self) -> ChecklistIn:
        """Refuse an item that is listed twice."""
        if len({one.item for one in self.items}) < len(self.items):
            raise ValueError("each item is listed once")
        return self


class ChecklistOut(ChecklistIn):
    """An edition of a checklist."""


@router.get("/register", responses=problems())
def list_register(
    request: Request, session: SessionDep, page: PageDep, division: DivisionQuery = None, at: AtQuery = None
) -> Collection[JudgedStation]:
    """List stations with what is known of them at a moment: open or not, and each thing of the checklist."""
    local, roles = _moment(request, at)
    rows = register(session, at=local, roles=roles, division=division, after=page.after, limit=page.limit)
    return Collection(
        features=[_feature(request, one, one.items) for one in rows],
        next=page.next_address(request, [one.row.station_id for one in rows]),
    )


@router.get("/gaps", responses=problems())
def list_station_gaps(
    request: Request, session: SessionDep, division: DivisionQuery = None, at: AtQuery = None
) -> StationGaps:
    """List what stations lack by their checklists, and micro-grids without the station each should have.

    What nobody has checked for longer than the edition allows is doubted, and listed as `grey`.
    """
    local, roles = _moment(request, at)
    rows = register(session, at=local, roles=roles, division=division, after="", limit=MOST_STATIONS)
    return StationGaps(
        day=local.date(),
        stations=[_feature(request, one, one.lacking) for one in rows if one.lacking],
        without_checklist=sum(one.edition is None for one in rows),
        grids=[
            Feature(
                id=row.grid, geometry=row.geometry,
                properties=GridWithoutStation.model_validate(row._mapping, from_attributes=True),
            )
            for row in grids_without_station(session, today=local.date(), division=division)
        ],
    )  # fmt: skip


@router.get("/checklists", responses=problems())
def list_checklists(session: SessionDep) -> list[ChecklistOut]:
    """List the editions of checklists, the newest of each name first."""
    rows = session.execute(
        text("""
            SELECT c.*, coalesce((SELECT jsonb_agg(jsonb_build_object('item', i.item, 'name', i.name,
                                                                      'words', i.words) ORDER BY i.position)
                                  FROM checklist_items i WHERE i.edition = c.edition), '[]') AS items
            FROM checklists c ORDER BY c.name, c.begins DESC, c.edition""")
    )
    return [ChecklistOut.model_validate(dict(row._mapping)) for row in rows]


@router.post("/checklists", status_code=201, responses=problems(409))
def add_checklist(body: ChecklistIn, session: SessionDep, actor: ActorDep) -> ChecklistOut:
    """Add an edition; it is never changed, and another takes its place from a day on.

    Only an administrator of everything may: all stations of its types are judged by it.
    """
    items = tuple(Item(one.item, one.name, tuple(one.words)) for one in body.items)
    store_checklist(
        session.connection(),
        Checklist(**{**body.model_dump(exclude={"items"}), "types": tuple(body.types), "items": items}),
    )
    told = json.dumps(body.model_dump(mode="json"), ensure_ascii=False)
    session.execute(
        text("SELECT log_append('audit', :chain, 'checklist.added', cast(:body AS jsonb), NULL)"),
        {"chain": str(actor.user_id), "body": told},
    )
    return ChecklistOut.model_validate(body.model_dump())


@router.get("/download", response_class=Response, responses=problems(404) | {
    200: {"description": "The register as a file", "content": {
        "text/csv": {}, "application/geo+json": {},
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
    }}})  # fmt: skip
def download_register(
    session: SessionDep,
    actor: ActorDep,
    format: Annotated[Literal["csv", "xlsx", "geojson"], Query()],
    division: DivisionQuery = None,
) -> Response:
    """Send the register as a file that can be imported again."""
    from api.stations import MEDIA_TYPES, register_file

    seen = text("SELECT 1 FROM divisions WHERE id = :division")
    if division is not None and session.execute(seen, {"division": division}).one_or_none() is None:
        raise NotFoundError("division_not_found", "there is no such division")
    content = register_file(session, format, division=division)
    log_download(session, actor, {"stations": format, "division": division}, division)
    return Response(
        content, media_type=MEDIA_TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="stations.{format}"', "Cache-Control": "no-store",
        },
    )  # fmt: skip


@router.post("/{station_id}/checks", status_code=201, responses=problems(404))
def add_checks(
    request: Request, station_id: RowId, body: CheckIn, session: SessionDep, actor: ActorDep
) -> list[CheckOut]:
    """Note what was seen at a station on a day; what was noted before stays."""
    row = _require_station(session, station_id)
    for one in body.seen:
        require_impersonal(one.note, "note")
    allowed = session.execute(
        text("SELECT :community IN (SELECT checkable())"), {"community": row.community_id}
    ).scalar_one()
    if not allowed:
        raise NotAllowedError("not_allowed", "your roles do not allow this here")
    day = body.day or calendar_of(request).local_day(datetime.now(UTC))
    made = [
        session.execute(
            text("""
                INSERT INTO station_checks (station_id, item, day, state, note, set_by)
                VALUES (:station, :item, :day, :state, :note, :by)
                RETURNING id, item, day, state, note, set_at"""),
            {"station": station_id, "day": day, "by": actor.user_id, **one.model_dump()},
        ).one()
        for one in body.seen
    ]
    queries.tell(session, "station_checked", row.community_id, json.dumps({"station": row.station_id}))
    return [CheckOut.model_validate(dict(each._mapping)) for each in made]


@router.get("/{station_id}/checks", responses=problems(404))
def list_checks(station_id: RowId, session: SessionDep) -> list[CheckOut]:
    """List what was seen at a station, the newest first."""
    _require_station(session, station_id)
    rows = session.execute(
        text("""SELECT id, item, day, state, note, set_at FROM station_checks WHERE station_id = :id
                ORDER BY day DESC, id DESC LIMIT :most"""),
        {"id": station_id, "most": MOST_CHECKS},
    )
    return [CheckOut.model_validate(dict(row._mapping)) for row in rows]


def _moment(request: Request, at: datetime | None) -> tuple[datetime, Any]:
    """Return a moment of the clock on the wall, and what days are by the calendar of the service."""
    calendar = calendar_of(request)
    return wall_moment(at or datetime.now(UTC), calendar), day_roles(calendar)


def _feature(request: Request, one: Judged, items: Sequence[JudgedItem]) -> Feature[JudgedStation]:
    zone = calendar_of(request).zone
    known = one.row._mapping
    told = one.opening
    return Feature(
        id=one.row.id, geometry=one.row.geometry,
        properties=JudgedStation(
            **{name: known[name] for name in JudgedStation.model_fields if name in known and name != "items"},
            is_open=None if told is None else told.is_open,
            until=told.until.replace(tzinfo=zone) if told and told.until else None,
            hours_read=one.is_read, checklist=one.edition, items=[ItemOut(**vars(item)) for item in items],
        ),
    )  # fmt: skip


def _require_station(session: Session, station_id: int) -> Any:
    row = queries.station(session, station_id)
    if row is None:
        raise NotFoundError("station_not_found", "there is no such station")
    return row
