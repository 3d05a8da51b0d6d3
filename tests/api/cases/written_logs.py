"""The logs of drawn cases, written to the store as its own functions chain them, with their past instants."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from api.cases.facts import CaseFacts
from api.cases.replay import Event
from api.copying import copy_rows
from api.database import Store

_MINUTE = timedelta(minutes=1)


def events_of(life: CaseFacts) -> list[Event]:
    """Return a log of steps, each allowed by the table, that leaves just these facts."""
    assert life.accepted_at is not None
    log = _Log()
    opening: dict[str, Any] = {
        "edition": "unverified-A",
        "category": life.category or "E0102",
        "mode": life.mode,
    }
    log.add("report", "reported", life.accepted_at, kind=life.kind or "incident", **opening)
    if life.filed_at:
        log.add("accept", "accepted", life.filed_at)
    if life.dispatched_at:
        due_at, close_due_at = life.due_at, life.close_due_at
        assert due_at is not None
        assert close_due_at is not None
        for _ in range(life.extensions):
            due_at -= _MINUTE
        due = {"due_at": said(due_at), "close_due_at": said(close_due_at)}
        log.add("dispatch", "dispatched", life.dispatched_at, to=life.department or "water", **due)
        for n in range(life.extensions):
            at = due_at + (n + 1) * _MINUTE
            log.add(
                "extend", "dispatched", life.dispatched_at, due_at=said(at), close_due_at=said(close_due_at)
            )
        if life.handled_at or life.reworks:
            log.add("start", "handling", life.dispatched_at)
        for _ in range(life.reworks):
            log.add("finish", "handled", life.dispatched_at)
            log.add("reject", "handling", life.dispatched_at)
    if life.handled_at:
        log.add("finish", "handled", life.handled_at)
    if life.closed_at:
        log.add("verify", "verified", life.closed_at)
        log.add("close", "closed", life.closed_at, reason="anonymous")
    if life.cancelled_at:
        log.add("return", "returned", life.cancelled_at, reason="not_ours")
        log.add("refuse", "cancelled", life.cancelled_at, reason="not_ours")
    return log.events


@dataclass
class _Log:
    def __post_init__(self) -> None:
        self.events: list[Event] = []
        self.state: str | None = None

    def add(self, step: str, state: str, at: datetime, **body: Any) -> None:
        if self.state is not None:
            body["from"] = self.state
        self.state = state
        self.events.append(Event(len(self.events) + 1, at, step, {**body, "state": state}))


def said(instant: datetime) -> str:
    return instant.isoformat()


_ARRIVING = {"chain": "text", "seq": "int8", "area": "int8", "action": "text", "body": "text"}
_APPEND = """
    INSERT INTO weige.log (stream, chain, seq, at, community_id, action, body, previous, hash)
    SELECT 'case', e.chain, e.seq, now(), e.area, e.action, e.body, e.previous,
      weige.log_hash('case', e.chain, e.seq, now(), NULL, e.area, e.action, e.body, e.previous)
    FROM (SELECT a.chain, a.seq, a.area, a.action, a.body::jsonb AS body,
            coalesce(l.hash, sha256(convert_to('case ' || a.chain, 'UTF8'))) AS previous
          FROM arriving a
          LEFT JOIN weige.log l ON l.stream = 'case' AND l.chain = a.chain AND l.seq = a.seq - 1
          WHERE a.seq = :seq) e"""


def write_logs(store: Store, logs: Iterable[tuple[str, int | None, list[Event]]]) -> int:
    """Write the events of cases (number, area, events) to the log, chained by hashes; return how many.

    In rounds, the first entries of all cases, then the second ones: each hash needs the one before.
    """
    rows = [
        (number, event.seq, area, event.step, json.dumps({**event.body, "at": said(event.at)}))
        for number, area, events in logs
        for event in events
    ]
    columns = ", ".join(f"{name} {kind}" for name, kind in _ARRIVING.items())
    with store.owner.begin() as connection:
        connection.execute(text(f"CREATE TEMP TABLE arriving ({columns}) ON COMMIT DROP"))
        driver: Any = connection.connection.driver_connection
        copy_rows(driver, "arriving", _ARRIVING, rows)
        connection.execute(text("CREATE INDEX ON arriving (seq)"))
        connection.execute(text("ANALYZE arriving"))
        for seq in range(1, max((row[1] for row in rows), default=0) + 1):
            connection.execute(text(_APPEND), {"seq": seq})
    return len(rows)
