"""Request and response bodies: GeoJSON out, counts only, WGS 84 longitude and latitude."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

if TYPE_CHECKING:
    from geo.tomorrow import Expected, Step

# Text that people type: one line of printable characters.
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"
    ),
]
Note = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
UnitId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
GridCode = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
PositiveInt = Annotated[int, Field(ge=1, le=100_000)]

State = Literal["draft", "submitted", "published", "superseded"]
GridStatus = Literal["ok", "too_small", "too_large", "exempt"]
Item = TypeVar("Item")


class Body(BaseModel):
    """A request body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457); `code` is stable, `detail` is one line for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class Feature(BaseModel, Generic[Item]):
    """One GeoJSON feature in WGS 84."""

    type: Literal["Feature"] = "Feature"
    id: str | int
    geometry: dict[str, Any] | None
    properties: Item


class Collection(BaseModel, Generic[Item]):
    """A page of GeoJSON features; `next` is the address of the page after it, null at the end."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[Feature[Item]]
    next: str | None


class Page(BaseModel, Generic[Item]):
    """A page of things; `next` is the address of the page after it, null at the end."""

    items: list[Item]
    next: str | None


class DivisionOut(BaseModel):
    """A division of the tree, from province down to community."""

    id: int
    parent_id: int | None
    level: str
    code: str
    name: str | None
    revision: int


class DivisionIn(Body):
    """A new division below another."""

    parent_id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    level: Line
    code: Line
    name: Line | None = None


class DivisionChange(Body):
    """What of a division may change."""

    name: Line | None


class CommunityProperties(BaseModel):
    """A community with its counts."""

    id: int
    code: str
    name: str | None
    households: int
    units: int
    published_version: UUID | None
    revision: int


class UnitProperties(BaseModel):
    """A stairwell unit or small house: counted, never named."""

    unit_id: str
    households: int
    building_id: str | None
    compound_id: str | None
    address: str | None
    grid: str | None


class GridProperties(BaseModel):
    """A micro-grid of a version."""

    code: str
    community: str
    version: UUID
    name: str | None
    kind: Literal["basic", "special"]
    households: int
    units: int
    status: GridStatus
    reason: str | None
    area_m2: float | None
    compactness: float | None


class PlanIn(Body):
    """A new plan: a draft over the units of today, or a copy of a version."""

    name: Line
    copy_of: UUID | None = Field(None, description="Version to start from; else every unit is in no grid")
    min_households: PositiveInt = 50
    max_households: PositiveInt = 100


class PlanOut(BaseModel):
    """A plan of one community; its versions hold the grids."""

    id: UUID
    community_id: int
    name: str
    created_at: datetime


class VersionOut(BaseModel):
    """A version of a plan."""

    id: UUID
    number: int = Field(description="Of the versions of the community, the first ever begun is 1")
    plan_id: UUID
    community_id: int
    parent_id: UUID | None
    state: State
    valid_from: date | None
    valid_to: date | None
    min_households: int
    max_households: int
    revision: int
    grids: int
    households: int
    unassigned_units: int
    created_at: datetime
    submitted_at: datetime | None
    published_at: datetime | None


class FindingOut(BaseModel):
    """A finding on a version, with its sentence in both languages."""

    id: int
    code: str
    severity: Literal["error", "warning", "info"]
    grid: str | None
    unit_ids: list[str]
    details: dict[str, Any]
    text_zh: str
    text_en: str
    accepted_at: datetime | None
    accepted_note: str | None


class Acceptance(Body):
    """Why a finding is accepted as it stands."""

    note: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Move(Body):
    """Units that go to a grid (its code), to a new grid (`new`), or out of all grids (neither)."""

    unit_ids: Annotated[list[UnitId], Field(min_length=1, max_length=20_000)]
    to: GridCode | None = None
    new: bool = False

    @model_validator(mode="after")
    def goes_one_way(self) -> Move:
        """Refuse a move to a grid and to a new one at once."""
        if self.new and self.to is not None:
            raise ValueError("a move goes to a grid or to a new one, not both")
        return self


class GridChange(Body):
    """What of a grid itself may change; what is not said stays. A name of null takes its name away."""

    code: GridCode
    name: Line | None = None
    kind: Literal["basic", "special"] | None = None

    @property
    def nameless(self) -> bool:
        """Whether the name is taken away."""
        return self.name is None and "name" in self.model_fields_set


class EditIn(Body):
    """One edit of a draft: moves in order, then changes of grids; all of it or nothing."""

    action: Literal[
        "paint", "drag", "split", "merge", "renumber", "proposal", "undo", "redo", "rename", "kind"
    ]
    moves: Annotated[list[Move], Field(max_length=500)] = []
    grids: Annotated[list[GridChange], Field(max_length=500)] = []
    note: Note = ""


class FloorBandIn(Body):
    """Floors of a tower from the lowest to the highest of them, and the households on them."""

    lowest: Annotated[int, Field(ge=1, le=300)]
    highest: Annotated[int, Field(ge=1, le=300)]
    households: Annotated[int, Field(ge=0, le=100_000)]


class DivisionOfUnit(Body):
    """A unit and the bands of floors that it is divided into; none make it whole again."""

    unit_id: UnitId
    floors: Annotated[list[FloorBandIn], Field(max_length=60)] = []
    into: GridCode | None = Field(None, description="Grid of what is made, else that of the unit")
    note: Note = ""


class ProposalIn(Body):
    """What the engine is asked: mend round some grids, balance all, split one, reach a number of grids."""

    kind: Literal["mend", "balance", "split", "count"]
    grids: Annotated[list[GridCode], Field(max_length=50)] = Field(
        [], description="mend: the grids to begin with; split: the one to split"
    )
    parts: Annotated[int, Field(ge=2, le=50)] = Field(2, description="split: how many")
    count: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="count: how many grids are wanted, without special ones"
    )
    max_moved: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        None, description="Most households that may change grids"
    )
    locked_grids: Annotated[list[GridCode], Field(max_length=5_000)] = []
    locked_units: Annotated[list[UnitId], Field(max_length=20_000)] = []

    @model_validator(mode="after")
    def names_its_grids(self) -> ProposalIn:
        """Require the grids that the kind needs."""
        if (self.kind == "mend" and not self.grids) or (self.kind == "split" and len(self.grids) != 1):
            raise ValueError("mend needs grids, split needs one")
        if self.kind == "count" and self.count is None:
            raise ValueError("count needs the number of grids wanted")
        return self


class ProposedGrid(BaseModel):
    """A grid that a proposal changes; a code of null stands for a new one."""

    code: str | None
    before: int
    after: int


class ProposalOut(BaseModel):
    """Moves that nobody has made yet; made by an edit with the action `proposal`."""

    revision: int
    moves: list[Move]
    changes: list[ProposedGrid]
    moved_households: int
    left: dict[str, str] = Field(description="Grids out of band all the same, with the reason")


class ExpectedChange(Body):
    """Households that come or go on a day: to or from a unit, or with a new house at a place."""

    day: date
    households: Annotated[int, Field(ge=-100_000, le=100_000)] | None = Field(
        None, description="That come or, below 0, go; null: the unit is demolished"
    )
    unit_id: UnitId | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    note: Note = ""

    @model_validator(mode="after")
    def is_somewhere(self) -> ExpectedChange:
        """Require a unit or a place, and households that come to a new house."""
        if (self.lon is None) != (self.lat is None) or (self.unit_id is None) == (self.lon is None):
            raise ValueError("a change names a unit, or lon and lat")
        if self.households == 0 or (self.lon is not None and (self.households or 0) <= 0):
            raise ValueError("households come to a new house, and come or go elsewhere")
        return self

    @classmethod
    def of(cls, change: Expected) -> ExpectedChange:
        """Return what `geo.tomorrow` calls a change."""
        lon, lat = change.place or (None, None)
        return cls(
            day=change.day, households=change.households, unit_id=change.unit_id, lon=lon, lat=lat,
            note=change.note,
        )  # fmt: skip

    def expected(self) -> Expected:
        """Return it as `geo.tomorrow` takes it."""
        from geo.tomorrow import Expected

        place = None if self.lon is None or self.lat is None else (self.lon, self.lat)
        return Expected(self.day, self.households, self.unit_id, place, self.note)


class ScenarioIn(Body):
    """What is expected of a draft."""

    changes: Annotated[list[ExpectedChange], Field(max_length=200)]


class ScenarioStep(BaseModel):
    """A grid on a day: households and status before and after what is expected then."""

    day: date
    code: str
    before: int
    after: int
    status_before: GridStatus
    status: GridStatus
    changes: list[int] = Field(description="Positions of the changes of that day in that grid")

    @classmethod
    def of(cls, step: Step) -> ScenarioStep:
        """Return what `geo.tomorrow` calls a step."""
        return cls(**{**vars(step), "code": step.grid_id, "changes": list(step.changes)})


class ScenarioOut(BaseModel):
    """What is expected of a version, and the grids that change by when."""

    revision: int
    changes: list[ExpectedChange]
    steps: list[ScenarioStep]
    fault: str | None


class HypothesisIn(Body):
    """A day, and what is expected until then where it is not what is kept."""

    day: date
    changes: Annotated[list[ExpectedChange], Field(max_length=200)] | None = None


class PlacedHouse(BaseModel):
    """Where a new house would go."""

    lon: float
    lat: float
    households: int
    to: str | None = Field(description="Code of its grid; null: a new grid")


class HypothesisOut(BaseModel):
    """What mending would take by then: grids before and after, and households of today that change grids."""

    changes: list[ProposedGrid]
    moved_households: int
    new_households: int = Field(description="Of new houses, that come under another grid than they stand in")
    left: dict[str, str] = Field(description="Grids out of band all the same, with the reason")
    unit_ids: list[str] = Field(description="Units of today that would change grids")
    houses: list[PlacedHouse] = Field(description="New houses until then, each with the grid it would go to")


class GridTotals(BaseModel):
    """A grid that an edit touched, as it stands after it; one that ended has no households and units left."""

    code: str
    households: int
    units: int
    status: GridStatus
    pieces: int


class EditOut(BaseModel):
    """What an edit did."""

    seq: int
    version: VersionOut
    touched: list[GridTotals]
    new_grids: list[str]


class EditNote(Body):
    """Why an edit was made."""

    note: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class LoggedEdit(BaseModel):
    """An edit as the log keeps it; `hash` chains it to the one before."""

    seq: int
    at: datetime
    by: str | None
    action: str
    body: dict[str, Any]
    hash: str


class StationIn(Body):
    """A red station."""

    station_id: Line
    name: Line
    type: Line | None = None
    facilities: Annotated[list[Line], Field(max_length=50)] = []
    opening_hours: Line | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class StationProperties(BaseModel):
    """A red station."""

    id: int
    station_id: str
    community: str
    name: str
    type: str | None
    facilities: list[str]
    opening_hours: str | None
    revision: int


class PublishIn(Body):
    """From which day a version is in force."""

    valid_from: date


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documented refusals of a route: those named, and those that any route may give."""
    described = {
        400: "Not a request this route can read",
        401: "Not signed in",
        403: "Not allowed to the actor",
        404: "Not there, or not for the actor to know",
        409: "Not possible in the present state",
        412: "Changed meanwhile; the answer holds the present state",
        413: "Too large",
        422: "Not valid",
        428: "Needs If-Match with the entity tag of what is to be changed",
        429: "Too many requests",
        503: "The database is away; try again",
    }
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": described[status], "content": body}
        for status in sorted({400, 401, 403, 422, 429, 503, *statuses})
    }
