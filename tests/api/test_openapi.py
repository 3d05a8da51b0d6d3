"""The OpenAPI document is what the service does: schemathesis reads it and asks the running service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient

from api.database import Store
from api.main import create_app
from api.settings import Settings
from tests.api.place import draw_community, token_for

LEAST_CASES = 2000
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def address(store: Store, tmp_path: Path) -> Iterator[str]:
    """The service on a port of this machine, in a thread."""
    settings = Settings(data_dir=tmp_path, requests_per_minute=10_000_000)
    server = uvicorn.Server(uvicorn.Config(create_app(settings, store.url), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.slow
@pytest.mark.skipif("WEIGE_CONTRACT" not in os.environ, reason="takes minutes: make contract")
def test_no_answer_is_a_5xx_or_undocumented(address: str, store: Store, tmp_path: Path):
    for number in range(3):
        draw_community(store, f"32092400100{number}", [[10, 20, 20, 10], [10, 20, 20, 10]], lon=120 + number)
    headers = token_for(store, "everything", "admin")
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
            "--header", f"Authorization: {headers['Authorization']}", "--checks", CHECKS,
            "--max-examples", "25", "--seed", "1", "--no-color", "--exclude-path-regex", "/events$",
        ],
        capture_output=True, text=True, cwd=tmp_path, timeout=1500, check=False,
    )  # fmt: skip
    generated = re.search(r"([\d,]+) (?:generated|test cases)", done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]
    assert generated is not None, done.stdout[-2000:]
    assert int(generated.group(1).replace(",", "")) >= LEAST_CASES


def test_every_operation_is_described_and_documents_its_refusals(client: TestClient):
    document = client.get("/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description") or operation.get("summary"), (method, path)
            refusals = [status for status in operation["responses"] if status[0] in "45"]
            assert refusals, (method, path)
            for status in refusals:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"], (
                    method, path, status,
                )  # fmt: skip
