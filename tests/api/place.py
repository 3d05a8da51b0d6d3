"""A small drawn city in the store: square units, one grid each two columns, and people with grants."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

import shapely
from sqlalchemy import Connection, text

from api.database import Store
from api.dependencies import key_hash

# Side of a unit's cell, about 100 m.
SIDE_DEG = 0.001


@dataclass(frozen=True)
class Place:
    """What was drawn: a community with one draft, whose unit ids are `u00`, `u01`, … row by row."""

    community_id: int
    code: str
    path: str
    ground_id: int
    plan_id: UUID
    version_id: UUID


def draw_community(
    store: Store,
    code: str,
    households: list[list[int]],
    *,
    lon: float = 120.0,
    lat: float = 33.0,
    above: int | None = None,
) -> Place:
    """Draw a community of square units; columns 0 and 1 are its first grid, 2 and 3 its second, and so on."""
    with store.owner.begin() as owner:
        return _drawn(owner, code, households, lon, lat, above)


def _drawn(
    owner: Connection, code: str, households: list[list[int]], lon: float, lat: float, above: int | None
) -> Place:
    rows, columns = len(households), len(households[0])
    root = owner.execute(text("SELECT id FROM divisions WHERE parent_id IS NULL")).scalar_one()
    edge = shapely.box(lon, lat, lon + columns * SIDE_DEG, lat + rows * SIDE_DEG)
    community = owner.execute(
        text("INSERT INTO divisions (parent_id, level, code, name, geom)"
             " VALUES (:root, 'community', :code, :name, ST_GeomFromWKB(:wkb, 4490))"
             " RETURNING id, path::text"),
        {"root": above or root, "code": code, "name": f"社区{code}", "wkb": shapely.to_wkb(edge)},
    ).one()  # fmt: skip
    number = {(r, c): r * columns + c for r in range(rows) for c in range(columns)}
    pairs = sorted(
        (number[r, c], number[place])
        for r, c in number
        for place in ((r + 1, c), (r, c + 1))
        if place in number
    )
    n, m = rows * columns, len(pairs)
    ground = owner.execute(
        text("INSERT INTO grounds (community_id, n_units, households, sha256, pair_left, pair_right,"
             " border_m, crosses, joins)"
             " VALUES (:community, :n, :households, :sha, :left, :right, :border, :crosses,"
             " :joins) RETURNING id"),
        {
            "community": community.id, "n": n, "households": sum(map(sum, households)),
            "sha": hashlib.sha256(code.encode()).digest(), "left": [a for a, _ in pairs],
            "right": [b for _, b in pairs], "border": [100.0] * m, "crosses": [0] * m, "joins": [True] * m,
        },
    ).scalar_one()  # fmt: skip
    plan = owner.execute(
        text("INSERT INTO plans (community_id, name) VALUES (:c, 'drawn') RETURNING id"), {"c": community.id}
    ).scalar_one()
    version = owner.execute(
        text("INSERT INTO versions (plan_id, community_id, ground_id, min_households, max_households)"
             " VALUES (:plan, :c, :ground, 50, 100) RETURNING id"),
        {"plan": plan, "c": community.id, "ground": ground},
    ).scalar_one()  # fmt: skip
    grids: dict[int, list[shapely.Geometry]] = {}
    total: dict[int, int] = {}
    for (r, c), unit in number.items():
        row = rows - 1 - r  # the first row is the northernmost
        # Each edge by one expression, so that neighbours share it to the last bit.
        cell = shapely.box(
            lon + c * SIDE_DEG, lat + row * SIDE_DEG, lon + (c + 1) * SIDE_DEG, lat + (row + 1) * SIDE_DEG
        )
        grids.setdefault(c // 2, []).append(cell)
        total[c // 2] = total.get(c // 2, 0) + households[r][c]
        owner.execute(
            text("INSERT INTO units (ground_id, number, community_id, unit_id, households, geom, cell)"
                 " VALUES (:ground, :number, :c, :unit, :households,"
                 " ST_Centroid(ST_GeomFromWKB(:cell, 4490)), ST_GeomFromWKB(:cell, 4490))"),
            {"ground": ground, "number": unit, "c": community.id, "unit": f"u{unit:02}",
             "households": households[r][c], "cell": shapely.to_wkb(cell)},
        )  # fmt: skip
    for grid, cells in grids.items():
        status = "ok" if 50 <= total[grid] <= 100 else "too_small" if total[grid] < 50 else "too_large"
        owner.execute(
            text("INSERT INTO grids (version_id, number, community_id, code, households, units, status, geom)"
                 " VALUES (:v, :n, :c, :code, :households, :units, :status, ST_GeomFromWKB(:geom, 4490))"),
            {"v": version, "n": grid, "c": community.id, "code": f"{code}{grid + 1:03}",
             "households": total[grid], "units": len(cells), "status": status,
             "geom": shapely.to_wkb(shapely.coverage_union_all(cells))},
        )  # fmt: skip
    for (_, c), unit in number.items():
        owner.execute(
            text("INSERT INTO assignments (version_id, unit_number, grid_number, community_id, ground_id)"
                 " VALUES (:v, :unit, :grid, :c, :ground)"),
            {"v": version, "unit": unit, "grid": c // 2, "c": community.id, "ground": ground},
        )  # fmt: skip
    return Place(community.id, code, community.path, ground, plan, version)


def token_for(store: Store, name: str, role: str, division_id: int | None = None) -> dict[str, str]:
    """Make a user with one grant (on everything where no division is named); return its request headers."""
    token = secrets.token_urlsafe(24)
    with store.owner.begin() as owner:
        user = owner.execute(
            text("INSERT INTO users (name) VALUES (:n) RETURNING id"), {"n": name}
        ).scalar_one()
        owner.execute(
            text("INSERT INTO grants (user_id, role, division_id) VALUES (:user, :role, coalesce(:division,"
                 " (SELECT id FROM divisions WHERE parent_id IS NULL)))"),
            {"user": user, "role": role, "division": division_id},
        )  # fmt: skip
        owner.execute(
            text("INSERT INTO keys (token_sha256, user_id, kind, expires_at)"
                 " VALUES (:hash, :user, 'token', now() + interval '1 day')"),
            {"hash": key_hash(token), "user": user},
        )  # fmt: skip
    return {"Authorization": f"Bearer {token}"}
