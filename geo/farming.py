"""The same job for many items: in this process, in several, or on a Dask cluster, with the same results.

A job that raises is told and not tried again: it would raise again. A job whose worker ended under it is
tried again, at most LOST_AT_MOST times, as it may have been another that took the memory.
"""

from __future__ import annotations

import importlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from geo.errors import InputError

Item = TypeVar("Item")
Made = TypeVar("Made")

LOST_AT_MOST = 3
CONNECTS_WITHIN_S = 10


class WorkerLostError(RuntimeError):
    """The worker of a job ended without an answer, each time that it was tried."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Made]):
    """What became of one item: `made`, or the `error` that its job raised."""

    item: Item
    made: Made | None
    error: Exception | None = None


def farmed(
    job: Callable[[Item], Made],
    items: Sequence[Item],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Iterator[Outcome[Item, Made]]:
    """Yield what became of each item as it is done; put the largest first, for the last to end together.

    Parameters
    ----------
    job : callable
        A function of a module (or a partial of one) that gives the same for the same item, wherever it runs.
    items : sequence
        What can be sent to another process.
    jobs : int, default 1
        Processes on this machine; 1: this one.
    scheduler : str, optional
        Address of a Dask scheduler, `tcp://host:8786`, in place of processes here. Its workers need the same
        release of this package, and see the same files.

    Raises
    ------
    InputError
        Nobody answers as a scheduler there, or Dask is not installed.
    """
    if scheduler is not None:
        return _on_cluster(job, items, scheduler)
    if jobs == 1:
        return _here(job, items)
    return _in_processes(job, items, jobs)


def _here(job: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[Outcome[Item, Made]]:
    for item in items:
        try:
            made = job(item)
        except Exception as error:  # whatever it is, it is this item's
            yield Outcome(item, None, error)
        else:
            yield Outcome(item, made)


def _in_processes(
    job: Callable[[Item], Made], items: Sequence[Item], jobs: int
) -> Iterator[Outcome[Item, Made]]:
    waiting = deque(range(len(items)))
    lost = [0] * len(items)
    while waiting:
        # Threads of this process may hold locks that a fork would copy.
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            running: dict[Future[Made], int] = {}
            try:
                while waiting or running:
                    # No more than can run: where a worker ends, only these are in doubt, and then run alone.
                    while waiting and len(running) < (1 if _is_in_doubt(lost, waiting, running) else jobs):
                        future = pool.submit(job, items[waiting[0]])
                        running[future] = waiting.popleft()
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcome = _outcome(items[running[future]], future)
                        if isinstance(outcome.error, BrokenProcessPool):
                            raise outcome.error
                        del running[future]
                        yield outcome
            except BrokenProcessPool:
                for at in running.values():
                    lost[at] += 1
                    if lost[at] < LOST_AT_MOST:
                        waiting.append(at)
                    else:
                        yield Outcome(
                            items[at], None, WorkerLostError(f"its worker ended {LOST_AT_MOST} times")
                        )


def _is_in_doubt(lost: Sequence[int], waiting: Sequence[int], running: dict[Future[Made], int]) -> bool:
    """Whether the next item, or one that runs, was there when a worker ended."""
    return lost[waiting[0]] > 0 or any(lost[at] for at in running.values())


def _outcome(item: Item, future: Future[Made]) -> Outcome[Item, Made]:
    error = future.exception()
    if error is None:
        return Outcome(item, future.result())
    if not isinstance(error, Exception):
        raise error
    return Outcome(item, None, error)


def _on_cluster(
    job: Callable[[Item], Made], items: Sequence[Item], scheduler: str
) -> Iterator[Outcome[Item, Made]]:
    distributed = _distributed()
    try:
        client = distributed.Client(scheduler, timeout=CONNECTS_WITHIN_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            "scheduler_away", f"no Dask scheduler answers at {scheduler}",
            mend="start one (`dask scheduler`), or leave --scheduler out", option="--scheduler",
            address=scheduler,
        ) from error  # fmt: skip
    with client:
        # Earlier items first; the cluster itself runs those of a lost worker again.
        futures = {client.submit(job, item, priority=-at, pure=False): item for at, item in enumerate(items)}
        for future in distributed.as_completed(futures, loop=client.loop):
            item = futures.pop(future)
            try:
                raised = future.exception()
            except distributed.client.FutureCancelledError:
                raised = WorkerLostError("the scheduler is gone")
            if isinstance(raised, distributed.scheduler.KilledWorker):
                raised = WorkerLostError(str(raised))
            yield Outcome(item, None, raised) if raised is not None else Outcome(item, future.result())
            future.release()


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise InputError(
            "dask_missing", "Dask is not installed",
            mend='install "weige[cluster]"', option="--scheduler",
        ) from error  # fmt: skip
