"""The time of the city, which is not that of the machine."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from api.settings import Settings


@cache
def city_zone(data_dir: Path | None = None) -> ZoneInfo:
    """Return the time zone of the working calendar, whose days a city reckons by; not that of the machine.

    A calendar that cannot be read stops nobody from planning: the zone is that of the shipped one then.
    """
    from api.cases.calendar import CalendarError, load_calendar, working_calendar

    try:
        return working_calendar(data_dir or Settings.from_environment().data_dir).zone
    except CalendarError:
        return load_calendar().zone


def now() -> datetime:
    """Return the time in the city."""
    return datetime.now(city_zone())
