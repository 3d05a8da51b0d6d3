"""What most tests of cases stand on: a street with its desk, and the service over its store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.database import Store
from api.main import create_app
from api.settings import Settings
from tests.api.accounts import add_person, bearer, service
from tests.api.cases.desk import Desk, open_desk
from tests.api.processes import api_thread


@pytest.fixture
def desk(store: Store) -> Desk:
    return open_desk(store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The service's folder, where photos lie."""
    return tmp_path / "data"


@pytest.fixture
def client(store: Store, folder: Path) -> Iterator[TestClient]:
    with service(store, data_dir=folder) as opened:
        yield opened


@pytest.fixture
def address(store: Store, folder: Path) -> Iterator[str]:
    """Where browsers find the service."""
    with api_thread(create_app(Settings(data_dir=folder), store.url)) as running:
        yield running


@pytest.fixture
def admin(desk: Desk) -> dict[str, str]:
    """The headers of who administers the street."""
    return bearer(add_person(desk.store, "admin_of_street", ("admin", desk.street))[1])
