"""The kinds of jobs: planning, checking and drawing maps from uploaded layers."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import text

from api.city_time import city_zone
from api.errors import ConflictError, NotFoundError
from api.jobs import JobContext, JobResult, JobStopped, job_kind
from api.schemas import GridCode, UnitId
from maps.text import Language

if TYPE_CHECKING:
    from geo.layers import LayerKind

# Without NUL, which no database column holds.
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
LayerName = Literal[
    "units", "communities", "roads", "water", "barriers", "gates", "compounds", "grids"
]  # fmt: skip
# Rows of an import that its result lists.
MOST_CHANGES = 500
Households = Annotated[int, Field(ge=1, le=100_000)]


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid")

    language: Language = "zh_CN"


class UploadedLayer(BaseModel):
    """A layer in a file that was uploaded."""

    model_config = ConfigDict(extra="forbid")

    upload: UUID
    layer: Name | None = Field(None, description="Where the file holds several.")


class _LayersParams(_Params):
    layers: dict[LayerName, UploadedLayer]
    min_households: Households = 50
    max_households: Households = 100
    crs: Name | None = Field(None, description="EPSG code for layers that declare none.", examples=["4549"])
    id_column: Name | None = Field(None, description="The column of the units with their ids.")
    fields: dict[Name, Name] = Field(
        {}, description="Columns by other names.", examples=[{"units.households": "hh"}], max_length=50
    )

    @model_validator(mode="after")
    def band_is_one(self) -> _LayersParams:
        """Refuse a band that is upside down, and fields of no layer."""
        if self.min_households > self.max_households:
            raise ValueError("min_households is above max_households")
        for field in self.fields:
            kind, dot, column = field.partition(".")
            if not (dot and column) or kind not in self.layers:
                raise ValueError(
                    f"field {field!r} is not of the form LAYER.COLUMN with a layer that is given"
                )
        return self


class PlanParams(_LayersParams):
    """What a plan is made from."""

    seed: int = Field(0, ge=0, lt=1 << 32)

    @model_validator(mode="after")
    def layers_suffice(self) -> PlanParams:
        """Require what a plan needs."""
        if not {"units", "communities"} <= self.layers.keys() or "grids" in self.layers:
            raise ValueError("a plan needs the layers units and communities, and takes no grids")
        return self


class CheckParams(_LayersParams):
    """What drawn grids are checked with."""

    format: Literal["xlsx", "csv", "json"] = "xlsx"

    @model_validator(mode="after")
    def layers_suffice(self) -> CheckParams:
        """Require what a check needs."""
        if not {"units", "grids"} <= self.layers.keys():
            raise ValueError("a check needs the layers units and grids")
        return self


class MapParams(_Params):
    """What a map shows: a plan file that was uploaded."""

    plan: UploadedLayer
    incidents: UploadedLayer | None = None
    stations: UploadedLayer | None = None


class LoadParams(_Params):
    """A plan file that is loaded into the store, and from when it is in force."""

    plan: UploadedLayer
    name: Name | None = Field(None, description="Of the plans; else that of the file.")
    valid_from: date | None = Field(None, description="Publish from this day.")


class ImportParams(_Params):
    """Grids of a community that others drew (polygons) or listed (a table of units and grids)."""

    grids: UploadedLayer
    version: UUID = Field(description="Whose units the grids are put onto, and whose plan gets the draft.")
    crs: Name | None = Field(None, description="EPSG code for a layer that declares none.", examples=["4549"])
    fields: dict[Name, Name] = Field(
        {}, description="Columns by other names.", examples=[{"grid_id": "网格"}], max_length=20
    )
    keep: bool = Field(False, description="Keep them as a new draft; else they are only looked at.")


class StationsParams(_Params):
    """A register of stations: CSV, XLSX, GeoJSON or any other layer of points."""

    stations: UploadedLayer
    crs: Name | None = Field(None, description="EPSG code for a layer that declares none.", examples=["4549"])
    fields: dict[Name, Name] = Field(
        {}, description="Columns by other names.", examples=[{"station_id": "编号"}], max_length=20
    )
    keep: bool = Field(False, description="Take it over; else it is only looked at.")


class ProposalParams(_Params):
    """All grids of a draft brought back in band, which may take its time."""

    version: UUID
    revision: Annotated[int, Field(ge=1, le=(1 << 63) - 1, description="The draft as whoever asks sees it.")]
    max_moved: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    locked_grids: Annotated[list[GridCode], Field(max_length=5_000)] = []
    locked_units: Annotated[list[UnitId], Field(max_length=20_000)] = []


class CasesParams(_Params):
    """Work orders of another system (CSV or XLSX), filed as cases."""

    orders: UploadedLayer
    channel: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")] = "12345"
    category: Name | None = Field(None, description="Class of orders whose own is not known.")
    classes: Annotated[dict[Name, Name], Field(max_length=1_000)] = Field(
        {}, description="Codes of classes by what the file calls them."
    )
    number_column: Name | None = Field(None, description="Column that identifies the orders.")
    open_only: bool = Field(False, description="Leave out what the file says is over.")


def _source(context: JobContext, layer: UploadedLayer) -> str:
    path = str(context.upload(layer.upload))
    return path if layer.layer is None else f"{path}:{layer.layer}"


def _sources(context: JobContext, params: _LayersParams) -> dict[LayerKind, str]:
    return {kind: _source(context, layer) for kind, layer in params.layers.items()}


def _fields(params: _LayersParams) -> dict[tuple[LayerKind, str], str]:
    named = {}
    for field, name in params.fields.items():
        kind, _, column = field.partition(".")
        named[(kind, column)] = name
    return named  # type: ignore[return-value]


def _now(context: JobContext) -> datetime:
    return datetime.now(city_zone(context.settings.data_dir))


@job_kind("plan", PlanParams)
def plan_layers_job(context: JobContext, params: PlanParams) -> JobResult:
    """Plan uploaded layers; the result is a plan file."""
    from api.telling import review_values
    from geo.partition import Band
    from geo.plan_layers import read_plan_layers
    from geo.planning import plan
    from maps.plan_file import plan_frames, write_frames

    started = _now(context).isoformat(timespec="seconds")
    context.report("reading", 0, 1)
    layers = read_plan_layers(
        _sources(context, params), fields=_fields(params), crs=params.crs, id_column=params.id_column
    )
    context.report("reading", 1, 1)
    made = plan(
        layers,
        band=Band(params.min_households, params.max_households),
        seed=params.seed,
        on_progress=context.report,
        should_stop=context.should_stop,
    )
    # What was broken off is a plan too, but not the one that was asked for.
    if context.should_stop():
        raise JobStopped
    context.report("writing", 0, 1)
    run = {
        "started": started,
        "finished": _now(context).isoformat(timespec="seconds"),
        "options": params.model_dump_json(include={"crs", "fields"}),
    }
    write_frames(plan_frames(made, run), context.results / "plan.gpkg")
    context.report("writing", 1, 1)
    return JobResult(review_values(made.review, made.findings), "plan.gpkg")


@job_kind("check", CheckParams)
def check_grids_job(context: JobContext, params: CheckParams) -> JobResult:
    """Judge uploaded grids; the result is the list of findings."""
    from api.telling import review_values
    from geo.checking import check
    from geo.partition import Band
    from geo.plan_layers import read_plan_layers
    from maps.findings import findings_frame
    from maps.workbook import write_findings

    context.report("reading", 0, 1)
    layers = read_plan_layers(
        _sources(context, params), fields=_fields(params), crs=params.crs, id_column=params.id_column
    )
    context.report("reading", 1, 1)
    checked = check(
        layers, band=Band(params.min_households, params.max_households), on_progress=context.report
    )
    context.report("writing", 0, 1)
    file = f"findings.{params.format}"
    write_findings(
        context.results / file,
        findings_frame(checked.findings),
        checked.review.grids_frame(),
        checked.review.communities_frame(),
        language=params.language,
    )
    context.report("writing", 1, 1)
    return JobResult(review_values(checked.review, checked.findings), file)


@job_kind("map", MapParams)
def map_job(context: JobContext, params: MapParams) -> JobResult:
    """Draw an uploaded plan; the result is one HTML file."""
    from maps.export import write_map

    context.report("map", 0, 1)
    found = write_map(
        context.upload(params.plan.upload),
        context.results / "map.html",
        incidents=None if params.incidents is None else _source(context, params.incidents),
        stations=None if params.stations is None else _source(context, params.stations),
        made_at=_now(context),
        language=params.language,
    )
    context.report("map", 1, 1)
    return JobResult({"findings": len(found)}, "map.html")


@job_kind("load", LoadParams)
def load_job(context: JobContext, params: LoadParams) -> JobResult:
    """Load an uploaded plan into the store."""
    from api.loading import load_plan_job

    brought = load_plan_job(
        context.store,
        context.upload(params.plan.upload),
        actor=context.created_by,
        grants=context.grants(),
        report=context.report,
        name=params.name,
        valid_from=params.valid_from,
    )
    return JobResult(brought)


@job_kind("import", ImportParams)
def import_job(context: JobContext, params: ImportParams) -> JobResult:
    """Put uploaded grids onto the units of a version; the result is the reconciliation sheet."""
    from api.importing import keep_as_draft, place_grids, told, write_sheet
    from api.routes.plans import require_version
    from geo.layers import read_layer

    context.report("reading", 0, 1)
    layer = read_layer(_source(context, params.grids), "grids", fields=params.fields, crs=params.crs)
    context.report("reading", 1, 1)
    with context.acting() as session:
        version = require_version(session, params.version)
        if version.community_id != context.area_id:
            raise NotFoundError("version_not_found", "the community has no such version")
        placed = place_grids(session, version, layer)
        values = told(placed, params.language)
        draft = keep_as_draft(session, version, placed, layer.name) if params.keep else None
    write_sheet(context.results / "reconciliation.xlsx", values, params.language)
    return JobResult({**values, "version": None if draft is None else str(draft)}, "reconciliation.xlsx")


@job_kind("stations", StationsParams)
def stations_job(context: JobContext, params: StationsParams) -> JobResult:
    """Take an uploaded register over, whole or not at all; else say what it would change."""
    from api.stations import load_stations
    from maps.findings import sentence

    context.report("reading", 0, 1)
    with context.acting() as session:
        tried = session.begin_nested()
        came = load_stations(session, _source(context, params.stations), fields=params.fields, crs=params.crs)
        if params.keep:
            tried.commit()
        else:
            tried.rollback()
    context.report("reading", 1, 1)
    shown = [vars(change) for change in came.changes if change.is_new or change.fields]
    return JobResult({
        **came.counts(), "kept": params.keep, "changes": shown[:MOST_CHANGES],
        "findings": [sentence(finding, params.language) for finding in came.findings],
    })  # fmt: skip


@job_kind("proposal", ProposalParams)
def proposal_job(context: JobContext, params: ProposalParams) -> JobResult:
    """Propose how all grids of a draft come back in band; stopped, with the best that was found by then.

    The result is what `POST /versions/{id}/proposals` answers, and whether it was `stopped`.
    """
    from api.drafts import read_draft
    from api.proposals import propose_mending
    from api.routes.plans import require_version
    from api.routes.proposals import told

    with context.acting() as session:
        version = require_version(session, params.version)
        if version.community_id != context.area_id:
            raise NotFoundError("version_not_found", "the community has no such version")
        if version.state != "draft" or version.revision != params.revision:
            raise ConflictError("version_changed", "the draft was changed meanwhile; ask again")
        draft = read_draft(session, version)
    made = propose_mending(
        draft, None, locked_grids=params.locked_grids, locked_units=params.locked_units,
        max_moved=params.max_moved, on_progress=partial(context.note, "partition"),
        should_stop=context.should_stop,
    )  # fmt: skip
    if context.should_stop() and not context.is_cancelled():
        raise JobStopped  # the worker ends: another begins anew
    proposal = told(version.revision, made).model_dump(mode="json")
    return JobResult({**proposal, "stopped": context.is_cancelled()})


@job_kind("cases", CasesParams)
def cases_job(context: JobContext, params: CasesParams) -> JobResult:
    """File uploaded work orders as cases; those without a place stand at the area of the job."""
    from api.cases.calendar import working_calendar
    from api.cases.filing import Editions
    from api.cases.importing import import_orders
    from api.cases.orders import read_orders

    edition, calendar = Editions(context.store).read(None), working_calendar(context.settings.data_dir)
    path = context.upload(params.orders.upload)
    context.report("reading", 0, 1)
    orders = read_orders(
        path, edition, calendar, category=params.category, classes=params.classes,
        number_column=params.number_column, open_only=params.open_only,
    )  # fmt: skip
    context.report("reading", 1, 1)
    with context.acting() as session:
        area: str = session.execute(
            text("SELECT code FROM divisions WHERE id = :a"), {"a": context.area_id}
        ).scalar_one()
        came = import_orders(
            session, orders, edition, calendar, channel=params.channel, area=area, report=context.report
        )
    return JobResult(came.told())
