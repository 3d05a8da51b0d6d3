"""A real PostGIS for the tests of the service: one private cluster a worker, one migrated database a test."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text

from api.cluster import Cluster
from api.database import Store
from api.main import create_app
from api.settings import Settings
from tests.accessibility import findings, hook  # noqa: F401
from tests.api.planner_page import desk, place, served, signed_in, worker  # noqa: F401
from tests.maps.chromium import browser  # noqa: F401

# No waiting for the disk: a database for each test is cheap then. Tests of crashes have their own clusters.
HASTY = ("fsync", "full_page_writes", "synchronous_commit")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The private cluster as `weige serve` makes it; its migrated database is the template of others."""
    with tempfile.TemporaryDirectory(prefix="weige-") as folder:
        # As root the cluster belongs to another user, who must be able to enter.
        Path(folder).chmod(0o755)
        with Cluster(Path(folder)).held() as running:
            template = Store(running.url)
            template.migrate()
            with template.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for setting in HASTY:
                    connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
                connection.execute(text("SELECT pg_reload_conf()"))
            template.close()
            yield running


@contextmanager
def empty_store(cluster: Cluster) -> Iterator[Store]:
    """Make a migrated, empty store, and drop it at the end."""
    name = f"test_{secrets.token_hex(6)}"
    admin = create_engine(
        make_url(cluster.url).set(drivername="postgresql+psycopg", database="postgres"),
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE weige STRATEGY FILE_COPY"))
    own = Store(make_url(cluster.url).set(database=name).render_as_string(hide_password=False))
    try:
        yield own
    finally:
        own.close()
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Store]:
    """A migrated, empty store of its own."""
    with empty_store(cluster) as own:
        yield own


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    """The application over the test's own store."""
    with TestClient(create_app(Settings(), store.url), raise_server_exceptions=False) as open_client:
        yield open_client
