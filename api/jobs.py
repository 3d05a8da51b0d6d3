"""Long work as jobs: what a kind of job is, what it is given, and the books in which jobs are kept.

A job is taken by one worker at a time, on a lease that the worker renews; where the lease runs out, the
worker is gone and another begins the job anew.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.orm import Session

from api.database import Store
from api.errors import NotAllowedError, NotFoundError
from api.live import tell
from api.settings import Settings

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
Params = TypeVar("Params", bound=BaseModel)

# Attempts before a job is given up: whatever kills its worker three times would do so again.
MAX_ATTEMPTS = 3
RESULTS, SCRATCH, UPLOADS = "results", "work", "uploads"

_COLUMNS = """id, kind, area_id, params, state, stage, done, total, result, problem, file, attempts,
              cancel_requested, worker, created_by, created_at, started_at, finished_at"""


class JobStopped(Exception):  # noqa: N818  (nothing went wrong)
    """The work was broken off where it was asked to: cancelled, handed back, or taken by another worker."""


class Watch(Protocol):
    """What a job tells of itself, and hears."""

    def report(self, stage: str, done: int, total: int) -> None:
        """Take note of progress; raises JobStopped once the job should stop."""

    def note(self, stage: str, done: int, total: int) -> None:
        """Take note of progress, for work that leaves the best it has when it is stopped."""

    def should_stop(self) -> bool:
        """Whether the work is to be broken off."""

    def is_cancelled(self) -> bool:
        """Whether whoever started it wants it to stop; what it has by then may be its result."""


@dataclass(frozen=True)
class JobResult:
    """What a job leaves: values that JSON can hold, and the name of a file in its result folder."""

    values: Mapping[str, Any]
    file: str | None = None


class JobContext:
    """What the work of a job is given.

    Parameters
    ----------
    store : Store
    settings : Settings
    row : mapping
        The job as it stands in the books.
    watch : Watch
    scratch : Path
        A folder that is gone after the job.
    """

    def __init__(
        self, store: Store, settings: Settings, row: RowMapping, watch: Watch, scratch: Path
    ) -> None:
        self.id: UUID = row["id"]
        self.kind: str = row["kind"]
        self.area_id: int = row["area_id"]
        self.created_by: int | None = row["created_by"]
        self.scratch = scratch
        self.store = store
        self.settings = settings
        self.report = watch.report
        self.note = watch.note
        self.should_stop = watch.should_stop
        self.is_cancelled = watch.is_cancelled

    def grants(self) -> Mapping[str, list[str]]:
        """Return what the job's creator is granted now; nothing where the account is disabled."""
        with self.store.owner.connect() as books:
            granted = books.execute(
                text("SELECT grants_of(id) FROM users WHERE id = :user AND disabled_at IS NULL"),
                {"user": self.created_by},
            ).scalar_one_or_none()
        return granted or {}

    @contextmanager
    def acting(self) -> Iterator[Session]:
        """Open one transaction with the rights that the job's creator has now.

        Raises
        ------
        NotAllowedError
            The creator is disabled, or may no longer do this kind of work here.
        """
        with self.store.acting(self.created_by, self.grants(), long=True) as session:
            allowed = session.execute(
                text("SELECT may_start(:kind, :area)"), {"kind": self.kind, "area": self.area_id}
            ).scalar_one()
            if not allowed:
                raise NotAllowedError(
                    "not_allowed_any_more", "whoever started this job has no longer the right to do so"
                )
            yield session

    @cached_property
    def results(self) -> Path:
        """The folder of the job's result file."""
        folder = private_folder(self.settings.data_dir, RESULTS) / str(self.id)
        folder.mkdir(exist_ok=True)
        return folder

    def upload(self, upload_id: UUID) -> Path:
        """Return a file its creator uploaded, under the name it was uploaded with.

        Raises
        ------
        NotFoundError
            There is no such upload of this user.
        """
        with self.acting() as session:
            row = session.execute(
                text("SELECT name, sha256 FROM uploads WHERE id = :id"), {"id": upload_id}
            ).one_or_none()
        if row is None:
            raise NotFoundError("upload_not_found", f"there is no upload {upload_id}; send the file again")
        folder = self.scratch / str(upload_id)
        folder.mkdir(exist_ok=True)
        path: Path = folder / row.name
        if not path.exists():
            _linked(stored_upload(self.settings.data_dir, row.sha256.hex(), row.name), path)
        return path


Work: TypeAlias = Callable[[JobContext, Any], JobResult]


@dataclass(frozen=True)
class JobKind(Generic[Params]):
    """A kind of job: the form of its parameters, and its work. Who may start it stands in the store."""

    name: str
    params: type[Params]
    work: Callable[[JobContext, Params], JobResult]


KINDS: dict[str, JobKind[Any]] = {}


def job_kind(name: str, params: type[Params]) -> Callable[[Work], Work]:
    """Register a function as the work of a kind of job."""

    def register(work: Work) -> Work:
        KINDS[name] = JobKind(name, params, work)
        return work

    return register


def private_folder(data_dir: Path, name: str) -> Path:
    """Return a folder of the data folder that only the service's user enters; it is made where it is missing.

    What people send and what is made of it is not for the other users of the machine.
    """
    folder = data_dir / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)  # of an earlier version, or of a backup
    return folder


def stored_upload(data_dir: Path, sha256: str, name: str) -> Path:
    """Return where the file of an upload lies: by its content, and the end of its name."""
    return data_dir / UPLOADS / sha256[:2] / f"{sha256}{Path(name).suffix.lower()}"


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError as error:
        raise NotFoundError(
            "upload_not_found", f"the file {target.name} is no longer there; send it again"
        ) from error
    except OSError:  # another file system, or links are not allowed
        shutil.copyfile(source, target)


# The books -----------------------------------------------------------------------------------------------


def add_job(session: Session, kind: str, area_id: int, params: BaseModel, created_by: int) -> UUID:
    """Queue a job in the transaction of whoever acts; row-level security decides whether they may."""
    row = session.execute(
        text("""INSERT INTO jobs (kind, area_id, params, created_by)
                VALUES (:kind, :area, cast(:params AS jsonb), :user) RETURNING id, kind, area_id, created_by,
                state, stage, done, total"""),
        {"kind": kind, "area": area_id, "params": params.model_dump_json(), "user": created_by},
    ).one()  # fmt: skip
    tell_job(session, row._mapping)
    identity: UUID = row.id
    return identity


def tell_job(session: Session, row: Mapping[str, Any] | RowMapping) -> None:
    """Tell whoever started a job, and the administrators of its area, how it stands."""
    body = {name: row[name] for name in ("kind", "state", "stage", "done", "total")}
    tell(
        session, "job", {"id": str(row["id"]), **body}, division_id=row["area_id"], roles=["admin"],
        user_id=row["created_by"],
    )  # fmt: skip


def claim(store: Store, worker: str, lease_s: float) -> RowMapping | None:
    """Take the oldest job that waits, or whose worker is gone; None where there is none."""
    with Session(store.owner) as session, session.begin():
        _give_up(session)
        row = session.execute(
            text(f"""
                UPDATE jobs SET state = 'running', worker = :worker, attempts = attempts + 1, stage = NULL,
                       done = 0, total = 0, lease_until = clock_timestamp() + make_interval(secs => :lease),
                       started_at = coalesce(started_at, clock_timestamp())
                WHERE id = (SELECT id FROM jobs
                            WHERE state = 'queued' OR (state = 'running' AND lease_until < clock_timestamp())
                            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING {_COLUMNS}"""),
            {"worker": worker, "lease": lease_s},
        ).one_or_none()  # fmt: skip
        if row is not None:
            tell_job(session, row._mapping)
        return None if row is None else row._mapping


def _give_up(session: Session) -> None:
    """End the jobs that nobody will finish: cancelled before they ran, or lost with too many workers."""
    problem = {"code": "worker_lost", "detail": f"the worker was lost {MAX_ATTEMPTS} times at this job"}
    ended = session.execute(
        text(f"""
            UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'failed' END,
                   problem = CASE WHEN cancel_requested THEN NULL ELSE cast(:problem AS jsonb) END,
                   worker = NULL, lease_until = NULL, finished_at = clock_timestamp()
            WHERE id IN (SELECT id FROM jobs
                         WHERE (state = 'queued' AND cancel_requested)
                            OR (state = 'running' AND lease_until < clock_timestamp()
                                AND (cancel_requested OR attempts >= :most))
                         FOR UPDATE SKIP LOCKED)
            RETURNING {_COLUMNS}"""),
        {"problem": json.dumps(problem), "most": MAX_ATTEMPTS},
    ).all()
    for row in ended:
        tell_job(session, row._mapping)


@dataclass(frozen=True)
class Standing:
    """How far a job is."""

    stage: str | None = None
    done: int = 0
    total: int = 0


def renew(store: Store, job_id: UUID, worker: str, lease_s: float, standing: Standing | None) -> bool | None:
    """Keep the lease, note and tell how far the job is where that is given.

    Returns
    -------
    bool or None
        Whether the job is to be cancelled; None: it is no longer this worker's.
    """
    with Session(store.owner) as session, session.begin():
        row = session.execute(
            text(f"""
                UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => :lease),
                       stage = CASE WHEN :moved THEN :stage ELSE stage END,
                       done = CASE WHEN :moved THEN :done ELSE done END,
                       total = CASE WHEN :moved THEN :total ELSE total END
                WHERE id = :id AND worker = :worker AND state = 'running' RETURNING {_COLUMNS}"""),
            {"id": job_id, "worker": worker, "lease": lease_s, "moved": standing is not None,
             **vars(standing or Standing())},
        ).one_or_none()  # fmt: skip
        if row is None:
            return None
        if standing is not None:
            tell_job(session, row._mapping)
        asked: bool = row.cancel_requested
        return asked


def finish(
    store: Store,
    job_id: UUID,
    worker: str,
    state: State,
    *,
    result: JobResult | None = None,
    problem: Mapping[str, Any] | None = None,
) -> bool:
    """Close a job; False where it is no longer this worker's, whose result is then not wanted."""
    return _leave(
        store, job_id, worker,
        """state = :state, result = cast(:result AS jsonb), file = :file, problem = cast(:problem AS jsonb),
           finished_at = clock_timestamp()""",
        state=state, file=None if result is None else result.file,
        result=None if result is None else json.dumps(dict(result.values)),
        problem=None if problem is None else json.dumps(dict(problem)),
    )  # fmt: skip


def hand_back(store: Store, job_id: UUID, worker: str, *, counts: bool) -> bool:
    """Let another worker have the job; `counts`: whether this was one of its attempts."""
    return _leave(
        store, job_id, worker, "state = 'queued', attempts = attempts - :free", free=0 if counts else 1
    )


def _leave(store: Store, job_id: UUID, worker: str, change: str, **values: Any) -> bool:
    with Session(store.owner) as session, session.begin():
        row = session.execute(
            text(f"""UPDATE jobs SET worker = NULL, lease_until = NULL, {change}
                     WHERE id = :id AND worker = :worker AND state = 'running' RETURNING {_COLUMNS}"""),
            {"id": job_id, "worker": worker, **values},
        ).one_or_none()
        if row is not None:
            tell_job(session, row._mapping)
            session.execute(text("NOTIFY weige_jobs"))
        return row is not None


def jobs_of(session: Session | Connection, where: str, **values: Any) -> list[RowMapping]:
    """Return jobs that whoever acts may see; `where` is SQL of this package, never a user's."""
    rows = session.execute(text(f"SELECT {_COLUMNS} FROM jobs WHERE {where}"), values)
    return list(rows.mappings())
