"""Indicators: rates whose formulas are data with editions, and the cases behind each figure.

Every indicator is a share: its numerator lies within its denominator, so a figure tells which cases are in
it and which are left out. Rates are rounded half-up, once, from whole counts.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from api.cases.facts import CaseFacts
from api.cases.predicates import Predicate, read_predicates
from geo.errors import InputError

_PREDICATES = "predicates.toml"
Rule = Literal["day", "week", "month", "quarter", "year"]
_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


class IndicatorError(InputError):
    """An edition that cannot be used, or figures that do not add up."""


@dataclass(frozen=True)
class Period:
    """A time, its end not in it."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class PeriodRule:
    """How an edition divides the year.

    Attributes
    ----------
    rule : {"day", "week", "month", "quarter", "year"}
        Weeks begin on Monday.
    first_day : int
        Of months, quarters and years: the day on which they begin. From 2 on, a month is named after the one
        in which it ends: with 21, December runs from 21 November to 20 December.
    """

    rule: Rule
    first_day: int = 1

    def period(self, day: date, zone: ZoneInfo) -> Period:
        """Return the period in which a day lies."""
        if self.rule in ("day", "week"):
            first = day - timedelta(days=day.weekday() if self.rule == "week" else 0)
            last = first + timedelta(days=7 if self.rule == "week" else 1)
        else:
            n_months = _MONTHS[self.rule]
            # Months since year 0 of the month after which the period is named.
            named = day.year * 12 + day.month - 1 + (self.first_day > 1 and day.day >= self.first_day)
            begun = named // n_months * n_months - (self.first_day > 1)
            first, last = (date(*_month(month), self.first_day) for month in (begun, begun + n_months))
        return Period(*(datetime(at.year, at.month, at.day, tzinfo=zone) for at in (first, last)))


def _month(number: int) -> tuple[int, int]:
    return number // 12, number % 12 + 1


@dataclass(frozen=True)
class Indicator:
    """One rate: `numerator` and `denominator` name predicates."""

    name: str
    numerator: str
    denominator: str


@dataclass(frozen=True)
class Score:
    """Points for a rate: all from `threshold` percent on; below, some less for each percentage point.

    `per_point_below` is None where the rules do not say: then there is no score below the threshold.
    """

    indicator: str
    full_points: Decimal
    threshold: Decimal
    per_point_below: Decimal | None


@dataclass(frozen=True)
class Partition:
    """Every case of `whole` is in exactly one of `parts`, and no other case is in any."""

    whole: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Edition:
    """The indicators of one office.

    Attributes
    ----------
    name, place, source : str
    unconfirmed : tuple of str
        Indicators or predicates whose wording no source settles; shown beside the figures.
    places : int
        Decimal places of a printed percentage.
    period : PeriodRule
    indicators : tuple of Indicator
    scores : tuple of Score
    predicates : mapping of str to Predicate
        All that are known.
    partitions : tuple of Partition
    """

    name: str
    place: str
    source: str
    unconfirmed: tuple[str, ...]
    places: int
    period: PeriodRule
    indicators: tuple[Indicator, ...]
    scores: tuple[Score, ...]
    predicates: Mapping[str, Predicate]
    partitions: tuple[Partition, ...]

    @property
    def counted(self) -> tuple[str, ...]:
        """Predicates that its figures and their partitions rest on."""
        used = {name for one in self.indicators for name in (one.numerator, one.denominator)}
        return tuple(sorted(used.union(*({one.whole, *one.parts} for one in self.partitions_counted))))

    @property
    def partitions_counted(self) -> tuple[Partition, ...]:
        """Partitions that have to do with its figures."""
        used = {name for one in self.indicators for name in (one.numerator, one.denominator)}
        return tuple(one for one in self.partitions if used & {one.whole, *one.parts})


@dataclass(frozen=True)
class Figure:
    """One printed figure.

    Attributes
    ----------
    indicator : Indicator
    numerator, denominator : int
        Cases.
    percent : Decimal or None
        Rounded half-up, once; None where there is nothing to divide by.
    """

    indicator: Indicator
    numerator: int
    denominator: int
    percent: Decimal | None


@dataclass(frozen=True)
class Membership:
    """The cases behind a figure, by id, in the order given.

    Attributes
    ----------
    counted : tuple of str
        In the numerator.
    left_out : tuple of str
        In the denominator only.
    not_asked : tuple of str
        In neither.
    """

    counted: tuple[str, ...]
    left_out: tuple[str, ...]
    not_asked: tuple[str, ...]


def percent(numerator: int, denominator: int, places: int) -> Decimal | None:
    """Return a share in percent, rounded half-up once from the whole counts.

    Rounding twice turns 274 of 18,086 (1.51498 %) into 1.52.
    """
    if denominator == 0:
        return None
    scaled = (2 * numerator * 10 ** (places + 2) + denominator) // (2 * denominator)
    return Decimal(scaled).scaleb(-places)


def figures(edition: Edition, counts: Mapping[str, int]) -> tuple[Figure, ...]:
    """Return the figures of an edition from the counts of its predicates.

    Raises
    ------
    IndicatorError
        The counts of a partition do not add up, or a numerator is larger than its denominator.
    """
    for partition in edition.partitions:
        if partition.whole in counts and all(part in counts for part in partition.parts):
            _require_sum(partition, counts)
    made = []
    for indicator in edition.indicators:
        numerator, denominator = counts[indicator.numerator], counts[indicator.denominator]
        if numerator > denominator:
            raise IndicatorError(
                "indicator_not_a_share", f"{indicator.name}: {numerator} of {denominator} is no share",
                mend="let the numerator name a part of the denominator", field=indicator.name,
                numerator=numerator, denominator=denominator,
            )  # fmt: skip
        made.append(
            Figure(indicator, numerator, denominator, percent(numerator, denominator, edition.places))
        )
    return tuple(made)


def _require_sum(partition: Partition, counts: Mapping[str, int]) -> None:
    total = sum(counts[part] for part in partition.parts)
    if total != counts[partition.whole]:
        said = " + ".join(f"{part} {counts[part]}" for part in partition.parts)
        raise IndicatorError(
            "indicator_partition", f"{said} is not {partition.whole} {counts[partition.whole]}",
            mend="mend the predicates, or the cases they rest on", field=partition.whole,
            sum=total, whole=counts[partition.whole],
        )  # fmt: skip


def count(edition: Edition, cases: Iterable[CaseFacts], period: Period) -> Counter[str]:
    """Count the cases of each predicate of an edition.

    Raises
    ------
    IndicatorError
        A case is in a whole and in none or several of its parts, or in a part and not in the whole.
    """
    counts: Counter[str] = Counter(dict.fromkeys(edition.counted, 0))
    tests = [(name, edition.predicates[name].holds) for name in edition.counted]
    partitions = edition.partitions_counted
    misplaced = [0] * len(partitions)
    start, end = period.start, period.end
    for case in cases:
        held = {name for name, holds in tests if holds(case, start, end)}
        counts.update(held)
        for i, one in enumerate(partitions):
            misplaced[i] += len(held.intersection(one.parts)) != (one.whole in held)
    require_partitions(partitions, misplaced)
    return counts


def require_partitions(partitions: Sequence[Partition], misplaced: Sequence[int]) -> None:
    """Refuse figures of which some cases are not in exactly one part of a whole that they are in.

    Parameters
    ----------
    misplaced : sequence of int
        How many cases are misplaced in each partition.

    Raises
    ------
    IndicatorError
    """
    for partition, cases in zip(partitions, misplaced, strict=True):
        if cases:
            raise IndicatorError(
                "indicator_cases_misplaced",
                f"{cases} cases are not in exactly one of {', '.join(partition.parts)}",
                mend="mend the counts", field=partition.whole, cases=cases, parts=", ".join(partition.parts),
            )  # fmt: skip


def membership(
    edition: Edition, indicator: Indicator, cases: Iterable[CaseFacts], period: Period
) -> Membership:
    """Return the cases in a figure, those left out of it, and those it does not ask about."""
    counted, left_out, not_asked = [], [], []
    numerator = edition.predicates[indicator.numerator].holds
    denominator = edition.predicates[indicator.denominator].holds
    for case in cases:
        if not denominator(case, period.start, period.end):
            not_asked.append(case.case_id)
        elif numerator(case, period.start, period.end):
            counted.append(case.case_id)
        else:
            left_out.append(case.case_id)
    return Membership(tuple(counted), tuple(left_out), tuple(not_asked))


def points(score: Score, figure: Figure) -> Decimal | None:
    """Return the points of a figure; None where the rules do not say, or there is no figure."""
    if figure.percent is None:
        return None
    missing = score.threshold - figure.percent
    if missing <= 0:
        return score.full_points
    if score.per_point_below is None:
        return None
    return max(Decimal(0), score.full_points - missing * score.per_point_below)


def editions(folder: Path | None = None) -> dict[str, Edition]:
    """Read the editions that are shipped, and those of a folder, which take their places.

    Raises
    ------
    IndicatorError
        It names the file and the field.
    """
    shipped = resources.files("api.cases") / "data" / "indicators"
    texts = _table(shipped / _PREDICATES)
    places: list[Traversable | Path] = [shipped]
    if folder is not None and folder.is_dir():
        places.append(folder)
        if (folder / _PREDICATES).is_file():
            own = _table(folder / _PREDICATES)
            for name in sorted(own.get("predicates", {}).keys() & texts["predicates"].keys()):
                raise IndicatorError(
                    "predicate_taken",
                    "a count of that name is shipped, and a name never changes what it means",
                    mend="give it another name", file=_PREDICATES, field=name,
                )  # fmt: skip
            texts = {
                "predicates": {**texts["predicates"], **own.get("predicates", {})},
                "partitions": [*texts["partitions"], *own.get("partitions", [])],
            }
    predicates = read_predicates(texts["predicates"], file=_PREDICATES)
    partitions = tuple(Partition(one["whole"], tuple(one["parts"])) for one in texts["partitions"])
    read: dict[str, Edition] = {}
    for place in places:
        for file in sorted(place.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".toml") and file.name != _PREDICATES:
                edition = _edition(file, predicates, partitions)
                read[edition.name] = edition
    return read


@lru_cache(maxsize=1)
def shipped_editions() -> Mapping[str, Edition]:
    """Return the editions that are shipped, read once."""
    return editions()


def _table(file: Path | Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IndicatorError(
            "edition_not_toml", f"the file cannot be read: {error}",
            mend="write it like the editions that are shipped", file=file.name, reason=str(error),
        ) from None  # fmt: skip


def _edition(
    file: Path | Traversable, predicates: Mapping[str, Predicate], partitions: tuple[Partition, ...]
) -> Edition:
    table = _table(file)

    def fault(field: str) -> IndicatorError:
        return IndicatorError(
            "edition_field", "the field is missing or cannot be used",
            mend="write it like the editions that are shipped", file=file.name, field=field,
        )  # fmt: skip

    def need(where: Mapping[str, Any], key: str, kind: type | tuple[type, ...], place: str = "") -> Any:
        value = where.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or value == "":
            raise fault(f"{place}{key}")
        return value

    rule = need(table, "period", dict)
    period = PeriodRule(need(rule, "rule", str, "period."), rule.get("first_day", 1))
    if period.rule not in ("day", "week", *_MONTHS):
        raise fault("period.rule")
    if not isinstance(period.first_day, int) or not 1 <= period.first_day <= 28:
        raise fault("period.first_day")
    made = []
    for number, one in enumerate(need(table, "indicators", list), 1):
        place = f"indicators[{number}]."
        for part in ("numerator", "denominator"):
            if need(one, part, str, place) not in predicates:
                raise fault(f"{place}{part}")
        made.append(Indicator(need(one, "name", str, place), one["numerator"], one["denominator"]))
    names = {one.name for one in made}
    scores = []
    for number, one in enumerate(table.get("scores", []), 1):
        place = f"scores[{number}]."
        if need(one, "indicator", str, place) not in names:
            raise fault(f"{place}indicator")
        below = one.get("per_point_below")
        scores.append(Score(
            one["indicator"], Decimal(str(need(one, "full_points", (int, float), place))),
            Decimal(str(need(one, "threshold", (int, float), place))),
            None if below is None else Decimal(str(need(one, "per_point_below", (int, float), place))),
        ))  # fmt: skip
    places = need(table, "places", int)
    if not 0 <= places <= 6:
        raise fault("places")
    return Edition(
        need(table, "edition", str), need(table, "place", str), need(table, "source", str),
        tuple(need(table, "unconfirmed", list)), places, period, tuple(made), tuple(scores), predicates,
        partitions,
    )  # fmt: skip
