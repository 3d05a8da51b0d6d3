"""The OpenAPI document is what the service does: schemathesis reads it and asks the running service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from limits import RateLimitItemPerMinute

from api import limiting
from api.database import Store
from api.main import create_app
from api.operation import REQUESTS
from api.settings import Settings
from tests.api.place import draw_community, token_for
from tests.api.processes import api_thread

LEAST_CASES = 2000
# Operations of which some request must have been answered with success.
LEAST_OPERATIONS = 35
_OF_KEYS = "tokens|grants|/users/[^/]+$"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def address(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service on a port of this machine, in a thread."""
    # Requests without a key are among the cases; their limit has tests of its own.
    monkeypatch.setattr(limiting, "REFUSALS_FROM_ADDRESS", RateLimitItemPerMinute(10_000_000))
    settings = Settings(data_dir=tmp_path, requests_per_minute=10_000_000)
    with api_thread(create_app(settings, store.url)) as running:
        yield running


@pytest.mark.slow
def test_no_answer_is_a_5xx_or_undocumented(address: str, store: Store, tmp_path: Path):
    places = [
        draw_community(store, f"32092400100{number}", [[10, 20, 20, 10], [10, 20, 20, 10]], lon=120 + number)
        for number in range(3)
    ]
    known = {
        "community_id": [place.community_id for place in places],
        "division_id": [place.community_id for place in places],
        "plan_id": [str(place.plan_id) for place in places],
        "version_id": [str(place.version_id) for place in places],
        "other_id": [str(place.version_id) for place in places],
    }
    hooks = {"SCHEMATHESIS_HOOKS": "tests.api.contract_hooks", "WEIGE_KNOWN_IDS": json.dumps(known)}
    root = Path(__file__).parents[2]
    headers = token_for(store, "everything", "admin")
    generated = 0
    # What can take the asker's own key or role away comes last.
    for chosen in (("--exclude-path-regex", f"/events$|{_OF_KEYS}"), ("--include-path-regex", _OF_KEYS)):
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
                "--header", f"Authorization: {headers['Authorization']}", "--checks", CHECKS,
                "--max-examples", "25", "--seed", "1", "--no-color", *chosen,
            ],
            capture_output=True, text=True, cwd=tmp_path, timeout=1500, check=False,
            env={**os.environ, **hooks, "PYTHONPATH": str(root)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:]
        assert "Stateful" in done.stdout, done.stdout[-2000:]
        told = re.search(r"([\d,]+) (?:generated|test cases)", done.stdout)
        assert told is not None, done.stdout[-2000:]
        generated += int(told.group(1).replace(",", ""))
    assert generated >= LEAST_CASES
    answered = [sample for metric in REQUESTS.collect() for sample in metric.samples]
    done_well = {
        (sample.labels["method"], sample.labels["route"])
        for sample in answered
        if sample.name.endswith("_total") and sample.labels["status"].startswith("2")
    }
    # What needs an entity tag or a whole file is seldom guessed; most of the rest must be reached.
    assert len(done_well) >= LEAST_OPERATIONS, sorted(done_well)


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


def test_every_json_body_and_answer_has_an_example_that_fits_its_schema(client: TestClient):
    document = client.get("/api/v1/openapi.json").json()
    seen = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
            for part in (operation.get("requestBody", {}), *told):
                media = part.get("content", {}).get("application/json")
                if media is None:
                    continue  # files, tiles and streams
                assert "example" in media, (method, path)
                schema = {**media["schema"], "components": document["components"]}
                jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(media["example"])
                seen += 1
    assert seen > 50


def test_posts_that_take_an_idempotency_key_say_so_and_no_others(client: TestClient):
    document = client.get("/api/v1/openapi.json").json()
    saying = {
        path
        for path, operations in document["paths"].items()
        for named in operations.get("post", {}).get("parameters", ())
        if (named["name"], named["in"]) == ("Idempotency-Key", "header")
    }
    posts = {path for path, operations in document["paths"].items() if "post" in operations}
    assert len(saying) >= 10
    # Keys and numbers of people are shown once and never kept; an upload is known by its content.
    shown_once = ("/api/v1/users", "/api/v1/uploads", "/api/v1/cases/{number}/calls")
    assert posts - saying == {path for path in posts if path.startswith(shown_once)}
    named = [
        parameter
        for operation in document["paths"].values()
        for method in operation.values()
        for parameter in method.get("parameters", ())
        if parameter["name"] == "Idempotency-Key"
    ]
    assert len(named) == len(saying)
