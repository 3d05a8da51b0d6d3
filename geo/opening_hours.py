"""Opening hours in the syntax of OpenStreetMap, read with holidays and make-up days of one's own calendar.

Libraries for this syntax take holidays from a list of their own and know no make-up days (调休上班日), so
days are judged here: whoever asks says what each day is. `docs/stations.md` has the rules that are assumed.

References
----------
https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from geo.errors import InputError

DAY_MIN = 24 * 60
# Whoever is open for longer than this is open around the clock, as far as anybody asks.
HORIZON_DAYS = 14
# A longer text is no opening hours.
LONGEST = 500

_WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOSED = frozenset({"off", "closed", "unknown"})
_SUN = frozenset({"sunrise", "sunset", "dawn", "dusk"})
_SATURDAY, _SUNDAY = 5, 6
_TOKEN = re.compile(
    r'\s*(?:(?P<always>24/7)|(?P<time>\d{1,2}:\d{2})|(?P<year>\d{4})|(?P<number>\d{1,2})'
    r'|(?P<word>[A-Za-z]+)|(?P<note>"[^"]*")|(?P<sign>\|\||[-,;:+/\[\]]))'
)  # fmt: skip
_DASHES = str.maketrans({"–": "-", "—": "-", "−": "-", "‐": "-", "～": "-", "~": "-"})


class DayRole(StrEnum):
    """What a calendar makes of a day."""

    ORDINARY = "ordinary"
    HOLIDAY = "holiday"
    # A Saturday or Sunday that is worked for a holiday.
    MAKE_UP = "make_up"


DayRoles: TypeAlias = Callable[[date], DayRole]


class HoursError(InputError):
    """Opening hours that cannot be read; `values` tells the text and where in it."""


@dataclass(frozen=True)
class Opening:
    """How a place stands at a moment; times are those of the clock on its wall.

    Attributes
    ----------
    is_open : bool
    until : datetime or None
        When that ends; None where it does not within HORIZON_DAYS.
    """

    is_open: bool
    until: datetime | None


@dataclass(frozen=True)
class _Dates:
    """Days of the year from one to another, both included; with `first_year` only once."""

    first: tuple[int, int]
    last: tuple[int, int]
    first_year: int | None = None
    last_year: int | None = None

    def holds(self, day: date) -> bool:
        at = (day.month, day.day)
        if self.first_year is not None and self.last_year is not None:
            return (self.first_year, *self.first) <= (day.year, *at) <= (self.last_year, *self.last)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


@dataclass(frozen=True)
class _Steps:
    """Numbers from one to another by a step: years, weeks of the year."""

    first: int
    last: int
    step: int = 1

    def holds(self, number: int) -> bool:
        return self.first <= number <= self.last and (number - self.first) % self.step == 0


@dataclass(frozen=True)
class _Weekdays:
    """Weekdays, 0 for Monday; with `nth` only those of a month, counted from its end below 0."""

    days: frozenset[int]
    nth: frozenset[int] = frozenset()

    def holds(self, weekday: int, day: date) -> bool:
        if weekday not in self.days:
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        return not self.nth or bool(self.nth & {(day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)})


@dataclass(frozen=True)
class _Days:
    """Which days a rule is for; a selector that says nothing holds on all."""

    years: tuple[_Steps, ...] = ()
    dates: tuple[_Dates, ...] = ()
    weeks: tuple[_Steps, ...] = ()
    weekdays: tuple[_Weekdays, ...] = ()
    on_holidays: bool = False
    # `PH Mo-Fr`: holidays that are one of the weekdays; else weekdays and holidays.
    both: bool = False

    @property
    def are_told(self) -> bool:
        return bool(self.years or self.dates or self.weeks or self.weekdays or self.on_holidays)

    def hold(self, day: date, weekday: int, *, is_holiday: bool) -> bool:
        if self.years and not any(each.holds(day.year) for each in self.years):
            return False
        if self.dates and not any(each.holds(day) for each in self.dates):
            return False
        if self.weeks and not any(each.holds(day.isocalendar().week) for each in self.weeks):
            return False
        if not self.weekdays and not self.on_holidays:
            return True
        on_weekday = any(each.holds(weekday, day) for each in self.weekdays)
        on_holiday = self.on_holidays and is_holiday
        return on_weekday and on_holiday if self.both else on_weekday or on_holiday


@dataclass(frozen=True)
class _Rule:
    """Days and spans (minutes of the day, the end up to 48 h) that are open, or closed."""

    days: _Days
    spans: tuple[tuple[int, int], ...]
    is_open: bool
    adds: bool


@dataclass(frozen=True)
class OpeningHours:
    """Opening hours that were read.

    Attributes
    ----------
    text : str
        As they were written.
    """

    text: str
    _rules: tuple[_Rule, ...]

    @property
    def tells_of_holidays(self) -> bool:
        """Whether there is a rule for public holidays."""
        return any(rule.days.on_holidays for rule in self._rules)

    def spans(self, day: date, role: DayRole = DayRole.ORDINARY) -> list[tuple[int, int]]:
        """Return the spans that begin on a day, in minutes from its beginning, in order and apart.

        A span that goes over midnight ends above 24 * 60 and belongs to the day it began on.
        """
        weekday = self._weekday(day, role)
        spans: list[tuple[int, int]] = []
        for rule in self._rules:
            if not rule.days.hold(day, weekday, is_holiday=role is DayRole.HOLIDAY):
                continue
            if not rule.is_open:
                spans = _without(spans, rule.spans)
                continue
            # A later rule for some days takes the place of the earlier ones; one for all days adds to them.
            if rule.days.are_told and not rule.adds:
                spans = []
            spans = _united([*spans, *rule.spans])
        return spans

    def opening(self, at: datetime, roles: DayRoles) -> Opening:
        """Return whether it is open at a moment, and until when that stays so.

        Parameters
        ----------
        at : datetime
            Of the clock on the wall, without a zone.
        roles : callable
            What each day is.
        """
        first = at.date() - timedelta(days=2)
        spans: list[tuple[int, int]] = []
        for number in range(HORIZON_DAYS + 3):
            day = first + timedelta(days=number)
            begins = number * DAY_MIN
            spans += [(begins + start, begins + end) for start, end in self.spans(day, roles(day))]
        moment = (at - datetime.combine(first, time())) / timedelta(minutes=1)
        last = moment + HORIZON_DAYS * DAY_MIN
        for start, end in _united(spans):
            if moment < start:
                return Opening(False, None if start > last else _clock(first, start))
            if moment < end:
                return Opening(True, None if end > last else _clock(first, end))
        return Opening(False, None)

    def is_open(self, at: datetime, roles: DayRoles) -> bool:
        """Return whether it is open at a moment of the clock on the wall."""
        return self.opening(at, roles).is_open

    def _weekday(self, day: date, role: DayRole) -> int:
        """Return the weekday whose hours hold: Sunday's on a holiday without a rule.

        A day that is worked for a holiday has the hours of the working day beside it.
        """
        weekday = day.weekday()
        if role is DayRole.HOLIDAY and not self.tells_of_holidays:
            return _SUNDAY
        if role is DayRole.MAKE_UP:
            return {_SATURDAY: _SATURDAY - 1, _SUNDAY: 0}.get(weekday, weekday)
        return weekday


@lru_cache(maxsize=4096)
def read_hours(text: str) -> OpeningHours:
    """Read opening hours as OpenStreetMap writes them.

    Full-width punctuation is taken for the plain one. Times by the sun, spans without an end and school
    holidays are not read: nobody could be told when to come.

    Raises
    ------
    HoursError
        It says where the text stops making sense.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return OpeningHours(text, _Reading(text, plain).rules())


def _clock(first: date, minute: int) -> datetime:
    return datetime.combine(first, time()) + timedelta(minutes=minute)


def _united(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same time in as few spans as there can be, in order."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def _without(spans: list[tuple[int, int]], cuts: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Return spans without others; a day that is closed whole has none, also none that goes over midnight."""
    for cut_start, cut_end in cuts:
        if (cut_start, cut_end) == (0, DAY_MIN):
            return []
        parts = [
            part
            for start, end in spans
            for part in ((start, min(end, cut_start)), (max(start, cut_end), end))
        ]
        spans = [(start, end) for start, end in parts if start < end]
    return spans


@dataclass(frozen=True)
class _Token:
    kind: str
    said: str
    at: int


class _Reading:
    """One text being read."""

    def __init__(self, written: str, plain: str) -> None:
        self.written, self.plain = written, plain
        self.tokens = list(self._tokens()) if len(plain) <= LONGEST else []
        self.next = 0

    def _tokens(self) -> Iterator[_Token]:
        at, end = 0, len(self.plain.rstrip())
        while at < end:
            found = _TOKEN.match(self.plain, at)
            if found is None or found.lastgroup is None:
                raise self.fault(at)
            yield _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
            at = found.end()

    def rules(self) -> tuple[_Rule, ...]:
        if not self.tokens:
            raise self.fault(0)
        rules = []
        adds = False
        while True:
            rules.append(self.rule(adds=adds))
            sign = self.peek()
            if sign is None:
                return tuple(rules)
            if sign.said not in (";", ",", "||"):
                raise self.fault(sign.at)
            self.next += 1
            # Fallback (||) opens what is not open already: it adds.
            adds = sign.said != ";"
            if self.peek() is None and sign.said == ";":
                return tuple(rules)

    def rule(self, *, adds: bool) -> _Rule:
        begins = self.next
        if self.take("always"):
            return _Rule(_Days(), ((0, DAY_MIN),), self.state(), adds)
        days = self.days()
        spans = self.spans()
        is_open = self.state()
        if self.next == begins:
            token = self.peek()
            raise self.fault(len(self.plain) if token is None else token.at)
        return _Rule(days, spans or ((0, DAY_MIN),), is_open, adds)

    def state(self) -> bool:
        """Read what the rule makes of its time; a note alone means that one has to ask: not open."""
        word = self.peek()
        if word is not None and word.kind == "word":
            said = word.said.casefold()
            if said != "open" and said not in _CLOSED:
                raise self.fault(word.at)
            self.next += 1
            self.take("note")
            return said == "open"
        return self.take("note") is None

    def days(self) -> _Days:
        years, dates = self.years(), self.dates()
        weeks = self.weeks()
        if years or dates or weeks:
            self.sign(":")
        weekdays, on_holidays, both = self.weekdays()
        return _Days(years, dates, weeks, weekdays, on_holidays, both)

    def years(self) -> tuple[_Steps, ...]:
        years: list[_Steps] = []
        while (token := self.peek()) is not None and token.kind == "year":
            if self.is_month(1):
                # The year of a date: `2026 Jan 01-2026 Jan 05`.
                break
            first = last = self.year()
            if self.sign("+"):
                last = date.max.year
            elif self.sign("-"):
                last = self.year()
                if last < first:
                    raise self.fault(token.at)
            years.append(_Steps(first, last, self.step()))
            if not (self.is_sign(",") and self.is_kind("year", 1)):
                break
            self.next += 1
        return tuple(years)

    def year(self) -> int:
        token = self.need("year")
        # `0830` is a time without its colon.
        if not 1900 <= int(token.said) < 2200:
            raise self.fault(token.at)
        return int(token.said)

    def step(self) -> int:
        if not self.sign("/"):
            return 1
        token = self.need("number")
        if int(token.said) == 0:
            raise self.fault(token.at)
        return int(token.said)

    def dates(self) -> tuple[_Dates, ...]:
        dates: list[_Dates] = []
        while self.is_month() or (self.is_kind("year") and self.is_month(1)):
            dates.append(self.dates_from())
            while self.is_sign(",") and self.is_kind("number", 1):
                # `Jan 01,05`: another day of the same month.
                self.next += 1
                dates.append(self.dates_in(dates[-1].first[0], dates[-1].first_year))
            if not (
                self.is_sign(",") and (self.is_month(1) or (self.is_kind("year", 1) and self.is_month(2)))
            ):
                break
            self.next += 1
        return tuple(dates)

    def dates_from(self) -> _Dates:
        year = self.year() if self.is_kind("year") else None
        month = self.month()
        if self.is_kind("number"):
            return self.dates_in(month, year)
        last, last_year = month, year
        if self.sign("-"):
            if year is not None and self.is_kind("year"):
                last_year = self.year()
            last = self.month()
        return self.between((month, 1), (last, 31), year, last_year)

    def dates_in(self, month: int, year: int | None) -> _Dates:
        first = self.day_of(month)
        if not self.sign("-"):
            return self.between(first, first, year, year)
        last_year = year
        if year is not None and self.is_kind("year"):
            last_year = self.year()
        last_month = self.month() if self.is_month() else month
        return self.between(first, self.day_of(last_month), year, last_year)

    def between(
        self, first: tuple[int, int], last: tuple[int, int], year: int | None, last_year: int | None
    ) -> _Dates:
        if year is not None and last_year == year and last < first:
            last_year = year + 1
        return _Dates(first, last, year, last_year)

    def day_of(self, month: int) -> tuple[int, int]:
        token = self.need("number")
        # 2000 was a leap year.
        if not 1 <= int(token.said) <= calendar.monthrange(2000, month)[1]:
            raise self.fault(token.at)
        return month, int(token.said)

    def month(self) -> int:
        token = self.need("word")
        if token.said.casefold() not in _MONTHS:
            raise self.fault(token.at)
        return _MONTHS.index(token.said.casefold()) + 1

    def weeks(self) -> tuple[_Steps, ...]:
        token = self.peek()
        if token is None or token.said.casefold() != "week":
            return ()
        self.next += 1
        weeks = []
        while True:
            first = last = self.week()
            if self.sign("-"):
                last = self.week()
            weeks.append(_Steps(first, last, self.step()))
            if not (self.is_sign(",") and self.is_kind("number", 1)):
                return tuple(weeks)
            self.next += 1

    def week(self) -> int:
        token = self.need("number")
        if not 1 <= int(token.said) <= 53:
            raise self.fault(token.at)
        return int(token.said)

    def weekdays(self) -> tuple[tuple[_Weekdays, ...], bool, bool]:
        """Read weekdays and holidays: with a comma between them either, with a space both must hold."""
        weekdays, on_holidays = self.day_list()
        token = self.peek()
        if token is None or not self.is_day():
            return weekdays, on_holidays, False
        more_weekdays, more_holidays = self.day_list()
        one_of_each = bool(weekdays) != on_holidays and bool(more_weekdays) == on_holidays
        if not one_of_each or more_holidays == on_holidays:
            raise self.fault(token.at)
        return (*weekdays, *more_weekdays), True, True

    def day_list(self) -> tuple[tuple[_Weekdays, ...], bool]:
        weekdays: list[_Weekdays] = []
        on_holidays = False
        while self.is_day():
            token = self.need("word")
            if token.said.casefold() != "ph":
                self.next -= 1
                weekdays.append(self.weekday_range())
            elif self.is_sign("+") or (self.is_sign("-") and self.is_kind("number", 1)):
                # The day before or after a holiday.
                raise self.fault(token.at)
            else:
                on_holidays = True
            if not (self.is_sign(",") and self.is_day(1)):
                break
            self.next += 1
        return tuple(weekdays), on_holidays

    def weekday_range(self) -> _Weekdays:
        first = last = self.weekday()
        if self.is_sign("-") and self.is_kind("word", 1):
            self.next += 1
            last = self.weekday()
        days = frozenset((first + number) % 7 for number in range((last - first) % 7 + 1))
        nth: set[int] = set()
        if self.sign("["):
            while True:
                below = -1 if self.sign("-") else 1
                from_ = to = self.nth_number()
                if below > 0 and self.sign("-"):
                    to = self.nth_number()
                nth |= {below * number for number in range(from_, to + 1)}
                if not self.sign(","):
                    break
            if not self.sign("]"):
                token = self.peek()
                raise self.fault(len(self.plain) if token is None else token.at)
        return _Weekdays(days, frozenset(nth))

    def nth_number(self) -> int:
        token = self.need("number")
        if not 1 <= int(token.said) <= 5:
            raise self.fault(token.at)
        return int(token.said)

    def weekday(self) -> int:
        token = self.need("word")
        if token.said.casefold() not in _WEEKDAYS:
            raise self.fault(token.at)
        return _WEEKDAYS.index(token.said.casefold())

    def spans(self) -> tuple[tuple[int, int], ...]:
        spans: list[tuple[int, int]] = []
        while (token := self.peek()) is not None and (token.kind == "time" or token.said.casefold() in _SUN):
            start = self.minute(most=DAY_MIN - 1)
            if not self.sign("-"):
                # A moment, or a span that has no end.
                raise self.fault(token.at)
            end = self.minute(most=2 * DAY_MIN)
            if self.is_sign("+") or self.is_sign("/"):
                raise self.fault(token.at)
            spans.append((start, end if end > start else end + DAY_MIN))
            if not (self.is_sign(",") and self.is_kind("time", 1)):
                break
            self.next += 1
        return tuple(spans)

    def minute(self, *, most: int) -> int:
        token = self.need("time")
        hour, minute = (int(part) for part in token.said.split(":"))
        if minute > 59 or 60 * hour + minute > most:
            raise self.fault(token.at)
        return 60 * hour + minute

    def peek(self, ahead: int = 0) -> _Token | None:
        at = self.next + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def take(self, kind: str) -> _Token | None:
        token = self.peek()
        if token is None or token.kind != kind:
            return None
        self.next += 1
        return token

    def need(self, kind: str) -> _Token:
        token = self.take(kind)
        if token is None:
            found = self.peek()
            raise self.fault(len(self.plain) if found is None else found.at)
        return token

    def sign(self, said: str) -> bool:
        if self.is_sign(said):
            self.next += 1
            return True
        return False

    def is_sign(self, said: str, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token is not None and token.kind == "sign" and token.said == said

    def is_kind(self, kind: str, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token is not None and token.kind == kind

    def is_month(self, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token is not None and token.kind == "word" and token.said.casefold() in _MONTHS

    def is_day(self, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token is not None and token.kind == "word" and token.said.casefold() in (*_WEEKDAYS, "ph")

    def fault(self, at: int) -> HoursError:
        rest = self.plain[at:].strip()[:20]
        said = self.written if len(self.written) <= 60 else f"{self.written[:59]}…"
        return HoursError(
            "hours_not_read",
            f"the opening hours {said!r} cannot be read" + (f" from {rest!r} on" if rest else ""),
            mend='write for example "Mo-Fr 08:30-18:00; Sa 09:00-12:00; PH off" or "24/7"',
            field="opening_hours",
            hours=said,
            rest=rest or "…",
        )
