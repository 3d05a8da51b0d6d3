"""Jobs: start, follow, cancel, and take what they made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from api.dependencies import ActorDep, SessionDep, SettingsDep
from api.errors import ConflictError, NotAllowedError, NotFoundError, TooManyError
from api.job_kinds import (
    CheckParams,
    ImportParams,
    LoadParams,
    MapParams,
    PlanParams,
    ProposalParams,
    StationsParams,
)
from api.jobs import RESULTS, State, add_job, jobs_of
from api.requests import KeptRoute
from api.schemas import problems

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], route_class=KeptRoute)

# Jobs of one user that are not over: more would keep others waiting.
UNFINISHED_LIMIT = 20
_HIGHEST_ID = (1 << 63) - 1


class _JobIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    division_id: int = Field(ge=1, le=_HIGHEST_ID, description="The area the work is for.")


class PlanJobIn(_JobIn):
    """Divide the communities of uploaded layers."""

    kind: Literal["plan"]
    params: PlanParams


class CheckJobIn(_JobIn):
    """Judge uploaded grids."""

    kind: Literal["check"]
    params: CheckParams


class MapJobIn(_JobIn):
    """Draw an uploaded plan."""

    kind: Literal["map"]
    params: MapParams


class LoadJobIn(_JobIn):
    """Load an uploaded plan into the store."""

    kind: Literal["load"]
    params: LoadParams


class ImportJobIn(_JobIn):
    """Put uploaded grids onto the units of a version, to be looked at or kept as a draft."""

    kind: Literal["import"]
    params: ImportParams


class ProposalJobIn(_JobIn):
    """Propose how all grids of a draft come back in band; cancelled, it ends with the best found by then."""

    kind: Literal["proposal"]
    params: ProposalParams


class StationsJobIn(_JobIn):
    """Take an uploaded register of stations over, or look at what it would change."""

    kind: Literal["stations"]
    params: StationsParams


JobIn = Annotated[
    PlanJobIn | CheckJobIn | MapJobIn | LoadJobIn | ImportJobIn | ProposalJobIn | StationsJobIn,
    Body(discriminator="kind"),
]


class JobOut(BaseModel):
    """A job and how far it is."""

    id: UUID
    kind: str
    division_id: int
    state: State
    stage: str | None = Field(description="What is being done.", examples=["partition"])
    done: int
    total: int
    cancel_requested: bool
    attempts: int
    result: dict[str, Any] | None = Field(description="Counts; the file is at /result.")
    has_file: bool
    problem: dict[str, Any] | None = Field(description="Why it failed: code, detail, place.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: RowMapping) -> JobOut:
        """Return the job of a row."""
        return cls.model_validate({**row, "division_id": row["area_id"], "has_file": row["file"] is not None})


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobOut]


@router.post("", status_code=202, responses=problems(400, 401, 403, 404, 422, 429, 503))
def start_job(job: JobIn, session: SessionDep, actor: ActorDep, response: Response) -> JobOut:
    """Start long work. Follow it at its address or by events of kind `job`."""
    there = session.execute(text("SELECT 1 FROM divisions WHERE id = :id"), {"id": job.division_id}).first()
    if there is None:
        raise NotFoundError("not_found", f"there is no division {job.division_id}")
    allowed = session.execute(
        text("SELECT may_start(:kind, :area)"), {"kind": job.kind, "area": job.division_id}
    ).scalar_one()
    if not allowed:
        raise NotAllowedError("not_allowed", f"your roles there do not allow jobs of kind {job.kind}")
    unfinished = jobs_of(
        session, "created_by = :user AND state IN ('queued', 'running') LIMIT :most",
        user=actor.user_id, most=UNFINISHED_LIMIT,
    )  # fmt: skip
    if len(unfinished) == UNFINISHED_LIMIT:
        raise TooManyError(
            "too_many_jobs",
            f"{UNFINISHED_LIMIT} of your jobs are not finished; wait or cancel some",
            retry_after_s=10,
        )
    job_id = add_job(session, job.kind, job.division_id, job.params, actor.user_id)
    response.headers["Location"] = f"{router.prefix}/{job_id}"
    return _job(session, job_id)


@router.get("", responses=problems(401, 422, 503))
def list_jobs(
    session: SessionDep,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JobList:
    """List one's own jobs, and those of the areas one administers, the newest first."""
    rows = jobs_of(
        session, "(cast(:state AS text) IS NULL OR state = :state) ORDER BY created_at DESC LIMIT :most",
        state=state, most=limit,
    )  # fmt: skip
    return JobList(jobs=[JobOut.of(row) for row in rows])


@router.get("/{job_id}", responses=problems(401, 404, 422, 503))
def get_job(job_id: UUID, session: SessionDep) -> JobOut:
    """Say how far a job is."""
    return _job(session, job_id)


@router.post("/{job_id}/cancel", status_code=202, responses=problems(401, 404, 409, 422, 503))
def cancel_job(job_id: UUID, session: SessionDep) -> JobOut:
    """Ask a job to stop; it is `cancelled` once it has."""
    job = _job(session, job_id)
    if job.state not in ("queued", "running"):
        raise ConflictError("job_is_over", f"the job is {job.state}")
    session.execute(text("UPDATE jobs SET cancel_requested = true WHERE id = :id"), {"id": job_id})
    session.execute(text("NOTIFY weige_jobs"))
    return _job(session, job_id)


@router.get(
    "/{job_id}/result",
    response_class=FileResponse,
    responses={
        200: {"description": "The file the job made", "content": {"application/octet-stream": {}}},
        **problems(401, 404, 409, 422, 503),
    },
)
def get_result(job_id: UUID, session: SessionDep, settings: SettingsDep) -> FileResponse:
    """Send the file a job made."""
    found = jobs_of(session, "id = :id", id=job_id)
    if not found:
        raise _no_such_job(job_id)
    row = found[0]
    if row["state"] in ("queued", "running"):
        raise ConflictError("job_not_over", "the job is not finished yet")
    path = settings.data_dir / RESULTS / str(job_id) / str(row["file"])
    if row["file"] is None or not path.is_file():
        raise NotFoundError("no_result", "the job left no file")
    return FileResponse(path, filename=row["file"], content_disposition_type="attachment")


def _job(session: Session, job_id: UUID) -> JobOut:
    found = jobs_of(session, "id = :id", id=job_id)
    if not found:
        raise _no_such_job(job_id)
    return JobOut.of(found[0])


def _no_such_job(job_id: UUID) -> NotFoundError:
    return NotFoundError("not_found", f"there is no job {job_id}")
