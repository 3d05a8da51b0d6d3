"""Who held a case when: every hour is charged to one party, so that nobody answers for another's delay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from api.cases.calendar import Calendar
from api.cases.clock import Clock, elapsed


class Party(StrEnum):
    """In what part somebody holds a case."""

    SOURCE = "source"  # who had it before it came here: a hotline, a phone without network
    DESK = "desk"  # who files and dispatches: 受理、派遣
    HANDLER = "handler"
    APPROVER = "approver"  # the handler's own department, before it passes the case back
    CHECKER = "checker"  # before closing
    PARKED = "parked"  # 挂账
    REPORTER = "reporter"  # waiting for the reporter's answer


@dataclass(frozen=True)
class Handover:
    """From an instant on somebody holds the case; `holder` is a department or post, "" for none."""

    at: datetime
    party: Party
    holder: str = ""


@dataclass(frozen=True)
class Stretch:
    """Time in which one party held the case."""

    party: Party
    holder: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Charge:
    """What one party is charged: time by the wall, and time that the case's clock counted."""

    held: timedelta
    counted: timedelta


def stretches(handovers: Iterable[Handover], end: datetime) -> tuple[Stretch, ...]:
    """Return who held the case from the first hand-over to `end`, without gap or overlap.

    Parameters
    ----------
    handovers : iterable of Handover
        In the order of the log; one that changes nothing does not begin a stretch.
    end : datetime
        When it was closed, or now; nothing after it is charged.

    Raises
    ------
    ValueError
        A hand-over is earlier than the one before it.
    """
    found: list[Stretch] = []
    held: Handover | None = None
    for handover in handovers:
        if held is not None and handover.at < held.at:
            raise ValueError("hand-overs are in the order of the log")
        if handover.at >= end:
            break
        if held is not None and (held.party, held.holder) == (handover.party, handover.holder):
            continue
        if held is not None and handover.at > held.at:
            found.append(Stretch(held.party, held.holder, held.at, handover.at))
        held = handover
    if held is not None:
        found.append(Stretch(held.party, held.holder, held.at, end))
    return tuple(found)


def charges(held: Iterable[Stretch], calendar: Calendar, clock: Clock) -> Mapping[tuple[Party, str], Charge]:
    """Return what each party and holder is charged, in the order in which they first held the case.

    The charges add up to the time between the first stretch and the last, by the wall and on the clock.
    """
    found: dict[tuple[Party, str], Charge] = {}
    for stretch in held:
        key = (stretch.party, stretch.holder)
        before = found.get(key, Charge(timedelta(), timedelta()))
        counted = elapsed(calendar, stretch.start, stretch.end, clock)
        found[key] = Charge(before.held + stretch.end - stretch.start, before.counted + counted)
    return found
