"""Queries over cases; row-level security decides what each sees."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.queries import DECIMALS, Box, Rows

_CASE = f"""
    SELECT c.id, c.number, c.kind, c.edition, c.category, k.called AS category_name, c.condition, c.state,
           coalesce(a.code, area_code(c.area_id)) AS area, c.community_id, c.version_id AS version,
           c.grid, c.choices, c.place, c.accuracy_m,
           c.channel, c.external_number, c.mode, c.text, c.address, c.reported_at, c.responded_at, c.filed_at,
           c.handled_at, c.closed_at, c.response_due_at, c.due_at, c.parked_until, c.holder, c.receivers,
           c.visit, c.reworks, c.reopenings, c.extensions, c.exceptions, c.duplicate_of, c.rework_of,
           c.revision, c.updated_at, ST_AsGeoJSON(c.geom, {DECIMALS}, 0)::jsonb AS geometry
    FROM cases c LEFT JOIN divisions a ON a.id = c.area_id
    JOIN case_classes k ON (k.edition, k.category) = (c.edition, c.category)"""


# What decides the order, and what of it comes after a row; rows without a deadline come last.
_ORDERS = {
    "oldest": ("c.id", "c.id > :after_id"),
    "newest": ("c.id DESC", "c.id < :after_id"),
    "due": (
        "c.due_at, c.id",
        "(c.due_at IS NULL AND cast(:after_due AS timestamptz) IS NOT NULL OR (c.due_at, c.id) >"
        " (cast(:after_due AS timestamptz), :after_id) OR c.due_at IS NULL"
        " AND cast(:after_due AS timestamptz) IS NULL AND c.id > :after_id)",
    ),
}
_OVERDUE = "c.due_at < now() AND c.handled_at IS NULL AND c.closed_at IS NULL"


@dataclass(frozen=True)
class Wanted:
    """Which cases are wanted: those that meet every filter that is given.

    Attributes
    ----------
    mine : bool
        Waiting for a step of the actor.
    number : str or None
        What the number of a case begins with, or the number of the work order that it was.
    reported_from, reported_before : datetime or None
        First moment, and first moment after.
    """

    states: list[str] | None = None
    category: str | None = None
    community: int | None = None
    channel: str | None = None
    is_open: bool | None = None
    overdue: bool = False
    mine: bool = False
    number: str | None = None
    box: Box | None = None
    reported_from: datetime | None = None
    reported_before: datetime | None = None
    updated_after: datetime | None = None

    def condition(self) -> str:
        """Return the condition on cases `c`; its values are `values`."""
        filters = {
            "c.state = ANY (:states)": self.states,
            "c.category = :category": self.category,
            "c.community_id = :community": self.community,
            "c.channel = :channel": self.channel,
            "c.state IN (SELECT state FROM case_states WHERE is_open = :is_open)": self.is_open,
            _OVERDUE: self.overdue or None,
            "awaits_actor(c)": self.mine or None,
            "(c.number >= :number AND c.number <= rpad(:number, 19, '9') OR c.external_number = :number)":
                self.number,
            "c.reported_at >= :reported_from": self.reported_from,
            "c.reported_at < :reported_before": self.reported_before,
            "c.updated_at > :updated_after": self.updated_after,
            "c.geom && ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, 4490)": self.box,
        }  # fmt: skip
        return " AND ".join(condition for condition, value in filters.items() if value is not None) or "true"

    def values(self) -> dict[str, Any]:
        """Return the values of the filters by their names."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "box"}
        return said | (vars(self.box) if self.box else {})


def cases(
    session: Session, wanted: Wanted, *, after: tuple[datetime | None, int] | None = None, limit: int,
    order: str = "oldest",
) -> Rows:  # fmt: skip
    """Return cases.

    Parameters
    ----------
    after : (deadline, id), optional
        Of the last row of the page before.
    order : {"oldest", "newest", "due"}
    """
    ordered, further = _ORDERS[order]
    given = wanted.condition() + (f" AND {further}" if after else "")
    after_due, after_id = after or (None, 0)
    return session.execute(
        text(f"{_CASE} WHERE {given} ORDER BY {ordered} LIMIT :limit"),
        {"after_id": after_id, "after_due": after_due, "limit": limit, **wanted.values()},
    ).all()


def count(session: Session, wanted: Wanted, *, most: int) -> int:
    """Return how many cases are wanted; `most` where there are as many or more, which need not be counted."""
    counted = session.execute(
        text(f"SELECT count(*) FROM (SELECT FROM cases c WHERE {wanted.condition()} LIMIT :most) c"),
        {"most": most, **wanted.values()},
    )
    return int(counted.scalar_one())


def case(session: Session, number: str) -> Row[Any] | None:
    """Return one case."""
    return session.execute(text(f"{_CASE} WHERE c.number = :number"), {"number": number}).one_or_none()


def entries(session: Session, number: str) -> Rows:
    """Return the entries of a case's log, in order."""
    return session.execute(
        text("SELECT l.seq, l.at, l.action AS step, u.name AS by, l.body, encode(l.hash, 'hex') AS hash"
             " FROM log l LEFT JOIN users u ON u.id = l.actor"
             " WHERE l.stream = 'case' AND l.chain = :number ORDER BY l.seq"),
        {"number": number},
    ).all()  # fmt: skip


def allowed_steps(session: Session, number: str) -> Rows:
    """Return the steps that the actor may take with a case now."""
    return session.execute(
        text("""
            SELECT s.step, s.to_state, s.needs, s.reasons, s.is_exception
            FROM cases c JOIN case_steps s ON s.from_state = c.state
            WHERE c.number = :number AND may_step(c, s.roles)
              AND NOT ('handlers' = ANY (s.others_than) AND actor() = ANY (c.handlers))
              AND NOT (CASE WHEN c.holder IS NULL THEN 'held' ELSE 'unheld' END) = ANY (s.needs)
              AND NOT ('requested' = ANY (s.needs) AND NOT request_stands(c.number))
              AND NOT ('unrated' = ANY (s.needs) AND NOT may_rate(c))
            ORDER BY s.step"""),
        {"number": number},
    ).all()


def duplicates(session: Session, number: str) -> list[str]:
    """Return the numbers of the cases that are duplicates of one."""
    return list(
        session.execute(
            text("SELECT number FROM cases WHERE duplicate_of = :number ORDER BY id"), {"number": number}
        ).scalars()
    )


def nearby(session: Session, *, lon: float, lat: float, within_m: float, category: str, most: int) -> Rows:
    """Return open cases of a class round a point, the nearest first, with their distance in metres."""
    return session.execute(
        text(f"""
            SELECT near.*, round(near.distance::numeric, 1)::float8 AS distance_m FROM (
              SELECT found.*, ST_Distance(ST_SetSRID(ST_GeomFromGeoJSON(found.geometry), 4490)::geography,
                                          p.at::geography, false) AS distance
              FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4490) AS at) p,
              LATERAL ({_CASE} JOIN case_states s ON s.state = c.state AND s.is_open
                       WHERE c.category = :category AND c.geom && ST_Expand(
                         p.at, :within / (111000 * greatest(cosd(:lat), 0.01)), :within / 110500)) found
            ) near WHERE near.distance <= :within ORDER BY near.distance, near.id LIMIT :most"""),
        {"lon": lon, "lat": lat, "within": float(within_m), "category": category, "most": most},
    ).all()


def departments(session: Session, number: str) -> list[str]:
    """Return the departments to which a dispatcher may send a case."""
    return list(
        session.execute(
            text("SELECT departments_for(area) FROM cases WHERE number = :number"), {"number": number}
        ).scalars()
    )
