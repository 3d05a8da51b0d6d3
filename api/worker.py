"""The worker: takes jobs from the books, does their work, and hands back what it cannot finish."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from api import job_kinds  # noqa: F401  (registers the kinds)
from api.cases.calendar import working_calendar
from api.cases.case_log import digest_cases
from api.cases.dispatching import Rounds
from api.database import Store, store_of
from api.errors import ServiceError
from api.fault_lines import fault_line
from api.housekeeping import DAY_S, keep_house
from api.jobs import (
    KINDS,
    SCRATCH,
    JobContext,
    JobResult,
    JobStopped,
    Standing,
    claim,
    finish,
    hand_back,
    private_folder,
    renew,
)
from api.logs import configure_logs
from api.settings import Settings
from geo.errors import GeoError, InputError
from maps.text import Language, text

logger = logging.getLogger(__name__)

# A worker that is gone is noticed after this long.
LEASE_S = 20.0
# How often the keeper of a lease looks round: progress is told, and a cancellation heard, no faster.
TICK_S = 0.5
LOOK_EVERY_S = 1.0
# How long work may go on after the worker was told to stop, before its job is handed back without it.
GRACE_S = 8.0
NICENESS = 10
RESTART_PAUSE_S = 2.0
# How long a case that is deleted with its whole log may go unnoticed.
HOUR_S = 3600.0
# How late a whistle escalates, a claim lapses, and a rule that acts by itself acts.
ROUND_EVERY_S = 3.0

_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError)


class Keeper(threading.Thread):
    """Keeps the lease of a running job, tells its progress, and hears whether it is to stop.

    Parameters
    ----------
    store : Store
    row : mapping
        The job as it was taken.
    worker : str
    lease_s : float
    stop : Event
        Set when the worker is told to stop.
    """

    def __init__(
        self, store: Store, row: RowMapping, worker: str, lease_s: float, stop: threading.Event
    ) -> None:
        super().__init__(name="lease", daemon=True)
        self._store = store
        self._id = row["id"]
        self._worker = worker
        self._lease_s = lease_s
        self._halt = stop
        self._over = threading.Event()
        self._standing = Standing()
        self._told = Standing()
        self._kept = time.monotonic()
        self.cancelled = False
        self.lost = False

    def report(self, stage: str, done: int, total: int) -> None:
        """Take note of progress; the work is broken off here once it should stop."""
        self.note(stage, done, total)
        if self.should_stop():
            raise JobStopped

    def note(self, stage: str, done: int, total: int) -> None:
        """Take note of progress, to be told with the next look."""
        self._standing = Standing(stage, int(done), int(total))

    def should_stop(self) -> bool:
        """Whether the work is cancelled, taken by another worker, or the worker told to stop."""
        return self.cancelled or self.lost or self._halt.is_set()

    def is_cancelled(self) -> bool:
        """Whether whoever started the work wants it to stop."""
        return self.cancelled and not self.lost

    def run(self) -> None:
        """Renew the lease until the job is over."""
        told_to_stop: float | None = None
        while not self._over.wait(TICK_S):
            self._look()
            if self._halt.is_set():
                told_to_stop = told_to_stop or time.monotonic()
                if time.monotonic() - told_to_stop > GRACE_S:
                    self._leave_without_the_work()

    def end(self) -> None:
        """Stop keeping the lease."""
        self._over.set()
        self.join()

    def _look(self) -> None:
        standing = self._standing
        moved = standing != self._told
        if not moved and time.monotonic() - self._kept < min(LOOK_EVERY_S, self._lease_s / 4):
            return
        try:
            asked = renew(self._store, self._id, self._worker, self._lease_s, standing if moved else None)
        except DBAPIError as error:
            logger.warning("job %s: the lease could not be renewed (%s)", self._id, type(error).__name__)
            self.lost = self.lost or time.monotonic() - self._kept > self._lease_s
            return
        self._told, self._kept = standing, time.monotonic()
        self.lost = asked is None
        self.cancelled = self.cancelled or bool(asked)

    def _leave_without_the_work(self) -> None:
        """End the process: the work does not hear, and a process that hangs is worse than one that ends."""
        with suppress(DBAPIError):
            hand_back(self._store, self._id, self._worker, counts=False)
        logger.warning("job %s did not stop; it was handed back", self._id)
        os._exit(0)


def work(store: Store, settings: Settings, *, stop: threading.Event, lease_s: float = LEASE_S) -> None:
    """Take and do jobs, one after another, until told to stop.

    Parameters
    ----------
    store : Store
    settings : Settings
    stop : Event
        Once it is set, the running job is broken off and handed back.
    lease_s : float, default 20
        After how many seconds without a sign a worker counts as gone.
    """
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    logger.info("worker %s begins", name)
    # Beside the jobs, which may take minutes.
    rounds = Rounds(store, working_calendar(settings.data_dir))
    threading.Thread(target=_make_rounds, args=(rounds, stop), name="rounds", daemon=True).start()
    next_cleaning = next_digest = time.monotonic()
    while not stop.is_set():
        try:
            with psycopg.connect(store.conninfo(role=None), autocommit=True, row_factory=tuple_row) as bell:
                bell.execute("LISTEN weige_jobs")
                while not stop.is_set():
                    row = claim(store, name, lease_s)
                    if row is not None:
                        _do(store, settings, row, name, lease_s, stop)
                        continue
                    if time.monotonic() >= next_cleaning:
                        keep_house(store, contact_days=settings.contact_days)
                        next_cleaning = time.monotonic() + DAY_S
                    if time.monotonic() >= next_digest:
                        digest_cases(store)
                        next_digest = time.monotonic() + HOUR_S
                    for _ in bell.notifies(timeout=LOOK_EVERY_S, stop_after=1):
                        pass
        except (*_AWAY, DBAPIError) as error:
            logger.warning("worker: the database is away (%s)", type(error).__name__)
            stop.wait(LOOK_EVERY_S)
    logger.info("worker %s ends", name)


def _make_rounds(rounds: Rounds, stop: threading.Event) -> None:
    """Make rounds over the cases until the worker ends; nothing that goes wrong in one stops the next."""
    while not stop.wait(ROUND_EVERY_S):
        try:
            rounds.make()
        except (*_AWAY, DBAPIError) as error:
            logger.warning("rounds: the database is away (%s)", type(error).__name__)
        except Exception:
            # Nobody hears of a thread that ended: whistles would stay at their level, and claims never lapse.
            logger.exception("a round failed")


def _do(
    store: Store, settings: Settings, row: RowMapping, worker: str, lease_s: float, stop: threading.Event
) -> None:
    """Do one job and close it."""
    job_id = row["id"]
    keeper = Keeper(store, row, worker, lease_s, stop)
    scratch = private_folder(settings.data_dir, SCRATCH) / f"{job_id}-{row['attempts']}"
    keeper.start()
    close: Callable[[], bool]
    try:
        for left in (settings.data_dir / SCRATCH).glob(f"{job_id}-*"):  # of a worker that was killed
            shutil.rmtree(left, ignore_errors=True)
        scratch.mkdir()
        result = _result(JobContext(store, settings, row, keeper, scratch), row["params"])
        # What is there is the result, also where the wish to stop came too late: a load cannot be undone.
        close = lambda: finish(store, job_id, worker, "done", result=result)  # noqa: E731
    except JobStopped:
        if keeper.cancelled:
            close = lambda: finish(store, job_id, worker, "cancelled")  # noqa: E731
        else:
            close = lambda: hand_back(store, job_id, worker, counts=False)  # noqa: E731
    except _AWAY as error:
        logger.warning("job %s: the database went away (%s)", job_id, type(error).__name__)
        close = lambda: hand_back(store, job_id, worker, counts=True)  # noqa: E731
    except Exception as error:
        # Whatever the work of one job raises ends that job, never the worker: the next one may be sound.
        told = _problem(error, row["params"].get("language", "zh_CN"))
        if told["code"] == "internal":
            logger.exception("job %s failed", job_id)
        close = lambda: finish(store, job_id, worker, "failed", problem=told)  # noqa: E731
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _insist(close, keeper, lease_s)
    keeper.end()


def _result(context: JobContext, params: dict[str, Any]) -> JobResult:
    kind = KINDS[context.kind]
    with context.acting():
        pass  # the right to do this may have gone since the job was queued
    return kind.work(context, kind.params.model_validate(params))


def _insist(close: Callable[[], bool], keeper: Keeper, lease_s: float) -> None:
    """Write the end of a job, also where the database is away for a while."""
    end = time.monotonic() + 3 * lease_s
    while True:
        try:
            if not close():
                logger.warning("a job was taken by another worker; what was done here is dropped")
            return
        except DBAPIError as error:
            if time.monotonic() > end:
                logger.warning("the end of a job could not be written (%s)", type(error).__name__)
                return
            time.sleep(LOOK_EVERY_S)


def _problem(error: Exception, language: Language) -> dict[str, Any]:
    """Return what is told of an error: code, one line in the language of the job, place."""
    if isinstance(error, InputError):
        place = {"file": error.file, "layer": error.layer, "field": error.field, "feature": error.feature}
        named = {name: value for name, value in place.items() if value}
        said = fault_line(error, language, served=True)
        return {"code": error.code, "detail": said, "values": dict(error.values), **named}
    if isinstance(error, ServiceError):
        return {"code": error.code, "detail": fault_line(error, language)}
    if isinstance(error, GeoError):
        return {"code": "not_usable", "detail": fault_line(error, language)}
    code = "memory_exhausted" if isinstance(error, MemoryError) else "internal"
    return {"code": code, "detail": text(f"problem.{code}", language)}


def run(settings: Settings, *, lease_s: float = LEASE_S) -> None:
    """Be a worker until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with store_of(settings) as store:
        work(store, settings, stop=stop, lease_s=lease_s)


@contextmanager
def workers(settings: Settings, count: int = 1, *, after: threading.Event | None = None) -> Iterator[None]:
    """Run workers as processes of their own while the block runs; one that dies is started again.

    With `after` they start once that is set: what people wait for at a start has the processor first.
    """
    ended = threading.Event()
    threads = [threading.Thread(target=_supervise, args=(settings, ended, after)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _supervise(settings: Settings, ended: threading.Event, after: threading.Event | None) -> None:
    environment = {**os.environ, **settings.for_workers()}
    while after is not None and not after.wait(TICK_S) and not ended.is_set():
        pass
    while not ended.is_set():
        process = subprocess.Popen([sys.executable, "-m", "api.worker"], env=environment)
        while process.poll() is None and not ended.wait(TICK_S):
            pass
        if ended.is_set():
            process.terminate()
            try:
                process.wait(GRACE_S + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return
        logger.error("a worker ended with code %s; another is started", process.returncode)
        ended.wait(RESTART_PAUSE_S)


if __name__ == "__main__":
    configure_logs()
    # Jobs give way to answers.
    os.nice(NICENESS)
    try:
        run(Settings.from_environment())
    except GeoError as error:
        logger.error("%s", error)  # whoever runs this process starts another
        sys.exit(2)
