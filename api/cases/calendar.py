"""Working calendars: which hours of which day are worked. Data by year; a year without data is refused."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from geo.errors import InputError

logger = logging.getLogger(__name__)

# Of a source that nobody has confirmed; pages show it beside every deadline that rests on it.
UNCONFIRMED = "unconfirmed"
DEFAULT_CALENDAR = "CN"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MAKE_UP = "make_up_day"
_DAY_MIN = 24 * 60
_SPAN = re.compile(r"(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_KEYS = frozenset(
    ("calendar", "edition", "year", "time_zone", "source", "windows_source", "hours_of_working_day",
     "windows", "holidays", "make_up_days")
)  # fmt: skip


class CalendarError(InputError):
    """A calendar file that cannot be used."""


class CalendarMissingError(InputError):
    """A day of a year for which there is no calendar; `values` names the file to add."""


class DayKind(StrEnum):
    """What makes a day worked or not."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP = "make_up"


@dataclass(frozen=True)
class Window:
    """Working hours without a break, in minutes of the local day; `end_min` may be 24 * 60."""

    start_min: int
    end_min: int


@dataclass(frozen=True)
class Day:
    """One day of a calendar: its kind, its windows in order, and the holiday it belongs to ("" for none)."""

    kind: DayKind
    windows: tuple[Window, ...]
    name: str = ""


@dataclass(frozen=True)
class WorkingYear:
    """What one file says of one year.

    Attributes
    ----------
    calendar, edition : str
        Series it belongs to, and its own name.
    year : int
    zone : ZoneInfo
        Time zone in which days begin and windows are meant.
    source, windows_source : str
        Where the days off and the windows are from; `unconfirmed` where nobody knows.
    hours_of_working_day : float
        Working hours that count as one working day.
    windows : mapping of str to tuple of Window
        By weekday, and `make_up_day`.
    holidays, make_up_days : mapping of date to str
        Days off and days worked instead, with the holiday they belong to.
    """

    calendar: str
    edition: str
    year: int
    zone: ZoneInfo
    source: str
    windows_source: str
    hours_of_working_day: float
    windows: Mapping[str, tuple[Window, ...]]
    holidays: Mapping[date, str]
    make_up_days: Mapping[date, str]

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Which of its parts rest on no confirmed source: `source`, `windows_source`."""
        return tuple(name for name in ("source", "windows_source") if getattr(self, name) == UNCONFIRMED)

    def day(self, day: date) -> Day:
        """Return what a day of this year is."""
        if day in self.holidays:
            return Day(DayKind.HOLIDAY, (), self.holidays[day])
        if day in self.make_up_days:
            return Day(DayKind.MAKE_UP, self.windows[_MAKE_UP], self.make_up_days[day])
        windows = self.windows[WEEKDAYS[day.weekday()]]
        return Day(DayKind.WORKING if windows else DayKind.WEEKEND, windows)


@dataclass(frozen=True)
class WorkedHours:
    """The windows of a year: when each opens and closes, and how much was worked when it closes."""

    opens: tuple[datetime, ...]
    closes: tuple[datetime, ...]
    worked: tuple[timedelta, ...]


@dataclass(frozen=True)
class Calendar:
    """The years of one series, all in one time zone.

    Attributes
    ----------
    name : str
    zone : ZoneInfo
    years : mapping of int to WorkingYear
    folder : Path or None
        Where a year that is missing is looked for again whenever it is needed.
    """

    name: str
    zone: ZoneInfo
    years: Mapping[int, WorkingYear]
    folder: Path | None = field(default=None, repr=False, compare=False)
    _instants: dict[tuple[date, int], datetime] = field(default_factory=dict, repr=False, compare=False)
    _hours: dict[int, WorkedHours] = field(default_factory=dict, repr=False, compare=False)

    def year(self, year: int) -> WorkingYear:
        """Return one year.

        Raises
        ------
        CalendarMissingError
            There is no file for it.
        """
        found = self.years.get(year) or self._added(year)
        if found is None:
            file = f"{self.name}-{year}.toml"
            raise CalendarMissingError(
                "calendar_missing",
                f"there is no working calendar {self.name} of {year}",
                mend=f"weige cases calendar {year} writes {file} to be filled in after the notice of its"
                f" holidays, and weige cases calendar {file} adds it",
                calendar=self.name,
                year=year,
                calendar_file=file,
            )
        return found

    def _added(self, year: int) -> WorkingYear | None:
        """Return a year that came into the folder since the calendar was read."""
        file = None if self.folder is None else self.folder / f"{self.name}-{year}.toml"
        if file is None or not file.is_file():
            return None
        try:
            read = read_year(file)
        except CalendarError as error:
            logger.warning("calendar: %s", error)
            return None
        if read.zone.key != self.zone.key:
            logger.warning("calendar: %s is of another time zone", file.name)
            return None
        # In one piece: others may be going through the years at this moment.
        object.__setattr__(self, "years", MappingProxyType(dict(sorted({**self.years, year: read}.items()))))
        return read

    def day(self, day: date) -> Day:
        """Return what a day is; raises `CalendarMissingError` for a year without file."""
        return self.year(day.year).day(day)

    def local_day(self, instant: datetime) -> date:
        """Return the day on which an instant falls in the calendar's zone."""
        return instant.astimezone(self.zone).date()

    def instant(self, day: date, minute: int) -> datetime:
        """Return the instant (UTC) of a minute of a local day; minute 24 * 60 begins the next day.

        In UTC, since Python subtracts times of one zone by the clock on the wall.
        """
        if (day, minute) not in self._instants:
            days, left = divmod(minute, _DAY_MIN)
            wall = datetime.combine(day + timedelta(days=days), time(left // 60, left % 60), self.zone)
            self._instants[day, minute] = wall.astimezone(UTC)
        return self._instants[day, minute]

    def hours(self, year: int) -> WorkedHours:
        """Return the windows of a year as instants, reckoned once."""
        if year not in self._hours:
            windows = [
                (self.instant(day, window.start_min), self.instant(day, window.end_min))
                for day in _days_of(year)
                for window in self.day(day).windows
            ]
            opens, closes = zip(*windows, strict=True)
            worked = accumulate(end - start for start, end in windows)
            self._hours[year] = WorkedHours(opens, closes, tuple(worked))
        return self._hours[year]


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return (date.fromordinal(number) for number in range(first, last + 1))


def load_calendar(name: str = DEFAULT_CALENDAR, folder: Path | None = None) -> Calendar:
    """Read the years of a calendar: those shipped, and those of a folder, which take their places.

    Parameters
    ----------
    folder : Path, optional
        Folder with files `<calendar>-<year>.toml`; need not exist.

    Raises
    ------
    CalendarError
        A file cannot be used: bad value, another zone than the other years, or no file of that name at all.
    """
    shipped = resources.files("api.cases") / "data" / "calendars"
    places: list[Traversable | Path] = [shipped]
    if folder is not None and folder.is_dir():
        places.append(folder)
    years: dict[int, WorkingYear] = {}
    for place in places:
        for file in sorted(place.iterdir(), key=lambda file: file.name):
            if re.fullmatch(rf"{re.escape(name)}-\d{{4}}\.toml", file.name):
                read = read_year(file)
                years[read.year] = read
    if not years:
        raise CalendarError(
            "calendar_unknown", f"there is no calendar {name}",
            mend=f"add calendars/{name}-<year>.toml to the data folder", calendar=name,
        )  # fmt: skip
    zones = {read.zone.key: read for read in years.values()}
    if len(zones) > 1:
        one, other = list(zones.values())[:2]
        raise CalendarError(
            "calendar_zones", f"the years {one.year} and {other.year} are in different time zones",
            mend="give all years of a calendar one time_zone", file=f"{name}-{other.year}.toml",
            field="time_zone", one=one.year, other=other.year,
        )  # fmt: skip
    return Calendar(
        name, next(iter(years.values())).zone, MappingProxyType(dict(sorted(years.items()))), folder
    )


@lru_cache(maxsize=8)
def working_calendar(data_dir: Path | None = None) -> Calendar:
    """Return the calendar by which a service reckons: as it is shipped, with the years of its data folder.

    A process reads it once: years that are added count at once, those that take the place of others from the
    next start on.

    Raises
    ------
    CalendarError
    """
    return load_calendar(folder=None if data_dir is None else data_dir / "calendars")


def read_year(file: Path | Traversable) -> WorkingYear:
    """Read and check one file, named `<calendar>-<year>.toml`.

    Raises
    ------
    CalendarError
        It names the file, the field and the day.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CalendarError(
            "calendar_not_toml", f"the file cannot be read: {error}",
            mend="write it like the calendars that are shipped", file=file.name, reason=str(error),
        ) from None  # fmt: skip
    return _Reading(file.name, table).year()


@dataclass
class _Reading:
    """One file being checked."""

    file: str
    table: dict[str, Any]

    def year(self) -> WorkingYear:
        self.require_known(self.table, _KEYS)
        calendar, edition = self.name("calendar"), self.name("edition")
        year = self.table.get("year")
        if not isinstance(year, int) or isinstance(year, bool) or not 1900 <= year <= 9998:
            raise self.fault("calendar_year", "the year is not a whole number", "write year = 2026", "year")
        if self.file != f"{calendar}-{year}.toml":
            raise self.fault(
                "calendar_file_name", f"the file should be called {calendar}-{year}.toml",
                "rename it, or mend calendar and year", "year", expected=f"{calendar}-{year}.toml",
            )  # fmt: skip
        windows = self.windows()
        holidays, make_up_days = self.holidays(year), self.make_up_days(year)
        for day in sorted(make_up_days):
            if day in holidays:
                raise self.day_fault(
                    "calendar_day_twice", "is both a holiday and a make-up day", "make_up_days", day
                )
            if windows[WEEKDAYS[day.weekday()]]:
                raise self.day_fault(
                    "calendar_day_worked", "is a working day already, so it makes up for nothing",
                    "make_up_days", day,
                )  # fmt: skip
        if make_up_days and not windows[_MAKE_UP]:
            raise self.fault(
                "calendar_windows_missing", "there are make-up days, but no windows for them",
                f"write windows.{_MAKE_UP}", f"windows.{_MAKE_UP}",
            )  # fmt: skip
        read = WorkingYear(
            calendar, edition, year, self.zone(), self.words("source"), self.words("windows_source"),
            self.hours(), MappingProxyType(windows), MappingProxyType(holidays),
            MappingProxyType(make_up_days),
        )  # fmt: skip
        if not any(read.day(day).windows for day in _days_of(year)):
            raise self.fault(
                "calendar_never_worked", "no day has working hours",
                'write for example monday = ["08:00-12:00"]', "windows",
            )  # fmt: skip
        return read

    def fault(self, code: str, message: str, mend: str, field: str, **values: Any) -> CalendarError:
        return CalendarError(code, message, mend=mend, file=self.file, field=field, **values)

    def day_fault(self, code: str, message: str, field: str, day: date) -> CalendarError:
        said = day.isoformat()
        return self.fault(code, f"{said} {message}", "mend or remove that day", field, day=said)

    def missing(self, field: str) -> CalendarError:
        return self.fault("calendar_field_missing", "the field is missing", "write it", field)

    def require_known(self, table: Mapping[str, Any], known: Iterable[str], place: str = "") -> None:
        for key in sorted(table.keys() - set(known)):
            raise self.fault("calendar_field_unknown", "no such field is known", "remove it", f"{place}{key}")

    def words(self, name: str) -> str:
        value = self.table.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(
                "calendar_source_missing", "it says nothing of where the days and hours are from",
                f'write {name} = "…", or {name} = "{UNCONFIRMED}"', name,
            )  # fmt: skip
        return value

    def name(self, name: str) -> str:
        value = self.table.get(name)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.fault(
                "calendar_name", "it is not a name of up to 64 Latin letters, digits, dots and hyphens",
                "name it, for example CN", name,
            )  # fmt: skip
        return value

    def zone(self) -> ZoneInfo:
        value = self.table.get("time_zone")
        try:
            return ZoneInfo(value)  # type: ignore[arg-type]
        except (ValueError, KeyError, TypeError, OSError):
            raise self.fault(
                "calendar_zone", f"there is no time zone {value}", "write for example Asia/Shanghai",
                "time_zone", zone=str(value),
            ) from None  # fmt: skip

    def hours(self) -> float:
        value = self.table.get("hours_of_working_day")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 24:
            raise self.fault(
                "calendar_hours", "the hours of a working day are not a number above 0 and up to 24",
                "write for example 8", "hours_of_working_day",
            )  # fmt: skip
        return float(value)

    def windows(self) -> dict[str, tuple[Window, ...]]:
        table = self.table.get("windows")
        days = (*WEEKDAYS, _MAKE_UP)
        if not isinstance(table, dict):
            raise self.fault(
                "calendar_windows_missing", "the working hours are missing", "write [windows]", "windows"
            )
        self.require_known(table, days, "windows.")
        for day in WEEKDAYS:
            if day not in table:
                raise self.fault(
                    "calendar_windows_missing", "its working hours are missing",
                    f"write {day} = [] for a day off", f"windows.{day}",
                )  # fmt: skip
        return {day: self.windows_of(day, table.get(day, [])) for day in days}

    def windows_of(self, day: str, spans: Any) -> tuple[Window, ...]:
        windows: list[Window] = []
        place = f"windows.{day}"
        for span in spans if isinstance(spans, list) else [spans]:
            said = _SPAN.fullmatch(span) if isinstance(span, str) else None
            start, end = (
                (int(said[1]) * 60 + int(said[2]), int(said[3]) * 60 + int(said[4])) if said else (0, 0)
            )
            if not 0 <= start < end <= _DAY_MIN:
                raise self.fault(
                    "calendar_window", f"{span} is not a window of a day", "write for example 08:00-12:00",
                    place, window=str(span),
                )  # fmt: skip
            if windows and start < windows[-1].end_min:
                raise self.fault(
                    "calendar_windows_order", f"{span} begins before the window before it ends",
                    "write windows in order, without overlap", place, window=str(span),
                )  # fmt: skip
            windows.append(Window(start, end))
        return tuple(windows)

    def entries(self, name: str, keys: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        entries = self.table.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.fault("calendar_entries", "it is not a list of tables", f"write [[{name}]]", name)
        for number, entry in enumerate(entries, 1):
            place = f"{name}[{number}]"
            self.require_known(entry, ("name", *keys), f"{place}.")
            for key in ("name", *keys):
                if entry.get(key) in (None, ""):
                    raise self.missing(f"{place}.{key}")
            if not isinstance(entry["name"], str):
                raise self.missing(f"{place}.name")
            yield place, entry

    def date_of(self, entry: dict[str, Any], place: str, key: str, year: int) -> date:
        value = entry[key]
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.fault(
                "calendar_date", f"{value} is not a date", f"write for example {key} = {year}-01-01",
                f"{place}.{key}", day=str(value),
            )  # fmt: skip
        if value.year != year:
            raise self.fault(
                "calendar_other_year", f"{value} is not in {year}", f"put it into the file of {value.year}",
                f"{place}.{key}", day=value.isoformat(), year=year, other=value.year,
            )  # fmt: skip
        return value

    def holidays(self, year: int) -> dict[date, str]:
        found: dict[date, str] = {}
        for place, entry in self.entries("holidays", ("first", "last")):
            first = self.date_of(entry, place, "first", year)
            last = self.date_of(entry, place, "last", year)
            if last < first:
                raise self.day_fault("calendar_days_order", "is before the first day", f"{place}.last", last)
            for number in range(first.toordinal(), last.toordinal() + 1):
                day = date.fromordinal(number)
                if day in found:
                    raise self.day_fault("calendar_day_twice", "is named twice", place, day)
                found[day] = entry["name"]
        return found

    def make_up_days(self, year: int) -> dict[date, str]:
        found: dict[date, str] = {}
        for place, entry in self.entries("make_up_days", ("day",)):
            day = self.date_of(entry, place, "day", year)
            if day in found:
                raise self.day_fault("calendar_day_twice", "is named twice", f"{place}.day", day)
            found[day] = entry["name"]
        return found
