"""Connections to the store: one engine with the rights of whoever acts, one for the service itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ConnStatus, PGconn, Ping
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from api.cluster import Cluster
from api.errors import ClusterError, ServiceError
from api.settings import Settings

APP_ROLE = "weige_app"
SEARCH_PATH = "weige,public"
POOL_SIZE = 10
# Long work of jobs and loads.
WORK_TIMEOUT_S = 3600
CONNECT_S = 10
# How long commands wait for a server that is there but recovers from a crash.
RECOVERY_S = 120

# A network that drops a connection without a word is noticed within half a minute, not by a system's fifteen.
_OF_NETWORKS = {
    "tcp_user_timeout": "30000",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


class Store:
    """The database of a service.

    Parameters
    ----------
    url : str
        `postgresql://…`, of a role that owns the store's schemas.
    statement_timeout_s : int
        Longest a statement of a request may take, in seconds.
    """

    def __init__(self, url: str, *, statement_timeout_s: int = 30) -> None:
        self.url = url
        self._timeout_s = statement_timeout_s

    def conninfo(self, *, role: str | None = APP_ROLE, timeout_s: int | None = None) -> str:
        """Return the address for psycopg, with a role taken at the start (None: the owner's own)."""
        options = f"-c search_path={SEARCH_PATH} -c statement_timeout={1000 * (timeout_s or self._timeout_s)}"
        if role:
            options += f" -c role={role}"
        said = {**_OF_NETWORKS, **conninfo_to_dict(self.url)}
        return make_conninfo("", **{**said, "options": options, "application_name": "weige"})

    def _engine(self, *, role: str | None, timeout_s: int | None = None) -> Engine:
        conninfo = self.conninfo(role=role, timeout_s=timeout_s)
        return create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE, pool_pre_ping=True,
        )  # fmt: skip

    @cached_property
    def engine(self) -> Engine:
        """For requests: row-level security holds, and nothing is seen before somebody acts."""
        return self._engine(role=APP_ROLE)

    @cached_property
    def owner(self) -> Engine:
        """For the service's own books (keys, leases of jobs, numbers of events): all rows are seen."""
        return self._engine(role=None, timeout_s=WORK_TIMEOUT_S)

    @cached_property
    def work(self) -> Engine:
        """As `engine`, for jobs and loads: the same rights, a longer time."""
        return self._engine(role=APP_ROLE, timeout_s=WORK_TIMEOUT_S)

    @contextmanager
    def acting(
        self, actor: int | None, grants: Mapping[str, Sequence[str]], *, long: bool = False
    ) -> Iterator[Session]:
        """Open one transaction in which a user acts with the areas of each role (paths of divisions)."""
        with Session(self.work if long else self.engine) as session, session.begin():
            session.execute(
                text("SELECT act_as(:actor, cast(:grants AS jsonb))"),
                {"actor": actor, "grants": json.dumps({role: list(areas) for role, areas in grants.items()})},
            )
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        for name in ("engine", "owner", "work"):
            if name in self.__dict__:
                getattr(self, name).dispose()

    def _not_migrated(self, fault: BaseException | None) -> ClusterError | None:
        """Return what keeps a database of somebody else's from holding a store, if it is that."""
        told = str(fault).strip().partition("\n")[0]
        if isinstance(fault, pg.InsufficientPrivilege):
            role = make_url(self.url).username or "of this user"
            return ClusterError(
                "database_rights",
                f"the role {role} of DATABASE_URL may not do what the store needs ({told})",
                mend="let it own the database and make roles, and make the extensions postgis, ltree and"
                " btree_gist as a superuser",
                role=role,
                told=told,
            )
        if isinstance(fault, pg.UndefinedFile | pg.FeatureNotSupported):
            return ClusterError(
                "postgis_missing",
                f"the server has no PostGIS ({told})",
                mend="install postgresql-postgis there",
                told=told,
            )
        return None

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema up to a revision; others who migrate meanwhile wait."""
        # Imported where it is needed: of the processes of a service one migrates, and all wait for imports.
        from alembic import command
        from alembic.config import Config

        configuration = Config()
        configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        configuration.attributes["url"] = self.url
        try:
            command.upgrade(configuration, revision)
        except (DBAPIError, pg.Error) as error:
            fault = error.orig if isinstance(error, DBAPIError) else error
            raise self._not_migrated(fault) or error from error
        again = (resources.files("api.migrations") / "sql" / "every_start.sql").read_text(encoding="utf-8")
        with psycopg.connect(self.conninfo(role=None), autocommit=True) as connection:
            connection.execute(again.encode())


async def require_open(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise OperationalError where the server has ended a pooled connection; the server is asked nothing.

    A question to the server would cost every request a turn; what it said before it left waits in the socket.
    """
    # The first reads its last words, the second that nothing follows.
    for _ in range(2):
        connection.pgconn.consume_input()
    if connection.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError("the server has ended the connection")


@contextmanager
def store_of(settings: Settings, *, make: bool = False) -> Iterator[Store]:
    """Open the store that the settings name, with the private cluster running where they name none.

    Parameters
    ----------
    settings : Settings
    make : bool, default False
        Make a private cluster where there is none: a command in the wrong folder must not begin another.

    Raises
    ------
    ClusterError
        There is no store, or it cannot be reached.
    ServiceError
        The database refused something inside the block.
    """
    try:
        if settings.database_url:
            _require_database(settings.database_url)
            yield from _opened(settings.database_url, settings)
            return
        cluster = Cluster(settings.data_dir)
        if not (make or cluster.is_made()):
            raise ClusterError(
                "store_missing",
                "there is no store in this folder",
                mend="name its folder with --data-dir or WEIGE_DATA_DIR, or make a new one with weige serve",
                file=str(settings.data_dir),
            )
        with cluster.held():
            yield from _opened(cluster.url, settings)
    except DBAPIError as error:
        raise _told(error.orig) from error
    except pg.Error as error:
        raise _told(error) from error


def _require_database(url: str) -> None:
    """Refuse what is no address, wait for a server that recovers, and raise where none answers."""
    try:
        named = make_url(url).get_backend_name()
    except (ArgumentError, ValueError):
        named = ""
    if named not in ("postgresql", "postgres"):
        raise ClusterError(
            "database_url_not_valid",
            "DATABASE_URL is not the address of a PostgreSQL database",
            mend="write postgresql://user:password@host/name",
        )
    conninfo = make_conninfo(url, connect_timeout=CONNECT_S)
    end = time.monotonic() + RECOVERY_S
    while PGconn.ping(conninfo.encode()) == Ping.REJECT and time.monotonic() < end:
        time.sleep(0.5)
    psycopg.connect(conninfo).close()


def _told(error: BaseException | None) -> Exception:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, pg.OperationalError | pg.InternalError):
        return ClusterError(
            "database_away",
            f"the database does not answer: {said}",
            mend="nothing was changed; try again",
            told=said,
        )
    return ServiceError("database_refused", f"the database refused it: {said}", told=said)


def _opened(url: str, settings: Settings) -> Iterator[Store]:
    store = Store(url, statement_timeout_s=settings.statement_timeout_s)
    try:
        yield store
    finally:
        store.close()
