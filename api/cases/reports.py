"""What the page of indicators and its routes ask: figures with their sums, boards with their trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar
from api.cases.figures import Asked, BoardLine, Grouping, Part, board, counts, counts_by, members
from api.cases.indicators import Edition, Figure, Indicator, Partition, Period, PeriodRule, figures, points
from api.cases.scorecards import Score, Scorecard, card_of, scored

MOST_MEMBERS = 500


@dataclass(frozen=True)
class Sum:
    """A partition with its counts; the parts add up to the whole, or there would be no figures."""

    partition: Partition
    whole: int
    parts: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """The figures of an edition for one period.

    Attributes
    ----------
    edition : Edition
    period : Period
    figures : tuple of (Figure, points or None, whether it is scored)
    sums : tuple of Sum
    counts : mapping of predicate to cases
    """

    edition: Edition
    period: Period
    figures: tuple[tuple[Figure, Decimal | None, bool], ...]
    sums: tuple[Sum, ...]
    counts: Mapping[str, int]


def report(session: Session, edition: Edition, period: Period, asked: Asked) -> Report:
    """Return the figures of an edition for a period.

    Raises
    ------
    IndicatorError
        Some case is not in exactly one part of a whole that it is in.
    """
    found = counts(session, edition, period, asked)
    scores = {score.indicator: score for score in edition.scores}
    lines = tuple(
        (figure, points(scores[figure.indicator.name], figure) if figure.indicator.name in scores else None,
         figure.indicator.name in scores)
        for figure in figures(edition, found)
    )  # fmt: skip
    sums = tuple(
        Sum(one, found[one.whole], {part: found[part] for part in one.parts})
        for one in edition.partitions_counted
    )
    return Report(edition, period, lines, sums, dict(found))


def period_of(rule: PeriodRule, day: date, calendar: Calendar) -> Period:
    """Return the period of a rule in which a local day lies."""
    return rule.period(day, calendar.zone)


def so_far(period: Period, now: datetime) -> Period:
    """Return a period up to now: what is due later in it is not due yet."""
    return Period(period.start, max(period.start, min(period.end, now)))


def period_before(rule: PeriodRule, period: Period, calendar: Calendar) -> Period:
    """Return the period before one."""
    return rule.period((period.start - timedelta(days=1)).date(), calendar.zone)


@dataclass(frozen=True)
class Item:
    """One case behind a figure; no words that people typed."""

    number: str
    area_id: int | None
    grid: str
    category: str
    department: str
    state: str
    reported_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


def behind(
    session: Session,
    edition: Edition,
    indicator: Indicator,
    period: Period,
    part: Part,
    *,
    asked: Asked,
    after: str = "",
    limit: int = MOST_MEMBERS,
) -> list[Item]:
    """Return the cases behind a figure, by their numbers, from one on."""
    numbers = members(session, edition, indicator, period, part, asked=asked, after=after, limit=limit)
    rows = session.execute(
        text("""SELECT case_id AS number, area_id, grid, category, department, state, reported_at, due_at,
                       coalesce(closed_at, cancelled_at) AS closed_at
                FROM case_facts WHERE case_id = ANY (:numbers) ORDER BY case_id"""),
        {"numbers": list(numbers)},
    )  # fmt: skip
    return [Item(**row._mapping) for row in rows]


def indicator_named(edition: Edition, name: str) -> Indicator | None:
    """Return an indicator of an edition, or one that asks whether a case is in a count; None: neither."""
    for one in edition.indicators:
        if one.name == name:
            return one
    return Indicator(name, name, name) if name in edition.predicates else None


def boards(
    session: Session,
    rule: PeriodRule,
    period: Period,
    grouping: Grouping | None,
    calendar: Calendar,
    *,
    now: datetime,
    within_days: int,
    asked: Asked,
) -> list[tuple[BoardLine, BoardLine | None]]:
    """Return one line for each group, with that of the period before; None where it had no case then.

    Without grouping one line for all.
    """
    before = {
        line.name: line
        for line in board(session, period_before(rule, period, calendar), grouping, now=now,
                          within_days=within_days, asked=asked)
    }  # fmt: skip
    lines = board(session, period, grouping, now=now, within_days=within_days, asked=asked)
    return [(line, before.get(line.name)) for line in lines]


def scores(
    session: Session, cards: Sequence[Scorecard], rule: PeriodRule, period: Period, asked: Asked
) -> tuple[Scorecard | None, list[Score]]:
    """Return the scorecard of a period, and the companies by their points, the best first."""
    card = card_of(cards, period.start.date())
    if card is None:
        return None, []
    about = Asked(area=asked.area, kind=card.kind, mode=asked.mode, category=asked.category)
    found = counts_by(session, card.asking(rule), period, "department", about)
    made = [scored(card, company, held) for company, held in found.items() if company and any(held.values())]
    return card, sorted(made, key=lambda score: (-score.points, score.company))
