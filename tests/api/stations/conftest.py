"""What tests of stations stand on: a street whose planner keeps them, and the service over its store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.database import Store
from tests.api.accounts import add_person, root_id, service
from tests.api.cases.desk import Desk, open_desk


@pytest.fixture
def desk(store: Store) -> Desk:
    made = open_desk(store)
    made.ids["planner"], made.tokens["planner"] = add_person(store, "planner", ("planner", made.street))
    made.ids["admin"], made.tokens["admin"] = add_person(store, "admin", ("admin", root_id(store)))
    return made


@pytest.fixture
def client(desk: Desk, tmp_path: Path) -> Iterator[TestClient]:
    with service(desk.store, data_dir=tmp_path) as opened:
        yield opened
