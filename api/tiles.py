"""Vector tiles of the map: `/tiles/{layer}/{z}/{x}/{y}.mvt`.

What is published is anybody's; units, cells and versions need a key and are read under row-level security.
From zoom 13 on a tile holds the rows themselves, below it grids, communities or clusters of them.

Tiles from zoom 10 on are cut in degrees: within one tile the Mercator projection differs from a straight
line between the tile's edges by less than 3 of its 4096 steps at zoom 10 and 54 degrees north (half as much
with each further zoom), and on the edges, where tiles meet, not at all. That saves a projection of every
vertex. A polygon that lies whole in its tile is only moved to the tile's steps: to mend it, as PostGIS does
for those that are cut, takes four times as long.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, LiteralString
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from psycopg import AsyncConnection

from api.dependencies import Actor, entered, presented_key
from api.errors import NotFoundError
from api.schemas import problems

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
MAX_ZOOM = 22
# From this zoom on rows are drawn one by one (a tile is about 4 km wide at 31 degrees north).
ROWS_FROM = 13
# From this zoom on units can be told apart by eye, and carry their ids.
CLICKED_FROM = 15
# A city's grids are drawn from this zoom on; from the next its communities; below that clusters.
GRIDS_FROM = 11
AREAS_FROM = 10
# Steps along a tile's side. Where many small shapes are drawn, one is half a pixel of a 256-pixel tile.
FINE, COARSE = 4096, 512
# How far over its edge a tile draws, as a share of its side.
BUFFER = 1 / 64
# Clusters of points along a tile's side.
CLUSTERS = 64
# Tiles kept by one process, in bytes.
CACHE_BYTES = 64 * 2**20
# Classes of roads that are drawn at small scale, as in geo/road_classes.toml.
MAIN_ROADS = (
    "lower(road_class) IN ('motorway', 'trunk', 'primary', 'secondary', 'expressway', 'highway', 'arterial',"
    " 'collector', 'major', '快速路', '主干路', '主干道', '次干路', '次干道',"
    " '国道', '省道', '高速公路', '县道')"
)

router = APIRouter(tags=["tiles"])

Layer = Literal["units", "cells", "grids", "stations", "communities", "roads", "water"]

_BOX = "ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4490)"
_WIDE_BOX = "ST_MakeEnvelope(%(low_x)s, %(low_y)s, %(high_x)s, %(high_y)s, 4490)"


@dataclass(frozen=True)
class Shapes:
    """What a tile holds from one zoom on: rows of a table, drawn as they are.

    Attributes
    ----------
    columns, tables, geom, where : str
        SQL of the attributes, of what follows FROM and WHERE, and of the column that is drawn (EPSG:4490).
    extent : int
        Steps along the tile's side.
    polygons : bool
        Whether all are polygons.
    """

    columns: LiteralString
    tables: LiteralString
    geom: LiteralString
    where: LiteralString = "true"
    extent: int = FINE
    polygons: bool = False

    def sql(self, z: int) -> str:
        """Return the statement of a tile; it asks for `layer`, `tile_box` and maybe `version`."""
        drawn = f"ST_AsMVTGeom({self.geom}, {_BOX}, {self.extent}, {round(BUFFER * self.extent)})"
        if z < AREAS_FROM:
            drawn = (
                f"ST_AsMVTGeom(ST_Transform({self.geom}, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s),"
                f" {self.extent}, {round(BUFFER * self.extent)})"
            )
        elif self.polygons:
            moved = (
                f"ST_TransScale({self.geom}, -%(west)s::float8, -%(north)s::float8,"
                f" {self.extent} / (%(east)s - %(west)s), {self.extent} / (%(south)s - %(north)s))"
            )
            drawn = (
                f"CASE WHEN {self.geom} @ {_WIDE_BOX} THEN ST_ForcePolygonCCW(ST_SnapToGrid({moved}, 1))"
                f" ELSE {drawn} END"
            )
        return (
            f"SELECT ST_AsMVT(f, %(layer)s, {self.extent}, 'geom') AS tile FROM ("
            f"SELECT {drawn} AS geom, {self.columns} FROM {self.tables}"
            f" WHERE {self.geom} && {_WIDE_BOX} AND {self.where}) f"
        )


@dataclass(frozen=True)
class Clusters:
    """What a tile of small scale holds: one point for all that is near it, with sums over them.

    Attributes
    ----------
    sums : names and SQL of the attributes
    tables, geom : str
        SQL of what follows FROM, and of the points (EPSG:4490).
    """

    sums: tuple[tuple[LiteralString, LiteralString], ...]
    tables: LiteralString
    geom: LiteralString

    def sql(self, z: int) -> str:
        """Return the statement of a tile; a point belongs to one tile only, and is counted once."""
        x, y = f"ST_X({self.geom})", f"ST_Y({self.geom})"
        names = ", ".join(name for name, _ in self.sums)
        sums = ", ".join(f"{sql} AS {name}" for name, sql in self.sums)
        clusters = (
            f"SELECT ST_Centroid(ST_Collect({self.geom})) AS place, {sums} FROM {self.tables}"
            f" WHERE {self.geom} && {_BOX} AND {x} >= %(west)s AND {x} < %(east)s"
            f" AND {y} > %(south)s AND {y} <= %(north)s"
            f" GROUP BY floor({CLUSTERS} * ({x} - %(west)s) / (%(east)s - %(west)s)),"
            f" floor({CLUSTERS} * ({y} - %(south)s) / (%(north)s - %(south)s))"
        )
        return (
            f"SELECT ST_AsMVT(f, %(layer)s, {FINE}, 'geom') AS tile FROM ("
            f"SELECT ST_AsMVTGeom(ST_Transform(c.place, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), {FINE},"
            f" {round(BUFFER * FINE)}) AS geom, {names} FROM ({clusters}) c) f"
        )


Bands = tuple[tuple[int, Shapes | Clusters], ...]

_IN_FORCE: LiteralString = (
    "v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> city_day()"
)
_THIS_VERSION: LiteralString = "v.id = %(version)s"
# Looked up for each unit in the box: joined, all assignments of the city would be read.
_GRID_OF_UNIT: LiteralString = (
    "(SELECT a.grid_number FROM assignments a WHERE a.version_id = v.id AND a.unit_number = u.number) AS grid"
)
_GRIDS: LiteralString = "versions v JOIN grids g ON g.version_id = v.id"
_COMMUNITIES: LiteralString = "published.communities c"


def _of_versions(
    versions: LiteralString, which: LiteralString, which_grids: LiteralString
) -> Mapping[Layer, Bands]:
    """Return what is drawn of versions, for those who may read them.

    Parameters
    ----------
    versions, which : str
        SQL of the versions whose units are drawn, and of a condition on them.
    which_grids : str
        SQL of the condition on the versions whose grids are drawn.
    """

    def members(columns: LiteralString, geom: LiteralString, *, polygons: bool) -> Shapes:
        tables: LiteralString = f"{versions} v JOIN units u ON u.ground_id = v.ground_id"
        return Shapes(f"{columns}, {_GRID_OF_UNIT}", tables, geom, which, polygons=polygons)

    def grids(columns: LiteralString, extent: int = COARSE) -> Shapes:
        return Shapes(columns, _GRIDS, "g.geom", which_grids, extent, polygons=True)

    return {
        "cells": (
            (CLICKED_FROM, members("u.unit_id, u.households", "u.cell", polygons=True)),
            (ROWS_FROM, members("u.households", "u.cell", polygons=True)),
            (GRIDS_FROM, grids("g.households, g.status")),
        ),
        "units": (
            (CLICKED_FROM, members("u.unit_id, u.households", "u.geom", polygons=False)),
            (ROWS_FROM, members("u.households", "u.geom", polygons=False)),
            (GRIDS_FROM, grids("g.units, g.households")),
        ),
        "grids": (
            (
                ROWS_FROM,
                grids("g.number AS grid, g.code, g.name, g.kind, g.households, g.units, g.status", FINE),
            ),
            (GRIDS_FROM, grids("g.households, g.status")),
        ),
    }


_COMMUNITY_BANDS: Bands = (
    (AREAS_FROM, Shapes("c.community_id, c.name, c.micro_grids, c.households", _COMMUNITIES, "c.geom",
                        polygons=True)),
    (0, Clusters((("communities", "count(*)"), ("micro_grids", "sum(micro_grids)::bigint"),
                  ("households", "sum(households)::bigint")),
                 "(SELECT micro_grids, households, ST_Centroid(geom) AS geom FROM published.communities) c",
                 "c.geom")),
)  # fmt: skip
_PUBLISHED: Mapping[Layer, Bands] = {
    "grids": (
        (ROWS_FROM, Shapes("g.grid_id AS code, g.community_id, g.name, g.kind, g.households, g.units,"
                           " g.status", "published.micro_grids g", "g.geom", polygons=True)),
        (GRIDS_FROM, Shapes("g.households, g.status", "published.micro_grids g", "g.geom", extent=COARSE,
                            polygons=True)),
        *_COMMUNITY_BANDS,
    ),
    "communities": _COMMUNITY_BANDS,
    "stations": (
        (ROWS_FROM, Shapes("s.station_id, s.name, s.type", "published.stations s", "s.geom")),
        (0, Clusters((("stations", "count(*)"),), "published.stations s", "s.geom")),
    ),
    "roads": (
        (ROWS_FROM, Shapes("r.name, r.road_class, r.bridge", "published.roads r", "r.geom")),
        (8, Shapes("r.road_class", "published.roads r", "r.geom", MAIN_ROADS, COARSE)),
    ),
    "water": (
        (ROWS_FROM, Shapes("w.name", "published.water w", "w.geom")),
        (8, Shapes("w.name", "published.water w", "w.geom", extent=COARSE)),
    ),
}  # fmt: skip
_OF_MINE = _of_versions("versions_in_force(city_day())", "true", _IN_FORCE)
_OF_ONE = _of_versions("versions", _THIS_VERSION, _THIS_VERSION)
# Tables of which a change makes the tiles of a layer anew (names of `note_change`).
_SOURCES: Mapping[Layer, list[str]] = {
    "grids": ["versions", "divisions"],
    "communities": ["versions", "divisions"],
    "units": ["versions"],
    "cells": ["versions"],
    "stations": ["stations"],
    "roads": ["roads"],
    "water": ["water"],
}


class TileCache:
    """The tiles last drawn by this process, up to a number of bytes.

    Parameters
    ----------
    limit : int
        Bytes.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._tiles: OrderedDict[str, bytes] = OrderedDict()

    def get(self, tag: str) -> bytes | None:
        """Return the tile of a tag; None where it is not kept."""
        tile = self._tiles.get(tag)
        if tile is not None:
            self._tiles.move_to_end(tag)
        return tile

    def put(self, tag: str, tile: bytes) -> None:
        """Keep a tile, and forget those not asked for longest."""
        if tag in self._tiles:
            return
        self._tiles[tag] = tile
        self._size += len(tile)
        while self._size > self._limit:
            _, gone = self._tiles.popitem(last=False)
            self._size -= len(gone)

    def clear(self) -> None:
        """Forget all."""
        self._tiles.clear()
        self._size = 0


def tile_box(z: int, x: int, y: int) -> dict[str, float]:
    """Return the sides of a tile of the web's Mercator square in degrees, and those of it with its buffer."""

    def lon(column: float) -> float:
        return float(360 * column / 2**z - 180)

    def lat(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**z))))

    return {
        "west": lon(x), "south": lat(y + 1), "east": lon(x + 1), "north": lat(y),
        "low_x": lon(x - BUFFER), "low_y": lat(y + 1 + BUFFER),
        "high_x": lon(x + 1 + BUFFER), "high_y": lat(y - BUFFER),
    }  # fmt: skip


def tile_sql(layer: Layer, z: int, bands: Mapping[Layer, Bands]) -> str | None:
    """Return the statement that draws a tile; None where the layer holds nothing at this zoom."""
    for lowest, drawn in bands[layer]:
        if z >= lowest:
            return drawn.sql(z)
    return None


def add_tiles(app: FastAPI) -> None:
    """Serve tiles."""
    app.state.tiles = TileCache()
    app.include_router(router)


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses=problems(401, 404, 422)
    | {
        200: {"content": {MEDIA_TYPE: {}}, "description": "A tile of one layer, named as the layer"},
        204: {"description": "Nothing lies in this tile"},
        304: {"description": "The tile is as If-None-Match says"},
    },
)
async def tile(
    request: Request,
    layer: Layer,
    z: Annotated[int, Path(ge=0, le=MAX_ZOOM)],
    x: Annotated[int, Path(ge=0, lt=2**MAX_ZOOM)],
    y: Annotated[int, Path(ge=0, lt=2**MAX_ZOOM)],
    version: Annotated[UUID | None, Query(description="A version; without it what is in force today")] = None,
) -> Response:
    """Draw a tile (Mapbox Vector Tile 2.1).

    Grids, communities, stations, roads and water in force are anybody's. Units and cells, and grids of a
    named version, need a session or token and show what its holder may read.
    """
    if x >= 2**z or y >= 2**z:
        raise NotFoundError("no_such_tile", f"zoom {z} has columns and rows 0 to {2**z - 1}")
    if version is not None and layer not in _OF_ONE:
        raise NotFoundError("no_such_tile", f"{layer} belong to no version")
    anonymous = version is None and layer in _PUBLISHED
    bands = _PUBLISHED if anonymous else _OF_MINE if version is None else _OF_ONE
    cache: TileCache = request.app.state.tiles
    async with request.app.state.pool.connection() as connection, connection.transaction():
        actor = None if anonymous else await _enter(connection, request)
        tag = _tag(layer, z, x, y, version, await _edition(connection, layer, version, actor))
        headers = {
            "ETag": tag,
            # Asked again each time, and answered 304 without drawing: what was published is seen at once.
            "Cache-Control": "public, no-cache" if anonymous else "private, no-cache",
        }
        if not anonymous:
            headers["Vary"] = "Authorization, Cookie"
        if tag in [
            said.strip().removeprefix("W/") for said in request.headers.get("If-None-Match", "").split(",")
        ]:
            return Response(status_code=304, headers=headers)
        drawn = cache.get(tag)
        if drawn is None:
            sql = tile_sql(layer, z, bands)
            values = {**tile_box(z, x, y), "z": z, "x": x, "y": y, "layer": layer, "version": version}
            drawn = await _draw(connection, sql, values) if sql else b""
            cache.put(tag, drawn)
    if not drawn:
        return Response(status_code=204, headers=headers)
    return Response(drawn, headers=headers, media_type=MEDIA_TYPE)


async def _draw(connection: AsyncConnection[dict[str, Any]], sql: str, values: Mapping[str, object]) -> bytes:
    # Never prepared: one plan for every box would be a bad one for most.
    row = await (await connection.execute(sql, values, prepare=False)).fetchone()
    return bytes(row["tile"]) if row else b""


async def _enter(connection: AsyncConnection[dict[str, Any]], request: Request) -> Actor:
    key = presented_key(request)
    cursor = await connection.execute("SELECT * FROM enter(%s, %s)", (key.sha256, [key.kind]))
    return entered(await cursor.fetchone(), key, request)


async def _edition(
    connection: AsyncConnection[dict[str, Any]], layer: Layer, version: UUID | None, actor: Actor | None
) -> str:
    """Return what a tile follows from besides its place: it changes whenever the tile might.

    Raises
    ------
    NotFoundError
        There is no such version, or the actor may not know of it.
    """
    if version is not None:
        cursor = await connection.execute("SELECT revision FROM versions WHERE id = %s", (version,))
        row = await cursor.fetchone()
        if row is None:
            raise NotFoundError("no_such_version", "there is no such version")
        return str(row["revision"])
    cursor = await connection.execute(
        "SELECT layer_revision(VARIADIC %s) AS revision, city_day() AS today", (_SOURCES[layer],)
    )
    row = await cursor.fetchone() or {}
    areas = sorted({area for held in actor.grants.values() for area in held}) if actor else []
    return json.dumps([row["revision"], str(row["today"]), sorted(actor.grants) if actor else [], areas])


def _tag(layer: Layer, z: int, x: int, y: int, version: UUID | None, edition: str) -> str:
    told = f"{layer}/{z}/{x}/{y}/{version}/{edition}"
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
