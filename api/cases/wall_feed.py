"""What keeps the tables of the walls in step with the store: each worker holds its own.

The table of now follows the numbered events, so that whoever has a picture as of event N misses nothing by
taking in what comes after N. A past day is read from the log as spells, by the rules of the loop as the
database holds them; tests/api/cases/test_wall_past.py compares them with `replay`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from api.cases.calendar import Calendar
from api.cases.wall_table import OPEN_STATES, CaseRow, WallTable
from api.database import Store
from api.live import Live

logger = logging.getLogger(__name__)

# Closed cases stay in the table so long: what was closed today is among the figures.
KEPT_CLOSED = timedelta(days=2)
# Read anew so often, so that what is long closed is forgotten, and after more changes than this.
READ_ANEW_S = 3600.0
MOST_CHANGES = 5000
# After an import the whole is read anew, but not more often than this.
ANEW_AT_MOST_EVERY_S = 5.0
# Whoever asks meanwhile waits so long at most; then the answer is as of an earlier event, and says so.
WAIT_FOR_ANEW_S = 1.5
# Past days kept by one worker.
MOST_DAYS = 3
# Today, which goes on, is read anew after so long.
TODAY_ANEW_S = 20.0

_EPOCH = "coalesce(extract(epoch FROM {})::float8, 'infinity')"
_COLUMNS = f"""c.number, c.state, c.kind, c.category, c.mode, c.area::text,
    c.community_id, ST_X(c.geom), ST_Y(c.geom),
    c.reported_by, c.receivers, {_EPOCH.format("c.reported_at")}, {_EPOCH.format("c.due_at")},
    {_EPOCH.format("c.response_due_at")}, {_EPOCH.format("c.responded_at")}, {_EPOCH.format("c.closed_at")}"""
_OPEN = f"SELECT {_COLUMNS} FROM cases c WHERE c.state = ANY (:states) OR c.closed_at >= now() - :kept"
_CHANGED = f"SELECT {_COLUMNS} FROM cases c WHERE c.number = ANY (%s)"
_TOLD = """
    SELECT DISTINCT CASE WHEN kind = 'case' THEN body ->> 'number' END FROM events
    WHERE number > %s AND number <= %s AND kind IN ('case', 'case.imported') LIMIT %s"""

# The log of the cases that were open on a day, each entry with when the next one came; what an entry leaves
# as it was comes from the last one that set it. Which do is told by the effects of their steps.
_SPELLS = f"""
    WITH asked AS (
      SELECT * FROM cases WHERE reported_at < :end AND (closed_at IS NULL OR closed_at >= :start)
    ), entries AS (
      SELECT l.chain, l.seq, happened_at(l.body, l.at) AS at, l.body,
             l.seq = 1 OR s.effects && ARRAY['due', 'stop'] AS sets_due,
             l.seq = 1 OR 'classify' = ANY (s.effects) AS sets_class
      FROM asked a JOIN log l ON l.stream = 'case' AND l.chain = a.number
        JOIN case_steps s ON s.step = l.action AND s.from_state = coalesce(l.body ->> 'from', '')
    ), numbered AS (
      SELECT *, lead(at) OVER w AS until, count(*) FILTER (WHERE sets_due) OVER w AS n_due,
             count(*) FILTER (WHERE sets_class) OVER w AS n_class
      FROM entries WINDOW w AS (PARTITION BY chain ORDER BY seq)
    ), spells AS (
      SELECT chain, at, until, body ->> 'state' AS state,
             first_value((body ->> 'due_at')::timestamptz) OVER (PARTITION BY chain, n_due ORDER BY seq)
               AS due_at,
             first_value(body ->> 'category') OVER (PARTITION BY chain, n_class ORDER BY seq) AS category
      FROM numbered
    )
    SELECT c.number, s.state, k.kind, s.category, c.mode, c.area::text, c.community_id, ST_X(c.geom),
           ST_Y(c.geom), c.reported_by, c.receivers, {_EPOCH.format("c.reported_at")},
           {_EPOCH.format("s.due_at")},
           {_EPOCH.format("c.response_due_at")}, {_EPOCH.format("c.responded_at")},
           CASE WHEN s.state = ANY (:states) THEN 'infinity' ELSE extract(epoch FROM s.at)::float8 END,
           extract(epoch FROM s.at)::float8, {_EPOCH.format("s.until")}
    FROM spells s JOIN cases c ON c.number = s.chain
      JOIN case_categories k ON (k.edition, k.category) = (c.edition, s.category)
    WHERE s.at < :end AND (s.until IS NULL OR s.until > :start)"""


# A row of now is no spell: it stands at every moment.
_ALWAYS = (-math.inf, math.inf)
_N_OF_NOW = len(CaseRow._fields) - len(_ALWAYS)


def _rows(found: Iterable[Any]) -> Iterable[CaseRow]:
    for row in found:
        spell = _ALWAYS if len(row) == _N_OF_NOW else ()
        yield CaseRow._make((*row[:10], tuple(row[10]), *row[11:], *spell))


class WallFeed:
    """The tables of one worker.

    Parameters
    ----------
    store : Store
    live : Live
        Whose events tell what changed.
    """

    def __init__(self, store: Store, live: Live) -> None:
        self._store = store
        self._live = live
        self._table = WallTable()
        self._as_of = -1
        self._read_at = -math.inf
        self._turn = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._wait_until = -math.inf
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._days: OrderedDict[date, tuple[float, WallTable]] = OrderedDict()

    async def now(self) -> tuple[WallTable, int]:
        """Return the table of now and the number of the event as of which it stands.

        After an import that is not the newest one, when reading all anew takes long.

        Raises
        ------
        psycopg.OperationalError, DBAPIError
            The database is away.
        """
        async with self._turn:
            if self._as_of < 0:
                self._take(*await run_in_threadpool(read_now, self._store))
            elif (self._live.last or 0) > self._as_of:
                await self._follow(self._live.last or 0)
            if time.monotonic() - self._read_at > READ_ANEW_S:
                self._read_anew()
        wait = self._wait_until - time.monotonic()
        if wait > 0 and self._reading is not None and not self._reading.done():
            await asyncio.wait((self._reading,), timeout=wait)
        return self._table, self._as_of

    async def day(self, day: date, calendar: Calendar) -> WallTable:
        """Return the spells of the cases that were open on a local day, today as far as it has come."""
        is_over = calendar.local_day(datetime.now(calendar.zone)) > day
        read_at, table = self._days.get(day, (-math.inf, None))
        if table is None or (not is_over and time.monotonic() - read_at > TODAY_ANEW_S):
            read_at, table = time.monotonic(), await run_in_threadpool(read_day, self._store, day, calendar)
        self._days[day] = read_at, table
        self._days.move_to_end(day)
        while len(self._days) > MOST_DAYS:
            self._days.popitem(last=False)
        return table

    async def close(self) -> None:
        """Let go of the connection."""
        if self._reading is not None:
            self._reading.cancel()
        if self._connection is not None:
            await self._connection.close()

    async def _follow(self, until: int) -> None:
        connection = await self._open()
        cursor = await connection.execute(_TOLD, (self._as_of, until, MOST_CHANGES + 1))
        numbers = [number for (number,) in await cursor.fetchall()]
        if None in numbers or len(numbers) > MOST_CHANGES:
            if self._read_anew():
                self._wait_until = time.monotonic() + WAIT_FOR_ANEW_S
            return
        if numbers:
            cursor = await connection.execute(_CHANGED, (numbers,))
            self._table.put(_rows(await cursor.fetchall()))
        self._as_of = until

    async def _open(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._store.conninfo(role=None), autocommit=True, row_factory=tuple_row
            )
        return self._connection

    def _read_anew(self) -> bool:
        """Read all in the background, where that is not going on; return whether it begins now."""
        if self._reading is not None and not self._reading.done():
            return False
        self._reading = asyncio.create_task(self._read_behind())
        return True

    async def _read_behind(self) -> None:
        await asyncio.sleep(max(0.0, self._read_at + ANEW_AT_MOST_EVERY_S - time.monotonic()))
        try:
            found = await run_in_threadpool(read_now, self._store)
        except DBAPIError as error:
            logger.warning("walls: the cases could not be read anew (%s)", type(error).__name__)
            return
        # Not while somebody follows the old table: what he asked for before would be missing in this one.
        async with self._turn:
            self._take(*found)

    def _take(self, table: WallTable, as_of: int) -> None:
        self._table, self._as_of, self._read_at = table, as_of, time.monotonic()


def read_now(store: Store) -> tuple[WallTable, int]:
    """Read what is open, or was closed lately, and the number of the newest event before that."""
    with store.owner.connect() as owner:
        as_of: int = owner.execute(text("SELECT coalesce(max(number), 0) FROM events")).scalar_one()
        found = owner.execute(text(_OPEN), {"states": list(OPEN_STATES), "kept": KEPT_CLOSED})
        return WallTable(_rows(found)), as_of


def read_day(store: Store, day: date, calendar: Calendar) -> WallTable:
    """Read the spells of the cases that were open on a local day, from their log."""
    start = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    with store.owner.connect() as owner:
        found = owner.execute(
            text(_SPELLS),
            {"start": start, "end": start + timedelta(days=1), "states": list(OPEN_STATES)},
        )
        return WallTable(_rows(found))
