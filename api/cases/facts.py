"""What the indicators ask of a case: when it took each step, when it was due, what was conceded to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from api.cases.replay import Event, instant_of


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case, as its log tells it. Instants have a zone; None where the step was not taken.

    Attributes
    ----------
    case_id : str
        Its chain in the log.
    area_id : int or None
        Division that it belongs to, mostly a community.
    kind, mode, category, grid : str
        What it is about and where; `mode` is routine, emergency or drill.
    department : str
        Department or company that had to handle it; "" where none had.
    reported_at, accepted_at, filed_at, dispatched_at, responded_at : datetime or None
    handled_at : datetime or None
        When the handler's department last passed it back as done, so its own approval counts.
    closed_at, cancelled_at : datetime or None
    due_at : datetime or None
        End of handling as it stands, pauses and extensions included. None: no deadline, or none yet.
    close_due_at : datetime or None
        End of closing likewise; the checker's time, never the handler's.
    original_due_at : datetime or None
        End of handling as it would be had nothing been conceded.
    extensions, parkings, reworks, reopenings : int
        Granted extensions and parkings; times it was sent back after it was said to be done; times it was
        opened again after closing.
    parked : bool
        Whether it is parked (挂账) now.
    exempt : bool
        Whether an appeal against "late" was allowed.
    urgent : bool
    whistled : int
        How far up departments were called: 1 micro-grid, 2 grid, 3 community, 4 street; 0: none was.
    rating : int
        The last one, from 1 to 5; 0: none.
    rated_at : datetime or None
    """

    case_id: str
    area_id: int | None = None
    kind: str = ""
    mode: str = ""
    category: str = ""
    grid: str = ""
    department: str = ""
    reported_at: datetime | None = None
    accepted_at: datetime | None = None
    filed_at: datetime | None = None
    dispatched_at: datetime | None = None
    responded_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    due_at: datetime | None = None
    close_due_at: datetime | None = None
    original_due_at: datetime | None = None
    extensions: int = 0
    parkings: int = 0
    reworks: int = 0
    reopenings: int = 0
    parked: bool = False
    exempt: bool = False
    urgent: bool = False
    whistled: int = 0
    rating: int = 0
    rated_at: datetime | None = None


# States in which a case is not handled yet, or no longer.
_UNHANDLED = frozenset(
    ("collected", "reported", "accepted", "dispatched", "handling", "approving", "returned", "reopened",
     "waiting", "parked")
)  # fmt: skip
# States in which it is said to be done.
_DONE = frozenset(("handled", "verified"))
_FILED = frozenset(("accepted", "dispatched", "handled"))
_TOLD = {"kind": "kind", "mode": "mode", "category": "category", "grid": "grid", "department": "to"}
# By whistle_levels of the database, the lowest first.
_LEVELS = ("micro_grid", "grid", "community", "street")
# Steps that move a deadline without setting the limit anew.
_CONCEDING = frozenset(("extend", "resume", "answer"))


def facts(case_id: str, area_id: int | None, events: Iterable[Event]) -> CaseFacts | None:
    """Fold the events of a case, in their order; None where there are none.

    The database folds the log in the same way (`case_facts`).
    """
    case: CaseFacts | None = None
    for event in events:
        case = _after(case or CaseFacts(case_id, area_id, reported_at=event.at), event)
    return case


def _after(case: CaseFacts, event: Event) -> CaseFacts:
    body, at = event.body, event.at
    source, state = body.get("from"), body["state"]
    enters = source != state
    new: dict[str, Any] = {name: body[key] for name, key in _TOLD.items() if body.get(key) is not None}
    firsts = {
        "accepted_at": state != "collected",
        "filed_at": state in _FILED,
        "dispatched_at": state == "dispatched",
        "responded_at": state in _FILED or state == "cancelled",
    }
    new |= {name: at for name, reached in firsts.items() if reached and getattr(case, name) is None}
    if state in _UNHANDLED:
        new["handled_at"] = None
    elif enters and state == "handled":
        new["handled_at"] = at
    if enters and state in ("closed", "reopened"):
        new["closed_at"] = at if state == "closed" else None
    if enters and state in ("cancelled", "reopened"):
        new["cancelled_at"] = at if state == "cancelled" else None
    if "due_at" in body or state in ("parked", "waiting"):
        new["due_at"] = instant_of(body.get("due_at"))
        new["close_due_at"] = instant_of(body.get("close_due_at")) or new["due_at"]
    if body.get("due_at") is not None and event.step not in _CONCEDING:
        new["original_due_at"] = instant_of(body["due_at"])
    new["extensions"] = case.extensions + (event.step == "extend")
    new["parkings"] = case.parkings + (enters and state == "parked")
    new["reworks"] = case.reworks + (source in _DONE and state in ("handling", "returned"))
    new["reopenings"] = case.reopenings + (enters and state == "reopened")
    new["parked"] = state == "parked"
    new["exempt"] = case.exempt or event.step == "allow_appeal"
    new["urgent"] = case.urgent or bool(body.get("urgent", False))
    if event.step in ("whistle", "escalate") and body.get("level") in _LEVELS:
        new["whistled"] = max(case.whistled, 1 + _LEVELS.index(body["level"]))
    if event.step == "rate":
        new |= {"rating": body["rating"], "rated_at": at}
    return replace(case, **new)
