"""Clocks: from an instant and a limit to a deadline, and the sum that shows why.

A limit belongs to a filing condition, not to a category: one category has several, by severity. Every clock
is a row of spans, each of which counts or does not; a deadline is where the counted ones reach the limit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from api.cases.calendar import Calendar, DayKind

Starts: TypeAlias = Literal["now", "next_day"]

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S


class Clock(StrEnum):
    """What of time a limit counts."""

    URGENT_HOURS = "urgent_hours"  # 紧急工作时: all hours, at night and on holidays too
    WORKING_HOURS = "working_hours"  # 工作时: inside working windows only
    WORKING_DAYS = "working_days"  # 工作日: as many working hours as the calendar counts for a day
    CALENDAR_DAYS = "calendar_days"  # 自然日: 24 hours each


_WORKING = frozenset((Clock.WORKING_HOURS, Clock.WORKING_DAYS))


class Why(StrEnum):
    """Why a span counts or not."""

    RUNNING = "running"  # counts: a clock that never stops
    WORKING = "working"  # counts: a window of an ordinary day
    MAKE_UP = "make_up"  # counts: a window of a make-up day
    OFF_HOURS = "off_hours"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    NEXT_DAY = "next_day"  # before a clock that starts on the next day
    PAUSED = "paused"
    EXTENDED = "extended"  # where one limit was used up and an extension goes on


_OFF = {DayKind.WEEKEND: Why.WEEKEND, DayKind.HOLIDAY: Why.HOLIDAY}


@dataclass(frozen=True)
class Limit:
    """How long something may take.

    Attributes
    ----------
    clock : Clock
    amount : Decimal
        Hours or days of that clock, above 0; counted to the second, so five minutes are 0.083333 hours.
    starts : {"now", "next_day"}
        Whether counting begins at once, or when the next local day begins.
    """

    clock: Clock
    amount: Decimal
    starts: Starts = "now"

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError("a limit is above 0")

    @classmethod
    def minutes(cls, minutes: int, clock: Clock = Clock.URGENT_HOURS) -> Limit:
        """Return a limit of some minutes."""
        if clock not in (Clock.URGENT_HOURS, Clock.WORKING_HOURS):
            raise ValueError("days are not counted in minutes")
        return cls(clock, round(Decimal(minutes) / 60, 6))

    def duration(self, calendar: Calendar, start: datetime) -> timedelta:
        """Return how much counted time it is, to the second.

        Of working days as the calendar has it in the year in which the clock starts.
        """
        if self.clock is Clock.WORKING_DAYS:
            hours = calendar.year(calendar.local_day(start).year).hours_of_working_day
            each_s = Decimal(str(hours)) * _HOUR_S
        else:
            each_s = Decimal(_DAY_S if self.clock is Clock.CALENDAR_DAYS else _HOUR_S)
        return timedelta(seconds=round(self.amount * each_s))


@dataclass(frozen=True)
class Pause:
    """Time in which a clock stands still; `end` is None while nobody knows when it goes on.

    `reason` is a code (`parked`, `waiting_for_reporter`, …), with words under `clock.pause`.
    """

    start: datetime
    end: datetime | None
    reason: str


@dataclass(frozen=True)
class Span:
    """Time that counts or does not, and why; `end` is None where it has no known end.

    `name` is the holiday of a holiday or make-up day, or the reason of a pause.
    """

    start: datetime
    end: datetime | None
    counts: bool
    why: Why
    name: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a sum: what a span added, and what was left to count after it."""

    span: Span
    counted: timedelta
    left: timedelta


@dataclass(frozen=True)
class Reckoning:
    """Why a deadline is where it is.

    Attributes
    ----------
    start : datetime
    limits : tuple of Limit
        The limit, and what extensions added to it.
    lines : tuple of Line
        From `start` to `due_at` without gap. Lines in which no time passes mark an extension.
    due_at : datetime or None
        None where the clock stands still and nobody knows until when.
    editions, unconfirmed : tuple of str
        Calendars it rests on, and those of them with parts from no confirmed source.
    """

    start: datetime
    limits: tuple[Limit, ...]
    lines: tuple[Line, ...]
    due_at: datetime | None
    editions: tuple[str, ...]
    unconfirmed: tuple[str, ...]


def reckon(
    calendar: Calendar, start: datetime, limits: Limit | Sequence[Limit], pauses: Iterable[Pause] = ()
) -> Reckoning:
    """Reckon a deadline line by line.

    Parameters
    ----------
    start : datetime
        With a zone, like all instants here.
    limits : Limit or sequence of Limit
        The limit, then what each extension added; each begins where the one before is used up.
    pauses : iterable of Pause
        In any order; where they overlap, the one that began first is named.

    Raises
    ------
    CalendarMissingError
        A working clock comes to a day of a year without calendar.
    """
    given = (limits,) if isinstance(limits, Limit) else tuple(limits)
    if not given:
        raise ValueError("a deadline needs a limit")
    rests = _joined(pauses)
    lines: list[Line] = []
    at: datetime | None = _utc(start)
    for number, limit in enumerate(given):
        if at is None:
            break
        left = limit.duration(calendar, at)
        if number:
            lines.append(Line(Span(at, at, False, Why.EXTENDED), timedelta(), left))
        for span in _spans(calendar, at, limit.clock, limit.starts, rests):
            line, left, at = _used(span, left)
            lines.append(line)
            if at is None or not left:
                break
    return Reckoning(_utc(start), given, tuple(lines), at, *_rests_on(calendar, given, lines))


def _used(span: Span, left: timedelta) -> tuple[Line, timedelta, datetime | None]:
    """Return the line of a span, what is left after it, and how far counting has come."""
    if not span.counts:
        return Line(span, timedelta(), left), left, span.end
    end = span.start + left if span.end is None or span.end - span.start > left else span.end
    counted = end - span.start
    return (
        Line(Span(span.start, end, True, span.why, span.name), counted, left - counted),
        left - counted,
        end,
    )


def _rests_on(
    calendar: Calendar, limits: Sequence[Limit], lines: Sequence[Line]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not any(limit.clock in _WORKING for limit in limits):
        return (), ()
    instants = [instant for line in lines for instant in (line.span.start, line.span.end) if instant]
    days = [calendar.local_day(instant) for instant in instants]
    years = [calendar.years[year] for year in sorted({day.year for day in days}) if year in calendar.years]
    return tuple(year.edition for year in years), tuple(year.edition for year in years if year.unconfirmed)


def deadline(
    calendar: Calendar, start: datetime, limits: Limit | Sequence[Limit], pauses: Iterable[Pause] = ()
) -> datetime | None:
    """Return when a limit is used up; None while the clock stands still with no end known.

    Where there is neither pause nor extension it takes no walk through the days.
    """
    given, rests = (limits,) if isinstance(limits, Limit) else tuple(limits), tuple(pauses)
    if len(given) == 1 and not rests:
        return _deadline(calendar, _utc(start), given[0])
    return reckon(calendar, start, given, rests).due_at


def _deadline(calendar: Calendar, start: datetime, limit: Limit) -> datetime:
    amount = limit.duration(calendar, start)
    if limit.starts == "next_day":
        start = calendar.instant(calendar.local_day(start) + timedelta(days=1), 0)
    if limit.clock not in _WORKING:
        return start + amount
    year = calendar.local_day(start).year
    hours = calendar.hours(year)
    window = bisect_right(hours.opens, start) - 1
    if window >= 0:
        amount += hours.worked[window] - max(hours.closes[window] - start, timedelta())
    while amount > hours.worked[-1]:
        amount -= hours.worked[-1]
        year += 1
        hours = calendar.hours(year)
    reached = bisect_left(hours.worked, amount)
    return hours.closes[reached] - (hours.worked[reached] - amount)


def elapsed(
    calendar: Calendar, start: datetime, end: datetime, clock: Clock, pauses: Iterable[Pause] = ()
) -> timedelta:
    """Return how much time a clock counted between two instants."""
    until, counted = _utc(end), timedelta()
    for span in _spans(calendar, _utc(start), clock, "now", _joined(pauses)):
        if span.start >= until:
            break
        if span.counts:
            counted += min(span.end or until, until) - span.start
    return counted


def _spans(
    calendar: Calendar, start: datetime, clock: Clock, starts: Starts, rests: Sequence[Pause]
) -> Iterator[Span]:
    """Yield the spans from an instant on, without gap and, unless the clock stands still, without end."""
    waiting: Span | None = None  # not counted; grows while what follows is the same
    for span in _rested(_worked(calendar, start, clock, starts), rests):
        if waiting is not None:
            if not span.counts and (span.why, span.name) == (waiting.why, waiting.name):
                waiting = replace(waiting, end=span.end)
                if span.end is not None:
                    continue
                break
            yield waiting
            waiting = None
        if span.counts:
            yield span
        else:
            waiting = span
            if span.end is None:
                break
    if waiting is not None:
        yield waiting


def _worked(calendar: Calendar, start: datetime, clock: Clock, starts: Starts) -> Iterator[Span]:
    """Yield spans as if there were no pause."""
    day = calendar.local_day(start)
    if starts == "next_day":
        day += timedelta(days=1)
        begin = calendar.instant(day, 0)
        yield Span(start, begin, False, Why.NEXT_DAY)
        start = begin
    if clock not in _WORKING:
        yield Span(start, None, True, Why.RUNNING)
        return
    while True:
        for span in _spans_of_day(calendar, day):
            if span.end is not None and span.end > start:
                yield replace(span, start=max(span.start, start))
        day += timedelta(days=1)


def _spans_of_day(calendar: Calendar, day: date) -> Iterator[Span]:
    kind = calendar.day(day)
    at, end = calendar.instant(day, 0), calendar.instant(day + timedelta(days=1), 0)
    off = _OFF.get(kind.kind, Why.OFF_HOURS)
    on = Why.MAKE_UP if kind.kind is DayKind.MAKE_UP else Why.WORKING
    for window in kind.windows:
        opens, closes = calendar.instant(day, window.start_min), calendar.instant(day, window.end_min)
        if at < opens:
            yield Span(at, opens, False, off)
        yield Span(opens, closes, True, on, kind.name)
        at = closes
    if at < end:
        yield Span(at, end, False, off, "" if kind.windows else kind.name)


def _rested(spans: Iterator[Span], rests: Sequence[Pause]) -> Iterator[Span]:
    """Cut pauses out of spans."""
    for span in spans:
        at = span.start
        for rest in rests:
            if rest.end is not None and rest.end <= at:
                continue
            if span.end is not None and rest.start >= span.end:
                break
            if rest.start > at:
                yield replace(span, start=at, end=rest.start)
                at = rest.start
            if rest.end is None:
                yield Span(at, None, False, Why.PAUSED, rest.reason)
                return
            end = rest.end if span.end is None else min(rest.end, span.end)
            yield Span(at, end, False, Why.PAUSED, rest.reason)
            at = end
        if span.end is None or at < span.end:
            yield replace(span, start=at)


def _joined(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """Return pauses in order, without overlap, in UTC."""
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda pause: pause.start):
        start, end = _utc(pause.start), None if pause.end is None else _utc(pause.end)
        if joined:
            last_end = joined[-1].end
            if last_end is None:
                break
            start = max(start, last_end)
        if end is None or end > start:
            joined.append(Pause(start, end, pause.reason))
    return tuple(joined)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)
