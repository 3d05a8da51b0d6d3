"""Deadlines of cases: the limit of a filing condition, reckoned from the report and anew with each step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from api.cases.adjustments import extension_refused, parking_refused, shipped_rules
from api.cases.calendar import Calendar, CalendarMissingError
from api.cases.categories import Condition, Edition
from api.cases.clock import Limit, Reckoning, deadline, reckon
from api.cases.replay import CaseState, Event, after, pauses
from api.cases.stored_rules import edition_in_force, stored_edition
from api.database import Store
from api.errors import ConflictError, NotValidError

# Another process may have put another edition in force.
LOOK_EVERY_S = 30.0
# The first answer is due within this, whatever the case: Dafeng's five minutes.
RESPONSE = Limit.minutes(5)
# How near a border is a question where a place is said to be exact, in metres: a point set on a map by hand.
BORDER_M = 5.0


class Editions:
    """Editions of classes, read once each: what is stored is never altered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Edition] = {}
        self._in_force = ""
        self._looked = float("-inf")

    def known(self, name: str | None) -> Edition | None:
        """Return an edition, the one in force for None; None where it has yet to be read."""
        if name is None:
            if time.monotonic() > self._looked + LOOK_EVERY_S:
                return None
            name = self._in_force
        return self._read.get(name)

    def read(self, name: str | None) -> Edition:
        """Return an edition, the one in force for None.

        Raises
        ------
        NotValidError
            There is none of that name.
        """
        with self._store.owner.connect() as connection:
            if name is None:
                name = self._in_force = edition_in_force(connection)
                self._looked = time.monotonic()
            found = self._read.get(name) or stored_edition(connection, name)
        if found is None:
            raise NotValidError("no_such_edition", "there is no such edition of categories")
        self._read[name] = found
        return found


def condition_of(edition: Edition, category: str, number: int | None) -> Condition | None:
    """Return the condition that a case is filed under; None where the class has several and none is named.

    Raises
    ------
    NotValidError
        The edition has no such class or condition.
    """
    found = edition.categories.get(category)
    if found is None:
        raise NotValidError("no_such_category", "the edition has no such category")
    condition = found.condition(number)
    if condition is None and number is not None:
        raise NotValidError("no_such_condition", "the category has no filing condition of that number")
    return condition


def first_deadlines(
    calendar: Calendar, condition: Condition | None, at: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return until when a report is to be answered, and the case resolved if it is dispatched at once.

    The second is None where no limit is known, or no calendar of a coming year: no report is refused for it.
    """
    response = deadline(calendar, at, RESPONSE)
    if condition is None or condition.limit is None:
        return response, None
    try:
        return response, deadline(calendar, at, condition.limit)
    except CalendarMissingError:
        return response, None


def due_after(
    calendar: Calendar, events: Sequence[Event], condition: Condition | None, step: str, at: datetime
) -> datetime | None:
    """Return until when a case is to be resolved after one more step at some moment.

    The clock starts with the first dispatch since the report or the last reopening; before that, as if it
    were dispatched now. Waiting and parking are taken out, each extension adds the limit once more.

    Raises
    ------
    CalendarMissingError
    """
    reckoning = reckoning_after(calendar, events, condition, step, at)
    return None if reckoning is None else reckoning.due_at


def reckoning_after(
    calendar: Calendar, events: Sequence[Event], condition: Condition | None, step: str, at: datetime
) -> Reckoning | None:
    """Return the sum behind `due_after`, line by line; None where no limit is known.

    Raises
    ------
    CalendarMissingError
    """
    if condition is None or condition.limit is None:
        return None
    start, extensions = _started(events)
    # Where the clock stood still until this step, it goes on now.
    rests = [replace(rest, end=rest.end or at) for rest in pauses(events)]
    limits = [condition.limit] * (1 + extensions + (step == "extend"))
    return reckon(calendar, start or at, limits, rests if start else ())


def _started(events: Sequence[Event]) -> tuple[datetime | None, int]:
    """Return when the clock started, and the extensions granted since: anew with each reopening."""
    start: datetime | None = None
    extensions = 0
    case: CaseState | None = None
    for event in events:
        case = after(case, event)
        if event.step == "reopen":
            start, extensions = None, 0
        elif event.step == "extend":
            extensions += 1
        elif case.state == "dispatched" and start is None:
            start = event.at
    return start, extensions


def reckoning_today(
    calendar: Calendar, events: Sequence[Event], condition: Condition | None
) -> Reckoning | None:
    """Return the sum behind the deadline that a case has now; None where no limit is known, or none yet.

    Before the first dispatch it is reckoned from the step that last set it. While the case stands still the
    sum ends with the pause, without a deadline.

    Raises
    ------
    CalendarMissingError
    """
    if condition is None or condition.limit is None:
        return None
    start, extensions = _started(events)
    if start is None:
        since = [i for i, event in enumerate(events) if event.step == "reopen"]
        setting = [event for event in events[since[-1] if since else 0 :] if event.body.get("due_at")]
        if not setting:
            return None
        return reckon(calendar, setting[-1].at, condition.limit, pauses(events))
    return reckon(calendar, start, [condition.limit] * (1 + extensions), pauses(events))


def require_adjustable(
    case: CaseState, step: str, until: datetime | None, at: datetime, parkings: int
) -> None:
    """Refuse an extension or a parking that the rules do not allow.

    Raises
    ------
    ConflictError
        Its code is `case_` and why: `extended_enough`, `late_already`, `standing_still`, `parked_enough`,
        `past`, `too_long`.
    """
    why = None
    if step == "extend":
        why = extension_refused(shipped_rules(), case.extensions, case.due_at, at)
    elif step == "park" and until is not None:
        why = parking_refused(shipped_rules(), parkings, until, at)
    if why is not None:
        raise ConflictError(f"case_{why}", f"the rules of {step} do not allow it ({why})")
