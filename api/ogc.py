"""OGC API Features and Tiles under `/ogc`: TiPg over the published views, for anybody, read only.

TiPg answers most; what it does otherwise than OGC 17-069r4 (Features, Part 1: Core) is put right here, and
nothing is claimed in the conformance declaration that is not tested in tests/api/test_ogc.py.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
import morecantile
from asyncpg.exceptions import DataError, PostgresError, QueryCanceledError
from ciso8601 import parse_rfc3339
from cql2 import Expr
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Receive, Scope, Send
from tipg import dependencies as tipg
from tipg import errors as tipg_errors
from tipg.collections import PgCollection, register_collection_catalog
from tipg.database import connection_factory
from tipg.factory import OGCFeaturesFactory, OGCTilesFactory
from tipg.model import Extent, Spatial, Temporal
from tipg.resources.enums import MediaType
from tipg.settings import DatabaseSettings

from api.city_time import now as city_now
from api.database import Store
from api.problems import RETRY_AFTER_S, problem
from api.reader import asked_language
from maps.text import text

PREFIX = "/ogc"
SCHEMA = "published"
ROLE = "weige_public"
# Connections of one worker.
POOL = (1, 8)
STATEMENT_TIMEOUT_S = 10
# Features in one answer: as many as TiPg reads at once.
MAX_LIMIT = 10_000
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
# More digits than a bigint has.
LONG_NUMBER = re.compile(r"\d{19}")
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
)
# Views that hold something for a time: columns of its beginning and end (null: still).
_TIMES = {"micro_grids": ("valid_from", "valid_to")}


class PublishedCollection(PgCollection):
    """A published view, with the filters as Part 1 has them."""

    @property
    def extent(self) -> Extent | None:
        """The box of what is there in CRS84, none for an empty view (TiPg says: the world), and the time.

        A view holds what is in force today: on days before the youngest of it began, and on those to come,
        other versions may be.
        """
        column = self.geometry_column
        box = (
            column.bounds
            if column and column.bounds and tuple(column.bounds) != (-180, -90, 180, 90)
            else None
        )
        began = [c.maxdt for c in self.table_columns if c.name in _TIMES.get(self.table, ())[:1]]
        # Days of the city, which TiPg tells as if they were those of UTC.
        ends = f"{city_now().date()}T23:59:59Z"
        return Extent(
            spatial=Spatial(bbox=[box], crs=CRS84) if box else None,
            temporal=Temporal(interval=[[began[0], ends]]) if began and began[0] else None,
        )

    def cql_where(self, *args: Any, **filters: Any) -> Expr | None:
        """Filter as TiPg does, but for boxes and times.

        A box over the antimeridian is two. Rows without geometry or time match every box or time. An interval
        is closed at both ends and met by any part of the time for which a row holds.
        """
        box, times = filters.pop("bbox", None), filters.pop("datetime", None)
        found = super().cql_where(*args, **filters)
        parts = [found] if found is not None else []
        if box is not None and self.geometry_column is not None:
            parts.append(self._in_box(box))
        if times and self.table in _TIMES:
            parts += self._in_time(times)
        whole: Expr | None = None
        for part in parts:
            whole = part if whole is None else whole + part
        return whole

    def _in_box(self, box: list[float]) -> Expr:
        west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
        boxes = [(west, south, east, north)]
        if west > east:
            boxes = [(west, south, 180, north), (-180, south, east, north)]
        assert self.geometry_column is not None
        name = self.geometry_column.name
        found = [super(PublishedCollection, self).cql_where(bbox=list(part)) for part in boxes]
        clauses: list[Any] = [part.to_json() for part in found if part is not None]
        return Expr({"op": "or", "args": [*clauses, {"op": "isNull", "args": [{"property": name}]}]})

    def _in_time(self, times: list[str]) -> list[Expr]:
        begins, ends = ({"property": name} for name in _TIMES[self.table])
        first, last = times[0], times[-1]
        parts = []
        if last not in ("", ".."):
            parts.append(
                Expr({"op": "or", "args": [{"op": "<=", "args": [begins, {"timestamp": last}]},
                                           {"op": "isNull", "args": [begins]}]})
            )  # fmt: skip
        if first not in ("", ".."):
            parts.append(
                Expr({"op": "or", "args": [{"op": ">", "args": [ends, {"timestamp": first}]},
                                           {"op": "isNull", "args": [ends]}]})
            )  # fmt: skip
        return parts


# What TiPg takes from a request, taken more strictly: Part 1 wants 400 for what is not valid.


def _collection(request: Request, collectionId: str) -> PublishedCollection:
    found = request.app.state.collection_catalog["collections"].get(collectionId)
    if found is None:
        raise HTTPException(404, f"there is no collection {collectionId}")
    collection: PublishedCollection = found
    return collection


def _box(
    bbox: Annotated[
        str | None,
        Query(description="west,south,east,north in degrees (CRS84), or with heights, not looked at"),
    ] = None,
) -> list[float] | None:
    if bbox is None:
        return None
    try:
        box = [float(part) for part in bbox.split(",")]
    except ValueError:
        box = []
    if len(box) not in (4, 6) or not all(abs(number) < float("inf") for number in box):
        raise HTTPException(400, "bbox: four or six numbers, west,south,east,north")
    west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90 or south > north:
        raise HTTPException(400, "bbox: longitudes within 180, latitudes within 90, south before north")
    return box


def _times(
    datetime: Annotated[
        str | None, Query(description="An instant (RFC 3339) or begin/end; an end may be open: ..")
    ] = None,
) -> list[str] | None:
    if datetime is None:
        return None
    times = datetime.split("/")
    try:
        closed = [parse_rfc3339(part) for part in times if part not in ("", "..")]
    except ValueError:
        closed = []
    if len(times) > 2 or not closed or (len(closed) == 2 and closed[0] > closed[1]):
        raise HTTPException(400, "datetime: an instant (RFC 3339) or begin/end, one of which may be ..")
    return times


# TiPg's pages load scripts from elsewhere, and its other encodings would need links from every answer.
def _json_only(f: Annotated[Literal["json"] | None, Query(description="json, or none")] = None) -> None:
    return None


def _geojson_only(f: Annotated[Literal["geojson", "json"] | None, Query()] = None) -> MediaType:
    return MediaType.geojson


def _no_filter() -> None:
    """Part 3 is not offered: cql2 hands any function name to the database, also `set_config`."""
    return None


_STRICTER: dict[Callable[..., Any], Callable[..., Any]] = {
    tipg.CollectionParams: _collection,
    tipg.bbox_query: _box,
    tipg.datetime_query: _times,
    tipg.OutputType: _json_only,
    tipg.QueryablesOutputType: _json_only,
    tipg.ItemsOutputType: _geojson_only,
    tipg.filter_query: _no_filter,
}


def _known_parameters(request: Request) -> None:
    """Refuse a parameter that the API definition does not name (/req/core/query-param-unknown)."""
    operation = _definition(request.app)["paths"].get(request.scope["route"].path, {}).get("get", {})
    known = {named["name"] for named in operation.get("parameters", ()) if named["in"] == "query"}
    if request.scope["route"].path.endswith("/items"):
        collection = _collection(request, request.path_params["collectionId"])
        known |= {column.name for column in collection.properties if not column.is_geometry}
    said = [*request.query_params.values(), request.path_params.get("itemId", "")]
    # What no column can hold; cql2 and the protocol of the database break on it.
    if any("\0" in value for value in said):
        raise HTTPException(400, "a value holds a NUL")
    if any(LONG_NUMBER.search(value) for value in said):
        raise HTTPException(404 if LONG_NUMBER.search(said[-1]) else 400, "a number is too large")
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise HTTPException(400, f"there is no parameter {unknown[0]}")


def _definition(app: FastAPI) -> dict[str, Any]:
    """Return the API definition as it is answered: FastAPI describes what `_STRICTER` replaces."""
    if app.openapi_schema is None:
        told = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path, operations in told["paths"].items():
            operation = operations["get"]
            operation["parameters"] = [
                named for named in operation.get("parameters", ()) if not named["name"].startswith("filter")
            ]
            for named in operation["parameters"]:
                if named["name"] == "f":
                    kinds = ["geojson", "json"] if "/items" in path else ["json"]
                    named["schema"] = {"type": "string", "enum": kinds}
                if named["name"] == "limit" and path.endswith("/items"):
                    named["schema"]["minimum"] = 1
        app.openapi_schema = told
    return app.openapi_schema


class _Features(OGCFeaturesFactory):
    """TiPg's features; both descriptions of a collection are the same (/req/core/sfc-md-success)."""

    def _collections_route(self) -> None:
        @self.router.get("/collections", tags=["OGC Features API"])
        def collections(
            request: Request, f: Annotated[Literal["json"] | None, Query()] = None
        ) -> dict[str, Any]:
            """List what is published, also what is empty."""
            here = _here(request)
            catalog = request.app.state.collection_catalog["collections"]
            return {
                "links": [{"rel": "self", "href": f"{here}/collections", "type": "application/json"}],
                "collections": [_described(request, collection) for _, collection in sorted(catalog.items())],
            }

    def _collection_route(self) -> None:
        @self.router.get("/collections/{collectionId}", tags=["OGC Features API"])
        def collection(
            request: Request,
            collection: Annotated[PublishedCollection, Depends(_collection)],
            f: Annotated[Literal["json"] | None, Query()] = None,
        ) -> dict[str, Any]:
            """Describe a collection as the list does."""
            return _described(request, collection)


def ogc_application() -> FastAPI:
    """Return the application under `/ogc`; `serving_ogc` opens its connections."""
    app = FastAPI(title="weige: OGC API", openapi_url=None, docs_url=None, redoc_url=None)
    app.dependency_overrides.update(_STRICTER)
    _add_refusals(app)
    _add_documents(app)
    webmercator = morecantile.tms.get("WebMercatorQuad")
    tiles = morecantile.defaults.TileMatrixSets({"WebMercatorQuad": webmercator})
    parts = (
        _Features(with_common=False),
        OGCTilesFactory(with_common=False, supported_tms=tiles, with_viewer=False),
    )
    for part in parts:
        app.include_router(part.router, dependencies=[Depends(_known_parameters)])
    return app


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(StarletteHTTPException)
    def http_error(request: Request, error: StarletteHTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "request_not_valid")
        # What TiPg calls unprocessable is a bad request in Part 1.
        status = 400 if error.status_code == 422 else error.status_code
        return problem(status, code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(
            404 if first["loc"][0] == "path" else 400, "request_not_valid", f"{where}: {first['msg']}"
        )

    @app.exception_handler(tipg_errors.TiPgError)
    def refused(request: Request, error: tipg_errors.TiPgError) -> JSONResponse:
        there = not isinstance(error, tipg_errors.NotFound)
        return problem(400 if there else 404, "request_not_valid" if there else "not_found", str(error))

    @app.exception_handler(DataError)
    def no_such_value(request: Request, error: DataError) -> JSONResponse:
        # A value that its column cannot hold: nothing is there under that id, and no filter is made of it.
        item = "itemId" in request.path_params
        return problem(404 if item else 400, "not_found" if item else "request_not_valid", "no such value")

    async def away(request: Request, error: Exception) -> JSONResponse:
        code = "took_too_long" if isinstance(error, QueryCanceledError) else "database_away"
        return problem(503, code, code, headers={"Retry-After": str(RETRY_AFTER_S)})

    for kind in (QueryCanceledError, PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, away)


def _add_documents(app: FastAPI) -> None:
    """Add the landing page and the conformance declaration, in which TiPg names what we do not offer."""

    @app.get("/", name="landing page", dependencies=[Depends(_known_parameters)])
    def landing(request: Request, f: Annotated[Literal["json"] | None, Query()] = None) -> dict[str, Any]:
        """Say where everything is."""
        here = _here(request)
        told = [
            ("self", "", "application/json"),
            ("service-desc", "/api", OPENAPI),
            ("conformance", "/conformance", "application/json"),
            ("data", "/collections", "application/json"),
            ("http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", "/tileMatrixSets", "application/json"),
        ]
        return {
            "title": _say(request, "title"),
            "description": _say(request, "description"),
            "links": [{"rel": rel, "href": here + (path or "/"), "type": kind} for rel, path, kind in told],
        }  # fmt: skip

    @app.get("/api", include_in_schema=False)
    def definition(request: Request) -> JSONResponse:
        """Answer with the API definition."""
        told = {**_definition(request.app), "servers": [{"url": _here(request)}]}
        return JSONResponse(told, media_type=OPENAPI)

    @app.get("/conformance", name="conformance declaration", dependencies=[Depends(_known_parameters)])
    def conformance(f: Annotated[Literal["json"] | None, Query()] = None) -> dict[str, list[str]]:
        """Name the conformance classes."""
        return {"conformsTo": list(CONFORMS_TO)}


def _here(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _say(request: Request, key: str) -> str:
    return text(f"ogc.{key}", asked_language(request) or "en")


def _described(request: Request, collection: PublishedCollection) -> dict[str, Any]:
    at = f"{_here(request)}/collections/{collection.id}"
    told: dict[str, Any] = {
        "id": collection.id,
        "title": _say(request, collection.table),
        "itemType": "feature",
        "crs": [CRS84],
        "links": [
            {"rel": "self", "href": at, "type": "application/json"},
            {"rel": "items", "href": f"{at}/items", "type": "application/geo+json", "title": "items"},
            {"rel": "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", "href": f"{at}/tiles",
             "type": "application/json"},
        ],
    }  # fmt: skip
    if collection.table in _TIMES:
        told["description"] = _say(request, "in_force_today")
    extent = collection.extent
    if extent is not None and (extent.spatial or extent.temporal):
        told["extent"] = extent.model_dump(exclude_none=True)
    return told


class Edge:
    """The way in: public addresses, limits, and collections as they are now (plain ASGI)."""

    def __init__(self, app: FastAPI, public_url: str | None) -> None:
        self.app = app
        self._public = urlsplit(public_url) if public_url else None
        self._edition: object = None
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        inner = dict(scope)
        # Links are made of what the application takes for its root: not of the router it is mounted in.
        for name in ("router", "app_root_path", "endpoint", "route", "path_params"):
            inner.pop(name, None)
        path = (
            scope["path"][len(scope["root_path"]) :]
            if scope["path"].startswith(scope["root_path"])
            else scope["path"]
        )
        root = scope["root_path"]
        if self._public:
            root = self._public.path.rstrip("/") + PREFIX
            inner["scheme"] = self._public.scheme
            inner["headers"] = [
                *((name, value) for name, value in scope["headers"] if name != b"host"),
                (b"host", self._public.netloc.encode()),
            ]
        inner["root_path"], inner["path"] = root, root + (path or "/")
        inner["query_string"] = _limited(scope["query_string"].decode("latin-1")).encode("latin-1")
        try:
            await self._refresh(scope["app"])
        except (OSError, PostgresError, asyncpg.InterfaceError):
            gone = problem(503, "database_away", "database_away", headers={"Retry-After": str(RETRY_AFTER_S)})
            await gone(scope, receive, send)
            return
        await self.app(inner, receive, send)

    async def _refresh(self, outer: FastAPI) -> None:
        """Read the views and their extents again when something was published since."""
        async with outer.state.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT layer_revision('versions', 'divisions', 'stations', 'roads', 'water') AS n,"
                " city_day() AS day"
            )
            row = await cursor.fetchone()
        edition = (row["n"], row["day"])
        async with self._lock:
            if edition != self._edition:
                await register_collection_catalog(self.app, DatabaseSettings(schemas=[SCHEMA]))
                catalog = self.app.state.collection_catalog["collections"]
                for name, found in catalog.items():
                    catalog[name] = PublishedCollection(**{**found.__dict__, "schema": found.dbschema})
                self._edition = edition


def _limited(query: str) -> str:
    """Answer a limit above the largest with the largest, and refuse none (/req/core/fc-limit-response-1)."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name == "limit" for name, _ in pairs):
        return query

    def held(name: str, value: str) -> str:
        if name != "limit" or not re.fullmatch(r"\d{1,18}", value):
            return value
        # TiPg takes 0 for "as many as you like"; Part 1 wants at least 1: a value it refuses.
        return str(min(int(value), MAX_LIMIT)) if int(value) else "none"

    return urlencode([(name, held(name, value)) for name, value in pairs])


def add_ogc(app: FastAPI, *, public_url: str | None) -> None:
    """Mount the application; without its own lifespan, see `serving_ogc`."""
    inner = ogc_application()
    app.state.ogc = inner
    app.mount(PREFIX, Edge(inner, public_url))


@asynccontextmanager
async def serving_ogc(app: FastAPI, store: Store) -> AsyncIterator[None]:
    """Hold the connections of the OGC application: as a role that may read the published views only."""
    low, high = POOL
    pool = await asyncpg.create_pool(
        store.url,
        min_size=low,
        max_size=high,
        init=connection_factory([SCHEMA], "pg_temp"),
        server_settings={
            "role": ROLE,
            "search_path": f"{SCHEMA},public",
            "statement_timeout": str(1000 * STATEMENT_TIMEOUT_S),
            "application_name": "weige ogc",
        },
    )
    app.state.ogc.state.pool = pool
    try:
        yield
    finally:
        await pool.close()
