"""Who is to have a case: the first rule that fits, and why those before it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal, TypeAlias

from api.cases.calendar import Calendar, CalendarMissingError

Hours: TypeAlias = Literal["any", "working", "off"]
# What of a rule did not fit; no_calendar: whether it is working time is not known of that year.
Misfit: TypeAlias = Literal["category", "mode", "hours", "time", "no_calendar"]


@dataclass(frozen=True)
class Rule:
    """A rule of dispatch.

    Attributes
    ----------
    id, name : int, str
    area : str
        Code of the division that it is of; it holds in all of it.
    categories, modes : tuple of str
        Codes of small or large classes, and modes, that it is for; none: all.
    hours : Hours
        Working time by the calendar, the rest, or both.
    time_from, time_to : time or None
        Local times of a day; from the later to the earlier goes over midnight.
    department : str
    automatic : bool
        Cases go there without anybody's word.
    """

    id: int
    name: str
    area: str
    categories: tuple[str, ...]
    modes: tuple[str, ...]
    hours: Hours
    time_from: time | None
    time_to: time | None
    department: str
    automatic: bool


@dataclass(frozen=True)
class Suggestion:
    """What the rules say of a case.

    Attributes
    ----------
    rule : Rule or None
        The one that fired; None: the case is for the duty desk.
    passed : tuple of (Rule, Misfit)
        Those before it, in order, each with the first thing that did not fit.
    """

    rule: Rule | None
    passed: tuple[tuple[Rule, Misfit], ...]


def suggest(
    rules: Sequence[Rule], *, category: str, large_code: str, mode: str, at: datetime, calendar: Calendar
) -> Suggestion:
    """Return the first rule that fits, of rules in their order that hold where the case is."""
    passed: list[tuple[Rule, Misfit]] = []
    for rule in rules:
        misfit = _misfit(rule, category, large_code, mode, at, calendar)
        if misfit is None:
            return Suggestion(rule, tuple(passed))
        passed.append((rule, misfit))
    return Suggestion(None, tuple(passed))


def _misfit(
    rule: Rule, category: str, large_code: str, mode: str, at: datetime, calendar: Calendar
) -> Misfit | None:
    if rule.categories and not {category, large_code} & {*rule.categories}:
        return "category"
    if rule.modes and mode not in rule.modes:
        return "mode"
    if not _within(rule.time_from, rule.time_to, at.astimezone(calendar.zone).time()):
        return "time"
    if rule.hours == "any":
        return None
    try:
        working = is_working(calendar, at)
    except CalendarMissingError:
        return "no_calendar"
    return None if working == (rule.hours == "working") else "hours"


def _within(start: time | None, end: time | None, at: time) -> bool:
    if start is None or end is None:
        return True
    return start <= at < end if start < end else at >= start or at < end


def is_working(calendar: Calendar, at: datetime) -> bool:
    """Whether a moment lies in a working window; raises `CalendarMissingError` for a year without file."""
    day = calendar.local_day(at)
    return any(
        calendar.instant(day, window.start_min) <= at < calendar.instant(day, window.end_min)
        for window in calendar.day(day).windows
    )
