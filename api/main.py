"""create_app: the only place where the parts of the service are wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from threading import Thread
from typing import Any

from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from api.bodies import add_body_limit
from api.cases.report_batches import ReportBatches
from api.cases.wall_feed import WallFeed
from api.database import Store, require_open
from api.limiting import add_limits
from api.live import Live
from api.ogc import add_ogc, serving_ogc
from api.openapi import add_openapi
from api.operation import add_operation
from api.pages import add_pages
from api.problems import add_problem_handlers
from api.requests import add_replay
from api.routes import (
    burden,
    burden_page,
    cards_page,
    case_account,
    case_lists,
    case_pages,
    cases,
    compare_page,
    comparisons,
    contacts,
    dispatch,
    divisions,
    duty_page,
    events,
    exports,
    ground,
    import_page,
    indicator_pages,
    indicators,
    intake,
    jobs,
    ledgers,
    mechanisms,
    meetings,
    nearest,
    offers_page,
    open311,
    packs,
    pages,
    people,
    photos,
    places,
    planner,
    plans,
    points_page,
    proposals,
    record_page,
    records,
    report_page,
    reports,
    scenarios,
    solved_page,
    station_register,
    stations,
    stations_page,
    uploads,
    visits,
    visits_page,
    wall,
    wall_page,
    whistles,
    whistles_page,
)
from api.settings import Settings
from api.tiles import add_tiles
from api.walking import Walks

# Each is asked in turn whether a path is its own: reports of cases, which come in storms, are near the front.
_RESOURCES = (
    # Before the cases, whose numbers would take their paths.
    case_lists,
    cases,
    pages,
    planner,
    compare_page,
    cards_page,
    record_page,
    import_page,
    people,
    divisions,
    plans,
    proposals,
    scenarios,
    packs,
    comparisons,
    records,
    # Before the stations, whose ids would take their paths.
    nearest,
    station_register,
    stations,
    stations_page,
    exports,
    ledgers,
    events,
    jobs,
    uploads,
    case_account,
    wall,
    dispatch,
    whistles,
    case_pages,
    ground,
    places,
    wall_page,
    photos,
    contacts,
    reports,
    report_page,
    intake,
    open311,
    indicators,
    indicator_pages,
    solved_page,
    mechanisms,
    visits,
    burden,
    meetings,
    offers_page,
    duty_page,
    whistles_page,
    visits_page,
    points_page,
    burden_page,
)
# What stands behind a plan that is opened: seconds of loading, for whoever is the first to ask.
_BEHIND_PLANS = ("api.version_pack", "maps.export", "maps.styles", "api.proposals")
# Connections of one worker for the hot routes (intake, tiles, live).
HOT_POOL = (2, 20)
# For so many seconds a pool tries by itself to reach a database that is away.
RECONNECT_S = 5.0


def _load_ahead() -> None:
    """Load what stands behind plans, while nobody waits for it."""
    for name in _BEHIND_PLANS:
        import_module(name)


def pool_of(store: Store, low: int, high: int, **options: Any) -> AsyncConnectionPool[Any]:
    """Return a pool, to be opened, of `low` to `high` connections with some options of psycopg."""
    return AsyncConnectionPool(
        store.conninfo(),
        min_size=low,
        max_size=high,
        open=False,
        check=require_open,
        # After that the next request tries at once; by itself the pool would try ever more seldom.
        reconnect_timeout=RECONNECT_S,
        kwargs={"row_factory": dict_row, **options},
    )


def create_app(settings: Settings, store_url: str) -> FastAPI:
    """Return the service over a store that is migrated and running.

    Parameters
    ----------
    settings : Settings
    store_url : str
        `postgresql://…`; of the private cluster where the settings name no database.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(store_url, statement_timeout_s=settings.statement_timeout_s)
        app.state.store, app.state.settings = store, settings
        pool, reporting = pool_of(store, *HOT_POOL), pool_of(store, 1, 1, autocommit=True)
        async with pool, reporting, serving_ogc(app, store):
            app.state.pool = pool
            app.state.report_batches = ReportBatches(reporting)
            app.state.walks = Walks()
            app.state.live = live = Live(store, pool)
            await live.start()
            app.state.walls = walls = WallFeed(store, live)
            Thread(target=_load_ahead, name="load ahead", daemon=True).start()
            yield
            await walls.close()
            await live.stop()
        store.close()

    app = FastAPI(
        title="weige",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    add_problem_handlers(app)
    add_replay(app)
    add_pages(app)
    add_body_limit(app, most_bytes=settings.max_body_bytes)
    add_limits(app, per_minute=settings.requests_per_minute)
    add_operation(app)
    for resource in _RESOURCES:
        app.include_router(resource.router)
    app.include_router(photos.reports)
    app.include_router(open311.publication)
    add_tiles(app)
    add_ogc(app, public_url=settings.public_url)
    add_openapi(app)
    return app
