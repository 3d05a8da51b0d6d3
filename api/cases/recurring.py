"""What comes back: a class that is reported again near where it was closed not long before (返工).

Steps of a case tell that work was sent back before it was closed; what was closed and came back is another
case, which nobody need have linked to the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.figures import Asked
from api.cases.indicators import Period

WITHIN_M = 50.0
WITHIN_DAYS = 30
MOST_LISTED = 200


@dataclass(frozen=True)
class Recurrence:
    """A case that was closed, and the first that came after it."""

    number: str
    closed_at: datetime
    area_id: int | None
    grid: str
    category: str
    again: str
    again_at: datetime
    distance_m: float | None


@dataclass(frozen=True)
class Recurring:
    """Of the cases closed in a period: came back + stayed + undecided + without place = closed.

    Attributes
    ----------
    closed : int
    without_place : int
        Without a point, and not named as the one that was not put right: nobody can tell.
    came_back : int
    undecided : int
        Nothing came yet, and the days are not over.
    listed : list of Recurrence
        The latest of those that came back, at most MOST_LISTED.
    """

    closed: int
    without_place: int
    came_back: int
    undecided: int
    listed: list[Recurrence]

    @property
    def stayed(self) -> int:
        """Cases of which nothing came back in the days that were given."""
        return self.closed - self.without_place - self.came_back - self.undecided


def recurring(
    session: Session,
    period: Period,
    *,
    now: datetime,
    within_m: float = WITHIN_M,
    within_days: int = WITHIN_DAYS,
    asked: Asked | None = None,
) -> Recurring:
    """Return what came back of the cases closed in a period: the same class, near it and soon after.

    A case that is named as not put right came back whatever the place; duplicates and drills do not count.

    Parameters
    ----------
    within_m : float
        Metres on the ground.
    within_days : int
        Days from closing to the next report.
    """
    where, values = (asked or Asked()).sql()
    rows = session.execute(
        text(f"""
            WITH closed AS MATERIALIZED (
              SELECT case_id, closed_at, area_id, grid, category FROM case_facts
              WHERE {where} AND mode <> 'drill' AND cancelled_at IS NULL AND category <> ''
                AND closed_at >= :start AND closed_at < :end),
            followed AS (
              SELECT k.*, e.geom IS NOT NULL AS is_placed, again.*
              FROM closed k JOIN cases e ON e.number = k.case_id AND e.duplicate_of IS NULL
              LEFT JOIN LATERAL (
                SELECT l.number AS again, l.reported_at AS again_at,
                  ST_Distance(l.geom::geography, e.geom::geography, false) AS distance_m
                FROM cases l
                WHERE l.number IN (
                    SELECT n.number FROM cases n WHERE n.rework_of = e.number
                    UNION ALL
                    SELECT n.number FROM cases n
                    WHERE n.category = k.category AND n.geom && ST_Expand(
                        e.geom, :metres / (111000 * greatest(cosd(ST_Y(e.geom)), 0.01)), :metres / 110500)
                      AND ST_Distance(n.geom::geography, e.geom::geography, false) <= :metres)
                  AND l.number <> e.number AND l.duplicate_of IS NULL AND l.mode <> 'drill'
                  AND l.reported_at >= k.closed_at AND l.reported_at < k.closed_at + :days
                ORDER BY l.reported_at, l.id LIMIT 1) again ON true)
            SELECT count(*) OVER () AS closed,
              count(*) FILTER (WHERE again IS NULL AND NOT is_placed) OVER () AS without_place,
              count(again) OVER () AS came_back,
              count(*) FILTER (WHERE again IS NULL AND is_placed AND closed_at + :days > :now) OVER ()
                AS undecided,
              case_id AS number, closed_at, area_id, grid, category, again, again_at,
              round(distance_m::numeric, 1)::float8 AS distance_m
            FROM followed ORDER BY again IS NULL, again_at DESC, case_id LIMIT :most"""),
        {
            **values, "start": period.start, "end": period.end, "now": now, "metres": float(within_m),
            "days": timedelta(days=within_days), "most": MOST_LISTED,
        },
    ).mappings().all()  # fmt: skip
    sums = ("closed", "without_place", "came_back", "undecided")
    counted = {name: rows[0][name] if rows else 0 for name in sums}
    listed = [
        Recurrence(**{name: row[name] for name in row if name not in sums})
        for row in rows
        if row["again"] is not None
    ]
    return Recurring(**counted, listed=listed)
