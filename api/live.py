"""Live events: told in a transaction, numbered after commit, read once a worker, sent to who may see them.

A transaction inserts its events without a number. After its commit one worker at a time gives waiting events
their numbers, a batch at a time, so that numbers become visible in order: whoever has seen number N misses
nothing by asking for what comes after N.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import psycopg
from prometheus_client import Counter, Gauge
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.database import Store
from api.dependencies import PresentedKey
from api.operation import SEND_PAST_MIDDLEWARE

logger = logging.getLogger(__name__)

# Roles that read an area; the same stand in the function reading_areas() of the store.
READING_ROLES = frozenset(
    {"viewer", "grid_worker", "dispatcher", "handler", "verifier", "inspector", "planner", "admin", "auditor"}
)
# Messages a subscriber may be behind; one who is further behind is sent away and resumes from the table.
QUEUE_LIMIT = 1000
# Streams of one worker, and of one user on it: a browser opens one a page.
STREAMS_LIMIT = 4000
STREAMS_OF_USER_LIMIT = 200
HEARTBEAT_S = 15.0
# How often the rights of subscribers are looked up again: a stream outlives its rights by no more.
RIGHTS_EVERY_S = 20.0
# Waiting events are looked for this often even when nothing was notified: their sequencer may have died.
LOOK_EVERY_S = 1.0
# After the first of them is notified, so long others may join it: under load a round serves many.
GATHER_S = 0.02
RECONNECT_S = (0.1, 2.0)
BATCH = 1000
REPLAY_PAGE = 500
# How long a client that does not read may hold up its own farewell.
FAREWELL_S = 5.0
RETRY_MS = (1000, 3000)

STREAMS = Gauge("weige_live_streams", "Open event streams")
DELIVERED = Counter("weige_live_delivered_total", "Events put into the queues of streams")
SENT_AWAY = Counter("weige_live_sent_away_total", "Streams ended by the service", ["why"])

# One event as clients get it, in the stream and from /events/since alike.
_DATA = """json_build_object('number', number, 'kind', kind, 'at', at, 'community_id', community_id,
                             'body', body)::text"""


def tell(
    session: Session,
    kind: str,
    body: Mapping[str, Any],
    *,
    division_id: int,
    roles: Sequence[str] | None = None,
    user_id: int | None = None,
) -> None:
    """Tell something live, once the transaction of the session is committed.

    Parameters
    ----------
    session : Session
    kind : str
        Such as `job` or `version.published`; small letters, digits, `_` and `.`.
    body : mapping
        What JSON can hold; counts and ids, never people.
    division_id : int
        Whoever may read this division is told.
    roles : sequence of str, optional
        Only those who hold one of these roles over it.
    user_id : int, optional
        This user besides; without roles, this user alone.
    """
    session.execute(
        text("SELECT tell(:kind, cast(:body AS jsonb), :division_id, cast(:roles AS text[]), :user_id)"),
        {"kind": kind, "body": json.dumps(body), "division_id": division_id,
         "roles": None if roles is None else list(roles), "user_id": user_id},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered event, encoded once for everybody."""

    number: int
    area: str
    roles: frozenset[str] | None
    user_id: int | None
    encoded: bytes


@dataclass(frozen=True)
class Viewer:
    """Whom a stream belongs to.

    Attributes
    ----------
    user_id : int
    grants : frozenset of (role, path of a division)
    """

    user_id: int
    grants: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, user_id: int, grants: Mapping[str, Iterable[str]]) -> Viewer:
        """Return the viewer of a row of `enter()`."""
        return cls(user_id, frozenset((role, area) for role, areas in grants.items() for area in areas))

    def may_see(self, area: str, roles: frozenset[str] | None, user_id: int | None) -> bool:
        """Whether an event is for this viewer: the rule of the policy `read` on events, in Python."""
        if user_id == self.user_id:
            return True
        if roles is None:
            if user_id is not None:
                return False
            roles = READING_ROLES
        return any(
            role in roles and (area == held or area.startswith(f"{held}.")) for role, held in self.grants
        )


class Subscriber:
    """One stream: the queue between the one reader of events and one client."""

    __slots__ = ("_waiter", "after", "ended", "key", "queue", "viewer")

    def __init__(self, key: PresentedKey, viewer: Viewer, after: int) -> None:
        self.key = key
        self.viewer = viewer
        self.after = after
        self.queue: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.ended: str | None = None

    def offer(self, event: Event) -> None:
        """Queue an event, or end the stream where the client is too far behind."""
        if event.number <= self.after:
            return
        if len(self.queue) >= QUEUE_LIMIT:
            self.end("behind")
            return
        self.queue.append(event.encoded)
        self.wake()

    def wake(self) -> None:
        """Let `next` look again."""
        # A future and no asyncio.Event, which costs as much as all else that Python does for a message.
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self, why: str) -> None:
        """Send the client away; it comes back and resumes after the last event it got."""
        if self.ended is None:
            self.ended = why
            SENT_AWAY.labels(why).inc()
            self.wake()

    async def next(self) -> bytes | None:
        """Wait for what is to be sent next, everything queued in one piece; None when the stream ends."""
        while not self.queue and self.ended is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.ended is not None:
            return None
        piece = self.queue[0] if len(self.queue) == 1 else b"".join(self.queue)
        self.queue.clear()
        return piece


class Live:
    """The events of one worker: one connection that listens, and the streams it feeds.

    Attributes
    ----------
    last : int or None
        Number of the newest event that was handed out; None until the database was reached once.
    """

    def __init__(self, store: Store, pool: AsyncConnectionPool[Any]) -> None:
        self._store = store
        self.pool = pool
        self.last: int | None = None
        self.closing = False
        self._streams: dict[Viewer, set[Subscriber]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._signals: dict[int, Any] = {}

    async def start(self) -> None:
        """Begin to listen; a database that is away is waited for."""
        self._tasks = [
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._review_rights()),
        ]
        self._end_streams_at_signals()

    async def stop(self) -> None:
        """End all streams and stop listening."""
        self.end_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for number, handler in self._signals.items():
            signal.signal(number, handler)

    def end_streams(self) -> None:
        """Tell every client to come back soon: to another worker, or to this service once it is up again."""
        self.closing = True
        for subscriber in self.subscribers():
            subscriber.end("closing")

    def subscribers(self) -> list[Subscriber]:
        """Return the open streams."""
        return [subscriber for group in self._streams.values() for subscriber in group]

    def subscribe(self, key: PresentedKey, viewer: Viewer, after: int) -> Subscriber:
        """Open a stream of what is handed out from now on and numbered higher than `after`."""
        subscriber = Subscriber(key, viewer, after)
        self._streams.setdefault(viewer, set()).add(subscriber)
        STREAMS.inc()
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a stream."""
        group = self._streams.get(subscriber.viewer, set())
        if subscriber in group:
            group.remove(subscriber)
            STREAMS.dec()
            if not group:
                del self._streams[subscriber.viewer]

    def is_full(self, user_id: int) -> bool:
        """Whether no further stream can be opened, at all or by this user."""
        of_user = sum(len(group) for viewer, group in self._streams.items() if viewer.user_id == user_id)
        return len(self.subscribers()) >= STREAMS_LIMIT or of_user >= STREAMS_OF_USER_LIMIT

    def hand_out(self, event: Event) -> None:
        """Put an event into the queue of everybody who may see it."""
        for viewer, group in self._streams.items():
            if viewer.may_see(event.area, event.roles, event.user_id):
                DELIVERED.inc(len(group))
                for subscriber in group:
                    subscriber.offer(event)
        self.last = event.number

    def _end_streams_at_signals(self) -> None:
        """End the streams when the server is told to stop: it waits for open answers before it stops."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = self._signals[number] = signal.getsignal(number)

            def handle(number: int, frame: FrameType | None, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.end_streams)
                if callable(before):
                    before(number, frame)

            if callable(before) and before is not signal.default_int_handler:
                signal.signal(number, handle)

    async def _listen(self) -> None:
        """Read events while the service runs; where the connection breaks, connect again and catch up."""
        pause, longest = RECONNECT_S
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._store.conninfo(role=None), autocommit=True, row_factory=tuple_row
                )
                async with connection:
                    pause = RECONNECT_S[0]
                    await self._follow(connection)
            except psycopg.Error as error:
                logger.warning("events: the database is away (%s)", type(error).__name__)
            await asyncio.sleep(pause * (0.5 + random.random()))
            pause = min(2 * pause, longest)

    async def _follow(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        await connection.execute("LISTEN weige_events_waiting")
        await connection.execute("LISTEN weige_events")
        if self.last is None:
            row = await (await connection.execute("SELECT coalesce(max(number), 0) FROM events")).fetchone()
            self.last = row[0] if row else 0
        while True:
            given = await self._number_waiting(connection)
            await self._hand_out_new(connection)
            # While another worker numbers, this one looks again soon: the other may die before it commits.
            wait = LOOK_EVERY_S if given is not None else LOOK_EVERY_S / 10
            async for _ in connection.notifies(timeout=wait, stop_after=1):
                # One round for all that commits within some milliseconds, however many they are.
                await asyncio.sleep(GATHER_S)
            async for _ in connection.notifies(timeout=0):
                pass

    async def _number_waiting(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> int | None:
        """Number all events that wait; return how many the last batch had, None while another does it."""
        while True:
            row = await (await connection.execute("SELECT number_events(%s)", (BATCH,))).fetchone()
            given: int | None = row[0] if row else 0
            if given is None or given < BATCH:
                return given

    async def _hand_out_new(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        while True:
            if not self._streams and await self._pass_over(connection):
                return
            cursor = await connection.execute(
                f"""SELECT number, area::text, roles, user_id, kind, {_DATA}
                    FROM events WHERE number > %s ORDER BY number LIMIT %s""",
                (self.last, BATCH),
            )
            rows = await cursor.fetchall()
            for number, area, roles, user_id, kind, data in rows:
                event = Event(
                    number, area, None if roles is None else frozenset(roles), user_id,
                    encoded(number, kind, data),
                )  # fmt: skip
                self.hand_out(event)
            if len(rows) < BATCH:
                return
            await asyncio.sleep(0)

    async def _pass_over(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> bool:
        """Note how far the numbers have come where nobody listens; false where somebody came meanwhile."""
        row = await (await connection.execute("SELECT coalesce(max(number), 0) FROM events")).fetchone()
        if self._streams:
            return False
        self.last = max(self.last or 0, row[0] if row else 0)
        return True

    async def _beat(self) -> None:
        """Let proxies and clients see that a silent stream lives."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for subscriber in self.subscribers():
                if not subscriber.queue:
                    subscriber.queue.append(b":\n\n")
                    subscriber.wake()

    async def _review_rights(self) -> None:
        """End streams whose session ended or whose user has other rights now."""
        while True:
            await asyncio.sleep(RIGHTS_EVERY_S)
            try:
                await self.review_rights()
            except psycopg.Error as error:
                logger.warning("events: rights could not be looked up (%s)", type(error).__name__)

    async def review_rights(self) -> None:
        """Look up the rights of every key in use, in one statement; end the streams they no longer fit."""
        open_now = self.subscribers()
        keys = {subscriber.key for subscriber in open_now}
        if not keys:
            return
        async with self.pool.connection() as connection, connection.transaction():
            # Looking is no use: a session that rests ends though its page is open.
            await connection.execute("SET TRANSACTION READ ONLY")
            cursor = await connection.execute(
                """SELECT shown.sha256, shown.kind, e.user_id, e.grants
                   FROM unnest(%s::bytea[], %s::text[]) AS shown (sha256, kind),
                        LATERAL enter(shown.sha256, ARRAY[shown.kind]) e""",
                ([key.sha256 for key in keys], [key.kind for key in keys]),
            )
            valid = {
                PresentedKey(bytes(row["sha256"]), row["kind"]): Viewer.of(row["user_id"], row["grants"])
                for row in await cursor.fetchall()
            }
        for subscriber in open_now:
            if valid.get(subscriber.key) != subscriber.viewer:
                subscriber.end("rights")


def encoded(number: int, kind: str, data: str) -> bytes:
    """Return an event in the form of an event stream; JSON as PostgreSQL writes it holds no line break."""
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()


class EventStream(Response):
    """The answer to one client: what it missed from the table, then what comes, until one side ends it.

    Parameters
    ----------
    live : Live
    key : PresentedKey
    viewer : Viewer
    after : int or None
        Number of the last event the client has; None: it has nothing and wants what comes.
    """

    def __init__(self, live: Live, key: PresentedKey, viewer: Viewer, after: int | None) -> None:
        super().__init__(media_type="text/event-stream")
        self._live = live
        self._key = key
        self._viewer = viewer
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer (ASGI)."""
        now = self._live.last or 0
        after = now if self._after is None else self._after
        subscriber = self._live.subscribe(self._key, self._viewer, max(after, now))
        gone = asyncio.create_task(_until_gone(receive, subscriber))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [
                        (b"content-type", b"text/event-stream; charset=utf-8"),
                        (b"cache-control", b"no-store"),
                        (b"x-accel-buffering", b"no"),
                    ],
                }
            )
            # An id without data is remembered by the client and shown to nobody.
            await _send(send, f"retry: {RETRY_MS[0]}\nid: {after}\n\n".encode())
            try:
                await self._replay(send, after, now, subscriber)
            except psycopg.Error:
                subscriber.end("replay")
            # In a task of its own: waking one costs as much for each message as it has calls below it.
            await asyncio.create_task(_forward(subscriber, scope.get(SEND_PAST_MIDDLEWARE, send)))
            if subscriber.ended != "gone":
                await asyncio.wait_for(_farewell(send), FAREWELL_S)
        except TimeoutError:
            logger.info("events: a client that does not read was cut off")
        finally:
            gone.cancel()
            self._live.unsubscribe(subscriber)

    async def _replay(self, send: Send, after: int, until: int, subscriber: Subscriber) -> None:
        """Send what the client missed, under row-level security, a page a transaction."""
        while after < until and subscriber.ended is None:
            async with self._live.pool.connection() as connection, connection.transaction():
                entered = await connection.execute(
                    "SELECT user_id FROM enter(%s, %s)", (self._key.sha256, [self._key.kind])
                )
                if await entered.fetchone() is None:
                    subscriber.end("rights")
                    return
                cursor = await connection.execute(
                    f"""SELECT number, kind, {_DATA} AS data FROM events
                        WHERE number > %s AND number <= %s ORDER BY number LIMIT %s""",
                    (after, until, REPLAY_PAGE),
                )
                rows = await cursor.fetchall()
            if rows:
                await _send(send, b"".join(encoded(row["number"], row["kind"], row["data"]) for row in rows))
            if len(rows) < REPLAY_PAGE:
                return
            after = rows[-1]["number"]


async def _forward(subscriber: Subscriber, send: Send) -> None:
    """Send what is queued for a stream until it ends."""
    while (piece := await subscriber.next()) is not None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _send(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _farewell(send: Send) -> None:
    """Say when to come back: not all at once."""
    retry = random.randint(*RETRY_MS)
    await send({"type": "http.response.body", "body": f"retry: {retry}\n\n".encode(), "more_body": False})


async def _until_gone(receive: Receive, subscriber: Subscriber) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.ended = subscriber.ended or "gone"
    subscriber.wake()
