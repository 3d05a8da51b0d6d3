"""The sum behind a deadline in words: one sentence a line, in the reader's language."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.cases.calendar import UNCONFIRMED, WEEKDAYS, Calendar
from api.cases.clock import Limit, Line, Reckoning, Span, Why
from maps.text import Language, text, words

# Lines that say something; what else does not count needs no line of its own.
_MENTIONED = frozenset((Why.WEEKEND, Why.HOLIDAY, Why.NEXT_DAY, Why.PAUSED, Why.EXTENDED))


def sentences(reckoning: Reckoning, calendar: Calendar, language: Language) -> list[str]:
    """Say why a deadline is where it is.

    The first sentence names the start and the limit, the last the deadline; between them stand what was
    counted, in order, what was left after it, and which days were left out. Nights are not named.
    """
    said = [
        text(
            "clock.starts", language,
            at=moment(reckoning.start, calendar, language, year=True),
            limit=limit_words(reckoning.limits[0], language),
        )
    ]  # fmt: skip
    extensions = iter(reckoning.limits[1:])
    for line in reckoning.lines:
        if line.span.why is Why.EXTENDED:
            said.append(text("clock.why.extended", language, limit=limit_words(next(extensions), language)))
        elif line.span.counts or line.span.why in _MENTIONED:
            said.append(_sentence(line, calendar, language))
    if reckoning.due_at is None:
        said.append(text("clock.no_end", language))
    else:
        due = moment(reckoning.due_at, calendar, language, year=True)
        said.append(text("clock.due", language, at=due))
    for edition in reckoning.unconfirmed:
        year = next(year for year in calendar.years.values() if year.edition == edition)
        for part in year.unconfirmed:
            said.append(text(f"clock.{UNCONFIRMED}.{part}", language, edition=edition))
    return said


def _sentence(line: Line, calendar: Calendar, language: Language) -> str:
    span = line.span
    name = span.name
    if span.why is Why.PAUSED:
        name = words(language).get(f"clock.pause.{name}", name)
    return text(
        f"clock.why.{span.why}" if span.end is not None else "clock.why.paused_open", language,
        start=moment(span.start, calendar, language),
        end=_end(span, calendar, language),
        counted=duration_words(line.counted, language),
        left=duration_words(line.left, language),
        name=name,
    )  # fmt: skip


def _end(span: Span, calendar: Calendar, language: Language) -> str:
    if span.end is None:
        return ""
    if calendar.local_day(span.start) == calendar.local_day(span.end):
        return f"{_minute(span.end).astimezone(calendar.zone):%H:%M}"
    return moment(span.end, calendar, language)


def _minute(instant: datetime) -> datetime:
    """Return an instant rounded up to the minute."""
    return instant + timedelta(seconds=60, microseconds=-1)


def moment(instant: datetime, calendar: Calendar, language: Language, *, year: bool = False) -> str:
    """Return an instant as day, weekday and minute of the calendar's zone, rounded up to the minute."""
    local = _minute(instant).astimezone(calendar.zone)
    return text(
        "clock.moment_with_year" if year else "clock.moment", language,
        year=local.year, month=local.month, day=local.day, time=f"{local:%H:%M}",
        month_name=text(f"clock.month.{local.month}", language),
        weekday=text(f"clock.weekday.{WEEKDAYS[local.weekday()]}", language),
    )  # fmt: skip


def duration_words(duration: timedelta, language: Language) -> str:
    """Return a duration in hours, minutes and, where there are any, seconds."""
    total_s = round(duration.total_seconds())
    parts = [("hours", total_s // 3600), ("minutes", total_s // 60 % 60), ("seconds", total_s % 60)]
    said = [text(f"clock.{unit}", language, n=n) for unit, n in parts if n]
    return " ".join(said) or text("clock.minutes", language, n=0)


def limit_words(limit: Limit, language: Language) -> str:
    """Return a limit in words: its amount, its clock, and whether it starts on the next day."""
    minutes = limit.amount * 60
    short = limit.amount < 1 and abs(minutes - round(minutes)) < 0.001 and limit.clock.value.endswith("hours")
    n = round(minutes) if short else limit.amount.normalize()
    said = text(
        f"clock.limit.{limit.clock}{'_in_minutes' if short else ''}", language, n=f"{n:f}" if not short else n
    )
    return text("clock.limit.from_next_day", language, limit=said) if limit.starts == "next_day" else said
