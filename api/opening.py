"""Which stations are open at a moment: their hours, by the working calendar of the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import TypeGuard

from api.cases.calendar import Calendar, DayKind
from api.errors import NotValidError
from geo.errors import InputError
from geo.hours_syntax import HoursError, read_hours
from geo.opening_hours import DayRole, DayRoles, Opening, OpeningHours

# Years in which anybody asks whether something is open; far off ones have no days before or after them.
YEARS = range(1970, 2200)

_ROLES = {DayKind.HOLIDAY: DayRole.HOLIDAY, DayKind.MAKE_UP: DayRole.MAKE_UP}


class Standing(StrEnum):
    """Whether a station is open; `UNKNOWN` where nobody said when."""

    OPEN = "open"
    SHUT = "shut"
    UNKNOWN = "unknown"


def day_roles(calendar: Calendar) -> DayRoles:
    """Return what each day is by a working calendar; days of years without one are ordinary days."""

    def role(day: date) -> DayRole:
        year = calendar.years.get(day.year)
        return DayRole.ORDINARY if year is None else _ROLES.get(year.day(day).kind, DayRole.ORDINARY)

    return role


def is_written(hours: str | None) -> TypeGuard[str]:
    """Return whether anything is written where hours stand."""
    return bool(hours and hours.strip())


def opening_of(hours: str | None, at: datetime, roles: DayRoles) -> Opening | None:
    """Return how a station stands at a moment of the clock on its wall.

    None where no hours are written, or such as cannot be read: kept from before hours were read at all.
    """
    if not is_written(hours):
        return None
    try:
        return read_hours(hours).opening(at, roles)
    except HoursError:
        return None


def standings(
    hours: Sequence[str | None], at: datetime, roles: DayRoles, *, file: str, ids: Sequence[str]
) -> list[Standing]:
    """Return how the stations of a layer stand at a moment of the clock on their walls.

    Raises
    ------
    HoursError
        Hours cannot be read; it names the file and the station.
    """
    return [
        Standing.UNKNOWN if said is None else Standing.OPEN if said.is_open(at, roles) else Standing.SHUT
        for said in require_hours(hours, file=file, ids=ids)
    ]


def require_hours(hours: Sequence[str | None], *, file: str, ids: Sequence[str]) -> list[OpeningHours | None]:
    """Read the hours of a layer; None where none are written.

    Raises
    ------
    HoursError
    """
    read: list[OpeningHours | None] = []
    for text, station in zip(hours, ids, strict=True):
        try:
            read.append(read_hours(text) if is_written(text) else None)
        except HoursError as error:
            error.file, error.layer, error.feature = file, "stations", station
            raise
    return read


def unread_hours(hours: Sequence[str | None], ids: Sequence[str]) -> list[str]:
    """Return the stations whose hours cannot be read."""
    unread = []
    for text, station in zip(hours, ids, strict=True):
        try:
            require_hours([text], file="", ids=[station])
        except HoursError:
            unread.append(station)
    return unread


def wall_moment(at: datetime, calendar: Calendar) -> datetime:
    """Return a moment as the clock on the wall shows it in the calendar's zone, without a zone.

    A moment without a zone is one of that clock already.

    Raises
    ------
    NotValidError
        It is of a year in which nobody asks.
    """
    if at.year not in YEARS:
        raise NotValidError("moment_out_of_range", f"ask about the years {YEARS.start} to {YEARS.stop - 1}")
    return at if at.tzinfo is None else at.astimezone(calendar.zone).replace(tzinfo=None)


def asked_moment(said: str, now: datetime) -> datetime:
    """Read `23:00` (of today) or `2026-10-01 23:00`, a moment of the clock on the wall.

    Parameters
    ----------
    now : datetime
        In the calendar's zone.

    Raises
    ------
    InputError
    """
    text = said.strip()
    for form in ("%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        try:
            read = datetime.strptime(text, form)
        except ValueError:
            continue
        if form == "%H:%M":
            return datetime.combine(now.date(), read.time())
        if read.year in YEARS:
            return read
    raise InputError(
        "moment_not_read",
        f"--at {said} is no moment",
        mend='for example --at 23:00, or --at "2026-10-01 23:00"',
        said=said,
    )
