"""A published town for tests and benchmarks of the map: a lattice of cells, written straight to the store."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection, text

from api.database import Store
from api.dependencies import key_hash

# South-west corner and size of a cell, in degrees (about 40 m).
ORIGIN = (120.0, 31.0)
CELL_DEGREES = 0.0004
# Of a cell's side, how far its inner vertices are moved at most.
JITTER = 0.15
# Cells of a grid along each axis.
GRID_SHAPE = (2, 4)
HOUSEHOLDS = 8


@dataclass(frozen=True)
class Community:
    """What `build_town` made of one community."""

    id: int
    code: str
    path: str
    ground_id: int
    version_id: str


def cells_of_lattice(columns: int, rows: int, *, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return edge-matched polygons of 12 vertices each, shape (columns, rows), in degrees."""
    chance = np.random.default_rng(seed)
    steps = np.arange(3 * columns + 1)[:, None], np.arange(3 * rows + 1)[None, :]
    x, y = np.broadcast_arrays(steps[0] / 3.0, steps[1] / 3.0)
    x, y = (np.round(part + chance.uniform(-JITTER / 3, JITTER / 3, part.shape), 4) for part in (x, y))
    ring = [(i, 0) for i in range(3)] + [(3, j) for j in range(3)]
    ring += [(3 - i, 3) for i in range(3)] + [(0, 3 - j) for j in range(3)] + [(0, 0)]
    at_x = np.stack([x[i : 3 * columns - 2 + i : 3, j : 3 * rows - 2 + j : 3] for i, j in ring], axis=-1)
    at_y = np.stack([y[i : 3 * columns - 2 + i : 3, j : 3 * rows - 2 + j : 3] for i, j in ring], axis=-1)
    west, south = ORIGIN
    corners = np.stack([west + CELL_DEGREES * at_x, south + CELL_DEGREES * at_y], axis=-1)
    return np.asarray(shapely.polygons(corners))


def build_town(
    store: Store,
    *,
    shape: tuple[int, int] = (2, 1),
    community: tuple[int, int] = (4, 4),
    grid: tuple[int, int] = GRID_SHAPE,
    households: int = HOUSEHOLDS,
    publish: bool = True,
) -> list[Community]:
    """Write communities of cells, each with a plan of grids of cells, published from yesterday on.

    Parameters
    ----------
    store : Store
    shape : (int, int)
        Communities along x and y.
    community : (int, int)
        Cells of a community along x and y.
    grid : (int, int)
        Cells of a grid along x and y.
    households : int
        Of each cell.
    publish : bool
        Else their versions stay drafts.
    """
    across, up = community
    lattice = cells_of_lattice(shape[0] * across, shape[1] * up)
    made = []
    with store.owner.begin() as owner:
        street = owner.execute(
            text(
                "INSERT INTO divisions (parent_id, level, code, name) SELECT id, 'street', 's1', '东街道'"
                " FROM divisions WHERE parent_id IS NULL RETURNING id"
            )
        ).scalar_one()
        for i in range(shape[0]):
            for j in range(shape[1]):
                block = lattice[i * across : (i + 1) * across, j * up : (j + 1) * up]
                made.append(_write_community(owner, street, f"c{i:03}{j:03}", block, grid, households))
        if publish:
            for state in ("submitted", "published"):
                owner.execute(
                    text(
                        f"UPDATE versions SET state = '{state}'"
                        + (", valid_from = city_day() - 1, published_at = now()" * (state == "published"))
                    )
                )
    with store.owner.connect() as owner, owner.execution_options(isolation_level="AUTOCOMMIT") as owner:
        owner.execute(text("ANALYZE"))
    return made


def _write_community(
    owner: Connection,
    street: int,
    code: str,
    cells: np.ndarray[Any, Any],
    grid_shape: tuple[int, int],
    households: int,
) -> Community:
    flat = cells.ravel()
    at = np.arange(len(flat)).reshape(cells.shape)
    left, right = (
        np.concatenate([a.ravel(), b.ravel()]) for a, b in ((at[:-1], at[:, :-1]), (at[1:], at[:, 1:]))
    )
    outline = shapely.coverage_union_all(flat)
    number, path = owner.execute(
        text(
            "INSERT INTO divisions (parent_id, level, code, name, geom)"
            " VALUES (:street, 'community', :code, :name, ST_GeomFromWKB(:geom, 4490))"
            " RETURNING id, path::text"
        ),
        {"street": street, "code": code, "name": f"{code}社区", "geom": shapely.to_wkb(outline)},
    ).one()
    ground = owner.execute(
        text(
            "INSERT INTO grounds (community_id, n_units, households, sha256, pair_left, pair_right, border_m,"
            " crosses, joins)"
            " VALUES (:c, :n, :h, :sha, :left, :right, :border, :crosses, :joins) RETURNING id"
        ),
        {
            "c": number,
            "n": len(flat),
            "h": households * len(flat),
            "sha": hashlib.sha256(code.encode()).digest(),
            "left": left.tolist(),
            "right": right.tolist(),
            "border": [40.0] * len(left),
            "crosses": [0] * len(left),
            "joins": [True] * len(left),
        },
    ).scalar_one()
    plan = owner.execute(
        text("INSERT INTO plans (community_id, name) VALUES (:c, 'plan') RETURNING id"), {"c": number}
    ).scalar_one()
    version = owner.execute(
        text(
            "INSERT INTO versions (plan_id, community_id, ground_id, min_households, max_households)"
            " VALUES (:p, :c, :g, 50, 100) RETURNING id"
        ),
        {"p": plan, "c": number, "g": ground},
    ).scalar_one()
    wide, high = grid_shape
    column, row = np.divmod(np.arange(len(flat)), cells.shape[1])
    per_column = -(-cells.shape[1] // high)
    grid_of = (column // wide) * per_column + row // high
    cursor = owner.connection.cursor()  # psycopg's own: COPY
    with cursor.copy(
        "COPY units (ground_id, number, community_id, unit_id, households, geom, cell) FROM STDIN"
    ) as copy:
        points = shapely.point_on_surface(flat)
        for at, (point, cell) in enumerate(zip(_hex(points), _hex(flat), strict=True)):
            copy.write_row((ground, at, number, f"{code}-{at}", households, point, cell))
    with cursor.copy(
        "COPY grids (version_id, number, community_id, code, households, units, status, area_m2, geom)"
        " FROM STDIN"
    ) as copy:
        for grid in np.unique(grid_of):
            members = flat[grid_of == grid]
            shape = shapely.coverage_union_all(members)
            copy.write_row(
                (version, int(grid), number, f"{code}{grid:03}", households * len(members), len(members),
                 "ok", 1600.0 * len(members), _hex(np.array([shape]))[0])
            )  # fmt: skip
    with cursor.copy(
        "COPY assignments (version_id, unit_number, grid_number, community_id, ground_id) FROM STDIN"
    ) as copy:
        for at, grid in enumerate(grid_of):
            copy.write_row((version, at, int(grid), number, ground))
    return Community(number, code, path, ground, str(version))


def _hex(shapes: np.ndarray[Any, Any]) -> list[str]:
    return list(shapely.to_wkb(shapely.set_srid(shapes, 4490), hex=True, include_srid=True))


def add_surroundings(store: Store, communities: list[Community]) -> None:
    """Write two roads, one river and a station for each community."""
    with store.owner.begin() as owner:
        for name, road_class in (("中山路", "primary"), ("后巷", "residential")):
            owner.execute(
                text(
                    "INSERT INTO roads (name, road_class, geom)"
                    " VALUES (:n, :c, 'SRID=4490;LINESTRING(120 31, 120.003 31.0005)')"
                ),
                {"n": name, "c": road_class},
            )
        owner.execute(
            text(
                "INSERT INTO water (name, geom)"
                " VALUES ('青河',"
                " 'SRID=4490;POLYGON((120 31.001, 120.002 31.001, 120.002 31.002, 120 31.001))')"
            )
        )
        for community in communities:
            owner.execute(
                text(
                    "INSERT INTO stations (community_id, station_id, name, type, facilities, geom)"
                    " SELECT id, 'st-' || code, '红色驿站', 'rest', '{water}', ST_PointOnSurface(geom)"
                    " FROM divisions WHERE id = :c"
                ),
                {"c": community.id},
            )


def token_of(store: Store, name: str, role: str, path: str) -> str:
    """Make a user who holds a role in an area (path of the division), and return a token of theirs."""
    token = secrets.token_urlsafe(16)
    with store.owner.begin() as owner:
        user = owner.execute(
            text("INSERT INTO users (name) VALUES (:n) RETURNING id"), {"n": name}
        ).scalar_one()
        owner.execute(
            text(
                "INSERT INTO grants (user_id, role, division_id)"
                " SELECT :u, :r, id FROM divisions WHERE path = cast(:p AS ltree)"
            ),
            {"u": user, "r": role, "p": path},
        )
        owner.execute(
            text(
                "INSERT INTO keys (token_sha256, user_id, kind, expires_at)"
                " VALUES (:k, :u, 'token', now() + interval '1 day')"
            ),
            {"k": key_hash(token), "u": user},
        )
    return token
