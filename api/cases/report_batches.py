"""Reports of machines that wait at the same time, filed in one transaction.

A commit, the turn to the server and back and the waking of the walls are most of what a single report
costs. While one transaction runs, those that come are gathered for the next: in a storm they share that
cost, and on a quiet day each is a transaction of its own, at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

# So many at once that sharing saves most of what it can, so few that none waits long for the others.
MOST_TOGETHER = 32
# As long as for a connection of a pool; whoever asks again after that has nothing filed twice.
LONGEST_WAIT_S = 30.0

Filed = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Waiting:
    token: bytes
    facts: str
    filed: asyncio.Future[Filed]

    def say(self, said: Filed | Exception) -> None:
        if self.filed.done():  # whoever asked has gone
            return
        if isinstance(said, Exception):
            self.filed.set_exception(said)
        else:
            self.filed.set_result(said)


class ReportBatches:
    """The reports that wait in one worker.

    Parameters
    ----------
    pool : AsyncConnectionPool
        Of one connection, which nothing else uses: its backend keeps the plans of a report at hand. Its rows
        are mappings, and each statement is a transaction.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._filing: asyncio.Task[None] | None = None

    async def file(self, token: bytes, facts: str) -> Filed:
        """File a report; return when it is committed.

        What may have to wait for another transaction, as a work order for the same one, is to be filed
        elsewhere: here it would hold up all the others. A report whose asker has gone before its turn is not
        filed.

        Parameters
        ----------
        token : bytes
            Hash of the token of whoever reports.
        facts : str
            JSON, as the function `report_case` takes it.

        Returns
        -------
        mapping
            The row of `enter()` with `receipt`, the JSON of `report_case`; both null where the token is not
            valid.

        Raises
        ------
        psycopg.Error
            What the database says to this report. Where the connection is lost, it may be filed or not.
        PoolTimeout
            Its turn did not come within `LONGEST_WAIT_S`; it is not filed.
        """
        waiting = _Waiting(token, facts, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._filing is None or self._filing.done():
            # In no context of its own: it files for others than the one who began it.
            self._filing = asyncio.create_task(self._file_all(), context=Context())
        late = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._give_up, waiting)
        try:
            return await waiting.filed
        finally:
            late.cancel()

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            waiting.say(PoolTimeout(f"no turn within {LONGEST_WAIT_S:.0f} s"))

    def _taken(self, most: int | None = None) -> list[_Waiting]:
        """Take reports whose askers still wait."""
        there = [one for one in self._waiting if not one.filed.done()]
        self._waiting = there[most:] if most else []
        return there[:most]

    async def _file_all(self) -> None:
        while self._waiting:
            together: list[_Waiting] = []
            try:
                async with self._pool.connection() as connection:
                    # Not before there is a connection: where there is none, all hear so at the same time.
                    together = self._taken(MOST_TOGETHER)
                    if together:
                        await _file(connection, together)
            except BaseException as error:
                stopped = None if isinstance(error, Exception) else psycopg.OperationalError("stopped")
                for one in together or self._taken():
                    one.say(stopped or error)  # type: ignore[arg-type]
                if stopped:
                    raise


async def _file(connection: AsyncConnection[Any], together: list[_Waiting]) -> None:
    """File some reports in one transaction; where one is refused, each in its own, to tell which."""
    try:
        cursor = await connection.execute(
            "SELECT * FROM report_cases(%s, %s::jsonb)",
            ([one.token for one in together], f"[{','.join(one.facts for one in together)}]"),
        )
        rows = await cursor.fetchall()
    except psycopg.Error as error:
        # Of a connection that is lost it is not known what it has committed: nothing is filed twice.
        if connection.closed or len(together) == 1:
            for one in together:
                one.say(error)
            return
        for one in together:
            await _file(connection, [one])
        return
    for one, row in zip(together, rows, strict=True):
        one.say(row)
