"""Opening hours read from the syntax of OpenStreetMap.

References
----------
https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from geo.errors import InputError
from geo.opening_hours import DAY_MIN, DateRange, Days, OpeningHours, Rule, Steps, Weekdays

# A longer text is no opening hours.
LONGEST = 500

_WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOSED = frozenset({"off", "closed", "unknown"})
_TOKEN = re.compile(
    r'\s*(?:(?P<always>24/7)|(?P<time>\d{1,2}:\d{2})|(?P<year>\d{4})|(?P<number>\d{1,2})'
    r'|(?P<word>[A-Za-z]+)|(?P<note>"[^"]*")|(?P<sign>\|\||[-,;:+/\[\]]))'
)  # fmt: skip
_DASHES = str.maketrans({"–": "-", "—": "-", "−": "-", "‐": "-", "～": "-", "~": "-"})


class HoursError(InputError):
    """Opening hours that cannot be read; `values` tells the text and where in it."""


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
                raise self.fault_at(at)
            yield _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
            at = found.end()

    def rules(self) -> tuple[Rule, ...]:
        if not self.tokens:
            raise self.fault_at(0)
        rules = []
        adds = False
        while True:
            rules.append(self.rule(adds=adds))
            sign = self.peek()
            if sign is None:
                return tuple(rules)
            if sign.said not in (";", ",", "||"):
                raise self.fault(sign)
            self.next += 1
            # Fallback (||) opens what is not open already: it adds.
            adds = sign.said != ";"
            if self.peek() is None and sign.said == ";":
                return tuple(rules)

    def rule(self, *, adds: bool) -> Rule:
        begins = self.next
        if self.take("always"):
            return Rule(Days(), ((0, DAY_MIN),), self.state(), adds)
        days = self.days()
        spans = self.spans()
        is_open = self.state()
        if self.next == begins:
            raise self.fault(self.peek())
        return Rule(days, spans or ((0, DAY_MIN),), is_open, adds)

    def state(self) -> bool:
        """Read what the rule makes of its time; a note alone means that one has to ask: not open."""
        word = self.peek()
        if word is not None and word.kind == "word":
            said = word.said.casefold()
            if said != "open" and said not in _CLOSED:
                raise self.fault(word)
            self.next += 1
            self.take("note")
            return said == "open"
        return self.take("note") is None

    def days(self) -> Days:
        years, dates = self.years(), self.dates()
        weeks = self.weeks()
        if years or dates or weeks:
            self.sign(":")
        weekdays, on_holidays, both = self.weekdays()
        return Days(years, dates, weeks, weekdays, on_holidays, both)

    def years(self) -> tuple[Steps, ...]:
        years: list[Steps] = []
        while (token := self.peek()) is not None and token.kind == "year":
            if self.is_month(1):
                # The year of a date: `2026 Jan 01-2026 Jan 05`.
                break
            first = last = self.year()
            if self.sign("+"):
                last = date.max.year
            elif self.sign("-"):
                last = self.year(first)
            years.append(Steps(first, last, self.step()))
            if not (self.is_sign(",") and self.is_kind("year", 1)):
                break
            self.next += 1
        return tuple(years)

    def year(self, least: int = 1900) -> int:
        # `0830` is a time without its colon.
        return self.number(least, 2199, kind="year")

    def step(self) -> int:
        return self.number(1, 99) if self.sign("/") else 1

    def dates(self) -> tuple[DateRange, ...]:
        dates: list[DateRange] = []
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

    def dates_from(self) -> DateRange:
        year = self.year() if self.is_kind("year") else None
        month = self.month()
        if self.is_kind("number"):
            return self.dates_in(month, year)
        last, last_year = month, year
        if self.sign("-"):
            last_year = self.year_of_end(year)
            last = self.month()
        return self.between((month, 1), (last, 31), year, last_year)

    def dates_in(self, month: int, year: int | None) -> DateRange:
        first = self.day_of(month)
        if not self.sign("-"):
            return self.between(first, first, year, year)
        last_year = self.year_of_end(year)
        last_month = self.month() if self.is_month() else month
        return self.between(first, self.day_of(last_month), year, last_year)

    def year_of_end(self, year: int | None) -> int | None:
        return self.year(year) if year is not None and self.is_kind("year") else year

    def between(
        self, first: tuple[int, int], last: tuple[int, int], year: int | None, last_year: int | None
    ) -> DateRange:
        if year is not None and last_year == year and last < first:
            last_year = year + 1
        return DateRange(first, last, year, last_year)

    def day_of(self, month: int) -> tuple[int, int]:
        # 2000 was a leap year.
        return month, self.number(1, calendar.monthrange(2000, month)[1])

    def month(self) -> int:
        token = self.need("word")
        if token.said.casefold() not in _MONTHS:
            raise self.fault(token)
        return _MONTHS.index(token.said.casefold()) + 1

    def weeks(self) -> tuple[Steps, ...]:
        token = self.peek()
        if token is None or token.said.casefold() != "week":
            return ()
        self.next += 1
        weeks = []
        while True:
            first = last = self.number(1, 53)
            if self.sign("-"):
                last = self.number(first, 53)
            weeks.append(Steps(first, last, self.step()))
            if not (self.is_sign(",") and self.is_kind("number", 1)):
                return tuple(weeks)
            self.next += 1

    def weekdays(self) -> tuple[tuple[Weekdays, ...], bool, bool]:
        """Read weekdays and holidays: with a comma between them either, with a space both must hold."""
        weekdays, on_holidays = self.day_list()
        token = self.peek()
        if token is None or not self.is_day():
            return weekdays, on_holidays, False
        more_weekdays, more_holidays = self.day_list()
        one_of_each = bool(weekdays) != on_holidays and bool(more_weekdays) == on_holidays
        if not one_of_each or more_holidays == on_holidays:
            raise self.fault(token)
        return (*weekdays, *more_weekdays), True, True

    def day_list(self) -> tuple[tuple[Weekdays, ...], bool]:
        weekdays: list[Weekdays] = []
        on_holidays = False
        while self.is_day():
            token = self.need("word")
            if token.said.casefold() != "ph":
                self.next -= 1
                weekdays.append(self.weekday_range())
            elif self.is_sign("+") or (self.is_sign("-") and self.is_kind("number", 1)):
                # The day before or after a holiday.
                raise self.fault(token)
            else:
                on_holidays = True
            if not (self.is_sign(",") and self.is_day(1)):
                break
            self.next += 1
        return tuple(weekdays), on_holidays

    def weekday_range(self) -> Weekdays:
        first = last = self.weekday()
        if self.is_sign("-") and self.is_kind("word", 1):
            self.next += 1
            last = self.weekday()
        days = frozenset((first + number) % 7 for number in range((last - first) % 7 + 1))
        nth: set[int] = set()
        if self.sign("["):
            while True:
                below = -1 if self.sign("-") else 1
                first_nth = last_nth = self.number(1, 5)
                if below > 0 and self.sign("-"):
                    last_nth = self.number(first_nth, 5)
                nth |= {below * number for number in range(first_nth, last_nth + 1)}
                if not self.sign(","):
                    break
            if not self.sign("]"):
                raise self.fault(self.peek())
        return Weekdays(days, frozenset(nth))

    def weekday(self) -> int:
        token = self.need("word")
        if token.said.casefold() not in _WEEKDAYS:
            raise self.fault(token)
        return _WEEKDAYS.index(token.said.casefold())

    def spans(self) -> tuple[tuple[int, int], ...]:
        spans: list[tuple[int, int]] = []
        while (token := self.peek()) is not None and token.kind == "time":
            start = self.minute(most=DAY_MIN - 1)
            if not self.sign("-"):
                # A moment, or a span that has no end.
                raise self.fault(token)
            end = self.minute(most=2 * DAY_MIN)
            if self.is_sign("+") or self.is_sign("/"):
                raise self.fault(token)
            spans.append((start, end if end > start else end + DAY_MIN))
            if not (self.is_sign(",") and self.is_kind("time", 1)):
                break
            self.next += 1
        return tuple(spans)

    def minute(self, *, most: int) -> int:
        token = self.need("time")
        hour, minute = (int(part) for part in token.said.split(":"))
        if minute > 59 or 60 * hour + minute > most:
            raise self.fault(token)
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
            raise self.fault(self.peek())
        return token

    def number(self, least: int, most: int, *, kind: str = "number") -> int:
        token = self.need(kind)
        if not least <= int(token.said) <= most:
            raise self.fault(token)
        return int(token.said)

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

    def fault(self, token: _Token | None) -> HoursError:
        return self.fault_at(len(self.plain) if token is None else token.at)

    def fault_at(self, at: int) -> HoursError:
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
