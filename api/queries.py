"""SQL and PostGIS of the resources; knows no HTTP. Row-level security decides what each query sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

Rows = Sequence[Row[Any]]

# Decimals of a degree in answers: about a centimetre.
DECIMALS = 7
# The 0 beside it in ST_AsGeoJSON leaves out the member `crs`, which RFC 7946 does not have: CGCS2000 and
# WGS 84 are the same to some centimetres.
# How far round a community its maps show roads, water and the like, in degrees: about 200 m.
AROUND_DEG = 0.002


@dataclass(frozen=True)
class Box:
    """A box in WGS 84 degrees."""

    min_x: float
    min_y: float
    max_x: float
    max_y: float


def divisions(session: Session, *, parent: int | None, after: int, limit: int) -> Rows:
    """Return divisions by id, those right below `parent` where it is given."""
    return session.execute(
        text("""
            SELECT id, parent_id, level, code, name, revision FROM divisions
            WHERE id > :after AND (cast(:parent AS bigint) IS NULL OR parent_id = :parent)
            ORDER BY id LIMIT :limit"""),
        {"parent": parent, "after": after, "limit": limit},
    ).all()


def division(session: Session, division_id: int) -> Row[Any] | None:
    """Return one division; its row stays as it is until the transaction ends."""
    return session.execute(
        text("SELECT id, parent_id, level, code, name, revision FROM divisions WHERE id = :id"),
        {"id": division_id},
    ).one_or_none()


def communities(session: Session, *, only: int | None = None, after: str = "", limit: int = 1) -> Rows:
    """Return communities by code with the counts of their newest ground and the version in force today."""
    return session.execute(
        text(f"""
            SELECT d.id, d.code, d.name, d.revision, ST_AsGeoJSON(d.geom, {DECIMALS}, 0)::jsonb AS geometry,
                   coalesce(g.households, 0) AS households, coalesce(g.n_units, 0) AS units,
                   v.id AS published_version
            FROM divisions d
            LEFT JOIN LATERAL (SELECT households, n_units FROM grounds
                               WHERE community_id = d.id AND root_id IS NULL
                               ORDER BY id DESC LIMIT 1) g ON true
            LEFT JOIN versions v ON v.community_id = d.id AND v.state IN ('published', 'superseded')
                                    AND daterange(v.valid_from, v.valid_to) @> city_day()
            WHERE d.level = 'community' AND d.id IN (SELECT readable())
              AND (cast(:only AS bigint) IS NULL OR d.id = :only) AND d.code > :after
            ORDER BY d.code LIMIT :limit"""),
        {"only": only, "after": after, "limit": limit},
    ).all()


def _as_features(rows: str, key: str, properties: Sequence[str]) -> str:
    """Return SQL that has the rows of a statement written as GeoJSON features by the database.

    A page of a thousand outlines takes Python four times as long to parse, check and write as it takes
    the database to draw them. The rows have a column `geometry` of type json.
    """
    named = ", ".join(f"'{name}', r.{name}" for name in properties)
    return (
        f"SELECT r.{key} AS key, json_build_object('type', 'Feature', 'id', r.{key}, 'geometry', r.geometry,"
        f" 'properties', json_build_object({named}))::text AS feature FROM ({rows}) r ORDER BY r.{key}"
    )


UNIT_PROPERTIES = ("unit_id", "households", "building_id", "compound_id", "address", "grid")
GRID_PROPERTIES = (
    "code", "community", "version", "name", "kind", "households", "units", "status", "reason", "area_m2",
    "compactness",
)  # fmt: skip


def unit_features(session: Session, ground_id: int, version: UUID | None, *, after: str, limit: int) -> Rows:
    """Return the units of a ground by id, with their grid of a version: `key`, `feature` (GeoJSON text)."""
    rows = f"""
        SELECT u.unit_id, u.households, u.building_id, u.compound_id, u.address, g.code AS grid,
               ST_AsGeoJSON(u.geom, {DECIMALS}, 0)::json AS geometry
        FROM units u
        LEFT JOIN assignments a ON a.version_id = :version AND a.unit_number = u.number
        LEFT JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number
        WHERE u.ground_id = :ground AND u.unit_id > :after ORDER BY u.unit_id LIMIT :limit"""
    return session.execute(
        text(_as_features(rows, "unit_id", UNIT_PROPERTIES)),
        {"ground": ground_id, "version": version, "after": after, "limit": limit},
    ).all()


def newest_ground(session: Session, community_id: int) -> int | None:
    """Return the newest ground of a community, of those that were loaded."""
    newest: int | None = session.execute(
        text("SELECT max(id) FROM grounds WHERE community_id = :community AND root_id IS NULL"),
        {"community": community_id},
    ).scalar_one()
    return newest


_VERSION = """
    SELECT v.id, v.number, v.plan_id, v.community_id, v.parent_id, v.ground_id, v.state, v.valid_from,
           v.valid_to, v.min_households, v.max_households, v.revision, v.created_at, v.submitted_at,
           v.published_at,
           (SELECT count(*) FROM grids g WHERE g.version_id = v.id) AS grids,
           (SELECT coalesce(sum(households), 0) FROM grids g WHERE g.version_id = v.id) AS households,
           gr.n_units - (SELECT count(*) FROM assignments a WHERE a.version_id = v.id) AS unassigned_units
    FROM versions v JOIN grounds gr ON gr.id = v.ground_id"""


def version(session: Session, version_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return one version with its counts; with `lock` nobody else changes it in this transaction."""
    if lock:
        session.execute(text("SELECT FROM versions WHERE id = :id FOR UPDATE"), {"id": version_id})
    return session.execute(text(f"{_VERSION} WHERE v.id = :id"), {"id": version_id}).one_or_none()


def versions(session: Session, plan_id: UUID) -> Rows:
    """Return the versions of a plan, the oldest first."""
    return session.execute(
        text(f"{_VERSION} WHERE v.plan_id = :plan ORDER BY v.created_at, v.id"), {"plan": plan_id}
    ).all()


_AROUND = ("roads", "water", "barriers", "compounds", "gates")


def version_edition(session: Session, version_id: UUID) -> str:
    """Return a text that changes whenever a map of a version does: beside it, its findings, what lies round.

    Loads put new features in the place of those before, under new ids.
    """
    around = ", ".join(
        f"(SELECT count(*) || '-' || coalesce(max(l.id), 0) FROM {layer} l"
        " WHERE l.geom && ST_Expand(d.geom, :reach))"
        for layer in _AROUND
    )
    edition: str = session.execute(
        text(f"""
            SELECT concat_ws(' ', v.revision, v.state, v.valid_from, v.valid_to, d.revision, p.name,
                   (SELECT count(*) FROM findings f WHERE f.version_id = v.id AND f.accepted_at IS NOT NULL),
                   {around})
            FROM versions v JOIN divisions d ON d.id = v.community_id JOIN plans p ON p.id = v.plan_id
            WHERE v.id = :id"""),
        {"id": version_id, "reach": AROUND_DEG},
    ).scalar_one()
    return edition


def plans(session: Session, community_id: int, *, after: str, limit: int) -> Rows:
    """Return the plans of a community by id."""
    return session.execute(
        text("""
            SELECT id, community_id, name, created_at FROM plans
            WHERE community_id = :community AND id::text > :after ORDER BY id::text LIMIT :limit"""),
        {"community": community_id, "after": after, "limit": limit},
    ).all()


def plan(session: Session, plan_id: UUID) -> Row[Any] | None:
    """Return one plan."""
    return session.execute(
        text("SELECT id, community_id, name, created_at FROM plans WHERE id = :id"), {"id": plan_id}
    ).one_or_none()


_GRID = f"""
    SELECT g.code, d.code AS community, g.version_id AS version, g.name, g.kind, g.households, g.units,
           g.status, g.reason, g.area_m2, g.compactness, ST_AsGeoJSON(g.geom, {DECIMALS}, 0)::json AS geometry
    FROM grids g JOIN divisions d ON d.id = g.community_id"""


def grid_features(session: Session, version_id: UUID, *, after: str, limit: int) -> Rows:
    """Return the micro-grids of a version by code: `key`, `feature` (GeoJSON text)."""
    rows = f"{_GRID} WHERE g.version_id = :version AND g.code > :after ORDER BY g.code LIMIT :limit"
    return session.execute(
        text(_as_features(rows, "code", GRID_PROPERTIES)),
        {"version": version_id, "after": after, "limit": limit},
    ).all()


def grid_features_in_force(session: Session, box: Box, day: date, *, after: str, limit: int) -> Rows:
    """Return the micro-grids in force on a day whose ground touches a box, by code: `key`, `feature`."""
    rows = f"""{_GRID} JOIN versions v ON v.id = g.version_id
        WHERE v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> :day
          AND g.geom && ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, 4490) AND g.code > :after
        ORDER BY g.code LIMIT :limit"""
    return session.execute(
        text(_as_features(rows, "code", GRID_PROPERTIES)),
        {"day": day, "after": after, "limit": limit, **vars(box)},
    ).all()


def findings(session: Session, version_id: UUID, *, after: int, limit: int) -> Rows:
    """Return the findings on a version by id."""
    return session.execute(
        text("""
            SELECT id, code, severity, community_id, grid_code, unit_ids, details, accepted_at, accepted_note
            FROM findings WHERE version_id = :version AND id > :after ORDER BY id LIMIT :limit"""),
        {"version": version_id, "after": after, "limit": limit},
    ).all()


def finding(session: Session, version_id: UUID, finding_id: int) -> Row[Any] | None:
    """Return one finding on a version."""
    return session.execute(
        text("""
            SELECT id, code, severity, community_id, grid_code, unit_ids, details, accepted_at, accepted_note
            FROM findings WHERE version_id = :version AND id = :id"""),
        {"version": version_id, "id": finding_id},
    ).one_or_none()


# Who redraws a version knows who else does; others see the names that accounts let them see.
_BY = "coalesce(u.name, a.name) AS by"
_NAMED = """LEFT JOIN users u ON u.id = l.actor
            LEFT JOIN authors((SELECT community_id FROM versions WHERE id::text = :chain)) a
              ON a.id = l.actor"""


def edits(session: Session, version_id: UUID, *, after: int, limit: int) -> Rows:
    """Return the logged edits of a version, in order."""
    return session.execute(
        text(f"""
            SELECT l.seq, l.at, {_BY}, l.action, l.body, encode(l.hash, 'hex') AS hash
            FROM log l {_NAMED}
            WHERE l.stream = 'edits' AND l.chain = :chain AND l.seq > :after ORDER BY l.seq LIMIT :limit"""),
        {"chain": str(version_id), "after": after, "limit": limit},
    ).all()


def edit_notes(session: Session, version_id: UUID) -> Rows:
    """Return what was said afterwards of the edits of a version: `of` (place of the edit), note, by, at."""
    return session.execute(
        text(f"""
            SELECT (l.body ->> 'of')::integer AS of, l.body ->> 'note' AS note, {_BY}, l.at
            FROM log l {_NAMED}
            WHERE l.stream = 'edits' AND l.chain = :chain AND l.action = 'note' ORDER BY l.seq"""),
        {"chain": str(version_id)},
    ).all()


_STATION = f"""
    SELECT s.id, s.station_id, d.code AS community, s.community_id, s.name, s.type, s.facilities,
           s.opening_hours, s.revision, ST_AsGeoJSON(s.geom, {DECIMALS}, 0)::jsonb AS geometry
    FROM stations s JOIN divisions d ON d.id = s.community_id"""


def stations(session: Session, box: Box | None, *, after: str, limit: int) -> Rows:
    """Return red stations by their id, those in a box where one is given."""
    inside = " AND s.geom && ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, 4490)" if box else ""
    return session.execute(
        text(f"{_STATION} WHERE s.station_id > :after{inside} ORDER BY s.station_id LIMIT :limit"),
        {"after": after, "limit": limit, **(vars(box) if box else {})},
    ).all()


def station(session: Session, station_id: int, *, lock: bool = False) -> Row[Any] | None:
    """Return one station."""
    return session.execute(
        text(f"{_STATION} WHERE s.id = :id{' FOR UPDATE OF s' if lock else ''}"), {"id": station_id}
    ).one_or_none()


def station_named(session: Session, name: str) -> Row[Any] | None:
    """Return the station with an id of the register, locked."""
    return session.execute(
        text(f"{_STATION} WHERE s.station_id = :name FOR UPDATE OF s"), {"name": name}
    ).one_or_none()


def community_at(session: Session, lon: float, lat: float) -> int | None:
    """Return the community that a point lies in; on a border the one of the lower code."""
    return session.execute(
        text("""
            SELECT id FROM divisions
            WHERE level = 'community' AND ST_Intersects(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490))
            ORDER BY code LIMIT 1"""),
        {"lon": lon, "lat": lat},
    ).scalar_one_or_none()


def tell(session: Session, kind: str, community_id: int, body: str) -> None:
    """Put an event about a community into the outbox; it is told once the transaction is committed."""
    session.execute(
        text("""
            INSERT INTO events (community_id, area, kind, body)
            SELECT id, path, :kind, cast(:body AS jsonb) FROM divisions WHERE id = :community"""),
        {"kind": kind, "community": community_id, "body": body},
    )
    wake(session)


def wake(session: Session) -> None:
    """Let those who number and tell events know, once the transaction is committed, that some wait."""
    session.execute(text("NOTIFY weige_events_waiting"))
