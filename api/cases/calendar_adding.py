"""A further year of the working calendar: a draft to fill in after the notice of its days, and its adding."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from api.cases.calendar import (
    UNCONFIRMED,
    WEEKDAYS,
    Calendar,
    CalendarError,
    Window,
    WorkingYear,
    read_year,
)
from geo.files import replacing
from maps.text import Language, text


@dataclass(frozen=True)
class Off:
    """A holiday of a year, by its first and last day."""

    name: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def holidays_of(year: WorkingYear) -> list[Off]:
    """Return the holidays of a year in their order."""
    days = sorted(year.holidays)
    # Days that follow each other keep their distance to their place in the order.
    runs = groupby(enumerate(days), lambda each: (year.holidays[each[1]], each[1].toordinal() - each[0]))
    held = [(name, [day for _, day in run]) for (name, _), run in runs]
    return [Off(name, run[0], run[-1]) for name, run in held]


def draft_of(calendar: Calendar, year: int, language: Language) -> str:
    """Return a file for a year with the hours of the year before and its holidays by name, without days.

    It cannot be added before every day and the source are written: nothing of a coming year is guessed.

    Raises
    ------
    CalendarError
        There is such a year, or none before it to go by.
    """
    if year in calendar.years:
        raise CalendarError(
            "calendar_there", f"there is a working calendar {calendar.name} of {year} already",
            mend="name another year", calendar=calendar.name, year=year,
        )  # fmt: skip
    before = [one for one in calendar.years if one < year]
    if not before or year > 9998:
        raise CalendarError(
            "calendar_none_before", f"there is no working calendar {calendar.name} before {year}",
            mend="name a later year", calendar=calendar.name, year=year,
        )  # fmt: skip
    last = calendar.years[max(before)]
    said = {name: text(f"calendar.draft.{name}", language, year=year) for name in _SAID}
    lines = [
        f"# {said['head']}",
        f"calendar = {_quoted(calendar.name)}",
        f"edition = {_quoted(f'{calendar.name}-{year}')}",
        f"year = {year}",
        f"time_zone = {_quoted(last.zone.key)}",
        f"# {said['source']}",
        'source = ""',
        f"# {said['windows']}",
        f"windows_source = {_quoted(last.windows_source)}",
        f"hours_of_working_day = {last.hours_of_working_day:g}",
        "",
        "[windows]",
        *_windows(last.windows),
        "",
        f"# {said['holidays']}",
    ]
    for name in dict.fromkeys(off.name for off in holidays_of(last)):
        lines += ["[[holidays]]", f"name = {_quoted(name)}", 'first = ""', 'last = ""', ""]
    lines += [f"# {said['make_up_days']}", "# [[make_up_days]]", '# name = ""', f"# day = {year}-01-01"]
    return "\n".join(lines) + "\n"


_SAID = ("head", "source", "windows", "holidays", "make_up_days")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _windows(windows: Mapping[str, Sequence[Window]]) -> list[str]:
    return [
        f"{day} = {json.dumps([_span(window) for window in windows[day]])}"
        for day in (*WEEKDAYS, *(windows.keys() - set(WEEKDAYS)))
    ]


def _span(window: Window) -> str:
    (from_h, from_m), (to_h, to_m) = divmod(window.start_min, 60), divmod(window.end_min, 60)
    return f"{from_h:02}:{from_m:02}-{to_h:02}:{to_m:02}"


def add_year(calendar: Calendar, file: Path, folder: Path) -> WorkingYear:
    """Check a file of a year and put it into the folder of calendars; return what it says.

    Raises
    ------
    CalendarError
        It cannot be used, is of another calendar or zone, or tells neither a holiday nor where it is from.
    """
    if not file.is_file():
        raise CalendarError("calendar_no_file", "there is no such file", mend="name one", file=str(file))
    read = read_year(file)
    if (read.calendar, read.zone.key) != (calendar.name, calendar.zone.key):
        raise CalendarError(
            "calendar_other", f"it is not of the calendar {calendar.name} in {calendar.zone.key}",
            mend="mend calendar and time_zone", file=file.name, calendar=calendar.name,
            zone=calendar.zone.key,
        )  # fmt: skip
    if not read.holidays or read.source == UNCONFIRMED:
        raise CalendarError(
            "calendar_not_filled", "it has no holiday, or no source", file=file.name,
            mend="write the days of the notice and where it stands",
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / file.name) as temporary:
        temporary.write_bytes(file.read_bytes())
    return read
