"""Scorecards of property companies: points by counts of their complaints, by the edition of the period.

The red and the black list come with their arithmetic: each line names the count, the cases, the points for
each and the most that it may take, so that a company can recompute what it is shown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from api.cases.indicators import Edition, Indicator, IndicatorError, PeriodRule, shipped_editions
from api.cases.predicates import Predicate

Listed: TypeAlias = Literal["red", "black", "neither", "too_few"]
# What a company has to do with: how many complaints its score rests on.
BASE = "due_to_handle"


@dataclass(frozen=True)
class ScoreItem:
    """What a case of a count takes or gives, and the most that all of them may."""

    name: str
    count: str
    points: int
    most: int


@dataclass(frozen=True)
class Scorecard:
    """An edition of the rules.

    Attributes
    ----------
    name, source : str
    begins : date
        First day of the periods that it is for.
    kind : str
        Kind of the cases that count.
    full_points, red_from, black_below, least_cases : int
    items : tuple of ScoreItem
    """

    name: str
    source: str
    begins: date
    kind: str
    full_points: int
    red_from: int
    black_below: int
    least_cases: int
    items: tuple[ScoreItem, ...]

    def asking(self, rule: PeriodRule) -> Edition:
        """Return the edition of indicators whose counts it asks for."""
        known = next(iter(shipped_editions().values()))
        counted = tuple(Indicator(item.name, item.count, item.count) for item in self.items)
        return Edition(
            self.name, "", self.source, (), 2, rule, (*counted, Indicator(BASE, BASE, BASE)), (),
            known.predicates, known.partitions,
        )  # fmt: skip


@dataclass(frozen=True)
class ScoreLine:
    """One line of the arithmetic: `cases` times the points of the item, held to its most."""

    item: ScoreItem
    cases: int
    points: int


@dataclass(frozen=True)
class Score:
    """A company with its points and where that puts it."""

    company: str
    cases: int
    lines: tuple[ScoreLine, ...]
    points: int
    listed: Listed


def scored(card: Scorecard, company: str, counts: Mapping[str, int]) -> Score:
    """Return the score of a company from the counts of its complaints."""
    lines = []
    for item in card.items:
        n = counts[item.count]
        taken = max(-item.most, min(item.most, n * item.points))
        lines.append(ScoreLine(item, n, taken))
    points = card.full_points + sum(line.points for line in lines)
    listed: Listed = "neither"
    if counts[BASE] < card.least_cases:
        listed = "too_few"
    elif points >= card.red_from:
        listed = "red"
    elif points < card.black_below:
        listed = "black"
    return Score(company, counts[BASE], tuple(lines), points, listed)


def card_of(cards: Sequence[Scorecard], day: date) -> Scorecard | None:
    """Return the edition for the period that begins on a day: the last that began by then."""
    begun = [card for card in cards if card.begins <= day]
    return max(begun, key=lambda card: card.begins, default=None)


@lru_cache(maxsize=4)
def scorecards(folder: Path | None = None) -> tuple[Scorecard, ...]:
    """Read the editions that are shipped, and those of a folder besides.

    Raises
    ------
    IndicatorError
        It names the file and the field.
    """
    known = next(iter(shipped_editions().values())).predicates
    places: list[Traversable | Path] = [resources.files("api.cases") / "data" / "scorecards"]
    if folder is not None and folder.is_dir():
        places.append(folder)
    return tuple(
        _read(file, known)
        for place in places
        for file in sorted(place.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    )


def _read(file: Traversable | Path, predicates: Mapping[str, Predicate]) -> Scorecard:
    def fault(field: str) -> IndicatorError:
        return IndicatorError(
            "edition_field", "the field is missing or cannot be used",
            mend="write it like the editions that are shipped", file=file.name, field=field,
        )  # fmt: skip

    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IndicatorError(
            "edition_not_toml", f"the file cannot be read: {error}",
            mend="write it like the editions that are shipped", file=file.name, reason=str(error),
        ) from None  # fmt: skip

    def need(where: Mapping[str, Any], key: str, kind: type, place: str = "") -> Any:
        value = where.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or value == "":
            raise fault(place + key)
        return value

    items = []
    for number, one in enumerate(need(said, "items", list), 1):
        place = f"items[{number}]."
        if need(one, "count", str, place) not in predicates:
            raise fault(f"{place}count")
        most = need(one, "most", int, place)
        items.append(
            ScoreItem(need(one, "name", str, place), one["count"], need(one, "points", int, place), most)
        )
    numbers = {
        name: need(said, name, int) for name in ("full_points", "red_from", "black_below", "least_cases")
    }
    return Scorecard(
        need(said, "edition", str), need(said, "source", str), need(said, "from", date),
        need(said, "kind", str), **numbers, items=tuple(items),
    )  # fmt: skip
