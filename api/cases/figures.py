"""Figures over the store: the same predicates as in `indicators`, counted by the database.

Everything is read with the rights of whoever asks: his figures are those of the cases that he may see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.indicators import Edition, Indicator, Partition, Period, require_partitions

Part: TypeAlias = Literal["counted", "left_out", "not_asked"]
Grouping: TypeAlias = Literal["area", "department", "category", "grid"]

_GROUPED = {"area": "area_id::text", "department": "department", "category": "category", "grid": "grid"}


@dataclass(frozen=True)
class Asked:
    """Which cases are asked about; None: whichever.

    Attributes
    ----------
    area : str or None
        Path of a division: cases of it and of all below.
    kind, mode, department, category : str or None
    """

    area: str | None = None
    kind: str | None = None
    mode: str | None = None
    department: str | None = None
    category: str | None = None

    def sql(self) -> tuple[str, dict[str, Any]]:
        """Return the condition and its values."""
        values = {
            name: getattr(self, name)
            for name in ("kind", "mode", "department", "category")
            if getattr(self, name) is not None
        }
        said = [f"{name} = :{name}" for name in values]
        if self.area is not None:
            values["area"] = self.area
            said.append("area_id IN (SELECT id FROM divisions WHERE path <@ cast(:area AS ltree))")
        return " AND ".join(said) or "true", values


def counts(session: Session, edition: Edition, period: Period, asked: Asked | None = None) -> Counter[str]:
    """Count the cases of each predicate of an edition.

    Raises
    ------
    IndicatorError
        Some case is not in exactly one part of a whole that it is in.
    """
    found = counts_by(session, edition, period, None, asked)
    return found.get("", Counter(dict.fromkeys(edition.counted, 0)))


def counts_by(
    session: Session,
    edition: Edition,
    period: Period,
    grouping: Grouping | None,
    asked: Asked | None = None,
) -> dict[str, Counter[str]]:
    """Count likewise, for each area, department, category or grid; "" where a case has none."""
    where, values = (asked or Asked()).sql()
    columns = [
        f"count(*) FILTER (WHERE {edition.predicates[name].sql}) AS {name}" for name in edition.counted
    ]
    partitions = edition.partitions_counted
    # Sums may agree by chance: ask of every case whether it is in just one part.
    columns += [
        f"count(*) FILTER (WHERE {_misplaced(edition, partition)}) AS misplaced_{i}"
        for i, partition in enumerate(partitions)
    ]
    group = "''" if grouping is None else f"coalesce({_GROUPED[grouping]}, '')"
    rows = session.execute(
        text(f"SELECT {group} AS group_name, {', '.join(columns)} FROM case_facts WHERE {where} GROUP BY 1"),
        {**values, "start": period.start, "end": period.end},
    ).mappings()
    found: dict[str, Counter[str]] = {}
    for row in rows:
        require_partitions(partitions, [row[f"misplaced_{i}"] for i in range(len(partitions))])
        found[row["group_name"]] = Counter({name: row[name] for name in edition.counted})
    return found


def _misplaced(edition: Edition, partition: Partition) -> str:
    parts = " + ".join(f"({edition.predicates[part].sql})::int" for part in partition.parts)
    return f"{parts} <> ({edition.predicates[partition.whole].sql})::int"


def members(
    session: Session,
    edition: Edition,
    indicator: Indicator,
    period: Period,
    part: Part,
    *,
    asked: Asked | None = None,
    after: str = "",
    limit: int = 1000,
) -> Sequence[str]:
    """Return the numbers of the cases in a figure, left out of it, or not asked about, in their order.

    Parameters
    ----------
    after : str
        Number after which to go on.
    """
    where, values = (asked or Asked()).sql()
    numerator = edition.predicates[indicator.numerator].sql
    denominator = edition.predicates[indicator.denominator].sql
    condition = {
        "counted": f"{denominator} AND {numerator}",
        "left_out": f"{denominator} AND NOT {numerator}",
        "not_asked": f"NOT {denominator}",
    }[part]
    return session.execute(
        text(f"""
            SELECT case_id FROM case_facts WHERE {where} AND {condition} AND case_id > :after
            ORDER BY case_id LIMIT :most"""),
        {**values, "start": period.start, "end": period.end, "after": after, "most": limit},
    ).scalars().all()  # fmt: skip


@dataclass(frozen=True)
class BoardLine:
    """How one area, department, category or grid did with the cases reported in a period.

    Attributes
    ----------
    name : str
        Id of the area, or name; "" for cases that have none.
    reported, closed, open : int
        Cancelled cases and drills are in none.
    due_within, closed_within : int
        Of those that were reported long enough ago to be closed within so many days: how many, and how many
        were.
    mean_s, median_s : float or None
        From the report to closing, in seconds, of those that are closed.
    rated : int
        How many were rated.
    mean_rating : float or None
        From 1 to 5.
    """

    name: str
    reported: int
    closed: int
    open: int
    due_within: int
    closed_within: int
    mean_s: float | None
    median_s: float | None
    rated: int
    mean_rating: float | None


def board(
    session: Session,
    period: Period,
    grouping: Grouping | None,
    *,
    now: datetime,
    within_days: int = 3,
    asked: Asked | None = None,
) -> list[BoardLine]:
    """Return one line for each group that cases were reported for in a period, in order of their names.

    Without grouping one line for all of them, with no name.
    """
    group = "''" if grouping is None else f"coalesce({_GROUPED[grouping]}, '')"
    where, values = (asked or Asked()).sql()
    rows = session.execute(
        text(f"""
            SELECT {group} AS name, count(*) AS reported,
              count(*) FILTER (WHERE closed_at <= :now) AS closed,
              count(*) FILTER (WHERE coalesce(closed_at > :now, true)) AS open,
              count(*) FILTER (WHERE quick OR reported_at + :within <= :now) AS due_within,
              count(*) FILTER (WHERE quick) AS closed_within,
              avg(extract(epoch FROM closed_at - reported_at)) FILTER (WHERE closed_at <= :now) AS mean_s,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - reported_at)::float8)
                FILTER (WHERE closed_at <= :now) AS median_s,
              count(*) FILTER (WHERE rated_at <= :now) AS rated,
              avg(rating) FILTER (WHERE rated_at <= :now) AS mean_rating
            FROM (SELECT *, coalesce(closed_at <= least(reported_at + :within, :now), false) AS quick
                  FROM case_facts) c
            WHERE {where} AND mode <> 'drill' AND cancelled_at IS NULL
              AND reported_at >= :start AND reported_at < :end
            GROUP BY 1 ORDER BY 1"""),
        {
            **values, "start": period.start, "end": period.end, "now": now,
            "within": timedelta(days=within_days),
        },
    )  # fmt: skip
    return [
        BoardLine(
            row.name, row.reported, row.closed, row.open, row.due_within, row.closed_within,
            None if row.mean_s is None else float(row.mean_s), row.median_s, row.rated,
            None if row.mean_rating is None else float(row.mean_rating),
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class Theme:
    """A category that was reported in several communities: how many of each, most first."""

    category: str
    areas: Mapping[int, int]
    cases: int


def themes(
    session: Session, period: Period, *, least_areas: int = 3, asked: Asked | None = None
) -> list[Theme]:
    """Return what was reported in at least so many communities, the widest spread first.

    Cases that stand at a street are in none.
    """
    where, values = (asked or Asked()).sql()
    rows = session.execute(
        text(f"""
            SELECT category, jsonb_object_agg(area_id, n) AS areas, sum(n)::bigint AS cases
            FROM (SELECT category, area_id, count(*) AS n FROM case_facts
                  WHERE {where} AND mode <> 'drill' AND cancelled_at IS NULL
                    AND area_id IN (SELECT id FROM divisions WHERE level = 'community')
                    AND category <> '' AND reported_at >= :start AND reported_at < :end
                  GROUP BY 1, 2) c
            GROUP BY 1 HAVING count(*) >= :least ORDER BY count(*) DESC, 3 DESC, 1"""),
        {**values, "start": period.start, "end": period.end, "least": least_areas},
    )  # fmt: skip
    return [
        Theme(row.category, {int(area): n for area, n in sorted(row.areas.items(), key=_most)}, row.cases)
        for row in rows
    ]


def _most(item: tuple[str, int]) -> tuple[int, int]:
    return -item[1], int(item[0])


@dataclass(frozen=True)
class Item:
    """One case of a list: its number, grid, category, state, deadline and age; no words that people typed."""

    number: str
    area_id: int | None
    grid: str
    category: str
    state: str
    reported_at: datetime
    due_at: datetime | None


_ITEM = "case_id AS number, area_id, grid, category, state, reported_at, due_at"
# What a meeting talks about, in this order; a case is in the first section that fits.
_AGENDA = {
    "reopened": "reopenings > 0",
    "reworked": "reworks > 0",
    "overdue": "due_at < :now",
    "parked": "parked",
    "extended": "extensions > 0",
}


def lane_list(session: Session, period: Period, *, asked: Asked | None = None) -> list[Item]:
    """Return the work list of a week (巷理事工作清单): what is open, and what was reported in the week.

    By grid, and in a grid what is due first; cancelled cases and drills are not in it.
    """
    where, values = (asked or Asked()).sql()
    rows = session.execute(
        text(f"""
            SELECT {_ITEM} FROM case_facts
            WHERE {where} AND mode <> 'drill' AND cancelled_at IS NULL AND reported_at < :end
              AND (coalesce(closed_at >= :end, true) OR reported_at >= :start)
            ORDER BY grid, due_at, case_id"""),
        {**values, "start": period.start, "end": period.end},
    )  # fmt: skip
    return [Item(**row._mapping) for row in rows]


def agenda(session: Session, now: datetime, *, asked: Asked | None = None) -> dict[str, list[Item]]:
    """Return what the meeting day (议事日) has to talk about: open cases that do not get on, by section.

    Sections are `reopened`, `reworked`, `overdue`, `parked`, `extended`; a case is in the first that fits.
    The oldest come first.
    """
    where, values = (asked or Asked()).sql()
    section = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in _AGENDA.items())
    rows = session.execute(
        text(f"""
            SELECT * FROM (
              SELECT CASE {section} END AS section, {_ITEM} FROM case_facts
              WHERE {where} AND mode <> 'drill' AND cancelled_at IS NULL AND closed_at IS NULL) c
            WHERE section IS NOT NULL ORDER BY reported_at, number"""),
        {**values, "now": now},
    ).mappings()  # fmt: skip
    found: dict[str, list[Item]] = {name: [] for name in _AGENDA}
    for row in rows:
        found[row["section"]].append(Item(**{name: row[name] for name in row if name != "section"}))
    return found
