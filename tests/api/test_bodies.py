"""Bodies of requests: those above the limit are refused, and not read to their end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.database import Store
from api.main import create_app
from api.settings import MAX_BODY_BYTES, Settings
from tests.api.place import draw_community, token_for

LIMIT = 10_000


@pytest.fixture
def limited(store: Store, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(data_dir=tmp_path, max_body_bytes=LIMIT)
    with TestClient(create_app(settings, store.url), raise_server_exceptions=False) as open_client:
        yield open_client


def test_a_body_that_says_it_is_too_large_is_refused_without_being_read(limited: TestClient):
    answer = limited.post("/api/v1/stations", content=b"", headers={"Content-Length": str(600 << 20)})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k1"}])
@pytest.mark.parametrize("path", ["/api/v1/stations", "/api/v1/users", "/login"])
def test_a_body_in_pieces_is_read_no_further_than_the_limit(
    limited: TestClient, store: Store, path: str, key: dict[str, str]
):
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1000
            yield b" " * 1000

    headers = {**token_for(store, "p", "admin"), **key}
    headers["Content-Type"] = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    answer = limited.post(path, content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_uploads_have_limits_of_their_own_and_a_folder_for_nobody_else(
    limited: TestClient, store: Store, tmp_path: Path
):
    rows = "unit_id,households\n" + "".join(f"u{n},1\n" for n in range(LIMIT))
    answer = limited.post(
        "/api/v1/uploads?name=units.csv", content=rows, headers=token_for(store, "p", "planner")
    )
    assert answer.status_code == 201, answer.text
    assert (tmp_path / "uploads").stat().st_mode & 0o777 == 0o700


def test_an_edit_of_as_many_units_as_an_edit_may_name_fits(client: TestClient, store: Store):
    place = draw_community(store, "320924001001", [[10, 20], [10, 20]])
    body = json.dumps({"action": "paint", "moves": [{"unit_ids": [f"{n:0200}" for n in range(20_000)]}]})
    assert len(body) < MAX_BODY_BYTES
    headers = {**token_for(store, "p", "planner"), "If-Match": '"1"', "Content-Type": "application/json"}
    answer = client.post(f"/api/v1/versions/{place.version_id}/edits", content=body, headers=headers)
    assert answer.status_code in (404, 409, 422), answer.text  # there are no such units


def test_the_limit_is_documented_wherever_a_body_is_taken(client: TestClient):
    document = client.get("/api/v1/openapi.json").json()
    with_body = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    assert with_body
    assert all("413" in operation["responses"] for operation in with_body)
