"""Whether a place is open at a moment: rules of opening hours, asked with holidays of one's own calendar.

Libraries for such hours take holidays from a list of their own and know no make-up days (调休上班日), so
days are judged here: whoever asks says what each day is. `docs/stations.md` has the rules that are assumed;
`hours_syntax` reads them from text.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias

DAY_MIN = 24 * 60
# Whoever is open for longer than this is open around the clock, as far as anybody asks.
HORIZON_DAYS = 14

_SATURDAY, _SUNDAY = 5, 6


class DayRole(StrEnum):
    """What a calendar makes of a day."""

    ORDINARY = "ordinary"
    HOLIDAY = "holiday"
    # A Saturday or Sunday that is worked for a holiday.
    MAKE_UP = "make_up"


DayRoles: TypeAlias = Callable[[date], DayRole]


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
class DateRange:
    """Days of the year from one to another, both included; with `first_year` only once."""

    first: tuple[int, int]
    last: tuple[int, int]
    first_year: int | None = None
    last_year: int | None = None

    def holds(self, day: date) -> bool:
        """Return whether a day is one of them."""
        at = (day.month, day.day)
        if self.first_year is not None and self.last_year is not None:
            return (self.first_year, *self.first) <= (day.year, *at) <= (self.last_year, *self.last)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


@dataclass(frozen=True)
class Steps:
    """Numbers from one to another by a step: years, weeks of the year."""

    first: int
    last: int
    step: int = 1

    def holds(self, number: int) -> bool:
        """Return whether a number is one of them."""
        return self.first <= number <= self.last and (number - self.first) % self.step == 0


@dataclass(frozen=True)
class Weekdays:
    """Weekdays, 0 for Monday; with `nth` only those of a month, counted from its end below 0."""

    days: frozenset[int]
    nth: frozenset[int] = frozenset()

    def holds(self, weekday: int, day: date) -> bool:
        """Return whether a day that counts as a weekday is one of them."""
        if weekday not in self.days:
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        return not self.nth or bool(self.nth & {(day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)})


@dataclass(frozen=True)
class Days:
    """Which days a rule is for; a selector that says nothing holds on all."""

    years: tuple[Steps, ...] = ()
    dates: tuple[DateRange, ...] = ()
    weeks: tuple[Steps, ...] = ()
    weekdays: tuple[Weekdays, ...] = ()
    on_holidays: bool = False
    # `PH Mo-Fr`: holidays that are one of the weekdays; else weekdays and holidays.
    both: bool = False

    @property
    def are_told(self) -> bool:
        """Whether anything is said of the days."""
        return bool(self.years or self.dates or self.weeks or self.weekdays or self.on_holidays)

    def hold(self, day: date, weekday: int, *, is_holiday: bool) -> bool:
        """Return whether a day that counts as a weekday is one of them."""
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
class Rule:
    """Days and spans (minutes of the day, the end up to 48 h) that are open, or closed."""

    days: Days
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
    rules : tuple of Rule
        A later one may take the place of those before it.
    """

    text: str
    rules: tuple[Rule, ...]

    @property
    def tells_of_holidays(self) -> bool:
        """Whether there is a rule for public holidays."""
        return any(rule.days.on_holidays for rule in self.rules)

    def spans(self, day: date, role: DayRole = DayRole.ORDINARY) -> list[tuple[int, int]]:
        """Return the spans that begin on a day, in minutes from its beginning, in order and apart.

        A span that goes over midnight ends above 24 * 60 and belongs to the day it began on.
        """
        weekday = self._weekday(day, role)
        spans: list[tuple[int, int]] = []
        for rule in self.rules:
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
        moment = (at - datetime.combine(first, time())) / timedelta(minutes=1)
        spans: list[tuple[int, int]] = []
        for number in range(HORIZON_DAYS + 3):
            day, begins = first + timedelta(days=number), number * DAY_MIN
            spans += [(begins + start, begins + end) for start, end in self.spans(day, roles(day))]
            spans = [span for span in _united(spans) if moment < span[1]]
            # What ends before the next day begins is not joined by a span of any later day.
            if spans and spans[0][1] < begins + DAY_MIN:
                break
        last = moment + HORIZON_DAYS * DAY_MIN
        if not spans:
            return Opening(False, None)
        start, end = spans[0]
        is_open = start <= moment
        change = end if is_open else start
        return Opening(is_open, None if change > last else _clock(first, change))

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
