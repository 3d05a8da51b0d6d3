"""The register of stations as it is judged: open or not, what of the checklist is there, what is lacking."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.checklists import ItemState, item_state
from api.facilities import is_named
from api.opening import is_written, opening_of
from api.queries import DECIMALS, Rows, tell
from geo.opening_hours import DayRoles, Opening

# Rows of the register that a list of gaps looks through.
MOST_STATIONS = 20_000


@dataclass(frozen=True)
class JudgedItem:
    """Something of the checklist: what is known of it, and when it was looked at last."""

    item: str
    name: str
    state: ItemState
    checked_on: date | None


@dataclass(frozen=True)
class Judged:
    """A station with what is known of it at a moment.

    Attributes
    ----------
    row : Row
        Of the register: id, station_id, community, name, type, facilities, opening_hours, revision, geometry.
    opening : Opening or None
        None where no hours are written, or none that can be read.
    is_read : bool
        Whether the hours that are written could be read.
    edition : str or None
        The checklist it is judged by; None where no edition is for its type.
    items : tuple of JudgedItem
    """

    row: Row[Any]
    opening: Opening | None
    is_read: bool
    edition: str | None
    items: tuple[JudgedItem, ...]

    @property
    def lacking(self) -> tuple[JudgedItem, ...]:
        """What is missing, broken or doubted."""
        return tuple(item for item in self.items if item.state is not ItemState.WORKING)


_REGISTER = f"""
    SELECT s.id, s.station_id, d.code AS community, d.name AS community_name, s.name, s.type, s.facilities,
           s.opening_hours, s.revision, ST_AsGeoJSON(s.geom, {DECIMALS}, 0)::jsonb AS geometry,
           c.edition, c.checked_within_days,
           coalesce((SELECT jsonb_agg(jsonb_build_object('item', i.item, 'name', i.name, 'words', i.words,
                                                         'checked', last.state, 'on', last.day)
                                      ORDER BY i.position)
                     FROM checklist_items i LEFT JOIN LATERAL (
                       SELECT k.state, k.day FROM station_checks k
                       WHERE k.station_id = s.id AND k.item = i.item AND k.day <= :today
                       ORDER BY k.day DESC, k.id DESC LIMIT 1) last ON true
                     WHERE i.edition = c.edition), '[]') AS items
    FROM stations s JOIN divisions d ON d.id = s.community_id
    LEFT JOIN LATERAL (
      SELECT edition, checked_within_days FROM checklists
      WHERE begins <= :today AND s.type = ANY (types) ORDER BY begins DESC, edition DESC LIMIT 1) c ON true
    WHERE s.station_id > :after AND (cast(:division AS bigint) IS NULL
          OR d.path <@ (SELECT path FROM divisions WHERE id = :division))
    ORDER BY s.station_id LIMIT :limit"""


def register(
    session: Session, *, at: datetime, roles: DayRoles, division: int | None, after: str, limit: int
) -> list[Judged]:
    """Return the stations of a division, by their id, as they stand at a moment of the clock on the wall."""
    rows = session.execute(
        text(_REGISTER), {"today": at.date(), "division": division, "after": after, "limit": limit}
    )
    return [_judged(row, at, roles) for row in rows]


def _judged(row: Row[Any], at: datetime, roles: DayRoles) -> Judged:
    opening = opening_of(row.opening_hours, at, roles)
    is_read = opening is not None or not is_written(row.opening_hours)
    items = tuple(_judged_item(said, row, at.date()) for said in row.items)
    return Judged(row, opening, is_read, row.edition, items)


def _judged_item(said: dict[str, Any], row: Row[Any], today: date) -> JudgedItem:
    on = None if said["on"] is None else date.fromisoformat(said["on"])
    state = item_state(
        checked=said["checked"], on=on, is_listed=is_named(row.facilities, said["words"]),
        holds_days=row.checked_within_days, today=today,
    )  # fmt: skip
    return JudgedItem(said["item"], said["name"], state, on)


def remove_station(session: Session, row: Row[Any]) -> None:
    """Take a station (a row of `api.queries.station`) out of the register; what it was stays in the log."""
    kept = (
        "id", "station_id", "community", "name", "type", "facilities", "opening_hours", "revision", "geometry"
    )  # fmt: skip
    told = json.dumps({name: getattr(row, name) for name in kept}, ensure_ascii=False)
    session.execute(
        text("SELECT log_append('audit', coalesce(actor(), 0)::text, 'station.removed', cast(:body AS jsonb),"
             " :community)"),
        {"body": told, "community": row.community_id},
    )  # fmt: skip
    session.execute(text("DELETE FROM stations WHERE id = :id"), {"id": row.id})
    tell(session, "station_removed", row.community_id, json.dumps({"station": row.station_id}))


def grids_without_station(session: Session, *, today: date, division: int | None) -> Rows:
    """Return the micro-grids in force that no station stands in of a kind that each grid should have."""
    return session.execute(
        text(f"""
            WITH newest AS (
              SELECT DISTINCT ON (type) type, in_each_grid FROM checklists CROSS JOIN unnest(types) AS type
              WHERE begins <= :today ORDER BY type, begins DESC, edition DESC),
            expected AS (SELECT type FROM newest WHERE in_each_grid)
            SELECT d.code AS community, g.code AS grid, g.name, g.households,
                   ST_AsGeoJSON(ST_PointOnSurface(g.geom), {DECIMALS}, 0)::jsonb AS geometry
            FROM grids g JOIN versions v ON v.id = g.version_id JOIN divisions d ON d.id = g.community_id
            WHERE v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> :today
              AND g.kind = 'basic' AND (cast(:division AS bigint) IS NULL
                   OR d.path <@ (SELECT path FROM divisions WHERE id = :division))
              AND EXISTS (SELECT FROM expected)
              AND NOT EXISTS (SELECT FROM stations s JOIN expected USING (type)
                              WHERE ST_Intersects(g.geom, s.geom))
            ORDER BY d.code, g.code LIMIT :most"""),
        {"today": today, "division": division, "most": MOST_STATIONS},
    ).all()
