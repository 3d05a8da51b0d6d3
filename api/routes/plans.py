"""Plans, their versions, micro-grids, findings and edits."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import queries
from api.city_time import now as city_now
from api.dependencies import ActorDep, SessionDep
from api.errors import ConflictError, NotAllowedError, NotFoundError, ServiceError
from api.publishing import publish, submit, withdraw
from api.requests import IfMatch, KeptRoute, PageDep, entity_tag, feature_page, require_match
from api.routes.divisions import RowId, number_cursor, require_community
from api.schemas import (
    Acceptance,
    Collection,
    DivisionOfUnit,
    EditIn,
    EditOut,
    FindingOut,
    GridProperties,
    GridTotals,
    LoggedEdit,
    Page,
    PlanIn,
    PlanOut,
    PublishIn,
    VersionOut,
    problems,
)
from geo.findings import Finding

if TYPE_CHECKING:
    from api.drafts import Draft
    from api.editing import Applied
    from geo.review import Review

router = APIRouter(prefix="/api/v1", tags=["plans"], route_class=KeptRoute)

# Sets of divisions that the database knows: where the actor plans, and where it administers.
Whose: TypeAlias = Literal["plannable", "administered"]
# A wider box is answered by tiles.
WIDEST_BOX_DEG = 2.0


@router.get("/communities/{community_id}/plans", responses=problems(404))
def list_plans(community_id: RowId, request: Request, session: SessionDep, page: PageDep) -> Page[PlanOut]:
    """List the plans of a community."""
    require_community(session, community_id)
    rows = queries.plans(session, community_id, after=page.after, limit=page.limit)
    items = [PlanOut.model_validate(row._mapping) for row in rows]
    return Page(items=items, next=page.next_address(request, [str(row.id) for row in rows]))


@router.post("/communities/{community_id}/plans", status_code=201, responses=problems(404, 409))
def add_plan(
    community_id: RowId, body: PlanIn, session: SessionDep, actor: ActorDep, response: Response
) -> VersionOut:
    """Make a plan with one draft: a copy of a version, or the units of today in no grid yet."""
    require_community(session, community_id)
    if body.min_households > body.max_households:
        raise ServiceError("band_empty", "min_households is larger than max_households")
    if body.copy_of is None:
        ground = queries.newest_ground(session, community_id)
        if ground is None:
            raise ConflictError("no_units", "the community has no units yet; load a plan or layers first")
    else:
        source = require_version(session, body.copy_of)
        if source.community_id != community_id:
            raise NotFoundError("version_not_found", "the community has no such version")
        ground = source.ground_id
    plan_id = session.execute(
        text("INSERT INTO plans (community_id, name, created_by) VALUES (:community, :name, actor())"
             " RETURNING id"),
        {"community": community_id, "name": body.name},
    ).scalar_one()  # fmt: skip
    version_id = session.execute(
        text("INSERT INTO versions (plan_id, community_id, parent_id, ground_id, min_households,"
             " max_households, created_by)"
             " VALUES (:plan, :community, :parent, :ground, :min, :max, actor()) RETURNING id"),
        {
            "plan": plan_id, "community": community_id, "parent": body.copy_of, "ground": ground,
            "min": body.min_households, "max": body.max_households,
        },
    ).scalar_one()  # fmt: skip
    if body.copy_of is not None:
        _copy(session, body.copy_of, version_id)
    return _started(session, version_id, response)


@router.get("/plans/{plan_id}", responses=problems(404))
def get_plan(plan_id: UUID, session: SessionDep) -> PlanOut:
    """Return one plan."""
    return PlanOut.model_validate(_require_plan(session, plan_id)._mapping)


@router.get("/plans/{plan_id}/versions", responses=problems(404))
def list_versions(plan_id: UUID, session: SessionDep) -> Page[VersionOut]:
    """List the versions of a plan, the oldest first."""
    _require_plan(session, plan_id)
    rows = queries.versions(session, plan_id)
    return Page(items=[VersionOut.model_validate(row._mapping) for row in rows], next=None)


@router.post("/versions/{version_id}/fork", status_code=201, responses=problems(404, 409))
def fork_version(version_id: UUID, session: SessionDep, response: Response) -> VersionOut:
    """Start a new draft of the same plan from a version; the version stays as it is."""
    source = require_version(session, version_id)
    made = session.execute(
        text("INSERT INTO versions (plan_id, community_id, parent_id, ground_id, min_households,"
             " max_households, seed, created_by)"
             " SELECT plan_id, community_id, id, ground_id, min_households, max_households, seed, actor()"
             " FROM versions WHERE id = :id RETURNING id"),
        {"id": source.id},
    ).scalar_one()  # fmt: skip
    _copy(session, source.id, made)
    return _started(session, made, response)


@router.get("/versions/{version_id}", responses=problems(404))
def get_version(version_id: UUID, session: SessionDep, response: Response) -> VersionOut:
    """Return one version."""
    return _version(session, version_id, response)


@router.delete("/versions/{version_id}", status_code=204, responses=problems(404, 409, 412, 428))
def delete_draft(version_id: UUID, session: SessionDep, if_match: IfMatch = None) -> None:
    """Delete a draft; what was submitted or published stays."""
    present = changeable(session, version_id, if_match)
    session.execute(text("DELETE FROM versions WHERE id = :id"), {"id": version_id})
    queries.tell(session, "version_deleted", present.community_id, json.dumps({"version": str(version_id)}))


@router.post("/versions/{version_id}/submit", responses=problems(404, 409, 412, 428))
def submit_version(
    version_id: UUID, session: SessionDep, response: Response, if_match: IfMatch = None
) -> VersionOut:
    """Hand a draft in for publication; it cannot be edited any more."""
    _unchanged(session, version_id, if_match, "plannable")
    submit(session, [version_id])
    return _version(session, version_id, response)


@router.post("/versions/{version_id}/withdraw", responses=problems(404, 409, 412, 428))
def withdraw_version(
    version_id: UUID, session: SessionDep, response: Response, if_match: IfMatch = None
) -> VersionOut:
    """Take a submitted version back to a draft."""
    _unchanged(session, version_id, if_match, "plannable")
    withdraw(session, [version_id])
    return _version(session, version_id, response)


@router.post("/versions/{version_id}/publish", responses=problems(404, 409, 412, 428))
def publish_version(
    version_id: UUID, body: PublishIn, session: SessionDep, response: Response, if_match: IfMatch = None
) -> VersionOut:
    """Put a submitted version in force from a day on; what was published in its community ends there.

    Readers see the old version or the new one, never neither or both.
    """
    _unchanged(session, version_id, if_match, "administered")
    publish(session, [version_id], body.valid_from)
    queries.wake(session)
    return _version(session, version_id, response)


@router.get(
    "/versions/{version_id}/grids", response_model=Collection[GridProperties], responses=problems(404)
)
def list_version_grids(version_id: UUID, request: Request, session: SessionDep, page: PageDep) -> Response:
    """List the micro-grids of a version as GeoJSON, ordered by grid code.

    Coordinates are WGS 84 longitude, latitude (RFC 7946). Households are counted, never named.
    """
    require_version(session, version_id)
    rows = queries.grid_features(session, version_id, after=page.after, limit=page.limit)
    return feature_page(request, page, rows)


@router.get("/grids", response_model=Collection[GridProperties], responses=problems())
def list_grids_in_force(
    request: Request,
    session: SessionDep,
    page: PageDep,
    bbox: Annotated[
        str,
        Query(
            description="min_lon,min_lat,max_lon,max_lat", max_length=120, examples=["120.2,33.7,120.3,33.8"]
        ),
    ],
    on: Annotated[date | None, Query(description="Day; else today")] = None,
) -> Response:
    """List the micro-grids in force on a day whose ground touches a box, ordered by grid code."""
    day = on or city_now().date()
    rows = queries.grid_features_in_force(session, read_box(bbox), day, after=page.after, limit=page.limit)
    return feature_page(request, page, rows)


@router.get("/versions/{version_id}/findings", responses=problems(404))
def list_findings(version_id: UUID, request: Request, session: SessionDep, page: PageDep) -> Page[FindingOut]:
    """List the findings on a version, each with its sentence in Chinese and English."""
    require_version(session, version_id)
    rows = queries.findings(session, version_id, after=number_cursor(page.after), limit=page.limit)
    return Page(
        items=[_finding(row) for row in rows], next=page.next_address(request, [str(row.id) for row in rows])
    )


@router.post("/versions/{version_id}/findings/{finding_id}/accept", responses=problems(404, 409))
def accept_finding(version_id: UUID, finding_id: RowId, body: Acceptance, session: SessionDep) -> FindingOut:
    """Accept a finding as it stands, with the reason; units that it leaves out no longer stop publication."""
    version = require_version(session, version_id, lock=True)
    if version.state not in ("draft", "submitted"):
        raise ConflictError("not_a_draft", "findings are accepted before a version is published")
    if queries.finding(session, version_id, finding_id) is None:
        raise NotFoundError("finding_not_found", "the version has no such finding")
    done = session.execute(
        text("UPDATE findings SET accepted_by = actor(), accepted_at = now(), accepted_note = :note"
             " WHERE id = :id RETURNING 1"),
        {"note": body.note, "id": finding_id},
    ).one_or_none()  # fmt: skip
    if done is None:
        raise NotAllowedError("not_allowed", "only a planner of the area accepts findings")
    row = queries.finding(session, version_id, finding_id)
    assert row is not None
    log_edit(
        session, version, "accept_finding", {"finding": row.code, "grid": row.grid_code, "note": body.note}
    )
    return _finding(row)


@router.get("/versions/{version_id}/edits", responses=problems(404))
def list_edits(version_id: UUID, request: Request, session: SessionDep, page: PageDep) -> Page[LoggedEdit]:
    """List who changed what and why, in order; each entry's hash chains it to the one before."""
    require_version(session, version_id)
    rows = queries.edits(session, version_id, after=number_cursor(page.after), limit=page.limit)
    return Page(
        items=[LoggedEdit.model_validate(row._mapping) for row in rows],
        next=page.next_address(request, [str(row.seq) for row in rows]),
    )


@router.post("/versions/{version_id}/edits", status_code=201, responses=problems(404, 409, 412, 428))
def edit_draft(
    version_id: UUID, body: EditIn, session: SessionDep, response: Response, if_match: IfMatch = None
) -> EditOut:
    """Change a draft: all moves in order, then changes of grids, or nothing of it.

    Totals, borders and findings follow in the same transaction, and the edit is logged with who, when, why,
    before and after.
    """
    # The engine's libraries take seconds to load: only who edits waits for them, and only once.
    from api.drafts import read_draft
    from api.editing import Renaming, Step, apply_edit, judge, write_edit

    version = changeable(session, version_id, if_match)
    draft = read_draft(session, version)
    applied = apply_edit(
        session,
        draft,
        [Step(move.unit_ids, move.to, move.new) for move in body.moves],
        [Renaming(change.code, change.name, change.kind, change.nameless) for change in body.grids],
    )
    found = judge(draft)
    write_edit(session, draft, applied, found)
    told = {
        "moves": applied.moved, "new_grids": applied.new_grids, "ended": applied.ended, "note": body.note,
        "grids": [change.model_dump(exclude_unset=True) for change in body.grids],
    }  # fmt: skip
    return _edited(session, version, draft, applied, found, response, (body.action, told))


@router.post("/versions/{version_id}/divisions", status_code=201, responses=problems(404, 409, 412, 428))
def divide_unit(
    version_id: UUID, body: DivisionOfUnit, session: SessionDep, response: Response, if_match: IfMatch = None
) -> EditOut:
    """Divide a unit of a draft by floors, each band a unit of its own; or make its bands one unit again.

    Bands must meet and add up to the unit's households. Each gets its share of the unit's ground, and the
    unit's grid. Other versions keep the units that they have. It is logged as an edit (`divide`, `join`),
    with the bands before and after.
    """
    from api.dividing import divide
    from geo.floors import FloorBand

    version = changeable(session, version_id, if_match)
    bands = [FloorBand(band.lowest, band.highest, band.households) for band in body.floors]
    done = divide(session, version, body.unit_id, bands, into=body.into)
    told = {
        "unit": body.unit_id, "before": [vars(band) for band in done.before],
        "after": [vars(band) for band in sorted(bands)], "ended": done.applied.ended, "note": body.note,
    }  # fmt: skip
    entry = ("divide" if bands else "join", told)
    return _edited(session, version, done.draft, done.applied, done.review, response, entry)


def _edited(
    session: Session,
    version: Row[Any],
    draft: Draft,
    applied: Applied,
    found: Review,
    response: Response,
    entry: tuple[str, dict[str, Any]],
) -> EditOut:
    """Count an edit that was written, log and tell it, and return what it touched."""
    session.execute(text("UPDATE versions SET revision = revision + 1 WHERE id = :id"), {"id": version.id})
    touched = [
        GridTotals.model_validate({"code": code, **vars(found.statuses[code])})
        if code in found.statuses
        else GridTotals(code=code, households=0, units=0, status="too_small", pieces=0)
        for code in sorted(draft.grids[number].code for number in applied.touched)
    ]
    action, told = entry
    seq = log_edit(session, version, action, told)
    queries.tell(
        session, "version_edited", version.community_id,
        json.dumps({"version": str(version.id), "revision": version.revision + 1, "seq": seq}),
    )  # fmt: skip
    return EditOut(
        seq=seq, version=_version(session, version.id, response), touched=touched, new_grids=applied.new_grids
    )


def require_version(session: Session, version_id: UUID, *, lock: bool = False) -> Row[Any]:
    """Return a version that the actor may read.

    Raises
    ------
    NotFoundError
        There is none, or the actor may not know of it.
    """
    row = queries.version(session, version_id, lock=lock)
    if row is None:
        raise NotFoundError("version_not_found", "there is no such version")
    return row


def read_box(said: str) -> queries.Box:
    """Read a box `min_lon,min_lat,max_lon,max_lat` in degrees.

    Raises
    ------
    ServiceError
        It is not one, or is wider than `WIDEST_BOX_DEG`.
    """
    try:
        min_x, min_y, max_x, max_y = (float(number) for number in said.split(","))
    except ValueError:
        raise ServiceError("bbox", "bbox is four numbers: min_lon,min_lat,max_lon,max_lat") from None
    if not (-180 <= min_x <= max_x <= 180 and -90 <= min_y <= max_y <= 90):
        raise ServiceError("bbox", "bbox is min_lon,min_lat,max_lon,max_lat in degrees")
    if max(max_x - min_x, max_y - min_y) > WIDEST_BOX_DEG:
        raise ServiceError("bbox_too_wide", f"bbox is at most {WIDEST_BOX_DEG} degrees wide; use tiles")
    return queries.Box(min_x, min_y, max_x, max_y)


def _require_plan(session: Session, plan_id: UUID) -> Row[Any]:
    row = queries.plan(session, plan_id)
    if row is None:
        raise NotFoundError("plan_not_found", "there is no such plan")
    return row


def _unchanged(session: Session, version_id: UUID, if_match: str | None, whose: Whose) -> None:
    """Refuse who may not do this, and what was decided on another state of the version."""
    version = require_version(session, version_id)
    require_rights(session, version, whose)
    _require_match(if_match, version)


def changeable(session: Session, version_id: UUID, if_match: str | None) -> Row[Any]:
    """Return a draft, locked, that the actor may change and that is as the request thinks."""
    require_rights(session, require_version(session, version_id), "plannable")
    version = require_version(session, version_id, lock=True)
    _require_match(if_match, version)
    if version.state != "draft":
        raise ConflictError("not_a_draft", f"the version is {version.state}; fork it to change it")
    return version


def _require_match(if_match: str | None, version: Row[Any]) -> None:
    require_match(
        if_match,
        version.revision,
        lambda: VersionOut.model_validate(version._mapping).model_dump(mode="json"),
    )


def require_rights(session: Session, version: Row[Any], whose: Whose) -> None:
    """Say that the actor may read a version, but not do this to it; the database would refuse it later."""
    mine = session.execute(
        text(f"SELECT :community IN (SELECT {whose}())"), {"community": version.community_id}
    ).scalar_one()
    if not mine:
        post = "a planner" if whose == "plannable" else "an administrator"
        raise NotAllowedError("not_allowed", f"only {post} of the area does this to its plans")


def _copy(session: Session, source: UUID, target: UUID) -> None:
    """Copy grids, assignments, findings and what is expected of one version to another."""
    for table, columns in (
        ("grids", "number, community_id, code, name, kind, households, units, status, reason, area_m2,"
                  " perimeter_m, compactness, geom"),
        ("assignments", "unit_number, grid_number, community_id, ground_id"),
        ("findings", "community_id, code, severity, grid_code, unit_ids, details, geom, accepted_by,"
                     " accepted_at, accepted_note"),
        ("expected_changes", "number, community_id, day, households, unit_id, place, note"),
    ):  # fmt: skip
        session.execute(
            text(f"INSERT INTO {table} (version_id, {columns}) SELECT :target, {columns} FROM {table}"
                 " WHERE version_id = :source"),
            {"source": source, "target": target},
        )  # fmt: skip


def _started(session: Session, version_id: UUID, response: Response) -> VersionOut:
    """Log and tell that a draft began, and return it."""
    made = _version(session, version_id, response)
    told = {"parent": made.parent_id and str(made.parent_id)}
    log_edit(session, made, "start", told)
    queries.tell(session, "version_started", made.community_id, json.dumps({"version": str(version_id)}))
    response.headers["Location"] = f"/api/v1/versions/{version_id}"
    return made


def log_edit(session: Session, version: Row[Any] | VersionOut, action: str, body: dict[str, Any]) -> int:
    """Append to the log of a version's edits and return the entry's place in its chain."""
    entry = session.execute(
        text("SELECT log_append('edits', :chain, :action, cast(:body AS jsonb), :community)"),
        {
            "chain": str(version.id), "action": action, "body": json.dumps(body, ensure_ascii=False),
            "community": version.community_id,
        },
    ).scalar_one()  # fmt: skip
    seq: int = session.execute(text("SELECT seq FROM log WHERE id = :id"), {"id": entry}).scalar_one()
    return seq


def _version(session: Session, version_id: UUID, response: Response) -> VersionOut:
    row = require_version(session, version_id)
    response.headers["ETag"] = entity_tag(row.revision)
    return VersionOut.model_validate(row._mapping)


def _finding(row: Row[Any]) -> FindingOut:
    from maps.findings import sentence

    finding = Finding(
        row.code, row.severity, str(row.community_id), row.grid_code, tuple(row.unit_ids), row.details
    )
    return FindingOut(
        id=row.id, code=row.code, severity=row.severity, grid=row.grid_code, unit_ids=row.unit_ids,
        details=row.details, text_zh=sentence(finding, "zh_CN"), text_en=sentence(finding, "en"),
        accepted_at=row.accepted_at, accepted_note=row.accepted_note,
    )  # fmt: skip
